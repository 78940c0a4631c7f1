//! What steps print, as it comes and afterwards, and what came of their parts and attempts.

use std::io::Write;
use std::sync::Arc;

use super::{Human, Printed};
use crate::ansi;
use crate::model::{Outcome, Output, Part, StepId, Tests};
use crate::report::failures::{Failure, Tried};
use crate::report::replay::replay;
use crate::report::style::{OutputStyle, Tone, Verbosity};
use crate::report::words::{self, reason, seconds};

/// How much of a line without an end is held, in bytes.
const HELD: usize = 64 * 1024;
/// How much of a running step's last line is shown, in characters; the screen cuts it to the terminal's width.
const LAST_LINE: usize = 200;

impl<W: Write> Human<W> {
    /// Cargo's own lines are shown at once, where there is a terminal; of the rest, the last line.
    pub(super) fn print(&mut self, step: StepId, bytes: &[u8], live: bool) {
        if let Some(stream) = &mut self.stream {
            let lines = stream.push(step, bytes);
            self.say(step, bytes);
            return self.stream_lines(&lines);
        }
        if self.bar.is_none() {
            return;
        }
        let live = live && self.display.output == OutputStyle::Grouped;
        let printed = self.printed.entry(step).or_default();
        printed.live |= live;
        printed.hidden |= !live;
        let mut text = std::mem::take(&mut printed.rest);
        text.extend_from_slice(bytes);
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut rest = text.split_off(whole);
        if rest.len() > HELD {
            // A line without an end is shown in parts.
            text.append(&mut rest);
        }
        printed.rest.clone_from(&rest);
        self.say(step, if rest.is_empty() { &text } else { &rest });
        if live && !text.is_empty() {
            self.write(&text);
        }
    }

    /// The newest line of a running step.
    pub(super) fn say(&mut self, step: StepId, bytes: &[u8]) {
        if let (Some(bar), Some(last)) = (&mut self.bar, ansi::last_line(bytes, LAST_LINE)) {
            bar.screen.say(step, &last);
        }
    }

    pub(super) fn stream_lines(&mut self, lines: &[u8]) {
        if !lines.is_empty() {
            self.failures.shown_else();
            self.write(lines);
        }
    }

    /// An attempt failed.
    pub(super) fn retry(&mut self, what: Tried, (attempt, of): (u32, u32), how: &str, output: &Output) {
        let (step, part) = &what;
        let printed = if part.is_none() { self.printed.remove(step) } else { None };
        let Printed { rest, live, hidden } = printed.unwrap_or_default();
        if live && !rest.is_empty() {
            self.write(&rest);
        }
        let name = part.clone().unwrap_or_else(|| self.name(*step));
        self.verb(Tone::Warning, "Retrying", format_args!("{name}: attempt {attempt} of {of} failed: {how}"));
        let begun = self.stream.as_mut().filter(|_| part.is_none()).map(|stream| stream.end(*step));
        self.stream_lines(&begun.unwrap_or_default());
        // What a step printed is in the stream already.
        if (!live || hidden) && (self.stream.is_none() || part.is_some()) {
            self.replay(Some(*step), output);
        }
        self.failures.retried(what, (attempt, of));
        self.failures.shown_else();
    }

    /// A test executable ended.
    pub(super) fn part(&mut self, step: StepId, part: &Part) {
        let verbose = self.display.verbosity == Verbosity::Verbose;
        let quiet = self.display.verbosity == Verbosity::Quiet;
        let (name, took) = (&part.name, seconds(part.duration));
        let counts = words::tests(&part.tests);
        if let Outcome::Failed(how) = &part.outcome {
            let title = format!("{name}: {counts}");
            self.failures.add(Failure { title, how: Arc::clone(how), output: part.output.clone() });
        }
        let what = (step, Some(Arc::clone(name)));
        if let Some(bar) = &mut self.bar {
            bar.screen.end(&what, self.failures.count());
        }
        if part.outcome == Outcome::Succeeded {
            self.failures.succeeded(&what, || Arc::clone(name));
            self.failures.shown_else();
        }
        match &part.outcome {
            // As cargo tells of them, but nobody asks for a list of those that are empty.
            Outcome::Succeeded if quiet || (part.tests == Tests::default() && !verbose) => {}
            Outcome::Succeeded => {
                let why = part.reason.as_ref().map(|why| reason(why, &self.steps, Some(&part.member)));
                let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
                self.verb(Tone::Good, "Passed", format_args!("{name}: {counts} in {took}{why}"));
            }
            Outcome::Cached { .. } if verbose => {
                self.verb(Tone::Good, "Fresh", format_args!("{name}: {counts}"));
            }
            Outcome::Failed(how) => self.verb(Tone::Bad, "Failed", format_args!("{name}: {counts} in {took}: {how}")),
            Outcome::Cancelled => self.verb(Tone::Warning, "Cancelled", name),
            Outcome::Cached { .. } | Outcome::Skipped { .. } => {}
        }
        let failed = matches!(part.outcome, Outcome::Failed(_));
        let is_shown = match self.display.output {
            OutputStyle::Grouped => failed || part.shown || verbose,
            OutputStyle::Stream => verbose || !matches!(part.outcome, Outcome::Cached { .. }),
            OutputStyle::Failures => failed,
        };
        if is_shown {
            self.replay(Some(step), &part.output);
        }
    }

    /// Shows all of the output; of a step that is named, as its lines are shown where they come one by one.
    pub(super) fn replay(&mut self, step: Option<StepId>, output: &Output) {
        let (out, color, stream) = (&mut self.out, self.display.color, self.stream.as_mut().zip(step));
        // As with lines: nobody reads any more.
        let write = || match stream {
            Some((stream, step)) => {
                let mut lines = stream.writer(step, out);
                let _ = replay(output, true, &mut lines).and_then(|()| lines.end());
            }
            None => _ = replay(output, color, out),
        };
        match &mut self.bar {
            Some(bar) => bar.aside(write),
            None => write(),
        }
    }
}
