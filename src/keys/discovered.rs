//! What a cargo step turned out to depend on besides its key: found when it has run, and looked at when its freshness is
//! asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::links::{changed_at, entries, spelled};
use super::{Keys, State};
use crate::cargo_output::{Artifact, BuildScript};
use crate::dep_info;
use crate::fingerprint::{Description, Tag, items};
use crate::model::{Digest, Discovered, DiscoveredSort, FileStat};
use crate::relative::relative;

/// Time stamps are this coarse at most, in nanoseconds; what is younger than the start of a step may have changed in it.
const GRAIN_NS: i64 = 10_000_000;

/// Variables that cargo sets for the compiler; ours of that name are not what was read. Those that it sets for build scripts
/// alone are not among them: the compiler gets ours.
const OF_CARGO: [&str; 8] = [
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_RUSTC_CURRENT_DIR",
    "CARGO_TARGET_TMPDIR",
    "CLIPPY_ARGS",
    "OUT_DIR",
];
const FAMILIES_OF_CARGO: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_EXE_"];

impl Keys<'_> {
    /// What the units of a cargo step read that its key does not cover, with what it is now. `began`: when the step
    /// started; `before`: what was known then.
    ///
    /// # Errors
    /// Why that cannot be told, in words: then the result must not be kept.
    pub fn discover(
        &self,
        (artifacts, scripts): (&[Artifact], &[BuildScript]),
        (began, before): (SystemTime, &[Discovered]),
    ) -> Result<Vec<Discovered>, String> {
        let mut asked = Asked::default();
        for artifact in artifacts.iter().filter(|artifact| !is_documentation(artifact)) {
            self.ask_unit(artifact, scripts, &mut asked)?;
        }
        for script in scripts {
            ask_script(script, &mut asked)?;
        }
        let state = self.state();
        let is_made = |path: &Path| scripts.iter().any(|script| path.starts_with(&script.out_dir));
        asked.paths.retain(|path| !is_made(path) && !self.covers(&state, path));
        drop(state);
        let mut found = Vec::new();
        for path in &asked.paths {
            let now = self.now(DiscoveredSort::Path, self.shown(path))?;
            // What was read and is gone would be no less gone when cargo is asked next, and fails.
            let changed = changed_at(path, &self.expansion.workspace.target_dir);
            if now.digest.is_none() || may_have_changed(changed, began, before.contains(&now)) {
                return Err(format!("`{}` changed while it ran", path.display()));
            }
            found.push(now);
        }
        for name in asked.variables.into_iter().filter(|name| !is_of_cargo(name)) {
            found.push(self.now(DiscoveredSort::Variable, name)?);
        }
        Ok(found)
    }

    /// What rustc read for a unit.
    fn ask_unit(&self, artifact: &Artifact, scripts: &[BuildScript], asked: &mut Asked) -> Result<(), String> {
        let dir = package_dir(&artifact.package_id);
        let read = match (dep_info::of_artifact(&artifact.filenames), &dir) {
            (Ok(read), _) => read,
            // What a registry gives does not change, and a variable that it reads is rare.
            (Err(_), None) => return Ok(()),
            (Err(_), Some(_)) => return Err(format!("no dep-info is found for `{}`", artifact.target)),
        };
        let own = scripts.iter().filter(|script| script.package_id == artifact.package_id);
        let set: BTreeSet<&String> = own.flat_map(|script| &script.env).map(|(name, _)| name).collect();
        // A script sets them for the others; it is itself compiled with ours.
        let is_script = artifact.kinds.iter().any(|kind| kind == "custom-build");
        asked.variables.extend(read.variables.into_iter().filter(|name| is_script || !set.contains(name)));
        if let Some(dir) = dir {
            let base = self.base_of(&dir);
            asked.paths.extend(read.paths.iter().map(|path| spelled(&base.join(path))));
        }
        Ok(())
    }

    /// The same things as they are now.
    ///
    /// # Errors
    /// One of them cannot be read; its name.
    pub fn look_up(&self, known: &[Discovered]) -> Result<Vec<Discovered>, String> {
        known.iter().map(|one| self.now(one.sort, one.name.clone())).collect()
    }

    fn now(&self, sort: DiscoveredSort, name: String) -> Result<Discovered, String> {
        let digest = match sort {
            DiscoveredSort::Variable => {
                let value = std::env::var_os(&name);
                value.map(|value| digest_of(|all| all.secret(Tag::Variable, "", value.as_encoded_bytes())))
            }
            DiscoveredSort::Path => {
                let path = self.expansion.workspace.root.join(&name);
                self.contents(&path).map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        Ok(Discovered { sort, name, digest })
    }

    /// The digest of a file, or of a folder with everything in it but the target directory.
    fn contents(&self, path: &Path) -> std::io::Result<Option<Digest>> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if metadata.is_file() {
            return self.cache.digest(path, &FileStat::of(&metadata)).map(|digested| Some(digested.digest));
        }
        if !metadata.is_dir() {
            return Ok(Some(digest_of(|all| all.text(Tag::File, "", "special"))));
        }
        let mut files: BTreeMap<Vec<u8>, Option<Digest>> = BTreeMap::new();
        for entry in entries(path, &self.expansion.workspace.target_dir) {
            let at = match entry {
                Ok(entry) => entry.into_path(),
                Err(error) => leads_nowhere(error)?,
            };
            let name = at.strip_prefix(path).unwrap_or(&at).as_os_str().as_encoded_bytes().to_vec();
            let file = fs::metadata(&at).ok().filter(fs::Metadata::is_file);
            let digest = file.map(|file| self.cache.digest(&at, &FileStat::of(&file))).transpose()?;
            files.insert(name, digest.map(|digested| digested.digest));
        }
        Ok(Some(digest_of(|all| {
            for (name, digest) in &files {
                match digest {
                    Some(digest) => all.digest(Tag::File, name, *digest),
                    None => all.text(Tag::File, name, ""),
                }
            }
        })))
    }

    /// Whether the key of a step that compiles covers the file, or everything in the folder.
    pub(super) fn covers(&self, state: &State, path: &Path) -> bool {
        let places = (0..state.tree.areas.len()).map(|area| (self.coverage.areas.dir(area), &state.tree.areas[area]));
        let innermost = places.filter(|(dir, _)| path.starts_with(dir)).max_by_key(|(dir, _)| dir.as_os_str().len());
        let Some((dir, area)) = innermost else { return false };
        let inside = path.strip_prefix(dir).unwrap_or(path);
        if area
            .files
            .binary_search_by(|file| {
                file.path.as_os_str().as_encoded_bytes().cmp(inside.as_os_str().as_encoded_bytes())
            })
            .is_ok()
        {
            return true;
        }
        let ignored = || area.ignored_files.iter().chain(&area.ignored_dirs);
        let has_ignored = ignored().any(|ignored| ignored.starts_with(inside) || inside.starts_with(ignored));
        let is_whole = !has_ignored && !self.expansion.workspace.target_dir.starts_with(path);
        is_whole && area.files.iter().any(|file| file.path.starts_with(inside))
    }

    /// The folder that rustc runs in for a package: the root for what lies in it, else the package's own.
    pub(super) fn base_of(&self, dir: &Path) -> PathBuf {
        let root = &self.expansion.workspace.root;
        if dir.starts_with(root) { root.clone() } else { dir.to_owned() }
    }

    /// A path as records name it: from the root for what lies in it, so that a workspace can be moved.
    pub(super) fn shown(&self, path: &Path) -> String {
        let root = &self.expansion.workspace.root;
        match path.strip_prefix(root) {
            Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
            Ok(_) => relative(path, root),
            Err(_) => path.to_string_lossy().into_owned(),
        }
    }
}

