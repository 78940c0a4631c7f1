//! The file in which digests are kept, as bytes: a table that is searched where it lies. It does not know which entries
//! are worth keeping.
//!
//! All numbers are little-endian: the magic, the version (u32), the day of writing (u32), how many folders there are (u64)
//! and how many entries (u64); a row for each folder, in the order of their paths' bytes; a row for each entry, in the order
//! of the folders and then of the names; the paths and the names; the checksum of everything before. Whoever asks for the
//! files of a folder in their order finds each one beside the last.
//!
//! Version 1: by the hashes of paths. 2: by folders. 3: another checksum.

use std::ops::Range;
use std::path::{MAIN_SEPARATOR, Path};

use super::Digested;
use crate::checksum;
use crate::model::{Digest, FileStat};

const MAGIC: &[u8; 8] = b"lc-files";
const VERSION: u32 = 3;
const HEAD: usize = 32;
/// Where a text starts, its length.
const TEXT: usize = 12;
/// The path, the place of the first entry.
const FOLDER: usize = TEXT + 8;
/// The day, the flags, the times, the size, the inode, the digest.
const ROW: usize = 72;
/// The name, and that.
const RECORD: usize = TEXT + ROW;

/// What is remembered of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub stat: FileStat,
    pub digest: Digest,
    pub escapes: bool,
    /// When it was last of use, in days since the Unix epoch.
    pub day: u32,
}

impl Entry {
    /// What it says of a file with these metadata, if it is of that.
    pub fn if_of(&self, stat: &FileStat) -> Option<Digested> {
        (self.stat == *stat).then_some(Digested { digest: self.digest, escapes: self.escapes, stat: self.stat })
    }
}

/// An entry as it was written.
#[derive(Clone, Copy)]
pub struct Written<'a> {
    /// The name.
    pub name: &'a [u8],
    row: &'a [u8],
}

impl Written<'_> {
    /// When it was last of use, in days since the Unix epoch.
    pub fn day(&self) -> u32 {
        Fields(self.row).u32().unwrap_or_default()
    }
}

/// A path as its folder and its name; together they are all of it but the separator.
pub type Place<'a> = (&'a [u8], &'a [u8]);

/// The entries of a file, which stay as they were read: nothing is allocated for one.
#[derive(Default)]
pub struct Entries {
    bytes: Vec<u8>,
    folders: usize,
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

/// The folder and the name of a path; of a name alone, no folder.
pub fn split(path: &Path) -> Place<'_> {
    let path = path.as_os_str().as_encoded_bytes();
    split_bytes(path).unwrap_or((b"", path))
}

/// `None` for a name alone.
fn split_bytes(path: &[u8]) -> Option<Place<'_>> {
    let end = memchr::memrchr(MAIN_SEPARATOR as u8, path)?;
    Some((path.get(..end)?, path.get(end + 1..)?))
}

impl Entries {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// They are not exactly what [`Writer`] made.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, FormatError> {
        let (folders, count, day) = check(&bytes)?;
        Ok(Self { bytes, folders, count, day })
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// The entry of a path, with its place.
    pub fn find(&self, path: &Path) -> Option<(usize, Entry)> {
        let place = self.place(split(path))?;
        Some((place, self.entry(place)?))
    }

    /// The place of a path's entry.
    pub fn place(&self, (folder, name): Place<'_>) -> Option<usize> {
        self.place_of(&self.folder(folder)?, name)
    }

    /// The folders, in their order, with the places of their entries.
    pub fn folders(&self) -> impl Iterator<Item = (&[u8], Range<usize>)> {
        (0..self.folders).filter_map(|folder| Some((self.folder_at(folder)?, self.entries_of(folder)?)))
    }

