//! Text without the escape sequences of terminals. It knows nothing of what the text says.

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
    use super::strip;

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
}
