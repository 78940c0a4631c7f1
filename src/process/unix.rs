//! What the process door needs of Unix: groups, signals and a wait that does not reap.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::SigSet;
use rustix::io::{Errno, FdFlags, fcntl_setfd, retry_on_intr};
use rustix::process::{self as system, Pid, WaitId, WaitIdOptions};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};
use wait4::Wait4 as _;

use super::Signal;

pub const SHELL: &str = "sh";

/// Where the shell was found, by the `PATH` that it was sought in last.
#[derive(Debug, Default)]
pub struct Shell(Mutex<Option<(OsString, PathBuf)>>);

impl Shell {
    /// The shell with a line for it. `path`: where it is sought.
    pub fn command(&self, line: &str, path: Option<OsString>) -> Command {
        let found = path.and_then(|path| self.find(path));
        let mut command = Command::new(found.as_deref().unwrap_or(Path::new(SHELL)));
        command.arg0(SHELL).arg("-c").arg(line);
        command
    }

    fn find(&self, path: OsString) -> Option<PathBuf> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|(sought_in, shell)| *sought_in == path && is_program(shell));
        if let Some((_, shell)) = known {
            return Some(shell.clone());
        }
        let shell = first_in(&path, SHELL)?;
        *last = Some((path, shell.clone()));
        Some(shell)
    }
}

/// The program of this name in the folders of `PATH`, by its whole path: the child would try one folder after the other, and
/// nobody else starts while it does. `None` if it has to, because a folder depends on where it stands.
fn first_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    for folder in std::env::split_paths(path) {
        if !folder.is_absolute() {
            return None;
        }
        let program = folder.join(name);
        if is_program(&program) {
            return Some(program);
        }
    }
    None
}

fn is_program(path: &Path) -> bool {
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Makes the child the leader of a process group of its own.
pub fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// The files of a jobserver of our own.
#[derive(Debug)]
pub struct JobserverFiles(Vec<BorrowedFd<'static>>);

impl JobserverFiles {
    /// Those that its children are told of in these words. They must stay open for as long as this lives.
    pub fn of(told: &str) -> Self {
        let numbers = told.split(' ').find_map(|word| word.strip_prefix("--jobserver-auth="));
        let numbers = numbers.into_iter().flat_map(|numbers| numbers.split(','));
        #[expect(unsafe_code, reason = "the jobserver tells its files by their numbers alone")]
        // SAFETY: they are the jobserver's, which is open, and stays so.
        let file = |number: u16| unsafe { BorrowedFd::borrow_raw(number.into()) };
        Self(numbers.filter_map(|number| number.parse().ok()).map(file).collect())
    }

    /// The file that tokens are read from, opened once more, so that reading does not wait and still does for all others.
    #[cfg(target_os = "linux")]
    pub fn at_hand(&self) -> Option<File> {
        let path = format!("/proc/self/fd/{}", self.0.first()?.as_raw_fd());
        File::options().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path).ok()
    }

    /// There is no such file.
    #[cfg(not(target_os = "linux"))]
    pub fn at_hand(&self) -> Option<File> {
        None
    }

    /// Says whether children that start from now on have them. To do that in the child itself would be a step between fork
    /// and exec, for which all of our memory's tables would be copied: five times as dear as the start of a shell.
    pub fn are_left_to_children(&self, are: bool) {
        let flags = if are { FdFlags::empty() } else { FdFlags::CLOEXEC };
        for file in &self.0 {
            // It fails only for files that are not open.
            let _ = fcntl_setfd(file, flags);
        }
    }
}

/// Waits for the child's end and leaves it to be reaped: until then nobody else can get its id, so that signals to it go
/// to nobody else. With `stops`, it may come back earlier, with the signal that has stopped the child.
pub fn wait(child: &mut Child, stops: bool) -> io::Result<Option<i32>> {
    let Some(pid) = pid(child.id()) else { return Ok(None) };
    let awaited = if stops { WaitIdOptions::EXITED | WaitIdOptions::STOPPED } else { WaitIdOptions::EXITED };
    let wait = |options| retry_on_intr(|| system::waitid(WaitId::Pid(pid), options));
    let status = wait(awaited | WaitIdOptions::NOWAIT)?;
    let signal = status.filter(|status| status.stopped()).and_then(|status| status.stopping_signal());
    if signal.is_some() {
        // Told once; it may have gone on meanwhile, or ended.
        wait(WaitIdOptions::STOPPED | WaitIdOptions::NOHANG)?;
    }
    Ok(signal)
}

/// Whether the child has ended. It is left to be reaped.
#[cfg(target_os = "linux")]
pub fn is_over(child: &Child) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    // One that cannot be waited for has been reaped by somebody else.
    pid(child.id()).is_none_or(|pid| !matches!(system::waitid(WaitId::Pid(pid), options), Ok(None)))
}

