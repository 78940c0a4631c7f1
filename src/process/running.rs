//! One child from its start to its end: its output on the way, its exit afterwards. It does not know the other children.

use std::io::{self, PipeReader};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use super::arriving::{Arriving, Event, UNSEEN};
use super::{Children, CommandLine, Error, Exit, Limit, Signal, platform};

/// How long the end of the output is awaited after the child's end, when something else holds it open.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a child whose time is over has to obey `SIGTERM`, and what it has started.
const GRACE: Duration = Duration::from_secs(3);

/// Runs a command to its end in a process group of its own, without input, with its output and errors in one pipe so
/// that their order is kept. `on_chunk` gets what it prints as it comes, on the calling thread.
///
/// What it started and left behind is remembered in `children`.
///
/// # Errors
/// When it does not start. A child that fails is no error.
pub fn run(command: &CommandLine, children: &Children, on_chunk: &mut dyn FnMut(&[u8])) -> Result<Exit, Error> {
    run_by(Arriving::of, command, children, on_chunk)
}

/// The same, with what it does learned in the way that is given.
pub(super) fn run_by(
    way: fn(Option<PipeReader>, bool) -> io::Result<Arriving>,
    command: &CommandLine,
    children: &Children,
    on_chunk: &mut dyn FnMut(&[u8]),
) -> Result<Exit, Error> {
    let failed = |error| Error::of(command, error);
    let span = tracing::debug_span!(
        "command",
        program = %command.name().display(),
        dir = %command.dir.display(),
        code = tracing::field::Empty,
        peak = tracing::field::Empty
    );
    let _entered = span.enter();
    let asked = children.now();
    let _leave = children.leave().ok_or(Error::Closed)?;
    let (reader, writer) = if command.interactive { None } else { Some(io::pipe().map_err(failed)?) }.unzip();
    // What it takes comes first: when that cannot be had, there is no child to be left alone.
    let arriving = way(reader, command.interactive).map_err(failed)?;

    let mut process = children.command(command);
    if let Some(writer) = writer {
        process.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    }
    let started = children.now();
    let waited = started.saturating_sub(asked);
    let child = children.start(process, command.jobserver).map_err(failed)?.ok_or(Error::Closed)?;
    // What it waited for the start is none of its time.
    let time = command.limit.map_or(Time::Unlimited, |limit| Time::Until(limit.later(waited)));
    let mut running = Running { children, group: child.id(), arriving, child: Stage::Runs, time, lent: None };
    if command.interactive {
        running.lend();
    }
    running.arriving.watch(child);

    let output_ended = running.until_ended(command.interactive, on_chunk).map_err(failed)?;
    let had_terminal = running.lent.take().is_some();
    let duration = children.now().saturating_sub(started);
    let held_open = !output_ended && !running.rest_of_output(on_chunk);
    let (status, peak) = running.reap().map_err(failed)?;
    span.record("code", status.code()).record("peak", peak);
    let timed_out = running.clear();
    let (code, signal) = (status.code(), platform::signal_of(status));
    // Who deals with Ctrl-C and ends otherwise has understood it as something else, such as an end of its input.
    let interrupted = had_terminal && signal.is_some_and(platform::is_of_ctrl_c);
    Ok(Exit { code, signal, held_open, interrupted, timed_out, duration, waited, peak })
}

/// A child that was started. Whatever happens on the way, such as a panic in `on_chunk`, it is gone in the end.
struct Running<'a> {
    children: &'a Children,
    group: u32,
    arriving: Arriving,
    child: Stage,
    time: Time,
    /// The terminal, while the child has it.
    lent: Option<platform::Lent>,
}

/// How much time a child has.
#[derive(Clone, Copy)]
enum Time {
    Unlimited,
    Until(Limit),
    /// It is over and the child was told so; when it is killed.
    Over(Limit, Duration),
    /// It was killed.
    Killed(Limit),
}

/// How far a child has come.
enum Stage {
    /// It is with those who wait for its end.
    Runs,
    Ended(Child),
    Reaped,
}

