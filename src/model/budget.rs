//! How much time and memory steps and runs may take, and what took more. Nothing is measured here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::{PhaseId, StepId, StepInfo};

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
    /// Whether the step's phase has a budget of its own.
    pub is_of_phase: bool,
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
    /// The key of make.toml that names the budget, in `[performance]`: `max_phase_time`, or `phases.build`.
    #[must_use]
    pub fn key(&self, steps: &[StepInfo]) -> Cow<'static, str> {
        let info = self.step.and_then(|step| steps.get(step.index()));
        match (self.taken, info.filter(|_| self.is_of_phase)) {
            (Taken::Memory(_), _) => "max_memory_mb".into(),
            (Taken::Time(_), Some(info)) => format!("phases.{}", info.phase).into(),
            (Taken::Time(_), None) if self.step.is_some() => "max_phase_time".into(),
            (Taken::Time(_), None) => "max_pipeline_time".into(),
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
        let own = self.phases.get(&phase).copied();
        let exceeded = move |taken: Taken, budget: Taken, is_of_phase| {
            (taken > budget).then_some(Exceeded { step: Some(step), taken, budget, is_of_phase })
        };
        let of_time = own.or(self.step);
        let of_time = of_time.and_then(|budget| exceeded(Taken::Time(time), Taken::Time(budget), own.is_some()));
        let of_memory = peak.zip(self.memory);
        let of_memory =
            of_memory.and_then(|(peak, budget)| exceeded(Taken::Memory(peak), Taken::Memory(budget), false));
        of_time.into_iter().chain(of_memory)
    }

    /// Whether the run took more time than it was to take.
    #[must_use]
    pub fn exceeded_in_all(&self, time: Duration) -> Option<Exceeded> {
        let budget = self.run.filter(|budget| time > *budget)?;
        Some(Exceeded { step: None, taken: Taken::Time(time), budget: Taken::Time(budget), is_of_phase: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_worst_in_proportion_is_first_after_the_run() {
        let of = |step: Option<usize>, taken, budget| Exceeded {
            step: step.map(StepId::new),
            taken,
            budget,
            is_of_phase: false,
        };
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
        let steps = ["nap", "nap"].map(|phase| StepInfo { name: "nap a".into(), phase: phase.into(), members: 1 });
        let of = |phase, time, peak| {
            budgets.exceeded_by((StepId::new(1), PhaseId::new(phase)), time, peak).collect::<Vec<_>>()
        };
        assert_eq!(of(0, SECOND, Some(100)), []);
        assert_eq!(of(1, SECOND * 3, None), []);
        let both = of(0, SECOND * 2, Some(101));
        let [time, memory] = both[..] else { panic!("{both:?}") };
        assert_eq!(
            (time.taken, time.budget, &*time.key(&steps)),
            (Taken::Time(SECOND * 2), Taken::Time(SECOND), "max_phase_time")
        );
        assert_eq!((memory.taken, memory.budget), (Taken::Memory(101), Taken::Memory(100)));
        let own = of(1, SECOND * 4, None)[0];
        assert_eq!((own.budget, &*own.key(&steps)), (Taken::Time(SECOND * 3), "phases.nap"));
        assert_eq!(budgets.exceeded_in_all(SECOND * 2), None);
        let in_all = budgets.exceeded_in_all(SECOND * 3).unwrap();
        assert_eq!(in_all.key(&steps), "max_pipeline_time");
        assert_eq!(Budgets::default().exceeded_in_all(SECOND * 3), None);
    }
}
