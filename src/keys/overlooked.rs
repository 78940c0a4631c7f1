//! Files that cargo has passed by: put in place after something was made of others, and not newer than that. It asks
//! times alone, and does not know what the files were.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::{DirEntry, WalkDir};

use super::Keys;
use super::links::changed_at;
use super::read::{base_of, is_documentation, package_dir, spelled};
use crate::cargo_output::{Artifact, BuildScript};
use crate::dep_info;
use crate::model::{FileStat, MemberId};

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
        let silent =
            scripts.iter().filter_map(|script| Some((silent_since(script)?, package_dir(&script.package_id)?)));
        let mut silent = silent.filter(|(ran_ns, _)| *ran_ns > since_ns);
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
        });
        let found = found.or_else(|| silent.find_map(|(ran_ns, dir)| self.changed_since(&dir, ran_ns)))?;
        Some(self.shown(&found))
    }

    /// A file outside of its package that a library reads, and that is newer than the documentation which cargo calls fresh,
    /// with the library's name: cargo looks at the package alone, as rustdoc does not tell what it read.
    pub fn undocumented(&self, artifacts: &[Artifact]) -> Option<(String, String)> {
        let root = &self.expansion.workspace.root;
        let documented = artifacts.iter().filter(|artifact| artifact.fresh && is_documentation(artifact));
        documented.into_iter().find_map(|documentation| {
            let dir = package_dir(&documentation.package_id)?;
            let made = fs::metadata(documentation.filenames.first()?).ok()?.modified().ok()?;
            let is_same = |other: &&Artifact| other.source == documentation.source && !is_documentation(other);
            let library = artifacts.iter().find(is_same)?;
            let base = base_of(library, &dir, root);
            let read = dep_info::of_artifact(&library.filenames).ok()?.paths.into_iter();
            let mut outside = read.map(|path| spelled(&base.join(path))).filter(|path| !path.starts_with(&dir));
            let is_newer = |path: &PathBuf| {
                path.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|changed| changed > made)
            };
            Some((self.shown(&outside.find(is_newer)?), documentation.target.clone()))
        })
    }

    /// A file of a package that changed after this moment, whatever its time is: of such a package cargo looks at the
    /// newest time alone, and one of the future hides every other.
    fn changed_since(&self, dir: &Path, moment_ns: i64) -> Option<PathBuf> {
        let areas = &self.state().tree.areas;
        let area = (0..areas.len()).find(|area| self.coverage.areas.dir(*area) == dir)?;
        let changed = areas.get(area)?.files.iter().find(|file| file.stat.ctime_ns > moment_ns)?;
        Some(dir.join(&changed.path))
    }

    /// When the file came or went, in nanoseconds since the Unix epoch, if a build script of the member that asks for
    /// nothing may not be run again for it: another file of the member is newer. `None` where there is no build script.
    pub fn not_newest(&self, member: MemberId, path: &Path) -> Option<i64> {
        let dir = self.coverage.areas.dir(member.index());
        // What the manifest calls it is not asked: to be wrong here costs an explanation, no result.
        let manifest = || fs::read_to_string(dir.join("Cargo.toml")).unwrap_or_default();
        if !dir.join("build.rs").exists() && !manifest().contains("build") {
            return None;
        }
        let Ok(metadata) = fs::metadata(path) else {
            let folder = path.ancestors().skip(1).find_map(|folder| fs::symlink_metadata(folder).ok())?;
            return Some(FileStat::of(&folder).mtime_ns);
        };
        let own = FileStat::of(&metadata);
        let state = self.state();
        let newest = state.tree.areas.get(member.index())?.files.iter().map(|file| file.stat.mtime_ns).max();
        (newest? > own.mtime_ns).then(|| changed_at(path, &self.expansion.workspace.target_dir)).flatten()
    }

    /// The path, or a file or folder in it, that came there after this moment and is not newer. It comes with a folder that
    /// it is in, too.
    fn put_since(&self, path: &Path, moment_ns: i64) -> Option<PathBuf> {
        let (root, target) = (&self.expansion.workspace.root, &self.expansion.workspace.target_dir);
        let walk = WalkDir::new(path).follow_links(true).into_iter();
        let walk = walk.filter_entry(|entry| entry.path() != target && entry.file_name() != ".git");
        let is_put = |entry: &DirEntry| {
            let (path, is_folder) = (entry.path(), entry.file_type().is_dir());
            if is_folder && !entry.path_is_symlink() {
                return is_folder_put(path, moment_ns) && !root.starts_with(path);
            }
            let came = changed_at(path, target).is_some_and(|changed_ns| changed_ns > moment_ns);
            !is_folder && came && fs::metadata(path).is_ok_and(|metadata| FileStat::of(&metadata).mtime_ns <= moment_ns)
        };
        let put = walk.filter_map(Result::ok).find(is_put).map(DirEntry::into_path);
        put.or_else(|| (path.exists() && self.is_brought_since(path, moment_ns)).then(|| path.to_owned()))
    }

    /// Whether a folder around the path, with it, took its place after this moment: what is in it then has the times that it
    /// had before. One that the workspace is in as well took that along; what comes and goes in the target directory
    /// is for cargo.
    fn is_brought_since(&self, path: &Path, moment_ns: i64) -> bool {
        let (root, target) = (&self.expansion.workspace.root, &self.expansion.workspace.target_dir);
        let mut around = path.ancestors().skip(1).take_while(|folder| !root.starts_with(folder));
        !path.starts_with(target) && around.any(|folder| is_folder_put(folder, moment_ns))
    }
}

/// Whether a folder came to its place after this moment and nothing has come and gone in it since: for that, it has another
/// time.
fn is_folder_put(folder: &Path, moment_ns: i64) -> bool {
    let stat = fs::symlink_metadata(folder).map(|metadata| FileStat::of(&metadata));
    stat.is_ok_and(|stat| stat.ctime_ns > moment_ns && stat.mtime_ns <= moment_ns)
}

/// When a build script that asks for nothing ran last, in nanoseconds since the Unix epoch; `None` for any other.
pub fn silent_since(script: &BuildScript) -> Option<i64> {
    let is_silent = dep_info::of_build_script(&script.out_dir).ok()? == dep_info::Read::default();
    ran_at(script).filter(|_| is_silent)
}

/// The paths that those build scripts watch which have not run since this moment.
pub fn watched_before(scripts: &[BuildScript], moment_ns: i64) -> Vec<PathBuf> {
    let before = scripts.iter().filter(|script| ran_at(script).is_none_or(|ran_ns| ran_ns <= moment_ns));
    let watched = before.flat_map(|script| {
        let read = dep_info::of_build_script(&script.out_dir).unwrap_or_default();
        // What a registry gives does not change: of such a package what is named in full counts alone.
        let dir = package_dir(&script.package_id).unwrap_or_default();
        read.paths.into_iter().map(move |path| dir.join(path)).filter(|path| path.is_absolute())
    });
    watched.map(|path| spelled(&path)).collect()
}

/// When a build script ran last, in nanoseconds since the Unix epoch.
fn ran_at(script: &BuildScript) -> Option<i64> {
    let output = fs::metadata(script.out_dir.with_file_name("output")).ok()?;
    output.modified().ok().map(nanoseconds)
}

/// In nanoseconds since the Unix epoch.
pub fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
