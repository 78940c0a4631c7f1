//! Files that have changed and that cargo does not look at, as far as the step's last run tells. It runs nothing, and does
//! not know what comes of it.

use std::path::PathBuf;
use std::sync::Arc;

use super::Judge;
use crate::keys::{Key, newest};
use crate::model::{CargoCommand, ChangeKind, MemberId, Reason, StepId};
use crate::relative::cleaned;

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
}

impl Unseen {
    /// What to tell about it.
    pub fn text(&self) -> String {
        match self.why {
            Overlooked::Old(_) => passed_by(&self.name),
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

impl Judge<'_> {
    /// Files that changed since the step's last run and are not newer than it: cargo, which looks at the time alone, does
    /// not see that. And new ones that configure clippy: cargo knows of those alone that clippy has read before.
    pub fn unseen_by_cargo(&self, id: StepId, key: Key) -> Vec<Unseen> {
        let Reason::Changed(changes) = self.explain(id, key) else { return Vec::new() };
        let Some(last) = self.known.state.steps.get(&*self.steps[id.index()].name) else { return Vec::new() };
        let began_ms = last.finished_at.saturating_sub(last.duration_ms);
        let began_ns = i64::try_from(began_ms).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let clippy = Some(CargoCommand::Clippy);
        let lints = self.plan.step(id).definition.commands.iter().any(|command| command.cargo() == clippy);
        let unseen = changes.into_iter().filter_map(|change| {
            let (path, member) = self.keys.file_of(&change.name);
            let why = match change.kind {
                ChangeKind::FileChanged if newest(&path)? <= began_ns => Overlooked::Old(member),
                ChangeKind::FileAdded if lints && (path.ends_with("clippy.toml") || path.ends_with(".clippy.toml")) => {
                    Overlooked::LintConfig(cleaned(path.parent()?))
                }
                kind if kind.is_of_file() => Overlooked::NotNewest(member?, self.keys.not_newest(member?, &path)?),
                _ => return None,
            };
            Some(Unseen { name: change.name, why })
        });
        unseen.collect()
    }

    /// When the step was last seen in a state that is known, in nanoseconds since the Unix epoch; the beginning of time if it
    /// never was. After a run whose result was not kept it is not known which state its artifacts are of.
    pub fn last_seen_ns(&self, id: StepId) -> i64 {
        let last = self.known.state.steps.get(self.name(id)).filter(|last| last.not_kept.is_none());
        let ms = last.map_or(0, |last| last.finished_at);
        i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000_000)
    }
}
