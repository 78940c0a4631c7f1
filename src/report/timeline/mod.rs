//! A run as stretches of time: what had a job when, and what each start had waited for. It is made from events, and reports of
//! times are made from it.

mod load;
mod path;
mod shares;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::words::{exceeded, own, reason};
use crate::model::{Done, Event, EventKind, Outcome, Part, StepId, StepInfo, Summary};

pub(super) use shares::Share;

/// Collects a run from its events, for [`timings`](super::timings), [`trace`](super::trace) and
/// [`flamegraph`](super::flamegraph).
///
/// ```
/// use cargo_lifecycle::report::{self, Timeline};
/// use cargo_lifecycle::{Lifecycle, Options};
///
/// # let folder = tempfile::tempdir()?;
/// # let workspace = folder.path();
/// # std::fs::create_dir(workspace.join("src"))?;
/// # std::fs::write(workspace.join("src/lib.rs"), "")?;
/// # std::fs::write(workspace.join("Cargo.toml"), "[package]\nname = \"tiny\"\nedition = \"2024\"\n[workspace]\n")?;
/// let options = Options::new().current_dir(workspace).phases(["check"]);
/// # let options = options.target_dir(workspace.join("target"));
/// let mut timeline = Timeline::new();
/// Lifecycle::open(options)?.run(|event| timeline.take(&event))?;
/// assert!(report::flamegraph(&timeline).contains("phase check"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Timeline {
    pub(super) run: Arc<str>,
    pub(super) workspace: Arc<str>,
    pub(super) selected: Arc<str>,
    /// How many jobs there were.
    pub(super) jobs: usize,
    /// When the plan was ready.
    pub(super) begun: Duration,
    /// When all was over; as long as it is not, when something last happened.
    pub(super) end: Duration,
    /// The steps in the order of their ids; then parts, in the order in which they were first heard of.
    pub(super) tasks: Vec<Task>,
    /// In the order of their starts.
    pub(super) bars: Vec<Bar>,
    /// In the order in which they ended.
    pub(super) vain: Vec<Vain>,
    pub(super) summary: Summary,
    /// The budgets that were exceeded, in words, and whether the run fails for it.
    pub(super) exceeded: Vec<(String, bool)>,
    steps: Arc<[StepInfo]>,
    parts: BTreeMap<(StepId, Arc<str>), usize>,
    /// Who has which slot.
    slots: Vec<Option<usize>>,
    /// The bar that ended last.
    freed: Option<usize>,
}

/// A step, or a part of one.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) name: Arc<str>,
    pub(super) phase: Arc<str>,
    pub(super) step: StepId,
    pub(super) is_part: bool,
    pub(super) member: Option<Arc<str>>,
    /// How it ended; `None` if it is not told.
    pub(super) outcome: Option<Outcome>,
    /// Why it ran, if it did.
    pub(super) why: Option<String>,
    /// How long it took by its own account; zero if it did not run.
    pub(super) took: Duration,
    pub(super) attempts: u32,
    pub(super) ended: Duration,
    /// When it waited for nothing else but a job and a lock, and what had ended last by then.
    ready: Option<(Duration, Option<usize>)>,
    locked: Option<(Duration, Arc<str>)>,
    /// The bar of it that has not ended.
    open: Option<usize>,
}

/// A time in which a task had a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) task: usize,
    /// The first that was free.
    pub(super) slot: usize,
    /// Since when it waited for nothing else but a job and a lock.
    pub(super) ready: Duration,
    /// Since when it waited for its lock, if it did.
    pub(super) locked: Option<(Duration, Arc<str>)>,
    pub(super) from: Duration,
    /// When it ran, after it was judged; `None` if it did not run.
    pub(super) started: Option<Duration>,
    pub(super) to: Duration,
    /// Upon whose end it started; `None`: upon that of the preparations.
    pub(super) cause: Option<Cause>,
}

/// A wait for a lock that came to nothing: what waited was cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vain {
    pub(super) task: usize,
    /// Since when it waited for nothing else but a job and a lock.
    pub(super) ready: Duration,
    pub(super) since: Duration,
    pub(super) lock: Arc<str>,
    pub(super) to: Duration,
}

