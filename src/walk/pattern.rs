//! The globs of `inputs`, and the files that they name. They see what git ignores, too; it does not know where in
//! make.toml they stand.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use globset::{Glob, GlobBuilder, GlobSet};

use super::described::describe;
use super::folder::{Before, is_version_control};
use super::found::Found;
use super::{AreaFiles, Areas, File, Kind, Problem, Tree, bytes};

/// The globs of one `inputs`, compiled once for all members that share it.
#[derive(Debug)]
pub struct Patterns {
    /// Those from the member's folder.
    pub own: Globs,
    /// Those from the workspace root, which were written with `//`.
    pub root: Globs,
}

/// Globs over paths relative to one folder. `*` and `?` do not match `/`; a glob whose last name has no wildcards, or
/// which ends with `/`, also means everything under a folder of that name.
#[derive(Debug)]
pub struct Globs {
    globs: Vec<Glob>,
    /// All of them, put together when somebody asks first: nobody does where all is as it was.
    set: OnceLock<Option<GlobSet>>,
    reaches: Vec<Reach>,
}

/// A folder, and globs over what is in it.
#[derive(Clone, Debug)]
pub struct Place<'g> {
    /// The folder; absolute.
    pub dir: PathBuf,
    /// The globs, seen from there.
    pub globs: &'g Globs,
}

/// Patterns of so many bytes together are never too much for a set, unless there are braces in braces.
const SMALL: usize = 500;

/// Where one glob can match at all.
#[derive(Debug)]
struct Reach {
    /// The folder (or the one file) that all its matches lie in.
    base: PathBuf,
    /// How many names its matches have at most; `None`: any number.
    depth: Option<usize>,
    /// If it matches everything in the base: whether it also matches what has the base's own path.
    whole: Option<bool>,
}

/// What globs name.
#[derive(Debug, Default)]
pub struct Selection {
    /// The files, in the order of their paths' bytes, each once; relative to the area they were asked for.
    pub files: Vec<File>,
    /// What could not be looked at and may hold files that the globs name.
    pub problems: Vec<Problem>,
    /// Whether the disk was asked besides what a walk has found.
    pub has_asked: bool,
}

/// A glob that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is no path from the folder inwards.
    #[error("`{0}` leads out of the folder; a path from the workspace root begins with `//`")]
    Outward(String),
    /// It is no glob.
    #[error(transparent)]
    Glob(#[from] globset::Error),
}

impl Patterns {
    /// Compiles `inputs`.
    ///
    /// # Errors
    /// The first glob that cannot be used.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        let from_root = |pattern: &&str| pattern.starts_with("//");
        let patterns = patterns.iter().map(AsRef::as_ref);
        let (root, own): (Vec<&str>, Vec<&str>) = patterns.partition(from_root);
        let root: Vec<&str> = root.iter().map(|pattern| pattern.trim_start_matches('/')).collect();
        Ok(Self { own: Globs::new(&own)?, root: Globs::new(&root)? })
    }
}

impl Globs {
    fn new(patterns: &[&str]) -> Result<Self, PatternError> {
        let mut globs = Vec::new();
        let mut reaches = Vec::new();
        for pattern in patterns {
            let names = names(pattern)?;
            let glob = names.join("/");
            let is_literal = |name: &&&str| !name.contains(WILDCARDS);
            let names_folder = pattern.ends_with('/') || names.last().as_ref().is_some_and(is_literal);
            if names_folder {
                globs.push(parse(&format!("{glob}/**"))?);
            }
            if !pattern.ends_with('/') || glob.is_empty() {
                globs.push(parse(if glob.is_empty() { "**" } else { &glob })?);
            }
            let literals = names.iter().take_while(is_literal);
            let whole = match names.get(literals.clone().count()..) {
                Some([]) => Some(!pattern.ends_with('/')),
                Some(["**"]) => Some(false),
                _ => None,
            };
            let any_depth = names_folder || glob.is_empty() || glob.contains("**");
            let depth = (!any_depth).then_some(names.len());
            reaches.push(Reach { base: literals.collect(), depth, whole });
        }
        let set = OnceLock::new();
        let is_small = patterns.iter().map(|pattern| pattern.len()).sum::<usize>() <= SMALL;
        if !is_small || patterns.iter().any(|pattern| pattern.contains('{')) {
            // Whether they are too much for a set is to be known at once.
            let _ = set.set(Some(GlobSet::new(&globs)?));
        }
        Ok(Self { globs, set, reaches })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.reaches.is_empty()
    }

