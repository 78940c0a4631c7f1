//! The parts that keys are made of: files, members with what they depend on, locked packages; each built once and kept.

use std::collections::HashMap;

use super::description::{Description, FORMAT, Tag};
use crate::model::{Definition, DependencyKind, Digest, MemberId, Workspace};

/// One file of a set.
#[derive(Clone, Copy, Debug)]
pub struct FileItem<'a> {
    /// The path below the folder of its member or package, with `/`.
    pub path: &'a [u8],
    /// The digest of its contents; `None` for a link that leads nowhere and for what has none (a socket).
    pub digest: Option<Digest>,
    /// Where it points, if it is a symbolic link.
    pub link: Option<&'a [u8]>,
}

/// All descriptions of a run by their digests, and which thing has which.
#[derive(Debug, Default)]
pub struct Parts {
    pool: HashMap<Digest, Vec<u8>>,
    covered: HashMap<(Covered, usize), Option<Digest>>,
    locked: HashMap<usize, Digest>,
}

/// How a member is covered: with which of its files, and with what it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Covered {
    /// Which sets of files, as a number; equal numbers mean equal sets.
    pub class: usize,
    /// The step's own member: what its tests need is covered too.
    pub own: bool,
    /// Whether the members and packages it depends on are covered.
    pub dependencies: bool,
}

/// The digest of the files of a place: members by their ids, path packages numbered after them; `None` if it has none
/// because a file cannot be read.
pub type FilesOf<'a> = &'a dyn Fn(usize) -> Option<Digest>;

impl Parts {
    /// Keeps a description and answers its digest.
    pub fn add(&mut self, description: Description) -> Digest {
        let (digest, bytes) = description.finish();
        self.pool.entry(digest).or_insert(bytes);
        digest
    }

    /// The bytes of the description of this digest.
    pub fn bytes(&self, digest: &Digest) -> Option<&[u8]> {
        self.pool.get(digest).map(Vec::as_slice)
    }

    /// Forgets which member has which part, because files changed; the descriptions themselves stay.
    pub fn forget_members(&mut self) {
        self.covered.clear();
    }

    /// A set of files.
    pub fn files<'a>(&mut self, files: impl Iterator<Item = FileItem<'a>>) -> Digest {
        let mut description = Description::default();
        for file in files {
            if let Some(link) = file.link {
                description.text(Tag::Link, file.path, link);
            }
            match file.digest {
                Some(digest) => description.digest(Tag::File, file.path, digest),
                None => description.text(Tag::File, file.path, ""),
            }
        }
        self.add(description)
    }

    /// A member: its files, the parts of the root manifest that reach it, and what it depends on.
    pub fn member(
        &mut self,
        workspace: &Workspace,
        id: MemberId,
        covered: Covered,
        files: FilesOf<'_>,
    ) -> Option<Digest> {
        let place = (covered, id.index());
        if let Some(known) = self.covered.get(&place) {
            return *known;
        }
        // Cargo allows no cycle of normal and build dependencies; should one be there, it has no key.
        self.covered.insert(place, None);
        let digest = self.build_member(workspace, id, covered, files);
        self.covered.insert(place, digest);
        digest
    }

    fn build_member(
        &mut self,
        workspace: &Workspace,
        id: MemberId,
        covered: Covered,
        files: FilesOf<'_>,
    ) -> Option<Digest> {
        let member = workspace.member(id);
        let wanted = |kind: DependencyKind| covered.own || kind != DependencyKind::Dev;
        let beyond = Covered { own: false, ..covered };
        let mut description = Description::default();
        // A renamed folder changes what the compiler says of places in files.
        description.text(Tag::Place, "folder", &*member.relative_dir);
        description.part(Tag::Files, &*member.name, files(id.index())?);
        if let Some(package) = &member.package {
            for (name, text) in package.root_manifest_parts.iter() {
                description.secret(Tag::Manifest, &**name, &**text);
            }
            for (place, _) in package.locked.iter().filter(|(_, kind)| wanted(*kind) && covered.dependencies) {
                let locked = &workspace.locked[*place].name;
                description.part(Tag::Locked, &**locked, self.locked(workspace, *place, beyond, files)?);
            }
            for (place, _) in package.path_packages.iter().filter(|(_, kind)| wanted(*kind) && covered.dependencies) {
                let name = &workspace.path_packages[*place].name;
                description.part(Tag::PathPackage, &**name, self.path_package(workspace, *place, beyond, files)?);
            }
        }
        for dependency in member.dependencies.iter().filter(|one| wanted(one.kind) && covered.dependencies) {
            // A member may stand in its own dev-dependencies' way; its own part covers it already.
            if dependency.member != id {
                let name = &workspace.member(dependency.member).name;
                description.part(Tag::Member, &**name, self.member(workspace, dependency.member, beyond, files)?);
            }
        }
        Some(self.add(description))
    }

    fn path_package(
        &mut self,
        workspace: &Workspace,
        place: usize,
        covered: Covered,
        files: FilesOf<'_>,
    ) -> Option<Digest> {
        let area = workspace.members.len() + place;
        if let Some(known) = self.covered.get(&(covered, area)) {
            return *known;
        }
        self.covered.insert((covered, area), None);
        let package = &workspace.path_packages[place];
        let mut description = Description::default();
        description.text(Tag::Place, "dir", &*package.relative_dir);
        description.part(Tag::Files, &*package.name, files(area)?);
        for locked in &package.locked {
            let name = &workspace.locked[*locked].name;
            description.part(Tag::Locked, &**name, self.locked(workspace, *locked, covered, files)?);
        }
        for other in &package.path_packages {
            let name = &workspace.path_packages[*other].name;
            description.part(Tag::PathPackage, &**name, self.path_package(workspace, *other, covered, files)?);
        }
        for member in &package.members {
            let name = &workspace.member(*member).name;
            description.part(Tag::Member, &**name, self.member(workspace, *member, covered, files)?);
        }
        let digest = self.add(description);
        self.covered.insert((covered, area), Some(digest));
        Some(digest)
    }

    /// A locked package, with those it depends on; through `[patch]` it may depend on members.
    fn locked(&mut self, workspace: &Workspace, place: usize, covered: Covered, files: FilesOf<'_>) -> Option<Digest> {
        if let Some(known) = self.locked.get(&place) {
            return Some(*known);
        }
        let package = &workspace.locked[place];
        let mut description = Description::default();
        description.text(Tag::Version, "", &*package.version);
        description.text(Tag::Source, "", format!("{} {}", package.source, package.checksum));
        for other in &package.dependencies {
            let name = &workspace.locked[*other].name;
            description.part(Tag::Locked, &**name, self.locked(workspace, *other, covered, files)?);
        }
        for other in &package.path_packages {
            let name = &workspace.path_packages[*other].name;
            description.part(Tag::PathPackage, &**name, self.path_package(workspace, *other, covered, files)?);
        }
        for member in &package.members {
            let name = &workspace.member(*member).name;
            description.part(Tag::Member, &**name, self.member(workspace, *member, covered, files)?);
        }
        let digest = self.add(description);
        // One that leads to files again, by `[patch]`, is not remembered: its digest depends on how they are covered.
        if workspace.path_packages.is_empty() && package.members.is_empty() {
            self.locked.insert(place, digest);
        }
        Some(digest)
    }
}

