//! The folder `<target-directory>/lifecycle`: where the files that outlive a run are, who may write them, and what
//! happens to one that cannot be understood. It knows nothing of what is in them.

mod claim;

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::atomic;
use crate::model::{Digest, FileStat};
use crate::target_dir;

pub use claim::Claim;

/// How often folders are made again that vanish at once.
const TRIES: u32 = 100;

/// Where everything is kept for one workspace: paths alone, nothing is touched until something is read or locked.
#[derive(Clone, Debug)]
pub struct Home {
    target: PathBuf,
    root: PathBuf,
    shared: PathBuf,
    own: PathBuf,
}

impl Home {
    /// The home of the workspace at `root` whose target directory is `target`; both absolute.
    #[must_use]
    pub fn new(target: &Path, root: &Path) -> Self {
        let shared = target.join("lifecycle");
        let own = shared.join(short(root.as_os_str().as_encoded_bytes()));
        Self { target: target.to_owned(), root: root.to_owned(), shared, own }
    }

    /// The workspace root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of what all workspaces with this target directory share.
    #[must_use]
    pub fn shared(&self) -> &Path {
        &self.shared
    }

    /// The folder of what belongs to this workspace root alone.
    #[must_use]
    pub fn own(&self) -> &Path {
        &self.own
    }

    /// Why nothing can be kept here, nor has been, if that is plain without trying: something else than a folder is on
    /// the way to it, or it may not be entered.
    #[must_use]
    pub fn obstacle(&self) -> Option<io::Error> {
        let folders = [&self.shared, &self.own];
        let errors = folders.into_iter().filter_map(|folder| fs::symlink_metadata(folder.join("any")).err());
        errors.into_iter().find(|error| error.kind() != io::ErrorKind::NotFound)
    }

    /// Waits for the right to write and takes it. Makes the folders, and tags the target directory as a cache if it
    /// was not there.
    ///
    /// # Errors
    /// Whatever the file system says, such as that it is read-only or full.
    pub fn lock(&self) -> io::Result<Guard> {
        let mut tries = 0..TRIES;
        loop {
            let file = match self.make_folders().and_then(|()| self.open_lock()) {
                // Another run removed the folder after we made it.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries.next().is_some() => continue,
                file => file?,
            };
            file.lock()?;
            if self.is_lock(&file) {
                return Ok(Guard { _lock: file, written: Vec::new(), warnings: Vec::new() });
            }
        }
    }

    /// Reads a kept file without the lock, which is safe because files are replaced by renaming. One that cannot be
    /// understood is set aside, unless another run is writing just now (which will do so itself).
    ///
    /// Returns the empty value, and perhaps a warning, when there is nothing to be had.
    pub fn read<T: Default>(&self, kept: &Kept<'_, T>) -> (T, Option<String>) {
        match kept.read() {
            Ok(value) => (value, None),
            Err(damage) => match self.try_lock() {
                Some(mut guard) => (guard.read(kept), guard.warnings.pop()),
                None => (T::default(), Some(kept.warning(&damage))),
            },
        }
    }

    fn try_lock(&self) -> Option<Guard> {
        let file = self.open_lock().ok()?;
        file.try_lock().ok()?;
        self.is_lock(&file).then(|| Guard { _lock: file, written: Vec::new(), warnings: Vec::new() })
    }

    /// The file whose lock is the right to write.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.shared.join("lock")
    }

    fn open_lock(&self) -> io::Result<File> {
        File::options().create(true).truncate(false).read(true).write(true).open(self.lock_path())
    }

    /// Whether `file` is still what the path names: `cargo clean` may have removed it while we waited, and then the
    /// next run locks another one.
    fn is_lock(&self, file: &File) -> bool {
        is_at(file, &self.lock_path())
    }

    /// Makes the folders, and tags the target directory as a cache if it was not there.
    ///
    /// # Errors
    /// Whatever the file system says, such as that it is read-only or full.
    pub fn make_folders(&self) -> io::Result<()> {
        undisturbed(|| target_dir::make(&self.target).and_then(|()| fs::create_dir_all(&self.own)))
    }
}