    /// What is in the folder at `dir` and is named, ignored by git or not: files, links, and folders with nothing in them,
    /// by their paths from there. Links are not followed, the folder at `skip` is not entered, and the one at `closed`, like
    /// those of the version control, for globs alone that begin inside of it. A plain loop, like [`Areas::rewalk`].
    ///
    /// # Errors
    /// A folder cannot be looked at; or the way to one leads through a link.
    pub fn find(&self, dir: &Path, skip: &Path, closed: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
        let mut found = BTreeMap::new();
        for reach in &self.reaches {
            let Some(metadata) = without_links(dir, &reach.base)? else { continue };
            if metadata.is_symlink() && !self.matches(&reach.base) {
                return Err(io::Error::other(format!("`{}` is a link", dir.join(&reach.base).display())));
            }
            let mut pending = vec![(reach.base.clone(), metadata)];
            while let Some((path, metadata)) = pending.pop() {
                let full = dir.join(&path);
                let is_closed = full == closed || path.file_name().is_some_and(is_version_control);
                if full == skip || (is_closed && path != reach.base) {
                    continue;
                }
                let below = if metadata.is_dir() { list(&full, &path)? } else { Vec::new() };
                if (!metadata.is_dir() || below.is_empty()) && self.matches(&path) {
                    found.insert(path.clone(), metadata);
                }
                pending.extend(below.into_iter().filter(|(path, _)| self.may_match_under(path) || self.matches(path)));
            }
        }
        Ok(found.into_iter().collect())
    }

    fn may_match_under(&self, dir: &Path) -> bool {
        self.reaches.iter().any(|reach| {
            let shallow = reach.depth.is_none_or(|depth| dir.iter().count() < depth);
            shallow && (dir.starts_with(&reach.base) || reach.base.starts_with(dir))
        })
    }

    /// Whether one of them begins with a way into this folder.
    fn begin_in(&self, dir: &Path) -> bool {
        self.reaches.iter().any(|reach| reach.base.starts_with(dir))
    }

    /// Whether they name this path.
    pub fn matches(&self, path: &Path) -> bool {
        // Most files are outside of every base, or in one of which everything counts, and comparing bytes is far cheaper
        // than a set of globs.
        let mut near = false;
        for reach in &self.reaches {
            let Some(rest) = bytes(path).strip_prefix(bytes(&reach.base)) else { continue };
            let is_inside = rest.first() == Some(&(MAIN_SEPARATOR as u8)) || reach.base.as_os_str().is_empty();
            match reach.whole {
                Some(_) if is_inside => return true,
                Some(true) if rest.is_empty() => return true,
                Some(_) => {}
                None => near = true,
            }
        }
        near && self.is_match(path)
    }

    fn is_match(&self, path: &Path) -> bool {
        // What is small is never too much for a set; if it were, it would be looked at in vain, and not overlooked.
        let set = self.set.get_or_init(|| GlobSet::new(&self.globs).ok());
        set.as_ref().is_none_or(|set| set.is_match(path))
    }
}

