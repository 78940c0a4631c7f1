//! The declared outputs of steps: what was made, whether it is in place, and how it is kept. It does not know why a step
//! ran, nor whether its result is worth keeping.

mod permissions;
mod restore;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::mem::discriminant;
use std::path::{Component, Path, PathBuf};

use crate::hash_cache::FileHashCache;
use crate::home::{Claim, Home};
use crate::model::{Digest, FileStat};
use crate::relative::cleaned;
use crate::store::{Blob, Blobs, Made, MadeKind, Manifest, Passed};
pub use crate::walk::Place;

/// The outputs of a workspace's steps.
pub struct Outputs<'a> {
    home: &'a Home,
    cache: &'a FileHashCache,
    blobs: Blobs,
}

/// What stood in the places of a step's outputs before it ran.
pub type Before = BTreeSet<PathBuf>;

impl<'a> Outputs<'a> {
    /// Those that are kept in `home`.
    pub fn new(home: &'a Home, cache: &'a FileHashCache) -> Self {
        Self { home, cache, blobs: Blobs::new(home) }
    }

    /// Takes the right to write the outputs of the step of this name; `None` while another run has it.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn claim(&self, step: &str) -> io::Result<Option<Claim>> {
        self.home.claim(step)
    }

    /// What stands in the places now.
    ///
    /// # Errors
    /// What cannot be looked at.
    pub fn before(&self, places: &[Place<'_>]) -> io::Result<Before> {
        Ok(self.look(places)?.into_keys().collect())
    }

    /// What the step made: everything in the places, after it has succeeded. What stood there `before`, and was not made by
    /// an earlier run (`known`), is told apart, even if the step has changed it: it may be somebody's work.
    ///
    /// # Errors
    /// Why its outputs cannot be told or kept, in words.
    pub fn made(&self, places: &[Place<'_>], before: &Before, known: Option<&Manifest>) -> Result<Manifest, String> {
        let found: Vec<_> = self.look(places).map_err(|error| error.to_string())?.into_iter().collect();
        let entries = side_by_side(&found, |(path, metadata)| {
            let is_new = !before.contains(path);
            let (path, kind) = (self.relative(path)?, self.kind(path, metadata)?);
            // What is of another sort now was not made by the step, but stood in its way.
            let is_same = |one: &Made| one.path == path && discriminant(&one.kind) == discriminant(&kind);
            let is_known = |known: &Manifest| known.entries.iter().any(|one| one.written && is_same(one));
            Ok(Made { written: is_new || known.is_some_and(is_known), path, kind })
        });
        Ok(Manifest { entries: entries.into_iter().collect::<Result<_, String>>()? })
    }

    /// Keeps what the step wrote, and answers the blobs: that of the list, then those of the files.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn keep(&self, manifest: &Manifest) -> io::Result<Vec<Blob>> {
        let put = |made: &Made| match made.kind {
            MadeKind::File { digest, .. } if made.written => self.blobs.put_file(&self.path(made), &digest),
            _ => Ok(()),
        };
        side_by_side(&manifest.entries, put).into_iter().collect::<io::Result<()>>()?;
        let list = manifest.encode();
        let list = Blob { digest: self.blobs.put(&list[..])?, size: list.len() as u64 };
        Ok(std::iter::once(list).chain(manifest.blobs()).collect())
    }

    /// Whether what a step printed is stored, and is what it printed.
    pub fn is_whole(&self, blob: &Digest) -> bool {
        self.blobs.is_whole(blob).unwrap_or_default()
    }

    /// The list of this blob; `None` if it is gone, or is none.
    pub fn kept(&self, blob: &Digest) -> Option<Manifest> {
        Manifest::decode(&self.blobs.read(blob).ok()??)
    }

    /// The parts of a step, of which a record names these blobs: that of the list, then those of what they printed. `None`
    /// if one is gone.
    pub fn parts_of(&self, blobs: &[Blob]) -> Option<Vec<Passed>> {
        let Some((list, printed)) = blobs.split_first() else { return Some(Vec::new()) };
        let are_there = printed.iter().all(|blob| self.blobs.has(&blob.digest));
        Passed::decode(&self.blobs.read(&list.digest).ok()??).filter(|_| are_there)
    }

    /// The outputs that are not in place, or not as they were made.
    pub fn amiss(&self, manifest: &Manifest) -> Vec<Made> {
        manifest.entries.iter().filter(|made| !self.is_in_place(made)).cloned().collect()
    }

    /// Something that lies in the places and is not of the list, whoever made it: a run would perhaps have removed it, and
    /// whatever reads there finds it. Relative to the workspace root, if it has a name there.
    ///
    /// # Errors
    /// What cannot be looked at.
    pub fn added(&self, places: &[Place<'_>], manifest: &Manifest) -> io::Result<Option<String>> {
        let listed: HashSet<&str> = manifest.entries.iter().map(|made| &*made.path).collect();
        // What is to be put back into an empty folder is missing there, and the folder itself is in nobody's way.
        let is_on_the_way = |folder: &str| listed.iter().any(|path| Path::new(path).starts_with(folder));
        let added = self.look(places)?.into_iter().find_map(|(path, metadata)| {
            // What cannot be named is in no list.
            let Ok(name) = self.relative(&path) else { return Some(path.display().to_string()) };
            let is_known = listed.contains(&*name) || (metadata.is_dir() && is_on_the_way(&name));
            (!is_known).then_some(name)
        });
        Ok(added)
    }

    /// Whether it could be put back: it is ours, and what it was is stored.
    pub fn is_kept(&self, made: &Made) -> bool {
        let is_stored = match &made.kind {
            MadeKind::File { digest, .. } => self.blobs.has(digest),
            MadeKind::Link(_) | MadeKind::Folder => true,
        };
        made.written && is_stored
    }

    fn is_in_place(&self, made: &Made) -> bool {
        let path = self.path(made);
        let Ok(metadata) = fs::symlink_metadata(&path) else { return false };
        match &made.kind {
            MadeKind::File { digest, mode, size } => {
                let stat = FileStat::of(&metadata);
                let alike = metadata.is_file() && stat.size == *size && permissions::of(&metadata) == *mode;
                alike && self.cache.digest(&path, &stat).is_ok_and(|now| now.digest == *digest)
            }
            MadeKind::Link(to) => metadata.is_symlink() && fs::read_link(&path).is_ok_and(|now| now == Path::new(to)),
            MadeKind::Folder => metadata.is_dir(),
        }
    }

    fn look(&self, places: &[Place<'_>]) -> io::Result<BTreeMap<PathBuf, Metadata>> {
        let mut found = BTreeMap::new();
        for place in places {
            let inside = place.globs.find(&place.dir, self.home.shared(), self.home.target())?;
            found.extend(inside.into_iter().map(|(path, metadata)| (place.dir.join(path), metadata)));
        }
        Ok(found)
    }

    fn kind(&self, path: &Path, metadata: &Metadata) -> Result<MadeKind, String> {
        let cannot = |error: io::Error| format!("its output `{}` cannot be read: {error}", path.display());
        if metadata.is_dir() {
            return Ok(MadeKind::Folder);
        }
        if metadata.is_symlink() {
            let to = fs::read_link(path).map_err(cannot)?;
            let to = to.to_str().ok_or_else(|| format!("its output `{}` links to an odd name", path.display()))?;
            if !self.may_link(path, to) {
                return Err(format!("its output `{}` links to outside of the workspace", path.display()));
            }
            return Ok(MadeKind::Link(to.to_owned()));
        }
        if !metadata.is_file() {
            return Err(format!("its output `{}` is neither a file nor a link", path.display()));
        }
        let digested = self.cache.digest(path, &FileStat::of(metadata)).map_err(cannot)?;
        let (digest, size) = (digested.digest, digested.stat.size);
        Ok(MadeKind::File { digest, size, mode: permissions::of(metadata) })
    }

    /// Whether a link leads to a place in the workspace, wherever that is. A `..` behind a name may lead anywhere: that name
    /// may be a link itself.
    fn may_link(&self, from: &Path, to: &str) -> bool {
        let to = Path::new(to);
        let folder = from.parent().unwrap_or(from);
        let mut names = to.components().skip_while(|name| !matches!(name, Component::Normal(_)));
        let is_plain = names.all(|name| matches!(name, Component::Normal(_)));
        is_plain && to.is_relative() && cleaned(&folder.join(to)).starts_with(self.home.root())
    }

    fn path(&self, made: &Made) -> PathBuf {
        self.home.root().join(&made.path)
    }

    fn relative(&self, path: &Path) -> Result<String, String> {
        let inside = path.strip_prefix(self.home.root());
        let inside = inside.map_err(|_| format!("its output `{}` is outside of the workspace", path.display()))?;
        let names = inside.components().map(|name| match name {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let names: Option<Vec<&str>> = names.collect();
        let odd = || format!("the name of its output `{}` is not valid Unicode", path.display());
        names.map(|names| names.join("/")).ok_or_else(odd)
    }
}

/// Fewer than these are not worth another thread.
const FEW: usize = 16;

/// Does the same for each, on several threads. Not on those of the pool: to wait there means to take up another step.
fn side_by_side<T: Sync, R: Send>(all: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(all.len() / FEW);
    if threads < 2 {
        return all.iter().map(each).collect();
    }
    let each = &each;
    std::thread::scope(|scope| {
        let chunks = all.chunks(all.len().div_ceil(threads));
        let spawned: Vec<_> =
            chunks.map(|chunk| scope.spawn(move || chunk.iter().map(each).collect::<Vec<R>>())).collect();
        let joined = spawned.into_iter().flat_map(|thread| match thread.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}
