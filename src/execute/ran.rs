//! What comes of the commands of one step. It does not know how they are run.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cargo_output::{Artifact, BuildScript};
use crate::keys::Besides;
use crate::model::{Replay, shown_length};
use crate::process::{self, Exit, Log};

/// What came of a step's commands.
#[derive(Default)]
pub struct Ran {
    /// What failed, in words; `None`: every command succeeded.
    pub failure: Option<String>,
    /// All that was printed.
    pub log: Log,
    /// What programs printed that cargo ran, where that was not to be.
    pub programs: Log,
    /// Whether cargo gave warnings.
    pub warned: bool,
    /// The packages that cargo says have errors.
    pub culprits: Vec<String>,
    /// Those of them whose library does not compile.
    pub libraries: Vec<String>,
    /// What cargo says it made.
    pub artifacts: Vec<Artifact>,
    /// The build scripts that ran, now or before.
    pub scripts: Vec<BuildScript>,
    /// Whether cargo was asked what it did.
    pub reported: bool,
    /// Whether it compiled without being asked.
    pub unread: bool,
    /// What may have been read and asked for besides what is reported.
    pub besides: Besides,
    /// Why its result cannot be kept although it succeeded.
    pub doubt: Option<String>,
    /// Why the log could not be written to a file.
    pub trouble: Option<io::Error>,
    /// Whether a part of what was printed is lost.
    pub lost: bool,
    /// How long it waited for others before it started.
    pub waited: Duration,
    /// The largest peak of memory that one of its commands had, in bytes, as far as that is known.
    pub peak: Option<u64>,
    /// Whether something that it started goes on and holds its output.
    pub held_open: bool,
    /// Whether Ctrl-C ended it, which it alone has heard, as it had the terminal.
    pub interrupted: bool,
}

/// A log that is shown when it is wanted.
pub struct Kept(Mutex<Log>);

impl Kept {
    /// Keeps the log.
    pub fn new(log: Log) -> Self {
        Self(Mutex::new(log))
    }
}

impl Replay for Kept {
    fn copy_to(&self, to: &mut dyn io::Write) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).copy_to(to)
    }
}

impl Ran {
    /// What is wrong with the log.
    pub fn complaint(&self) -> String {
        let what = if self.lost { "a part of a step's output is lost" } else { "a step's output is held in memory" };
        let why = self.trouble.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let folder = std::env::temp_dir();
        format!(
            "{what}: cannot write a temporary file to `{}`{why}; make room there, or set TMPDIR to another folder",
            folder.display()
        )
    }

    /// Takes note of how it ended.
    pub fn close(&mut self, exit: Result<Exit, process::Error>) {
        self.trouble = self.log.take_trouble();
        self.held_open = exit.as_ref().is_ok_and(|exit| exit.held_open);
        self.interrupted = exit.as_ref().is_ok_and(|exit| exit.interrupted);
        self.waited = exit.as_ref().map_or(Duration::ZERO, |exit| exit.waited);
        self.peak = exit.as_ref().ok().and_then(|exit| exit.peak);
        self.failure = match exit {
            Ok(exit) if exit.success() => None,
            Ok(exit) if self.culprits.is_empty() => Some(how(&exit)),
            Ok(exit) => Some(format!("{} ({})", how(&exit), self.culprits.join(", "))),
            Err(error) => Some(error.to_string()),
        };
    }

    /// What the next attempt came to, with what cargo did in this one: it does not do that again.
    pub fn followed_by(mut self, mut next: Self) -> Self {
        self.artifacts.append(&mut next.artifacts);
        self.scripts.append(&mut next.scripts);
        self.besides.add(next.besides);
        Self {
            artifacts: self.artifacts,
            scripts: self.scripts,
            besides: self.besides,
            held_open: self.held_open | next.held_open,
            waited: self.waited + next.waited,
            peak: self.peak.max(next.peak),
            ..next
        }
    }

    /// Adds what the next command came to.
    pub fn add(&mut self, mut other: Self) {
        self.failure = self.failure.take().or(other.failure);
        self.warned |= other.warned;
        self.artifacts.append(&mut other.artifacts);
        self.scripts.append(&mut other.scripts);
        self.besides.add(other.besides);
        self.reported |= other.reported;
        self.unread |= other.unread;
        self.lost |= other.lost;
        self.held_open |= other.held_open;
        self.interrupted |= other.interrupted;
        self.waited += other.waited;
        self.peak = self.peak.max(other.peak);
        self.doubt = self.doubt.take().or(other.doubt);
        self.trouble = self.trouble.take().or(other.trouble);
        self.culprits.append(&mut other.culprits);
        self.libraries.append(&mut other.libraries);
        if self.log.is_empty() {
            self.log = other.log;
        } else {
            self.lost |= other.log.copy_to(&mut self.log).is_err();
            self.trouble = self.trouble.take().or_else(|| self.log.take_trouble());
        }
    }
}

/// How a child that did not succeed ended.
fn how(exit: &Exit) -> String {
    if let Some(length) = exit.timed_out {
        return format!("timed out after {}", shown_length(length));
    }
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
