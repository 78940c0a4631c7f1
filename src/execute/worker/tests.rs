//! A test step: cargo compiles and says how it would run each test executable; those run whose result could have changed,
//! as parts of the step. It decides nothing of when they run.

mod called;
mod made_of;
mod parts;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::command::reports_otherwise;
use super::super::ran::Ran;
use super::super::{Teller, Turn};
use super::{Held, Prepared, Worker};
use crate::cargo_test::Intercept;
use crate::home::Claim;
use crate::keys::Key;
use crate::model::{
    DependencyKind, Done, Engine, MemberId, Outcome, Part, Step, StepId, Subject, TestSummary, Workspace,
};
use crate::plan::Expanded;
use crate::process::JOBSERVER_VARIABLES;
pub use parts::PartOf;
use parts::TestPart;

/// A test step from its compilation to its end.
#[derive(Default)]
pub(super) struct Testing {
    /// What the step began with, until it is concluded.
    step: Mutex<Option<(Prepared, Ran, Option<Claim>)>>,
    /// The parts that have to run.
    parts: Vec<TestPart>,
    /// What came of them, as far as they ran.
    came: Mutex<Vec<Option<Came>>>,
    /// Those that need not run.
    fresh: Vec<Part>,
}

/// What came of a part.
#[derive(Clone)]
struct Came {
    part: Part,
    /// Why that cannot be kept although it passed.
    doubt: Option<String>,
    /// The peak of its memory in bytes.
    peak: Option<u64>,
}

