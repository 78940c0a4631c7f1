//! A terminal of a test's own: tmux, in which a shell runs. It does not know what is typed.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::scene::Scene;

/// A shell with job control in a terminal of 30 lines, in the environment of a call of this program.
pub struct Terminal {
    call: Call,
    socket: String,
}

impl Terminal {
    /// Opens one; if there is no tmux, it is said that a test says nothing.
    pub fn open(scene: &Scene) -> Option<Self> {
        let has = Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
        if !has {
            eprintln!("skipped: there is no `tmux` on PATH");
            return None;
        }
        let call = scene.call("").env("LIFECYCLE", env!("CARGO_BIN_EXE_cargo-lifecycle"));
        let call = call.env("PS1", "$ ").env("LC_ALL", "C.UTF-8").env("SHELL", "/bin/sh").env("TERM", "xterm");
        let terminal = Self { call, socket: scene.beside("tmux").display().to_string() };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "sh", "-i"]);
        terminal.until("$ ");
        Some(terminal)
    }

    /// Types a line.
    pub fn line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.key("Enter");
    }

    /// Presses a key, by tmux's name.
    pub fn key(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Makes it so wide, in columns.
    pub fn resize(&self, columns: u32) {
        self.tmux(&["resize-window", "-x", &columns.to_string()]);
    }

    /// Has everything that is written to it from now on written to a file, too.
    pub fn record(&self, file: &Path) {
        self.tmux(&["pipe-pane", "-O", &format!("cat > '{}'", file.display())]);
    }

    /// What is to be seen, without empty lines at the end.
    pub fn screen(&self) -> String {
        let text = String::from_utf8(self.tmux(&["capture-pane", "-p"]).stdout).unwrap();
        text.trim_end().to_owned()
    }

    /// Waits until a text is to be seen that ends the screen.
    #[track_caller]
    pub fn until(&self, end: &str) -> String {
        self.until_so(end, |screen| screen.trim_end().ends_with(end.trim_end()))
    }

    /// Waits until a text is to be seen anywhere.
    #[track_caller]
    pub fn until_seen(&self, text: &str) -> String {
        self.until_so(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is so.
    #[track_caller]
    pub fn until_so(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(Instant::now() < end, "never: {what}\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn tmux(&self, words: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(words).stdin(Stdio::null());
        let surroundings = self.call.command();
        command.current_dir(surroundings.get_current_dir().unwrap());
        command.env_clear().envs(surroundings.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.output().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
