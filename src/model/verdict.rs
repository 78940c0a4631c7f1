//! What is decided about a step and how it ended. The wording is `report`'s affair.

use std::sync::Arc;
use std::time::Duration;

use super::StepId;

/// Whether a step has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A record of its key matches now.
    Fresh {
        /// How long the step took when it ran.
        saved: Duration,
    },
    /// It has to run.
    Stale(Reason),
}

/// Why a step has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is known of it.
    FirstRun,
    /// `--force`
    Forced,
    /// Its phase is never cached.
    NotCached,
    /// `--no-cache`
    CacheOff,
    /// Something its key covers is different; at least one change.
    Changed(Vec<Change>),
    /// The key is one that ran before, but not last, and no record of it is left (or the last run did not succeed).
    NoRecord,
    /// The last run of exactly this failed.
    FailedBefore,
    /// A step that it waits for runs.
    DependsOn(StepId),
    /// Something that it made is gone; relative to the target directory.
    ArtifactMissing(Arc<str>),
    /// Something that it made is no longer as it was; relative to the target directory.
    ArtifactChanged(Arc<str>),
    /// An output that it declares cannot be put back: what it was is no longer stored, or the step did not write it, or
    /// something is in the way; in words.
    OutputLost(Arc<str>),
    /// It is fresh, and runs to see whether it comes to the same.
    Verify,
    /// An input cannot be read, so there is no key.
    Unreadable(Arc<str>),
    /// A source file names a module outside of its member's folder, which the key cannot cover.
    EscapingModule(Arc<str>),
}

/// One difference between what a key covered before and what it covers now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What sort of thing.
    pub kind: ChangeKind,
    /// Which: a file's path, a package's or a variable's name.
    pub name: Arc<str>,
    /// What it was, where that may be shown.
    pub before: Option<Arc<str>>,
    /// What it is, where that may be shown.
    pub after: Option<Arc<str>>,
}

/// What sort of thing changed, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// A file has other contents.
    FileChanged,
    /// A file is new.
    FileAdded,
    /// A file is gone.
    FileRemoved,
    /// A locked package has another version, source or checksum, is new or gone.
    Package,
    /// A variable has another value.
    Variable,
    /// The compiler is another.
    Toolchain,
    /// A configuration file of cargo's.
    Config,
    /// A part of the root manifest.
    Manifest,
    /// The commands of the phase.
    Command,
    /// The arguments after `--`.
    Arguments,
    /// Cargo's build flags.
    Flags,
    /// The members of the group.
    Selection,
    /// Anything else that a key covers.
    Other,
}

/// How a step ended. Every step ends in exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and every command succeeded.
    Succeeded,
    /// It did not run, because it was fresh.
    Cached {
        /// How long it took when it ran.
        saved: Duration,
    },
    /// It ran, and a command failed; or it could not be started.
    Failed(Arc<str>),
    /// It did not run, because a step that it needs failed.
    Skipped {
        /// That step, or the first of them.
        because: StepId,
    },
    /// It did not run, or was stopped, because the run was ending.
    Cancelled,
}

impl Outcome {
    /// Whether what waits for the step may run.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Cached { .. })
    }
}
