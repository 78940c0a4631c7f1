//! What is written of digests: those that were there, as long as they are of use, and those that were learned. It reads and
//! writes no file.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use super::format::{Entries, Writer, Written};
use super::learned::{Learned, Names};

/// How many entries are kept: those that were of use last, and all of the same day.
const MAX_ENTRIES: usize = 1_000_000;
/// How many days an entry is kept without being of use.
const MAX_AGE: u32 = 90;

/// The parts of a file of what is there, of which some was of use today (by its places), and of what was learned.
pub fn merge(there: &Entries, is_used: &[bool], learned: &Learned, today: u32) -> Vec<Vec<u8>> {
    let is_used = |place: usize| is_used.get(place).is_some_and(|is_used| *is_used);
    let day = |place: usize, written: &Written<'_>| if is_used(place) { today } else { written.day() };
    let new: usize = learned.entries.values().map(Names::len).sum();
    let oldest = oldest(there.len() + new, today, || {
        let of_there = (0..there.len()).filter_map(|place| Some(day(place, &there.written(place)?)));
        of_there.chain(learned.entries.values().flatten().map(|(_, entry)| entry.day)).collect()
    });
    let write = |folders: &[Folder<'_>]| {
        let mut writer = Writer::new(there.len().max(new) / 2);
        for (path, places, names) in folders {
            writer.folder(path);
            let mut names = names.iter().copied().flatten().peekable();
            for place in places.clone() {
                let Some(written) = there.written(place) else { continue };
                while let Some((name, entry)) = names.next_if(|(name, _)| ***name < *written.name) {
                    writer.add(name, entry);
                }
                let day = day(place, &written);
                match names.next_if(|(name, _)| **name == written.name) {
                    Some((name, entry)) => writer.add(name, entry),
                    None if day >= oldest => writer.copy(written, day),
                    None => {}
                }
            }
            names.for_each(|(name, entry)| writer.add(name, entry));
        }
        writer
    };
    let folders = folders(there, learned);
    let (first, second) = folders.split_at(folders.len() / 2);
    // Who holds a lock, and waits for others of a pool, may be given work for which the lock is needed.
    let writers = thread::scope(|scope| {
        let other = thread::Builder::new().spawn_scoped(scope, || write(second));
        let first = write(first);
        let join = |other: thread::ScopedJoinHandle<'_, _>| other.join().unwrap_or_else(|panic| resume_unwind(panic));
        [first, other.map_or_else(|_| write(second), join)]
    });
    Writer::finish(writers, today)
}

/// The day of the oldest entry to be kept of so many, of which `days` tells when they were of use.
fn oldest(count: usize, today: u32, days: impl FnOnce() -> Vec<u32>) -> u32 {
    let oldest = today.saturating_sub(MAX_AGE);
    if count <= MAX_ENTRIES {
        return oldest;
    }
    let mut days = days();
    let (.., last, _) = days.select_nth_unstable_by(MAX_ENTRIES - 1, |a, b| b.cmp(a));
    oldest.max(*last)
}

/// A folder, the places of what is there of it, and what was learned.
type Folder<'a> = (&'a [u8], Range<usize>, Option<&'a Names>);

/// All of them, in the order of their paths.
fn folders<'a>(there: &'a Entries, learned: &'a Learned) -> Vec<Folder<'a>> {
    let mut new: Vec<(&[u8], &Names)> = learned.entries.iter().map(|(path, names)| (&**path, names)).collect();
    new.sort_unstable_by_key(|(path, _)| *path);
    let mut new = new.into_iter().peekable();
    let mut all = Vec::new();
    for (path, places) in there.folders() {
        while let Some((path, names)) = new.next_if(|(new, _)| *new < path) {
            all.push((path, 0..0, Some(names)));
        }
        all.push((path, places, new.next_if(|(new, _)| *new == path).map(|(_, names)| names)));
    }
    all.extend(new.map(|(path, names)| (path, 0..0, Some(names))));
    all
}
