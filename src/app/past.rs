//! Earlier runs as a thing to look at. It runs no step.

use std::collections::HashSet;
use std::time::Duration;

use super::housekeeping::home;
use super::{Error, Lifecycle};
use crate::home::Home;
use crate::model::{PastRun, PastStep};
use crate::state::{Ended, History, Run};

impl Lifecycle {
    /// The last runs in which something ran, oldest first; with `phases`, those in which a step of one of these ran, and only
    /// these steps. Where members are named, the steps of others do not count; those of several members do, unless they go by
    /// the name of one. How many runs are remembered make.toml says. And what there is to warn of, if anything cannot be
    /// understood.
    ///
    /// # Errors
    /// A phase that neither is nor was there.
    pub fn history(&self, phases: &[String]) -> Result<(Vec<PastRun>, Vec<String>), Error> {
        let home = home(self);
        let (history, warning) = History::load(&home, self.project.remembered);
        let unreadable = (history.unreadable > 0).then(|| {
            let place = home.own().display();
            format!("what cannot be understood of the history in {place} is left out (lines: {})", history.unreadable)
        });
        let warnings = warning.into_iter().chain(unreadable).collect();
        let mut runs: Vec<PastRun> = history.runs.into_iter().map(past).collect();
        let selection = &self.options.selection;
        let is_any_named = !(selection.packages.is_empty() && selection.exclude.is_empty());
        if phases.is_empty() && !is_any_named {
            return Ok((runs, warnings));
        }
        let others = self.workspace.ids().filter(|id| is_any_named && !self.selected.contains(id));
        let others: HashSet<&str> = others.map(|id| &*self.workspace.member(id).name).collect();
        // `PHASE MEMBER`, and of its parts `PHASE: MEMBER …`.
        let is_of_other = |name: &str| name.split(' ').nth(1).is_some_and(|member| others.contains(member));
        let is_of = |name: &str, phase: &str| {
            name.strip_prefix(phase).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':']))
        };
        for phase in phases {
            let was = runs.iter().flat_map(|run| &run.steps).any(|step| is_of(&step.name, phase));
            if self.project.named(phase).is_none() && !was {
                return Err(self.no_phase(phase));
            }
        }
        for run in &mut runs {
            let is_of_any = |name: &str| phases.is_empty() || phases.iter().any(|phase| is_of(name, phase));
            let is_wanted = |name: &str| is_of_any(name) && !is_of_other(name);
            run.steps.retain(|step| is_wanted(&step.name));
            run.fresh.retain(|name| is_wanted(name));
        }
        runs.retain(|run| !run.steps.is_empty() || !run.fresh.is_empty());
        Ok((runs, warnings))
    }
}

/// The last runs that are remembered, and a warning if that is none of ours. Of single ones that cannot be understood who asks
/// for all is told.
pub fn runs(home: &Home, keep: usize) -> (Vec<PastRun>, Option<String>) {
    let (history, warning) = History::load(home, keep);
    (history.runs.into_iter().map(past).collect(), warning)
}

fn past(run: Run) -> PastRun {
    let steps = run.steps.into_iter().map(|step| PastStep {
        name: step.id,
        succeeded: step.ended == Ended::Succeeded,
        cancelled: step.ended == Ended::Cancelled,
        duration: Duration::from_millis(step.duration_ms),
        peak: step.peak_memory,
        call: step.call,
    });
    PastRun {
        started_at: run.started_at,
        duration: Duration::from_millis(run.duration_ms),
        exit: run.exit,
        phases: run.phases,
        cached: run.cached,
        saved: Duration::from_millis(run.saved_ms),
        steps: steps.collect(),
        fresh: run.fresh,
    }
}
