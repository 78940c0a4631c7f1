//! What runs when everything else is over: `finally`, `on_success` and `on_error`.

use rustix::process::Signal;

use crate::scene::Scene;
use crate::signals::{ENDING, interrupted, send, until};

/// `work` is what is asked for, `down` and `announce` are for the end. Each writes a line to `$SIDE/ran`; `work` and `down` fail
/// where `$SIDE/broken-<phase>` is.
const MAKE: &str = r#"
[lifecycle.work]
scope = "workspace"
inputs = []
command = "echo work {args} >> $SIDE/ran; [ ! -e $SIDE/broken-work ]"
[lifecycle.down]
scope = "workspace"
command = "echo down >> $SIDE/ran; [ ! -e $SIDE/broken-down ]"
[lifecycle.announce]
scope = "workspace"
command = 'echo "announce $CARGO_LIFECYCLE_EXIT [$CARGO_LIFECYCLE_FAILED]" >> $SIDE/ran; [ ! -e $SIDE/broken-announce ]'
"#;

const HOOKS: &str = "[hooks]\nfinally = [\"down\"]\non_success = [\"announce\"]\non_error = [\"announce\"]\n";

fn scene() -> Scene {
    Scene::of(&["a"]).make(&(MAKE.to_owned() + HOOKS))
}

fn break_phase(scene: &Scene, phase: &str) {
    std::fs::write(scene.beside(&format!("broken-{phase}")), "").unwrap();
}

#[test]
fn they_run_when_all_went_well_and_when_nothing_was_to_be_done() {
    let scene = scene();
    scene.call("work").shows(
        r"
   Lifecycle of shop: member a
         Ran work in [time] (first run)
         Ran finally: down in [time] (never cached)
         Ran on_success: announce in [time] (never cached)
    Finished 2 steps in [time]: 2 run
[exit 0]
",
    );
    assert_eq!(scene.take("ran"), "work\ndown\nannounce 0 []\n");
    scene.call("work").shows(
        r"
   Lifecycle of shop: member a
       Fresh work
         Ran finally: down in [time] (never cached)
         Ran on_success: announce in [time] (never cached)
    Finished 2 steps in [time]: 1 cached, 1 run; saved [time]
[exit 0]
",
    );
    assert_eq!(scene.take("ran"), "down\nannounce 0 []\n");
}

#[test]
fn after_a_failure_they_are_told_what_failed() {
    let scene = scene();
    break_phase(&scene, "work");
    scene.call("work").shows(
        r"
   Lifecycle of shop: member a
      Failed work in [time]: exit status 1
         Ran finally: down in [time] (never cached)
         Ran on_error: announce in [time] (never cached)
      Failed work: exit status 1
    Finished 2 steps in [time]: 1 run, 1 failed
[exit 1]
",
    );
    assert_eq!(scene.take("ran"), "work\ndown\nannounce 1 [work]\n");
}

#[test]
fn every_failed_step_is_named_and_no_skipped_one() {
    let make = "[lifecycle.each]\ncommand = \"[ {name} = b ]\"\n\
        [lifecycle.later]\nneeds = [\"each\"]\ncommand = \"echo later {name} >> $SIDE/ran\"\n";
    let scene = Scene::of(&["a", "b", "c"]).make(&(make.to_owned() + MAKE + HOOKS));
    let ended = scene.call("later --keep-going -j1").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert_eq!(scene.take("ran"), "later b\ndown\nannounce 1 [each a\neach c]\n");
    assert_eq!(ended.lines_of("Skipped").len(), 2);
}

#[test]
fn failed_tests_are_a_failed_step() {
    let scene = scene();
    scene.append("a/src/lib.rs", "#[test]\nfn one() {\n    panic!();\n}\n");
    assert_eq!(scene.call("test").run().code, Some(1));
    assert_eq!(scene.take("ran"), "down\nannounce 1 [test]\n");
}

#[test]
fn a_finally_that_fails_fails_the_run_and_keeps_no_other_from_its_turn() {
    let hooks = HOOKS.replace("[\"down\"]", "[\"down\", \"fmt\"]");
    let make = "[lifecycle.fmt]\nscope = \"workspace\"\ncommand = \"sleep 0.3; echo fmt >> $SIDE/ran\"\n";
    let scene = Scene::of(&["a"]).make(&(MAKE.to_owned() + make + &hooks));
    break_phase(&scene, "down");
    let ended = scene.call("work -j1").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert_eq!(ended.lines_of("Finished"), ["3 steps in [time]: 2 run, 1 failed"]);
    let ran = scene.take("ran");
    let mut lines: Vec<&str> = ran.lines().collect();
    lines[1..3].sort_unstable();
    assert_eq!(lines, ["work", "down", "fmt", "announce 1 [finally: down]"]);
    let again = scene.call("work").run();
    assert_eq!(again.lines_of("Fresh"), ["work"], "what came before is kept: {}", again.text());
}

