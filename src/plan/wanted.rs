//! Which phases for which members belong into a plan: what was asked for and what that needs. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use globset::Glob;

use super::Request;
use crate::model::{Definition, DependencyKind, MemberId, Phase, PhaseId, Project, Scope, Span, Workspace};

/// Whom a phase is for, before members are put into groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    Member(MemberId),
    Workspace,
}

/// One phase for one member, or for the workspace.
pub type Item = (PhaseId, Who);

/// Answers what a phase does for a member, and finds what it waits for.
pub struct Lookup<'a> {
    pub workspace: &'a Workspace,
    pub project: &'a Project,
    pub request: &'a Request,
    /// For each phase and member, the definition, where the member has the phase.
    definitions: Vec<Vec<Option<&'a Arc<Definition>>>>,
}

impl<'a> Lookup<'a> {
    pub fn new(workspace: &'a Workspace, project: &'a Project, request: &'a Request) -> Self {
        let definitions = project.phases.iter().map(|phase| definitions(phase, workspace)).collect();
        Self { workspace, project, request, definitions }
    }

    /// What the phase does for the member; `None` if the member lacks it.
    pub fn definition(&self, phase: PhaseId, who: Who) -> Option<&'a Arc<Definition>> {
        match who {
            Who::Member(member) => self.definitions[phase.index()][member.index()],
            Who::Workspace => self.project.phase(phase).definition.as_ref(),
        }
    }

    /// The items that the phase means to someone: itself for a member that has it, the workspace's, or every selected
    /// member's as seen from the workspace.
    pub fn seen_from(&self, phase: PhaseId, who: Who) -> Vec<Item> {
        match (self.project.phase(phase).scope, who) {
            (Scope::Workspace, _) => vec![(phase, Who::Workspace)],
            (Scope::Member, Who::Workspace) => self.selected(phase).collect(),
            (Scope::Member, member) => self.definition(phase, member).map(|_| (phase, member)).into_iter().collect(),
        }
    }

    /// The phase for every selected member that has it, or once for the workspace.
    pub fn given(&self, phase: PhaseId) -> Vec<Item> {
        self.seen_from(phase, Who::Workspace)
    }

    fn selected(&self, phase: PhaseId) -> impl Iterator<Item = Item> + '_ {
        let members = self.request.selected.iter().map(|member| Who::Member(*member));
        members.filter(move |who| self.definition(phase, *who).is_some()).map(move |who| (phase, who))
    }

    /// What the item's `needs` name, each with the place that says so and whether it is of a member depended on.
    pub fn needs(&self, item: Item) -> Vec<(Item, Span)> {
        let Some(definition) = self.definition(item.0, item.1) else { return Vec::new() };
        let found = definition.needs.iter().flat_map(|need| {
            let items = match item.1 {
                Who::Member(member) if need.upstream => self.upstream(need.phase, member),
                who => self.seen_from(need.phase, who),
            };
            items.into_iter().map(move |item| (item, need.span))
        });
        found.collect()
    }

    /// The phase for the nearest members that `member` depends on (not for its tests) and that have it; members and path
    /// packages that lack it are looked through.
    fn upstream(&self, phase: PhaseId, member: MemberId) -> Vec<Item> {
        if self.project.phase(phase).scope == Scope::Workspace {
            return vec![(phase, Who::Workspace)];
        }
        let mut found = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut queue: VecDeque<Through> = self.beyond_member(member);
        while let Some(through) = queue.pop_front() {
            match through {
                Through::Member(id) if self.definition(phase, Who::Member(id)).is_some() => {
                    found.push((phase, Who::Member(id)));
                }
                through if !seen.insert(through) => {}
                Through::Member(id) => queue.extend(self.beyond_member(id)),
                Through::Path(place) => queue.extend(self.beyond_path(place)),
            }
        }
        // A member that looks through another back at itself does not wait for itself.
        found.retain(|(_, who)| *who != Who::Member(member));
        found.sort_unstable();
        found.dedup();
        found
    }

    fn beyond_member(&self, id: MemberId) -> VecDeque<Through> {
        let member = self.workspace.member(id);
        let members = member.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Dev);
        let paths = member.package.iter().flat_map(|package| &package.path_packages);
        let paths = paths.filter(|(_, kind)| *kind != DependencyKind::Dev);
        let members = members.map(|dependency| Through::Member(dependency.member));
        members.chain(paths.map(|(place, _)| Through::Path(*place))).collect()
    }

    fn beyond_path(&self, place: usize) -> VecDeque<Through> {
        let package = &self.workspace.path_packages[place];
        let members = package.members.iter().map(|id| Through::Member(*id));
        members.chain(package.path_packages.iter().map(|place| Through::Path(*place))).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Through {
    Member(MemberId),
    Path(usize),
}

/// What the phase does for each member; a folder lacks every phase whose command speaks of a Cargo package.
fn definitions<'a>(phase: &'a Phase, workspace: &Workspace) -> Vec<Option<&'a Arc<Definition>>> {
    if phase.scope == Scope::Workspace {
        return vec![None; workspace.members.len()];
    }
    let patterns: Vec<_> = phase.workspaces.iter().filter_map(|glob| Glob::new(glob).ok()).collect();
    let patterns: Vec<_> = patterns.iter().map(Glob::compile_matcher).collect();
    let members = workspace.members.iter().map(|member| {
        let wanted = phase.overrides.contains_key(&member.name)
            || patterns.is_empty()
            || patterns.iter().any(|pattern| pattern.is_match(&*member.name));
        let definition = phase.definition_for(&member.name).filter(|_| wanted)?;
        let fits = member.package.is_some() || !definition.is_about_packages();
        fits.then_some(definition)
    });
    members.collect()
}

/// Everything that has to be in the plan: what was asked for, `before_all` and `after_all`, and, from there on, needs
/// and hooks.
pub fn wanted(lookup: &Lookup<'_>) -> Vec<Item> {
    let hooks = &lookup.project.hooks;
    let all = hooks.before_all.iter().chain(&hooks.after_all).map(|(phase, _)| *phase);
    let mut queue: Vec<Item> =
        lookup.request.phases.iter().copied().chain(all).flat_map(|phase| lookup.given(phase)).collect();
    let mut seen = vec![false; lookup.project.phases.len() * (lookup.workspace.members.len() + 1)];
    let mut found = Vec::new();
    while let Some(item) = queue.pop() {
        let place = &mut seen[place(lookup, item)];
        if std::mem::replace(place, true) {
            continue;
        }
        found.push(item);
        let (phase, who) = item;
        queue.extend(lookup.needs(item).into_iter().map(|(item, _)| item));
        queue.extend(hooks.before(phase).chain(hooks.after(phase)).flat_map(|(hook, _)| lookup.seen_from(hook, who)));
    }
    found
}

/// The place of an item in a table of all items.
pub fn place(lookup: &Lookup<'_>, (phase, who): Item) -> usize {
    let members = lookup.workspace.members.len();
    let place = match who {
        Who::Member(member) => member.index(),
        Who::Workspace => members,
    };
    phase.index() * (members + 1) + place
}
