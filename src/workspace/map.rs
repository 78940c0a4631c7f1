//! Maps what cargo and Cargo.lock say onto the model. It asks nobody, but for the members' manifests, which it reads for
//! what they inherit.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, Package};
use rayon::prelude::*;
use toml::Table;

use super::Error;
use super::lock::{Entry, Lock};
use super::manifest::{self, RootParts};
use super::path_packages::{Plain, folder};
use crate::model::{self, Dependency, DependencyKind, LockedPackage, Member, MemberId, PathPackage, Workspace};
use crate::relative::{cleaned, relative};

/// The workspace. `path_packages` are those reached by path, in the order in which they shall stand.
pub fn workspace(
    (metadata, plain): (&Metadata, &Plain),
    path_packages: Vec<Package>,
    lock: &Lock,
    root_manifest: &Table,
) -> Result<Workspace, Error> {
    let root = metadata.workspace_root.as_std_path();
    let mut members = members_of(metadata);
    members.sort_by(|a, b| (&a.name, &a.manifest_path).cmp(&(&b.name, &b.manifest_path)));
    let graph = Graph::new(&members, &path_packages, (lock, plain));

    let manifests: Result<Vec<Table>, Error> =
        members.par_iter().map(|member| manifest::read(member.manifest_path.as_std_path())).collect();
    let mut parts = RootParts::of(root_manifest);
    let mapped = members.iter().zip(manifests?).enumerate();
    let mapped = mapped.map(|(place, (package, manifest))| Member {
        package: Some(model::Package { root_manifest_parts: parts.reaching(&manifest), ..graph.package(package) }),
        ..graph.member(place, package, root)
    });
    Ok(Workspace {
        members: mapped.collect(),
        root: root.to_owned(),
        target_dir: metadata.target_directory.clone().into(),
        default_members: default_members(metadata, &members, root_manifest),
        path_packages: path_packages.iter().map(|package| graph.path_package(package, root)).collect(),
        locked: graph.locked(),
    })
}

/// The members' packages. (The crate's own way looks each of them up in all packages, one by one.)
pub fn members_of(metadata: &Metadata) -> Vec<&Package> {
    let ids: HashSet<_> = metadata.workspace_members.iter().collect();
    metadata.packages.iter().filter(|package| ids.contains(&package.id)).collect()
}

fn default_members(metadata: &Metadata, members: &[&Package], root_manifest: &Table) -> Vec<MemberId> {
    if !manifest::sets_default_members(root_manifest) || metadata.workspace_default_members.is_missing() {
        return Vec::new();
    }
    let chosen: HashSet<_> = metadata.workspace_default_members.iter().collect();
    let is_chosen = |(place, member): (usize, &&Package)| chosen.contains(&member.id).then(|| MemberId::new(place));
    members.iter().enumerate().filter_map(is_chosen).collect()
}

/// Something that can be depended on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Member(usize),
    PathPackage(usize),
    /// A place in [`Workspace::locked`].
    Locked(usize),
}

/// Who is who: the same package by its folder, by its entry in the lock, and by its place in the model.
struct Graph<'a> {
    lock: &'a Lock,
    plain: &'a Plain,
    by_folder: HashMap<PathBuf, Node>,
    /// For each entry of the lock; `None` for what is not known by any other way.
    by_entry: Vec<Option<Node>>,
    entries: ByName<&'a Entry>,
}

/// Packages without a source, by name and version. (Two of the same name and version cannot be in one lock.)
struct ByName<T>(HashMap<String, Vec<(String, T)>>);

impl<T: Copy> ByName<T> {
    fn new(packages: impl Iterator<Item = (String, String, T)>) -> Self {
        let mut by_name: HashMap<String, Vec<(String, T)>> = HashMap::new();
        for (name, version, package) in packages {
            by_name.entry(name).or_default().push((version, package));
        }
        Self(by_name)
    }

    /// The one of this name and version. In a lock that cargo could not bring up to date, an only one may have another
    /// version.
    fn find(&self, name: &str, version: &str) -> Option<T> {
        let named = self.0.get(name)?;
        let exact = named.iter().find(|(its, _)| its == version);
        exact.or(named.first().filter(|_| named.len() == 1)).map(|(_, package)| *package)
    }
}

