//! Which files git has in its index: to those it is of no matter what the rules say. It does not know the rules.

use std::fs;
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::OnceLock;

use super::described::describe;
use super::found::Found;
use super::git_index::{Index, parse};
use super::{Areas, File, Kind};
use crate::disk::Sort;
use crate::model::FileStat;
use crate::moment::now_ns;

/// The metadata of an index, by which it can be seen that it is the same; zeros where there is none.
pub type Stamp = [u8; 32];

/// The index of one repository, which is read when somebody asks for a name in it.
#[derive(Debug)]
pub struct Tracked {
    top: PathBuf,
    /// Taken before it is read: of what is written in between, the next look tells.
    stamp: OnceLock<Option<Stamp>>,
    /// The names from the top, in the order of their bytes, or why they cannot be told. One that ends with a slash stands for
    /// all that is below it.
    names: OnceLock<Result<Vec<Vec<u8>>, String>>,
}

impl Tracked {
    /// That of the repository with this top.
    pub fn new(top: &Path) -> Self {
        Self { top: top.to_owned(), stamp: OnceLock::new(), names: OnceLock::new() }
    }

    /// What tells it from others; `None` if it cannot be told from one that is written next.
    pub fn stamp(&self) -> Option<Stamp> {
        *self.stamp.get_or_init(|| match fs::metadata(index_of(&self.top)?) {
            Ok(metadata) => stamp_of(&FileStat::of(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Stamp::default()),
            Err(_) => None,
        })
    }

    /// Whether the file or link at this path is in the index.
    ///
    /// # Errors
    /// There is an index that cannot be read.
    pub fn has(&self, path: &Path) -> io::Result<bool> {
        let names = self.names()?;
        let Some(name) = self.name(path) else { return Ok(false) };
        let has = |name: &[u8]| names.binary_search_by(|other| other.as_slice().cmp(name)).is_ok();
        let mut folders = name.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &name[..=end]);
        Ok(has(&name) || folders.any(has))
    }

    /// The files and links in the index that are below this folder, by their paths from there.
    ///
    /// # Errors
    /// Likewise.
    pub fn below(&self, folder: &Path) -> io::Result<impl Iterator<Item = PathBuf>> {
        let names = self.names()?;
        let prefix = self.name(folder).map(|name| [&name, &b"/"[..]].concat());
        let first = prefix.as_ref().map_or(names.len(), |prefix| names.partition_point(|name| name < prefix));
        let below = names.get(first..).unwrap_or_default().iter();
        Ok(below.map_while(move |name| name.strip_prefix(prefix.as_deref()?)).filter_map(path_of))
    }

    /// The path from the top, as it stands in an index.
    fn name(&self, path: &Path) -> Option<Vec<u8>> {
        let name = path.strip_prefix(&self.top).ok()?.as_os_str().as_encoded_bytes();
        Some(name.iter().map(|byte| if *byte == MAIN_SEPARATOR as u8 { b'/' } else { *byte }).collect())
    }

    fn names(&self) -> io::Result<&[Vec<u8>]> {
        self.stamp();
        let names = self.names.get_or_init(|| index_of(&self.top).map_or_else(|| Ok(Vec::new()), |index| read(&index)));
        names.as_deref().map_err(|why| io::Error::other(format!("whether git tracks it cannot be told: {why}")))
    }
}

impl Areas {
    /// Tells of the files in an ignored folder that git tracks all the same; whether there are any.
    ///
    /// # Errors
    /// There is an index that cannot be read.
    pub fn tell_tracked(&self, tracked: &Tracked, folder: (&Path, &Path), found: &mut Found) -> io::Result<bool> {
        let mut is_any = false;
        for below in tracked.below(folder.0)? {
            let (path, relative) = (folder.0.join(&below), folder.1.join(&below));
            let mut above = path.ancestors().skip(1).take_while(|above| above.starts_with(folder.0));
            if above.any(|above| self.is_area(above)) {
                continue;
            }
            is_any = true;
            match self.describe_tracked(&path, &relative) {
                Ok(file) => found.files.extend(file),
                Err(error) => found.problem(&path, error),
            }
        }
        Ok(is_any)
    }

    /// What stands at the path; nothing if that is another repository, of which nothing is known, or gone.
    fn describe_tracked(&self, path: &Path, relative: &Path) -> io::Result<Option<File>> {
        let look = match self.disk.look(path) {
            Ok(look) if look.sort == Sort::Folder => return Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            look => look?,
        };
        match describe(&self.disk, (path, relative), look)? {
            Some(File { kind: Kind::FolderLink(_), .. }) => {
                Err(io::Error::other("it is a link to a folder, in a folder that git ignores"))
            }
            file => Ok(file),
        }
    }
}

/// Whether the repository that a file is in has it in its index.
///
/// # Errors
/// There is an index that cannot be read.
pub fn is_tracked(path: &Path) -> io::Result<bool> {
    let top = path.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    top.map_or(Ok(false), |top| Tracked::new(top).has(path))
}

/// The folder of the repository with this top that is its alone. Where `.git` is a file (a worktree, a submodule), it names it.
pub fn git_dir(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(git).ok()?;
    Some(top.join(text.strip_prefix("gitdir:")?.trim()))
}

fn index_of(top: &Path) -> Option<PathBuf> {
    Some(git_dir(top)?.join("index"))
}

