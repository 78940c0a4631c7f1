//! One folder as the file system shows it now: which files are in it, and which folders below it a walk goes on to. It
//! does not know in which order, or on which threads, folders are looked at.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::rules::Rules;
use super::{Areas, File, Kind, Problem};
use crate::model::FileStat;

/// What was found of one area.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<File>,
    pub ignored_files: Vec<Arc<Path>>,
    pub ignored_dirs: Vec<Arc<Path>>,
    pub problems: Vec<Problem>,
}

impl Found {
    pub fn append(&mut self, mut other: Self) {
        self.files.append(&mut other.files);
        self.ignored_files.append(&mut other.ignored_files);
        self.ignored_dirs.append(&mut other.ignored_dirs);
        self.problems.append(&mut other.problems);
    }

    pub fn problem(&mut self, path: &Path, error: io::Error) {
        self.problems.push(Problem { path: path.to_owned(), error: Arc::new(error) });
    }
}

/// A folder to look at.
pub struct Folder {
    /// The area its files belong to.
    pub area: usize,
    /// What its files' paths begin with.
    pub relative: PathBuf,
    path: PathBuf,
    /// The rules of the folders above it; `None`: nothing is ignored here, and other areas are not told apart.
    rules: Option<Rules>,
    /// Folders not to be entered, by the paths that they have from here.
    skip: Arc<[PathBuf]>,
    link: Option<Arc<Link>>,
}

/// A link to a folder through which the walk came.
struct Link {
    /// The folder that the link is in, without links.
    from: PathBuf,
    outer: Option<Arc<Link>>,
}

/// How many links to folders a path may go through. Folders full of links to each other have more paths than can be
/// walked; two or three are already unusual.
const MAX_LINKS: usize = 4;

/// Whether a walk goes on to a folder.
enum Way {
    Open(Folder),
    Ignored,
    /// It is the version control's, or to be skipped, or contains the place where the walk comes from.
    Closed,
    TooManyLinks,
}

/// Where something is: absolute, and as its area sees it.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a Path,
    relative: &'a Path,
}

/// A folder with the rules that hold in it.
struct Here<'a> {
    folder: &'a Folder,
    rules: Option<Rules>,
}

impl Here<'_> {
    fn ignores(&self, path: &Path, is_dir: bool) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.ignore(path, is_dir))
    }
}

impl Areas {
    /// The folder of an area that no walk from outside reaches.
    pub fn start(&self, area: usize) -> Folder {
        let path = self.dirs[area].clone();
        let (rules, skip) = (Some(Rules::above(&path)), self.skip_under(&path));
        Folder { area, relative: PathBuf::new(), path, rules, skip, link: None }
    }

    /// An ignored folder, to be looked at in spite of that; its files are called `relative` and what follows.
    pub fn start_ignored(&self, path: &Path, relative: &Path, area: usize) -> Folder {
        let (path, relative) = (path.to_owned(), relative.to_owned());
        let skip = self.skip_under(&path);
        Folder { area, relative, path, rules: None, skip, link: None }
    }

    /// The folder at `path`, if a walk that looks at `folder`, in which it is, goes on to it.
    pub fn descend(&self, folder: &Folder, path: &Path) -> Option<Folder> {
        let metadata = fs::symlink_metadata(path).ok()?;
        if !fs::metadata(path).ok()?.is_dir() {
            return None;
        }
        let rules = folder.rules.as_ref().map(|rules| rules.found_in(&folder.path));
        let relative =
            path.strip_prefix(&folder.path).map_or_else(|_| path.to_owned(), |name| folder.relative.join(name));
        match self.way(&Here { folder, rules }, Place { path, relative: &relative }, metadata.is_symlink()) {
            Way::Open(below) => Some(below),
            Way::Ignored | Way::Closed | Way::TooManyLinks => None,
        }
    }

