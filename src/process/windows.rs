//! What the process door needs of Windows: the least that stops a child with what it started. Not tried.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::windows::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};

use wait4::Wait4 as _;

use super::Signal;

pub const SHELL: &str = "cmd";

/// It is found by the system each time.
#[derive(Debug, Default)]
pub struct Shell(());

impl Shell {
    /// The shell with a line for it.
    pub fn command(&self, line: &str, _: Option<OsString>) -> Command {
        let mut command = Command::new(SHELL);
        // `cmd` reads its line by rules of its own, which ordinary quoting would break.
        command.arg("/C").raw_arg(line);
        command
    }
}

/// Keeps the console's Ctrl-C away from the child, as a group of its own does elsewhere.
pub fn lead_group(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// A jobserver is known by its name here.
#[derive(Debug)]
pub struct JobserverFiles(());

impl JobserverFiles {
    /// There are none.
    pub fn of(_: &str) -> Self {
        Self(())
    }

    /// There is none.
    pub fn at_hand(&self) -> Option<File> {
        None
    }

    /// There are none.
    pub fn are_left_to_children(&self, _: bool) {}
}

/// Waits for the child's end. Its handle keeps the id from being given to another.
pub fn wait(child: &mut Child, _: bool) -> io::Result<Option<i32>> {
    child.wait().map(|_| None)
}

/// Takes the status of a child that has ended, and the peak of its own memory in bytes.
pub fn reap(child: Child) -> io::Result<(ExitStatus, Option<u64>)> {
    let ended = child.wait4()?;
    let peak = ended.rusage.maxrss;
    Ok((ended.status, (peak > 0).then_some(peak)))
}

/// Nobody asks for that here.
pub fn stand_still() {}

/// Nobody is stopped on the way to what is started here.
pub fn go_on_to_exec() {}

/// A console belongs to all who use it.
#[derive(Debug)]
pub struct Lent(());

impl Lent {
    /// There is nothing to give.
    pub fn to(_: u32) -> Option<Self> {
        None
    }
}

/// Nothing stops anybody here.
pub fn is_for_want_of_terminal(_: i32) -> bool {
    false
}

/// Nothing ends by signals here.
pub fn is_of_ctrl_c(_: i32) -> bool {
    false
}

/// Ends the child and what it started. Windows has nothing like a polite signal that every program hears.
pub fn signal_group(group: u32, signal: Signal) {
    if matches!(signal, Signal::Stop | Signal::Freeze | Signal::Continue) {
        return;
    }
    let mut command = Command::new("taskkill");
    command.args(["/T", "/F", "/PID", &group.to_string()]);
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// There is no asking here, so nothing is taken to be left.
pub fn is_empty(_: u32) -> bool {
    true
}

/// Whether everybody in a group has ended, although nobody may have taken note of it.
pub fn has_ended(group: u32) -> bool {
    is_empty(group)
}

pub fn signal_of(_: ExitStatus) -> Option<i32> {
    None
}
