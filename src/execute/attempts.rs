//! How often something is tried, and what comes of the attempts together. It does not know what is tried.

use std::sync::Arc;
use std::time::Duration;

use super::Teller;
use super::ran::{Kept, Ran};
use crate::model::{Definition, Output};

/// How long attempts may take, and how many there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tries {
    /// How long one may take.
    pub timeout: Option<Duration>,
    /// How many follow one that failed.
    pub retries: u32,
}

impl Tries {
    /// Those of a phase: what it says goes before what holds for the run.
    pub fn of(self, definition: &Definition) -> Self {
        let timeout = definition.timeout.or(self.timeout);
        Self { timeout, retries: definition.retries.unwrap_or(self.retries) }
    }

    /// Tries until it succeeds, or nothing is left of the attempts, or it is no use. Answers what came of the last attempt,
    /// and which that was. Of those before it is told; what cargo said that it did in them counts.
    pub fn run(
        self,
        part: Option<&Arc<str>>,
        tell: &Teller<'_>,
        is_useless: impl Fn() -> bool,
        attempt: impl Fn() -> Ran,
    ) -> (Ran, u32) {
        let of = self.retries.saturating_add(1);
        let mut ran = attempt();
        let mut count = 1;
        while count < of
            && !is_useless()
            && !ran.interrupted
            && let Some(how) = ran.failure.take()
        {
            let log = std::mem::take(&mut ran.log);
            let output = if log.is_empty() { Output::default() } else { Output::of(Arc::new(Kept::new(log))) };
            tell.retried(part.cloned(), (count, of), how.into(), output);
            ran = ran.followed_by(attempt());
            count += 1;
        }
        if count > 1 && ran.failure.is_none() {
            ran.doubt = ran.doubt.or_else(|| Some(format!("it is flaky: it succeeded at attempt {count} of {of}")));
        }
        (ran, count)
    }
}
