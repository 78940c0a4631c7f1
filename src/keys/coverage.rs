//! Which files a step's key covers: sets of files, each for an area (the folder of a member, a path package or the
//! root) and a class (all files, or what a phase's `inputs` name). It looks at no file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::{CargoCommand, DependencyKind, Member, PhaseId, Project, Scope, Step, Subject, Workspace};
use crate::walk::{Areas, Globs, Patterns};

/// Which files of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Every file that git would not ignore.
    Default,
    /// What the phase's `inputs` name.
    Inputs(PhaseId),
    /// The configuration of clippy and rustfmt, also where git ignores it. It holds for the areas inside of this one, too.
    Above,
    /// The Rust sources that git ignores, where cargo looks for targets and rustfmt for modules.
    IgnoredSources,
    /// What the `//` patterns of these [`Patterns`] name, in the whole workspace; for the area of the root.
    Rooted(usize),
    /// The root manifest and Cargo.lock as files, for steps of which no member's parts of them tell enough.
    Whole,
}

/// The files in the root that count by their parts where a step covers every file: Cargo.lock by the packages of each
/// closure, make.toml by each phase's definition, the root manifest of a virtual workspace by the tables that reach a
/// member.
const BY_PARTS: [&str; 3] = ["Cargo.lock", "make.toml", "Cargo.toml"];

impl Class {
    /// A number for each class of members' files.
    pub const fn number(self) -> usize {
        match self {
            Self::Default | Self::Above | Self::IgnoredSources | Self::Rooted(_) | Self::Whole => 0,
            Self::Inputs(phase) => phase.index() + 1,
        }
    }
}

/// Where cargo finds targets by itself, and modules usually are.
const SOURCES: [&str; 5] = ["*.rs", "src/**/*.rs", "tests/**/*.rs", "examples/**/*.rs", "benches/**/*.rs"];

/// A set of files: a class, and an area.
pub type SetId = (Class, usize);

/// The areas of a workspace and the classes of its phases. Areas: members by their ids, path packages after them, and the
/// root last, unless a member lies there.
pub struct Coverage<'a> {
    pub workspace: &'a Workspace,
    pub areas: Areas,
    /// What was typed after `--`.
    args: &'a [String],
    /// The area that is the root's.
    pub root: usize,
    /// How many areas there are.
    count: usize,
    /// For each area, those around it.
    around: Vec<Vec<usize>>,
    /// The areas that locked packages lead to, by `[patch]`; nearly always none.
    patched: Vec<usize>,
    /// Where Rust sources are, ignored or not.
    sources: Option<Patterns>,
    /// All distinct `inputs`, compiled.
    compiled: Vec<Patterns>,
    /// Which of them a phase has in an area.
    patterns: BTreeMap<(PhaseId, usize), usize>,
    classes: BTreeSet<PhaseId>,
}

impl<'a> Coverage<'a> {
    pub fn new(workspace: &'a Workspace, project: &Project, args: &'a [String]) -> Self {
        let members = workspace.members.iter().map(|member| member.dir.clone());
        let mut dirs: Vec<PathBuf> = members.chain(workspace.path_packages.iter().map(|one| one.dir.clone())).collect();
        let root = dirs.iter().position(|dir| *dir == workspace.root).unwrap_or(dirs.len());
        if root == dirs.len() {
            dirs.push(workspace.root.clone());
        }
        let count = dirs.len();
        let around = around(&dirs);
        let sources = Patterns::new(&SOURCES).ok();
        let areas = Areas::new(dirs, vec![workspace.target_dir.clone()]);
        let Inputs { compiled, patterns, classes } = inputs(workspace, project, root);
        Self {
            workspace,
            areas,
            args,
            root,
            count,
            around,
            patched: patched(workspace),
            sources,
            compiled,
            patterns,
            classes,
        }
    }

    /// Every area.
    pub fn everywhere(&self) -> Vec<usize> {
        (0..self.count).collect()
    }

    /// What an area is called: by its member or package; the rest of the workspace has no name.
    pub fn name(&self, area: usize) -> &str {
        let members = &self.workspace.members;
        let package = || self.workspace.path_packages.get(area - members.len()).map(|package| &*package.name);
        members.get(area).map(|member| &*member.name).or_else(package).unwrap_or_default()
    }

    /// Which files the phase's keys cover.
    pub fn class_of(&self, phase: PhaseId) -> Class {
        if self.classes.contains(&phase) { Class::Inputs(phase) } else { Class::Default }
    }

