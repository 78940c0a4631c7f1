//! The end of a run: what came of it, written in one batch. A disk that takes nothing is a warning, not a failure.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::atomic;
use crate::execute::{Ending, PartOf, Produced, Run};
use crate::fingerprint::references;
use crate::flush::{Batch, Limits, flush};
use crate::hash_cache::FileHashCache;
use crate::home::Home;
use crate::keys::{Keys, refined, refinement};
use crate::model::{
    CacheBounds, CargoCommand, Discovered, EventKind, Outcome, Output, Part, Plan, StepId, StepInfo, millis,
};
use crate::state::{Ended as How, LastRun, Run as RunEntry, RunStep, Started, State};
use crate::store::{Blob, Blobs, Bounds, Passed, Record, Records};

/// Fresh steps of a run that history names.
const FRESH: usize = 1000;
/// Sets of discovered inputs that are remembered for a key.
const SETS: usize = 4;
/// Records that are kept.
const RECORDS: usize = 20_000;

/// What was run.
pub struct Ran<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The steps' names.
    pub steps: &'a [StepInfo],
    /// The phases that were named.
    pub phases: &'a [String],
    /// Whether a step can go by a name.
    pub is_step: &'a dyn Fn(&str) -> bool,
}

/// How a run ended.
pub struct Ended<'a> {
    /// What the coordinator says.
    pub run: &'a Run,
    /// What the workers have to keep.
    pub produced: Vec<Produced>,
    /// What cargo has made for this checkout, and when.
    pub made: BTreeMap<String, i64>,
    /// When it began.
    pub begun_at: SystemTime,
    /// How long it took from the question on, not only while steps ran.
    pub took: Duration,
    /// Its exit code.
    pub code: u8,
}

/// What earlier runs have left.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    /// Where everything is kept.
    pub home: &'a Home,
    /// How each step ended last.
    pub state: &'a State,
    /// What this run has started.
    pub started: &'a Started,
    /// The results.
    pub records: &'a Records,
    /// The digests of files.
    pub cache: &'a FileHashCache,
    /// How much of it stays.
    pub bounds: CacheBounds,
    /// How many runs are remembered.
    pub runs: usize,
}

/// Keeps the results whose inputs still are what they were, and notes how every step ended.
pub fn keep(
    ran: &Ran<'_>,
    (keys, past): (&Keys<'_>, Past<'_>),
    pool: &rayon::ThreadPool,
    ended: Ended<'_>,
    events: &mut dyn FnMut(EventKind),
) {
    if is_cleaned((ran.plan, ended.run), past.home) {
        // Making it again would undo what was asked for.
        return;
    }
    let home = past.home;
    if ended.produced.iter().any(|produced| matches!(produced.ending, Ending::Good { .. })) {
        pool.install(|| keys.look_at_all_again());
    }
    let batch = Keeping { ran, keys, past, events, not_kept: BTreeMap::new() }.batch(&ended);
    let limits = Limits { records: bounds(past.bounds), runs: past.runs };
    let flushed = batch.and_then(|batch| flush(home, &batch, limits, references, past.started));
    let written = flushed.map(|flushed| {
        let remembered = pool.install(|| remember(home, past.cache, keys));
        flushed.warnings.into_iter().chain(remembered)
    });
    match written {
        Ok(warnings) => warnings.for_each(|text| events(EventKind::Warned(text))),
        Err(error) => events(EventKind::Warned(unkept(home, &error))),
    }
}

/// Keeps what is known of files, and answers what has to be said of it.
fn remember(home: &Home, cache: &FileHashCache, keys: &Keys<'_>) -> Option<String> {
    let save = || if cache.opened() > 0 { home.lock().and_then(|_guard| cache.save()).map(drop) } else { Ok(()) };
    let (saved, bytes) = rayon::join(save, || keys.seen());
    if let Some(bytes) = bytes {
        // It saves time, and time alone; who cannot write is told so by the others.
        _ = home.lock().and_then(|_guard| atomic::put(&seen(home), &bytes));
    }
    let error = saved.err()?;
    let text = "the digests of files are not kept, so that the next run reads them again";
    Some(format!("{text}: {}", unwritable(home, &error)))
}

/// That a run keeps nothing: why, where, and what can be done.
pub fn unkept(home: &Home, error: &io::Error) -> String {
    format!("the results of this run are not kept: {}", unwritable(home, error))
}

fn unwritable(home: &Home, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => "make room there",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "move away what stands in its place",
        _ => "make it writable",
    };
    let folder = home.shared().display();
    format!("cannot write to `{folder}`: {error}; {remedy}, or choose another folder with --target-dir")
}

/// Where the digests of files are kept.
pub fn file_digests(home: &Home) -> std::path::PathBuf {
    home.shared().join("files.bin")
}

/// Where it is kept what the last run has seen of the files.
pub fn seen(home: &Home) -> std::path::PathBuf {
    home.own().join("seen.bin")
}

/// Whether a `cargo clean` of the plan took our folder with it, and nothing was made since: what was built afterwards is
/// worth being kept.
pub fn is_cleaned((plan, run): (&Plan, &Run), home: &Home) -> bool {
    let cleans = |step: &crate::model::Step| {
        step.definition.commands.iter().any(|command| command.cargo() == Some(CargoCommand::Clean))
    };
    plan.ids().any(|id| cleans(plan.step(id)) && run.outcomes[id.index()] == Outcome::Succeeded)
        && is_empty(home.target())
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
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
            Ending::Good { .. } | Ending::Unkept(_) => How::Succeeded,
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
        } else if let Ending::Unkept(why) = &produced.ending {
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
            Ending::Unkept(why) => {
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

    /// Whether no input of the step changed from when its key was taken to the end of the run.
    fn undisturbed(&mut self, produced: &Produced) -> bool {
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
        let steps = steps.iter().map(|(id, last)| RunStep {
            id: id.clone(),
            ended: last.ended,
            duration_ms: last.duration_ms,
            peak_memory: peaks.get(&**id).copied(),
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

/// The bounds of the records, as they are now.
pub fn bounds(cache: CacheBounds) -> Bounds {
    let max_age = u32::try_from(cache.max_age.as_secs()).unwrap_or(u32::MAX);
    Bounds { now: now(), max_age, max_size: cache.max_size, records: RECORDS }
}

/// Now, in seconds since the Unix epoch.
fn now() -> u32 {
    u32::try_from(unix_millis(SystemTime::now()) / 1000).unwrap_or(u32::MAX)
}

fn unix_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, millis)
}
