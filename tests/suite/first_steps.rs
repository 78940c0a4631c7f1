//! The first steps: it works, then it does nothing, then it does what an edit asks for.

use std::path::Path;

use crate::call::Call;
use crate::scene::Scene;

/// A cargo that writes its arguments to `$SIDE/cargo` before it does its work.
fn watched(scene: &Scene, words: &str) -> Call {
    let program = scene.beside("watched-cargo");
    if !Path::new(&program).exists() {
        scene.program("watched-cargo", "echo \"$@\" >> \"$SIDE/cargo\"\nexec cargo \"$@\"");
    }
    scene.call(words).env("CARGO", program)
}

fn calls_of(scene: &Scene, subcommand: &str) -> usize {
    scene.take("cargo").lines().filter(|line| line.split(' ').next() == Some(subcommand)).count()
}

#[test]
fn check_then_again_then_touched_then_edited_then_reverted() {
    let scene = Scene::of(&["alpha", "beta alpha"]);
    watched(&scene, "check").shows(
        r"
   Lifecycle of shop: all 2 members
         Ran check (2 members) in [time] (first run)
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    assert_eq!(calls_of(&scene, "check"), 1);
    watched(&scene, "check").shows(
        r"
   Lifecycle of shop: all 2 members
       Fresh check (2 members)
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
    assert_eq!(scene.take("cargo"), "", "cargo is not started");

    scene.touch_everything();
    watched(&scene, "check").shows(
        r"
   Lifecycle of shop: all 2 members
       Fresh check (2 members)
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
    assert_eq!(scene.take("cargo"), "", "cargo is not started");

    scene.append("beta/src/lib.rs", "pub fn more() {}\n");
    watched(&scene, "check").shows(
        r"
   Lifecycle of shop: all 2 members
         Ran check (2 members) in [time] (beta: src/lib.rs changed)
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    assert_eq!(calls_of(&scene, "check"), 1);

    scene.replace("beta/src/lib.rs", "pub fn more() {}\n", "");
    watched(&scene, "check").shows(
        r"
   Lifecycle of shop: all 2 members
       Fresh check (2 members)
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
    assert_eq!(scene.take("cargo"), "", "a state that was checked before is fresh");
}

#[test]
fn build_is_fresh_again_only_with_the_artifacts_of_the_same_sources() {
    let scene = Scene::of(&["alpha", "beta alpha"]);
    scene.call("build").succeeds();
    assert!(scene.call("build").succeeds().was_fresh());
    scene.append("beta/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(scene.call("build").succeeds().ran(), ["build (2 members) (beta: src/lib.rs changed)"]);
    scene.replace("beta/src/lib.rs", "pub fn more() {}\n", "");
    assert_eq!(scene.call("build").succeeds().ran(), ["build (2 members) (debug/libbeta.rlib was changed)"]);
    assert!(scene.call("build").succeeds().was_fresh());
}

#[test]
fn every_cached_phase_runs_once_and_then_is_fresh() {
    let scene = Scene::of(&["alpha"]);
    let phases = "fmt check build lint doc";
    let first = watched(&scene, &format!("{phases} -j1")).succeeds();
    assert_eq!(
        first.ran(),
        ["fmt", "check", "build", "lint", "doc"].map(|phase| format!("{phase} (1 member) (first run)"))
    );
    for subcommand in ["fmt", "check", "build", "clippy", "doc"] {
        assert!(scene.left("cargo").lines().any(|line| line.starts_with(subcommand)), "{}", scene.left("cargo"));
    }
    scene.take("cargo");
    scene.touch_everything();
    assert!(watched(&scene, phases).succeeds().was_fresh());
    assert_eq!(scene.take("cargo"), "", "cargo is not started");
    scene.append("alpha/src/lib.rs", "pub fn more() {}\n");
    let edited = watched(&scene, &format!("{phases} -j1")).succeeds();
    assert_eq!(
        edited.ran(),
        ["fmt", "check", "build", "lint", "doc"].map(|phase| format!("{phase} (1 member) (alpha: src/lib.rs changed)"))
    );
    for subcommand in ["fmt", "check", "build", "clippy", "doc"] {
        let calls = scene.left("cargo");
        let calls = calls.lines().filter(|line| line.split(' ').next() == Some(subcommand));
        assert_eq!(calls.count(), 1, "{subcommand} is one call");
    }
}

#[test]
fn a_failing_test_fails_the_run_and_is_shown() {
    let scene = Scene::of(&["alpha"]);
    scene.append("alpha/src/lib.rs", "#[test]\nfn one() { assert_eq!(1, 2); }\n");
    let failed = scene.call("test").run();
    assert_eq!(failed.code, Some(1));
    assert!(failed.err().contains("assertion `left == right` failed"), "{}", failed.text());
}

#[test]
fn a_lone_package() {
    let scene = Scene::new()
        .file("Cargo.toml", "[package]\nname = \"alone\"\nversion = \"1.0.0\"\nedition = \"2024\"\n")
        .file("src/main.rs", "fn main() {}\n");
    scene.call("build").shows(
        r"
   Lifecycle of alone: member alone
         Ran build (1 member) in [time] (first run)
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    assert!(scene.at("target/debug/alone").exists());
    assert!(scene.call("build").from("src").succeeds().was_fresh());
}

#[test]
fn a_root_package_with_members_a_build_script_a_macro_and_a_path_dependency() {
    let scene = Scene::fixture("shop");
    scene.call("build").shows(
        r"
   Lifecycle of shop: all 3 members
         Ran build (3 members) in [time] (first run)
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    let output = std::process::Command::new(scene.at("target/debug/shop")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Good morning 42 build.rs\n");
    scene.touch_everything();
    scene.call("build").shows(
        r"
   Lifecycle of shop: all 3 members
       Fresh build (3 members)
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
}

#[test]
fn members_in_and_outside_of_one_another() {
    let scene = Scene::new().file(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"outer\", \"outer/inner\", \"../side/away\"]\n",
    );
    scene.add_library("outer");
    scene.add_library("outer/inner");
    scene.replace("outer/inner/Cargo.toml", "outer/inner", "inner");
    scene.add_library("../side/away");
    scene.replace("../side/away/Cargo.toml", "../side/away", "away");
    scene.replace("../side/away/Cargo.toml", "[package]\n", "[package]\nworkspace = \"../../shop\"\n");
    // A cycle through a dev-dependency is legal.
    scene.append("outer/inner/Cargo.toml", "[dev-dependencies]\nouter = { path = \"..\" }\n");
    scene.append("outer/Cargo.toml", "inner = { path = \"inner\" }\n");
    scene.write("make.toml", "[lifecycle.note]\ncommand = \"true\"\ninputs = [\"src/**\"]\ndependencies = false\n");
    assert_eq!(scene.call("check").succeeds().ran(), ["check (3 members) (first run)"]);
    scene.call("note").succeeds();
    for (path, told) in [
        ("outer/inner/src/lib.rs", "inner: src/lib.rs changed"),
        ("outer/src/lib.rs", "outer: src/lib.rs changed"),
        ("../side/away/src/lib.rs", "away: src/lib.rs changed"),
    ] {
        scene.append(path, "pub fn more() {}\n");
        assert_eq!(scene.call("check").succeeds().ran(), [format!("check (3 members) ({told})")]);
        let (member, own) = told.split_once(": ").unwrap();
        assert_eq!(scene.call("note").succeeds().ran(), [format!("note {member} ({own})")]);
    }
    let away = scene.call("check -n").from("../side/away").succeeds();
    assert!(away.out().starts_with("check (1 member): stale: selection changed"), "{}", away.text());
}

#[test]
fn cargo_finds_it_as_a_subcommand() {
    let scene = Scene::of(&["alpha"]);
    let folder = Path::new(env!("CARGO_BIN_EXE_cargo-lifecycle")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let call = scene.call("").env("PATH", path);
    let first = call.plain_cargo("lifecycle check");
    assert!(first.contains("Ran check (1 member) in [time] (first run)"), "{first}");
    let again = call.plain_cargo("lifecycle check");
    assert!(again.contains("Fresh check (1 member)"), "{again}");
}

#[test]
fn called_by_hand_it_is_the_same() {
    let scene = Scene::of(&["alpha"]);
    scene.call("check").succeeds();
    assert!(scene.call("check").by_hand().succeeds().was_fresh());
}

#[test]
fn what_is_made_after_a_cleaning_is_kept() {
    let scene = Scene::of(&["alpha"]);
    scene.append("alpha/src/lib.rs", "#[test]\nfn good() {}\n");
    scene.call("test").succeeds();
    let ended = scene.call("check clean build test").succeeds();
    assert_eq!(ended.ran().len(), 4, "{}", ended.text());
    for phase in ["build", "test", "build test"] {
        assert!(scene.call(phase).succeeds().was_fresh(), "{phase}");
    }
    scene.call("build clean").succeeds();
    assert!(!scene.at("target").exists(), "cleaning last leaves nothing behind");
}

#[test]
fn clean_removes_our_state_too_and_a_vanished_folder_is_normal() {
    let scene = Scene::of(&["alpha"]);
    scene.call("check").succeeds();
    scene.call("clean").shows(
        r"
   Lifecycle of shop: member alpha
         Ran clean (1 member) in [time] (never cached)
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    assert!(!scene.at("target").exists(), "cleaning leaves nothing behind");
    scene.call("check").shows(
        r"
   Lifecycle of shop: member alpha
         Ran check (1 member) in [time] (first run)
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
}
