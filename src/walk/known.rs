//! What a walk has found, as bytes, so that the next one need but see that it is all as it was: then nothing is put
//! together for a file. It reads and writes no file of ours, and does not know what is in those that it tells of.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::Grounds;
use super::found::Found;
use super::tracked::Stamp;
use super::{File, Kind};
use crate::disk::{Listing, Sort};
use crate::model::FileStat;

/// What was found of all areas.
#[derive(Debug, Default)]
pub struct Known {
    bytes: Vec<u8>,
    folders: Vec<Folder>,
    /// The places of each area's folders; none if what was found of it cannot be told.
    areas: Vec<Range<usize>>,
}

#[derive(Debug)]
struct Folder {
    /// All of it, as a [`Record`] wrote it.
    whole: Range<usize>,
    relative: Range<usize>,
    grounds: Range<usize>,
    rows: Range<usize>,
}

/// What one name in a folder was seen to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A file that counts.
    File(Seen),
    /// A file that git ignores and that was not looked at.
    IgnoredFile,
    /// A folder that the walk goes on to.
    Open,
    /// A folder that git ignores.
    IgnoredFolder,
    /// A folder that is not entered whatever git says.
    ClosedFolder,
    /// What nobody asks for: the file that stands for a repository elsewhere.
    Nothing,
    /// Nothing in the folder: what is ignored in it is so as long as the repository's index is this one.
    Index(Stamp),
}

/// A regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its metadata.
    pub stat: FileStat,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// Whether git ignores it.
    pub ignored: bool,
}

/// What was found in one folder, to be kept.
#[derive(Debug)]
pub struct Record(Vec<u8>);

impl Record {
    /// Begins one of the folder at `relative` in its area; `None` if it has no name that can be told.
    pub fn new(relative: &Path, grounds: &Grounds) -> Option<Self> {
        let relative = relative.to_str()?;
        let mut bytes = Vec::with_capacity(1024);
        // The length comes last.
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&u32::try_from(relative.len()).ok()?.to_le_bytes());
        bytes.extend_from_slice(relative.as_bytes());
        bytes.extend_from_slice(grounds.as_flattened());
        Some(Self(bytes))
    }

    /// Adds a name; `None` if it cannot be told.
    pub fn add(mut self, name: &str, sight: Sight) -> Option<Self> {
        self.0.push(sight.tag());
        self.0.extend_from_slice(&u16::try_from(name.len()).ok()?.to_le_bytes());
        self.0.extend_from_slice(name.as_bytes());
        if let Sight::File(Seen { stat, .. }) = sight {
            for number in [stat.mtime_ns.cast_unsigned(), stat.ctime_ns.cast_unsigned(), stat.size, stat.inode] {
                self.0.extend_from_slice(&number.to_le_bytes());
            }
        }
        if let Sight::Index(stamp) = sight {
            self.0.extend_from_slice(&stamp);
        }
        Some(self)
    }

    /// Adds by which index it was told what is ignored.
    pub fn by_index(self, stamp: Stamp) -> Option<Self> {
        self.add("", Sight::Index(stamp))
    }

    /// All of it.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let length = u32::try_from(self.0.len()).ok()?.to_le_bytes();
        self.0.get_mut(..4)?.copy_from_slice(&length);
        self.0.shrink_to_fit();
        Some(self.0)
    }
}

impl Sight {
    const fn tag(self) -> u8 {
        match self {
            Self::IgnoredFile => 0,
            Self::Open => 1,
            Self::IgnoredFolder => 2,
            Self::ClosedFolder => 3,
            Self::Nothing => 4,
            Self::Index(_) => 5,
            Self::File(Seen { executable, ignored, .. }) => 8 | executable as u8 | (ignored as u8) << 1,
        }
    }

    /// What kind of thing it has to be.
    const fn sort(self) -> Sort {
        match self {
            Self::File(_) | Self::IgnoredFile | Self::Nothing | Self::Index(_) => Sort::File,
            Self::Open | Self::IgnoredFolder | Self::ClosedFolder => Sort::Folder,
        }
    }
}

