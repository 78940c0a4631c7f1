//! Steps that have the terminal.

use std::io::Write as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::Scene;
use crate::signals::interrupted;
use crate::terminal::Terminal;

#[test]
fn an_interactive_step_reads_and_prints_for_itself_and_is_alone() {
    let scene = Scene::of(&["a", "b", "c"]).make(
        "[lifecycle.ask]\nscope = \"workspace\"\ninteractive = true\ninputs = []\n\
            command = \"echo begin >> $SIDE/order; read name; echo hello $name; echo oops >&2; sleep 0.2; echo end >> $SIDE/order\"\n\
        [lifecycle.work]\ncommand = \"echo work >> $SIDE/order; sleep 0.1\"\n",
    );
    let call = scene.call("work ask work -j4");
    for _ in 0..2 {
        let mut child =
            call.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"world\n").unwrap();
        let ended = call.wait(child);
        assert_eq!(ended.code, Some(0), "{}", ended.text());
        assert_eq!(ended.out(), "hello world\n");
        assert!(ended.err().contains("oops"), "{}", ended.text());
        assert!(ended.ran().iter().any(|line| line == "ask (never cached)"), "{}", ended.text());
        let order = scene.take("order");
        assert_eq!(order.lines().count(), 5);
        assert!(order.contains("begin\nend\n"), "{order}");
    }
}

#[test]
fn it_is_in_front_of_the_terminal() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.ask]\ninteractive = true\n\
            command = \"test -t 0 && test -t 1 && printf 'your name? '; read name; echo hello $name\"\n\
        [lifecycle.hold]\ninteractive = true\ntimeout = \"1m\"\n\
            command = \"trap 'echo caught; exit 0' INT; echo ready; while :; do sleep 0.05; done\"\n\
        [lifecycle.raw]\ninteractive = true\ncommand = \"stty -echo; echo silent; kill -9 $$\"\n",
    );
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle ask hold; echo over $?");
    terminal.until("your name?");
    terminal.line("world");
    terminal.until_seen("\nhello world");
    terminal.until("ready");
    terminal.key("C-c");
    let screen = terminal.until("over 0\n$");
    assert!(screen.contains("caught") && !screen.contains("Stopping"), "{screen}");
    assert!(screen.contains("Ran ask a in ") && screen.contains("Ran hold a in "), "{screen}");
    assert!(!screen.contains("] 0/2"), "nothing of the bar is left: {screen}");
    // However it leaves the terminal, the shell has it back as it was.
    terminal.line("clear; $LIFECYCLE lifecycle raw; echo code $?");
    terminal.until("code 1\n$");
    terminal.line("echo see me");
    let screen = terminal.until("see me\n$");
    assert!(screen.contains("$ echo see me\nsee me"), "{screen}");
}

#[test]
fn ctrl_z_stops_both_and_the_shell_has_the_terminal() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.ask]\ninteractive = true\ncommand = \"echo ready; read name; echo hello $name; read again; echo and $again\"\n",
    );
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle ask; echo over $?");
    terminal.until("ready");
    for (name, seen) in [("world", "\nhello world"), ("moon", "\nand moon")] {
        terminal.key("C-z");
        terminal.until_seen("topped");
        terminal.line("clear; echo here; fg");
        terminal.until("here\n${LIFECYCLE} lifecycle ask");
        terminal.line(name);
        terminal.until_seen(seen);
    }
    let screen = terminal.until_seen("Finished");
    assert!(screen.contains("Ran ask a in "), "{screen}");
}

/// `hold` waits in front, `later` comes after it, `down` at the end however it goes; each that runs leaves a line in `$SIDE/ran`.
const HOLD: &str = "[lifecycle.hold]\ninteractive = true\ncache = true\ninputs = []\nretries = 2\n\
    commands = [\"echo hold >> $SIDE/ran; echo $PPID > $SIDE/started-hold; echo ready; sleep 1000\", \"echo next >> $SIDE/ran\"]\n\
    [lifecycle.later]\ncommand = \"echo later >> $SIDE/ran\"\n\
    [lifecycle.down]\nscope = \"workspace\"\ncommand = \"echo down >> $SIDE/ran\"\n\
    [lifecycle.announce]\ncommand = \"echo announce >> $SIDE/ran\"\n\
    [hooks]\nfinally = [\"down\"]\non_error = [\"announce\"]\n";

