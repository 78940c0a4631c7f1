//! How files are read while a walk has their folder open: where it is likely that they have changed they are opened first
//! and looked at then, which is one way to them instead of two. What is in them, the walk does not know.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use crate::model::FileStat;

/// Whoever reads them.
pub trait Reader: Sync {
    /// Whether the next file of an area is likely to have changed.
    fn is_changing(&self, area: usize) -> bool;

    /// What is known of the files in a folder (absolute) of an area, if any of them is worth it.
    fn in_folder<'r>(&'r self, area: usize, folder: &'r Path) -> Option<Box<dyn InFolder + 'r>>;
}

/// Likewise, of the files in one folder.
pub trait InFolder {
    /// Whether a file is likely to have changed.
    fn is_due(&mut self, name: &OsStr) -> bool;

    /// What the walk has seen of it, and the file, if it was opened.
    fn saw(&mut self, name: &OsStr, stat: &FileStat, file: Option<File>);
}
