//! How many instructions a command takes, by valgrind's callgrind. It knows nothing of the command.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::bench::{quiet, timed};

/// How often it is counted: tables with random seeds make a small difference, and the least is the same each time.
const TIMES: usize = 3;

/// The instructions of the command's own process; `prepare` makes it, with all that it finds, anew for each time.
pub fn count(valgrind: &Path, out: &Path, prepare: &dyn Fn() -> anyhow::Result<Command>) -> anyhow::Result<u64> {
    let once = |_| {
        let command = prepare()?;
        let dir = command.get_current_dir().context("a command has a folder")?;
        let mut counting = quiet(valgrind, dir);
        counting.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", out.display()));
        counting.arg(command.get_program()).args(command.get_args()).env("RAYON_NUM_THREADS", "1");
        timed(&mut counting)?;
        let text = fs::read_to_string(out).with_context(|| format!("cannot read {}", out.display()))?;
        total(&text).with_context(|| format!("{} has no total", out.display()))
    };
    let counts = (0..TIMES).map(once).collect::<anyhow::Result<Vec<_>>>()?;
    counts.into_iter().min().context("it was counted")
}

fn total(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_that_of_the_file() {
        assert_eq!(total("version: 1\nevents: Ir\nfn=(0)\n1 2\n\ntotals: 12345\n"), Some(12345));
        assert_eq!(total("version: 1\n"), None);
    }
}
