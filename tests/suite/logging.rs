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
        "step{name=\"go a\"",
        "command{program=sh",
    ] {
        assert!(told.err().contains(span), "{span}: {}", told.text());
    }
    let told = scene.call("go").env("CARGO_LIFECYCLE_LOG", "json").run();
    let objects = told.err();
    let step = objects.lines().find(|line| line.contains(r#""name":"step""#) && line.contains(r#""message":"close""#));
    assert!(step.is_some_and(|step| step.starts_with('{') && step.contains(r#""verdict":"fresh""#)), "{objects}");
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
