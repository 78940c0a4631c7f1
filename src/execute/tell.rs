//! What workers tell the coordinator, and how. It decides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Diagnostic, Done, Output, Part, Reason, StepId};
use crate::schedule::PartTerms;

/// How much of what a step printed last is held, in bytes: more than any line on a terminal.
const NEWEST: usize = 4096;

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
    /// Ctrl-C ended a step that had the terminal.
    Interrupted,
}

/// A worker's way to tell what happens in its step.
pub struct Teller<'a> {
    step: StepId,
    tell: &'a (dyn Fn(Message) + Sync),
    newest: &'a Newest,
}

impl<'a> Teller<'a> {
    /// For a worker that does something of this step.
    pub const fn new(step: StepId, tell: &'a (dyn Fn(Message) + Sync), newest: &'a Newest) -> Self {
        Self { step, tell, newest }
    }

    /// The step runs, for this reason.
    pub fn started(&self, reason: Reason) {
        (self.tell)(Message::Started(self.step, reason));
    }

    /// An attempt of the step, or of a part, failed, and it is tried once more.
    pub fn retried(&self, part: Option<Arc<str>>, attempt: (u32, u32), how: Arc<str>, output: Output) {
        (self.tell)(Message::Retried(self.step, part, attempt, how, output));
    }

    /// A part of the step runs.
    pub fn part_started(&self, part: Arc<str>) {
        (self.tell)(Message::PartStarted(self.step, part));
    }

    /// A part of the step need not be done.
    pub fn part_passed(&self, part: Part) {
        (self.tell)(Message::PartPassed(self.step, part));
    }

    /// The step printed something; `live`: people want to see it at once.
    pub fn printed(&self, bytes: Vec<u8>, live: bool) {
        (self.tell)(Message::Printed(self.step, bytes, live));
    }

    /// The end of what the step has printed so far. Only the newest is heard, at the next tick.
    pub fn printed_last(&self, bytes: &[u8]) {
        let end = bytes.get(bytes.len().saturating_sub(NEWEST)..).unwrap_or(bytes);
        let mut newest = self.newest.lock();
        let held = newest.entry(self.step).or_default();
        held.clear();
        held.extend_from_slice(end);
    }

    /// The compiler or cargo said something of the step.
    pub fn diagnosed(&self, diagnostic: Diagnostic) {
        (self.tell)(Message::Diagnosed(self.step, diagnostic));
    }

    /// Ctrl-C ended the step, which had the terminal.
    pub fn interrupted(&self) {
        (self.tell)(Message::Interrupted);
    }

    /// Something that people should know.
    pub fn warned(&self, message: String) {
        (self.tell)(Message::Warned(message));
    }
}

/// The end of what each step has printed. A step may print faster than anybody reads.
#[derive(Debug, Default)]
pub struct Newest(Mutex<BTreeMap<StepId, Vec<u8>>>);

impl Newest {
    /// What was printed since this was asked last.
    pub fn take(&self) -> BTreeMap<StepId, Vec<u8>> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StepId, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
