//! How many tasks ran and waited at each moment.

use std::time::Duration;

use super::Timeline;

/// How many there were from a moment on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Load {
    pub(in super::super) at: Duration,
    /// Had a job.
    pub(in super::super) running: usize,
    /// Upon for a lock.
    pub(in super::super) locked: usize,
    /// Upon for a job.
    pub(in super::super) queued: usize,
}

impl Timeline {
    /// From the first change to the last, each moment once, and only where something changes.
    pub(in super::super) fn load(&self) -> Vec<Load> {
        let mut changes: Vec<(Duration, [isize; 3])> = Vec::with_capacity(self.bars.len() * 2);
        let mut span = |from: Duration, to: Duration, which: usize| {
            if from < to {
                for (at, by) in [(from, 1), (to, -1)] {
                    let mut change = [0; 3];
                    change[which] = by;
                    changes.push((at, change));
                }
            }
        };
        for bar in &self.bars {
            let locked = bar.locked.as_ref().map_or(bar.from, |(since, _)| *since);
            span(bar.from, bar.to, 0);
            span(locked, bar.from, 1);
            span(bar.ready, locked, 2);
        }
        for wait in &self.vain {
            span(wait.since, wait.to, 1);
            span(wait.ready, wait.since, 2);
        }
        changes.sort_unstable();
        let mut loads: Vec<Load> = Vec::new();
        let mut now = [0_isize; 3];
        for (place, (at, change)) in changes.iter().enumerate() {
            now.iter_mut().zip(change).for_each(|(count, by)| *count += by);
            if changes.get(place + 1).is_some_and(|(next, _)| next == at) {
                continue;
            }
            let [running, locked, queued] = now.map(isize::unsigned_abs);
            let load = Load { at: *at, running, locked, queued };
            if loads.last().map(|last| Load { at: *at, ..*last }) != Some(load) {
                loads.push(load);
            }
        }
        loads
    }
}
