//! What a runner is given to do, and what has to be known of a runner. Which runners there are is not known here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::bench::command::{quiet, timed};
use crate::bench::floor::{Ground, threads};
use crate::generate::{Shape, name};

/// The workspace, as a list of members.
pub struct Job {
    /// The files.
    pub ground: Ground,
    /// In order: each depends on earlier ones only.
    pub members: Vec<Member>,
    /// The runner.
    pub program: PathBuf,
}

/// A member, in paths from the root.
pub struct Member {
    pub name: String,
    pub dir: String,
    /// The names of those it depends on.
    pub dependencies: Vec<String>,
    pub inputs: Vec<String>,
}

impl Job {
    /// The job of this shape, whose files are there.
    pub fn new(shape: &Shape, ground: Ground, program: PathBuf) -> Self {
        let member = |number| {
            let dir = format!("members/{}", name(number));
            let parts = (1..shape.files()).map(|file| format!("{dir}/src/part_{file:03}.rs"));
            let inputs = [format!("{dir}/Cargo.toml"), format!("{dir}/src/lib.rs")].into_iter().chain(parts).collect();
            let dependencies = shape.dependencies(number).into_iter().map(name).collect();
            Member { name: name(number), dir, dependencies, inputs }
        };
        Self { members: (0..shape.members()).map(member).collect(), ground, program }
    }

    /// The root.
    pub fn dir(&self) -> &Path {
        &self.ground.dir
    }

    /// Writes a file of the runner's.
    pub fn put(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let path = self.dir().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Member {
    /// What its command leaves behind.
    pub fn stamp(&self) -> String {
        format!("{}/out/stamp", self.dir)
    }
}

/// A runner.
pub struct Peer {
    pub name: &'static str,
    /// What it is called on PATH.
    pub programs: &'static [&'static str],
    /// How it tells what has changed.
    pub looks_at: &'static str,
    /// What is to be said of how it is run.
    pub note: &'static str,
    /// Writes what it has to be told of the workspace.
    pub write: fn(&Job) -> anyhow::Result<()>,
    /// The words of a run; `JOBS` stands for their number.
    pub words: &'static [&'static str],
    /// Variables; `ROOT` stands for the workspace's root, `PATH` for the value of that variable.
    pub env: &'static [(&'static str, &'static str)],
    /// Where it keeps what it knows, from the root.
    pub state: &'static [&'static str],
    /// Whether it wants a git repository.
    pub git: bool,
}

/// Where runners keep what is the user's.
const HOME: &str = ".home";

impl Peer {
    /// Writes everything that it needs.
    pub fn lay(&self, job: &Job) -> anyhow::Result<()> {
        (self.write)(job)?;
        let ignored =
            [".gitignore", "/target", "out", "node_modules", HOME].into_iter().chain(self.state.iter().copied());
        job.put(".gitignore", &ignored.map(|path| format!("{path}\n")).collect::<String>())?;
        if self.git {
            let git = |words: &[&str]| {
                let status = quiet("git", job.dir()).args(words).status().context("cannot start git")?;
                ensure!(status.success(), "git {} failed", words.join(" "));
                Ok(())
            };
            git(&["init", "--initial-branch", "main"])?;
            git(&["add", "--all"])?;
            let who = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"];
            git(&[&who[..], &["commit", "-m", "all"]].concat())?;
        }
        Ok(())
    }

    /// A run.
    pub fn command(&self, job: &Job) -> Command {
        let mut command = quiet(&job.program, job.dir());
        let jobs = threads().to_string();
        command.args(self.words.iter().map(|word| word.replace("JOBS", &jobs)));
        let home = job.dir().join(HOME);
        command.env("HOME", &home).env("XDG_CACHE_HOME", home.join("cache")).env("XDG_STATE_HOME", home.join("state"));
        command.env("XDG_DATA_HOME", home.join("data")).env("XDG_CONFIG_HOME", home.join("config"));
        let root = job.dir().to_string_lossy();
        let path = std::env::var("PATH").unwrap_or_default();
        let value = |value: &str| value.replace("ROOT", &root).replace("PATH", &path);
        command.env("CI", "true").envs(self.env.iter().map(|(name, text)| (name, value(text))));
        command
    }

    /// Runs, and answers how long that took.
    pub fn run(&self, job: &Job) -> anyhow::Result<Duration> {
        timed(&mut self.command(job))
    }

    /// Takes away all that it knows, and all that was made.
    pub fn forget(&self, job: &Job) -> anyhow::Result<()> {
        job.ground.clean()?;
        self.state.iter().chain([&HOME]).try_for_each(|path| job.ground.put_aside(&job.dir().join(path)))
    }
}
