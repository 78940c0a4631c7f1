//! A topological order that edges can be added to one by one, each refused if it would close a cycle. It knows only
//! numbers.
//!
//! Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic graphs" (2006): an edge that agrees with
//! the order costs nothing, which is nearly every edge here; one against it searches only between its two ends.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Adjacency lists in three arrays: no allocation for each node.
#[derive(Default)]
pub struct Adjacency {
    head: Vec<u32>,
    next: Vec<u32>,
    to: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Adjacency {
    pub fn new(nodes: usize) -> Self {
        Self { head: vec![NONE; nodes], ..Self::default() }
    }

    pub fn add(&mut self, from: u32, to: u32) {
        self.next.push(self.head[from as usize]);
        self.to.push(to);
        self.head[from as usize] = (self.to.len() - 1) as u32;
    }

    pub fn of(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.head[node as usize];
        std::iter::from_fn(move || {
            let here = at as usize;
            let to = *self.to.get(here)?;
            at = self.next[here];
            Some(to)
        })
    }
}

/// The nodes `0..nodes` in an order that respects the edges, smallest number first where there is a choice; `Err` with
/// the nodes that are on a cycle or behind one.
pub fn sort(nodes: usize, edges: impl Iterator<Item = (u32, u32)>) -> Result<Vec<u32>, Vec<u32>> {
    let mut dependents = Adjacency::new(nodes);
    let mut waiting = vec![0_u32; nodes];
    for (from, to) in edges {
        dependents.add(from, to);
        waiting[to as usize] += 1;
    }
    let mut ready: BinaryHeap<Reverse<u32>> =
        (0..nodes as u32).filter(|node| waiting[*node as usize] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for next in dependents.of(node) {
            waiting[next as usize] -= 1;
            if waiting[next as usize] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() == nodes {
        return Ok(order);
    }
    Err((0..nodes as u32).filter(|node| waiting[*node as usize] > 0).collect())
}

/// A directed acyclic graph and one topological order of it.
pub struct Order {
    position: Vec<u32>,
    forward: Adjacency,
    backward: Adjacency,
    seen: Vec<bool>,
}

impl Order {
    /// The graph of these edges in this order, which must be one of theirs.
    pub fn new(order: &[u32], edges: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut position = vec![0; order.len()];
        for (place, node) in order.iter().enumerate() {
            position[*node as usize] = place as u32;
        }
        let (mut forward, mut backward) = (Adjacency::new(order.len()), Adjacency::new(order.len()));
        for (from, to) in edges {
            forward.add(from, to);
            backward.add(to, from);
        }
        Self { position, forward, backward, seen: vec![false; order.len()] }
    }

    /// Adds the edge, unless it would close a cycle; says whether it did.
    pub fn add(&mut self, from: u32, to: u32) -> bool {
        if self.position[from as usize] >= self.position[to as usize] && !self.make_room(from, to) {
            return false;
        }
        self.forward.add(from, to);
        self.backward.add(to, from);
        true
    }

    /// Moves what follows `to` behind what leads to `from`; `false` if `from` itself follows `to`.
    fn make_room(&mut self, from: u32, to: u32) -> bool {
        let (last, first) = (self.position[from as usize], self.position[to as usize]);
        let mut after = self.reach(to, |position| position <= last, true);
        if after.contains(&from) {
            return false;
        }
        let mut before = self.reach(from, |position| position >= first, false);
        before.sort_unstable_by_key(|node| self.position[*node as usize]);
        after.sort_unstable_by_key(|node| self.position[*node as usize]);
        before.append(&mut after);
        let mut places: Vec<u32> = before.iter().map(|node| self.position[*node as usize]).collect();
        places.sort_unstable();
        for (node, place) in before.into_iter().zip(places) {
            self.position[node as usize] = place;
        }
        true
    }

    fn reach(&mut self, start: u32, within: impl Fn(u32) -> bool, forward: bool) -> Vec<u32> {
        let edges = if forward { &self.forward } else { &self.backward };
        let mut found = vec![start];
        let mut at = 0;
        self.seen[start as usize] = true;
        while let Some(&node) = found.get(at) {
            at += 1;
            for next in edges.of(node) {
                if !self.seen[next as usize] && within(self.position[next as usize]) {
                    self.seen[next as usize] = true;
                    found.push(next);
                }
            }
        }
        for node in &found {
            self.seen[*node as usize] = false;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_first_and_cycles_named() {
        assert_eq!(sort(4, [(3, 0), (0, 1)].into_iter()), Ok(vec![2, 3, 0, 1]));
        assert_eq!(sort(4, [(0, 1), (1, 2), (2, 1)].into_iter()), Err(vec![1, 2]));
    }

    #[test]
    fn edges_are_refused_exactly_when_they_close_a_cycle() {
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % below) as u32
        };
        for _ in 0..200 {
            let nodes = 9;
            let mut order = Order::new(&(0..nodes).collect::<Vec<_>>(), std::iter::empty());
            let mut edges: Vec<(u32, u32)> = Vec::new();
            for _ in 0..30 {
                let edge = (random(nodes.into()), random(nodes.into()));
                let mut tried = edges.clone();
                tried.push(edge);
                let fits = sort(nodes as usize, tried.iter().copied()).is_ok();
                assert_eq!(order.add(edge.0, edge.1), fits, "{edges:?} + {edge:?}");
                if fits {
                    edges = tried;
                }
            }
        }
    }
}
