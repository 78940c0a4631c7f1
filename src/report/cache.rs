//! The cache in figures, as text for people and as JSON.

use std::fmt::Write as _;

use serde_json::json;

use super::words::plural;
use crate::model::{CacheCleared, CacheStats};

/// Units of size, the largest first.
const SIZES: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
/// Units of time in seconds, the largest first.
const TIMES: &[(&str, u64)] = &[("day", 24 * 60 * 60), ("hour", 60 * 60), ("minute", 60), ("second", 1)];

/// What is in a cache, `now` being the time in seconds since the Unix epoch.
#[must_use]
pub fn cache_stats(stats: &CacheStats, now: u64) -> String {
    let ago = |used: u32| format!("{} ago", time(now.saturating_sub(used.into())));
    let mut text = format!("Cache in {}\n", stats.folder.display());
    _ = write!(text, "Results: {}", stats.records);
    if let (Some(oldest), Some(newest)) = (stats.oldest_use, stats.newest_use) {
        _ = write!(text, ", last used {} (oldest) to {} (newest), noted once an hour", ago(oldest), ago(newest));
    }
    let (bytes, most) = (size(stats.blob_bytes), size(stats.bounds.max_size));
    _ = writeln!(text, "\nOutputs: {}, {bytes} of at most {most}", plural(stats.blobs, "file"));
    _ = writeln!(text, "Other files: {}", size(stats.other_bytes));
    _ = writeln!(text, "Unused results are kept for {}", time(stats.bounds.max_age.as_secs()));
    if stats.missing_blobs > 0 {
        _ = writeln!(text, "Outputs that results name and that are gone: {}", stats.missing_blobs);
    }
    for path in &stats.damaged {
        _ = writeln!(text, "Damaged and set aside: {}", path.display());
    }
    text
}

/// Likewise, as one JSON object on a line.
#[must_use]
pub fn cache_stats_json(stats: &CacheStats) -> String {
    let paths: Vec<_> = stats.damaged.iter().map(|path| path.to_string_lossy()).collect();
    let object = json!({
        "version": 1,
        "folder": stats.folder.to_string_lossy(),
        "records": stats.records,
        "blobs": stats.blobs,
        "blob_bytes": stats.blob_bytes,
        "other_bytes": stats.other_bytes,
        "missing_blobs": stats.missing_blobs,
        "oldest_use": stats.oldest_use,
        "newest_use": stats.newest_use,
        "max_size": stats.bounds.max_size,
        "max_age": stats.bounds.max_age.as_secs(),
        "damaged": paths,
    });
    format!("{object}\n")
}

/// What was removed.
#[must_use]
pub fn cache_cleared(cleared: &CacheCleared) -> String {
    let folder = cleared.folder.display();
    format!("Removed {}, {}, from {folder}\n", plural(cleared.files, "file"), size(cleared.bytes))
}

/// Likewise, as one JSON object on a line.
#[must_use]
pub fn cache_cleared_json(cleared: &CacheCleared) -> String {
    let folder = cleared.folder.to_string_lossy();
    format!("{}\n", json!({ "version": 1, "folder": folder, "files": cleared.files, "bytes": cleared.bytes }))
}

/// `512 B`, `1.5 MiB`.
fn size(bytes: u64) -> String {
    match SIZES.iter().find(|(_, unit)| bytes >= *unit) {
        None => format!("{bytes} B"),
        Some((name, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            let fraction = if tenths % 10 == 0 { String::new() } else { format!(".{}", tenths % 10) };
            format!("{}{fraction} {name}", tenths / 10)
        }
    }
}

/// `0 seconds`, `3 days`: in the largest unit of which there is a whole one.
fn time(seconds: u64) -> String {
    let unit = TIMES.iter().find(|(_, unit)| seconds >= *unit);
    let (name, unit) = unit.copied().unwrap_or(("second", 1));
    plural(usize::try_from(seconds / unit).unwrap_or(usize::MAX), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        let sizes = [0, 1023, 1024, 1535, 1536, 5 << 20, (2 << 30) - 1, 2 << 30, u64::MAX].map(size);
        let expected = ["0 B", "1023 B", "1 KiB", "1.4 KiB", "1.5 KiB", "5 MiB", "1.9 GiB", "2 GiB"];
        assert_eq!(sizes[..8], expected);
        assert_eq!(sizes[8], "17179869183.9 GiB");
        let times = [0, 1, 59, 119, 7200, 86_399, 86_400, 30 * 86_400].map(time);
        assert_eq!(
            times,
            ["0 seconds", "1 second", "59 seconds", "1 minute", "2 hours", "23 hours", "1 day", "30 days"]
        );
    }
}
