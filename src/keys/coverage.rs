//! Which files a step's key covers: sets of files, each for an area (the folder of a member, a path package or the
//! root) and a class (all files, or what a phase's `inputs` name). It looks at no file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::named::{Named, named};
use super::reads::{compiles, covers_dependencies, covers_everything, follows_modules};
use super::selecting::{selected, words_of_cargo};
use super::spread::{Reached, Spread, patched, unnamed};
use crate::fingerprint::{Description, Tag};
use crate::model::{DependencyKind, Engine, MemberId, PhaseId, Project, Step, Subject, Workspace};
use crate::walk::{Areas, Globs, Patterns, Place};

/// Which files of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Every file that git would not ignore.
    Default,
    /// What the phase's `inputs` name, less its own outputs.
    Inputs(PhaseId),
    /// Every file that git would not ignore, less the phase's own outputs.
    Less(PhaseId),
    /// The configuration of clippy and rustfmt, also where git ignores it. It holds for the areas inside of this one, too.
    Above,
    /// The Rust sources that git ignores, where cargo looks for targets and rustfmt for modules.
    IgnoredSources,
    /// Likewise, less the phase's own outputs.
    IgnoredLess(PhaseId),
    /// What the `//` patterns of these [`Patterns`] name, in the whole workspace; for the area of the root.
    Rooted(usize),
    /// Every file that git would not ignore but for Rust sources where cargo looks for them, and what counts by its parts: what a
    /// library may read when it runs.
    Data,
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
            Self::Default
            | Self::Above
            | Self::IgnoredSources
            | Self::IgnoredLess(_)
            | Self::Data
            | Self::Rooted(_)
            | Self::Whole => 0,
            Self::Inputs(phase) => 2 * phase.index() + 1,
            Self::Less(phase) => 2 * phase.index() + 2,
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
    pub areas: Arc<Areas>,
    /// What was typed after `--`.
    args: &'a [String],
    /// The area that is the root's.
    pub root: usize,
    /// How many areas there are.
    pub count: usize,
    /// For each area, those around it.
    around: Vec<Vec<usize>>,
    /// The areas that locked packages lead to, by `[patch]`; nearly always none.
    patched: Vec<usize>,
    /// The areas of path packages that nobody names: configuration puts them in the place of others, by `paths`.
    pub unnamed: Vec<usize>,
    /// Where Rust sources are, ignored or not.
    sources: Option<Patterns>,
    /// All distinct `inputs`, compiled.
    pub compiled: Vec<Patterns>,
    /// Which of them a phase has in an area.
    patterns: BTreeMap<(PhaseId, usize), usize>,
    classes: BTreeSet<PhaseId>,
    /// All distinct `outputs`, compiled, and which of them a phase has in an area.
    pub outputs: Named,
    /// What tells all this from any other coverage of the same areas.
    pub grounds: Description,
}

impl<'a> Coverage<'a> {
    /// The folders of the areas; the last is the root's, if no member lies there.
    pub fn areas(workspace: &Workspace) -> Areas {
        let members = workspace.members.iter().map(|member| member.dir.clone());
        let mut dirs: Vec<PathBuf> = members.chain(workspace.path_packages.iter().map(|one| one.dir.clone())).collect();
        if !dirs.contains(&workspace.root) {
            dirs.push(workspace.root.clone());
        }
        // What is ours in the target directory changes with each run.
        let skip = [workspace.target_dir.clone(), workspace.target_dir.join("lifecycle")];
        Areas::new(dirs, skip.into())
    }

