//! The edges between steps: which must be (needs and hooks) and which are wished for (the order of the command line).
//! Pure.

use super::order::Adjacency;
use super::steps::Steps;
use super::wanted::{Item, Lookup, Who};
use crate::model::{Edge, EdgeKind, Node, PhaseId, Project, Subject};

/// The hard edges, and how many barriers they use.
pub struct Hard {
    pub edges: Vec<Edge>,
    pub barriers: usize,
}

/// All hard edges, each pair once, sorted.
pub fn hard(lookup: &Lookup<'_>, steps: &Steps, items: &[Item]) -> Hard {
    let mut edges = Vec::new();
    for &item in items {
        needs_and_hooks(lookup, steps, item, &mut edges);
    }
    let before_all = before_all(lookup, steps, &edges);
    let after_all = after_all(lookup, steps, &edges);
    let barriers = usize::from(!after_all.is_empty());
    edges.extend(before_all);
    edges.extend(after_all);
    edges.sort_unstable_by_key(|edge| (edge.to, edge.from, edge.kind));
    edges.dedup_by_key(|edge| (edge.to, edge.from));
    Hard { edges, barriers }
}

fn needs_and_hooks(lookup: &Lookup<'_>, steps: &Steps, item: Item, edges: &mut Vec<Edge>) {
    let hooks = &lookup.project.hooks;
    let (phase, who) = item;
    let mut link = |from: Item, to: Item, kind: EdgeKind| {
        let (Some(before), Some(after)) = (steps.of(lookup, from), steps.of(lookup, to)) else { return };
        // A member of a group that waits for another of the same group is served by the one call.
        if before != after || from == to {
            edges.push(Edge { from: Node(before), to: Node(after), kind });
        }
    };
    for (needed, span) in lookup.needs(item) {
        link(needed, item, EdgeKind::Needs(span));
    }
    for (hook, span) in hooks.before(phase) {
        lookup.seen_from(hook, who).into_iter().for_each(|hook| link(hook, item, EdgeKind::Before(span)));
    }
    for (hook, span) in hooks.after(phase) {
        lookup.seen_from(hook, who).into_iter().for_each(|hook| link(item, hook, EdgeKind::After(span)));
    }
}

/// `before_all`: its phases come before every step that they do not need themselves.
fn before_all(lookup: &Lookup<'_>, steps: &Steps, edges: &[Edge]) -> Vec<Edge> {
    let first = &lookup.project.hooks.before_all;
    if first.is_empty() {
        return Vec::new();
    }
    let given = |phase| lookup.given(phase).into_iter().filter_map(|item| steps.of(lookup, item));
    let mut exempt = reach(steps, edges, first.iter().flat_map(|(phase, _)| given(*phase)), Direction::Backward);
    for (phase, _) in &lookup.project.hooks.after_all {
        // "Not given to each other": what comes after everything comes after these too, by its own edges.
        given(*phase).for_each(|step| exempt[step as usize] = true);
    }
    let of_member = steps_of_members(lookup, steps);
    let mut found = Vec::new();
    for &(phase, span) in first {
        for from in given(phase) {
            let everyone;
            let later: &[u32] = match &steps.steps[from as usize].subject {
                Subject::Member(member) => &of_member[member.index()],
                Subject::Group(_) | Subject::Workspace => {
                    everyone = (0..steps.steps.len() as u32).collect::<Vec<_>>();
                    &everyone
                }
            };
            let later = later.iter().filter(|step| !exempt[**step as usize]);
            let kind = EdgeKind::BeforeAll(span);
            found.extend(later.map(|to| Edge { from: Node(from), to: Node(*to), kind }));
        }
    }
    found
}

