//! Which files are read while a walk has their folder open: those of the members that the steps are about.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

use super::awaited::Awaited;
use crate::hash_cache::{self, AheadIn, FileHashCache};
use crate::model::FileStat;
use crate::walk::{InFolder, Reader};

/// Reads them for the cache.
pub struct Ahead<'a> {
    plan: &'a Awaited,
    /// For each member, whether a step is about it.
    is_wanted: OnceLock<Vec<bool>>,
    files: hash_cache::Ahead<'a>,
}

impl<'a> Ahead<'a> {
    /// For the steps of this plan. It is waited for when the first file has changed.
    pub fn new(plan: &'a Awaited, cache: &'a FileHashCache) -> Self {
        Self { plan, is_wanted: OnceLock::new(), files: hash_cache::Ahead::new(cache) }
    }

    fn is_wanted(&self, area: usize) -> bool {
        let wanted = || {
            let mut is_wanted = Vec::new();
            for member in self.plan.steps().flat_map(|step| step.subject.members()) {
                if is_wanted.len() <= member.index() {
                    is_wanted.resize(member.index() + 1, false);
                }
                is_wanted[member.index()] = true;
            }
            is_wanted
        };
        self.is_wanted.get_or_init(wanted).get(area).is_some_and(|is_wanted| *is_wanted)
    }
}

impl Reader for Ahead<'_> {
    fn is_changing(&self, area: usize) -> bool {
        self.files.is_changing() && self.is_wanted(area)
    }

    fn in_folder<'r>(&'r self, area: usize, folder: &'r Path) -> Option<Box<dyn InFolder + 'r>> {
        let reader = self.is_wanted(area).then(|| self.files.in_folder(folder))?;
        Some(Box::new(reader))
    }
}

impl InFolder for AheadIn<'_> {
    fn is_due(&mut self, name: &OsStr) -> bool {
        self.is_due(name)
    }

    fn saw(&mut self, name: &OsStr, stat: &FileStat, file: Option<File>) {
        self.saw(name, stat, file);
    }
}
