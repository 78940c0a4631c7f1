//! What libtest and rustdoc print of tests, read as far as people read it. It is only told, never decided by: whether tests
//! passed is what the exit code says.

use std::io::{self, Write};

use crate::ansi;
use crate::model::Tests;

/// A test that was reported by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub outcome: CaseOutcome,
}

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It says of itself that it is not to be run.
    Ignored,
}

/// Adds up the numbers in the lines that begin with `test result:`, of output that is written to it. rustdoc prints several
/// for one library.
#[derive(Debug, Default)]
pub struct Figures {
    tests: Tests,
    /// Whether there was such a line.
    found: bool,
    /// The beginning of a line whose end has not come yet, as far as it can matter.
    line: Vec<u8>,
}

/// No line that counts is longer, in bytes.
const LINE: usize = 1024;

impl Figures {
    /// The sums. An executable without libtest is one test, which `passed` or not.
    #[must_use]
    pub fn finish(mut self, passed: bool) -> Tests {
        self.end_line();
        match passed {
            _ if self.found => self.tests,
            true => Tests { passed: 1, ..Tests::default() },
            false => Tests { failed: 1, ..Tests::default() },
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = plain(&line);
        for figure in line.strip_prefix("test result: ").into_iter().flat_map(|figures| figures.split(['.', ';'])) {
            let Some((number, what)) = figure.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u32>() else { continue };
            self.found = true;
            match what {
                "passed" => self.tests.passed += number,
                "failed" => self.tests.failed += number,
                "ignored" => self.tests.ignored += number,
                "filtered out" => self.tests.filtered += number,
                _ => {}
            }
        }
    }
}

impl Write for Figures {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The tests that are named, in the order in which they ended.
#[must_use]
pub fn cases(output: &[u8]) -> Vec<Case> {
    let case = |line: String| {
        let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        let outcome = match outcome {
            "ok" => CaseOutcome::Passed,
            "FAILED" => CaseOutcome::Failed,
            _ if outcome.starts_with("ignored") => CaseOutcome::Ignored,
            _ if outcome.starts_with("ok ") || outcome.starts_with("bench:") => CaseOutcome::Passed,
            _ if outcome.starts_with("FAILED ") => CaseOutcome::Failed,
            _ => return None,
        };
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        Some(Case { name: name.to_owned(), outcome })
    };
    lines(output).filter_map(case).collect()
}

fn lines(output: &[u8]) -> impl Iterator<Item = String> {
    output.split(|byte| *byte == b'\n').map(plain)
}

fn plain(line: &[u8]) -> String {
    String::from_utf8_lossy(&ansi::strip(line)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 5 tests
test a::b ... ok
test a::c - should panic ... ok
test d ... FAILED
test e ... ignored, slow
test src/lib.rs - f (line 3) - compile ... ok

failures:

---- d stdout ----
test fake ... maybe
test result: ok. no numbers

test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn figures_and_names_are_read() {
        let output = OUTPUT.as_bytes();
        for size in [1, 7, output.len()] {
            let mut figures = Figures::default();
            output.chunks(size).for_each(|piece| figures.write_all(piece).unwrap());
            assert_eq!(figures.finish(true), Tests { passed: 5, failed: 1, ignored: 1, filtered: 2 });
        }
        let cases: Vec<_> = cases(output).into_iter().map(|case| (case.name, case.outcome)).collect();
        let expected = [
            ("a::b", CaseOutcome::Passed),
            ("a::c", CaseOutcome::Passed),
            ("d", CaseOutcome::Failed),
            ("e", CaseOutcome::Ignored),
            ("src/lib.rs - f (line 3) - compile", CaseOutcome::Passed),
        ];
        assert_eq!(cases, expected.map(|(name, outcome)| (name.to_owned(), outcome)));
    }

    #[test]
    fn other_output_has_no_tests() {
        assert_eq!(cases(b"\xff\ntest \ntest x\n"), []);
        let mut figures = Figures::default();
        figures.write_all(b"all good\n").unwrap();
        assert_eq!(figures.finish(true), Tests { passed: 1, ..Tests::default() });
    }
}
