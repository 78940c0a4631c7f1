//! Runs a plan: workers on a rayon pool do the steps, and each asks the coordinator, which owns the schedule, for the next. It
//! knows nothing of terminals.

mod attempts;
mod command;
mod coordinator;
mod desk;
mod judge;
mod lines;
mod ran;
mod tell;
mod unheard;
mod upstream;
mod worker;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Done, EventKind, Interrupt, Outcome, Output, Part, StepId, Summary, Tests};
use crate::schedule::PartTerms;

pub use attempts::Tries;
pub use command::{Commands, FindRunner, FindRustdoc, Tests as TestSetting};
pub use desk::{Call, channel, run};
pub use judge::{Judge, Known, Terms as JudgeTerms};
use tell::Message;
pub use tell::Teller;
pub use worker::{Ending, PartOf, Produced, Worker};

/// Who is told what happens. Whichever thread something happens on tells it, one at a time.
pub type Events<'a> = &'a mut (dyn FnMut(EventKind) + Send);

/// What a step does.
pub trait Work: Sync {
    /// What comes of a step that need not run, if that is all there is to do. Asked for many steps at once while none runs:
    /// to give each to a worker, and to hear of it, takes longer than the answer.
    fn pass(&self, _step: StepId) -> Option<Passed> {
        None
    }
    /// Does the step: decides whether it has to run, and runs it, or says of which parts that consists.
    fn step(&self, step: StepId, tell: &Teller<'_>) -> Turn;
    /// Does a part of a step.
    fn part(&self, step: StepId, place: usize, tell: &Teller<'_>) -> Part;
    /// Brings together what came of the parts of a step; some of them may not have been done.
    fn join(&self, step: StepId, tell: &Teller<'_>) -> Done;
    /// Passes a signal on to all that runs; nothing new may start.
    fn interrupt(&self, signal: Signal);
    /// Stands still, with all that runs, until somebody makes us go on.
    fn stand_still(&self) {}
}

/// What comes of a step that need not run.
#[derive(Debug)]
pub struct Passed {
    /// How it ends.
    pub done: Done,
    /// Its parts, if it was done in such.
    pub parts: Vec<Part>,
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

/// How a run went.
#[derive(Debug)]
pub struct Run {
    /// How each step ended.
    pub outcomes: Vec<Outcome>,
    /// How long each step ran.
    pub durations: Vec<Duration>,
    /// The peak of each step's memory in bytes, as far as that is known.
    pub peaks: Vec<Option<u64>>,
    /// The figures, but for how long it took.
    pub summary: Summary,
    /// The signal that ended it, if one did.
    pub signal: Option<Interrupt>,
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

impl Heed {
    /// What of a signal is passed on to what runs, if anything is; whether it is the first that the run hears.
    const fn passes(self, signal: Interrupt, is_first: bool) -> Option<Signal> {
        match self {
            Self::Stops if is_first => Some(Signal::Pass(signal)),
            Self::Noted if is_first => None,
            Self::Stops | Self::Noted | Self::Kills => Some(Signal::Kill),
        }
    }
}

impl Run {
    /// Adds what came of other steps of the same plan, which ran afterwards.
    pub fn add(&mut self, other: Self, steps: Range<usize>) {
        self.outcomes[steps.clone()].clone_from_slice(&other.outcomes[steps.clone()]);
        self.durations[steps.clone()].copy_from_slice(&other.durations[steps.clone()]);
        self.peaks[steps.clone()].copy_from_slice(&other.peaks[steps]);
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
    const fn step(self) -> StepId {
        let (Self::Step(step) | Self::Part(step, _) | Self::Join(step)) = self;
        step
    }

    /// Does it and answers how it ended, even if it panics.
    fn run(self, work: &dyn Work, teller: &Teller<'_>) -> Message {
        let message = catch_unwind(AssertUnwindSafe(|| match self {
            Self::Step(step) => match work.step(step, teller) {
                Turn::Done(done) => Message::Ended(step, done),
                Turn::Parts(parts) => Message::Split(step, parts),
            },
            Self::Part(step, place) => Message::PartEnded(step, place, work.part(step, place, teller)),
            Self::Join(step) => Message::Ended(step, work.join(step, teller)),
        }));
        message.unwrap_or_else(|panic| self.panicked(panic_text(&*panic)))
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
