//! Finds the files that are a step's inputs: all that git would not ignore, and those that globs name. It does not know
//! what is in them, nor what a member or a step is.

mod described;
mod folder;
mod found;
mod git_index;
mod guess;
mod known;
mod links;
mod pattern;
mod reader;
mod rules;
#[cfg(test)]
mod tests;
mod tracked;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::ops::Deref;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::Scope;
use rayon::prelude::*;

use crate::disk::Disk;
use crate::model::FileStat;
use folder::{Before, Folder};
use found::Found;
use known::{Telling, encode};
use links::Skipped;
use rules::OfUser;

pub use guess::guess;
pub use known::Known;
#[expect(unused_imports, reason = "the rooms that use it are being built")]
pub use pattern::{CLOSED, Globs, PatternError, Patterns, Place, Selection};
pub use reader::{InFolder, Reader};
pub use tracked::is_tracked;

/// The folders whose files are looked for. A file belongs to the innermost area that contains it.
pub struct Areas {
    dirs: Vec<PathBuf>,
    /// The first area of each folder.
    by_dir: HashMap<PathBuf, usize>,
    /// For each area, the first one of the same folder.
    firsts: Vec<usize>,
    /// The places in `dirs` in the order of the paths, so that what lies under a folder is one range.
    sorted: Vec<usize>,
    skip: Vec<PathBuf>,
    /// For each area that a look has begun at, what is not entered from there.
    skips: Vec<OnceLock<Arc<Skipped>>>,
    of_user: OfUser,
    /// Where they lie.
    pub disk: Disk,
}

/// The files of all areas, in the areas' order. Areas of the same folder share theirs.
#[derive(Default)]
pub struct Tree {
    /// One for each area.
    pub areas: Vec<Arc<Area>>,
    /// The places of those in which there are links; of what is as it was known there are none.
    pub linked: BTreeSet<usize>,
    /// How many looks have begun since the walk.
    begun: usize,
    /// Which of them tells of the area.
    looks: HashMap<usize, usize>,
}

/// The files of one area, which are not told one by one as long as nobody asks and all are as they were.
#[derive(Debug)]
pub struct Area {
    same: Option<(Arc<Known>, usize)>,
    told: OnceLock<AreaFiles>,
    /// Its folder, as the walk came to it.
    top: Option<Arc<Folder>>,
}

/// When a look at an area began, among all that did.
#[derive(Clone, Copy, Debug)]
pub struct Moment(usize);

/// The files of one area. All paths but the problems' are relative to it; each list is in the order of the paths' bytes.
#[derive(Debug, Default)]
pub struct AreaFiles {
    /// Every file that git would not ignore, and `.env*`.
    pub files: Vec<File>,
    /// Files that git ignores, in folders that it does not; only their names were looked at.
    pub ignored_files: Vec<Arc<Path>>,
    /// Folders that git ignores, which were not entered.
    pub ignored_dirs: Vec<Arc<Path>>,
    /// The target directory and the version control's folders, which are entered for globs alone that begin inside of them.
    pub closed_dirs: Vec<Arc<Path>>,
    /// What could not be looked at.
    pub problems: Vec<Problem>,
    /// Every symbolic link that was seen, in any order.
    pub links: Vec<Arc<Path>>,
    /// Where they lead, once somebody has asked.
    pub led_to: OnceLock<Vec<PathBuf>>,
    /// What a walk has to know to see that all is as it was; none if there is something that cannot be known.
    records: Vec<Vec<u8>>,
}

/// A file, or what else stands in a folder in the place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path, relative to the folder it was looked for in.
    pub path: Arc<Path>,
    /// Its metadata: of what a [`Kind::Link`] leads to, else of itself.
    pub stat: FileStat,
    /// What it is.
    pub kind: Kind,
    /// Whether its owner may execute it, as git tells files apart.
    pub executable: bool,
    /// Whether git ignores it.
    pub ignored: bool,
}

/// What stands in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A symbolic link, with its text, to a regular file.
    Link(Arc<Path>),
    /// A symbolic link, with its text, that leads nowhere.
    BrokenLink(Arc<Path>),
    /// A symbolic link, with its text, to a folder that is not walked through: it contains the link, or is to be
    /// skipped. (Of the others the files are told.)
    FolderLink(Arc<Path>),
    /// A fifo, socket or device; never opened.
    Special,
}

/// Something that could not be looked at.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its path; absolute.
    pub path: PathBuf,
    /// Why not.
    pub error: Arc<io::Error>,
}

impl File {
    /// The bytes of its path, with `/`: what a key covers.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        if MAIN_SEPARATOR == '/' {
            return Cow::Borrowed(bytes(&self.path));
        }
        let with_slash = |byte: &u8| if *byte == MAIN_SEPARATOR as u8 { b'/' } else { *byte };
        Cow::Owned(bytes(&self.path).iter().map(with_slash).collect())
    }
}

