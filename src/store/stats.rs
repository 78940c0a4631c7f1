//! What is in a cache, counted. It knows nothing of what the other rooms keep there, but that it takes room.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use walkdir::WalkDir;

use super::blobs;
use super::records::Records;
use crate::home::Home;
use crate::model::{CacheBounds, CacheStats, Digest};

/// Counts what is in the folder that all workspaces with one target directory share. Nothing is read but the records.
#[must_use]
pub fn stats(home: &Home, bounds: CacheBounds) -> CacheStats {
    let records = Records::load(home).0;
    let uses: Vec<(u32, Vec<_>)> = records.uses().collect();
    let times = || uses.iter().map(|(used, _)| *used);
    let mut stats = CacheStats {
        folder: home.shared().to_owned(),
        records: uses.len(),
        oldest_use: times().min(),
        newest_use: times().max(),
        bounds,
        ..CacheStats::default()
    };
    let mut missing: BTreeMap<Digest, u64> =
        uses.iter().flat_map(|(_, blobs)| blobs).map(|blob| (blob.digest, blob.size)).collect();
    for entry in WalkDir::new(home.shared()).min_depth(1).sort_by_file_name().into_iter().flatten() {
        let path = entry.path();
        let size = entry.metadata().map_or(0, |metadata| metadata.len());
        if is_damaged(path) {
            stats.damaged.push(path.strip_prefix(home.shared()).unwrap_or(path).to_owned());
        }
        if !entry.file_type().is_file() {
            continue;
        }
        match blobs::digest(path) {
            Some(digest) => {
                stats.blobs += 1;
                stats.blob_bytes += size;
                if missing.get(&digest) == Some(&size) {
                    missing.remove(&digest);
                }
            }
            None => stats.other_bytes += size,
        }
    }
    stats.missing_blobs = missing.len();
    stats
}

fn is_damaged(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("damaged"))
}
