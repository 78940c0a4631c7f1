//! What steps print as it comes: whole lines, each behind its step's name. It writes nothing, and does not know how the
//! steps end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::words;
use crate::ansi;
use crate::model::{StepId, StepInfo};

/// How much of an unfinished line is held; a longer one is shown in parts.
const LONGEST: usize = 64 * 1024;

/// A member's colour: those that neither good nor bad news have.
const COLORS: [&str; 8] =
    ["\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[33m", "\x1b[96m", "\x1b[95m", "\x1b[94m", "\x1b[93m"];

/// The steps' names, and the lines that they have begun.
pub struct Stream {
    prefixes: Vec<String>,
    color: bool,
    begun: BTreeMap<StepId, Vec<u8>>,
}

impl Stream {
    /// Of these steps, nothing was printed yet.
    pub fn new(steps: &[StepInfo], color: bool) -> Self {
        let width = steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
        let mut colors: BTreeMap<&str, &str> = BTreeMap::new();
        let mut prefixes = Vec::new();
        for step in steps {
            let name = &step.name;
            prefixes.push(match words::own(step).filter(|_| color) {
                Some(member) => {
                    let next = COLORS.get(colors.len() % COLORS.len()).copied().unwrap_or_default();
                    format!("{}{name:width$} |\x1b[0m ", colors.entry(member).or_insert(next))
                }
                None => format!("{name:width$} | "),
            });
        }
        Self { prefixes, color, begun: BTreeMap::new() }
    }

    /// The lines that are whole with this.
    pub fn push(&mut self, step: StepId, bytes: &[u8]) -> Vec<u8> {
        let mut lines = Vec::new();
        let mut begun = self.begun.remove(&step).unwrap_or_default();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.line(step, &begun, &mut lines);
                begun.clear();
            } else if begun.len() > LONGEST {
                // Of a line that is written over and over, only its newest state counts.
                let end = begun.len() - 1;
                let newest = begun.get(..end).and_then(|states| states.iter().rposition(|byte| *byte == b'\r'));
                begun.drain(..newest.map_or(0, |at| at + 1));
                if begun.len() > LONGEST {
                    self.line(step, &begun, &mut lines);
                    begun.clear();
                }
            }
        }
        if !begun.is_empty() {
            self.begun.insert(step, begun);
        }
        lines
    }

    /// The line that the step had begun when it was over.
    pub fn end(&mut self, step: StepId) -> Vec<u8> {
        let mut lines = Vec::new();
        if let Some(begun) = self.begun.remove(&step) {
            self.line(step, &begun, &mut lines);
        }
        lines
    }

    /// Lines of the step that come from elsewhere than its commands, all at once.
    pub fn writer<'a, W: Write>(&'a mut self, step: StepId, out: &'a mut W) -> Prefixed<'a, W> {
        Prefixed { stream: self, step, out }
    }

    fn line(&self, step: StepId, line: &[u8], to: &mut Vec<u8>) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let state = line.iter().rposition(|byte| *byte == b'\r').and_then(|at| line.get(at + 1..)).unwrap_or(line);
        to.extend_from_slice(self.prefixes.get(step.index()).map_or("", String::as_str).as_bytes());
        if self.color {
            let colored = ansi::colors(state);
            to.extend_from_slice(&colored);
            // What it leaves on would colour the next line's name.
            to.extend_from_slice(if colored.contains(&0x1b) { b"\x1b[0m" } else { b"" });
        } else {
            to.extend_from_slice(&ansi::strip(state));
        }
        to.push(b'\n');
    }
}

/// Puts the step's name before each line that is written.
pub struct Prefixed<'a, W> {
    stream: &'a mut Stream,
    step: StepId,
    out: &'a mut W,
}

impl<W: Write> Prefixed<'_, W> {
    /// Nothing more is written.
    pub fn end(self) -> io::Result<()> {
        self.out.write_all(&self.stream.end(self.step))
    }
}

impl<W: Write> Write for Prefixed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(&self.stream.push(self.step, bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(color: bool) -> Stream {
        let info = |(phase, name): (&str, &str)| StepInfo { name: name.into(), phase: phase.into(), members: 1 };
        let steps = [("build", "build"), ("go", "go a"), ("go", "go b"), ("end", "end a")].map(info);
        Stream::new(&steps, color)
    }

    fn text(lines: &[u8]) -> String {
        String::from_utf8(lines.to_vec()).unwrap()
    }

    #[test]
    fn only_whole_lines_come_and_the_rest_at_the_end() {
        let mut stream = stream(false);
        let (build, go) = (StepId::new(0), StepId::new(1));
        assert_eq!(text(&stream.push(go, b"on")), "");
        assert_eq!(text(&stream.push(build, b"x\n\ny\nz")), "build | x\nbuild | \nbuild | y\n");
        assert_eq!(text(&stream.push(go, b"e\r\ntw")), "go a  | one\n");
        assert_eq!(text(&stream.end(go)), "go a  | tw\n");
        assert_eq!(text(&stream.end(go)), "");
        assert_eq!(text(&stream.end(build)), "build | z\n");
    }

    #[test]
    fn of_a_line_that_is_written_over_the_last_state_counts() {
        let mut stream = stream(false);
        let go = StepId::new(1);
        assert_eq!(text(&stream.push(go, b"  1%\r 50%\r\x1b[K100%\r\nx")), "go a  | 100%\n");
        for _ in 0..10_000 {
            assert_eq!(text(&stream.push(go, b" 50% of it\r")), "");
        }
        assert!(stream.begun.values().map(Vec::len).sum::<usize>() <= LONGEST + 11);
        assert_eq!(text(&stream.end(go)), "go a  |  50% of it\n");
    }

    #[test]
    fn a_line_without_an_end_is_shown_in_parts_and_loses_nothing() {
        let mut stream = stream(false);
        let go = StepId::new(1);
        let mut shown = String::new();
        for _ in 0..100 {
            shown += &text(&stream.push(go, &[b'x'; 3000]));
            assert!(stream.begun.values().map(Vec::len).sum::<usize>() <= LONGEST);
        }
        shown += &text(&stream.end(go));
        assert!(shown.lines().count() > 3);
        assert_eq!(shown.replace("go a  | ", "").replace('\n', ""), "x".repeat(300_000));
    }

    #[test]
    fn a_member_has_one_colour_and_lines_leave_nothing_behind() {
        let mut stream = stream(true);
        let mut line = |step, line: &str| text(&stream.push(StepId::new(step), line.as_bytes()));
        assert_eq!(line(0, "x\n"), "build | x\n");
        assert_eq!(line(1, "\x1b[2K\x1b[31mred\x1b[1A\n"), "\x1b[36mgo a  |\x1b[0m \x1b[31mred\x1b[0m\n");
        assert_eq!(line(2, "x\n"), "\x1b[35mgo b  |\x1b[0m x\n");
        assert_eq!(line(3, "x\n"), "\x1b[36mend a |\x1b[0m x\n");
    }
}
