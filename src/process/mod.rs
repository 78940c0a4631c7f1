//! Starts the children of steps, passes on what they print and tells how they ended. It does not know why they run, nor
//! what their output means.

mod arriving;
mod children;
mod clock;
mod error;
mod log;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;
#[cfg(target_os = "linux")]
mod polled;
mod running;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod threads;
mod tokens;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

pub use children::Children;
pub use clock::Clock;
pub use error::Error;
pub use log::Log;
pub use running::run;
pub use tokens::{VARIABLES as JOBSERVER_VARIABLES, inherit_jobserver};

/// One command, with nothing left to put in.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// What is started.
    pub program: Program,
    /// The folder it runs in; absolute.
    pub dir: PathBuf,
    /// Variables that it gets besides ours, or instead of ours.
    pub env: Vec<(OsString, OsString)>,
    /// Variables of ours that it does not get; `env` comes later.
    pub env_remove: Vec<OsString>,
    /// When it has to have ended, if that is said.
    pub limit: Option<Limit>,
    /// Who is told of the jobserver.
    pub jobserver: Jobserver,
    /// Whether it has our standard input, output and error, and the terminal if there is one.
    pub interactive: bool,
}

/// In which of its variables a child finds the jobserver, if we have one of our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jobserver {
    /// In none: it has what it is given and nothing else.
    #[default]
    Untold,
    /// In `CARGO_MAKEFLAGS`.
    Cargo,
    /// In `MAKEFLAGS`, too.
    Make,
}

/// A time by which a child has to have ended; otherwise it is made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// By the clock of [`Children::now`].
    pub at: Duration,
    /// How much time that was when it was set, for those who are to be told.
    pub length: Duration,
}

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A line for the shell: `sh -c`, `cmd /C` on Windows.
    Shell(String),
    /// The program (looked for on `PATH` when it has no separator) and its arguments.
    Words(Vec<OsString>),
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether something that it started goes on and holds its output open, so that more of it may have been to come.
    pub held_open: bool,
    /// Whether Ctrl-C ended it while it had the terminal: nobody else has heard that.
    pub interrupted: bool,
    /// The length of the time that it was given, if that was over before it had ended.
    pub timed_out: Option<Duration>,
    /// From its start to its end.
    pub duration: Duration,
    /// How long it waited for its start.
    pub waited: Duration,
    /// The peak of its memory in bytes, by the system's accounting: the largest resident set that it, or one of those that it
    /// started and waited for, ever had. `None` where the system does not tell: on Unix of what is not above our own.
    pub peak: Option<u64>,
}

impl Limit {
    /// The same, so much later.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self { at: self.at.saturating_add(by), ..self }
    }
}

impl Exit {
    /// Whether it ended by itself, in time, with code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0) && self.timed_out.is_none()
    }
}

/// The signals that are passed on to children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`
    Interrupt,
    /// `SIGTERM`
    Terminate,
    /// `SIGHUP`
    Hangup,
    /// `SIGQUIT`
    Quit,
    /// `SIGKILL`
    Kill,
    /// `SIGTSTP`: to stand still, and to stop those whom one has started.
    Stop,
    /// `SIGSTOP`: to stand still, whatever one does.
    Freeze,
    /// `SIGCONT`: to go on.
    Continue,
}

impl CommandLine {
    /// The program in that folder (absolute) and nothing more: with our variables, no jobserver and no end of its time.
    pub fn new(program: Program, dir: PathBuf) -> Self {
        let jobserver = Jobserver::Untold;
        Self { program, dir, env: Vec::new(), env_remove: Vec::new(), limit: None, jobserver, interactive: false }
    }

    /// What errors call it.
    fn name(&self) -> OsString {
        match &self.program {
            Program::Shell(_) => platform::SHELL.into(),
            Program::Words(words) => words.first().cloned().unwrap_or_default(),
        }
    }

    fn command(&self, shell: &platform::Shell) -> Command {
        let path = || {
            let given = self.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
            given.or_else(|| std::env::var_os("PATH").filter(|_| !self.env_remove.iter().any(|name| name == "PATH")))
        };
        let mut command = match &self.program {
            // So that nobody is between us and a program that deals with the terminal's keys in its own way.
            Program::Shell(line) if self.interactive && is_one_program(line) => {
                shell.command(&format!("exec {line}"), path())
            }
            Program::Shell(line) => shell.command(line, path()),
            Program::Words(words) => {
                let mut command = Command::new(self.name());
                command.args(words.iter().skip(1));
                command
            }
        };
        command.current_dir(&self.dir);
        if !self.interactive {
            command.stdin(Stdio::null());
        }
        for name in &self.env_remove {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// What the shell does itself and no program can do in its place.
const OF_THE_SHELL: [&str; 29] = [
    ".", ":", "alias", "bg", "break", "cd", "command", "continue", "eval", "exec", "exit", "export", "fg", "getopts",
    "hash", "jobs", "read", "readonly", "return", "set", "shift", "source", "times", "trap", "type", "ulimit", "umask",
    "unset", "wait",
];

/// Whether a line for the shell does nothing but start a program with some words.
fn is_one_program(line: &str) -> bool {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || " _-./:@%+,=".contains(char);
    let program = line.split_whitespace().next().unwrap_or_default();
    line.chars().all(is_plain) && !program.is_empty() && !program.contains('=') && !OF_THE_SHELL.contains(&program)
}
