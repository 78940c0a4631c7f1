//! What a run decides: by what the workers tell it, which steps are next, what is told of it, and how each ended. It starts no
//! process and waits for nobody.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::tell::Newest;
use super::{Events, Heed, Message, Passed, Run, Signal, Start, Work};
use crate::model::{Diagnostic, Done, EventKind, Interrupt, Outcome, Part, Plan, StepId, Summary, millis};
use crate::schedule::{Action, Note, PartTerms, Schedule, Terms};

/// How long children have to end by themselves after a signal before they are killed.
pub const GRACE: Duration = Duration::from_secs(3);

/// How often a display shows the time.
const TICK: Duration = Duration::from_millis(100);

/// Decides for all workers; one at a time has it.
pub struct Coordinator<'a> {
    schedule: Schedule<'a>,
    only: Range<usize>,
    /// The names of the parts of steps that are in parts.
    parts: BTreeMap<StepId, Arc<[Arc<str>]>>,
    outcomes: Vec<Outcome>,
    durations: Vec<Duration>,
    peaks: Vec<Option<u64>>,
    events: Events<'a>,
    /// What is told later, while the next steps are looked at; `None`: all is told at once.
    late: Option<Vec<EventKind>>,
    /// That somebody who is told panicked: nobody is told anything any more.
    panic: Option<Box<dyn Any + Send>>,
    work: &'a dyn Work,
    heed: Heed,
    /// Whether what runs was told to end.
    is_told: &'a AtomicBool,
    signal: Option<Interrupt>,
    kill_at: Option<Instant>,
    tick_at: Instant,
    /// Since when steps run.
    running: BTreeMap<StepId, Instant>,
    newest: &'a Newest,
    /// What the compiler or cargo said of the steps.
    said: BTreeSet<(StepId, Diagnostic)>,
    /// The steps of which the schedule asks whether they need to run.
    asked: Option<Vec<StepId>>,
}

impl<'a> Coordinator<'a> {
    /// For a run in which nothing has started, of those steps of the plan that the terms name.
    pub fn new(
        plan: &'a Plan,
        (terms, heed): (Terms, Heed),
        (work, newest, is_told): (&'a dyn Work, &'a Newest, &'a AtomicBool),
        events: Events<'a>,
    ) -> Self {
        Self {
            heed,
            is_told,
            only: terms.only.clone().unwrap_or(0..plan.steps.len()),
            schedule: Schedule::new(plan, terms),
            parts: BTreeMap::new(),
            outcomes: vec![Outcome::Cancelled; plan.steps.len()],
            durations: vec![Duration::ZERO; plan.steps.len()],
            peaks: vec![None; plan.steps.len()],
            events,
            late: None,
            panic: None,
            work,
            signal: None,
            kill_at: None,
            tick_at: Instant::now() + TICK,
            running: BTreeMap::new(),
            newest,
            said: BTreeSet::new(),
            asked: None,
        }
    }

    /// What is to start first.
    pub fn begin(&mut self) -> Vec<Start> {
        let actions = self.schedule.begin();
        self.act(actions)
    }

    /// How it went.
    pub fn into_run(self) -> Run {
        if let Some(panic) = self.panic {
            std::panic::resume_unwind(panic);
        }
        let summary = summary(&self.outcomes[self.only]);
        Run { summary, outcomes: self.outcomes, durations: self.durations, peaks: self.peaks, signal: self.signal }
    }

    /// Whether every step has ended.
    pub fn is_over(&self) -> bool {
        self.schedule.is_over()
    }

    /// The steps of which the schedule asks whether they need to run. While it does, none runs.
    pub fn asked(&mut self) -> Option<Vec<StepId>> {
        self.asked.take()
    }

    /// Those that were asked about and need not run are over, which is told [later](Self::tell_late); what is to start now.
    pub fn passed(&mut self, passed: Vec<(StepId, Passed)>) -> Vec<Start> {
        self.late.get_or_insert_default();
        let mut over = Vec::new();
        for (step, Passed { done, parts }) in passed {
            // A signal may have come meanwhile.
            if !self.schedule.is_ready(step) {
                continue;
            }
            self.tell(EventKind::Granted { step, part: None });
            parts.into_iter().for_each(|part| self.tell(EventKind::PartEnded { step, part }));
            over.push((step, done.outcome.clone()));
            self.note(step, done);
        }
        if self.tick_at <= Instant::now() {
            self.tick();
        }
        let actions = self.schedule.answered(over);
        self.act(actions)
    }

    /// Does what has come due, and answers when the next will be.
    pub fn look_at_clock(&mut self) -> Duration {
        if self.kill_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.work.interrupt(Signal::Kill);
        }
        if self.tick_at <= Instant::now() {
            self.tick();
        }
        self.tick_at.saturating_duration_since(Instant::now())
    }

