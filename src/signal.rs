//! The signals that ask us to end or to stand still. It does not know what that means.

use std::io;

use crate::model::Interrupt;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// To end.
    Interrupt(Interrupt),
    /// To stand still: `SIGTSTP`, Ctrl-Z.
    Stop,
}

#[cfg(unix)]
pub use unix::{is_stop_due, listen};

#[cfg(unix)]
mod unix {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};
    use std::thread::JoinHandle;

    use signal_hook::consts::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR2, SIGXCPU};
    use signal_hook::iterator::{Handle, Signals};

    use super::{Heard, Interrupt, io};

    /// Listens for as long as it lives.
    #[derive(Debug)]
    pub struct Guard {
        handle: Handle,
        thread: Option<JoinHandle<()>>,
    }

    /// Calls `on_signal`, on a thread of its own, for every signal that asks us to end or to stand still, until the guard is dropped;
    /// from then on signals do again what they did before.
    ///
    /// Children started meanwhile do not inherit that signals are ignored, as they are for a background job of a shell
    /// script. A hangup that is ignored stays ignored, for ourselves and for children: that is what `nohup` is for. So does
    /// Ctrl-Z, where nobody could make us go on.
    ///
    /// # Errors
    /// Those of the system, for want of file descriptors or threads.
    pub fn listen(mut on_signal: impl FnMut(Heard) + Send + 'static) -> io::Result<Guard> {
        let before = Before::remembered()?;
        let mut signals = Signals::new(before.heeded.iter().copied())?;
        let handle = signals.handle();
        let listen = move || signals.forever().filter_map(heard).for_each(&mut on_signal);
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        before.count(1);
        Ok(Guard { handle, thread: Some(thread) })
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            if let Ok(before) = Before::remembered() {
                before.count(-1);
            }
            self.handle.close();
            if let Some(thread) = self.thread.take() {
                // A panic of `on_signal` was told when it happened.
                let _ = thread.join();
            }
        }
    }

    /// Whether nobody has made us go on since we were last asked to stand still: then we are not to stop any more, as the system
    /// takes back a stop that has not come about.
    pub fn is_stop_due() -> bool {
        Before::remembered().is_ok_and(|before| before.last.load(Ordering::SeqCst) == STOP)
    }

    const STOP: usize = 1;
    const CONTINUE: usize = 2;

    fn heard(signal: i32) -> Option<Heard> {
        match signal {
            SIGINT => Some(Heard::Interrupt(Interrupt::Interrupt)),
            SIGTERM => Some(Heard::Interrupt(Interrupt::Terminate)),
            SIGHUP => Some(Heard::Interrupt(Interrupt::Hangup)),
            SIGQUIT => Some(Heard::Interrupt(Interrupt::Quit)),
            SIGTSTP => Some(Heard::Stop),
            other => u8::try_from(other).ok().map(|number| Heard::Interrupt(Interrupt::Other(number))),
        }
    }

    /// What signals did before the first listening.
    ///
    /// A handler, once installed, is never taken out again (another one may have been put on top of it). So where the
    /// default was in force, the handler does what the default would, whenever nobody listens.
    struct Before {
        heeded: Vec<i32>,
        nobody_listens: Arc<AtomicBool>,
        /// What we were asked for last, to stand still or to go on.
        last: Arc<AtomicUsize>,
        listeners: Mutex<i32>,
    }

    impl Before {
        fn remembered() -> io::Result<&'static Self> {
            static BEFORE: OnceLock<Before> = OnceLock::new();
            static MAKING: Mutex<()> = Mutex::new(());
            let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
            match BEFORE.get() {
                Some(before) => Ok(before),
                None => Self::look().map(|before| BEFORE.get_or_init(|| before)),
            }
        }

        fn look() -> io::Result<Self> {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let (ignored, caught) = (mask(&status, "SigIgn:"), mask(&status, "SigCgt:"));
            let is_in = |mask: u64, signal: i32| mask >> (signal - 1) & 1 == 1;
            let nobody_listens = Arc::new(AtomicBool::new(false));
            let asked = [SIGINT, SIGTERM];
            // Each of these ends us, too, unless somebody has said that it shall not. SIGUSR1 is the jobserver's, which uses it
            // to wake a thread of its own.
            let others = [SIGHUP, SIGTSTP, SIGQUIT, SIGUSR2, SIGALRM, SIGXCPU];
            let others = others.into_iter().filter(|signal| !is_in(ignored, *signal));
            let heeded: Vec<i32> = asked.into_iter().chain(others).collect();
            for signal in heeded.iter().filter(|signal| !is_in(ignored | caught, **signal)) {
                signal_hook::flag::register_conditional_default(*signal, Arc::clone(&nobody_listens))?;
            }
            let last = Arc::new(AtomicUsize::new(0));
            if heeded.contains(&SIGTSTP) {
                signal_hook::flag::register_usize(SIGTSTP, Arc::clone(&last), STOP)?;
                signal_hook::flag::register_usize(SIGCONT, Arc::clone(&last), CONTINUE)?;
            }
            Ok(Self { heeded, nobody_listens, last, listeners: Mutex::new(0) })
        }

        fn count(&self, change: i32) {
            let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            *listeners += change;
            self.nobody_listens.store(*listeners == 0, Ordering::SeqCst);
        }
    }

    /// A set of signals as Linux tells it, 0 elsewhere: there the default is taken to be in force.
    fn mask(status: &str, name: &str) -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0)
    }
}

