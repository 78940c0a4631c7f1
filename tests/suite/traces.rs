//! `--trace`: that what real runs write is what readers of the Trace Event Format ask for, and what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use serde_json::Value;

use crate::scene::Scene;

/// The events of a trace, each of which must have what its kind asks for.
#[track_caller]
fn events(scene: &Scene, path: &str) -> Vec<Value> {
    let trace: Value = serde_json::from_slice(&fs::read(scene.at(path)).unwrap()).unwrap();
    assert_eq!(trace["displayTimeUnit"], "ms");
    let events = trace["traceEvents"].as_array().unwrap();
    let mut threads = BTreeSet::new();
    let mut spans: BTreeMap<u64, Vec<[u64; 2]>> = BTreeMap::new();
    let mut waits: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for event in events {
        // Numbers above 0: some readers take 0 for another one.
        let number = |field: &str| {
            assert!(event[field].is_u64(), "`{field}` of {event}");
            event[field].as_u64().unwrap()
        };
        let text = |field: &str| event[field].as_str().unwrap();
        assert!(!text("name").is_empty() && number("pid") > 0 && number("tid") > 0, "{event}");
        match text("ph") {
            "M" if text("name") == "thread_sort_index" => assert!(event["args"]["sort_index"].is_i64(), "{event}"),
            "M" => {
                assert!(event["args"]["name"].is_string(), "{event}");
                assert!(["process_name", "thread_name"].contains(&text("name")), "{event}");
                threads.extend((text("name") == "thread_name").then(|| number("tid")));
            }
            "X" => {
                assert!(event["args"].is_object() && !text("cat").is_empty(), "{event}");
                spans.entry(number("tid")).or_default().push([number("ts"), number("ts") + number("dur")]);
            }
            kind @ ("b" | "e") => {
                let id = format!("{} {} {}", text("cat"), number("id"), text("name"));
                waits.entry(id).or_default().push((kind.to_owned(), number("ts")));
            }
            "C" => {
                let counts = event["args"].as_object().unwrap();
                assert!(!counts.is_empty() && counts.values().all(Value::is_u64), "{event}");
                number("ts");
            }
            other => {
                assert_eq!(other, "i", "{event}");
                assert!(["g", "p", "t"].contains(&text("s")), "{event}");
                number("ts");
            }
        }
    }
    assert_eq!(threads, spans.keys().copied().collect(), "each thread has a name, and something on it");
    for spans in spans.values_mut() {
        spans.sort_unstable();
        assert!(spans.windows(2).all(|two| two[0][1] <= two[1][0]), "{spans:?}");
    }
    for (id, ends) in waits {
        let is_pair = ends.len() == 2 && ends[0].0 == "b" && ends[1].0 == "e" && ends[0].1 <= ends[1].1;
        assert!(is_pair, "{id}: {ends:?}");
    }
    events.clone()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["ph"] == *kind).collect()
}

#[test]
fn a_run_of_everything_is_a_trace_that_readers_take() {
    let scene = Scene::of(&["a", "b"]).make(
        "[lifecycle.load]\ncommand = \"sleep 0.1\"\nlock = \"db\"\n[lifecycle.bad]\ncommand = \"sleep 0.1; false\"\nlock = \"db\"\n\
         [performance]\nmax_phase_time = 1\n",
    );
    scene.append("a/src/lib.rs", "#[test]\nfn good() {}\n");
    let began = Instant::now();
    let ended = scene.call("load test bad --jobs 2 --trace trace.json").run();
    let took = u64::try_from(began.elapsed().as_micros()).unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    let events = events(&scene, "trace.json");
    // In microseconds from the question on.
    for event in of(&events, "X") {
        let [from, length] = ["ts", "dur"].map(|field| event[field].as_u64().unwrap());
        assert!(from + length <= took, "{event}");
        assert!(!event["name"].as_str().unwrap().starts_with("load ") || length >= 100_000, "{event}");
    }
    let is_there = |kind: &str, category: &str| of(&events, kind).iter().any(|event| event["cat"] == *category);
    assert!(["run", "step", "part"].iter().all(|category| is_there("X", category)), "{events:#?}");
    assert!(is_there("i", "budget"), "{events:#?}");
    // That of `load`, and that of the second `bad`, which came to nothing.
    let waits = of(&events, "b");
    let waited = |phase: &str| waits.iter().any(|event| event["args"]["step"].as_str().unwrap().starts_with(phase));
    assert!(waited("load ") && waited("bad "), "{waits:#?}");
}

#[test]
fn a_run_of_nothing_is_a_trace_too() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ncommand = \"true\"\ninputs = [\"src/**\"]\n");
    for _ in 0..2 {
        scene.call("say --trace trace.json").succeeds();
        let events = events(&scene, "trace.json");
        assert_eq!(of(&events, "X").iter().filter(|event| event["cat"] == "step").count(), 1, "{events:#?}");
    }
}

#[test]
fn a_trace_tells_of_waits_for_locks_and_of_members() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.load]\ncommand = \"sleep 0.1\"\nlock = \"db\"\n");
    let ended = scene.call("load --jobs 2 --trace out/trace.json").succeeds();
    assert_eq!(ended.lines_of("Trace"), ["out/trace.json"]);
    let events = events(&scene, "out/trace.json");
    let steps: Vec<&Value> = of(&events, "X").into_iter().filter(|event| event["cat"] == "step").collect();
    let mut members: Vec<&str> = steps.iter().map(|event| event["args"]["member"].as_str().unwrap()).collect();
    members.sort_unstable();
    assert_eq!(members, ["a", "b"]);
    let waits = of(&events, "b");
    assert_eq!(waits.len(), 1, "{events:#?}");
    assert_eq!(waits[0]["args"]["lock"], "db");
}

#[test]
fn what_is_in_the_place_of_the_folder_is_told() {
    let scene = Scene::of(&["alpha"]).make("[lifecycle.nothing]\ncommand = \"true\"\n");
    let said = scene.call("nothing --trace Cargo.toml/trace.json").run().text();
    assert!(said.contains("Cargo.toml/trace.json") && said.contains("Not a directory"), "{said}");
}
