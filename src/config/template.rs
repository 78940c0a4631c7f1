//! Placeholders in the text of a command; where the text stands is not known here.

use std::ops::Range;

use crate::model::{Piece, Placeholder};

/// A text taken apart.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// Each placeholder, and the bytes of the text that it takes, braces included.
    pub holes: Vec<(Placeholder, Range<usize>)>,
    /// What is wrong, in order.
    pub mistakes: Vec<Mistake>,
    literal: String,
}

/// What can be wrong with the braces of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// The `{` at this byte is not closed.
    Unclosed(usize),
    /// What stands at these bytes, braces included, is no placeholder.
    Unknown(Range<usize>),
}

/// Takes a text apart. In a shell line `${…}` is the shell's; a word never meets a shell.
pub(super) fn parse(text: &str, shell: bool) -> Parsed {
    let mut parsed = Parsed::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        at += parsed.take(rest, at, shell);
    }
    parsed.flush();
    parsed
}

impl Parsed {
    /// Takes the next part of the text, which begins at byte `at`, and tells its length.
    fn take(&mut self, rest: &str, at: usize, shell: bool) -> usize {
        if rest.starts_with("{{") || rest.starts_with("}}") {
            return self.text(&rest[..1], 2);
        }
        if shell && rest.starts_with("${") && !rest.starts_with("${{") {
            return self.variable(rest, at);
        }
        if rest.starts_with('{') {
            return self.hole(rest, at);
        }
        // Everything up to the next character that could mean something. Never empty: the first one means nothing here.
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let end = rest[first..].find(['{', '}', '$']).map_or(rest.len(), |next| first + next);
        self.text(&rest[..end], end)
    }

    /// `${…}` up to the brace that closes it, as it stands: `${A:-${B}}` ends in two braces that are not one.
    fn variable(&mut self, rest: &str, at: usize) -> usize {
        let mut depth = 0_usize;
        for (index, character) in rest.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 1 => return self.text(&rest[..=index], index + 1),
                '}' => depth -= 1,
                _ => {}
            }
        }
        self.mistakes.push(Mistake::Unclosed(at + 1));
        rest.len()
    }

    fn hole(&mut self, rest: &str, at: usize) -> usize {
        let end = match rest[1..].find(['{', '}']).map(|end| end + 1) {
            Some(end) if rest[end..].starts_with('}') => end,
            _ => {
                self.mistakes.push(Mistake::Unclosed(at));
                return 1;
            }
        };
        let place = at..at + end + 1;
        match Placeholder::ALL.into_iter().find(|placeholder| placeholder.name() == &rest[1..end]) {
            Some(placeholder) => {
                self.flush();
                self.pieces.push(Piece::Hole(placeholder));
                self.holes.push((placeholder, place));
            }
            None => self.mistakes.push(Mistake::Unknown(place)),
        }
        end + 1
    }

    fn text(&mut self, text: &str, length: usize) -> usize {
        self.literal.push_str(text);
        length
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.literal).into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces, written with `<…>` for a hole, `|` between pieces; then the mistakes.
    fn shown(text: &str, shell: bool) -> String {
        let parsed = parse(text, shell);
        let pieces = parsed.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.to_string(),
            Piece::Hole(placeholder) => format!("<{}>", placeholder.name()),
        });
        let mut shown = pieces.collect::<Vec<_>>().join("|");
        for mistake in &parsed.mistakes {
            shown.push_str(&format!(" {mistake:?}"));
        }
        shown
    }

    #[test]
    fn placeholders_braces_and_shell_variables_are_told_apart() {
        for (text, expected) in [
            ("cargo run", "cargo run"),
            ("", ""),
            ("{name}", "<name>"),
            ("a{dir}{root}b", "a|<dir>|<root>|b"),
            ("{{name}} é}}", "{name} é}"),
            ("a } b", "a } b"),
            ("{{{name}}}", "{|<name>|}"),
            ("echo ${HOME} {name}", "echo ${HOME} |<name>"),
            ("${name}", "${name}"),
            ("${A:-${B}}{name}", "${A:-${B}}|<name>"),
            ("$${{A}}", "$${A}"),
            ("$ $1 {args}$", "$ $1 |<args>|$"),
            ("${A", " Unclosed(1)"),
            ("a {name", "a name Unclosed(2)"),
            ("{ {name}", " |<name> Unclosed(0)"),
            ("{nam} {}", "  Unknown(0..5) Unknown(6..8)"),
            ("awk '{print $1}'", "awk '' Unknown(5..15)"),
            ("{é}{", " Unknown(0..4) Unclosed(4)"),
        ] {
            assert_eq!(shown(text, true), expected, "{text}");
        }
    }

    #[test]
    fn a_word_has_no_shell_variables() {
        assert_eq!(shown("${name}", false), "$|<name>");
        assert_eq!(shown("${HOME}", false), "$ Unknown(1..7)");
    }

    #[test]
    fn a_hole_knows_its_place() {
        assert_eq!(parse("é {args}", true).holes, [(Placeholder::Args, 3..9)]);
    }
}
