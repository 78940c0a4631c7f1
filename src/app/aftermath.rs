//! The stages of a run, and what is told to the commands of its last one. Nothing is started here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;

use super::Report;
use crate::execute::{Heed, Produced, Run};
use crate::model::{Closing, Outcome};
use crate::process::Children;

/// How many bytes of names are told at most: no system takes a variable of any length.
const NAMES: usize = 16 * 1024;

/// Steps that run together.
pub struct Stage<'a> {
    /// Their places in the plan.
    pub steps: Range<usize>,
    /// Whether they close the run.
    pub closes: bool,
    /// What a signal does.
    pub heed: Heed,
    /// What their commands find in their environment.
    pub env: &'a [(OsString, OsString)],
}

/// What came of a stage, or of several.
pub struct Stopped {
    /// What the coordinator says.
    pub run: Run,
    /// What the workers have to keep.
    pub produced: Vec<Produced>,
    /// What cargo has made for this checkout, and when.
    pub made: BTreeMap<String, i64>,
    /// What its steps may have left running: `finally` may be there to ask it to end.
    pub left: Vec<Children>,
}

impl Stopped {
    /// Adds what came of a later stage of these steps.
    pub fn add(&mut self, later: Self, steps: Range<usize>) {
        self.run.add(later.run, steps);
        self.produced.extend(later.produced);
        self.made.extend(later.made);
        self.left.extend(later.left);
    }
}

impl Report {
    /// What is to run now that the others have ended so.
    pub(super) fn closing(&self) -> Option<Closing> {
        match (self.interrupted, self.success()) {
            (Some(_), _) => None,
            (None, true) => Some(Closing::OnSuccess),
            (None, false) => Some(Closing::OnError),
        }
    }
}

/// What `on_success` and `on_error` find in their environment: the exit code, and the names of the steps that failed, one a
/// line; of very many the first ones.
pub fn env(report: &Report) -> Vec<(OsString, OsString)> {
    let failed = report.steps.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    let mut names = String::new();
    for (name, _) in failed {
        if names.len() + name.len() > NAMES {
            break;
        }
        if !names.is_empty() {
            names.push('\n');
        }
        names.push_str(name);
    }
    let exit = report.exit_code().to_string();
    vec![("CARGO_LIFECYCLE_EXIT".into(), exit.into()), ("CARGO_LIFECYCLE_FAILED".into(), names.into())]
}
