//! How things look: decided once, from plain values. It writes nothing.

use std::borrow::Cow;
use std::fmt::Display as Show;
use std::path::Path;

use clap::ValueEnum;

use crate::ansi;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only what failed or warned.
    Quiet,
    /// A line for each step that ran, and what failed or warned.
    #[default]
    Normal,
    /// Every step, why, and all output.
    Verbose,
}

/// What is shown of what steps print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputStyle {
    /// All of a step that failed or warned, at its end
    #[default]
    Grouped,
    /// Every line as it comes, behind the name of its step
    Stream,
    /// Only of steps that failed
    Failures,
}

/// How a run is displayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Display {
    /// Whether there is colour.
    pub color: bool,
    /// Whether there is a bar, redrawn in place.
    pub bar: bool,
    /// How much is said.
    pub verbosity: Verbosity,
    /// What is shown of what steps print; for [`OutputStyle::Stream`] the run needs `Options::live`.
    pub output: OutputStyle,
}

/// The colour of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Note,
    Warning,
    Bad,
}

impl Tone {
    const fn start(self) -> &'static str {
        match self {
            Self::Good => "\x1b[1m\x1b[32m",
            Self::Note => "\x1b[1m\x1b[36m",
            Self::Warning => "\x1b[1m\x1b[33m",
            Self::Bad => "\x1b[1m\x1b[31m",
        }
    }
}

/// A line as cargo prints its own: the verb right-aligned in twelve columns.
pub fn status(color: bool, tone: Tone, verb: &str, text: impl Show) -> String {
    if color { format!("{}{verb:>12}\x1b[0m {text}", tone.start()) } else { format!("{verb:>12} {text}") }
}

/// A line as cargo prints `warning:` and `error:`.
pub fn labelled(color: bool, tone: Tone, label: &str, text: impl Show) -> String {
    if color { format!("{}{label}\x1b[0m\x1b[1m:\x1b[0m {text}", tone.start()) } else { format!("{label}: {text}") }
}

/// An error as cargo prints its own, without a newline at its end.
pub fn error(color: bool, text: impl Show) -> String {
    labelled(color, Tone::Bad, "error", text)
}

/// Likewise a warning.
pub fn warning(color: bool, text: impl Show) -> String {
    labelled(color, Tone::Warning, "warning", text)
}

/// That a file was written, in one line.
pub fn written(color: bool, what: &str, path: &Path) -> String {
    status(color, Tone::Good, what, path.display()) + "\n"
}

/// The bytes as they may be shown: without colours if there are to be none.
pub fn shown(color: bool, bytes: &[u8]) -> Cow<'_, [u8]> {
    if color { Cow::Borrowed(bytes) } else { ansi::strip(bytes) }
}
