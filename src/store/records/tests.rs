//! Records that are laid over one another, grow old, are damaged.

use std::fs;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::home::until_set_aside;
use crate::model::CacheBounds;

const BOUNDS: Bounds = Bounds { now: 100, max_age: 30, max_size: 1000, records: 1000 };

/// Nothing was of use, and nothing wrong.
const NONE: Uses<'_> = Uses { used: &BTreeSet::new(), refuted: &BTreeSet::new() };

/// The blob of as many bytes of this value.
fn blob(number: u8, size: usize) -> Blob {
    Blob { digest: Digest(Sha256::digest(vec![number; size]).into()), size: size as u64 }
}

fn record(number: u8, used: u32) -> Record {
    let artifact = |index: u8| {
        let mtime_ns = i64::from(index) - 1;
        Artifact { path: format!("debug/é{number}"), size: index.into(), mtime_ns }
    };
    Record {
        outputs: Vec::new(),
        made_at: 7,
        duration: Duration::from_millis(number.into()),
        artifacts: (0..number % 4).map(artifact).collect(),
        output: (number % 2 == 1).then(|| blob(number, 1)),
        warned: number % 3 == 1,
        discovered: (0..number % 3).map(|count| (0..count).map(discovered).collect()).collect(),
        parts: Vec::new(),
        tests: (number % 5 == 1).then(|| tests(number.into())),
        used,
    }
}

fn tests(number: u32) -> TestRun {
    TestRun { executables: number, tests: Tests { passed: 1, failed: number, ignored: 2, filtered: 3 } }
}

/// With an output of this size.
fn sized(number: u8, size: usize, used: u32) -> Record {
    Record { output: Some(blob(number, size)), ..record(number, used) }
}

fn now() -> u32 {
    let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    u32::try_from(since_epoch.as_secs()).unwrap()
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
    for (key, output) in new.iter().filter_map(|(key, record)| Some((key, record.output?))) {
        let contents = [key.0[0]].repeat(output.size as usize);
        if blob(key.0[0], contents.len()) == output {
            Blobs::new(home).put(&contents[..]).unwrap();
        }
    }
    let mut guard = home.lock().unwrap();
    Records::merge(&mut guard, home, new, Uses { used: &used, refuted: &BTreeSet::new() }, bounds).unwrap();
    guard.finish().0
}

fn all(home: &Home) -> BTreeMap<Digest, Record> {
    let (records, warning) = Records::load(home);
    assert_eq!(warning, None);
    let keys = (0..=u8::MAX).map(|number| Digest([number; 32]));
    keys.filter_map(|key| Some((key, records.find(&key)?))).collect()
}

/// Which records there are.
fn numbers(home: &Home) -> Vec<u8> {
    all(home).keys().map(|key| key.0[0]).collect()
}

/// The bytes of all blobs that are there.
fn stats(home: &Home) -> u64 {
    super::super::stats(home, CacheBounds::default()).blob_bytes
}

/// Makes every blob as old as if it had been put two hours ago.
fn age_blobs(home: &Home) {
    for entry in walkdir::WalkDir::new(home.shared().join("blobs")).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let long_ago = SystemTime::now() - Duration::from_secs(7200);
            fs::File::options().write(true).open(entry.path()).unwrap().set_modified(long_ago).unwrap();
        }
    }
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
fn a_use_is_noted_and_keeps_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    save(&home, &records([1, 2], 80), &[], BOUNDS);
    assert_eq!(save(&home, &BTreeMap::new(), &[1, 9], BOUNDS), 1);
    assert_eq!(save(&home, &BTreeMap::new(), &[1, 9], BOUNDS), 0);
    let mut expected = records([1], 100);
    expected.extend(records([2], 80));
    assert_eq!(all(&home), expected);
    save(&home, &records([3], 111), &[], Bounds { now: 110, ..BOUNDS });
    assert!(all(&home).contains_key(&Digest([2; 32])), "thirty seconds are not too many");
    save(&home, &records([3], 111), &[], Bounds { now: 111, ..BOUNDS });
    assert!(!all(&home).contains_key(&Digest([2; 32])));
    assert!(all(&home).contains_key(&Digest([1; 32])));
}

