//! The account of a run for machines that show tests, as JUnit's XML: a suite for each test executable with a case for each
//! of its tests, and one of one case for any other step. It knows events and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::excerpt::{excerpt, plain};
use super::words;
use super::xml::Xml;
use crate::libtest::{self, Case, CaseOutcome};
use crate::model::{Done, Event, EventKind, Exceeded, Outcome, Output, Part, StepId, StepInfo, TestSummary};

/// Collects a run from its events.
///
/// ```
/// use cargo_lifecycle::report::Junit;
/// use cargo_lifecycle::{Lifecycle, Options};
///
/// # let folder = tempfile::tempdir()?;
/// # let workspace = folder.path();
/// # std::fs::create_dir(workspace.join("src"))?;
/// # std::fs::write(workspace.join("src/lib.rs"), "")?;
/// # std::fs::write(workspace.join("Cargo.toml"), "[package]\nname = \"tiny\"\nedition = \"2024\"\n[workspace]\n")?;
/// let options = Options::new().current_dir(workspace).phases(["check"]);
/// # let options = options.target_dir(workspace.join("target"));
/// let mut junit = Junit::new();
/// Lifecycle::open(options)?.run(|event| junit.take(&event))?;
/// assert!(junit.xml().contains(r#"<testsuites name="tiny" tests="1" failures="0" errors="0" skipped="0""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Junit {
    workspace: Arc<str>,
    steps: Arc<[StepInfo]>,
    duration: Duration,
    /// By step; first the step itself, where it has a suite, then its parts by name.
    suites: BTreeMap<What, Suite>,
    /// The attempts that failed of what has not ended.
    attempts: BTreeMap<What, Vec<Attempt>>,
    /// The budgets that were exceeded.
    budgets: Suite,
}

/// A step, or a part of one.
type What = (StepId, Option<Arc<str>>);

#[derive(Debug, Default)]
struct Suite {
    cached: bool,
    duration: Duration,
    cases: Vec<Tried>,
    output: String,
}

/// A case of the report.
#[derive(Debug)]
struct Tried {
    name: String,
    /// How long it took, if that is known: libtest does not tell.
    duration: Option<Duration>,
    ending: Ending,
    /// The failures of earlier attempts.
    before: Vec<Failure>,
}

/// A failure: in short, and all that was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    how: String,
    all: String,
}

/// An attempt that failed.
#[derive(Debug)]
struct Attempt {
    /// The whole of it.
    failure: Failure,
    /// The tests that failed in it, where these are all that did.
    cases: Vec<(String, Failure)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Passed,
    /// A test failed.
    Failure(Failure),
    /// What is no test failed.
    Error(Failure),
    /// It did not run, or not to its end: why.
    Skipped(String),
}

/// How many cases ended how.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// Why something did not come to its end.
const BEFORE: &str = "the run ended before it did";

