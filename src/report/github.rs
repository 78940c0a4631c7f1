//! The account of a run for GitHub Actions, as its runner reads standard output: a group for each step, annotations, and a
//! summary in Markdown. It knows events and nothing else.
//!
//! The runner takes lines for commands that begin with `::` or have `##[` in them, whoever printed them. So everything
//! that others printed or named stands between `::stop-commands::TOKEN` and `::TOKEN::`, of which nobody else can know the
//! token.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cached::cached_diagnostics;
use super::excerpt::{excerpt, pieces, plain};
use super::failures::{Failures, Flaky};
use super::markdown::{Failure, Markdown, Row};
use super::style::{Display, Tone, Verbosity, labelled, shown, status};
use super::words::{self, plural, reason, seconds};
use super::worst::Worst;
use crate::libtest::{self, Case, CaseOutcome};
use crate::model::{
    Diagnostic, Done, Event, EventKind, Outcome, Output, Part, Place, Reason, StepId, StepInfo, Summary,
};

/// How much of a failed test executable's output is read for what its tests say, in bytes.
const READ: usize = 1024 * 1024;
/// How much of a failure's output stands in the summary, in bytes.
const SHOWN: usize = 4 * 1024;

/// Where the workspace lies in the repository, whose files annotations name from its root.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// The repository's root.
    pub root: PathBuf,
    /// The workspace's root.
    pub workspace: PathBuf,
}

/// Shows a run as it happens, and keeps what its summary says.
pub struct Github<W> {
    out: W,
    display: Display,
    token: String,
    repository: Repository,
    steps: Arc<[StepInfo]>,
    reasons: BTreeMap<StepId, Reason>,
    /// What has an annotation: each thing gets one.
    annotated: BTreeSet<Diagnostic>,
    /// Steps whose failure something has told already.
    told: BTreeSet<StepId>,
    summary: Markdown,
    /// What was tried again, and what is flaky by that.
    failures: Failures,
    /// How many exceeded budgets were told.
    budgets: Worst,
}

impl<W: Write> Github<W> {
    /// Shows nothing yet. `token`: what nobody can guess.
    pub fn new(out: W, display: Display, token: String, repository: Repository) -> Self {
        Self {
            out,
            display,
            token,
            repository,
            steps: Arc::from([]),
            reasons: BTreeMap::new(),
            annotated: BTreeSet::new(),
            told: BTreeSet::new(),
            summary: Markdown::default(),
            failures: Failures::default(),
            budgets: Worst::default(),
        }
    }

    /// Shows the next event.
    pub fn take(&mut self, event: &Event) {
        if !matches!(event.kind, EventKind::Exceeded { .. })
            && let Some((text, enforced)) = self.budgets.others()
        {
            self.budget(&text, enforced);
        }
        match &event.kind {
            EventKind::Begun { workspace, selected, steps, .. } => self.begin(workspace, selected, steps),
            EventKind::Started { step, reason } => _ = self.reasons.insert(*step, reason.clone()),
            EventKind::Diagnosed { step, diagnostic } => self.diagnose(*step, diagnostic),
            EventKind::Ended { step, done } => self.end(*step, done),
            EventKind::PartEnded { step, part } => self.part(*step, part),
            EventKind::Retried { step, part, attempt, of, how, output } => {
                let name = part.as_deref().map_or_else(|| self.title(*step), str::to_owned);
                let text = format!("{name}: attempt {attempt} of {of} failed: {how}");
                self.group((Tone::Warning, "Retrying", &text), output);
                self.failures.retried((*step, part.clone()), (*attempt, *of));
            }
            EventKind::Exceeded { exceeded, enforced } => {
                if self.budgets.is_told(*enforced) {
                    self.budget(&words::exceeded(exceeded, &self.steps), *enforced);
                }
            }
            EventKind::Slower { step, took, usual } => {
                let text = words::slower(&self.title(*step), *took, usual);
                self.verb(Tone::Warning, "Slow", &text);
                self.summary.note(&format!("🐢 {text}"));
            }
            EventKind::Warned(text) => {
                self.line(&labelled(self.display.color, Tone::Warning, "warning", text));
                self.annotate("warning", &[("title", "cargo lifecycle")], text);
            }
            EventKind::Noted(text) if self.display.verbosity == Verbosity::Verbose => {
                self.line(&labelled(self.display.color, Tone::Good, "note", text));
            }
            EventKind::Interrupted(_) => self.verb(Tone::Warning, "Stopping", "what runs"),
            EventKind::Finished(summary) => self.finish(summary),
            EventKind::TerminalLeft
            | EventKind::TerminalBack
            | EventKind::Noted(_)
            | EventKind::Printed { .. }
            | EventKind::PartStarted { .. }
            | EventKind::Ready { .. }
            | EventKind::Waiting { .. }
            | EventKind::Granted { .. }
            | EventKind::Split { .. }
            | EventKind::Ticked { .. } => {}
        }
        // Nobody reads any more; the run goes on and its exit code tells.
        let _ = self.out.flush();
    }

