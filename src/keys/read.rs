//! What the units of a cargo step and their build scripts say that they read, and what of it a key does not cover. It
//! does not look into the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::covering::Covering;
use super::documentation::Besides;
use crate::cargo_output::{Artifact, BuildScript};
use crate::dep_info;
use crate::model::FileStat;
use crate::relative::cleaned;
use crate::walk;

/// Everything that was asked for.
#[derive(Default)]
pub struct Asked {
    /// The folders of the packages on this disk that were compiled.
    packages: BTreeSet<PathBuf>,
    /// What rustc read, and each path that a build script watches.
    files: BTreeSet<PathBuf>,
    /// What build scripts watch and is not there.
    missing: BTreeSet<PathBuf>,
    /// The folders of packages whose build scripts ask for nothing, so that cargo looks at all that is in them.
    silent: BTreeSet<PathBuf>,
    /// Where a module would be found a second time, by where it was found.
    others: BTreeMap<PathBuf, PathBuf>,
    /// Variables, by name.
    variables: BTreeSet<String>,
}

/// What a key does not cover.
pub struct Beyond {
    /// Files and folders, and whether they were there when they were read.
    pub paths: BTreeMap<PathBuf, bool>,
    /// Variables, by name.
    pub variables: BTreeSet<String>,
    /// One of the paths, if a build script watches it and it is not there: cargo takes that for a change, every time.
    pub missing: Option<PathBuf>,
}

impl Asked {
    /// What these units and build scripts of the workspace at `root` say.
    ///
    /// # Errors
    /// Why that cannot be told, in words.
    pub fn of(artifacts: &[Artifact], scripts: &[BuildScript], root: &Path) -> Result<Self, String> {
        let mut asked = Self::default();
        for artifact in artifacts.iter().filter(|artifact| !is_documentation(artifact)) {
            asked.unit(artifact, scripts, root)?;
        }
        for script in scripts {
            asked.script(script, root)?;
        }
        asked.files.retain(|path| !scripts.iter().any(|script| path.starts_with(&script.out_dir)));
        Ok(asked)
    }

    /// The same, with what may have been read and asked for, too.
    pub fn also(mut self, besides: &Besides) -> Self {
        self.files.extend(besides.files.iter().cloned());
        self.variables.extend(besides.variables.iter().cloned());
        self
    }

    /// What of it is not covered.
    ///
    /// # Errors
    /// A package was compiled of which nothing is covered, its manifest neither.
    pub fn beyond(self, covering: &Covering<'_>) -> Result<Beyond, String> {
        if let Some(dir) = self.packages.iter().find(|dir| !covering.has_package(dir)) {
            return Err(format!(
                "cargo compiled the package in `{}`, which the step is not for; select it with `-p`, or give the phase \
                 `scope = \"workspace\"`",
                dir.display()
            ));
        }
        let mut paths = BTreeMap::new();
        for path in self.files {
            if covering.file(&path) || covering.folder(&path) {
                continue;
            }
            if let Some(other) = self.others.get(&path).filter(|other| !covering.file(other)) {
                paths.entry(other.clone()).or_insert(false);
            }
            paths.insert(path, true);
        }
        paths.extend(self.silent.into_iter().filter(|dir| !covering.package(dir)).map(|dir| (dir, true)));
        let missing = self.missing.first().cloned();
        paths.extend(self.missing.into_iter().map(|path| (path, false)));
        Ok(Beyond { paths, variables: self.variables, missing })
    }

    /// What rustc read for a unit.
    fn unit(&mut self, artifact: &Artifact, scripts: &[BuildScript], root: &Path) -> Result<(), String> {
        let dir = package_dir(&artifact.package_id);
        let read = match (dep_info::of_artifact(&artifact.filenames), &dir) {
            (Ok(read), _) => read,
            // What a registry gives does not change, and a variable that it reads is rare.
            (Err(_), None) => return Ok(()),
            (Err(_), Some(_)) => return Err(format!("no dep-info is found for `{}`", artifact.target)),
        };
        let own = scripts.iter().filter(|script| script.package_id == artifact.package_id);
        let set: BTreeSet<&String> = own.flat_map(|script| &script.env).map(|(name, _)| name).collect();
        let is_clippy = read.variables.iter().any(|name| name == "CLIPPY_ARGS");
        // A script sets them for the others; it is itself compiled with ours.
        let is_script = artifact.kinds.iter().any(|kind| kind == "custom-build");
        self.variables.extend(read.variables.into_iter().filter(|name| is_script || !set.contains(name)));
        let Some(dir) = dir else { return Ok(()) };
        let base = base_of(artifact, &dir, root);
        // Clippy names the manifest of the folder that it runs in; of the root's the key covers what reaches members.
        let is_read = |path: &&PathBuf| !(is_clippy && **path == *"Cargo.toml");
        let files: BTreeSet<PathBuf> =
            read.paths.iter().filter(is_read).map(|path| spelled(&base.join(path))).collect();
        let others = other_places(&files, &artifact.source);
        if let (true, Some(written)) = (artifact.fresh, read.written) {
            unseen_twin(&others, written)?;
        }
        self.packages.insert(dir);
        self.others.extend(others);
        self.files.extend(files);
        Ok(())
    }