    /// The coverage of these areas.
    pub fn new(workspace: &'a Workspace, areas: Arc<Areas>, project: &Project, args: &'a [String]) -> Self {
        let dirs = areas.dirs();
        let count = dirs.len();
        let root = dirs.iter().position(|dir| *dir == workspace.root).unwrap_or_default();
        let around = around(dirs);
        let sources = Patterns::new(&SOURCES).ok();
        let Named { compiled, patterns, classes, mut grounds } =
            named(workspace, project, root, |definition| definition.inputs.clone());
        let outputs = named(workspace, project, root, |definition| {
            let outputs = definition.outputs.as_ref().filter(|outputs| !outputs.is_empty())?;
            Some(outputs.iter().map(|claim| Arc::clone(&claim.pattern)).collect())
        });
        grounds.part(Tag::Outputs, "", outputs.grounds.clone().finish().0);
        grounds.text(Tag::Member, "", [workspace.members.len(), root].map(usize::to_le_bytes).concat());
        Self {
            workspace,
            areas,
            args,
            root,
            count,
            around,
            patched: patched(workspace),
            unnamed: unnamed(workspace),
            sources,
            compiled,
            patterns,
            classes,
            outputs,
            grounds,
        }
    }

    /// What an area is called: by its member or package; the rest of the workspace has no name.
    pub fn name(&self, area: usize) -> &str {
        let members = &self.workspace.members;
        let package = || self.workspace.path_packages.get(area - members.len()).map(|package| &*package.name);
        members.get(area).map(|member| &*member.name).or_else(package).unwrap_or_default()
    }

    /// Which files the phase's keys cover.
    pub fn class_of(&self, phase: PhaseId) -> Class {
        if self.classes.contains(&phase) {
            Class::Inputs(phase)
        } else if self.outputs.classes.contains(&phase) {
            Class::Less(phase)
        } else {
            Class::Default
        }
    }

    /// Which files of all areas the phase's keys cover, where they cover everything.
    pub fn class_of_everything(&self, phase: PhaseId) -> Class {
        if self.outputs.classes.contains(&phase) { Class::Less(phase) } else { Class::Default }
    }

