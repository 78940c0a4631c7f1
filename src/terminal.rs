//! The terminal's own doings that a display has to know of. It displays nothing.

/// While it lives, the terminal does not show `^C` for the key: a bar that is redrawn in place would not know of the
/// characters, nor of the line that they may begin. A terminal that is not ours at the moment is left alone.
#[derive(Debug)]
pub struct Unechoed {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

#[cfg(unix)]
impl Unechoed {
    /// Begins.
    pub fn new() -> Self {
        Self { before: change() }
    }
}

/// Turns the echo off and answers how it was; `None` where there is nothing to be put back.
#[cfg(unix)]
fn change() -> Option<rustix::termios::Termios> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcgetpgrp, tcsetattr};
    let terminal = rustix::stdio::stderr();
    // In the background, changing the terminal would stop us.
    if tcgetpgrp(terminal).ok()? != rustix::process::getpgrp() {
        return None;
    }
    let before = tcgetattr(terminal).ok()?;
    let mut after = before.clone();
    after.local_modes.remove(LocalModes::ECHOCTL);
    tcsetattr(terminal, OptionalActions::Now, &after).ok()?;
    Some(before)
}

#[cfg(unix)]
impl Drop for Unechoed {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcgetpgrp, tcsetattr};
        let terminal = rustix::stdio::stderr();
        let ours = tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp());
        if let Some(before) = self.before.take().filter(|_| ours) {
            // A terminal that is gone needs nothing back.
            let _ = tcsetattr(terminal, OptionalActions::Now, &before);
        }
    }
}

#[cfg(not(unix))]
impl Unechoed {
    /// Begins.
    pub fn new() -> Self {
        Self {}
    }
}
