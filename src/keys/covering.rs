//! Whether the sets of one step hold a path. It asks what the walk has found, and looks at no file.

use std::collections::HashMap;
use std::path::Path;

use super::coverage::{Class, Coverage, SetId};
use super::sets::{Set, has, is_by_parts};
use super::{Keys, State};
use crate::model::Step;
use crate::walk::{AreaFiles, Kind, Tree};

/// The sets of a step, by the folders of their areas.
pub struct Covering<'a> {
    coverage: &'a Coverage<'a>,
    target_dir: &'a Path,
    tree: &'a Tree,
    sets: HashMap<&'a Path, Vec<(SetId, &'a Set)>>,
}

impl Keys<'_> {
    /// What the step's key covers, to be asked for many paths.
    pub(super) fn covering<'a>(&'a self, state: &'a State, step: &Step) -> Covering<'a> {
        let mut sets: HashMap<&Path, Vec<(SetId, &Set)>> = HashMap::new();
        for id in self.coverage.of(step) {
            let found = state.sets.get(&id).map(|set| (id, set));
            sets.entry(self.coverage.areas.dir(id.1)).or_default().extend(found);
        }
        let target_dir = &self.expansion.workspace.target_dir;
        Covering { coverage: &self.coverage, target_dir, tree: &state.tree, sets }
    }
}

impl Covering<'_> {
    /// Whether the contents of this file are in the key.
    pub fn file(&self, path: &Path) -> bool {
        path.ancestors().skip(1).any(|dir| {
            let (sets, inside) = (self.sets.get(dir), path.strip_prefix(dir));
            let (Some(sets), Ok(inside)) = (sets, inside) else { return false };
            let holds = |set| has(self.coverage, set, self.tree, inside);
            sets.iter().any(|(id, set)| holds((*id, set)) && !is_by_parts(self.coverage, *id, inside))
        })
    }

    /// Whether everything in this folder is in the key.
    pub fn folder(&self, path: &Path) -> bool {
        let Some(dir) = path.ancestors().find(|dir| self.coverage.areas.is_area(dir)) else { return false };
        let below = self.coverage.areas.within(path).map(|area| self.coverage.areas.dir(area));
        let is_own = |dir: &Path| self.area(dir).is_some();
        let inside = path.strip_prefix(dir).unwrap_or(path);
        // In the root there are files that count by their parts.
        !self.target_dir.starts_with(path)
            && !self.coverage.workspace.root.starts_with(path)
            && self.area(dir).is_some_and(|area| is_whole(area, inside) && !may_ignore(dir, area))
            && below.filter(|below| *below != dir).all(|below| is_own(below) && self.package(below))
    }

    /// Whether every file of the package in this folder is in the key; packages inside of it are others.
    pub fn package(&self, dir: &Path) -> bool {
        self.area(dir).is_some_and(|area| is_whole(area, Path::new("")) && !may_ignore(dir, area))
    }

    /// Whether the key covers the package in this folder at all.
    pub fn has_package(&self, dir: &Path) -> bool {
        self.area(dir).is_some()
    }

    /// The files of an area of which the key covers every one that git would not ignore.
    fn area(&self, dir: &Path) -> Option<&AreaFiles> {
        let ((_, area), _) =
            self.sets.get(dir)?.iter().find(|((class, _), _)| matches!(class, Class::Default | Class::Less(_)))?;
        self.tree.areas.get(*area).map(|area| &***area)
    }
}

/// Whether rules may hide a file that is not there yet.
fn may_ignore(dir: &Path, area: &AreaFiles) -> bool {
    let has_rules = |above: &Path| above.join(".gitignore").exists() || above.join(".git").exists();
    area.files.iter().any(|file| file.path.ends_with(".gitignore")) || dir.ancestors().any(has_rules)
}

/// Whether there is a folder in the area in which the walk has looked at everything.
fn is_whole(area: &AreaFiles, inside: &Path) -> bool {
    let ignored = area.ignored_files.iter().chain(&area.ignored_dirs);
    let mut files = area.files.iter().filter(|file| file.path.starts_with(inside) && *file.path != *inside).peekable();
    files.peek().is_some()
        && files.all(|file| matches!(file.kind, Kind::Regular | Kind::Link(_) | Kind::BrokenLink(_)))
        && !ignored.into_iter().any(|ignored| ignored.starts_with(inside) || inside.starts_with(ignored))
}
