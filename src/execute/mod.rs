//! Runs a plan: a coordinator on the calling thread owns the schedule, workers on a rayon pool do the steps. It knows
//! nothing of terminals.

mod attempts;
mod command;
mod judge;
mod lines;
mod upstream;
mod worker;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use crate::model::{
    Diagnostic, Done, EventKind, Interrupt, Outcome, Output, Part, Plan, Reason, StepId, Summary, Tests,
};
use crate::schedule::{Action, Note, PartTerms, Schedule, Terms};

pub use attempts::Tries;
pub use command::{Commands, FindRunner, FindRustdoc, Tests as TestSetting};
pub use judge::{Judge, Known, Terms as JudgeTerms};
pub use worker::{Ending, PartOf, Produced, Worker};

/// How long children have to end by themselves after a signal before they are killed.
const GRACE: Duration = Duration::from_secs(3);
/// How often a display may show the time when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// What a step does.
pub trait Work: Sync {
    /// Does the step: decides whether it has to run, and runs it, or says of which parts that consists.
    fn step(&self, step: StepId, tell: &Teller) -> Turn;
    /// Does a part of a step.
    fn part(&self, step: StepId, place: usize, tell: &Teller) -> Part;
    /// Brings together what came of the parts of a step; some of them may not have been done.
    fn join(&self, step: StepId, tell: &Teller) -> Done;
    /// Passes a signal on to all that runs; nothing new may start.
    fn interrupt(&self, signal: Signal);
    /// Stands still, with all that runs, until somebody makes us go on.
    fn stand_still(&self) {}
}

/// What comes of a step when it is started.
#[derive(Debug)]
pub enum Turn {
    /// It is done.
    Done(Done),
    /// It goes on in parts of these names.
    Parts(Vec<(Arc<str>, PartTerms)>),
}

/// What is passed on to the children of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The one that came.
    Pass(Interrupt),
    /// They have to end now.
    Kill,
}

/// What reaches the coordinator.
#[derive(Debug)]
pub enum Message {
    /// A step runs.
    Started(StepId, Reason),
    /// A step printed something.
    Printed(StepId, Vec<u8>, bool),
    /// The compiler or cargo said something of a step.
    Diagnosed(StepId, Diagnostic),
    /// A step ended.
    Ended(StepId, Done),
    /// A step goes on in parts.
    Split(StepId, Vec<(Arc<str>, PartTerms)>),
    /// An attempt of a step, or of a part, failed, and it is tried once more: which attempt, of how many, how, and what it
    /// printed.
    Retried(StepId, Option<Arc<str>>, (u32, u32), Arc<str>, Output),
    /// A part of a step runs.
    PartStarted(StepId, Arc<str>),
    /// A part of a step needs not be done.
    PartPassed(StepId, Part),
    /// A part of a step ended, the one of this place.
    PartEnded(StepId, usize, Part),
    /// Something that people should know.
    Warned(String),
    /// A signal came.
    Signal(Interrupt),
    /// One came that asks us to stand still.
    StandStill,
}

/// A worker's way to tell what happens in its step.
pub struct Teller {
    step: StepId,
    sender: SyncSender<Message>,
}

impl Teller {
    /// The step runs, for this reason.
    pub fn started(&self, reason: Reason) {
        self.send(Message::Started(self.step, reason));
    }

    /// An attempt of the step, or of a part, failed, and it is tried once more.
    pub fn retried(&self, part: Option<Arc<str>>, attempt: (u32, u32), how: Arc<str>, output: Output) {
        self.send(Message::Retried(self.step, part, attempt, how, output));
    }

    /// A part of the step runs.
    pub fn part_started(&self, part: Arc<str>) {
        self.send(Message::PartStarted(self.step, part));
    }

    /// A part of the step need not be done.
    pub fn part_passed(&self, part: Part) {
        self.send(Message::PartPassed(self.step, part));
    }

    /// The step printed something; `live`: people want to see it at once.
    pub fn printed(&self, bytes: Vec<u8>, live: bool) {
        self.send(Message::Printed(self.step, bytes, live));
    }

    /// The compiler or cargo said something of the step.
    pub fn diagnosed(&self, diagnostic: Diagnostic) {
        self.send(Message::Diagnosed(self.step, diagnostic));
    }

    /// Something that people should know.
    pub fn warned(&self, message: String) {
        self.send(Message::Warned(message));
    }

    fn send(&self, message: Message) {
        // The coordinator listens as long as a step runs.
        let _ = self.sender.send(message);
    }
}

/// How a run went.
#[derive(Debug)]
pub struct Run {
    /// How each step ended.
    pub outcomes: Vec<Outcome>,
    /// How long each step ran.
    pub durations: Vec<Duration>,
    /// The figures.
    pub summary: Summary,
    /// The signal that ended it, if one did.
    pub signal: Option<Interrupt>,
}

/// Where messages for a coordinator go and come from; signals are sent in from outside.
///
/// Bounded: a step that prints faster than a display shows is slowed down, not kept in memory.
pub fn channel() -> (SyncSender<Message>, Receiver<Message>) {
    mpsc::sync_channel(1024)
}