/// Does what another run disturbs when it removes a folder after we made it, or after we found it there: then once more.
///
/// # Errors
/// Those of what is done.
pub fn undisturbed<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let is_of_removal =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists);
    let mut tries = 0..TRIES;
    loop {
        match act() {
            Err(error) if is_of_removal(&error) && tries.next().is_some() => {}
            done => return done,
        }
    }
}

/// Whether `file` is what the path names.
pub fn is_at(file: &File, path: &Path) -> bool {
    let inode = |metadata: io::Result<fs::Metadata>| metadata.map(|metadata| FileStat::of(&metadata).inode).ok();
    let ours = inode(file.metadata());
    ours.is_some() && ours == inode(fs::metadata(path))
}

/// A name for a file or folder that stands for a longer one.
fn short(name: &[u8]) -> String {
    let mut digest = Digest(Sha256::digest(name).into()).to_string();
    digest.truncate(16);
    digest
}

/// One kept file: where it is, what it is good for and how it is understood.
pub struct Kept<'a, T> {
    /// Where it is.
    pub path: PathBuf,
    /// What the run does without when it cannot be understood: “starts without …”.
    pub without: &'static str,
    /// What its bytes mean.
    pub parse: &'a dyn Fn(Vec<u8>) -> Result<T, Damage>,
}

/// Why a kept file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Something else altogether stands in its place.
    #[error("is not a file of cargo lifecycle's")]
    Foreign,
    /// Another version of this program wrote it.
    #[error("has format {0}, which this version does not read")]
    Version(u32),
    /// It is cut off or was changed.
    #[error("is damaged")]
    Torn,
    /// The file system does not give it to us. Such a file stays where it is: it may be all right.
    #[error("cannot be read ({0})")]
    Unreadable(io::Error),
}

impl<T: Default> Kept<'_, T> {
    fn read(&self) -> Result<T, Damage> {
        match atomic::read(&self.path) {
            Ok(bytes) => (self.parse)(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
            Err(_) if atomic::is_other(&self.path) => Err(Damage::Foreign),
            Err(error) => Err(Damage::Unreadable(error)),
        }
    }

    fn warning(&self, damage: &Damage) -> String {
        format!("{} {damage}: starts without {}", self.path.display(), self.without)
    }
}

/// The right to write in a [`Home`], until it is dropped or the process dies. It keeps account of what was written.
#[derive(Debug)]
pub struct Guard {
    _lock: File,
    /// What was written.
    written: Vec<File>,
    warnings: Vec<String>,
}

impl Guard {
    /// Reads a kept file as it is now. One that cannot be understood is set aside, and a warning is noted.
    pub fn read<T: Default>(&mut self, kept: &Kept<'_, T>) -> T {
        let damage = match kept.read() {
            Ok(value) => return value,
            Err(damage) => damage,
        };
        let aside = match damage {
            Damage::Unreadable(_) => None,
            _ => atomic::set_aside(&kept.path).ok(),
        };
        let aside = aside.map_or_else(String::new, |aside| format!("; it is now {}", aside.display()));
        self.warnings.push(kept.warning(&damage) + &aside);
        T::default()
    }

    /// Puts `contents` at `path`, unless that is what stands there.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn replace(&mut self, path: &Path, contents: &[u8]) -> io::Result<()> {
        if atomic::read(path).is_ok_and(|old| old == contents) {
            return Ok(());
        }
        self.written.push(atomic::put(path, contents)?);
        Ok(())
    }

    /// Adds `tail` to the file at `path` after its first `keep` bytes; what stood beyond them goes.
    ///
    /// # Errors
    /// Whatever the file system says. Part of `tail` may then stand there.
    pub fn append(&mut self, path: &Path, keep: u64, tail: &[u8]) -> io::Result<()> {
        let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
        file.set_len(keep)?;
        file.seek(SeekFrom::Start(keep))?;
        file.write_all(tail)?;
        self.written.push(file);
        Ok(())
    }

    /// Syncs what was written so far, all of it at the same time, so that a disk need not be waited for once for each.
    ///
    /// # Errors
    /// A file could not be synced.
    pub fn sync(&self) -> io::Result<()> {
        let sync = |file: &File| file.sync_data();
        thread::scope(|scope| {
            let syncing: Vec<_> = self.written.iter().map(|file| scope.spawn(move || sync(file))).collect();
            let ended = syncing.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())));
            ended.collect()
        })
    }

    /// Gives up the right to write: how many files were written, and the warnings.
    #[must_use]
    pub fn finish(self) -> (usize, Vec<String>) {
        (self.written.len(), self.warnings)
    }
}

