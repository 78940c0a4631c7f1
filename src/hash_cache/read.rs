//! Reads a file for its digest, and makes sure that it did not change meanwhile. It remembers nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, is_separator};
use std::thread;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::Digested;
use super::escape::escapes;
use crate::disk::{Sort, look_into, open};
use crate::model::{Digest, FileStat};
use crate::moment::now_ns;

const ATTEMPTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
/// What is longer, in bytes, is not read at once.
const LARGE: u64 = 1 << 20;

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
        if let Some(digested) = once(&mut file, path, &expected, &mut Vec::new())? {
            return Ok((digested, began));
        }
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
    }
    Err(io::Error::other("it changes while it is being read"))
}

/// The digest of an open file; `None` if its metadata are others when it has been read. What is put into `buffer` is of no
/// use to anybody.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub fn once(file: &mut File, name: &Path, expected: &FileStat, buffer: &mut Vec<u8>) -> io::Result<Option<Digested>> {
    let is_source = is_source(name);
    let (digest, escapes) = if expected.size > LARGE && !is_source {
        (hash(file)?, false)
    } else {
        let contents = contents(file, expected.size, buffer)?;
        (Digest(Sha256::digest(contents).into()), is_source && escapes(contents))
    };
    let stat = stat(file)?;
    Ok((stat == *expected).then_some(Digested { digest, escapes, stat }))
}

/// Whether it may name modules.
pub fn is_source(path: &Path) -> bool {
    let Some(stem) = path.as_os_str().as_encoded_bytes().strip_suffix(b".rs") else { return false };
    // `.rs` is hidden, and has no extension.
    stem.last().is_some_and(|last| !is_separator(char::from(*last)))
}

fn stat(file: &File) -> io::Result<FileStat> {
    let look = look_into(file)?;
    if look.sort != Sort::File {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok(look.stat)
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

/// What is in a file that is small, as most are, or a source: an attribute may lie across two chunks.
fn contents<'b>(file: &mut File, size: u64, buffer: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
    let mut room = usize::try_from(size.min(LARGE)).unwrap_or_default() + 1;
    let mut length = 0;
    loop {
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        match file.read(buffer.get_mut(length..room).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        // If it has grown meanwhile, its metadata are others now.
        if length as u64 == size {
            break;
        }
        if length == room {
            room *= 2;
        }
    }
    Ok(buffer.get(..length).unwrap_or_default())
}
