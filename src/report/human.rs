//! The account of a run for people: a line for each step, cargo's own lines as they come, the failures once more, the
//! figures last. It knows events and nothing else.

mod output;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::bar::Bar;
use super::cached::cached_warnings;
use super::counted::Counted;
use super::failures::{Failure, Failures, Flaky};
use super::screen::Screen;
use super::stream::Stream;
use super::style::{Display, OutputStyle, Tone, Verbosity, labelled, shown, status};
use super::words::{self, plural, reason, seconds};
use super::worst::Worst;
use crate::model::{Closing, Done, Event, EventKind, Outcome, Reason, StepId, StepInfo, Summary, TestSummary};

/// In a plan of more steps than this, fresh ones are counted by phase instead of named one by one; on a terminal, where
/// the bar tells how far the run is, those that ran for less than [`QUICK`], too.
const NAMED: usize = 50;
const QUICK: Duration = Duration::from_secs(1);

/// Shows a run on standard error (or wherever `out` goes) as it happens.
pub struct Human<W> {
    out: W,
    display: Display,
    bar: Option<Bar>,
    stream: Option<Stream>,
    /// The bar, while the terminal is somebody else's.
    put_away: Option<Bar>,
    steps: Arc<[StepInfo]>,
    reasons: BTreeMap<StepId, Reason>,
    printed: BTreeMap<StepId, Printed>,
    fresh: Counted,
    quick: Counted,
    skipped: Counted,
    cancelled: Counted,
    failures: Failures,
    /// How many exceeded budgets were told.
    budgets: Worst,
}

/// What of a running step's output is on the terminal.
#[derive(Default)]
struct Printed {
    /// What came after the last whole line.
    rest: Vec<u8>,
    /// Some of it was shown as it came.
    live: bool,
    /// Some of it was not: of a step with commands of both sorts all is shown again where all is wanted.
    hidden: bool,
}

impl<W: Write> Human<W> {
    /// Shows nothing yet.
    pub fn new(out: W, display: Display) -> Self {
        Self {
            out,
            display,
            bar: None,
            stream: None,
            put_away: None,
            steps: Arc::from([]),
            reasons: BTreeMap::new(),
            printed: BTreeMap::new(),
            fresh: Counted::default(),
            quick: Counted::default(),
            skipped: Counted::default(),
            cancelled: Counted::default(),
            failures: Failures::default(),
            budgets: Worst::default(),
        }
    }

    /// Shows the next event.
    pub fn take(&mut self, event: Event) {
        if !matches!(event.kind, EventKind::Exceeded { .. })
            && let Some((text, enforced)) = self.budgets.others()
        {
            self.budget(text, enforced);
        }
        self.bar.iter_mut().for_each(|bar| bar.screen.pass(event.at));
        match event.kind {
            EventKind::Begun { workspace, selected, steps, .. } => self.begin(&workspace, &selected, steps),
            EventKind::Started { step, reason } => self.start(step, reason),
            EventKind::Printed { step, bytes, live } => self.print(step, &bytes, live),
            // Diagnostics are in what the step printed; what waits for what is for reports of times.
            EventKind::Diagnosed { .. }
            | EventKind::Ready { .. }
            | EventKind::Waiting { .. }
            | EventKind::Granted { .. }
            | EventKind::Split { .. } => {}
            EventKind::Ended { step, done } => self.end(step, done),
            EventKind::PartStarted { step, part } => {
                if let Some(bar) = &mut self.bar {
                    bar.screen.start((step, Some(Arc::clone(&part))), &part);
                }
            }
            EventKind::PartEnded { step, part } => self.part(step, &part),
            EventKind::Exceeded { exceeded, enforced } => {
                if self.budgets.is_told(enforced) {
                    self.budget(words::exceeded(&exceeded, &self.steps), enforced);
                }
            }
            EventKind::Slower { step, took, usual } => {
                let text = words::slower(&self.name(step), took, &usual);
                self.verb(Tone::Warning, "Slow", text);
            }
            EventKind::Warned(text) => self.line(&labelled(self.display.color, Tone::Warning, "warning", text)),
            EventKind::Noted(text) if self.display.verbosity == Verbosity::Verbose => {
                self.line(&labelled(self.display.color, Tone::Good, "note", text));
            }
            EventKind::Noted(_) => {}
            EventKind::Interrupted(_) => self.interrupted(),
            EventKind::Retried { step, part, attempt, of, how, output } => {
                self.retry((step, part), (attempt, of), &how, &output);
            }
            EventKind::TerminalLeft => self.leave_terminal(),
            EventKind::TerminalBack => self.take_terminal_back(),
            EventKind::Ticked { left } => self.tick(left),
            EventKind::Finished(summary) => self.finish(&summary),
        }
    }