#[test]
fn a_use_is_due_after_an_hour_or_when_room_is_short() {
    let bounds = Bounds { now: 100_000, max_age: 9, max_size: 100, records: 9 };
    for (age, size, due) in
        [(3600, 50, false), (3601, 0, true), (0, 100, false), (1, 50, false), (1, 51, true), (3600, 51, true)]
    {
        assert_eq!(bounds.is_due(bounds.now - age, size), due, "{age} {size}");
        assert_eq!(bounds.is_due(bounds.now + age, size), due, "a clock that jumped back: {age} {size}");
    }
}

#[test]
fn of_too_many_the_least_recently_used_go_and_their_blobs_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let bounds = Bounds { now: now(), records: 16, ..BOUNDS };
    let used = |number: u8| bounds.now - 20 + u32::from(number);
    let mut new: BTreeMap<_, _> =
        (0..17).map(|number| (Digest([number; 32]), sized(number, 1, used(number)))).collect();
    let last = new.split_off(&Digest([16; 32]));
    save(&home, &new, &[], bounds);
    assert_eq!(all(&home).len(), 16);
    age_blobs(&home);
    save(&home, &last, &[0], bounds);
    let kept = numbers(&home);
    assert_eq!(kept, [0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    for number in 0..17 {
        assert_eq!(Blobs::new(&home).has(&blob(number, 1).digest), kept.contains(&number), "{number}");
    }
}

#[test]
fn the_least_recently_used_make_room_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let now = now();
    let bounds = Bounds { now, max_size: 100, ..BOUNDS };
    let save = |number: u8, size: usize, used: &[u8], now: u32| {
        let new = BTreeMap::from([(Digest([number; 32]), sized(number, size, now))]);
        save(&home, &new, used, Bounds { now, ..bounds });
        let blobs = (0..20).filter(|number| (1..200).any(|size| Blobs::new(&home).has(&blob(*number, size).digest)));
        assert_eq!(blobs.collect::<Vec<_>>(), numbers(&home), "what is not named is not there");
        assert_eq!(Records::load(&home).0.size, stats(&home));
        numbers(&home)
    };
    assert_eq!(save(1, 40, &[], now), [1]);
    assert_eq!(save(2, 40, &[], now + 1), [1, 2]);
    assert_eq!(save(3, 20, &[], now + 2), [1, 2, 3]);
    assert_eq!(save(4, 1, &[1], now + 3), [1, 3, 4], "the first was used, the second was not");
    assert_eq!(save(5, 101, &[], now + 4), [1, 3, 4], "what can never fit pushes nothing out");
    assert_eq!(save(6, 100, &[], now + 5), [6]);
    assert_eq!(save(6, 7, &[], now + 6), [6], "what is replaced leaves nothing");
    assert_eq!(save(7, 7, &[], now + 60), [7], "nor what is too old");
}

#[test]
fn a_blob_that_several_records_name_counts_once_and_stays_for_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let now = now();
    let bounds = Bounds { now, max_size: 100, ..BOUNDS };
    let shared = Blobs::new(&home).put(&[9; 80][..]).unwrap();
    age_blobs(&home);
    let naming = |number: u8, used| {
        let output = Some(Blob { digest: shared, size: 80 });
        (Digest([number; 32]), Record { output, ..record(number, used) })
    };
    let new = BTreeMap::from([naming(1, now - 30), naming(2, now - 1), (Digest([3; 32]), sized(3, 20, now))]);
    save(&home, &new, &[], bounds);
    assert_eq!(numbers(&home), [1, 2, 3]);
    save(&home, &BTreeMap::new(), &[], Bounds { now: now + 5, ..bounds });
    assert_eq!(numbers(&home), [2, 3]);
    assert!(Blobs::new(&home).has(&shared));
    save(&home, &BTreeMap::new(), &[3], Bounds { now: now + 35, ..bounds });
    assert_eq!(numbers(&home), [3]);
    assert!(!Blobs::new(&home).has(&shared));
}

