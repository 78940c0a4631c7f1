//! Turns a file into its SHA-256 digest, without reading it when its metadata is what it was. It does not know which
//! files matter, nor what for.

mod escape;
mod format;
mod read;
#[cfg(test)]
mod tests;

pub use escape::{escaping, upward};

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::atomic;
use crate::model::{Digest, FileStat};
use format::{Cursor, Entries, Entry, Place};

/// How many entries are kept; the ones that were of use last.
const MAX_ENTRIES: usize = 1_000_000;
/// How many days an entry is kept without being of use.
const MAX_AGE: u32 = 90;

/// The digests of files, by absolute path and metadata. Shared by all threads.
pub struct FileHashCache {
    loaded: Entries,
    /// One bit for each loaded entry that was of use today and does not say so yet.
    used: Vec<AtomicU64>,
    learned: Mutex<Learned>,
    today: u32,
    opened: AtomicU64,
    answered: AtomicU64,
}

#[derive(Default)]
struct Learned {
    entries: HashMap<PathBuf, Entry>,
    /// What is not there to be read, by the metadata that nothing else has.
    foreseen: HashMap<FileStat, Digested>,
    /// Whether there is something in them that was not saved.
    is_new: bool,
    /// Whether the days of the loaded entries were saved.
    is_refreshed: bool,
}

/// A file, seen unchanged before and after it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digested {
    /// The SHA-256 of its contents.
    pub digest: Digest,
    /// Whether it is a `.rs` file with a `#[path = "…"]` that is absolute or leads out of its folder.
    pub escapes: bool,
    /// Its metadata, which differ from what was given when it changed in between.
    pub stat: FileStat,
}

impl FileHashCache {
    /// Reads the cache from `path`. A missing one is empty; so is one that cannot be used, with a warning. It is set
    /// aside then.
    pub fn load(path: &Path) -> (Self, Option<String>) {
        let day = read::now_ns() / (24 * 60 * 60 * 1_000_000_000);
        Self::load_on(path, u32::try_from(day).unwrap_or(0))
    }