    fn begin(&mut self, workspace: &str, selected: &str, steps: Arc<[StepInfo]>) {
        self.steps = steps;
        if self.display.output == OutputStyle::Stream {
            self.stream = Some(Stream::new(&self.steps, self.display.color));
        }
        if self.display.verbosity > Verbosity::Quiet {
            self.verb(Tone::Note, "Lifecycle", format_args!("of {workspace}: {selected}"));
        }
        if self.display.bar && self.display.verbosity > Verbosity::Quiet {
            let counted = self.steps.iter().filter(|step| step.is_counted()).count();
            self.bar = Some(Bar::new(Screen::new(counted, self.display.color)));
        }
    }

    fn budget(&mut self, text: String, enforced: bool) {
        let (tone, label) = if enforced { (Tone::Bad, "error") } else { (Tone::Warning, "warning") };
        self.line(&labelled(self.display.color, tone, label, text));
        self.failures.shown_else();
    }

    /// `finally` is not stopped by the first signal.
    fn interrupted(&mut self) {
        let closes = |step: &StepId| self.steps.get(step.index()).and_then(StepInfo::closing);
        let is_last = self.reasons.keys().any(|step| closes(step) == Some(Closing::Finally));
        let what = if is_last { "after `finally`" } else { "what runs" };
        self.verb(Tone::Warning, "Stopping", format_args!("{what}; once more to kill it"));
    }

    fn leave_terminal(&mut self) {
        if let Some(mut bar) = self.bar.take() {
            bar.put_away();
            self.put_away = Some(bar);
        }
    }

    fn take_terminal_back(&mut self) {
        if let Some(mut bar) = self.put_away.take() {
            bar.bring_back();
            self.bar = Some(bar);
        }
    }

    fn tick(&mut self, left: Option<Duration>) {
        if let Some(bar) = &mut self.bar {
            bar.screen.expect(left);
            bar.draw();
        }
    }

    fn start(&mut self, step: StepId, reason: Reason) {
        let name = self.name(step);
        if let Some(bar) = &mut self.bar {
            bar.screen.start((step, None), &name);
        }
        self.reasons.insert(step, reason);
    }

    fn end(&mut self, step: StepId, done: Done) {
        let Done { outcome, duration, output, warned, tests, .. } = done;
        let name = self.name(step);
        let Printed { rest, live, hidden } = self.printed.remove(&step).unwrap_or_default();
        let shown_live = live && !hidden;
        // Which tests failed was told by themselves.
        let failed = matches!(outcome, Outcome::Failed(_)) && tests.is_none();
        if live && !rest.is_empty() {
            self.write(&rest);
        }
        let begun = self.stream.as_mut().map(|stream| stream.end(step)).unwrap_or_default();
        self.stream_lines(&begun);
        if let (Outcome::Failed(how), true) = (&outcome, failed) {
            self.failures.add(Failure { title: self.title(step), how: Arc::clone(how), output: output.clone() });
        }
        if let Some(bar) = &mut self.bar {
            bar.screen.end(&(step, None), self.failures.count());
        }
        if outcome == Outcome::Succeeded {
            self.failures.succeeded(&(step, None), || name);
            self.failures.shown_else();
        }
        if outcome == Outcome::Succeeded && !warned && duration < QUICK && self.bar.is_some() && self.is_one_of_many() {
            self.count(step, |human| &mut human.quick);
        } else {
            self.outcome_line((step, tests), &outcome, &seconds(duration));
        }
        let verbose = self.display.verbosity == Verbosity::Verbose;
        let cached = matches!(outcome, Outcome::Cached { .. });
        let is_shown = match self.display.output {
            OutputStyle::Grouped => (failed || warned || verbose) && !shown_live,
            // All else was shown as it came.
            OutputStyle::Stream => cached && (warned || verbose),
            OutputStyle::Failures => failed,
        };
        if is_shown && cached && !verbose {
            self.replay(Some(step), &cached_warnings(&output));
        } else if is_shown {
            self.replay(Some(step), &output);
        }
        if is_shown && !failed {
            self.failures.shown_else();
        }
    }

    /// Whether a step of which there is nothing to say is not worth a line of its own.
    fn is_one_of_many(&self) -> bool {
        self.display.verbosity == Verbosity::Normal && self.steps.len() > NAMED
    }

