//! The files of a set as they are now, and the digest of all of them. It knows nothing of steps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::coverage::{Class, Coverage, SetId};
use crate::disk::Sort;
use crate::fingerprint::{FileItem, files};
use crate::hash_cache::{Digested, FileHashCache};
use crate::model::{Digest, FileStat};
use crate::walk::{CLOSED, File, Kind, Problem, Tree};

/// A set of files whose contents are known.
#[derive(Debug)]
pub struct Set {
    /// The digest of all names and contents.
    pub digest: Digest,
    /// Whether there is no file in it.
    pub is_empty: bool,
    /// A file or folder that cannot be read, if there is one.
    pub unreadable: Option<Arc<str>>,
    /// A link to a folder around that of the set, if there is one: what a program reads behind it is not in the set.
    pub leads_around: Option<LeadsAround>,
    /// The sources that name a module outside of their folder.
    pub escaping: Vec<Arc<Path>>,
    /// The generation in which it was last seen to change, and the first file that did.
    pub changed: (u64, Arc<Path>),
    /// Whether it is what it is for as long as the walk finds what it has found.
    pub follows_walk: bool,
    /// What the digest is of, once somebody has asked.
    description: OnceLock<Option<Vec<u8>>>,
    /// Likewise, the files.
    files: OnceLock<Vec<Member>>,
}

/// A link to a folder around the one that it is in.
#[derive(Clone, Debug)]
pub struct LeadsAround {
    /// Where it is, and what that means.
    pub why: Arc<str>,
    /// Whether it leads out of the workspace.
    pub is_outside: bool,
}

/// A file of a set.
type Member = (Arc<Path>, FileStat, Kind);

/// Files as the walk found them.
pub struct Seen {
    files: Vec<File>,
    problem: Option<Arc<str>>,
    leads_around: Option<LeadsAround>,
    follows_walk: bool,
}

impl Seen {
    fn into_members(self) -> Vec<Member> {
        self.files.into_iter().map(|file| (file.path, file.stat, file.kind)).collect()
    }
}

impl Set {
    /// One that was made before, of files that are as they were.
    pub fn known(digest: Digest, is_empty: bool) -> Self {
        Self {
            digest,
            is_empty,
            unreadable: None,
            leads_around: None,
            escaping: Vec::new(),
            changed: (0, Path::new("").into()),
            follows_walk: true,
            description: OnceLock::new(),
            files: OnceLock::new(),
        }
    }

    /// Whether it can be known by what a walk finds: there is nothing to be said of it but its digest.
    pub fn can_be_known(&self) -> bool {
        self.follows_walk && self.unreadable.is_none() && self.leads_around.is_none() && self.escaping.is_empty()
    }

    /// What the digest is of, if it is at hand.
    pub fn into_description(self) -> Option<Vec<u8>> {
        self.description.into_inner().flatten()
    }

    /// The first file that the walk does not find as it was when the set was made; of a set whose files are at hand.
    pub fn difference(&self, seen: &Seen) -> Option<Arc<Path>> {
        let same =
            |(path, stat, kind): &Member, file: &File| **path == *file.path && *stat == file.stat && *kind == file.kind;
        let files = self.files.get().map(Vec::as_slice).unwrap_or_default();
        let mut pairs = files.iter().zip(&seen.files);
        if let Some((known, file)) = pairs.find(|(known, file)| !same(known, file)) {
            // Of one that is new and one that is gone, the name that comes first.
            return Some(Arc::clone((&known.0).min(&file.path)));
        }
        let (known, now) = (files.len(), seen.files.len());
        let longer = if known > now {
            files.get(now).map(|(path, ..)| path)
        } else {
            seen.files.get(known).map(|file| &file.path)
        };
        longer.map(Arc::clone)
    }
}

/// What the cache answers of files, in their order.
type Digests = Vec<std::io::Result<Digested>>;

/// How many files are asked for by one thread at a time: some may have to be read.
const CHUNK: usize = 32;

/// Makes sets.
pub struct Sets<'a> {
    pub coverage: &'a Coverage<'a>,
    pub cache: &'a FileHashCache,
}

