//! The records: what a step's key led to when it ran. They are shared by all workspaces with one target directory; it
//! knows nothing of whether a record still holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::blobs::Blobs;
use super::bytes::{Eye, Pen};
use super::frame::Frame;
use super::table::{Entry, Table};
use crate::home::{Guard, Home, Kept};
use crate::model::{Digest, Discovered, DiscoveredSort};

/// 1: the first. 2: sets of discovered inputs. 3: outputs.
const FRAME: Frame = Frame { magic: b"clc-recs", version: 3 };

/// What is stored under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How long the step took.
    pub duration: Duration,
    /// What it made, as it was afterwards.
    pub artifacts: Vec<Artifact>,
    /// The blob of its output.
    pub output: Option<Digest>,
    /// Whether its output has warnings, which are shown again when it is cached.
    pub warned: bool,
    /// The blob of the [`Manifest`](super::Manifest) of its declared outputs, where it has any.
    pub outputs: Option<Digest>,
    /// What runs under this key turned out to depend on besides, newest first. Where there are any, the results stand
    /// under the keys refined by their values, and this record only says which to ask for.
    pub discovered: Vec<Vec<Discovered>>,
    /// The day it was last made or found fresh, counted from the Unix epoch.
    pub used_day: u32,
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

/// How many records are kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Today, in days since the Unix epoch.
    pub today: u32,
    /// Records that were not used for more days go.
    pub unused_days: u32,
    /// When there are more, those that were not used for the longest time go.
    pub records: usize,
}

/// The records as they were read.
#[derive(Debug, Default)]
pub struct Records {
    table: Table,
}

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
        decode(entry.value, entry.day)
    }

    /// Lays `new` over the records that stand on disk now, notes today's use of those under the keys `used`, and keeps
    /// within `bounds`. When any go, so do the blobs that are named no longer.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn merge(
        guard: &mut Guard,
        home: &Home,
        new: &BTreeMap<Digest, Record>,
        used: &BTreeSet<Digest>,
        bounds: Bounds,
    ) -> io::Result<()> {
        let old = guard.read(&kept(home)).table;
        let new: Vec<(Digest, u32, Vec<u8>)> =
            new.iter().map(|(key, record)| (*key, record.used_day, encode(record))).collect();
        let is_new = |key: &Digest| new.binary_search_by_key(key, |(key, ..)| *key).is_ok();
        let mut entries: Vec<Entry<'_>> = old.iter().filter(|entry| !is_new(&entry.digest)).collect();
        entries.extend(new.iter().map(|(digest, day, value)| Entry { digest: *digest, day: *day, value }));
        for entry in entries.iter_mut().filter(|entry| used.contains(&entry.digest)) {
            entry.day = entry.day.max(bounds.today);
        }
        let kept = bounds.of(entries);
        let pruned = kept.dropped.then(|| kept.entries.iter().filter_map(output).collect());
        guard.replace(&path(home), &FRAME.seal(&Table::encode(kept.entries)))?;
        if let Some(needed) = pruned {
            Blobs::new(home).sweep(&needed);
        }
        Ok(())
    }
}

/// What stays of the entries, and whether any went.
struct Bounded<'a> {
    entries: Vec<Entry<'a>>,
    dropped: bool,
}

impl Bounds {
    fn of(self, mut entries: Vec<Entry<'_>>) -> Bounded<'_> {
        let before = entries.len();
        entries.retain(|entry| self.today.saturating_sub(entry.day) <= self.unused_days);
        if entries.len() > self.records {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.day));
            // An eighth more than needed, so that not every run of a full store has to sweep.
            entries.truncate(self.records - self.records / 8);
        }
        Bounded { dropped: entries.len() < before, entries }
    }
}

fn kept(home: &Home) -> Kept<'static, Records> {
    let parse = &|bytes| Ok(Records { table: Table::parse(FRAME.open(bytes)?)? });
    Kept { path: path(home), without: "the results of earlier runs, so that every step runs again", parse }
}

fn path(home: &Home) -> PathBuf {
    home.shared().join("records.bin")
}

fn output(entry: &Entry<'_>) -> Option<Digest> {
    decode(entry.value, entry.day)?.output
}

