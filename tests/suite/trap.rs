//! A workspace in which plain cargo and we take turns, each with a target directory of its own, and what each makes of a
//! change. It knows no trap.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// What plain cargo makes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// It compiles or runs something.
    Rebuilds,
    /// It finds everything fresh.
    PassesBy,
    Fails,
}

/// A workspace with a phase, which plain cargo and we have both run once.
pub struct Trap {
    pub scene: Scene,
    phase: String,
    command: String,
    env: Vec<(&'static str, String)>,
}

/// A phase for every target of a member: those that cargo finds by itself, too.
const EVERY: &str = "[lifecycle.every]\ncommand = \"cargo check {selected} --all-targets\"\ncache = true\n";

impl Trap {
    /// `cargo check`.
    #[track_caller]
    pub fn check(scene: Scene) -> Self {
        Self::of(scene, "check", "check --workspace")
    }

    /// `cargo build`.
    #[track_caller]
    pub fn build(scene: Scene) -> Self {
        Self::of(scene, "build", "build --workspace")
    }

    /// `cargo check --all-targets`.
    #[track_caller]
    pub fn all_targets(scene: Scene) -> Self {
        Self::of(scene.make(EVERY), "every", "check --workspace --all-targets")
    }

    #[track_caller]
    fn of(scene: Scene, phase: &str, command: &str) -> Self {
        if !scene.at(".gitignore").exists() {
            scene.write(".gitignore", "/target\n*.log\n");
        }
        let trap = Self { scene, phase: phase.to_owned(), command: command.to_owned(), env: Vec::new() };
        trap.plain_is(Plain::Rebuilds);
        trap.plain_is(Plain::PassesBy);
        trap.runs();
        trap.is_fresh("right after the first run");
        trap
    }

    /// From now on with this variable, or with another value of it.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_owned()));
    }

    /// From now on without this variable.
    pub fn unset(&mut self, name: &str) {
        self.env.retain(|(known, _)| *known != name);
    }

    /// Our call, about to be made.
    pub fn call(&self) -> Call {
        self.env.iter().fold(self.scene.call(&self.phase), |call, (name, value)| call.env(name, value))
    }

    /// What plain cargo prints.
    pub fn plain(&self) -> Ended {
        let call = self.env.iter().fold(self.scene.call(""), |call, (name, value)| call.env(name, value));
        call.env("CARGO_TARGET_DIR", self.scene.beside("plain")).cargo(&format!("{} -v", self.command))
    }

    #[track_caller]
    pub fn plain_is(&self, expected: Plain) {
        let ended = self.plain();
        let does = ["Checking ", "Compiling ", "Running "];
        let text = ended.text();
        let is_busy = text.lines().any(|line| does.iter().any(|verb| line.trim_start().starts_with(verb)));
        let actual = match ended.code {
            Some(0) if is_busy => Plain::Rebuilds,
            Some(0) => Plain::PassesBy,
            _ => Plain::Fails,
        };
        assert_eq!(actual, expected, "plain cargo:\n{text}");
    }

    /// Plain cargo starts from nothing.
    #[track_caller]
    pub fn clean_plain_is(&self, expected: Plain) {
        fs::remove_dir_all(self.scene.beside("plain")).unwrap();
        self.plain_is(expected);
    }

    /// We run, and succeed.
    #[track_caller]
    pub fn runs(&self) -> Ended {
        let ended = self.call().succeeds();
        assert!(!ended.was_fresh(), "\n{}", ended.text());
        ended
    }

    /// We run, succeed, and give this reason.
    #[track_caller]
    pub fn runs_for(&self, reason: &str) -> Ended {
        let ended = self.runs();
        assert!(ended.ran().iter().any(|line| line.contains(reason)), "not for `{reason}`:\n{}", ended.text());
        ended
    }

    #[track_caller]
    pub fn is_fresh(&self, when: &str) {
        let ended = self.call().succeeds();
        assert!(ended.was_fresh(), "{when}:\n{}", ended.text());
        assert!(!ended.text().contains("warning: the result"), "{when}:\n{}", ended.text());
    }

    /// Plain cargo builds again, and so do we, for this reason; then we are fresh, and what concerns nobody leaves it so.
    #[track_caller]
    pub fn both_run(&self, reason: &str) {
        self.plain_is(Plain::Rebuilds);
        self.runs_for(reason);
        self.settles();
    }

    /// We are fresh, and what concerns nobody leaves it so.
    #[track_caller]
    pub fn settles(&self) {
        self.is_fresh("right after a run");
        fs::write(self.scene.beside("unrelated.txt"), format!("{:?}", SystemTime::now())).unwrap();
        self.scene.write("unrelated.log", &format!("{:?}", SystemTime::now()));
        self.is_fresh("after a change that concerns nobody");
    }

    /// Plain cargo fails, and so do we, again and again.
    #[track_caller]
    pub fn both_fail(&self) {
        self.plain_is(Plain::Fails);
        for _ in 0..2 {
            let ended = self.call().run();
            assert_eq!(ended.code, Some(1), "\n{}", ended.text());
        }
    }

    /// Plain cargo calls it fresh and is wrong. We run, say that cargo did not look at this file, and keep nothing: the
    /// next run says the same.
    #[track_caller]
    pub fn cargo_is_fooled_by(&self, file: &str) {
        self.plain_is(Plain::PassesBy);
        for _ in 0..2 {
            let text = self.runs().text();
            let said = text.lines().any(|line| line.contains(file) && line.contains("cargo did not look at it"));
            assert!(said, "`{file}` is not named:\n{text}");
        }
    }

    /// We run, and say that the result is not kept.
    #[track_caller]
    pub fn is_not_kept(&self, because: &str) {
        let text = self.runs().text();
        assert!(text.contains("not kept") && text.contains(because), "not `{because}`:\n{text}");
    }
}

/// The sources of a member `alpha`.
pub fn alpha(source: &str) -> Scene {
    let scene = Scene::of(&["alpha"]);
    scene.append("alpha/src/lib.rs", source);
    scene
}

/// Gives a file this time, in seconds since the Unix epoch, and leaves its contents.
pub fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Calls git in the workspace; it must succeed.
pub fn git(scene: &Scene, words: &str) {
    let mut git = Command::new("git");
    git.current_dir(scene.root()).args([
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "commit.gpgsign=false",
    ]);
    let ended = git.args(words.split(' ')).output().unwrap();
    assert!(ended.status.success(), "git {words}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// Waits until a file is there, and fails if it never is.
#[track_caller]
pub fn wait_for(path: &Path) {
    let end = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        assert!(Instant::now() < end, "never there: {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
