//! Workspaces that `cargo xtask generate` writes, in which there is nothing more to do.

use std::path::Path;
use std::process::Command;

use cargo_lifecycle::Report;
use tempfile::TempDir;

use super::run::{asked, run};

/// The run that is measured there.
pub fn stamp(dir: &Path) -> Report {
    run(asked(dir, &["stamp"]))
}

/// One in which every step has run, and its files were looked at once more: those as young as the first run are read
/// again by the second. `change` is called before the first.
pub fn settled(members: usize, files: usize, change: impl FnOnce(&Path)) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a workspace");
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let xtask = xtask.args(["generate", "--members", &members.to_string(), "--files", &files.to_string(), "--dir"]);
    let status = xtask.arg(folder.path()).status().expect("xtask can be started");
    assert!(status.success(), "there is no workspace of {members} members");
    change(folder.path());
    assert_eq!(stamp(folder.path()).summary.succeeded, members);
    assert_eq!(stamp(folder.path()).summary.cached, members);
    folder
}