    /// Where a step makes its declared outputs.
    pub fn outputs_of(&self, step: &Step) -> Vec<Place<'_>> {
        let areas: Vec<usize> = match &step.subject {
            Subject::Workspace => vec![self.root],
            subject => subject.members().iter().map(|member| member.index()).collect(),
        };
        let mut places = Vec::new();
        for area in areas.into_iter().filter(|_| step.definition.outputs.is_some()) {
            let patterns = self.outputs.patterns.get(&(step.phase, area));
            let Some(patterns) = patterns.and_then(|place| self.outputs.compiled.get(*place)) else { continue };
            let of = |area, globs| Place { dir: self.areas.dir(area).to_owned(), globs };
            places.extend([of(area, &patterns.own), of(self.root, &patterns.root)]);
        }
        places.retain(|place| !place.globs.is_empty());
        places
    }

    /// Whether a phase makes the file itself: in the area that it is in, or in the root.
    pub fn is_made(&self, phase: PhaseId, area: usize, path: &Path) -> bool {
        let is_in = |own: usize| {
            let Some(patterns) = self.outputs.patterns.get(&(phase, own)) else { return false };
            let Some(patterns) = self.outputs.compiled.get(*patterns) else { return false };
            let full = self.areas.dir(area).join(path);
            let seen = |from: usize| full.strip_prefix(self.areas.dir(from)).ok();
            seen(own).is_some_and(|path| patterns.own.matches(path))
                || seen(self.root).is_some_and(|path| patterns.root.matches(path))
        };
        is_in(area) || (area != self.root && is_in(self.root))
    }

    /// The set of an area in a class: the default one where the phase names no inputs there.
    pub fn set(&self, class: Class, area: usize) -> SetId {
        match class {
            Class::Inputs(phase) if self.patterns.contains_key(&(phase, area)) => (class, area),
            Class::Inputs(phase) if self.outputs.classes.contains(&phase) => (Class::Less(phase), area),
            Class::Less(_) => (class, area),
            _ => (Class::Default, area),
        }
    }

    /// The globs of a set, if it is not every file.
    pub fn globs(&self, (class, area): SetId) -> Option<&Globs> {
        match class {
            Class::Default | Class::Less(_) | Class::Above | Class::Data | Class::Whole => None,
            Class::IgnoredSources | Class::IgnoredLess(_) => self.sources.as_ref().map(|sources| &sources.own),
            Class::Inputs(phase) => Some(&self.compiled.get(*self.patterns.get(&(phase, area))?)?.own),
            Class::Rooted(place) => Some(&self.compiled.get(place)?.root),
        }
    }

    /// The set of what the `//` patterns of a phase in an area name, if it has any.
    pub fn rooted(&self, class: Class, area: usize) -> Option<SetId> {
        let Class::Inputs(phase) = class else { return None };
        let place = *self.patterns.get(&(phase, area))?;
        (!self.compiled.get(place)?.root.is_empty()).then_some((Class::Rooted(place), self.root))
    }

    /// The areas around an area.
    pub fn around(&self, area: usize) -> &[usize] {
        &self.around[area]
    }

    /// The sets of a class that may hold files of an area: its own, and, by patterns, those of the areas around it.
    pub fn reaching(&self, class: Class, area: usize) -> impl Iterator<Item = SetId> {
        let is_own = matches!(class, Class::Default | Class::Less(_) | Class::Data);
        let around = if is_own { &[][..] } else { &self.around[area] };
        [area].into_iter().chain(around.iter().copied()).map(move |own| (class, own))
    }

    /// Which files of its members and of what they depend on a step's key covers.
    pub fn class_of_step(&self, step: &Step) -> Class {
        if compiles(step) { self.class_of_everything(step.phase) } else { self.class_of(step.phase) }
    }

    /// The sets that the step's key covers.
    pub fn of(&self, step: &Step) -> BTreeSet<SetId> {
        let mut sets = self.near(step);
        let areas = self.areas_of(step);
        Spread::of(self, step).each(self, &areas, |id| _ = sets.insert(id));
        sets
    }

    /// The sets that any of the steps' keys covers. Each area is come to once for all steps that cover the same of it.
    pub fn of_all<'s>(&self, steps: impl Iterator<Item = &'s Step>) -> BTreeSet<SetId> {
        let mut sets = BTreeSet::new();
        let mut reached: BTreeMap<Spread, Reached> = BTreeMap::new();
        for step in steps {
            sets.append(&mut self.near(step));
            let reached = reached.entry(Spread::of(self, step)).or_insert_with(|| Reached::new(self.count));
            self.reach_areas(step, reached);
        }
        for (spread, reached) in reached {
            spread.each(self, &reached.areas, |id| _ = sets.insert(id));
        }
        sets
    }

    /// The sets that the step's key covers besides the files of its members and of what they depend on, as members' parts
    /// tell of them: a few, except for steps of which nobody tells what they read. `holds`: those in which there is anything.
    pub fn besides(&self, step: &Step, holds: &BTreeSet<SetId>) -> BTreeSet<SetId> {
        let mut sets = self.near(step);
        let spread = Spread::of(self, step);
        if spread.tells_besides(self, holds) {
            spread.each(self, &self.areas_of(step), |id| _ = sets.insert(id));
        }
        sets
    }

    /// The sets that a step's key covers wherever its members lead.
    fn near(&self, step: &Step) -> BTreeSet<SetId> {
        let mut sets = BTreeSet::new();
        let above = step.subject.members().iter().flat_map(|member| &self.around[member.index()]);
        sets.extend(above.map(|area| (Class::Above, *area)));
        let everything = covers_everything(step) || follows_modules(step);
        if compiles(step) || everything {
            sets.extend(step.subject.members().iter().map(|member| (Class::Above, member.index())));
        }
        let chooses = self.chooses_packages(step);
        if everything || chooses {
            let class = self.class_of_everything(step.phase);
            sets.extend((0..self.count).map(|area| (class, area)));
        }
        // A test of the package in the root may read it like any other file there.
        let is_read = step.definition.engine == Engine::CargoTest
            && step.subject.members().iter().any(|member| member.index() == self.root);
        sets.extend((chooses || is_read).then_some((Class::Whole, self.root)));
        sets
    }

    /// The members that the step's key covers: its own, and those that its calls of cargo name by `-p`.
    pub fn members_of(&self, step: &Step) -> Vec<MemberId> {
        let mut members = match &step.subject {
            Subject::Workspace => self.workspace.ids().collect(),
            subject => subject.members().to_vec(),
        };
        for words in words_of_cargo(step) {
            for name in selected(&words).unwrap_or_default() {
                members.extend(self.workspace.named(name).filter(|member| !members.contains(member)));
            }
        }
        members
    }

    /// The areas of the step's members and of what they depend on.
    fn areas_of(&self, step: &Step) -> Vec<usize> {
        let mut reached = Reached::new(self.count);
        self.reach_areas(step, &mut reached);
        reached.areas
    }

    fn reach_areas(&self, step: &Step, reached: &mut Reached) {
        match &step.subject {
            Subject::Workspace if !matches!(self.class_of_step(step), Class::Inputs(_)) => {
                (0..self.count).for_each(|area| _ = reached.insert(area));
            }
            Subject::Workspace => _ = reached.insert(self.root),
            _ => {
                for member in self.members_of(step) {
                    self.reach(member.index(), covers_dependencies(step), true, reached);
                }
                for area in self.patched.iter().chain(&self.unnamed) {
                    self.reach(*area, true, false, reached);
                }
            }
        }
    }

    /// Whether the set is of a package that no member's part leads to.
    pub fn is_unnamed(&self, (class, area): SetId) -> bool {
        matches!(class, Class::Default | Class::Less(_)) && self.unnamed.contains(&area)
    }

    /// Whether what the step does is not told by its members: it stands for the whole workspace, or its commands or ARGS
    /// choose packages that are none of these. Then it covers everything, and all that is locked.
    pub fn chooses_packages(&self, step: &Step) -> bool {
        let is_whole = step.subject == Subject::Workspace && (step.definition.inputs.is_none() || compiles(step));
        let own = |name: &str| matches!(name, "{spec}" | "{name}") || self.workspace.named(name).is_some();
        let by_commands =
            || words_of_cargo(step).any(|words| selected(&words).is_none_or(|names| !names.into_iter().all(own)));
        let by_args = || step.takes_args && selected(self.args).is_none_or(|names| !names.is_empty());
        is_whole || (compiles(step) && (by_commands() || by_args()))
    }

    /// Whether the file, in an area, is data.
    pub fn is_data(&self, path: &Path) -> bool {
        let is_source = || self.sources.as_ref().is_some_and(|sources| sources.own.matches(path));
        !path.to_str().is_some_and(|name| BY_PARTS.contains(&name)) && !is_source()
    }

    /// Whether the file of this name in the root counts by its parts.
    pub fn counts_by_parts(&self, name: &str) -> bool {
        let is_virtual = self.root >= self.workspace.members.len();
        BY_PARTS.contains(&name) && (is_virtual || name != "Cargo.toml")
    }

    /// The area and those of what it depends on.
    pub fn closure(&self, area: usize) -> Vec<usize> {
        let mut reached = Reached::new(self.count);
        self.reach(area, true, true, &mut reached);
        reached.areas
    }

    /// Comes to the area and to those of what it depends on.
    fn reach(&self, area: usize, dependencies: bool, own: bool, found: &mut Reached) {
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

/// For each folder, the others that it lies in.
fn around(dirs: &[PathBuf]) -> Vec<Vec<usize>> {
    let places: HashMap<&Path, usize> = dirs.iter().enumerate().map(|(area, dir)| (dir.as_path(), area)).collect();
    let above = |dir: &PathBuf| dir.ancestors().skip(1).filter_map(|above| places.get(above).copied()).collect();
    dirs.iter().map(above).collect()
}
