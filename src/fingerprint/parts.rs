//! The parts that keys are made of: files, members with what they depend on, locked packages; each built once and kept.

use std::collections::HashMap;
use std::path::Path;
use std::sync::RwLock;

use super::description::{Description, FORMAT, Tag};
use super::pool::{Lent, Pool, SHARDS, read, write};
use crate::model::{Definition, DependencyKind, Digest, Engine, MemberId, Package, Workspace};

/// One file of a set.
#[derive(Clone, Copy, Debug)]
pub struct FileItem<'a> {
    /// The path below the folder of its member or package, with `/`.
    pub path: &'a [u8],
    /// The digest of its contents; `None` for a link that leads nowhere and for what has none (a socket).
    pub digest: Option<Digest>,
    /// Where it points, if it is a symbolic link.
    pub link: Option<&'a [u8]>,
    /// Whether it may be executed.
    pub executable: bool,
}

/// All descriptions of a run by their digests, and which thing has which. Shared by all threads, which rarely meet in it.
#[derive(Debug, Default)]
pub struct Parts {
    pool: Pool,
    /// Members, path packages and locked packages, numbered in this order.
    covered: [RwLock<Digests>; SHARDS],
}

type Digests = HashMap<(Covered, usize), Option<Digest>>;

/// What is being described, from the inside out.
struct Trail<'a> {
    place: (Covered, usize),
    outer: Option<&'a Self>,
}

impl Trail<'_> {
    fn holds(&self, place: (Covered, usize)) -> bool {
        std::iter::successors(Some(self), |trail| trail.outer).any(|trail| trail.place == place)
    }
}

/// A set of files.
pub fn files<'a>(files: impl Iterator<Item = FileItem<'a>>) -> Description {
    // A usual name and a digest.
    let mut description = Description::with_capacity(files.size_hint().0 * 80);
    for file in files {
        if let Some(link) = file.link {
            description.text(Tag::Link, file.path, link);
        }
        match file.digest {
            Some(digest) => description.digest(Tag::File, file.path, digest),
            None => description.text(Tag::File, file.path, ""),
        }
        if file.executable {
            description.text(Tag::Mode, file.path, "executable");
        }
    }
    description
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

/// What members are described from.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// How members are covered.
    pub covered: Covered,
    /// The digest of the files of a place: members by their ids, path packages numbered after them; `None` if there is
    /// none.
    pub files: &'a dyn Fn(usize) -> Option<Digest>,
}

impl Parts {
    /// Keeps a description and answers its digest.
    pub fn add(&self, description: Description) -> Digest {
        self.keep(description.finish())
    }

    /// Keeps a description that is finished, and answers its digest.
    pub fn keep(&self, (digest, bytes): (Digest, Vec<u8>)) -> Digest {
        self.pool.keep(digest, bytes);
        digest
    }