    /// Tells of the files in the folder, and returns the folders below it (some may be of other areas).
    pub fn look(&self, folder: &Folder, found: &mut Found) -> Vec<Folder> {
        let entries = match list(&folder.path) {
            Ok(entries) => entries,
            Err(error) => {
                found.problem(&folder.path, error);
                return Vec::new();
            }
        };
        let is_top = entries.iter().any(|(name, _)| name == ".git");
        let has_gitignore = |(name, entry): &(_, DirEntry)| {
            *name == *".gitignore" && entry.file_type().is_ok_and(|kind| kind.is_file())
        };
        let has_gitignore = entries.iter().any(has_gitignore);
        let rules = folder.rules.as_ref().map(|rules| rules.within(&folder.path, is_top, has_gitignore));
        let here = Here { folder, rules };

        let mut below = Vec::new();
        let (mut path, mut relative) = (folder.path.clone(), folder.relative.clone());
        for (name, entry) in entries {
            path.push(&name);
            relative.push(&name);
            match self.look_at(&here, &entry, Place { path: &path, relative: &relative }, found) {
                Ok(next) => below.extend(next),
                Err(error) => found.problem(&path, error),
            }
            path.pop();
            relative.pop();
        }
        below
    }

    fn look_at(
        &self,
        here: &Here<'_>,
        entry: &DirEntry,
        place: Place<'_>,
        found: &mut Found,
    ) -> io::Result<Option<Folder>> {
        let Place { path, relative } = place;
        let kind = entry.file_type()?;
        if is_version_control(path) {
            return Ok(None);
        }
        if kind.is_dir() || (kind.is_symlink() && path.is_dir()) {
            return self.look_at_folder(here, kind.is_symlink(), place, found);
        }
        let ignored = here.rules.is_none() || here.ignores(path, false);
        if ignored && here.rules.is_some() && !is_env(path) {
            found.ignored_files.push(relative.into());
            return Ok(None);
        }
        let file = match entry.metadata() {
            Ok(metadata) => describe(path, relative, &metadata)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        found.files.extend(file.map(|file| File { ignored, ..file }));
        Ok(None)
    }

    fn look_at_folder(
        &self,
        here: &Here<'_>,
        is_link: bool,
        place: Place<'_>,
        found: &mut Found,
    ) -> io::Result<Option<Folder>> {
        let Place { path, relative } = place;
        match self.way(here, place, is_link) {
            Way::Open(folder) => return Ok(Some(folder)),
            Way::Ignored => found.ignored_dirs.push(relative.into()),
            Way::Closed if is_link => {
                let (kind, stat) = (Kind::FolderLink(text_of(path)?), FileStat::of(&fs::symlink_metadata(path)?));
                let ignored = here.rules.is_none();
                found.files.push(File { path: relative.into(), stat, kind, executable: false, ignored });
            }
            Way::Closed => {}
            Way::TooManyLinks => return Err(io::Error::other("too many links to folders on the way")),
        }
        Ok(None)
    }

    fn way(&self, here: &Here<'_>, place: Place<'_>, is_link: bool) -> Way {
        let (folder, path) = (here.folder, place.path);
        if is_version_control(path) || folder.skip.iter().any(|skip| skip == path) {
            return Way::Closed;
        }
        // To git a link is a file, so that a rule for folders alone does not match it.
        if here.ignores(path, !is_link) {
            return Way::Ignored;
        }
        let (link, skip) = if is_link {
            match self.through(folder, path) {
                Ok(Some(passage)) => passage,
                Ok(None) => return Way::Closed,
                Err(TooManyLinks) => return Way::TooManyLinks,
            }
        } else {
            (folder.link.clone(), Arc::clone(&folder.skip))
        };
        let inner = here.rules.as_ref().and_then(|_| self.by_dir.get(path).copied());
        let relative = if inner.is_some() { PathBuf::new() } else { place.relative.to_owned() };
        let (area, path, rules) = (inner.unwrap_or(folder.area), path.to_owned(), here.rules.clone());
        Way::Open(Folder { area, relative, path, rules, skip, link })
    }

    /// What holds behind the link to a folder at `path`; `None` when it leads to a folder that the walk is in (the real
    /// paths are compared, so that it does not matter through how many links it came), or into a skipped one.
    fn through(&self, folder: &Folder, path: &Path) -> Result<Option<Passage>, TooManyLinks> {
        let (Ok(from), Ok(to)) = (fs::canonicalize(&folder.path), fs::canonicalize(path)) else { return Ok(None) };
        let outer = || std::iter::successors(folder.link.as_ref(), |link| link.outer.as_ref());
        let closes_loop = from.starts_with(&to) || outer().any(|link| link.from.starts_with(&to));
        let mut skipped = self.skip.iter().filter_map(|skip| fs::canonicalize(skip).ok());
        if closes_loop || skipped.any(|skip| to.starts_with(skip)) {
            return Ok(None);
        }
        if outer().count() == MAX_LINKS {
            return Err(TooManyLinks);
        }
        let link = Link { from, outer: folder.link.clone() };
        Ok(Some((Some(Arc::new(link)), self.skip_under(path))))
    }

    /// The folders to be skipped, by the paths that they have when one enters `path`: this may be a link, or lie behind
    /// one.
    fn skip_under(&self, path: &Path) -> Arc<[PathBuf]> {
        let real = fs::canonicalize(path).ok();
        let seen_from_here = self.skip.iter().filter_map(|skip| {
            let skip = fs::canonicalize(skip).ok()?;
            Some(path.join(skip.strip_prefix(real.as_ref()?).ok()?))
        });
        self.skip.iter().cloned().chain(seen_from_here).filter(|skip| skip != path).collect()
    }
}

type Passage = (Option<Arc<Link>>, Arc<[PathBuf]>);

struct TooManyLinks;

fn list(path: &Path) -> io::Result<Vec<(OsString, DirEntry)>> {
    fs::read_dir(path)?.map(|entry| entry.map(|entry| (entry.file_name(), entry))).collect()
}

/// The file at `path`; `metadata` is that of a link itself. `None` when it has vanished meanwhile.
///
/// # Errors
/// What a link leads to cannot be looked at.
pub fn describe(path: &Path, relative: &Path, metadata: &Metadata) -> io::Result<Option<File>> {
    let with = |kind, metadata: &Metadata| {
        let executable = metadata.is_file() && is_executable(metadata);
        Some(File { path: relative.into(), stat: FileStat::of(metadata), kind, executable, ignored: false })
    };
    if metadata.is_file() {
        return Ok(with(Kind::Regular, metadata));
    }
    if !metadata.is_symlink() {
        return Ok(with(Kind::Special, metadata));
    }
    let text = match text_of(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    match fs::metadata(path) {
        Ok(target) if target.is_file() => Ok(with(Kind::Link(text), &target)),
        Ok(target) if target.is_dir() => Ok(with(Kind::FolderLink(text), metadata)),
        Ok(_) => Ok(with(Kind::Special, metadata)),
        Err(error) if leads_nowhere(&error) => Ok(with(Kind::BrokenLink(text), metadata)),
        Err(error) => Err(error),
    }
}

/// Whether the owner may execute the file.
#[cfg(unix)]
pub fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    metadata.mode() & 0o100 != 0
}

/// Whether the owner may execute the file; where its name tells that, never.
#[cfg(not(unix))]
pub fn is_executable(_: &Metadata) -> bool {
    false
}

fn text_of(link: &Path) -> io::Result<Arc<Path>> {
    fs::read_link(link).map(Arc::from)
}

fn leads_nowhere(error: &io::Error) -> bool {
    let a_loop = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    a_loop || matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_version_control(path: &Path) -> bool {
    let name = path.file_name().map_or(&b""[..], OsStr::as_encoded_bytes);
    matches!(name, b".git" | b".hg" | b".jj" | b".svn")
}

fn is_env(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".env"))
}