/// What stands at `path` in `dir`; `None` if nothing does.
fn without_links(dir: &Path, path: &Path) -> io::Result<Option<Metadata>> {
    let mut full = dir.to_owned();
    let mut metadata = fs::symlink_metadata(&full)?;
    for name in path {
        if metadata.is_symlink() {
            return Err(io::Error::other(format!("`{}` is a link", full.display())));
        }
        full.push(name);
        metadata = match fs::symlink_metadata(&full) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
    }
    Ok(Some(metadata))
}

/// What is in a folder, by its path from where the search began.
fn list(full: &Path, path: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let entries = fs::read_dir(full)?;
    entries.map(|entry| entry.and_then(|entry| Ok((path.join(entry.file_name()), entry.metadata()?)))).collect()
}

const WILDCARDS: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

fn names(pattern: &str) -> Result<Vec<&str>, PatternError> {
    let names: Vec<&str> = pattern.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
    if pattern.starts_with('/') || names.contains(&"..") {
        return Err(PatternError::Outward(pattern.to_owned()));
    }
    Ok(names)
}

fn parse(glob: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build()
}

impl Areas {
    /// The files under an area's folder that the globs name, those of the areas inside of it included. Of `tree` every
    /// area is asked that can hold any; the disk only for files that git ignores. For `//` ask the area of the root,
    /// once for all members that share the patterns. A plain loop, like [`Areas::rewalk`].
    pub fn select(&self, tree: &Tree, area: usize, globs: &Globs) -> Selection {
        self.search(tree, area, globs, false)
    }

    /// Those of them that git ignores.
    pub fn select_ignored(&self, tree: &Tree, area: usize, globs: &Globs) -> Selection {
        self.search(tree, area, globs, true)
    }

    fn search(&self, tree: &Tree, area: usize, globs: &Globs, only_ignored: bool) -> Selection {
        let mut selection = Selection::default();
        let base = &self.dirs[area];
        let begin = self.sorted.partition_point(|other| self.dirs[*other] < *base);
        for inner in self.sorted.iter().skip(begin) {
            let Ok(prefix) = self.dirs[*inner].strip_prefix(base) else { break };
            if globs.may_match_under(prefix) {
                let search = Search { areas: self, area, prefix, globs, only_ignored };
                search.files(&tree.areas[*inner], &mut selection);
                search.ignored_files(&tree.areas[*inner], &mut selection);
                search.unwalked_dirs(&tree.areas[*inner], &mut selection);
            }
        }
        selection.files.sort_by(|a, b| bytes(&a.path).cmp(bytes(&b.path)));
        selection.files.dedup_by(|a, b| bytes(&a.path) == bytes(&b.path));
        selection
    }
}

/// Why nothing is found behind a link.
pub const CLOSED: &str =
    "it is a link to a folder around it, or to one that is not walked, and what is there does not count";

/// A search in the files of an area inside of the one asked for.
struct Search<'a> {
    areas: &'a Areas,
    area: usize,
    /// The inner area's folder, seen from the one asked for.
    prefix: &'a Path,
    globs: &'a Globs,
    only_ignored: bool,
}

