//! How far a step's key reaches: the areas that its members lead to, and what of each counts. It knows no files.

use std::collections::BTreeSet;

use super::coverage::{Class, Coverage, SetId};
use super::reads::{compiles, covers_everything, follows_modules};
use crate::model::{Engine, Step, Workspace};

/// Areas, each once, in the order in which they were come to.
pub struct Reached {
    is_in: Vec<bool>,
    /// The areas.
    pub areas: Vec<usize>,
}

impl Reached {
    /// None of so many.
    pub fn new(count: usize) -> Self {
        Self { is_in: vec![false; count], areas: Vec::new() }
    }

    /// Whether it is new.
    pub fn insert(&mut self, area: usize) -> bool {
        let is_new = self.is_in.get_mut(area).is_some_and(|is_in| !std::mem::replace(is_in, true));
        if is_new {
            self.areas.push(area);
        }
        is_new
    }
}

/// What a step covers of each area that its members lead to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spread {
    /// Which files members' parts tell of.
    class: Class,
    /// To a step that compiles `inputs` only add.
    named: Class,
    /// The sources that git ignores, if they count.
    ignored: Option<Class>,
    /// Whether what libraries may read when they run counts by itself, for test executables.
    is_data: bool,
}

impl Spread {
    /// That of a step.
    pub fn of(coverage: &Coverage<'_>, step: &Step) -> Self {
        let makes = coverage.outputs.classes.contains(&step.phase);
        let class = if makes { Class::IgnoredLess(step.phase) } else { Class::IgnoredSources };
        let counts = compiles(step) || covers_everything(step) || follows_modules(step);
        Self {
            class: coverage.class_of_step(step),
            named: coverage.class_of(step.phase),
            ignored: counts.then_some(class),
            is_data: step.definition.engine == Engine::CargoTest,
        }
    }

    /// The sets of these areas.
    pub fn each(self, coverage: &Coverage<'_>, areas: &[usize], mut tell: impl FnMut(SetId)) {
        for area in areas {
            tell(coverage.set(self.class, *area));
            if self.named != self.class {
                tell(coverage.set(self.named, *area));
            }
            coverage.rooted(self.named, *area).into_iter().for_each(&mut tell);
            self.ignored.into_iter().for_each(|class| tell((class, *area)));
            self.is_data.then_some(Class::Data).into_iter().for_each(|class| tell((class, *area)));
        }
    }

    /// Whether there can be a set among them of which no member's part tells.
    pub fn tells_besides(self, coverage: &Coverage<'_>, holds: &BTreeSet<SetId>) -> bool {
        let is_among = |class| holds.range((class, 0)..=(class, usize::MAX)).next().is_some();
        let names_in_root =
            matches!(self.named, Class::Inputs(_)) && coverage.compiled.iter().any(|all| !all.root.is_empty());
        self.named != self.class || names_in_root || self.ignored.is_some_and(is_among) || !coverage.unnamed.is_empty()
    }
}

/// The areas that locked packages lead to.
pub fn patched(workspace: &Workspace) -> Vec<usize> {
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

/// The areas of path packages that nobody names.
pub fn unnamed(workspace: &Workspace) -> Vec<usize> {
    let members = workspace.members.iter().filter_map(|member| member.package.as_ref());
    let by_members = members.flat_map(|package| package.path_packages.iter().map(|(place, _)| place));
    let by_packages = workspace.path_packages.iter().flat_map(|package| &package.path_packages);
    let by_locked = workspace.locked.iter().flat_map(|locked| &locked.path_packages);
    let named: BTreeSet<&usize> = by_members.chain(by_packages).chain(by_locked).collect();
    let places = 0..workspace.path_packages.len();
    places.filter(|place| !named.contains(place)).map(|place| workspace.members.len() + place).collect()
}
