//! The process door against real processes.

use std::cell::Cell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::arriving::Arriving;
use super::*;

thread_local! {
    /// Whether it is threads by which is learned what children do.
    static BY_THREADS: Cell<bool> = const { Cell::new(false) };
}

fn run(command: &CommandLine, children: &Children, on_chunk: &mut dyn FnMut(&[u8])) -> Result<Exit, Error> {
    let way = if BY_THREADS.get() { Arriving::by_threads } else { Arriving::of };
    running::run_by(way, command, children, on_chunk)
}

fn shell(line: &str) -> CommandLine {
    CommandLine::new(Program::Shell(line.to_owned()), "/".into())
}

fn words(words: &[&str]) -> CommandLine {
    CommandLine { program: Program::Words(words.iter().map(Into::into).collect()), ..shell("") }
}

/// Runs it and gives what it printed.
fn printed(command: &CommandLine, children: &Children) -> (Exit, String) {
    let mut output = Vec::new();
    let exit = run(command, children, &mut |chunk| output.extend_from_slice(chunk)).unwrap();
    (exit, String::from_utf8(output).unwrap())
}

fn refused(command: &CommandLine) -> String {
    run(command, &Children::new(), &mut |_| ()).unwrap_err().to_string()
}

/// Whether a process runs (a zombie that nobody reaps does not).
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Waits until it holds; for things that happen soon after, of their own accord.
fn eventually(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never happened");
}

#[test]
fn output_and_errors_keep_their_order() {
    let line = "i=0; while [ $i -lt 200 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let expected: String = (0..200).map(|i| format!("out {i}\nerr {i}\n")).collect();
    let (exit, output) = printed(&shell(line), &Children::new());
    assert_eq!(output, expected);
    assert!(exit.success() && !exit.held_open);
}

#[test]
fn the_child_gets_its_folder_its_variables_and_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = shell("pwd -P; echo $GIVEN; echo ${HOME-none}; cat; echo end");
    command.dir = folder.path().canonicalize().unwrap();
    command.env = vec![("GIVEN".into(), "a b".into())];
    command.env_remove = vec!["HOME".into(), "GIVEN".into()];
    let (_, output) = printed(&command, &Children::new());
    assert_eq!(output, format!("{}\na b\nnone\nend\n", command.dir.display()));
    let (_, output) = printed(&words(&["printf", "%s|", "a b", "$HOME"]), &Children::new());
    assert_eq!(output, "a b|$HOME|");
}

#[test]
fn the_shell_is_the_first_in_the_path_that_the_child_is_given() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, mode: u32| {
        let path = folder.path().join(name).join("sh");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\necho {name} $#\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    put("data", 0o644);
    put("own", 0o755);
    fs::create_dir_all(folder.path().join("folder/sh")).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let path = |folders: &[String]| [folders, &["/usr/bin".to_owned(), "/bin".to_owned()]].concat().join(":");
    let run = |path: String, dir: &Path| {
        let command = CommandLine { env: vec![("PATH".into(), path.into())], dir: dir.into(), ..shell("echo $0") };
        printed(&command, &Children::new()).1
    };
    let root = Path::new("/");
    assert_eq!(run(path(&[at("data"), at("folder"), at("none"), at("own")]), root), "own 2\n");
    assert_eq!(run(path(&[at("data"), at("none")]), root), "sh\n");
    assert_eq!(run(path(&["own".to_owned()]), folder.path()), "own 2\n", "seen from the child's folder");
    assert_eq!(run(path(&["own".to_owned()]), root), "sh\n");
}

#[test]
fn the_exit_tells_code_or_signal() {
    let children = Children::new();
    let (exit, _) = printed(&shell("exit 7"), &children);
    assert_eq!((exit.code, exit.signal), (Some(7), None));
    let (exit, _) = printed(&shell("kill -USR1 $$"), &children);
    assert_eq!((exit.code, exit.signal), (None, Some(10)));
    assert!(children.is_empty());
}

#[test]
fn much_output_arrives_whole_in_small_chunks() {
    let (mut length, mut largest) = (0, 0);
    let mut log = Log::default();
    let command = shell("head -c 67108864 /dev/zero");
    run(&command, &Children::new(), &mut |chunk| {
        length += chunk.len();
        largest = largest.max(chunk.len());
        std::io::Write::write_all(&mut log, chunk).unwrap();
    })
    .unwrap();
    let mut kept = Vec::new();
    log.copy_to(&mut kept).unwrap();
    assert_eq!((length, kept.len()), (64 << 20, 64 << 20));
    assert!(largest <= 64 << 10);
}

#[test]
fn a_slow_reader_still_gets_what_was_printed_last() {
    let mut output = Vec::new();
    let command = shell("head -c 300000 /dev/zero; echo; echo end");
    run(&command, &Children::new(), &mut |chunk| {
        std::thread::sleep(Duration::from_millis(150));
        output.extend_from_slice(chunk);
    })
    .unwrap();
    assert_eq!(output.len(), 300_005);
    assert!(output.ends_with(b"end\n"));
}

