//! The parts of a test step: which tests have to run, with how many cores, and what comes of each.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::super::super::ran::{Kept, Ran};
use super::super::super::{Teller, Tries};
use super::super::{Ending, Prepared, Produced, Worker, left_behind};
use super::called::Called;
use super::made_of::TestFile;
use super::{Came, Testing};
use crate::keys::Key;
use crate::libtest;
use crate::model::{MemberId, Outcome, Output, Part, Reason, StepId, TestRun, Tests};
use crate::process::CommandLine;
use crate::schedule::PartTerms;
use crate::state::Ended;
use crate::store::Passed;

/// Which part of a step something is of.
#[derive(Clone, Debug)]
pub struct PartOf {
    /// The name by which the state knows it.
    pub name: String,
    /// Whose it is.
    pub member: MemberId,
}

/// A test executable that has to run, or a member's documentation tests.
pub(super) struct TestPart {
    pub(super) name: Arc<str>,
    pub(super) of: PartOf,
    pub(super) line: CommandLine,
    pub(super) key: Option<Key>,
    pub(super) reason: Reason,
    /// What it is made of, as it was when the key was taken.
    pub(super) files: Vec<TestFile>,
    /// Whether people want to see what it prints although it passes.
    pub(super) shown: bool,
    /// Whether these are documentation tests.
    pub(super) is_doc: bool,
}

/// How much longer than everything else a part comes first that failed the last time.
const FAILED_FIRST: u64 = 1 << 40;

/// Arguments after which people want to see what passing tests print.
const SHOWING: [&str; 4] = ["--nocapture", "--no-capture", "--show-output", "--list"];

/// The variable by which libtest is told how many threads it has.
const THREADS: &str = "RUST_TEST_THREADS";

