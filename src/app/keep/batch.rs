//! What is to be written of a run: of each step how it ended, and the results that may be kept. It puts what steps printed where
//! blobs are, and writes nothing else.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::time::{Duration, SystemTime};

use super::{Ended, Past, Ran, now, unix_millis};
use crate::execute::{Ending, PartOf, Produced};
use crate::fingerprint::references;
use crate::flush::Batch;
use crate::keys::{Keys, refined, refinement};
use crate::model::{Discovered, EventKind, Outcome, Output, Part, StepId, millis};
use crate::state::{Ended as How, LastRun, Run as RunEntry, RunStep};
use crate::store::{Blob, Blobs, Passed, Record};

/// Sets of discovered inputs that are remembered for a key.
const SETS: usize = 4;
/// Fresh steps of a run that history names.
const FRESH: usize = 1000;

/// Everything that is to be written.
///
/// # Errors
/// What steps printed cannot be put where blobs are.
pub fn batch(
    ran: &Ran<'_>,
    (keys, past): (&Keys<'_>, Past<'_>),
    ended: &Ended<'_>,
    events: &mut dyn FnMut(EventKind),
) -> io::Result<Batch> {
    Keeping { ran, keys, past, events, not_kept: BTreeMap::new() }.batch(ended)
}

struct Keeping<'a, 'e> {
    ran: &'a Ran<'a>,
    keys: &'a Keys<'a>,
    past: Past<'a>,
    events: &'e mut dyn FnMut(EventKind),
    /// The steps whose results are not kept although they succeeded, and why not.
    not_kept: BTreeMap<StepId, String>,
}

impl Keeping<'_, '_> {
    fn batch(&mut self, ended: &Ended<'_>) -> io::Result<Batch> {
        let own: HashSet<&str> = self.ran.steps.iter().map(|step| &*step.name).collect();
        let is_gone = |name: &&String| !own.contains(name.as_str()) && !(self.ran.is_step)(name);
        let gone = self.past.state.steps.keys().filter(is_gone).cloned().collect();
        let mut batch = Batch { made: ended.made.clone(), gone, ..Batch::default() };
        let mut last: BTreeMap<StepId, &Produced> = BTreeMap::new();
        for produced in &ended.produced {
            if let Ending::Used(digest) = produced.ending {
                batch.used.extend([produced.key.digest, digest]);
                continue;
            }
            if let Some(part) = &produced.part {
                self.part(produced, part, &mut batch)?;
                continue;
            }
            if let Ending::Refuted(digest) = produced.ending {
                batch.refuted.extend([produced.key.digest, digest]);
            }
            last.insert(produced.step, produced);
            if matches!(produced.ending, Ending::Unseen(_)) {
                continue;
            }
            self.keys.description(produced.key, references, &mut batch.parts);
            let mut root = produced.key.digest;
            if let Some(found) = produced.ending.discovered() {
                let (digest, bytes) = refinement(root, found).finish();
                batch.parts.insert(digest, bytes);
                root = digest;
            }
            batch.descriptions.insert(self.name(produced.step), root);
            self.record(produced, &mut batch)?;
        }
        for id in self.ran.plan.ids() {
            let (outcome, duration) = (&ended.run.outcomes[id.index()], ended.run.durations[id.index()]);
            let produced = last.get(&id).copied();
            // Without a key there is no state that the next run could be compared with: the one before stays.
            if produced.is_none() && self.ran.plan.step(id).definition.cache {
                continue;
            }
            if let Some(mut run) = last_run(outcome, duration, produced) {
                run.not_kept = self.not_kept.remove(&id).or_else(|| interrupted(outcome, produced));
                batch.steps.insert(self.name(id), run);
            }
        }
        if !batch.steps.is_empty() {
            batch.run = Some(self.history(ended, &batch.steps));
        }
        for (id, produced) in last {
            // It did not run, but this is the state that the next one is compared with.
            if let (Ending::Matched(digest, _), Some(before)) =
                (&produced.ending, self.past.state.steps.get(&self.name(id)))
            {
                let now = LastRun { ended: How::Succeeded, key: Some(*digest), not_kept: None, ..before.clone() };
                let run = LastRun { was_fresh: true, ..now };
                batch.steps.insert(self.name(id), run);
            }
        }
        Ok(batch)
    }

