//! How much is kept of the records and of the blobs that they name, and which go first. It writes and removes nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::records::{Blob, blobs_in};
use super::table::Entry;
use crate::model::Digest;

/// A use of a record is written down when the one that is noted is older than this, in seconds; so a run in which nothing
/// ran seldom has anything to write.
const NOTED: u32 = 60 * 60;

/// How much is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Now, in seconds since the Unix epoch.
    pub now: u32,
    /// Records that were not used for more seconds go.
    pub max_age: u32,
    /// When the blobs that records name have more bytes, the records that were not used for the longest time go.
    pub max_size: u64,
    /// Likewise when there are more records.
    pub records: usize,
}

/// What stays of the entries, and what goes.
#[derive(Default)]
pub(super) struct Bounded<'a> {
    /// These stay.
    pub entries: Vec<Entry<'a>>,
    /// These go.
    pub dropped: Vec<Entry<'a>>,
    /// The keys of those that go because there is no room for their blobs.
    pub no_room: BTreeSet<Digest>,
    /// The blobs that those which stay name.
    pub named: BTreeSet<Digest>,
    /// The bytes of these blobs.
    pub size: u64,
}

impl Bounds {
    /// Whether it is worth writing that a record is used now which was last used at `used`, when all blobs have `size`
    /// bytes. While there is much room nobody asks in which order records were used.
    pub(super) fn is_due(&self, used: u32, size: u64) -> bool {
        let age = self.now.abs_diff(used);
        age > NOTED || (age > 0 && size > self.max_size / 2)
    }

    /// Parts the entries into those that stay and those that go. A record whose own blobs are more than all may be goes
    /// alone, not everything before it; one whose blobs are all there for others costs nothing and stays.
    pub(super) fn of<'a>(&self, entries: Vec<Entry<'a>>) -> Bounded<'a> {
        let is_young = |entry: &Entry<'_>| self.now.saturating_sub(entry.used) <= self.max_age;
        let (mut young, mut dropped): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_young);
        young.sort_by_key(|entry| Reverse(entry.used));
        if young.len() > self.records {
            // An eighth more than needed, so that not every run of a full store has to.
            dropped.extend(young.drain(self.records - self.records / 8..));
        }
        let mut bounded = Bounded { dropped, ..Bounded::default() };
        let mut is_full = false;
        for entry in young {
            let (blobs, size) = bounded.cost(&entry);
            let fits = bounded.size.checked_add(size).is_some_and(|all| all <= self.max_size);
            if size == 0 || (fits && !is_full) {
                bounded.size = bounded.size.saturating_add(size);
                bounded.named.extend(blobs);
                bounded.entries.push(entry);
            } else {
                is_full |= size <= self.max_size;
                bounded.no_room.insert(entry.digest);
                bounded.dropped.push(entry);
            }
        }
        bounded
    }
}

impl Bounded<'_> {
    /// The blobs of a record, and the bytes of those that nothing else names so far.
    fn cost(&self, entry: &Entry<'_>) -> (Vec<Digest>, u64) {
        let blobs: BTreeMap<Digest, u64> =
            blobs_in(entry).into_iter().map(|Blob { digest, size }| (digest, size)).collect();
        let new = blobs.iter().filter(|(digest, _)| !self.named.contains(digest));
        let size = new.fold(0, |sum: u64, (_, size)| sum.saturating_add(*size));
        (blobs.into_keys().collect(), size)
    }
}
