//! Which of those that want the same lock has it. It starts nothing.

use std::cmp::Reverse;

use super::{Lock, Note, Schedule, State, Unit};
use crate::model::StepId;

impl Schedule<'_> {
    pub(super) fn unlock(&mut self, step: StepId) {
        self.give_back(self.lock(step));
    }

    pub(super) fn give_back(&mut self, lock: Option<Lock>) {
        let Some(lock) = lock else { return };
        self.held.retain(|held| *held != lock);
        self.next_for(&lock);
    }

    /// Whoever is first in the line for a lock tries again. Those of the line that were passed by meanwhile do not: they would
    /// give it to nobody.
    pub(super) fn next_for(&mut self, lock: &Lock) {
        let Some(line) = self.locked_out.get_mut(lock) else { return };
        let is_over = |unit: &Unit| matches!(unit, Unit::Step(step) if self.state[step.index()] != State::Ready);
        while let Some((weight, Reverse(unit))) = line.pop() {
            if !is_over(&unit) {
                self.ready.push((weight, Reverse(unit)));
                return;
            }
        }
    }

    pub(super) fn lock_out(&mut self, weight: u64, unit: Unit, lock: Lock) {
        let note = match unit {
            Unit::Step(step) | Unit::Join(step) => Note::Locked(step, None, Lock::clone(&lock)),
            Unit::Part(step, place) => Note::Locked(step, Some(place), Lock::clone(&lock)),
        };
        self.notes.push(note);
        self.locked_out.entry(lock).or_default().push((weight, Reverse(unit)));
    }

    pub(super) fn lock(&self, step: StepId) -> Option<Lock> {
        self.terms.locks.get(step.index()).cloned().flatten()
    }
}