impl Junit {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of the next event.
    pub fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Begun { workspace, steps, .. } => {
                (self.workspace, self.steps) = (Arc::clone(workspace), Arc::clone(steps));
            }
            // Outputs are read at once: what is stored may be gone at the end.
            EventKind::Retried { step, part, how, output, .. } => {
                let attempt = Attempt::new(how, output);
                self.attempts.entry((*step, part.clone())).or_default().push(attempt);
            }
            EventKind::PartEnded { step, part } => {
                let what = (*step, Some(Arc::clone(&part.name)));
                let mut suite = suite_of(part);
                suite.add_attempts(self.attempts.remove(&what).unwrap_or_default(), part);
                self.suites.insert(what, suite);
            }
            EventKind::Ended { step, done } => {
                let Done { outcome, duration, output, tests, .. } = done;
                let attempts = self.attempts.remove(&(*step, None)).unwrap_or_default();
                if let Some(ending) = self.ending(*step, outcome, tests.as_ref(), output) {
                    let before = attempts.into_iter().map(|attempt| attempt.failure).collect();
                    let suite = self.step(*step, (outcome, *duration), (ending, before), output);
                    self.suites.insert((*step, None), suite);
                }
            }
            EventKind::Exceeded { exceeded, enforced } => self.exceeded(exceeded, *enforced),
            EventKind::Finished(summary) => self.duration = summary.duration,
            _ => {}
        }
    }

    /// A budget is a case of its own, which has the same name in every run.
    fn exceeded(&mut self, exceeded: &Exceeded, enforced: bool) {
        let name = format!("{}: {}", words::who(exceeded, &self.steps), exceeded.key(&self.steps));
        let failure = Failure { how: words::exceeded(exceeded, &self.steps), all: String::new() };
        let ending = if enforced { Ending::Failure(failure) } else { Ending::Passed };
        self.budgets.cases.push(Tried { name, duration: None, ending, before: Vec::new() });
    }

    /// What has happened so far, as XML.
    #[must_use]
    pub fn xml(&self) -> String {
        let counts = Counts::of(self.suites.values().flat_map(|suite| &suite.cases).chain(&self.budgets.cases));
        let mut xml = Xml::new();
        let time = time(self.duration);
        xml.open("testsuites", &counts.attributes(&self.workspace, &time).each_ref().map(borrowed));
        for ((step, part), suite) in &self.suites {
            let step = self.name(*step);
            suite.write(&mut xml, (part.as_deref().unwrap_or(&step), &step));
        }
        if !self.budgets.cases.is_empty() {
            self.budgets.write(&mut xml, ("budgets", ""));
        }
        xml.finish()
    }

    /// How the step itself ended; `None` if its parts tell that.
    fn ending(&self, step: StepId, outcome: &Outcome, tests: Option<&TestSummary>, output: &Output) -> Option<Ending> {
        let mut parts = self.suites.range((step, Some("".into()))..).take_while(|((of, _), _)| *of == step).peekable();
        let has_parts = parts.peek().is_some();
        let is_told = parts.any(|(_, suite)| suite.cases.iter().any(|case| matches!(case.ending, Ending::Failure(_))));
        let left = tests.filter(|tests| !tests.uncompiled).map_or(0, |tests| tests.left);
        Some(match outcome {
            Outcome::Succeeded | Outcome::Cached { .. } if has_parts => return None,
            Outcome::Succeeded | Outcome::Cached { .. } => Ending::Passed,
            Outcome::Failed(_) | Outcome::Cancelled if left > 0 => {
                Ending::Skipped(format!("{left} of its test executables did not run"))
            }
            Outcome::Failed(_) if is_told && tests.is_none_or(|tests| !tests.uncompiled) => return None,
            Outcome::Failed(how) => Ending::Error(Failure { how: how.to_string(), all: text(output) }),
            Outcome::Skipped { because } => Ending::Skipped(format!("{} failed", self.name(*because))),
            Outcome::Cancelled => Ending::Skipped(BEFORE.to_owned()),
        })
    }

    fn step(
        &self,
        step: StepId,
        (outcome, duration): (&Outcome, Duration),
        (ending, before): (Ending, Vec<Failure>),
        output: &Output,
    ) -> Suite {
        let (cached, duration) = match outcome {
            Outcome::Cached { saved, .. } => (true, *saved),
            _ => (false, duration),
        };
        let case = Tried { name: self.name(step).to_string(), duration: Some(duration), ending, before };
        Suite { cached, duration, cases: vec![case], output: text(output) }
    }

    fn name(&self, step: StepId) -> Arc<str> {
        self.steps.get(step.index()).map_or_else(|| Arc::from(""), |info| Arc::clone(&info.name))
    }
}

/// What a test executable came to, test by test. Where these do not tell all, there is a case for the executable.
fn suite_of(part: &Part) -> Suite {
    let bytes = bytes(&part.output);
    let told = libtest::told(&bytes);
    let mut cases: Vec<Tried> = told.cases.iter().map(tried).collect();
    let counted = part.tests.passed + part.tests.failed + part.tests.ignored;
    let is_whole = told.is_known && told.is_whole && cases.len() >= counted as usize;
    let has_failure = cases.iter().any(|case| matches!(case.ending, Ending::Failure(_)));
    let output = plain(&bytes);
    let own = match &part.outcome {
        Outcome::Failed(how) if !(is_whole && has_failure) => {
            Some(Ending::Failure(Failure { how: how.to_string(), all: output.clone() }))
        }
        Outcome::Cancelled | Outcome::Skipped { .. } => Some(Ending::Skipped(BEFORE.to_owned())),
        _ => (!is_whole).then_some(Ending::Passed),
    };
    cases.extend(own.map(|ending| own_case(part, ending)));
    Suite { cached: matches!(part.outcome, Outcome::Cached { .. }), duration: part.duration, cases, output }
}

/// The case of a test executable as a whole.
fn own_case(part: &Part, ending: Ending) -> Tried {
    Tried { name: part.name.to_string(), duration: Some(part.duration), ending, before: Vec::new() }
}

fn tried(case: &Case) -> Tried {
    let ending = match case.outcome {
        CaseOutcome::Passed => Ending::Passed,
        CaseOutcome::Failed => Ending::Failure(failure_of(case)),
        CaseOutcome::Ignored => Ending::Skipped("ignored".to_owned()),
    };
    Tried { name: case.name.clone(), duration: None, ending, before: Vec::new() }
}

/// What a failed test printed.
fn failure_of(case: &Case) -> Failure {
    Failure { how: in_short(&case.output).to_owned(), all: case.output.clone() }
}