    /// Lends all descriptions.
    pub fn lend(&self) -> Lent<'_> {
        self.pool.lend()
    }

    /// Forgets which member has which part, because files changed; the descriptions themselves stay.
    pub fn forget_members(&self) {
        self.covered.iter().for_each(|covered| write(covered).clear());
    }

    /// A member: its files, the parts of the root manifest that reach it, and what it depends on. `None` if a file cannot
    /// be read.
    pub fn member(&self, around: Around<'_>, id: MemberId) -> Option<Digest> {
        self.member_on(around, id, None)
    }

    fn member_on(&self, mut around: Around<'_>, id: MemberId, trail: Option<&Trail<'_>>) -> Option<Digest> {
        // To most members it makes no difference whose tests are run: one description does for both.
        around.covered.own &= has_needs_of_tests(around.workspace, id);
        let build = |trail: &Trail<'_>| self.build_member(around, id, trail);
        self.known((around.covered, id.index()), trail, build)
    }

    /// What is in this place, built if nobody has done so. Two threads may do so at once, and come to the same.
    fn known(
        &self,
        place: (Covered, usize),
        trail: Option<&Trail<'_>>,
        build: impl FnOnce(&Trail<'_>) -> Option<Digest>,
    ) -> Option<Digest> {
        let covered = &self.covered[place.1 % SHARDS];
        if let Some(known) = read(covered).get(&place) {
            return *known;
        }
        // Cargo allows no cycle of normal and build dependencies; should one be there, it has no key.
        if trail.is_some_and(|trail| trail.holds(place)) {
            return None;
        }
        let digest = build(&Trail { place, outer: trail });
        write(covered).insert(place, digest);
        digest
    }

    fn build_member(&self, around: Around<'_>, id: MemberId, trail: &Trail<'_>) -> Option<Digest> {
        let Around { workspace, covered, files } = around;
        let member = workspace.member(id);
        let wanted = |kind: DependencyKind| covered.dependencies && (covered.own || kind != DependencyKind::Dev);
        let mut description = Description::with_capacity(512);
        // A renamed folder changes what the compiler says of places in files.
        description.text(Tag::Place, "folder", &*member.relative_dir);
        description.part(Tag::Files, &*member.name, files(id.index())?);
        let mut on = On::default();
        if let Some(package) = &member.package {
            for (name, text) in package.root_manifest_parts.iter() {
                description.secret(Tag::Manifest, &**name, &**text);
            }
            let wanted = |places: &[(usize, DependencyKind)]| -> Vec<usize> {
                places.iter().filter(|(_, kind)| wanted(*kind)).map(|(place, _)| *place).collect()
            };
            on.locked = wanted(&package.locked);
            on.path_packages = wanted(&package.path_packages);
        }
        // A member may stand in the way of its own tests; its own part covers it already.
        let others = member.dependencies.iter().filter(|one| wanted(one.kind) && one.member != id);
        on.members = others.map(|one| one.member).collect();
        self.add_dependencies(around, &on, &mut description, trail)?;
        Some(self.add(description))
    }

    fn path_package(&self, around: Around<'_>, place: usize, trail: &Trail<'_>) -> Option<Digest> {
        let area = around.workspace.members.len() + place;
        self.known((around.covered, area), Some(trail), |trail| {
            let package = &around.workspace.path_packages[place];
            let mut description = Description::default();
            description.text(Tag::Place, "dir", &*package.relative_dir);
            description.part(Tag::Files, &*package.name, (around.files)(area)?);
            for (name, text) in package.inherited.iter() {
                description.secret(Tag::Manifest, &**name, &**text);
            }
            let on = On {
                members: package.members.clone(),
                path_packages: package.path_packages.clone(),
                locked: package.locked.clone(),
            };
            self.add_dependencies(around, &on, &mut description, trail)?;
            Some(self.add(description))
        })
    }

    /// A locked package, with those it depends on; through `[patch]` it may depend on members.
    fn locked(&self, around: Around<'_>, place: usize, trail: &Trail<'_>) -> Option<Digest> {
        let numbered = around.workspace.members.len() + around.workspace.path_packages.len() + place;
        self.known((around.covered, numbered), Some(trail), |trail| {
            let package = &around.workspace.locked[place];
            let mut description = Description::default();
            description.text(Tag::Version, "", &*package.version);
            description.text(Tag::Source, "", format!("{} {}", package.source, package.checksum));
            let on = On {
                members: package.members.clone(),
                path_packages: package.path_packages.clone(),
                locked: package.dependencies.clone(),
            };
            self.add_dependencies(around, &on, &mut description, trail)?;
            Some(self.add(description))
        })
    }

    /// The parts of what something depends on, seen from outside: not for tests.
    fn add_dependencies(
        &self,
        around: Around<'_>,
        on: &On,
        description: &mut Description,
        trail: &Trail<'_>,
    ) -> Option<()> {
        let beyond = Around { covered: Covered { own: false, ..around.covered }, ..around };
        let workspace = around.workspace;
        for place in &on.locked {
            description.part(Tag::Locked, &*workspace.locked[*place].name, self.locked(beyond, *place, trail)?);
        }
        for place in &on.path_packages {
            let name = &*workspace.path_packages[*place].name;
            description.part(Tag::PathPackage, name, self.path_package(beyond, *place, trail)?);
        }
        for id in &on.members {
            let part = self.member_on(beyond, *id, Some(trail))?;
            description.part(Tag::Member, &*workspace.member(*id).name, part);
        }
        Some(())
    }
}

