//! Several runs that write at once, and what is left of each.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::*;
use crate::state::{Ended, RunStep};
use crate::store::{Artifact, Blobs};

const BOUNDS: Bounds = Bounds { now: 9, max_age: 30, max_size: 1_000_000, records: 20_000 };
const LIMITS: Limits = Limits { records: BOUNDS, runs: 1000 };

/// Where a writer process writes, which of the writers it is, and how often.
const WRITER: &str = "CARGO_LIFECYCLE_TEST_WRITER";

fn references(_: &[u8]) -> Vec<Digest> {
    Vec::new()
}

/// For a run that has started nothing.
fn flush(home: &Home, batch: &Batch, limits: Limits, references: References) -> io::Result<Flushed> {
    super::flush(home, batch, limits, references, &Started::new(home, "run"))
}

fn home(folder: &Path) -> Home {
    Home::new(&folder.join("target"), folder)
}

fn digest_of(text: &str) -> Digest {
    Digest(Sha256::digest(text).into())
}

/// All that a record says follows from its name, so that a wrong one is seen.
fn record(name: &str) -> Record {
    let artifact = Artifact { path: name.to_owned(), size: name.len() as u64, mtime_ns: -1 };
    Record {
        duration: Duration::from_secs(1),
        made_at: 1,
        artifacts: vec![artifact],
        output: None,
        outputs: Vec::new(),
        warned: true,
        discovered: Vec::new(),
        parts: Vec::new(),
        tests: None,
        used: 9,
    }
}

fn batch(writer: &str, round: usize, count: usize) -> Batch {
    let mut batch = Batch::default();
    for number in 0..count {
        let name = format!("{writer} {}", round * count + number);
        let root = digest_of(&name);
        let (ended, key) = (Ended::Succeeded, Some(root));
        let last =
            LastRun { ended, key, duration_ms: 1, finished_at: 2, not_kept: None, was_fresh: false, is_unknown: false };
        batch.steps.insert(name.clone(), last);
        batch.records.insert(root, record(&name));
        batch.parts.insert(root, name.clone().into_bytes());
        batch.descriptions.insert(name, root);
    }
    let step = RunStep {
        id: writer.to_owned(),
        ended: Ended::Succeeded,
        duration_ms: round as u64,
        peak_memory: None,
        call: None,
    };
    let phases = vec!["test".to_owned()];
    batch.run = Some(Run {
        started_at: 1,
        duration_ms: 2,
        exit: 0,
        phases,
        cached: 3,
        saved_ms: 4,
        steps: vec![step],
        fresh: Vec::new(),
    });
    batch
}

/// Everything on disk is readable and says only what was written; returns the names of the steps.
fn checked_steps(home: &Home) -> Vec<String> {
    // It is written last, so that what it names is in the others, even while writers go on.
    let (state, warning) = State::load(home);
    assert_eq!(warning, None);
    let (records, warning) = Records::load(home);
    assert_eq!(warning, None);
    let (descriptions, warning) = Descriptions::load(home);
    assert_eq!(warning, None);
    let (history, warning) = History::load(home, 1000);
    assert_eq!((history.unreadable, warning), (0, None));
    for name in state.steps.keys() {
        let root = digest_of(name);
        assert_eq!(records.find(&root), Some(record(name)));
        assert_eq!(descriptions.root_of(name), Some(root));
        assert_eq!(descriptions.part(&root), Some(name.as_bytes()));
    }
    state.steps.into_keys().collect()
}

#[test]
fn a_batch_is_written_once_and_an_empty_one_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    assert_eq!(flush(&home, &Batch::default(), LIMITS, references).unwrap(), Flushed::default());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let batch = batch("w", 0, 3);
    assert_eq!(flush(&home, &batch, LIMITS, references).unwrap().files, 4);
    assert_eq!(checked_steps(&home), ["w 0", "w 1", "w 2"]);
    assert_eq!(flush(&home, &batch, LIMITS, references).unwrap().files, 1, "only the history has more to tell");
    assert_eq!(History::load(&home, 9).0.runs.len(), 2);
    assert_eq!(History::load(&home, 9).0.runs.first(), batch.run.as_ref());
}

#[test]
fn the_use_of_a_record_touches_the_records_alone() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    flush(&home, &batch("w", 0, 2), LIMITS, references).unwrap();
    let later = Limits { records: Bounds { now: 10, ..BOUNDS }, ..LIMITS };
    let used = Batch { used: BTreeSet::from([digest_of("w 1")]), ..Batch::default() };
    assert_eq!(flush(&home, &used, later, references).unwrap().files, 1);
    let uses = ["w 0", "w 1"].map(|name| Records::load(&home).0.find(&digest_of(name)).unwrap().used);
    assert_eq!(uses, [9, 10]);
    assert_eq!(History::load(&home, 9).0.runs.len(), 1);
}

#[test]
fn what_a_killed_run_has_begun_goes_only_when_the_state_tells_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    flush(&home, &batch("w", 0, 2), LIMITS, references).unwrap();
    let left = home.own().join("started/1-2-0");
    fs::create_dir(left.parent().unwrap()).unwrap();
    fs::write(&left, "torn").unwrap();
    let later = Limits { records: Bounds { now: 10, ..BOUNDS }, ..LIMITS };
    let used = Batch { used: BTreeSet::from([digest_of("w 1")]), ..Batch::default() };
    flush(&home, &used, later, references).unwrap();
    assert!(left.exists(), "the state was not written");
    flush(&home, &batch("v", 0, 1), LIMITS, references).unwrap();
    assert!(!left.exists());
    let state = State::load(&home).0;
    assert!(state.steps.iter().any(|(step, last)| step.starts_with("w") && last.is_unknown), "{:?}", state.steps);
}

