//! What libtest and rustdoc print of tests, read as far as people read it. It is only told, never decided by: whether tests
//! passed is what the exit code says.

use std::io::{self, Write};

use crate::ansi;
use crate::model::Tests;

/// What test executables report of their tests, one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Whether they report in this form at all: an executable without tests says that it runs 0.
    pub is_known: bool,
    /// Whether the reports that began came to their ends.
    pub is_whole: bool,
    /// The tests that are named, in the order in which they ended.
    pub cases: Vec<Case>,
}

/// A test that was reported by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub outcome: CaseOutcome,
    /// What it printed, where that is told apart: lines without escape sequences.
    pub output: String,
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

/// Where a test panicked, by what it printed: file, line and column.
#[must_use]
pub fn panicked_at(output: &str) -> Option<(&str, u32, u32)> {
    let heads = output.lines().filter(|line| line.trim_start().starts_with("thread '"));
    let place = heads.filter_map(|line| line.split_once(" panicked at ")).map(|(_, place)| place).next()?;
    let mut parts = place.trim_end().strip_suffix(':')?.rsplitn(3, ':');
    let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((parts.next()?, line, column))
}

/// The numbers in the last line that begins with `test result:`, of output that is written to it: tests may print such lines
/// themselves. Of rustdoc, which prints several for one library, the sums.
#[derive(Debug, Default)]
pub struct Figures {
    are_sums: bool,
    tests: Tests,
    /// Whether there was such a line.
    found: bool,
    /// The beginning of a line whose end has not come yet, as far as it can matter.
    line: Vec<u8>,
}

/// No line that counts is longer, in bytes.
const LINE: usize = 1024;

impl Figures {
    /// Nothing yet; `are_sums`: the output is rustdoc's.
    #[must_use]
    pub fn new(are_sums: bool) -> Self {
        Self { are_sums, ..Self::default() }
    }

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
        let Some(figures) = line.strip_prefix("test result: ") else { return };
        if !self.are_sums {
            self.tests = Tests::default();
        }
        for figure in figures.split(['.', ';']) {
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

/// Where in a report a line stands.
enum Place {
    /// Between reports: rustdoc prints several for one library.
    Outside,
    /// Among the lines that name tests.
    Names,
    /// Among what tests printed: the test of this place among the cases, or none, as before the end of a report.
    Outputs(Option<usize>),
}

/// What is told of each test. Of what it is read from there are several copies for a while, so it must not be long.
#[must_use]
pub fn told(output: &[u8]) -> Told {
    let mut told = Told::default();
    let mut place = Place::Outside;
    // Tests of an earlier report may have the same names.
    let mut first = 0;
    let mut lines = output.split(|byte| *byte == b'\n').map(plain).peekable();
    while let Some(line) = lines.next() {
        match &mut place {
            Place::Outside if is_beginning(&line) => {
                (place, told.is_known, first) = (Place::Names, true, told.cases.len());
            }
            Place::Outside => {}
            // Only here: what tests printed may look like lines of a report, and stands below.
            Place::Names if line == "failures:" || line == "successes:" => place = Place::Outputs(None),
            Place::Names if line.starts_with("test result: ") => place = Place::Outside,
            Place::Names => told.cases.extend(case(&line)),
            Place::Outputs(None) if line.starts_with("test result: ") => place = Place::Outside,
            Place::Outputs(of) => {
                let cases = &mut told.cases[first..];
                let heading = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
                let names_one = |next: &String| {
                    next.strip_prefix("    ").is_some_and(|name| cases.iter().any(|case| case.is_called(name)))
                };
                if let Some(found) = heading.and_then(|name| cases.iter().position(|case| case.is_called(name))) {
                    *of = Some(found);
                } else if matches!(&*line, "failures:" | "successes:") && lines.peek().is_some_and(names_one) {
                    *of = None;
                } else if let Some(case) = of.and_then(|of| cases.get_mut(of)) {
                    case.output += &line;
                    case.output.push('\n');
                }
            }
        }
    }
    told.is_whole = matches!(place, Place::Outside);
    for case in &mut told.cases {
        case.output = case.output.trim_matches('\n').to_owned();
    }
    told
}

impl Case {
    /// Whether this name is the test's where its output stands; there, what rustdoc does with it is not said.
    fn is_called(&self, name: &str) -> bool {
        self.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(" - compile"))
    }
}

/// `running 3 tests`
fn is_beginning(line: &str) -> bool {
    let count = line.strip_prefix("running ").and_then(|rest| rest.split_once(' '));
    count.is_some_and(|(count, what)| count.parse::<u32>().is_ok() && (what == "tests" || what == "test"))
}

/// `test a::b ... ok`
fn case(line: &str) -> Option<Case> {
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
    Some(Case { name: name.to_owned(), outcome, output: String::new() })
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
            let mut figures = Figures::new(true);
            output.chunks(size).for_each(|piece| figures.write_all(piece).unwrap());
            assert_eq!(figures.finish(true), Tests { passed: 5, failed: 1, ignored: 1, filtered: 2 });
        }
        let cases: Vec<_> = told(output).cases.into_iter().map(|case| (case.name, case.outcome)).collect();
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
    fn each_test_has_its_own_output() {
        let output = b"
running 3 tests
test a ... FAILED
test src/lib.rs - b (line 1) - compile ... FAILED
test c ... ok

successes:

---- c stdout ----
\tc \xff\x1b[31mred\x1b[0m

successes:
    c

failures:

---- a stdout ----
---- d stdout ----
running 1 test
test d ... FAILED

failures:
    d

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

---- src/lib.rs - b (line 1) stdout ----
b

failures:
    a
    src/lib.rs - b (line 1)

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

running 1 test
test a ... FAILED

failures:

---- a stdout ----
the other

failures:
    a

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
";
        let outputs: Vec<_> = told(output).cases.into_iter().map(|case| (case.name, case.output)).collect();
        let [a, b, c, other] = &outputs[..] else { panic!("{outputs:?}") };
        assert_eq!(a.0, "a");
        assert!(
            a.1.starts_with("---- d stdout ----\nrunning 1 test\n") && a.1.ends_with("finished in 0.01s"),
            "{}",
            a.1
        );
        assert_eq!([&*b.1, &*c.1, &*other.1], ["b", "\tc \u{fffd}red", "the other"]);
    }

    #[test]
    fn other_output_has_no_tests() {
        assert_eq!(told(b"\xff\ntest \ntest x\ntest x ... ok\n"), Told { is_whole: true, ..Told::default() });
        assert!(told(b"running 0 tests\n").is_known);
    }

    #[test]
    fn a_report_without_an_end_is_not_whole() {
        let is_whole = |output: &str| told(output.as_bytes()).is_whole;
        let names = "running 2 tests\ntest a ... FAILED\n";
        let outputs = "\nfailures:\n\n---- a stdout ----\nno\n\nfailures:\n    a\n";
        assert!(!is_whole(names) && !is_whole(&format!("{names}{outputs}")));
        assert!(is_whole(&format!("{names}{outputs}\ntest result: FAILED. 0 passed; 1 failed\n")));
    }
}
