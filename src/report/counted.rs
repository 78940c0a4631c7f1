//! Steps that are counted by phase instead of named one by one, because there are many. It shows nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::words::{members, plural};
use crate::model::{StepId, StepInfo};

/// How many steps of a phase there were: the first in the plan, the number, and of how many members.
#[derive(Default)]
pub struct Counted(BTreeMap<Arc<str>, (StepId, usize, usize)>);

impl Counted {
    /// One more.
    pub fn add(&mut self, step: StepId, info: &StepInfo) {
        let (first, count, of) = self.0.entry(Arc::clone(&info.phase)).or_insert((step, 0, 0));
        (*first, *count, *of) = (step.min(*first), *count + 1, *of + info.members);
    }

    /// A line for each phase, in the plan's order: `build (48 members)`. From then on they are forgotten.
    pub fn take(&mut self) -> Vec<String> {
        let mut phases: Vec<_> = std::mem::take(&mut self.0).into_iter().collect();
        phases.sort_by_key(|(_, (first, ..))| *first);
        let line = |(phase, (_, steps, of)): (Arc<str>, (StepId, usize, usize))| {
            format!("{phase} ({})", if of == steps { members(of) } else { plural(steps, "step") })
        };
        phases.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_stand_in_the_order_of_the_plan() {
        let mut counted = Counted::default();
        for (step, phase, members) in [(7, "build", 1), (3, "up", 0), (5, "build", 1), (2, "zip", 4)] {
            let info = StepInfo { name: phase.into(), phase: phase.into(), members };
            counted.add(StepId::new(step), &info);
        }
        assert_eq!(counted.take(), ["zip (1 step)", "up (1 step)", "build (2 members)"]);
        assert_eq!(counted.take(), [""; 0]);
    }
}