#[test]
fn a_failure_of_what_comes_after_is_a_warning() {
    let scene = scene();
    break_phase(&scene, "announce");
    scene.call("work").shows(
        r"
   Lifecycle of shop: member a
         Ran work in [time] (first run)
         Ran finally: down in [time] (never cached)
      Failed on_success: announce in [time]: exit status 1
warning: not all of `on_success` succeeded; the exit code stays 0
    Finished 2 steps in [time]: 2 run
[exit 0]
",
    );
    assert!(scene.call("work").succeeds().lines_of("Fresh") == ["work"]);
    break_phase(&scene, "down");
    assert_eq!(scene.call("work").run().code, Some(1));
}

#[test]
fn they_are_in_every_account_of_the_plan() {
    let scene = scene();
    scene.call("work").succeeds();
    scene.call("work --dry-run").shows(
        r#"
[stdout]
work: fresh, saves [time]
finally: down: stale: never cached
    echo down >> $SIDE/ran; [ ! -e $SIDE/broken-down ]
on_success: announce: stale: never cached
    echo "announce $CARGO_LIFECYCLE_EXIT [$CARGO_LIFECYCLE_FAILED]" >> $SIDE/ran; [ ! -e $SIDE/broken-announce ]
on_error: announce: stale: never cached
    echo "announce $CARGO_LIFECYCLE_EXIT [$CARGO_LIFECYCLE_FAILED]" >> $SIDE/ran; [ ! -e $SIDE/broken-announce ]
[exit 0]
"#,
    );
    let explained = scene.call("work --explain").succeeds().out();
    assert!(explained.contains("\nfinally: down: stale: never cached\n"), "{explained}");
    let graph = scene.call("work --graph json").succeeds().out();
    let graph: serde_json::Value = serde_json::from_str(&graph).unwrap();
    let names: Vec<_> = graph["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["work", "finally: down", "on_success: announce", "on_error: announce"]);
}

#[test]
fn what_is_asked_for_runs_at_the_end_as_well_and_arguments_are_not_for_it() {
    let scene = scene();
    scene.replace("make.toml", "[\"down\"]", "[\"work\"]");
    assert_eq!(scene.call("work -- --word").succeeds().ran().len(), 3);
    assert_eq!(scene.take("ran"), "work --word\nwork\nannounce 0 []\n");
    let again = scene.call("work -- --word").succeeds();
    assert_eq!(again.lines_of("Fresh"), ["work"], "the last time is another step: {}", again.text());
    assert_eq!(scene.take("ran"), "work\nannounce 0 []\n");
}

#[test]
fn a_phase_of_members_is_for_the_selected_ones_and_comes_without_its_needs_and_hooks() {
    let make = "[lifecycle.first]\ncommand = \"sleep 0.2; echo first {name} >> $SIDE/ran\"\n\
        [lifecycle.second]\nneeds = [\"work\", \"first\"]\ncommand = \"echo second {name} >> $SIDE/ran\"\n\
        [hooks]\nbefore_second = [\"down\"]\nbefore_all = [\"announce\"]\nfinally = [\"second\", \"first\"]\n";
    let scene = Scene::of(&["a", "b", "c"]).make(&(MAKE.to_owned() + make));
    scene.call("work -p a").succeeds();
    assert_eq!(scene.take("ran"), "announce  []\nwork\nfirst a\nsecond a\n");
    scene.call("work -p a -p b").succeeds();
    let ran = scene.take("ran");
    let mut lines: Vec<&str> = ran.lines().skip(2).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["first a", "first b", "second a", "second b"], "{ran}");
}

#[test]
fn needs_within_a_list_that_form_a_circle_are_an_error() {
    let scene = scene();
    scene.replace("make.toml", "[lifecycle.down]\n", "[lifecycle.down]\nneeds = [\"announce\"]\n");
    scene.replace("make.toml", "[lifecycle.announce]\n", "[lifecycle.announce]\nneeds = [\"down\"]\n");
    scene.replace("make.toml", "finally = [\"down\"]", "finally = [\"down\", \"announce\"]");
    let ended = scene.call("work").run();
    assert_eq!(ended.code, Some(3));
    assert!(ended.err().starts_with("error: the plan has a cycle: "), "{}", ended.text());
}

