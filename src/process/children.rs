//! Who is running: the process groups of all children, so that a signal reaches every one of them and none is left
//! behind. It does not know what they print.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::tokens::{Token, Tokens};
use super::{CommandLine, Jobserver, Limit, Signal, platform};

/// How long what was left of ended children has to obey `SIGTERM`.
const GRACE: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(10);
/// How long the start of a child may take before it is looked whether it stands still.
const START: Duration = Duration::from_millis(20);
/// How often somebody tries who waits for another one's start, which mostly takes less than a millisecond.
const BLINK: Duration = Duration::from_micros(100);

/// The children that run now, shared by all who start some.
///
/// Starting, reaping and signalling happen under one lock. So a child gets the signal or does not start; and an id is
/// only signalled while it cannot belong to anybody else.
#[derive(Debug, Default)]
pub struct Children {
    clock: Arc<Clock>,
    tokens: Option<Tokens>,
    shell: platform::Shell,
    /// Whether who asked us to stand still has not taken that back.
    is_stop_due: Option<fn() -> bool>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Leaders that run, by process id, which is the group's too.
    groups: BTreeSet<u32>,
    /// Groups whose leader has ended and in which others go on, such as a daemon that later steps need.
    remains: BTreeSet<u32>,
    closed: bool,
}

impl Children {
    /// Nobody yet, and no count of them.
    #[cfg(test)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nobody yet, of at most so many at once, with all that they start and that share the count. And what is to be noted
    /// of that.
    #[must_use]
    pub fn sharing(jobs: usize, clock: Arc<Clock>, is_stop_due: fn() -> bool) -> (Self, Option<String>) {
        let (tokens, note) = Tokens::new(jobs);
        (Self { clock, tokens, is_stop_due: Some(is_stop_due), ..Self::default() }, note)
    }

    /// Whether no child runs. What ended children left behind does not count.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.groups.is_empty()
    }

    /// The time by which children are measured.
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The end of a time of this length that begins now.
    pub fn limit(&self, length: Duration) -> Limit {
        Limit { at: self.now().saturating_add(length), length }
    }

    /// From now on nothing starts: [`run`](super::run) gives [`Error::Closed`](super::Error::Closed).
    pub fn close(&self) {
        self.lock_to_signal().closed = true;
        self.tokens.iter().for_each(Tokens::close);
    }

    /// Sends a signal to every group.
    pub fn signal_all(&self, signal: Signal) {
        let state = self.lock_to_signal();
        for group in state.groups.iter().chain(&state.remains) {
            platform::signal_group(*group, signal);
        }
    }

    /// Stands still, with all children, until somebody makes us go on; that time counts for nobody.
    pub fn stand_still(&self) {
        self.clock.stop();
        self.signal_all(Signal::Stop);
        // Those who heed it have that long to stop their own.
        std::thread::sleep(GLANCE * 5);
        self.signal_all(Signal::Freeze);
        // Whoever made us go on has not waited for that.
        if self.is_stop_due.is_none_or(|is_due| is_due()) {
            platform::stand_still();
        }
        self.clock.go_on();
        self.signal_all(Signal::Continue);
    }

    /// Stands still as one child does that stood still by itself.
    pub(super) fn stand_still_alone(&self) {
        self.clock.stop();
        platform::stand_still();
        self.clock.go_on();
    }

    /// Ends every group at once.
    pub fn kill_all(&self) {
        self.signal_all(Signal::Kill);
    }

    /// The end of the run: nothing starts any more, and what is left of any group is asked to end and, after a second,
    /// made to. Meant for when no child runs; those that do are not spared.
    pub fn end(&self) {
        self.close();
        self.signal_all(Signal::Terminate);
        let until = Instant::now() + GRACE;
        while self.anybody_left() && Instant::now() < until {
            std::thread::sleep(GLANCE);
        }
        self.kill_all();
    }

    fn anybody_left(&self) -> bool {
        let mut state = self.lock();
        state.forget_empty();
        !state.groups.is_empty() || !state.remains.iter().all(|group| platform::has_ended(*group))
    }

    /// Waits for leave to start a child; `None` when nothing starts any more.
    pub(super) fn leave(&self) -> Option<Option<Token<'_>>> {
        self.tokens.as_ref().map_or(Some(None), |tokens| tokens.take().map(Some))
    }

    /// What starts the command. It is told of the jobserver, unless it was told of one.
    pub(super) fn command(&self, command: &CommandLine) -> Command {
        let mut process = command.command(&self.shell);
        self.tell(&mut process, command);
        process
    }

    fn tell(&self, process: &mut Command, command: &CommandLine) {
        if let Some(tokens) = &self.tokens {
            tokens.tell(process, command.jobserver, |name| command.env.iter().any(|(set, _)| set == name));
        }
    }

    /// Starts a child as the leader of a group; `None` when nothing starts any more.
    ///
    /// Our ends of its pipe go with the command, before the next child starts: that would hold them up to its exec, which may
    /// be later than the end of this one.
    pub(super) fn start(&self, mut command: Command, jobserver: Jobserver) -> io::Result<Option<Child>> {
        platform::lead_group(&mut command);
        let mut state = self.lock();
        if state.closed {
            return Ok(None);
        }
        let child = match &self.tokens {
            Some(tokens) => tokens.with_files(jobserver, || command.spawn())?,
            None => command.spawn()?,
        };
        drop(command);
        state.groups.insert(child.id());
        Ok(Some(child))
    }

    /// Sends a signal to one group, as long as anybody is in it.
    pub(super) fn signal(&self, group: u32, signal: Signal) {
        let state = self.lock();
        if state.groups.contains(&group) || state.remains.contains(&group) {
            platform::signal_group(group, signal);
        }
    }

    /// Waits until nobody is left of a group whose leader has ended, until a time of [`now`](Self::now), and then ends it.
    pub(super) fn clear(&self, group: u32, until: Duration) {
        let is_left = || {
            let mut state = self.lock();
            state.forget_empty();
            state.remains.contains(&group) && !platform::has_ended(group)
        };
        while is_left() && self.now() < until {
            std::thread::sleep(GLANCE);
        }
        self.signal(group, Signal::Kill);
    }

    /// Takes the status of a child that has ended and the peak of its memory, and remembers its group if others are still in
    /// it.
    pub(super) fn reap(&self, child: Child) -> io::Result<(ExitStatus, Option<u64>)> {
        let mut state = self.lock();
        let group = child.id();
        let status = platform::reap(child);
        if state.groups.remove(&group) {
            state.remains.insert(group);
        }
        // At every reaping, because the id of a group that has become empty may be given to a stranger some day.
        state.forget_empty();
        status
    }

    /// Nothing is half done when a thread panics under the lock, so a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For who passes a signal on: Ctrl-Z may have stopped a child that has not come to its exec yet, and with it whoever starts
    /// it and holds the lock. It is made to go on, to be stopped with the others.
    fn lock_to_signal(&self) -> MutexGuard<'_, State> {
        let mut waited = Duration::ZERO;
        loop {
            match self.state.try_lock() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(state)) => return state.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
            if waited >= START {
                platform::go_on_to_exec();
                waited = Duration::ZERO;
            }
            std::thread::sleep(BLINK);
            waited += BLINK;
        }
    }
}

impl State {
    fn forget_empty(&mut self) {
        self.remains.retain(|group| !platform::is_empty(*group));
    }
}