#[test]
fn ctrl_c_that_ends_it_ends_the_run() {
    let scene = Scene::of(&["a"]).make(HOLD);
    let Some(terminal) = Terminal::open(&scene) else { return };
    for options in ["", "--keep-going"] {
        terminal.line(&format!("clear; $LIFECYCLE lifecycle hold later {options}; echo over $?"));
        terminal.until("ready");
        terminal.key("C-c");
        let screen = terminal.until("over 130\n$");
        assert!(screen.contains("Cancelled hold a") && screen.contains("Cancelled later a"), "{screen}");
        assert!(screen.contains("2 cancelled") && !screen.contains("Failed"), "{screen}");
        assert_eq!(scene.take("ran"), "hold\ndown\n", "{screen}");
    }
    terminal.line("clear; $LIFECYCLE lifecycle hold -n; echo over $?");
    let screen = terminal.until("over 0\n$");
    assert!(screen.contains("hold a: stale: interrupted before"), "{screen}");
}

#[test]
fn who_ends_the_run_ends_it_as_well() {
    let scene = Scene::of(&["a"]).make(HOLD);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let ended = interrupted(&scene, &scene.call("hold later"), 1, &[signal]);
        assert_eq!(ended.code, Some(code), "{}", ended.text());
        assert_eq!(ended.lines_of("Cancelled"), ["later a", "hold a"], "{}", ended.text());
        assert_eq!(scene.take("ran"), "hold\ndown\n");
        assert_eq!(scene.processes(), [""; 0]);
        scene.take("started-hold");
    }
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle hold later; echo over $?");
    terminal.until("ready");
    let us = Pid::from_raw(scene.left("started-hold").trim().parse().unwrap()).unwrap();
    kill_process(us, Signal::TERM).unwrap();
    let screen = terminal.until("over 143\n$");
    assert!(screen.contains("Cancelled hold a"), "{screen}");
    assert_eq!(scene.take("ran"), "hold\ndown\n");
}

#[test]
fn a_signal_of_another_kind_is_a_failure() {
    let make = "[lifecycle.hold]\ninteractive = true\ncommand = \"kill -s $signal $$\"\n";
    let scene = Scene::of(&["a"]).make(make);
    let ended = scene.call("hold").env("signal", "INT").run();
    assert_eq!(ended.code, Some(1), "it has no terminal, so nobody pressed a key: {}", ended.text());
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("signal=TERM $LIFECYCLE lifecycle hold; echo over $?");
    let screen = terminal.until("over 1\n$");
    assert!(screen.contains("Failed hold a") && screen.contains("ended by signal 15"), "{screen}");
}

#[test]
fn ctrl_c_in_what_closes_the_run_lets_the_others_run() {
    let make = HOLD.replace("finally = [\"down\"]", "finally = [\"hold\", \"down\"]");
    let scene = Scene::of(&["a"]).make(&make);
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle later; echo over $?");
    terminal.until("ready");
    terminal.key("C-c");
    let screen = terminal.until("over 130\n$");
    assert!(screen.contains("Cancelled finally: hold a"), "{screen}");
    let ran = scene.take("ran");
    let mut lines: Vec<&str> = ran.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["down", "hold", "later"], "{screen}");
}

#[test]
fn a_program_that_deals_with_ctrl_c_goes_on_as_it_likes() {
    let scene = Scene::of(&["a"]).make("[lifecycle.ask]\ninteractive = true\ncommand = \"repl in out\"\n");
    let deals = "trap 'echo caught' INT; echo ready; while ! read line; do :; done; echo said $line";
    let program = scene.program("repl", deals);
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line(&format!("PATH={}:$PATH", program.parent().unwrap().display()));
    terminal.line("clear; $LIFECYCLE lifecycle ask; echo over $?");
    terminal.until("ready");
    terminal.key("C-c");
    terminal.until_seen("caught");
    terminal.line("enough");
    let screen = terminal.until("over 0\n$");
    assert!(screen.contains("said enough") && screen.contains("Ran ask a in "), "{screen}");
}
