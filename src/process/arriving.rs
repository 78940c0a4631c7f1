//! What a child does, as it arrives at one place: what it prints, and that it has ended. Nobody has to ask again and again. It
//! does not know what follows from that.

use std::io::{self, PipeReader, Read as _};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::polled::Polled;
use super::{platform, threads};

/// As much of the output as is passed on at once.
pub const CHUNK: usize = 64 * 1024;
/// How many chunks may be on their way. Then the pipe fills up and the child waits, instead of our memory growing.
const ON_THEIR_WAY: usize = 4;
/// What a child can have printed before its end and we not have seen yet: what is on its way, in the reader's hand and
/// in the pipe (64 KiB on Linux, less elsewhere). More than this is somebody else's.
pub const UNSEEN: usize = (ON_THEIR_WAY + 2) * CHUNK;

/// What a child does.
pub enum Event {
    Output(Vec<u8>),
    OutputEnded,
    /// A signal stopped it.
    Stopped(i32),
    /// It has ended and can be reaped, unless nobody could wait for it.
    Ended(Child, io::Result<()>),
}

/// What one child does.
///
/// Where the system can wait for a pipe and a child's end at once, the calling thread does. For what can be stopped, and
/// everywhere else, there are two threads, which costs a short command half as many switches between threads again.
pub enum Arriving {
    #[cfg(target_os = "linux")]
    Polled(Polled),
    Told(Told),
}

impl Arriving {
    /// For a child that will print into this pipe; with `stops`, it is to be told, too, when the child is stopped.
    ///
    /// # Errors
    /// What it takes cannot be had.
    pub fn of(pipe: Option<PipeReader>, stops: bool) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if !stops && Polled::is_possible() {
            return Ok(Self::Polled(Polled::new(pipe)));
        }
        Self::by_threads(pipe, stops)
    }

    /// The same, by threads in any case.
    pub fn by_threads(pipe: Option<PipeReader>, stops: bool) -> io::Result<Self> {
        Told::new(pipe, stops).map(Self::Told)
    }

    /// From now on it is this child whose end arrives.
    pub fn watch(&mut self, child: Child) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Polled(polled) => polled.watch(child),
            Self::Told(told) => told.watch(child),
        }
    }

    /// What arrives next; `None` if nothing does in that time.
    ///
    /// # Errors
    /// Nothing will arrive any more.
    pub fn next(&mut self, within: Option<Duration>) -> io::Result<Option<Event>> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Polled(polled) => Ok(polled.next(within)),
            Self::Told(told) => told.next(within),
        }
    }
}

/// What threads tell that read and wait.
pub struct Told {
    arriving: Receiver<Event>,
    waiter: SyncSender<Child>,
}

impl Told {
    fn new(pipe: Option<PipeReader>, stops: bool) -> io::Result<Self> {
        let (events, arriving) = sync_channel(ON_THEIR_WAY);
        if let Some(pipe) = pipe {
            spawn_reader(pipe, events.clone())?;
        }
        let (waiter, child) = sync_channel(1);
        spawn_waiter(child, events, stops)?;
        Ok(Self { arriving, waiter })
    }

    fn watch(&self, child: Child) {
        let _ = self.waiter.send(child);
    }

    fn next(&self, within: Option<Duration>) -> io::Result<Option<Event>> {
        let gone = || Err(io::Error::other("the thread that waits for it is gone"));
        let Some(within) = within else { return self.arriving.recv().map_or_else(|_| gone(), |event| Ok(Some(event))) };
        match self.arriving.recv_timeout(within) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => gone(),
        }
    }
}

/// The thread that reads. It may outlive the child, by as long as something else holds the pipe, and then reads for
/// nobody: a daemon must not die of a pipe that was closed on it.
fn spawn_reader(mut pipe: PipeReader, events: SyncSender<Event>) -> io::Result<()> {
    let read = move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            match pipe.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
                Ok(length) => {
                    let chunk = buffer.get(..length).unwrap_or_default().to_vec();
                    let _ = events.send(Event::Output(chunk));
                }
            }
        }
        let _ = events.send(Event::OutputEnded);
    };
    threads::start(read)
}

/// The thread that waits.
fn spawn_waiter(waiter: Receiver<Child>, events: SyncSender<Event>, stops: bool) -> io::Result<()> {
    let wait = move || {
        if let Ok(mut child) = waiter.recv() {
            let waited = loop {
                match platform::wait(&mut child, stops) {
                    Ok(Some(signal)) => _ = events.send(Event::Stopped(signal)),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            let _ = events.send(Event::Ended(child, waited));
        }
    };
    threads::start(wait)
}
