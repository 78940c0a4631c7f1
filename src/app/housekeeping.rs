//! The cache as a thing to look at and to remove: which files of the rooms are in it. It runs no step.

use std::ffi::OsStr;
use std::path::Path;

use super::{Error, Lifecycle};
use crate::home::Home;
use crate::model::{CacheCleared, CacheStats, Digest};
use crate::store;

/// The files that the rooms keep, wherever they lie in the folder.
const FILES: &[&str] = &[
    "records.bin",
    "files.bin",
    "seen.bin",
    "descriptions.bin",
    "makers.json",
    "state.json",
    "history.jsonl",
    "workspace.json",
    "workspace-by-cargo.json",
    "toolchain.json",
    "toolchain-by-cargo.json",
    "lock",
    "profile.svg",
    "profile-cpu.svg",
];

impl Lifecycle {
    /// What is in the cache of the target directory, for all workspaces that share it.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        store::stats(&home(self), self.project.cache)
    }

    /// Removes the cache of the target directory, for all workspaces that share it. A run that goes on meanwhile is not
    /// disturbed.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn cache_clean(&self) -> Result<CacheCleared, Error> {
        let home = home(self);
        store::clear(&home, &is_ours).map_err(|error| Error::Clean { folder: home.shared().to_owned(), error })
    }
}

/// Where everything of the workspace is kept.
pub fn home(lifecycle: &Lifecycle) -> Home {
    Home::new(&lifecycle.workspace.target_dir, &lifecycle.workspace.root)
}

/// Whether a path in the folder is ours. The folder's name is an ordinary one, and with a target directory that is
/// somebody's own folder, there may be anything in it.
fn is_ours(path: &Path) -> bool {
    let Some(names) = path.iter().map(OsStr::to_str).collect::<Option<Vec<&str>>>() else { return false };
    match names[..] {
        ["blobs"] => true,
        ["replaced", ..] => true,
        ["blobs", folder] if is_hex(folder, 2) => true,
        ["blobs", folder, file] => is_unfinished(file) || Digest::from_hex(&format!("{folder}{file}")).is_some(),
        ["blobs", file] => is_unfinished(file),
        ["timings"] => true,
        ["timings", file] => is_unfinished(file) || (file.starts_with("timings") && file.ends_with(".html")),
        [own] if is_hex(own, 16) => true,
        [own, file] if is_hex(own, 16) => is_file(file) || is_claim(file) || file == "started",
        [own, "started", _] if is_hex(own, 16) => true,
        // Outputs that were being made ready.
        [folder, _] => is_unfinished(folder),
        [file] => is_file(file),
        _ => false,
    }
}

fn is_file(name: &str) -> bool {
    FILES.contains(&name.strip_suffix(".damaged").unwrap_or(name)) || is_unfinished(name)
}

/// Whether it is what a killed run left half-written.
fn is_unfinished(name: &str) -> bool {
    name.starts_with(".new-")
}

/// Whether it is the lock of a step's outputs.
fn is_claim(name: &str) -> bool {
    name.strip_suffix(".lock").is_some_and(|name| is_hex(name, 16))
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