/// Takes the status of a child that has ended, and the peak of its memory in bytes. The system counts what it was before it
/// became another program, which is we: of a smaller one nothing is known.
pub fn reap(child: Child) -> io::Result<(ExitStatus, Option<u64>)> {
    let ended = child.wait4()?;
    let peak = ended.rusage.maxrss;
    Ok((ended.status, (peak > own_peak()).then_some(peak)))
}

/// The peak of our own memory in bytes.
fn own_peak() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss());
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    u64::try_from(usage).unwrap_or_default() * unit
}

/// Stands still until somebody makes us go on.
pub fn stand_still() {
    // It fails only for signals that are none.
    let _ = nix::sys::signal::raise(nix::sys::signal::SIGSTOP);
}

/// While it lives, the terminal is another group's.
#[derive(Debug)]
pub struct Lent {
    before: Termios,
    terminal: BorrowedFd<'static>,
}

impl Lent {
    /// Gives the terminal to a group; `None` where there is none, or it is not ours.
    pub fn to(group: u32) -> Option<Self> {
        let ours = |terminal: &BorrowedFd<'_>| tcgetpgrp(terminal).is_ok_and(|group| group == system::getpgrp());
        let terminal = [rustix::stdio::stdin(), rustix::stdio::stderr()].into_iter().find(ours)?;
        let before = tcgetattr(terminal).ok()?;
        tcsetpgrp(terminal, pid(group)?).ok()?;
        Some(Self { before, terminal })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Who is not in front is stopped when it does this, unless the signal for that is blocked.
        let background = SigSet::from(nix::sys::signal::SIGTTOU);
        let is_blocked = background.thread_block().is_ok();
        if is_blocked && tcsetpgrp(self.terminal, system::getpgrp()).is_ok() {
            // A program that was killed may have left it in any state.
            let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
        }
        let _ = background.thread_unblock();
    }
}

/// Whether the signal stops those that want a terminal which is not theirs.
pub fn is_for_want_of_terminal(signal: i32) -> bool {
    [system::Signal::TTIN, system::Signal::TTOU].iter().any(|known| known.as_raw() == signal)
}

/// Whether it is the signal that Ctrl-C sends to those in front of a terminal.
pub fn is_of_ctrl_c(signal: i32) -> bool {
    signal == system::Signal::INT.as_raw()
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

/// Whether everybody in a group has ended, although nobody may have taken note of it: where the first process of a container
/// does not reap, the dead stay in their group for ever. Only Linux tells.
pub fn has_ended(group: u32) -> bool {
    if is_empty(group) {
        return true;
    }
    let all = processes().map(|(_, stat)| stat);
    let mut states = all.filter(|stat| stat.group == group).map(|stat| stat.state).peekable();
    states.peek().is_some() && states.all(|state| matches!(state, 'Z' | 'X'))
}

/// Makes children go on that stand still and have not come to their exec, so that they still are called what we are. Only Linux
/// tells.
pub fn go_on_to_exec() {
    let called = |process: &Path| std::fs::read(process.join("cmdline")).ok();
    let ours = called(Path::new("/proc/self"));
    let standing = processes().filter(|(_, stat)| stat.state == 'T' && stat.parent == std::process::id());
    for (process, stat) in standing {
        if let Some(child) = pid(stat.id).filter(|_| called(&process) == ours) {
            let _ = system::kill_process(child, system::Signal::CONT);
        }
    }
}

/// What is told of a process.
struct Stat {
    id: u32,
    state: char,
    parent: u32,
    group: u32,
}

/// All processes, by their folders.
fn processes() -> impl Iterator<Item = (PathBuf, Stat)> {
    let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    folders.filter_map(|folder| stat_of(&folder.join("stat")).map(|stat| (folder, stat)))
}

fn stat_of(path: &Path) -> Option<Stat> {
    let text = std::fs::read_to_string(path).ok()?;
    // The name may be any.
    let (before, behind) = text.rsplit_once(") ")?;
    let id = before.split(' ').next()?.parse().ok()?;
    let mut words = behind.split(' ');
    let state = words.next()?.chars().next()?;
    Some(Stat { id, state, parent: words.next()?.parse().ok()?, group: words.next()?.parse().ok()? })
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
        Signal::Quit => system::Signal::QUIT,
        Signal::Kill => system::Signal::KILL,
        Signal::Stop => system::Signal::TSTP,
        Signal::Freeze => system::Signal::STOP,
        Signal::Continue => system::Signal::CONT,
    }
}
