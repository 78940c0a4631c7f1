//! Collects the packages that members reach by path and that are no members. What depends on what is not told here.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, Package};
use rayon::prelude::*;
use toml::Table;

use super::lock::Lock;
use super::{Options, ask, manifest, map};
use crate::cargo_config::CargoConfig;
use crate::relative::cleaned;

/// All of them, in the order of their names. Full metadata names most; it leaves out what no feature that is on needs, and
/// other features may be on tomorrow, without any change of a manifest.
pub fn complete(
    (options, config): (&Options, &CargoConfig<'_>),
    (metadata, plain): (&Metadata, &Plain),
    root_manifest: &Table,
    lock: &Lock,
) -> Vec<Package> {
    let members = map::members_of(metadata);
    let root = metadata.workspace_root.as_std_path();
    let mut search = Search { options, root, plain, seen: HashSet::new(), found: Vec::new() };
    for member in &members {
        search.know(member);
    }
    for package in metadata.packages.iter().filter(|package| package.source.is_none()) {
        if search.know(package) {
            search.found.push(package.clone());
        }
    }
    search.follow(members.into_iter().flat_map(|member| path_dependencies(member, true)).collect());
    if search.misses_any(lock, metadata) {
        let patches = config.tables().chain([(root_manifest, root)]);
        let in_folder = |(table, base): (&Table, &Path)| -> Vec<PathBuf> {
            manifest::patched_folders(table).iter().map(|folder| cleaned(&base.join(folder))).collect()
        };
        search.follow(patches.flat_map(in_folder).collect());
    }
    search.found.sort_by(|a, b| (&a.name, &a.manifest_path).cmp(&(&b.name, &b.manifest_path)));
    search.found
}

struct Search<'a> {
    options: &'a Options,
    root: &'a Path,
    plain: &'a Plain,
    /// Folders, without links in their paths: one folder may be spelled in many ways.
    seen: HashSet<PathBuf>,
    found: Vec<Package>,
}

impl Search<'_> {
    /// Whether it was not known before.
    fn know(&mut self, package: &Package) -> bool {
        self.seen.insert(self.plain.of(folder(package)))
    }

    /// Takes in the packages of these folders that are not known yet, and all that they and those that were found before
    /// depend on.
    fn follow(&mut self, mut folders: Vec<PathBuf>) {
        folders.extend(self.found.iter().flat_map(|package| path_dependencies(package, false)));
        while let Some(folder) = folders.pop() {
            if !self.seen.insert(self.plain.of(&folder)) {
                continue;
            }
            if let Some(package) = ask::package(self.options, self.root, &folder) {
                folders.extend(path_dependencies(&package, false));
                self.found.push(package);
            }
        }
    }

    /// Whether a package of the lock that has no source is neither a member nor found: one that `[patch]` brings in.
    fn misses_any(&self, lock: &Lock, metadata: &Metadata) -> bool {
        let known: HashSet<&str> =
            self.found.iter().chain(&metadata.packages).map(|package| package.name.as_str()).collect();
        lock.packages.iter().any(|entry| entry.source.is_none() && !known.contains(&*entry.name))
    }
}

/// The folder of a package.
pub fn folder(package: &Package) -> &Path {
    let manifest = package.manifest_path.as_std_path();
    manifest.parent().unwrap_or(manifest)
}

/// Folders without links in their paths. To find that out takes a dozen calls of the system for each.
pub struct Plain(HashMap<PathBuf, PathBuf>);

impl Plain {
    /// Finds it out for the packages that cargo has told of without a source.
    pub fn new(metadata: &Metadata) -> Self {
        let own: Vec<&Path> = metadata.packages.iter().filter(|it| it.source.is_none()).map(folder).collect();
        Self(own.into_par_iter().map(|folder| (folder.to_owned(), plain(folder))).collect())
    }

    /// One of them, or another.
    pub fn of(&self, folder: &Path) -> PathBuf {
        self.0.get(folder).cloned().unwrap_or_else(|| plain(folder))
    }
}

/// The folder without links in its path, as far as it is there.
fn plain(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

fn path_dependencies(package: &Package, dev: bool) -> Vec<PathBuf> {
    let wanted = package.dependencies.iter().filter(|it| dev || it.kind != DependencyKind::Development);
    wanted.filter_map(|it| it.path.clone()).map(PathBuf::from).collect()
}