#[test]
fn errors_say_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(refused(&words(&["no-such-program-here"])), "there is no program `no-such-program-here` on PATH");
    assert_eq!(refused(&words(&[&path("none")])), format!("there is no program `{}`", path("none")));
    assert_eq!(refused(&words(&["./none"])), "there is no program `/./none`");

    fs::write(path("script"), "#!/no/such/interpreter\n").unwrap();
    assert_eq!(
        refused(&words(&[&path("script")])),
        format!("`{}` cannot be executed: Permission denied (os error 13)", path("script"))
    );
    let leave = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(path("script"), leave).unwrap();
    assert!(refused(&words(&[&path("script")])).contains("its first line"));

    let mut command = shell("true");
    command.dir = folder.path().join("gone");
    assert_eq!(refused(&command), format!("the folder `{}` to run `sh` in is not there", path("gone")));
}

#[test]
fn a_daemon_that_holds_the_output_is_not_waited_for_and_gone_in_the_end() {
    for line in ["sleep 1000 & echo $!", "trap '' TERM; sleep 1000 & echo $!"] {
        let children = Children::new();
        let (exit, output) = printed(&shell(line), &children);
        assert!(exit.held_open && exit.success());
        assert!(children.is_empty());
        assert!(is_running(&output));
        children.end();
        eventually(|| !is_running(&output));
    }
}

#[test]
fn a_daemon_that_let_go_of_the_output_is_gone_in_the_end_too() {
    let children = Children::new();
    let (exit, output) = printed(&shell("sleep 1000 >/dev/null 2>&1 & echo $!"), &children);
    assert!(!exit.held_open);
    assert!(is_running(&output));
    children.end();
    eventually(|| !is_running(&output));
}

#[test]
fn a_daemon_that_prints_on_and_on_is_not_waited_for() {
    let children = Children::new();
    let (exit, output) = printed(&shell("echo first; yes & exit 3"), &children);
    assert_eq!(exit.code, Some(3));
    assert!(exit.held_open);
    assert!(output.starts_with("first\n"));
    children.end();
}

#[test]
fn a_daemon_lives_on_between_steps_though_nobody_reads_what_it_prints() {
    let children = Children::new();
    let (_, pid) = printed(&shell("(while :; do echo x; sleep 0.01; done) & echo $!"), &children);
    let pid = pid.lines().find(|line| *line != "x").unwrap();
    for _ in 0..5 {
        printed(&shell("sleep 0.05"), &children);
        assert!(is_running(pid));
    }
    children.end();
    eventually(|| !is_running(pid));
}

#[test]
fn a_signal_reaches_grandchildren() {
    let children = Children::new();
    let mut pid = String::new();
    let exit = run(&shell("sh -c 'sleep 1000 & echo $!; wait'; echo not reached"), &children, &mut |chunk| {
        pid.push_str(std::str::from_utf8(chunk).unwrap());
        assert!(is_running(&pid));
        children.signal_all(Signal::Terminate);
    })
    .unwrap();
    assert_eq!(exit.signal, Some(15));
    eventually(|| !is_running(&pid));
}

#[test]
fn a_child_that_ignores_signals_is_killed() {
    let children = Children::new();
    let mut seen = String::new();
    let exit = run(
        &shell("trap '' TERM INT HUP; echo ready; while :; do sleep 0.01; echo on; done"),
        &children,
        &mut |chunk| {
            seen.push_str(std::str::from_utf8(chunk).unwrap());
            match seen.matches("on").count() {
                0 => {
                    for signal in [Signal::Interrupt, Signal::Terminate, Signal::Hangup] {
                        children.signal_all(signal);
                    }
                }
                1..5 => (),
                _ => children.kill_all(),
            }
        },
    )
    .unwrap();
    assert_eq!(exit.signal, Some(9));
    assert!(seen.matches("on").count() >= 5);
}

/// On systems that cannot wait for everything at once.
#[cfg(target_os = "linux")]
#[test]
fn threads_learn_the_same() {
    let pipe = || Some(std::io::pipe().unwrap().0);
    let can_poll = polled::Polled::is_possible();
    assert_eq!(matches!(Arriving::of(pipe(), false), Ok(Arriving::Polled(_))), can_poll);
    assert!(matches!(Arriving::of(pipe(), true), Ok(Arriving::Told(_))));
    BY_THREADS.set(true);
    output_and_errors_keep_their_order();
    the_exit_tells_code_or_signal();
    much_output_arrives_whole_in_small_chunks();
    a_slow_reader_still_gets_what_was_printed_last();
    a_daemon_that_holds_the_output_is_not_waited_for_and_gone_in_the_end();
    a_daemon_that_let_go_of_the_output_is_gone_in_the_end_too();
    a_daemon_that_prints_on_and_on_is_not_waited_for();
    a_daemon_lives_on_between_steps_though_nobody_reads_what_it_prints();
    a_signal_reaches_grandchildren();
    a_child_that_ignores_signals_is_killed();
    who_takes_too_long_is_asked_to_end();
    what_a_child_started_ends_with_its_time_whatever_it_does();
    a_panic_while_output_arrives_leaves_nobody_behind();
    // The same thread may go on with another test.
    BY_THREADS.set(false);
}

