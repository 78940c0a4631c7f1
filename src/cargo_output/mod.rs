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
mod snippet;
#[cfg(test)]
mod tests;

pub use facts::{Artifact, BuildScript, Diagnostic, Facts, Level, Place};

use line::{Line, Verb};
use message::Message;
use snippet::Snippet;

/// The argument that makes cargo print what [`CargoOutput`] reads.
pub const MESSAGE_FORMAT: &str = "--message-format=json-render-diagnostics";

/// How much is held of a line whose end does not come, in bytes. What it is can be told by less.
const LINE: usize = 64 * 1024;
/// The same of one that may be a message of cargo's: they name all files of a unit, and are read as a whole.
const MESSAGE: usize = 16 * 1024 * 1024;

/// Takes cargo's output (stdout and stderr in one stream) apart as it comes.
///
/// Until the build is finished, its JSON messages are taken out; everything else is passed on line by line, byte for
/// byte. Afterwards everything is passed on at once and nothing is taken out, since it may be a program's.
#[derive(Debug)]
pub struct CargoOutput {
    /// The beginning of a line whose end has not come yet.
    unfinished: Vec<u8>,
    /// What the line is whose beginning was passed on, because it is too long to be held.
    long: Option<Kind>,
    /// What the lines that follow belong to.
    block: Block,
    /// The diagnostic that was said last, until nothing can follow that belongs to it.
    said: Option<Diagnostic>,
    /// Its source, below its place.
    snippet: Option<Snippet>,
    /// Whether the bytes are those of programs that cargo runs, for all we can know.
    program: bool,
    /// Whether there are messages among the lines.
    has_messages: bool,
    /// Whether cargo has said that a build is over; this alone tells where there are no messages.
    said_finished: bool,
    facts: Facts,
}

/// What the lines of cargo's that come next belong to, until one comes that begins something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    kind: Kind,
    /// Whether an empty line came, after which it goes on only with lines that are indented.
    ended: bool,
}

/// A piece of the output for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered<'a> {
    /// A line of cargo's with its line end, a part of one that is very long, or any bytes of a program's.
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

