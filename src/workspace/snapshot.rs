//! The file that remembers a workspace, so that cargo need not be asked again. It is believed only when everything that the
//! answer depended on is as it was; otherwise it is as good as missing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::inputs::{Held, Inputs, digest};
use super::manifest::Part;
use super::{Options, Others, inputs};
use crate::model::{self, Dependency, MemberId, Workspace};
use crate::{atomic, cargo_config::Variables, checksum, executable, target_dir};

/// 1: the first. 2: sources outside of a member's folder. 3: what path packages inherit. 4: a digest for what `--config`
/// says. 5: the metadata of files. 6: in three lines. 7: another checksum.
const FORMAT: u32 = 7;

/// What cargo was asked.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Question {
    cargo: String,
    root: PathBuf,
    flags: [bool; 3],
    /// A digest, because values may be secrets.
    config: String,
    cargo_home: Option<PathBuf>,
    /// A digest, because values may be secrets.
    variables: String,
}

/// The workspace. Members' ids are places in `members`.
#[derive(Serialize, Deserialize)]
struct Stored {
    target_dir: PathBuf,
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

/// What a snapshot has to say from now on: files that it knew had to be read, and are what they were.
#[derive(Clone, Debug)]
pub struct Renewal {
    path: PathBuf,
    target_dir: PathBuf,
    /// All that it says.
    json: String,
    /// How the files look now.
    inputs: Inputs,
}

impl Renewal {
    /// Writes it. That it cannot be written only makes the next run read the files again.
    pub fn write(&self) {
        let mut lines = self.json.lines();
        if let (Some(asked), Some(_), Some(stored)) = (lines.next(), lines.next(), lines.next())
            && let Ok(inputs) = serde_json::to_string(&self.inputs)
        {
            put(&self.path, &self.target_dir, [asked, &inputs, stored]);
        }
    }
}

/// The workspace at `root` as a snapshot remembers it, if there is one and all of it still holds.
pub fn read(
    options: &Options,
    (root, target_dir): (&Path, &Path),
    others: Others<'_>,
) -> Option<(Workspace, Option<Renewal>)> {
    let path = path(options, root, target_dir);
    let text = String::from_utf8(atomic::read(&path).ok()?).ok()?;
    let (sum, json) = text.split_once('\n')?;
    // Before anything is believed: one flipped byte could make another package of one.
    if sum_of(json) != sum {
        return None;
    }
    let mut lines = json.lines();
    let (asked, inputs, stored) = (lines.next()?, lines.next()?, lines.next()?);
    let (format, question): (u32, Question) = serde_json::from_str(asked).ok()?;
    if format != FORMAT || question != Question::of(options, root)? {
        return None;
    }
    let look = || {
        let inputs: Inputs = serde_json::from_str(inputs).ok()?;
        Some(inputs.still_hold(target_dir, &*(others.digests)(root, target_dir)))
    };
    let model = || {
        let stored: Stored = serde_json::from_str(stored).ok()?;
        (stored.is_sound() && stored.target_dir == target_dir).then(|| stored.into_model(root))
    };
    let (looked, workspace) = rayon::join(look, model);
    let (workspace, held) = workspace.zip(looked)?;
    let renewal = match held {
        Held::No => return None,
        Held::Yes => None,
        Held::Anew(inputs) => Some(Renewal { path, target_dir: target_dir.to_owned(), json: json.to_owned(), inputs }),
    };
    Some((workspace, renewal))
}

/// Remembers a workspace. That it cannot be written only makes the next run slower.
pub fn write(options: &Options, workspace: &Workspace, inputs: Inputs) {
    let Some(question) = Question::of(options, &workspace.root) else { return };
    let lines = [
        serde_json::to_string(&(FORMAT, &question)),
        serde_json::to_string(&inputs),
        serde_json::to_string(&Stored::of(workspace)),
    ];
    // Fails for paths that are no Unicode.
    let [Ok(asked), Ok(inputs), Ok(stored)] = lines else { return };
    let (path, target_dir) = (path(options, &workspace.root, &workspace.target_dir), &workspace.target_dir);
    put(&path, target_dir, [&asked, &inputs, &stored]);
}

fn put(path: &Path, target_dir: &Path, lines: [&str; 3]) {
    let json = lines.join("\n");
    let text = format!("{}\n{json}", sum_of(&json));
    _ = target_dir::make(target_dir).and_then(|()| atomic::cache(path, &[text]));
}

fn sum_of(json: &str) -> String {
    format!("{:032x}", u128::from_le_bytes(checksum::of(json.as_bytes())))
}

/// Who is called by cargo asks the cargo that called; who is called by hand, the one in `PATH`, often rustup's proxy. They
/// differ in what they are and in the variables that rustup sets, so that each remembers its own answer.
fn path(options: &Options, root: &Path, target_dir: &Path) -> PathBuf {
    let mut name = inputs::digest(root.as_os_str().as_encoded_bytes());
    name.truncate(16);
    let by_cargo = options.invocation.variable("CARGO").is_some();
    let file = if by_cargo { "workspace-by-cargo.json" } else { "workspace.json" };
    target_dir.join("lifecycle").join(name).join(file)
}

impl Question {
    /// `None` when it cannot be told which cargo would answer.
    fn of(options: &Options, root: &Path) -> Option<Self> {
        let invocation = &options.invocation;
        Some(Self {
            cargo: executable::identity(&invocation.cargo, root, invocation)?,
            root: root.to_owned(),
            flags: [options.locked, options.offline, options.frozen],
            config: digest(invocation.config_arguments().join("\0").as_bytes()),
            cargo_home: invocation.cargo_home(),
            variables: variables(&invocation.variables),
        })
    }
}

/// A digest of the variables that may change cargo's answer.
fn variables(variables: &Variables) -> String {
    let mut text = Vec::new();
    for (name, value) in variables.iter().filter(|(name, _)| name.to_str().is_some_and(matters)) {
        for part in [name, value] {
            text.extend_from_slice(part.as_encoded_bytes());
            text.push(0);
        }
    }
    digest(&text)
}

/// All of cargo's, less those that cargo sets for what it starts and those that change only what is shown.
fn matters(name: &str) -> bool {
    const NOISE: [&str; 12] = [
        "CARGO_BIN_",
        "CARGO_CRATE_NAME",
        "CARGO_LIFECYCLE_",
        "CARGO_LOG",
        "CARGO_MAKEFLAGS",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TERM_",
        "CARGO_BUILD_JOBS",
        "CARGO_INCREMENTAL",
        "CARGO_PROFILE_",
    ];
    let of_cargo = name.starts_with("CARGO_") && !NOISE.iter().any(|noise| name.starts_with(noise));
    of_cargo && !name.ends_with("_TOKEN") || name == "RUSTUP_TOOLCHAIN"
}

impl Stored {
    fn of(workspace: &Workspace) -> Self {
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
    fn is_sound(&self) -> bool {
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

    fn into_model(self, root: &Path) -> Workspace {
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
