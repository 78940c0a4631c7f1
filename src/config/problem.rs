//! What is wrong with make.toml and how it is shown; what make.toml may say is not known here.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use thiserror::Error;

use super::Source;
use crate::model::Span;

/// How many problems are shown. Only a file that is no make.toml at all has more.
pub(super) const SHOWN: usize = 100;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub title: String,
    /// Where, the most important place first; each with a label, which may be empty.
    pub places: Vec<(Span, String)>,
    /// What to do.
    pub help: Option<String>,
}

/// Everything that is wrong with one make.toml, in the order of the file.
#[derive(Clone, Debug, Error)]
#[error("{}", self.render(false))]
pub struct Problems {
    file: Source,
    list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(file: Source, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.places.first().map(|(span, _)| *span));
        // The parser says of each of four arrays left open that the file ended.
        list.dedup();
        Self { file, list }
    }

    /// The problems, in the order of the file.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// All of them as rustc would show them, with an empty line between two.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let shown = self.list.iter().take(SHOWN);
        let mut all: Vec<String> = shown.map(|problem| problem.render(&self.file, color)).collect();
        if let Some(more) = self.list.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            all.push(point_at(&self.file, &format!("and {more} more errors"), &[], None, color));
        }
        all.join("\n\n")
    }
}

impl Problem {
    fn render(&self, source: &Source, color: bool) -> String {
        point_at(source, &self.title, &self.places, self.help.as_deref(), color)
    }
}

/// An error that points at places of make.toml in the order given, in rustc's look. Each label may be empty; so may the
/// list of places.
#[must_use]
pub fn point_at(source: &Source, title: &str, places: &[(Span, String)], help: Option<&str>, color: bool) -> String {
    let path = source.path.to_string_lossy();
    let mut elements: Vec<Element<'_>> = Vec::new();
    if places.is_empty() {
        elements.push(Origin::path(&*path).into());
    }
    let mut kind = AnnotationKind::Primary;
    let lines: Vec<_> = places.iter().map(|(span, label)| (Line::at(&source.text, *span), label)).collect();
    for together in lines.chunk_by(|(one, _), (next, _)| one.number == next.number) {
        let Some((line, _)) = together.first() else { continue };
        let mut snippet = Snippet::source(line.text).line_start(line.number).path(&*path);
        for (line, label) in together {
            let label = (!label.is_empty()).then(|| printable(label));
            snippet = snippet.annotation(kind.span(line.range.clone()).label(label));
            kind = AnnotationKind::Context;
        }
        elements.push(snippet.into());
    }
    elements.extend(help.map(|help| Level::HELP.message(printable(help)).into()));
    let report = [Level::ERROR.primary_title(printable(title)).elements(elements)];
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&report)
}

/// The line in which a span begins, and the part of the span on it. Only that line is handed on: so an error costs the
/// same in a file of any length, and an array of fifty lines is not underlined from end to end.
struct Line<'a> {
    number: usize,
    text: &'a str,
    range: Range<usize>,
}

impl<'a> Line<'a> {
    fn at(text: &'a str, span: Span) -> Self {
        let (before, after) = text.split_at(text.floor_char_boundary(span.start as usize));
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after.find('\n').map_or(text.len(), |newline| before.len() + newline);
        let line = text.get(begin..end).unwrap_or_default().trim_end_matches('\r');
        let start = (before.len() - begin).min(line.len());
        let stop = line.ceil_char_boundary((span.end as usize).saturating_sub(begin)).max(start);
        Self { number: 1 + before.matches('\n').count(), text: line, range: start..stop }
    }
}

/// Names from the file stand in titles: a line break or an escape sequence in one must not reach the terminal.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", character.escape_debug());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { path: "make.toml".into(), text: text.to_owned() }
    }

    #[test]
    fn several_places_are_shown_in_the_order_given() {
        let source = source("[hooks]\nbefore_a = [\"b\"]\nbefore_b = [\"a\"]\n");
        let places = [
            (Span { start: 37, end: 40 }, "`b` waits for `a`".to_owned()),
            (Span { start: 20, end: 23 }, "`a` waits for `b`".to_owned()),
        ];
        assert_eq!(
            point_at(&source, "a circle", &places, Some("leave one out"), false),
            r#"error: a circle
 --> make.toml:3:13
  |
3 | before_b = ["a"]
  |             ^^^ `b` waits for `a`
  |
 ::: make.toml:2:13
  |
2 | before_a = ["b"]
  |             --- `a` waits for `b`
  |
  = help: leave one out"#
        );
    }

    #[test]
    fn any_span_can_be_shown_and_control_characters_are_not() {
        let source = source("é = 1\r\n\r\n\u{1b}[31m = \"\"\"\r\nlong");
        for start in 0..=source.text.len() as u32 + 2 {
            for end in 0..=source.text.len() as u32 + 2 {
                let text =
                    point_at(&source, "\u{1b}[0m\n", &[(Span { start, end }, "\t".into())], Some("\u{7}"), false);
                assert!(text.contains("make.toml:"), "{text}");
                assert!(!text.contains(['\u{1b}', '\u{7}', '\t', '\r']), "{text:?}");
            }
        }
    }

    #[test]
    fn a_thousand_problems_are_counted_and_not_all_shown() {
        let one = |start| Problem {
            title: "wrong".into(),
            places: vec![(Span { start, end: start }, String::new())],
            help: None,
        };
        let problems = Problems::new(source(&"x".repeat(1000)), (0..1000).map(one).collect());
        let text = problems.to_string();
        assert_eq!(text.matches("error: wrong").count(), SHOWN);
        assert!(text.ends_with("error: and 900 more errors\n--> make.toml"), "{text}");
    }
}
