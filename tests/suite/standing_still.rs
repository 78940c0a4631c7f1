//! Ctrl-Z in the middle of a run: all stand still, time included, and go on together.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::call::Ended;
use crate::scene::Scene;
use crate::signals::{send, until};
use crate::terminal::Terminal;

fn is_stopped(child: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    stat.rsplit(") ").next().unwrap().starts_with('T')
}

fn has_ended(child: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    stat.rsplit(") ").next().unwrap().starts_with('Z')
}

/// Ten beats of a tenth of a second.
const BEATS: &str = "i=0; while [ $i -lt 10 ]; do sleep 0.1; echo beat >> $SIDE/beats; i=$((i+1)); done";

/// How long each pause is.
const STOOD: Duration = Duration::from_millis(1600);

/// The time that the event of this name tells, in milliseconds.
fn told(ended: &Ended, name: &str) -> u64 {
    let out = ended.out();
    let mut events = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.find(|event| event["event"] == name).unwrap()["duration_ms"].as_u64().unwrap()
}

#[test]
fn all_stand_still_and_their_time_with_them() {
    let make = format!(
        "[lifecycle.go]\ntimeout = \"3s\"\ncommand = \"{BEATS}\"\n\
        [lifecycle.deaf]\ntimeout = \"3s\"\ncommand = \"trap '' TSTP; (sh -c '{BEATS}')\"\n"
    );
    for phase in ["go", "deaf"] {
        let scene = Scene::of(&["a"]).make(&make);
        let call = scene.call(phase).arg("--message-format").arg("json");
        let clock = Instant::now();
        let child = call.start();
        let beats = || scene.left("beats").lines().count();
        for _ in 0..2 {
            let before = beats();
            until("it runs", || beats() > before);
            send(&child, Signal::TSTP);
            until("it stands still", || is_stopped(&child));
            let stood = beats();
            std::thread::sleep(STOOD);
            assert_eq!(beats(), stood, "{phase}");
            send(&child, Signal::CONT);
        }
        let ended = call.wait(child);
        assert_eq!(ended.code, Some(0), "{}", ended.text());
        assert_eq!(beats(), 10, "{}", ended.text());
        for event in ["ended", "finished"] {
            let took = Duration::from_millis(told(&ended, event));
            assert!(took + 2 * STOOD <= clock.elapsed(), "{event} after {took:?}, {:?}", clock.elapsed());
        }
    }
}

/// A terminal tells the whole group, and so a child, too, that has not come to its exec yet.
#[test]
fn nobody_is_left_standing_on_the_way_to_what_is_started() {
    let names: Vec<String> = (0..40).map(|number| format!("m{number}")).collect();
    let scene = Scene::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
        .make("[lifecycle.go]\ncommands = [\"true\", \"true\", \"true\"]\n");
    scene.call("go").succeeds();
    for pause in 0..12 {
        let call = scene.call("go -j 8");
        let child = call.start_group();
        let group = Pid::from_child(&child);
        for round in 0..3 {
            std::thread::sleep(Duration::from_millis(12 + 5 * pause + round));
            _ = kill_process_group(group, Signal::TSTP);
            std::thread::sleep(Duration::from_millis(150));
            _ = kill_process_group(group, Signal::CONT);
        }
        until("it goes on to its end", || has_ended(&child));
        let ended = call.wait(child);
        assert!(ended.err().contains("40 run"), "{}", ended.text());
    }
}

#[test]
fn it_can_be_ended_afterwards() {
    let scene = Scene::of(&["a"]).make("[lifecycle.go]\ncommand = \"touch $SIDE/started; sleep 1000\"\n");
    let call = scene.call("go");
    let child = call.start();
    until("it runs", || scene.beside("started").exists());
    send(&child, Signal::TSTP);
    until("it stands still", || is_stopped(&child));
    send(&child, Signal::INT);
    send(&child, Signal::CONT);
    let ended = call.wait(child);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    assert_eq!(scene.processes(), [""; 0]);
}

#[test]
fn the_shell_has_the_terminal_meanwhile() {
    let scene = Scene::of(&["a"]).make(&format!("[lifecycle.go]\ncommand = \"{BEATS}\"\n"));
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle go; echo over $?");
    until("it runs", || !scene.left("beats").is_empty());
    terminal.until_seen("] 0/1");
    terminal.key("C-z");
    let screen = terminal.until_seen("topped");
    assert!(!screen.contains("] 0/1"), "the bar is put away: {screen}");
    terminal.line("clear; stty -a | grep -o .echoctl; fg");
    let screen = terminal.until_seen("Finished");
    assert!(!screen.contains("-echoctl"), "{screen}");
    assert!(screen.contains("Ran go a in "), "{screen}");
}
