//! The globs of all phases' `inputs`, or of their `outputs`, compiled once for all members that share them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::fingerprint::{Description, Tag};
use crate::model::{Definition, Member, PhaseId, Project, Scope, Workspace};
use crate::walk::Patterns;

/// The `inputs` of all phases, or their `outputs`.
#[derive(Default)]
pub struct Named {
    /// Each distinct list, compiled.
    pub compiled: Vec<Patterns>,
    /// Which of them a phase has in an area.
    pub patterns: BTreeMap<(PhaseId, usize), usize>,
    /// The phases that name any.
    pub classes: BTreeSet<PhaseId>,
    /// What tells all this from anything else.
    pub grounds: Description,
}

/// The globs that `names` tells of each definition. The root is an area of its own.
pub fn named(
    workspace: &Workspace,
    project: &Project,
    root: usize,
    names: impl Fn(&Definition) -> Option<Vec<Arc<str>>>,
) -> Named {
    let mut found = Named::default();
    let mut known: BTreeMap<Vec<Arc<str>>, Option<usize>> = BTreeMap::new();
    for (number, phase) in project.phases.iter().enumerate() {
        let id = PhaseId::new(number);
        let of_member = |(area, member): (usize, &'_ Member)| Some((area, phase.definition_for(&member.name)?));
        let definitions: Vec<_> = match phase.scope {
            Scope::Workspace => phase.definition.iter().map(|definition| (root, definition)).collect(),
            Scope::Member => workspace.members.iter().enumerate().filter_map(of_member).collect(),
        };
        for (area, definition) in definitions {
            let Some(names) = names(definition) else { continue };
            found.classes.insert(id);
            // make.toml is checked; a pattern that still does not compile leaves the key covering every file.
            let place = *known.entry(names).or_insert_with_key(|names| {
                names
                    .iter()
                    .for_each(|name| found.grounds.text(Tag::Outputs, found.compiled.len().to_string(), &**name));
                found.compiled.push(Patterns::new(names).ok()?);
                Some(found.compiled.len() - 1)
            });
            found.patterns.extend(place.map(|place| ((id, area), place)));
            let numbers = [number, area, place.map_or(usize::MAX, |place| place)];
            found.grounds.text(Tag::Place, "", numbers.map(usize::to_le_bytes).concat());
        }
    }
    found
}
