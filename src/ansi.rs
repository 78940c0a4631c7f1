//! What programs print, without the escape sequences of terminals. It knows nothing of what the text says.

use std::borrow::Cow;
use std::io::{self, Write};

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// `bytes` without escape sequences (ECMA-48: colours, cursor movements, titles, links). One that is cut off at the end
/// goes too.
pub fn strip(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&ESCAPE) {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let (mut place, mut rest) = (Place::Text, bytes);
    while !rest.is_empty() {
        plain.extend_from_slice(place.text(&mut rest));
    }
    Cow::Owned(plain)
}

/// `bytes` of which only the text and its colours are left: nothing that moves the cursor or clears anything.
pub fn colors(bytes: &[u8]) -> Vec<u8> {
    let mut colored = Vec::with_capacity(bytes.len());
    let (mut place, mut rest) = (Place::Text, bytes);
    while !rest.is_empty() {
        let (before, text) = (rest, place.text(&mut rest));
        let (sequences, _) = before.split_at(before.len() - text.len() - rest.len());
        for sequence in sequences.split_inclusive(|byte| *byte == b'm') {
            let from = sequence.iter().rposition(|byte| *byte == ESCAPE).unwrap_or_default();
            let parameters = sequence.get(from..).and_then(|one| one.strip_prefix(b"\x1b[")?.strip_suffix(b"m"));
            if let Some(parameters) = parameters.filter(|all| all.iter().all(|byte| matches!(byte, b'0'..=b';'))) {
                colored.extend([b"\x1b[", parameters, b"m"].concat());
            }
        }
        colored.extend_from_slice(text);
    }
    colored
}

/// Hands on what is written to it as [`strip`] leaves it; a sequence may come in pieces.
#[derive(Debug)]
pub struct Plain<W> {
    inner: W,
    place: Place,
}

impl<W> Plain<W> {
    /// Nothing has been written yet.
    pub const fn new(inner: W) -> Self {
        Self { inner, place: Place::Text }
    }
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let text = self.place.text(&mut rest);
            self.inner.write_all(text)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Where in a text or a sequence the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    /// Behind an escape character.
    Begun,
    /// Behind one and bytes that only a last one can follow.
    Short,
    /// Behind `ESC [`.
    Control,
    /// In a control string, which ends with a bell (as xterm has it) or with `ESC \` (as the standard has it).
    String,
    /// Behind an escape character in one.
    StringEnd,
}

impl Place {
    /// The first text in `bytes`, which are what comes behind it afterwards.
    fn text<'b>(&mut self, bytes: &mut &'b [u8]) -> &'b [u8] {
        let begins = bytes.iter().position(|byte| {
            let is_text = *self == Self::Text && *byte != ESCAPE;
            if !is_text {
                *self = self.after(*byte);
            }
            is_text
        });
        let (_, text) = bytes.split_at(begins.unwrap_or(bytes.len()));
        let (text, rest) = text.split_at(text.iter().position(|byte| *byte == ESCAPE).unwrap_or(text.len()));
        *bytes = rest;
        text
    }

    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Text, ESCAPE) => Self::Begun,
            (Self::Begun, b'[') => Self::Control,
            (Self::Begun, b']' | b'P' | b'X' | b'^' | b'_') => Self::String,
            (Self::Begun | Self::Short, 0x20..=0x2f) => Self::Short,
            (Self::String, ESCAPE) => Self::StringEnd,
            (Self::Control, 0x40..=0x7e) | (Self::String, BELL) => Self::Text,
            (Self::Control | Self::String, _) => self,
            (Self::Text | Self::Begun | Self::Short | Self::StringEnd, _) => Self::Text,
        }
    }
}

/// The last line of `bytes` that shows anything, finished or not, as one line of at most `width` characters without
/// escape sequences and control characters. Of a progress bar that rewrites its line it is the newest state.
pub fn last_line(bytes: &[u8], width: usize) -> Option<String> {
    let plain = strip(bytes);
    let mut lines = plain.rsplit(|byte| matches!(byte, b'\n' | b'\r'));
    lines.find_map(|line| one_line(line, width))
}