impl Known {
    /// Takes what [`encode`] wrote; nothing of what cannot be understood.
    pub fn parse(bytes: Vec<u8>) -> Self {
        let mut known = Self { bytes, ..Self::default() };
        if known.read().is_none() {
            (known.folders, known.areas) = (Vec::new(), Vec::new());
        }
        known
    }

    fn read(&mut self) -> Option<()> {
        let mut at = 0;
        let number = |at: &mut usize| {
            let bytes = self.bytes.get(*at..*at + 4)?.try_into().ok()?;
            *at += 4;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        while at < self.bytes.len() {
            let begin = self.folders.len();
            for _ in 0..number(&mut at)? {
                let start = at;
                let whole = start..start.checked_add(number(&mut at)?)?;
                let length = number(&mut at)?;
                let relative = at..at.checked_add(length)?;
                let grounds = relative.end..relative.end.checked_add(size_of::<Grounds>())?;
                let rows = grounds.end..whole.end;
                self.bytes.get(whole.clone()).filter(|_| rows.start <= rows.end)?;
                at = whole.end;
                self.folders.push(Folder { whole, relative, grounds, rows });
            }
            self.areas.push(begin..self.folders.len());
        }
        Some(())
    }

    /// How many folders an area has.
    pub fn count(&self, area: usize) -> usize {
        self.areas.get(area).map_or(0, ExactSizeIterator::len)
    }

    /// The place of a folder of an area.
    fn place(&self, area: usize, relative: &Path) -> Option<usize> {
        let places = self.areas.get(area)?;
        let folders = self.folders.get(places.clone())?;
        let wanted = relative.as_os_str().as_encoded_bytes();
        let found = folders.binary_search_by(|folder| self.bytes.get(folder.relative.clone()).cmp(&Some(wanted)));
        Some(places.start + found.ok()?)
    }

    /// The place of a folder, if everything in it is still what it was; `index` tells of that of its repository.
    pub fn same(
        &self,
        (area, relative): (usize, &Path),
        grounds: &Grounds,
        index: impl Fn() -> Option<Stamp>,
        listing: &Listing,
    ) -> Option<usize> {
        let place = self.place(area, relative)?;
        let folder = self.folders.get(place)?;
        let is_same = self.bytes.get(folder.grounds.clone()) == Some(grounds.as_flattened());
        let mut rows = self.rows(place);
        let is_same = is_same
            && listing.iter().all(|entry| {
                let Some((name, sight)) = rows.next() else { return false };
                let is_same = name == entry.name.as_encoded_bytes() && entry.sort().is_ok_and(|is| is == sight.sort());
                match sight {
                    Sight::File(Seen { stat, executable, .. }) if is_same => {
                        let is_same = |look: crate::disk::Look| look.stat == stat && look.executable == executable;
                        entry.look().is_ok_and(|look| look.sort == Sort::File && is_same(look))
                    }
                    _ => is_same,
                }
            });
        // It comes last.
        let mut is_by_same_index = || match rows.next() {
            Some((_, Sight::Index(stamp))) => index() == Some(stamp),
            row => row.is_none(),
        };
        (is_same && is_by_same_index()).then_some(place)
    }

    /// The names of the folders below that a walk goes on to.
    pub fn open(&self, place: usize) -> impl Iterator<Item = &str> {
        let open = self.rows(place).filter(|(_, sight)| *sight == Sight::Open);
        open.filter_map(|(name, _)| str::from_utf8(name).ok())
    }

    /// Adds all that was found in a folder.
    pub fn tell(&self, place: usize, found: &mut Found) {
        let relative = self.folders.get(place).and_then(|folder| self.bytes.get(folder.relative.clone()));
        let folder = Path::new(relative.and_then(|relative| str::from_utf8(relative).ok()).unwrap_or_default());
        for (name, sight) in self.rows(place) {
            let path = || -> PathBuf { folder.join(str::from_utf8(name).unwrap_or_default()) };
            match sight {
                Sight::File(Seen { stat, executable, ignored }) => {
                    let (path, kind) = (path().into(), Kind::Regular);
                    found.files.push(File { path, stat, kind, executable, ignored });
                }
                Sight::IgnoredFile => found.ignored_files.push(path().into()),
                Sight::IgnoredFolder => found.ignored_dirs.push(path().into()),
                Sight::ClosedFolder => found.closed_dirs.push(path().into()),
                Sight::Open | Sight::Nothing | Sight::Index(_) => {}
            }
        }
        let record = self.folders.get(place).and_then(|folder| self.bytes.get(folder.whole.clone()));
        found.records.extend(record.map(<[u8]>::to_vec));
    }

    /// All that was found of an area.
    pub fn area(&self, area: usize) -> Found {
        let mut found = Found::default();
        self.areas.get(area).cloned().into_iter().flatten().for_each(|place| self.tell(place, &mut found));
        found
    }

    /// Whether there is a file at this path that git would not ignore.
    pub fn has(&self, area: usize, path: &Path) -> bool {
        let (folder, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let Some((place, name)) = self.place(area, folder).zip(name) else { return false };
        let is_file = |sight| matches!(sight, Sight::File(_));
        self.rows(place).any(|(is, sight)| is == name.as_encoded_bytes() && is_file(sight))
    }

    /// An area as it was written.
    fn written(&self, area: usize) -> Option<&[u8]> {
        let folders = self.folders.get(self.areas.get(area)?.clone())?;
        self.bytes.get(folders.first()?.whole.start..folders.last()?.whole.end)
    }

    fn rows(&self, place: usize) -> impl Iterator<Item = (&[u8], Sight)> {
        let mut rest =
            self.folders.get(place).and_then(|folder| self.bytes.get(folder.rows.clone())).unwrap_or_default();
        std::iter::from_fn(move || {
            let (row, after) = row(rest)?;
            rest = after;
            Some(row)
        })
    }
}

type Row<'a> = (&'a [u8], Sight);

fn row(bytes: &[u8]) -> Option<(Row<'_>, &[u8])> {
    let ([tag, length @ ..], bytes) = bytes.split_first_chunk::<3>()?;
    let (name, mut bytes) = bytes.split_at_checked(u16::from_le_bytes(*length).into())?;
    let mut number = || {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        bytes = rest;
        Some(u64::from_le_bytes(*number))
    };
    let sight = match tag {
        0 => Sight::IgnoredFile,
        1 => Sight::Open,
        2 => Sight::IgnoredFolder,
        3 => Sight::ClosedFolder,
        4 => Sight::Nothing,
        5 => {
            let (stamp, rest) = bytes.split_first_chunk()?;
            bytes = rest;
            Sight::Index(*stamp)
        }
        flags => {
            let (mtime_ns, ctime_ns) = (number()?.cast_signed(), number()?.cast_signed());
            let stat = FileStat { mtime_ns, ctime_ns, size: number()?, inode: number()? };
            Sight::File(Seen { stat, executable: flags & 1 != 0, ignored: flags & 2 != 0 })
        }
    };
    Some(((name, sight), bytes))
}

/// The path of a folder in its area, from its record.
pub fn relative(record: &[u8]) -> &[u8] {
    let Some((length, rest)) = record.get(4..).and_then(|rest| rest.split_first_chunk::<4>()) else { return &[] };
    usize::try_from(u32::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length)).unwrap_or_default()
}

/// What is known of an area.
pub enum Telling<'a> {
    /// It is as it was.
    Same(&'a Arc<Known>, usize),
    /// The records of its folders; none if there is something that cannot be told.
    New(&'a [Vec<u8>]),
}

/// What was found of all areas, in their order.
pub fn encode<'a>(areas: impl Iterator<Item = Telling<'a>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for area in areas {
        let (count, written) = match area {
            Telling::Same(known, area) => (known.count(area), known.written(area).unwrap_or_default().to_vec()),
            Telling::New(records) => (records.len(), records.concat()),
        };
        bytes.extend_from_slice(&(count as u32).to_le_bytes());
        bytes.extend_from_slice(&written);
    }
    bytes
}
