//! The summary of a run in Markdown: a table of the steps, then the failures. It knows nothing of where it is shown.

use std::fmt::Write as _;
use std::time::Duration;

use super::words::{figures, seconds};
use crate::model::{Outcome, Summary};

/// What a summary is made from.
#[derive(Debug, Default)]
pub struct Markdown {
    head: String,
    figures: String,
    rows: Vec<Row>,
    failures: Vec<Failure>,
    /// Which budgets were not enough, and what was slow.
    notes: Vec<String>,
}

/// A step.
#[derive(Debug)]
pub struct Row {
    pub title: String,
    pub result: &'static str,
    /// What failed stands before what did not run, and that before what ran; what was cached says least.
    rank: u8,
    pub took: Option<Duration>,
    pub saved: Option<Duration>,
    pub why: Option<String>,
    pub counts: Option<String>,
    /// The step whose failure kept it from running.
    pub because: Option<String>,
}

/// Something that failed.
#[derive(Debug)]
pub struct Failure {
    pub title: String,
    pub how: String,
    pub output: String,
}

impl Row {
    /// A step that ended so; with why it ran, and what its tests came to.
    pub fn new(
        title: &str,
        outcome: &Outcome,
        took: Duration,
        (why, counts): (Option<String>, Option<String>),
    ) -> Self {
        let (rank, result, took, saved) = match outcome {
            Outcome::Succeeded => (2, "✅ ran", Some(took), None),
            Outcome::Cached { saved, .. } => (3, "💤 cached", None, Some(*saved)),
            Outcome::Failed(_) => (0, "❌ failed", Some(took), None),
            Outcome::Skipped { .. } => (1, "⏭️ skipped", None, None),
            Outcome::Cancelled => (1, "🛑 cancelled", None, None),
        };
        Self { title: title.to_owned(), result, rank, took, saved, why, counts, because: None }
    }

    fn text(&self) -> String {
        let because = self.because.as_ref().map(|step| format!("{step} failed"));
        let notes = [&self.why, &because, &self.counts].into_iter().flatten();
        let notes = notes.map(|note| escaped(note)).collect::<Vec<_>>().join("; ");
        let time = |time: Option<Duration>| time.map(seconds).unwrap_or_default();
        let (took, saved) = (time(self.took), time(self.saved));
        format!("| {} | {} | {notes} | {took} | {saved} |\n", escaped(&self.title), self.result)
    }
}

impl Markdown {
    pub fn begin(&mut self, workspace: &str, selected: &str) {
        self.head = format!("### Lifecycle of {}: {}\n\n", escaped(workspace), escaped(selected));
    }

    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub fn failure(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    pub fn note(&mut self, text: &str) {
        self.notes.push(format!("- {}\n", escaped(text)));
    }

    pub fn finish(&mut self, summary: &Summary) {
        self.figures = figures(summary);
    }

    /// All of it, as far as it fits into `limit` bytes; what does not is counted.
    pub fn text(&self, limit: usize) -> String {
        let mut text = format!("{}{}\n\n", self.head, escaped(&self.figures));
        if fill(&mut text, self.notes.iter().cloned(), limit / 4) > 0 {
            text.push('\n');
        }
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| row.rank);
        text += "| Step | Result | Why | Took | Saved |\n|---|---|---|--:|--:|\n";
        // The failures get half of the room at most.
        let (left, rows_limit) = (rows.len(), limit.saturating_sub(limit / 2));
        let shown = fill(&mut text, rows.iter().map(|row| row.text()), rows_limit);
        if shown < left {
            _ = writeln!(text, "\n{} more steps are left out.", left - shown);
        }
        let shown = fill(&mut text, self.failures.iter().map(Failure::text), limit);
        if shown < self.failures.len() {
            _ = writeln!(text, "\n{} more failures are left out.", self.failures.len() - shown);
        }
        text.push('\n');
        if text.len() > limit { String::new() } else { text }
    }
}

/// Adds pieces as long as they fit, with room for a line after them, and answers how many did.
fn fill(text: &mut String, pieces: impl Iterator<Item = String>, limit: usize) -> usize {
    const LAST: usize = 128;
    let mut count = 0;
    for piece in pieces {
        if text.len() + piece.len() + LAST > limit {
            break;
        }
        text.push_str(&piece);
        count += 1;
    }
    count
}

impl Failure {
    fn text(&self) -> String {
        let Self { title, how, output } = self;
        let mut text = format!("\n#### {}: {}\n", escaped(title), escaped(how));
        let output = output.trim_end();
        if !output.is_empty() {
            let fence = "`".repeat(longest_run(output).max(2) + 1);
            _ = write!(text, "\n{fence}text\n{output}\n{fence}\n");
        }
        text
    }
}

/// How many backquotes at most stand side by side.
fn longest_run(text: &str) -> usize {
    text.split(|char| char != '`').map(str::len).max().unwrap_or(0)
}

/// A text on one line that means nothing to Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => escaped.extend(['\\', char]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            char if char.is_control() => escaped.push(' '),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize, outcome: &Outcome) -> Row {
        Row::new(&format!("build m{number}"), outcome, Duration::from_secs(1), (None, None))
    }

    #[test]
    fn nothing_in_a_text_means_anything() {
        assert_eq!(escaped("a|b\n<c> `d` &"), "a\\|b &lt;c&gt; \\`d\\` &amp;");
        let failure = Failure { title: "t".into(), how: "h".into(), output: "````\nx\n".into() };
        assert_eq!(failure.text(), "\n#### t: h\n\n`````text\n````\nx\n`````\n");
    }

    #[test]
    fn what_does_not_fit_is_counted_and_what_failed_comes_first() {
        let mut summary = Markdown::default();
        summary.begin("shop", "all");
        let cached = Outcome::Cached { saved: Duration::from_secs(2), restored: 0 };
        (0..10_000).for_each(|number| summary.row(row(number, &cached)));
        summary.row(row(10_000, &Outcome::Failed("x".into())));
        (0..1000).for_each(|number| {
            summary.failure(Failure { title: format!("f{number}"), how: "x".into(), output: "é".repeat(2000) });
        });
        for limit in [100_000, 1 << 20] {
            let text = summary.text(limit);
            assert!(text.len() <= limit && text.len() > limit / 2, "{}", text.len());
            assert!(text.contains("|--:|\n| build m10000 | ❌ failed |"));
            assert!(text.contains("more failures are left out"));
        }
        assert!(!summary.text(1 << 24).contains("left out"));
        assert_eq!(summary.text(10), "");
    }
}