impl Tree {
    /// Begins another look at some areas.
    pub fn begin(&mut self) -> Moment {
        self.begun += 1;
        Moment(self.begun)
    }

    /// Takes what was found of an area, and says so; not if a look that began later has told of it meanwhile, since that one
    /// has seen what came after this.
    pub fn take(&mut self, area: usize, found: Area, Moment(moment): Moment) -> bool {
        let known = self.looks.entry(area).or_default();
        let is_newer = *known < moment;
        if let (true, Some(files)) = (is_newer, self.areas.get_mut(area)) {
            if found.has_links() {
                self.linked.insert(area)
            } else {
                self.linked.remove(&area)
            };
            (*known, *files) = (moment, Arc::new(found));
        }
        is_newer
    }

    /// The places of the areas of which anything is not as it was known to be.
    pub fn changed(&self) -> impl Iterator<Item = usize> {
        self.areas.iter().enumerate().filter(|(_, area)| !area.is_known()).map(|(place, _)| place)
    }

    /// All that was found, for [`Known::parse`].
    pub fn encode(&self) -> Vec<u8> {
        encode(self.areas.iter().map(|area| match &area.same {
            Some((known, place)) => Telling::Same(known, *place),
            None => Telling::New(&area.records),
        }))
    }
}

impl Area {
    /// Whether all of it is as it was known to be.
    pub fn is_known(&self) -> bool {
        self.same.is_some()
    }

    /// Whether a symbolic link was seen in it.
    fn has_links(&self) -> bool {
        !self.is_known() && !self.links.is_empty()
    }

    /// Whether there is a file at this path that git would not ignore.
    pub fn has(&self, path: &Path) -> bool {
        match &self.same {
            Some((known, area)) if self.told.get().is_none() => known.has(*area, path),
            _ => self.files.binary_search_by(|file| bytes(&file.path).cmp(bytes(path))).is_ok(),
        }
    }
}

impl Deref for Area {
    type Target = AreaFiles;

    fn deref(&self) -> &AreaFiles {
        let tell = || self.same.as_ref().map_or_else(AreaFiles::default, |(known, area)| known.area(*area).into());
        self.told.get_or_init(tell)
    }
}

impl From<AreaFiles> for Area {
    fn from(files: AreaFiles) -> Self {
        Self { same: None, told: files.into(), top: None }
    }
}

impl Areas {
    /// The areas of these folders; `skip` (the target directory) is never entered. All paths are absolute, without `..`.
    pub fn new(dirs: Vec<PathBuf>, skip: Vec<PathBuf>) -> Self {
        let mut sorted: Vec<usize> = (0..dirs.len()).collect();
        sorted.sort_by_key(|area| &dirs[*area]);
        let by_dir: HashMap<PathBuf, usize> =
            dirs.iter().cloned().enumerate().rev().map(|(area, dir)| (dir, area)).collect();
        // Nearly always each has a folder of its own.
        let are_apart = by_dir.len() == dirs.len();
        let firsts = dirs.iter().enumerate().map(|(area, dir)| if are_apart { area } else { by_dir[dir] }).collect();
        let skips = dirs.iter().map(|_| OnceLock::new()).collect();
        let (of_user, disk) = (OfUser::default(), Disk::default());
        Self { dirs, by_dir, firsts, sorted, skip, skips, of_user, disk }
    }

