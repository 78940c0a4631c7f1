//! What is said about verdicts and outcomes, in words.

mod changes;

use std::time::Duration;

use crate::model::{Exceeded, Outcome, Reason, StepInfo, Summary, Taken, TestRun, TestSummary, Tests, Usual};
use changes::{change, changed};
pub use changes::{release, version};

/// Why a step runs, in one short line.
#[must_use]
pub fn reason(reason: &Reason, steps: &[StepInfo], own: Option<&str>) -> String {
    match reason {
        Reason::FirstRun => "first run".to_owned(),
        Reason::Forced => "forced".to_owned(),
        Reason::NotCached => "never cached".to_owned(),
        Reason::LedElsewhere(option) => format!("not cached because of {option}"),
        Reason::CacheOff => "cache off".to_owned(),
        Reason::Changed(changes) => changed(changes, own),
        Reason::NoRecord => "no record of this state".to_owned(),
        Reason::Evicted => "record evicted".to_owned(),
        Reason::NotKept(why) => format!("not kept before: {why}"),
        Reason::InterruptedBefore => "interrupted before".to_owned(),
        Reason::FailedBefore => "failed before".to_owned(),
        Reason::DependsOn(step) => format!("depends on {}", steps.get(step.index()).map_or("", |step| &step.name)),
        Reason::ArtifactMissing(path) => format!("{path} is missing"),
        Reason::ArtifactChanged(path) => format!("{path} was changed"),
        Reason::OutputLost(how) => how.to_string(),
        Reason::OutputAdded(path) => format!("`{path}` is there, which its run in this state did not leave"),
        Reason::Verify => "fresh, to be verified".to_owned(),
        Reason::Unreadable(path) => format!("cannot read {path}"),
        Reason::EscapingModule(path) => format!("{path} names a module outside of its member"),
    }
}

/// Every reason in full, a line each: for `--explain`.
#[must_use]
pub fn reasons(all: &[Reason], steps: &[StepInfo], own: Option<&str>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for why in all {
        match why {
            Reason::Changed(changes) => lines.extend(changes.iter().map(|change| self::change(change, own))),
            other => lines.push(reason(other, steps, own)),
        }
    }
    lines.dedup();
    lines
}

/// How something ended, in the word that programs get.
#[must_use]
pub const fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Cached { .. } => "cached",
        Outcome::Failed(_) => "failed",
        Outcome::Skipped { .. } => "skipped",
        Outcome::Cancelled => "cancelled",
    }
}

/// The member that the step is for, if it is for one.
#[must_use]
pub fn own(step: &StepInfo) -> Option<&str> {
    step.subject().strip_prefix(&*step.phase)?.strip_prefix(' ')
}

/// The step's name, and how many members it is for.
#[must_use]
pub fn title(step: &StepInfo) -> String {
    if step.members > 0 && *step.subject() == *step.phase {
        format!("{} ({})", step.name, members(step.members))
    } else {
        step.name.to_string()
    }
}

/// Numbers of tests, as libtest tells them: `12 passed; 1 failed`.
#[must_use]
pub fn tests(tests: &Tests) -> String {
    let counts = [
        (tests.passed, "passed"),
        (tests.failed, "failed"),
        (tests.ignored, "ignored"),
        (tests.filtered, "filtered out"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() { "no tests".to_owned() } else { counts.join("; ") }
}

/// What the executables of a test step came to: those that ran, and those that did not have to.
#[must_use]
pub fn test_summary(summary: &TestSummary, is_cached: bool) -> String {
    let executables = |run: &TestRun| plural(run.executables as usize, "executable");
    let mut parts = Vec::new();
    if summary.ran.executables > 0 {
        parts.push(format!("{} in {}", tests(&summary.ran.tests), executables(&summary.ran)));
    }
    if summary.left > 0 {
        parts.push(format!("{} not run", plural(summary.left as usize, "executable")));
    }
    if summary.fresh.executables > 0 {
        // Of a step that is fresh itself that needs no saying.
        let fresh = if is_cached { "" } else { " fresh" };
        parts.push(format!("{} in {}{fresh}", tests(&summary.fresh.tests), executables(&summary.fresh)));
    }
    if !summary.saved.is_zero() && summary.ran.executables + summary.left > 0 {
        parts.push(format!("saved {}", seconds(summary.saved)));
    }
    if parts.is_empty() { "no tests".to_owned() } else { parts.join(", ") }
}

pub trait EscapeDefaultUnlessPlain {
    fn escape_default_unless_plain(&self) -> String;
}

impl EscapeDefaultUnlessPlain for str {
    /// A file's name may hold anything, even what moves a cursor.
    fn escape_default_unless_plain(&self) -> String {
        if self.chars().any(char::is_control) { self.escape_default().to_string() } else { self.to_owned() }
    }
}

/// A duration as cargo prints it: `3.21s`, `2m 05s`.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        return format!("{:.2}s", duration.as_secs_f64());
    }
    if whole < 3600 {
        return format!("{}m {:02}s", whole / 60, whole % 60);
    }
    format!("{}h {:02}m", whole / 3600, whole % 3600 / 60)
}

