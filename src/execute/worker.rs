//! What a worker does with a step: judges it, runs its commands if it is stale, and keeps what came of it. It knows
//! nothing of other steps but whether they ran.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::command::{Commands, Kept, Ran};
use super::judge::{Held, Judged};
use super::upstream::Came;
use super::{Done, Judge, Signal, Teller, Work};
use crate::cargo_output;
use crate::keys::{Key, Keys};
use crate::model::{
    CargoCommand, Digest, Discovered, FileStat, Interrupt, MemberId, Outcome, Output, Plan, Reason, Replay, Step,
    StepId, Verdict,
};
use crate::outputs::{Before, Outputs};
use crate::plan::{Argv, Expanded, Expansion};
use crate::process;
use crate::store::{Artifact, Blobs, Manifest};
use crate::walk::Place;

/// Time stamps of files are this coarse at most. A step that compiles starts that much later than what may have been
/// written for it, or a file that turns out to have been read could have changed while the step ran.
const GRAIN: Duration = Duration::from_millis(10);

/// Does the steps of one run.
pub struct Worker<'a> {
    plan: &'a Plan,
    expansion: &'a Expansion<'a>,
    keys: &'a Keys<'a>,
    judge: &'a Judge<'a>,
    outputs: &'a Outputs<'a>,
    blobs: &'a Blobs,
    commands: Commands<'a>,
    /// Which steps ran.
    ran: Vec<AtomicBool>,
    /// What is in the places of the steps' declared outputs.
    made: Vec<OnceLock<Digest>>,
    /// When a step last ended.
    ended: Mutex<Instant>,
    interrupted: AtomicBool,
    produced: Mutex<Vec<Produced>>,
}

/// What came of a step that ran and has a key.
pub struct Produced {
    /// The step.
    pub step: StepId,
    /// Its key, taken before it ran.
    pub key: Key,
    /// What is to be kept of it.
    pub ending: Ending,
    /// How long it ran.
    pub duration: Duration,
    /// What it printed.
    pub output: Output,
    /// Whether there are warnings in it.
    pub warned: bool,
}

/// What is to be kept of a step that ran.
pub enum Ending {
    /// That it did not succeed.
    Failed,
    /// Nothing, although it succeeded; why not, in words.
    Unkept(String),
    /// Nothing at all, not even that it ran: cargo did not look at a file that has changed. The name of the file.
    Unseen(String),
    /// The result.
    Good {
        /// What it turned out to depend on besides its key; `None` if that cannot be more than the key covers.
        discovered: Option<Vec<Discovered>>,
        /// What it made.
        artifacts: Vec<Artifact>,
        /// The blob of the list of its declared outputs, if it declares any.
        outputs: Option<Digest>,
    },
    /// It was fresh, but in another state than it was last seen in: the digest of this one, and what was discovered.
    Matched(Digest, Option<Vec<Discovered>>),
    /// It was fresh, for the first time today, by the record of this digest.
    Used(Digest),
}

impl Ending {
    /// What the step turned out to depend on besides its key.
    pub fn discovered(&self) -> Option<&[Discovered]> {
        match self {
            Self::Good { discovered, .. } | Self::Matched(_, discovered) => discovered.as_deref(),
            Self::Failed | Self::Unkept(_) | Self::Unseen(_) | Self::Used(_) => None,
        }
    }
}

