//! How much time and memory steps and runs may take, and what took more. Nothing is measured here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{PhaseId, StepId};

/// `[performance]`: what a run is to stay within.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// `max_phase_time`: of a step.
    pub step: Option<Duration>,
    /// `[performance.phases]`: of a step of the phase, instead of `step`.
    pub phases: BTreeMap<PhaseId, Duration>,
    /// `max_pipeline_time`: of the whole run.
    pub run: Option<Duration>,
    /// `max_memory_mb`: of a step, in bytes.
    pub memory: Option<u64>,
    /// Whether a run that does not stay within them fails.
    pub enforce: bool,
}

/// A budget that was not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Of which step; `None`: of the run.
    pub step: Option<StepId>,
    /// What was taken.
    pub taken: Taken,
    /// How much there was to be at most, in the same unit.
    pub budget: Taken,
}

/// An amount of time, or of memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taken {
    /// From start to end.
    Time(Duration),
    /// The peak, in bytes.
    Memory(u64),
}

impl Exceeded {
    /// The key of make.toml that names the budget, in `[performance]`; of a phase, `phases`.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match (self.taken, self.step) {
            (Taken::Memory(_), _) => "max_memory_mb",
            (Taken::Time(_), Some(_)) => "max_phase_time",
            (Taken::Time(_), None) => "max_pipeline_time",
        }
    }
}

impl Exceeded {
    /// Puts what exceeded its budget the most, in proportion, first; before all of them the run.
    pub fn sort_worst_first(all: &mut [Self]) {
        all.sort_by(|a, b| a.step.is_some().cmp(&b.step.is_some()).then(b.ratio().total_cmp(&a.ratio())));
    }

    /// How many times the budget was taken.
    fn ratio(&self) -> f64 {
        let amount = |taken| match taken {
            Taken::Time(time) => time.as_secs_f64(),
            Taken::Memory(bytes) => bytes as f64,
        };
        amount(self.taken) / amount(self.budget)
    }
}

impl Budgets {
    /// What of a step that ran took more than it was to take: by its phase, its time, and its peak of memory in bytes, as far
    /// as that is known.
    pub fn exceeded_by(
        &self,
        (step, phase): (StepId, PhaseId),
        time: Duration,
        peak: Option<u64>,
    ) -> impl Iterator<Item = Exceeded> + use<> {
        let exceeded =
            move |taken: Taken, budget: Taken| (taken > budget).then_some(Exceeded { step: Some(step), taken, budget });
        let time_budget = self.phases.get(&phase).copied().or(self.step);
        let of_time = time_budget.and_then(|budget| exceeded(Taken::Time(time), Taken::Time(budget)));
        let of_memory = peak.zip(self.memory);
        let of_memory = of_memory.and_then(|(peak, budget)| exceeded(Taken::Memory(peak), Taken::Memory(budget)));
        of_time.into_iter().chain(of_memory)
    }

    /// Whether the run took more time than it was to take.
    #[must_use]
    pub fn exceeded_in_all(&self, time: Duration) -> Option<Exceeded> {
        let budget = self.run.filter(|budget| time > *budget)?;
        Some(Exceeded { step: None, taken: Taken::Time(time), budget: Taken::Time(budget) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_worst_in_proportion_is_first_after_the_run() {
        let of = |step: Option<usize>, taken, budget| Exceeded { step: step.map(StepId::new), taken, budget };
        let run = of(None, Taken::Time(SECOND * 3), Taken::Time(SECOND * 2));
        let twice = of(Some(0), Taken::Time(SECOND * 20), Taken::Time(SECOND * 10));
        let thrice = of(Some(1), Taken::Memory(30), Taken::Memory(10));
        let mut all = [twice, thrice, run];
        Exceeded::sort_worst_first(&mut all);
        assert_eq!(all, [run, thrice, twice]);
    }

    #[test]
    fn what_takes_more_than_it_may_is_told_with_both() {
        let mut budgets =
            Budgets { step: Some(SECOND), memory: Some(100), run: Some(SECOND * 2), ..Budgets::default() };
        budgets.phases.insert(PhaseId::new(1), SECOND * 3);
        let of = |phase, time, peak| {
            budgets.exceeded_by((StepId::new(7), PhaseId::new(phase)), time, peak).collect::<Vec<_>>()
        };
        assert_eq!(of(0, SECOND, Some(100)), []);
        assert_eq!(of(1, SECOND * 3, None), []);
        let both = of(0, SECOND * 2, Some(101));
        let [time, memory] = both[..] else { panic!("{both:?}") };
        assert_eq!(
            (time.taken, time.budget, time.key()),
            (Taken::Time(SECOND * 2), Taken::Time(SECOND), "max_phase_time")
        );
        assert_eq!((memory.taken, memory.budget), (Taken::Memory(101), Taken::Memory(100)));
        assert_eq!(of(1, SECOND * 4, None)[0].budget, Taken::Time(SECOND * 3));
        assert_eq!(budgets.exceeded_in_all(SECOND * 2), None);
        assert_eq!(budgets.exceeded_in_all(SECOND * 3).map(|exceeded| exceeded.key()), Some("max_pipeline_time"));
        assert_eq!(Budgets::default().exceeded_in_all(SECOND * 3), None);
    }
}
