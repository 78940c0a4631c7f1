//! What a file's metadata says, as plain data; reading it is a door's affair.

/// The parts of a file's metadata that tell whether its contents may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FileStat {
    /// Time of the last change of the contents, in nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Time of the last change of the inode, in nanoseconds since the Unix epoch; 0 where the system has none.
    pub ctime_ns: i64,
    /// Length in bytes.
    pub size: u64,
    /// Inode number; 0 where the system has none.
    pub inode: u64,
}

impl FileStat {
    /// What `metadata` says.
    #[cfg(unix)]
    #[must_use]
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Self {
            mtime_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.len(),
            inode: metadata.ino(),
        }
    }

    /// What `metadata` says.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        let since_epoch = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let mtime_ns = since_epoch.map_or(0, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        Self { mtime_ns, ctime_ns: 0, size: metadata.len(), inode: 0 }
    }
}