#[test]
fn steps_go_when_they_are_old_and_no_result_of_theirs_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let ran_at = |batch: &mut Batch, seconds: u64| {
        batch.steps.values_mut().for_each(|last| last.finished_at = seconds * 1000);
    };
    let mut old = batch("old", 0, 3);
    ran_at(&mut old, 100);
    old.records.remove(&digest_of("old 2"));
    let at = |now: u32| Limits { records: Bounds { now, ..BOUNDS }, ..LIMITS };
    old.records.values_mut().for_each(|record| record.used = 100);
    flush(&home, &old, at(100), references).unwrap();
    let later = Batch { used: BTreeSet::from([digest_of("old 1")]), ..Batch::default() };
    flush(&home, &later, at(125), references).unwrap();
    let mut new = batch("new", 0, 1);
    ran_at(&mut new, 130);
    flush(&home, &new, at(130), references).unwrap();
    let steps = || State::load(&home).0.steps.into_keys().collect::<Vec<_>>();
    assert_eq!(steps(), ["new 0", "old 0", "old 1", "old 2"], "thirty seconds are not too many");
    ran_at(&mut new, 131);
    flush(&home, &new, at(131), references).unwrap();
    assert_eq!(steps(), ["new 0", "old 1"]);
    let (descriptions, _) = Descriptions::load(&home);
    let roots = ["new 0", "old 0", "old 1", "old 2"].map(|step| descriptions.root_of(step).is_some());
    assert_eq!(roots, [true, false, true, false]);
    assert!(descriptions.part(&digest_of("old 0")).is_none());
}

#[test]
fn damage_that_is_met_while_writing_is_told_and_the_rest_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    flush(&home, &batch("w", 0, 1), LIMITS, references).unwrap();
    fs::write(home.own().join("descriptions.bin"), "x").unwrap();
    fs::write(home.own().join("state.json"), "x").unwrap();
    let flushed = flush(&home, &batch("w", 1, 1), LIMITS, references).unwrap();
    assert_eq!((flushed.files, flushed.warnings.len()), (4, 2));
    assert_eq!(checked_steps(&home), ["w 1"]);
    assert_eq!(Records::load(&home).0.find(&digest_of("w 0")), Some(record("w 0")));
}

#[test]
fn a_target_directory_that_cannot_be_written_is_an_error_and_reads_as_empty() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let home = Home::new(&file.join("target"), folder.path());
    flush(&home, &batch("w", 0, 1), LIMITS, references).unwrap_err();
    Blobs::new(&home).put(&b"x"[..]).unwrap_err();
    let (state, warning) = State::load(&home);
    assert_eq!(state, State::default());
    assert!(warning.unwrap().contains("cannot be read"));
}

/// A process of its own for the tests below.
#[test]
#[ignore = "the tests below start it"]
fn writer() {
    let told = std::env::var(WRITER).unwrap();
    let [folder, writer, rounds] = *told.splitn(3, '|').collect::<Vec<_>>() else { panic!("{told}") };
    let home = home(Path::new(folder));
    for round in 0..rounds.parse().unwrap() {
        flush(&home, &batch(writer, round, 10), LIMITS, references).unwrap();
    }
}

/// A writer that does not outlive the test, however that ends.
struct Writer(Child);

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path, writer: &str, rounds: usize) -> Writer {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "flush::tests::writer", "--ignored"])
        .env(WRITER, format!("{}|{writer}|{rounds}", folder.display()))
        .stdout(Stdio::null())
        .spawn();
    Writer(child.unwrap())
}

#[test]
fn twenty_processes_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    // All of them wait here, and then start as one.
    let gate = home.lock().unwrap();
    let writers: Vec<Writer> = (0..20).map(|number| start(folder.path(), &number.to_string(), 5)).collect();
    drop(gate);
    for mut writer in writers {
        assert!(writer.0.wait().unwrap().success());
    }
    let mut expected: Vec<String> =
        (0..20).flat_map(|writer| (0..50).map(move |step| format!("{writer} {step}"))).collect();
    expected.sort();
    assert_eq!(checked_steps(&home), expected);
    assert_eq!(History::load(&home, 1000).0.runs.len(), 100);
}

#[test]
fn killed_writers_leave_readable_files_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let mut random = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    for round in 0..15 {
        let mut writers = [0, 1].map(|number| start(folder.path(), &format!("{round}.{number}"), 10_000));
        let has_begun = || checked_steps(&home).iter().any(|name| name.starts_with(&format!("{round}.")));
        while !has_begun() {
            assert!(writers.iter_mut().all(|writer| writer.0.try_wait().unwrap().is_none()), "both go on");
            sleep(Duration::from_millis(1));
        }
        for writer in &mut writers {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sleep(Duration::from_micros((random >> 18).into()));
            writer.0.kill().unwrap();
            let status = writer.0.wait().unwrap();
            assert_eq!(status.code(), None, "it was still writing when it was killed");
        }
        let before = checked_steps(&home).len();
        let flushed = flush(&home, &batch(&format!("{round}.after"), 0, 1), LIMITS, references).unwrap();
        assert_eq!((flushed.files, flushed.warnings), (4, Vec::new()));
        assert_eq!(checked_steps(&home).len(), before + 1);
    }
}
