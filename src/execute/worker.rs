//! What a worker does with a step: judges it, runs its commands if it is stale, and keeps what came of it. It knows
//! nothing of other steps but whether they ran.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::command::{Commands, Kept};
use super::{Done, Judge, Signal, Teller, Work};
use crate::keys::{Key, Keys};
use crate::model::{
    CargoCommand, Digest, FileStat, Interrupt, Outcome, Output, Plan, Replay, StepId, Subject, Verdict,
};
use crate::plan::{Argv, Expansion};
use crate::process;
use crate::store::{Artifact, Blobs};

/// Does the steps of one run.
pub struct Worker<'a> {
    plan: &'a Plan,
    expansion: &'a Expansion<'a>,
    keys: &'a Keys<'a>,
    judge: &'a Judge<'a>,
    blobs: &'a Blobs,
    commands: Commands<'a>,
    ran: Vec<AtomicBool>,
    interrupted: AtomicBool,
    produced: Mutex<Vec<Produced>>,
}

/// What came of a step that ran and has a key.
pub struct Produced {
    /// The step.
    pub step: StepId,
    /// Its key, taken before it ran.
    pub key: Key,
    /// Whether it succeeded, undisturbed.
    pub good: bool,
    /// How long it ran.
    pub duration: Duration,
    /// What it printed.
    pub output: Output,
    /// Whether there are warnings in it.
    pub warned: bool,
    /// What it made.
    pub artifacts: Vec<Artifact>,
}

impl<'a> Worker<'a> {
    /// A worker for the steps of a plan.
    pub fn new(
        (plan, expansion): (&'a Plan, &'a Expansion<'a>),
        (keys, judge): (&'a Keys<'a>, &'a Judge<'a>),
        blobs: &'a Blobs,
        commands: Commands<'a>,
    ) -> Self {
        Self {
            plan,
            expansion,
            keys,
            judge,
            blobs,
            commands,
            ran: plan.steps.iter().map(|_| AtomicBool::new(false)).collect(),
            interrupted: AtomicBool::new(false),
            produced: Mutex::default(),
        }
    }

    /// What came of the steps that ran.
    pub fn into_produced(self) -> Vec<Produced> {
        self.produced.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, id: StepId, key: Option<Key>, tell: &Teller) -> Done {
        let step = self.plan.step(id);
        let expanded = self.expansion.expand(step);
        let begun = Instant::now();
        let ran = self.commands.run(&expanded, step.definition.parallel, tell);
        let duration = begun.elapsed();
        let output = if ran.log.is_empty() { Output::default() } else { Output::of(Arc::new(Kept::new(ran.log))) };
        self.ran[id.index()].store(true, Ordering::Release);
        self.keys.look_again(step);
        if let Some(key) = key {
            let good = ran.failure.is_none() && !self.interrupted.load(Ordering::Acquire);
            let artifacts = if good {
                self.artifacts(&expanded.commands, step.subject.clone(), &ran.artifacts)
            } else {
                Vec::new()
            };
            let output = output.clone();
            let produced = Produced { step: id, key, good, duration, output, warned: ran.warned, artifacts };
            self.produced.lock().unwrap_or_else(PoisonError::into_inner).push(produced);
        }
        let outcome = ran.failure.map_or(Outcome::Succeeded, |how| Outcome::Failed(how.into()));
        Done { outcome, duration, output, warned: ran.warned }
    }

    /// What cargo made of members, as it stands now: the step is fresh only while it stands so. A check makes nothing
    /// that anybody uses.
    fn artifacts(&self, commands: &[Argv], subject: Subject, made: &[crate::cargo_output::Artifact]) -> Vec<Artifact> {
        let checks =
            |command: &Argv| matches!(command, Argv::Words(_, Some(CargoCommand::Check | CargoCommand::Clippy)));
        if commands.iter().all(checks) {
            return Vec::new();
        }
        drop(subject);
        let workspace = self.expansion.workspace;
        let members = workspace.members.iter().filter_map(|member| member.package.as_ref());
        let specs: std::collections::HashSet<&str> = members.map(|package| &*package.spec).collect();
        let made = made.iter().filter(|artifact| specs.contains(&*artifact.package_id));
        made.flat_map(|artifact| &artifact.filenames).filter_map(|path| self.artifact(path)).collect()
    }

    fn artifact(&self, path: &Path) -> Option<Artifact> {
        let stat = FileStat::of(&path.metadata().ok()?);
        let path = path.strip_prefix(&self.expansion.workspace.target_dir).unwrap_or(path);
        Some(Artifact { path: path.to_str()?.to_owned(), size: stat.size, mtime_ns: stat.mtime_ns })
    }
}

impl Work for Worker<'_> {
    fn step(&self, id: StepId, tell: &Teller) -> Done {
        let judged = self.judge.judge(id, &|step| self.ran[step.index()].load(Ordering::Acquire));
        match judged.verdict {
            Verdict::Stale(reason) => {
                tell.started(reason);
                self.run(id, judged.key, tell)
            }
            Verdict::Fresh { saved } => {
                let record = judged.record;
                let warned = record.as_ref().is_some_and(|record| record.warned);
                let output = record.and_then(|record| record.output).map(|digest| (self.blobs.clone(), digest));
                let output = output.map_or_else(Output::default, |stored| Output::of(Arc::new(Stored(stored))));
                Done { outcome: Outcome::Cached { saved }, duration: Duration::ZERO, output, warned }
            }
        }
    }

    fn interrupt(&self, signal: Signal) {
        self.interrupted.store(true, Ordering::Release);
        let children = self.commands.children;
        children.close();
        match signal {
            Signal::Pass(Interrupt::Interrupt) => children.signal_all(process::Signal::Interrupt),
            Signal::Pass(Interrupt::Terminate) => children.signal_all(process::Signal::Terminate),
            Signal::Pass(Interrupt::Hangup) => children.signal_all(process::Signal::Hangup),
            Signal::Kill => children.kill_all(),
        }
    }
}

/// Output that an earlier run has stored.
struct Stored((Blobs, Digest));

impl Replay for Stored {
    fn copy_to(&self, mut to: &mut dyn io::Write) -> io::Result<()> {
        let (blobs, digest) = &self.0;
        if blobs.copy(digest, &mut to)? { Ok(()) } else { to.write_all(b"(what it printed is no longer stored)\n") }
    }
}
