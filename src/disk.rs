//! The files as they are, and as they would be if some more lay there: what is laid over the disk is told of as if it were
//! on it. It writes nothing, and does not know who asks.

mod listing;
mod opened;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::model::{Digest, FileStat};
pub use listing::{Entry, Listing};
pub use opened::{look_into, open};

/// How many links are followed on one way; the system stops at as many.
const MAX_LINKS: usize = 40;

/// The file system, with what is laid over it.
#[derive(Debug, Default)]
pub struct Disk {
    over: RwLock<Over>,
    /// Whether anything is laid over it. As long as nothing is, the system is asked and nobody else.
    is_covered: AtomicBool,
}

/// What is laid over, by paths without links.
#[derive(Debug, Default)]
struct Over {
    there: BTreeMap<PathBuf, (Laid, Look)>,
    /// How many were laid so far.
    count: u64,
}

/// Something to be laid over the disk.
#[derive(Clone, Debug)]
pub enum Laid {
    /// A file.
    File {
        /// Another file, which holds what would be in it.
        contents: PathBuf,
        /// The SHA-256 of that.
        digest: Digest,
        /// Its length in bytes.
        size: u64,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symbolic link, with its text.
    Link(PathBuf),
    /// A folder.
    Folder,
}

/// What stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it is.
    pub sort: Sort,
    /// Its metadata. Nothing else has those of what is laid over the disk.
    pub stat: FileStat,
    /// Whether it is a file that its owner may execute, as git tells files apart.
    pub executable: bool,
}

/// The sorts of what can stand somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A fifo, socket or device.
    Special,
}

impl Disk {
    /// What stands at the path: of a link, the link.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn look(&self, path: &Path) -> io::Result<Look> {
        match self.over() {
            None => fs::symlink_metadata(path).map(|metadata| Look::of(&metadata)),
            Some(over) => over.exactly(&over.resolved(path, false)?),
        }
    }

    /// What stands at the path: of a link, that to which it leads.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn look_through(&self, path: &Path) -> io::Result<Look> {
        match self.over() {
            None => fs::metadata(path).map(|metadata| Look::of(&metadata)),
            Some(over) => over.exactly(&over.resolved(path, true)?),
        }
    }

    /// Whether the path leads to a folder.
    pub fn is_folder(&self, path: &Path) -> bool {
        self.look_through(path).is_ok_and(|look| look.sort == Sort::Folder)
    }

    /// The text of a link.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.over() {
            None => fs::read_link(path),
            Some(over) => over.link(&over.resolved(path, false)?),
        }
    }

    /// The path without links.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn real(&self, path: &Path) -> io::Result<PathBuf> {
        match self.over() {
            None => fs::canonicalize(path),
            Some(over) => over.resolved(path, true),
        }
    }

    /// Whether anything is laid over it.
    pub fn is_covered(&self) -> bool {
        self.is_covered.load(Ordering::Acquire)
    }

    /// Where a file can be read that has not been laid over the disk itself, whatever links are.
    pub fn readable(&self, path: PathBuf) -> PathBuf {
        match self.over() {
            None => path,
            Some(over) => over.resolved(&path, true).unwrap_or(path),
        }
    }

    /// What is in a file.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let Some(over) = self.over() else { return fs::read(path) };
        let path = over.resolved(path, true)?;
        match over.there.get(&path) {
            Some((Laid::File { contents, .. }, _)) => fs::read(contents),
            _ => fs::read(path),
        }
    }

    /// What is in a folder, in any order.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn list(&self, path: &Path) -> io::Result<Listing> {
        let Some(over) = self.over() else { return Listing::read(path) };
        let path = over.resolved(path, true)?;
        let mut listing = match Listing::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound && over.there.contains_key(&path) => Listing::none(),
            listing => listing?,
        };
        let below = over.there.range(path.clone()..).take_while(|(below, _)| below.starts_with(&path));
        let inside = below.filter(|(below, _)| below.parent() == Some(&path));
        listing.lay(inside.filter_map(|(inside, (_, look))| Some((inside.file_name()?.to_owned(), *look))).collect());
        Ok(listing)
    }

    /// Takes this for lying there from now on, in the place of what may be there, with the folders that it is in. Answers
    /// by which metadata it will be known.
    ///
    /// # Errors
    /// The way there cannot be looked at.
    pub fn lay(&self, path: &Path, laid: Laid) -> io::Result<FileStat> {
        let mut over = self.over.write().unwrap_or_else(PoisonError::into_inner);
        let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            let real = over.resolved(folder, false)?;
            if over.exactly(&real).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                over.add(real, Laid::Folder);
            }
        }
        let real = over.resolved(path, false)?;
        let look = over.add(real, laid);
        self.is_covered.store(true, Ordering::Release);
        Ok(look.stat)
    }

    fn over(&self) -> Option<RwLockReadGuard<'_, Over>> {
        // Nothing is left half laid by a panic.
        let over = || self.over.read().unwrap_or_else(PoisonError::into_inner);
        self.is_covered.load(Ordering::Acquire).then(over)
    }
}

