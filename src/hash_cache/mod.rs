//! Turns a file into its SHA-256 digest, without reading it when its metadata is what it was. It does not know which
//! files matter, nor what for.

mod ahead;
mod escape;
mod format;
mod learned;
mod merge;
mod read;
#[cfg(test)]
mod tests;

pub use ahead::{Ahead, AheadIn};
pub use escape::{escaping, named_elsewhere};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::atomic;
use crate::model::{Digest, FileStat};
use crate::moment::now_ns;
use format::{Cursor, Entries, Entry};
use learned::{Learned, Names};
use merge::merge;

/// The digests of files, by absolute path and metadata. Shared by all threads.
pub struct FileHashCache {
    path: PathBuf,
    /// What was there when somebody asked first.
    loaded: OnceLock<Loaded>,
    learned: RwLock<Learned>,
    today: u32,
    opened: AtomicU64,
    answered: AtomicU64,
}

/// What earlier runs have learned.
struct Loaded {
    entries: Entries,
    /// One bit for each entry that was of use today and does not say so yet.
    used: Vec<AtomicU64>,
    /// The metadata of the file, if there is one.
    file: Option<FileStat>,
    /// Why it cannot be used, until that is told.
    warning: Mutex<Option<String>>,
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
    /// The cache at `path`, which is read when somebody asks for a file. A missing one is empty; so is one that cannot be used,
    /// with a [warning](Self::warning). It is set aside then.
    pub fn new(path: PathBuf) -> Self {
        let day = now_ns() / (24 * 60 * 60 * 1_000_000_000);
        Self::on(path, u32::try_from(day).unwrap_or(0))
    }

