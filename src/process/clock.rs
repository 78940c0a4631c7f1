//! The time by which a run and its children are measured: it stands still while they do. It does not know who they are.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A clock that can be stopped.
#[derive(Debug)]
pub struct Clock {
    begun: Instant,
    pauses: Mutex<Pauses>,
}

#[derive(Debug, Default)]
struct Pauses {
    /// Of all pauses that are over.
    sum: Duration,
    /// When the one began that is not over.
    since: Option<Instant>,
}

impl Clock {
    /// How long it has gone.
    pub fn now(&self) -> Duration {
        let pauses = self.lock();
        let until = pauses.since.unwrap_or_else(Instant::now);
        until.saturating_duration_since(self.begun).saturating_sub(pauses.sum)
    }

    /// Stops, if it goes.
    pub(super) fn stop(&self) {
        self.lock().since.get_or_insert_with(Instant::now);
    }

    /// Goes on, if it was stopped.
    pub(super) fn go_on(&self) {
        let mut pauses = self.lock();
        if let Some(since) = pauses.since.take() {
            pauses.sum += since.elapsed();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pauses> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self { begun: Instant::now(), pauses: Mutex::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_does_not_count() {
        let clock = Clock::default();
        clock.stop();
        let stood = clock.now();
        std::thread::sleep(Duration::from_millis(20));
        clock.stop();
        assert_eq!(clock.now(), stood);
        clock.go_on();
        clock.go_on();
        std::thread::sleep(Duration::from_millis(5));
        let gone = clock.now() - stood;
        assert!(gone >= Duration::from_millis(5) && gone < clock.begun.elapsed() - Duration::from_millis(15));
    }
}
