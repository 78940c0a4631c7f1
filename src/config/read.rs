//! make.toml as it lies on the disk; what its text means is not known here.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Source;

/// The name of the file, in the workspace root.
pub const FILE_NAME: &str = "make.toml";

/// The largest file that is read, in bytes: far more than anyone writes by hand.
const LIMIT: u64 = 1024 * 1024;

/// Why make.toml could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is larger than 1 MiB.
    #[error("{} is larger than 1 MiB; it is meant to be written by hand, so move generated parts out of it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not UTF-8.
    #[error("{} is not UTF-8: byte {byte} (on line {line}) cannot be read; save the file as UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line with the first bad byte; the first line is 1.
        line: usize,
        /// The first bad byte, counted from the beginning of the file; the first byte is 0.
        byte: usize,
    },
    /// It is a folder, a pipe or a device.
    #[error("{} is no file; move it away, or put a file in its place", path.display())]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// The file system says no.
    #[error("cannot read {}; check that it is there and that you may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
}

/// Reads the make.toml of the workspace at `root`; `None` when there is none.
///
/// # Errors
/// See [`ReadError`].
pub fn read(root: &Path) -> Result<Option<Source>, ReadError> {
    let path = root.join(FILE_NAME);
    let bytes = match bytes(&path)? {
        Some(bytes) => bytes,
        None => return Ok(None),
    };
    if bytes.len() as u64 > LIMIT {
        return Err(ReadError::TooLarge { path });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count();
        ReadError::NotUtf8 { path, line, byte }
    })?;
    Ok(Some(Source { path: PathBuf::from(FILE_NAME), text }))
}

/// At most one byte more than [`LIMIT`]. Looked at before it is opened, because opening a pipe would wait for ever.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    let unreadable = |source| ReadError::Unreadable { path: path.to_owned(), source };
    match fs::metadata(path) {
        // A link that leads nowhere is there, and someone meant it to be read.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        Ok(metadata) if !metadata.is_file() => return Err(ReadError::NoFile { path: path.to_owned() }),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(contents: &[u8]) -> Result<Option<Source>, String> {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE_NAME), contents).unwrap();
        read(root.path()).map_err(|error| error.to_string().replace(&root.path().display().to_string(), "ROOT"))
    }

    #[test]
    fn a_file_is_read_and_a_missing_one_is_none() {
        let source = reading(b"# hi\n").unwrap().unwrap();
        assert_eq!((source.path.as_path(), source.text.as_str()), (Path::new("make.toml"), "# hi\n"));
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_text_is_refused_with_its_place() {
        assert_eq!(
            reading(b"# one\n# \xff\n").unwrap_err(),
            "ROOT/make.toml is not UTF-8: byte 8 (on line 2) cannot be read; save the file as UTF-8"
        );
        let comment = [b'#'; LIMIT as usize];
        assert!(reading(&comment).unwrap().is_some());
        let error = reading(&[&comment[..], b"#"].concat()).unwrap_err();
        assert!(error.starts_with("ROOT/make.toml is larger than 1 MiB"), "{error}");
    }

    #[test]
    fn a_folder_is_no_file() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(FILE_NAME)).unwrap();
        assert!(matches!(read(root.path()), Err(ReadError::NoFile { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_an_error_and_a_pipe_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(FILE_NAME);
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(matches!(read(root.path()), Err(ReadError::Unreadable { .. })));
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(matches!(read(root.path()), Err(ReadError::NoFile { .. })));
    }
}