/// `after_all`: its phases come after every step that does not wait for them, through one barrier.
fn after_all(lookup: &Lookup<'_>, steps: &Steps, edges: &[Edge]) -> Vec<Edge> {
    let last = &lookup.project.hooks.after_all;
    let given = |phase| lookup.given(phase).into_iter().filter_map(|item| steps.of(lookup, item));
    let Some(&(_, span)) = last.iter().find(|(phase, _)| given(*phase).next().is_some()) else { return Vec::new() };
    let exempt = reach(steps, edges, last.iter().flat_map(|(phase, _)| given(*phase)), Direction::Forward);
    let barrier = Node(steps.steps.len() as u32);
    let earlier = (0..steps.steps.len() as u32).filter(|step| !exempt[*step as usize]);
    let into = earlier.map(|step| Edge { from: Node(step), to: barrier, kind: EdgeKind::AfterAll(span) });
    let out = last.iter().flat_map(|&(phase, span)| {
        given(phase).map(move |step| Edge { from: barrier, to: Node(step), kind: EdgeKind::AfterAll(span) })
    });
    into.chain(out).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// Marks the steps and all that the edges lead to from them.
fn reach(steps: &Steps, edges: &[Edge], starts: impl Iterator<Item = u32>, direction: Direction) -> Vec<bool> {
    let mut adjacent = Adjacency::new(steps.steps.len());
    for edge in edges {
        match direction {
            Direction::Forward => adjacent.add(edge.from.0, edge.to.0),
            Direction::Backward => adjacent.add(edge.to.0, edge.from.0),
        }
    }
    let mut marked = vec![false; steps.steps.len()];
    let mut queue: Vec<u32> = starts.collect();
    while let Some(step) = queue.pop() {
        if !std::mem::replace(&mut marked[step as usize], true) {
            queue.extend(adjacent.of(step));
        }
    }
    marked
}

/// For each member, the steps that a `before_all` step of its own comes before: those it takes part in, and the
/// workspace's if it is selected.
fn steps_of_members(lookup: &Lookup<'_>, steps: &Steps) -> Vec<Vec<u32>> {
    let mut found = vec![Vec::new(); lookup.workspace.members.len()];
    for (number, step) in steps.steps.iter().enumerate() {
        let members = match &step.subject {
            Subject::Workspace => &lookup.request.selected,
            subject => subject.members(),
        };
        for member in members {
            found[member.index()].push(number as u32);
        }
    }
    found
}

/// A wish that one step come before another; `named` when it is between two phases of the command line.
pub struct Wish {
    pub from: u32,
    pub to: u32,
    pub named: Option<(PhaseId, PhaseId)>,
}

/// The wishes in the order in which they are to be tried: what follows a before-hook comes before its phase, then the
/// order of the command line.
pub fn wishes(lookup: &Lookup<'_>, steps: &Steps, items: &[Item]) -> Vec<Wish> {
    let mut found = Vec::new();
    let mut sorted = items.to_vec();
    sorted.sort_unstable();
    for &(phase, who) in &sorted {
        for (hook, _) in lookup.project.hooks.before(phase) {
            for follower in closure(hook, |phase| followers(lookup.project, phase)).into_iter().skip(1) {
                let from = lookup.seen_from(follower, who);
                link(lookup, steps, &from, &[(phase, who)], None, &mut found);
            }
        }
    }
    command_line(lookup, steps, &mut found);
    found
}

fn command_line(lookup: &Lookup<'_>, steps: &Steps, found: &mut Vec<Wish>) {
    let phases = &lookup.request.phases;
    for (place, &later) in phases.iter().enumerate() {
        for &earlier in &phases[..place] {
            let before = closure(earlier, |phase| followers(lookup.project, phase));
            let after = closure(later, |phase| leaders(lookup.project, phase));
            for &one in &before {
                for &other in &after {
                    let named = (one == earlier && other == later).then_some((earlier, later));
                    order_phases(lookup, steps, (one, other), named, found);
                }
            }
        }
    }
}

/// One phase before another: member by member, or all of them where one of the two is the workspace's.
fn order_phases(
    lookup: &Lookup<'_>,
    steps: &Steps,
    (one, other): (PhaseId, PhaseId),
    named: Option<(PhaseId, PhaseId)>,
    found: &mut Vec<Wish>,
) {
    let (from, to) = (lookup.given(one), lookup.given(other));
    let joins = |items: &[Item]| matches!(items, [(_, Who::Workspace)]);
    if joins(&from) || joins(&to) {
        return link(lookup, steps, &from, &to, named, found);
    }
    let mut to = to.into_iter().peekable();
    for item in from {
        while to.next_if(|other| other.1 < item.1).is_some() {}
        if let Some(other) = to.next_if(|other| other.1 == item.1) {
            link(lookup, steps, &[item], &[other], named, found);
        }
    }
}

fn link(
    lookup: &Lookup<'_>,
    steps: &Steps,
    from: &[Item],
    to: &[Item],
    named: Option<(PhaseId, PhaseId)>,
    found: &mut Vec<Wish>,
) {
    for from in from.iter().filter_map(|item| steps.of(lookup, *item)) {
        for to in to.iter().filter_map(|item| steps.of(lookup, *item)) {
            // The members of one group wish the same thing one after another.
            let again = found.last().is_some_and(|last| last.from == from && last.to == to);
            if from != to && !again {
                found.push(Wish { from, to, named });
            }
        }
    }
}

/// The phases that run after this one as its hooks.
fn followers(project: &Project, phase: PhaseId) -> Vec<PhaseId> {
    project.hooks.after(phase).map(|(hook, _)| hook).collect()
}

/// The phases of the same member that this one waits for.
fn leaders(project: &Project, phase: PhaseId) -> Vec<PhaseId> {
    let phases = &project.phases[phase.index()];
    let definitions = phases.definition.iter().chain(phases.overrides.values());
    let needs = definitions.flat_map(|definition| &definition.needs).filter(|need| !need.upstream);
    project.hooks.before(phase).map(|(hook, _)| hook).chain(needs.map(|need| need.phase)).collect()
}

/// The phase first, then all that `next` leads to from it, each once.
pub fn closure(phase: PhaseId, next: impl Fn(PhaseId) -> Vec<PhaseId>) -> Vec<PhaseId> {
    let mut found = vec![phase];
    let mut at = 0;
    while let Some(&phase) = found.get(at) {
        at += 1;
        for phase in next(phase) {
            if !found.contains(&phase) {
                found.push(phase);
            }
        }
    }
    found
}

/// The order in which people expect to read the phases: what leads to a phase, the phase, what follows it.
pub fn ranks(project: &Project, phases: &[PhaseId]) -> Vec<u32> {
    fn visit(project: &Project, phase: PhaseId, ranks: &mut Vec<u32>, order: &mut Vec<PhaseId>) {
        if std::mem::replace(&mut ranks[phase.index()], 0) == 0 {
            return;
        }
        leaders(project, phase).into_iter().for_each(|phase| visit(project, phase, ranks, order));
        order.push(phase);
        followers(project, phase).into_iter().for_each(|phase| visit(project, phase, ranks, order));
    }
    let mut ranks = vec![1; project.phases.len()];
    let mut order = Vec::new();
    let first = project.hooks.before_all.iter().map(|(phase, _)| *phase);
    let last = project.hooks.after_all.iter().map(|(phase, _)| *phase);
    let rest = (0..project.phases.len()).map(PhaseId::new);
    for phase in first.chain(phases.iter().copied()).chain(last).chain(rest) {
        visit(project, phase, &mut ranks, &mut order);
    }
    for (rank, phase) in order.into_iter().enumerate() {
        ranks[phase.index()] = rank as u32;
    }
    ranks
}
