//! What went wrong in a run, for the end of its account: what failed, and what succeeded only at a later attempt. It shows
//! nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Output, StepId};

/// What can be tried more than once: a step, or a part of one.
pub type Tried = (StepId, Option<Arc<str>>);

/// Something that failed: a step, or a test executable.
pub struct Failure {
    pub title: String,
    pub how: Arc<str>,
    pub output: Output,
}

/// What succeeded at a later attempt than the first: which, of how many.
pub struct Flaky {
    pub name: Arc<str>,
    pub attempt: u32,
    pub of: u32,
}

/// What went wrong so far.
#[derive(Default)]
pub struct Failures {
    failed: Vec<Failure>,
    /// What was tried again: which attempt failed last, of how many.
    retried: BTreeMap<Tried, (u32, u32)>,
    flaky: Vec<Flaky>,
    /// Whether anything was shown after the last failure.
    since: bool,
}

impl Failures {
    /// Something failed, and that was shown last.
    pub fn add(&mut self, failure: Failure) {
        self.failed.push(failure);
        self.since = false;
    }

    /// How much failed.
    pub const fn count(&self) -> usize {
        self.failed.len()
    }

    /// Something else was shown.
    pub const fn shown_else(&mut self) {
        self.since = true;
    }

    /// An attempt failed; there is another one.
    pub fn retried(&mut self, what: Tried, attempt: (u32, u32)) {
        self.retried.insert(what, attempt);
    }

    /// It succeeded, at whatever attempt.
    pub fn succeeded(&mut self, what: &Tried, name: impl FnOnce() -> Arc<str>) {
        if let Some((failed, of)) = self.retried.remove(what) {
            self.flaky.push(Flaky { name: name(), attempt: failed + 1, of });
        }
    }

    /// What is flaky, once.
    pub fn take_flaky(&mut self) -> Vec<Flaky> {
        std::mem::take(&mut self.flaky)
    }

    /// What is to be shown once more at the end, once: all failures, unless the only one still is what was shown last.
    pub fn take_repeated(&mut self) -> Vec<Failure> {
        if self.failed.len() == 1 && !self.since { Vec::new() } else { std::mem::take(&mut self.failed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(title: &str) -> Failure {
        Failure { title: title.to_owned(), how: "x".into(), output: Output::default() }
    }

    fn repeated(failures: &mut Failures) -> Vec<String> {
        failures.take_repeated().into_iter().map(|failure| failure.title).collect()
    }

    #[test]
    fn one_failure_that_stands_at_the_end_is_not_shown_again() {
        let mut failures = Failures::default();
        failures.shown_else();
        failures.add(failure("a"));
        assert_eq!(repeated(&mut failures), [""; 0]);
        failures.shown_else();
        assert_eq!(repeated(&mut failures), ["a"]);
        failures.add(failure("b"));
        failures.add(failure("c"));
        assert_eq!(repeated(&mut failures), ["b", "c"]);
    }

    #[test]
    fn what_succeeds_after_an_attempt_is_flaky() {
        let mut failures = Failures::default();
        let tried = |number| (StepId::new(number), None);
        failures.retried(tried(0), (1, 4));
        failures.retried(tried(0), (2, 4));
        failures.retried(tried(1), (1, 4));
        failures.succeeded(&tried(0), || "a".into());
        failures.succeeded(&tried(2), || "c".into());
        let flaky = failures.take_flaky();
        assert_eq!(flaky.iter().map(|it| (&*it.name, it.attempt, it.of)).collect::<Vec<_>>(), [("a", 3, 4)]);
    }
}
