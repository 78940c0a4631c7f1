//! Checkouts that share a target directory: cargo takes what one has compiled for the other's where sources are older.

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// A checkout beside the other, whose path begins with that one's.
const OTHER: &str = "../shop2";
const LIBRARY: &str = "a/src/lib.rs";
const PROGRAM: &str = "a/src/main.rs";
const SCRIPT: &str = "a/build.rs";
const WHOLE: &str = "pub fn one() {}\n";
const MAIN: &str = "fn main() {}\n";
const BROKEN: &str = "compile_error!(\"seen\");\n";
const SILENT: &str = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n}\n";

/// Two equal checkouts of a workspace of these members, with these files.
fn checkouts(members: &[&str], files: &[(&str, &str)]) -> Scene {
    let scene = Scene::of(members);
    if !files.iter().any(|(path, _)| *path == LIBRARY) {
        scene.remove(LIBRARY);
    }
    for (path, text) in files {
        scene.write(path, text);
    }
    for entry in walkdir::WalkDir::new(scene.root()).into_iter().map(Result::unwrap) {
        let path = entry.path().strip_prefix(scene.root()).unwrap().to_str().unwrap();
        if entry.file_type().is_file() {
            scene.write(&format!("{OTHER}/{path}"), &std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    scene
}

/// A call in one of the two, with the directory that they share.
fn call(scene: &Scene, root: &str, words: &str) -> Call {
    scene.call(words).from(root).env("CARGO_TARGET_DIR", scene.at("../shared"))
}

#[track_caller]
fn is_refused(ended: &Ended, said: &str) {
    assert!(ended.code == Some(0) && !ended.was_fresh(), "{}", ended.text());
    assert!(ended.err().contains(said) && ended.err().contains("this result is not kept"), "{}", ended.text());
}

#[test]
fn what_plain_cargo_compiled_in_another_checkout() {
    for (phase, plain) in [("check", "check"), ("build", "build"), ("lint", "clippy --all-targets")] {
        for (first, second) in [(".", OTHER), (OTHER, ".")] {
            let scene = checkouts(&["a"], &[(LIBRARY, WHOLE)]);
            scene.write(&format!("{second}/{LIBRARY}"), BROKEN);
            call(&scene, first, "").plain_cargo(plain);
            let shown = if first == "." { "[root]" } else { "[root]2" };
            let said = format!("what cargo took for a/src/lib.rs was compiled in `{shown}`,");
            for _ in 0..2 {
                is_refused(&call(&scene, second, phase).succeeds(), &said);
            }
            scene.write(&format!("{second}/{LIBRARY}"), BROKEN);
            assert_eq!(call(&scene, second, phase).run().code, Some(1));
        }
    }
}

#[test]
fn a_program_that_another_checkout_built() {
    let scene = checkouts(&["a"], &[(PROGRAM, MAIN)]);
    scene.write(&format!("{OTHER}/{PROGRAM}"), BROKEN);
    call(&scene, ".", "").plain_cargo("build");
    is_refused(&call(&scene, OTHER, "build").succeeds(), "what cargo took for a/src/main.rs was compiled in `[root]`,");
}

/// A program that was checked bears no mark of where, nor does a build script.
#[test]
fn what_bears_no_mark_and_another_checkout_made() {
    for (path, broken) in [(PROGRAM, BROKEN.to_owned()), (SCRIPT, format!("{BROKEN}{SILENT}"))] {
        for with_us in [true, false] {
            let scene = checkouts(&["a"], &[(PROGRAM, MAIN), (SCRIPT, SILENT)]);
            scene.write(&format!("{OTHER}/{path}"), &broken);
            if with_us {
                call(&scene, ".", "check").succeeds();
            } else {
                call(&scene, ".", "").plain_cargo("check");
            }
            let by = if with_us { "was compiled in `[root]`," } else { "may be of another checkout" };
            for _ in 0..2 {
                let said = format!("what cargo took for a/build.rs (and 1 more) {by}");
                is_refused(&call(&scene, OTHER, "check").succeeds(), &said);
            }
            scene.write(&format!("{OTHER}/{path}"), &broken);
            assert_eq!(call(&scene, OTHER, "check").run().code, Some(1));
        }
    }
}

#[test]
fn a_mark_of_the_other_checkout_makes_the_rest_doubtful() {
    let scene = checkouts(&["a"], &[(LIBRARY, WHOLE), (PROGRAM, MAIN)]);
    call(&scene, OTHER, "").plain_cargo("check");
    scene.append(LIBRARY, "// newer\n");
    call(&scene, ".", "").plain_cargo("check");
    scene.append(&format!("{OTHER}/{PROGRAM}"), "// newer\n");
    call(&scene, OTHER, "").plain_cargo("build");
    call(&scene, OTHER, "").plain_cargo("check");
    is_refused(&call(&scene, ".", "check").succeeds(), "what cargo took for a/src/main.rs may be of another checkout");
}

#[test]
fn there_and_back_again() {
    let scene = checkouts(&["a", "b"], &[(LIBRARY, WHOLE), (PROGRAM, MAIN), (SCRIPT, SILENT)]);
    call(&scene, ".", "check build").succeeds();
    let ended = call(&scene, OTHER, "check build").succeeds();
    assert!(ended.was_fresh() || ended.err().contains("not kept"), "{}", ended.text());
    scene.append(&format!("{OTHER}/{LIBRARY}"), "// other\n");
    is_refused(&call(&scene, OTHER, "check").succeeds(), "cargo took for");
    for path in [LIBRARY, PROGRAM, SCRIPT, "b/src/lib.rs"] {
        scene.append(&format!("{OTHER}/{path}"), "// touched\n");
    }
    call(&scene, OTHER, "check build").succeeds();
    assert!(call(&scene, OTHER, "check build").succeeds().was_fresh());
    scene.append("b/src/lib.rs", "// edited\n");
    is_refused(&call(&scene, ".", "check").succeeds(), "(and 2 more)");
    for path in [LIBRARY, PROGRAM, SCRIPT] {
        scene.append(path, "// touched\n");
    }
    call(&scene, ".", "check build").succeeds();
    assert!(call(&scene, ".", "check build").succeeds().was_fresh());
}

#[test]
fn a_target_directory_in_the_workspace_that_another_uses() {
    let scene = checkouts(&["a"], &[(LIBRARY, WHOLE), (PROGRAM, MAIN)]);
    let there = |words: &str| scene.call(words).from(OTHER).env("CARGO_TARGET_DIR", scene.at("target"));
    scene.write(LIBRARY, BROKEN);
    there("").plain_cargo("check");
    is_refused(&scene.call("check").succeeds(), "what cargo took for a/src/lib.rs was compiled in `[root]2`,");
    scene.write(LIBRARY, WHOLE);
    scene.append(PROGRAM, "// touched\n");
    scene.call("check").succeeds();
    assert!(scene.call("check").succeeds().was_fresh());
    scene.append(PROGRAM, BROKEN);
    scene.append(&format!("{OTHER}/{PROGRAM}"), "// newer\n");
    there("check").succeeds();
    is_refused(&scene.call("check").succeeds(), "not kept");
}

#[test]
fn one_checkout_alone_keeps_what_plain_cargo_compiled() {
    let scene = checkouts(&["a", "b"], &[(LIBRARY, WHOLE), (PROGRAM, MAIN), (SCRIPT, SILENT)]);
    let phases = ["check", "build", "lint", "doc"];
    for plain in ["check", "build", "clippy --all-targets", "doc --no-deps"] {
        call(&scene, ".", "").plain_cargo(plain);
    }
    for phase in phases {
        let ended = call(&scene, ".", phase).succeeds();
        assert!(!ended.was_fresh() && !ended.err().contains("warning"), "{}", ended.text());
        assert!(call(&scene, ".", phase).succeeds().was_fresh());
    }
    scene.append(PROGRAM, "// edited\n");
    call(&scene, ".", "").plain_cargo("check");
    call(&scene, ".", "check").succeeds();
    assert!(call(&scene, ".", "check").succeeds().was_fresh());
}

#[test]
fn other_workspaces_in_the_same_directory_do_no_harm() {
    let scene = checkouts(&["a", "b"], &[(LIBRARY, WHOLE), (PROGRAM, MAIN), (SCRIPT, SILENT)]);
    scene.replace("../shop2/a/Cargo.toml", "\"a\"", "\"z\"");
    scene.replace("../shop2/b/Cargo.toml", "\"b\"", "\"y\"");
    for (root, other) in [(".", OTHER), (OTHER, ".")] {
        call(&scene, root, "").plain_cargo("check");
        call(&scene, other, "check build").succeeds();
        let ended = call(&scene, root, "check build lint").succeeds();
        assert!(!ended.err().contains("warning"), "{}", ended.text());
        assert!(call(&scene, root, "check build lint").succeeds().was_fresh());
    }
}

#[test]
fn a_program_alone_that_only_we_compile() {
    let scene = checkouts(&["a"], &[(PROGRAM, MAIN), (SCRIPT, SILENT)]);
    call(&scene, ".", "check").succeeds();
    call(&scene, ".", "build lint").succeeds();
    assert!(call(&scene, ".", "check build lint").succeeds().was_fresh());
    scene.append(PROGRAM, "// edited\n");
    call(&scene, ".", "check build lint").succeeds();
    assert!(call(&scene, ".", "check build lint").succeeds().was_fresh());
}

#[test]
fn a_link_in_the_place_of_the_target_directory() {
    let scene = checkouts(&["a"], &[(PROGRAM, MAIN)]);
    scene.write(&format!("{OTHER}/{PROGRAM}"), BROKEN);
    std::fs::create_dir(scene.at("../shared")).unwrap();
    for root in [".", OTHER] {
        std::os::unix::fs::symlink("../shared", scene.at(root).join("target")).unwrap();
    }
    scene.call("").plain_cargo("check");
    is_refused(&scene.call("check").from(OTHER).succeeds(), "may be of another checkout");
}

#[test]
fn a_build_directory_that_two_checkouts_share() {
    let scene = checkouts(&["a"], &[(LIBRARY, WHOLE)]);
    scene.write(&format!("{OTHER}/{LIBRARY}"), BROKEN);
    let call =
        |root: &str, words: &str| scene.call(words).from(root).env("CARGO_BUILD_BUILD_DIR", scene.at("../shared"));
    call(".", "").plain_cargo("check");
    is_refused(&call(OTHER, "check").succeeds(), "a/src/lib.rs was compiled in `[root]`,");
}