    /// The set of an area in a class: the default one where the phase names no inputs there.
    pub fn set(&self, class: Class, area: usize) -> SetId {
        match class {
            Class::Inputs(phase) if self.patterns.contains_key(&(phase, area)) => (class, area),
            _ => (Class::Default, area),
        }
    }

    /// The globs of a set, if it is not every file.
    pub fn globs(&self, (class, area): SetId) -> Option<&Globs> {
        match class {
            Class::Default | Class::Above | Class::Whole => None,
            Class::IgnoredSources => self.sources.as_ref().map(|sources| &sources.own),
            Class::Inputs(phase) => Some(&self.compiled.get(*self.patterns.get(&(phase, area))?)?.own),
            Class::Rooted(place) => Some(&self.compiled.get(place)?.root),
        }
    }

    /// The set of what the `//` patterns of a phase in an area name, if it has any.
    fn rooted(&self, class: Class, area: usize) -> Option<SetId> {
        let Class::Inputs(phase) = class else { return None };
        let place = *self.patterns.get(&(phase, area))?;
        (!self.compiled.get(place)?.root.is_empty()).then_some((Class::Rooted(place), self.root))
    }

    /// Whether a set may hold files of an area: its own, or, by patterns, one inside of it.
    pub fn reaches(&self, (class, own): SetId, area: usize) -> bool {
        own == area || (class != Class::Default && self.around[area].contains(&own))
    }

    /// The sets that the step's key covers.
    pub fn of(&self, step: &Step) -> BTreeSet<SetId> {
        let class = self.class_of(step.phase);
        let mut areas = BTreeSet::new();
        match &step.subject {
            Subject::Workspace if class == Class::Default => areas.extend(self.everywhere()),
            Subject::Workspace => _ = areas.insert(self.root),
            subject => {
                for member in subject.members() {
                    self.reach(member.index(), step.definition.dependencies, true, &mut areas);
                }
                for area in &self.patched {
                    self.reach(*area, true, false, &mut areas);
                }
            }
        }
        let rooted = areas.iter().filter_map(|area| self.rooted(class, *area));
        let mut sets: BTreeSet<SetId> = areas.iter().map(|area| self.set(class, *area)).chain(rooted).collect();
        let above = step.subject.members().iter().flat_map(|member| &self.around[member.index()]);
        sets.extend(above.map(|area| (Class::Above, *area)));
        if covers_everything(step) || follows_modules(step) {
            sets.extend(step.subject.members().iter().map(|member| (Class::Above, member.index())));
            sets.extend(areas.iter().map(|area| (Class::IgnoredSources, *area)));
            sets.extend(self.everywhere().into_iter().map(|area| (Class::Default, area)));
        }
        if self.chooses_packages(step) {
            sets.extend(self.everywhere().into_iter().map(|area| (Class::Default, area)));
            sets.insert((Class::Whole, self.root));
        }
        sets
    }

    /// Whether what the step does is not told by its members: it stands for the whole workspace, or its commands or ARGS
    /// name packages to cargo themselves. Then it covers all of them, and all that is locked.
    pub fn chooses_packages(&self, step: &Step) -> bool {
        let mut cargo = step.definition.commands.iter().filter(|it| it.cargo().is_some_and(CargoCommand::compiles));
        let is_whole = step.subject == Subject::Workspace && step.definition.inputs.is_none();
        is_whole
            || cargo.any(|command| {
                let source = command.source();
                let by_args = step.takes_args && chooses(self.args.iter().map(String::as_str));
                step.subject == Subject::Workspace || by_args || chooses(source.split_ascii_whitespace())
            })
    }

    /// Whether a file, or a folder with it, counts by its parts: its contents are covered by no key.
    pub fn is_by_parts(&self, path: &Path) -> bool {
        let root = &self.workspace.root;
        root.starts_with(path) || BY_PARTS.iter().any(|name| self.counts_by_parts(name) && path == root.join(name))
    }

    /// Whether the file of this name in the root counts by its parts.
    pub fn counts_by_parts(&self, name: &str) -> bool {
        let is_virtual = self.root >= self.workspace.members.len();
        BY_PARTS.contains(&name) && (is_virtual || name != "Cargo.toml")
    }

