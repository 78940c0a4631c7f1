//! What happens in a run, in order. Everything that is shown is made from it.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use super::{Closing, Exceeded, Outcome, Reason, StepId, TestSummary, Tests, Usual};

/// The variable in which everything that a run starts finds the run's id, but for test executables, which get what cargo gives
/// them.
pub const RUN_ID: &str = "CARGO_LIFECYCLE_RUN_ID";

/// A signal that asks a run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGTERM`
    Terminate,
    /// `SIGHUP`: the terminal is gone.
    Hangup,
    /// `SIGQUIT`: Ctrl-\.
    Quit,
    /// Another one that ends whoever does not expect it, by its number.
    Other(u8),
}

impl Interrupt {
    /// The exit code that says that this ended us: 128 and the signal's number.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
            Self::Quit => 131,
            Self::Other(number) => 128_u8.saturating_add(number),
        }
    }
}

/// Something that happened in a run, and when.
#[derive(Clone, Debug)]
pub struct Event {
    /// How long after the run was asked for.
    pub at: Duration,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The run begins.
    Begun {
        /// The run's id, which its commands find in `CARGO_LIFECYCLE_RUN_ID`.
        run: Arc<str>,
        /// The workspace's name.
        workspace: Arc<str>,
        /// What was selected, in words.
        selected: Arc<str>,
        /// The steps of the plan; their ids are their places. Each ends once, but for those of `on_success` and
        /// `on_error`, of which it turns out at the end whether they are to run.
        steps: Arc<[StepInfo]>,
        /// How many steps run at once.
        jobs: usize,
    },
    /// A step waits for no other one any more, only for one of the jobs, and for its lock if it has one.
    Ready {
        /// The step.
        step: StepId,
    },
    /// A step, or a part of one, waits for a lock that another one holds. It may be said again.
    Waiting {
        /// The step.
        step: StepId,
        /// The part of the step, if it is one that waits.
        part: Option<Arc<str>>,
        /// The lock.
        lock: Arc<str>,
    },
    /// A step, or a part of one, is granted one of the jobs; a step is judged first. Of a step in parts it comes again
    /// when these are brought together.
    Granted {
        /// The step.
        step: StepId,
        /// The part of the step, if it is one.
        part: Option<Arc<str>>,
    },
    /// A step gives its job away and goes on in parts.
    Split {
        /// The step.
        step: StepId,
        /// The names of the parts that are to run.
        parts: Arc<[Arc<str>]>,
    },
    /// A step runs from here on, for this reason.
    Started {
        /// The step.
        step: StepId,
        /// Why it has to run.
        reason: Reason,
    },
    /// A step printed something.
    Printed {
        /// The step.
        step: StepId,
        /// What it printed: as for a terminal, in colour.
        bytes: Vec<u8>,
        /// Whether it is one of cargo's own lines, which people want to see at once.
        live: bool,
    },
    /// The compiler or cargo said something of a step that ran.
    Diagnosed {
        /// The step.
        step: StepId,
        /// What.
        diagnostic: Diagnostic,
    },
    /// A step ended, whether it ran or not.
    Ended {
        /// The step.
        step: StepId,
        /// What came of it.
        done: Done,
    },
    /// An attempt of a step failed, and it is tried once more.
    Retried {
        /// The step.
        step: StepId,
        /// The part of the step, if it is one that failed.
        part: Option<Arc<str>>,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// How many there are at most.
        of: u32,
        /// How it failed.
        how: Arc<str>,
        /// Everything that it printed.
        output: Output,
    },
    /// A part of a step, such as a test executable, runs from here on.
    PartStarted {
        /// The step.
        step: StepId,
        /// The part's name, which no other part of the step has.
        part: Arc<str>,
    },
    /// A part of a step ended, whether it ran or not.
    PartEnded {
        /// The step.
        step: StepId,
        /// What came of the part.
        part: Part,
    },
    /// A step, or the run, took more than it was to take; `enforced`: so the run fails.
    Exceeded {
        /// What took more of what.
        exceeded: Exceeded,
        /// Whether the run fails for it.
        enforced: bool,
    },
    /// A step took much longer than it usually does.
    Slower {
        /// The step.
        step: StepId,
        /// How long it took.
        took: Duration,
        /// What is usual.
        usual: Usual,
    },
    /// Something that people should know, and that stops nothing.
    Warned(String),
    /// Something for those who want to know more.
    Noted(String),
    /// A signal asks the run to end.
    Interrupted(Interrupt),
    /// From here on the terminal is somebody else's: of a step that runs alone, or of the shell while we stand still.
    TerminalLeft,
    /// The terminal is ours again.
    TerminalBack,
    /// Some time has passed; a display may show it.
    Ticked {
        /// How long the rest of the run will take, as far as recorded durations tell.
        left: Option<Duration>,
    },
    /// The run is over.
    Finished(Summary),
}