#[test]
fn tests_at_the_end_run_every_time() {
    let scene = scene();
    scene.replace("make.toml", "[\"down\"]", "[\"test\"]");
    scene.append("a/src/lib.rs", "#[test]\nfn one() {}\n");
    for _ in 0..2 {
        let ended = scene.call("test work").succeeds();
        let passed = ended.lines_of("Passed");
        assert!(passed.iter().any(|line| line.ends_with("(never cached)")), "{}", ended.text());
    }
}

#[test]
fn what_a_step_left_running_is_there_for_them_and_gone_afterwards() {
    let make = "[lifecycle.serve]\nscope = \"workspace\"\ncommand = \"sleep 60 >/dev/null 2>&1 & echo $! > $SIDE/pid\"\n\
        [lifecycle.down]\nscope = \"workspace\"\ncommand = \"kill $(cat $SIDE/pid) && echo down >> $SIDE/ran\"\n";
    let scene = Scene::of(&["a"]).make(&format!("{make}[hooks]\nfinally = [\"down\"]\n"));
    scene.call("serve").succeeds();
    assert_eq!(scene.take("ran"), "down\n");
    assert_eq!(scene.processes(), [""; 0]);
}

/// A phase that waits half a minute.
const SLOW: &str =
    "[lifecycle.slow]\nscope = \"workspace\"\ncommand = \"touch $SIDE/started-slow; sleep 30; sleep 30\"\n";

#[test]
fn they_run_after_a_signal() {
    for (signal, code) in ENDING {
        let scene = Scene::of(&["a"]).make(&(SLOW.to_owned() + MAKE + HOOKS));
        let ended = interrupted(&scene, &scene.call("slow work"), 1, &[signal]);
        assert_eq!(ended.code, Some(code), "{}", ended.text());
        assert_eq!(scene.take("ran"), "down\n", "{}", ended.text());
        assert_eq!(ended.lines_of("Cancelled").len(), 2, "{}", ended.text());
        assert_eq!(ended.lines_of("Finished"), ["3 steps in [time]: 1 run, 2 cancelled"]);
        assert_eq!(scene.processes(), [""; 0]);
    }
}

/// Waits for a file, and says when it begins and whether it came to its end.
const DOWN: &str = "[lifecycle.down]\nscope = \"workspace\"\n\
    command = \"touch $SIDE/started-down; while [ ! -e $SIDE/go ]; do sleep 0.05; done; echo down >> $SIDE/ran\"\n\
    [hooks]\nfinally = [\"down\"]\n";

#[test]
fn the_first_interrupt_lets_them_end() {
    let scene = Scene::of(&["a"]).make(&format!("[lifecycle.work]\ncommand = \"true\"\n{DOWN}"));
    let call = scene.call("work");
    let child = call.start();
    until("`finally` runs", || scene.beside("started-down").exists());
    send(&child, Signal::INT);
    std::thread::sleep(std::time::Duration::from_millis(300));
    std::fs::write(scene.beside("go"), "").unwrap();
    call.wait(child).shows(
        r"
   Lifecycle of shop: member a
         Ran work a in [time] (never cached)
    Stopping after `finally`; once more to kill it
         Ran finally: down in [time] (never cached)
    Finished 2 steps in [time]: 2 run
[exit 130]
",
    );
    assert_eq!(scene.take("ran"), "down\n");
}

#[test]
fn the_second_interrupt_kills_them() {
    let scene = Scene::of(&["a"]).make(&format!("[lifecycle.work]\ncommand = \"true\"\n{DOWN}"));
    let ended = interrupted(&scene, &scene.call("work"), 1, &[Signal::INT, Signal::INT]);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    assert_eq!(ended.lines_of("Cancelled"), ["finally: down"], "{}", ended.text());
    assert_eq!(scene.processes(), [""; 0]);
}

#[test]
fn the_interrupt_after_the_one_that_stopped_the_others_kills_them() {
    let scene = Scene::of(&["a"]).make(&(SLOW.to_owned() + DOWN));
    let call = scene.call("slow");
    let child = call.start();
    until("the step runs", || scene.beside("started-slow").exists());
    send(&child, Signal::INT);
    until("`finally` runs", || scene.beside("started-down").exists());
    send(&child, Signal::INT);
    let ended = call.wait(child);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    assert_eq!(ended.lines_of("Cancelled"), ["slow", "finally: down"], "{}", ended.text());
    assert_eq!(scene.processes(), [""; 0]);
}

