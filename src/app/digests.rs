//! The digests of the files that are read before there is a workspace: whoever runs it then need not read them again.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{keep, lock};
use crate::hash_cache::FileHashCache;
use crate::home::Home;

/// The cache that they are in, if any was read.
#[derive(Default)]
pub struct Digests(Mutex<Option<Arc<FileHashCache>>>);

impl Digests {
    /// That of the workspace at this root, with this target directory.
    pub fn at(&self, root: &Path, target_dir: &Path) -> Arc<FileHashCache> {
        let path = keep::file_digests(&Home::new(target_dir, root));
        let mut kept = lock(&self.0);
        let cache = kept.take().filter(|cache| cache.path() == path);
        Arc::clone(kept.insert(cache.unwrap_or_else(|| Arc::new(FileHashCache::new(path)))))
    }

    /// That of a run, which no other run gets.
    pub fn take(&self, home: &Home) -> Arc<FileHashCache> {
        let cache = self.at(home.root(), home.target());
        *lock(&self.0) = None;
        cache
    }
}