    /// What a build script asks to be run again for.
    fn script(&mut self, script: &BuildScript, root: &Path) -> Result<(), String> {
        let read = dep_info::of_build_script(&script.out_dir)
            .map_err(|_| format!("the output of a build script is not in `{}`", script.out_dir.display()))?;
        let dir = package_dir(&script.package_id);
        if let (true, Some(dir)) = (read == dep_info::Read::default(), &dir) {
            // Cargo looks at the package's files: at all of them, or those that `include` names, where git does not list them.
            if !is_listed_by_git(dir) {
                self.silent.insert(dir.clone());
            }
            // Here these count by their parts.
            let by_parts = ["Cargo.lock", "make.toml"].map(|name| dir.join(name));
            self.files.extend(by_parts.into_iter().filter(|path| dir == root && path.exists()));
        }
        for path in read.paths {
            let path = match &dir {
                Some(dir) => spelled(&dir.join(path)),
                None if path.is_absolute() => spelled(&path),
                None => continue,
            };
            let paths = if path.exists() { &mut self.files } else { &mut self.missing };
            paths.insert(path);
        }
        self.variables.extend(read.variables);
        Ok(())
    }
}

/// The files that rustc read for a unit of a package on this disk; `None` where nobody tells.
pub fn sources(artifact: &Artifact, root: &Path) -> Option<BTreeSet<PathBuf>> {
    let dir = package_dir(&artifact.package_id)?;
    let read = dep_info::of_artifact(&artifact.filenames).ok()?;
    let base = base_of(artifact, &dir, root);
    Some(read.paths.iter().map(|path| spelled(&base.join(path))).collect())
}

/// Whether cargo has git list a package's files, so that those which git ignores do not count: its manifest is in the index,
/// and says no `include`. One that cannot be read may say so.
fn is_listed_by_git(package: &Path) -> bool {
    let path = package.join("Cargo.toml");
    let manifest = fs::read_to_string(&path).ok().and_then(|text| text.parse::<toml::Table>().ok());
    // `[project]` is the old name.
    let includes = |manifest: toml::Table| {
        ["package", "project"]
            .iter()
            .any(|name| manifest.get(*name).is_some_and(|table| table.get("include").is_some()))
    };
    !manifest.is_none_or(includes) && walk::is_tracked(&path).unwrap_or(false)
}

/// rustdoc writes no dep-info.
pub fn is_documentation(artifact: &Artifact) -> bool {
    artifact.filenames.iter().all(|file| file.extension().is_some_and(|is| is == "html"))
}

/// The folder that cargo has rustc run in for a unit of the package in this folder.
pub fn base_of<'p>(artifact: &Artifact, dir: &'p Path, root: &'p Path) -> &'p Path {
    if artifact.source.starts_with(root) { root } else { dir }
}

/// A path without `..`. Behind a link to a folder that is more than a matter of text.
pub fn spelled(path: &Path) -> PathBuf {
    let clean = cleaned(path);
    if clean.components().eq(path.components()) {
        return clean;
    }
    match (fs::canonicalize(path), fs::canonicalize(&clean)) {
        (Ok(real), Ok(same)) if real == same => clean,
        (Ok(real), _) => real,
        (Err(_), _) => clean,
    }
}

/// Where rustc looks for these modules as well, but for those where it has found something.
fn other_places(files: &BTreeSet<PathBuf>, crate_root: &Path) -> Vec<(PathBuf, PathBuf)> {
    let modules = files.iter().filter(|path| *path != crate_root);
    let others = modules.filter_map(|path| Some((path.clone(), other_place(path)?)));
    others.filter(|(_, other)| !files.contains(other)).collect()
}

/// `x/mod.rs` for `x.rs`, and the other way round. It is an error to have both.
fn other_place(path: &Path) -> Option<PathBuf> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".rs")?;
    if stem == "mod" {
        Some(path.parent()?.with_extension("rs"))
    } else {
        Some(path.with_file_name(stem).join("mod.rs"))
    }
}

/// A second file for a module of a unit that cargo takes for fresh, although rustc may not have seen it.
fn unseen_twin(others: &[(PathBuf, PathBuf)], written: SystemTime) -> Result<(), String> {
    let written = written.duration_since(SystemTime::UNIX_EPOCH).map_or(Duration::ZERO, |since| since);
    let written = i64::try_from(written.as_nanos()).unwrap_or(i64::MAX);
    // A folder that was renamed has a new time, what is in it has not.
    let is_new = |other: &Path| {
        let changed = |path: &Path| {
            let stat = FileStat::of(&fs::metadata(path).ok()?);
            Some(stat.ctime_ns.max(stat.mtime_ns))
        };
        let folder = other.parent().filter(|_| other.ends_with("mod.rs"));
        changed(other).is_some_and(|file| file.max(folder.and_then(changed).unwrap_or(0)) >= written)
    };
    let Some((path, other)) = others.iter().find(|(_, other)| is_new(other)) else { return Ok(()) };
    let (path, other) = (path.display(), other.display());
    Err(format!(
        "`{other}` may be the same module as `{path}`, and cargo did not look; `touch` the file with the `mod`"
    ))
}

/// The folder of a package that lies on this disk, from its id; `None` for one of a registry or of git, whose files do
/// not change.
pub fn package_dir(id: &str) -> Option<PathBuf> {
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
