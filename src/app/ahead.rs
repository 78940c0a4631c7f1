//! What is done while cargo is asked about a workspace, when most cores have nothing to do: files are read that are likely to be
//! inputs, so that their digests are known by then. It makes no difference to what comes of a run.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::hash_cache::FileHashCache;
use crate::walk;

/// Larger files, in bytes, are left for when they are needed: cargo may be done before one is read.
const LARGEST: u64 = 1 << 20;

/// Reads them until it is over.
pub fn read((root, target_dir): (&Path, &Path), cache: &FileHashCache, is_over: &AtomicBool) {
    walk::guess(root, target_dir, &mut |path, stat| {
        if is_over.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        if stat.size <= LARGEST {
            // Who needs it is told why it cannot be read.
            _ = cache.digest(path, &stat);
        }
        ControlFlow::Continue(())
    });
}
