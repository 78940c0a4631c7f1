//! Bytes by the SHA-256 of themselves, each in a file of its own. It knows nothing of what they are or who needs them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use walkdir::WalkDir;

use super::records::Blob;
use crate::home::{Home, undisturbed};
use crate::model::Digest;

/// A run puts its blobs before it writes the records that name them; younger files are left alone.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// How much is read at a time where bytes are hashed on their way.
const CHUNK: usize = 128 * 1024;

/// How the name of a file that is being written starts, in `atomic` and here.
const UNFINISHED: &str = ".new-";

/// The blobs of a target directory. A blob may be gone at any time: whoever asks must do without it.
#[derive(Clone, Debug)]
pub struct Blobs {
    home: PathBuf,
    folder: PathBuf,
}

impl Blobs {
    /// Those kept in `home`.
    #[must_use]
    pub fn new(home: &Home) -> Self {
        Self { home: home.shared().to_owned(), folder: home.shared().join("blobs") }
    }

    /// Stores what `contents` gives. Safe at any time, in any number of threads and runs at once.
    ///
    /// # Errors
    /// Those of reading `contents` and of the file system.
    pub fn put(&self, mut contents: impl Read) -> io::Result<Digest> {
        let mut hashed = Hashed { inner: unfinished_in(&self.folder)?, hasher: Sha256::new() };
        io::copy(&mut contents, &mut hashed)?;
        self.finish(hashed)
    }

    /// Stores what `write` writes, as [`put`](Self::put) does; `None` if that is nothing.
    ///
    /// # Errors
    /// Those of `write` and of the file system.
    pub fn put_written(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Option<Blob>> {
        let mut unfinished = Unfinished { blobs: self, hashed: None };
        write(&mut unfinished)?;
        let Some(hashed) = unfinished.hashed else { return Ok(None) };
        let size = hashed.inner.as_file().metadata()?.len();
        Ok(Some(Blob { digest: self.finish(hashed)?, size }))
    }

    fn finish(&self, written: Hashed<NamedTempFile>) -> io::Result<Digest> {
        let digest = Digest(written.hasher.finalize().into());
        let path = self.path(&digest);
        if let Some(folder) = path.parent() {
            undisturbed(|| fs::create_dir_all(folder))?;
        }
        // One that is there already is replaced by its equal: this mends a damaged one and makes it young again, so
        // that no other run sweeps it away before our record names it. Nothing is synced: a blob that a power cut
        // emptied is found out when it is read.
        written.inner.persist(path).map_err(|error| error.error)?;
        Ok(digest)
    }

    /// Stores a file whose digest is known; one that is stored already is made young again, so that no other run sweeps it
    /// away before our record names it.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn put_file(&self, from: &Path, digest: &Digest) -> io::Result<()> {
        let path = self.path(digest);
        if let Ok(file) = File::options().write(true).open(&path)
            && file.metadata()?.len() == fs::metadata(from)?.len()
        {
            return file.set_modified(SystemTime::now());
        }
        let folder = path.parent().unwrap_or(&self.folder);
        let mut file = unfinished_in(folder)?;
        // The kernel copies. Should the file change meanwhile, the digest tells when the blob is read.
        io::copy(&mut File::open(from)?, file.as_file_mut())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Whether the blob is there; what is in it is known only when it is read.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Writes the blob to a file that nobody else sees yet, and says whether it was there and whole; if not, it is gone.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn copy_unseen(&self, digest: &Digest, to: &mut File) -> io::Result<bool> {
        Ok(self.verified(digest, to)?.is_some())
    }

    /// Whether the blob is there and whole, as [`read`](Self::read) says it, and without holding it in memory.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn is_whole(&self, digest: &Digest) -> io::Result<bool> {
        Ok(self.verified(digest, io::sink())?.is_some())
    }

