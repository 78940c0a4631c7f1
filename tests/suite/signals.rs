//! Signals in the middle of a run: nothing is left running, what is kept stays readable, and what was cut off runs again.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// Waits until something holds, and fails if it never does.
#[track_caller]
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The signals that ask a run to end, and the exit codes that say so.
pub const ENDING: [(Signal, i32); 5] =
    [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131), (Signal::ALARM, 142)];

pub fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Interrupts a call as soon as this many steps have left a file `$SIDE/started-…`.
pub fn interrupted(scene: &Scene, call: &Call, steps: usize, signals: &[Signal]) -> Ended {
    let child = call.start();
    until("the steps start", || {
        let names = std::fs::read_dir(scene.beside("")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("started-")).count() == steps
    });
    for signal in signals {
        send(&child, *signal);
        std::thread::sleep(Duration::from_millis(100));
    }
    call.wait(child)
}

/// A phase that waits half a minute, the second time not.
const SLOW: &str = "[lifecycle.slow]\ninputs = [\"src/**\"]\n\
    command = \"[ -e $SIDE/quick ] && exit; touch $SIDE/started-{name}; sleep 30; sleep 30\"\n";

#[test]
fn a_signal_ends_everything() {
    for (signal, code) in ENDING {
        let scene = Scene::of(&["a", "b", "c"]).make(SLOW);
        scene.call("check").succeeds();
        let call = scene.call("slow -j2");
        let ended = interrupted(&scene, &call, 2, &[signal]);
        assert_eq!(ended.code, Some(code), "{}", ended.text());
        assert_eq!(scene.processes(), [""; 0]);
        let mut cancelled = ended.lines_of("Cancelled");
        cancelled.sort();
        assert_eq!(cancelled, ["slow a", "slow b", "slow c"], "{}", ended.text());
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(scene.state_json()).unwrap()).unwrap();

        std::fs::write(scene.beside("quick"), "").unwrap();
        let again = scene.call("check slow -j1").succeeds();
        assert_eq!(again.ran().len(), 3, "{}", again.text());
        assert_eq!(again.lines_of("Fresh"), ["check (3 members)"]);
    }
}

#[test]
fn who_does_not_read_the_output_keeps_no_signal_from_what_runs() {
    let make = "[lifecycle.loud]\ncache = false\nworkspaces = [\"a\"]\ncommand = \"touch $SIDE/started-a; seq 1 300000\"\n\
        [lifecycle.quiet]\ncache = false\nworkspaces = [\"b\"]\ncommand = \"touch $SIDE/started-b; sleep 300\"\n";
    for (signals, words) in [(1, "--output stream"), (2, "--output stream"), (2, "--message-format json")] {
        let scene = Scene::of(&["a", "b"]).make(make);
        let call = scene.call(&format!("loud quiet -j2 {words}"));
        let child = call.start();
        let is_there = |name: &str| scene.beside(name).exists();
        until("both run", || is_there("started-a") && is_there("started-b"));
        // A pipe takes 64 KiB.
        std::thread::sleep(Duration::from_millis(300));
        for _ in 0..signals {
            send(&child, Signal::INT);
            std::thread::sleep(Duration::from_millis(300));
        }
        until("what runs is ended", || scene.processes().iter().all(|line| !line.contains("sleep")));
        let ended = call.wait(child);
        assert_eq!(ended.code, Some(130), "{}", ended.text());
        assert_eq!(scene.processes(), [""; 0]);
    }
}

#[test]
fn what_ended_before_an_interrupt_is_kept() {
    let make = format!("{SLOW}[lifecycle.first]\ninputs = []\ncommand = \"true\"\n");
    let scene = Scene::of(&["a"]).make(&make);
    let ended = interrupted(&scene, &scene.call("first slow"), 1, &[Signal::INT]);
    assert_eq!(ended.ran(), ["first a (first run)"]);
    assert!(scene.call("first").succeeds().was_fresh());
}

/// A phase whose processes do not heed signals.
const DEAF: &str = "[lifecycle.deaf]\n\
    command = \"trap '' INT TERM; touch $SIDE/started-{name}; i=0; while [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done\"\n";

