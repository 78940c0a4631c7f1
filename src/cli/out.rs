//! Standard output for what goes on while a run does: what cannot be written stops nothing, and is told at the end. It knows
//! nothing of what is written.

use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The first thing that went wrong; not that nobody reads any more.
pub type Trouble = Arc<Mutex<Option<io::Error>>>;

/// Standard output.
pub struct Out {
    inner: BufWriter<io::Stdout>,
    trouble: Trouble,
}

impl Out {
    /// Nothing has been written, and what goes wrong is noted there.
    pub fn new(trouble: &Trouble) -> Self {
        Self { inner: BufWriter::new(io::stdout()), trouble: Arc::clone(trouble) }
    }

    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            if error.kind() != io::ErrorKind::BrokenPipe {
                let copy = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
                self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(copy);
            }
        })
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.noted(flushed)
    }
}
