//! What cargo does not look at, or looks at too late: it is said and not kept.

use std::fs;
use std::os::unix::fs::symlink;

use crate::scene::Scene;

/// Cargo looks at what rustc has read, not at what it would find now: E0761 is not seen.
#[test]
fn a_second_file_for_a_module() {
    let cases = [
        ("alpha/src/part.rs", "alpha/src/part/mod.rs", "alpha: src/part/mod.rs is new"),
        ("alpha/src/part/mod.rs", "alpha/src/part.rs", "alpha: src/part.rs is new"),
        ("tools/part.rs", "tools/part/mod.rs", "tools/part/mod.rs is new"),
        ("tools/part/mod.rs", "tools/part.rs", "tools/part.rs is new"),
    ];
    for (first, second, expected) in cases {
        let scene = Scene::of(&["alpha"]).file(first, "");
        let crate_root = if first.starts_with("tools") { "tools/x.rs" } else { "alpha/src/lib.rs" };
        scene.write(crate_root, "#![allow(dead_code)]\nmod part;\nfn main() {}\n");
        scene.append("alpha/Cargo.toml", "[[bin]]\nname = \"x\"\npath = \"../tools/x.rs\"\n");
        if crate_root != "tools/x.rs" {
            scene.write("tools/x.rs", "fn main() {}\n");
        }
        scene.call("check").succeeds();
        assert!(scene.call("check").succeeds().was_fresh());
        scene.write(second, "");
        scene.call("check").plain_cargo("check");
        assert!(scene.call("check -n").succeeds().out().contains(expected));
        let said = format!("`[root]/{second}` may be the same module as `[root]/{first}`, and cargo did not look");
        for _ in 0..2 {
            let ended = scene.call("check").succeeds();
            assert!(ended.err().contains(&said), "{}", ended.text());
        }
        scene.touch_everything();
        let failed = scene.call("check").run();
        assert!(failed.code == Some(1) && failed.err().contains("E0761"), "{}", failed.text());
        scene.remove(second);
        scene.call("check").succeeds();
        assert!(scene.call("check").succeeds().was_fresh());
    }
}

#[test]
fn a_folder_that_is_renamed_into_the_place_of_a_module() {
    let scene = Scene::of(&["alpha"]).file("alpha/src/part.rs", "").file("alpha/src/other/mod.rs", "");
    scene.write("alpha/src/lib.rs", "mod part;\n");
    scene.call("check").succeeds();
    scene.rename("alpha/src/other", "alpha/src/part");
    let ended = scene.call("check").succeeds();
    assert!(ended.err().contains("may be the same module"), "{}", ended.text());
}

#[test]
fn what_changes_while_it_is_read_for_the_first_time_is_not_kept() {
    let scene = Scene::of(&["alpha"]).file("data/one", "1").file("file", "1");
    for watched in ["data", "file"] {
        let changed = if watched == "data" { "data/one" } else { "file" };
        let script = format!(
            "fn main() {{\n    println!(\"cargo::rerun-if-changed=../{watched}\");\n    \
             std::fs::write(\"../{changed}\", \"{watched}\").unwrap();\n}}\n"
        );
        scene.write("alpha/build.rs", &script);
        let ended = scene.call("check").succeeds();
        assert!(ended.err().contains("changed while it ran"), "{}", ended.text());
        assert!(!scene.call("check").succeeds().was_fresh());
    }
}

/// Cargo looks at the times of what links lead to.
#[test]
fn a_link_that_leads_to_an_older_file_now() {
    let scene = Scene::of(&["alpha"]).file("one.txt", "one").file("two.txt", "two");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    fs::File::options().write(true).open(scene.at("two.txt")).unwrap().set_modified(old).unwrap();
    symlink("one.txt", scene.at("link.txt")).unwrap();
    scene.append("alpha/src/lib.rs", "const _: () = assert!(include_str!(\"../../link.txt\").len() == 3);\n");
    scene.call("check").succeeds();
    scene.remove("link.txt");
    symlink("two.txt", scene.at("link.txt")).unwrap();
    for _ in 0..2 {
        let ended = scene.call("check").succeeds();
        assert!(ended.err().contains("link.txt changed, but is not newer than the last run"), "{}", ended.text());
    }
}

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

