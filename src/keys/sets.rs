//! The files of a set as they are now, and the digest of all of them. It knows nothing of steps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::coverage::{Class, Coverage, SetId};
use crate::disk::Sort;
use crate::fingerprint::{FileItem, Parts, files};
use crate::hash_cache::{Digested, FileHashCache};
use crate::model::{Digest, FileStat};
use crate::walk::{File, Kind, Problem, Tree};

/// A set of files whose contents are known.
#[derive(Debug)]
pub struct Set {
    /// The digest of all names and contents.
    pub digest: Digest,
    /// A file or folder that cannot be read, if there is one.
    pub unreadable: Option<Arc<str>>,
    /// The sources that name a module outside of their folder.
    pub escaping: Vec<Arc<Path>>,
    /// The generation in which it was last seen to change, and the first file that did.
    pub changed: (u64, Arc<Path>),
    seen: Vec<(Arc<Path>, FileStat, Kind)>,
}

/// Files as the walk found them.
pub struct Seen {
    files: Vec<File>,
    problem: Option<Arc<str>>,
}

impl Set {
    /// Whether there is no file in it.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Whether the contents of a file at this path are in the digest, whether or not it counts by its parts.
    pub fn has(&self, path: &Path) -> bool {
        let wanted = path.as_os_str().as_encoded_bytes();
        let place = self.seen.binary_search_by(|(seen, ..)| seen.as_os_str().as_encoded_bytes().cmp(wanted));
        let found = place.ok().and_then(|place| self.seen.get(place));
        found.is_some_and(|(.., kind)| matches!(kind, Kind::Regular | Kind::Link(_)))
    }

    /// The first file that the walk does not find as it was when the set was made.
    pub fn difference(&self, seen: &Seen) -> Option<Arc<Path>> {
        let same = |(path, stat, kind): &(Arc<Path>, FileStat, Kind), file: &File| {
            **path == *file.path && *stat == file.stat && *kind == file.kind
        };
        let mut pairs = self.seen.iter().zip(&seen.files);
        if let Some((known, file)) = pairs.find(|(known, file)| !same(known, file)) {
            // Of one that is new and one that is gone, the name that comes first.
            return Some(Arc::clone((&known.0).min(&file.path)));
        }
        let (known, now) = (self.seen.len(), seen.files.len());
        let longer = if known > now {
            self.seen.get(now).map(|(path, ..)| path)
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
    pub fn all(&self, tree: &Tree, ids: Vec<SetId>, parts: &mut Parts) -> BTreeMap<SetId, Set> {
        let make = |id: SetId| {
            let seen = self.look(tree, id);
            let digests = self.digests(id, &seen, |dir, files| {
                files.par_chunks(CHUNK).flat_map_iter(|files| self.cache.digest_below(dir, files)).collect()
            });
            (id, self.set(id, seen, digests))
        };
        let made: Vec<_> = ids.into_par_iter().map(make).collect();
        let kept = made.into_iter().map(|(id, (set, description))| {
            parts.keep((set.digest, description));
            (id, set)
        });
        kept.collect()
    }

    /// One set, in a plain loop: a step may be waiting for it on a worker thread.
    pub fn one(&self, id: SetId, seen: Seen, parts: &mut Parts) -> Set {
        let digests = self.digests(id, &seen, |dir, files| self.cache.digest_below(dir, files));
        let (set, description) = self.set(id, seen, digests);
        parts.keep((set.digest, description));
        set
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

    /// The files of the set as the walk has found them.
    pub fn look(&self, tree: &Tree, id: SetId) -> Seen {
        let mut seen = self.look_at_all(tree, id);
        if let Class::Inputs(phase) | Class::Less(phase) | Class::IgnoredLess(phase) = id.0 {
            seen.files.retain(|file| !self.coverage.is_made(phase, id.1, &file.path));
        }
        seen
    }

    fn look_at_all(&self, tree: &Tree, id: SetId) -> Seen {
        match self.coverage.globs(id) {
            None if id.0 == Class::Whole => {
                // Many a library has git ignore its Cargo.lock.
                let names = ["Cargo.lock", "Cargo.toml"].map(|name| Path::new(name).into());
                Seen { files: names.iter().filter_map(|path| self.ignored(id.1, path)).collect(), problem: None }
            }
            None => {
                let area = &tree.areas[id.1];
                let wanted = |file: &&File| id.0 != Class::Above || is_config(&file.path);
                let mut files: Vec<File> = area.files.iter().filter(wanted).cloned().collect();
                if id.0 == Class::Above {
                    let in_folders = area.ignored_dirs.iter().filter(|dir| dir.ends_with(".cargo"));
                    let in_folders =
                        in_folders.flat_map(|dir| ["config", "config.toml"].map(|name| dir.join(name).into()));
                    let ignored: Vec<Arc<Path>> = area.ignored_files.iter().cloned().chain(in_folders).collect();
                    let ignored = ignored.iter().filter(|path| is_config(path));
                    files.extend(ignored.filter_map(|path| self.ignored(id.1, path)));
                }
                Seen { files, problem: area.problems.first().map(unreadable) }
            }
            Some(globs) => {
                let selection = self.coverage.areas.select(tree, id.1, globs);
                let problem = selection.problems.first().map(unreadable);
                let mut files = selection.files;
                // The others are in the set of all files.
                let all = !matches!(id.0, Class::IgnoredSources | Class::IgnoredLess(_));
                files.retain(|file| all || file.ignored);
                Seen { files, problem }
            }
        }
    }

    /// A file whether git ignores it or not, as it is now; `None` if it is not there.
    fn ignored(&self, area: usize, path: &Arc<Path>) -> Option<File> {
        let areas = &self.coverage.areas;
        let look = areas.disk.look_through(&areas.dir(area).join(path)).ok()?;
        let kind = if look.sort == Sort::File { Kind::Regular } else { Kind::Special };
        // It is configuration, which nobody executes.
        Some(File { path: Arc::clone(path), stat: look.stat, kind, executable: false, ignored: true })
    }

    /// The set, and the description that its digest is of.
    fn set(&self, id: SetId, seen: Seen, digests: Digests) -> (Set, Vec<u8>) {
        let mut unreadable = seen.problem;
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
        let seen = seen.files.into_iter().map(|file| (file.path, file.stat, file.kind)).collect();
        (Set { digest, unreadable, escaping, changed: (0, Path::new("").into()), seen }, description)
    }
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
