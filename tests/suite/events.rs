//! `--message-format json`: every line of real runs is as the schema says, and programs find in them what happened.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};

use rustix::process::Signal;
use serde_json::Value;

use crate::call::Ended;
use crate::scene::Scene;
use crate::signals::interrupted;

/// The lines of a run, each of which the schema must know.
#[track_caller]
pub fn events(ended: &Ended) -> Vec<Value> {
    let schema = serde_json::from_str(cargo_lifecycle::report::EVENTS_SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let lines = std::str::from_utf8(&ended.stdout).unwrap().lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        assert!(schema.is_valid(line), "{line:#}");
        let mut broken = line.clone();
        broken["event"] = "other".into();
        assert!(!schema.is_valid(&broken));
    }
    assert_eq!(lines.first().map(|line| &line["event"]), Some(&"begun".into()), "{}", ended.text());
    assert_eq!(lines.last().map(|line| &line["event"]), Some(&"finished".into()), "{}", ended.text());
    assert!(lines.windows(2).all(|two| two[0]["at_ms"].as_u64() <= two[1]["at_ms"].as_u64()));
    lines
}

/// Those of this name.
pub fn named<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == *name).collect()
}

#[track_caller]
fn run(scene: &Scene, words: &str, code: i32) -> Vec<Value> {
    let ended = scene.call(words).arg("--message-format").arg("json").run();
    assert_eq!(ended.code, Some(code), "{}", ended.text());
    events(&ended)
}

#[test]
fn a_run_and_then_a_fresh_one() {
    let scene =
        Scene::of(&["a", "b a"]).make("[lifecycle.say]\ninputs = [\"src/**\"]\ncommand = \"echo it is {name}\"\n");
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    let first = run(&scene, "check say", 0);
    let begun = &first[0];
    assert_eq!(begun["workspace"], "shop");
    let steps: Vec<_> = begun["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["check", "say a", "say b"]);
    let reasons: Vec<_> = named(&first, "started").iter().map(|event| event["reason"]["code"].clone()).collect();
    assert_eq!(reasons, ["first_run", "first_run", "first_run"]);
    let warnings = named(&first, "diagnostic");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let place = ["level", "file", "line", "column"].map(|field| warnings[0][field].clone());
    assert_eq!(place, ["warning".into(), "a/src/lib.rs".into(), 2.into(), Value::from(4)]);
    let end = ["end_line", "end_column"].map(|field| warnings[0][field].clone());
    assert_eq!(end, [2.into(), Value::from(10)]);
    let said = named(&first, "printed").into_iter().filter(|event| event["name"] == "say a");
    assert_eq!(said.map(|event| event["text"].clone()).collect::<Vec<_>>(), ["it is a\n"]);

    let second = run(&scene, "check say", 0);
    assert_ne!(second[0]["run"], begun["run"]);
    assert!(named(&second, "ended").iter().all(|event| event["outcome"] == "cached" && event["attempts"] == 0));
    assert_eq!(named(&second, "diagnostic").len(), 1, "warnings of fresh steps come again");
    assert_eq!(second.last().unwrap()["cached"], 3);
}

#[test]
fn what_waits_for_what_is_told() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.load]\ncommand = \"sleep 0.1\"\nlock = \"db\"\n");
    scene.append("a/src/lib.rs", "#[test]\nfn good() {}\n");
    let events = run(&scene, "load test --jobs 2", 0);
    let waits = named(&events, "waiting");
    assert_eq!(waits.len(), 1, "{waits:#?}");
    assert_eq!((&waits[0]["lock"], &waits[0]["part"]), (&"db".into(), &Value::Null));
    let steps = named(&events, "ready").len();
    assert_eq!(steps, 3);
    let split: Vec<&Value> =
        named(&events, "split").iter().flat_map(|event| event["parts"].as_array().unwrap()).collect();
    assert!(split.contains(&&"a".into()), "{split:?}");
    // Each step once, what brings the tests together, and the tests themselves.
    assert_eq!(named(&events, "granted").len(), steps + 1 + split.len());
}

