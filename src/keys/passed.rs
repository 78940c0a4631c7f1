//! Whether cargo passed by a file that has changed: it compares times, and a file can come with an older one. It knows only
//! what was read, not what a key covers.

use std::fs;
use std::path::{Path, PathBuf};

use super::Keys;
use super::links::changed_at;
use super::read::{base_of, package_dir, spelled};
use crate::cargo_output::{Artifact, BuildScript};
use crate::dep_info;
use crate::model::FileStat;

impl Keys<'_> {
    /// Whether something that cargo called fresh had read the file before what is there now was put there.
    pub fn is_passed_by(&self, path: &Path, artifacts: &[Artifact], scripts: &[BuildScript]) -> bool {
        let Some(changed) = self.changed_at(path) else { return false };
        // What cargo does run or compile writes these files anew.
        let is_older = |made: &Path| written_at(made).is_some_and(|written| written < changed);
        let by_unit = |artifact: &Artifact| {
            artifact.fresh
                && artifact.filenames.iter().any(|made| is_older(made))
                && self.read_by(artifact).iter().any(|one| one == path)
        };
        let by_script = |script: &BuildScript| {
            is_older(&script.out_dir.with_file_name("output"))
                && watched(script).iter().any(|one| path.starts_with(one))
        };
        artifacts.iter().any(by_unit) || scripts.iter().any(by_script)
    }

    /// Something that a unit which cargo called fresh had read before what is there now was put there.
    pub fn passed_by(&self, artifacts: &[Artifact]) -> Option<String> {
        artifacts.iter().filter(|artifact| artifact.fresh).find_map(|artifact| {
            let written = artifact.filenames.iter().filter_map(|made| written_at(made)).min()?;
            let read = self.read_by(artifact);
            let newer = read.iter().find(|path| self.changed_at(path).is_some_and(|changed| written < changed));
            newer.map(|path| self.shown(path))
        })
    }

    fn changed_at(&self, path: &Path) -> Option<i64> {
        changed_at(path, &self.expansion.workspace.target_dir)
    }

    fn read_by(&self, artifact: &Artifact) -> Vec<PathBuf> {
        let Some(dir) = package_dir(&artifact.package_id) else { return Vec::new() };
        let base = base_of(artifact, &dir, &self.expansion.workspace.root);
        let read = dep_info::of_artifact(&artifact.filenames).unwrap_or_default();
        read.paths.iter().map(|path| spelled(&base.join(path))).collect()
    }
}

fn watched(script: &BuildScript) -> Vec<PathBuf> {
    let Some(dir) = package_dir(&script.package_id) else { return Vec::new() };
    let read = dep_info::of_build_script(&script.out_dir).unwrap_or_default();
    read.paths.iter().map(|path| spelled(&dir.join(path))).collect()
}

fn written_at(path: &Path) -> Option<i64> {
    fs::metadata(path).ok().map(|metadata| FileStat::of(&metadata).mtime_ns)
}
