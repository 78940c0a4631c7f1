//! The run of a plan on the calling thread: it hands steps to the pool, and decides by what the workers tell which are next, what
//! is told of it, and how each ended. It starts no process.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::tell::Newest;
use super::{Heed, Message, Passed, Run, Signal, Start, Work};
use crate::model::{Diagnostic, Done, EventKind, Interrupt, Outcome, Part, Plan, StepId, Summary, millis};
use crate::schedule::{Action, Note, PartTerms, Schedule, Terms};

/// So few steps are looked at in less time than it takes to wake a thread.
const FEW: usize = 4;
/// How long children have to end by themselves after a signal before they are killed.
const GRACE: Duration = Duration::from_secs(3);

/// How often a display shows the time.
const TICK: Duration = Duration::from_millis(100);

/// Runs the plan to its end on the pool, or those steps of it that the terms name.
pub fn run(
    plan: &Plan,
    (terms, heed): (Terms, Heed),
    (pool, work): (&rayon::ThreadPool, &dyn Work),
    (sender, receiver): (&SyncSender<Message>, &Receiver<Message>),
    events: &mut dyn FnMut(EventKind),
) -> Run {
    let only = terms.only.clone().unwrap_or(0..plan.steps.len());
    let mut coordinator = Coordinator {
        heed,
        is_told: false,
        schedule: Schedule::new(plan, terms),
        parts: BTreeMap::new(),
        outcomes: vec![Outcome::Cancelled; plan.steps.len()],
        durations: vec![Duration::ZERO; plan.steps.len()],
        peaks: vec![None; plan.steps.len()],
        events,
        work,
        signal: None,
        kill_at: None,
        tick_at: Instant::now() + TICK,
        running: BTreeMap::new(),
        newest: Arc::default(),
        said: BTreeSet::new(),
        asked: Vec::new(),
    };
    pool.in_place_scope(|scope| {
        let mut actions = coordinator.schedule.begin();
        loop {
            for start in coordinator.act(actions) {
                let teller = start.teller(sender, &coordinator.newest);
                let run = tracing::Span::current();
                scope.spawn(move |_| run.in_scope(|| start.run(work, &teller)));
            }
            if let Some(asked) = coordinator.asked.pop() {
                actions = coordinator.pass(asked, pool);
                continue;
            }
            if coordinator.schedule.is_over() {
                break;
            }
            actions = coordinator.wait(receiver);
        }
    });
    let Coordinator { outcomes, durations, peaks, signal, .. } = coordinator;
    Run { summary: summary(&outcomes[only]), outcomes, durations, peaks, signal }
}

struct Coordinator<'a> {
    schedule: Schedule<'a>,
    /// The names of the parts of steps that are in parts.
    parts: BTreeMap<StepId, Arc<[Arc<str>]>>,
    outcomes: Vec<Outcome>,
    durations: Vec<Duration>,
    peaks: Vec<Option<u64>>,
    events: &'a mut dyn FnMut(EventKind),
    work: &'a dyn Work,
    heed: Heed,
    /// Whether what runs was told to end.
    is_told: bool,
    signal: Option<Interrupt>,
    kill_at: Option<Instant>,
    tick_at: Instant,
    /// Since when steps run.
    running: BTreeMap<StepId, Instant>,
    newest: Arc<Newest>,
    /// What the compiler or cargo said of the steps.
    said: BTreeSet<(StepId, Diagnostic)>,
    /// The steps of which the schedule asks whether they need to run.
    asked: Vec<Vec<StepId>>,
}

