//! The records: what a step's key led to when it ran. They are shared by all workspaces with one target directory; it
//! knows nothing of whether a record still holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::blobs::Blobs;
use super::bounds::Bounds;
use super::bytes::{Eye, Pen};
use super::frame::Frame;
use super::table::{Entry, Table};
use crate::home::{Damage, Guard, Home, Kept};
use crate::model::{Digest, Discovered, DiscoveredSort, TestRun, Tests};

/// 1: the first. 2: sets of discovered inputs. 3: sizes of blobs, uses to the second, outputs, when a result was made.
/// 4: numbers of tests. 5: parts of steps.
const FRAME: Frame = Frame { magic: b"clc-recs", version: 5 };

/// What is stored under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How long the step took.
    pub duration: Duration,
    /// When it ended, in milliseconds since the Unix epoch.
    pub made_at: u64,
    /// What it made, as it was afterwards.
    pub artifacts: Vec<Artifact>,
    /// What it printed.
    pub output: Option<Blob>,
    /// Whether its output has warnings, which are shown again when it is cached.
    pub warned: bool,
    /// Where it declares outputs, the blob of their [`Manifest`](super::Manifest), then those of their contents.
    pub outputs: Vec<Blob>,
    /// What runs under this key turned out to depend on besides, newest first. Where there are any, the results stand
    /// under the keys refined by their values, and this record only says which to ask for.
    pub discovered: Vec<Vec<Discovered>>,
    /// Where it was done in parts, the blob of the list of them ([`Passed`](super::Passed)), then those of what they
    /// printed.
    pub parts: Vec<Blob>,
    /// Of test executables: what their tests came to.
    pub tests: Option<TestRun>,
    /// When it was last made or found fresh, in seconds since the Unix epoch.
    pub used: u32,
}

/// A file that a step made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Relative to the target directory, with `/`.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change, in nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
}

/// Bytes that are kept beside the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The SHA-256 of the bytes, by which they are found.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
}

/// What is known of records that are there already.
#[derive(Clone, Copy, Debug)]
pub struct Uses<'a> {
    /// The keys of those that made a step fresh.
    pub used: &'a BTreeSet<Digest>,
    /// The keys of those that turned out to be wrong.
    pub refuted: &'a BTreeSet<Digest>,
}

/// The records as they were read.
#[derive(Debug, Default)]
pub struct Records {
    /// The bytes of all blobs that they name.
    size: u64,
    /// When blobs that nobody names were last looked for, in seconds since the Unix epoch.
    swept: u32,
    table: Table,
}

/// How long nobody looks for blobs that nobody names, in seconds: they are what killed runs left, and few.
const SWEPT: u32 = 24 * 60 * 60;
/// Likewise where records go, because there may not be much room.
const SWEPT_WHEN_FULL: u32 = 60 * 60;

impl Records {
    /// Reads them. What cannot be understood is set aside with a warning, and there are none.
    #[must_use]
    pub fn load(home: &Home) -> (Self, Option<String>) {
        home.read(&kept(home))
    }

    /// The record under `key`.
    #[must_use]
    pub fn find(&self, key: &Digest) -> Option<Record> {
        let entry = self.table.find(key)?;
        decode(entry.value, entry.used)
    }

    /// Whether there is a record under `key`.
    #[must_use]
    pub fn has(&self, key: &Digest) -> bool {
        self.table.find(key).is_some()
    }

    /// Whether a use of this record now is to be written down.
    #[must_use]
    pub fn is_use_due(&self, record: &Record, bounds: &Bounds) -> bool {
        bounds.is_due(record.used, self.size)
    }

    /// When each record was last used, in seconds since the Unix epoch, with the blobs that it names.
    pub(super) fn uses(&self) -> impl Iterator<Item = (u32, Vec<Blob>)> {
        self.table.iter().map(|entry| (entry.used, blobs_in(&entry)))
    }

