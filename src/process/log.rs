//! A step's whole output: in memory while it is small, then in a temporary file, and in memory again if there is no room
//! for one. It does not know who printed it.

use std::io::{self, Seek as _, SeekFrom, Write};

use tempfile::SpooledTempFile;

/// How much of the output is held in memory, in bytes.
const IN_MEMORY: usize = 1024 * 1024;

/// How much is held in memory when the temporary file cannot be written any more, in bytes.
const INSTEAD: usize = 64 * 1024 * 1024;

/// What a step printed. Writing adds to it, and fails only when there is room for more neither on disk nor in memory.
#[derive(Debug)]
pub struct Log {
    file: SpooledTempFile,
    /// What comes after the file's part.
    rest: Vec<u8>,
    /// Why the file is not written any more.
    trouble: Option<io::Error>,
    is_empty: bool,
}

impl Log {
    /// Whether nothing was printed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Writes all of it to `out`.
    ///
    /// # Errors
    /// Those of the temporary file and of `out`.
    pub fn copy_to(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.file.rewind()?;
        let copied = io::copy(&mut self.file, out);
        self.file.seek(SeekFrom::End(0))?;
        copied?;
        out.write_all(&self.rest)
    }

    /// Why the temporary file is not written any more; told once.
    pub fn take_trouble(&mut self) -> Option<io::Error> {
        self.trouble.take()
    }

    /// Adds to the part that is held in memory instead, all or nothing.
    fn hold(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > INSTEAD.saturating_sub(self.rest.len()) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.rest.extend(bytes);
        Ok(bytes.len())
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { file: SpooledTempFile::new(IN_MEMORY), rest: Vec::new(), trouble: None, is_empty: true }
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = if self.rest.is_empty() { self.file.write(bytes) } else { self.hold(bytes) };
        let written = match written {
            Err(error) if self.rest.is_empty() && error.kind() != io::ErrorKind::Interrupted => {
                self.trouble = Some(error);
                self.hold(bytes)?
            }
            written => written?,
        };
        self.is_empty &= written == 0;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_output_goes_to_a_file_and_comes_back_whole() {
        let mut log = Log::default();
        assert!(log.is_empty());
        let piece: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
        for count in 1..=30 {
            log.write_all(&piece).unwrap();
            assert_eq!(log.file.is_rolled(), count * piece.len() > IN_MEMORY);
        }
        for _ in 0..2 {
            let mut back = Vec::new();
            log.copy_to(&mut back).unwrap();
            assert!(back == piece.repeat(30));
        }
        log.write_all(b"!").unwrap();
        let mut back = Vec::new();
        log.copy_to(&mut back).unwrap();
        assert_eq!(back.len(), 3_000_001);
        assert!(back.ends_with(b"!"));
    }
}