/// How long ago something was, roughly: `12s`, `5m`, `3h`, `2 days`.
#[must_use]
pub fn age(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Names in a row; of many only the first.
#[must_use]
pub fn listed(names: impl IntoIterator<Item = String>, at_most: usize) -> String {
    let names: Vec<String> = names.into_iter().collect();
    let shown = names.get(..at_most).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(at_most) {
        0 => shown,
        more => format!("{shown} (+{more} more)"),
    }
}

/// `48 steps in 3.21s: 45 cached, 3 run; saved 41.30s`
#[must_use]
pub fn figures(summary: &Summary) -> String {
    let counts = [
        (summary.cached, "cached"),
        (summary.succeeded, "run"),
        (summary.failed, "failed"),
        (summary.skipped, "skipped"),
        (summary.cancelled, "cancelled"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let counts: Vec<String> = counts.collect();
    let mut text = format!("{} in {}", plural(summary.steps(), "step"), seconds(summary.duration));
    if !counts.is_empty() {
        text += &format!(": {}", counts.join(", "));
    }
    if !summary.saved.is_zero() {
        text += &format!("; saved {}", seconds(summary.saved));
    }
    text
}

/// `build api took 12.30s, more than the 10.00s of max_phase_time`
#[must_use]
pub fn exceeded(exceeded: &Exceeded, steps: &[StepInfo]) -> String {
    let (taken, budget) = match (exceeded.taken, exceeded.budget) {
        (Taken::Time(taken), Taken::Time(budget)) => apart(taken, budget),
        (taken, budget) => (amount(taken), amount(budget)),
    };
    format!("{} took {taken}, more than the {budget} of {}", who(exceeded, steps), exceeded.key(steps))
}

fn amount(taken: Taken) -> String {
    match taken {
        Taken::Time(time) => seconds(time),
        Taken::Memory(bytes) => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}

/// A time and a shorter one, in as many digits as it takes to tell them.
fn apart(taken: Duration, budget: Duration) -> (String, String) {
    let (long, short) = (seconds(taken), seconds(budget));
    if long != short && budget.subsec_millis().is_multiple_of(10) {
        return (long, short);
    }
    let thousandths = |milliseconds: u128| format!("{}.{:03}s", milliseconds / 1000, milliseconds % 1000);
    (thousandths(taken.as_micros().div_ceil(1000)), thousandths(budget.as_millis()))
}

/// Whose budget it is: `build api`, `the run`
#[must_use]
pub fn who<'s>(exceeded: &Exceeded, steps: &'s [StepInfo]) -> &'s str {
    exceeded.step.and_then(|step| steps.get(step.index())).map_or("the run", |info| &*info.name)
}

/// `build api took 12.30s, usually 3.10s (17 runs)`
#[must_use]
pub fn slower(name: &str, took: Duration, usual: &Usual) -> String {
    format!("{name} took {}, usually {} ({})", seconds(took), seconds(usual.median), plural(usual.runs, "run"))
}

/// `1 member`, `11 members`.
#[must_use]
pub fn members(count: usize) -> String {
    plural(count, "member")
}

/// `1 step`, `11 steps`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepId;

    #[test]
    fn a_time_is_told_to_be_longer_than_its_budget() {
        let told = |taken_us, budget_ms| apart(Duration::from_micros(taken_us), Duration::from_millis(budget_ms));
        for (taken_us, budget_ms, expected) in [
            (12_300_000, 10_000, ["12.30s", "10.00s"]),
            (12_400, 5, ["0.013s", "0.005s"]),
            (5_001, 5, ["0.006s", "0.005s"]),
            (10_000_400, 10_000, ["10.001s", "10.000s"]),
            (125_300_000, 125_000, ["125.300s", "125.000s"]),
            (180_000_000, 125_000, ["3m 00s", "2m 05s"]),
        ] {
            assert_eq!(<[String; 2]>::from(told(taken_us, budget_ms)), expected);
        }
    }

    #[test]
    fn reasons_are_told_shortly() {
        let steps = [StepInfo { name: "gen api".into(), phase: "gen".into(), members: 1 }];
        for (why, expected) in [
            (Reason::FirstRun, "first run"),
            (Reason::Forced, "forced"),
            (Reason::DependsOn(StepId::new(0)), "depends on gen api"),
            (Reason::NotKept("inputs changed during the run".into()), "not kept before: inputs changed during the run"),
            (Reason::InterruptedBefore, "interrupted before"),
            (Reason::FailedBefore, "failed before"),
            (Reason::Evicted, "record evicted"),
            (Reason::LedElsewhere("--config"), "not cached because of --config"),
        ] {
            assert_eq!(reason(&why, &steps, None), expected);
        }
    }

    #[test]
    fn ages_and_rows_are_short() {
        let told = [59, 60, 7_200, 172_799, 172_800].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(told, ["59s", "1m", "2h", "47h", "2 days"]);
        let names = || ["a", "b", "c"].map(str::to_owned);
        assert_eq!([listed(names(), 3), listed(names(), 2)], ["a, b, c", "a, b (+1 more)"]);
    }
}