/// Where there are no signals, the system ends us on Ctrl-C as it likes.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Guard(());

/// Nobody asks for that.
#[cfg(not(unix))]
pub fn is_stop_due() -> bool {
    false
}

/// Listens to nothing.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn listen(_: impl FnMut(Heard) + Send + 'static) -> io::Result<Guard> {
    Ok(Guard(()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command, ExitStatus, Stdio};
    use std::sync::mpsc;

    use super::*;
    use crate::process::{Children, CommandLine, Program, run};

    const ROLE: &str = "LIFECYCLE_TEST_ROLE";

    /// What the second process does: this test, started once more with a role.
    #[test]
    fn second_process() {
        let Ok(role) = std::env::var(ROLE) else { return };
        let (send, signals) = mpsc::channel();
        let guard = listen(move |heard| {
            let _ = send.send(heard);
        })
        .unwrap();
        match role.as_str() {
            "listen" => {
                println!("\nready");
                let heard: Vec<_> = signals.iter().take(2).collect();
                println!("heard {heard:?}");
            }
            "put back" => {
                drop(guard);
                println!("\nready");
                std::thread::sleep(std::time::Duration::from_secs(1000));
            }
            "child" => {
                let line = "kill -INT $$; kill -HUP $$; echo survived".to_owned();
                let command = CommandLine::new(Program::Shell(line), "/".into());
                println!("\nready");
                println!("signal {:?}", run(&command, &Children::new(), &mut |_| ()).unwrap().signal);
            }
            _ => panic!("{role}"),
        }
    }

    /// Starts the second process, through a shell that says something about signals first.
    fn start(role: &str, before: &str) -> (Child, BufReader<std::process::ChildStdout>) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{before} exec \"$0\" --exact signal::tests::second_process --nocapture")]);
        command.arg(std::env::current_exe().unwrap()).env(ROLE, role);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line != "ready\n" {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it never got ready");
        }
        (child, output)
    }

    fn kill(child: &Child, signal: &str) {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    fn end(mut child: Child, mut output: BufReader<std::process::ChildStdout>) -> (String, ExitStatus) {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        (text, child.wait().unwrap())
    }

    #[test]
    fn signals_are_heard_even_if_they_were_ignored() {
        for before in ["", "trap '' INT TERM;"] {
            let (child, output) = start("listen", before);
            kill(&child, "INT");
            kill(&child, "TERM");
            let (text, status) = end(child, output);
            let both = [
                "heard [Interrupt(Interrupt), Interrupt(Terminate)]",
                "heard [Interrupt(Terminate), Interrupt(Interrupt)]",
            ];
            assert!(both.iter().any(|heard| text.contains(heard)), "{text}");
            assert!(status.success());
        }
    }

    #[test]
    fn nohup_is_respected() {
        let (child, output) = start("listen", "trap '' HUP;");
        kill(&child, "HUP");
        kill(&child, "TERM");
        kill(&child, "INT");
        assert!(!end(child, output).0.contains("Hangup"));
        let (child, output) = start("listen", "");
        kill(&child, "HUP");
        kill(&child, "TERM");
        assert!(end(child, output).0.contains("Hangup"));
    }

    #[test]
    fn afterwards_signals_do_what_they_did() {
        let (child, output) = start("put back", "");
        kill(&child, "INT");
        assert_eq!(end(child, output).1.signal(), Some(2));
        let (child, output) = start("put back", "trap '' INT;");
        kill(&child, "INT");
        kill(&child, "TERM");
        assert_eq!(end(child, output).1.signal(), Some(15));
    }

    #[test]
    fn children_do_not_inherit_that_signals_are_ignored() {
        let (child, output) = start("child", "trap '' INT;");
        assert!(end(child, output).0.contains("signal Some(2)"));
        let (child, output) = start("child", "trap '' HUP;");
        assert!(end(child, output).0.contains("signal Some(2)"));
    }

    #[test]
    fn exit_codes_are_those_that_shells_expect() {
        assert_eq!(
            [Interrupt::Interrupt, Interrupt::Terminate, Interrupt::Hangup].map(Interrupt::exit_code),
            [130, 143, 129]
        );
    }
}
