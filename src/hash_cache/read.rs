//! Reads a file for its digest, and makes sure that it did not change meanwhile. It remembers nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Digested;
use super::escape::escapes;
use crate::model::{Digest, FileStat};
use crate::moment::now_ns;

const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);

/// The digest of a file, and when (nanoseconds since the Unix epoch) reading it began. `expected` is what its metadata were
/// a moment ago; if they are not the same after it was read, the file is changing, and is read again until they are.
///
/// # Errors
/// It cannot be read, is no regular file, or does not stop changing.
pub fn read(path: &Path, expected: &FileStat) -> io::Result<(Digested, i64)> {
    let mut expected = *expected;
    for attempt in 0..ATTEMPTS {
        let began = now_ns();
        let mut file = open(path)?;
        if attempt > 0 {
            expected = stat(&file)?;
        }
        let (digest, escapes) =
            if is_source(path) { hash_source(&mut file, expected.size)? } else { (hash(&mut file)?, false) };
        let after = stat(&file)?;
        if after == expected {
            return Ok((Digested { digest, escapes, stat: after }, began));
        }
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
    }
    Err(io::Error::other("it changes while it is being read"))
}

/// Whether it may name modules.
pub fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// What lies at the path may be a fifo by now, and opening one would wait for a writer.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    // That it was read is not noted, which would be written to disk the first time after each change. Only its owner may
    // ask for that.
    match open_with(path, OFlags::NONBLOCK | OFlags::NOATIME) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open_with(path, OFlags::NONBLOCK),
        file => file,
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn open(path: &Path) -> io::Result<File> {
    open_with(path, rustix::fs::OFlags::NONBLOCK)
}

#[cfg(unix)]
fn open_with(path: &Path, flags: rustix::fs::OFlags) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn stat(file: &File) -> io::Result<FileStat> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok(FileStat::of(&metadata))
}

fn hash(file: &mut File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut chunk = [0; 32 * 1024];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Digest(hasher.finalize().into())),
            Ok(length) => hasher.update(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A source file is small, and an attribute may lie across two chunks: it is read whole.
fn hash_source(file: &mut File, size: u64) -> io::Result<(Digest, bool)> {
    let room = usize::try_from(size).unwrap_or(0).min(1 << 20);
    let mut source = vec![0; room + 1];
    let mut length = 0;
    loop {
        match file.read(source.get_mut(length..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        // If it has grown meanwhile, its metadata are others now.
        if length as u64 == size {
            break;
        }
        if length == source.len() {
            source.resize(source.len() * 2, 0);
        }
    }
    source.truncate(length);
    Ok((Digest(Sha256::digest(&source).into()), escapes(&source)))
}