    /// The summary of the job in Markdown, of at most `limit` bytes.
    #[must_use]
    pub fn summary(&self, limit: usize) -> String {
        self.summary.text(limit)
    }

    fn budget(&mut self, text: &str, enforced: bool) {
        let (tone, level) = if enforced { (Tone::Bad, "error") } else { (Tone::Warning, "warning") };
        self.line(&labelled(self.display.color, tone, level, text));
        self.annotate(level, &[("title", "cargo lifecycle")], text);
        self.summary.note(&format!("{} {text}", if enforced { "❌" } else { "⚠️" }));
    }

    fn begin(&mut self, workspace: &str, selected: &str, steps: &Arc<[StepInfo]>) {
        self.steps = Arc::clone(steps);
        self.summary.begin(workspace, selected);
        if self.display.verbosity > Verbosity::Quiet {
            self.verb(Tone::Note, "Lifecycle", &format!("of {workspace}: {selected}"));
        }
    }

    fn end(&mut self, step: StepId, done: &Done) {
        let Done { outcome, duration, output, warned, tests, .. } = done;
        let cached = matches!(outcome, Outcome::Cached { .. });
        let why = self.reasons.get(&step);
        let why = why.map(|why| reason(why, &self.steps, self.steps.get(step.index()).and_then(words::own)));
        let title = self.title(step);
        if *outcome == Outcome::Succeeded {
            self.failures.succeeded(&(step, None), || title.as_str().into());
        }
        let counts = tests.map(|tests| words::test_summary(&tests, cached));
        let mut row = Row::new(&title, outcome, *duration, (why.clone(), counts.clone()));
        row.because = self.because(outcome);
        self.summary.row(row);
        let after = counts.map(|counts| format!(": {counts}")).unwrap_or_default();
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let took = seconds(*duration);
        let (tone, verb, text) = match outcome {
            Outcome::Succeeded => (Tone::Good, "Ran", format!("{title} in {took}{why}{after}")),
            Outcome::Cached { restored: 0, .. } => (Tone::Good, "Fresh", format!("{title}{after}")),
            Outcome::Cached { restored, .. } => {
                (Tone::Good, "Fresh", format!("{title}{after} ({} restored)", plural(*restored, "output")))
            }
            Outcome::Failed(how) => (Tone::Bad, "Failed", format!("{title} in {took}: {how}{after}")),
            Outcome::Skipped { .. } => {
                (Tone::Warning, "Skipped", format!("{title}: {} failed", self.because(outcome).unwrap_or_default()))
            }
            Outcome::Cancelled => (Tone::Warning, "Cancelled", title.clone()),
        };
        let failed = matches!(outcome, Outcome::Failed(_));
        if self.display.verbosity > Verbosity::Quiet || failed || *warned {
            self.group((tone, verb, &text), output);
        }
        if *warned && cached {
            cached_diagnostics(output, &mut |diagnostic| self.diagnose(step, &diagnostic));
        }
        if let Outcome::Failed(how) = outcome {
            // What tests failed is told by themselves, and what did not compile by the compiler.
            if !self.told.contains(&step) {
                self.annotate("error", &[("title", &title)], how);
            }
            if tests.is_none_or(|tests| tests.uncompiled) {
                self.summary.failure(Failure { title, how: how.to_string(), output: short(output) });
            }
        }
    }

