//! The files of a set as they are now, and the digest of all of them. It knows nothing of steps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::coverage::{Class, Coverage, SetId};
use crate::fingerprint::{FileItem, Parts};
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
    /// The generation in which it was last seen to change.
    pub changed_at: u64,
    seen: Vec<(Arc<Path>, FileStat, Kind)>,
}

/// Files as the walk found them.
pub struct Seen {
    files: Vec<File>,
    problem: Option<Arc<str>>,
}

impl Set {
    /// Whether the walk finds now what it found when the set was made.
    pub fn differs(&self, seen: &Seen) -> bool {
        let same = |(path, stat, kind): &(Arc<Path>, FileStat, Kind), file: &File| {
            **path == *file.path && *stat == file.stat && *kind == file.kind
        };
        self.seen.len() != seen.files.len() || !self.seen.iter().zip(&seen.files).all(|(known, file)| same(known, file))
    }
}

/// Makes sets.
pub struct Sets<'a> {
    pub coverage: &'a Coverage<'a>,
    pub cache: &'a FileHashCache,
}

impl Sets<'_> {
    /// All these sets: every file is looked at in one parallel pass.
    pub fn all(&self, tree: &Tree, ids: Vec<SetId>, parts: &mut Parts) -> BTreeMap<SetId, Set> {
        let seen: Vec<Seen> = ids.iter().map(|id| self.look(tree, *id)).collect();
        let mut wanted = Vec::new();
        for (id, seen) in ids.iter().zip(&seen) {
            wanted.extend(self.contents(*id, seen).map(|(path, file)| (path, file.stat)));
        }
        let mut digests = self.cache.digest_all(&wanted).into_iter();
        let sets = ids.into_iter().zip(seen).map(|(id, seen)| {
            let count = self.contents(id, &seen).count();
            let digests = digests.by_ref().take(count).collect();
            (id, self.set(id, seen, digests, parts))
        });
        sets.collect()
    }

    /// One set, in a plain loop: a step may be waiting for it on a worker thread.
    pub fn one(&self, id: SetId, seen: Seen, parts: &mut Parts) -> Set {
        let digests = self.contents(id, &seen).map(|(path, file)| self.cache.digest(&path, &file.stat)).collect();
        self.set(id, seen, digests, parts)
    }

    /// The files of the set as the walk has found them.
    pub fn look(&self, tree: &Tree, id: SetId) -> Seen {
        let mut seen = self.look_at_all(tree, id);
        if let Class::Inputs(phase) | Class::Less(phase) = id.0 {
            seen.files.retain(|file| !self.coverage.is_made(phase, id.1, &file.path));
        }
        seen
    }

    fn look_at_all(&self, tree: &Tree, id: SetId) -> Seen {
        match self.coverage.globs(id) {
            None => {
                let area = &tree.areas[id.1];
                let wanted = |file: &&File| id.0 != Class::Above || is_lint_config(&file.path);
                let mut files: Vec<File> = area.files.iter().filter(wanted).cloned().collect();
                if id.0 == Class::Above {
                    let ignored = area.ignored_files.iter().filter(|path| is_lint_config(path));
                    files.extend(ignored.filter_map(|path| self.ignored(id.1, path)));
                }
                Seen { files, problem: area.problems.first().map(unreadable) }
            }
            Some(globs) => {
                let selection = self.coverage.areas.select(tree, id.1, globs);
                let problem = selection.problems.first().map(unreadable);
                let mut files = selection.files;
                // The others are in the set of all files.
                files.retain(|file| id.0 != Class::IgnoredSources || file.ignored);
                Seen { files, problem }
            }
        }
    }

    /// A file that git ignores, as it is now; `None` if it has gone.
    fn ignored(&self, area: usize, path: &Arc<Path>) -> Option<File> {
        let metadata = std::fs::metadata(self.coverage.areas.dir(area).join(path)).ok()?;
        let kind = if metadata.is_file() { Kind::Regular } else { Kind::Special };
        Some(File { path: Arc::clone(path), stat: FileStat::of(&metadata), kind, ignored: true })
    }

    /// The files that have contents, with their full paths.
    fn contents<'s>(&'s self, id: SetId, seen: &'s Seen) -> impl Iterator<Item = (PathBuf, &'s File)> {
        let dir = self.coverage.areas.dir(id.1);
        seen.files.iter().filter(|file| has_contents(file)).map(move |file| (dir.join(&file.path), file))
    }

    fn set(&self, id: SetId, seen: Seen, digests: Vec<std::io::Result<Digested>>, parts: &mut Parts) -> Set {
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
            if !self.by_parts(id, file) {
                items.push((file.bytes(), digest, link(file)));
            }
        }
        let items = items.iter().map(|(path, digest, link)| FileItem { path, digest: *digest, link: *link });
        let digest = parts.files(items);
        let seen = seen.files.into_iter().map(|file| (file.path, file.stat, file.kind)).collect();
        Set { digest, unreadable, escaping, changed_at: 0, seen }
    }

    /// Whether the file counts by its parts: Cargo.lock by the packages of each closure, make.toml by each phase's
    /// definition, the root manifest of a virtual workspace by the tables that reach a member.
    fn by_parts(&self, (_, area): SetId, file: &File) -> bool {
        if area != self.coverage.root {
            return false;
        }
        let virtual_root = area >= self.coverage.workspace.members.len();
        match file.path.to_str() {
            Some("Cargo.lock" | "make.toml") => true,
            Some("Cargo.toml") => virtual_root,
            _ => false,
        }
    }
}

/// Whether it configures clippy or rustfmt for the folders below it.
fn is_lint_config(path: &Path) -> bool {
    let names = ["clippy.toml", ".clippy.toml", "rustfmt.toml", ".rustfmt.toml"];
    path.file_name().is_some_and(|name| names.iter().any(|config| name == *config))
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