impl Running<'_> {
    /// Passes output on until the child has ended; whether the output has ended as well.
    fn until_ended(&mut self, mut output_ended: bool, on_chunk: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        loop {
            match self.next()? {
                Some(Event::Output(bytes)) => on_chunk(&bytes),
                Some(Event::OutputEnded) => output_ended = true,
                Some(Event::Stopped(signal)) => self.stopped(signal),
                Some(Event::Ended(child, waited)) => {
                    self.child = Stage::Ended(child);
                    return waited.map(|()| output_ended);
                }
                None => self.time_is_over(),
            }
        }
    }

    /// What arrives next; `None` when its time is over.
    fn next(&mut self) -> io::Result<Option<Event>> {
        let at = match self.time {
            Time::Unlimited | Time::Killed(_) => return self.arriving.next(None),
            Time::Until(Limit { at, .. }) | Time::Over(_, at) => at,
        };
        let left = at.saturating_sub(self.children.now());
        // A child that prints on and on has no more time than one that is silent.
        if left.is_zero() { Ok(None) } else { self.arriving.next(Some(left)) }
    }

    /// Gives it the terminal, if we have it.
    fn lend(&mut self) {
        self.lent = platform::Lent::to(self.group);
        // It may have wanted it before.
        self.children.signal(self.group, Signal::Continue);
    }

    /// Who stops what is in front means us as well: the shell is to have the terminal.
    fn stopped(&mut self, signal: i32) {
        if self.lent.is_none() || !platform::is_for_want_of_terminal(signal) {
            self.lent = None;
            self.children.stand_still_alone();
            self.lend();
        } else {
            self.children.signal(self.group, Signal::Continue);
        }
    }

    /// A time is over, unless the clock stood still meanwhile.
    fn time_is_over(&mut self) {
        let now = self.children.now();
        match self.time {
            Time::Until(limit) if limit.at <= now => {
                self.children.signal(self.group, Signal::Terminate);
                self.time = Time::Over(limit, now.saturating_add(GRACE));
            }
            Time::Over(limit, at) if at <= now => {
                self.children.signal(self.group, Signal::Kill);
                self.time = Time::Killed(limit);
            }
            _ => {}
        }
    }

    /// Nothing is left of a child that had to be ended. How much time it had had.
    fn clear(&self) -> Option<Duration> {
        let (limit, until) = match self.time {
            Time::Unlimited | Time::Until(_) => return None,
            Time::Over(limit, at) => (limit, at),
            Time::Killed(limit) => (limit, Duration::ZERO),
        };
        self.children.clear(self.group, until);
        Some(limit.length)
    }

    /// Passes on what the child printed before its end; whether that was all the output there will be.
    ///
    /// Time is counted while we wait only, so that a slow `on_chunk` loses nothing; and bytes are counted, so that a
    /// daemon that never stops printing does not keep us.
    fn rest_of_output(&mut self, on_chunk: &mut dyn FnMut(&[u8])) -> bool {
        let mut patience = PATIENCE;
        let mut unseen = UNSEEN;
        while unseen > 0 {
            let before = Instant::now();
            match self.arriving.next(Some(patience)) {
                Ok(Some(Event::Output(bytes))) => {
                    patience = patience.saturating_sub(before.elapsed());
                    unseen = unseen.saturating_sub(bytes.len());
                    on_chunk(&bytes);
                }
                Ok(Some(Event::OutputEnded | Event::Ended(..) | Event::Stopped(_))) | Err(_) => return true,
                Ok(None) => return false,
            }
        }
        false
    }

    fn reap(&mut self) -> io::Result<(ExitStatus, Option<u64>)> {
        match std::mem::replace(&mut self.child, Stage::Reaped) {
            Stage::Ended(child) => self.children.reap(child),
            Stage::Runs | Stage::Reaped => Err(io::Error::other("its end was not seen")),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if matches!(self.child, Stage::Runs) {
            self.children.signal(self.group, Signal::Kill);
            let _ = self.until_ended(false, &mut |_| ());
        }
        if matches!(self.child, Stage::Ended(_)) {
            let _ = self.reap();
        }
    }
}
