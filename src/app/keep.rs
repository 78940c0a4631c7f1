//! The end of a run: what came of it, written in one batch. A disk that takes nothing is a warning, not a failure.

mod batch;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::atomic;
use crate::execute::{Ending, Produced, Run};
use crate::fingerprint::references;
use crate::flush::{Limits, flush};
use crate::hash_cache::FileHashCache;
use crate::home::Home;
use crate::keys::Keys;
use crate::model::{CacheBounds, CargoCommand, EventKind, Outcome, Plan, StepId, StepInfo, millis};
use crate::state::{Started, State};
use crate::store::{Bounds, Records};
use crate::workspace::Renewal;
use batch::batch;

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
    /// What a step calls, by a digest.
    pub call: &'a dyn Fn(StepId) -> String,
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
    /// What is new of the workspace.
    pub renewal: Option<&'a Renewal>,
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
    let batch = batch(ran, (keys, past), &ended, events);
    let limits = Limits { records: bounds(past.bounds), runs: past.runs };
    let flushed = batch.and_then(|batch| flush(home, &batch, limits, references, past.started));
    let written = flushed.map(|flushed| {
        let remembered = pool.install(|| remember(past, keys));
        flushed.warnings.into_iter().chain(remembered)
    });
    match written {
        Ok(warnings) => warnings.for_each(|text| events(EventKind::Warned(text))),
        Err(error) => events(EventKind::Warned(unkept(home, &error))),
    }
}

/// Keeps what is known of files and of the workspace, and answers what has to be said of it.
fn remember(Past { home, cache, renewal, .. }: Past<'_>, keys: &Keys<'_>) -> Option<String> {
    let save = || if cache.opened() > 0 { cache.save(|| home.lock()).map(drop) } else { Ok(()) };
    let see = || {
        let Some(bytes) = keys.seen() else { return };
        // It saves time, and time alone; who cannot write is told so by the others.
        let path = seen(home);
        let put = home.lock().and_then(|_guard| atomic::cache(&path, &[bytes]));
        if put.is_err() && atomic::is_other(&path) {
            _ = atomic::set_aside(&path);
        }
    };
    let (saved, ()) = rayon::join(save, || {
        see();
        renewal.into_iter().for_each(Renewal::write);
    });
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