impl Sets<'_> {
    /// All these sets, in one parallel pass.
    pub fn all(&self, tree: &Tree, ids: Vec<SetId>) -> BTreeMap<SetId, Set> {
        let make = |id: SetId| {
            let seen = look(self.coverage, tree, id);
            let digests = self.digests(id, &seen, |dir, files| {
                files.par_chunks(CHUNK).flat_map_iter(|files| self.cache.digest_below(dir, files)).collect()
            });
            (id, self.set(id, seen, digests))
        };
        let made: Vec<_> = ids.into_par_iter().map(make).collect();
        made.into_iter().collect()
    }

    /// One set, in a plain loop: a step may be waiting for it on a worker thread.
    pub fn one(&self, id: SetId, seen: Seen) -> Set {
        let digests = self.digests(id, &seen, |dir, files| self.cache.digest_below(dir, files));
        self.set(id, seen, digests)
    }

    /// What the digest of a set is of; `None` if that is not to be had any more.
    pub fn describe<'s>(&self, (id, set): (SetId, &'s Set), tree: &Tree) -> Option<&'s [u8]> {
        let describe = || {
            let again = self.one(id, look(self.coverage, tree, id));
            // Else a file has changed since.
            if again.digest == set.digest { again.into_description() } else { None }
        };
        set.description.get_or_init(describe).as_deref()
    }

    /// Puts at hand what is told of a set, which is as it was when it was made.
    pub fn complete(&self, (id, set): (SetId, &Set), tree: &Tree) {
        self.describe((id, set), tree);
        members(self.coverage, (id, set), tree);
    }

    /// The digests of the files that have contents, by a way to have those of many files of a folder.
    fn digests(&self, id: SetId, seen: &Seen, ask: impl Fn(&Path, &[(&Path, FileStat)]) -> Digests) -> Digests {
        let dir = self.coverage.areas.dir(id.1);
        let files = seen.files.iter().filter(|file| has_contents(file));
        let disk = &self.coverage.areas.disk;
        if disk.is_covered() {
            return files.map(|file| self.cache.digest(&disk.readable(dir.join(&file.path)), &file.stat)).collect();
        }
        let files: Vec<(&Path, FileStat)> = files.map(|file| (&*file.path, file.stat)).collect();
        ask(dir, &files)
    }

    fn set(&self, id: SetId, mut seen: Seen, digests: Digests) -> Set {
        let (mut unreadable, leads_around) = (seen.problem.take(), seen.leads_around.take());
        let mut follows_walk = seen.follows_walk;
        let mut escaping = Vec::new();
        let mut digests = digests.into_iter();
        let mut items = Vec::with_capacity(seen.files.len());
        for file in &seen.files {
            let mut digest = None;
            let name = || -> Arc<str> { file.path.to_string_lossy().into() };
            if has_contents(file) {
                match digests.next() {
                    Some(Ok(digested)) => {
                        digest = Some(digested.digest);
                        // It has changed since the walk.
                        follows_walk &= digested.stat == file.stat;
                        if digested.escapes {
                            escaping.push(Arc::clone(&file.path));
                        }
                    }
                    // Gone or changing while we look: there is no key now, so the step runs.
                    _ => _ = unreadable.get_or_insert_with(name),
                }
            }
            if !is_by_parts(self.coverage, id, &file.path) {
                items.push((file.bytes(), digest, file));
            }
        }
        let items = items.iter().map(|(path, digest, file)| FileItem {
            path,
            digest: *digest,
            link: link(file),
            executable: file.executable,
        });
        let (digest, description) = files(items).finish();
        let set = Set { unreadable, leads_around, escaping, follows_walk, ..Set::known(digest, seen.files.is_empty()) };
        Set { description: Some(description).into(), files: seen.into_members().into(), ..set }
    }
}

/// The files of the set as the walk has found them.
pub fn look(coverage: &Coverage<'_>, tree: &Tree, id: SetId) -> Seen {
    let mut seen = look_at_all(coverage, tree, id);
    if let Class::Inputs(phase) | Class::Less(phase) | Class::IgnoredLess(phase) = id.0 {
        seen.files.retain(|file| !coverage.is_made(phase, id.1, &file.path));
    }
    seen
}