fn one_line(line: &[u8], width: usize) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let shown = text.trim_end().chars().map(|char| if char == '\t' { ' ' } else { char });
    // Terminals do not agree how wide characters are that are joined.
    let is_joiner = |char: &char| matches!(char, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}');
    let cut: String = shown.filter(|char| !char.is_control() && !is_joiner(char)).take(width).collect();
    (!cut.trim().is_empty()).then_some(cut)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn in_pieces_it_is_the_same(
            pieces in prop::collection::vec("([a\u{1b}\u{7}é\\\\ (m0;]|\u{1b}[\\[\\]P(]){0,6}", 0..8)
        ) {
            let mut plain = Plain::new(Vec::new());
            pieces.iter().for_each(|piece| plain.write_all(piece.as_bytes()).unwrap());
            let whole = pieces.concat();
            prop_assert_eq!(&plain.inner[..], &*strip(whole.as_bytes()));
        }
    }

    #[test]
    fn sequences_go_and_everything_else_stays() {
        let stripped = |text: &str| String::from_utf8(strip(text.as_bytes()).into_owned()).unwrap();
        assert_eq!(stripped("plain [1m é"), "plain [1m é");
        assert_eq!(stripped("\x1b[1m\x1b[38;5;9merror\x1b[0m: é"), "error: é");
        assert_eq!(stripped("\x1b]8;;file:///a\x1b\\link\x1b]8;;\x07 \x1b]0;title\x07end"), "link end");
        assert_eq!(stripped("\x1b(Ba\x1b7b\x1b[2Kc"), "abc");
        assert_eq!(stripped("cut\x1b[3"), "cut");
        assert_eq!(stripped("cut\x1b"), "cut");
        assert_eq!(stripped("cut\x1b]0;tit"), "cut");
        assert_eq!(&*strip(b"\xff\x1b[0m\xfe"), b"\xff\xfe");
    }

    #[test]
    fn of_sequences_only_colours_stay() {
        let colored = |text: &str| String::from_utf8(colors(text.as_bytes())).unwrap();
        assert_eq!(colored("m \x1b[1m\x1b[38;5;9merror\x1b[0m: mé"), "m \x1b[1m\x1b[38;5;9merror\x1b[0m: mé");
        assert_eq!(
            colored("\x1b[2K\x1b[31m\x1b[1Aa\x1b[?25lm\x1b]0;m\x07b\x1b[mc\x1b[1"),
            "\x1b[31mam".to_owned() + "b\x1b[mc"
        );
        assert_eq!(colored("\x1b]8;;file:///m\x1b\\link\x1b]8;;\x07"), "link");
    }

    #[test]
    fn the_last_line_is_one_that_shows_something_cut_between_characters() {
        let last = |bytes: &[u8]| last_line(bytes, 80);
        assert_eq!(last(b""), None);
        assert_eq!(last(b"\n \r\n\x1b[0m\n"), None);
        assert_eq!(last(b"one\ntwo\n\n").as_deref(), Some("two"));
        assert_eq!(last(b"one\r\ntwo\r\n").as_deref(), Some("two"));
        assert_eq!(last(b"one\n  prompt").as_deref(), Some("  prompt"));
        assert_eq!(last(b"  1%\r 50%\r").as_deref(), Some(" 50%"));
        assert_eq!(last(b"\x1b[1;32m   Compiling\x1b[0m a\tb\x08\x1b[K").as_deref(), Some("   Compiling a b"));
        assert_eq!(last_line("x\näöü🦀".as_bytes(), 3).as_deref(), Some("äöü"));
        assert_eq!(last("👩\u{200d}👧 ❤\u{fe0f}".as_bytes()).as_deref(), Some("👩👧 ❤"));
        assert_eq!(last(b"\xff\xfea").as_deref(), Some("\u{fffd}\u{fffd}a"));
    }
}