    /// The entry at a place, as it was written.
    pub fn written(&self, place: usize) -> Option<Written<'_>> {
        let (name, row) = (self.name(place)?, self.row(place)?.skip(TEXT)?.0);
        Some(Written { name, row })
    }

    /// The places of a folder's entries.
    fn folder(&self, path: &[u8]) -> Option<Range<usize>> {
        let folder = first(0..self.folders, |place| Some(self.folder_at(place)? < path))?;
        (self.folder_at(folder)? == path).then(|| self.entries_of(folder))?
    }

    /// The place of a name among those of a folder.
    fn place_of(&self, places: &Range<usize>, name: &[u8]) -> Option<usize> {
        let place = first(places.clone(), |place| Some(self.name(place)? < name))?;
        (places.contains(&place) && self.name(place)? == name).then_some(place)
    }

    fn entries_of(&self, folder: usize) -> Option<Range<usize>> {
        let begin =
            |folder: usize| self.folder_row(folder)?.skip(TEXT)?.u64().and_then(|first| usize::try_from(first).ok());
        let end = if folder + 1 < self.folders { begin(folder + 1)? } else { self.count };
        Some(begin(folder)?..end.min(self.count))
    }

    fn folder_at(&self, folder: usize) -> Option<&[u8]> {
        let mut row = self.folder_row(folder)?;
        self.text(row.u64()?, row.u32()?)
    }

    fn name(&self, place: usize) -> Option<&[u8]> {
        let mut row = self.row(place)?;
        self.text(row.u64()?, row.u32()?)
    }

    fn entry(&self, place: usize) -> Option<Entry> {
        let mut row = self.row(place)?.skip(TEXT)?;
        let (day, flags) = (row.u32()?, row.u32()?);
        let (mtime_ns, ctime_ns) = (row.u64()?.cast_signed(), row.u64()?.cast_signed());
        let stat = FileStat { mtime_ns, ctime_ns, size: row.u64()?, inode: row.u64()? };
        Some(Entry { stat, digest: Digest(row.take()?), escapes: flags & 1 == 1, day })
    }

    fn folder_row(&self, folder: usize) -> Option<Fields<'_>> {
        let start = HEAD + folder * FOLDER;
        self.bytes.get(start..start + FOLDER).map(Fields)
    }

    fn row(&self, place: usize) -> Option<Fields<'_>> {
        let start = HEAD + self.folders * FOLDER + place * RECORD;
        self.bytes.get(start..start + RECORD).map(Fields)
    }

    fn text(&self, offset: u64, length: u32) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        let texts =
            HEAD + self.folders * FOLDER + self.count * RECORD..self.bytes.len().checked_sub(checksum::LENGTH)?;
        self.bytes.get(texts)?.get(offset..offset.checked_add(length as usize)?)
    }
}

/// The first of the places that is not before what is sought; the end if all are.
fn first(places: Range<usize>, is_before: impl Fn(usize) -> Option<bool>) -> Option<usize> {
    let (mut low, mut high) = (places.start, places.end);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle)? { low = middle + 1 } else { high = middle }
    }
    Some(low)
}

/// Finds the files below a folder; fastest in the order of their paths.
pub struct Cursor<'a> {
    entries: &'a Entries,
    /// The folder that was looked in last, behind the one below which all are.
    folder: Vec<u8>,
    /// How long that is.
    below: usize,
    /// The places of its entries.
    places: Range<usize>,
    next: usize,
}

impl<'a> Cursor<'a> {
    /// One for the files below `dir`.
    pub fn new(entries: &'a Entries, dir: &Path) -> Self {
        let folder = dir.as_os_str().as_encoded_bytes().to_vec();
        let places = entries.folder(&folder).unwrap_or_default();
        Self { entries, below: folder.len(), next: places.start, folder, places }
    }

    /// The entry of a path below the folder, with its place.
    pub fn find(&mut self, path: &Path) -> Option<(usize, Entry)> {
        let path = path.as_os_str().as_encoded_bytes();
        let (inner, name) = split_bytes(path).map_or((None, path), |(inner, name)| (Some(inner), name));
        let known = self.folder.get(self.below..).unwrap_or_default();
        // Behind the separator.
        if known.get(1..) != inner {
            self.folder.truncate(self.below);
            if let Some(inner) = inner {
                self.folder.push(MAIN_SEPARATOR as u8);
                self.folder.extend_from_slice(inner);
            }
            self.places = self.entries.folder(&self.folder).unwrap_or_default();
            self.next = self.places.start;
        }
        let is_next = self.places.contains(&self.next) && self.entries.name(self.next) == Some(name);
        let place = if is_next { self.next } else { self.entries.place_of(&self.places, name)? };
        self.next = place + 1;
        Some((place, self.entries.entry(place)?))
    }
}