impl Worker<'_> {
    /// Adds a call to the parts that have to run, or to what need not.
    pub(super) fn sort_in(
        &self,
        id: StepId,
        (called, line): (Called, CommandLine),
        (ran, prepared): (&Ran, &Prepared),
        testing: &mut Testing,
        tell: &Teller,
    ) {
        let of = PartOf { name: format!("{}: {}", self.judge.name(id), called.name), member: called.member };
        let files = self.files_of(&called, ran).unwrap_or_default();
        let key = self.key_of((id, &called), (&line, &files), (ran, prepared));
        let shown = called.call.args.iter().any(|argument| SHOWING.iter().any(|word| argument == word));
        let kept = match &key {
            Ok(key) => self.judge.part(&of.name, *key),
            Err(reason) => Err(reason.clone()),
        };
        match kept {
            Ok(record) => {
                if let (Ok(key), true) = (key, self.judge.is_use_due(&record)) {
                    self.produce(used(id, of, key));
                }
                let part = self.fresh_part(Passed {
                    name: called.name.to_string(),
                    member: self.expansion.workspace.member(called.member).name.to_string(),
                    duration: record.duration,
                    tests: record.tests.unwrap_or_default().tests,
                    output: record.output,
                });
                tell.part_passed(part.clone());
                testing.fresh.push(part);
            }
            Err(reason) => {
                let key = key.ok().filter(|_| reason != Reason::CacheOff);
                let is_doc = called.is_doc();
                testing.parts.push(TestPart { name: called.name, of, line, key, reason, files, shown, is_doc });
            }
        }
    }

    /// A part that need not run.
    pub(in super::super) fn fresh_part(&self, passed: Passed) -> Part {
        Part {
            name: passed.name.into(),
            member: passed.member.into(),
            outcome: Outcome::Cached { saved: passed.duration, restored: 0 },
            reason: None,
            duration: passed.duration,
            output: self.stored(passed.output),
            shown: false,
            tests: passed.tests,
        }
    }

    /// How long each part will take, and how many cores it gets: as much of them as it has of the work. Their numbers of
    /// threads are set accordingly.
    pub(super) fn terms_of_parts(&self, id: StepId, parts: &mut [TestPart]) -> Vec<PartTerms> {
        let jobs = self.commands.jobs.max(1) as u64;
        let last: Vec<_> = parts.iter().map(|part| self.judge.last(&part.of.name)).collect();
        let known: Vec<u64> = last.iter().flatten().map(|last| last.duration_ms.max(1)).collect();
        let usual = if known.is_empty() { 1 } else { known.iter().sum::<u64>().div_ceil(known.len() as u64) };
        let lengths: Vec<u64> = last.iter().map(|last| last.map_or(usual, |last| last.duration_ms.max(1))).collect();
        let whole: u64 = lengths.iter().sum::<u64>().max(1);
        let failed: Vec<bool> = last.iter().map(|last| last.is_some_and(|last| last.ended == Ended::Failed)).collect();
        let phase = self.expansion.project.phase(self.plan.step(id).phase);
        let lock = |member: MemberId| {
            phase.definition_for(&self.expansion.workspace.member(member).name).and_then(|own| own.lock.clone())
        };
        let mut terms = Vec::with_capacity(parts.len());
        for ((part, length), failed) in parts.iter_mut().zip(lengths).zip(failed) {
            let share = (jobs * length).div_ceil(whole).clamp(1, jobs);
            let is_said = |name: &str| part.line.env.iter().any(|(known, _)| known == name);
            if share < jobs && !is_said(THREADS) {
                part.line.env.push((THREADS.into(), share.to_string().into()));
            }
            let weight = if failed { length + FAILED_FIRST } else { length };
            let jobs = usize::try_from(share).unwrap_or(1);
            terms.push(PartTerms { weight, jobs, lock: lock(part.of.member) });
        }
        terms
    }

    /// How often a test executable of a member is tried.
    fn tries_of(&self, id: StepId, member: MemberId) -> Tries {
        let phase = self.expansion.project.phase(self.plan.step(id).phase);
        let own = phase.definition_for(&self.expansion.workspace.member(member).name);
        own.map_or(self.commands.tries, |definition| self.commands.tries.of(definition))
    }

    /// Runs a test executable.
    pub(in super::super) fn run_part(&self, id: StepId, place: usize, tell: &Teller) -> Part {
        let testing = self.testing[id.index()].get();
        let Some((testing, part)) = testing.and_then(|testing| Some((testing, testing.parts.get(place)?))) else {
            return unknown();
        };
        let _entered = tracing::debug_span!("part", name = &*part.name).entered();
        tell.part_started(Arc::clone(&part.name));
        let clock = self.commands.children.now();
        let tries = self.tries_of(id, part.of.member);
        let (mut ran, _) = tries.run(
            Some(&part.name),
            tell,
            || self.is_interrupted(),
            || self.commands.run_program(&part.line, tries.timeout, tell),
        );
        let duration = self.commands.children.now().saturating_sub(clock).saturating_sub(ran.waited);
        if ran.held_open {
            tell.warned(left_behind(&part.name));
        }
        let mut figures = libtest::Figures::new(part.is_doc);
        let _ = ran.log.copy_to(&mut figures);
        let tests = figures.finish(ran.failure.is_none());
        let log = std::mem::take(&mut ran.log);
        let output = if log.is_empty() { Output::default() } else { Output::of(Arc::new(Kept::new(log))) };
        let passed = ran.failure.is_none();
        let is_other = |file: &&TestFile| !self.keys.digest_of_file(&file.path).is_ok_and(|now| now == file.digest);
        let doubt = match part.files.iter().find(is_other) {
            Some(file) => Some(format!("{} changed meanwhile", file.name)),
            None if ran.lost => Some("a part of its output is lost".to_owned()),
            None if ran.held_open => Some("it left a process behind".to_owned()),
            None => ran.doubt.take(),
        };
        // What ends after a signal may have been told to.
        if let Some(key) = part.key.filter(|_| !self.is_interrupted()) {
            let ending = match &doubt {
                _ if !passed => Ending::Failed,
                Some(doubt) => Ending::Unkept(doubt.clone()),
                None => Ending::Good { discovered: None, artifacts: Vec::new(), outputs: Vec::new() },
            };
            let tests = Some(TestRun { executables: 1, tests });
            let (output, of) = (output.clone(), Some(part.of.clone()));
            let parts = Vec::new();
            self.produce(Produced { step: id, part: of, key, ending, duration, output, warned: false, tests, parts });
        }
        let came = Part {
            name: Arc::clone(&part.name),
            member: Arc::clone(&self.expansion.workspace.member(part.of.member).name),
            outcome: ran.failure.map_or(Outcome::Succeeded, |how| Outcome::Failed(how.into())),
            reason: Some(part.reason.clone()),
            duration,
            output,
            shown: part.shown,
            tests,
        };
        if let Some(place) = testing.came.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *place = Some(Came { part: came.clone(), doubt, peak: ran.peak });
        }
        came
    }
}

/// That a part's result was of use.
fn used(step: StepId, of: PartOf, key: Key) -> Produced {
    Produced {
        step,
        part: Some(of),
        key,
        ending: Ending::Used(key.digest),
        duration: Duration::ZERO,
        output: Output::default(),
        warned: false,
        tests: None,
        parts: Vec::new(),
    }
}

/// A part that nobody has asked for.
fn unknown() -> Part {
    Part {
        name: "".into(),
        member: "".into(),
        outcome: Outcome::Failed("it is not known".into()),
        reason: None,
        duration: Duration::ZERO,
        output: Output::default(),
        shown: false,
        tests: Tests::default(),
    }
}
