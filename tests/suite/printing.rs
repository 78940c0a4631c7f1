//! What is shown of what steps print, by `--output`, and what happens when nobody reads it.

use std::io::{BufRead as _, BufReader};

use crate::scene::Scene;

const MAKE: &str = r#"
[lifecycle.go]
command = "echo one {name}; printf '1%%\r2%%\r'; printf 'two\nrest'; test {name} != bee"
"#;

#[test]
fn streamed_lines_stand_behind_the_names_of_their_steps() {
    Scene::of(&["a", "bee"]).make(MAKE).call("go -j1 --keep-going --output stream").shows(
        r"
   Lifecycle of shop: all 2 members
go a   | one a
go a   | two
go a   | rest
         Ran go a in [time] (never cached)
go bee | one bee
go bee | two
go bee | rest
      Failed go bee in [time]: exit status 1
    Finished 2 steps in [time]: 1 run, 1 failed
[exit 1]
",
    );
}

#[test]
fn a_streamed_line_comes_before_its_step_ends() {
    let make = "[lifecycle.go]\ncommand = \"echo ready; while [ ! -e $SIDE/seen ]; do sleep 0.05; done; echo done\"\n";
    let scene = Scene::of(&["a"]).make(make);
    let mut child = scene.call("go --output stream").start();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.find(|line| line.starts_with("go a")).as_deref(), Some("go a | ready"));
    std::fs::write(scene.beside("seen"), "").unwrap();
    assert_eq!(lines.next().as_deref(), Some("go a | done"));
    assert_eq!(lines.count(), 2);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn streamed_lines_of_commands_at_the_same_time_stay_whole() {
    let line = |letter: &str| {
        format!("'for i in $(seq 300); do printf {letter}; printf {letter}; echo; done; printf {letter}'")
    };
    let commands = ["a", "b", "c"].map(line).join(", ");
    let make = format!("[lifecycle.go]\nparallel = true\ncommands = [{commands}]\n");
    let err = Scene::of(&["m"]).make(&make).call("go -j3 --output stream").succeeds().err();
    let mut lines: Vec<&str> = err.lines().filter_map(|line| line.strip_prefix("go m | ")).collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines, ["a", "aa", "b", "bb", "c", "cc"]);
}

#[test]
fn everything_streamed_is_there_and_colours_end_with_their_line() {
    let make = "[lifecycle.go]\ncommand = \"seq 50000; printf '\\\\033[31mred\\\\033[2K\\\\n'\"\n";
    let scene = Scene::of(&["a"]).make(make);
    let err = scene.call("go --output stream").succeeds().err();
    let lines: Vec<&str> = err.lines().filter_map(|line| line.strip_prefix("go a | ")).collect();
    let expected: Vec<String> = (1..=50_000).map(|number| number.to_string()).chain(["red".to_owned()]).collect();
    assert!(lines == expected, "{} lines", lines.len());
    let err = scene.call("go --output stream --color always").succeeds().err();
    assert!(err.contains("\n\x1b[36mgo a |\x1b[0m \x1b[31mred\x1b[0m\n"), "{}", &err[err.len() - 400..]);
}

#[test]
fn tests_are_streamed_when_they_end_and_warnings_of_fresh_steps_again() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "fn unused() {}\n#[test]\nfn one() { println!(\"from one\"); }\n");
    let err = scene.call("check test --output stream").succeeds().err();
    assert!(err.contains("check | warning: function `unused` is never used\n"), "{err}");
    assert!(err.contains("test  | test one ... ok\n"), "{err}");
    let err = scene.call("check test --output stream").succeeds().err();
    assert!(err.contains("check | warning: function `unused` is never used\n"), "{err}");
    assert!(!err.contains("test one"), "{err}");
}

#[test]
fn a_failure_stands_at_the_end_when_warnings_came_after_it() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "fn unused() {}\n#[test]\nfn one() { panic!(\"boom\"); }\n");
    let ended = scene.call("test").run();
    assert_eq!(ended.code, Some(1));
    let err = ended.err();
    let last = |text: &str| err.rfind(text).unwrap();
    assert!(last("boom") > last("warning: function `unused`"), "{err}");
    assert!(last("Failed a: 1 failed: exit status 101") < last("Finished 1 step"), "{err}");
}

