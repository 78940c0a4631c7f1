//! One folder as the file system shows it now: which files are in it, and which folders below it a walk goes on to. It
//! does not know in which order, or on which threads, folders are looked at.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::described::describe;
use super::found::Found;
use super::known::{Known, Record, Seen, Sight};
use super::links::{Link, Passage, Skipped, TooManyLinks};
use super::reader::{InFolder, Reader};
use super::rules::Rules;
use super::tracked::{Stamp, Tracked};
use super::{Areas, File, Kind};
use crate::disk::{Entry, Listing, Sort};
use crate::moment::now_ns;

/// A folder to look at.
#[derive(Debug)]
pub struct Folder {
    /// The area its files belong to.
    pub area: usize,
    /// What its files' paths begin with.
    pub relative: PathBuf,
    path: PathBuf,
    /// The rules of the folders above it; `None`: nothing is ignored here, and other areas are not told apart.
    rules: Option<Rules>,
    /// Folders not to be entered, by the paths that they have from here.
    skip: Arc<Skipped>,
    link: Option<Arc<Link>>,
}

impl Folder {
    /// Whether it is that of its area, and nothing but its place decides how it is looked at.
    pub fn is_top(&self) -> bool {
        self.relative.as_os_str().is_empty() && self.link.is_none() && self.rules.is_some()
    }
}

/// What decides about the names in a folder besides what they are, by digests: the rules, and the folders that are not entered.
pub type Grounds = [[u8; 32]; 2];

/// Whether a walk goes on to a folder.
enum Way {
    Open(Folder),
    Ignored,
    /// It is the version control's, or to be skipped, or contains the place where the walk comes from.
    Closed,
    TooManyLinks,
}

/// What earlier walks have found, and who reads what is not as they did.
#[derive(Clone, Copy, Default)]
pub struct Before<'a> {
    pub known: Option<&'a Known>,
    pub reader: Option<&'a dyn Reader>,
}

/// Where it is told what is in a folder.
struct Telling<'t> {
    found: &'t mut Found,
    /// Whether something in the folder is told by what is in the repository's index.
    is_by_index: bool,
    below: &'t mut dyn FnMut(Folder),
    reader: Option<Box<dyn InFolder + 't>>,
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

    /// Whether git tracks the file or link, so that it does not ignore it.
    fn tracks(&self, path: &Path) -> io::Result<bool> {
        self.tracked().map_or(Ok(false), |tracked| tracked.has(path))
    }

    fn tracked(&self) -> Option<&Tracked> {
        self.rules.as_ref().and_then(Rules::tracked)
    }

    /// What tells the index of the repository from others.
    fn index(&self) -> Option<Stamp> {
        self.tracked().map_or(Some(Stamp::default()), Tracked::stamp)
    }

    /// `None` behind a link, and where nothing is ignored: that is looked at each time.
    fn grounds(&self) -> Option<Grounds> {
        let rules = self.rules.as_ref().filter(|_| self.folder.link.is_none())?;
        Some([rules.digest(), self.folder.skip.digest])
    }
}

impl Areas {
    /// The folder of an area that no walk from outside reaches.
    pub fn start(&self, area: usize) -> Folder {
        let path = self.dirs[area].clone();
        let rules = Some(Rules::above(&self.disk, &self.of_user, &path));
        // Where links lead on the way to it is asked once.
        let skip = Arc::clone(self.skips[area].get_or_init(|| self.skip_under(&path)));
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
        let look = self.disk.look(path).ok()?;
        if !self.disk.is_folder(path) {
            return None;
        }
        let rules = folder.rules.as_ref().map(|rules| rules.found_in(&self.disk, &folder.path));
        let relative =
            path.strip_prefix(&folder.path).map_or_else(|_| path.to_owned(), |name| folder.relative.join(name));
        match self.way(&Here { folder, rules }, Place { path, relative: &relative }, look.sort == Sort::Link) {
            Way::Open(below) => Some(below),
            Way::Ignored | Way::Closed | Way::TooManyLinks => None,
        }
    }