    /// Stands still, with all that runs.
    pub fn stand_still(&mut self) {
        self.tell(EventKind::TerminalLeft);
        self.work.stand_still();
        self.tell(EventKind::TerminalBack);
    }

    /// Tells what was left for later.
    pub fn tell_late(&mut self) {
        self.late.take().into_iter().flatten().for_each(|event| self.tell(event));
    }

    fn tell(&mut self, event: EventKind) {
        if let Some(late) = &mut self.late {
            late.push(event);
        } else if self.panic.is_none() {
            self.panic = catch_unwind(AssertUnwindSafe(|| (self.events)(event))).err();
        }
    }

    /// Takes note of what ended and answers what is to start.
    fn act(&mut self, actions: Vec<Action>) -> Vec<Start> {
        for note in self.schedule.notes() {
            let event = match note {
                Note::Ready(step) => EventKind::Ready { step },
                Note::Locked(step, place, lock) => {
                    EventKind::Waiting { step, part: place.and_then(|place| self.part(step, place)), lock }
                }
            };
            self.tell(event);
        }
        let mut starts = Vec::new();
        for action in actions {
            match action {
                Action::Start(step) => {
                    if self.schedule.is_alone(step) {
                        self.tell(EventKind::TerminalLeft);
                    }
                    self.tell(EventKind::Granted { step, part: None });
                    starts.push(Start::Step(step));
                }
                Action::StartPart(step, place) => {
                    let part = self.part(step, place);
                    self.tell(EventKind::Granted { step, part });
                    starts.push(Start::Part(step, place));
                }
                Action::Join(step) => {
                    self.tell(EventKind::Granted { step, part: None });
                    starts.push(Start::Join(step));
                }
                Action::End(step, outcome) => self.note(step, Done::unrun(outcome)),
                Action::Ask(steps) => self.asked = Some(steps),
            }
        }
        starts
    }

    fn part(&self, step: StepId, place: usize) -> Option<Arc<str>> {
        self.parts.get(&step).and_then(|parts| parts.get(place)).cloned()
    }

    fn tick(&mut self) {
        self.tell_newest();
        let gone = |step| self.running.get(&step).map_or(0, |since| millis(since.elapsed()));
        let left = self.schedule.left(gone).map(Duration::from_millis);
        self.tell(EventKind::Ticked { left });
        self.tick_at = Instant::now() + TICK;
    }

    fn tell_newest(&mut self) {
        for (step, bytes) in self.newest.take() {
            self.tell(EventKind::Printed { step, bytes, live: false });
        }
    }

    /// Takes in what a worker tells, and answers what is to start now.
    pub fn take(&mut self, message: Message) -> Vec<Start> {
        let actions = self.learn(message);
        self.act(actions)
    }