impl Coordinator<'_> {
    /// Takes note of what ended and answers what is to start.
    fn act(&mut self, actions: Vec<Action>) -> Vec<Start> {
        for note in self.schedule.notes() {
            let event = match note {
                Note::Ready(step) => EventKind::Ready { step },
                Note::Locked(step, place, lock) => {
                    EventKind::Waiting { step, part: place.and_then(|place| self.part(step, place)), lock }
                }
            };
            (self.events)(event);
        }
        let mut starts = Vec::new();
        for action in actions {
            match action {
                Action::Start(step) => {
                    if self.schedule.is_alone(step) {
                        (self.events)(EventKind::TerminalLeft);
                    }
                    (self.events)(EventKind::Granted { step, part: None });
                    starts.push(Start::Step(step));
                }
                Action::StartPart(step, place) => {
                    let part = self.part(step, place);
                    (self.events)(EventKind::Granted { step, part });
                    starts.push(Start::Part(step, place));
                }
                Action::Join(step) => {
                    (self.events)(EventKind::Granted { step, part: None });
                    starts.push(Start::Join(step));
                }
                Action::End(step, outcome) => self.note(step, Done::unrun(outcome)),
                Action::Ask(steps) => self.asked.push(steps),
            }
        }
        starts
    }

    /// Passes by those of the steps that need not run, and answers what follows.
    fn pass(&mut self, asked: Vec<StepId>, pool: &rayon::ThreadPool) -> Vec<Action> {
        let (work, run) = (self.work, tracing::Span::current());
        // Should it panic, it does so again on a worker, whose step has failed then.
        let pass = |step: &StepId| {
            run.in_scope(|| catch_unwind(AssertUnwindSafe(|| work.pass(*step))).ok().flatten().map(|it| (*step, it)))
        };
        let passed: Vec<Option<(StepId, Passed)>> = if asked.len() < FEW {
            asked.iter().map(pass).collect()
        } else {
            pool.install(|| asked.par_iter().map(pass).collect())
        };
        let mut over = Vec::new();
        for (step, Passed { done, parts }) in passed.into_iter().flatten() {
            (self.events)(EventKind::Granted { step, part: None });
            parts.into_iter().for_each(|part| (self.events)(EventKind::PartEnded { step, part }));
            over.push((step, done.outcome.clone()));
            self.note(step, done);
        }
        if self.tick_at <= Instant::now() {
            self.tick();
        }
        self.schedule.answered(over)
    }

    fn part(&self, step: StepId, place: usize) -> Option<Arc<str>> {
        self.parts.get(&step).and_then(|parts| parts.get(place)).cloned()
    }

    /// Waits for the next message and answers what follows from it.
    fn wait(&mut self, receiver: &Receiver<Message>) -> Vec<Action> {
        if self.kill_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.work.interrupt(Signal::Kill);
        }
        let until_tick = self.tick_at.saturating_duration_since(Instant::now());
        if until_tick.is_zero() {
            self.tick();
        }
        match receiver.recv_timeout(until_tick) {
            Ok(message) => self.take(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Vec::new(),
        }
    }

    fn tick(&mut self) {
        self.tell_newest();
        let gone = |step| self.running.get(&step).map_or(0, |since| millis(since.elapsed()));
        let left = self.schedule.left(gone).map(Duration::from_millis);
        (self.events)(EventKind::Ticked { left });
        self.tick_at = Instant::now() + TICK;
    }

    fn tell_newest(&mut self) {
        for (step, bytes) in self.newest.take() {
            (self.events)(EventKind::Printed { step, bytes, live: false });
        }
    }

    fn take(&mut self, message: Message) -> Vec<Action> {
        match message {
            Message::Started(step, reason) => {
                self.running.insert(step, Instant::now());
                (self.events)(EventKind::Started { step, reason });
            }
            Message::Printed(step, bytes, live) => (self.events)(EventKind::Printed { step, bytes, live }),
            Message::Diagnosed(step, diagnostic) => {
                // Another command of the step, or another attempt, may say it as well.
                if self.said.insert((step, diagnostic.clone())) {
                    (self.events)(EventKind::Diagnosed { step, diagnostic });
                }
            }
            Message::Warned(message) => (self.events)(EventKind::Warned(message)),
            Message::Ended(step, done) => return self.ended(step, done),
            Message::Retried(step, part, (attempt, of), how, output) => {
                self.tell_newest();
                (self.events)(EventKind::Retried { step, part, attempt, of, how, output });
            }
            Message::Split(step, parts) => return self.split(step, parts),
            Message::PartStarted(step, part) => (self.events)(EventKind::PartStarted { step, part }),
            Message::PartPassed(step, part) => (self.events)(EventKind::PartEnded { step, part }),
            Message::PartEnded(step, place, part) => return self.part_ended(step, place, part),
            Message::Signal(signal) => return self.signalled(signal),
            Message::StandStill => {
                (self.events)(EventKind::TerminalLeft);
                self.work.stand_still();
                (self.events)(EventKind::TerminalBack);
            }
        }
        Vec::new()
    }

    fn ended(&mut self, step: StepId, mut done: Done) -> Vec<Action> {
        // That it printed anything at all is to be known before its end.
        self.tell_newest();
        if self.is_told && matches!(done.outcome, Outcome::Failed(_)) {
            // It did not fail by itself: it was told to end.
            done.outcome = Outcome::Cancelled;
        }
        if self.schedule.is_alone(step) {
            (self.events)(EventKind::TerminalBack);
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
        (self.events)(EventKind::Ended { step, done });
    }

    fn split(&mut self, step: StepId, parts: Vec<(Arc<str>, PartTerms)>) -> Vec<Action> {
        let (names, terms): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let parts: Arc<[Arc<str>]> = names.into();
        self.parts.insert(step, Arc::clone(&parts));
        (self.events)(EventKind::Split { step, parts });
        self.schedule.split(step, terms)
    }

    fn part_ended(&mut self, step: StepId, place: usize, mut part: Part) -> Vec<Action> {
        // One that panicked does not know its name.
        part.name = self.part(step, place).unwrap_or(part.name);
        if self.is_told && matches!(part.outcome, Outcome::Failed(_)) {
            part.outcome = Outcome::Cancelled;
        }
        let failed = matches!(part.outcome, Outcome::Failed(_));
        (self.events)(EventKind::PartEnded { step, part });
        self.schedule.part_ended(step, place, failed)
    }

    /// After a signal nothing starts any more; the first is passed on, unless it is only to be noted, the second kills.
    fn signalled(&mut self, signal: Interrupt) -> Vec<Action> {
        if self.signal.is_some() || self.heed == Heed::Kills {
            self.kill_at = None;
            self.is_told = true;
            let actions = self.schedule.stop();
            self.work.interrupt(Signal::Kill);
            return actions;
        }
        self.signal = Some(signal);
        if self.heed == Heed::Noted {
            (self.events)(EventKind::Interrupted(signal));
            return Vec::new();
        }
        self.is_told = true;
        self.kill_at = Some(Instant::now() + GRACE);
        let actions = self.schedule.stop();
        self.work.interrupt(Signal::Pass(signal));
        (self.events)(EventKind::Interrupted(signal));
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