impl<'a> Graph<'a> {
    fn new(members: &[&'a Package], path_packages: &'a [Package], (lock, plain): (&'a Lock, &'a Plain)) -> Self {
        let members = members.iter().copied().enumerate().map(|(place, package)| (package, Node::Member(place)));
        let others = path_packages.iter().enumerate().map(|(place, package)| (package, Node::PathPackage(place)));
        let nodes: Vec<(&Package, Node)> = members.chain(others).collect();
        let by_folder = nodes.iter().map(|(package, node)| (plain.of(folder(package)), *node)).collect();
        let named = |(package, node): &(&Package, Node)| (package.name.to_string(), package.version.to_string(), *node);
        let by_name = ByName::new(nodes.iter().map(named));
        let mut registry = 0..;
        let node = |entry: &Entry| match &entry.source {
            Some(_) => registry.next().map(Node::Locked),
            None => by_name.find(&entry.name, &entry.version),
        };
        let by_entry = lock.packages.iter().map(node).collect();
        let own = lock.packages.iter().filter(|entry| entry.source.is_none());
        let entries = ByName::new(own.map(|entry| (entry.name.clone(), entry.version.clone(), entry)));
        Self { lock, plain, by_folder, by_entry, entries }
    }

    /// What a package depends on directly, with every kind, in order. The manifest knows the paths and the kinds, the lock
    /// knows what the rest was resolved to.
    fn direct(&self, package: &Package) -> Vec<(Node, DependencyKind)> {
        let mut kinds: HashMap<&str, Vec<DependencyKind>> = HashMap::new();
        let mut edges = Vec::new();
        for dependency in &package.dependencies {
            let kind = kind(dependency.kind);
            kinds.entry(&dependency.name).or_default().push(kind);
            let node = dependency.path.as_ref().and_then(|path| self.at(path.as_std_path()));
            edges.extend(node.map(|node| (node, kind)));
        }
        let entry = self.entries.find(&package.name, &package.version.to_string());
        for place in entry.map_or(&[][..], |entry| &entry.dependencies) {
            let Some((entry, node)) = self.resolved(*place) else { continue };
            // A name with several versions, each for another kind, is told apart by nobody here: all of them.
            let kinds = kinds.get(&*entry.name).map_or(&[DependencyKind::Normal][..], Vec::as_slice);
            edges.extend(kinds.iter().map(|kind| (node, *kind)));
        }
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    fn at(&self, folder: &Path) -> Option<Node> {
        self.by_folder.get(folder).or_else(|| self.by_folder.get(&self.plain.of(folder))).copied()
    }

    fn resolved(&self, place: usize) -> Option<(&'a Entry, Node)> {
        Some((self.lock.packages.get(place)?, (*self.by_entry.get(place)?)?))
    }

    fn member(&self, place: usize, package: &Package, root: &Path) -> Member {
        let edges = self.direct(package).into_iter().filter_map(|(node, kind)| match node {
            // Tests of a package may depend on the package itself.
            Node::Member(member) if member != place => Some(Dependency { member: MemberId::new(member), kind }),
            _ => None,
        });
        Member {
            name: package.name.as_str().into(),
            dir: folder(package).to_owned(),
            relative_dir: relative(folder(package), root).into(),
            package: None,
            dependencies: edges.collect(),
        }
    }

    fn package(&self, package: &Package) -> model::Package {
        let mut path_packages = Vec::new();
        let mut locked = Vec::new();
        for (node, kind) in self.direct(package) {
            match node {
                Node::PathPackage(place) => path_packages.push((place, kind)),
                Node::Locked(place) => locked.push((place, kind)),
                Node::Member(_) => {}
            }
        }
        model::Package {
            spec: package.id.repr.as_str().into(),
            version: package.version.to_string().into(),
            manifest: package.manifest_path.clone().into(),
            path_packages,
            locked,
            outside_sources: outside_sources(package),
            root_manifest_parts: [].into(),
        }
    }

    fn path_package(&self, package: &Package, root: &Path) -> PathPackage {
        let edges = self.direct(package).into_iter().filter(|(_, kind)| *kind != DependencyKind::Dev);
        let Split { members, path_packages, locked } = Split::of(edges.map(|(node, _)| node));
        PathPackage {
            name: package.name.as_str().into(),
            dir: folder(package).to_owned(),
            relative_dir: relative(folder(package), root).into(),
            inherited: manifest::inherited(package.manifest_path.as_std_path()),
            path_packages,
            members,
            locked,
        }
    }

    fn locked(&self) -> Vec<LockedPackage> {
        let locked = self.lock.packages.iter().filter_map(|entry| Some((entry, entry.source.as_deref()?)));
        let package = |(entry, source): (&Entry, &str)| {
            let nodes = entry.dependencies.iter().filter_map(|place| Some(self.resolved(*place)?.1));
            let Split { members, path_packages, locked } = Split::of(nodes);
            LockedPackage {
                name: entry.name.as_str().into(),
                version: entry.version.as_str().into(),
                source: source.into(),
                checksum: entry.checksum.as_str().into(),
                dependencies: locked,
                members,
                path_packages,
            }
        };
        locked.map(package).collect()
    }
}

/// Nodes by what they are, each once.
#[derive(Default)]
struct Split {
    members: Vec<MemberId>,
    path_packages: Vec<usize>,
    locked: Vec<usize>,
}

impl Split {
    fn of(nodes: impl Iterator<Item = Node>) -> Self {
        let mut nodes: Vec<Node> = nodes.collect();
        nodes.sort_unstable();
        nodes.dedup();
        let mut split = Self::default();
        for node in nodes {
            match node {
                Node::Member(place) => split.members.push(MemberId::new(place)),
                Node::PathPackage(place) => split.path_packages.push(place),
                Node::Locked(place) => split.locked.push(place),
            }
        }
        split
    }
}

/// A kind that is new to us counts as the one that reaches furthest.
fn kind(kind: cargo_metadata::DependencyKind) -> DependencyKind {
    match kind {
        cargo_metadata::DependencyKind::Build => DependencyKind::Build,
        cargo_metadata::DependencyKind::Development => DependencyKind::Dev,
        _ => DependencyKind::Normal,
    }
}

/// The main source files of the targets that a manifest places outside of the package's folder.
fn outside_sources(package: &Package) -> Vec<PathBuf> {
    let folder = folder(package);
    let sources = package.targets.iter().map(|target| cleaned(target.src_path.as_std_path()));
    let mut outside: Vec<PathBuf> = sources.filter(|source| !source.starts_with(folder)).collect();
    outside.sort();
    outside.dedup();
    outside
}
