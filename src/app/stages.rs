//! The stages of a run: the steps that were asked for, those that close it however it went, and those that are told how it
//! went. Each has its children, and what a signal does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use super::{Lifecycle, Report};
use crate::execute::{self, Call, Commands, Events, Heed, Judge, Produced, Run, TestSetting, Tries, Worker};
use crate::keys::Keys;
use crate::model::{Closing, EventKind, Outcome, Plan};
use crate::outputs::Outputs;
use crate::plan::Expansion;
use crate::process::Children;
use crate::schedule::Terms;
use crate::signal;
use crate::state::Started;
use crate::store::Blobs;

/// How many bytes of names are told at most: no system takes a variable of any length.
const NAMES: usize = 16 * 1024;

/// What the stages of a run share.
pub struct Stages<'r> {
    pub lifecycle: &'r Lifecycle,
    pub plan: &'r Plan,
    pub expansion: &'r Expansion<'r>,
    pub keys: &'r Keys<'r>,
    pub judge: &'r Judge<'r>,
    pub outputs: &'r Outputs<'r>,
    pub blobs: &'r Blobs,
    pub started: &'r Started,
    pub tests: &'r TestSetting<'r>,
    pub pool: &'r rayon::ThreadPool,
    /// What schedules have to know, but for which steps.
    pub terms: Terms,
    /// Variables for every command.
    pub env: Vec<(OsString, OsString)>,
    /// Where calls to the thread that waits for a run go and come from.
    pub talk: (&'r SyncSender<Call>, &'r Receiver<Call>),
}

/// What came of a stage, or of several.
pub struct Stopped {
    /// What the coordinator says.
    pub run: Run,
    /// What the workers have to keep.
    pub produced: Vec<Produced>,
    /// What cargo has made for this checkout, and when.
    pub made: BTreeMap<String, i64>,
    /// What its steps may have left running: `finally` may be there to ask it to end.
    left: Vec<Children>,
}

impl Stages<'_> {
    /// Runs what was asked for, and then `finally`. Nothing is left running.
    pub fn main(&self, events: Events<'_>) -> Stopped {
        let (children, note) = self.children();
        note.into_iter().for_each(|note| events(EventKind::Noted(note)));
        let mut stopped =
            self.stage(self.plan.main(), children, (self.terms.keep_going, Heed::Stops), &self.env, events);
        let finally = self.plan.closing(Closing::Finally);
        if !finally.is_empty() {
            let heed = if stopped.run.signal.is_some() { Heed::Kills } else { Heed::Noted };
            stopped.add(self.close(finally.clone(), heed, &self.env, events), finally);
        }
        stopped.left.iter().for_each(Children::end);
        stopped
    }

    /// Runs what is told how the run went: the steps of `on_success` or of `on_error`.
    pub fn after(&self, steps: Range<usize>, report: &Report, events: Events<'_>) -> Run {
        let env = [self.env.clone(), told(report)].concat();
        let stopped = self.close(steps, Heed::Stops, &env, events);
        stopped.left.iter().for_each(Children::end);
        stopped.run
    }

    /// What closes the run is all tried: one that fails keeps no other from its turn.
    fn close(&self, steps: Range<usize>, heed: Heed, env: &[(OsString, OsString)], events: Events<'_>) -> Stopped {
        self.stage(steps, self.children().0, (true, heed), env, events)
    }

    fn stage(
        &self,
        steps: Range<usize>,
        children: Children,
        (keep_going, heed): (bool, Heed),
        env: &[(OsString, OsString)],
        events: Events<'_>,
    ) -> Stopped {
        let options = &self.lifecycle.options;
        let commands = Commands {
            children: &children,
            cargo: &self.lifecycle.invocation.cargo,
            env,
            jobs: self.pool.current_num_threads(),
            live: options.live,
            color: options.color,
            tries: Tries { timeout: options.timeout, retries: options.retries },
            tests: self.tests,
        };
        let (keys, outputs) = ((self.keys, self.judge), (self.outputs, self.blobs, self.started));
        let worker = Worker::new((self.plan, self.expansion), keys, outputs, commands);
        let terms = Terms { only: Some(steps), keep_going, ..self.terms.clone() };
        let begun = children.now();
        let mut run = execute::run(self.plan, (terms, heed), (self.pool, &worker), self.talk, events);
        run.summary.duration = children.now().saturating_sub(begun);
        let (produced, made) = worker.into_produced();
        Stopped { run, produced, made, left: vec![children] }
    }

    fn children(&self) -> (Children, Option<String>) {
        Children::sharing(self.pool.current_num_threads(), Arc::clone(&self.lifecycle.clock), signal::is_stop_due)
    }
}

impl Stopped {
    /// Adds what came of a later stage of these steps.
    fn add(&mut self, later: Self, steps: Range<usize>) {
        self.run.add(later.run, steps);
        self.produced.extend(later.produced);
        self.made.extend(later.made);
        self.left.extend(later.left);
    }
}

impl Report {
    /// What is to run now that the others have ended so.
    pub(super) fn closing(&self) -> Option<Closing> {
        match (self.interrupted, self.success()) {
            (Some(_), _) => None,
            (None, true) => Some(Closing::OnSuccess),
            (None, false) => Some(Closing::OnError),
        }
    }
}

/// What `on_success` and `on_error` find in their environment: the exit code, and the names of the steps that failed, one a
/// line; of very many the first ones.
fn told(report: &Report) -> Vec<(OsString, OsString)> {
    let failed = report.steps.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    let mut names = String::new();
    for (name, _) in failed {
        if names.len() + name.len() > NAMES {
            break;
        }
        if !names.is_empty() {
            names.push('\n');
        }
        names.push_str(name);
    }
    let exit = report.exit_code().to_string();
    vec![("CARGO_LIFECYCLE_EXIT".into(), exit.into()), ("CARGO_LIFECYCLE_FAILED".into(), names.into())]
}
