//! Reads files before anybody asks for their digests, when they are open anyway: those that were read before and are not what
//! they were then. Who opens them, and what for, it does not know.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::format::{Cursor, Entry};
use super::{FileHashCache, Names, read};
use crate::model::FileStat;
use crate::moment::now_ns;

/// Reads ahead for a cache, on any thread.
pub struct Ahead<'a> {
    cache: &'a FileHashCache,
    /// Whether somebody has begun to load what earlier runs have learned.
    pub(super) is_asked: AtomicBool,
    /// Whether the file that was seen last had changed, wherever it was: mostly hardly any have, or nearly all.
    pub(super) is_changing: AtomicBool,
}

/// Likewise, in one folder.
pub struct AheadIn<'a> {
    ahead: &'a Ahead<'a>,
    folder: &'a Path,
    /// `None` while another thread loads what is known: who has something better to do need not wait.
    cursor: Option<Cursor<'a>>,
    /// Whether this run has read files in it already.
    is_begun: bool,
    /// What is known of the file that was asked for, until it is seen.
    asked: Option<Known>,
    learned: Names,
    buffer: Vec<u8>,
}

/// What is known of a file.
#[derive(Clone, Copy)]
enum Known {
    /// Nobody has read it.
    Nothing,
    /// Its metadata were these when it was read.
    Read(FileStat),
    /// This run has read it.
    Learned,
    /// That cannot be told yet.
    Untold,
}

impl<'a> Ahead<'a> {
    /// One that reads nothing as long as nothing has changed.
    pub fn new(cache: &'a FileHashCache) -> Self {
        Self { cache, is_asked: AtomicBool::new(false), is_changing: AtomicBool::new(false) }
    }

    /// Whether it is likely that the next file has changed.
    pub fn is_changing(&self) -> bool {
        self.is_changing.load(Ordering::Relaxed)
    }

    /// For the files of this folder (absolute), in which something has changed.
    pub fn in_folder(&'a self, folder: &'a Path) -> AheadIn<'a> {
        let loaded = if self.is_asked.swap(true, Ordering::Relaxed) {
            self.cache.loaded.get()
        } else {
            self.is_changing.store(true, Ordering::Relaxed);
            Some(self.cache.loaded())
        };
        let cursor = loaded.map(|loaded| Cursor::new(&loaded.entries, folder));
        let is_begun = self.cache.learned().entries.contains_key(folder.as_os_str().as_encoded_bytes());
        AheadIn { ahead: self, folder, cursor, is_begun, asked: None, learned: Names::new(), buffer: Vec::new() }
    }
}

impl AheadIn<'_> {
    /// Whether it is likely that the file was read before and has changed since.
    pub fn is_due(&mut self, name: &OsStr) -> bool {
        self.ahead.is_changing() && {
            let known = self.known(name);
            matches!(self.asked.insert(known), Known::Read(_) | Known::Untold)
        }
    }

    /// The file has these metadata now, and is open, or not. It is read if it is and has changed.
    pub fn saw(&mut self, name: &OsStr, stat: &FileStat, file: Option<File>) {
        let is_changed = match self.asked.take().unwrap_or_else(|| self.known(name)) {
            Known::Nothing => false,
            Known::Read(known) => known != *stat,
            Known::Untold => true,
            // That says nothing about the others.
            Known::Learned => return,
        };
        self.ahead.is_changing.store(is_changed, Ordering::Relaxed);
        if let (true, Some(file)) = (is_changed, file) {
            self.read(name, stat, file);
        }
    }

    fn known(&mut self, name: &OsStr) -> Known {
        if self.is_begun && self.is_learned(name) {
            return Known::Learned;
        }
        let Some(cursor) = &mut self.cursor else { return Known::Untold };
        cursor.find(Path::new(name)).map_or(Known::Nothing, |(_, entry)| Known::Read(entry.stat))
    }

    fn is_learned(&self, name: &OsStr) -> bool {
        let learned = self.ahead.cache.learned();
        let names = learned.entries.get(self.folder.as_os_str().as_encoded_bytes());
        names.is_some_and(|names| names.contains_key(name.as_encoded_bytes()))
    }

    fn read(&mut self, name: &OsStr, stat: &FileStat, mut file: File) {
        // Another one is read again by whoever needs it.
        if !stat.is_settled(now_ns()) {
            return;
        }
        let FileHashCache { opened, today: day, .. } = self.ahead.cache;
        let _entered =
            tracing::trace_span!("read", path = %self.folder.join(name).display(), bytes = stat.size).entered();
        opened.fetch_add(1, Ordering::Relaxed);
        if let Ok(Some(digested)) = read::once(&mut file, Path::new(name), stat, &mut self.buffer) {
            let entry = Entry { stat: *stat, digest: digested.digest, escapes: digested.escapes, day: *day };
            self.learned.insert(name.as_encoded_bytes().to_vec(), entry);
        }
    }
}

impl Drop for AheadIn<'_> {
    fn drop(&mut self) {
        let learned = std::mem::take(&mut self.learned);
        if !learned.is_empty() {
            self.ahead.cache.keep([(self.folder.as_os_str().as_encoded_bytes().to_vec(), learned)]);
        }
    }
}
