//! The file in which digests are kept, as bytes: a table that is searched where it lies. It does not know which entries
//! are worth keeping.
//!
//! All numbers are little-endian: the magic, the version (u32), the day of writing (u32), the count (u64); the hash of
//! each path (u64), sorted; a record for each in the same order; the paths; the SHA-256 of everything before.
//!
//! Version 1: the first.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::model::{Digest, FileStat};

const MAGIC: &[u8; 8] = b"lc-files";
const VERSION: u32 = 1;
const HEAD: usize = 24;
const RECORD: usize = 84;
const CHECKSUM: usize = 32;

/// What is remembered of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub stat: FileStat,
    pub digest: Digest,
    pub escapes: bool,
    /// When it was last of use, in days since the Unix epoch.
    pub day: u32,
}

/// The entries of a file, which stay as they were read: nothing is allocated for one.
#[derive(Default)]
pub struct Entries {
    bytes: Vec<u8>,
    count: usize,
    /// The day the file was written.
    pub day: u32,
}

/// Why bytes are no cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("was written by another version")]
    Version,
    #[error("is damaged")]
    Damaged,
}

impl Entries {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// They are not exactly what [`encode`] wrote.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, FormatError> {
        let (count, day) = check(&bytes)?;
        Ok(Self { bytes, count, day })
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// The entry of a path, with its place.
    pub fn find(&self, path: &Path) -> Option<(usize, Entry)> {
        let path = path.as_os_str().as_encoded_bytes();
        let hash = hash(path);
        let first = self.first_from(hash)?;
        let same = (first..self.count).take_while(|place| self.hash_at(*place) == Some(hash));
        same.filter_map(|place| self.at(place).map(|(found, entry)| (found, place, entry)))
            .find(|(found, ..)| *found == path)
            .map(|(_, place, entry)| (place, entry))
    }

    /// The bytes of a path, and what is remembered of it.
    pub fn at(&self, place: usize) -> Option<(&[u8], Entry)> {
        let start = HEAD + self.count * 8 + place * RECORD;
        let mut fields = Fields(self.bytes.get(start..start + RECORD)?);
        let offset = usize::try_from(fields.u64()?).ok()?;
        let length = fields.u32()? as usize;
        let (day, flags) = (fields.u32()?, fields.u32()?);
        let (mtime_ns, ctime_ns) = (fields.u64()?.cast_signed(), fields.u64()?.cast_signed());
        let (size, inode) = (fields.u64()?, fields.u64()?);
        let digest = Digest(fields.take()?);
        let paths = self.bytes.get(HEAD + self.count * (8 + RECORD)..self.bytes.len().checked_sub(CHECKSUM)?)?;
        let path = paths.get(offset..offset.checked_add(length)?)?;
        let stat = FileStat { mtime_ns, ctime_ns, size, inode };
        Some((path, Entry { stat, digest, escapes: flags & 1 == 1, day }))
    }

    fn hash_at(&self, place: usize) -> Option<u64> {
        Fields(self.bytes.get(HEAD + place * 8..)?).u64()
    }

    fn first_from(&self, hash: u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.hash_at(middle)? < hash { low = middle + 1 } else { high = middle }
        }
        Some(low)
    }
}

fn check(bytes: &[u8]) -> Result<(usize, u32), FormatError> {
    let mut fields = Fields(bytes);
    let damaged = FormatError::Damaged;
    if fields.take::<8>().as_ref() != Some(MAGIC) {
        return Err(damaged);
    }
    if fields.u32().ok_or(damaged)? != VERSION {
        return Err(FormatError::Version);
    }
    let day = fields.u32().ok_or(damaged)?;
    let count = fields.u64().and_then(|count| usize::try_from(count).ok()).ok_or(damaged)?;
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(damaged)?;
    let table = count.checked_mul(8 + RECORD).and_then(|table| table.checked_add(HEAD)).ok_or(damaged)?;
    let is_whole = table <= body.len() && Sha256::digest(body)[..] == checksum[..];
    is_whole.then_some((count, day)).ok_or(damaged)
}

/// The file that holds these entries, by the bytes of their paths.
pub fn encode<'a>(entries: impl IntoIterator<Item = (&'a [u8], Entry)>, day: u32) -> Vec<u8> {
    let mut entries: Vec<(u64, &[u8], Entry)> =
        entries.into_iter().map(|(path, entry)| (hash(path), path, entry)).collect();
    entries.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let mut bytes = Vec::with_capacity(HEAD + entries.len() * (8 + RECORD + 100));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&day.to_le_bytes());
    bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    for (hash, ..) in &entries {
        bytes.extend_from_slice(&hash.to_le_bytes());
    }
    let mut offset = 0;
    for (_, path, entry) in &entries {
        record(&mut bytes, offset, path.len(), entry);
        offset += path.len();
    }
    for (_, path, _) in &entries {
        bytes.extend_from_slice(path);
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn record(bytes: &mut Vec<u8>, offset: usize, length: usize, entry: &Entry) {
    let stat = &entry.stat;
    bytes.extend_from_slice(&(offset as u64).to_le_bytes());
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(&entry.day.to_le_bytes());
    bytes.extend_from_slice(&u32::from(entry.escapes).to_le_bytes());
    for time in [stat.mtime_ns, stat.ctime_ns] {
        bytes.extend_from_slice(&time.to_le_bytes());
    }
    for number in [stat.size, stat.inode] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&entry.digest.0);
}

/// FNV-1a. It is written into files, so it may not change with the standard library; the paths are compared anyway.
fn hash(path: &[u8]) -> u64 {
    path.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8) -> Entry {
        let stat = FileStat { mtime_ns: -1, ctime_ns: i64::MAX, size: number.into(), inode: u64::MAX };
        Entry { stat, digest: Digest([number; 32]), escapes: number % 2 == 1, day: number.into() }
    }

    fn small_file() -> Vec<u8> {
        encode([(&b"/w/a.rs"[..], entry(1)), (b"/w/b", entry(2)), (b"/w/\xff\n", entry(3))], 20_000)
    }

    #[test]
    fn what_was_written_is_found_and_nothing_else() {
        let entries = Entries::parse(small_file()).unwrap();
        assert_eq!((entries.len(), entries.day), (3, 20_000));
        assert_eq!(entries.find(Path::new("/w/a.rs")).unwrap().1, entry(1));
        assert_eq!(entries.find(Path::new("/w/b")).unwrap().1, entry(2));
        assert_eq!(entries.find(Path::new("/w/c")), None);
        assert_eq!(Entries::default().find(Path::new("/w/b")), None);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        let whole = small_file();
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[place] ^= 1 << bit;
                assert!(Entries::parse(bytes).is_err(), "byte {place}, bit {bit}");
            }
            assert!(Entries::parse(whole[..place].to_vec()).is_err(), "cut at {place}");
        }
        assert!(Entries::parse([&whole[..], b"x"].concat()).is_err());
    }

    #[test]
    fn a_wrong_table_under_a_right_checksum_is_survived() {
        let whole = small_file();
        let body = whole.len() - CHECKSUM;
        for place in 16..body {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = value;
                let checksum = Sha256::digest(&bytes[..body]);
                bytes[body..].copy_from_slice(&checksum);
                let Ok(entries) = Entries::parse(bytes) else { continue };
                for place in 0..entries.len() {
                    _ = entries.at(place);
                }
                assert_eq!(entries.find(Path::new("/w/c")), None);
            }
        }
    }
}
