//! A workspace of a test's own in a temporary folder, and what a test does to its files. It runs nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::call::Call;

/// A folder `shop` for a workspace, and a folder beside it for what steps leave behind without touching the workspace.
pub struct Scene {
    _folder: TempDir,
    root: PathBuf,
    side: PathBuf,
}

impl Scene {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let (root, side) = (top.join("shop"), top.join("side"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&side).unwrap();
        Self { _folder: folder, root, side }
    }

    /// A virtual workspace of libraries, each in a folder of its name. `"beta alpha"` is a member `beta` that depends
    /// on `alpha`.
    pub fn of(members: &[&str]) -> Self {
        let names: Vec<&str> = members.iter().filter_map(|member| member.split(' ').next()).collect();
        let scene = Self::new().file("Cargo.toml", &format!("[workspace]\nresolver = \"3\"\nmembers = {names:?}\n"));
        for member in members {
            scene.add_library(member);
        }
        scene
    }

    /// A copy of `tests/fixtures/<name>`.
    pub fn fixture(name: &str) -> Self {
        let scene = Self::new();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name), &scene.root);
        scene
    }

    /// With this file.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// With this make.toml.
    pub fn make(self, text: &str) -> Self {
        self.file("make.toml", text)
    }

    /// Adds the folder of a library; see [`Scene::of`].
    pub fn add_library(&self, member: &str) {
        let mut words = member.split(' ');
        let name = words.next().unwrap();
        let mut manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n");
        for dependency in words {
            manifest += &format!("{dependency} = {{ path = \"../{dependency}\" }}\n");
        }
        self.write(&format!("{name}/Cargo.toml"), &manifest);
        self.write(&format!("{name}/src/lib.rs"), &format!("pub const NAME: &str = \"{name}\";\n"));
    }

    /// The workspace root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A place in the workspace.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A place beside the workspace, where the commands of steps find it as `$SIDE`.
    pub fn beside(&self, path: &str) -> PathBuf {
        self.side.join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn append(&self, path: &str, text: &str) {
        let before = fs::read_to_string(self.at(path)).unwrap();
        self.write(path, &(before + text));
    }

    /// Replaces a text that must be there.
    pub fn replace(&self, path: &str, old: &str, new: &str) {
        let before = fs::read_to_string(self.at(path)).unwrap();
        assert!(before.contains(old), "{path} has no `{old}`:\n{before}");
        self.write(path, &before.replace(old, new));
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.at(path)).unwrap();
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).unwrap();
    }

    /// Gives every file of the workspace, the target directory apart, a new time and leaves its contents.
    pub fn touch_everything(&self) {
        let now = SystemTime::now();
        for entry in walkdir::WalkDir::new(&self.root).into_iter().filter_entry(|entry| entry.file_name() != "target") {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                fs::File::options().write(true).open(entry.path()).unwrap().set_modified(now).unwrap();
            }
        }
    }

    /// A program beside the workspace.
    pub fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.beside(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// What steps have written to `$SIDE/<name>`; nothing, if there is no such file.
    pub fn left(&self, name: &str) -> String {
        fs::read_to_string(self.beside(name)).unwrap_or_default()
    }

    /// Likewise, and forgets it.
    pub fn take(&self, name: &str) -> String {
        let text = self.left(name);
        let _ = fs::remove_file(self.beside(name));
        text
    }

    /// Where the results of this workspace are kept; there must be exactly one such place in the target directory.
    pub fn state_json(&self) -> PathBuf {
        let folders = fs::read_dir(self.at("target/lifecycle")).unwrap().map(|entry| entry.unwrap().path());
        let mut found = folders.map(|folder| folder.join("state.json")).filter(|path| path.exists());
        let path = found.next().unwrap();
        assert_eq!(found.next(), None);
        path
    }

    /// Has the next run believe that each step and each test executable took this long, in milliseconds, the last time.
    pub fn last_took(&self, ms: u64) {
        let path = self.state_json();
        let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let steps = state["steps"].as_object_mut().unwrap();
        assert!(!steps.is_empty());
        steps.values_mut().for_each(|step| step["duration_ms"] = ms.into());
        fs::write(path, state.to_string()).unwrap();
    }

    /// The command lines of the processes that have this scene's `$SIDE` in their environment and are not over.
    pub fn processes(&self) -> Vec<String> {
        let needle = format!("SIDE={}", self.beside("").display());
        let is_ours = |path: &Path| {
            let environ = fs::read(path.join("environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == needle.as_bytes())
        };
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
        let lines = entries.filter(|path| is_ours(path)).map(|path| fs::read(path.join("cmdline")).unwrap_or_default());
        lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
    }

    /// `cargo lifecycle …` in the root, called as cargo calls it. Words are separated by spaces.
    pub fn call(&self, words: &str) -> Call {
        Call::new(self, words.split(' ').filter(|word| !word.is_empty()))
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
