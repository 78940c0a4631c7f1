//! A workspace that is edited, in a folder of its own: its files, and the environment of the next runs. It runs only
//! git, and judges nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use walkdir::{DirEntry, WalkDir};

use crate::shop::{FILES, LINK, ROOT};

/// The variables that the outer `cargo test` leaves to what is run.
const KEPT: &[&str] =
    &["PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_DIST_SERVER"];

/// The edited workspace.
pub struct World {
    folder: TempDir,
    /// Variables that edits have set.
    pub env: BTreeMap<&'static str, &'static str>,
    /// Earlier states, as git knows them.
    pub commits: Vec<String>,
}

impl World {
    /// The workspace as it is at first.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("differential-").tempdir().unwrap();
        let world = Self { folder, env: BTreeMap::new(), commits: Vec::new() };
        for (path, text) in FILES {
            world.write(path, text);
        }
        symlink(LINK.1[0], world.at(LINK.0)).unwrap();
        fs::create_dir(world.side()).unwrap();
        world.git("init -q -b main");
        world
    }

    /// A place in the folder that holds everything.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The workspace root.
    pub fn root(&self) -> PathBuf {
        self.at(ROOT)
    }

    /// Where commands leave what is no part of the workspace.
    pub fn side(&self) -> PathBuf {
        self.at("side")
    }

    /// Leaves the folder where it is, and tells where.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The text of a file, if it is there.
    pub fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    /// A command in the workspace root with a clean environment, for ours and for plain cargo alike.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        command(program.as_ref(), self.folder.path(), &self.env)
    }

    /// Runs git in the workspace root.
    pub fn git(&self, words: &str) -> String {
        let mut git = self.command("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.hooksPath=/dev/null"]);
        let output = git.args(words.split(' ')).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Everything that a result may depend on: names, contents, links and modes, but no times; the variables.
    pub fn digest(&self) -> String {
        let mut all = Sha256::new();
        let mut add = |bytes: &[u8]| {
            all.update((bytes.len() as u64).to_le_bytes());
            all.update(bytes);
        };
        for entry in self.tree() {
            add(entry.path().as_os_str().as_encoded_bytes());
            let kind = entry.file_type();
            if kind.is_symlink() {
                add(fs::read_link(entry.path()).unwrap().as_os_str().as_encoded_bytes());
            } else if kind.is_file() {
                add(&fs::read(entry.path()).unwrap());
                add(&entry.metadata().unwrap().permissions().mode().to_le_bytes());
            }
        }
        add(format!("{:?}", self.env).as_bytes());
        format!("{:x?}", &all.finalize()[..16])
    }

    /// Copies everything but what runs have made.
    pub fn copy_to(&self, to: &Path) {
        for entry in self.tree() {
            let path = to.join(entry.path().strip_prefix(self.folder.path()).unwrap());
            let kind = entry.file_type();
            if kind.is_dir() {
                fs::create_dir_all(path).unwrap();
            } else if kind.is_symlink() {
                symlink(fs::read_link(entry.path()).unwrap(), path).unwrap();
            } else {
                fs::copy(entry.path(), path).unwrap();
            }
        }
        fs::create_dir_all(to.join("side")).unwrap();
    }

    fn tree(&self) -> impl Iterator<Item = DirEntry> {
        let made = [self.root().join("target"), self.root().join(".git"), self.side()];
        let walk = WalkDir::new(self.folder.path()).sort_by_file_name().into_iter();
        walk.filter_entry(move |entry| !made.iter().any(|made| made == entry.path())).map(Result::unwrap)
    }

    /// Whether a process that a run of this world has started is still there.
    pub fn is_busy(&self) -> bool {
        let needle = format!("SIDE={}", self.side().display());
        let has_it = |path: PathBuf| {
            let environ = fs::read(path.join("environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == needle.as_bytes())
        };
        fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| has_it(entry.path()))
    }
}

/// A command in the workspace root of a folder.
pub fn command(program: &Path, folder: &Path, env: &BTreeMap<&'static str, &'static str>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder.join(ROOT)).stdin(Stdio::null());
    command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("CARGO_NET_OFFLINE", "true").env("SIDE", folder.join("side")).envs(env);
    command
}