    /// The folders of the areas.
    pub fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// The folders of the areas, and those that are never entered.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        // What belongs to which is told by an empty one in between.
        let all = self.dirs.iter().map(PathBuf::as_path).chain([Path::new("")]);
        all.chain(self.skip.iter().map(PathBuf::as_path))
    }

    /// The folder of an area.
    pub fn dir(&self, area: usize) -> &Path {
        &self.dirs[area]
    }

    /// Whether the folder is that of an area.
    pub fn is_area(&self, dir: &Path) -> bool {
        self.by_dir.contains_key(dir)
    }

    /// The areas in a folder, and that of the folder itself.
    pub fn within<'a>(&'a self, dir: &'a Path) -> impl Iterator<Item = usize> + 'a {
        let begin = self.sorted.partition_point(|area| *self.dirs[*area] < *dir);
        self.sorted.iter().skip(begin).copied().take_while(move |area| self.dirs[*area].starts_with(dir))
    }

    /// Looks at all areas in parallel, at each folder once. `known`: what an earlier walk of the same areas has found.
    pub fn walk(&self, known: &Arc<Known>, reader: Option<&dyn Reader>) -> Tree {
        let before = Before { known: Some(known), reader };
        let found: Vec<Mutex<Option<Found>>> = self.dirs.iter().map(|_| Mutex::default()).collect();
        loop {
            // In the first round these are the outermost areas; then those in folders that are ignored or skipped.
            let starts = self.outermost(|area| lock(&found[area]).is_none());
            if starts.is_empty() {
                break;
            }
            rayon::scope(|scope| {
                for area in starts {
                    let folder = self.start(area);
                    scope.spawn(|scope| self.spread(scope, folder, (&found, before)));
                }
            });
        }
        let areas = found.into_par_iter().enumerate().map(|(area, found)| {
            let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
            Arc::new(told(known, area, found.unwrap_or_default()))
        });
        let areas: Vec<Arc<Area>> = areas.collect();
        let areas: Vec<Arc<Area>> = self.firsts.iter().map(|first| Arc::clone(&areas[*first])).collect();
        let linked = (0..areas.len()).filter(|area| areas[*area].has_links()).collect();
        Tree { areas, linked, ..Tree::default() }
    }

    fn spread<'s>(
        &'s self,
        scope: &Scope<'s>,
        folder: Folder,
        (found, before): (&'s [Mutex<Option<Found>>], Before<'s>),
    ) {
        let mut next = Some(folder);
        while let Some(folder) = next.take() {
            let mut news = Found::default();
            // This thread goes on with one of those below itself.
            self.look(&folder, &mut news, before, &mut |below| {
                if let Some(below) = next.replace(below) {
                    scope.spawn(move |scope| self.spread(scope, below, (found, before)));
                }
            });
            let area = folder.area;
            news.top = folder.is_top().then(|| Arc::new(folder));
            lock(&found[area]).get_or_insert_default().append(news);
        }
    }

    fn outermost(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut outermost: Vec<usize> = Vec::new();
        let first = |area: &usize| self.firsts[*area] == *area;
        for area in self.sorted.iter().copied().filter(first).filter(|area| is_wanted(*area)) {
            if !outermost.last().is_some_and(|outer| self.dirs[area].starts_with(&self.dirs[*outer])) {
                outermost.push(area);
            }
        }
        outermost
    }

    /// Looks at one area again: what [`Areas::walk`] would tell of it now. A plain loop on the calling thread, because
    /// it is called on the threads of the pool, where waiting for parallel work means to take up another step. `before`:
    /// what was told of it, if the way to it is as it was.
    pub fn rewalk(&self, area: usize, before: Option<&Area>, known: &Arc<Known>) -> Area {
        let area = self.firsts[area];
        let top = before.and_then(|before| before.top.clone()).unwrap_or_else(|| Arc::new(self.reach(area)));
        let mut found = Found { top: Some(Arc::clone(&top)), ..Found::default() };
        let mut pending = vec![top];
        while let Some(folder) = pending.pop() {
            let below = &mut |below: Folder| pending.extend((below.area == area).then(|| Arc::new(below)));
            self.look(&folder, &mut found, Before { known: Some(known), reader: None }, below);
        }
        told(known, area, found)
    }

    /// The area's folder as the walk comes to it: from the outermost area down, beginning anew at the next area where
    /// the way is closed.
    fn reach(&self, area: usize) -> Folder {
        let path: Vec<&Path> = self.dirs[area].ancestors().collect();
        let mut reached: Option<Folder> = None;
        for dir in path.into_iter().rev() {
            let below = reached.and_then(|folder| self.descend(&folder, dir));
            reached = below.or_else(|| self.by_dir.get(dir).map(|area| self.start(*area)));
        }
        reached.unwrap_or_else(|| self.start(area))
    }
}

/// What was found of an area, where some of its folders may be as they were known.
fn told(known: &Arc<Known>, area: usize, mut found: Found) -> Area {
    let count = found.same.len();
    let is_same = count > 0 && count == known.count(area) && found.records.is_empty() && !found.is_untold;
    let top = found.top.take();
    if is_same {
        return Area { same: Some((Arc::clone(known), area)), told: OnceLock::new(), top };
    }
    for place in std::mem::take(&mut found.same) {
        known.tell(place, &mut found);
    }
    Area { top, ..AreaFiles::from(found).into() }
}

impl From<Found> for AreaFiles {
    fn from(found: Found) -> Self {
        let Found { mut files, mut ignored_files, mut ignored_dirs, mut closed_dirs, mut problems, links, .. } = found;
        let mut records = if found.is_untold { Vec::new() } else { found.records };
        records.sort_unstable_by(|a, b| known::relative(a).cmp(known::relative(b)));
        files.sort_unstable_by(|a, b| bytes(&a.path).cmp(bytes(&b.path)));
        ignored_files.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        ignored_dirs.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        closed_dirs.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
        problems.sort_by(|a, b| bytes(&a.path).cmp(bytes(&b.path)));
        let led_to = OnceLock::new();
        Self { files, ignored_files, ignored_dirs, closed_dirs, problems, links, led_to, records }
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// A panic in another thread leaves what was found so far; the panic itself goes on through the scope.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