/// Everything that a step's key covers, gathered.
#[derive(Debug)]
pub struct StepFacts<'a> {
    /// The phase's name.
    pub phase: &'a str,
    /// What it does.
    pub definition: &'a Definition,
    /// What `{name}` and `{dir}` stand for: the member's name and its folder below the root.
    pub places: Vec<(&'static str, &'a str)>,
    /// For a group: its members as a person would select them.
    pub selection: Option<String>,
    /// What stood after `--`, if the step takes it.
    pub args: &'a [String],
    /// Cargo's build flags, if the step takes them.
    pub flags: Vec<String>,
    /// Variables whose value is covered, with their value now.
    pub variables: Vec<(&'a str, Option<Vec<u8>>)>,
    /// The machine.
    pub environment: Digest,
    /// The members it is for, and their parts.
    pub members: Vec<(&'a str, Digest)>,
    /// Sets of files that are no member's own: what `//` patterns name, under the name `/`; the configuration of tools
    /// in folders above.
    pub besides: Vec<(&'a str, Digest)>,
    /// Every file under the root, where a step may read any of them.
    pub everything: Option<Digest>,
}

impl StepFacts<'_> {
    /// The description whose digest is the key.
    #[must_use]
    pub fn describe(&self) -> Description {
        let mut key = Description::default();
        key.text(Tag::Format, "", [FORMAT]);
        key.text(Tag::Phase, "", self.phase);
        key.text(Tag::Parallel, "", if self.definition.parallel { "parallel" } else { "" });
        for (place, command) in self.definition.commands.iter().enumerate() {
            // Word by word: `["a b"]` and `["a", "b"]` are not the same command.
            for (word, template) in command.templates().iter().enumerate() {
                key.text(Tag::Command, format!("{place}.{word}"), &*template.source);
            }
        }
        for (place, value) in &self.places {
            key.text(Tag::Place, place, value);
        }
        if let Some(selection) = &self.selection {
            key.text(Tag::Selection, "", selection);
        }
        for (place, argument) in self.args.iter().enumerate() {
            key.secret(Tag::Arguments, place.to_string(), argument);
        }
        key.text(Tag::Flags, "", self.flags.join(" "));
        for (name, value) in &self.definition.env {
            key.secret(Tag::Variable, &**name, &**value);
        }
        for (name, value) in &self.variables {
            match value {
                Some(value) => key.secret(Tag::Variable, name, value),
                None => key.text(Tag::Variable, name, "unset"),
            }
        }
        key.part(Tag::Environment, "", self.environment);
        for (name, part) in &self.members {
            key.part(Tag::Member, name, *part);
        }
        for (name, files) in &self.besides {
            key.part(Tag::Files, name, *files);
        }
        if let Some(everything) = self.everything {
            key.part(Tag::Everything, "", everything);
        }
        key
    }
}
