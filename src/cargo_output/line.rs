//! What a line of cargo's or rustc's is, by its looks. It does not know the lines before it.

use std::path::PathBuf;

use super::{Diagnostic, Level, Place};
use crate::ansi;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// `   Compiling a v0.1.0`
    Status(Verb),
    /// The first line of a warning or an error, with the package that fails through it where it says so.
    Head(Diagnostic, Option<String>),
    /// ``warning: `a` (lib) generated 2 warnings``, or that the others are waited for: no diagnostic of its own.
    Summary,
    /// ``error: could not compile `a` (lib) due to 2 previous errors``, with the package, and whether it is its library.
    Failed(Option<String>, bool),
    /// `  --> src/lib.rs:1:5`
    Place(Place),
    /// `12 | let x = 1;`: a line of the source, with its number and what stands behind the bar.
    Source(u32, String),
    /// `   |     ^ unused`: what is said of the line of the source above, likewise.
    Marks(String),
    /// `...`: lines of the source are left out.
    Cut,
    /// Nothing.
    Empty,
    /// A line that begins with blanks or continues what came before (`note:`, `help:`).
    Indented,
    /// Any other.
    Flush,
}

/// What a status line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The build is over.
    Finished,
    /// What follows is printed by a program that cargo runs.
    Running,
    /// Anything else.
    Other,
}

impl Line {
    /// What a line is. Colours do not matter.
    pub fn parse(bytes: &[u8]) -> Self {
        let plain = ansi::strip(bytes);
        let text = String::from_utf8_lossy(&plain);
        let text = text.trim_end();
        if text.is_empty() {
            return Self::Empty;
        }
        status(text)
            .or_else(|| head(text))
            .or_else(|| short(text))
            .or_else(|| place(text))
            .or_else(|| of_source(text))
            .unwrap_or_else(|| other(text))
    }
}

/// Cargo's verbs end in the twelfth column.
fn status(text: &str) -> Option<Line> {
    const WIDTH: usize = 12;
    let verb = text.get(..WIDTH)?.trim_start();
    let is_verb = verb.starts_with(|first: char| first.is_ascii_uppercase())
        && verb.chars().all(|char| char.is_ascii_alphabetic() || char == '-');
    let tells = match verb {
        "Finished" => Verb::Finished,
        "Running" | "Doc-tests" => Verb::Running,
        _ => Verb::Other,
    };
    (is_verb && text.get(WIDTH..)?.starts_with(' ')).then_some(Line::Status(tells))
}

fn head(text: &str) -> Option<Line> {
    let (level, rest) = match text.strip_prefix("warning") {
        Some(rest) => (Level::Warning, rest),
        None => (Level::Error, text.strip_prefix("error")?),
    };
    let (code, message) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once("]: ").map(|(code, message)| (Some(code.to_owned()), message))?,
        None => (None, rest.strip_prefix(": ")?),
    };
    if level == Level::Warning && is_summary(message) {
        return Some(Line::Summary);
    }
    let failed = if level == Level::Error { failed_package(message) } else { None };
    if failed.is_some() && is_summary_of_errors(message) {
        let is_library = message.contains("` (lib)");
        return Some(Line::Failed(failed, is_library));
    }
    Some(Line::Head(Diagnostic { level, code, message: message.to_owned(), place: None }, failed))
}

/// `src/lib.rs:4:4: warning: unused`, as cargo repeats it when it was compiled with `--message-format=short`.
fn short(text: &str) -> Option<Line> {
    let (before, rest) = text.split_once(": ")?;
    let mut parts = before.rsplitn(3, ':');
    let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let file = PathBuf::from(parts.next()?);
    match head(rest)? {
        Line::Head(diagnostic, failed) => {
            Some(Line::Head(Diagnostic { place: Some(Place::new(file, line, column)), ..diagnostic }, failed))
        }
        _ => None,
    }
}

fn is_summary(message: &str) -> bool {
    message.starts_with('`') && message.contains(") generated ")
        || message == "build failed, waiting for other jobs to finish..."
}

/// When rustc dies without a word, cargo's line is the only one.
fn is_summary_of_errors(message: &str) -> bool {
    message.contains(" due to ") || message.starts_with("could not document ")
}

/// The package that a message declares failed: in backquotes, maybe with its version, or as `name@version` where its
/// build script speaks.
fn failed_package(message: &str) -> Option<String> {
    let beginnings = ["could not compile `", "could not document `", "failed to run custom build command for `"];
    if let Some(named) = beginnings.iter().find_map(|beginning| message.strip_prefix(beginning)) {
        return named.split(['`', ' ']).next().map(str::to_owned);
    }
    let (name, rest) = message.split_once('@')?;
    let is_name = name.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_'));
    let is_version = rest.starts_with(|first: char| first.is_ascii_digit()) && rest.contains(": ");
    (is_name && is_version).then(|| name.to_owned())
}

fn place(text: &str) -> Option<Line> {
    let place = text.trim_start().strip_prefix("--> ")?;
    let mut parts = place.rsplitn(3, ':');
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some(Line::Place(Place::new(PathBuf::from(parts.next()?), line, column)))
}

fn of_source(text: &str) -> Option<Line> {
    let (number, rest) = text.split_once(" |")?;
    let number = number.trim();
    if number.is_empty() {
        return Some(Line::Marks(rest.to_owned()));
    }
    Some(Line::Source(number.parse().ok()?, rest.to_owned()))
}

fn other(text: &str) -> Line {
    if text.strip_prefix("...").is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with('|')) {
        return Line::Cut;
    }
    let continues = text.starts_with([' ', '\t']) || text.starts_with("note: ") || text.starts_with("help: ");
    if continues { Line::Indented } else { Line::Flush }
}
