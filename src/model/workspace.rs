//! What a Cargo workspace is to us: members, who depends on whom, and what is locked. How it was found out is the
//! `workspace` door's affair.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{MemberId, Subject};

/// A Cargo workspace (a lone package is a workspace of one), with the folders that make.toml adds to it.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// The folder of the root manifest; absolute.
    pub root: PathBuf,
    /// Cargo's target directory; absolute.
    pub target_dir: PathBuf,
    /// Every member in the order of their names, then the folders in theirs.
    pub members: Vec<Member>,
    /// What `[workspace] default-members` of the root manifest names; empty where it is not set.
    pub default_members: Vec<MemberId>,
    /// The packages that members reach by path (or `[patch]` by path) and that are no members.
    pub path_packages: Vec<PathPackage>,
    /// The packages of Cargo.lock. Empty when there is none.
    pub locked: Vec<LockedPackage>,
}

/// One member: a Cargo package, or a folder that make.toml declares.
#[derive(Clone, Debug)]
pub struct Member {
    /// The package's name, or the folder's name in make.toml.
    pub name: Arc<str>,
    /// Its folder; absolute.
    pub dir: PathBuf,
    /// Its folder as seen from the workspace root, with `/`: `""` for the root itself, `../x` outside of it.
    pub relative_dir: Arc<str>,
    /// What Cargo knows of it; `None` for a folder.
    pub package: Option<Package>,
    /// The members it depends on, each (member, kind) once, in order.
    pub dependencies: Vec<Dependency>,
}

/// What Cargo knows of a member.
#[derive(Clone, Debug)]
pub struct Package {
    /// The package id, which `-p` takes and which is never ambiguous.
    pub spec: Arc<str>,
    /// The version.
    pub version: Arc<str>,
    /// Its Cargo.toml; absolute.
    pub manifest: PathBuf,
    /// The main source files of targets that lie outside of its folder; absolute.
    pub outside_sources: Vec<PathBuf>,
    /// Places in [`Workspace::path_packages`] it depends on, by kind.
    pub path_packages: Vec<(usize, DependencyKind)>,
    /// Places in [`Workspace::locked`] (registry and git packages) it depends on directly, by kind.
    pub locked: Vec<(usize, DependencyKind)>,
    /// The parts of the *root* manifest that reach this member, as `("[workspace.package]", canonical text)`; empty
    /// for the root package itself, whose manifest is one of its files.
    pub root_manifest_parts: Arc<[(Arc<str>, Arc<str>)]>,
}

/// A dependency of one member on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// The member depended on.
    pub member: MemberId,
    /// Why.
    pub kind: DependencyKind,
}

/// The kind of a dependency, as in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyKind {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`; cycles of these are legal
    Dev,
}

/// A package reached by path that is no member of the workspace.
#[derive(Clone, Debug)]
pub struct PathPackage {
    /// Its name.
    pub name: Arc<str>,
    /// Its folder; absolute.
    pub dir: PathBuf,
    /// Its folder as seen from the workspace root, with `/` (`../x` outside of it): what keys call it.
    pub relative_dir: Arc<str>,
    /// What it inherits from the root manifest of a workspace of its own, as `("[workspace.package]", canonical text)`.
    pub inherited: Arc<[(Arc<str>, Arc<str>)]>,
    /// Places in [`Workspace::path_packages`] it depends on (normal and build).
    pub path_packages: Vec<usize>,
    /// Members it depends on (normal and build).
    pub members: Vec<MemberId>,
    /// Places in [`Workspace::locked`] it depends on (normal and build).
    pub locked: Vec<usize>,
}

/// One registry or git package of Cargo.lock.
#[derive(Clone, Debug)]
pub struct LockedPackage {
    /// Its name.
    pub name: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// Where it comes from, with the revision for git.
    pub source: Arc<str>,
    /// The checksum; empty where Cargo.lock has none (git).
    pub checksum: Arc<str>,
    /// Places in [`Workspace::locked`] it depends on.
    pub dependencies: Vec<usize>,
    /// Members it depends on (through `[patch]`).
    pub members: Vec<MemberId>,
    /// Places in [`Workspace::path_packages`] it depends on (through `[patch]`).
    pub path_packages: Vec<usize>,
}

impl Workspace {
    /// The member of this id.
    #[must_use]
    pub fn member(&self, id: MemberId) -> &Member {
        &self.members[id.index()]
    }

    /// The member of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<MemberId> {
        let found = self.members.iter().position(|member| &*member.name == name);
        found.map(MemberId::new)
    }

    /// The folder in which a step of this subject runs.
    #[must_use]
    pub fn dir_of(&self, subject: &Subject) -> &Path {
        match subject {
            Subject::Member(member) => &self.member(*member).dir,
            Subject::Group(_) | Subject::Workspace => &self.root,
        }
    }

    /// All members' ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.members.len()).map(MemberId::new)
    }
}