    /// Tells of the files in the folder, and hands on the folders below it (some may be of other areas). Of one that is as it
    /// is known to be only that is told.
    pub fn look(&self, folder: &Folder, found: &mut Found, before: Before<'_>, below: &mut dyn FnMut(Folder)) {
        let began = now_ns();
        let entries = match self.disk.list(&folder.path) {
            Ok(entries) => entries,
            Err(error) => {
                found.problem(&folder.path, error);
                return;
            }
        };
        let is_top = entries.iter().any(|entry| entry.name == ".git");
        let has_gitignore =
            |entry: Entry<'_>| entry.name == ".gitignore" && entry.sort().is_ok_and(|sort| sort == Sort::File);
        let has_gitignore = entries.iter().any(has_gitignore);
        let rules = folder.rules.as_ref().map(|rules| rules.within((&self.disk, &folder.path), is_top, has_gitignore));
        let here = Here { folder, rules };
        let grounds = here.grounds();
        // A folder is not looked at twice if it is likely to have changed.
        let known = before.known.filter(|_| !before.reader.is_some_and(|reader| reader.is_changing(folder.area)));
        let same = grounds.as_ref().zip(known).and_then(|(grounds, known)| {
            let place = (folder.area, &*folder.relative);
            Some((known, known.same(place, grounds, || here.index(), &entries)?))
        });
        if let Some((known, place)) = same {
            found.same.push(place);
            for name in known.open(place) {
                let (path, relative) = (folder.path.join(name), folder.relative.join(name));
                below(self.open(&here, Place { path: &path, relative: &relative }, (None, Arc::clone(&folder.skip))));
            }
            return;
        }
        let reader = before.reader.and_then(|reader| reader.in_folder(folder.area, &folder.path));
        let telling = Telling { found, is_by_index: false, below, reader };
        self.look_at_all(&here, &entries, grounds.as_ref().map(|grounds| (grounds, began)), telling);
    }

    fn look_at_all(
        &self,
        here: &Here<'_>,
        entries: &Listing,
        grounds: Option<(&Grounds, i64)>,
        mut telling: Telling<'_>,
    ) {
        let folder = here.folder;
        let mut record = grounds.and_then(|(grounds, _)| Record::new(&folder.relative, grounds));
        let is_settled = |seen: Seen| grounds.is_some_and(|(_, began)| seen.stat.is_settled(began));
        telling.found.files.reserve(entries.count());
        let (mut path, mut relative) = (PathBuf::new(), PathBuf::new());
        for entry in entries.iter() {
            set(&mut path, &folder.path, entry.name);
            set(&mut relative, &folder.relative, entry.name);
            let sight = match self.look_at(here, &entry, Place { path: &path, relative: &relative }, &mut telling) {
                Ok(sight) => sight,
                Err(error) => {
                    telling.found.problem(&path, error);
                    None
                }
            };
            // A file that may be written again and look the same has to be looked into.
            let sight = sight.filter(|sight| !matches!(sight, Sight::File(seen) if !is_settled(*seen)));
            let told = record.take().zip(entry.name.to_str()).zip(sight);
            record = told.and_then(|((record, name), sight)| record.add(name, sight));
        }
        if telling.is_by_index {
            record = record.and_then(|record| record.by_index(here.index()?));
        }
        match record.and_then(Record::finish) {
            Some(record) => telling.found.records.push(record),
            None => telling.found.is_untold = true,
        }
    }