/// What a bar had waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    /// The bar whose end made it start.
    pub(super) bar: usize,
    pub(super) upon: Upon,
}

/// What kind of end it was that made a bar start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upon {
    /// That of the last step before it, or of the last part that it consists of.
    Step,
    /// It gave a lock back.
    Lock,
    /// It gave a job back.
    Job,
}

impl Timeline {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of the next event.
    pub fn take(&mut self, event: &Event) {
        let at = event.at;
        self.end = at;
        match &event.kind {
            EventKind::Begun { run, workspace, selected, steps, jobs } => {
                (self.run, self.workspace) = (Arc::clone(run), Arc::clone(workspace));
                (self.selected, self.steps) = (Arc::clone(selected), Arc::clone(steps));
                (self.jobs, self.begun) = (*jobs, at);
                self.tasks =
                    steps.iter().enumerate().map(|(place, info)| Task::step(StepId::new(place), info)).collect();
            }
            EventKind::Ready { step } => self.ready(step.index(), at),
            EventKind::Waiting { step, part, lock } => {
                let task = self.task(*step, part.as_ref());
                if let Some(task) = self.tasks.get_mut(task) {
                    task.locked.get_or_insert_with(|| (at, Arc::clone(lock)));
                }
            }
            EventKind::Granted { step, part } => {
                let task = self.task(*step, part.as_ref());
                self.open(task, at);
            }
            EventKind::Started { step, reason: why } => {
                self.started(*step, reason(why, &self.steps, self.own(*step)), at);
            }
            EventKind::Split { step, parts } => {
                self.close(step.index(), at);
                // If there are none, it is brought together at once.
                self.ready(step.index(), at);
                for part in parts.iter() {
                    let task = self.task(*step, Some(part));
                    self.ready(task, at);
                }
            }
            EventKind::Retried { step, part, attempt, .. } => {
                let task = self.task(*step, part.as_ref());
                if let Some(task) = self.tasks.get_mut(task) {
                    task.attempts = attempt + 1;
                }
            }
            EventKind::PartEnded { step, part } => self.part_ended(*step, part, at),
            EventKind::Ended { step, done } => self.ended(*step, done, at),
            EventKind::Exceeded { exceeded: budget, enforced } => {
                self.exceeded.push((exceeded(budget, &self.steps), *enforced));
            }
            EventKind::Finished(summary) => {
                self.summary = *summary;
                (0..self.tasks.len()).for_each(|task| self.close(task, at));
            }
            _ => {}
        }
    }

    /// When the first step had a job: until then the plan was made and files were looked at.
    pub(super) fn first(&self) -> Duration {
        self.bars.first().map_or(self.end, |bar| bar.from)
    }

    /// When the last step ended: after that results are written.
    pub(super) fn last(&self) -> Duration {
        self.bars.iter().map(|bar| bar.to).max().unwrap_or(self.end)
    }

    /// How many slots were used.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The place of a task, which is made if it is one of a part that was not heard of.
    fn task(&mut self, step: StepId, part: Option<&Arc<str>>) -> usize {
        let Some(part) = part else { return step.index() };
        let next = self.tasks.len();
        let place = *self.parts.entry((step, Arc::clone(part))).or_insert(next);
        if place == next {
            let phase = self.steps.get(step.index()).map(|info| Arc::clone(&info.phase)).unwrap_or_default();
            self.tasks.push(Task { is_part: true, ..Task::new(step, Arc::clone(part), phase) });
        }
        place
    }

    fn own(&self, step: StepId) -> Option<&str> {
        own(self.steps.get(step.index())?)
    }

    fn ready(&mut self, task: usize, at: Duration) {
        let freed = self.freed;
        if let Some(task) = self.tasks.get_mut(task) {
            task.ready = Some((at, freed));
        }
    }

    fn started(&mut self, step: StepId, why: String, at: Duration) {
        let Some(task) = self.tasks.get_mut(step.index()) else { return };
        task.why = Some(why);
        if let Some(bar) = task.open.and_then(|bar| self.bars.get_mut(bar)) {
            bar.started = Some(at);
        }
    }

