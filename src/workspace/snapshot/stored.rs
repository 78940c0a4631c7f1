//! The workspace in the form in which a snapshot holds it: members and packages by their places, shared parts once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::manifest::Part;
use crate::model::{self, Dependency, MemberId, Workspace};

/// The workspace. Members' ids are places in `members`.
#[derive(Serialize, Deserialize)]
pub struct Stored {
    pub target_dir: PathBuf,
    members: Vec<Member>,
    default_members: Vec<usize>,
    path_packages: Vec<PathPackage>,
    locked: Vec<LockedPackage>,
    /// The parts of the root manifest, each once.
    parts: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Member {
    name: String,
    dir: PathBuf,
    relative_dir: String,
    dependencies: Vec<(usize, Kind)>,
    spec: String,
    version: String,
    manifest: PathBuf,
    outside_sources: Vec<PathBuf>,
    path_packages: Vec<(usize, Kind)>,
    locked: Vec<(usize, Kind)>,
    /// Places in `parts`.
    parts: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
struct PathPackage {
    name: String,
    dir: PathBuf,
    relative_dir: String,
    /// Places in `parts`.
    inherited: Vec<usize>,
    path_packages: Vec<usize>,
    members: Vec<usize>,
    locked: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    source: String,
    checksum: String,
    dependencies: Vec<usize>,
    members: Vec<usize>,
    path_packages: Vec<usize>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kind {
    Normal,
    Build,
    Dev,
}

impl Stored {
    /// That of this workspace.
    pub fn of(workspace: &Workspace) -> Self {
        let mut parts = Parts::default();
        let packages = workspace.members.iter().filter_map(|member| Some((member, member.package.as_ref()?)));
        Self {
            members: packages.map(|(member, package)| Member::of(member, package, &mut parts)).collect(),
            target_dir: workspace.target_dir.clone(),
            default_members: indices(&workspace.default_members),
            path_packages: workspace.path_packages.iter().map(|it| PathPackage::of(it, &mut parts)).collect(),
            locked: workspace.locked.iter().map(LockedPackage::of).collect(),
            parts: parts.list,
        }
    }

    /// Whether every place is one of the list that it is a place in.
    pub fn is_sound(&self) -> bool {
        let members = |places: &[usize]| places.iter().all(|place| *place < self.members.len());
        let paths = |places: &[usize]| places.iter().all(|place| *place < self.path_packages.len());
        let locked = |places: &[usize]| places.iter().all(|place| *place < self.locked.len());
        let places = |edges: &[(usize, Kind)]| edges.iter().map(|(place, _)| *place).collect::<Vec<_>>();
        let is_sound = |member: &Member| {
            members(&places(&member.dependencies))
                && paths(&places(&member.path_packages))
                && locked(&places(&member.locked))
        };
        self.members.iter().all(is_sound)
            && members(&self.default_members)
            && self
                .path_packages
                .iter()
                .all(|it| members(&it.members) && paths(&it.path_packages) && locked(&it.locked))
            && self.locked.iter().all(|it| members(&it.members) && paths(&it.path_packages) && locked(&it.dependencies))
    }

    /// The workspace at this root.
    pub fn into_model(self, root: &Path) -> Workspace {
        let parts: Vec<Part> = self.parts.into_iter().map(|(name, text)| (name.into(), text.into())).collect();
        let mut dealt: HashMap<Vec<usize>, Arc<[Part]>> = HashMap::new();
        let share = |places: &Vec<usize>| places.iter().filter_map(|place| parts.get(*place).cloned()).collect();
        let mut parts_at = |places: Vec<usize>| dealt.entry(places).or_insert_with_key(share).clone();
        Workspace {
            root: root.to_owned(),
            target_dir: self.target_dir,
            members: self.members.into_iter().map(|member| member.into_model(&mut parts_at)).collect(),
            default_members: ids(self.default_members),
            path_packages: self.path_packages.into_iter().map(|it| it.into_model(&mut parts_at)).collect(),
            locked: self.locked.into_iter().map(LockedPackage::into_model).collect(),
        }
    }
}

/// Collects each part once.
#[derive(Default)]
struct Parts {
    list: Vec<(String, String)>,
    places: HashMap<Part, usize>,
}

impl Parts {
    fn place(&mut self, part: &Part) -> usize {
        *self.places.entry(part.clone()).or_insert_with(|| {
            self.list.push((part.0.to_string(), part.1.to_string()));
            self.list.len() - 1
        })
    }
}

impl Member {
    fn of(member: &model::Member, package: &model::Package, parts: &mut Parts) -> Self {
        Self {
            name: member.name.to_string(),
            dir: member.dir.clone(),
            relative_dir: member.relative_dir.to_string(),
            dependencies: member.dependencies.iter().map(|to| (to.member.index(), to.kind.into())).collect(),
            spec: package.spec.to_string(),
            version: package.version.to_string(),
            manifest: package.manifest.clone(),
            outside_sources: package.outside_sources.clone(),
            path_packages: stored(&package.path_packages),
            locked: stored(&package.locked),
            parts: package.root_manifest_parts.iter().map(|part| parts.place(part)).collect(),
        }
    }

    fn into_model(self, parts_at: &mut impl FnMut(Vec<usize>) -> Arc<[Part]>) -> model::Member {
        let dependency =
            |(member, kind): (usize, Kind)| Dependency { member: MemberId::new(member), kind: kind.into() };
        model::Member {
            name: self.name.into(),
            dir: self.dir,
            relative_dir: self.relative_dir.into(),
            dependencies: self.dependencies.into_iter().map(dependency).collect(),
            package: Some(model::Package {
                spec: self.spec.into(),
                version: self.version.into(),
                manifest: self.manifest,
                outside_sources: self.outside_sources,
                path_packages: restored(self.path_packages),
                locked: restored(self.locked),
                root_manifest_parts: parts_at(self.parts),
            }),
        }
    }
}

impl PathPackage {
    fn of(package: &model::PathPackage, parts: &mut Parts) -> Self {
        Self {
            name: package.name.to_string(),
            dir: package.dir.clone(),
            relative_dir: package.relative_dir.to_string(),
            inherited: package.inherited.iter().map(|part| parts.place(part)).collect(),
            path_packages: package.path_packages.clone(),
            members: indices(&package.members),
            locked: package.locked.clone(),
        }
    }

    fn into_model(self, parts_at: &mut impl FnMut(Vec<usize>) -> Arc<[Part]>) -> model::PathPackage {
        model::PathPackage {
            name: self.name.into(),
            dir: self.dir,
            relative_dir: self.relative_dir.into(),
            inherited: parts_at(self.inherited),
            path_packages: self.path_packages,
            members: ids(self.members),
            locked: self.locked,
        }
    }
}

impl LockedPackage {
    fn of(package: &model::LockedPackage) -> Self {
        Self {
            name: package.name.to_string(),
            version: package.version.to_string(),
            source: package.source.to_string(),
            checksum: package.checksum.to_string(),
            dependencies: package.dependencies.clone(),
            members: indices(&package.members),
            path_packages: package.path_packages.clone(),
        }
    }

    fn into_model(self) -> model::LockedPackage {
        model::LockedPackage {
            name: self.name.into(),
            version: self.version.into(),
            source: self.source.into(),
            checksum: self.checksum.into(),
            dependencies: self.dependencies,
            members: ids(self.members),
            path_packages: self.path_packages,
        }
    }
}

impl From<model::DependencyKind> for Kind {
    fn from(kind: model::DependencyKind) -> Self {
        match kind {
            model::DependencyKind::Normal => Self::Normal,
            model::DependencyKind::Build => Self::Build,
            model::DependencyKind::Dev => Self::Dev,
        }
    }
}

impl From<Kind> for model::DependencyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Normal => Self::Normal,
            Kind::Build => Self::Build,
            Kind::Dev => Self::Dev,
        }
    }
}

fn stored(edges: &[(usize, model::DependencyKind)]) -> Vec<(usize, Kind)> {
    edges.iter().map(|(place, kind)| (*place, (*kind).into())).collect()
}

fn restored(edges: Vec<(usize, Kind)>) -> Vec<(usize, model::DependencyKind)> {
    edges.into_iter().map(|(place, kind)| (place, kind.into())).collect()
}

fn indices(members: &[MemberId]) -> Vec<usize> {
    members.iter().map(|id| id.index()).collect()
}

fn ids(places: Vec<usize>) -> Vec<MemberId> {
    places.into_iter().map(MemberId::new).collect()
}
