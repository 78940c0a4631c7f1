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
        tell: &Teller<'_>,
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

    /// How long each part will take, and how many cores it gets. Their numbers of threads are set accordingly.
    pub(super) fn terms_of_parts(&self, id: StepId, parts: &mut [TestPart]) -> Vec<PartTerms> {
        let jobs = self.commands.jobs.max(1);
        let last: Vec<_> = parts.iter().map(|part| self.judge.last(&part.of.name)).collect();
        let known: Vec<_> = last.iter().map(|last| last.map(|last| last.duration_ms)).collect();
        let lengths = lengths(&known, |place| parts[place].is_doc);
        let shares = shares(jobs, &lengths);
        // What is not known may be the longest.
        let longest = lengths.iter().flatten().copied().max().unwrap_or(1);
        let phase = self.expansion.project.phase(self.plan.step(id).phase);
        let lock = |member: MemberId| {
            phase.definition_for(&self.expansion.workspace.member(member).name).and_then(|own| own.lock.clone())
        };
        let mut terms = Vec::with_capacity(parts.len());
        for (place, part) in parts.iter_mut().enumerate() {
            let jobs_of = shares[place];
            let is_said = |name: &str| part.line.env.iter().any(|(known, _)| known == name);
            if jobs_of < jobs && !is_said(THREADS) {
                part.line.env.push((THREADS.into(), jobs_of.to_string().into()));
            }
            let failed = last[place].is_some_and(|last| last.ended == Ended::Failed);
            let weight = lengths[place].unwrap_or(longest) + if failed { FAILED_FIRST } else { 0 };
            terms.push(PartTerms { weight, jobs: jobs_of, lock: lock(part.of.member) });
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
    pub(in super::super) fn run_part(&self, id: StepId, place: usize, tell: &Teller<'_>) -> Part {
        let testing = self.testing[id.index()].get();
        let Some((testing, part)) = testing.and_then(|testing| Some((testing, testing.parts.get(place)?))) else {
            return unknown();
        };
        let _entered = tracing::debug_span!("part", part = &*part.name).entered();
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

/// How long each part will take, of those of which something is known. Documentation tests are taken for as long as what is
/// known: most of their time goes to reading the library, which one core does.
fn lengths(known: &[Option<u64>], is_doc: impl Fn(usize) -> bool) -> Vec<Option<u64>> {
    let known: Vec<Option<u64>> = known.iter().map(|length| length.map(|length| length.max(1))).collect();
    let (sum, count) = known.iter().flatten().fold((0_u64, 0), |(sum, count), length| (sum + length, count + 1));
    let usual = sum.div_ceil(count.max(1)).max(1);
    known.iter().enumerate().map(|(place, length)| length.or(is_doc(place).then_some(usual))).collect()
}

/// How many of so many jobs each part gets: as much of them as it has of the work. One of which nothing is known may have
/// nearly all of the work, so it gets them all, as from `cargo test`.
fn shares(jobs: usize, lengths: &[Option<u64>]) -> Vec<usize> {
    let whole = lengths.iter().flatten().sum::<u64>().max(1);
    let share = |length: u64| usize::try_from((jobs as u64 * length).div_ceil(whole)).unwrap_or(jobs).clamp(1, jobs);
    lengths.iter().map(|length| length.map_or(jobs, share)).collect()
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

#[cfg(test)]
mod tests {
    use super::{lengths, shares};

    #[test]
    fn what_is_known_shares_the_jobs_and_what_is_not_gets_all() {
        assert_eq!(shares(8, &[Some(600), Some(100), Some(100), None]), [6, 1, 1, 8]);
        assert_eq!(shares(8, &[None, None]), [8, 8]);
        assert_eq!(shares(2, &[Some(1); 5]), [1; 5]);
        assert_eq!(shares(1, &[Some(7), None]), [1, 1]);
        assert_eq!(shares(4, &[]), [0; 0]);
    }

    #[test]
    fn documentation_tests_of_which_nothing_is_known_are_as_long_as_others() {
        let is_doc = |place| place >= 2;
        assert_eq!(lengths(&[None, None, None, None], is_doc), [None, None, Some(1), Some(1)]);
        assert_eq!(lengths(&[Some(0), None, Some(8), None], is_doc), [Some(1), None, Some(8), Some(5)]);
    }
}