/// Whether there is something that the member depends on for its tests alone.
fn has_needs_of_tests(workspace: &Workspace, id: MemberId) -> bool {
    let member = workspace.member(id);
    let is_dev = |(_, kind): &(usize, DependencyKind)| *kind == DependencyKind::Dev;
    let of_package = |package: &Package| package.locked.iter().chain(&package.path_packages).any(is_dev);
    let on_members = member.dependencies.iter().any(|one| one.kind == DependencyKind::Dev);
    on_members || member.package.as_ref().is_some_and(of_package)
}

/// What something depends on.
#[derive(Default)]
struct On {
    members: Vec<MemberId>,
    path_packages: Vec<usize>,
    locked: Vec<usize>,
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
    /// The folder of the workspace; absolute. For a step that runs tests: what they come to holds at one place.
    pub root: Option<&'a Path>,
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
    /// Which members have targets, where cargo asks that of all of them.
    pub targets: Option<Digest>,
    /// What the steps that it waits for made, by their names.
    pub made: &'a [(&'a str, Digest)],
    /// Every file under the root, where a step may read any of them.
    pub everything: Option<Digest>,
}

impl StepFacts<'_> {
    /// The description whose digest is the key.
    #[must_use]
    pub fn describe(&self) -> Description {
        let mut key = Description::with_capacity(1024);
        key.text(Tag::Format, "", [FORMAT]);
        key.text(Tag::Phase, "", self.phase);
        if self.definition.engine == Engine::CargoTest {
            key.text(Tag::Command, "engine", "cargo-test");
        }
        key.text(Tag::Parallel, "", if self.definition.parallel { "parallel" } else { "" });
        for (place, command) in self.definition.commands.iter().enumerate() {
            // Word by word: `["a b"]` and `["a", "b"]` are not the same command.
            for (word, template) in command.templates().iter().enumerate() {
                key.text(Tag::Command, format!("{place}.{word}"), &*template.source);
            }
            // A variable may say it, whose value is shown nowhere.
            for (word, stands) in command.alias.iter().enumerate() {
                key.secret(Tag::Command, format!("{place}.alias.{word}"), &**stands);
            }
        }
        for (place, value) in &self.places {
            key.text(Tag::Place, place, value);
        }
        if let Some(root) = self.root {
            key.text(Tag::Place, "root", root.as_os_str().as_encoded_bytes());
        }
        if let Some(selection) = &self.selection {
            key.text(Tag::Selection, "", selection);
        }
        for (place, argument) in self.args.iter().enumerate() {
            key.secret(Tag::Arguments, place.to_string(), argument);
        }
        let (shown, hidden) = without_values(&self.flags);
        key.text(Tag::Flags, "", shown);
        if !hidden.is_empty() {
            key.secret(Tag::Flags, "--config", hidden);
        }
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
        for (place, claim) in self.definition.outputs.iter().flatten().enumerate() {
            key.text(Tag::Outputs, place.to_string(), &*claim.pattern);
        }
        if let Some(targets) = self.targets {
            key.part(Tag::Targets, "", targets);
        }
        for (step, made) in self.made {
            key.digest(Tag::Outputs, step, *made);
        }
        if let Some(everything) = self.everything {
            key.part(Tag::Everything, "", everything);
        }
        key
    }
}

/// The flags as they may be shown, and the values of `--config KEY=VALUE`, which may be secrets.
fn without_values(flags: &[String]) -> (String, String) {
    let mut hidden = Vec::new();
    let mut shown: Vec<String> = Vec::with_capacity(flags.len());
    for (place, flag) in flags.iter().enumerate() {
        let is_config = place.checked_sub(1).and_then(|before| flags.get(before)).is_some_and(|it| it == "--config");
        match flag.split_once('=').filter(|_| is_config) {
            Some((key, _)) => {
                hidden.push(flag.as_str());
                shown.push(format!("{}=…", key.trim_end()));
            }
            None => shown.push(flag.clone()),
        }
    }
    (shown.join(" "), hidden.join("\0"))
}
