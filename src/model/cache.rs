//! The cache in figures: how large and old it may become, and what is in it. Where it lies and how is `home`'s and
//! `store`'s affair.

use std::path::PathBuf;
use std::time::Duration;

/// `[cache]`: how much is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    /// Bytes that all stored outputs may have together.
    pub max_size: u64,
    /// How long a result is kept that no run uses.
    pub max_age: Duration,
}

impl Default for CacheBounds {
    /// 2 GiB and 30 days.
    fn default() -> Self {
        Self { max_size: 2 << 30, max_age: Duration::from_secs(30 * 24 * 60 * 60) }
    }
}

/// What is in the cache of a target directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Where it is.
    pub folder: PathBuf,
    /// Results.
    pub records: usize,
    /// Stored outputs: files.
    pub blobs: usize,
    /// Bytes in them.
    pub blob_bytes: u64,
    /// Bytes in all other files.
    pub other_bytes: u64,
    /// Stored outputs that results name and that are gone.
    pub missing_blobs: usize,
    /// When the result that was not used for the longest time was last used, in seconds since the Unix epoch.
    pub oldest_use: Option<u32>,
    /// When any result was last used, in seconds since the Unix epoch.
    pub newest_use: Option<u32>,
    /// What was found damaged and set aside, relative to the folder.
    pub damaged: Vec<PathBuf>,
    /// The bounds, as make.toml sets them.
    pub bounds: CacheBounds,
}

/// What was removed with a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheCleared {
    /// Where it was.
    pub folder: PathBuf,
    /// How many files.
    pub files: usize,
    /// How many bytes were in them.
    pub bytes: u64,
}
