//! A plan with everything that is needed to judge and run it.

mod came;
mod refused;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::beginning::{Beginning, Past};
use super::stages::{Stages, Stopped};
use super::{Error, Lifecycle, Report, aliases, environment, keep};
use crate::environment::Environment;
use crate::execute::{self, Call, Events, FindRunner, FindRustdoc, Judge, JudgeTerms, Known, TestSetting};
use crate::home::Home;
use crate::keys::{Keys, Looked};
use crate::model::{Engine, EventKind, Explanation, Outcome, Plan, RUN_ID, Step, StepInfo, Verdict};
use crate::outputs::Outputs;
use crate::plan::{self, Expansion};
use crate::schedule;
use crate::signal;
use crate::state::{Started, State};
use crate::store::Blobs;
use refused::{clash_error, cycle_error};

/// A plan of a workspace's steps.
pub struct Planned<'a> {
    lifecycle: &'a Lifecycle,
    pub plan: Arc<Plan>,
    pub steps: Arc<[StepInfo]>,
}

impl<'a> Planned<'a> {
    /// Plans these phases.
    pub fn new(lifecycle: &'a Lifecycle, phases: &[String]) -> Result<Self, Error> {
        let span = tracing::debug_span!("plan", steps = tracing::field::Empty);
        let _entered = span.enter();
        let request = lifecycle.request(phases)?;
        let plan = plan::plan(&lifecycle.workspace, &lifecycle.project, &request);
        let plan = plan.map_err(|cycle| cycle_error(lifecycle, &cycle))?;
        span.record("steps", plan.steps.len());
        let steps = plan::names(&plan, &lifecycle.workspace, &lifecycle.project);
        if let Some(clash) = plan::clash(&plan, &lifecycle.workspace, &lifecycle.project) {
            return Err(clash_error(lifecycle, &steps, &clash));
        }
        Ok(Self::spelled_out(lifecycle, plan, steps))
    }

    /// One phase without its hooks and needs: what it comes to by itself.
    pub fn alone(lifecycle: &'a Lifecycle, phase: &str) -> Result<Self, Error> {
        let request = lifecycle.request(&[phase.to_owned()])?;
        let plan = plan::alone(&lifecycle.workspace, &lifecycle.project, &request);
        let steps = plan::names(&plan, &lifecycle.workspace, &lifecycle.project);
        Ok(Self::spelled_out(lifecycle, plan, steps))
    }

    /// A plan that knows what its calls of cargo stand for.
    fn spelled_out(lifecycle: &'a Lifecycle, mut plan: Plan, steps: Arc<[StepInfo]>) -> Self {
        aliases::find(&mut plan, &lifecycle.workspace, &lifecycle.invocation);
        Self { lifecycle, plan: plan.into(), steps }
    }

    /// The verdicts on all steps as they are now.
    pub fn foresee(&self, beginning: Beginning<'_>) -> Vec<Verdict> {
        self.ask(beginning, |judge| judge.foresee())
    }

    /// The verdicts on all steps as they are now, with all that led to them.
    pub fn account(&self, beginning: Beginning<'_>) -> Vec<Explanation> {
        self.ask(beginning, |judge| judge.account(&self.lifecycle.workspace))
    }