#[test]
fn what_does_not_compile_and_what_is_skipped_for_it() {
    let scene = Scene::of(&["a", "b a"]);
    scene.append("a/src/lib.rs", "fn wrong() -> u8 { \"\" }\n");
    let scene = scene.make("[lifecycle.then]\ncommand = \"true\"\nneeds = [\"check\"]\n");
    let events = run(&scene, "then --keep-going", 1);
    let errors = named(&events, "diagnostic");
    assert!(errors.iter().any(|event| event["code"] == "E0308" && event["file"] == "a/src/lib.rs"), "{errors:#?}");
    let failed = named(&events, "ended").into_iter().find(|event| event["outcome"] == "failed").unwrap();
    assert_eq!(failed["how"], "exit status 101 (a)");
    let skipped: Vec<_> = named(&events, "ended").into_iter().filter(|event| event["outcome"] == "skipped").collect();
    assert!(!skipped.is_empty() && skipped.iter().all(|event| event["because"] == failed["step"]));
}

#[test]
fn tests_that_fail_and_tests_that_are_fresh() {
    let scene = Scene::of(&["a", "b"]);
    scene.append("a/src/lib.rs", "#[test]\nfn bad() { panic!(\"no\") }\n#[test]\nfn good() {}\n");
    scene.append("b/src/lib.rs", "#[test]\nfn good() {}\n");
    let first = run(&scene, "test --keep-going", 1);
    let part = |events: &[Value], name: &str| {
        named(events, "part_ended").into_iter().find(|event| event["part"] == *name).unwrap().clone()
    };
    let bad = part(&first, "a");
    assert_eq!(
        (&bad["outcome"], &bad["tests"]["failed"], &bad["tests"]["passed"]),
        (&"failed".into(), &1.into(), &1.into())
    );
    let said = named(&first, "printed")
        .into_iter()
        .any(|event| event["part"] == "a" && event["text"].as_str().unwrap().contains("panicked at a/src/lib.rs:3:12"));
    assert!(said, "{first:#?}");
    let second = run(&scene, "test --keep-going", 1);
    assert_eq!(part(&second, "b")["outcome"], "cached");
    let tests = &named(&second, "ended")[0]["tests"];
    assert_eq!((&tests["fresh"]["tests"]["passed"], &tests["ran"]["tests"]["failed"]), (&1.into(), &1.into()));
}

#[test]
fn an_interrupted_run_is_told_to_its_end() {
    let scene = Scene::of(&["a"]).make("[lifecycle.slow]\ncommand = \"touch $SIDE/started-slow; sleep 30\"\n");
    let ended = interrupted(&scene, &scene.call("slow --message-format json"), 1, &[Signal::INT]);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    let events = events(&ended);
    assert_eq!(named(&events, "interrupted")[0]["signal"], "SIGINT");
    assert_eq!(named(&events, "ended")[0]["outcome"], "cancelled");
}

/// Each step that is named at the beginning ends once, and the figures are theirs. Answers how those of `on_success` and
/// `on_error` ended.
#[track_caller]
fn endings(ended: &Ended) -> Vec<(String, String)> {
    let events = events(ended);
    let named_first: Vec<u64> =
        events[0]["steps"].as_array().unwrap().iter().map(|step| step["step"].as_u64().unwrap()).collect();
    assert!(
        events[0]["steps"].as_array().unwrap().iter().all(|step| !step["name"].as_str().unwrap().starts_with("on_"))
    );
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for event in named(&events, "ended") {
        *counts.entry(event["step"].as_u64().unwrap()).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "{}", ended.text());
    assert!(named_first.iter().all(|step| counts.contains_key(step)), "{}", ended.text());
    assert_eq!(events.last().unwrap()["steps"].as_u64(), Some(named_first.len() as u64));
    let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
    let closing =
        named(&events, "ended").into_iter().filter(|event| event["name"].as_str().unwrap().starts_with("on_"));
    closing.map(|event| (text(event, "name"), text(event, "outcome"))).collect()
}

