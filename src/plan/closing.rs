//! The steps that close a run: the phases of `finally`, `on_success` and `on_error`, by themselves and never cached. Pure.

use std::sync::Arc;

use super::wanted::{Item, Lookup};
use super::{Cycle, Request, Steps, cycle, edges, number, order};
use crate::model::{Closing, Definition, Hooks, MemberId, Node, PhaseId, Plan, Project, Workspace};

/// Appends the closing steps to a plan.
///
/// The phases of a list bring along neither hooks nor needs, which would run once more what has run, or what has just
/// failed; `needs` between phases of one list order these.
///
/// # Errors
/// The cycle, if needs within a list form one.
pub fn add(mut plan: Plan, workspace: &Workspace, project: &Project, all: &[MemberId]) -> Result<Plan, Box<Cycle>> {
    if project.hooks.closing.values().all(Vec::is_empty) {
        return Ok(plan);
    }
    let project = bare(project);
    let request = Request { phases: Vec::new(), selected: all.to_vec() };
    let lookup = Lookup::new(workspace, &project, &request);
    for closing in Closing::ALL {
        let phases = project.hooks.closing.get(&closing).into_iter().flatten().map(|(phase, _)| *phase);
        append(&mut plan, closing, list(&lookup, &phases.collect::<Vec<_>>())?);
    }
    Ok(plan)
}

/// The steps of one list.
fn list(lookup: &Lookup<'_>, phases: &[PhaseId]) -> Result<Plan, Box<Cycle>> {
    let items: Vec<Item> = phases.iter().flat_map(|phase| lookup.given(*phase)).collect();
    let steps = Steps::new(lookup, &items, &edges::ranks(lookup.project, phases), true);
    let hard = edges::hard(lookup, &steps, &items);
    let pairs = hard.edges.iter().map(|edge| (edge.from.0, edge.to.0));
    match order::sort(steps.steps.len(), pairs) {
        Ok(_) => Ok(number(steps.steps, hard.edges, hard.barriers, Vec::new())),
        Err(stuck) => Err(Box::new(cycle::find(lookup, &steps.steps, &hard.edges, &stuck, false))),
    }
}

/// Puts the steps of a list behind all others, and the barriers behind them.
fn append(plan: &mut Plan, closing: Closing, list: Plan) {
    let (before, more) = (plan.steps.len(), list.steps.len());
    let shifted = |node: Node| if node.index() < before { node } else { Node(node.0 + more as u32) };
    for edge in &mut plan.edges {
        (edge.from, edge.to) = (shifted(edge.from), shifted(edge.to));
    }
    let behind = |node: Node| Node(node.0 + before as u32);
    plan.edges.extend(list.edges.into_iter().map(|mut edge| {
        (edge.from, edge.to) = (behind(edge.from), behind(edge.to));
        edge
    }));
    plan.steps.extend(list.steps);
    plan.closing.push((closing, before..before + more));
}

/// The project as closing steps see it: nothing is cached, and no phase brings others along.
fn bare(project: &Project) -> Project {
    let uncached = |definition: &Arc<Definition>| {
        Arc::new(Definition { cache: false, outputs: None, ..Definition::clone(definition) })
    };
    let mut bare = project.clone();
    bare.hooks = Hooks { closing: project.hooks.closing.clone(), ..Hooks::default() };
    for phase in &mut bare.phases {
        phase.definition = phase.definition.as_ref().map(uncached);
        phase.overrides.values_mut().for_each(|definition| *definition = uncached(definition));
    }
    bare
}