#[test]
fn a_blob_that_another_run_has_put_again_stays_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let long_ago = now() - 5000;
    let bounds = Bounds { now: long_ago, max_age: 100, ..BOUNDS };
    save(&home, &BTreeMap::from([(Digest([1; 32]), sized(1, 5, long_ago))]), &[], bounds);
    // Its time is now: as if it had been put again since.
    save(&home, &BTreeMap::new(), &[], Bounds { now: long_ago + 1000, ..bounds });
    assert_eq!(numbers(&home), [0; 0]);
    assert!(Blobs::new(&home).has(&blob(1, 5).digest));
    save(&home, &BTreeMap::from([(Digest([2; 32]), sized(1, 5, now()))]), &[], Bounds { now: now(), ..bounds });
    assert_eq!(numbers(&home), [2]);
}

#[test]
fn a_record_whose_blob_was_swept_away_meanwhile_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let new = BTreeMap::from([(Digest([1; 32]), sized(1, 5, 99)), (Digest([2; 32]), sized(2, 5, 99))]);
    let mut guard = home.lock().unwrap();
    Blobs::new(&home).put(&[2; 5][..]).unwrap();
    Records::merge(&mut guard, &home, &new, NONE, BOUNDS).unwrap();
    assert_eq!(numbers(&home), [2]);
}

#[test]
fn no_flipped_byte_and_no_cut_gives_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    save(&home, &records(0..4, 99), &[], BOUNDS);
    let good = fs::read(path(&home)).unwrap();
    let is_set_aside = |bad: &[u8]| {
        fs::write(path(&home), bad).unwrap();
        let (records, warning) = until_set_aside(&path(&home), || Records::load(&home));
        assert!(warning.unwrap().contains("every step runs again"));
        assert!((0..4).all(|number| records.find(&Digest([number; 32])).is_none()));
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
    Records::merge(&mut guard, &home, &records([8], 99), NONE, BOUNDS).unwrap();
    let (written, warnings) = guard.finish();
    assert_eq!((written, warnings.len()), (1, 1));
    assert_eq!(all(&home), records([8], 99));
    assert_eq!(fs::read(path(&home).with_extension("bin.damaged")).unwrap(), b"something else");
}

#[test]
fn several_records_of_a_key_are_legal_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let (one, two) = (encode(&record(1, 0)), encode(&record(2, 0)));
    let entry = |value| Entry { digest: Digest([7; 32]), used: 90, value };
    let table = body(0, 0, vec![entry(&one), entry(&two)]);
    drop(home.lock().unwrap());
    fs::write(path(&home), FRAME.seal(&table)).unwrap();
    assert_eq!(all(&home), BTreeMap::from([(Digest([7; 32]), record(1, 90))]));
    save(&home, &records([8], 90), &[], BOUNDS);
    assert_eq!(Records::load(&home).0.table.iter().filter(|entry| entry.digest.0[0] == 7).count(), 2);
}

#[test]
fn bytes_that_are_no_record_give_none_or_another_but_do_not_panic() {
    let (outputs, parts) = (vec![blob(1, 1), blob(2, 2)], vec![blob(3, 3)]);
    let record = |number, used| Record { outputs: outputs.clone(), parts: parts.clone(), ..record(number, used) };
    let good = encode(&record(7, 0));
    assert_eq!(decode(&good, 5), Some(record(7, 5)));
    for index in 0..good.len() {
        assert_eq!(decode(&good[..index], 5), None);
        let mut bad = good.clone();
        bad[index] ^= 0xff;
        let is_flag = index == 20 || index == 21;
        assert!(decode(&bad, 5) != Some(record(7, 5)) || is_flag, "byte {index}");
    }
    assert_eq!(decode(&[0xff; 100], 5), None);
}

#[test]
fn a_record_that_was_refuted_goes_with_its_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    save(&home, &BTreeMap::from([(Digest([1; 32]), sized(1, 9, 99)), (Digest([2; 32]), sized(2, 9, 99))]), &[], BOUNDS);
    let refuted = BTreeSet::from([Digest([1; 32]), Digest([7; 32])]);
    let mut guard = home.lock().unwrap();
    Records::merge(&mut guard, &home, &BTreeMap::new(), Uses { refuted: &refuted, ..NONE }, BOUNDS).unwrap();
    drop(guard);
    assert_eq!(all(&home).into_keys().collect::<Vec<_>>(), [Digest([2; 32])]);
}
