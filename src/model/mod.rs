//! The words everything else is said in: plain data, which knows nothing of files, processes, clocks or formats.

mod budget;
mod cache;
mod command;
mod digest;
mod discovered;
mod event;
mod explanation;
mod file;
mod id;
mod length;
mod makers;
mod past;
mod plan;
mod project;
mod stack;
mod tests;
mod verdict;
mod workspace;

pub use budget::{Budgets, Exceeded, Taken};
pub use cache::{CacheBounds, CacheCleared, CacheStats};
pub use command::{CargoCommand, Command, Form, Piece, Placeholder, Template, spelled_out, subcommand_place};
pub use digest::Digest;
pub use discovered::{Discovered, DiscoveredSort};
pub use event::{
    Diagnostic, Done, Event, EventKind, Interrupt, Output, Part, Place, RUN_ID, Replay, StepInfo, Summary,
};
pub use explanation::{Covers, Explanation, FileSet, KeptResult};
pub use file::FileStat;
pub use id::{MemberId, PhaseId, StepId};
pub use length::{LENGTH_HELP, length, millis, shown_length};
pub use makers::Makers;
pub use past::{PastRun, PastStep, Usual, durations_of};
pub use plan::{Edge, EdgeKind, Node, Plan, Step, Subject};
pub use project::{Claim, Closing, Definition, Engine, Folder, Hooks, Named, Need, Phase, Project, Scope, Span};
pub(crate) use stack::Stack;
pub use tests::{TestRun, TestSummary, Tests};
pub use verdict::{Change, ChangeKind, Outcome, Reason, Verdict};
pub use workspace::{Dependency, DependencyKind, LockedPackage, Member, Package, PathPackage, Workspace};
