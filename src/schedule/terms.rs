//! The words in which a schedule is asked and answers.

use std::ops::Range;

use super::Lock;
use crate::model::{Outcome, StepId};

/// What a schedule has to know besides the plan.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// How many steps may run at once; at least one.
    pub jobs: usize,
    /// After a failure, go on with what does not need the failed step.
    pub keep_going: bool,
    /// For each step, how long it will take, in any unit; missing ones count 1.
    pub weights: Vec<u64>,
    /// Whether the weights are more than a guess.
    pub is_measured: bool,
    /// For each step, the lock it needs, if any.
    pub locks: Vec<Option<Lock>>,
    /// The places of the steps that are to run; none: all. No edge may join them to the others.
    pub only: Option<Range<usize>>,
    /// For each step, whether nothing else may run while it does; missing ones do not care.
    pub alone: Vec<bool>,
    /// Whether to ask, while nothing runs, which of the ready steps need not run at all.
    pub asks: bool,
}

/// What a schedule has to know of a part of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartTerms {
    /// How long it will take, in the unit of the steps' weights.
    pub weight: u64,
    /// How many jobs it takes; at least one.
    pub jobs: usize,
    /// The lock it needs, if any.
    pub lock: Option<Lock>,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start the step.
    Start(StepId),
    /// Start the part of this number.
    StartPart(StepId, usize),
    /// All parts of the step have ended, or will not start: bring them together.
    Join(StepId),
    /// The step ended without having run.
    End(StepId, Outcome),
    /// These are ready and nothing runs: which of them need not run? Before that is [answered](Schedule::answered) nothing
    /// starts.
    Ask(Vec<StepId>),
}

/// What became of something that wants to start, for those who want to know what a run waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The step waits for no other one any more.
    Ready(StepId),
    /// The step, or the part of this number, could start but for the lock, which another one holds. It may be said again.
    Locked(StepId, Option<usize>, Lock),
}