    fn load_on(path: &Path, today: u32) -> (Self, Option<String>) {
        let (loaded, warning) = load_entries(path);
        let used = (0..loaded.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let learned = Mutex::default();
        let (opened, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        (Self { loaded, used, learned, today, opened, answered }, warning)
    }

    /// The digest of the file at `path` (absolute), whose metadata was `stat` a moment ago. Never waits for another
    /// thread's work.
    ///
    /// # Errors
    /// It has to be read, and cannot be; or it does not stop changing.
    pub fn digest(&self, path: &Path, stat: &FileStat) -> io::Result<Digested> {
        if let Some(entry) = self.remembered(path, stat) {
            self.answered.fetch_add(1, Ordering::Relaxed);
            return Ok(Digested { digest: entry.digest, escapes: entry.escapes, stat: *stat });
        }
        if let Some(foreseen) = self.learned().foreseen.get(stat) {
            return Ok(*foreseen);
        }
        self.opened.fetch_add(1, Ordering::Relaxed);
        let _entered = tracing::trace_span!("read", path = %path.display(), bytes = stat.size).entered();
        let (digested, began) = read::read(path, stat)?;
        // Not even for the rest of this run: a step may write the file again within the clock's grain.
        if digested.stat.is_settled(began) {
            let Digested { digest, escapes, stat } = digested;
            let mut learned = self.learned();
            learned.entries.insert(path.to_owned(), Entry { stat, digest, escapes, day: self.today });
            learned.is_new = true;
        }
        Ok(digested)
    }

    /// The digests of files by their paths below the folder `dir` (absolute), in their order; in a plain loop. As
    /// [`digest`](Self::digest), but no path is put together for a file that is known.
    pub fn digest_below(&self, dir: &Path, files: &[(&Path, FileStat)]) -> Vec<io::Result<Digested>> {
        let mut cursor = Cursor::new(&self.loaded, dir);
        let mut answered = 0;
        let mut digest = |(path, stat): &(&Path, FileStat)| {
            let Some(entry) = cursor.find(path).and_then(|found| self.if_same(found, stat)) else {
                return self.digest(&dir.join(path), stat);
            };
            answered += 1;
            Ok(Digested { digest: entry.digest, escapes: entry.escapes, stat: *stat })
        };
        let digests = files.iter().map(&mut digest).collect();
        self.answered.fetch_add(answered, Ordering::Relaxed);
        digests
    }

    /// Answers from now on for a file that does not lie at `path`, but is told of with these metadata: in it is what is in
    /// `contents`, whose digest is known.
    pub fn foresee(&self, path: &Path, stat: FileStat, (digest, contents): (Digest, &Path)) {
        let escapes = read::is_source(path) && fs::read(contents).is_ok_and(|source| escape::escapes(&source));
        self.learned().foreseen.insert(stat, Digested { digest, escapes, stat });
    }

    fn remembered(&self, path: &Path, stat: &FileStat) -> Option<Entry> {
        let found = self.loaded.find(path).and_then(|found| self.if_same(found, stat));
        found.or_else(|| self.learned_of(path, stat))
    }

    /// A loaded entry, if the file is as it was.
    fn if_same(&self, (place, entry): (usize, Entry), stat: &FileStat) -> Option<Entry> {
        if entry.stat != *stat {
            return None;
        }
        if entry.day != self.today
            && let Some(bits) = self.used.get(place / 64)
        {
            bits.fetch_or(1 << (place % 64), Ordering::Relaxed);
        }
        Some(entry)
    }

    fn learned_of(&self, path: &Path, stat: &FileStat) -> Option<Entry> {
        self.learned().entries.get(path).copied().filter(|entry| entry.stat == *stat)
    }

    /// A panic in another thread leaves whole entries.
    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many files were read.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// How many files were not, because their digest was known.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Writes what was learned to `path`, with what is there by now; the caller holds the lock. Whether it wrote: not
    /// when nothing was learned, except once a day, so that what is in use is not forgotten.
    ///
    /// # Errors
    /// Whatever the file system says; the file is then as it was before.
    pub fn save(&self, path: &Path) -> io::Result<bool> {
        let mut learned = self.learned();
        let refresh = !learned.is_refreshed && self.loaded.day < self.today && self.used().next().is_some();
        if !learned.is_new && !refresh {
            return Ok(false);
        }
        let there = fs::read(path).ok().and_then(|bytes| Entries::parse(bytes).ok()).unwrap_or_default();
        let merged = self.merge(&there, &learned.entries);
        atomic::write(path, &format::encode(merged, self.today))?;
        (learned.is_new, learned.is_refreshed) = (false, true);
        Ok(true)
    }

    fn merge<'a>(
        &'a self,
        there: &'a Entries,
        learned: &'a HashMap<PathBuf, Entry>,
    ) -> impl Iterator<Item = (Place<'a>, Entry)> {
        let mut merged: HashMap<Place<'_>, Entry> = there.iter().map(|(place, _, entry)| (place, entry)).collect();
        let used: HashSet<usize> = self.used().collect();
        for (place, ..) in self.loaded.iter().filter(|(_, at, _)| used.contains(at)) {
            merged.entry(place).and_modify(|entry| entry.day = self.today);
        }
        merged.extend(learned.iter().map(|(path, entry)| (format::split(path), *entry)));
        let mut kept: Vec<_> =
            merged.into_iter().filter(|(_, entry)| entry.day.saturating_add(MAX_AGE) >= self.today).collect();
        if kept.len() > MAX_ENTRIES {
            kept.sort_unstable_by_key(|(place, entry)| (std::cmp::Reverse(entry.day), *place));
            kept.truncate(MAX_ENTRIES);
        }
        kept.into_iter()
    }

    /// The places of the loaded entries that were of use.
    fn used(&self) -> impl Iterator<Item = usize> {
        let bits = self.used.iter().map(|bits| bits.load(Ordering::Relaxed)).enumerate();
        bits.flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit))
    }
}

fn set_aside(path: &Path, error: &dyn std::fmt::Display) -> String {
    let aside = atomic::set_aside(path).map(|aside| format!("; it was moved to `{}`", aside.display()));
    format!("`{}` {error}{}", path.display(), aside.unwrap_or_default())
}

fn load_entries(path: &Path) -> (Entries, Option<String>) {
    let error = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Entries::default(), None),
        // A folder in its place would be in the way for ever.
        Err(error) if path.is_dir() => set_aside(path, &error),
        Err(error) => format!("`{}` cannot be read: {error}", path.display()),
        Ok(bytes) => match Entries::parse(bytes) {
            Ok(entries) => return (entries, None),
            Err(error) => set_aside(path, &error),
        },
    };
    (Entries::default(), Some(format!("{error}; every file is hashed again")))
}