impl Over {
    fn add(&mut self, path: PathBuf, laid: Laid) -> Look {
        self.count += 1;
        let (sort, size, executable) = match &laid {
            Laid::File { size, executable, .. } => (Sort::File, *size, *executable),
            Laid::Link(text) => (Sort::Link, text.as_os_str().len() as u64, false),
            Laid::Folder => (Sort::Folder, 0, false),
        };
        let stat = FileStat { mtime_ns: i64::MAX, ctime_ns: i64::MAX, size, inode: u64::MAX - self.count };
        let look = Look { sort, stat, executable };
        self.there.insert(path, (laid, look));
        look
    }

    /// What stands at a path in which there are no links but perhaps the last name.
    fn exactly(&self, path: &Path) -> io::Result<Look> {
        match self.there.get(path) {
            Some((_, look)) => Ok(*look),
            None => fs::symlink_metadata(path).map(|metadata| Look::of(&metadata)),
        }
    }

    fn link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.there.get(path) {
            Some((Laid::Link(text), _)) => Ok(text.clone()),
            Some(_) => Err(ErrorKind::InvalidInput.into()),
            None => fs::read_link(path),
        }
    }

    /// The path without links; if not `through`, its last name may be one, and nothing need be there.
    fn resolved(&self, path: &Path, through: bool) -> io::Result<PathBuf> {
        let mut way = PathBuf::new();
        let mut ahead: Vec<PathBuf> = names(path);
        let mut left = MAX_LINKS;
        while let Some(name) = ahead.pop() {
            match name.components().next() {
                Some(Component::ParentDir) => _ = way.pop(),
                Some(Component::CurDir) | None => {}
                Some(Component::Normal(_)) => {
                    let next = way.join(&name);
                    if ahead.is_empty() && !through {
                        return Ok(next);
                    }
                    match self.exactly(&next)?.sort {
                        Sort::Link if left == 0 => return Err(too_many_links()),
                        Sort::Link => {
                            left -= 1;
                            ahead.extend(names(&self.link(&next)?));
                        }
                        Sort::Folder => way = next,
                        Sort::File | Sort::Special if ahead.is_empty() => way = next,
                        Sort::File | Sort::Special => return Err(ErrorKind::NotADirectory.into()),
                    }
                }
                Some(Component::RootDir | Component::Prefix(_)) => way.push(name),
            }
        }
        Ok(way)
    }
}

/// The names of a path, the last one first.
fn names(path: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = path.components().map(|name| PathBuf::from(name.as_os_str())).collect();
    names.reverse();
    names
}

fn too_many_links() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::LOOP.raw_os_error())
}

impl Look {
    fn of(metadata: &Metadata) -> Self {
        let sort = Sort::of(metadata.file_type());
        let executable = sort == Sort::File && is_executable(metadata);
        Self { sort, stat: FileStat::of(metadata), executable }
    }
}

impl Sort {
    fn of(kind: fs::FileType) -> Self {
        if kind.is_dir() {
            Self::Folder
        } else if kind.is_symlink() {
            Self::Link
        } else if kind.is_file() {
            Self::File
        } else {
            Self::Special
        }
    }
}

/// Whether the owner may execute the file.
#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o100 != 0
}

/// Whether the owner may execute the file; where its name tells that, never.
#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}
