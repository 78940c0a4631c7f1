//! What came of a run, by the names of its steps, and what of it is worth a word.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::Planned;
use crate::app::{Report, keep, past};
use crate::execute::Run;
use crate::fingerprint::sha256;
use crate::home::Home;
use crate::model::{Closing, EventKind, Exceeded, Outcome, StepId, Usual, durations_of};
use crate::plan::Expansion;

impl Planned<'_> {
    /// What came of the run but for what comes after it.
    pub(super) fn report(&self, run: &Run, home: &Home) -> Report {
        let steps = 0..self.plan.closing(Closing::Finally).end.max(self.plan.main().end);
        let budgets = &self.lifecycle.project.budgets;
        let ran = self.plan.ids().filter(|id| !run.durations[id.index()].is_zero());
        let of_step = |id: StepId| {
            budgets.exceeded_by((id, self.plan.step(id).phase), run.durations[id.index()], run.peaks[id.index()])
        };
        let in_all = budgets.exceeded_in_all(self.lifecycle.clock.now());
        let mut exceeded: Vec<Exceeded> = ran.flat_map(of_step).chain(in_all).collect();
        Exceeded::sort_worst_first(&mut exceeded);
        Report {
            steps: self.named(steps, run),
            summary: run.summary,
            interrupted: run.signal,
            exceeded,
            enforced: budgets.enforce,
            aftermath: Vec::new(),
            cleaned: keep::is_cleaned((&self.plan, run), home),
        }
    }

    /// The steps that took much longer than they usually do. History is read only if something ran for long enough to be one
    /// of them.
    pub(super) fn slower(
        &self,
        run: &Run,
        (home, call): (&Home, &dyn Fn(StepId) -> String),
        events: &mut dyn FnMut(EventKind),
    ) -> Vec<(StepId, Duration, Usual)> {
        let took = |id: StepId| run.durations[id.index()];
        let ran = self.plan.ids().filter(|id| run.outcomes[id.index()] == Outcome::Succeeded);
        let ran: Vec<StepId> = ran.filter(|id| took(*id) > Usual::LEAST).collect();
        if ran.is_empty() {
            return Vec::new();
        }
        let (runs, warning) = past::runs(home, self.lifecycle.project.remembered);
        warning.into_iter().for_each(|text| events(EventKind::Warned(text)));
        let durations = durations_of(&runs);
        let usual = |id: StepId| Usual::of(durations.get(&(&*self.steps[id.index()].name, Some(&*call(id))))?);
        let slower = |id| Some((id, took(id), usual(id).filter(|usual| usual.is_exceeded_by(took(id)))?));
        ran.into_iter().filter_map(slower).collect()
    }

    /// What a step calls, its members and options included, by a digest: enough of one to tell the calls of one step apart.
    pub(super) fn call(&self, id: StepId, expansion: &Expansion<'_>) -> String {
        let step = self.plan.step(id);
        let mut digest = sha256(format!("{:?}", expansion.expand(step).commands).as_bytes()).to_string();
        digest.truncate(8);
        digest
    }

    /// How these steps ended, by their names.
    pub(super) fn named(&self, steps: Range<usize>, run: &Run) -> Vec<(Arc<str>, Outcome)> {
        let names = self.steps[steps.clone()].iter().map(|step| Arc::clone(&step.name));
        names.zip(run.outcomes[steps].iter().cloned()).collect()
    }
}
