//! What make.toml says, understood: phases, hooks, folders. How it is written down and checked is `config`'s affair.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::{Budgets, CacheBounds, Command, PhaseId, Placeholder};

/// A place in make.toml, as a range of bytes. Errors and cycles point at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// The phases and hooks of a workspace: make.toml, with the built-in phases.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// `[project] name`, if it is set.
    pub name: Option<Arc<str>>,
    /// `[project] jobs`, if it is set.
    pub jobs: Option<NonZeroUsize>,
    /// `[project] profile`: whether a profile of every run is wanted.
    pub profile: bool,
    /// `[cache]`
    pub cache: CacheBounds,
    /// `[performance]`
    pub budgets: Budgets,
    /// `[history] keep`: how many runs are remembered.
    pub remembered: usize,
    /// Built-ins first, in their order; then make.toml's own in the order they stand there.
    pub phases: Vec<Phase>,
    /// `[hooks]`
    pub hooks: Hooks,
    /// `[workspace.<name>]` tables with a `path`.
    pub folders: Vec<Folder>,
    /// `depends-on` of `[workspace.<name>]`: who depends on whom, by name.
    pub depends_on: Vec<(Arc<str>, Named)>,
}

/// A name that stands in make.toml, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A phase: a named list of commands.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its name.
    pub name: Arc<str>,
    /// One line for `--list`.
    pub description: Arc<str>,
    /// Once for each member, or once in the root.
    pub scope: Scope,
    /// Globs over members' names; empty: every member.
    pub workspaces: Vec<Arc<str>>,
    /// What it does for a member about which make.toml says nothing else. `None`: only the members in `overrides` have
    /// this phase.
    pub definition: Option<Arc<Definition>>,
    /// What it does for the members that `[workspace.<name>]` speaks of, complete (already laid over `definition`).
    pub overrides: BTreeMap<Arc<str>, Arc<Definition>>,
}

/// Where a phase runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Once for each member.
    #[default]
    Member,
    /// Once, in the workspace root.
    Workspace,
}

/// How a phase's commands are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Engine {
    /// As they are.
    #[default]
    Command,
    /// A call of `cargo test`: cargo compiles, and only those test executables run whose result could have changed.
    CargoTest,
}

/// What a phase does for a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Whether the commands are ours (a built-in phase's own).
    pub builtin: bool,
    /// How its commands are run.
    pub engine: Engine,
    /// The commands in order; never empty.
    pub commands: Vec<Command>,
    /// Whether they run at the same time.
    pub parallel: bool,
    /// Phases that come first.
    pub needs: Vec<Need>,
    /// Globs of the files it reads; `None`: the default, every file git would not ignore.
    pub inputs: Option<Vec<Arc<str>>>,
    /// Globs of the files it makes; `None`: nothing is known of them, empty: it makes none.
    pub outputs: Option<Vec<Claim>>,
    /// The name of something that at most one step holds while it runs. `None`: cargo's build lock, for a command that takes
    /// it.
    pub lock: Option<Arc<str>>,
    /// Whether it has the terminal, and runs while nothing else does.
    pub interactive: bool,
    /// How long an attempt may take; `None`: as long as the run says. With the engine for tests, each executable.
    pub timeout: Option<Duration>,
    /// How often it is tried again after a failure; `None`: as often as the run says. With the engine for tests, each
    /// executable.
    pub retries: Option<u32>,
    /// Variables it is given.
    pub env: BTreeMap<Arc<str>, Arc<str>>,
    /// Variables whose value is part of the key.
    pub env_inputs: Vec<Arc<str>>,
    /// Whether a result is kept and a fresh one skips the step.
    pub cache: bool,
    /// Whether the key covers the members this one depends on.
    pub dependencies: bool,
}

/// One glob of `outputs`. Two steps must not claim the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The glob, as it was written.
    pub pattern: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// One entry of `needs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The phase.
    pub phase: PhaseId,
    /// `^`: of the members this one depends on.
    pub upstream: bool,
    /// Where it stands.
    pub span: Span,
}

/// `[hooks]`, each list in its order. Every hook is a phase.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// `before_all`
    pub before_all: Vec<(PhaseId, Span)>,
    /// `after_all`
    pub after_all: Vec<(PhaseId, Span)>,
    /// `before_<phase>`
    pub before: BTreeMap<PhaseId, Vec<(PhaseId, Span)>>,
    /// `after_<phase>`
    pub after: BTreeMap<PhaseId, Vec<(PhaseId, Span)>>,
    /// `finally`, `on_success` and `on_error`
    pub closing: BTreeMap<Closing, Vec<(PhaseId, Span)>>,
}

/// What runs when everything else is over; never cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Closing {
    /// However the run went; its failure fails the run.
    Finally,
    /// When all went well and is written down; its failure changes nothing.
    OnSuccess,
    /// When something failed; likewise.
    OnError,
}

impl Closing {
    /// All of them, in the order of the plan.
    pub const ALL: [Self; 3] = [Self::Finally, Self::OnSuccess, Self::OnError];

    /// Its key in make.toml.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Finally => "finally",
            Self::OnSuccess => "on_success",
            Self::OnError => "on_error",
        }
    }
}

/// A folder that is no Cargo package and takes part all the same.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its name.
    pub name: Arc<str>,
    /// Its path as seen from the workspace root, with `/`; checked to lie inside the workspace and to be there.
    pub path: Arc<str>,
    /// Where the name stands.
    pub span: Span,
}

impl Project {
    /// The phase of this id.
    #[must_use]
    pub fn phase(&self, id: PhaseId) -> &Phase {
        &self.phases[id.index()]
    }

    /// The phase of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<PhaseId> {
        let found = self.phases.iter().position(|phase| &*phase.name == name);
        found.map(PhaseId::new)
    }
}

impl Phase {
    /// What the phase does for the member of this name, if anything is said of it; `workspaces` is not looked at.
    #[must_use]
    pub fn definition_for(&self, member: &str) -> Option<&Arc<Definition>> {
        self.overrides.get(member).or(self.definition.as_ref())
    }
}

impl Hooks {
    /// `before_<phase>`
    pub fn before(&self, phase: PhaseId) -> impl Iterator<Item = (PhaseId, Span)> + '_ {
        self.before.get(&phase).into_iter().flatten().copied()
    }

    /// `after_<phase>`
    pub fn after(&self, phase: PhaseId) -> impl Iterator<Item = (PhaseId, Span)> + '_ {
        self.after.get(&phase).into_iter().flatten().copied()
    }
}

impl Definition {
    /// Whether its commands speak of a Cargo package, so that it means nothing to a folder that is none.
    #[must_use]
    pub fn is_about_packages(&self) -> bool {
        self.has(Placeholder::Selected) || self.has(Placeholder::Spec)
    }

    /// Whether any of its commands has this placeholder.
    #[must_use]
    pub fn has(&self, placeholder: Placeholder) -> bool {
        self.commands.iter().any(|command| command.has(placeholder))
    }
}