fn check(bytes: &[u8]) -> Result<(usize, usize, u32), FormatError> {
    let mut fields = Fields(bytes);
    let damaged = FormatError::Damaged;
    if fields.take::<8>().as_ref() != Some(MAGIC) {
        return Err(damaged);
    }
    if fields.u32().ok_or(damaged)? != VERSION {
        return Err(FormatError::Version);
    }
    let day = fields.u32().ok_or(damaged)?;
    let mut count = || fields.u64().and_then(|count| usize::try_from(count).ok()).ok_or(damaged);
    let (folders, entries) = (count()?, count()?);
    let (body, checksum) = bytes.split_last_chunk::<{ checksum::LENGTH }>().ok_or(damaged)?;
    let rows = folders.checked_mul(FOLDER).zip(entries.checked_mul(RECORD));
    let table = rows.and_then(|(folders, entries)| HEAD.checked_add(folders)?.checked_add(entries)).ok_or(damaged)?;
    let is_whole = table <= body.len() && checksum::of(body) == *checksum;
    is_whole.then_some((folders, entries, day)).ok_or(damaged)
}

/// Puts a file together, folder by folder and name by name, in their order.
pub struct Writer {
    folders: Vec<u8>,
    records: Vec<u8>,
    texts: Vec<u8>,
    /// Whether the last folder has an entry.
    is_begun: bool,
}

impl Writer {
    /// One for about so many entries.
    pub fn new(entries: usize) -> Self {
        let (records, texts) = (Vec::with_capacity(entries * RECORD), Vec::with_capacity(entries * 24));
        Self { folders: Vec::new(), records, texts, is_begun: false }
    }

    /// Begins a folder.
    pub fn folder(&mut self, path: &[u8]) {
        self.end();
        text(&mut self.folders, &mut self.texts, path);
        self.folders.extend_from_slice(&self.count().to_le_bytes());
        self.is_begun = false;
    }

    /// Adds a file of it.
    pub fn add(&mut self, name: &[u8], entry: &Entry) {
        text(&mut self.records, &mut self.texts, name);
        record(&mut self.records, entry);
        self.is_begun = true;
    }

    /// Adds one as it was written, of use on this day.
    pub fn copy(&mut self, written: Written<'_>, day: u32) {
        text(&mut self.records, &mut self.texts, written.name);
        self.records.extend_from_slice(&day.to_le_bytes());
        self.records.extend_from_slice(written.row.get(4..).unwrap_or_default());
        self.is_begun = true;
    }

    /// The parts of a file of what they have written, one after the other, on this day.
    pub fn finish(writers: impl IntoIterator<Item = Self>, day: u32) -> Vec<Vec<u8>> {
        let (mut all_folders, mut all_records, mut all_texts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut folder_count, mut count, mut length) = (0_u64, 0_u64, 0_u64);
        for mut writer in writers {
            writer.end();
            let own = (writer.count(), writer.texts.len() as u64);
            let Self { mut folders, mut records, texts, .. } = writer;
            folders.chunks_exact_mut(FOLDER).for_each(|row| {
                shift(row, 0, length);
                shift(row, TEXT, count);
            });
            records.chunks_exact_mut(RECORD).for_each(|row| shift(row, 0, length));
            folder_count += (folders.len() / FOLDER) as u64;
            (count, length) = (count + own.0, length + own.1);
            all_folders.push(folders);
            all_records.push(records);
            all_texts.push(texts);
        }
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&day.to_le_bytes());
        head.extend_from_slice(&folder_count.to_le_bytes());
        head.extend_from_slice(&count.to_le_bytes());
        let mut parts: Vec<Vec<u8>> = [vec![head], all_folders, all_records, all_texts].into_iter().flatten().collect();
        parts.push(checksum::of_parts(&parts).to_vec());
        parts
    }

    /// Drops a folder in which there is nothing.
    fn end(&mut self) {
        if !self.is_begun {
            self.folders.truncate(self.folders.len().saturating_sub(FOLDER));
        }
    }

    const fn count(&self) -> u64 {
        (self.records.len() / RECORD) as u64
    }
}

/// Moves a number in a row on.
fn shift(row: &mut [u8], start: usize, by: u64) {
    if let Some(number) = row.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<8>) {
        *number = (u64::from_le_bytes(*number) + by).to_le_bytes();
    }
}

fn text(row: &mut Vec<u8>, texts: &mut Vec<u8>, text: &[u8]) {
    row.extend_from_slice(&(texts.len() as u64).to_le_bytes());
    row.extend_from_slice(&(text.len() as u32).to_le_bytes());
    texts.extend_from_slice(text);
}

fn record(bytes: &mut Vec<u8>, entry: &Entry) {
    let stat = &entry.stat;
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

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn skip(self, length: usize) -> Option<Self> {
        self.0.get(length..).map(Fields)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests;
