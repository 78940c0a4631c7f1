//! Budgets of time and memory: told when they are exceeded, in every report, and a failure where they are enforced.

use crate::events::{events, named};
use crate::scene::Scene;

const MAKE: &str = r#"
[lifecycle.go]
inputs = ["Cargo.toml"]
command = "sleep 0.3"
[lifecycle.eat]
command = "awk 'BEGIN {{ for (i = 0; i < 1500000; i++) a[i] = i }}'"
[performance]
"#;

fn scene(budgets: &str) -> Scene {
    Scene::of(&["a"]).make(&(MAKE.to_owned() + budgets))
}

#[test]
fn a_step_that_takes_more_time_is_named_and_a_fresh_one_takes_none() {
    let scene = scene("max_phase_time = 100\n");
    let ended = scene.call("go").run();
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    let told = "\nwarning: go a took [time], more than the [time] of max_phase_time\n";
    assert!(ended.err().contains(told), "{}", ended.text());
    let again = scene.call("go").run();
    assert!(again.was_fresh() && !again.err().contains("max_phase_time"), "{}", again.text());
}

#[test]
fn one_phase_may_have_a_budget_of_its_own() {
    let scene = scene("max_phase_time = 100\nphases = { go = 60000 }\n");
    let ended = scene.call("go").run();
    assert!(!ended.err().contains("max_phase_time"), "{}", ended.text());
    let scene = self::scene("max_phase_time = 60000\nphases = { go = 100 }\n");
    let ended = scene.call("go --message-format json").arg("--junit").arg(scene.beside("junit.xml")).run();
    let told = "\nwarning: go a took [time], more than the [time] of phases.go\n";
    assert!(ended.err().contains(told), "{}", ended.text());
    assert_eq!(named(&events(&ended), "exceeded")[0]["budget"], "phases.go");
    let xml = std::fs::read_to_string(scene.beside("junit.xml")).unwrap();
    assert!(xml.contains(r#"<testcase name="go a: phases.go""#), "{xml}");
}

#[test]
fn enforced_it_fails_the_run_with_a_code_of_its_own_and_what_came_of_it_is_kept() {
    let scene = scene("max_pipeline_time = 1\nenforce = true\n");
    let ended = scene.call("go").run();
    assert_eq!(ended.code, Some(5), "{}", ended.text());
    assert!(ended.err().contains("error: the run took "), "{}", ended.text());
    assert!(ended.err().contains("more than the [time] of max_pipeline_time"), "{}", ended.text());
    let again = scene.call("go").run();
    assert_eq!(again.lines_of("Fresh").len(), 1, "{}", again.text());
}

#[test]
fn what_fails_by_itself_keeps_its_code() {
    let scene = Scene::of(&["a"])
        .make("[lifecycle.go]\ncommand = \"sleep 0.2; exit 3\"\n[performance]\nmax_phase_time = 10\nenforce = true\n");
    let ended = scene.call("go").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert!(ended.err().contains("max_phase_time"), "{}", ended.text());
}

#[test]
fn of_very_many_the_worst_are_told_and_the_others_counted() {
    let phases: String =
        (0..25).map(|name| format!("[lifecycle.p{name}]\nscope = \"workspace\"\ncommand = \"sleep 0.05\"\n")).collect();
    let scene = Scene::of(&["a"]).make(&format!("{phases}[performance]\nmax_phase_time = 1\n"));
    let names: Vec<String> = (0..25).map(|name| format!("p{name}")).collect();
    let ended = scene.call(&names.join(" ")).succeeds();
    let told = ended.err().lines().filter(|line| line.contains("of max_phase_time")).count();
    assert_eq!(told, 20, "{}", ended.text());
    assert!(ended.err().contains("max_phase_time\nwarning: … and 5 more\n"), "{}", ended.text());
    let ended = scene.call(&format!("{} --message-format github", names.join(" "))).succeeds();
    assert_eq!(ended.out().matches("::warning title=cargo lifecycle::").count(), 21, "{}", ended.text());
}

#[test]
fn on_error_is_told_of_it() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.go]\ncommand = \"sleep 0.2\"\n\
        [lifecycle.tell]\nscope = \"workspace\"\ncommand = \"echo $CARGO_LIFECYCLE_EXIT > $SIDE/exit\"\n\
        [hooks]\non_error = [\"tell\"]\n[performance]\nmax_phase_time = 10\nenforce = true\n",
    );
    assert_eq!(scene.call("go").run().code, Some(5));
    assert_eq!(scene.take("exit"), "5\n");
}

#[test]
fn memory_has_a_budget_too() {
    let scene = scene("max_memory_mb = 60\n");
    let ended = scene.call("go").run();
    assert!(!ended.err().contains("max_memory_mb"), "sleeping takes none: {}", ended.text());
    let ended = scene.call("eat").run();
    let line = ended.err().lines().find(|line| line.contains("max_memory_mb")).map(str::to_owned).unwrap_or_default();
    assert!(line.starts_with("warning: eat a took "), "{}", ended.text());
    assert!(line.ends_with(" MB, more than the 60 MB of max_memory_mb"), "{line}");
}

/// The system counts the memory of the program that starts another for that one, too.
#[cfg(unix)]
#[test]
fn our_own_memory_is_nobody_elses() {
    let ended = scene("max_memory_mb = 1\n").call("go").arg("--message-format").arg("json").run();
    assert!(!ended.text().contains("max_memory_mb"), "{}", ended.text());
    assert!(ended.out().contains("\"peak_memory\":null"), "{}", ended.text());
}

#[test]
fn reports_for_machines_tell_of_it() {
    let scene = scene("max_phase_time = 100\nenforce = true\n");
    let ended = scene.call("go --force --message-format github").arg("--junit").arg(scene.beside("junit.xml")).run();
    assert!(ended.out().contains("::error title=cargo lifecycle::go a took "), "{}", ended.text());
    let xml = std::fs::read_to_string(scene.beside("junit.xml")).unwrap();
    assert!(xml.contains(r#"<testsuite name="budgets" tests="1" failures="1""#), "{xml}");
    // Were the time in the name, it would be a new test in every run.
    assert!(xml.contains(r#"<testcase name="go a: max_phase_time" classname="budgets">"#), "{xml}");
    assert!(xml.contains(r#"<failure message="go a took "#), "{xml}");
    let ended = scene.call("go --force --message-format json").run();
    let exceeded: Vec<_> =
        ended.out().lines().filter(|line| line.contains(r#""event":"exceeded""#)).map(str::to_owned).collect();
    assert!(matches!(&exceeded[..], [one] if one.contains(r#""budget":"max_phase_time""#)), "{exceeded:?}");
}
