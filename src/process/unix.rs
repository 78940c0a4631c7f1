//! What the process door needs of Unix: groups, signals and a wait that does not reap.

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus};

use rustix::io::{Errno, retry_on_intr};
use rustix::process::{self as system, Pid, WaitId, WaitIdOptions};

use super::Signal;

pub const SHELL: &str = "sh";

pub fn shell(line: &str) -> Command {
    let mut command = Command::new(SHELL);
    command.arg("-c").arg(line);
    command
}

/// Makes the child the leader of a process group of its own.
pub fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// Waits for the child's end and leaves it to be reaped: until then nobody else can get its id, so that signals to it go
/// to nobody else.
pub fn wait(child: &mut Child) -> io::Result<()> {
    let Some(pid) = pid(child.id()) else { return Ok(()) };
    retry_on_intr(|| system::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT))?;
    Ok(())
}

/// Sends a signal to the group. Nothing is done about a group that is gone, or whose members belong to somebody else.
pub fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = pid(group) {
        let _ = system::kill_process_group(group, system_signal(signal));
    }
}

/// Whether nobody is left of the group.
pub fn is_empty(group: u32) -> bool {
    pid(group).is_none_or(|group| system::test_kill_process_group(group) == Err(Errno::SRCH))
}

pub fn signal_of(status: ExitStatus) -> Option<i32> {
    status.signal()
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

fn system_signal(signal: Signal) -> system::Signal {
    match signal {
        Signal::Interrupt => system::Signal::INT,
        Signal::Terminate => system::Signal::TERM,
        Signal::Hangup => system::Signal::HUP,
        Signal::Kill => system::Signal::KILL,
    }
}