impl Worker<'_> {
    /// Has cargo compile the tests, and finds out which of them have to run.
    pub(super) fn compile_tests(
        &self,
        id: StepId,
        (key, fresh): (Option<Key>, Option<Held>),
        claim: Option<Claim>,
        tell: &Teller<'_>,
    ) -> Turn {
        let setting = self.commands.tests;
        let prepared = self.prepare(id, key, fresh);
        if reports_otherwise(&prepared.expanded) {
            // Cargo is not asked what it does, so nothing is known of the tests.
            return Turn::Done(self.run(id, (None, None), tell));
        }
        let rustdoc = (setting.rustdoc)(&self.commands.env_of(&prepared.expanded));
        let intercept = Intercept::new(&setting.folder, &rustdoc);
        let instead = |intercept: Intercept| {
            let instead = intercept.instead(&setting.triples, setting.is_runner_text)?;
            Ok((intercept, instead))
        };
        let (intercept, instead) = match intercept.and_then(instead) {
            Ok(both) => both,
            Err(error) => {
                tell.warned(format!("cargo runs the tests itself, and their results are not kept: {error}"));
                return Turn::Done(self.run(id, (None, None), tell));
            }
        };
        let step = self.plan.step(id);
        let alone = self.has_jobs_alone(id);
        let mut ran = self.commands.compile_tests(&prepared.expanded, (instead.clone(), alone), tell);
        if ran.failure.is_some() && setting.keep_going {
            self.compile_others(step, &mut ran, &|expanded| {
                self.commands.compile_tests(expanded, (instead.clone(), alone), tell)
            });
        }
        let calls = intercept.calls().unwrap_or_else(|error| {
            ran.failure = Some(format!("cannot read how cargo runs the tests: {error}"));
            Vec::new()
        });
        if ran.failure.is_some() && calls.is_empty() {
            return Turn::Done(self.conclude(id, prepared, (ran, None), tell));
        }
        let mut called = self.called(calls, &mut ran);
        if ran.doubt.is_some() {
            ran.warned = true;
            self.commands.show_programs(&mut ran, tell);
        }
        for one in called.iter_mut().filter(|one| one.is_doc()) {
            one.besides = self.keys.of_documentation(one.member, &ran.artifacts, &ran.scripts);
            ran.besides.add(one.besides.clone());
        }
        let mut testing = Testing::default();
        for called in called {
            match self.line_of(&called.call) {
                Ok(line) => self.sort_in(id, (called, line), (&ran, &prepared), &mut testing, tell),
                Err(why) => {
                    ran.failure = Some(why);
                    return Turn::Done(self.conclude(id, prepared, (ran, None), tell));
                }
            }
        }
        let terms = self.terms_of_parts(id, &mut testing.parts);
        let names = testing.parts.iter().map(|part| Arc::clone(&part.name));
        let parts = names.zip(terms).collect();
        testing.came = Mutex::new(vec![None; testing.parts.len()]);
        testing.step = Mutex::new(Some((prepared, ran, claim)));
        let _ = self.testing[id.index()].set(Box::new(testing));
        Turn::Parts(parts)
    }

    /// Whether there is nobody to share jobs with while the step's cargo goes on: no other step, and none who started us.
    fn has_jobs_alone(&self, id: StepId) -> bool {
        let waits = |step: &Step| step.takes_cargo_lock() && step.definition.engine == Engine::Command;
        let is_told = |name: &&str| std::env::var_os(name).is_some();
        self.plan.ids().all(|other| other == id || waits(self.plan.step(other)))
            && !JOBSERVER_VARIABLES.iter().any(is_told)
    }

    /// After some members did not compile: compiles the tests of the others, until all that is left does.
    fn compile_others(&self, step: &Step, ran: &mut Ran, compile: &dyn Fn(&Expanded) -> Ran) {
        let workspace = self.expansion.workspace;
        let mut rest: Vec<MemberId> = step.subject.members().to_vec();
        while !self.is_interrupted() {
            let members = |names: &[String]| names.iter().filter_map(|name| workspace.named(name)).collect::<Vec<_>>();
            let (culprits, libraries) = (members(&ran.culprits), members(&ran.libraries));
            let before = rest.len();
            rest.retain(|id| !culprits.contains(id) && !depends_on(workspace, *id, &libraries));
            if rest.is_empty() || rest.len() == before {
                return;
            }
            let others = Step { subject: Subject::Group(rest.clone().into()), ..step.clone() };
            let again = compile(&self.expansion.expand(&others));
            let compiled = again.failure.is_none();
            ran.add(again);
            if compiled {
                return;
            }
        }
    }

    /// Brings together what came of the parts.
    pub(super) fn join_tests(&self, id: StepId, tell: &Teller<'_>) -> Done {
        let testing = self.testing[id.index()].get();
        let begun = testing.and_then(|testing| testing.step.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (Some(testing), Some((prepared, mut ran, _claim))) = (testing, begun) else {
            let outcome = Outcome::Failed("its parts are not known".into());
            return Done { attempts: 1, ..Done::unrun(outcome) };
        };
        let came = std::mem::take(&mut *testing.came.lock().unwrap_or_else(PoisonError::into_inner));
        let mut summary = TestSummary { uncompiled: ran.failure.is_some(), ..TestSummary::default() };
        for part in &testing.fresh {
            summary.fresh.add(part.tests);
            summary.saved += part.duration;
        }
        let left = came.iter().filter(|came| came.is_none()).count();
        summary.left = u32::try_from(left).unwrap_or(u32::MAX);
        let came: Vec<Came> = came.into_iter().flatten().collect();
        // What cannot be told of a part cannot be told of the whole.
        let mut doubts = came.iter().filter_map(|came| Some(format!("{}: {}", came.part.name, came.doubt.as_ref()?)));
        ran.doubt = ran.doubt.take().or(doubts.next());
        ran.peak = came.iter().map(|came| came.peak).fold(ran.peak, Option::max);
        let came: Vec<Part> = came.into_iter().map(|came| came.part).collect();
        came.iter().for_each(|part| summary.ran.add(part.tests));
        let failed = came.iter().filter(|part| !part.outcome.is_good()).map(|part| &*part.name);
        let failed: Vec<&str> = failed.collect();
        let failure = match (&failed[..], summary.left) {
            ([], 0) => None,
            ([], left) => Some(format!("{left} test executables did not run")),
            (failed, _) => Some(format!("{} failed", failed.join(", "))),
        };
        ran.failure = match (ran.failure.take(), failure) {
            (Some(compiling), Some(failure)) => Some(format!("{compiling}; {failure}")),
            (compiling, failure) => compiling.or(failure),
        };
        let parts = testing.fresh.iter().cloned().chain(came).collect();
        self.conclude(id, prepared, (ran, Some((summary, parts))), tell)
    }
}

/// Whether the member needs one of these to compile its tests.
fn depends_on(workspace: &Workspace, id: MemberId, others: &[MemberId]) -> bool {
    let mut seen = BTreeSet::from([id]);
    let mut pending = vec![(id, true)];
    while let Some((member, own)) = pending.pop() {
        for dependency in &workspace.member(member).dependencies {
            if (own || dependency.kind != DependencyKind::Dev) && seen.insert(dependency.member) {
                pending.push((dependency.member, false));
            }
        }
    }
    others.iter().any(|other| seen.contains(other))
}
