//! Tells everything that a command prints. It does not know who shows it.

use std::io;

use super::Teller;

/// How much is told at a time where everything is.
const PIECE: usize = 16 * 1024;

/// Tells what a command prints line by line: another one of the same step may print at the same time.
pub struct Lines<'a> {
    tell: &'a Teller<'a>,
    begun: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// The command has printed nothing yet.
    pub const fn new(tell: &'a Teller<'a>) -> Self {
        Self { tell, begun: Vec::new() }
    }

    /// It has printed this.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            self.begun.extend_from_slice(piece);
            let whole = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            // A line that is longer than this goes on its way in parts.
            let told = if whole == 0 && self.begun.len() >= PIECE { self.begun.len() } else { whole };
            if told > 0 {
                let begun = self.begun.split_off(told);
                self.tell.printed(std::mem::replace(&mut self.begun, begun), false);
            }
        }
    }

    /// The command is over; the next one begins a line of its own.
    pub fn end(mut self) {
        if !self.begun.is_empty() {
            self.begun.push(b'\n');
            self.tell.printed(self.begun, false);
        }
    }
}

impl io::Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