impl Search<'_> {
    fn files(&self, inner: &AreaFiles, selection: &mut Selection) {
        for file in inner.files.iter().filter(|file| file.ignored || !self.only_ignored) {
            let path = self.seen(&file.path);
            if matches!(file.kind, Kind::FolderLink(_)) {
                selection.problems.extend(self.closed(&path));
            }
            if self.globs.matches(&path) {
                selection.files.push(File { path, ..file.clone() });
            }
        }
        let near = |problem: &&Problem| {
            let seen = problem.path.strip_prefix(&self.areas.dirs[self.area]);
            seen.is_ok_and(|path| self.globs.may_match_under(path) || self.globs.matches(path))
        };
        selection.problems.extend(inner.problems.iter().filter(near).cloned());
    }

    /// That no walk goes through a link to a folder, if something behind it is meant: it is named, or the link leads to what
    /// is found nowhere else.
    fn closed(&self, link: &Path) -> Option<Problem> {
        let dir = &self.areas.dirs[self.area];
        let path = dir.join(link);
        let is_meant =
            self.globs.begin_in(link) || (self.globs.may_match_under(link) && self.areas.leads_around(dir, &path));
        let error = io::Error::other(CLOSED);
        is_meant.then(|| Problem { path, error: Arc::new(error) })
    }

    fn ignored_files(&self, inner: &AreaFiles, selection: &mut Selection) {
        for file in &inner.ignored_files {
            let seen = self.seen(file);
            if !self.globs.matches(&seen) {
                continue;
            }
            selection.has_asked = true;
            let path = self.areas.dirs[self.area].join(&seen);
            let disk = &self.areas.disk;
            match disk.look(&path).and_then(|look| describe(disk, (&path, &seen), look)) {
                Ok(file) => selection.files.extend(file.map(|file| File { ignored: true, ..file })),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => selection.problems.push(Problem { path, error: Arc::new(error) }),
            }
        }
    }

    fn unwalked_dirs(&self, inner: &AreaFiles, selection: &mut Selection) {
        let near = |dir: &Arc<Path>| self.globs.may_match_under(dir);
        let ignored = inner.ignored_dirs.iter().map(|dir| self.seen(dir)).filter(near);
        let closed = inner.closed_dirs.iter().map(|dir| self.seen(dir)).filter(|dir| self.globs.begin_in(dir));
        let dirs = ignored.chain(closed);
        let start = |dir: Arc<Path>| {
            let path = self.areas.dirs[self.area].join(&dir);
            self.areas.start_ignored(&path, &dir, self.area)
        };
        let mut pending: Vec<_> = dirs.map(start).collect();
        selection.has_asked |= !pending.is_empty();
        let mut found = Found::default();
        while let Some(folder) = pending.pop() {
            self.areas.look(&folder, &mut found, Before::default(), &mut |below| {
                pending.extend(self.globs.may_match_under(&below.relative).then_some(below));
            });
        }
        selection.files.extend(found.files.into_iter().filter(|file| self.globs.matches(&file.path)));
        selection.problems.append(&mut found.problems);
    }

    fn seen(&self, path: &Arc<Path>) -> Arc<Path> {
        if self.prefix.as_os_str().is_empty() { Arc::clone(path) } else { self.prefix.join(path).into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_few_patterns_are_too_much_for_a_set() {
        for part in ["?", "*a", "[!a]", "[a-\u{10ffff}]", "\\?", "é", "a", "**/"] {
            let lone = part.repeat(SMALL / part.len());
            let many: Vec<&str> = std::iter::repeat_n(part, SMALL / part.len()).collect();
            for patterns in [&[&*lone][..], &many] {
                let globs = Globs::new(patterns).unwrap();
                assert!(globs.set.get().is_none() && GlobSet::new(&globs.globs).is_ok(), "{part}");
            }
        }
        let long = "[!a]".repeat(1_000_000);
        assert!(Globs::new(&[&*long]).is_err(), "many may be");
    }

    #[test]
    fn what_is_told_by_the_folder_alone_is_what_the_globs_say() {
        let paths = ["", "a", "a/b", "a/b/c", "ab", "ab/c", "b", "a/b.rs", "x/a", "x/a/b", ".a", "a/.b", "é/a"];
        let patterns = [
            "a", "a/", "a/**", "a/b", "a/b/", "a/b/**", "**", "", "*", "a/*", "*/a", "a/**/b", "**/a", "a/b*", "[a]",
            "é/**", "a/**/", "./a/**", "a//b",
        ];
        for pattern in patterns {
            for other in patterns {
                let globs = Globs::new(&[pattern, other]).unwrap();
                for path in paths {
                    assert_eq!(
                        globs.matches(Path::new(path)),
                        globs.is_match(Path::new(path)),
                        "{pattern:?} {other:?}: {path:?}"
                    );
                }
            }
        }
    }
}