#[test]
fn each_step_that_is_named_at_the_beginning_ends_once_however_the_run_ends() {
    let phase = |name: &str| {
        format!(
            "[lifecycle.{name}]\nscope = \"workspace\"\ncommand = \"[ ! -e $SIDE/broken-{name} ] || exit 1; \
             if [ -e $SIDE/slow-{name} ]; then touch $SIDE/started-{name}; sleep 30; fi\"\n"
        )
    };
    let make = ["work", "more", "down", "good", "bad"].map(phase).concat()
        + "[hooks]\nafter_work = [\"more\"]\nfinally = [\"down\"]\non_success = [\"good\"]\non_error = [\"bad\"]\n";
    let run = |broken: &[&str]| {
        let scene = Scene::of(&["a"]).make(&make);
        broken.iter().for_each(|name| std::fs::write(scene.beside(&format!("broken-{name}")), "").unwrap());
        endings(&scene.call("work --message-format json").run())
    };
    let one = |name: &str, outcome: &str| vec![(name.to_owned(), outcome.to_owned())];
    assert_eq!(run(&[]), one("on_success: good", "succeeded"));
    assert_eq!(run(&["work"]), one("on_error: bad", "succeeded"));
    assert_eq!(run(&["down"]), one("on_error: bad", "succeeded"));
    assert_eq!(run(&["more", "bad"]), one("on_error: bad", "failed"));
    assert_eq!(run(&["good"]), one("on_success: good", "failed"));
    let stopped = |slow: &str, signals: &[Signal]| {
        let scene = Scene::of(&["a"]).make(&make);
        std::fs::write(scene.beside(&format!("slow-{slow}")), "").unwrap();
        endings(&interrupted(&scene, &scene.call("work --message-format json"), 1, signals))
    };
    assert_eq!(stopped("work", &[Signal::INT]), []);
    assert_eq!(stopped("down", &[Signal::INT, Signal::INT]), []);
    assert_eq!(stopped("good", &[Signal::TERM]), one("on_success: good", "cancelled"));
}

#[test]
fn what_the_compiler_says_comes_before_cargo_ends_and_once() {
    let scene = Scene::of(&["a", "b a"]);
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    scene.write(
        "b/build.rs",
        "fn main() {\n    let side = std::path::PathBuf::from(std::env::var_os(\"SIDE\").unwrap());\n    \
         while !side.join(\"seen\").exists() {\n        std::thread::sleep(std::time::Duration::from_millis(10));\n    }\n}\n",
    );
    let mut child = scene.call("check --message-format json").start();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_one = |line: &String| line.contains("\"event\":\"diagnostic\"");
    assert!(lines.any(|line| is_one(&line)));
    std::fs::write(scene.beside("seen"), "").unwrap();
    assert_eq!(lines.filter(is_one).count(), 0, "it is not told again");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_several_commands_and_attempts_say_comes_once() {
    let scene = Scene::of(&["a", "b"])
        .make("[lifecycle.twice]\nretries = 1\ncommands = [\"cargo check -p a\", \"cargo build -p a\", \"false\"]\n");
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    let events = run(&scene, "twice -p a", 1);
    assert_eq!(named(&events, "retried").len(), 1);
    assert_eq!(named(&events, "diagnostic").len(), 1, "{events:#?}");
    // After some did not compile, cargo is asked for the others, and says again what it said of them.
    scene.append("b/src/lib.rs", "fn wrong() -> u8 { \"\" }\n");
    let events = run(&scene, "test --keep-going", 1);
    let said: Vec<_> = named(&events, "diagnostic").iter().map(|event| event["message"].clone()).collect();
    assert_eq!(said.iter().filter(|message| *message == "function `unused` is never used").count(), 1, "{said:?}");
}

#[test]
fn output_that_is_no_text_or_very_long_comes_in_pieces() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.say]\nscope = \"workspace\"\ncommands = [\"printf '\\\\377 binary\\\\n'\", \"yes 'a line' | head -n 100000\"]\n",
    );
    let events = run(&scene, "say", 0);
    let printed = named(&events, "printed");
    assert!(printed.len() > 5 && printed.iter().all(|event| event["text"].as_str().unwrap().len() < 70_000));
    assert!(printed[0]["text"].as_str().unwrap().starts_with("\u{fffd} binary\n") && printed[0]["lossy"] == true);
    assert_eq!(printed.last().unwrap()["lossy"], false);
    let all: String = printed.iter().map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(all, format!("\u{fffd} binary\n{}", "a line\n".repeat(100_000)));
}

#[test]
fn standard_error_is_as_for_people_and_a_closed_pipe_changes_nothing() {
    let scene = Scene::of(&["a"]);
    let ended = scene.call("check --message-format json").succeeds();
    assert_eq!(ended.ran().len(), 1, "{}", ended.text());
    let call = scene.call("check --force --message-format json");
    let mut child = call.start();
    drop(child.stdout.take());
    assert_eq!(call.wait(child).code, Some(0));
}
