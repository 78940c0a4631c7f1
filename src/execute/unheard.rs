//! Signals that came while the coordinator cannot be had, because somebody who is told of the run does not take it: nobody reads
//! the output, say. What runs hears of them all the same. It decides of no step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::coordinator::GRACE;
use super::{Heed, Signal, Work};
use crate::model::Interrupt;

/// Signals for the coordinator, in their order.
pub struct Unheard<'a> {
    heed: Heed,
    work: &'a dyn Work,
    /// Whether what runs was told to end.
    is_told: &'a AtomicBool,
    waiting: Vec<Interrupt>,
    /// How many of these were passed on without it.
    passed: usize,
    /// Whether it has heard one before.
    is_second: bool,
    kill_at: Option<Instant>,
}

impl<'a> Unheard<'a> {
    /// None came so far.
    pub const fn new(heed: Heed, work: &'a dyn Work, is_told: &'a AtomicBool) -> Self {
        Self { heed, work, is_told, waiting: Vec::new(), passed: 0, is_second: false, kill_at: None }
    }

    /// One came.
    pub fn came(&mut self, signal: Interrupt) {
        self.waiting.push(signal);
    }

    /// The coordinator can be had, and hears them; and of each whether it was passed on.
    pub fn heard(&mut self) -> Vec<(Interrupt, bool)> {
        self.is_second |= !self.waiting.is_empty();
        self.kill_at = None;
        let passed = std::mem::take(&mut self.passed);
        self.waiting.drain(..).enumerate().map(|(place, signal)| (signal, place < passed)).collect()
    }

    /// It cannot: what runs is told what it would be told by it.
    pub fn pass_on(&mut self) {
        for signal in self.waiting.iter().skip(self.passed) {
            let passes = self.heed.passes(*signal, !self.is_second && self.passed == 0);
            self.passed += 1;
            let Some(signal) = passes else { continue };
            self.is_told.store(true, Ordering::Release);
            self.kill_at = (signal != Signal::Kill).then(|| Instant::now() + GRACE);
            self.work.interrupt(signal);
        }
        if self.kill_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.work.interrupt(Signal::Kill);
        }
    }
}