    /// Lays `new` over the records that stand on disk now, notes which were of use or wrong, and keeps within
    /// `bounds`. The blobs that are named no longer are removed. A new record whose blobs are not there any more is left
    /// out: another run has swept them away, or somebody the whole folder.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn merge(
        guard: &mut Guard,
        home: &Home,
        new: &BTreeMap<Digest, Record>,
        uses: Uses<'_>,
        bounds: Bounds,
    ) -> io::Result<()> {
        let old = guard.read(&kept(home));
        let blobs = Blobs::new(home);
        let is_whole = |record: &Record| blobs_of(record).all(|blob| blobs.has(&blob.digest));
        let new: Vec<(Digest, u32, Vec<u8>)> = new
            .iter()
            .filter(|(_, record)| is_whole(record))
            .map(|(key, record)| (*key, record.used, encode(record)))
            .collect();
        let is_replaced = |entry: &Entry<'_>| {
            uses.refuted.contains(&entry.digest) || new.binary_search_by_key(&entry.digest, |(key, ..)| *key).is_ok()
        };
        let (replaced, mut entries): (Vec<Entry<'_>>, Vec<_>) = old.table.iter().partition(is_replaced);
        for entry in entries.iter_mut().filter(|entry| uses.used.contains(&entry.digest)) {
            entry.used = bounds.now;
        }
        entries.extend(new.iter().map(|(digest, used, value)| Entry { digest: *digest, used: *used, value }));
        let kept = bounds.of(entries);
        let pause = if kept.dropped.is_empty() { SWEPT } else { SWEPT_WHEN_FULL };
        let sweeps = bounds.now.abs_diff(old.swept) > pause;
        let swept = if sweeps { bounds.now } else { old.swept };
        if let Err(error) = guard.replace(&path(home), &FRAME.seal(&body(kept.size, swept, kept.entries))) {
            // Nothing names the new blobs, and a disk that is full should not stay so for them.
            let named: BTreeSet<Digest> = old.uses().flat_map(|(_, blobs)| blobs).map(|blob| blob.digest).collect();
            let new = new.iter().map(|(digest, used, value)| Entry { digest: *digest, used: *used, value });
            new.for_each(|entry| forget(&blobs, &entry, &named));
            return Err(error);
        }
        for entry in replaced.iter().chain(&kept.dropped) {
            forget(&blobs, entry, &kept.named);
        }
        if sweeps {
            blobs.sweep(&kept.named);
        }
        Ok(())
    }
}

/// Removes the blobs of an entry that others do not name.
fn forget(blobs: &Blobs, entry: &Entry<'_>, named: &BTreeSet<Digest>) {
    let unnamed = blobs_in(entry).into_iter().filter(|blob| !named.contains(&blob.digest));
    unnamed.for_each(|blob| blobs.forget(&blob.digest, entry.used));
}

impl Record {
    /// The bytes of everything that is kept beside it, if that is more than these bounds have room for.
    #[must_use]
    pub fn excess(&self, bounds: &Bounds) -> Option<u64> {
        let blobs: BTreeMap<Digest, u64> = blobs_of(self).map(|blob| (blob.digest, blob.size)).collect();
        let size = blobs.values().fold(0, |sum: u64, size| sum.saturating_add(*size));
        (size > bounds.max_size).then_some(size)
    }
}

/// The blobs that a record names: what bounds count, and what is removed when nothing names it any more.
pub fn blobs_of(record: &Record) -> impl Iterator<Item = Blob> + '_ {
    record.output.into_iter().chain(record.outputs.iter().copied()).chain(record.parts.iter().copied())
}

/// The blobs that a record names, as it stands in the table.
pub(super) fn blobs_in(entry: &Entry<'_>) -> Vec<Blob> {
    decode(entry.value, entry.used).map(|record| blobs_of(&record).collect()).unwrap_or_default()
}

fn body(size: u64, swept: u32, entries: Vec<Entry<'_>>) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.u64(size);
    pen.u32(swept);
    pen.0.extend(Table::encode(entries));
    pen.0
}

fn parse(bytes: Vec<u8>) -> Result<Records, Damage> {
    let body = FRAME.open(bytes)?;
    let mut eye = Eye(&body);
    let head = eye.u64().zip(eye.u32());
    let (size, swept) = head.ok_or(Damage::Torn)?;
    Ok(Records { size, swept, table: Table::parse(eye.0.to_vec())? })
}

fn kept(home: &Home) -> Kept<'static, Records> {
    let without = "the results of earlier runs, so that every step runs again";
    Kept { path: path(home), without, parse: &parse }
}

fn path(home: &Home) -> PathBuf {
    home.shared().join("records.bin")
}

