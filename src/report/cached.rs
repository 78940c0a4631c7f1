//! What the compiler said when a step that is fresh now was run. It knows outputs and nothing else.

use std::io::{self, Write};

use crate::cargo_output::CargoOutput;
use crate::model::{Diagnostic, Output};

/// The warnings in the output of a step that did not have to run.
pub fn cached_diagnostics(output: &Output) -> Vec<Diagnostic> {
    let mut reader = Reader(CargoOutput::new());
    // What cannot be read is said where the output is shown.
    let _ = output.copy_to(&mut reader);
    reader.0.finish(&mut |_| {}).diagnostics.into_iter().map(Into::into).collect()
}

struct Reader(CargoOutput);

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.push(bytes, &mut |_| {});
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
