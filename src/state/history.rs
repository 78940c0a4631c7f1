//! The runs that ran anything, one line of JSON each, oldest first. It knows nothing of what becomes of them.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Ended;
use crate::home::{Damage, Guard, Home, Kept};

/// A run that ran anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When it started, in milliseconds since the Unix epoch.
    pub started_at: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The exit code.
    pub exit: i32,
    /// The phases that were asked for, in order.
    pub phases: Vec<String>,
    /// How many steps were fresh.
    pub cached: u64,
    /// How long the fresh steps took when they ran, in milliseconds.
    pub saved_ms: u64,
    /// The steps that ran, in the order in which they ended.
    pub steps: Vec<RunStep>,
    /// The ids of the steps that were fresh; of very many the first ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<String>,
}

/// A step that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStep {
    /// The step's id.
    pub id: String,
    /// How it ended.
    pub ended: Ended,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The peak of its memory in bytes, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// What it called, by a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
}

/// What is remembered of the runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first.
    pub runs: Vec<Run>,
    /// How many lines could not be understood.
    pub unreadable: usize,
}

impl History {
    /// Reads the last `keep` runs. A last line that was cut off is none.
    #[must_use]
    pub fn load(home: &Home, keep: usize) -> (Self, Option<String>) {
        let (lines, warning) = home.read(&kept(home));
        let lines: Vec<&[u8]> = lines.0.split_inclusive(|byte| *byte == b'\n').collect();
        let mut history = Self::default();
        for line in lines.iter().skip(lines.len().saturating_sub(keep)) {
            match serde_json::from_slice(line) {
                Ok(run) => history.runs.push(run),
                Err(_) => history.unreadable += 1,
            }
        }
        (history, warning)
    }

    /// Adds a run; when there are more than twice `keep`, all but the last `keep` go.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn append(guard: &mut Guard, home: &Home, run: &Run, keep: usize) -> io::Result<()> {
        let Lines(mut lines) = guard.read(&kept(home));
        let mut line = serde_json::to_vec(run)?;
        line.push(b'\n');
        let count = lines.iter().filter(|byte| **byte == b'\n').count() + 1;
        if count <= keep.saturating_mul(2) {
            return guard.append(&path(home), lines.len() as u64, &line);
        }
        lines.extend(line);
        let last: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').skip(count - keep.min(count)).collect();
        guard.replace(&path(home), &last.concat())
    }
}

/// The whole lines of the file. A run that was killed while it appended leaves a part of one, which is dropped.
#[derive(Default)]
struct Lines(Vec<u8>);

fn kept(home: &Home) -> Kept<'static, Lines> {
    Kept { path: path(home), without: "the history of runs", parse: &parse }
}

fn path(home: &Home) -> PathBuf {
    home.own().join("history.jsonl")
}

fn parse(mut bytes: Vec<u8>) -> Result<Lines, Damage> {
    if bytes.first().is_some_and(|first| *first != b'{') {
        return Err(Damage::Foreign);
    }
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    bytes.truncate(whole);
    Ok(Lines(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(number: u64) -> Run {
        let step = RunStep {
            id: format!("test {number}\n"),
            ended: Ended::Failed,
            duration_ms: number,
            peak_memory: Some(number),
            call: Some("c0ffee".to_owned()),
        };
        let phases = vec!["test".to_owned()];
        Run {
            started_at: number,
            duration_ms: 1,
            exit: 1,
            phases,
            cached: 2,
            saved_ms: 3,
            steps: vec![step],
            fresh: vec!["x".to_owned()],
        }
    }

    fn save(home: &Home, number: u64, keep: usize) {
        History::append(&mut home.lock().unwrap(), home, &run(number), keep).unwrap();
    }

    fn numbers(home: &Home, keep: usize) -> Vec<u64> {
        let (history, warning) = History::load(home, keep);
        assert_eq!((history.unreadable, warning), (0, None));
        history.runs.iter().map(|run| run.started_at).collect()
    }

    #[test]
    fn the_last_runs_are_kept_and_the_file_stays_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        for number in 0..25 {
            save(&home, number, 4);
            let lines = fs::read_to_string(path(&home)).unwrap().lines().count();
            assert!(lines <= 8, "{lines} lines");
            assert_eq!(numbers(&home, 4), (number.saturating_sub(3)..=number).collect::<Vec<_>>());
        }
        assert_eq!(History::load(&home, 4).0.runs.last(), Some(&run(24)));
        save(&home, 25, 0);
        assert_eq!(numbers(&home, 4), [0; 0]);
    }

    #[test]
    fn every_cut_of_the_last_line_loses_that_line_alone() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        save(&home, 0, 9);
        let first = fs::metadata(path(&home)).unwrap().len() as usize;
        save(&home, 1, 9);
        let whole = fs::read(path(&home)).unwrap();
        for cut in first..whole.len() {
            fs::write(path(&home), &whole[..cut]).unwrap();
            assert_eq!(numbers(&home, 9), [0], "cut at {cut}");
            save(&home, 2, 9);
            assert_eq!(numbers(&home, 9), [0, 2], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_that_is_none_of_ours_is_counted_and_a_foreign_file_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        save(&home, 0, 9);
        let good = fs::read(path(&home)).unwrap();
        fs::write(path(&home), [&good, &b"{\"started_at\": \xff}\n"[..], &good].concat()).unwrap();
        let (history, warning) = History::load(&home, 9);
        assert_eq!((history.runs, history.unreadable, warning), (vec![run(0), run(0)], 1, None));

        fs::write(path(&home), b"\x7fELF\n").unwrap();
        let mut guard = home.lock().unwrap();
        History::append(&mut guard, &home, &run(5), 9).unwrap();
        let (written, warnings) = guard.finish();
        assert_eq!((written, warnings.len()), (1, 1));
        assert!(warnings[0].contains("without the history"), "{}", warnings[0]);
        assert_eq!(numbers(&home, 9), [5]);
    }
}
