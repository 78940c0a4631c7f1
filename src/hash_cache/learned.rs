//! What this run has learned of files, by their folders and names.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Included, Unbounded};
use std::path::{MAIN_SEPARATOR_STR, Path};

use super::Digested;
use super::format::{Entry, Place, split};
use crate::model::FileStat;

/// The digests of all of them.
#[derive(Default)]
pub struct Learned {
    /// By folder and name, as in the file.
    pub entries: HashMap<Vec<u8>, Names>,
    /// What is not there to be read, by the metadata that nothing else has.
    pub foreseen: HashMap<FileStat, Digested>,
    /// Whether there is something in them that was not saved.
    pub is_new: bool,
    /// Whether the days of the loaded entries were saved.
    pub is_refreshed: bool,
}

/// The files of a folder by their names.
pub type Names = BTreeMap<Vec<u8>, Entry>;

impl Learned {
    /// Of one file.
    pub fn of(&self, (folder, name): Place<'_>, stat: &FileStat) -> Option<Digested> {
        self.foreseen(stat).or_else(|| self.entries.get(folder)?.get(name)?.if_of(stat))
    }

    fn foreseen(&self, stat: &FileStat) -> Option<Digested> {
        if self.foreseen.is_empty() { None } else { self.foreseen.get(stat).copied() }
    }

    /// Of files below a folder, by their paths there; fastest in their order.
    pub fn of_all<'l>(&'l self, dir: &Path, files: &[(&Path, FileStat)]) -> Vec<Option<Digested>> {
        if self.entries.is_empty() && self.foreseen.is_empty() {
            return vec![None; files.len()];
        }
        let of_folder = |inner: &[u8]| {
            let dir = dir.as_os_str().as_encoded_bytes();
            if inner.is_empty() {
                self.entries.get(dir)
            } else {
                self.entries.get(&[dir, MAIN_SEPARATOR_STR.as_bytes(), inner].concat())
            }
        };
        let from = |names: Option<&'l Names>, name: &[u8]| {
            names.map(|names| names.range::<[u8], _>((Included(name), Unbounded)))
        };
        let mut folder = (&b""[..], of_folder(b""));
        let mut next = from(folder.1, b"");
        let mut all = Vec::with_capacity(files.len());
        for (path, stat) in files {
            let (inner, name) = split(path);
            if folder.0 != inner {
                folder = (inner, of_folder(inner));
                next = from(folder.1, name);
            }
            // Each one is most often beside the last.
            let mut entry = next.as_mut().and_then(Iterator::next);
            if entry.is_none_or(|(next, _)| **next != *name) {
                next = from(folder.1, name);
                entry = next.as_mut().and_then(Iterator::next).filter(|(next, _)| **next == *name);
            }
            all.push(self.foreseen(stat).or_else(|| entry.and_then(|(_, entry)| entry.if_of(stat))));
        }
        all
    }
}
