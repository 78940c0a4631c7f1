//! What cargo and the compiler said when a step that is fresh now was run: piece by piece, since a program may have printed
//! more than there is memory. It knows outputs and nothing else.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use crate::cargo_output::{CargoOutput, Kind, Rendered};
use crate::model::{Diagnostic, Output, Replay};

/// Gives `each` the warnings in the output of a step that did not have to run, each once.
pub fn cached_diagnostics(output: &Output, each: &mut dyn FnMut(Diagnostic)) {
    let mut known = BTreeSet::new();
    let mut each = |diagnostic: Diagnostic| {
        if known.insert(diagnostic.clone()) {
            each(diagnostic);
        }
    };
    let mut reader = Diagnostics { output: CargoOutput::kept(), each: &mut each };
    // What cannot be read is said where the output is shown.
    let _ = output.copy_to(&mut reader);
    let rest = reader.output.finish(&mut |_| {});
    rest.diagnostics.into_iter().for_each(|diagnostic| each(diagnostic.into()));
}

/// Of the output of a step that did not have to run, the warnings as people saw them.
pub fn cached_warnings(output: &Output) -> Output {
    Output::of(Arc::new(Warned(output.clone())))
}

struct Diagnostics<'a> {
    output: CargoOutput,
    each: &'a mut dyn FnMut(Diagnostic),
}

impl Write for Diagnostics<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.push(bytes, &mut |_| {});
        self.output.take_diagnostics().into_iter().for_each(|diagnostic| (self.each)(diagnostic.into()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An output, without all that is no warning.
struct Warned(Output);

impl Replay for Warned {
    fn copy_to(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut warnings = Warnings { output: CargoOutput::kept(), to };
        let read = self.0.copy_to(&mut warnings);
        let Warnings { output, to } = warnings;
        let mut written = Ok(());
        output.finish(&mut |rendered| written = warning(rendered, to));
        read.and(written)
    }
}

struct Warnings<'a> {
    output: CargoOutput,
    to: &'a mut dyn Write,
}

impl Write for Warnings<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = Ok(());
        let to = &mut self.to;
        self.output.push(bytes, &mut |rendered| {
            if written.is_ok() {
                written = warning(rendered, to);
            }
        });
        self.output.take_diagnostics();
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn warning(rendered: Rendered<'_>, to: &mut dyn Write) -> io::Result<()> {
    if rendered.kind == Kind::Warning { to.write_all(rendered.bytes) } else { Ok(()) }
}
