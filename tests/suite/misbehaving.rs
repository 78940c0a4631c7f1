//! Steps that behave as badly as programs do, one sort in each test: the run goes on to its end, and says what happened. Those
//! that time, signals or attempts end stand beside these.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::scene::Scene;

/// One member `a` with a phase `go` of this command.
fn one(command: &str) -> Scene {
    Scene::of(&["a"]).make(&format!("[lifecycle.go]\ninputs = []\ncommand = '''\n{command}'''\n"))
}

#[test]
fn who_does_not_heed_sigterm_is_killed_when_its_time_is_over() {
    let scene = one("trap '' TERM; while :; do sleep 0.1; done");
    let ended = scene.call("go --timeout 1s").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert_eq!(ended.lines_of("Failed")[0], "go a in [time]: timed out after 1s", "{}", ended.text());
    assert_eq!(scene.processes(), [""; 0]);
}

/// A daemon that has left the step's group, with these words for where its output goes. It is beyond our reach.
fn daemon(output: &str) -> Scene {
    one(&format!(
        "setsid sh -c 'echo $$ > $SIDE/pid; exec sleep 1000' {output} &\nwhile [ ! -s $SIDE/pid ]; do sleep 0.05; done"
    ))
}

/// Ends it, which must still be there.
#[track_caller]
fn end_daemon(scene: &Scene) {
    assert_eq!(scene.processes(), ["sleep\x001000\0"]);
    kill_process(Pid::from_raw(scene.left("pid").trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_daemon_that_left_its_group_is_not_waited_for_and_told_if_it_holds_the_output() {
    let scene = daemon("");
    scene.call("go").shows(
        r"
   Lifecycle of shop: member a
warning: go a left a process behind that holds its output
         Ran go a in [time] (first run)
warning: the result of go a is not kept: it left a process behind
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    end_daemon(&scene);
    let scene = daemon("> /dev/null 2>&1");
    assert!(!scene.call("go").succeeds().err().contains("warning"));
    end_daemon(&scene);
}

#[test]
fn sixty_four_mebibytes_are_whole_and_not_held_in_memory() {
    let make = "[lifecycle.go]\ninputs = []\ncommand = \"yes 0123456789abcde | head -c 67108864\"\n\
        [lifecycle.look]\nscope = \"workspace\"\ncommand = \"grep VmHWM /proc/$PPID/status > $SIDE/peak\"\n\
        [hooks]\non_success = [\"look\"]\n";
    let scene = Scene::of(&["a"]).make(make);
    for what in ["new", "fresh"] {
        let call = scene.call("go -v");
        let ended = call.succeeds();
        let lines = ended.stderr.split(|byte| *byte == b'\n').filter(|line| *line == b"0123456789abcde").count();
        assert_eq!(lines, (64 << 20) / 16, "{what}");
        let peak = scene.take("peak");
        let kibibytes: usize = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(kibibytes < 64 << 10, "{what}: {peak}");
    }
}

#[test]
fn bytes_that_are_no_text_stay_as_they_are() {
    // Escape sequences are for terminals.
    let bytes: Vec<u8> = (0..=u8::MAX).filter(|byte| *byte != 0x1b).cycle().take(100_000).collect();
    let scene = one("cat $SIDE/bytes");
    fs::write(scene.beside("bytes"), &bytes).unwrap();
    for what in ["new", "fresh"] {
        let ended = scene.call("go -v").succeeds();
        assert!(ended.stderr.windows(bytes.len()).any(|window| window == bytes), "{what}");
    }
    let scene = one("cat $SIDE/bytes; exit 1");
    fs::write(scene.beside("bytes"), &bytes).unwrap();
    let ended = scene.call("go").run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.windows(bytes.len()).any(|window| window == bytes));
}

#[test]
fn who_closes_its_output_goes_on_to_its_end() {
    let scene = one("echo before; exec > /dev/null 2>&1 >&- 2>&-; sleep 0.5; touch $SIDE/over; exit $(cat $SIDE/code)");
    for code in [0, 3] {
        fs::write(scene.beside("code"), code.to_string()).unwrap();
        let ended = scene.call("go -v --force").run();
        assert_eq!(ended.code, Some(i32::from(code != 0)), "{}", ended.text());
        assert!(ended.err().contains("before\n") && !ended.err().contains("left a process"), "{}", ended.text());
        fs::remove_file(scene.beside("over")).unwrap();
    }
}

#[test]
fn who_reads_its_input_finds_it_empty() {
    let scene = one("cat; read line && exit 1; echo read nothing");
    let mut child = scene.call("go -v").command();
    // Even where we have one.
    let (reader, _writer) = std::io::pipe().unwrap();
    let output = child.stdin(reader).output().unwrap();
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && shown.contains("\nread nothing\n"), "{shown}");
}

#[test]
fn a_folder_that_nobody_may_read_is_named_and_no_trouble_afterwards() {
    let scene = Scene::of(&["a", "b"]).make(
        "[lifecycle.lock]\nworkspaces = [\"a\"]\ncommand = \"chmod 000 .\"\ninputs = [\"src/**\"]\n\
        [lifecycle.look]\nneeds = [\"lock\"]\ncommand = \"cat src/lib.rs\"\ninputs = [\"src/**\"]\n",
    );
    let Some(bound) = bound_by_permissions() else { return };
    let run = |words: &str| {
        let call = scene.call(words).command();
        let mut command = Command::new(bound[0]);
        command.args(&bound[1..]).arg(call.get_program()).args(call.get_args());
        command.current_dir(scene.root()).env_clear();
        command.envs(call.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let open = || fs::set_permissions(scene.at("a"), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, shown) = run("look --keep-going");
    open();
    assert_eq!(code, Some(1), "{shown}");
    let told = format!("the folder `{}` to run `sh` in cannot be entered: Permission denied", scene.at("a").display());
    assert!(!shown.contains("panicked") && shown.contains(&told), "{shown}");
    assert!(shown.contains("Ran look b in "), "{shown}");
    fs::set_permissions(scene.at("a"), fs::Permissions::from_mode(0o000)).unwrap();
    let (code, shown) = run("look");
    open();
    assert!(code == Some(4) && shown.contains("a/Cargo.toml") && shown.contains("ermission denied"), "{shown}");
    scene.replace("make.toml", "chmod 000 .", "true");
    let ended = scene.call("look").succeeds();
    assert_eq!(ended.ran().len(), 2, "{}", ended.text());
    assert!(scene.call("look").succeeds().was_fresh());
}

/// Starts a program as root whom permissions bind.
const BOUND: &[&str] =
    &["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"];

/// How a program is started for which permissions count, also where they do not for us; if there is no way, it is said that a
/// test says nothing.
fn bound_by_permissions() -> Option<&'static [&'static str]> {
    if !rustix::process::geteuid().is_root() {
        return Some(&["env"]);
    }
    let is_there = Command::new(BOUND[0]).args(&BOUND[1..]).arg("true").status().is_ok_and(|status| status.success());
    if !is_there {
        eprintln!("skipped: permissions do not count for root, and there is no `setpriv` that changes that");
    }
    is_there.then_some(BOUND)
}

#[test]
fn who_ends_by_a_signal_is_told_so() {
    for (signal, number) in [("SEGV", 11), ("KILL", 9), ("INT", 2)] {
        let scene = one(&format!("echo before; kill -s {signal} $$"));
        scene.call("go").shows(&format!(
            r"
   Lifecycle of shop: member a
      Failed go a in [time]: ended by signal {number}
before
    Finished 1 step in [time]: 1 failed
[exit 1]
"
        ));
    }
}

#[test]
fn who_wants_more_memory_than_there_is_fails_with_its_own_words() {
    let scene = one("head -c 1G /dev/zero | (ulimit -v 100000; exec tail)");
    let ended = scene.call("go").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert!(ended.err().contains("memory exhausted"), "{}", ended.text());
    assert_eq!(ended.lines_of("Failed")[0], "go a in [time]: exit status 1", "{}", ended.text());
}

/// As many members as a phase has steps.
fn members(count: usize) -> Scene {
    let names: Vec<String> = (0..count).map(|number| format!("m{number}")).collect();
    Scene::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn sixty_four_jobs_are_sixty_four_at_once_and_one_is_one() {
    let scene = members(64).make(
        "[lifecycle.meet]\ncommand = \"touch $SIDE/met-{name}; while [ $(ls $SIDE | grep -c ^met-) -lt 64 ]; do sleep 0.1; done\"\n\
        [lifecycle.alone]\ncommand = \"mkdir $SIDE/alone && rmdir $SIDE/alone\"\n",
    );
    let ended = scene.call("meet -j64 --timeout 2m").succeeds();
    assert_eq!(ended.ran().len(), 64);
    let ended = scene.call("alone -j1").succeeds();
    assert_eq!(ended.ran().len(), 64);
}

#[test]
fn each_of_many_tiny_steps_runs_once() {
    let scene = members(40).make(
        "[lifecycle.one]\ncommand = \"echo {name} >> $SIDE/one\"\n[lifecycle.two]\ncommand = \"echo {name} >> $SIDE/two\"\n\
        [lifecycle.six]\ncommand = \"echo {name} >> $SIDE/six\"\n[lifecycle.ten]\ncommand = \"echo {name} >> $SIDE/ten\"\n\
        [lifecycle.none]\ncommand = \"true\"\n",
    );
    let ended = scene.call("one two six ten none -j8").succeeds();
    assert_eq!(ended.ran().len(), 200);
    for phase in ["one", "two", "six", "ten"] {
        let ran = scene.left(phase);
        let mut names: Vec<&str> = ran.lines().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((ran.lines().count(), names.len()), (40, 40), "{phase}");
    }
}
