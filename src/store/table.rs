//! Values by digest in one run of bytes: a sorted index of fixed width, then the values. It knows nothing of what the
//! values say, and nothing is read but what is asked for.
//!
//! Several entries may have the same digest; they stand side by side.

use super::bytes::{Eye, Pen};
use crate::home::Damage;
use crate::model::Digest;

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is found by.
    pub digest: Digest,
    /// When it was last used, in seconds since the Unix epoch; it can change without the value.
    pub used: u32,
    /// The value.
    pub value: &'a [u8],
}

/// A table as it was read.
#[derive(Debug, Default)]
pub struct Table {
    bytes: Vec<u8>,
    count: usize,
}

const COUNT: usize = 8;
/// Digest, last use, where the value starts, how long it is.
const WIDTH: usize = 32 + 4 + 8 + 8;

impl Table {
    /// The table that [`encode`](Self::encode) wrote. Its bytes are known to be whole, so that only the index is
    /// measured here.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Damage> {
        let count = Eye(&bytes).length().ok_or(Damage::Torn)?;
        let index = count.checked_mul(WIDTH).and_then(|length| length.checked_add(COUNT)).ok_or(Damage::Torn)?;
        if index > bytes.len() {
            return Err(Damage::Torn);
        }
        Ok(Self { bytes, count })
    }

    /// The bytes of a table of these entries, in any order; equal digests keep theirs.
    pub fn encode(mut entries: Vec<Entry<'_>>) -> Vec<u8> {
        entries.sort_by_key(|entry| entry.digest);
        let mut pen = Pen::default();
        pen.length(entries.len());
        let mut start = 0;
        for entry in &entries {
            pen.digest(&entry.digest);
            pen.u32(entry.used);
            pen.length(start);
            pen.length(entry.value.len());
            start += entry.value.len();
        }
        pen.0.reserve(start);
        entries.iter().for_each(|entry| pen.0.extend(entry.value));
        pen.0
    }

    /// The first entry of this digest.
    pub fn find(&self, digest: &Digest) -> Option<Entry<'_>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.row(middle)?.digest()? < *digest {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.entry(low).filter(|entry| entry.digest == *digest)
    }

    /// All entries, in the order of their digests.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.count).filter_map(|place| self.entry(place))
    }

    fn row(&self, place: usize) -> Option<Eye<'_>> {
        if place >= self.count {
            return None;
        }
        self.bytes.get(COUNT + place * WIDTH..).map(Eye)
    }

    fn entry(&self, place: usize) -> Option<Entry<'_>> {
        let mut row = self.row(place)?;
        let (digest, used) = (row.digest()?, row.u32()?);
        let (start, length) = (row.length()?, row.length()?);
        let mut values = Eye(self.bytes.get(COUNT + self.count * WIDTH..)?);
        values.take(start)?;
        Some(Entry { digest, used, value: values.take(length)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8, value: &[u8]) -> Entry<'_> {
        Entry { digest: Digest([number; 32]), used: number.into(), value }
    }

    #[test]
    fn every_entry_is_found_and_no_other() {
        for count in 0..9 {
            let values: Vec<Vec<u8>> = (0..count).map(|number| vec![number; number.into()]).collect();
            let entries: Vec<_> = values.iter().zip(0..).map(|(value, number)| entry(number * 2 + 1, value)).collect();
            let table = Table::parse(Table::encode(entries.iter().rev().copied().collect())).unwrap();
            assert_eq!(table.iter().collect::<Vec<_>>(), entries);
            for (number, expected) in entries.iter().enumerate() {
                assert_eq!(table.find(&expected.digest), Some(*expected));
                assert_eq!(table.find(&Digest([number as u8 * 2; 32])), None);
            }
            assert_eq!(table.find(&Digest([255; 32])), None);
        }
    }

    #[test]
    fn of_equal_digests_the_first_is_found_and_all_are_kept() {
        let entries = vec![entry(1, b"x"), entry(3, b"first"), entry(3, b"second"), entry(3, b"third")];
        let table = Table::parse(Table::encode(entries.clone())).unwrap();
        assert_eq!(table.find(&Digest([3; 32])), Some(entries[1]));
        assert_eq!(table.iter().collect::<Vec<_>>(), entries);
    }

    #[test]
    fn bytes_that_are_no_table_hold_nothing_wrong() {
        let entries = vec![entry(1, b"one"), entry(2, b"two")];
        let good = Table::encode(entries.clone());
        for cut in 0..good.len() {
            if let Ok(table) = Table::parse(good[..cut].to_vec()) {
                assert!(table.iter().all(|entry| entries.contains(&entry)));
            }
        }
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 0xff;
            if let Ok(table) = Table::parse(bad) {
                assert!(table.iter().count() <= 2);
                table.find(&Digest([2; 32]));
            }
        }
    }
}
