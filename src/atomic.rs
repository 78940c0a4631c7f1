//! Files that are there whole or not at all: the one way in which anything of ours reaches the disk. It knows nothing of
//! what is in them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Puts `contents` at `path` in one step: written beside it, synced, renamed over it. Missing folders are made.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was before.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let file = beside(path, contents)?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Likewise, but not synced: whatever becomes of this process, the file is whole; a power cut soon after may leave it torn,
/// which its reader has to see (by a checksum). The file is returned, to be synced by whoever wants that.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was before.
pub fn put(path: &Path, contents: &[u8]) -> io::Result<File> {
    beside(path, contents)?.persist(path).map_err(|error| error.error)
}

fn beside(path: &Path, contents: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = || tempfile::Builder::new().prefix(".new-").tempfile_in(folder);
    let mut file = match new() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            new()?
        }
        file => file?,
    };
    file.write_all(contents)?;
    Ok(file)
}

/// Moves a file that cannot be understood out of the way, to `<name>.damaged` beside it (replacing an older one), so
/// that nothing is lost and it is not stumbled upon again.
///
/// # Errors
/// Whatever the file system says.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(".damaged");
    let aside = path.with_file_name(name);
    if fs::rename(path, &aside).is_err() {
        // A folder does not replace a file, nor the other way round.
        _ = fs::remove_dir_all(&aside).or_else(|_| fs::remove_file(&aside));
        fs::rename(path, &aside)?;
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/state");
        write(&path, b"one").unwrap();
        put(&path, b"two").unwrap().sync_data().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read(set_aside(&path).unwrap()).unwrap(), b"two");
        assert!(!path.exists());
        fs::create_dir(&path).unwrap();
        assert!(set_aside(&path).unwrap().is_dir(), "whatever stood there before");
    }
}