    fn part(&mut self, step: StepId, part: &Part) {
        let Part { name, outcome, output, .. } = part;
        let (took, counts) = (seconds(part.duration), words::tests(&part.tests));
        let why = part.reason.as_ref().map(|why| reason(why, &self.steps, Some(&part.member)));
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let quiet = self.display.verbosity == Verbosity::Quiet;
        match outcome {
            Outcome::Failed(how) => {
                self.group((Tone::Bad, "Failed", &format!("{name}: {counts} in {took}: {how}")), output);
                self.told.insert(step);
                self.failed_tests(part, how);
            }
            Outcome::Succeeded if !quiet => {
                self.failures.succeeded(&(step, Some(Arc::clone(name))), || Arc::clone(name));
                self.group((Tone::Good, "Passed", &format!("{name}: {counts} in {took}{why}")), output);
            }
            Outcome::Cancelled => self.verb(Tone::Warning, "Cancelled", name),
            Outcome::Succeeded | Outcome::Cached { .. } | Outcome::Skipped { .. } => {}
        }
    }

    /// An annotation for each failed test, and for the executable if it names none or not all.
    fn failed_tests(&mut self, part: &Part, how: &str) {
        let told = libtest::told(&excerpt(&part.output, READ));
        let failed: Vec<&Case> = told.cases.iter().filter(|case| case.outcome == CaseOutcome::Failed).collect();
        for case in &failed {
            let title = format!("{}: {}", part.name, case.name);
            let place = libtest::panicked_at(&case.output);
            let place = place.map(|(file, line, column)| Place::at(file.to_owned(), line, column));
            let mut properties = self.place(place.as_ref());
            properties.push(("title", title));
            let properties: Vec<_> = properties.iter().map(|(name, value)| (*name, &**value)).collect();
            self.annotate("error", &properties, case.output.trim());
        }
        // One that was ended or crashed after a failure says no more of the others.
        if failed.is_empty() || !told.is_whole {
            self.annotate("error", &[("title", &part.name)], how);
        }
        let title = format!("{}: {}", part.name, words::tests(&part.tests));
        self.summary.failure(Failure { title, how: how.to_owned(), output: short(&part.output) });
    }

    fn diagnose(&mut self, step: StepId, diagnostic: &Diagnostic) {
        if diagnostic.is_error {
            self.told.insert(step);
        }
        if !self.annotated.insert(diagnostic.clone()) {
            return;
        }
        let level = if diagnostic.is_error { "error" } else { "warning" };
        let mut properties = self.place(diagnostic.place.as_ref());
        let title = diagnostic.code.as_ref().map_or_else(|| self.title(step), |code| format!("{level}[{code}]"));
        properties.push(("title", title));
        let properties: Vec<_> = properties.iter().map(|(name, value)| (*name, &**value)).collect();
        self.annotate(level, &properties, &diagnostic.message);
    }