/// For a build script that asks for nothing cargo looks at the newest time in the package alone.
#[test]
fn what_a_build_script_reads_that_asks_for_nothing() {
    let script =
        "fn main() {\n    assert_ne!(std::fs::read_to_string(\"word.txt\").unwrap_or_default(), \"bad\");\n}\n";
    for what in ["a file of the future", "a file that goes", "no state", "nothing"] {
        let scene = Scene::of(&["alpha"]).file("alpha/word.txt", "one").file("alpha/build.rs", script);
        let future = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
        let later = fs::File::options().write(true).open(scene.at("alpha/src/lib.rs")).unwrap();
        if what == "a file of the future" || what == "no state" {
            later.set_modified(future).unwrap();
        }
        scene.call("build").succeeds();
        assert!(scene.call("build").succeeds().was_fresh());
        match what {
            "a file that goes" => scene.remove("alpha/word.txt"),
            _ => scene.write("alpha/word.txt", "bad"),
        }
        if what == "no state" {
            fs::remove_dir_all(scene.at("target/lifecycle")).unwrap();
        }
        if what == "nothing" {
            assert_eq!(scene.call("build").run().code, Some(1), "cargo sees it");
            continue;
        }
        for _ in 0..2 {
            let ended = scene.call("build").succeeds();
            assert!(ended.err().contains("alpha") && ended.err().contains("not kept"), "{what}: {}", ended.text());
            assert!(!ended.was_fresh(), "{what}");
        }
        scene.append("alpha/build.rs", "// touched\n");
        assert_eq!(scene.call("build").run().code, Some(i32::from(what != "a file that goes")), "{what}");
    }
}

/// A run of other units says nothing of those that it left as they were.
#[test]
fn what_was_not_compiled_in_the_last_run() {
    let runs = |then: &str, change: Option<&str>| {
        let scene = Scene::of(&["alpha", "beta"]);
        scene.call("check").succeeds();
        if let Some(text) = change {
            scene.append("beta/src/lib.rs", text);
        } else {
            scene.append("alpha/src/lib.rs", "// edited\n");
        }
        scene.call(then).succeeds();
        scene.write("beta/src/lib.rs", "compile_error!(\"seen\");\n");
        let file = fs::File::options().write(true).open(scene.at("beta/src/lib.rs")).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000)).unwrap();
        for _ in 0..2 {
            let ended = scene.call("check").succeeds();
            assert!(ended.err().contains("src/lib.rs changed, but is not newer"), "{then}: {}", ended.text());
            assert!(!ended.was_fresh(), "{then}");
        }
        scene.touch_everything();
        assert_eq!(scene.call("check").run().code, Some(1), "{then}");
    };
    runs("check -p alpha", None);
    runs("check --release", None);
    runs("check --release", Some("// edited\n"));
}

/// Documentation is made again for files of the package alone; what it reads elsewhere, rustdoc does not tell.
#[test]
fn documentation_of_a_file_outside_of_the_package() {
    let scene = Scene::of(&["base", "user base"]).file("shared.rs", "pub const WORD: u32 = 1;\n");
    scene.append("base/src/lib.rs", "#[path = \"../../shared.rs\"]\npub mod shared;\n");
    scene.call("doc").succeeds();
    assert!(scene.call("doc").succeeds().was_fresh());
    scene.write("shared.rs", "pub const WORD: u32 = 2;\n");
    for _ in 0..2 {
        let ended = scene.call("doc").succeeds();
        let said = "shared.rs is newer than the documentation of base, which reads it, and cargo did not look at it";
        assert!(ended.err().contains(said), "{}", ended.text());
        let page = fs::read_to_string(scene.at("target/doc/base/shared/constant.WORD.html")).unwrap();
        assert!(page.contains("= 1"), "cargo has seen it, and what is said of it is not true:\n{page}");
    }
    scene.touch_everything();
    scene.call("doc").succeeds();
    let page = fs::read_to_string(scene.at("target/doc/base/shared/constant.WORD.html")).unwrap();
    assert!(page.contains("= 2"), "{page}");
    assert!(scene.call("doc").succeeds().was_fresh());
}

/// A member `alpha` with a build script that watches this path, and a library in which it stands how many entries are there.
fn counting(path: &str) -> Scene {
    let scene = Scene::of(&["alpha"]);
    let script = format!(
        "fn main() {{\n    println!(\"cargo::rerun-if-changed={path}\");\n    \
         let count = std::fs::read_dir(\"{path}\").map_or(0, Iterator::count);\n    \
         println!(\"cargo::rustc-env=COUNT={{count}}\");\n}}\n"
    );
    scene.write("alpha/build.rs", &script);
    scene.append("alpha/src/lib.rs", "pub const COUNT: &str = env!(\"COUNT\");\n");
    scene
}

