//! What programs print, without the escape sequences of terminals. It knows nothing of what the text says.

use std::borrow::Cow;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// `bytes` without escape sequences (ECMA-48: colours, cursor movements, titles, links). One that is cut off at the end
/// goes too.
pub fn strip(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&ESCAPE) {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == ESCAPE) {
        let (text, sequence) = rest.split_at(at);
        plain.extend_from_slice(text);
        rest = after_sequence(sequence);
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
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
    let cut: String = shown.filter(|char| !char.is_control()).take(width).collect();
    (!cut.trim().is_empty()).then_some(cut)
}

/// What follows the escape sequence that `bytes` begins with.
fn after_sequence(bytes: &[u8]) -> &[u8] {
    match bytes {
        [ESCAPE, b'[', rest @ ..] => after_first(rest, |byte| matches!(byte, 0x40..=0x7e)),
        [ESCAPE, b']' | b'P' | b'X' | b'^' | b'_', rest @ ..] => after_string(rest),
        [ESCAPE, rest @ ..] => after_first(rest, |byte| !matches!(byte, 0x20..=0x2f)),
        _ => &[],
    }
}

fn after_first(bytes: &[u8], last: impl Fn(u8) -> bool) -> &[u8] {
    bytes.iter().position(|byte| last(*byte)).and_then(|at| bytes.get(at + 1..)).unwrap_or_default()
}

/// A control string ends with a bell (as xterm has it) or with `ESC \` (as the standard has it).
fn after_string(bytes: &[u8]) -> &[u8] {
    match bytes.iter().position(|byte| matches!(*byte, BELL | ESCAPE)) {
        Some(at) if bytes.get(at) == Some(&BELL) => bytes.get(at + 1..).unwrap_or_default(),
        Some(at) => bytes.get(at + 2..).unwrap_or_default(),
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(last(b"\xff\xfea").as_deref(), Some("\u{fffd}\u{fffd}a"));
    }
}
