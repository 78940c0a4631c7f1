//! Everything on the disk that cargo's answer depends on, and whether it is still as it was. What the answer is, it does
//! not know.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
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
use crate::moment::now_ns;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    files: BTreeSet<PathBuf>,
    /// Absolute patterns of folders.
    patterns: BTreeSet<PathBuf>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The files, in the order of their paths.
    files: Vec<(PathBuf, Seen)>,
    /// The digest of the list of folders that each pattern matches.
    patterns: Vec<(PathBuf, String)>,
}

/// What was seen of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// The digest of its contents, or why there are none: an unreadable file is not an absent one.
    contents: String,
    /// Its metadata (modification, change, size, inode), if every change from then on shows in them.
    stat: Option<(i64, i64, u64, u64)>,
}

/// Whether what was seen is as it was.
pub enum Held {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// It is, but some files had to be read to tell: this is how they look now.
    Anew(Inputs),
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
        let now = now_ns();
        let files: Vec<&PathBuf> = self.files.iter().collect();
        let seen = |path: &&PathBuf| ((*path).clone(), Seen::of(path, now));
        let listed = |pattern: &PathBuf| (pattern.clone(), digest_of_paths(&matches(pattern, target_dir)));
        Inputs { files: files.par_iter().map(seen).collect(), patterns: self.patterns.iter().map(listed).collect() }
    }
}

/// Tells the digest of a file that has these metadata.
type Digests<'a> = &'a (dyn Fn(&Path, &FileStat) -> io::Result<Digest> + Sync);

impl Seen {
    /// What is to be seen of it; `now`: nanoseconds since the Unix epoch.
    fn of(path: &Path, now: i64) -> Self {
        Self::within(path, &fs::metadata(path), now, &|path, _| read(path))
    }

    /// Likewise; its metadata are these. They were asked for before it is read: of what is written in between they tell.
    fn within(path: &Path, metadata: &io::Result<Metadata>, now: i64, digests: Digests<'_>) -> Self {
        let stat = metadata.as_ref().ok().filter(|metadata| metadata.is_file()).map(FileStat::of);
        let contents = match stat.map_or_else(|| read(path), |stat| digests(path, &stat)) {
            Ok(digest) => digest.to_string(),
            Err(error) if is_absence(&error) => io::ErrorKind::NotFound.to_string(),
            Err(error) => error.kind().to_string(),
        };
        Self { contents, stat: stat.filter(|stat| stat.is_settled(now)).map(plain) }
    }

    /// What is to be seen of it now; `None` if it is plain that it is as it was.
    fn again(&self, path: &Path, now: i64, digests: Digests<'_>) -> Option<Self> {
        let metadata = fs::metadata(path);
        let is_same = match &metadata {
            Ok(metadata) => self.stat == Some(plain(FileStat::of(metadata))) && metadata.is_file(),
            Err(error) if is_absence(error) => self.contents == io::ErrorKind::NotFound.to_string(),
            Err(_) => false,
        };
        (!is_same).then(|| Self::within(path, &metadata, now, digests))
    }
}

fn plain(stat: FileStat) -> (i64, i64, u64, u64) {
    (stat.mtime_ns, stat.ctime_ns, stat.size, stat.inode)
}

/// Below a file instead of in a folder: just as absent.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl Inputs {
    /// Whether all of it is as it was.
    pub fn still_hold(&self, target_dir: &Path, digests: Digests<'_>) -> Held {
        let is_listed_so =
            |(pattern, before): &(PathBuf, String)| digest_of_paths(&matches(pattern, target_dir)) == *before;
        if !self.patterns.par_iter().all(is_listed_so) {
            return Held::No;
        }
        let now = now_ns();
        // In the order of the files: those that had to be read.
        let look = |(path, before): &(PathBuf, Seen)| before.again(path, now, digests);
        let looked: Vec<Option<Seen>> = self.files.par_iter().map(look).collect();
        if looked.iter().all(Option::is_none) {
            return Held::Yes;
        }
        let mut anew = self.clone();
        for ((_, before), seen) in anew.files.iter_mut().zip(looked) {
            let Some(seen) = seen else { continue };
            if seen.contents != before.contents {
                return Held::No;
            }
            *before = seen;
        }
        // Of a time in the future nothing can be noted.
        if anew == *self { Held::Yes } else { Held::Anew(anew) }
    }

    /// Whether everything that an earlier look saw is the same, but for one file (which cargo itself writes).
    pub fn agrees_with(&self, earlier: &Self, except: &Path) -> bool {
        let own = |path: &PathBuf| self.files.binary_search_by(|(own, _)| own.cmp(path)).ok();
        let seen = |path: &PathBuf| own(path).and_then(|place| self.files.get(place)).map(|(_, seen)| &seen.contents);
        let same = |(path, before): &(PathBuf, Seen)| path == except || seen(path) == Some(&before.contents);
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
        let own = self.files.iter().map(|(path, _)| path).filter(|path| !path.ends_with("Cargo.lock"));
        own.filter_map(changed).all(|changed| changed <= time)
    }
}