    /// What was seen; `None` if it is nothing that could be known by the name and the metadata.
    fn look_at(
        &self,
        here: &Here<'_>,
        entry: &Entry<'_>,
        place: Place<'_>,
        telling: &mut Telling<'_>,
    ) -> io::Result<Option<Sight>> {
        let Place { path, relative } = place;
        let found = &mut *telling.found;
        let sort = entry.sort()?;
        let is_file = sort == Sort::File;
        if is_version_control(entry.name) {
            let is_folder = sort == Sort::Folder;
            found.closed_dirs.extend(is_folder.then(|| relative.into()));
            return Ok(if is_folder { Some(Sight::ClosedFolder) } else { is_file.then_some(Sight::Nothing) });
        }
        found.links.extend((sort == Sort::Link).then(|| relative.into()));
        if sort == Sort::Folder || (sort == Sort::Link && self.disk.is_folder(path)) {
            let sight = self.look_at_folder(here, sort == Sort::Link, place, telling)?;
            return Ok(sight.filter(|_| sort == Sort::Folder));
        }
        let is_ruled_out = here.ignores(path, false);
        telling.is_by_index |= is_ruled_out;
        let ignored = here.rules.is_none() || (is_ruled_out && !here.tracks(path)?);
        if ignored && here.rules.is_some() && !is_env(entry.name) {
            found.ignored_files.push(relative.into());
            return Ok(is_file.then_some(Sight::IgnoredFile));
        }
        let mut reader = telling.reader.as_deref_mut().filter(|_| is_file);
        let is_due = reader.as_mut().is_some_and(|reader| reader.is_due(entry.name));
        let opened = if is_due { entry.open().ok().filter(|(_, look)| look.sort == Sort::File) } else { None };
        let (opened, look) = opened.map_or_else(|| (None, entry.look()), |(file, look)| (Some(file), Ok(look)));
        let file = match look {
            Ok(look) => describe(&self.disk, (path, relative), look)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(file) = file.map(|file| File { ignored, ..file }) else { return Ok(None) };
        let seen = Seen { stat: file.stat, executable: file.executable, ignored };
        let sight = (is_file && file.kind == Kind::Regular).then_some(Sight::File(seen));
        if let (Some(reader), Some(_)) = (reader, sight) {
            reader.saw(entry.name, &file.stat, opened);
        }
        found.files.push(file);
        Ok(sight)
    }

    fn look_at_folder(
        &self,
        here: &Here<'_>,
        is_link: bool,
        place: Place<'_>,
        telling: &mut Telling<'_>,
    ) -> io::Result<Option<Sight>> {
        let Place { path, relative } = place;
        let found = &mut *telling.found;
        let sight = match self.way(here, place, is_link) {
            Way::Open(folder) => {
                (telling.below)(folder);
                Sight::Open
            }
            Way::Ignored => {
                telling.is_by_index = true;
                found.ignored_dirs.push(relative.into());
                if let Some(tracked) = here.tracked()
                    && self.tell_tracked(tracked, (path, relative), found)?
                {
                    return Ok(None);
                }
                Sight::IgnoredFolder
            }
            Way::Closed if is_link => {
                let (kind, stat) = (Kind::FolderLink(self.disk.link(path)?.into()), self.disk.look(path)?.stat);
                let ignored = here.rules.is_none();
                found.files.push(File { path: relative.into(), stat, kind, executable: false, ignored });
                Sight::ClosedFolder
            }
            Way::Closed => {
                found.closed_dirs.push(relative.into());
                Sight::ClosedFolder
            }
            Way::TooManyLinks => return Err(io::Error::other("too many links to folders on the way")),
        };
        Ok(Some(sight))
    }

    fn way(&self, here: &Here<'_>, place: Place<'_>, is_link: bool) -> Way {
        let (folder, path) = (here.folder, place.path);
        if path.file_name().is_some_and(is_version_control) || folder.skip.folders.iter().any(|skip| skip == path) {
            return Way::Closed;
        }
        // To git a link is a file, so that a rule for folders alone does not match it.
        if here.ignores(path, !is_link) && !(is_link && here.tracks(path).unwrap_or(true)) {
            return Way::Ignored;
        }
        let (link, skip) = if is_link {
            match self.through((&folder.path, folder.link.as_ref()), path) {
                Ok(Some(passage)) => passage,
                Ok(None) => return Way::Closed,
                Err(TooManyLinks) => return Way::TooManyLinks,
            }
        } else {
            (folder.link.clone(), Arc::clone(&folder.skip))
        };
        Way::Open(self.open(here, place, (link, skip)))
    }

    /// The folder in this place, which the walk goes on to.
    fn open(&self, here: &Here<'_>, Place { path, relative }: Place<'_>, (link, skip): Passage) -> Folder {
        let inner = here.rules.as_ref().and_then(|_| self.by_dir.get(path).copied());
        let relative = if inner.is_some() { PathBuf::new() } else { relative.to_owned() };
        let (area, path, rules) = (inner.unwrap_or(here.folder.area), path.to_owned(), here.rules.clone());
        Folder { area, relative, path, rules, skip, link }
    }
}

/// Makes a path that of what has this name in a folder. To take off the name that it had last would be to look for where
/// that begins.
fn set(path: &mut PathBuf, folder: &Path, name: &OsStr) {
    path.clear();
    path.push(folder);
    path.push(name);
}

pub fn is_version_control(name: &OsStr) -> bool {
    matches!(name.as_encoded_bytes(), b".git" | b".hg" | b".jj" | b".svn")
}

fn is_env(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".env")
}
