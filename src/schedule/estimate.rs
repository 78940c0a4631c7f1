//! How long things will take, by the weights of the steps. It decides nothing.

use std::collections::BTreeMap;

use super::{Lock, Schedule, State, weight_of};
use crate::model::{Node, Plan, StepId};

impl Schedule<'_> {
    /// How long the rest will take, in the unit of the weights, if these are more than a guess: what is left of the longest
    /// way, of all the work by as many jobs as there are, or of the work that one lock is needed for, whichever is most. Of
    /// the steps that wait as many are taken for fresh as of those that are over. `gone`: how long a step runs already.
    pub fn left(&self, gone: impl Fn(StepId) -> u64) -> Option<u64> {
        if !self.terms.is_measured {
            return None;
        }
        let stale = |weight: u64| {
            let known = u128::from(self.ran) + u128::from(self.fresh);
            // Before anything is known, everything is to run.
            let part = (u128::from(weight) * u128::from(self.ran)).checked_div(known);
            part.map_or(weight, |part| u64::try_from(part).unwrap_or(u64::MAX))
        };
        let (mut way, mut work, mut locked) = (0, 0_u64, BTreeMap::<Lock, u64>::new());
        for step in self.plan.ids() {
            let (own, whole) = (weight_of(&self.terms, step), self.remaining[step.index()]);
            let (own, beyond) = match self.state[step.index()] {
                State::Over => continue,
                State::Waiting | State::Ready => (stale(own), stale(whole.saturating_sub(own))),
                State::Running | State::InParts | State::Joining => {
                    (own.saturating_sub(gone(step)), stale(whole.saturating_sub(own)))
                }
            };
            way = way.max(own.saturating_add(beyond));
            work = work.saturating_add(own);
            if let Some(lock) = self.lock(step) {
                let sum = locked.entry(lock).or_default();
                *sum = sum.saturating_add(own);
            }
        }
        let locked = locked.into_values().max().unwrap_or(0);
        Some(way.max(work / self.terms.jobs.max(1) as u64).max(locked))
    }
}

/// For each node the weight of the longest way from its start to the end of the plan, itself included.
pub(super) fn remaining(plan: &Plan, dependents: &[Vec<(Node, bool)>], weights: &[u64]) -> Vec<u64> {
    let nodes = plan.nodes();
    let mut leads_to = vec![0_u32; nodes];
    let mut leaders = vec![Vec::new(); nodes];
    for edge in &plan.edges {
        leads_to[edge.from.index()] += 1;
        leaders[edge.to.index()].push(edge.from);
    }
    let mut remaining = vec![0; nodes];
    let mut ends: Vec<Node> = (0..nodes as u32).map(Node).filter(|node| leads_to[node.index()] == 0).collect();
    while let Some(node) = ends.pop() {
        let beyond = dependents[node.index()].iter().map(|(next, _)| remaining[next.index()]).max();
        let own = if node.index() < plan.steps.len() { weights.get(node.index()).copied().unwrap_or(1) } else { 0 };
        remaining[node.index()] = own.max(1).saturating_add(beyond.unwrap_or(0));
        for leader in &leaders[node.index()] {
            leads_to[leader.index()] -= 1;
            if leads_to[leader.index()] == 0 {
                ends.push(*leader);
            }
        }
    }
    remaining
}
