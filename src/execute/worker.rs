//! What a worker does with a step: judges it, runs its commands if it is stale, and keeps what came of it. It knows
//! nothing of other steps but whether they ran.

mod outputs;
mod produced;
mod tests;
mod unseen;
mod verify;

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::command::Commands;
use super::judge::{Doubts, Held, Judged, may_make_anything, may_write_anything};
use super::ran::{Kept, Ran};
use super::upstream::Came;
use super::{Judge, Passed, Signal, Teller, Turn, Work};
use crate::home::Home;
use crate::keys::{Key, Keys, refined};
use crate::model::{
    CargoCommand, Digest, Discovered, Done, Engine, Interrupt, Outcome, Output, Part, Plan, Reason, Replay, StepId,
    Subject, TestSummary, Verdict,
};
use crate::outputs::{Before, Outputs};
use crate::plan::{Expanded, Expansion};
use crate::process;
use crate::state::Started;
use crate::store::{Blob, Blobs, Manifest};
pub use produced::{Ending, Produced};
pub use tests::PartOf;
use tests::Testing;

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
    started: &'a Started,
    commands: Commands<'a>,
    /// Which steps ran.
    ran: Vec<AtomicBool>,
    /// How many of them may have written anywhere, while it was looked at their own members alone.
    strayed: AtomicUsize,
    /// How many had when everything was looked at last.
    looked: Mutex<usize>,
    /// What came of the steps for those that wait for them.
    made: Vec<OnceLock<Digest>>,
    /// What is in the places of the steps' declared outputs.
    lists: Vec<OnceLock<Manifest>>,
    /// The test steps that are in parts; few are, and each holds much.
    testing: Vec<OnceLock<Box<Testing>>>,
    /// When a step last ended.
    ended: Mutex<Instant>,
    interrupted: AtomicBool,
    produced: Mutex<Vec<Produced>>,
    /// What cargo has made, and when.
    compiled: Mutex<BTreeMap<String, i64>>,
}

/// A step that is about to run.
struct Prepared {
    expanded: Expanded,
    key: Option<Key>,
    /// The result that it is to come to again.
    fresh: Option<Held>,
    doubts: Doubts,
    before: Vec<Discovered>,
    stood: Option<io::Result<Before>>,
    began: SystemTime,
    /// When it began, by the children's clock.
    clock: Duration,
}

