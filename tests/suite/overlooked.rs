//! Files that cargo passes by because they are not newer than what somebody else made in the meantime.

use crate::scene::Scene;

/// Writes a file with the time of what stood there before.
fn put_with_old_time(scene: &Scene, path: &str, text: &str) {
    let modified = scene.at(path).metadata().unwrap().modified().unwrap();
    scene.write(path, text);
    std::fs::File::options().write(true).open(scene.at(path)).unwrap().set_modified(modified).unwrap();
}

#[test]
fn what_plain_cargo_compiled_since_our_last_run() {
    let scene = Scene::of(&["alpha"]);
    scene.call("check").succeeds();
    scene.append("alpha/src/lib.rs", "// longer\n");
    scene.call("").plain_cargo("check --workspace");
    put_with_old_time(&scene, "alpha/src/lib.rs", "compile_error!(\"seen\");\n");
    let plain = scene.call("").plain_cargo("check --workspace");
    assert!(!plain.contains("Checking"), "cargo does not look: {plain}");
    for _ in 0..2 {
        let ended = scene.call("check").succeeds();
        assert!(ended.err().contains("alpha/src/lib.rs changed, but is not newer"), "{}", ended.text());
        assert!(!ended.was_fresh(), "{}", ended.text());
    }
    scene.touch_everything();
    assert_eq!(scene.call("check").run().code, Some(1));
}

#[test]
fn what_another_phase_had_a_build_script_read() {
    let scene = Scene::of(&["alpha"]).file("alpha/word.txt", "one");
    let script = "fn main() {\n    println!(\"cargo::rerun-if-changed=word.txt\");\n    \
                  assert_ne!(std::fs::read_to_string(\"word.txt\").unwrap(), \"bad\");\n}\n";
    scene.write("alpha/build.rs", script);
    scene.call("build").succeeds();
    scene.write("alpha/word.txt", "two");
    scene.call("check").succeeds();
    put_with_old_time(&scene, "alpha/word.txt", "bad");
    for _ in 0..2 {
        let ended = scene.call("build").succeeds();
        assert!(ended.err().contains("alpha/word.txt changed, but is not newer"), "{}", ended.text());
        assert!(!ended.was_fresh(), "{}", ended.text());
    }
    scene.touch_everything();
    assert_eq!(scene.call("build").run().code, Some(1));
    scene.write("alpha/word.txt", "three");
    scene.call("build").succeeds();
    assert!(scene.call("build").succeeds().was_fresh());
}

#[test]
fn what_plain_cargo_made_of_files_as_they_are() {
    let scene = Scene::of(&["alpha"]);
    scene.call("").plain_cargo("check --workspace");
    let first = scene.call("check").succeeds();
    assert!(!first.err().contains("not kept"), "{}", first.text());
    assert!(scene.call("check").succeeds().was_fresh());
}
