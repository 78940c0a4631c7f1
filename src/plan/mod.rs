//! From what was asked for to the DAG of steps: data in, data out. It knows nothing that can fail at run time: no files,
//! no processes, no clock.

mod claims;
mod closing;
mod cycle;
mod edges;
mod expand;
mod names;
mod order;
mod selection;
mod steps;
mod wanted;

#[cfg(test)]
mod tests;

pub use claims::{Clash, clash};
pub use cycle::{Cycle, CycleEdge};
pub use expand::{Argv, CargoCall, CargoFlags, Expanded, Expansion};
pub use names::{is_name, names};
pub use selection::{Selection, SelectionError};

use crate::model::{Edge, EdgeKind, MemberId, Node, PhaseId, Plan, Project, Step, Workspace};
use steps::Steps;
use wanted::{Item, Lookup};

/// What a plan is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The phases named, in order, each once.
    pub phases: Vec<PhaseId>,
    /// The members selected, in order, each once.
    pub selected: Vec<MemberId>,
}

/// Plans the phases for the selected members.
///
/// # Errors
/// The cycle, if hooks and needs form one.
pub fn plan(workspace: &Workspace, project: &Project, request: &Request) -> Result<Plan, Box<Cycle>> {
    let lookup = Lookup::new(workspace, project, request);
    let items = wanted::wanted(&lookup);
    let rank = edges::ranks(project, &request.phases);
    let steps = Steps::new(&lookup, &items, &rank, true);
    let hard = edges::hard(&lookup, &steps, &items);
    let nodes = steps.steps.len() + hard.barriers;
    let pairs = || hard.edges.iter().map(|edge| (edge.from.0, edge.to.0));
    let order = order::sort(nodes, pairs()).map_err(|stuck| {
        let by_groups = only_by_groups(&lookup, &items, &rank);
        Box::new(cycle::find(&lookup, &steps.steps, &hard.edges, &stuck, by_groups))
    })?;
    let mut order = order::Order::new(&order, pairs());
    let (wished, dropped) = grant(&mut order, edges::wishes(&lookup, &steps, &items));
    let mut edges = hard.edges;
    edges.extend(wished);
    closing::add(number(steps.steps, edges, hard.barriers, dropped), workspace, project, &request.selected)
}

/// The steps of the named phases by themselves: no hooks, no needs, no edges.
#[must_use]
pub fn alone(workspace: &Workspace, project: &Project, request: &Request) -> Plan {
    let lookup = Lookup::new(workspace, project, request);
    let items: Vec<Item> = request.phases.iter().flat_map(|phase| lookup.given(*phase)).collect();
    let steps = Steps::new(&lookup, &items, &edges::ranks(project, &request.phases), true);
    Plan { steps: steps.steps, ..Plan::default() }
}

/// Whether the hard edges would form no cycle if no members were grouped.
fn only_by_groups(lookup: &Lookup<'_>, items: &[Item], rank: &[u32]) -> bool {
    let steps = Steps::new(lookup, items, rank, false);
    let hard = edges::hard(lookup, &steps, items);
    let pairs = hard.edges.iter().map(|edge| (edge.from.0, edge.to.0));
    order::sort(steps.steps.len() + hard.barriers, pairs).is_ok()
}

/// Adds the wishes that close no cycle, and says which of the command line's were left out. What is an edge already may
/// be wished for as well.
fn grant(order: &mut order::Order, wishes: Vec<edges::Wish>) -> (Vec<Edge>, Vec<(PhaseId, PhaseId)>) {
    let (mut granted, mut dropped) = (Vec::new(), Vec::new());
    for wish in wishes {
        if order.add(wish.from, wish.to) {
            granted.push(Edge { from: Node(wish.from), to: Node(wish.to), kind: EdgeKind::Order });
        } else if let Some(named) = wish.named.filter(|named| !dropped.contains(named)) {
            dropped.push(named);
        }
    }
    (granted, dropped)
}

/// Numbers the steps in the order in which they could run one after another.
fn number(steps: Vec<Step>, mut edges: Vec<Edge>, barriers: usize, dropped: Vec<(PhaseId, PhaseId)>) -> Plan {
    let nodes = steps.len() + barriers;
    let order = order::sort(nodes, edges.iter().map(|edge| (edge.from.0, edge.to.0))).unwrap_or_default();
    let mut number = vec![0_u32; nodes];
    let (real, between): (Vec<u32>, Vec<u32>) = order.into_iter().partition(|node| (*node as usize) < steps.len());
    for (place, node) in real.iter().chain(&between).enumerate() {
        number[*node as usize] = place as u32;
    }
    let mut placed: Vec<(u32, Step)> = number.iter().copied().zip(steps).collect();
    placed.sort_unstable_by_key(|(place, _)| *place);
    for edge in &mut edges {
        *edge = Edge { from: Node(number[edge.from.index()]), to: Node(number[edge.to.index()]), kind: edge.kind };
    }
    // Of a hard edge and a wish for the same, the hard one stays: wishes are the last of the kinds.
    edges.sort_unstable_by_key(|edge| (edge.to, edge.from, edge.kind));
    edges.dedup_by_key(|edge| (edge.to, edge.from));
    let steps = placed.into_iter().map(|(_, step)| step).collect();
    Plan { steps, edges, barriers, dropped, closing: Vec::new() }
}
