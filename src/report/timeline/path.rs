//! The critical path: from the last end backwards through what each start had waited for.

use super::Timeline;

impl Timeline {
    /// The bars of the path, the first one first. What made one start stands right before it, so that between two of them
    /// there is next to no time: to make the run shorter, one of them has to become shorter, or must not wait for the other.
    pub(in super::super) fn path(&self) -> Vec<usize> {
        let last = self.bars.iter().enumerate().max_by_key(|(place, bar)| (bar.to, *place)).map(|(place, _)| place);
        let before = |bar: &usize| self.bars.get(*bar)?.cause.map(|cause| cause.bar);
        let mut path: Vec<usize> = std::iter::successors(last, before).collect();
        path.reverse();
        path
    }

    /// For each bar, whether it is on the path.
    pub(in super::super) fn on_path(&self) -> Vec<bool> {
        let mut on_path = vec![false; self.bars.len()];
        for bar in self.path() {
            on_path[bar] = true;
        }
        on_path
    }
}