/// What the first signal does that reaches a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heed {
    /// It is passed on, and nothing starts any more; the second kills.
    #[default]
    Stops,
    /// It is noted: what cleans up is not to be left half done. The second kills.
    Noted,
    /// It kills: another one came before.
    Kills,
}

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
        events,
        work,
        signal: None,
        kill_at: None,
    };
    let begun = Instant::now();
    pool.in_place_scope(|scope| {
        let mut actions = coordinator.schedule.begin();
        loop {
            for start in coordinator.act(actions) {
                let sender = sender.clone();
                scope.spawn(move |_| start.run(work, sender));
            }
            if coordinator.schedule.is_over() {
                break;
            }
            actions = coordinator.wait(receiver);
        }
    });
    let Coordinator { outcomes, durations, signal, .. } = coordinator;
    Run { summary: summary(&outcomes[only], begun.elapsed()), outcomes, durations, signal }
}

impl Run {
    /// Adds what came of other steps of the same plan, which ran afterwards.
    pub fn add(&mut self, other: Self, steps: Range<usize>) {
        self.outcomes[steps.clone()].clone_from_slice(&other.outcomes[steps.clone()]);
        self.durations[steps.clone()].copy_from_slice(&other.durations[steps]);
        self.summary = self.summary.and(&other.summary);
        self.signal = self.signal.or(other.signal);
    }
}

/// What a worker is to do.
#[derive(Clone, Copy, Debug)]
enum Start {
    Step(StepId),
    Part(StepId, usize),
    Join(StepId),
}

impl Start {
    /// Does it and says so exactly once, even if it panics.
    fn run(self, work: &dyn Work, sender: SyncSender<Message>) {
        let (Self::Step(step) | Self::Part(step, _) | Self::Join(step)) = self;
        let teller = Teller { step, sender };
        let message = catch_unwind(AssertUnwindSafe(|| match self {
            Self::Step(step) => match work.step(step, &teller) {
                Turn::Done(done) => Message::Ended(step, done),
                Turn::Parts(parts) => Message::Split(step, parts),
            },
            Self::Part(step, place) => Message::PartEnded(step, place, work.part(step, place, &teller)),
            Self::Join(step) => Message::Ended(step, work.join(step, &teller)),
        }));
        teller.send(message.unwrap_or_else(|panic| self.panicked(panic_text(&*panic))));
    }

    fn panicked(self, text: &str) -> Message {
        let outcome = Outcome::Failed(format!("panicked: {text}").into());
        match self {
            Self::Step(step) | Self::Join(step) => Message::Ended(step, Done { attempts: 1, ..Done::unrun(outcome) }),
            Self::Part(step, place) => {
                let (duration, output) = (Duration::ZERO, Output::default());
                let name = format!("part {place}").into();
                let (member, reason, shown, tests) = ("".into(), None, false, Tests::default());
                Message::PartEnded(step, place, Part { name, member, outcome, reason, duration, output, shown, tests })
            }
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

struct Coordinator<'a> {
    schedule: Schedule<'a>,
    /// The names of the parts of steps that are in parts.
    parts: BTreeMap<StepId, Arc<[Arc<str>]>>,
    outcomes: Vec<Outcome>,
    durations: Vec<Duration>,
    events: &'a mut dyn FnMut(EventKind),
    work: &'a dyn Work,
    heed: Heed,
    /// Whether what runs was told to end.
    is_told: bool,
    signal: Option<Interrupt>,
    kill_at: Option<Instant>,
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
                    (self.events)(EventKind::Taken { step, part: None });
                    starts.push(Start::Step(step));
                }
                Action::StartPart(step, place) => {
                    let part = self.part(step, place);
                    (self.events)(EventKind::Taken { step, part });
                    starts.push(Start::Part(step, place));
                }
                Action::Join(step) => {
                    (self.events)(EventKind::Taken { step, part: None });
                    starts.push(Start::Join(step));
                }
                Action::End(step, outcome) => {
                    self.outcomes[step.index()] = outcome.clone();
                    (self.events)(EventKind::Ended { step, done: Done::unrun(outcome) });
                }
            }
        }
        starts
    }

    fn part(&self, step: StepId, place: usize) -> Option<Arc<str>> {
        self.parts.get(&step).and_then(|parts| parts.get(place)).cloned()
    }

    /// Waits for the next message and answers what follows from it.
    fn wait(&mut self, receiver: &Receiver<Message>) -> Vec<Action> {
        if self.kill_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.work.interrupt(Signal::Kill);
        }
        match receiver.recv_timeout(TICK) {
            Ok(message) => self.take(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                (self.events)(EventKind::Ticked);
                Vec::new()
            }
        }
    }

    fn take(&mut self, message: Message) -> Vec<Action> {
        match message {
            Message::Started(step, reason) => (self.events)(EventKind::Started { step, reason }),
            Message::Printed(step, bytes, live) => (self.events)(EventKind::Printed { step, bytes, live }),
            Message::Diagnosed(step, diagnostic) => (self.events)(EventKind::Diagnosed { step, diagnostic }),
            Message::Warned(message) => (self.events)(EventKind::Warned(message)),
            Message::Ended(step, done) => return self.ended(step, done),
            Message::Retried(step, part, (attempt, of), how, output) => {
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
        if self.is_told && matches!(done.outcome, Outcome::Failed(_)) {
            // It did not fail by itself: it was told to end.
            done.outcome = Outcome::Cancelled;
        }
        if self.schedule.is_alone(step) {
            (self.events)(EventKind::TerminalBack);
        }
        let actions = self.schedule.ended(step, &done.outcome);
        self.outcomes[step.index()] = done.outcome.clone();
        self.durations[step.index()] = done.duration;
        (self.events)(EventKind::Ended { step, done });
        actions
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

fn summary(outcomes: &[Outcome], duration: Duration) -> Summary {
    let mut summary = Summary { duration, ..Summary::default() };
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
