//! Makes a workspace forget what is known of its files, so that all of them are read again.

use std::fs;
use std::io;
use std::path::Path;

/// Removes the digests of files, and what the last run has seen of them.
///
/// # Errors
/// They are not where they are kept.
pub fn forget(dir: &Path) -> io::Result<()> {
    let kept = dir.join("target/lifecycle");
    let digests = kept.join("files.bin");
    let error = |error| io::Error::other(format!("{}, where digests are kept: {error}", digests.display()));
    fs::remove_file(&digests).map_err(error)?;
    for folder in fs::read_dir(&kept)? {
        // An older program leaves none.
        match fs::remove_file(folder?.path().join("seen.bin")) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}