/// Reads a file that cannot be understood until it has been set aside, and answers what was told then. A child that another
/// test is just starting holds a copy of the lock until it executes its program.
#[cfg(test)]
pub fn until_set_aside<T>(path: &Path, read: impl Fn() -> T) -> T {
    let mut told = read();
    for _ in (0..10_000).take_while(|_| path.exists()) {
        thread::sleep(std::time::Duration::from_millis(1));
        told = read();
    }
    assert!(!path.exists());
    told
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn what_is_disturbed_is_done_again_but_not_for_ever() {
        let done_after = |disturbances: u32, kind: io::ErrorKind| {
            let mut done = 0..disturbances;
            undisturbed(|| done.next().map_or(Ok(()), |_| Err(kind.into()))).map_err(|error| error.kind())
        };
        assert_eq!(done_after(3, io::ErrorKind::AlreadyExists), Ok(()));
        assert_eq!(done_after(3, io::ErrorKind::NotFound), Ok(()));
        assert_eq!(done_after(1000, io::ErrorKind::AlreadyExists), Err(io::ErrorKind::AlreadyExists));
        assert_eq!(done_after(1, io::ErrorKind::StorageFull), Err(io::ErrorKind::StorageFull));
    }

    #[test]
    fn a_target_directory_of_our_making_is_tagged_and_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let ours = folder.path().join("new/target");
        drop(Home::new(&ours, folder.path()).lock().unwrap());
        assert!(ours.join("CACHEDIR.TAG").exists());

        let theirs = folder.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        drop(Home::new(&theirs, folder.path()).lock().unwrap());
        assert!(!theirs.join("CACHEDIR.TAG").exists());
    }

    #[test]
    fn roots_have_folders_of_their_own() {
        let [one, two] = ["/a", "/b"].map(|root| Home::new(Path::new("/t"), Path::new(root)));
        assert_ne!(one.own(), two.own());
        assert_eq!(one.shared(), two.shared());
        assert_eq!(one.own().file_name().unwrap().len(), 16);
    }

    #[test]
    fn one_writer_at_a_time_and_a_removed_lock_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        let first = home.lock().unwrap();
        assert!(home.try_lock().is_none());
        fs::remove_dir_all(home.shared()).unwrap();
        let second = home.lock().unwrap();
        assert!(home.is_lock(&second._lock));
        assert!(!home.is_lock(&first._lock));
        drop(second);
        assert!(home.try_lock().is_some());
    }

    #[test]
    fn who_removes_the_folders_again_and_again_keeps_nobody_from_making_them() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    _ = fs::remove_dir_all(home.shared());
                }
            });
            let locked: Vec<io::Result<()>> = (0..2000).map(|_| home.lock().map(drop)).collect();
            is_over.store(true, Ordering::Relaxed);
            assert!(locked.iter().all(Result::is_ok), "{:?}", locked.iter().find(|locked| locked.is_err()));
        });
    }

    #[test]
    fn a_target_directory_that_cannot_be_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Home::new(&file.join("target"), folder.path()).lock().is_err());
        assert!(Home::new(&file, folder.path()).lock().is_err());
    }

    #[test]
    fn what_cannot_be_understood_is_set_aside_only_by_who_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        let guard = home.lock().unwrap();
        let path = home.shared().join("thing");
        fs::write(&path, "x").unwrap();
        let parse = |_: Vec<u8>| Err::<(), _>(Damage::Torn);
        let kept = Kept { path: path.clone(), without: "things", parse: &parse };

        let ((), warning) = home.read(&kept);
        assert_eq!(warning.unwrap(), format!("{} is damaged: starts without things", path.display()));
        assert!(path.exists());

        drop(guard);
        let ((), warning) = until_set_aside(&path, || home.read(&kept));
        assert_eq!(
            warning.unwrap(),
            format!("{0} is damaged: starts without things; it is now {0}.damaged", path.display())
        );
        assert_eq!(home.read(&kept), ((), None));
    }
}
