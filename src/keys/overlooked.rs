//! Files that cargo has passed by: put in place after something was made of others, and not newer than that. It asks
//! times alone, and does not know what the files were.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::Keys;
use super::links::changed_at;
use super::read::{base_of, package_dir, spelled};
use crate::cargo_output::{Artifact, BuildScript};
use crate::dep_info;
use crate::model::FileStat;

impl Keys<'_> {
    /// A file that cargo did not look at, because its time is not newer than the unit or the build script that reads it,
    /// and that took its place after that ran: what was read need not be what is there now.
    ///
    /// Asked only of what ran after `since_ns` (in nanoseconds since the Unix epoch), when the step was last seen: that
    /// was another step, plain cargo or a run that was killed, so that there is no earlier state of ours to compare with.
    pub fn overlooked(&self, (artifacts, scripts): (&[Artifact], &[BuildScript]), since_ns: i64) -> Option<String> {
        let root = &self.expansion.workspace.root;
        let units = artifacts.iter().filter(|artifact| artifact.fresh).filter_map(|artifact| {
            let dir = package_dir(&artifact.package_id)?;
            let read = dep_info::of_artifact(&artifact.filenames).ok()?;
            let base = base_of(artifact, &dir, root).to_owned();
            Some((read.written?, base, read.paths))
        });
        let scripts = scripts.iter().filter_map(|script| {
            let dir = package_dir(&script.package_id)?;
            let written = fs::metadata(script.out_dir.with_file_name("output")).ok()?.modified().ok()?;
            let watched = dep_info::of_build_script(&script.out_dir).ok()?.paths;
            // One that asks for nothing is run again for every file of its package.
            let watched = if watched.is_empty() { vec![PathBuf::new()] } else { watched };
            Some((written, dir, watched))
        });
        let all = units.chain(scripts).map(|(written, base, paths)| (nanoseconds(written), base, paths));
        let found = all.filter(|(written_ns, ..)| *written_ns > since_ns).find_map(|(written_ns, base, paths)| {
            paths.into_iter().find_map(|path| self.put_since(&spelled(&base.join(path)), written_ns))
        })?;
        Some(self.shown(&found))
    }

    /// The path, or a file in the folder, that came there after this moment and is not newer.
    fn put_since(&self, path: &Path, moment_ns: i64) -> Option<PathBuf> {
        let target = &self.expansion.workspace.target_dir;
        let walk = WalkDir::new(path).follow_links(true).into_iter();
        let walk = walk.filter_entry(|entry| entry.path() != target && entry.file_name() != ".git");
        let entries = walk.filter_map(Result::ok).filter(|entry| !entry.file_type().is_dir());
        let is_put = |path: &Path| {
            let came = changed_at(path, target).is_some_and(|changed_ns| changed_ns > moment_ns);
            came && fs::metadata(path).is_ok_and(|metadata| FileStat::of(&metadata).mtime_ns <= moment_ns)
        };
        entries.map(walkdir::DirEntry::into_path).find(|path| is_put(path))
    }
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