fn look_at_all(coverage: &Coverage<'_>, tree: &Tree, id: SetId) -> Seen {
    match coverage.globs(id) {
        None if id.0 == Class::Whole => {
            // Many a library has git ignore its Cargo.lock.
            let names = ["Cargo.lock", "Cargo.toml"].map(|name| Path::new(name).into());
            let files = names.iter().filter_map(|path| ignored(coverage, id.1, path)).collect();
            Seen { files, problem: None, leads_around: None, follows_walk: false }
        }
        None => {
            let area = &tree.areas[id.1];
            let wanted = |file: &&File| match id.0 {
                Class::Above => is_config(&file.path),
                Class::Data => coverage.is_data(&file.path),
                _ => true,
            };
            let mut files: Vec<File> = area.files.iter().filter(wanted).cloned().collect();
            let mut follows_walk = true;
            if id.0 == Class::Above {
                let in_folders = area.ignored_dirs.iter().filter(|dir| dir.ends_with(".cargo"));
                let in_folders = in_folders.flat_map(|dir| ["config", "config.toml"].map(|name| dir.join(name).into()));
                let hidden: Vec<Arc<Path>> = area.ignored_files.iter().cloned().chain(in_folders).collect();
                let hidden: Vec<&Arc<Path>> = hidden.iter().filter(|path| is_config(path)).collect();
                follows_walk = hidden.is_empty();
                files.extend(hidden.into_iter().filter_map(|path| ignored(coverage, id.1, path)));
            }
            let links = files.iter().filter(|file| matches!(file.kind, Kind::FolderLink(_)) && id.0 != Class::Above);
            let mut links = links.filter_map(|file| leads_around(coverage, id.1, &file.path));
            // One that leads out of the workspace counts for more steps.
            let leads_around = links.next().map(|first| links.find(|link| link.is_outside).unwrap_or(first));
            Seen { files, problem: area.problems.first().map(unreadable), leads_around, follows_walk }
        }
        Some(globs) => {
            let selection = match id.0 {
                // The others are in the set of all files.
                Class::IgnoredSources | Class::IgnoredLess(_) => coverage.areas.select_ignored(tree, id.1, globs),
                _ => coverage.areas.select(tree, id.1, globs),
            };
            let problem = selection.problems.first().map(unreadable);
            Seen { files: selection.files, problem, leads_around: None, follows_walk: !selection.has_asked }
        }
    }
}

/// Whether the link to a folder, through which no walk goes, leads to one around that of the area.
fn leads_around(coverage: &Coverage<'_>, area: usize, link: &Path) -> Option<LeadsAround> {
    let areas = &coverage.areas;
    let (dir, root) = (areas.dir(area), areas.dir(coverage.root));
    let link = dir.join(link);
    areas.leads_around(dir, &link).then(|| LeadsAround {
        why: format!("{}: {CLOSED}", link.display()).into(),
        is_outside: areas.leads_around(root, &link),
    })
}

/// A file whether git ignores it or not, as it is now; `None` if it is not there.
fn ignored(coverage: &Coverage<'_>, area: usize, path: &Arc<Path>) -> Option<File> {
    let areas = &coverage.areas;
    let look = areas.disk.look_through(&areas.dir(area).join(path)).ok()?;
    let kind = if look.sort == Sort::File { Kind::Regular } else { Kind::Special };
    // It is configuration, which nobody executes.
    Some(File { path: Arc::clone(path), stat: look.stat, kind, executable: false, ignored: true })
}

/// The files of a set, which are as they were when it was made.
fn members<'s>(coverage: &Coverage<'_>, (id, set): (SetId, &'s Set), tree: &Tree) -> &'s [Member] {
    set.files.get_or_init(|| look(coverage, tree, id).into_members())
}

/// Whether the contents of a file at this path are in the digest of a set, whether or not it counts by its parts.
pub fn has(coverage: &Coverage<'_>, set: (SetId, &Set), tree: &Tree, path: &Path) -> bool {
    let files = members(coverage, set, tree);
    let wanted = path.as_os_str().as_encoded_bytes();
    let place = files.binary_search_by(|(file, ..)| file.as_os_str().as_encoded_bytes().cmp(wanted));
    let found = place.ok().and_then(|place| files.get(place));
    found.is_some_and(|(.., kind)| matches!(kind, Kind::Regular | Kind::Link(_)))
}

/// Whether the file counts by its parts. Where `inputs` name it, it does not.
pub fn is_by_parts(coverage: &Coverage<'_>, (class, area): SetId, path: &Path) -> bool {
    matches!(class, Class::Default | Class::Less(_))
        && area == coverage.root
        && path.to_str().is_some_and(|name| coverage.counts_by_parts(name))
}

/// Whether it configures clippy, rustfmt or cargo for the folders below it.
fn is_config(path: &Path) -> bool {
    let names = ["clippy.toml", ".clippy.toml", "rustfmt.toml", ".rustfmt.toml"];
    let is_cargos = path.ends_with(".cargo/config.toml") || path.ends_with(".cargo/config");
    is_cargos || path.file_name().is_some_and(|name| names.iter().any(|config| name == *config))
}

/// What could not be looked at, and why.
fn unreadable(problem: &Problem) -> Arc<str> {
    format!("{}: {}", problem.path.display(), problem.error).into()
}

/// Whether there are contents to be hashed: of the file, or of what a link leads to.
fn has_contents(file: &File) -> bool {
    matches!(file.kind, Kind::Regular | Kind::Link(_))
}

/// Where a link points.
fn link(file: &File) -> Option<&[u8]> {
    match &file.kind {
        Kind::Link(to) | Kind::BrokenLink(to) | Kind::FolderLink(to) => Some(to.as_os_str().as_encoded_bytes()),
        Kind::Regular | Kind::Special => None,
    }
}
