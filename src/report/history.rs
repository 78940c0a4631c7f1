//! What earlier runs came to, as text for people and as JSON: the runs, and the steps over all of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::words::{age, seconds};
use crate::model::{PastRun, Usual, durations_of, millis};

/// How many runs and how many steps are shown.
const SHOWN: usize = 20;

/// A step over all runs.
#[derive(Default)]
struct Summary<'a> {
    ran: usize,
    fresh: usize,
    failed: usize,
    /// Of all times that it ran.
    total: Duration,
    longest: Duration,
    last: Duration,
    peak: Option<u64>,
    /// What it called the last time: that is what `median` and `slower` are about.
    call: Option<&'a str>,
}

/// The last runs, oldest first, and their steps, those first that took most; `now` is in milliseconds since the Unix epoch.
#[must_use]
pub fn history(runs: &[PastRun], now: u64) -> String {
    if runs.is_empty() {
        return "No run is remembered.\n".to_owned();
    }
    let mut text = String::new();
    let left_out = runs.len().saturating_sub(SHOWN);
    if left_out > 0 {
        _ = writeln!(text, "({left_out} earlier runs)");
    }
    _ = writeln!(
        text,
        "{:>9} {:>9} {:>9} {:>5} {:>5} {:>6} {:>4}  phases",
        "ago", "took", "saved", "ran", "fresh", "failed", "exit"
    );
    for run in runs.iter().skip(left_out) {
        let failed = run.steps.iter().filter(|step| step.failed()).count();
        let ago = age(Duration::from_millis(now.saturating_sub(run.started_at)));
        let (took, saved) = (seconds(run.duration), seconds(run.saved));
        let (ran, fresh, exit, phases) = (run.steps.len(), run.cached, run.exit, run.phases.join(" "));
        _ = writeln!(text, "{ago:>9} {took:>9} {saved:>9} {ran:>5} {fresh:>5} {failed:>6} {exit:>4}  {phases}");
    }
    let durations = durations_of(runs);
    let mut steps: Vec<_> = summaries(runs).into_iter().collect();
    steps.sort_by_key(|(_, summary)| std::cmp::Reverse(summary.total));
    _ = writeln!(
        text,
        "\n{:>5} {:>5} {:>6} {:>9} {:>9} {:>9} {:>8}  step",
        "ran", "fresh", "failed", "last", "median", "longest", "memory"
    );
    for (name, step) in steps.iter().take(SHOWN) {
        let alike = durations.get(&(*name, step.call));
        let usual = alike.and_then(|all| Usual::of(all));
        let median = usual.map_or_else(|| "-".to_owned(), |usual| seconds(usual.median));
        let memory = step.peak.map_or_else(|| "-".to_owned(), |bytes| format!("{} MB", bytes.div_ceil(1_000_000)));
        let (last, longest) = (seconds(step.last), seconds(step.longest));
        let (ran, fresh, failed) = (step.ran, step.fresh, step.failed);
        let slower = if is_slower(alike) { " (slower than usual)" } else { "" };
        _ = writeln!(
            text,
            "{ran:>5} {fresh:>5} {failed:>6} {last:>9} {median:>9} {longest:>9} {memory:>8}  {name}{slower}"
        );
    }
    if steps.len() > SHOWN {
        _ = writeln!(text, "(+{} more steps)", steps.len() - SHOWN);
    }
    text
}

/// Each run as a line of JSON, oldest first.
pub fn history_json(runs: &[PastRun]) -> impl Iterator<Item = String> + '_ {
    runs.iter().map(|run| {
        let steps: Vec<Value> = run
            .steps
            .iter()
            .map(|step| {
                json!({
                    "name": step.name,
                    "succeeded": step.succeeded,
                    "cancelled": step.cancelled,
                    "duration_ms": millis(step.duration),
                    "peak_memory": step.peak,
                })
            })
            .collect();
        json!({
            "version": 1,
            "started_at": run.started_at,
            "duration_ms": millis(run.duration),
            "exit": run.exit,
            "phases": run.phases,
            "cached": run.cached,
            "saved_ms": millis(run.saved),
            "steps": steps,
            "fresh": run.fresh,
        })
        .to_string()
    })
}

fn summaries(runs: &[PastRun]) -> BTreeMap<&str, Summary<'_>> {
    let mut all: BTreeMap<&str, Summary<'_>> = BTreeMap::new();
    for run in runs {
        for step in &run.steps {
            let summary = all.entry(&step.name).or_default();
            summary.ran += 1;
            summary.failed += usize::from(step.failed());
            summary.total += step.duration;
            summary.longest = summary.longest.max(step.duration);
            summary.last = step.duration;
            summary.peak = summary.peak.max(step.peak);
            summary.call = step.call.as_deref();
        }
        for name in &run.fresh {
            all.entry(name).or_default().fresh += 1;
        }
    }
    all
}

/// Whether the last of them is much slower than those before it usually are.
fn is_slower(durations: Option<&Vec<Duration>>) -> bool {
    let Some((last, before)) = durations.and_then(|all| all.split_last()) else { return false };
    Usual::of(before).is_some_and(|usual| usual.is_exceeded_by(*last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PastStep;

    fn run(number: u64, took: u64, succeeded: bool) -> PastRun {
        let duration = Duration::from_millis(took);
        let step =
            PastStep { name: "build".into(), succeeded, cancelled: false, duration, peak: Some(7_000_000), call: None };
        PastRun {
            started_at: number * 60_000,
            duration,
            exit: i32::from(!succeeded),
            phases: vec!["build".into(), "lint".into()],
            cached: 1,
            saved: Duration::from_secs(2),
            steps: vec![step],
            fresh: vec!["lint".into()],
        }
    }

    #[test]
    fn runs_and_steps_stand_in_two_tables() {
        let mut runs: Vec<PastRun> = (0..5).map(|number| run(number, 1000, true)).collect();
        runs.push(run(5, 100, false));
        runs.push(run(6, 9000, true));
        let text = history(&runs, 7 * 60_000);
        let expected = "
      ago      took     saved   ran fresh failed exit  phases
       7m     1.00s     2.00s     1     1      0    0  build lint
       6m     1.00s     2.00s     1     1      0    0  build lint
       5m     1.00s     2.00s     1     1      0    0  build lint
       4m     1.00s     2.00s     1     1      0    0  build lint
       3m     1.00s     2.00s     1     1      0    0  build lint
       2m     0.10s     2.00s     1     1      1    1  build lint
       1m     9.00s     2.00s     1     1      0    0  build lint

  ran fresh failed      last    median   longest   memory  step
    7     0      1     9.00s     1.00s     9.00s     7 MB  build (slower than usual)
    0     7      0     0.00s         -     0.00s        -  lint
";
        assert_eq!(text, expected.trim_start_matches('\n'));
        assert_eq!(history(&[], 0), "No run is remembered.\n");
    }

    #[test]
    fn of_many_runs_the_last_are_shown() {
        let runs: Vec<PastRun> = (0..30).map(|number| run(number, 1000, true)).collect();
        let text = history(&runs, 0);
        assert!(text.starts_with("(10 earlier runs)\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.ends_with("build lint")).count(), SHOWN);
    }
}
