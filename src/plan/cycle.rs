//! A cycle of hard edges, found and named. How it is printed is not known here.

use std::collections::{BTreeMap, VecDeque};

use super::wanted::Lookup;
use crate::model::{Edge, EdgeKind, Node, Placeholder, Step, Subject};

/// Hooks and needs that wait for one another in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Its edges in order; each ends where the next begins, the last where the first does.
    pub edges: Vec<CycleEdge>,
    /// The phases in it that are grouped, if the cycle exists only because members share one call.
    pub only_by_groups: Vec<String>,
}

/// One edge of a cycle: `to` waits for `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleEdge {
    /// The step waited for.
    pub from: String,
    /// The step that waits.
    pub to: String,
    /// Why, and where make.toml says so.
    pub kind: EdgeKind,
}

/// How many starting points are tried in the search for the shortest cycle.
const STARTS: usize = 200;

/// The shortest cycle among the `stuck` nodes, which must hold one.
pub fn find(lookup: &Lookup<'_>, steps: &[Step], edges: &[Edge], stuck: &[u32], only_by_groups: bool) -> Cycle {
    let mut out: BTreeMap<u32, Vec<&Edge>> = BTreeMap::new();
    for edge in edges {
        if stuck.binary_search(&edge.from.0).is_ok() && stuck.binary_search(&edge.to.0).is_ok() {
            out.entry(edge.from.0).or_default().push(edge);
        }
    }
    // Told from a phase that was asked for, if one is in it.
    let asked =
        |start: &u32| steps.get(*start as usize).is_some_and(|step| lookup.request.phases.contains(&step.phase));
    let (first, rest): (Vec<u32>, Vec<u32>) = stuck.iter().partition(|start| asked(start));
    let starts: Vec<u32> = first.into_iter().chain(rest).collect();
    let found = starts.iter().take(STARTS).filter_map(|start| back_to(*start, &out));
    let path = found.min_by_key(Vec::len).or_else(|| starts.iter().find_map(|start| back_to(*start, &out)));
    let path = path.unwrap_or_default();
    let mut grouped: Vec<String> = Vec::new();
    if only_by_groups {
        let in_path = path.iter().filter_map(|edge| steps.get(edge.from.index()));
        let phases = in_path.filter(|step| matches!(step.subject, Subject::Group(_)));
        let named = phases.filter(|step| step.definition.has(Placeholder::Selected));
        grouped = named.map(|step| lookup.project.phase(step.phase).name.to_string()).collect();
    }
    Cycle { edges: name(lookup, steps, &path), only_by_groups: grouped }
}

/// The shortest way from a node back to itself.
fn back_to<'a>(start: u32, out: &BTreeMap<u32, Vec<&'a Edge>>) -> Option<Vec<&'a Edge>> {
    let mut reached: BTreeMap<u32, &Edge> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for edge in out.get(&node).into_iter().flatten() {
            if edge.to.0 == start {
                let mut path = vec![*edge];
                while let Some(before) = path.last().and_then(|edge| reached.get(&edge.from.0)) {
                    path.push(before);
                }
                path.reverse();
                return Some(path);
            }
            if let std::collections::btree_map::Entry::Vacant(vacant) = reached.entry(edge.to.0) {
                vacant.insert(edge);
                queue.push_back(edge.to.0);
            }
        }
    }
    None
}

/// Names the steps; a barrier is left out, since it only stands between those that wait and those waited for.
fn name(lookup: &Lookup<'_>, steps: &[Step], path: &[&Edge]) -> Vec<CycleEdge> {
    let label = |node: Node| steps.get(node.index()).map(|step| label(lookup, step));
    let mut path = path.to_vec();
    if path.first().is_some_and(|edge| label(edge.from).is_none()) {
        path.rotate_left(1);
    }
    let mut named = Vec::new();
    let mut from = None;
    for edge in path {
        let start = label(edge.from).or(from.take());
        match (start, label(edge.to)) {
            (Some(from), Some(to)) => named.push(CycleEdge { from, to, kind: edge.kind }),
            (start, _) => from = start,
        }
    }
    named
}

fn label(lookup: &Lookup<'_>, step: &Step) -> String {
    let phase = &lookup.project.phase(step.phase).name;
    match &step.subject {
        Subject::Member(member) => format!("{phase} of {}", lookup.workspace.member(*member).name),
        Subject::Group(_) | Subject::Workspace => phase.to_string(),
    }
}
