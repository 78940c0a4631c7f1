//! Which files git has in its index: to those it is of no matter what the rules say. It does not know the rules.

use std::fs;
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::OnceLock;

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

#[derive(Debug, Default, PartialEq, Eq)]
struct Index {
    names: Vec<Vec<u8>>,
    /// The digest of the one that it stands on.
    shared: Option<String>,
}

/// How long digests may be: SHA-1, SHA-256. An index does not say which it has.
const DIGESTS: [usize; 2] = [20, 32];

/// What git writes in versions 2 to 4 (<https://git-scm.com/docs/index-format>).
fn parse(bytes: &[u8]) -> Option<Index> {
    DIGESTS.into_iter().find_map(|digest| parse_with(bytes, digest))
}

fn parse_with(bytes: &[u8], digest: usize) -> Option<Index> {
    let body = bytes.get(..bytes.len().checked_sub(digest)?)?;
    let mut rest = body.strip_prefix(b"DIRC")?;
    let (version, count) = (number(&mut rest)?, number(&mut rest)?);
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut index = Index::default();
    let mut name: Vec<u8> = Vec::new();
    for _ in 0..count {
        let entry = rest;
        // Two times, device, inode, mode, owner, group, size; then what is in it.
        rest = rest.get(40 + digest..)?;
        let flags = u16::from_be_bytes(take(&mut rest)?);
        if flags & EXTENDED != 0 {
            take::<2>(&mut rest)?;
        }
        if version == 4 {
            let cut = offset(&mut rest)?;
            name.truncate(name.len().checked_sub(cut)?);
        } else {
            name.clear();
        }
        let end = rest.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(rest.get(..end)?);
        if version == 4 {
            rest = rest.get(end + 1..)?;
        } else {
            // One zero at least, up to a multiple of eight.
            let length = entry.len() - rest.len() + end;
            rest = entry.get(length + 8 - length % 8..)?;
        }
        // One that stands for that of the shared index has no name.
        if !name.is_empty() {
            index.names.push(name.clone());
        }
    }
    while !rest.is_empty() {
        let kind: [u8; 4] = take(&mut rest)?;
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (extension, after) = rest.split_at_checked(length)?;
        rest = after;
        if kind == *b"link" {
            let shared = extension.get(..digest)?;
            let is_any = shared.iter().any(|byte| *byte != 0);
            index.shared = is_any.then(|| shared.iter().map(|byte| format!("{byte:02x}")).collect());
        } else if !kind[0].is_ascii_uppercase() && kind != *b"sdir" {
            // What cannot be passed by.
            return None;
        }
    }
    Some(index)
}

/// The flag of an entry that has more of them.
const EXTENDED: u16 = 0x4000;

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_be_bytes)
}

/// How many bytes of the name before are not in this one.
fn offset(rest: &mut &[u8]) -> Option<usize> {
    let [mut byte] = take(rest)?;
    let mut offset = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        [byte] = take(rest)?;
        offset = offset.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some(offset)
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