fn encode(record: &Record) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.u64(record.duration.as_secs());
    pen.u32(record.duration.subsec_nanos());
    pen.u8(record.warned.into());
    pen.u8(record.output.is_some().into());
    record.output.iter().for_each(|digest| pen.digest(digest));
    pen.u8(record.outputs.is_some().into());
    record.outputs.iter().for_each(|digest| pen.digest(digest));
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
    pen.0
}

fn decode(bytes: &[u8], used_day: u32) -> Option<Record> {
    let mut eye = Eye(bytes);
    let (seconds, nanos) = (eye.u64()?, eye.u32()?);
    let duration = Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanos.into()))?;
    let warned = eye.u8()? != 0;
    let output = optional(&mut eye)?;
    let outputs = optional(&mut eye)?;
    let count = eye.length()?;
    let discovered = (0..count).map(|_| set(&mut eye)).collect::<Option<_>>()?;
    let count = eye.length()?;
    let artifacts = (0..count).map(|_| artifact(&mut eye)).collect::<Option<_>>()?;
    Some(Record { duration, artifacts, output, outputs, warned, discovered, used_day })
}

fn optional(eye: &mut Eye<'_>) -> Option<Option<Digest>> {
    Some(if eye.u8()? != 0 { Some(eye.digest()?) } else { None })
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
mod tests {
    use std::fs;

    use super::*;

    const BOUNDS: Bounds = Bounds { today: 100, unused_days: 30, records: 1000 };

    fn record(number: u8, used_day: u32) -> Record {
        let artifact = |index: u8| {
            let mtime_ns = i64::from(index) - 1;
            Artifact { path: format!("debug/é{number}"), size: index.into(), mtime_ns }
        };
        Record {
            duration: Duration::from_millis(number.into()),
            artifacts: (0..number % 4).map(artifact).collect(),
            output: (number % 2 == 1).then_some(Digest([number; 32])),
            outputs: (number % 5 == 1).then_some(Digest([number; 32])),
            warned: number % 3 == 1,
            discovered: (0..number % 3).map(|count| (0..count).map(discovered).collect()).collect(),
            used_day,
        }
    }

    fn discovered(number: u8) -> Discovered {
        let sort = if number == 0 { DiscoveredSort::Path } else { DiscoveredSort::Variable };
        Discovered { sort, name: format!("n{number}"), digest: (number > 0).then_some(Digest([number; 32])) }
    }

    fn records(numbers: impl IntoIterator<Item = u8>, day: u32) -> BTreeMap<Digest, Record> {
        numbers.into_iter().map(|number| (Digest([number; 32]), record(number, day))).collect()
    }

    fn home(folder: &tempfile::TempDir) -> Home {
        Home::new(folder.path(), folder.path())
    }

    fn save(home: &Home, new: &BTreeMap<Digest, Record>, used: &[u8], bounds: Bounds) -> usize {
        let used = used.iter().map(|number| Digest([*number; 32])).collect();
        let mut guard = home.lock().unwrap();
        Records::merge(&mut guard, home, new, &used, bounds).unwrap();
        guard.finish().0
    }

    fn all(home: &Home) -> BTreeMap<Digest, Record> {
        let (records, warning) = Records::load(home);
        assert_eq!(warning, None);
        let keys = (0..=u8::MAX).map(|number| Digest([number; 32]));
        keys.filter_map(|key| Some((key, records.find(&key)?))).collect()
    }

    #[test]
    fn records_come_back_ours_win_and_the_same_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        assert_eq!(all(&home), BTreeMap::new());
        assert_eq!(save(&home, &records(0..20, 99), &[], BOUNDS), 1);
        assert_eq!(all(&home), records(0..20, 99));
        let mut changed = records(10..30, 100);
        changed.get_mut(&Digest([15; 32])).unwrap().warned ^= true;
        assert_eq!(save(&home, &changed, &[], BOUNDS), 1);
        assert_eq!(save(&home, &changed, &[], BOUNDS), 0);
        let mut expected = records(0..10, 99);
        expected.extend(changed);
        assert_eq!(all(&home), expected);
    }

    #[test]
    fn use_is_noted_once_a_day_and_keeps_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        save(&home, &records([1, 2], 80), &[], BOUNDS);
        assert_eq!(save(&home, &BTreeMap::new(), &[1, 9], BOUNDS), 1);
        assert_eq!(save(&home, &BTreeMap::new(), &[1, 9], BOUNDS), 0);
        let mut expected = records([1], 100);
        expected.extend(records([2], 80));
        assert_eq!(all(&home), expected);
        save(&home, &records([3], 111), &[], Bounds { today: 110, ..BOUNDS });
        assert!(all(&home).contains_key(&Digest([2; 32])), "thirty days are not too many");
        save(&home, &records([3], 111), &[], Bounds { today: 111, ..BOUNDS });
        assert!(!all(&home).contains_key(&Digest([2; 32])));
        assert!(all(&home).contains_key(&Digest([1; 32])));
    }

    #[test]
    fn of_too_many_the_least_recently_used_go_and_their_blobs_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        let blobs = Blobs::new(&home);
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(7200);
        let mut new = BTreeMap::new();
        let outputs: Vec<Digest> = (0..17).map(|number: u8| blobs.put(&[number][..]).unwrap()).collect();
        for (number, output) in (0..).zip(&outputs) {
            let name = output.to_string();
            let path = home.shared().join("blobs").join(&name[..2]).join(&name[2..]);
            fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
            let record = Record { output: Some(*output), ..record(number, 70 + u32::from(number)) };
            new.insert(Digest([number; 32]), record);
        }
        let bounds = Bounds { records: 16, ..BOUNDS };
        let last = new.split_off(&Digest([16; 32]));
        save(&home, &new, &[], bounds);
        assert_eq!(all(&home).len(), 16);
        save(&home, &last, &[0], bounds);
        let kept: Vec<u8> = all(&home).keys().map(|key| key.0[0]).collect();
        assert_eq!(kept, [0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        for (number, output) in (0..).zip(&outputs) {
            assert_eq!(blobs.read(output).unwrap().is_some(), kept.contains(&number), "{number}");
        }
    }

    #[test]
    fn no_flipped_byte_and_no_cut_gives_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        save(&home, &records(0..4, 99), &[], BOUNDS);
        let good = fs::read(path(&home)).unwrap();
        let is_set_aside = |bad: &[u8]| {
            fs::write(path(&home), bad).unwrap();
            let (records, warning) = Records::load(&home);
            assert!(warning.unwrap().contains("every step runs again"));
            assert!((0..4).all(|number| records.find(&Digest([number; 32])).is_none()));
            // A child that another test is just starting holds a copy of the lock until it executes its program.
            let again = (0..1000).take_while(|_| path(&home).exists()).map(|_| std::thread::yield_now());
            again.for_each(|()| drop(Records::load(&home)));
            assert!(!path(&home).exists());
        };
        for index in 0..good.len() {
            is_set_aside(&good[..index]);
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[index] ^= flip;
                is_set_aside(&bad);
            }
        }
        let mut guard = home.lock().unwrap();
        fs::write(path(&home), "something else").unwrap();
        Records::merge(&mut guard, &home, &records([9], 99), &BTreeSet::new(), BOUNDS).unwrap();
        let (written, warnings) = guard.finish();
        assert_eq!((written, warnings.len()), (1, 1));
        assert_eq!(all(&home), records([9], 99));
        assert_eq!(fs::read(path(&home).with_extension("bin.damaged")).unwrap(), b"something else");
    }

    #[test]
    fn several_records_of_a_key_are_legal_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        let (one, two) = (encode(&record(1, 0)), encode(&record(2, 0)));
        let entry = |value| Entry { digest: Digest([7; 32]), day: 90, value };
        let table = Table::encode(vec![entry(&one), entry(&two)]);
        drop(home.lock().unwrap());
        fs::write(path(&home), FRAME.seal(&table)).unwrap();
        assert_eq!(all(&home), BTreeMap::from([(Digest([7; 32]), record(1, 90))]));
        save(&home, &records([8], 90), &[], BOUNDS);
        assert_eq!(Records::load(&home).0.table.iter().filter(|entry| entry.digest.0[0] == 7).count(), 2);
    }

    #[test]
    fn bytes_that_are_no_record_give_none_or_another_but_do_not_panic() {
        let good = encode(&record(7, 0));
        assert_eq!(decode(&good, 5), Some(record(7, 5)));
        for index in 0..good.len() {
            assert_eq!(decode(&good[..index], 5), None);
            let mut bad = good.clone();
            bad[index] ^= 0xff;
            let is_flag = index == 12 || index == 13;
            assert!(decode(&bad, 5) != Some(record(7, 5)) || is_flag, "byte {index}");
        }
        assert_eq!(decode(&[0xff; 100], 5), None);
    }
}
