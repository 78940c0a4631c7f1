//! What is remembered of runs: shown when asked for, and compared with at the end of later ones.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::events::{events, named};
use crate::scene::Scene;
use crate::signals::{interrupted, send, until};

const MAKE: &str = r#"
[lifecycle.go]
command = "sleep $(cat $SIDE/length); test ! -e $SIDE/bad"
[lifecycle.kept]
inputs = ["Cargo.toml"]
command = "true"
"#;

fn scene(make: &str) -> Scene {
    let scene = Scene::of(&["a"]).make(&format!("{MAKE}{make}"));
    length(&scene, "0");
    scene
}

fn length(scene: &Scene, seconds: &str) {
    fs::write(scene.beside("length"), seconds).unwrap();
}

#[test]
fn what_takes_much_longer_than_usual_is_named() {
    let scene = scene("");
    for _ in 0..6 {
        assert!(!scene.call("go").run().err().contains("Slow"));
    }
    length(&scene, "2.5");
    let ended = scene.call("go --message-format json").run();
    assert_eq!(ended.lines_of("Slow"), ["go a took [time], usually [time] (6 runs)"], "{}", ended.text());
    assert!(ended.out().contains(r#""event":"slower""#), "{}", ended.out());
    let shown = scene.call("--history").run();
    assert!(shown.out().contains("go a (slower than usual)\n"), "{}", shown.text());
}

#[test]
fn what_is_called_with_other_words_is_not_compared() {
    let scene = scene("");
    for _ in 0..5 {
        scene.call("go").succeeds();
    }
    length(&scene, "2.5");
    let others = scene.call("go -- -o -n words").succeeds();
    assert!(!others.err().contains("Slow"), "{}", others.text());
    let shown = scene.call("--history").run();
    assert!(!shown.out().contains("slower than usual"), "{}", shown.text());
    let same = scene.call("go").succeeds();
    assert_eq!(same.lines_of("Slow"), ["go a took [time], usually [time] (5 runs)"], "{}", same.text());
}

#[test]
fn runs_are_shown_with_what_ran_was_fresh_and_failed() {
    let scene = scene("");
    assert_eq!(scene.call("--history").run().out(), "No run is remembered.\n");
    scene.call("kept").succeeds();
    scene.call("go kept").succeeds();
    fs::write(scene.beside("bad"), "").unwrap();
    assert_eq!(scene.call("kept go").run().code, Some(1));
    let lines = |words: &str| -> Vec<String> {
        let out = scene.call(words).succeeds().out();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        out.lines().map(words).filter(|line| line.ends_with(" a")).map(|line| line.replace("[time]", "t")).collect()
    };
    let short = |line: &String| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[..3].join(" "), words[words.len() - 2..].join(" "))
    };
    let mut steps: Vec<_> = lines("--history").iter().map(short).collect();
    steps.sort();
    let expected = [("1 2 0", "kept a"), ("2 0 1", "go a")].map(|(counts, name)| (counts.to_owned(), name.to_owned()));
    assert_eq!(steps, expected);
    assert_eq!(lines("--history kept").iter().map(short).collect::<Vec<_>>(), expected[..1]);
    let json = scene.call("--history go --message-format json").succeeds().out();
    assert_eq!(json.lines().count(), 2, "{json}");
    assert!(json.lines().all(|line| line.contains(r#""name":"go a""#)), "{json}");
    assert_eq!(scene.call("--history gone").run().code, Some(2));
}

#[test]
fn where_members_are_named_those_of_others_are_not_shown() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.go]\ncommand = \"true\"\n");
    scene.call("go check -p b").succeeds();
    scene.call("go -p a").succeeds();
    let shown = |words: &str| -> Vec<String> {
        let out = scene.call(words).succeeds().out();
        let steps = out.lines().skip_while(|line| !line.ends_with("  step")).skip(1);
        let mut steps: Vec<String> = steps.filter_map(|line| Some(line.rsplit_once("  ")?.1.to_owned())).collect();
        steps.sort();
        steps
    };
    assert_eq!(shown("--history"), ["check", "go a", "go b"]);
    assert_eq!(shown("--history -p a"), ["check", "go a"]);
    assert_eq!(shown("--history go --exclude a"), ["go b"]);
    assert_eq!(scene.call("--history -p none").run().code, Some(2));
}

#[test]
fn as_many_are_remembered_as_make_toml_says() {
    let scene = scene("[history]\nkeep = 2\n");
    for _ in 0..7 {
        scene.call("go").succeeds();
    }
    assert_eq!(scene.call("--history --message-format json").succeeds().out().lines().count(), 2);
}

/// The runs that are remembered.
fn remembered(scene: &Scene) -> Vec<Value> {
    let out = scene.call("--history --message-format json").succeeds().out();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_exit_code_is_the_one_that_the_run_had() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.over]\ncommand = \"sleep 0.1\"\n\
        [lifecycle.slow]\ncommand = \"touch $SIDE/started-slow; sleep 30\"\n\
        [performance]\nphases = { over = 1 }\nenforce = true\n",
    );
    assert_eq!(scene.call("over").run().code, Some(5));
    assert_eq!(interrupted(&scene, &scene.call("slow"), 1, &[Signal::INT]).code, Some(130));
    let mut exits: Vec<_> = remembered(&scene).iter().map(|run| run["exit"].as_i64()).collect();
    exits.sort_unstable();
    assert_eq!(exits, [Some(5), Some(130)]);
}

#[test]
fn a_run_took_the_time_before_its_steps_too() {
    let scene = scene("");
    let ended = scene.call("go --message-format json").succeeds();
    let events = events(&ended);
    let ended_at = named(&events, "ended")[0]["at_ms"].as_u64().unwrap();
    let took = remembered(&scene)[0]["duration_ms"].as_u64().unwrap();
    assert!(took >= ended_at, "{took} {ended_at}");
}

#[test]
fn a_history_that_is_damaged_is_told_and_what_was_interrupted_has_not_failed() {
    let scene = Scene::of(&["a"])
        .make("[lifecycle.go]\ncommand = \"touch $SIDE/started; sleep $LONG\"\nenv-inputs = [\"LONG\"]\n");
    scene.call("go").env("LONG", "0").succeeds();
    scene.take("started");
    let call = scene.call("go").env("LONG", "1000");
    let child = call.start();
    until("it runs", || scene.beside("started").exists());
    send(&child, Signal::INT);
    assert_eq!(call.wait(child).code, Some(130));
    let told = scene.call("--history --message-format json").succeeds().out();
    let runs: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended = |run: &Value| (run["steps"][0]["succeeded"].clone(), run["steps"][0]["cancelled"].clone());
    assert_eq!(runs.iter().map(ended).collect::<Vec<_>>(), [(true.into(), false.into()), (false.into(), true.into())]);
    let told = scene.call("--history").succeeds().out();
    let row = told.lines().find(|line| line.ends_with(" go a")).unwrap_or_default();
    assert_eq!(row.split_whitespace().take(3).collect::<Vec<_>>(), ["2", "0", "0"], "{told}");

    let history = scene.state_json().with_file_name("history.jsonl");
    let good = std::fs::read_to_string(&history).unwrap();
    std::fs::write(&history, format!("{{\n{good}")).unwrap();
    let told = scene.call("--history").succeeds();
    assert!(told.err().ends_with(" is left out (lines: 1)\n"), "{}", told.text());
    std::fs::write(&history, "something else").unwrap();
    let told = scene.call("--history").succeeds();
    assert!(told.err().contains("starts without the history of runs; it is now "), "{}", told.text());
    assert!(told.out().contains("No run is remembered"), "{}", told.text());
}
