//! What the program tells of itself where it is asked to.

use crate::scene::Scene;

fn scene() -> Scene {
    Scene::of(&["a"]).make("[lifecycle.go]\ninputs = [\"Cargo.toml\"]\ncommand = \"true\"\n")
}

#[test]
fn spans_are_told_as_lines_or_as_objects_with_what_they_are_of() {
    let scene = scene();
    let told = scene.call("go").env("CARGO_LIFECYCLE_LOG", "debug").run();
    for span in [
        "run{workspace=",
        "plan{steps=1}",
        "walk{areas=2 changed=2}",
        "hash{opened=",
        "step{step=\"go a\"",
        "command{program=sh",
    ] {
        assert!(told.err().contains(span), "{span}: {}", told.text());
    }
    let told = scene.call("go").env("CARGO_LIFECYCLE_LOG", "json").run();
    let objects = told.err();
    let step = objects.lines().find(|line| line.contains(r#""name":"step""#) && line.contains(r#""message":"close""#));
    let step: serde_json::Value = serde_json::from_str(step.unwrap()).unwrap();
    assert_eq!(step["span"], serde_json::json!({"name": "step", "step": "go a", "verdict": "fresh"}), "{objects}");
}

#[test]
fn a_step_is_told_once_however_it_is_judged() {
    let scene = Scene::of(&["a"]).make("[lifecycle.go]\ncache = false\ncommand = \"true\"\n");
    for _ in 0..2 {
        let told = scene.call("go").env("CARGO_LIFECYCLE_LOG", "debug").run();
        let err = told.err();
        let steps: Vec<_> = err.lines().filter(|line| line.contains("}: cargo_lifecycle::execute::worker: ")).collect();
        assert!(steps.len() == 1 && steps[0].contains("verdict=\"stale\""), "{}", told.text());
    }
}

#[test]
fn looking_at_files_is_a_part_of_the_run() {
    let told = scene().call("go").env("CARGO_LIFECYCLE_LOG", "debug").run();
    for span in ["walk{", "hash{"] {
        let err = told.err();
        let lines: Vec<_> = err.lines().filter(|line| line.contains(span)).collect();
        assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("DEBUG run{")), "{}", told.text());
    }
}

#[test]
fn a_log_that_cannot_be_written_changes_nothing() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.go]\ncommand = \"true\"\n[lifecycle.last]\nscope = \"workspace\"\ncommand = \"touch $SIDE/over\"\n\
        [hooks]\nfinally = [\"last\"]\n",
    );
    for log in ["debug", "json"] {
        let mut command = scene.call("go").env("CARGO_LIFECYCLE_LOG", log).command();
        let status = command.stderr(full.try_clone().unwrap()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{log}");
        std::fs::remove_file(scene.beside("over")).unwrap();
    }
}

#[test]
fn nothing_is_told_unasked_and_a_wrong_filter_is_named() {
    let scene = scene();
    let told = scene.call("go").run();
    assert!(!told.err().contains("close"), "{}", told.text());
    for filter in ["a=b=c", "debgu", "json,proces"] {
        let wrong = scene.call("go").env("CARGO_LIFECYCLE_LOG", filter).run();
        assert_eq!(wrong.code, Some(2), "{}", wrong.text());
        assert!(wrong.err().starts_with("error: CARGO_LIFECYCLE_LOG is no filter, such as "), "{}", wrong.text());
    }
    for filter in ["DEBUG", "cargo_lifecycle", "warn,cargo_lifecycle::keys=debug", "[run]=debug"] {
        assert_eq!(scene.call("go").env("CARGO_LIFECYCLE_LOG", filter).run().code, Some(0), "{filter}");
    }
}
