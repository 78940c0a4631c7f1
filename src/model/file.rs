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

    /// Whether any change after `now` (nanoseconds since the Unix epoch) shows in the metadata. A file younger than the
    /// clock's grain can be written again and look the same; so can one from the future. File systems that count whole
    /// seconds (or two) show by their times.
    #[must_use]
    pub fn is_settled(&self, now: i64) -> bool {
        const FINE: i64 = 10_000_000;
        const COARSE: i64 = 2_000_000_000;
        let is_coarse = |time: i64| time != 0 && time % 1_000_000_000 == 0;
        let grain = if is_coarse(self.mtime_ns) || is_coarse(self.ctime_ns) { COARSE } else { FINE };
        self.mtime_ns.max(self.ctime_ns) < now.saturating_sub(grain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_settled_when_both_times_are_older_than_the_grain() {
        let now = 1_800_000_000_123_456_789;
        let stat = |mtime_ns, ctime_ns| FileStat { mtime_ns, ctime_ns, size: 1, inode: 1 };
        assert!(stat(now - 10_000_001, now - 10_000_001).is_settled(now));
        assert!(stat(now - 10_000_001, 0).is_settled(now));
        assert!(!stat(now - 10_000_000, now - 20_000_000).is_settled(now));
        assert!(!stat(now - 20_000_000, now - 10_000_000).is_settled(now));
        assert!(!stat(now + 1, now - 20_000_000).is_settled(now), "from the future");
        let second = 1_799_999_999_000_000_000;
        assert!(!stat(second, second).is_settled(now), "whole seconds");
        assert!(stat(second - 1_000_000_000, second - 1_000_000_000).is_settled(now));
    }
}