impl Attempt {
    /// An attempt that failed so.
    fn new(how: &str, output: &Output) -> Self {
        let bytes = bytes(output);
        let told = libtest::told(&bytes);
        let failed = told.cases.iter().filter(|case| told.is_whole && case.outcome == CaseOutcome::Failed);
        let cases = failed.map(|case| (case.name.clone(), failure_of(case))).collect();
        Self { failure: Failure { how: how.to_owned(), all: plain(&bytes) }, cases }
    }
}

/// The line of a failed test's output that says most: what it panicked with, else the first.
fn in_short(output: &str) -> &str {
    let mut lines = output.lines().map(str::trim);
    let with = lines.by_ref().find(|line| line.starts_with("thread '") && line.contains(" panicked at "));
    let with = with.and_then(|_| lines.next()).filter(|line| !line.is_empty());
    with.or_else(|| output.lines().map(str::trim).find(|line| !line.is_empty())).unwrap_or("failed")
}

impl Suite {
    /// Adds the earlier attempts to the cases of the tests that failed in them; what no test can tell of, to that of the
    /// executable.
    fn add_attempts(&mut self, attempts: Vec<Attempt>, part: &Part) {
        for Attempt { failure, cases } in attempts {
            let mut left = cases.is_empty();
            for (name, failure) in cases {
                match self.cases.iter_mut().find(|case| case.name == name) {
                    Some(case) => case.before.push(failure),
                    None => left = true,
                }
            }
            if left {
                self.own(part).before.push(failure);
            }
        }
    }

    fn own(&mut self, part: &Part) -> &mut Tried {
        let place = self.cases.iter().position(|case| case.name == *part.name).unwrap_or_else(|| {
            self.cases.push(own_case(part, Ending::Passed));
            self.cases.len() - 1
        });
        &mut self.cases[place]
    }

    fn write(&self, xml: &mut Xml, (name, step): (&str, &str)) {
        let time = time(self.duration);
        xml.open("testsuite", &Counts::of(&self.cases).attributes(name, &time).each_ref().map(borrowed));
        xml.open("properties", &[]);
        xml.leaf("property", &[("name", "step"), ("value", step)], "");
        xml.leaf("property", &[("name", "cached"), ("value", if self.cached { "true" } else { "false" })], "");
        xml.close();
        self.cases.iter().for_each(|case| case.write(xml, name));
        if !self.output.is_empty() {
            xml.leaf("system-out", &[], &self.output);
        }
        xml.close();
    }
}

impl Tried {
    fn write(&self, xml: &mut Xml, suite: &str) {
        let mut attributes = vec![("name", &*self.name), ("classname", suite)];
        let time = self.duration.map(time);
        attributes.extend(time.as_deref().map(|time| ("time", time)));
        // As Surefire and nextest write them: a failure is followed by those before it, which alone make no failure.
        let (result, again) = match &self.ending {
            Ending::Passed => (None, "flakyFailure"),
            Ending::Failure(Failure { how, all }) => (Some(("failure", how, &**all)), "rerunFailure"),
            Ending::Error(Failure { how, all }) => (Some(("error", how, &**all)), "rerunError"),
            Ending::Skipped(why) => (Some(("skipped", why, "")), "rerunFailure"),
        };
        if result.is_none() && self.before.is_empty() {
            return xml.leaf("testcase", &attributes, "");
        }
        xml.open("testcase", &attributes);
        if let Some((element, message, text)) = result {
            xml.leaf(element, &[("message", message), ("type", element)], text);
        }
        for Failure { how, all } in &self.before {
            xml.open(again, &[("message", how), ("type", "failure")]);
            xml.leaf("stackTrace", &[], all);
            xml.close();
        }
        xml.close();
    }
}

impl Counts {
    fn of<'c>(cases: impl IntoIterator<Item = &'c Tried>) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.tests += 1;
            match case.ending {
                Ending::Passed => {}
                Ending::Failure(_) => counts.failures += 1,
                Ending::Error(_) => counts.errors += 1,
                Ending::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }

    fn attributes(self, name: &str, time: &str) -> [(&'static str, String); 6] {
        let Self { tests, failures, errors, skipped } = self;
        [
            ("name", name.to_owned()),
            ("tests", tests.to_string()),
            ("failures", failures.to_string()),
            ("errors", errors.to_string()),
            ("skipped", skipped.to_string()),
            ("time", time.to_owned()),
        ]
    }
}

fn borrowed<'a>((name, value): &'a (&'static str, String)) -> (&'a str, &'a str) {
    (name, value)
}

/// Seconds, to the millisecond.
fn time(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// How much of an output is taken, in bytes: readers of such reports keep all of it in memory, and so do we.
const TAKEN: usize = 1024 * 1024;

fn bytes(output: &Output) -> Vec<u8> {
    excerpt(output, TAKEN)
}

fn text(output: &Output) -> String {
    plain(&bytes(output))
}
