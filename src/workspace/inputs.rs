//! Everything on the disk that cargo's answer depends on, and whether it is still as it was. What the answer is, it does
//! not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use toml::Table;

use super::manifest;
use crate::cargo_config::CargoConfig;
use crate::model::{Digest, FileStat, Workspace};

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    files: BTreeSet<PathBuf>,
    /// Absolute patterns of folders.
    patterns: BTreeSet<PathBuf>,
}

/// What was seen.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The digest of each file's contents, or why there are none.
    files: BTreeMap<PathBuf, String>,
    /// The digest of the list of folders that each pattern matches.
    patterns: BTreeMap<PathBuf, String>,
}

/// What can be told from the root alone: its manifest and those above it (a `[workspace]` may appear there), the lock,
/// cargo's configuration, the folders that the members' patterns match.
pub fn of_root(root: &Path, config: &CargoConfig<'_>, root_manifest: &Table) -> Needs {
    let mut needs = Needs { files: config.looked_at().clone(), patterns: BTreeSet::new() };
    needs.files.insert(root.join("Cargo.lock"));
    needs.add_manifests(root);
    needs.patterns.extend(manifest::patterns(root_manifest).iter().map(|pattern| root.join(pattern)));
    needs
}

impl Needs {
    /// And the manifests of all that was found: of members, and of path packages, which may inherit from roots of their
    /// own.
    pub fn and_packages(mut self, workspace: &Workspace) -> Self {
        let members = workspace.members.iter().map(|member| &member.dir);
        for folder in members.chain(workspace.path_packages.iter().map(|package| &package.dir)) {
            self.add_manifests(folder);
        }
        let packages = workspace.path_packages.iter().map(|package| package.dir.join("Cargo.toml"));
        self.files.extend(packages.filter_map(|path| manifest::root_above(&path)));
        self
    }

    /// A folder's manifest and those of all folders above it: where there is none, one may appear and come between.
    fn add_manifests(&mut self, folder: &Path) {
        for folder in folder.ancestors() {
            if !self.files.insert(folder.join("Cargo.toml")) {
                break;
            }
        }
    }

    /// Looks at all of it now.
    pub fn look(&self, target_dir: &Path) -> Inputs {
        let files: Vec<&PathBuf> = self.files.iter().collect();
        let seen = |path: &&PathBuf| ((*path).clone(), seen(path));
        let listed = |pattern: &PathBuf| (pattern.clone(), digest_of_paths(&matches(pattern, target_dir)));
        Inputs { files: files.par_iter().map(seen).collect(), patterns: self.patterns.iter().map(listed).collect() }
    }
}

impl Inputs {
    /// Whether all of it is as it was.
    pub fn still_hold(&self, target_dir: &Path) -> bool {
        let files: Vec<_> = self.files.iter().collect();
        files.par_iter().all(|(path, before)| seen(path) == **before)
            && self.patterns.iter().all(|(pattern, before)| digest_of_paths(&matches(pattern, target_dir)) == *before)
    }

    /// Whether everything that an earlier look saw is the same, but for one file (which cargo itself writes).
    pub fn agrees_with(&self, earlier: &Self, except: &Path) -> bool {
        let same = |(path, seen): (&PathBuf, &String)| path == except || self.files.get(path) == Some(seen);
        earlier.files.iter().all(same) && earlier.patterns == self.patterns
    }

    /// Whether no file was changed after `time`. The times of change of contents can be set by anyone, those of the inode
    /// cannot; Cargo.lock is passed by, because cargo has just written it.
    pub fn is_older_than(&self, time: SystemTime) -> bool {
        let time = time.duration_since(UNIX_EPOCH).map_or(0, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        let changed = |path: &PathBuf| {
            let stat = FileStat::of(&fs::metadata(path).ok()?);
            Some(if stat.ctime_ns == 0 { stat.mtime_ns } else { stat.ctime_ns })
        };
        let own = self.files.keys().filter(|path| !path.ends_with("Cargo.lock"));
        own.filter_map(changed).all(|changed| changed <= time)
    }
}

/// A digest, or the sort of error: an unreadable file is not an absent one.
fn seen(path: &Path) -> String {
    match fs::read(path) {
        Ok(contents) => digest(&contents),
        // Below a file instead of in a folder: just as absent.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => io::ErrorKind::NotFound.to_string(),
        Err(error) => error.kind().to_string(),
    }
}

fn digest_of_paths(paths: &[PathBuf]) -> String {
    let mut hasher = Sha256::new();
    for path in paths {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update([0]);
    }
    Digest(hasher.finalize().into()).to_string()
}

/// SHA-256, in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    Digest(Sha256::digest(bytes).into()).to_string()
}

/// The folders that a pattern may match, and perhaps more: a component with a wildcard stands for every folder, hidden
/// ones too. One that is not really matched costs a run of cargo when it appears, no more.
fn matches(pattern: &Path, target_dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let name = component.as_os_str().to_string_lossy();
        if name == "**" {
            found = found.iter().flat_map(|folder| everything_below(folder, target_dir)).collect();
        } else if name.contains(['*', '?', '[']) {
            found = found.iter().flat_map(|folder| folders_in(folder)).collect();
        } else {
            found.iter_mut().for_each(|folder| folder.push(component));
        }
    }
    found.retain(|path| path.is_dir());
    found.sort_unstable();
    found.dedup();
    found
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.filter_map(Result::ok);
    // The kind of an entry costs nothing; where a link leads is looked at last, with everything else.
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink());
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

fn everything_below(folder: &Path, target_dir: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).follow_links(true).into_iter();
    let walk = walk.filter_entry(|entry| entry.file_type().is_dir() && entry.path() != target_dir);
    walk.filter_map(Result::ok).map(walkdir::DirEntry::into_path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_see_folders_of_every_sort_and_no_files() {
        let top = tempfile::tempdir().unwrap();
        let make = |path: &str| fs::create_dir_all(top.path().join(path)).unwrap();
        for path in ["crates/a/src", "crates/.hidden", "target/debug", "x/one/sub", "x/two"] {
            make(path);
        }
        fs::write(top.path().join("crates/notes.txt"), "").unwrap();
        let matched = |pattern: &str| {
            let found = matches(&top.path().join(pattern), &top.path().join("target"));
            let names = found.iter().map(|path| crate::relative::relative(path, top.path()));
            names.collect::<Vec<_>>()
        };
        assert_eq!(matched("crates/*"), ["crates/.hidden", "crates/a"]);
        assert_eq!(matched("*/*/sub"), ["x/one/sub"]);
        assert_eq!(matched("none/*"), Vec::<String>::new());
        assert_eq!(matched("x/**"), ["x", "x/one", "x/one/sub", "x/two"]);
        assert!(!matched("**").iter().any(|path| path.starts_with("target")));
    }

    #[test]
    fn a_later_change_is_seen_whatever_its_time_says() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("Cargo.toml");
        fs::write(&path, "one").unwrap();
        let needs = Needs { files: [path.clone()].into(), patterns: BTreeSet::new() };
        let before = needs.look(top.path());
        assert!(before.still_hold(top.path()));
        let long_ago = UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        assert!(!before.is_older_than(long_ago));
        fs::write(&path, "two").unwrap();
        fs::File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        assert!(!before.still_hold(top.path()));
        let after = needs.look(top.path());
        assert!(!after.agrees_with(&before, Path::new("elsewhere")));
        assert!(after.agrees_with(&before, &path));
        #[cfg(unix)]
        assert!(!after.is_older_than(long_ago + std::time::Duration::from_secs(1)));
        assert!(after.is_older_than(SystemTime::now()));
    }
}