#[test]
fn only_failures_print_where_only_they_are_to() {
    let scene = Scene::of(&["a", "bee"]).make(MAKE);
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    scene.call("check go -j1 -v --keep-going --output failures").shows(
        r"
   Lifecycle of shop: all 2 members
[..]note[..]
         Ran check (2 members) in [time] (first run)
         Ran go a in [time] (never cached)
      Failed go bee in [time]: exit status 1
one bee
1%[..]two
rest
    Finished 3 steps in [time]: 2 run, 1 failed
[exit 1]
",
    );
    let err = scene.call("check --output failures").succeeds().err();
    assert!(!err.contains("unused"), "{err}");
    let err = scene.call("check").succeeds().err();
    assert!(err.contains("unused"), "{err}");
}

#[test]
fn a_reader_that_is_gone_changes_nothing() {
    let make = "[lifecycle.go]\ncommand = \"seq 100000; touch $SIDE/over\"\n";
    for output in ["grouped", "stream", "failures"] {
        let scene = Scene::of(&["a"]).make(make);
        let mut child = scene.call(&format!("go -v --output {output}")).start();
        let mut first = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "   Lifecycle of shop: member a\n");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{output}");
        assert!(scene.beside("over").exists(), "{output}");
    }
}

#[test]
fn commands_are_told_of_colour_where_there_is_some() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.go]\ncommand = \"echo ${CLICOLOR_FORCE-none} ${CARGO_TERM_COLOR-none}\"\n\
        [lifecycle.plain]\nenv = { CLICOLOR_FORCE = \"0\" }\ncommand = \"echo ${CLICOLOR_FORCE-none}\"\n",
    );
    let said = |words: &str, variable: Option<(&str, &str)>| {
        let call = scene.call(words);
        let ended = variable.into_iter().fold(call, |call, (name, value)| call.env(name, value)).run();
        ended.err().lines().find(|line| !line.starts_with(' ') && !line.starts_with('\x1b')).map(str::to_owned)
    };
    assert_eq!(said("go -v --color always", None).as_deref(), Some("1 always"));
    assert_eq!(said("go -v --color always", Some(("NO_COLOR", "1"))).as_deref(), Some("none none"));
    assert_eq!(said("go -v", None).as_deref(), Some("none none"));
    assert_eq!(said("plain -v --color always", None).as_deref(), Some("0"));
}

#[test]
fn who_reads_the_beginning_of_a_result_gets_no_complaint() {
    let scene = Scene::of(&["a"]).make(MAKE);
    for words in ["--list", "--schema", "--help", "--completions bash", "go -n", "go --explain", "go --graph dot"] {
        for format in ["", "--message-format json"] {
            let call = scene.call(&format!("{words} {format}"));
            let mut child = call.start();
            drop(child.stdout.take());
            let ended = call.wait(child);
            if !ended.err().contains("`--message-format json` goes with") {
                ended.shows("[exit 0]\n");
            }
        }
    }
}

#[test]
fn without_standard_streams_a_run_is_a_run() {
    let make = "[lifecycle.go]\ncommand = \"cat; echo said; echo complained >&2; touch $SIDE/over\"\n";
    let scene = Scene::of(&["a"]).make(make);
    for closed in ["2>&-", ">&-", "<&- >&- 2>&-"] {
        for words in ["go", "go -v --output stream", "go --message-format json", "go --message-format github"] {
            let call = scene.call(words).command();
            let mut command = std::process::Command::new("sh");
            command.args(["-c", &format!("exec \"$0\" \"$@\" {closed}")]).arg(call.get_program()).args(call.get_args());
            command.current_dir(scene.root()).env_clear();
            command.envs(call.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let status =
                command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap();
            assert_eq!(status.code(), Some(0), "{words} {closed}");
            std::fs::remove_file(scene.beside("over")).unwrap();
        }
    }
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let scene = Scene::of(&["a"]).make(MAKE);
    let mut command = scene.call("go -p a --message-format json").command();
    let output = command.stdout(full).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("error: cannot write the events to standard output: "), "{told}");
}

#[test]
fn of_many_steps_those_that_did_not_run_are_counted() {
    let members: Vec<String> = (0..60).map(|number| format!("m{number}")).collect();
    let scene = Scene::of(&members.iter().map(String::as_str).collect::<Vec<_>>()).make(
        "[lifecycle.bad]\nscope = \"workspace\"\ncommand = \"exit 1\"\n\
        [lifecycle.go]\nneeds = [\"bad\"]\ncommand = \"true\"\n",
    );
    let ended = scene.call("go").run();
    assert_eq!(ended.lines_of("Skipped"), ["go (60 members)"], "{}", ended.text());
    assert_eq!(scene.call("go -v").run().lines_of("Skipped").len(), 60);
}