    /// Adds how a part of a step ended, and its result if it may be kept.
    fn part(&mut self, produced: &Produced, part: &PartOf, batch: &mut Batch) -> io::Result<()> {
        let ended = match &produced.ending {
            Ending::Good { .. } | Ending::Unkept(_) | Ending::Unsettled(..) => How::Succeeded,
            _ => How::Failed,
        };
        let mut not_kept = None;
        let key = produced.key;
        if ended == How::Failed {
            // It passed before under the same key, and was run again all the same.
            batch.refuted.insert(key.digest);
        }
        if let Ending::Good { .. } = &produced.ending {
            let step = self.ran.plan.step(produced.step);
            match self.keys.test_disturbance(step, part.member, key) {
                None => _ = batch.records.insert(key.digest, self.record_of(produced)?),
                Some(file) => not_kept = Some(format!("inputs changed during the run ({file})")),
            }
        } else if let Ending::Unkept(why) | Ending::Unsettled(why, _) = &produced.ending {
            not_kept = Some(why.clone());
        }
        self.keys.description(key, references, &mut batch.parts);
        batch.descriptions.insert(part.name.clone(), key.digest);
        let last = LastRun {
            ended,
            key: Some(key.digest),
            duration_ms: millis(produced.duration),
            finished_at: unix_millis(SystemTime::now()),
            not_kept,
            was_fresh: false,
            is_unknown: false,
        };
        batch.steps.insert(part.name.clone(), last);
        Ok(())
    }

    fn record_of(&self, produced: &Produced) -> io::Result<Record> {
        Ok(Record {
            duration: produced.duration,
            made_at: unix_millis(SystemTime::now()),
            artifacts: Vec::new(),
            output: store(&produced.output, &Blobs::new(self.past.home))?,
            outputs: Vec::new(),
            warned: produced.warned,
            discovered: Vec::new(),
            parts: store_parts(&produced.parts, &Blobs::new(self.past.home))?,
            tests: produced.tests,
            // After its blobs were put: younger ones are another run's.
            used: now(),
        })
    }

    /// Adds the result of a step, if it may be kept.
    fn record(&mut self, produced: &Produced, batch: &mut Batch) -> io::Result<()> {
        let (discovered, artifacts, outputs) = match &produced.ending {
            Ending::Good { discovered, artifacts, outputs } if self.undisturbed(produced) => {
                (discovered, artifacts, outputs)
            }
            Ending::Matched(_, Some(discovered)) => {
                let pointer = self.pointer(produced, discovered);
                batch.records.insert(produced.key.digest, pointer);
                return Ok(());
            }
            Ending::Unkept(why) | Ending::Unsettled(why, _) => {
                let text = format!("the result of {} is not kept: {why}", self.name(produced.step));
                (self.events)(EventKind::Warned(text));
                // As seen from the root: it is said on one line, and the workspace may move.
                let root = format!("{}/", self.past.home.root().display());
                self.not_kept.insert(produced.step, why.replace(&root, ""));
                return Ok(());
            }
            _ => return Ok(()),
        };
        let key = produced.key.digest;
        let record = Record { artifacts: artifacts.clone(), outputs: outputs.clone(), ..self.record_of(produced)? };
        let Some(found) = discovered else {
            batch.records.insert(key, record);
            return Ok(());
        };
        batch.records.insert(refined(key, found), record);
        batch.records.insert(key, self.pointer(produced, found));
        Ok(())
    }

    /// The record under a key that says what to ask for besides, newest first.
    fn pointer(&self, produced: &Produced, found: &[Discovered]) -> Record {
        let names = |set: &[Discovered]| set.iter().map(|one| (one.sort, one.name.clone())).collect::<Vec<_>>();
        let known = self.past.records.find(&produced.key.digest).map(|record| record.discovered).unwrap_or_default();
        let others = known.into_iter().filter(|set| names(set) != names(found)).take(SETS - 1);
        Record {
            duration: produced.duration,
            made_at: unix_millis(SystemTime::now()),
            artifacts: Vec::new(),
            output: None,
            outputs: Vec::new(),
            warned: false,
            discovered: std::iter::once(found.to_vec()).chain(others).collect(),
            parts: Vec::new(),
            tests: None,
            used: now(),
        }
    }

    /// Whether nobody was at the step's outputs, and no input of it changed from when its key was taken to the end of the run.
    fn undisturbed(&mut self, produced: &Produced) -> bool {
        if self.past.started.is_haunted(&self.name(produced.step)) {
            let (name, why) = (self.name(produced.step), "what a killed run had started for it still ran beside it");
            self.not_kept.insert(produced.step, why.to_owned());
            (self.events)(EventKind::Warned(format!("the result of {name} is not kept: {why}")));
            return false;
        }
        let Some(file) = self.keys.disturbance(self.ran.plan.step(produced.step), produced.key) else { return true };
        let name = self.name(produced.step);
        let text = format!("inputs of {name} changed during the run ({file}); its result is not kept");
        (self.events)(EventKind::Warned(text));
        self.not_kept.insert(produced.step, format!("inputs changed during the run ({file})"));
        false
    }

