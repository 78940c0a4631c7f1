//! How long a step may take and how often it is tried, and what becomes of what it leaves behind.

use rustix::process::Signal;

use crate::scene::Scene;
use crate::signals::interrupted;

/// Succeeds the third time.
const THIRD: &str = "[lifecycle.go]\nretries = 2\ninputs = [\"src/**\"]\n\
    command = \"echo try >> $SIDE/tries; echo number $(wc -l < $SIDE/tries); [ $(wc -l < $SIDE/tries) -ge 3 ]\"\n";

#[test]
fn who_takes_too_long_is_ended_with_all_that_it_started() {
    let make = "[lifecycle.go]\ntimeout = \"1s\"\ninputs = []\n\
        commands = [\"echo first\", \"(trap '' TERM; exec sleep 1000) & sleep 1000; echo not reached\", \"echo nor this\"]\n";
    let scene = Scene::of(&["a"]).make(make);
    for reason in ["first run", "failed before"] {
        let ended = scene.call("go -v").run();
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.lines_of("Failed"), ["go a in [time]: timed out after 1s"], "{}", ended.text());
        assert!(ended.err().contains("first\n") && !ended.err().contains("reached"), "{reason}: {}", ended.text());
        assert_eq!(scene.processes(), [""; 0]);
    }
}

#[test]
fn the_time_is_that_of_all_commands_together_and_of_one_attempt() {
    let make =
        "[lifecycle.go]\nretries = 1\ncommands = [\"echo try >> $SIDE/tries; sleep 0.7\", \"sleep 1.3\", \"true\"]\n";
    let scene = Scene::of(&["a"]).make(make);
    let ended = scene.call("go --timeout 1s").run();
    ended.shows(
        r"
   Lifecycle of shop: member a
    Retrying go a: attempt 1 of 2 failed: timed out after 1s
      Failed go a in [time]: timed out after 1s
[..]
[exit 1]
",
    );
    assert_eq!(scene.left("tries"), "try\ntry\n");
    scene.call("go --timeout 1h").succeeds();
}

#[test]
fn one_member_may_have_more_time() {
    let make =
        "[lifecycle.go]\ncommand = \"sleep 1.5\"\ntimeout = \"1s\"\n[workspace.b]\nlifecycle.go.timeout = \"1m\"\n";
    let scene = Scene::of(&["a", "b"]).make(make);
    let ended = scene.call("go -j2 --keep-going --timeout 1w").run();
    assert_eq!(ended.ran(), ["go b (never cached)"], "{}", ended.text());
    assert_eq!(ended.lines_of("Failed").first().unwrap(), "go a in [time]: timed out after 1s", "{}", ended.text());
}

#[test]
fn what_fails_is_tried_again_and_told_and_not_kept() {
    let scene = Scene::of(&["a"]).make(THIRD);
    scene.call("go").shows(
        r"
   Lifecycle of shop: member a
    Retrying go a: attempt 1 of 3 failed: exit status 1
number 1
    Retrying go a: attempt 2 of 3 failed: exit status 1
number 2
         Ran go a in [time] (first run)
warning: the result of go a is not kept: it is flaky: it succeeded at attempt 3 of 3
       Flaky go a (3 of 3 attempts)
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    assert_eq!(scene.take("tries"), "try\ntry\ntry\n");
    // make.toml says so, and goes before the command line.
    let ended = scene.call("go --retries 7").succeeds();
    assert_eq!(ended.lines_of("Flaky"), ["go a (3 of 3 attempts)"], "{}", ended.text());
    assert!(scene.call("go --explain").succeeds().out().contains("flaky"));
    // This time it succeeds at once.
    let ended = scene.call("go").succeeds();
    assert!(ended.lines_of("Flaky").is_empty() && ended.ran().len() == 1, "{}", ended.text());
    assert!(scene.call("go").succeeds().was_fresh());
    scene.replace("make.toml", "retries = 2", "retries = 1\ntimeout = \"10m\"");
    assert!(scene.call("go --retries 3 --timeout 5m").succeeds().was_fresh(), "they are no part of keys");
}

#[test]
fn the_attempts_have_an_end() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.go]\ncommand = \"echo {name} >> $SIDE/tries; exit 3\"\n");
    let ended = scene.call("go -j1 --retries 2").run();
    assert_eq!(ended.code, Some(1));
    assert_eq!(scene.take("tries"), "a\na\na\n");
    assert_eq!(ended.lines_of("Retrying").len(), 2);
    assert_eq!(ended.lines_of("Cancelled"), ["go b"]);
    scene.call("go -j1 --retries 0").run();
    assert_eq!(scene.take("tries"), "a\n");
    assert!(
        scene.call("go --retries many").run().code == Some(2) && scene.call("go --timeout 10").run().code == Some(2)
    );
}