impl<'a> Worker<'a> {
    /// A worker for the steps of a plan.
    pub fn new(
        (plan, expansion): (&'a Plan, &'a Expansion<'a>),
        (keys, judge): (&'a Keys<'a>, &'a Judge<'a>),
        (outputs, blobs): (&'a Outputs<'a>, &'a Blobs),
        commands: Commands<'a>,
    ) -> Self {
        Self {
            plan,
            expansion,
            keys,
            judge,
            outputs,
            blobs,
            commands,
            ran: plan.steps.iter().map(|_| AtomicBool::new(false)).collect(),
            made: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            ended: Mutex::new(Instant::now()),
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
        let unseen = key.map(|key| self.judge.unseen_by_cargo(id, key)).unwrap_or_default();
        let before = key.map(|_| self.judge.discovered_before(id)).unwrap_or_default();
        let places = self.keys.outputs_of(step);
        let stood = step.definition.outputs.is_some().then(|| self.outputs.before(&places));
        if key.is_some() && step.definition.commands.iter().any(|command| command.cargo().is_some()) {
            let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            std::thread::sleep(GRAIN.saturating_sub(ended.elapsed()));
        }
        let (began, clock) = (SystemTime::now(), Instant::now());
        let mut ran = self.commands.run(&expanded, step.definition.parallel, tell);
        let duration = clock.elapsed();
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let log = std::mem::take(&mut ran.log);
        let output = if log.is_empty() { Output::default() } else { Output::of(Arc::new(Kept::new(log))) };
        self.ran[id.index()].store(true, Ordering::Release);
        let made = stood.filter(|_| ran.failure.is_none()).map(|stood| self.take_outputs(id, &places, stood, tell));
        self.keys.look_again(step);
        if let Some(key) = key {
            let unseen = self.unseen(id, &ran, unseen);
            let ending = self.ending((step, &expanded), &ran, (began, &before), unseen);
            if let (Ending::Unseen(name), None) = (&ending, &ran.failure) {
                tell.warned(format!(
                    "{name} changed, but is not newer than the last run, so cargo did not look at it; \
                     `touch` it (this result is not kept)"
                ));
            }
            let ending = self.with_outputs(ending, made);
            self.produce(Produced { step: id, key, ending, duration, output: output.clone(), warned: ran.warned });
        }
        let outcome = ran.failure.map_or(Outcome::Succeeded, |how| Outcome::Failed(how.into()));
        Done { outcome, duration, output, warned: ran.warned }
    }

    /// What the step made in the places of its outputs; those who wait for it are told.
    fn take_outputs(
        &self,
        id: StepId,
        places: &[Place<'_>],
        stood: io::Result<Before>,
        tell: &Teller,
    ) -> Result<Manifest, String> {
        let stood = stood.map_err(|error| error.to_string())?;
        let manifest = self.outputs.made(places, &stood, self.judge.made_before(id).as_ref())?;
        if manifest.entries.is_empty() && !places.is_empty() {
            tell.warned(format!("`outputs` of {} name no file that is there", self.judge.name(id)));
        }
        let _ = self.made[id.index()].set(manifest.digest());
        Ok(manifest)
    }

    /// The ending with the outputs, if there is a result to keep and they can be kept.
    fn with_outputs(&self, ending: Ending, made: Option<Result<Manifest, String>>) -> Ending {
        let (Ending::Good { discovered, artifacts, .. }, Some(made)) = (&ending, made) else { return ending };
        let kept = made.and_then(|manifest| {
            self.outputs.keep(&manifest).map_err(|error| format!("its outputs cannot be stored: {error}"))
        });
        match kept {
            Ok(blob) => {
                Ending::Good { discovered: discovered.clone(), artifacts: artifacts.clone(), outputs: Some(blob) }
            }
            Err(why) => Ending::Unkept(why),
        }
    }

    /// What came of a step so far.
    fn came(&self, id: StepId) -> Came {
        Came { ran: self.ran[id.index()].load(Ordering::Acquire), made: self.made[id.index()].get().copied() }
    }

    /// Puts back what is amiss of the outputs of a fresh step.
    fn restore(&self, id: StepId, held: &Held) -> Result<(), Reason> {
        let step = self.plan.step(id);
        if !held.amiss.is_empty() {
            let restored = self.outputs.restore(&self.keys.outputs_of(step), &held.amiss);
            // Whether or not all went well: some may be in place.
            self.keys.look_again(step);
            restored.map_err(|why| Reason::OutputLost(why.into()))?;
        }
        Ok(())
    }

    /// A fresh step is not run: what its record says is shown and noted.
    fn pass_by(&self, id: StepId, judged: Judged) -> Done {
        if let Some(made) = judged.made() {
            let _ = self.made[id.index()].set(made);
        }
        let saved = judged.record.as_ref().map_or(Duration::ZERO, |held| held.record.duration);
        if let (Some(key), Some(held)) = (judged.key, &judged.record) {
            let is_new = self.judge.is_other(id, held.digest) && self.is_seen(id, key);
            let matched = is_new.then(|| Ending::Matched(held.digest, held.discovered.clone()));
            let used = self.judge.is_first_use(held).then_some(Ending::Used(held.digest));
            for ending in used.into_iter().chain(matched) {
                let output = Output::default();
                self.produce(Produced { step: id, key, ending, duration: saved, output, warned: false });
            }
        }
        let record = judged.record.map(|held| held.record);
        let warned = record.as_ref().is_some_and(|record| record.warned);
        let output = record.and_then(|record| record.output).map(|digest| (self.blobs.clone(), digest));
        let output = output.map_or_else(Output::default, |stored| Output::of(Arc::new(Stored(stored))));
        Done { outcome: Outcome::Cached { saved }, duration: Duration::ZERO, output, warned }
    }

    fn produce(&self, produced: Produced) {
        self.produced.lock().unwrap_or_else(PoisonError::into_inner).push(produced);
    }

    fn ending(
        &self,
        (step, expanded): (&Step, &Expanded),
        ran: &Ran,
        (began, before): (SystemTime, &[Discovered]),
        unseen: Option<String>,
    ) -> Ending {
        // Asked of a failure as well: once that is noted, the next run would not find the file changed any more.
        if let Some(name) = unseen {
            return Ending::Unseen(name);
        }
        if ran.failure.is_some() || self.interrupted.load(Ordering::Acquire) {
            return Ending::Failed;
        }
        if ran.unread {
            return Ending::Unkept("cargo reports in a form of the command's own, not what it read".to_owned());
        }
        if !ran.reported {
            return Ending::Good { discovered: None, artifacts: Vec::new(), outputs: None };
        }
        match self.keys.discover(step, (&ran.artifacts, &ran.scripts), (began, before)) {
            Ok(found) => Ending::Good {
                discovered: (!found.is_empty()).then_some(found),
                artifacts: self.artifacts(&expanded.commands, &ran.artifacts),
                outputs: None,
            },
            Err(why) => Ending::Unkept(why),
        }
    }

    /// A file that cargo did not look at, although it may have changed: one of those that have changed since the step's
    /// last run, or one that was put in place after somebody else made what cargo took for fresh.
    fn unseen(&self, id: StepId, ran: &Ran, changed: Vec<(Arc<str>, Option<MemberId>)>) -> Option<String> {
        if !ran.reported {
            return None;
        }
        let mut changed = changed.into_iter().filter(|(_, member)| !self.is_recompiled(*member, ran));
        let overlooked = || self.keys.overlooked((&ran.artifacts, &ran.scripts), self.judge.last_seen_ns(id));
        changed.next().map(|(name, _)| name.to_string()).or_else(overlooked)
    }

    /// Whether cargo would see what differs from the state that the step was last seen in. Where it would not, its own
    /// results still are those of that state, and the next run has to be compared with it.
    fn is_seen(&self, id: StepId, key: Key) -> bool {
        let mut commands = self.plan.step(id).definition.commands.iter().filter_map(|command| command.cargo());
        !commands.any(CargoCommand::compiles) || self.judge.unseen_by_cargo(id, key).is_empty()
    }

    /// Whether cargo compiled everything of the member.
    fn is_recompiled(&self, member: Option<MemberId>, ran: &Ran) -> bool {
        let package = member.and_then(|member| self.expansion.workspace.member(member).package.as_ref());
        let Some(package) = package else { return false };
        let mut own = ran.artifacts.iter().filter(|artifact| *artifact.package_id == *package.spec).peekable();
        own.peek().is_some() && own.all(|artifact| !artifact.fresh)
    }

    /// What cargo made of members, as it stands now: the step is fresh only while it stands so. A check makes nothing
    /// that anybody uses.
    fn artifacts(&self, commands: &[Argv], made: &[cargo_output::Artifact]) -> Vec<Artifact> {
        let checks =
            |command: &Argv| matches!(command, Argv::Words(_, Some(CargoCommand::Check | CargoCommand::Clippy)));
        if commands.iter().all(checks) {
            return Vec::new();
        }
        let workspace = self.expansion.workspace;
        let members = workspace.members.iter().filter_map(|member| member.package.as_ref());
        let specs: HashSet<&str> = members.map(|package| &*package.spec).collect();
        let made = made.iter().filter(|artifact| specs.contains(&*artifact.package_id));
        let files = made.flat_map(|artifact| &artifact.filenames);
        // Metadata is between cargo and the compiler; other selections and profiles come and go in it.
        let files = files.filter(|file| file.extension().is_none_or(|is| is != "rmeta"));
        files.filter_map(|path| self.artifact(path)).collect()
    }

    fn artifact(&self, path: &Path) -> Option<Artifact> {
        let stat = FileStat::of(&path.metadata().ok()?);
        let path = path.strip_prefix(&self.expansion.workspace.target_dir).unwrap_or(path);
        Some(Artifact { path: path.to_str()?.to_owned(), size: stat.size, mtime_ns: stat.mtime_ns })
    }
}

impl Work for Worker<'_> {
    fn step(&self, id: StepId, tell: &Teller) -> Done {
        let judged = self.judge.judge(id, &|step| self.came(step));
        let reason = match (&judged.verdict, &judged.record) {
            (Verdict::Stale(reason), _) => Some(reason.clone()),
            (Verdict::Fresh { .. }, Some(held)) => self.restore(id, held).err(),
            (Verdict::Fresh { .. }, None) => None,
        };
        match reason {
            Some(reason) => {
                tell.started(reason);
                self.run(id, judged.key, tell)
            }
            None => self.pass_by(id, judged),
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