    fn open(&mut self, place: usize, at: Duration) {
        let (bar, freed) = (self.bars.len(), self.freed);
        let slot = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        let Some(task) = self.tasks.get_mut(place) else { return };
        let (ready, before) = task.ready.unwrap_or((at, freed));
        let locked = task.locked.take();
        let upon = match &locked {
            _ if before == freed => Upon::Step,
            Some(_) => Upon::Lock,
            None => Upon::Job,
        };
        task.open = Some(bar);
        // Parts, and what brings them together, run at once.
        let started = (task.is_part || task.why.is_some()).then_some(at);
        let cause = freed.map(|bar| Cause { bar, upon });
        self.bars.push(Bar { task: place, slot, ready, locked, from: at, started, to: at, cause });
        match self.slots.get_mut(slot) {
            Some(free) => *free = Some(bar),
            None => self.slots.push(Some(bar)),
        }
    }

    /// Ends what the task has open, or waits for.
    fn close(&mut self, place: usize, at: Duration) {
        let Some(task) = self.tasks.get_mut(place) else { return };
        if let Some((since, lock)) = task.locked.take() {
            let ready = task.ready.map_or(since, |(ready, _)| ready);
            self.vain.push(Vain { task: place, ready, since, lock, to: at });
        }
        let Some(open) = task.open.take() else { return };
        let Some(bar) = self.bars.get_mut(open) else { return };
        bar.to = at;
        self.freed = Some(open);
        if let Some(slot) = self.slots.get_mut(bar.slot) {
            *slot = None;
        }
    }

    fn part_ended(&mut self, step: StepId, part: &Part, at: Duration) {
        let place = self.task(step, Some(&part.name));
        self.close(place, at);
        let why = part.reason.as_ref().map(|why| reason(why, &self.steps, Some(&part.member)));
        if let Some(task) = self.tasks.get_mut(place) {
            task.member = Some(Arc::clone(&part.member));
            let ran = !matches!(part.outcome, Outcome::Cached { .. });
            task.attempts = task.attempts.max(u32::from(ran));
            (task.outcome, task.why, task.ended) = (Some(part.outcome.clone()), why, at);
            task.took = if ran { part.duration } else { Duration::ZERO };
        }
        // Its step may be brought together now.
        self.ready(step.index(), at);
    }

    fn ended(&mut self, step: StepId, done: &Done, at: Duration) {
        self.close(step.index(), at);
        if let Some(task) = self.tasks.get_mut(step.index()) {
            (task.outcome, task.took, task.ended) = (Some(done.outcome.clone()), done.duration, at);
            task.attempts = done.attempts;
        }
        // Parts that did not come to run are not told of.
        let parts = self.parts.range((step, Arc::default())..).take_while(|((of, _), _)| *of == step);
        for part in parts.map(|(_, place)| *place).collect::<Vec<_>>() {
            self.close(part, at);
            if let Some(task) = self.tasks.get_mut(part).filter(|task| task.outcome.is_none()) {
                task.ended = at;
            }
        }
    }
}

impl Task {
    fn new(step: StepId, name: Arc<str>, phase: Arc<str>) -> Self {
        Self {
            name,
            phase,
            step,
            is_part: false,
            member: None,
            outcome: None,
            why: None,
            took: Duration::ZERO,
            attempts: 0,
            ended: Duration::ZERO,
            ready: None,
            locked: None,
            open: None,
        }
    }

    fn step(id: StepId, info: &StepInfo) -> Self {
        let member = own(info).map(Arc::from);
        Self { member, ..Self::new(id, Arc::clone(&info.name), Arc::clone(&info.phase)) }
    }
}

impl Bar {
    /// How long it waited for its lock.
    pub(super) fn waited_for_lock(&self) -> Duration {
        self.locked.as_ref().map_or(Duration::ZERO, |(since, _)| self.from.saturating_sub(*since))
    }

    /// How long it waited for a job.
    pub(super) fn waited_for_job(&self) -> Duration {
        let until = self.locked.as_ref().map_or(self.from, |(since, _)| *since);
        until.saturating_sub(self.ready)
    }
}
