//! Turns wanted items into steps: one for each member, or one for a group of members for which a `{selected}` command
//! comes out the same. Pure.

use std::sync::Arc;

use super::wanted::{Item, Lookup, Who, place};
use crate::model::{Definition, Engine, MemberId, Placeholder, Step, Subject};

/// The steps of a plan, and which items each stands for.
pub struct Steps {
    pub steps: Vec<Step>,
    /// For each item's place, the step that it is part of.
    step_of: Vec<u32>,
}

const NO_STEP: u32 = u32::MAX;

impl Steps {
    /// Makes steps of the items. `grouped = false` leaves every member on its own, to find out whether a cycle is there
    /// only because of groups.
    pub fn new(lookup: &Lookup<'_>, items: &[Item], rank: &[u32], grouped: bool) -> Self {
        let mut items = items.to_vec();
        items.sort_unstable_by_key(|(phase, who)| (rank[phase.index()], *who));
        let places = lookup.project.phases.len() * (lookup.workspace.members.len() + 1);
        let mut made = Self { steps: Vec::new(), step_of: vec![NO_STEP; places] };
        for items in items.chunk_by(|one, other| one.0 == other.0) {
            made.add_phase(lookup, items, grouped);
        }
        made
    }

    /// The step that the item is part of, if it is in the plan.
    pub fn of(&self, lookup: &Lookup<'_>, item: Item) -> Option<u32> {
        let step = self.step_of[place(lookup, item)];
        (step != NO_STEP).then_some(step)
    }

    fn add_phase(&mut self, lookup: &Lookup<'_>, items: &[Item], grouped: bool) {
        let mut groups: Vec<Group> = Vec::new();
        for &item in items {
            let Some(definition) = lookup.definition(item.0, item.1) else { continue };
            match item.1 {
                Who::Workspace => self.add(lookup, &[item], Subject::Workspace, definition),
                Who::Member(member) if grouped && definition.has(Placeholder::Selected) => {
                    match groups.iter_mut().find(|group| group.takes(definition)) {
                        Some(group) => group.take(member, definition),
                        None => groups.push(Group { members: vec![member], definition: Arc::clone(definition) }),
                    }
                }
                Who::Member(member) => self.add(lookup, &[item], Subject::Member(member), definition),
            }
        }
        for Group { members, definition } in groups {
            let phase = items[0].0;
            let items: Vec<Item> = members.iter().map(|member| (phase, Who::Member(*member))).collect();
            self.add(lookup, &items, Subject::Group(members.into()), &definition);
        }
    }

    fn add(&mut self, lookup: &Lookup<'_>, items: &[Item], subject: Subject, definition: &Arc<Definition>) {
        for item in items {
            self.step_of[place(lookup, *item)] = self.steps.len() as u32;
        }
        let phase = items[0].0;
        let takes_args = lookup.request.phases.last() == Some(&phase) && asked_for(lookup, &subject);
        self.steps.push(Step { phase, subject, definition: Arc::clone(definition), takes_args });
    }
}

/// ARGS are for the selected members: a member that is only needed by one does not get them.
fn asked_for(lookup: &Lookup<'_>, subject: &Subject) -> bool {
    match subject {
        Subject::Member(member) => lookup.request.selected.binary_search(member).is_ok(),
        Subject::Group(_) | Subject::Workspace => true,
    }
}

/// Members whose steps are one call.
struct Group {
    members: Vec<MemberId>,
    definition: Arc<Definition>,
}

impl Group {
    /// Whether the definition resolves to the same command and environment.
    fn takes(&self, other: &Arc<Definition>) -> bool {
        let own = &self.definition;
        Arc::ptr_eq(own, other)
            || (own.commands == other.commands
                && own.engine == other.engine
                && own.parallel == other.parallel
                // Of tests, these are for executables, not for their compilation.
                && (own.engine == Engine::CargoTest
                    || (own.lock == other.lock && own.timeout == other.timeout && own.retries == other.retries))
                && own.interactive == other.interactive
                && own.env == other.env)
    }

    /// Adds a member. A group is cached only if all its members are, and keyed by what any of them names.
    fn take(&mut self, member: MemberId, other: &Arc<Definition>) {
        self.members.push(member);
        if Arc::ptr_eq(&self.definition, other) {
            return;
        }
        let own = Arc::make_mut(&mut self.definition);
        own.cache &= other.cache;
        own.dependencies |= other.dependencies;
        // What a group makes is known only where it is of each member.
        own.outputs = own.outputs.take().filter(|_| other.outputs.is_some());
        own.env_inputs.extend(other.env_inputs.iter().cloned());
        own.env_inputs.sort_unstable();
        own.env_inputs.dedup();
    }
}