    /// What the judge answers when nothing runs.
    fn ask<T: Send>(&self, beginning: Beginning<'_>, question: impl FnOnce(&Judge<'_>) -> T + Send) -> T {
        let Beginning { past, around, looked } = beginning;
        let pool = &self.lifecycle.pool;
        let keys = self.keys(looked, (&past, &around));
        let outputs = Outputs::new(&past.home, &past.cache);
        pool.install(|| question(&self.judge((&keys, &outputs), &past)))
    }

    /// The keys of everything that was looked at.
    fn keys<'k>(&self, looked: Looked<'k>, (past, around): (&'k Past, &Environment)) -> Keys<'k> {
        let span = tracing::Span::current();
        let keys = || Keys::new(looked, &past.cache, environment::describe(around));
        self.lifecycle.pool.install(|| span.in_scope(keys))
    }

    /// Plans what was asked for, and runs it.
    pub fn run(lifecycle: &'a Lifecycle, events: Events<'_>) -> Result<Report, Error> {
        let begun_at = SystemTime::now();
        let run_id = run_id(begun_at);
        let expansion = lifecycle.expansion();
        let begin = |planned: &Self| planned.begin(Arc::clone(&run_id), events);
        let (planned, beginning) = Beginning::with_plan(lifecycle, &expansion, begin)?;
        planned.carry_out((begun_at, &run_id), &expansion, beginning, events)
    }

    fn carry_out(
        &self,
        (begun_at, run_id): (SystemTime, &str),
        expansion: &Expansion<'_>,
        beginning: Beginning<'_>,
        events: Events<'_>,
    ) -> Result<Report, Error> {
        let Beginning { past, around, looked } = beginning;
        let pool = &self.lifecycle.pool;
        let env = self.child_env(run_id);
        self.warn(&past, events);
        let keys = self.keys(looked, (&past, &around));
        past.warn_of_digests(events);
        self.warn_of_inputs(&keys, events);
        let outputs = Outputs::new(&past.home, &past.cache);
        let judge = self.judge((&keys, &outputs), &past);
        let blobs = Blobs::new(&past.home);
        let started = Started::new(&past.home, run_id);
        if past.is_blocked {
            started.close();
        }

        let (workspace, invocation) = (&self.lifecycle.workspace, &self.lifecycle.invocation);
        let runner = |triple: &str| crate::environment::runner(triple, workspace, invocation);
        let is_runner_text = |triple: &str| crate::environment::is_runner_text(triple, workspace, invocation);
        let rustdoc = |env: &[(OsString, OsString)]| {
            let variables = invocation.variables.clone().into_iter().chain(env.iter().cloned()).collect();
            crate::environment::rustdoc(variables, workspace, invocation)
        };
        let tests =
            TestSetting { is_runner_text: &is_runner_text, ..self.tests(&past.home, &around, (&runner, &rustdoc)) };
        let (sender, receiver) = execute::channel();
        let signals = sender.clone();
        let listening = (!self.lifecycle.options.leave_signals)
            .then(|| signal::listen(move |heard| _ = signals.send(call_of(heard))))
            .transpose()
            .map_err(Error::Signals)?;
        let stages = Stages {
            lifecycle: self.lifecycle,
            plan: &self.plan,
            expansion,
            keys: &keys,
            judge: &judge,
            outputs: &outputs,
            blobs: &blobs,
            started: &started,
            tests: &tests,
            pool,
            terms: self.terms(&past.state),
            env,
            talk: (&sender, &receiver),
        };
        let Stopped { mut run, produced, made, .. } = stages.main(events);
        let mut report = self.report(&run, &past.home);
        let code = report.exit_code();
        let ended = keep::Ended { run: &run, produced, made, begun_at, took: self.lifecycle.clock.now(), code };
        let is_step = |name: &str| plan::is_name(name, workspace, &self.lifecycle.project);
        let phases = &self.lifecycle.options.phases;
        let call = |id| self.call(id, expansion);
        let ran = keep::Ran { plan: &self.plan, steps: &self.steps, phases, call: &call, is_step: &is_step };
        let (home, state, records, cache) = (&past.home, &past.state, &past.records, &past.cache);
        let kept = keep::Past {
            home,
            state,
            started: &started,
            records,
            cache,
            renewal: self.lifecycle.renewal.as_ref(),
            bounds: self.lifecycle.project.cache,
            runs: self.lifecycle.project.remembered,
        };
        let slower = self.slower(&run, (home, &call), events);
        if !past.is_blocked {
            let _entered = tracing::debug_span!("keep").entered();
            keep::keep(&ran, (&keys, kept), pool, ended, events);
            past.warn_of_digests(events);
        }
        started.close();
        slower.into_iter().for_each(|(step, took, usual)| events(EventKind::Slower { step, took, usual }));
        let enforced = report.enforced;
        report.exceeded.iter().for_each(|exceeded| events(EventKind::Exceeded { exceeded: *exceeded, enforced }));
        let closing = report.closing();
        let steps = closing.map_or(0..0, |closing| self.plan.closing(closing));
        if let Some(closing) = closing.filter(|_| !steps.is_empty()) {
            let after = stages.after(steps.clone(), &report, events);
            if after.signal.is_none() && !after.outcomes[steps.clone()].iter().all(Outcome::is_good) {
                let key = closing.key();
                events(EventKind::Warned(format!("not all of `{key}` succeeded; the exit code stays {code}")));
            }
            report.aftermath = self.named(steps, &after);
            run.signal = after.signal;
        }
        // From the question to the answer, not only while steps ran.
        report.summary.duration = self.lifecycle.clock.now();
        report.interrupted = run.signal;
        events(EventKind::Finished(report.summary));
        // A second signal while the end is told does not cut it off.
        drop(listening);
        if self.lifecycle.options.is_last {
            // To give back piece by piece what goes with the process takes as long as many a stage.
            std::mem::forget(keys);
            std::mem::forget(past);
        }
        Ok(report)
    }

    fn begin(&self, run: Arc<str>, events: &mut dyn FnMut(EventKind)) {
        events(EventKind::Begun {
            run,
            workspace: self.lifecycle.name(),
            selected: self.lifecycle.selected().into(),
            steps: Arc::clone(&self.steps),
            jobs: self.lifecycle.pool.current_num_threads(),
        });
        if self.lifecycle.cargo_started {
            events(EventKind::Noted(
                "a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`".into(),
            ));
        }
    }

    fn warn(&self, past: &Past, events: &mut dyn FnMut(EventKind)) {
        past.warnings.iter().for_each(|text| events(EventKind::Warned(text.clone())));
        for name in &self.lifecycle.options.phases {
            if !self.steps[self.plan.main()].iter().any(|step| *step.phase == **name) {
                events(EventKind::Warned(format!("no selected member has the phase `{name}`")));
            }
        }
        for (earlier, later) in &self.plan.dropped {
            let name = |phase| &self.lifecycle.project.phase(phase).name;
            let (earlier, later) = (name(*earlier), name(*later));
            events(EventKind::Noted(format!("`{later}` does not wait for `{earlier}`, which waits for it")));
        }
    }

    /// Where all members are meant: to some of them a phase's `inputs` may not apply.
    fn warn_of_inputs(&self, keys: &Keys<'_>, events: &mut dyn FnMut(EventKind)) {
        if self.lifecycle.selected.len() < self.lifecycle.workspace.members.len() {
            return;
        }
        for phase in keys.naming_nothing(&self.plan) {
            let name = &self.lifecycle.project.phase(phase).name;
            events(EventKind::Warned(format!("`inputs` of `{name}` name no file that is there")));
        }
    }

    /// How tests are had from cargo.
    fn tests<'t>(
        &self,
        home: &Home,
        around: &Environment,
        (runner, rustdoc): (&'t FindRunner<'t>, &'t FindRustdoc<'t>),
    ) -> TestSetting<'t> {
        let asked = self.lifecycle.options.flags.target.iter().chain(&around.targets).chain(&around.host);
        TestSetting {
            folder: home.shared().join("tests"),
            keep_going: self.lifecycle.options.keep_going,
            triples: asked.map(|target| triple(target)).collect::<BTreeSet<_>>().into_iter().collect(),
            rustdoc,
            is_runner_text: &|_| false,
            runner,
        }
    }

    fn judge<'k>(&'k self, kept: (&'k Keys<'k>, &'k Outputs<'k>), past: &'k Past) -> Judge<'k> {
        let known = Known {
            home: &past.home,
            state: &past.state,
            records: &past.records,
            target_dir: &self.lifecycle.workspace.target_dir,
            bounds: keep::bounds(self.lifecycle.project.cache),
        };
        let options = &self.lifecycle.options;
        let terms = JudgeTerms { force: options.force, no_cache: options.no_cache, verify: options.verify };
        Judge::new((&self.plan, &self.steps), kept, known, terms)
    }

    /// Recorded durations tell which way through the plan is the longest; steps that take cargo's build lock would only
    /// wait for one another.
    fn terms(&self, state: &State) -> schedule::Terms {
        let known: Vec<Option<u64>> =
            self.steps.iter().map(|step| state.steps.get(&*step.name).map(|last| last.duration_ms.max(1))).collect();
        let (sum, count) = known.iter().flatten().fold((0, 0), |(sum, count), known| (sum + known, count + 1));
        let usual = u64::checked_div(sum, count).unwrap_or(1);
        let lock = |step: &Step| {
            if step.takes_cargo_lock() {
                return Some(CARGO_LOCK.into());
            }
            step.definition.lock.clone().filter(|_| step.definition.engine == Engine::Command)
        };
        schedule::Terms {
            jobs: self.lifecycle.pool.current_num_threads(),
            keep_going: self.lifecycle.options.keep_going,
            weights: known.iter().map(|known| known.unwrap_or(usual)).collect(),
            is_measured: count * 2 > known.len() as u64,
            locks: self.plan.steps.iter().map(lock).collect(),
            only: None,
            alone: self.plan.steps.iter().map(|step| step.definition.interactive).collect(),
            asks: true,
        }
    }

    /// What every child finds in its environment besides ours.
    fn child_env(&self, run_id: &str) -> Vec<(OsString, OsString)> {
        let mut env = vec![(RUN_ID.into(), run_id.into())];
        if let Some(dir) = &self.lifecycle.child_target_dir {
            env.push(("CARGO_TARGET_DIR".into(), dir.clone().into_os_string()));
        }
        env
    }
}

/// What the run is told of a signal.
fn call_of(heard: signal::Heard) -> Call {
    match heard {
        signal::Heard::Interrupt(signal) => Call::Signal(signal),
        signal::Heard::Stop => Call::StandStill,
    }
}

/// A name for the run that began then.
fn run_id(begun_at: SystemTime) -> Arc<str> {
    let since_epoch = begun_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", since_epoch.as_millis(), std::process::id()).into()
}

/// The name of a target, which may be given by the path of its description.
fn triple(target: &str) -> String {
    let stem = Path::new(target).file_stem().filter(|_| target.ends_with(".json"));
    stem.map_or_else(|| target.to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The lock for cargo's own, on the target directory.
const CARGO_LOCK: &str = "cargo";
