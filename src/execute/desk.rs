//! Where the workers of a run meet: each tells the coordinator what happens to its step, and takes from it what it does next. It
//! decides nothing.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::coordinator::Coordinator;
use super::tell::Newest;
use super::unheard::Unheard;
use super::{Events, Heed, Message, Passed, Run, Start, Teller, Work};
use crate::model::{Interrupt, Plan, StepId};
use crate::schedule::Terms;

/// So few steps are looked at in less time than it takes to wake a thread.
const FEW: usize = 4;
/// How long the thread that waits for the run waits for the coordinator.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often it tries.
const BLINK: Duration = Duration::from_millis(1);

thread_local! {
    /// Whether this thread does a step.
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Where calls to the thread that waits for a run go and come from.
pub fn channel() -> (SyncSender<Call>, Receiver<Call>) {
    mpsc::sync_channel(1024)
}

/// What the thread that waits for a run has to see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A signal came.
    Signal(Interrupt),
    /// One came that asks us to stand still.
    StandStill,
    /// The last step has ended.
    Over,
}

/// Runs the plan to its end on the pool, or those steps of it that the terms name.
pub fn run(
    plan: &Plan,
    (terms, heed): (Terms, Heed),
    (pool, work): (&rayon::ThreadPool, &dyn Work),
    (sender, receiver): (&SyncSender<Call>, &Receiver<Call>),
    events: Events<'_>,
) -> Run {
    let (newest, is_told) = (Newest::default(), AtomicBool::new(false));
    let mut unheard = Unheard::new(heed, work, &is_told);
    let desk = Desk {
        coordinator: Mutex::new(Coordinator::new(plan, (terms, heed), (work, &newest, &is_told), events)),
        pool,
        work,
        newest: &newest,
        waiting: sender.clone(),
        run: tracing::Span::current(),
    };
    pool.in_place_scope(|scope| {
        let starts = desk.coordinator().begin();
        desk.give(desk.answer(starts), scope);
        while !desk.coordinator.is_poisoned() {
            let mut until_next = PATIENCE;
            if let Some(mut coordinator) = desk.coordinator_soon() {
                let heard = unheard.heard();
                let starts: Vec<Start> =
                    heard.into_iter().flat_map(|(signal, is_passed)| coordinator.signal(signal, is_passed)).collect();
                if coordinator.is_over() {
                    break;
                }
                until_next = coordinator.look_at_clock();
                drop(coordinator);
                desk.give(starts, scope);
            } else {
                unheard.pass_on();
            }
            match receiver.recv_timeout(until_next) {
                Ok(Call::Signal(signal)) => unheard.came(signal),
                Ok(Call::StandStill) => desk.stand_still(),
                Ok(Call::Over) | Err(_) => {}
            }
        }
    });
    desk.coordinator.into_inner().unwrap_or_else(PoisonError::into_inner).into_run()
}

struct Desk<'a> {
    coordinator: Mutex<Coordinator<'a>>,
    pool: &'a rayon::ThreadPool,
    work: &'a dyn Work,
    newest: &'a Newest,
    /// The thread that waits for the run.
    waiting: SyncSender<Call>,
    run: tracing::Span,
}

impl<'a> Desk<'a> {
    fn coordinator(&self) -> MutexGuard<'_, Coordinator<'a>> {
        self.coordinator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if whoever has it does not give it back, since it tells somebody who does not take it.
    fn coordinator_soon(&self) -> Option<MutexGuard<'_, Coordinator<'a>>> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.coordinator.try_lock() {
                Ok(coordinator) => return Some(coordinator),
                Err(TryLockError::Poisoned(coordinator)) => return Some(coordinator.into_inner()),
                Err(TryLockError::WouldBlock) if until <= Instant::now() => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(BLINK),
            }
        }
    }

    fn stand_still(&self) {
        match self.coordinator_soon() {
            Some(mut coordinator) => coordinator.stand_still(),
            None => self.work.stand_still(),
        }
    }

    /// Has this done by whoever is free.
    fn give<'s>(&'s self, starts: impl IntoIterator<Item = Start>, scope: &rayon::Scope<'s>) {
        for start in starts {
            scope.spawn(move |scope| self.run.in_scope(|| self.labour(start, scope)));
        }
    }

    /// Does this, and then what comes next. That nobody has to be woken for it is worth more than who does what.
    fn labour<'s>(&'s self, start: Start, scope: &rayon::Scope<'s>) {
        let is_helper = IS_BUSY.replace(true);
        let mut next = Some(start);
        while let Some(start) = next {
            let ended =
                start.run(self.work, &Teller::new(start.step(), &|it| self.give(self.tell(it), scope), self.newest));
            let mut starts = self.answer(self.tell(ended)).into_iter();
            // Who waits in the middle of a step for others, and helps meanwhile, is to go back to it.
            next = if is_helper { None } else { starts.next() };
            self.give(starts, scope);
        }
        IS_BUSY.set(is_helper);
        if self.coordinator().is_over() {
            // If there is no room, it has something to wake for already.
            let _ = self.waiting.try_send(Call::Over);
        }
    }

    fn tell(&self, message: Message) -> Vec<Start> {
        self.coordinator().take(message)
    }

    /// Looks at the steps of which the coordinator wants to know whether they need to run, as long as it does.
    fn answer(&self, mut starts: Vec<Start>) -> Vec<Start> {
        let tell_late = || self.coordinator().tell_late();
        loop {
            let Some(asked) = self.coordinator().asked() else {
                tell_late();
                return starts;
            };
            let passed = if asked.len() < FEW {
                asked.iter().filter_map(|step| self.pass(*step)).collect()
            } else {
                let look = || asked.par_iter().filter_map(|step| self.pass(*step)).collect();
                // No step runs that could come in between.
                self.pool.install(|| rayon::join(look, tell_late)).0
            };
            starts.extend(self.coordinator().passed(passed));
        }
    }

    fn pass(&self, step: StepId) -> Option<(StepId, Passed)> {
        // Should it panic, it does so again on a worker, whose step has failed then.
        let pass = || catch_unwind(AssertUnwindSafe(|| self.work.pass(step)));
        self.run.in_scope(pass).ok().flatten().map(|passed| (step, passed))
    }
}