/// Paths and variables, by name.
#[derive(Default)]
struct Asked {
    paths: BTreeSet<PathBuf>,
    variables: BTreeSet<String>,
}

/// What a build script asks to be run again for.
fn ask_script(script: &BuildScript, asked: &mut Asked) -> Result<(), String> {
    let read = dep_info::of_build_script(&script.out_dir)
        .map_err(|_| format!("the output of a build script is not in `{}`", script.out_dir.display()))?;
    let dir = package_dir(&script.package_id);
    if read == dep_info::Read::default() {
        // It asks for nothing, so cargo looks at the package's files: where git does not list them, at all.
        asked.paths.extend(dir.iter().filter(|dir| !dep_info::is_listed_by_git(dir)).cloned());
    }
    for path in read.paths {
        let path = match &dir {
            Some(dir) => spelled(&dir.join(path)),
            None if path.is_absolute() => spelled(&path),
            None => continue,
        };
        if !path.exists() {
            // Cargo takes that for a change, every time.
            let path = path.display();
            return Err(format!("a build script watches `{path}`, which is not there, so it runs every time"));
        }
        asked.paths.insert(path);
    }
    asked.variables.extend(read.variables);
    Ok(())
}

/// rustdoc writes no dep-info.
fn is_documentation(artifact: &Artifact) -> bool {
    artifact.filenames.iter().all(|file| file.extension().is_some_and(|is| is == "html"))
}