/// Runs it with a limit of so many milliseconds, and gives how it ended and how long that took. Whoever traps a signal needs the
/// time to say so, on a machine with other things to do.
fn limited(line: &str, length: u64) -> (Exit, String, Duration) {
    let children = Children::new();
    let limit = Some(children.limit(Duration::from_millis(length)));
    let begun = std::time::Instant::now();
    let (exit, output) = printed(&CommandLine { limit, ..shell(line) }, &children);
    assert!(children.is_empty());
    (exit, output, begun.elapsed())
}

#[test]
fn who_takes_too_long_is_asked_to_end() {
    let (exit, output, took) = limited("echo $$; sleep 1000", 100);
    assert_eq!((exit.signal, exit.timed_out), (Some(15), Some(Duration::from_millis(100))));
    assert!(!exit.success() && took < Duration::from_secs(3), "{took:?}");
    assert!(!is_running(&output));
    // To end well is too late, too.
    let (exit, ..) = limited("trap 'exit 0' TERM; sleep 1000 & wait", 1000);
    assert_eq!((exit.code, exit.success()), (Some(0), false));
    let (exit, ..) = limited("true", 60_000);
    assert!(exit.success() && exit.timed_out.is_none());
}

#[test]
fn what_a_child_started_ends_with_its_time_whatever_it_does() {
    // The leader goes at once, and the others heed nothing; one of them prints on and on.
    let line = "(trap '' TERM; sleep 1000) & echo $!; (trap '' TERM; echo ready; yes >/dev/null) & echo $!; wait";
    let (exit, output, took) = limited(line, 1000);
    assert!(exit.timed_out.is_some());
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(20), "{took:?}");
    for pid in output.lines().filter(|line| *line != "ready") {
        eventually(|| !is_running(pid));
    }
    let (exit, _, took) = limited("trap '' TERM; yes", 1000);
    assert_eq!(exit.signal, Some(9));
    assert!(took >= Duration::from_secs(3), "{took:?}");
}

/// As in a container whose first process does not reap: here these are orphans of ours, and so it is with us.
#[cfg(target_os = "linux")]
#[test]
fn the_dead_whom_nobody_reaps_are_not_waited_for() {
    use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};
    set_child_subreaper(Some(getpid())).unwrap();
    let mut child = Command::new("sh");
    platform::lead_group(&mut child);
    let child = child.args(["-c", "sleep 0.01 & echo $!"]).stdout(Stdio::piped()).spawn().unwrap();
    let group = child.id();
    let output = child.wait_with_output().unwrap().stdout;
    let orphan: i32 = String::from_utf8(output).unwrap().trim().parse().unwrap();
    eventually(|| platform::has_ended(group));
    assert!(!platform::is_empty(group), "the orphan is still in its group");
    waitpid(Pid::from_raw(orphan), WaitOptions::empty()).unwrap();
    assert!(platform::is_empty(group) && platform::has_ended(group));
    set_child_subreaper(None).unwrap();

    let mut living = Command::new("sleep");
    platform::lead_group(&mut living);
    let mut living = living.arg("1000").spawn().unwrap();
    assert!(!platform::has_ended(living.id()));
    living.kill().unwrap();
    living.wait().unwrap();
}

#[test]
fn nothing_starts_once_closed() {
    let folder = tempfile::tempdir().unwrap();
    let children = Children::new();
    children.close();
    let mut command = shell("touch started");
    command.dir = folder.path().into();
    assert!(matches!(run(&command, &children, &mut |_| ()), Err(Error::Closed)));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

/// Whoever started before the closing gets the signal, whoever comes later does not start: nobody sleeps on.
#[test]
fn no_child_slips_through_while_a_signal_is_passed_on() {
    let children = Children::new();
    let (ended, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..3 {
                    match run(&shell("sleep 1000"), &children, &mut |_| ()) {
                        Ok(exit) => {
                            assert_eq!(exit.signal, Some(15));
                            ended.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(Error::Closed) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        while children.is_empty() {
            std::thread::yield_now();
        }
        children.close();
        children.signal_all(Signal::Terminate);
    });
    assert!(ended.load(Ordering::Relaxed) >= 1);
    assert_eq!(ended.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed), 24);
}

#[test]
fn a_panic_while_output_arrives_leaves_nobody_behind() {
    let children = Children::new();
    let mut pid = String::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(&shell("echo $$; sleep 1000"), &children, &mut |chunk| {
            pid.push_str(std::str::from_utf8(chunk).unwrap());
            std::panic::resume_unwind(Box::new(()));
        })
    }));
    assert!(panicked.is_err());
    assert!(children.is_empty());
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn only_a_line_that_is_one_program_is_run_in_place_of_the_shell() {
    for (line, is_one) in [
        ("python3 -q", true),
        ("/usr/bin/vi a.txt", true),
        ("read name", false),
        ("A=1 vi", false),
        ("vi && ls", false),
        ("vi $FILE", false),
        ("", false),
    ] {
        assert_eq!(super::is_one_program(line), is_one, "{line}");
    }
}