    /// The blob; `None` when it is gone. One whose bytes are not what the digest says is removed, and is gone.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn read(&self, digest: &Digest) -> io::Result<Option<Vec<u8>>> {
        let mut contents = Vec::new();
        Ok(self.copy(digest, &mut contents)?.then_some(contents))
    }

    /// Writes the blob to `to` and says whether it was there, as [`read`](Self::read) does. Nothing is written before
    /// all of it was verified, so it is read twice.
    ///
    /// # Errors
    /// Those of the file system and of `to`.
    pub fn copy(&self, digest: &Digest, to: &mut impl Write) -> io::Result<bool> {
        let Some(mut file) = self.verified(digest, io::sink())? else { return Ok(false) };
        file.rewind()?;
        io::copy(&mut file, to)?;
        Ok(true)
    }

    /// The file that the blob is in; `None` if it is gone, or is not what the digest says. Nothing is removed.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn place(&self, digest: &Digest) -> io::Result<Option<PathBuf>> {
        let path = self.path(digest);
        match File::open(&path) {
            Ok(mut file) => Ok(is_of(digest, &mut file)?.then_some(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a blob that no record names any more, the last of which was used at `used` (in seconds since the Unix
    /// epoch); the caller holds the lock. A younger one stays: another run has put it again and is about to name it.
    pub fn forget(&self, digest: &Digest, used: u32) {
        let path = self.path(digest);
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        let age = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        if age.is_some_and(|age| age.as_secs() <= used.into()) {
            // What cannot be removed waits for a sweep.
            let _ = fs::remove_file(&path);
        }
    }

    /// Removes the blobs that are not `needed`, and what killed runs left half-written anywhere in the home; young
    /// files stay. So does what cannot be removed: the next sweep comes.
    pub fn sweep(&self, needed: &BTreeSet<Digest>) {
        for entry in WalkDir::new(&self.home).min_depth(1).into_iter().flatten() {
            let is_unfinished = entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
            let is_unneeded = || digest(entry.path()).is_some_and(|digest| !needed.contains(&digest));
            let modified = || entry.metadata().ok()?.modified().ok();
            if (is_unfinished || is_unneeded()) && modified().is_some_and(is_old) {
                // Another run may be sweeping, too, and have removed it first.
                let is_folder = entry.file_type().is_dir();
                let _ = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
            }
        }
    }

    /// The blob's file, read to its end into `to`; `None` when it is gone, or was not whole and is gone now.
    fn verified(&self, digest: &Digest, to: impl Write) -> io::Result<Option<File>> {
        let path = self.path(digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut hashed = Hashed { inner: to, hasher: Sha256::new() };
        io::copy(&mut BufReader::with_capacity(CHUNK, &file), &mut hashed)?;
        if hashed.hasher.finalize().as_slice() != digest.0 {
            fs::remove_file(path)?;
            return Ok(None);
        }
        Ok(Some(file))
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        let (folder, file) = name.split_at(2);
        self.folder.join(folder).join(file)
    }
}

/// A file in the folder that nobody else sees yet.
fn unfinished_in(folder: &Path) -> io::Result<NamedTempFile> {
    undisturbed(|| {
        fs::create_dir_all(folder)?;
        tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)
    })
}

/// Whether the rest of the file has this digest.
fn is_of(digest: &Digest, file: &mut File) -> io::Result<bool> {
    let mut hashed = Hashed { inner: io::sink(), hasher: Sha256::new() };
    io::copy(file, &mut hashed)?;
    Ok(hashed.hasher.finalize().as_slice() == digest.0)
}

/// The digest that a blob's path spells.
pub(super) fn digest(path: &Path) -> Option<Digest> {
    let (folder, file) = (path.parent()?.file_name()?, path.file_name()?);
    Digest::from_hex(&format!("{}{}", folder.to_str()?, file.to_str()?))
}

fn is_old(modified: SystemTime) -> bool {
    modified.elapsed().is_ok_and(|age| age > YOUNG)
}

/// What will be a blob: nothing on disk before something is written.
struct Unfinished<'a> {
    blobs: &'a Blobs,
    hashed: Option<Hashed<NamedTempFile>>,
}

impl Write for Unfinished<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let hashed = match &mut self.hashed {
            Some(hashed) => hashed,
            none => none.insert(Hashed { inner: unfinished_in(&self.blobs.folder)?, hasher: Sha256::new() }),
        };
        hashed.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written to it goes on to `inner` and is hashed on the way.
struct Hashed<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(folder: &tempfile::TempDir) -> Blobs {
        Blobs::new(&Home::new(folder.path(), folder.path()))
    }

    fn age(path: &Path) {
        let long_ago = SystemTime::now() - 2 * YOUNG;
        File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }

    fn files(blobs: &Blobs) -> usize {
        WalkDir::new(&blobs.folder).into_iter().filter(|entry| entry.as_ref().unwrap().file_type().is_file()).count()
    }

    #[test]
    fn what_was_put_is_read_under_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(&folder);
        let long = vec![7; 100_000];
        for contents in [&b""[..], b"output\n", &long] {
            let digest = blobs.put(contents).unwrap();
            assert_eq!(digest, Digest(Sha256::digest(contents).into()));
            assert_eq!(blobs.read(&digest).unwrap().as_deref(), Some(contents));
            assert!(blobs.is_whole(&digest).unwrap());
            assert_eq!(blobs.put(contents).unwrap(), digest);
        }
        assert_eq!(files(&blobs), 3);
        let mut to = Vec::new();
        assert!(!blobs.copy(&Digest([1; 32]), &mut to).unwrap());
        assert_eq!(blobs.read(&Digest([1; 32])).unwrap(), None);
        assert_eq!(to, b"");
    }

    #[test]
    fn what_is_written_in_pieces_is_one_blob_and_nothing_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(&folder);
        assert_eq!(blobs.put_written(|to| to.write_all(b"")).unwrap(), None);
        assert!(!blobs.folder.exists());
        blobs.put_written(|to| to.write_all(b"lost").and_then(|()| Err(io::ErrorKind::Other.into()))).unwrap_err();
        assert_eq!(files(&blobs), 0);
        let blob = blobs.put_written(|to| to.write_all(b"one ").and_then(|()| to.write_all(b"two"))).unwrap().unwrap();
        assert_eq!((blob.digest, blob.size), (blobs.put(&b"one two"[..]).unwrap(), 7));
        assert_eq!(blobs.read(&blob.digest).unwrap().as_deref(), Some(&b"one two"[..]));
    }

    #[test]
    fn a_damaged_blob_is_gone_and_nothing_of_it_gets_out() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(&folder);
        let digest = blobs.put(&b"good"[..]).unwrap();
        let path = blobs.path(&digest);
        for bad in [&b"goof"[..], b"goo", b"goody", b""] {
            fs::write(&path, bad).unwrap();
            let mut to = Vec::new();
            assert!(!blobs.copy(&digest, &mut to).unwrap());
            assert_eq!(to, b"");
            assert!(!path.exists());
        }
        fs::write(&path, "goof").unwrap();
        blobs.put(&b"good"[..]).unwrap();
        assert_eq!(blobs.read(&digest).unwrap().unwrap(), b"good");
    }

    #[test]
    fn old_blobs_that_nobody_needs_are_swept_away() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(&folder);
        blobs.sweep(&BTreeSet::new());
        let [needed, old, young, put_again] = ["needed", "old", "young", "put again"].map(|text| {
            let digest = blobs.put(text.as_bytes()).unwrap();
            (text != "young").then(|| age(&blobs.path(&digest)));
            digest
        });
        for name in ["lifecycle/.new-left", "lifecycle/blobs/.new-left", "lifecycle/blobs/other", "outside"] {
            fs::write(folder.path().join(name), "").unwrap();
            age(&folder.path().join(name));
        }
        blobs.put(&b"put again"[..]).unwrap();
        blobs.sweep(&BTreeSet::from([needed]));
        for (digest, stays) in [(needed, true), (old, false), (young, true), (put_again, true)] {
            assert_eq!(blobs.read(&digest).unwrap().is_some(), stays);
        }
        assert_eq!(files(&blobs), 4, "three blobs and a file that is none of ours");
        assert!(!folder.path().join("lifecycle/.new-left").exists());
        assert!(folder.path().join("outside").exists());
    }
}