/// Counts the lines of `words`; what closes the run runs what is in `$SIDE/change`.
const COUNT: &str = "[lifecycle.count]\nscope = \"workspace\"\ninputs = [\"words\"]\noutputs = [\"number\"]\ncommand = \"wc -l < words > number\"\n\
    [lifecycle.change]\nscope = \"workspace\"\ncommand = \"sh $SIDE/change\"\n";

#[test]
fn what_finally_changes_makes_no_wrong_record() {
    let scene = Scene::of(&["a"]).make(&format!("{COUNT}[hooks]\nfinally = [\"change\"]\n")).file("words", "one\n");
    scene.append("a/src/lib.rs", "#[test]\nfn one() {}\n");
    let change = |line: &str| std::fs::write(scene.beside("change"), line).unwrap();
    let number = || std::fs::read_to_string(scene.at("number")).unwrap();
    change("");
    scene.call("count check test").succeeds();

    // Of a step that ran, and then of one that was fresh.
    scene.append("words", "two\n");
    change("echo more >> words");
    let ended = scene.call("count").succeeds();
    assert!(ended.err().contains("inputs of count changed during the run (words)"), "{}", ended.text());
    assert_eq!(number(), "2\n");
    change("");
    scene.call("count").succeeds();
    assert_eq!(number(), "3\n");
    change("echo more >> words");
    assert_eq!(scene.call("count").succeeds().lines_of("Fresh"), ["count"]);
    change("");
    scene.call("count").succeeds();
    assert_eq!(number(), "4\n");
    assert_eq!(scene.call("count").succeeds().lines_of("Fresh"), ["count"]);

    // Its outputs.
    for line in ["rm number", "echo wrong > number"] {
        change(line);
        scene.call("count").succeeds();
        change("");
        scene.call("count").succeeds();
        assert_eq!(number(), "4\n", "{line}");
    }

    // The sources that cargo and tests have read.
    scene.append("a/src/lib.rs", "// edited\n");
    change("echo nonsense >> a/src/lib.rs");
    scene.call("check").succeeds();
    change("");
    for _ in 0..2 {
        assert_eq!(scene.call("check").run().code, Some(1), "it does not compile now");
    }
    scene.replace("a/src/lib.rs", "nonsense\n", "// edited again\n");
    change("echo '#[test] fn bad() { panic!() }' >> a/src/lib.rs");
    scene.call("check test").succeeds();
    change("");
    for _ in 0..2 {
        assert_eq!(scene.call("check test").run().code, Some(1), "there is a test that fails now");
    }
}

#[test]
fn what_on_success_has_cargo_do_makes_nothing_wrong_later() {
    let make = "[lifecycle.work]\nscope = \"workspace\"\ncommand = \"true\"\n\
        [lifecycle.compile]\nscope = \"workspace\"\ncommand = \"cargo check --workspace\"\n";
    for phase in ["check", "compile"] {
        let scene = Scene::of(&["a"]).make(&format!("{make}[hooks]\non_success = [\"{phase}\"]\n"));
        scene.call("check").succeeds();
        assert_eq!(scene.call("check").succeeds().lines_of("Fresh"), ["check (1 member)"], "{phase}");
        let compiles = || {
            let ended = scene.call("work -v").succeeds();
            assert!(ended.err().contains("Checking a v0.1.0"), "{}", ended.text());
        };
        // It compiles an edit that `check` has not seen.
        scene.append("a/src/lib.rs", "pub fn unused() {}\n");
        compiles();
        assert_eq!(scene.call("check").succeeds().ran()[0], "check (1 member) (a: src/lib.rs changed)", "{phase}");
        // It compiles an edit, after which a file takes its place that is not newer.
        scene.append("a/src/lib.rs", "pub fn other() {}\n");
        std::fs::write(scene.beside("older"), "nonsense\n").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        compiles();
        std::fs::rename(scene.beside("older"), scene.at("a/src/lib.rs")).unwrap();
        for _ in 0..2 {
            let ended = scene.call("check").succeeds();
            assert!(ended.err().contains("src/lib.rs changed, but is not newer"), "{phase}: {}", ended.text());
        }
        scene.append("a/src/lib.rs", "\n");
        assert_eq!(scene.call("check").run().code, Some(1), "{phase}: now cargo sees it");
    }
}
