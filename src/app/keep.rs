//! The end of a run: what came of it, written in one batch. A disk that takes nothing is a warning, not a failure.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::execute::{Produced, Run};
use crate::fingerprint::references;
use crate::flush::{Batch, Limits, flush};
use crate::hash_cache::FileHashCache;
use crate::home::Home;
use crate::keys::{Key, Keys};
use crate::model::{CargoCommand, Event, Outcome, Plan, StepId, StepInfo};
use crate::state::{Ended as How, LastRun, Run as RunEntry, RunStep};
use crate::store::{Blobs, Bounds, Record};

/// Runs that history remembers.
const RUNS: usize = 100;
/// Records that are kept, and for how many days unused.
const RECORDS: (usize, u32) = (20_000, 30);

/// What was run.
pub struct Ran<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The steps' names.
    pub steps: &'a [StepInfo],
    /// The phases that were named.
    pub phases: &'a [String],
}

/// How a run ended.
pub struct Ended<'a> {
    /// What the coordinator says.
    pub run: &'a Run,
    /// What the workers have to keep.
    pub produced: Vec<Produced>,
    /// When it began.
    pub begun_at: SystemTime,
}

/// Keeps the results whose inputs still are what they were, and notes how every step ended.
pub fn keep(
    ran: &Ran<'_>,
    (keys, home, cache): (&Keys<'_>, &Home, &FileHashCache),
    pool: &rayon::ThreadPool,
    ended: Ended<'_>,
    events: &mut dyn FnMut(Event),
) {
    if cleaned(ran, ended.run) && !home.shared().exists() {
        // `cargo clean` took our folder with it; making it again would undo what was asked for.
        return;
    }
    if ended.produced.iter().any(|produced| produced.good) {
        pool.install(|| keys.look_at_all_again());
    }
    let today = today();
    let batch = Keeping { ran, keys, home, events }.batch(&ended, today);
    let limits = Limits { records: Bounds { today, unused_days: RECORDS.1, records: RECORDS.0 }, runs: RUNS };
    let written = batch.and_then(|batch| write(home, cache, &batch, limits));
    match written {
        Ok(warnings) => warnings.into_iter().for_each(|text| events(Event::Warned(text))),
        Err(error) => {
            let dir = home.shared().display();
            events(Event::Warned(format!("the results of this run are not kept: cannot write to `{dir}`: {error}")));
        }
    }
}

fn write(home: &Home, cache: &FileHashCache, batch: &Batch, limits: Limits) -> io::Result<Vec<String>> {
    let flushed = flush(home, batch, limits, references)?;
    if cache.opened() > 0 {
        let guard = home.lock()?;
        cache.save(&file_digests(home))?;
        drop(guard);
    }
    Ok(flushed.warnings)
}

/// Where the digests of files are kept.
pub fn file_digests(home: &Home) -> std::path::PathBuf {
    home.shared().join("files.bin")
}

/// Whether a `cargo clean` of the plan ran.
fn cleaned(ran: &Ran<'_>, run: &Run) -> bool {
    let cleans = |step: &crate::model::Step| {
        step.definition.commands.iter().any(|command| command.cargo() == Some(CargoCommand::Clean))
    };
    ran.plan.ids().any(|id| cleans(ran.plan.step(id)) && run.outcomes[id.index()] == Outcome::Succeeded)
}

struct Keeping<'a, 'e> {
    ran: &'a Ran<'a>,
    keys: &'a Keys<'a>,
    home: &'a Home,
    events: &'e mut dyn FnMut(Event),
}

impl Keeping<'_, '_> {
    fn batch(&mut self, ended: &Ended<'_>, today: u32) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let blobs = Blobs::new(self.home);
        let mut keyed: BTreeMap<StepId, Key> = BTreeMap::new();
        for produced in &ended.produced {
            keyed.insert(produced.step, produced.key);
            self.keys.description(produced.key, references, &mut batch.parts);
            batch.descriptions.insert(self.name(produced.step), produced.key.digest);
            if produced.good && self.undisturbed(produced) {
                batch.records.insert(produced.key.digest, record(produced, &blobs, today)?);
            }
        }
        for id in self.ran.plan.ids() {
            let outcome = &ended.run.outcomes[id.index()];
            if let Some(last) = last_run(outcome, ended.run.durations[id.index()], keyed.get(&id)) {
                batch.steps.insert(self.name(id), last);
            }
        }
        if !batch.steps.is_empty() {
            batch.run = Some(self.history(ended, &batch.steps));
        }
        Ok(batch)
    }

    /// Whether no input of the step changed from when its key was taken to the end of the run.
    fn undisturbed(&mut self, produced: &Produced) -> bool {
        let holds = self.keys.holds(self.ran.plan.step(produced.step), produced.key);
        if !holds {
            let name = self.name(produced.step);
            let text = format!("inputs of {name} changed during the run; its result is not kept");
            (self.events)(Event::Noted(text));
        }
        holds
    }

    fn name(&self, step: StepId) -> String {
        self.ran.steps[step.index()].name.to_string()
    }

    fn history(&self, ended: &Ended<'_>, steps: &BTreeMap<String, LastRun>) -> RunEntry {
        let summary = &ended.run.summary;
        let steps =
            steps.iter().map(|(id, last)| RunStep { id: id.clone(), ended: last.ended, duration_ms: last.duration_ms });
        RunEntry {
            started_at: unix_millis(ended.begun_at),
            duration_ms: millis(summary.duration),
            exit: i32::from(summary.failed + summary.skipped + summary.cancelled > 0),
            phases: self.ran.phases.to_vec(),
            cached: summary.cached as u64,
            saved_ms: millis(summary.saved),
            steps: steps.collect(),
        }
    }
}

/// What is noted of a step that ran; a fresh one is as it was.
fn last_run(outcome: &Outcome, duration: Duration, key: Option<&Key>) -> Option<LastRun> {
    let ended = match outcome {
        Outcome::Succeeded => How::Succeeded,
        Outcome::Failed(_) => How::Failed,
        Outcome::Cancelled if !duration.is_zero() => How::Cancelled,
        Outcome::Cached { .. } | Outcome::Skipped { .. } | Outcome::Cancelled => return None,
    };
    let finished_at = unix_millis(SystemTime::now());
    Some(LastRun { ended, key: key.map(|key| key.digest), duration_ms: millis(duration), finished_at })
}

fn record(produced: &Produced, blobs: &Blobs, today: u32) -> io::Result<Record> {
    let mut bytes = Vec::new();
    produced.output.copy_to(&mut bytes)?;
    let output = if bytes.is_empty() { None } else { Some(blobs.put(&bytes[..])?) };
    Ok(Record {
        duration: produced.duration,
        artifacts: produced.artifacts.clone(),
        output,
        warned: produced.warned,
        used_day: today,
    })
}

/// Today, in days since the Unix epoch.
fn today() -> u32 {
    u32::try_from(unix_millis(SystemTime::now()) / 86_400_000).unwrap_or(u32::MAX)
}

fn unix_millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, millis)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
