//! What a walk has found of an area, folder by folder and in any order.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::folder::Folder;
use super::{File, Problem};

/// What was found of one area.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<File>,
    pub ignored_files: Vec<Arc<Path>>,
    pub ignored_dirs: Vec<Arc<Path>>,
    pub closed_dirs: Vec<Arc<Path>>,
    pub problems: Vec<Problem>,
    pub links: Vec<Arc<Path>>,
    /// The folders that are as they were known to be, of which nothing else is told here.
    pub same: Vec<usize>,
    /// The others, as they are to be known.
    pub records: Vec<Vec<u8>>,
    /// Whether there is something in one of them that has to be looked at each time.
    pub is_untold: bool,
    /// The area's own folder, as the walk came to it.
    pub top: Option<Arc<Folder>>,
}

impl Found {
    pub fn append(&mut self, mut other: Self) {
        if self.files.is_empty() {
            std::mem::swap(&mut self.files, &mut other.files);
        }
        self.files.append(&mut other.files);
        self.ignored_files.append(&mut other.ignored_files);
        self.ignored_dirs.append(&mut other.ignored_dirs);
        self.closed_dirs.append(&mut other.closed_dirs);
        self.problems.append(&mut other.problems);
        self.links.append(&mut other.links);
        self.same.append(&mut other.same);
        self.records.append(&mut other.records);
        self.is_untold |= other.is_untold;
        self.top = self.top.take().or(other.top);
    }

    pub fn problem(&mut self, path: &Path, error: io::Error) {
        self.is_untold = true;
        self.problems.push(Problem { path: path.to_owned(), error: Arc::new(error) });
    }
}
