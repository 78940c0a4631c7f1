//! A pipe and a child's end, waited for by the thread that wants to know: Linux has a file for a process, which can be read
//! once that has ended. It does not know what is printed.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use super::arriving::{CHUNK, Event};
use super::{platform, threads};

/// How often is looked whether a child has ended for which there is no file.
const GLANCE: Duration = Duration::from_millis(10);

pub struct Polled {
    /// Until nobody holds its other end any more.
    pipe: Option<PipeReader>,
    /// Until it has ended.
    child: Option<Child>,
    /// The child's; there may be none, as when too many files are open.
    file: Option<OwnedFd>,
}

impl Polled {
    /// Whether the system knows files of processes (Linux 5.3), and lets us have them.
    pub fn is_possible() -> bool {
        static IS_POSSIBLE: OnceLock<bool> = OnceLock::new();
        *IS_POSSIBLE.get_or_init(|| pidfd_open(getpid(), PidfdFlags::empty()).is_ok())
    }

    pub fn new(pipe: Option<PipeReader>) -> Self {
        Self { pipe, child: None, file: None }
    }

    /// From now on it is this child whose end is told.
    pub fn watch(&mut self, child: Child) {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        self.file = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        self.child = Some(child);
    }

    /// What comes next, the end first; `None` if nothing does in that time.
    pub fn next(&mut self, within: Option<Duration>) -> Option<Event> {
        let until = within.and_then(|within| Instant::now().checked_add(within));
        while self.child.is_some() || self.pipe.is_some() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let (has_ended, has_output) = self.wait(left);
            if has_ended && let Some(child) = self.child.take() {
                self.file = None;
                return Some(Event::Ended(child, Ok(())));
            }
            if let Some(has_output) = has_output
                && let Some(event) = self.read(has_output)
            {
                return Some(event);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
        }
        Some(Event::OutputEnded)
    }

    /// Waits that long, or shorter: whether the child has ended; and of a pipe that would not make us wait, whether there is
    /// anything in it.
    fn wait(&self, left: Option<Duration>) -> (bool, Option<bool>) {
        let unseen = self.child.as_ref().filter(|_| self.file.is_none());
        let left = if unseen.is_some() { Some(left.unwrap_or(GLANCE).min(GLANCE)) } else { left };
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let of_child = self.file.iter().map(|file| PollFd::new(file, PollFlags::IN));
        let of_pipe = self.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let mut files: Vec<PollFd<'_>> = of_child.chain(of_pipe).collect();
        if let Err(error) = poll(&mut files, left.as_ref()) {
            if error != Errno::INTR {
                std::thread::sleep(GLANCE);
            }
            return (false, None);
        }
        let mut came = files.iter().map(PollFd::revents);
        let has_ended = match unseen {
            Some(child) => platform::is_over(child),
            None => self.file.is_some() && came.next().is_some_and(|came| !came.is_empty()),
        };
        let has_output = came.next().filter(|came| !came.is_empty()).map(|came| came.contains(PollFlags::IN));
        (has_ended, has_output)
    }

    fn read(&mut self, has_output: bool) -> Option<Event> {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = match &self.pipe {
            Some(pipe) if has_output => read(pipe, spare_capacity(&mut chunk)),
            _ => Ok(0),
        };
        match read {
            Err(Errno::INTR) => None,
            Ok(0) | Err(_) => {
                self.pipe = None;
                Some(Event::OutputEnded)
            }
            Ok(_) => Some(Event::Output(chunk)),
        }
    }
}

/// What holds the pipe may go on to print, and must not die of one that was closed on it.
impl Drop for Polled {
    fn drop(&mut self) {
        let Some(pipe) = self.pipe.take().map(Arc::new) else { return };
        let held = Arc::clone(&pipe);
        if threads::start(move || _ = io::copy(&mut &*held, &mut io::sink())).is_err() {
            std::mem::forget(pipe);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a shell does with this line, told one after the other; `is_seen`: whether there is a file for it.
    fn told(line: &str, is_seen: bool) -> String {
        let (reader, writer) = io::pipe().unwrap();
        let mut polled = Polled::new(Some(reader));
        let mut command = Command::new("sh");
        polled.watch(command.args(["-c", line]).stdout(writer).spawn().unwrap());
        drop(command);
        if !is_seen {
            polled.file = None;
        }
        let mut told = String::new();
        let mut left = 2;
        while left > 0 {
            match polled.next(Some(Duration::from_secs(20))).expect("it ends") {
                Event::Output(bytes) => told.push_str(std::str::from_utf8(&bytes).unwrap()),
                Event::OutputEnded => (left, told) = (left - 1, told + "."),
                Event::Ended(child, waited) => {
                    waited.unwrap();
                    left -= 1;
                    told += &platform::reap(child).unwrap().0.code().unwrap().to_string();
                }
                Event::Stopped(_) => unreachable!(),
            }
        }
        told
    }

    #[test]
    fn output_and_end_are_told_whether_there_is_a_file_or_not() {
        for is_seen in [true, false] {
            assert_eq!(told("exec >&-; sleep 0.1; exit 3", is_seen), ".3");
            assert_eq!(told("exit 3", is_seen).chars().filter(|char| *char != '.').collect::<String>(), "3");
            let output = told("echo one; sleep 0.1; echo two; exit 3", is_seen);
            assert_eq!(output.replace(['.', '3'], ""), "one\ntwo\n");
        }
    }

    #[test]
    fn who_waits_for_a_time_is_told_when_it_is_over() {
        let (reader, _writer) = io::pipe().unwrap();
        let mut polled = Polled::new(Some(reader));
        polled.watch(Command::new("sleep").arg("1000").spawn().unwrap());
        assert!(polled.next(Some(Duration::from_millis(30))).is_none());
        polled.file = None;
        let since = Instant::now();
        assert!(polled.next(Some(Duration::from_millis(30))).is_none());
        assert!(since.elapsed() >= Duration::from_millis(30), "it does not come back for a glance");
        let mut child = polled.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
