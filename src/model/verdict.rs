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
    /// An option among its arguments leads cargo to files that no key covers.
    LedElsewhere(&'static str),
    /// `--no-cache`
    CacheOff,
    /// Something its key covers is different; at least one change.
    Changed(Vec<Change>),
    /// It ran before, but it is not known with what, and no result fits.
    NoRecord,
    /// The last run of exactly this succeeded, and its result is no longer there.
    Evicted,
    /// The last run of exactly this succeeded, but its result was not kept; why not, in words.
    NotKept(Arc<str>),
    /// The last run of exactly this failed.
    FailedBefore,
    /// The last run of exactly this was stopped.
    InterruptedBefore,
    /// A step that it waits for runs.
    DependsOn(StepId),
    /// Something that it made is gone; relative to the target directory.
    ArtifactMissing(Arc<str>),
    /// Something that it made is no longer as it was; relative to the target directory.
    ArtifactChanged(Arc<str>),
    /// An output that it declares cannot be put back: what it was is no longer stored, or the step did not write it, or
    /// something is in the way; in words.
    OutputLost(Arc<str>),
    /// Something lies in the places of the outputs that it declares and is none of those of its result; relative to the
    /// workspace root.
    OutputAdded(Arc<str>),
    /// It is fresh, and runs to see whether it comes to the same.
    Verify,
    /// An input cannot be read, so there is no key.
    Unreadable(Arc<str>),
    /// A source file names a module outside of its member's folder, which the key cannot cover.
    EscapingModule(Arc<str>),
}

impl Reason {
    /// The name by which programs know it; it stays the same from version to version.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FirstRun => "first_run",
            Self::Forced => "forced",
            Self::NotCached => "not_cached",
            Self::LedElsewhere(_) => "led_elsewhere",
            Self::CacheOff => "cache_off",
            Self::Changed(_) => "changed",
            Self::NoRecord => "no_record",
            Self::Evicted => "evicted",
            Self::NotKept(_) => "not_kept",
            Self::FailedBefore => "failed_before",
            Self::InterruptedBefore => "interrupted_before",
            Self::DependsOn(_) => "depends_on",
            Self::ArtifactMissing(_) => "artifact_missing",
            Self::ArtifactChanged(_) => "artifact_changed",
            Self::OutputLost(_) => "output_lost",
            Self::OutputAdded(_) => "output_added",
            Self::Verify => "verify",
            Self::Unreadable(_) => "unreadable",
            Self::EscapingModule(_) => "escaping_module",
        }
    }
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

/// What sort of thing changed, in the order in which they are told: what may explain the rest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// The members of the group.
    Selection,
    /// The workspace has a member more.
    MemberAdded,
    /// The workspace has a member less.
    MemberRemoved,
    /// A member has another name.
    MemberRenamed,
    /// A member depends on another one, or on a package of this disk, and did not before.
    DependencyAdded,
    /// A member depends on it no longer.
    DependencyRemoved,
    /// A file has other contents.
    FileChanged,
    /// A file is new.
    FileAdded,
    /// A file is gone.
    FileRemoved,
    /// A locked package has another version, source or checksum, is new or gone.
    Package,
    /// The compiler, cargo or a wrapper is another.
    Toolchain,
    /// A variable has another value.
    Variable,
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
    /// Anything else that a key covers.
    Other,
}

impl ChangeKind {
    /// Whether a file has other contents, is new or gone.
    #[must_use]
    pub const fn is_of_file(self) -> bool {
        matches!(self, Self::FileChanged | Self::FileAdded | Self::FileRemoved)
    }

    /// The name by which programs know it; it stays the same from version to version.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Selection => "selection",
            Self::MemberAdded => "member_added",
            Self::MemberRemoved => "member_removed",
            Self::MemberRenamed => "member_renamed",
            Self::DependencyAdded => "dependency_added",
            Self::DependencyRemoved => "dependency_removed",
            Self::FileChanged => "file_changed",
            Self::FileAdded => "file_added",
            Self::FileRemoved => "file_removed",
            Self::Package => "package",
            Self::Toolchain => "toolchain",
            Self::Variable => "variable",
            Self::Config => "config",
            Self::Manifest => "manifest",
            Self::Command => "command",
            Self::Arguments => "arguments",
            Self::Flags => "flags",
            Self::Other => "other",
        }
    }
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
        /// How many of its outputs were put back.
        restored: usize,
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