#[test]
fn who_ignores_an_interrupt_is_killed_after_a_grace() {
    let scene = Scene::of(&["a"]).make(DEAF);
    let ended = interrupted(&scene, &scene.call("deaf"), 1, &[Signal::INT]);
    ended.shows(
        r"
   Lifecycle of shop: member a
    Stopping what runs; once more to kill it
   Cancelled deaf a
    Finished 1 step in [time]: 1 cancelled
[exit 130]
",
    );
    assert_eq!(scene.processes(), [""; 0]);
}

#[test]
fn a_second_interrupt_kills_at_once() {
    let scene = Scene::of(&["a"]).make(DEAF);
    let ended = interrupted(&scene, &scene.call("deaf"), 1, &[Signal::INT, Signal::INT]);
    assert_eq!(ended.code, Some(130));
    assert_eq!(scene.processes(), [""; 0]);
}

#[test]
fn a_build_that_is_interrupted_is_built_again() {
    let scene = Scene::of(&["a"]);
    scene.write(
        "a/build.rs",
        "fn main() {\n    let side = std::path::PathBuf::from(std::env::var_os(\"SIDE\").unwrap());\n    \
         if !side.join(\"quick\").exists() {\n        std::fs::write(side.join(\"started-build\"), \"\").unwrap();\n        \
         std::thread::sleep(std::time::Duration::from_secs(30));\n    }\n}\n",
    );
    let ended = interrupted(&scene, &scene.call("check"), 1, &[Signal::INT]);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    assert_eq!(scene.processes(), [""; 0], "cargo's own children are gone, too");
    std::fs::write(scene.beside("quick"), "").unwrap();
    assert_eq!(scene.call("check").succeeds().ran(), ["check (1 member) (interrupted before)"]);
}

#[test]
fn what_was_cut_off_is_no_earlier_run_of_the_same_state() {
    let command = "echo half > made; [ -e $SIDE/slow ] && touch $SIDE/started-go && sleep 30; cp in made";
    let make = format!("[lifecycle.go]\ninputs = [\"in\"]\ncommand = \"{command}\"\n");
    let scene = Scene::of(&["a"]).make(&make).file(".gitignore", "made\ntarget\n");
    for input in ["1", "2", "1"] {
        scene.write("a/in", input);
        scene.call("go").succeeds();
    }
    let states = [("go --force", "1"), ("go", "2")];
    for (words, input) in states {
        scene.write("a/in", input);
        std::fs::write(scene.beside("slow"), "").unwrap();
        assert_eq!(interrupted(&scene, &scene.call(words), 1, &[Signal::INT]).code, Some(130));
        ["slow", "started-go"].into_iter().for_each(|name| std::fs::remove_file(scene.beside(name)).unwrap());
        assert_eq!(std::fs::read_to_string(scene.at("a/made")).unwrap(), "half\n");
        assert_eq!(scene.call("go").succeeds().ran(), ["go a (interrupted before)"], "{words}");
        assert_eq!(std::fs::read_to_string(scene.at("a/made")).unwrap(), input);
        assert!(scene.call("go").succeeds().was_fresh());
    }
}

#[test]
fn what_was_not_kept_is_no_earlier_run_of_the_same_state() {
    let command = "cp in made; [ -e $SIDE/change ] && cp $SIDE/change in; true";
    let make = format!("[lifecycle.go]\ninputs = [\"in\"]\ncommand = \"{command}\"\n");
    let scene = Scene::of(&["a"]).make(&make).file(".gitignore", "made\ntarget\n").file("a/in", "1");
    scene.call("go").succeeds();
    std::fs::write(scene.beside("change"), "2").unwrap();
    scene.call("go --force").succeeds();
    std::fs::remove_file(scene.beside("change")).unwrap();
    scene.write("a/in", "1");
    let again = scene.call("go").succeeds();
    assert!(!again.was_fresh(), "{}", again.text());
    assert!(scene.call("go").succeeds().was_fresh());
}