/// The digest of what is in a file.
pub fn read(path: &Path) -> io::Result<Digest> {
    Ok(Digest(Sha256::digest(fs::read(path)?).into()))
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
    // Each with whether it is known to be a folder.
    let mut found = vec![(PathBuf::new(), false)];
    for component in pattern.components() {
        let name = component.as_os_str().to_string_lossy();
        if name == "**" {
            let below = found.iter().flat_map(|(folder, _)| everything_below(folder, target_dir));
            found = below.map(|folder| (folder, false)).collect();
        } else if name.contains(['*', '?', '[']) {
            found = found.iter().flat_map(|(folder, _)| folders_in(folder)).collect();
        } else {
            for (folder, is_known) in &mut found {
                folder.push(component);
                *is_known = false;
            }
        }
    }
    found.retain(|(path, is_known)| *is_known || path.is_dir());
    let mut found: Vec<PathBuf> = found.into_iter().map(|(path, _)| path).collect();
    found.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    found.dedup();
    found
}

/// The folders in a folder, each with whether it is one: where a link leads is looked at last, with everything else.
fn folders_in(folder: &Path) -> Vec<(PathBuf, bool)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    // The kind of an entry costs nothing.
    let folder = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        (kind.is_dir() || kind.is_symlink()).then(|| (entry.path(), kind.is_dir()))
    };
    entries.filter_map(folder).collect()
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
    fn what_had_to_be_read_is_told_by_its_metadata_next_time() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("Cargo.toml");
        fs::write(&path, "one").unwrap();
        let needs = Needs { files: [path.clone(), top.path().join("none")].into(), patterns: BTreeSet::new() };
        let young = needs.look(top.path());
        while !FileStat::of(&fs::metadata(&path).unwrap()).is_settled(now_ns()) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let settled = match young.still_hold(top.path(), &|path, _| read(path)) {
            Held::Anew(inputs) => inputs,
            // Looking took so long that it was settled by then.
            Held::Yes => young,
            Held::No => panic!("nothing has changed"),
        };
        assert!(matches!(settled.still_hold(top.path(), &|path, _| read(path)), Held::Yes));
        fs::write(&path, "two").unwrap();
        assert!(matches!(settled.still_hold(top.path(), &|path, _| read(path)), Held::No));
        fs::write(&path, "one").unwrap();
        assert!(matches!(settled.still_hold(top.path(), &|path, _| read(path)), Held::Anew(_)));
        fs::write(top.path().join("none"), "").unwrap();
        assert!(matches!(settled.still_hold(top.path(), &|path, _| read(path)), Held::No));
    }

    #[test]
    fn a_later_change_is_seen_whatever_its_time_says() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("Cargo.toml");
        fs::write(&path, "one").unwrap();
        let needs = Needs { files: [path.clone()].into(), patterns: BTreeSet::new() };
        let before = needs.look(top.path());
        let holds = |inputs: &Inputs| !matches!(inputs.still_hold(top.path(), &|path, _| read(path)), Held::No);
        assert!(holds(&before));
        let long_ago = UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        assert!(!before.is_older_than(long_ago));
        fs::write(&path, "two").unwrap();
        fs::File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        assert!(!holds(&before));
        let after = needs.look(top.path());
        assert!(!after.agrees_with(&before, Path::new("elsewhere")));
        assert!(after.agrees_with(&before, &path));
        #[cfg(unix)]
        assert!(!after.is_older_than(long_ago + std::time::Duration::from_secs(1)));
        assert!(after.is_older_than(SystemTime::now()));
    }
}