impl<'a> Worker<'a> {
    /// A worker for the steps of a plan.
    pub fn new(
        (plan, expansion): (&'a Plan, &'a Expansion<'a>),
        (keys, judge): (&'a Keys<'a>, &'a Judge<'a>),
        (outputs, blobs, started): (&'a Outputs<'a>, &'a Blobs, &'a Started),
        commands: Commands<'a>,
    ) -> Self {
        Self {
            plan,
            expansion,
            keys,
            judge,
            outputs,
            blobs,
            started,
            commands,
            ran: plan.steps.iter().map(|_| AtomicBool::new(false)).collect(),
            strayed: AtomicUsize::new(0),
            looked: Mutex::default(),
            made: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            lists: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            testing: plan.steps.iter().map(|_| OnceLock::new()).collect(),
            ended: Mutex::new(Instant::now()),
            interrupted: AtomicBool::new(false),
            produced: Mutex::default(),
            compiled: Mutex::default(),
        }
    }

    /// Runs the step, noted before as one that has begun if it may write anything.
    fn run_noted(&self, id: StepId, (key, fresh): (Option<Key>, Option<Held>), tell: &Teller<'_>) -> Done {
        let (step, name) = (self.plan.step(id), self.judge.name(id));
        let is_noted = may_write_anything(step);
        if is_noted && let Err(error) = self.started.begins(name, key.map(|key| key.digest)) {
            tell.warned(unnoted(self.judge.home(), name, &error));
        }
        let done = self.run(id, (key, fresh), tell);
        if step.definition.commands.iter().any(|command| command.cargo() == Some(CargoCommand::Clean)) {
            self.started.cleaned();
        }
        if is_noted {
            self.started.ends(name);
        }
        done
    }

    /// Runs the step; `fresh`: the result that it is to come to again.
    fn run(&self, id: StepId, (key, fresh): (Option<Key>, Option<Held>), tell: &Teller<'_>) -> Done {
        let prepared = self.prepare(id, key, fresh);
        let definition = &self.plan.step(id).definition;
        let tries = self.commands.tries.of(definition);
        let (ran, attempts) = tries.run(
            None,
            tell,
            || self.is_interrupted(),
            || self.commands.run(&prepared.expanded, definition, tries.timeout, tell),
        );
        // If it was passed on to the step, it has been heard.
        if ran.interrupted && !self.is_interrupted() {
            tell.interrupted();
        }
        Done { attempts, ..self.conclude(id, prepared, (ran, None), tell) }
    }

    fn prepare(&self, id: StepId, key: Option<Key>, fresh: Option<Held>) -> Prepared {
        let step = self.plan.step(id);
        let expanded = self.expansion.expand(step);
        // Nobody else tells what was read and made.
        let of_cargo = key.filter(|_| step.definition.commands.iter().any(|command| command.cargo().is_some()));
        let doubts = of_cargo.map(|key| self.judge.unseen_by_cargo(id, key)).unwrap_or_default();
        let before = of_cargo.map(|_| self.judge.discovered_before(id)).unwrap_or_default();
        let makes = step.definition.outputs.as_ref().is_some_and(|outputs| !outputs.is_empty());
        let stood = makes.then(|| self.outputs.before(&self.keys.outputs_of(step)));
        if of_cargo.is_some() {
            let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            std::thread::sleep(GRAIN.saturating_sub(ended.elapsed()));
        }
        Prepared {
            expanded,
            key,
            fresh,
            doubts,
            before,
            stood,
            began: SystemTime::now(),
            clock: self.commands.children.now(),
        }
    }

    /// What is to be kept and told of a step that ran; of a test step with what its executables came to.
    fn conclude(
        &self,
        id: StepId,
        prepared: Prepared,
        (mut ran, tests): (Ran, Option<(TestSummary, Vec<Part>)>),
        tell: &Teller<'_>,
    ) -> Done {
        let step = self.plan.step(id);
        let duration = self.commands.children.now().saturating_sub(prepared.clock).saturating_sub(ran.waited);
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let log = std::mem::take(&mut ran.log);
        if ran.held_open {
            tell.warned(left_behind(self.judge.name(id)));
        }
        let output = if log.is_empty() { Output::default() } else { Output::of(Arc::new(Kept::new(log))) };
        let places = self.keys.outputs_of(step);
        let stood = prepared.stood.filter(|_| ran.failure.is_none());
        let made = stood.map(|stood| self.take_outputs((id, prepared.key), &places, stood, tell));
        let made_now = made.as_ref().and_then(|made| made.as_ref().ok()).cloned();
        self.keys.look_again(step);
        let units = self.units(&ran, prepared.began);
        let fresh = prepared.fresh.as_ref();
        let mut refuted = None;
        let (tests, parts) = tests.map(|(tests, parts)| (Some(tests), parts)).unwrap_or_default();
        if let Some(key) = prepared.key {
            let unseen = self.unseen((&ran, &units), &prepared.doubts, tell);
            let ending = self.ending((step, &prepared.expanded), &ran, (prepared.began, &prepared.before), unseen);
            if let (Ending::Unseen(text), None) = (&ending, &ran.failure) {
                tell.warned(text.clone());
            }
            refuted = fresh.and_then(|held| self.refutation(held, &ran, (&ending, made_now.as_ref())));
            let failed = ran.failure.is_some() && !self.is_cut_off(&ran);
            let ending = match (fresh, &refuted) {
                (Some(held), Some(_)) => Ending::Refuted(held.digest),
                // It may have been run although it was fresh, or nearly so.
                _ if failed && let Some(digest) = self.judge.passed_over(id, key) => Ending::Refuted(digest),
                _ => self.with_outputs(ending, made),
            };
            if let (None, Ending::Good { discovered, .. }) = (&step.definition.outputs, &ending) {
                let state = discovered.as_ref().map_or(key.digest, |found| refined(key.digest, found));
                let _ = self.made[id.index()].set(state);
            }
            let (output, warned) = (output.clone(), ran.warned);
            // What a later run is spared is all of it.
            let duration = duration + tests.map_or(Duration::ZERO, |tests| tests.saved);
            let tests = tests.map(TestSummary::all);
            self.produce(Produced { step: id, part: None, key, ending, duration, output, warned, tests, parts });
        }
        if step.subject != Subject::Workspace && may_make_anything(step) {
            self.strayed.fetch_add(1, Ordering::Release);
        }
        // What was fresh and is so again has changed nothing for others.
        self.ran[id.index()].store(fresh.is_none() || refuted.is_some(), Ordering::Release);
        let failure = refuted.or(ran.failure);
        let outcome = match failure {
            Some(_) if ran.interrupted => Outcome::Cancelled,
            Some(how) => Outcome::Failed(how.into()),
            None => Outcome::Succeeded,
        };
        Done { outcome, duration, output, warned: ran.warned, tests, attempts: 1, peak: ran.peak }
    }

    /// Before a step that is for several members: looks at everything, if one has run meanwhile that may have written into members
    /// of others. (For each member's own step that would take too long; what depends on that one runs anyway.)
    fn look_around(&self, id: StepId) {
        if matches!(self.plan.step(id).subject, Subject::Member(_)) {
            return;
        }
        let strayed = self.strayed.load(Ordering::Acquire);
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if *looked < strayed {
            self.keys.look_everywhere();
            *looked = strayed;
        }
    }

    /// What came of a step so far.
    fn came(&self, id: StepId) -> Came {
        Came { ran: self.ran[id.index()].load(Ordering::Acquire), made: self.made[id.index()].get().copied() }
    }

    /// A fresh step is not run: what its record says is shown and noted.
    fn pass_by(&self, id: StepId, mut judged: Judged) -> Passed {
        let parts = judged.record.as_mut().map(|held| std::mem::take(&mut held.parts)).unwrap_or_default();
        let parts = parts.into_iter().map(|passed| self.fresh_part(passed)).collect();
        if let Some(made) = judged.made() {
            let _ = self.made[id.index()].set(made);
        }
        if let Some(list) = judged.record.as_ref().and_then(|held| held.outputs.clone()) {
            let _ = self.lists[id.index()].set(list);
        }
        let saved = judged.record.as_ref().map_or(Duration::ZERO, |held| held.record.duration);
        if let (Some(key), Some(held)) = (judged.key, &judged.record) {
            let is_new = self.judge.is_other(id, held.digest) && self.is_seen(id, key);
            let matched = is_new.then(|| Ending::Matched(held.digest, held.discovered.clone()));
            let used = self.judge.is_use_due(&held.record).then_some(Ending::Used(held.digest));
            for ending in used.into_iter().chain(matched) {
                let output = Output::default();
                let (part, duration, tests, parts) = (None, saved, None, Vec::new());
                self.produce(Produced { step: id, part, key, ending, duration, output, warned: false, tests, parts });
            }
        }
        let restored = judged.record.as_ref().map_or(0, |held| held.amiss.len());
        let record = judged.record.map(|held| held.record);
        let warned = record.as_ref().is_some_and(|record| record.warned);
        let tests = record.as_ref().and_then(|record| record.tests);
        let tests = tests.map(|fresh| TestSummary { fresh, saved, ..TestSummary::default() });
        let output = self.stored(record.and_then(|record| record.output));
        let done = Done { output, warned, tests, ..Done::unrun(Outcome::Cached { saved, restored }) };
        Passed { done, parts }
    }

    /// What was printed when a record was made.
    fn stored(&self, blob: Option<Blob>) -> Output {
        blob.map_or_else(Output::default, |blob| Output::of(Arc::new(Stored((self.blobs.clone(), blob.digest)))))
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    /// Whether a signal ended it, or may have done so.
    fn is_cut_off(&self, ran: &Ran) -> bool {
        ran.interrupted || self.is_interrupted()
    }
}

impl Work for Worker<'_> {
    fn pass(&self, id: StepId) -> Option<Passed> {
        let claim = self.claim_at_once(id)?;
        self.look_around(id);
        let judged = self.judge.judge(id, &|step| self.came(step));
        let is_in_place = judged.record.as_ref().is_some_and(|held| held.amiss.is_empty());
        if !is_in_place || self.judge.verifies() {
            return None;
        }
        let span = tracing::debug_span!("step", step = self.judge.name(id), verdict = "fresh");
        let passed = span.in_scope(|| self.pass_by(id, judged));
        drop(claim);
        Some(passed)
    }

    fn step(&self, id: StepId, tell: &Teller<'_>) -> Turn {
        let span = tracing::debug_span!("step", step = self.judge.name(id), verdict = tracing::field::Empty);
        let _entered = span.enter();
        let claim = self.claim(id, tell);
        self.look_around(id);
        let judged = self.judge.judge(id, &|step| self.came(step));
        let reason = match (&judged.verdict, &judged.record) {
            (Verdict::Stale(reason), _) => Some(reason.clone()),
            (Verdict::Fresh { .. }, Some(_)) if self.judge.verifies() => Some(Reason::Verify),
            (Verdict::Fresh { .. }, Some(held)) => self.restore(id, held, tell).err(),
            (Verdict::Fresh { .. }, None) => None,
        };
        span.record("verdict", if reason.is_some() { "stale" } else { "fresh" });
        let Some(reason) = reason else {
            let Passed { done, parts } = self.pass_by(id, judged);
            parts.into_iter().for_each(|part| tell.part_passed(part));
            return Turn::Done(done);
        };
        tell.started(reason);
        let fresh = judged.record.filter(|_| self.judge.verifies());
        match self.plan.step(id).definition.engine {
            Engine::Command => Turn::Done(self.run_noted(id, (judged.key, fresh), tell)),
            Engine::CargoTest => self.compile_tests(id, (judged.key, fresh), claim, tell),
        }
    }

    fn part(&self, step: StepId, place: usize, tell: &Teller<'_>) -> Part {
        self.run_part(step, place, tell)
    }

    fn join(&self, step: StepId, tell: &Teller<'_>) -> Done {
        self.join_tests(step, tell)
    }

    fn interrupt(&self, signal: Signal) {
        self.interrupted.store(true, Ordering::Release);
        let children = self.commands.children;
        children.close();
        match signal {
            Signal::Pass(Interrupt::Interrupt) => children.signal_all(process::Signal::Interrupt),
            Signal::Pass(Interrupt::Terminate | Interrupt::Other(_)) => children.signal_all(process::Signal::Terminate),
            Signal::Pass(Interrupt::Quit) => children.signal_all(process::Signal::Quit),
            Signal::Pass(Interrupt::Hangup) => children.signal_all(process::Signal::Hangup),
            Signal::Kill => children.kill_all(),
        }
    }

    fn stand_still(&self) {
        self.commands.children.stand_still();
    }
}

/// What is said when it cannot be noted that a step begins.
fn unnoted(home: &Home, step: &str, error: &io::Error) -> String {
    let folder = home.own().display();
    format!(
        "cannot note in `{folder}` that {step} runs: {error}; a later run may take it for fresh by what an earlier one noted \
         there; make it writable, or call the step with --force"
    )
}

/// What is said of a step, or a part, that goes on in secret.
fn left_behind(name: &str) -> String {
    format!("{name} left a process behind that holds its output")
}

/// Output that an earlier run has stored.
struct Stored((Blobs, Digest));

impl Replay for Stored {
    fn copy_to(&self, mut to: &mut dyn io::Write) -> io::Result<()> {
        let (blobs, digest) = &self.0;
        if blobs.copy(digest, &mut to)? { Ok(()) } else { to.write_all(b"(what it printed is no longer stored)\n") }
    }
}
