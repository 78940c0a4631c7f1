//! Test executables that are stopped, that do not come to run, and those that others run.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::Scene;
use crate::tested::passed;

/// A test that waits as long as `$SIDE/wait` is there, and says that it does.
const WAITING: &str = "#[test]\nfn waits() {\n    let side = std::path::PathBuf::from(std::env::var_os(\"SIDE\").unwrap());\n    \
    std::fs::write(side.join(\"waiting\"), \"\").unwrap();\n    while side.join(\"wait\").exists() {\n        \
    std::thread::sleep(std::time::Duration::from_millis(10));\n    }\n}\n";

#[test]
fn an_interrupt_keeps_what_passed_and_leaves_nothing_running() {
    let scene = Scene::of(&["a", "b", "c"]);
    for member in ["a", "b"] {
        scene.append(&format!("{member}/src/lib.rs"), "#[test]\nfn good() {}\n");
    }
    scene.append("c/src/lib.rs", WAITING);
    std::fs::write(scene.beside("wait"), "").unwrap();
    // One after another, in cargo's order: `c` is the last, but for the documentation tests.
    let call = scene.call("test -v -j1");
    let child = call.start();
    let end = Instant::now() + Duration::from_secs(120);
    while !scene.beside("waiting").exists() {
        assert!(Instant::now() < end, "the test never starts");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ended = call.wait(child);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    assert_eq!(scene.processes(), [""; 0]);
    assert_eq!(passed(&ended), ["a", "b"], "{}", ended.text());
    assert_eq!(ended.lines_of("Cancelled"), ["c", "test (3 members)"], "{}", ended.text());

    std::fs::remove_file(scene.beside("wait")).unwrap();
    let again = call.succeeds();
    let names = passed(&again);
    assert_eq!(names.len(), 4, "{}", again.text());
    assert!(names.contains(&"c".to_owned()) && !names.contains(&"a".to_owned()), "{}", again.text());
}

#[test]
fn what_does_not_compile_runs_and_keeps_nothing() {
    let scene = Scene::of(&["a", "b"]);
    scene.append("a/src/lib.rs", "#[test]\nfn good() {}\n");
    scene.append("b/src/lib.rs", "#[test]\nfn wrong() {\n    nothing();\n}\n");
    let failed = scene.call("test").run();
    assert_eq!((failed.code, passed(&failed).len()), (Some(1), 0), "{}", failed.text());
    let plain = scene.call("").cargo("test --workspace");
    let errors =
        |text: &str| text.lines().filter(|line| line.starts_with("error")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(errors(&failed.err()), errors(&plain.err()), "the errors are cargo's");
    scene.replace("b/src/lib.rs", "nothing();", "");
    assert_eq!(passed(&scene.call("test -v").succeeds()).len(), 4);
}

#[test]
fn what_needs_tests_that_fail_is_skipped() {
    let scene = Scene::of(&["a"]).make("[lifecycle.ship]\ncommand = \"true\"\nneeds = [\"test\"]\n");
    scene.append("a/src/lib.rs", "#[test]\nfn bad() {\n    panic!();\n}\n");
    let ended = scene.call("ship").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert_eq!(ended.lines_of("Skipped"), ["ship a: test failed"], "{}", ended.text());
}

/// A test that writes down how many threads it was told to have.
const ASKING: &str = "#[test]\nfn asks() {\n    let threads = std::env::var(\"RUST_TEST_THREADS\").unwrap_or_default();\n    \
    let side = std::path::PathBuf::from(std::env::var_os(\"SIDE\").unwrap());\n    \
    std::fs::write(side.join(concat!(\"threads-\", env!(\"CARGO_PKG_NAME\"))), threads).unwrap();\n}\n";

fn asking() -> Scene {
    let scene = Scene::of(&["a", "b", "c"]);
    for member in ["a", "b", "c"] {
        scene.append(&format!("{member}/src/lib.rs"), ASKING);
    }
    scene
}

fn threads(scene: &Scene) -> [String; 3] {
    ["a", "b", "c"].map(|member| scene.take(&format!("threads-{member}")))
}

#[test]
fn executables_that_run_together_share_the_cores() {
    let scene = asking();
    scene.call("test").succeeds();
    threads(&scene);
    scene.last_took(1000);
    scene.call("test -j4 --force -- --lib").succeeds();
    assert_eq!(threads(&scene), ["2", "2", "2"]);
    // Whoever says it themselves is heard.
    scene.call("test -j4 --force").env("RUST_TEST_THREADS", "7").succeeds();
    assert_eq!(threads(&scene), ["7", "7", "7"]);
    // Who has all the cores needs no telling.
    scene.call("test -j4 --force -p a -- --lib").succeeds();
    assert_eq!(threads(&scene)[0], "");
}

#[test]
fn an_executable_of_which_nothing_is_known_has_all_the_cores_to_itself() {
    let scene = asking();
    for member in ["a", "b", "c"] {
        scene.append(
            &format!("{member}/src/lib.rs"),
            "#[test]\nfn alone() {\n    let held = std::path::Path::new(&std::env::var(\"SIDE\").unwrap()).join(\"held\");\n    \
             std::fs::File::create_new(&held).unwrap();\n    std::thread::sleep(std::time::Duration::from_millis(300));\n    \
             std::fs::remove_file(&held).unwrap();\n}\n",
        );
    }
    scene.call("test -j4").succeeds();
    assert_eq!(threads(&scene), ["", "", ""]);
}

#[test]
fn nextest_is_a_command_as_any_other() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.test]\ncommand = \"cargo nextest run {selected}\"\n");
    let version = scene.call("").cargo("nextest --version");
    if version.code != Some(0) {
        eprintln!("skipped: there is no cargo-nextest here");
        return;
    }
    for member in ["a", "b"] {
        scene.append(&format!("{member}/src/lib.rs"), "#[test]\nfn good() {}\n");
    }
    let ended = scene.call("test -v").succeeds();
    assert!(ended.err().contains("2 tests run: 2 passed"), "{}", ended.text());
    assert_eq!(scene.call("test").succeeds().ran(), ["test (2 members) (never cached)"]);
    scene.append("b/src/lib.rs", "#[test]\nfn bad() {\n    panic!();\n}\n");
    assert_eq!(scene.call("test").run().code, Some(1));
}