    fn learn(&mut self, message: Message) -> Vec<Action> {
        match message {
            Message::Started(step, reason) => {
                self.running.insert(step, Instant::now());
                self.tell(EventKind::Started { step, reason });
            }
            Message::Printed(step, bytes, live) => self.tell(EventKind::Printed { step, bytes, live }),
            Message::Diagnosed(step, diagnostic) => {
                // Another command of the step, or another attempt, may say it as well.
                if self.said.insert((step, diagnostic.clone())) {
                    self.tell(EventKind::Diagnosed { step, diagnostic });
                }
            }
            Message::Warned(message) => self.tell(EventKind::Warned(message)),
            Message::Ended(step, done) => return self.ended(step, done),
            Message::Retried(step, part, (attempt, of), how, output) => {
                self.tell_newest();
                self.tell(EventKind::Retried { step, part, attempt, of, how, output });
            }
            Message::Split(step, parts) => return self.split(step, parts),
            Message::PartStarted(step, part) => self.tell(EventKind::PartStarted { step, part }),
            Message::PartPassed(step, part) => self.tell(EventKind::PartEnded { step, part }),
            Message::PartEnded(step, place, part) => return self.part_ended(step, place, part),
            Message::Interrupted => return self.signalled(Interrupt::Interrupt, false),
        }
        Vec::new()
    }

    fn ended(&mut self, step: StepId, mut done: Done) -> Vec<Action> {
        // That it printed anything at all is to be known before its end.
        self.tell_newest();
        if self.is_told.load(Ordering::Acquire) && matches!(done.outcome, Outcome::Failed(_)) {
            // It did not fail by itself: it was told to end.
            done.outcome = Outcome::Cancelled;
        }
        if self.schedule.is_alone(step) {
            self.tell(EventKind::TerminalBack);
        }
        self.running.remove(&step);
        let actions = self.schedule.ended(step, &done.outcome);
        self.note(step, done);
        actions
    }

    fn note(&mut self, step: StepId, done: Done) {
        self.outcomes[step.index()] = done.outcome.clone();
        self.durations[step.index()] = done.duration;
        self.peaks[step.index()] = done.peak;
        self.tell(EventKind::Ended { step, done });
    }

    fn split(&mut self, step: StepId, parts: Vec<(Arc<str>, PartTerms)>) -> Vec<Action> {
        let (names, terms): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let parts: Arc<[Arc<str>]> = names.into();
        self.parts.insert(step, Arc::clone(&parts));
        self.tell(EventKind::Split { step, parts });
        self.schedule.split(step, terms)
    }

    fn part_ended(&mut self, step: StepId, place: usize, mut part: Part) -> Vec<Action> {
        // One that panicked does not know its name.
        part.name = self.part(step, place).unwrap_or(part.name);
        if self.is_told.load(Ordering::Acquire) && matches!(part.outcome, Outcome::Failed(_)) {
            part.outcome = Outcome::Cancelled;
        }
        let failed = matches!(part.outcome, Outcome::Failed(_));
        self.tell(EventKind::PartEnded { step, part });
        self.schedule.part_ended(step, place, failed)
    }

    /// A signal came, which may have been passed on already; what is to start although it did.
    pub fn signal(&mut self, signal: Interrupt, is_passed: bool) -> Vec<Start> {
        let actions = self.signalled(signal, is_passed);
        self.act(actions)
    }

    /// After a signal nothing starts any more, unless it is only to be noted.
    fn signalled(&mut self, signal: Interrupt, is_passed: bool) -> Vec<Action> {
        let passes = self.heed.passes(signal, self.signal.is_none());
        let kills = passes == Some(Signal::Kill);
        let mut actions = Vec::new();
        if let Some(passes) = passes {
            self.is_told.store(true, Ordering::Release);
            self.kill_at = (!kills).then(|| Instant::now() + GRACE);
            actions = self.schedule.stop();
            // To kill twice does no harm.
            if kills || !is_passed {
                self.work.interrupt(passes);
            }
        }
        if !kills {
            self.signal = Some(signal);
            self.tell(EventKind::Interrupted(signal));
        }
        actions
    }
}

fn summary(outcomes: &[Outcome]) -> Summary {
    let mut summary = Summary::default();
    for outcome in outcomes {
        let count = match outcome {
            Outcome::Succeeded => &mut summary.succeeded,
            Outcome::Cached { saved, .. } => {
                summary.saved += *saved;
                &mut summary.cached
            }
            Outcome::Failed(_) => &mut summary.failed,
            Outcome::Skipped { .. } => &mut summary.skipped,
            Outcome::Cancelled => &mut summary.cancelled,
        };
        *count += 1;
    }
    summary
}
