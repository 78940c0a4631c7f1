//! What is to be kept of the steps that ran: with which result, if any, and why not.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use super::super::ran::Ran;
use super::{PartOf, Worker};
use crate::cargo_output;
use crate::keys::{Found, Key};
use crate::model::{CargoCommand, Digest, Discovered, Engine, FileStat, Output, Part, Step, StepId, TestRun};
use crate::plan::{Argv, Expanded};
use crate::store::{Artifact, Blob};

/// What came of a step that ran and has a key, or of a part of one.
pub struct Produced {
    /// The step.
    pub step: StepId,
    /// Which part of it, if it is of one.
    pub part: Option<PartOf>,
    /// Its key, taken before it ran.
    pub key: Key,
    /// What is to be kept of it.
    pub ending: Ending,
    /// How long it ran.
    pub duration: Duration,
    /// What it printed.
    pub output: Output,
    /// Whether there are warnings in it.
    pub warned: bool,
    /// Of test executables: what their tests came to.
    pub tests: Option<TestRun>,
    /// Of a step that was done in parts: these.
    pub parts: Vec<Part>,
}

/// What is to be kept of a step that ran.
pub enum Ending {
    /// That it did not succeed.
    Failed,
    /// Nothing, although it succeeded; why not, in words.
    Unkept(String),
    /// Nothing, as cargo would run it again every time; why, in words, and what it turned out to depend on.
    Unsettled(String, Vec<Discovered>),
    /// Nothing at all, not even that it ran: cargo did not look at a file that has changed. What to tell of it.
    Unseen(String),
    /// The result.
    Good {
        /// What it turned out to depend on besides its key; `None` if that cannot be more than the key covers.
        discovered: Option<Vec<Discovered>>,
        /// What it made.
        artifacts: Vec<Artifact>,
        /// The blobs of its declared outputs, as a record names them.
        outputs: Vec<Blob>,
    },
    /// That the result of this digest, which was fresh, is not what it comes to.
    Refuted(Digest),
    /// It was fresh, but in another state than it was last seen in: the digest of this one, and what was discovered.
    Matched(Digest, Option<Vec<Discovered>>),
    /// It was fresh, which is to be noted, by the record of this digest.
    Used(Digest),
}

impl Ending {
    /// What the step turned out to depend on besides its key.
    pub fn discovered(&self) -> Option<&[Discovered]> {
        match self {
            Self::Good { discovered, .. } | Self::Matched(_, discovered) => discovered.as_deref(),
            Self::Unsettled(_, discovered) => Some(discovered),
            Self::Failed | Self::Unkept(_) | Self::Unseen(_) | Self::Refuted(_) | Self::Used(_) => None,
        }
    }
}

impl Worker<'_> {
    /// What came of the steps that ran, once all have ended; and what cargo has made, with the times.
    pub fn into_produced(self) -> (Vec<Produced>, BTreeMap<String, i64>) {
        let mut produced = std::mem::take(&mut *self.produced.lock().unwrap_or_else(PoisonError::into_inner));
        self.distrust(&mut produced);
        let compiled = std::mem::take(&mut *self.compiled.lock().unwrap_or_else(PoisonError::into_inner));
        (produced, compiled)
    }

    pub(super) fn produce(&self, produced: Produced) {
        self.produced.lock().unwrap_or_else(PoisonError::into_inner).push(produced);
    }

    pub(super) fn ending(
        &self,
        (step, expanded): (&Step, &Expanded),
        ran: &Ran,
        (began, before): (SystemTime, &[Discovered]),
        unseen: Option<String>,
    ) -> Ending {
        // Asked of a failure as well: once that is noted, the next run would not find the file changed any more.
        if let Some(text) = unseen {
            return Ending::Unseen(text);
        }
        if ran.failure.is_some() || self.is_cut_off(ran) {
            return Ending::Failed;
        }
        if ran.unread {
            return Ending::Unkept("cargo reports in a form of the command's own, not what it read".to_owned());
        }
        if ran.lost {
            return Ending::Unkept("a part of its output is lost".to_owned());
        }
        if ran.held_open {
            return Ending::Unkept("it left a process behind".to_owned());
        }
        if let Some(why) = &ran.doubt {
            return Ending::Unkept(why.clone());
        }
        if !ran.reported {
            return Ending::Good { discovered: None, artifacts: Vec::new(), outputs: Vec::new() };
        }
        match self.keys.discover(step, (&ran.artifacts, &ran.scripts, &ran.besides), (began, before)) {
            Ok(Found { discovered, unsettled: Some(why) }) => Ending::Unsettled(why, discovered),
            Ok(Found { discovered, unsettled: None }) => Ending::Good {
                discovered: (!discovered.is_empty()).then_some(discovered),
                // That tests have passed stays true when their executables are gone.
                artifacts: if step.definition.engine == Engine::CargoTest {
                    Vec::new()
                } else {
                    self.artifacts(&expanded.commands, &ran.artifacts)
                },
                outputs: Vec::new(),
            },
            Err(why) => Ending::Unkept(why),
        }
    }

    /// What cargo made of members, as it stands now: the step is fresh only while it stands so. A check makes nothing
    /// that anybody uses.
    fn artifacts(&self, commands: &[Argv], made: &[cargo_output::Artifact]) -> Vec<Artifact> {
        let checks = |command: &Argv| {
            let Argv::Words(_, Some(call)) = command else { return false };
            matches!(call.command, CargoCommand::Check | CargoCommand::Clippy)
        };
        if commands.iter().all(checks) {
            return Vec::new();
        }
        let workspace = self.expansion.workspace;
        let members = workspace.members.iter().filter_map(|member| member.package.as_ref());
        let specs: HashSet<&str> = members.map(|package| &*package.spec).collect();
        let made = made.iter().filter(|artifact| specs.contains(&*artifact.package_id));
        let files = made.flat_map(|artifact| &artifact.filenames);
        // Metadata is between cargo and the compiler; other selections and profiles come and go in it.
        let files = files.filter(|file| file.extension().is_none_or(|is| is != "rmeta"));
        files.filter_map(|path| self.artifact(path)).collect()
    }

    fn artifact(&self, path: &Path) -> Option<Artifact> {
        let stat = FileStat::of(&path.metadata().ok()?);
        let path = path.strip_prefix(&self.expansion.workspace.target_dir).unwrap_or(path);
        Some(Artifact { path: path.to_str()?.to_owned(), size: stat.size, mtime_ns: stat.mtime_ns })
    }
}
