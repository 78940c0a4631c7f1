//! Files that have changed and that cargo does not look at, as far as the step's last run tells. It runs nothing, and does
//! not know what comes of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Judge;
use crate::keys::{Foreign, Key, newest};
use crate::model::{CargoCommand, Change, ChangeKind, MemberId, Reason, StepId};
use crate::relative::cleaned;
use crate::state::{Ended, LastRun};

/// What is to be asked once cargo has run.
#[derive(Debug, Default)]
pub struct Doubts {
    /// Files that changed since the step's last run and are not newer than it: cargo, which looks at the time alone, does
    /// not see that. And new ones that configure clippy: cargo knows of those alone that clippy has read before.
    pub files: Vec<Unseen>,
    /// What was made after this, in nanoseconds since the Unix epoch, is not known to be of the state in which the step was
    /// seen last; the beginning of time if that tells nothing.
    pub since_ns: i64,
    /// When the step's last run had ended, in nanoseconds since the Unix epoch: a build script that has not run since has not
    /// seen what changed.
    pub ended_ns: i64,
}

/// A file that cargo does not look at, although it is another than in the step's last run.
#[derive(Debug)]
pub struct Unseen {
    /// As explanations name it.
    pub name: Arc<str>,
    /// Why it is overlooked.
    pub why: Overlooked,
}

/// Why cargo does not look at a file.
#[derive(Debug)]
pub enum Overlooked {
    /// It is not newer than the last run. The member that it belongs to, if it does to one.
    Old(Option<MemberId>),
    /// It is new and configures clippy for everything in this folder.
    LintConfig(PathBuf),
    /// It came or went at this moment, but is not the newest file of the member: for a build script that asks for nothing,
    /// cargo looks at that one alone.
    NotNewest(MemberId, i64),
    /// It may be what a build script watches, or in such a folder, and its time does not tell that it came or went: for the
    /// script cargo looks at the newest time there.
    Watched {
        /// Where it is, or was.
        path: PathBuf,
        /// Whether it is gone.
        is_gone: bool,
    },
}

impl Unseen {
    /// What to tell about it.
    pub fn text(&self) -> String {
        match &self.why {
            Overlooked::Watched { is_gone: true, .. } => format!(
                "{} is gone, and cargo did not run the build script again, which watches its place; `touch` the script \
                 (this result is not kept)",
                self.name
            ),
            Overlooked::Old(_) | Overlooked::Watched { .. } => passed_by(&self.name),
            Overlooked::LintConfig(_) => format!(
                "{} is new, and cargo did not look at it; `touch` the sources of the members that it is for \
                 (this result is not kept)",
                self.name
            ),
            Overlooked::NotNewest(..) => format!(
                "{} changed, and cargo did not run the build script again, which asks for nothing; `touch` the script or \
                 have it say `rerun-if-changed` (this result is not kept)",
                self.name
            ),
        }
    }
}

/// What to tell of a changed file that cargo passed by.
pub fn passed_by(name: &str) -> String {
    format!(
        "{name} changed, but is not newer than the last run, so cargo did not look at it; `touch` it \
         (this result is not kept)"
    )
}

/// What to tell of a changed file that cargo does not look at for documentation.
pub fn undocumented((name, library): &(String, String)) -> String {
    format!(
        "{name} is newer than the documentation of {library}, which reads it, and cargo did not look at it; `touch` a \
         source of {library} (this result is not kept)"
    )
}

/// What to tell of what another checkout has compiled, or may have.
pub fn of_another(found: &Foreign) -> String {
    let more = if found.more == 0 { String::new() } else { format!(" (and {} more)", found.more) };
    let by = match &found.root {
        Some(root) => format!("was compiled in `{}`, another checkout", root.display()),
        None => "may be of another checkout, as the target directory is not for this one alone".to_owned(),
    };
    format!(
        "what cargo took for {}{more} {by}; `touch` the sources, or give each checkout a target directory of its own \
         (this result is not kept)",
        found.name
    )
}

impl Judge<'_> {
    /// What cargo may not look at when the step runs now.
    pub fn unseen_by_cargo(&self, id: StepId, key: Key) -> Doubts {
        let last = self.known.state.steps.get(self.name(id));
        // Of a run without a key, when it was not to be cached, it is not known what there was.
        let Some(last) = last.filter(|last| last.key.is_some()) else { return Doubts::default() };
        let reason = self.explain(self.name(id), key);
        let since_ns = if is_comparable(last, &reason) { nanoseconds(last.finished_at) } else { 0 };
        // Noted times are cut to milliseconds.
        let ended_ns = nanoseconds(last.finished_at.saturating_add(1));
        let Reason::Changed(changes) = reason else { return Doubts { files: Vec::new(), since_ns, ended_ns } };
        let began_ns = nanoseconds(last.finished_at.saturating_sub(last.duration_ms));
        let clippy = Some(CargoCommand::Clippy);
        let lints = self.plan.step(id).definition.commands.iter().any(|command| command.cargo() == clippy);
        let mut files = Vec::new();
        for change in changes {
            let (path, member) = self.keys.file_of(&change.name);
            let watched = watched(change.kind, &path, ended_ns);
            let own = || match change.kind {
                ChangeKind::FileChanged if newest(&path)? <= began_ns => Some(Overlooked::Old(member)),
                ChangeKind::FileAdded if lints && (path.ends_with("clippy.toml") || path.ends_with(".clippy.toml")) => {
                    Some(Overlooked::LintConfig(cleaned(path.parent()?)))
                }
                kind if kind.is_of_file() => {
                    Some(Overlooked::NotNewest(member?, self.keys.not_newest(member?, &path)?))
                }
                _ => None,
            };
            let both = own().into_iter().chain(watched);
            files.extend(both.map(|why| Unseen { name: Arc::clone(&change.name), why }));
        }
        Doubts { files, since_ns, ended_ns }
    }
}

/// A change of which no time tells, so that a build script that watches the place may not be run again for it. A file that is
/// gone may have taken its folder's time along.
fn watched(kind: ChangeKind, path: &Path, ended_ns: i64) -> Option<Overlooked> {
    let is_untold = match kind {
        ChangeKind::FileAdded | ChangeKind::FileChanged => newest(path).is_none_or(|newest| newest <= ended_ns),
        ChangeKind::FileRemoved => true,
        _ => false,
    };
    is_untold.then(|| Overlooked::Watched { path: cleaned(path), is_gone: kind == ChangeKind::FileRemoved })
}

/// Whether every unit that cargo calls fresh is of the state that the step was last seen in, unless it is younger: then it
/// is enough to ask what has changed since. It is not where that run did not come to an end, or was of other units (of
/// other members, of other features or flags) and left those of now as they were.
fn is_comparable(last: &LastRun, reason: &Reason) -> bool {
    let is_source = |change: &Change| change.kind.is_of_file() && !change.name.ends_with("Cargo.toml");
    let of_same_units = match reason {
        Reason::Changed(changes) => changes.iter().all(is_source),
        Reason::Evicted => true,
        _ => false,
    };
    of_same_units && last.ended == Ended::Succeeded && last.not_kept.is_none() && !last.was_fresh
}

fn nanoseconds(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}
