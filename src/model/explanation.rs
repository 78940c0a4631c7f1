//! Why a step is fresh or stale, and what its key covers, as plain data. No value of a variable stands in it, nor its digest.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Digest, Reason, StepInfo, Verdict};

/// Why a step is fresh or stale now, in full.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The step.
    pub step: StepInfo,
    /// The members it is for; none for the workspace.
    pub members: Vec<Arc<str>>,
    /// Whether it would run.
    pub verdict: Verdict,
    /// Every reason to run it, that of the verdict first; none if it is fresh.
    pub reasons: Vec<Reason>,
    /// What its key covers; `None` if it has none, because it is never cached or something cannot be read.
    pub covers: Option<Covers>,
    /// The result that makes it fresh.
    pub result: Option<KeptResult>,
}

/// A result of an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptResult {
    /// When it was made.
    pub made_at: SystemTime,
    /// How long that took.
    pub duration: Duration,
}

/// What a key covers, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covers {
    /// The files of each member and package, and those of the workspace that belong to none.
    pub files: Vec<Arc<FileSet>>,
    /// The locked packages: name and version.
    pub packages: Vec<(Arc<str>, Arc<str>)>,
    /// The variables that are known beforehand.
    pub variables: Vec<Arc<str>>,
    /// Compiler, cargo and wrappers, with what they say of themselves.
    pub tools: Vec<(Arc<str>, Arc<str>)>,
    /// Configuration files that do not lie among the inputs; toolchain files.
    pub configuration: Vec<Arc<str>>,
    /// The tables of the root manifest.
    pub manifest: Vec<Arc<str>>,
    /// The steps whose outputs count.
    pub outputs_of: Vec<Arc<str>>,
    /// Files and folders that were found when it ran: from the workspace root, or absolute.
    pub discovered_paths: Vec<Arc<str>>,
    /// Variables that were found when it ran.
    pub discovered_variables: Vec<Arc<str>>,
}

/// Files that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSet {
    /// The member or package whose they are; empty for those of the workspace.
    pub owner: Arc<str>,
    /// Their paths from the workspace root, in order, each with the digest of its contents; `None` for what has none, and
    /// for `.env` files and their like, whose contents are short and secret.
    pub files: Vec<(String, Option<Digest>)>,
}

impl Covers {
    /// How many files there are.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.iter().map(|set| set.files.len()).sum()
    }
}
