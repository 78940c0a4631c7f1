//! What a run is asked for: plain data, filled in by the command line or by a program.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::plan::{CargoFlags, Selection};

/// What to run, for whom, and how. Every field may be set by itself; the methods are there for a chain.
///
/// ```
/// use cargo_lifecycle::Options;
///
/// let options = Options::new().phases(["check", "test"]).packages(["api-*"]).jobs(4);
/// assert_eq!(options.phases, ["check", "test"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The phases, in order.
    pub phases: Vec<String>,
    /// For which members.
    pub selection: Selection,
    /// What stood after `--`: for the last phase.
    pub args: Vec<String>,
    /// Cargo's build flags.
    pub flags: CargoFlags,
    /// How many steps run at once; `None`: what make.toml says, else the number of cores.
    pub jobs: Option<NonZeroUsize>,
    /// After a failure, go on with what does not need it.
    pub keep_going: bool,
    /// Run what is fresh, too.
    pub force: bool,
    /// Neither read nor write records.
    pub no_cache: bool,
    /// Run what is fresh, too, and fail if it does not come to what is stored.
    pub verify: bool,
    /// Have events for everything that steps print, as it comes. Otherwise what other programs than cargo print comes whole
    /// with the end of their step, and before that only their newest lines now and then.
    pub live: bool,
    /// Tell what is started that its output is shown in colour.
    pub color: bool,
    /// How long an attempt of a step may take, where make.toml says nothing; `None`: as long as it wants.
    pub timeout: Option<Duration>,
    /// How often a step is tried again after a failure, where make.toml says nothing.
    pub retries: u32,
    /// Where one stands; `None`: the process's working directory.
    pub current_dir: Option<PathBuf>,
    /// The manifest to start from instead of the nearest one.
    pub manifest_path: Option<PathBuf>,
    /// The target directory instead of cargo's own choice.
    pub target_dir: Option<PathBuf>,
    /// Leave signals alone. Otherwise, while a run goes on, SIGINT, SIGTERM and SIGHUP end it in an orderly way; its
    /// children do not get them from the terminal.
    pub leave_signals: bool,
    /// The process ends after this run: what it holds in memory is left to the system, which is quicker than to give it back
    /// piece by piece.
    pub is_last: bool,
}

impl Options {
    /// Nothing asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The phases to run, in order.
    #[must_use]
    pub fn phases<S: Into<String>>(mut self, phases: impl IntoIterator<Item = S>) -> Self {
        self.phases = phases.into_iter().map(Into::into).collect();
        self
    }

    /// Only these members: names, globs or package ids.
    #[must_use]
    pub fn packages<S: Into<String>>(mut self, packages: impl IntoIterator<Item = S>) -> Self {
        self.selection.packages = packages.into_iter().map(Into::into).collect();
        self
    }

    /// Every member, wherever one stands.
    #[must_use]
    pub fn workspace(mut self) -> Self {
        self.selection.workspace = true;
        self
    }

    /// What would be typed at the end of the last phase's command.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// How many steps run at once; at least one.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = NonZeroUsize::new(jobs.max(1));
        self
    }

    /// After a failure, go on with what does not need it.
    #[must_use]
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }

    /// Run what is fresh, too.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Run what is fresh, too, and fail if it does not come to what is stored.
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Where one stands, instead of the working directory.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(dir.into());
        self
    }

    /// The target directory instead of cargo's own choice.
    #[must_use]
    pub fn target_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.target_dir = Some(dir.into());
        self
    }
}
