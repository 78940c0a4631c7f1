//! Outputs that may be long: piece by piece, or only their beginning and their end. It does not know what they say.

use std::collections::VecDeque;
use std::io::{self, Write};

use crate::ansi;
use crate::model::Output;

/// How long a piece may be, in bytes.
const PIECE: usize = 64 * 1024;

/// Gives `each` all of the output, in pieces that end with a line where lines are not too long.
pub fn pieces(output: &Output, each: &mut dyn FnMut(&[u8])) {
    let mut pieces = Pieces { unfinished: Vec::new(), each };
    if let Err(error) = output.copy_to(&mut pieces) {
        pieces.unfinished.extend_from_slice(unreadable(&error).as_bytes());
    }
    if !pieces.unfinished.is_empty() {
        (pieces.each)(&pieces.unfinished);
    }
}

struct Pieces<'a> {
    unfinished: Vec<u8>,
    each: &'a mut dyn FnMut(&[u8]),
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE);
        self.unfinished.extend_from_slice(&bytes[..taken]);
        while self.unfinished.len() > PIECE {
            let line = self.unfinished[..PIECE].iter().rposition(|byte| *byte == b'\n');
            let at = line.map_or_else(|| between_characters(&self.unfinished, PIECE), |end| end + 1);
            let rest = self.unfinished.split_off(at);
            (self.each)(&self.unfinished);
            self.unfinished = rest;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The last place up to `at` where no character of UTF-8 is cut.
fn between_characters(bytes: &[u8], at: usize) -> usize {
    let is_start = |place: &usize| bytes.get(*place).is_none_or(|byte| byte & 0xc0 != 0x80);
    (at.saturating_sub(3)..=at).rev().find(is_start).unwrap_or(at)
}

/// The output, or, where it is longer than `bound` bytes, its beginning and its end in whole lines, with a line between them
/// that says how much is left out.
pub fn excerpt(output: &Output, bound: usize) -> Vec<u8> {
    let mut ends = Ends { half: bound / 2, begin: Vec::new(), end: VecDeque::new(), left_out: 0 };
    let read = output.copy_to(&mut ends);
    let mut bytes = ends.finish();
    if let Err(error) = read {
        bytes.extend_from_slice(unreadable(&error).as_bytes());
    }
    bytes
}

struct Ends {
    half: usize,
    begin: Vec<u8>,
    end: VecDeque<u8>,
    left_out: usize,
}

impl Ends {
    fn finish(self) -> Vec<u8> {
        let Self { mut begin, end, mut left_out, .. } = self;
        let mut end: Vec<u8> = end.into();
        if left_out > 0 {
            if let Some(line) = begin.iter().rposition(|byte| *byte == b'\n') {
                left_out += begin.len() - (line + 1);
                begin.truncate(line + 1);
            } else {
                begin.push(b'\n');
            }
            if let Some(line) = end.iter().position(|byte| *byte == b'\n').filter(|line| line + 1 < end.len()) {
                left_out += line + 1;
                end.drain(..=line);
            }
            begin.extend_from_slice(format!("(… {left_out} bytes left out …)\n").as_bytes());
        }
        begin.append(&mut end);
        begin
    }
}

impl Write for Ends {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.begin.len()));
        self.begin.extend_from_slice(first);
        // Of many bytes at once only the last can stay.
        let gone = rest.len().saturating_sub(self.half);
        self.end.extend(&rest[gone..]);
        let over = self.end.len().saturating_sub(self.half);
        self.end.drain(..over);
        self.left_out += gone + over;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("(the output cannot be read: {error})\n")
}

/// Without escape sequences, line by line: one that does not end takes the rest with it.
pub fn plain(bytes: &[u8]) -> String {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let plain: Vec<u8> = lines.flat_map(|line| ansi::strip(line).into_owned()).collect();
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn output(bytes: Vec<u8>) -> Output {
        Output::of(Arc::new(bytes))
    }

    #[test]
    fn pieces_are_the_whole_and_cut_neither_lines_nor_characters() {
        for text in ["a line\n".repeat(50_000), "é".repeat(100_000), String::new(), "x".to_owned()] {
            let mut all = Vec::new();
            pieces(&output(text.clone().into_bytes()), &mut |piece| {
                assert!(piece.len() <= PIECE && std::str::from_utf8(piece).is_ok());
                all.extend_from_slice(piece);
            });
            assert!(all == text.as_bytes());
        }
    }

    #[test]
    fn of_much_the_ends_are_taken_and_the_rest_is_counted() {
        let text = |lines: std::ops::Range<u32>| lines.map(|line| format!("{line:03}\n")).collect::<String>();
        let taken = |text: String, bound| String::from_utf8(excerpt(&output(text.into_bytes()), bound)).unwrap();
        assert_eq!(taken(text(0..10), 40), text(0..10));
        assert_eq!(taken(text(0..100), 46), format!("{}(… 360 bytes left out …)\n{}", text(0..5), text(95..100)));
        assert_eq!(taken("x".repeat(100), 10), format!("xxxxx\n(… 90 bytes left out …)\nxxxxx"));
    }
}