    /// The area and those of what it depends on.
    fn reach(&self, area: usize, dependencies: bool, own: bool, found: &mut BTreeSet<usize>) {
        if !found.insert(area) && !own || !dependencies {
            return;
        }
        let members = self.workspace.members.len();
        let mut next: Vec<usize> = Vec::new();
        if let Some(member) = self.workspace.members.get(area) {
            let wanted = |kind: DependencyKind| own || kind != DependencyKind::Dev;
            let on_members = member.dependencies.iter().filter(|one| wanted(one.kind));
            next.extend(on_members.map(|one| one.member.index()));
            let packages = member.package.iter();
            let on_paths = packages.flat_map(|package| &package.path_packages).filter(|(_, kind)| wanted(*kind));
            next.extend(on_paths.map(|(place, _)| members + place));
        } else if let Some(package) = self.workspace.path_packages.get(area - members) {
            next.extend(package.members.iter().map(|member| member.index()));
            next.extend(package.path_packages.iter().map(|place| members + place));
        }
        for area in next {
            self.reach(area, dependencies, false, found);
        }
    }
}

/// Whether words of cargo's choose packages.
fn chooses<'w>(words: impl Iterator<Item = &'w str>) -> bool {
    let long = |word: &str| ["--package", "--workspace", "--all", "--exclude"].contains(&word);
    let chooses = |word: &str| {
        let option = word.split_once('=').map_or(word, |(option, _)| option);
        long(option) || word.strip_prefix('-').is_some_and(|rest| rest.starts_with('p'))
    };
    words.take_while(|word| *word != "--").any(chooses)
}

/// For each folder, the others that it lies in.
fn around(dirs: &[PathBuf]) -> Vec<Vec<usize>> {
    let places: HashMap<&Path, usize> = dirs.iter().enumerate().map(|(area, dir)| (dir.as_path(), area)).collect();
    let above = |dir: &PathBuf| dir.ancestors().skip(1).filter_map(|above| places.get(above).copied()).collect();
    dirs.iter().map(above).collect()
}

fn patched(workspace: &Workspace) -> Vec<usize> {
    let members = workspace.members.len();
    let mut areas: Vec<usize> = Vec::new();
    for locked in &workspace.locked {
        areas.extend(locked.members.iter().map(|member| member.index()));
        areas.extend(locked.path_packages.iter().map(|place| members + place));
    }
    areas.sort_unstable();
    areas.dedup();
    areas
}

/// Whether the step follows `#[path]` to modules anywhere: `cargo fmt` does.
pub fn follows_modules(step: &Step) -> bool {
    step.definition.commands.iter().any(|command| command.cargo() == Some(CargoCommand::Fmt))
}

/// Whether the step's key covers every file under the root. A step that compiles may include any of them; which it does
/// is known only when it has run.
pub fn covers_everything(step: &Step) -> bool {
    let compiles = step.definition.commands.iter().any(|command| command.cargo().is_some_and(|cargo| cargo.compiles()));
    compiles || (step.subject == Subject::Workspace && step.definition.inputs.is_none())
}

/// The `inputs` of all phases.
#[derive(Default)]
struct Inputs {
    compiled: Vec<Patterns>,
    patterns: BTreeMap<(PhaseId, usize), usize>,
    classes: BTreeSet<PhaseId>,
}

fn inputs(workspace: &Workspace, project: &Project, root: usize) -> Inputs {
    let mut found = Inputs::default();
    let mut known: BTreeMap<&[Arc<str>], Option<usize>> = BTreeMap::new();
    for (number, phase) in project.phases.iter().enumerate() {
        let id = PhaseId::new(number);
        let of_member = |(area, member): (usize, &'_ Member)| Some((area, phase.definition_for(&member.name)?));
        let definitions: Vec<_> = match phase.scope {
            Scope::Workspace => phase.definition.iter().map(|definition| (root, definition)).collect(),
            Scope::Member => workspace.members.iter().enumerate().filter_map(of_member).collect(),
        };
        for (area, definition) in definitions {
            let Some(inputs) = definition.inputs.as_deref() else { continue };
            found.classes.insert(id);
            // make.toml is checked; a pattern that still does not compile leaves the key covering every file.
            let place = *known.entry(inputs).or_insert_with(|| {
                found.compiled.push(Patterns::new(inputs).ok()?);
                Some(found.compiled.len() - 1)
            });
            found.patterns.extend(place.map(|place| ((id, area), place)));
        }
    }
    found
}