fn encode(record: &Record) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.u64(record.duration.as_secs());
    pen.u32(record.duration.subsec_nanos());
    pen.u64(record.made_at);
    pen.u8(record.warned.into());
    pen.u8(record.output.is_some().into());
    record.output.iter().for_each(|blob| write_blob(&mut pen, blob));
    pen.length(record.outputs.len());
    record.outputs.iter().for_each(|blob| write_blob(&mut pen, blob));
    pen.length(record.parts.len());
    record.parts.iter().for_each(|blob| write_blob(&mut pen, blob));
    pen.length(record.discovered.len());
    for set in &record.discovered {
        pen.length(set.len());
        set.iter().for_each(|one| write_discovered(&mut pen, one));
    }
    pen.length(record.artifacts.len());
    for artifact in &record.artifacts {
        pen.text(&artifact.path);
        pen.u64(artifact.size);
        pen.i64(artifact.mtime_ns);
    }
    pen.u8(record.tests.is_some().into());
    if let Some(TestRun { executables, tests: Tests { passed, failed, ignored, filtered } }) = record.tests {
        [executables, passed, failed, ignored, filtered].into_iter().for_each(|number| pen.u32(number));
    }
    pen.0
}

fn decode(bytes: &[u8], used: u32) -> Option<Record> {
    let mut eye = Eye(bytes);
    let (seconds, nanos) = (eye.u64()?, eye.u32()?);
    let duration = Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanos.into()))?;
    let made_at = eye.u64()?;
    let warned = eye.u8()? != 0;
    let output = if eye.u8()? != 0 { Some(read_blob(&mut eye)?) } else { None };
    let count = eye.length()?;
    let outputs = (0..count).map(|_| read_blob(&mut eye)).collect::<Option<_>>()?;
    let count = eye.length()?;
    let parts = (0..count).map(|_| read_blob(&mut eye)).collect::<Option<_>>()?;
    let count = eye.length()?;
    let discovered = (0..count).map(|_| set(&mut eye)).collect::<Option<_>>()?;
    let count = eye.length()?;
    let artifacts = (0..count).map(|_| artifact(&mut eye)).collect::<Option<_>>()?;
    let tests = if eye.u8()? != 0 { Some(tests(&mut eye)?) } else { None };
    Some(Record { duration, made_at, artifacts, output, outputs, parts, warned, discovered, tests, used })
}

fn tests(eye: &mut Eye<'_>) -> Option<TestRun> {
    let executables = eye.u32()?;
    let (passed, failed, ignored, filtered) = (eye.u32()?, eye.u32()?, eye.u32()?, eye.u32()?);
    Some(TestRun { executables, tests: Tests { passed, failed, ignored, filtered } })
}

pub(super) fn write_blob(pen: &mut Pen, blob: &Blob) {
    pen.digest(&blob.digest);
    pen.u64(blob.size);
}

pub(super) fn read_blob(eye: &mut Eye<'_>) -> Option<Blob> {
    Some(Blob { digest: eye.digest()?, size: eye.u64()? })
}

fn write_discovered(pen: &mut Pen, one: &Discovered) {
    pen.u8(match one.sort {
        DiscoveredSort::Path => 0,
        DiscoveredSort::Variable => 1,
    });
    pen.text(&one.name);
    pen.u8(one.digest.is_some().into());
    one.digest.iter().for_each(|digest| pen.digest(digest));
}

fn set(eye: &mut Eye<'_>) -> Option<Vec<Discovered>> {
    let count = eye.length()?;
    (0..count).map(|_| read_discovered(eye)).collect()
}

fn read_discovered(eye: &mut Eye<'_>) -> Option<Discovered> {
    let sort = match eye.u8()? {
        0 => DiscoveredSort::Path,
        1 => DiscoveredSort::Variable,
        _ => return None,
    };
    let name = eye.text()?.to_owned();
    let digest = if eye.u8()? != 0 { Some(eye.digest()?) } else { None };
    Some(Discovered { sort, name, digest })
}

fn artifact(eye: &mut Eye<'_>) -> Option<Artifact> {
    Some(Artifact { path: eye.text()?.to_owned(), size: eye.u64()?, mtime_ns: eye.i64()? })
}

#[cfg(test)]
mod tests;