fn stamp_of(stat: &FileStat) -> Option<Stamp> {
    let numbers = [stat.mtime_ns.cast_unsigned(), stat.ctime_ns.cast_unsigned(), stat.size, stat.inode];
    let mut stamp = Stamp::default();
    stamp.chunks_exact_mut(8).zip(numbers).for_each(|(bytes, number)| bytes.copy_from_slice(&number.to_le_bytes()));
    stat.is_settled(now_ns()).then_some(stamp)
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    (!name.ends_with(b"/")).then(|| std::ffi::OsStr::from_bytes(name).into())
}

#[cfg(not(unix))]
fn path_of(name: &[u8]) -> Option<PathBuf> {
    (!name.ends_with(b"/")).then(|| str::from_utf8(name).ok().map(PathBuf::from)).flatten()
}

/// The names in an index, and in the one that it shares with others; of these it may have taken some out, which are told all
/// the same.
fn read(index: &Path) -> Result<Vec<Vec<u8>>, String> {
    let of_file = |path: &Path| match fs::read(path) {
        Ok(bytes) => parse(&bytes).ok_or_else(|| format!("`{}` is no index that is understood", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
        Err(error) => Err(format!("`{}` cannot be read: {error}", path.display())),
    };
    let Index { mut names, shared } = of_file(index)?;
    if let Some(shared) = shared {
        let shared = index.with_file_name(format!("sharedindex.{shared}"));
        if !shared.exists() {
            return Err(format!("`{}` is missing", shared.display()));
        }
        names.extend(of_file(&shared)?.names);
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(top: &Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES"] {
            git.env_remove(variable);
        }
        let author = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let output = git.args(author).args(arguments).current_dir(top).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    const NAMES: [&str; 6] = ["a", "a.b/c", "a/b/c", "a/b/long-name-of-more-than-eight", "b/\u{e9}", "z"];

    fn scene(format: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", &format!("--object-format={format}")]);
        for name in NAMES.iter().skip(1).chain(&["untracked"]) {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let add: Vec<&str> = ["add", "--"].into_iter().chain(NAMES.into_iter().skip(1)).collect();
        git(folder.path(), &add);
        folder
    }

    fn assert_told(top: &Path, what: &str) {
        let tracked = Tracked::new(top);
        for name in NAMES.into_iter().skip(1) {
            assert!(tracked.has(&top.join(name)).unwrap(), "{what}: {name}");
        }
        for name in ["a", "a/b", "untracked", "a/b/c/d", ".git", "../a.b/c"] {
            assert!(!tracked.has(&top.join(name)).unwrap(), "{what}: {name}");
        }
        let below = |folder: &str| tracked.below(&top.join(folder)).unwrap().collect::<Vec<_>>();
        assert_eq!(below("a"), ["b/c", "b/long-name-of-more-than-eight"].map(PathBuf::from), "{what}");
        assert_eq!(below("a.b"), [PathBuf::from("c")], "{what}");
        assert!(below("untracked").is_empty(), "{what}");
    }

    #[test]
    fn every_form_that_git_writes_is_read() {
        for format in ["sha1", "sha256"] {
            let folder = scene(format);
            let top = folder.path();
            for version in ["2", "4", "3"] {
                git(top, &["update-index", "--index-version", version]);
                assert_told(top, &format!("{format} {version}"));
            }
            git(top, &["add", "--intent-to-add", "untracked"]);
            assert!(Tracked::new(top).has(&top.join("untracked")).unwrap(), "{format}: with more flags");
            git(top, &["rm", "-q", "--cached", "untracked"]);
            git(top, &["update-index", "--split-index"]);
            assert_told(top, &format!("{format}, split"));
            git(top, &["commit", "-q", "-m", "one"]);
            fs::write(top.join("new"), "").unwrap();
            git(top, &["add", "new"]);
            assert_told(top, &format!("{format}, split and added to"));
            assert!(Tracked::new(top).has(&top.join("new")).unwrap());
            git(top, &["update-index", "--no-split-index"]);
            assert_told(top, &format!("{format}, whole again"));
        }
    }

    #[test]
    fn what_is_outside_of_a_sparse_checkout_counts_as_a_whole() {
        let folder = scene("sha1");
        let top = folder.path();
        git(top, &["commit", "-q", "-m", "one"]);
        git(top, &["sparse-checkout", "set", "--cone", "--sparse-index", "b"]);
        let tracked = Tracked::new(top);
        assert!(tracked.has(&top.join("a/b/c")).unwrap() && tracked.has(&top.join("b/\u{e9}")).unwrap());
        assert!(tracked.has(&top.join("a/anything")).unwrap() && !tracked.has(&top.join("c")).unwrap());
    }

    #[test]
    fn no_damage_is_taken_for_an_index() {
        let folder = scene("sha1");
        let (top, path) = (folder.path(), folder.path().join(".git/index"));
        let sound = fs::read(&path).unwrap();
        assert!(parse(&sound).is_some());
        for length in 0..sound.len() {
            assert!(parse(&sound[..length]).is_none_or(|index| index.names.len() == NAMES.len() - 1), "{length} bytes");
        }
        fs::write(&path, &sound[..50]).unwrap();
        let error = Tracked::new(top).has(&top.join("a/b/c")).unwrap_err().to_string();
        assert!(error.contains("whether git tracks it cannot be told") && error.contains("index"), "{error}");
        fs::remove_file(&path).unwrap();
        let none = Tracked::new(top);
        assert!(!none.has(&top.join("a/b/c")).unwrap() && none.stamp() == Some(Stamp::default()));
    }
}