#[test]
fn what_is_interrupted_is_not_tried_again() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.go]\nretries = 9\ncommand = \"echo try >> $SIDE/tries; touch $SIDE/started-go; sleep 1000\"\n",
    );
    let ended = interrupted(&scene, &scene.call("go"), 1, &[Signal::INT]);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    assert_eq!(scene.left("tries"), "try\n");
    assert_eq!(scene.processes(), [""; 0]);
}

#[test]
fn a_test_executable_has_its_time_and_its_attempts_for_itself() {
    let scene =
        Scene::of(&["a", "b"]).make("[lifecycle.test]\nretries = 1\n[workspace.b]\nlifecycle.test.timeout = \"1s\"\n");
    scene.append(
        "a/src/lib.rs",
        "#[test]\nfn flaky() {\n    let side = std::path::PathBuf::from(std::env::var_os(\"SIDE\").unwrap());\n    \
         println!(\"looking\");\n    std::fs::File::create_new(side.join(\"first\")).unwrap_err();\n}\n",
    );
    scene.append(
        "b/src/lib.rs",
        "#[test]\nfn slow() {\n    std::thread::sleep(std::time::Duration::from_secs(100));\n}\n",
    );
    let ended = scene.call("test --keep-going --lib").by_hand().run();
    assert_eq!(ended.code, Some(2), "cargo's flags stand behind --");
    let ended = scene.call("test --keep-going -- --lib").run();
    assert_eq!(ended.code, Some(1));
    let mut retried = ended.lines_of("Retrying");
    retried.sort();
    assert_eq!(
        retried,
        ["a: attempt 1 of 2 failed: exit status 101", "b: attempt 1 of 2 failed: timed out after 1s"],
        "{}",
        ended.text()
    );
    assert!(ended.err().contains("looking"), "{}", ended.text());
    assert_eq!(ended.lines_of("Flaky"), ["a (2 of 2 attempts)"]);
    assert!(ended.lines_of("Failed").iter().all(|line| line.starts_with("b: ") || line.starts_with("test")));
    scene.replace("b/src/lib.rs", "from_secs(100)", "from_secs(0)");
    let passed = scene.call("test -- --lib").succeeds().lines_of("Passed");
    assert_eq!(
        passed.iter().filter(|line| line.starts_with("a: ")).count(),
        1,
        "what was flaky runs again: {passed:?}"
    );
}

#[test]
fn a_process_that_is_left_behind_is_named_and_ended_with_the_run() {
    let make = "[lifecycle.serve]\ninputs = []\ncommand = \"echo serving; sleep 1000 & echo $! > $SIDE/pid\"\n\
        [lifecycle.use]\nneeds = [\"serve\"]\ncommand = \"kill -0 $(cat $SIDE/pid)\"\n\
        [lifecycle.quiet]\ninputs = []\ncommand = \"exec > /dev/null 2>&1; sleep 1000 &\"\n";
    let scene = Scene::of(&["a"]).make(make);
    for reason in ["first run", "not kept before: it left a process behind"] {
        scene.call("use").shows(&format!(
            r"
   Lifecycle of shop: member a
warning: serve a left a process behind that holds its output
         Ran serve a in [time] ({reason})
         Ran use a in [time] (never cached)
warning: the result of serve a is not kept: it left a process behind
    Finished 2 steps in [time]: 2 run
[exit 0]
"
        ));
        assert_eq!(scene.processes(), [""; 0]);
    }
    let ended = scene.call("quiet").succeeds();
    assert!(!ended.err().contains("warning"), "{}", ended.text());
    assert_eq!(scene.processes(), [""; 0]);
}
