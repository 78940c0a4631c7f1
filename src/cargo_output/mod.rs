//! What a cargo that was told to speak JSON prints, taken apart: the lines for people, and the facts for us. Pure: it does
//! not know where the bytes come from, nor who is shown what.
//!
//! Cargo has to render its diagnostics itself. If it hands them over as JSON, it neither drops duplicates nor counts
//! warnings, and its messages do not tell which of the units of a target (`lib` or `lib test`, for the host or for the
//! target) each of them is from. While both compile at the same time their messages come mixed, so no reader can put
//! together what cargo would have said. `build.warnings = "deny"` would do nothing either.

mod facts;
mod line;
mod message;
#[cfg(test)]
mod tests;

pub use facts::{Artifact, BuildScript, Diagnostic, Facts, Level, Place};

use line::Line;
use message::Message;

/// The argument that makes cargo print what [`CargoOutput`] reads.
pub const MESSAGE_FORMAT: &str = "--message-format=json-render-diagnostics";

/// Takes cargo's output (stdout and stderr in one stream) apart as it comes.
///
/// Until the build is finished, its JSON messages are taken out; everything else is passed on line by line, byte for
/// byte. Afterwards everything is passed on at once and nothing is taken out, since it may be a program's.
#[derive(Debug, Default)]
pub struct CargoOutput {
    /// The beginning of a line whose end has not come yet.
    unfinished: Vec<u8>,
    /// What the lines that follow belong to.
    block: Block,
    /// Whether the bytes are those of programs that cargo runs, for all we can know.
    program: bool,
    facts: Facts,
}

/// What the lines of cargo's that come next belong to, until one comes that begins something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    kind: Kind,
    /// Whether the diagnostic at its head still has to be told its place.
    placeless: bool,
    /// Whether an empty line came, after which it goes on only with lines that are indented.
    ended: bool,
}

/// A piece of the output for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered<'a> {
    /// A line of cargo's with its line end, or any bytes of a program's.
    pub bytes: &'a [u8],
    /// Whose.
    pub kind: Kind,
}

/// What a piece of the output is, as far as its looks tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A line such as `   Compiling a v0.1.0`.
    Status,
    /// A warning, the compiler's or cargo's own, or the line that counts them.
    Warning,
    /// An error.
    Error,
    /// Anything else that is printed while cargo builds, such as what a macro prints.
    #[default]
    Other,
    /// What is printed after the build: the program's, the tests' and what cargo says between them.
    Program,
}

/// Of what cargo printed for people, the warnings: with colours or without.
#[must_use]
pub fn warnings(printed: &[u8]) -> Vec<u8> {
    let mut output = CargoOutput::new();
    let mut found = Vec::new();
    let mut keep = |rendered: Rendered<'_>| {
        if rendered.kind == Kind::Warning {
            found.extend_from_slice(rendered.bytes);
        }
    };
    output.push(printed, &mut keep);
    output.finish(&mut keep);
    found
}

impl CargoOutput {
    /// Nothing was printed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes, in whatever pieces they come, and gives `out` what people are to see.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Rendered<'_>)) {
        let mut rest = bytes;
        while !self.program && !rest.is_empty() {
            let Some(at) = rest.iter().position(|byte| *byte == b'\n') else { break };
            let (line, after) = rest.split_at(at + 1);
            rest = after;
            if self.unfinished.is_empty() {
                self.line(line, out);
            } else {
                let mut whole = std::mem::take(&mut self.unfinished);
                whole.extend_from_slice(line);
                self.line(&whole, out);
            }
        }
        if self.facts.finished.is_none() {
            self.unfinished.extend_from_slice(rest);
        } else if !rest.is_empty() {
            // After the build half a line is more likely a program's prompt than half a line of cargo's.
            self.program = true;
            out(Rendered { bytes: rest, kind: Kind::Program });
        }
    }

    /// Gives `out` what is left when the output has ended, and tells all that was learned.
    pub fn finish(mut self, out: &mut dyn FnMut(Rendered<'_>)) -> Facts {
        let rest = std::mem::take(&mut self.unfinished);
        if !rest.is_empty() {
            self.line(&rest, out);
        }
        self.facts
    }

    fn line(&mut self, bytes: &[u8], out: &mut dyn FnMut(Rendered<'_>)) {
        if self.facts.finished.is_none()
            && let Some(message) = Message::parse(bytes)
        {
            if matches!(message, Message::Finished(_)) {
                self.block = Block::default();
            }
            return self.facts.learn(message);
        }
        let kind = self.kind_of(Line::parse(bytes));
        self.program = kind == Kind::Program;
        out(Rendered { bytes, kind });
    }

    fn kind_of(&mut self, line: Line) -> Kind {
        let built = self.facts.finished.is_some();
        if built && self.is_a_programs(&line) {
            return Kind::Program;
        }
        self.enter(line);
        match self.block.kind {
            Kind::Other if built => Kind::Program,
            kind => kind,
        }
    }

    /// Whether a line that comes after the build is not cargo's. Of cargo's there are `Finished` and what follows it
    /// (warnings of future incompatibility, `Generated`), or with `--quiet` nothing.
    fn is_a_programs(&self, line: &Line) -> bool {
        match line {
            Line::Status { starts_program } => *starts_program,
            _ => self.block.kind == Kind::Other,
        }
    }

    /// Sees whether a line begins something, ends something or adds to what was said.
    fn enter(&mut self, line: Line) {
        match line {
            Line::Status { .. } => self.block = Block::of(Kind::Status),
            Line::Head(diagnostic, failed) => {
                self.block = Block { placeless: true, ..Block::of(diagnostic.level.kind()) };
                self.facts.diagnostics.push(diagnostic);
                // A build script, without which nothing of the package compiles.
                self.facts.failed_libraries.extend(failed.clone());
                self.facts.failed_packages.extend(failed);
            }
            Line::Summary => self.block = Block { ended: true, ..Block::of(Kind::Warning) },
            Line::Failed(package, is_library) => {
                self.block = Block::of(Kind::Error);
                self.facts.failed_libraries.extend(package.clone().filter(|_| is_library));
                self.facts.failed_packages.extend(package);
            }
            Line::Place(place) if self.block.placeless => {
                self.block.placeless = false;
                if let Some(diagnostic) = self.facts.diagnostics.last_mut() {
                    diagnostic.place = Some(place);
                }
            }
            Line::Empty => self.block.ended = true,
            Line::Flush if self.block.is_over() => self.block = Block::default(),
            Line::Place(_) | Line::Indented | Line::Flush => {}
        }
    }
}

impl Block {
    fn of(kind: Kind) -> Self {
        Self { kind, placeless: false, ended: false }
    }

    /// Whether a line that is not indented is no part of it. Errors have paragraphs (`Caused by:`, the explanations of
    /// the resolver); warnings end with an empty line, and status lines at once.
    fn is_over(self) -> bool {
        match self.kind {
            Kind::Error => false,
            Kind::Warning => self.ended,
            Kind::Status | Kind::Other | Kind::Program => true,
        }
    }
}

impl Level {
    fn kind(self) -> Kind {
        match self {
            Self::Warning => Kind::Warning,
            Self::Error => Kind::Error,
        }
    }
}