/// Plain cargo takes everything for fresh; we say that it does not look, again and again. Then the script is run.
#[track_caller]
fn is_said_until_touched(scene: &Scene, said: &str) {
    for _ in 0..2 {
        let ended = scene.call("build").succeeds();
        assert!(ended.err().contains(said) && ended.err().contains("not kept"), "{}", ended.text());
        assert!(!ended.was_fresh(), "{}", ended.text());
    }
    let plain = scene.call("").plain_cargo("build --workspace");
    assert!(!plain.contains("Compiling"), "cargo sees it, and what is said of it is not true: {plain}");
    scene.touch_everything();
}

#[track_caller]
fn settles(scene: &Scene) {
    let ended = scene.call("build").succeeds();
    assert!(!ended.was_fresh() && !ended.err().contains("not kept"), "{}", ended.text());
    assert!(scene.call("build").succeeds().was_fresh());
}

/// Cargo compares the newest time below a watched folder with that of the script's last run, and does not know that there
/// was nothing then.
#[test]
fn a_watched_folder_that_goes_and_comes_back_with_its_old_times() {
    let cases = [
        ("data", "alpha/data", "alpha/data"),
        ("data/deep/er", "alpha/data/deep/er", "alpha/data"),
        ("../../side/data", "../side/data", "../side/data"),
        ("../../side/data", "../side/data", "../side"),
    ];
    for (watched, folder, moved) in cases {
        for without_us in [false, true] {
            let scene = counting(watched).file(&format!("{folder}/one"), "1");
            scene.call("build").succeeds();
            assert!(scene.call("build").succeeds().was_fresh());
            scene.rename(moved, "../away");
            if without_us {
                scene.call("").plain_cargo("build --workspace");
            } else {
                let ended = scene.call("build").succeeds();
                assert!(ended.err().contains("which is not there"), "{}", ended.text());
            }
            scene.rename("../away", moved);
            if !without_us && moved == "../side" {
                // A time above the folder says nothing of it.
                scene.write("../side/more", "1");
            }
            is_said_until_touched(&scene, "changed, but is not newer than the last run");
            fs::File::open(scene.at(folder)).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
            settles(&scene);
        }
    }
}

#[test]
fn what_comes_to_a_watched_folder_with_old_times_and_leaves_it_its_own() {
    for what in ["a file", "a folder", "a folder for a file", "one file less"] {
        let scene = counting("data").file("../old/one", "1").file("../old/deep/er/one", "1");
        match what {
            "a folder for a file" => scene.write("alpha/data", "1"),
            "one file less" => scene.write("alpha/data/two", "2"),
            _ => {}
        }
        if what != "a folder for a file" {
            scene.write("alpha/data/one", "1");
        }
        let time = fs::metadata(scene.at("alpha/data")).unwrap().modified().unwrap();
        scene.call("build").succeeds();
        assert!(scene.call("build").succeeds().was_fresh());
        match what {
            "a file" => scene.rename("../old/one", "alpha/data/more"),
            "a folder" => scene.rename("../old/deep", "alpha/data/more"),
            "one file less" => scene.remove("alpha/data/two"),
            _ => {
                scene.remove("alpha/data");
                scene.rename("../old", "alpha/data");
            }
        }
        fs::File::open(scene.at("alpha/data")).unwrap().set_modified(time).unwrap();
        let said = if what == "one file less" {
            "alpha: data/two is gone, and cargo did not run the build script again"
        } else {
            "changed, but is not newer than the last run"
        };
        is_said_until_touched(&scene, said);
        settles(&scene);
    }
}

/// The time of the folder itself is a new one then.
#[test]
fn what_is_moved_into_a_watched_folder_is_seen() {
    for moved in ["../old/one", "../old/deep"] {
        let scene = counting("data").file("../old/one", "1").file("../old/deep/er/one", "1");
        fs::create_dir(scene.at("alpha/data")).unwrap();
        scene.call("build").succeeds();
        assert!(scene.call("build").succeeds().was_fresh());
        scene.rename(moved, "alpha/data/more");
        settles(&scene);
    }
}
