//! A phase of ours beside the same call of plain cargo, which has a target directory of its own: what cargo does after a
//! change shows the trap, and we must not do less. It knows no trap.

use std::ffi::OsString;

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// A workspace, a phase for it, and what one would say to cargo instead.
pub struct Witness {
    pub scene: Scene,
    ours: String,
    plain: String,
    env: Vec<(String, OsString)>,
}

impl Witness {
    /// Nothing has run yet.
    pub fn new(scene: Scene, ours: &str, plain: &str) -> Self {
        Self { scene, ours: ours.to_owned(), plain: plain.to_owned(), env: Vec::new() }
    }

    /// `check` for all members, which has run and is fresh.
    #[track_caller]
    pub fn checked(scene: Scene) -> Self {
        Self::new(scene, "check", "check --workspace").begun()
    }

    /// Both have run, and now both have nothing to do.
    #[track_caller]
    pub fn begun(self) -> Self {
        assert_eq!(self.reruns(), "first run");
        self.stays();
        self
    }

    /// From now on with this variable.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.unset(name);
        self.env.push((name.to_owned(), value.into()));
    }

    /// From now on without this variable.
    pub fn unset(&mut self, name: &str) {
        self.env.retain(|(known, _)| known != name);
    }

    /// Plain cargo has work to do and so have we, for the reason that is answered; after that we are fresh.
    #[track_caller]
    pub fn reruns(&self) -> String {
        let plain = self.plain();
        assert!(plain.code == Some(0) && has_worked(&plain), "\n{}", plain.text());
        self.runs()
    }

    /// We run, whatever plain cargo would do, and are fresh after that; the reason.
    #[track_caller]
    pub fn runs(&self) -> String {
        let ended = self.call().succeeds();
        let why = reason(&ended);
        assert_ne!(why, "fresh", "a wrong skip");
        let again = self.call().succeeds();
        assert!(again.was_fresh(), "\n{}{}", ended.text(), again.text());
        why
    }

    /// Plain cargo fails, and so do we.
    #[track_caller]
    pub fn breaks(&self) {
        let plain = self.plain();
        assert_ne!(plain.code, Some(0), "\n{}", plain.text());
        let ended = self.call().run();
        assert!(ended.code == Some(1) || ended.code == Some(4), "a wrong skip:\n{}", ended.text());
    }

    /// Plain cargo has nothing to do, and neither have we.
    #[track_caller]
    pub fn stays(&self) {
        let plain = self.plain();
        assert!(plain.code == Some(0) && !has_worked(&plain), "\n{}", plain.text());
        self.is_fresh();
    }

    #[track_caller]
    pub fn is_fresh(&self) {
        let ended = self.call().succeeds();
        assert!(ended.was_fresh(), "\n{}", ended.text());
    }

    /// Our call.
    pub fn call(&self) -> Call {
        self.with_env(self.scene.call(&self.ours))
    }

    /// Plain cargo's.
    pub fn plain(&self) -> Ended {
        self.plainly(&self.plain)
    }

    /// Plain cargo with other words.
    pub fn plainly(&self, words: &str) -> Ended {
        self.with_env(self.scene.call("")).env("CARGO_TARGET_DIR", self.scene.beside("plain")).cargo(words)
    }

    fn with_env(&self, call: Call) -> Call {
        self.env.iter().fold(call, |call, (name, value)| call.env(name, value))
    }
}

/// Whether cargo compiled anything.
fn has_worked(ended: &Ended) -> bool {
    ["Compiling", "Checking", "Documenting"].iter().any(|verb| !ended.lines_of(verb).is_empty())
}

/// The reason of the only step that ran; `fresh` if none did.
#[track_caller]
pub fn reason(ended: &Ended) -> String {
    let ran = ended.lines_of("Ran");
    assert!(ran.len() <= 1, "\n{}", ended.text());
    let reason = ran.first().and_then(|line| line.split_once("] (")).map_or("fresh", |(_, reason)| reason);
    reason.strip_suffix(')').unwrap_or(reason).to_owned()
}