impl CargoOutput {
    /// Nothing was printed yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            unfinished: Vec::new(),
            long: None,
            block: Block::default(),
            said: None,
            snippet: None,
            program: false,
            has_messages: true,
            said_finished: false,
            facts: Facts::default(),
        }
    }

    /// Of what several cargos passed on to people, one after another, and was kept: the messages were taken out. What programs
    /// printed is told by cargo's colours, which are in it unless somebody did not want them.
    #[must_use]
    pub fn kept() -> Self {
        Self { has_messages: false, ..Self::new() }
    }

    /// Takes bytes, in whatever pieces they come, and gives `out` what people are to see.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Rendered<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.program {
                return out(Rendered { bytes: rest, kind: Kind::Program });
            }
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (piece, after) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
            rest = after;
            if end.is_some() { self.end_line(piece, out) } else { self.begin_line(piece, out) }
        }
    }

    /// The diagnostics that came and were not taken before, as far as all is known of them.
    pub fn take_diagnostics(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.facts.diagnostics)
    }

    /// Gives `out` what is left when the output has ended, and tells all that was learned.
    pub fn finish(mut self, out: &mut dyn FnMut(Rendered<'_>)) -> Facts {
        let rest = std::mem::take(&mut self.unfinished);
        if !rest.is_empty() {
            self.line(&rest, out);
        }
        self.end_diagnostic();
        self.facts
    }

    /// A piece of a line, maybe all of it, and its end.
    fn end_line(&mut self, piece: &[u8], out: &mut dyn FnMut(Rendered<'_>)) {
        if let Some(kind) = self.long.take() {
            out(Rendered { bytes: piece, kind });
        } else if self.unfinished.is_empty() {
            self.line(piece, out);
        } else {
            let mut whole = std::mem::take(&mut self.unfinished);
            whole.extend_from_slice(piece);
            self.line(&whole, out);
        }
    }

    /// A piece of a line whose end has not come yet.
    fn begin_line(&mut self, piece: &[u8], out: &mut dyn FnMut(Rendered<'_>)) {
        if let Some(kind) = self.long {
            return out(Rendered { bytes: piece, kind });
        }
        if self.facts.finished.is_some() {
            // After the build half a line is more likely a program's prompt than half a line of cargo's.
            self.program = true;
            return out(Rendered { bytes: piece, kind: Kind::Program });
        }
        self.unfinished.extend_from_slice(piece);
        let may_be_message = self.has_messages && message::may_begin(&self.unfinished);
        if self.unfinished.len() > if may_be_message { MESSAGE } else { LINE } {
            let begun = std::mem::take(&mut self.unfinished);
            self.long = self.line(&begun, out);
        }
    }

    /// A line, or as much of it as can be held; what it is, if people are to see it.
    fn line(&mut self, bytes: &[u8], out: &mut dyn FnMut(Rendered<'_>)) -> Option<Kind> {
        if self.has_messages
            && self.facts.finished.is_none()
            && let Some(message) = Message::parse(bytes)
        {
            if matches!(message, Message::Finished(_)) {
                self.block = Block::default();
                self.end_diagnostic();
            }
            self.facts.learn(message);
            return None;
        }
        let kind = if self.has_messages { self.kind_of(Line::parse(bytes)) } else { self.kind_of_kept(bytes) };
        self.program = kind == Kind::Program && self.has_messages;
        out(Rendered { bytes, kind });
        Some(kind)
    }

    fn kind_of_kept(&mut self, bytes: &[u8]) -> Kind {
        if self.block.kind == Kind::Program && !bytes.starts_with(b"\x1b[") {
            return Kind::Program;
        }
        let line = Line::parse(bytes);
        let is_cargos = matches!(line, Line::Status(_) | Line::Head(..) | Line::Summary | Line::Failed(..));
        if self.block.kind == Kind::Program && !is_cargos {
            return Kind::Program;
        }
        let verb = if let Line::Status(verb) = &line { Some(*verb) } else { None };
        self.enter(line);
        match verb {
            Some(Verb::Running) if self.said_finished => self.begin(Block::of(Kind::Program)),
            Some(verb) => self.said_finished = verb == Verb::Finished,
            None => {}
        }
        self.block.kind
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
            Line::Status(verb) => *verb == Verb::Running,
            _ => self.block.kind == Kind::Other,
        }
    }

    /// Sees whether a line begins something, ends something or adds to what was said.
    fn enter(&mut self, line: Line) {
        if self.is_after_snippet(&line) {
            self.end_diagnostic();
        }
        match line {
            Line::Status(_) => self.begin(Block::of(Kind::Status)),
            Line::Head(diagnostic, failed) => {
                self.begin(Block::of(diagnostic.level.kind()));
                self.facts.warnings += usize::from(diagnostic.level == Level::Warning);
                self.said = Some(diagnostic);
                // A build script, without which nothing of the package compiles.
                self.facts.failed_libraries.extend(failed.clone());
                self.facts.failed_packages.extend(failed);
            }
            Line::Summary => self.begin(Block { ended: true, ..Block::of(Kind::Warning) }),
            Line::Failed(package, is_library) => {
                self.begin(Block::of(Kind::Error));
                self.facts.failed_libraries.extend(package.clone().filter(|_| is_library));
                self.facts.failed_packages.extend(package);
            }
            Line::Place(place) => {
                if let Some(said) = &mut self.said {
                    // The first is its own, others are those of notes.
                    said.place.get_or_insert(place);
                    self.snippet = Some(Snippet::default());
                }
            }
            Line::Source(line, text) => {
                if let Some(snippet) = &mut self.snippet {
                    snippet.source(line, text);
                }
            }
            Line::Marks(text) => {
                let place = self.said.as_mut().and_then(|said| said.place.as_mut());
                if let (Some(snippet), Some(place)) = (&self.snippet, place) {
                    snippet.marks(&text, place);
                }
            }
            Line::Empty => self.block.ended = true,
            Line::Flush if self.block.is_over() => self.begin(Block::default()),
            Line::Cut | Line::Indented | Line::Flush => {}
        }
    }

    /// Whether all that can be learned of a diagnostic was said before this line.
    fn is_after_snippet(&self, line: &Line) -> bool {
        self.snippet.is_some() && !matches!(line, Line::Source(..) | Line::Marks(_) | Line::Cut)
    }

    fn begin(&mut self, block: Block) {
        self.end_diagnostic();
        self.block = block;
    }

    fn end_diagnostic(&mut self) {
        self.snippet = None;
        self.facts.diagnostics.extend(self.said.take());
    }
}

impl Block {
    fn of(kind: Kind) -> Self {
        Self { kind, ended: false }
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