/// Whether what last changed at that time may have done so after `began`. Of a time just before it only the contents tell,
/// if they were known and are the same.
fn may_have_changed(changed: Option<i64>, began: SystemTime, same: bool) -> bool {
    let Some(changed) = changed else { return true };
    let began = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let began = i64::try_from(began.as_nanos()).unwrap_or(i64::MAX);
    changed >= began || (changed >= began - GRAIN_NS && !same)
}

/// The key of a result, refined by what was discovered and its values.
pub fn refined(key: Digest, discovered: &[Discovered]) -> Digest {
    refinement(key, discovered).finish().0
}

/// The description of a refined key: the key, then what was discovered.
pub fn refinement(key: Digest, discovered: &[Discovered]) -> Description {
    let mut all = Description::default();
    all.part(Tag::Everything, "", key);
    for one in discovered {
        let tag = if one.sort == DiscoveredSort::Path { Tag::File } else { Tag::Variable };
        match one.digest {
            Some(digest) => all.digest(tag, &one.name, digest),
            None => all.text(tag, &one.name, "absent"),
        }
    }
    all
}

/// What a description says was discovered, by names; nothing for that of a plain key.
pub fn names_in(description: &[u8]) -> Vec<Discovered> {
    let mut items = items(description);
    if items.next().is_none_or(|first| first.tag != Tag::Everything) {
        return Vec::new();
    }
    let named = items.map(|item| Discovered {
        sort: if item.tag == Tag::File { DiscoveredSort::Path } else { DiscoveredSort::Variable },
        name: String::from_utf8_lossy(item.name).into_owned(),
        digest: None,
    });
    named.collect()
}

/// The time that cargo takes for the last change of a file, or of anything in a folder, in nanoseconds since the Unix epoch.
pub fn newest(path: &Path) -> Option<i64> {
    let mtime = |metadata: fs::Metadata| FileStat::of(&metadata).mtime_ns;
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        return Some(mtime(metadata));
    }
    let entries = walkdir::WalkDir::new(path).follow_links(true).into_iter().flatten();
    let times = entries.flat_map(|entry| [fs::symlink_metadata(entry.path()), fs::metadata(entry.path())]);
    times.flatten().map(mtime).max()
}

/// The place of a link that leads nowhere, or back to where it is.
fn leads_nowhere(error: walkdir::Error) -> std::io::Result<PathBuf> {
    let is_gone = error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    match error.path() {
        Some(path) if is_gone || error.loop_ancestor().is_some() => Ok(path.to_owned()),
        _ => Err(error.into()),
    }
}

fn digest_of(write: impl FnOnce(&mut Description)) -> Digest {
    let mut description = Description::default();
    write(&mut description);
    description.finish().0
}

fn is_of_cargo(name: &str) -> bool {
    OF_CARGO.contains(&name) || FAMILIES_OF_CARGO.iter().any(|prefix| name.starts_with(prefix))
}

/// The folder of a package that lies on this disk, from its id; `None` for one of a registry or of git, whose files do
/// not change.
pub(super) fn package_dir(id: &str) -> Option<PathBuf> {
    let url = id.strip_prefix("path+file://")?;
    let path = url.rsplit_once('#').map_or(url, |(path, _)| path);
    Some(PathBuf::from(percent_decoded(path)))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |place: usize| after.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_ids_lead_to_folders() {
        let dir = |id| package_dir(id).map(|dir| dir.display().to_string());
        assert_eq!(dir("path+file:///home/my%20ws/%C3%A9#a@0.1.0").as_deref(), Some("/home/my ws/é"));
        assert_eq!(dir("registry+https://example.org/index#serde@1.0.0"), None);
        assert_eq!(dir("path+file:///w/100%#x@1.0.0").as_deref(), Some("/w/100%"));
    }
}
