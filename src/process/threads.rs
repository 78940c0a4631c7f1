//! Threads that are used again: to begin and to end two of them costs as much as many a command does. They do not know
//! what they are for.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread waits for something to do before it ends.
const IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// The threads that have nothing to do.
static WAITING: Mutex<Waiting> = Mutex::new(Waiting { threads: Vec::new(), begun: 0 });

struct Waiting {
    /// By their numbers; the one that came last is the first to go.
    threads: Vec<(u64, SyncSender<Job>)>,
    begun: u64,
}

/// Does this on a thread of its own.
///
/// # Errors
/// There is no thread to be had.
pub fn start(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut job: Job = Box::new(job);
    loop {
        let Some((_, thread)) = waiting().threads.pop() else { return begin(job) };
        match thread.send(job) {
            Ok(()) => return Ok(()),
            // It is gone.
            Err(error) => job = error.0,
        }
    }
}

fn begin(job: Job) -> io::Result<()> {
    let number = {
        let mut waiting = waiting();
        waiting.begun += 1;
        waiting.begun
    };
    thread::Builder::new().name("child".to_owned()).spawn(move || work(number, job)).map(drop)
}

fn work(number: u64, first: Job) {
    let (thread, jobs) = sync_channel(1);
    let mut next = Some(first);
    while let Some(job) = next {
        job();
        waiting().threads.push((number, thread.clone()));
        next = wait(number, &jobs);
    }
}

/// What is to be done next; `None` if for a while there is nothing.
fn wait(number: u64, jobs: &Receiver<Job>) -> Option<Job> {
    match jobs.recv_timeout(IDLE) {
        Ok(job) => Some(job),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            let mut waiting = waiting();
            let place = waiting.threads.iter().position(|(waits, _)| *waits == number);
            if let Some(place) = place {
                waiting.threads.remove(place);
                return None;
            }
            drop(waiting);
            // Somebody has just taken it, and is about to say what for.
            jobs.recv().ok()
        }
    }
}

/// A panic of a job leaves a thread that is not in it.
fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn each_thing_is_done_once_and_at_the_same_time_as_others() {
        for _ in 0..50 {
            let (done, all) = channel();
            let (go, wait) = sync_channel::<()>(0);
            // The first cannot end before the last has begun.
            let first = done.clone();
            start(move || {
                wait.recv().unwrap();
                first.send(0).unwrap();
            })
            .unwrap();
            for number in 1..9 {
                let (done, go) = (done.clone(), (number == 8).then(|| go.clone()));
                start(move || {
                    go.into_iter().for_each(|go| go.send(()).unwrap());
                    done.send(number).unwrap();
                })
                .unwrap();
            }
            drop(done);
            let mut all: Vec<i32> = all.iter().collect();
            all.sort_unstable();
            assert_eq!(all, (0..9).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_that_panics_is_followed_by_another() {
        for _ in 0..3 {
            start(|| panic!("as it should in this test")).unwrap();
            let (done, is_done) = channel();
            start(move || done.send(()).unwrap()).unwrap();
            assert!(is_done.recv().is_ok());
        }
    }
}
