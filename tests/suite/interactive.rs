//! Steps that have the terminal.

use std::io::Write as _;
use std::process::Stdio;

use crate::scene::Scene;
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
