//! What steps have made, by their records: whether it is in place, and nothing else with it. It writes nothing.

use std::sync::Arc;

use super::{Held, Judge, Match, may_make_anything};
use crate::disk::Sort;
use crate::keys::{Key, refined};
use crate::model::{Digest, Discovered, Reason, StepId};
use crate::store::{Artifact, Manifest, Record};

impl Judge<'_> {
    /// Whether what the record says was made is there, or can be put back.
    pub(super) fn in_place(&self, id: StepId, found: (Record, Digest, Option<Vec<Discovered>>)) -> Match {
        let step = self.plan.step(id);
        let (record, digest, discovered) = found;
        if may_make_anything(step) && (self.is_other(id, digest) || self.is_unfinished(id)) {
            // What is there now is of another state, or half made, and nobody knows what it is.
            return Match::None;
        }
        if let Some(reason) = record.artifacts.iter().find_map(|artifact| self.amiss(artifact)) {
            return Match::Other(reason);
        }
        if record.warned && record.output.as_ref().is_some_and(|output| !self.outputs.is_whole(&output.digest)) {
            return Match::Other(Reason::OutputLost("its warnings are no longer stored".into()));
        }
        let parts = match self.outputs.parts_of(&record.parts) {
            Some(parts) => parts,
            None => return Match::Other(Reason::OutputLost("what its tests printed is no longer stored".into())),
        };
        let mut outputs = None;
        let mut amiss = Vec::new();
        if step.definition.outputs.as_ref().is_some_and(Vec::is_empty) {
            outputs = Some(Manifest::default());
        } else if step.definition.outputs.is_some() {
            let Some(manifest) = record.outputs.first().and_then(|blob| self.outputs.kept(&blob.digest)) else {
                return Match::Other(Reason::OutputLost("the list of its outputs is no longer stored".into()));
            };
            amiss = self.outputs.amiss(&manifest);
            if let Some(lost) = amiss.iter().find(|made| !self.outputs.is_kept(made)) {
                return Match::Other(if lost.written {
                    Reason::OutputLost(format!("`{}` is missing or changed, and no longer stored", lost.path).into())
                } else {
                    Reason::OutputLost(format!("`{}` is missing or changed", lost.path).into())
                });
            }
            outputs = Some(manifest);
        }
        Match::Held(Box::new(Held { record, digest, discovered, outputs, parts, amiss }))
    }

    /// Whether more lies in the places of its outputs than a run in this state has left there: what reads them would find
    /// that, too. All else is asked before, since the places have to be walked.
    pub(super) fn added(&self, id: StepId, held: &Held) -> Option<Reason> {
        let outputs = held.outputs.as_ref()?;
        let places = self.keys.outputs_of(self.plan.step(id));
        match self.outputs.added(&places, outputs) {
            Ok(added) => added.map(|path| Reason::OutputAdded(path.into())),
            Err(error) => Some(Reason::OutputLost(format!("its outputs cannot be looked at: {error}").into())),
        }
    }

    /// What the step is known to have made before: in this state, else in its last run whose result was kept. What is left of
    /// another state is not what it made in this one.
    pub fn made_before(&self, id: StepId, key: Option<Key>) -> Option<Manifest> {
        let last = || self.known.records.find(&self.known.state.steps.get(self.name(id))?.key?);
        let record = key.and_then(|key| self.result(key)).or_else(last)?;
        self.outputs.kept(&record.outputs.first()?.digest)
    }

    /// The result of this key with what was discovered as it is now, whether or not it holds.
    fn result(&self, key: Key) -> Option<Record> {
        let record = self.known.records.find(&key.digest)?;
        if record.discovered.is_empty() {
            return Some(record);
        }
        let now = record.discovered.iter().filter_map(|known| self.keys.look_up(known).ok());
        now.filter_map(|now| self.known.records.find(&refined(key.digest, &now))).next()
    }

    pub(super) fn amiss(&self, artifact: &Artifact) -> Option<Reason> {
        let path: Arc<str> = artifact.path.as_str().into();
        let Ok(look) = self.keys.disk().look_through(&self.known.target_dir.join(&artifact.path)) else {
            return Some(Reason::ArtifactMissing(path));
        };
        let (sort, stat) = (look.sort, look.stat);
        let same = sort == Sort::Folder || (stat.size == artifact.size && stat.mtime_ns == artifact.mtime_ns);
        (!same).then_some(Reason::ArtifactChanged(path))
    }
}