/// A warning or an error of the compiler's or cargo's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Whether it is an error.
    pub is_error: bool,
    /// The compiler's code, such as `E0308`, where it has one.
    pub code: Option<String>,
    /// Its first line, without level and code.
    pub message: String,
    /// Where, when it has a place.
    pub place: Option<Place>,
}

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the compiler says it: mostly relative to the workspace root.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The last line, where that is known.
    pub end_line: Option<u32>,
    /// The column behind the last character, where that is known and the place is on one line.
    pub end_column: Option<u32>,
}

impl Place {
    /// A place of which only the beginning is known.
    #[must_use]
    pub const fn at(file: String, line: u32, column: u32) -> Self {
        Self { file, line, column, end_line: None, end_column: None }
    }
}

/// What came of a step.
#[derive(Clone, Debug)]
pub struct Done {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took; zero if it did not run.
    pub duration: Duration,
    /// Everything that it printed, or had printed when its result was recorded.
    pub output: Output,
    /// Whether there are warnings in it.
    pub warned: bool,
    /// Of a step that runs test executables: what they came to.
    pub tests: Option<TestSummary>,
    /// How often its commands were tried; 0 if it did not run. It is flaky if it succeeded after more than one attempt.
    pub attempts: u32,
    /// The peak of memory that one of its processes had, in bytes, as far as that is known.
    pub peak: Option<u64>,
}

impl Done {
    /// It ended so without having run.
    #[must_use]
    pub fn unrun(outcome: Outcome) -> Self {
        let output = Output::default();
        Self { outcome, duration: Duration::ZERO, output, warned: false, tests: None, attempts: 0, peak: None }
    }
}

/// What came of a part of a step.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name: that of a test executable as nextest writes it (`api`, `api::it`, `api::bin/tool`), or that of a member's
    /// documentation tests (`api (doc)`).
    pub name: Arc<str>,
    /// The member that it is of.
    pub member: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it had to run, if it did.
    pub reason: Option<Reason>,
    /// How long it took; when it did not run, how long it had taken.
    pub duration: Duration,
    /// Everything that it printed.
    pub output: Output,
    /// Whether people want to see what it printed although it passed: they asked for it (`--nocapture`).
    pub shown: bool,
    /// What its tests came to.
    pub tests: Tests,
}

/// What is known of a step before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Its name: the phase, and the member if it is for one. Of a step that closes the run, the key of make.toml and a
    /// colon stand before it: `finally: down`.
    pub name: Arc<str>,
    /// The phase.
    pub phase: Arc<str>,
    /// How many members it is for; 0 for the workspace.
    pub members: usize,
}

impl StepInfo {
    /// The phase, and the member if it is for one: the name without what says that the step closes the run.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.parts().map_or(&self.name, |(_, subject)| subject)
    }

    /// How the step closes the run, if it does.
    #[must_use]
    pub fn closing(&self) -> Option<Closing> {
        self.parts().map(|(closing, _)| closing)
    }

    /// Whether the step is one of those that the run consists of, and not of `on_success` or `on_error`, which come after
    /// the others are counted, if at all.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        matches!(self.closing(), None | Some(Closing::Finally))
    }

    fn parts(&self) -> Option<(Closing, &str)> {
        // No name of a phase has a space in it, or a colon at its end.
        let (key, subject) = self.name.split_once(": ")?;
        Closing::ALL.into_iter().find(|closing| closing.key() == key).map(|closing| (closing, subject))
    }
}

/// The figures of a run. Steps of `on_success` and `on_error` are not counted: they come after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Steps that ran and succeeded.
    pub succeeded: usize,
    /// Steps that were fresh.
    pub cached: usize,
    /// Steps that ran and failed.
    pub failed: usize,
    /// Steps that did not run because of a failure.
    pub skipped: usize,
    /// Steps that did not run, or were stopped, because the run ended.
    pub cancelled: usize,
    /// How long the run took.
    pub duration: Duration,
    /// How long the cached steps took when they ran.
    pub saved: Duration,
}

/// Everything that a step printed. It may be long, so it is copied to where it is wanted.
#[derive(Clone, Default)]
pub struct Output(Option<Arc<dyn Replay>>);

/// Where a step's output is kept.
pub trait Replay: Send + Sync {
    /// Writes all of it.
    ///
    /// # Errors
    /// Whatever reading or writing says.
    fn copy_to(&self, to: &mut dyn Write) -> io::Result<()>;
}

impl Output {
    /// Output that is kept there.
    #[must_use]
    pub fn of(kept: Arc<dyn Replay>) -> Self {
        Self(Some(kept))
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// Whatever reading or writing says.
    pub fn copy_to(&self, to: &mut dyn Write) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |kept| kept.copy_to(to))
    }
}

impl Replay for Vec<u8> {
    fn copy_to(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(self)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Output(…)" } else { "Output()" })
    }
}

impl Summary {
    /// Both together, of steps that ran one after another.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            succeeded: self.succeeded + other.succeeded,
            cached: self.cached + other.cached,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            cancelled: self.cancelled + other.cancelled,
            duration: self.duration + other.duration,
            saved: self.saved + other.saved,
        }
    }

    /// How many steps the plan had.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.succeeded + self.cached + self.failed + self.skipped + self.cancelled
    }
}
