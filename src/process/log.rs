//! A step's whole output: in memory while it is small, then in a temporary file. It does not know who printed it.

use std::io::{self, Seek as _, SeekFrom, Write};

use tempfile::SpooledTempFile;

use crate::ansi;

/// How much of the output is held in memory, in bytes.
const IN_MEMORY: usize = 1024 * 1024;
/// How much of its end is kept for the last line, in bytes.
const TAIL: usize = 4096;

/// What a step printed.
#[derive(Debug)]
pub struct Log {
    file: SpooledTempFile,
    length: u64,
    tail: Vec<u8>,
}

impl Log {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { file: SpooledTempFile::new(IN_MEMORY), length: 0, tail: Vec::new() }
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing was printed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds what was printed.
    ///
    /// # Errors
    /// Those of the temporary file: no room, no folder for it.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        let new = bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default();
        self.tail.drain(..(self.tail.len() + new.len()).saturating_sub(TAIL).min(self.tail.len()));
        self.tail.extend_from_slice(new);
        Ok(())
    }

    /// Writes all of it to `out`.
    ///
    /// # Errors
    /// Those of the temporary file and of `out`.
    pub fn copy_to(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.file.rewind()?;
        let copied = io::copy(&mut self.file, out);
        self.file.seek(SeekFrom::End(0))?;
        copied.map(drop)
    }

    /// The last line that shows anything, finished or not, as one line of at most `width` characters without escape
    /// sequences and control characters. Of a progress bar that rewrites its line it is the newest state.
    #[must_use]
    pub fn last_line(&self, width: usize) -> Option<String> {
        let plain = ansi::strip(&self.tail);
        let mut lines = plain.rsplit(|byte| matches!(byte, b'\n' | b'\r'));
        lines.find_map(|line| one_line(line, width))
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn one_line(line: &[u8], width: usize) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let shown = text.trim_end().chars().map(|char| if char == '\t' { ' ' } else { char });
    let cut: String = shown.filter(|char| !char.is_control()).take(width).collect();
    (!cut.trim().is_empty()).then_some(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &[u8]) -> Log {
        let mut log = Log::new();
        log.append(text).unwrap();
        log
    }

    #[test]
    fn the_last_line_is_one_that_shows_something() {
        assert_eq!(Log::new().last_line(80), None);
        assert_eq!(log(b"\n \r\n\x1b[0m\n").last_line(80), None);
        assert_eq!(log(b"one\ntwo\n\n").last_line(80).as_deref(), Some("two"));
        assert_eq!(log(b"one\r\ntwo\r\n").last_line(80).as_deref(), Some("two"));
        assert_eq!(log(b"one\n  prompt").last_line(80).as_deref(), Some("  prompt"));
        assert_eq!(log(b"  1%\r 50%\r").last_line(80).as_deref(), Some(" 50%"));
        assert_eq!(
            log(b"\x1b[1;32m   Compiling\x1b[0m a\tb\x08\x1b[K").last_line(80).as_deref(),
            Some("   Compiling a b")
        );
    }

    #[test]
    fn the_last_line_is_cut_between_characters() {
        let long = "äöü🦀".repeat(5000);
        assert_eq!(log(format!("{long}\näöü🦀").as_bytes()).last_line(3).as_deref(), Some("äöü"));
        assert_eq!(log(long.as_bytes()).last_line(3).unwrap().chars().count(), 3);
        assert_eq!(log(b"\xff\xfea").last_line(9).as_deref(), Some("\u{fffd}\u{fffd}a"));
    }

    #[test]
    fn the_tail_stays_small_whatever_the_pieces() {
        let mut log = Log::new();
        for size in [1, TAIL - 1, 7, TAIL + 5, 3, 100_000] {
            log.append(&vec![b'x'; size]).unwrap();
            assert!(log.tail.len() <= TAIL);
        }
        log.append(b"\nend").unwrap();
        assert_eq!(log.last_line(80).as_deref(), Some("end"));
    }

    #[test]
    fn much_output_goes_to_a_file_and_comes_back_whole() {
        let mut log = log(b"");
        assert!(log.is_empty());
        let piece: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
        for count in 1..=30 {
            log.append(&piece).unwrap();
            assert_eq!(log.file.is_rolled(), count * piece.len() > IN_MEMORY);
        }
        assert_eq!(log.len(), 3_000_000);
        for _ in 0..2 {
            let mut back = Vec::new();
            log.copy_to(&mut back).unwrap();
            assert!(back == piece.repeat(30));
        }
        log.append(b"!").unwrap();
        let mut back = Vec::new();
        log.copy_to(&mut back).unwrap();
        assert_eq!(back.len(), 3_000_001);
        assert!(back.ends_with(b"!"));
    }
}
