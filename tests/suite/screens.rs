//! What is to be seen on a terminal while steps run, and what is left of it afterwards.

use std::fs;

use crate::scene::Scene;
use crate::terminal::Terminal;

/// Each step says something and waits until its test has seen enough.
const WAIT: &str = "while [ ! -e $SIDE/seen ]; do sleep 0.05; done";

fn waiting(members: &[&str], before: &str) -> Scene {
    Scene::of(members).make(&format!("[lifecycle.go]\ncommand = \"{before}{WAIT}\"\n"))
}

fn go_on(scene: &Scene) {
    fs::write(scene.beside("seen"), "").unwrap();
}

/// The lines of the screen that belong to the bar.
fn bar(screen: &str) -> Vec<String> {
    let lines = screen.lines().skip_while(|line| !line.starts_with("     Running "));
    // Times pass.
    let plain =
        |word: &str| if word.ends_with('s') && word.contains('.') { "[time]".to_owned() } else { word.to_owned() };
    lines.map(|line| line.split_whitespace().map(plain).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_bar_stands_below_with_what_runs_and_leaves_nothing_behind() {
    let scene = waiting(&["a", "bee"], "echo one; echo 'two {name} 漢字'; ");
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle go -j1; echo over $?");
    let screen = terminal.until_seen("two a");
    assert_eq!(bar(&screen), ["Running [> ] 0/2 in [time]", "go a [time] two a 漢字"], "{screen}");
    go_on(&scene);
    let screen = terminal.until("over 0\n$");
    let verbs: Vec<_> = screen.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(verbs, ["$", "Lifecycle", "Ran", "Ran", "Finished", "over", "$"], "{screen}");
}

#[test]
fn of_many_that_run_eight_are_shown_and_the_others_counted() {
    let members: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
    let scene = waiting(&members.iter().map(String::as_str).collect::<Vec<_>>(), "");
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle go -j12; echo over $?");
    let screen = terminal.until_seen("and 4 more");
    assert_eq!(bar(&screen).len(), 10, "{screen}");
    go_on(&scene);
    terminal.until("over 0\n$");
}

#[test]
fn it_follows_the_terminal_that_becomes_narrow_and_wide_again() {
    let long = "0123456789 ".repeat(15);
    let scene = waiting(&["a", "b", "c"], &format!("echo '{long}'; "));
    let Some(terminal) = Terminal::open(&scene) else { return };
    // What a terminal moves out of sight when its lines become more can be taken away by nobody.
    terminal.line("seq 40; $LIFECYCLE lifecycle go -j3; echo over $?");
    terminal.until_seen("go c");
    for columns in [40, 24, 100, 61] {
        // Tmux tells of a change right after another one only a quarter of a second later, and until then nobody knows.
        std::thread::sleep(std::time::Duration::from_millis(520));
        terminal.resize(columns);
        let is_whole = |screen: &str| {
            let lines = bar(screen);
            lines.len() == 4
                && lines[0].contains("0/3")
                && (1..4).all(|line| lines[line].starts_with("go ") && lines[line].contains("0123"))
                && screen.matches("Running ").count() == 1
                && screen.contains("Lifecycle of shop")
                && screen.lines().all(|line| line.chars().count() <= columns as usize)
        };
        terminal.until_so("a whole bar", is_whole);
    }
    go_on(&scene);
    let screen = terminal.until("over 0\n$");
    assert!(!screen.contains("0123"), "{screen}");
}

#[test]
fn ctrl_c_leaves_nothing_of_it() {
    let scene = waiting(&["a", "b"], "");
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle go -j2; echo over $?");
    terminal.until_seen("go b");
    terminal.key("C-c");
    let screen = terminal.until("over 130\n$");
    assert!(!screen.contains("Running ") && !screen.contains("^C"), "{screen}");
    assert_eq!(screen.matches("Cancelled go ").count(), 2, "{screen}");
    terminal.line("stty -a | grep -o .echoctl");
    let screen = terminal.until("echoctl\n$");
    assert!(!screen.contains("-echoctl"), "{screen}");
}

#[test]
fn of_many_steps_the_quick_ones_are_counted() {
    let members: Vec<String> = (0..60).map(|number| format!("m{number}")).collect();
    let scene = Scene::of(&members.iter().map(String::as_str).collect::<Vec<_>>())
        .make("[lifecycle.go]\ninputs = [\"*\"]\ncommand = \"test {name} != m7\"\n");
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle go --keep-going; echo over $?");
    let screen = terminal.until("over 1\n$");
    assert!(screen.contains("         Ran go (59 members)\n"), "{screen}");
    assert!(screen.contains("      Failed go m7 in "), "{screen}");
    assert_eq!(screen.lines().filter(|line| line.trim_start().starts_with("Ran ")).count(), 1, "{screen}");
}

#[test]
fn what_is_printed_above_the_bar_is_as_it_came() {
    let scene = Scene::of(&["a"]).make("[lifecycle.go]\ncommand = \"printf 'x\\\\377y\\\\n'; sleep 0.3; exit 1\"\n");
    let Some(terminal) = Terminal::open(&scene) else { return };
    let record = scene.beside("record");
    terminal.record(&record);
    terminal.line("$LIFECYCLE lifecycle go; echo over $?");
    terminal.until("over 1\n$");
    let written = fs::read(record).unwrap();
    assert!(written.windows(3).any(|bytes| bytes == b"x\xffy"), "{}", String::from_utf8_lossy(&written));
}

#[test]
fn the_rest_is_told_by_earlier_runs() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.go]\ncommand = \"sleep 3\"\n");
    let Some(terminal) = Terminal::open(&scene) else { return };
    terminal.line("$LIFECYCLE lifecycle go; echo over $?");
    let screen = terminal.until("over 0\n$");
    assert!(screen.contains("Finished"), "{screen}");
    terminal.line("clear; $LIFECYCLE lifecycle go -j1; echo over $?");
    let screen = terminal.until_seen(" left");
    assert!(["about 6s left", "about 5s left"].iter().any(|left| screen.contains(left)), "{screen}");
    terminal.until("over 0\n$");
}
