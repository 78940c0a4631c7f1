//! The one write at the end of a run: everything that must outlive it, under one lock. It knows nothing of formats.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::home::Home;
use crate::model::Digest;
use crate::state::{History, LastRun, Run, Started, State, makers};
use crate::store::{Bounds, Descriptions, Record, Records, References, Uses};

/// What a run leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The steps that ran, by id.
    pub steps: BTreeMap<String, LastRun>,
    /// The results, by key.
    pub records: BTreeMap<Digest, Record>,
    /// The keys of the records that were found fresh, where that is to be noted.
    pub used: BTreeSet<Digest>,
    /// The keys of the records that turned out to be wrong.
    pub refuted: BTreeSet<Digest>,
    /// The ids in the state by which no step goes any more: others may have been at what those made.
    pub gone: BTreeSet<String>,
    /// The root of each step's description, by step id.
    pub descriptions: BTreeMap<String, Digest>,
    /// The parts of the descriptions, each under the SHA-256 of its bytes.
    pub parts: BTreeMap<Digest, Vec<u8>>,
    /// What cargo has made for this checkout, and when: see [`Makers`](crate::model::Makers).
    pub made: BTreeMap<String, i64>,
    /// The run itself, when anything ran.
    pub run: Option<Run>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the records.
    pub records: Bounds,
    /// How many runs are remembered.
    pub runs: usize,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// How many files were written.
    pub files: usize,
    /// Which results are larger than the bounds allow; what was found damaged on the way, as [`State::load`] and the others
    /// word it, perhaps the same once more.
    pub warnings: Vec<String>,
}

/// Merges the batch into what stands on disk now: ours wins where both say something, everything else stays. A file
/// that would not change is not written, and with an empty batch and nothing started nothing is looked at.
///
/// # Errors
/// Whatever the file system says. Each file is then either as it was or as it should be.
pub fn flush(
    home: &Home,
    batch: &Batch,
    limits: Limits,
    references: References,
    started: &Started,
) -> io::Result<Flushed> {
    if batch.is_empty() && !started.is_any() {
        return Ok(Flushed::default());
    }
    let mut guard = home.lock()?;
    let settling = started.settling();
    let (mut steps, mut descriptions) = (batch.steps.clone(), batch.descriptions.clone());
    descriptions.retain(|step, _| !settling.is_overtaken(step));
    let mut warnings = Vec::new();
    if !batch.records.is_empty() || !batch.used.is_empty() || !batch.refuted.is_empty() {
        let uses = Uses { used: &batch.used, refuted: &batch.refuted };
        let no_room = Records::merge(&mut guard, home, &batch.records, uses, limits.records)?;
        let records = no_room.iter().filter_map(|key| Some((*key, batch.records.get(key)?)));
        warnings.extend(records.flat_map(|(key, record)| note_no_room(&mut steps, key, record)));
    }
    let settles = !steps.is_empty() || started.is_any();
    if !descriptions.is_empty() || settles {
        let mut state = State::current(&mut guard, home, &lasting(home, limits.records));
        if !descriptions.is_empty() {
            let is_known = |step: &str| state.steps.contains_key(step);
            Descriptions::merge(&mut guard, home, &descriptions, &batch.parts, (references, &is_known))?;
        }
        if settles {
            state.doubt_these(&batch.gone);
            settling.apply(&mut state, &mut steps);
            state.write(&mut guard, home, &steps)?;
        }
    }
    if !batch.made.is_empty() {
        makers::merge(&mut guard, home, &batch.made)?;
    }
    if let Some(run) = &batch.run {
        History::append(&mut guard, home, run, limits.runs)?;
    }
    guard.sync()?;
    if settles {
        // Not before what is said in its place outlives a power cut.
        settling.end();
    }
    let (files, damage) = guard.finish();
    warnings.extend(damage);
    Ok(Flushed { files, warnings })
}

/// Notes with the steps of this key that there is no room for their result; what to tell of it.
fn note_no_room(steps: &mut BTreeMap<String, LastRun>, key: Digest, record: &Record) -> Vec<String> {
    let why = format!("the {} B that it made and printed do not fit into `[cache] max-size`", record.size());
    let of_key = steps.iter_mut().filter(|(_, last)| last.key == Some(key));
    let told = of_key.map(|(step, last)| {
        last.not_kept = Some(why.clone());
        format!("the result of {step} is not kept: {why}; make.toml can raise it")
    });
    told.collect()
}

/// Whether the last run of a step is still of use: it is not too old, or its result is kept. The steps of members that
/// are no more grow old, like those of phases.
fn lasting(home: &Home, bounds: Bounds) -> impl Fn(&LastRun) -> bool {
    let records = LazyCell::new(|| Records::load(home).0);
    let oldest_ms = u64::from(bounds.now.saturating_sub(bounds.max_age)) * 1000;
    move |last| last.finished_at >= oldest_ms || last.key.is_some_and(|key| records.has(&key))
}

impl Batch {
    fn is_empty(&self) -> bool {
        let Self { steps, records, used, refuted, gone: _, descriptions, parts: _, made, run } = self;
        steps.is_empty()
            && records.is_empty()
            && used.is_empty()
            && refuted.is_empty()
            && descriptions.is_empty()
            && made.is_empty()
            && run.is_none()
    }
}

#[cfg(test)]
mod tests;