    fn name(&self, step: StepId) -> String {
        self.ran.steps[step.index()].name.to_string()
    }

    fn history(&self, ended: &Ended<'_>, steps: &BTreeMap<String, LastRun>) -> RunEntry {
        let summary = &ended.run.summary;
        let names = |id: StepId| &*self.ran.steps[id.index()].name;
        let peaks: BTreeMap<&str, u64> =
            self.ran.plan.ids().filter_map(|id| Some((names(id), ended.run.peaks[id.index()]?))).collect();
        let own = self.ran.plan.ids().map(|id| (names(id), id));
        let parts = ended.produced.iter().filter_map(|produced| Some((&*produced.part.as_ref()?.name, produced.step)));
        let ids: BTreeMap<&str, StepId> = parts.chain(own).collect();
        // A step may have very many parts.
        let mut calls: BTreeMap<StepId, String> = BTreeMap::new();
        let mut call = |id: StepId| calls.entry(id).or_insert_with(|| (self.ran.call)(id)).clone();
        let steps = steps.iter().map(|(id, last)| RunStep {
            id: id.clone(),
            ended: last.ended,
            duration_ms: last.duration_ms,
            peak_memory: peaks.get(&**id).copied(),
            call: ids.get(&**id).map(|id| call(*id)),
        });
        let is_fresh = |id: &StepId| matches!(ended.run.outcomes[id.index()], Outcome::Cached { .. });
        let fresh = self.ran.plan.ids().filter(is_fresh).take(FRESH).map(|id| names(id).to_owned());
        RunEntry {
            started_at: unix_millis(ended.begun_at),
            duration_ms: millis(ended.took),
            exit: ended.code.into(),
            phases: self.ran.phases.to_vec(),
            cached: summary.cached as u64,
            saved_ms: millis(summary.saved),
            steps: steps.collect(),
            fresh: fresh.collect(),
        }
    }
}

/// What is noted of a step that ran; a fresh one is as it was.
fn last_run(outcome: &Outcome, duration: Duration, produced: Option<&Produced>) -> Option<LastRun> {
    let ended = match outcome {
        Outcome::Succeeded => How::Succeeded,
        Outcome::Failed(_) => How::Failed,
        Outcome::Cancelled if !duration.is_zero() => How::Cancelled,
        Outcome::Cached { .. } | Outcome::Skipped { .. } | Outcome::Cancelled => return None,
    };
    if produced.is_some_and(|produced| matches!(produced.ending, Ending::Unseen(_))) {
        return None;
    }
    let finished_at = unix_millis(SystemTime::now());
    let key = produced.map(|produced| {
        let key = produced.key.digest;
        produced.ending.discovered().map_or(key, |found| refined(key, found))
    });
    Some(LastRun {
        ended,
        key,
        duration_ms: millis(duration),
        finished_at,
        not_kept: None,
        was_fresh: false,
        is_unknown: false,
    })
}

/// What succeeded after the signal may have seen what the others left half done.
fn interrupted(outcome: &Outcome, produced: Option<&Produced>) -> Option<String> {
    let stopped = produced.is_some_and(|produced| matches!(produced.ending, Ending::Failed));
    (stopped && *outcome == Outcome::Succeeded).then(|| "the run was interrupted".to_owned())
}

/// Keeps what came of the parts of a step, and answers the blobs as a record names them.
fn store_parts(parts: &[Part], blobs: &Blobs) -> io::Result<Vec<Blob>> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let passed = |part: &Part| {
        Ok(Passed {
            name: part.name.to_string(),
            member: part.member.to_string(),
            duration: part.duration,
            tests: part.tests,
            output: store(&part.output, blobs)?,
        })
    };
    let list = parts.iter().map(passed).collect::<io::Result<Vec<_>>>()?;
    let bytes = Passed::encode(&list);
    let printed = list.iter().filter_map(|passed| passed.output);
    let list = Blob { digest: persistently(|| blobs.put(&bytes[..]))?, size: bytes.len() as u64 };
    Ok(std::iter::once(list).chain(printed).collect())
}

/// Keeps what a step printed; `None` if that is nothing.
fn store(output: &Output, blobs: &Blobs) -> io::Result<Option<Blob>> {
    persistently(|| blobs.put_written(|to| output.copy_to(to)))
}

/// Tries again when somebody has just removed the whole folder; not for ever, as it may be in the way of something else.
fn persistently<T>(put: impl Fn() -> io::Result<T>) -> io::Result<T> {
    const TRIES: usize = 20;
    let mut tries = (1..TRIES).map(|_| put());
    let is_gone = |result: &io::Result<T>| result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    tries.find(|result| !is_gone(result)).unwrap_or_else(put)
}