    fn on(path: PathBuf, today: u32) -> Self {
        let (loaded, learned) = (OnceLock::new(), RwLock::default());
        let (opened, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { path, loaded, learned, today, opened, answered }
    }

    /// The file that it is kept in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn loaded(&self) -> &Loaded {
        self.loaded.get_or_init(|| {
            let file = stat_of(&self.path);
            let (entries, warning) = load_entries(&self.path);
            let used = (0..entries.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
            Loaded { entries, used, file, warning: Mutex::new(warning) }
        })
    }

    /// Why what was there cannot be used, if it was asked for and cannot; it is told once.
    pub fn warning(&self) -> Option<String> {
        self.loaded.get()?.warning.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The digest of the file at `path` (absolute), whose metadata was `stat` a moment ago. Never waits for another
    /// thread's work.
    ///
    /// # Errors
    /// It has to be read, and cannot be; or it does not stop changing.
    pub fn digest(&self, path: &Path, stat: &FileStat) -> io::Result<Digested> {
        let known = self.loaded().entries.find(path).and_then(|found| self.if_same(found, stat));
        let known = known.or_else(|| self.learned().of(format::split(path), stat));
        if let Some(digested) = known {
            self.answered.fetch_add(1, Ordering::Relaxed);
            return Ok(digested);
        }
        let mut learned = Vec::new();
        let digested = self.read(path.to_owned(), stat, &mut learned);
        self.learn(learned);
        digested
    }

    /// Reads a file that is not known.
    fn read(&self, path: PathBuf, stat: &FileStat, learned: &mut Vec<(PathBuf, Entry)>) -> io::Result<Digested> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let _entered = tracing::trace_span!("read", path = %path.display(), bytes = stat.size).entered();
        let (digested, began) = read::read(&path, stat)?;
        // Not even for the rest of this run: a step may write the file again within the clock's grain.
        if digested.stat.is_settled(began) {
            let Digested { digest, escapes, stat } = digested;
            learned.push((path, Entry { stat, digest, escapes, day: self.today }));
        }
        Ok(digested)
    }

    fn learn(&self, entries: Vec<(PathBuf, Entry)>) {
        if entries.is_empty() {
            return;
        }
        // Put together before others have to wait.
        let mut folders: Vec<(Vec<u8>, Names)> = Vec::new();
        for (path, entry) in entries {
            let (folder, name) = format::split(&path);
            match folders.last_mut().filter(|(last, _)| last == folder) {
                Some((_, names)) => _ = names.insert(name.to_vec(), entry),
                None => folders.push((folder.to_vec(), [(name.to_vec(), entry)].into())),
            }
        }
        self.keep(folders);
    }

    /// Keeps what was learned of the files in these folders.
    fn keep(&self, folders: impl IntoIterator<Item = (Vec<u8>, Names)>) {
        let mut learned = self.learned_mut();
        for (folder, mut names) in folders {
            learned.entries.entry(folder).or_default().append(&mut names);
        }
        learned.is_new = true;
    }

    /// The digests of files by their paths below the folder `dir` (absolute), in their order; in a plain loop. As
    /// [`digest`](Self::digest), but no path is put together for a file that is known.
    pub fn digest_below(&self, dir: &Path, files: &[(&Path, FileStat)]) -> Vec<io::Result<Digested>> {
        // What is learned is everybody's: it is asked once for all.
        let known = self.learned().of_all(dir, files);
        let mut cursor = Cursor::new(&self.loaded().entries, dir);
        let mut learned = Vec::new();
        let mut answered = 0;
        let digest = |((path, stat), known): (&(&Path, FileStat), Option<Digested>)| {
            let known = known.or_else(|| self.if_same(cursor.find(path)?, stat));
            answered += u64::from(known.is_some());
            known.map_or_else(|| self.read(dir.join(path), stat, &mut learned), Ok)
        };
        let digests = files.iter().zip(known).map(digest).collect();
        self.learn(learned);
        self.answered.fetch_add(answered, Ordering::Relaxed);
        digests
    }

    /// Answers from now on for a file that does not lie at `path`, but is told of with these metadata: in it is what is in
    /// `contents`, whose digest is known.
    pub fn foresee(&self, path: &Path, stat: FileStat, (digest, contents): (Digest, &Path)) {
        let escapes = read::is_source(path) && fs::read(contents).is_ok_and(|source| escape::escapes(&source));
        self.learned_mut().foreseen.insert(stat, Digested { digest, escapes, stat });
    }

    /// What a loaded entry says, if the file is as it was.
    fn if_same(&self, (place, entry): (usize, Entry), stat: &FileStat) -> Option<Digested> {
        let digested = entry.if_of(stat)?;
        if entry.day != self.today
            && let Some(bits) = self.loaded().used.get(place / 64)
        {
            bits.fetch_or(1 << (place % 64), Ordering::Relaxed);
        }
        Some(digested)
    }

    /// A panic in another thread leaves whole entries.
    fn learned(&self) -> RwLockReadGuard<'_, Learned> {
        self.learned.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn learned_mut(&self) -> RwLockWriteGuard<'_, Learned> {
        self.learned.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many files were read.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// How many files were not, because their digest was known.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Writes what was learned, with what is there by now, under a lock that is taken when all is put together. Whether it
    /// wrote: not when nothing was learned, except once a day, so that what is in use is not forgotten.
    ///
    /// # Errors
    /// Whatever the file system says; the file is then as it was before.
    pub fn save<G>(&self, lock: impl FnOnce() -> io::Result<G>) -> io::Result<bool> {
        let path = &self.path;
        let mut learned = self.learned_mut();
        let Loaded { entries, file, .. } = self.loaded();
        let refresh = !learned.is_refreshed && entries.day < self.today && self.used().next().is_some();
        if !learned.is_new && !refresh {
            return Ok(false);
        }
        let merged = |there: &Entries| merge(there, &self.used_of(there), &learned, self.today);
        let with_loaded = file.map(|_| merged(entries));
        let _guard = lock()?;
        // Most often nobody else has written it since it was loaded.
        let parts = with_loaded.filter(|_| *file == stat_of(path)).unwrap_or_else(|| {
            merged(&atomic::read(path).ok().and_then(|bytes| Entries::parse(bytes).ok()).unwrap_or_default())
        });
        atomic::cache(path, &parts)?;
        (learned.is_new, learned.is_refreshed) = (false, true);
        Ok(true)
    }

    /// Which entries there were of use, by their places.
    fn used_of(&self, there: &Entries) -> Vec<bool> {
        let loaded = &self.loaded().entries;
        let mut is_used = vec![false; there.len()];
        let mut mark = |place: usize| is_used.get_mut(place).into_iter().for_each(|is_used| *is_used = true);
        if std::ptr::eq(there, loaded) {
            self.used().for_each(mark);
            return is_used;
        }
        let mut used = self.used().peekable();
        for (path, places) in loaded.folders() {
            while let Some(place) = used.next_if(|place| places.contains(place)) {
                let name = loaded.written(place).map(|written| written.name);
                name.and_then(|name| there.place((path, name))).into_iter().for_each(&mut mark);
            }
        }
        is_used
    }

    /// The places of the loaded entries that were of use.
    fn used(&self) -> impl Iterator<Item = usize> {
        let bits = self.loaded().used.iter().map(|bits| bits.load(Ordering::Relaxed)).enumerate();
        bits.flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit))
    }
}

fn stat_of(path: &Path) -> Option<FileStat> {
    fs::metadata(path).ok().map(|metadata| FileStat::of(&metadata))
}

fn set_aside(path: &Path, error: &dyn std::fmt::Display) -> String {
    let aside = atomic::set_aside(path).map(|aside| format!("; it was moved to `{}`", aside.display()));
    format!("`{}` {error}{}", path.display(), aside.unwrap_or_default())
}

fn load_entries(path: &Path) -> (Entries, Option<String>) {
    let error = match atomic::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Entries::default(), None),
        Err(error) if atomic::is_other(path) => set_aside(path, &error),
        Err(error) => format!("`{}` cannot be read: {error}", path.display()),
        Ok(bytes) => match Entries::parse(bytes) {
            Ok(entries) => return (entries, None),
            Err(error) => set_aside(path, &error),
        },
    };
    (Entries::default(), Some(format!("{error}; every file is hashed again")))
}