    fn count(&mut self, step: StepId, counted: fn(&mut Self) -> &mut Counted) {
        if let Some(info) = self.steps.get(step.index()).cloned() {
            counted(self).add(step, &info);
        }
    }

    fn outcome_line(&mut self, (step, tests): (StepId, Option<TestSummary>), outcome: &Outcome, took: &str) {
        let is_cached = matches!(outcome, Outcome::Cached { .. });
        let tests = tests.map(|tests| format!(": {}", words::test_summary(&tests, is_cached))).unwrap_or_default();
        let name = self.title(step);
        let why = self.reasons.get(&step).map(|why| reason(why, &self.steps, self.own(step)));
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let quiet = self.display.verbosity == Verbosity::Quiet;
        match outcome {
            Outcome::Failed(how) => self.verb(Tone::Bad, "Failed", format_args!("{name} in {took}: {how}{tests}")),
            _ if quiet => {}
            Outcome::Succeeded => self.verb(Tone::Good, "Ran", format_args!("{name} in {took}{why}{tests}")),
            Outcome::Cached { restored, .. } => self.fresh(step, &format!("{name}{tests}"), *restored),
            Outcome::Skipped { .. } if self.is_one_of_many() => self.count(step, |human| &mut human.skipped),
            Outcome::Cancelled if !self.reasons.contains_key(&step) && self.is_one_of_many() => {
                self.count(step, |human| &mut human.cancelled);
            }
            Outcome::Skipped { because } => {
                let because = self.name(*because);
                self.verb(Tone::Warning, "Skipped", format_args!("{name}: {because} failed"));
            }
            Outcome::Cancelled => self.verb(Tone::Warning, "Cancelled", name),
        }
    }

    fn fresh(&mut self, step: StepId, name: &str, restored: usize) {
        if restored > 0 {
            let outputs = plural(restored, "output");
            return self.verb(Tone::Good, "Fresh", format_args!("{name} ({outputs} restored)"));
        }
        if self.steps.len() <= NAMED || self.display.verbosity == Verbosity::Verbose {
            return self.verb(Tone::Good, "Fresh", name);
        }
        let Some(info) = self.steps.get(step.index()) else { return };
        self.fresh.add(step, info);
    }

    fn finish(&mut self, summary: &Summary) {
        if let Some(mut bar) = self.bar.take() {
            bar.clear();
        }
        let counted = [
            (Tone::Good, "Fresh", self.fresh.take()),
            (Tone::Good, "Ran", self.quick.take()),
            (Tone::Warning, "Skipped", self.skipped.take()),
            (Tone::Warning, "Cancelled", self.cancelled.take()),
        ];
        for (tone, verb, phases) in counted {
            phases.iter().for_each(|phase| self.verb(tone, verb, phase));
        }
        for Flaky { name, attempt, of } in self.failures.take_flaky() {
            self.verb(Tone::Warning, "Flaky", format_args!("{name} ({attempt} of {of} attempts)"));
        }
        // Failures stand at the end.
        for Failure { title, how, output } in self.failures.take_repeated() {
            self.verb(Tone::Bad, "Failed", format_args!("{title}: {how}"));
            self.replay(None, &output);
        }
        if self.display.verbosity == Verbosity::Quiet {
            return;
        }
        let bad = summary.failed + summary.skipped + summary.cancelled > 0;
        let tone = if bad { Tone::Bad } else { Tone::Good };
        self.verb(tone, "Finished", words::figures(summary));
    }

    fn name(&self, step: StepId) -> Arc<str> {
        self.steps.get(step.index()).map_or_else(|| Arc::from(""), |info| Arc::clone(&info.name))
    }

    /// The step's name, and how many members it is for.
    fn title(&self, step: StepId) -> String {
        self.steps.get(step.index()).map(words::title).unwrap_or_default()
    }

    /// The member that the step is for, if it is for one.
    fn own(&self, step: StepId) -> Option<&str> {
        words::own(self.steps.get(step.index())?)
    }

    fn verb(&mut self, tone: Tone, verb: &str, text: impl std::fmt::Display) {
        self.line(&status(self.display.color, tone, verb, text));
    }

    fn line(&mut self, line: &str) {
        self.write(line.as_bytes());
    }

    /// Writes whole lines, above the bar if there is one.
    fn write(&mut self, bytes: &[u8]) {
        let mut lines = shown(self.display.color, bytes).into_owned();
        if !lines.ends_with(b"\n") {
            lines.push(b'\n');
        }
        match &mut self.bar {
            Some(bar) => bar.print(&lines),
            // Nobody reads any more; the run goes on and its exit code tells.
            None => _ = self.out.write_all(&lines),
        }
    }
}
