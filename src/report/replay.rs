//! What a step printed, written once more. It goes through piece by piece: there may be more of it than there is memory.

use std::io::{self, BufWriter, Write};

use crate::ansi;
use crate::model::Output;

/// How much is written at a time.
const PIECE: usize = 64 * 1024;

/// Writes all of the output, in whole lines.
pub fn replay(output: &Output, color: bool, out: &mut impl Write) -> io::Result<()> {
    let mut lines = Lines { inner: BufWriter::with_capacity(PIECE, out), last: None };
    let copied = if color { output.copy_to(&mut lines) } else { output.copy_to(&mut ansi::Plain::new(&mut lines)) };
    if let Err(error) = copied {
        lines.end()?;
        writeln!(lines, "(the output cannot be read: {error})")?;
    }
    lines.end()?;
    lines.flush()
}

/// Knows whether what was written ends with a whole line.
struct Lines<W> {
    inner: W,
    last: Option<u8>,
}

impl<W: Write> Lines<W> {
    fn end(&mut self) -> io::Result<()> {
        if self.last.is_some_and(|last| last != b'\n') { self.write_all(b"\n") } else { Ok(()) }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.last = bytes.get(..written).and_then(<[u8]>::last).copied().or(self.last);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Replay;

    struct Pieces(&'static [&'static str], Option<io::ErrorKind>);

    impl Replay for Pieces {
        fn copy_to(&self, to: &mut dyn Write) -> io::Result<()> {
            self.0.iter().try_for_each(|piece| to.write_all(piece.as_bytes()))?;
            self.1.map_or(Ok(()), |kind| Err(kind.into()))
        }
    }

    fn shown(pieces: &'static [&'static str], color: bool, trouble: Option<io::ErrorKind>) -> String {
        let mut out = Vec::new();
        replay(&Output::of(Arc::new(Pieces(pieces, trouble))), color, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_ends_with_a_whole_line_and_has_colours_where_there_are_to_be_some() {
        assert_eq!(shown(&[], true, None), "");
        assert_eq!(shown(&["a\n", "b"], true, None), "a\nb\n");
        assert_eq!(shown(&["a\n"], true, None), "a\n");
        assert_eq!(shown(&["a \x1b", "[1mb\x1b[", "0m"], true, None), "a \x1b[1mb\x1b[0m\n");
        assert_eq!(shown(&["a \x1b", "[1mb\x1b[", "0m"], false, None), "a b\n");
        assert_eq!(shown(&["\x1b[0m"], false, None), "");
    }

    #[test]
    fn what_cannot_be_read_is_told_on_a_line_of_its_own() {
        let text = shown(&["half"], false, Some(io::ErrorKind::NotFound));
        assert_eq!(text, "half\n(the output cannot be read: entity not found)\n");
    }
}