    /// Where something is, as properties of an annotation.
    fn place(&self, place: Option<&Place>) -> Vec<(&'static str, String)> {
        let Some(Place { file, line, column, end_line, end_column }) = place else { return Vec::new() };
        let file = self.repository.workspace.join(file);
        let file = file.strip_prefix(&self.repository.root).unwrap_or(&file);
        // Columns are for places on one line: the runner takes them away from others.
        let is_on_one = end_line.is_none_or(|end| end == *line);
        let numbers = [
            ("line", Some(*line)),
            ("col", Some(*column).filter(|_| is_on_one)),
            ("endLine", *end_line),
            ("endColumn", end_column.filter(|_| is_on_one)),
        ];
        let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, number?.to_string())));
        std::iter::once(("file", with_slashes(file))).chain(numbers).collect()
    }

    fn finish(&mut self, summary: &Summary) {
        for Flaky { name, attempt, of } in self.failures.take_flaky() {
            let text = format!("{name} ({attempt} of {of} attempts)");
            self.verb(Tone::Warning, "Flaky", &text);
            self.summary.note(&format!("🎲 flaky: {text}"));
        }
        self.summary.finish(summary);
        if self.display.verbosity > Verbosity::Quiet {
            let bad = summary.failed + summary.skipped + summary.cancelled > 0;
            let tone = if bad { Tone::Bad } else { Tone::Good };
            self.verb(tone, "Finished", &words::figures(summary));
        }
    }

    fn because(&self, outcome: &Outcome) -> Option<String> {
        let Outcome::Skipped { because } = outcome else { return None };
        Some(self.steps.get(because.index()).map(|info| info.name.to_string()).unwrap_or_default())
    }

    fn title(&self, step: StepId) -> String {
        self.steps.get(step.index()).map(words::title).unwrap_or_default()
    }

    /// A line, and in a group under it what was printed; the line alone if that is nothing.
    fn group(&mut self, (tone, verb, text): (Tone, &str, &str), output: &Output) {
        let (out, color, token) = (&mut self.out, self.display.color, &self.token);
        let mut is_open = false;
        let mut ends = true;
        pieces(output, &mut |piece| {
            if !is_open {
                let _ = writeln!(out, "::group::{}", data(&format!("{verb} {text}")));
                let _ = writeln!(out, "::stop-commands::{token}");
                is_open = true;
            }
            ends = piece.ends_with(b"\n");
            let _ = out.write_all(&shown(color, piece));
        });
        if !is_open {
            return self.verb(tone, verb, text);
        }
        let end = if ends { "" } else { "\n" };
        let _ = writeln!(self.out, "{end}::{}::\n::endgroup::", self.token);
    }

    fn verb(&mut self, tone: Tone, verb: &str, text: &str) {
        self.line(&status(self.display.color, tone, verb, text));
    }

    /// Writes a line that may name what others have named.
    fn line(&mut self, line: &str) {
        let is_command =
            line.contains("##[") || line.split(['\n', '\r']).any(|line| line.trim_start().starts_with("::"));
        let _ = if is_command {
            writeln!(self.out, "::stop-commands::{0}\n{line}\n::{0}::", self.token)
        } else {
            writeln!(self.out, "{line}")
        };
    }

    fn annotate(&mut self, level: &str, properties: &[(&str, &str)], message: &str) {
        let properties = properties.iter().map(|(name, value)| format!("{name}={}", property(value)));
        let properties = properties.collect::<Vec<_>>().join(",");
        let space = if properties.is_empty() { "" } else { " " };
        let message = if message.is_empty() { "failed" } else { message };
        let _ = writeln!(self.out, "::{level}{space}{properties}::{}", data(message));
    }
}

/// A text as a command's message.
fn data(text: &str) -> String {
    let cut = text.char_indices().nth(SHOWN).map_or(text, |(at, _)| &text[..at]);
    cut.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn with_slashes(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

fn short(output: &Output) -> String {
    plain(&excerpt(output, SHOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_message_or_a_property_is_escaped() {
        assert_eq!(data("100 %\r\n::error::"), "100 %25%0D%0A::error::");
        assert_eq!(property("a:b, 5%\n"), "a%3Ab%2C 5%25%0A");
    }

    #[test]
    fn our_own_lines_cannot_be_taken_for_commands() {
        let written = |line: &str| {
            let mut out = Vec::new();
            Github::new(&mut out, Display::default(), "t".to_owned(), Repository::default()).line(line);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written("plain::"), "plain::\n");
        for line in ["a\n ::error::b", "a\r::error::b", "a ##[error]b", "::error::b"] {
            assert_eq!(written(line), format!("::stop-commands::t\n{line}\n::t::\n"));
        }
    }
}
