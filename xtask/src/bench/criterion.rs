//! Runs the benchmarks in `xtask/benches` and gathers what they came to. What they measure is not known here.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};

use super::build::{cargo, root, target_dir};
use super::table::{Table, time};

/// What a benchmark's line begins with that is to stand in the table: `row: NAME: FIGURE`.
const ROW: &str = "row: ";

/// Runs them, and answers a table of their figures.
pub fn run(arguments: &[String]) -> anyhow::Result<Table> {
    let began = SystemTime::now();
    let rows = told(&["--benches"], arguments)?;
    let mut table =
        Table::new("Benchmarks: medians by criterion, and figures of programs of their own", &["what", "took"]);
    let mut measured = measured(&target_dir(&root())?.join("criterion"), began)?;
    measured.sort();
    measured.into_iter().chain(rows).for_each(|row| table.row(row));
    Ok(table)
}

/// What one that is a program of its own tells.
pub fn figures(bench: &str) -> anyhow::Result<Vec<[String; 2]>> {
    told(&["--bench", bench], &[])
}

/// Runs them, shows what they print, and answers the rows in it.
fn told(which: &[&str], arguments: &[String]) -> anyhow::Result<Vec<[String; 2]>> {
    let mut cargo = cargo(&root());
    cargo.args(["bench", "--package", "xtask", "--locked"]).args(which).arg("--").args(arguments);
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let mut rows = Vec::new();
    for line in BufReader::new(child.stdout.take().context("cargo has an output")?).lines() {
        let line = line?;
        if let Some((name, figure)) = line.strip_prefix(ROW).and_then(|row| row.rsplit_once(": ")) {
            rows.push([name.to_owned(), figure.to_owned()]);
        }
        println!("{line}");
    }
    ensure!(child.wait()?.success(), "a benchmark failed");
    Ok(rows)
}

/// The name and the median of what was measured since then.
fn measured(folder: &Path, since: SystemTime) -> anyhow::Result<Vec<[String; 2]>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        let estimates = path.join("new/estimates.json");
        let is_new = |metadata: fs::Metadata| metadata.modified().is_ok_and(|at| at >= since);
        if fs::metadata(&estimates).is_ok_and(is_new) {
            let value =
                |path: &Path| -> anyhow::Result<serde_json::Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
            let name = &value(&path.join("new/benchmark.json"))?["title"];
            let median = &value(&estimates)?["median"]["point_estimate"];
            let nanos = median.as_f64().with_context(|| format!("{} has no median", estimates.display()))?;
            let name = name.as_str().unwrap_or_default().to_owned();
            found.push([name, time(Duration::from_secs_f64(nanos / 1e9))]);
        } else if path.is_dir() {
            found.extend(measured(&path, since)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_measured_now_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("group/case/new");
        fs::create_dir_all(&new).unwrap();
        fs::write(new.join("benchmark.json"), r#"{"title":"group/case"}"#).unwrap();
        fs::write(new.join("estimates.json"), r#"{"median":{"point_estimate":1500000.0}}"#).unwrap();
        let found = measured(folder.path(), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(found, [["group/case".to_owned(), "1.50 ms".to_owned()]]);
        let later = SystemTime::now() + Duration::from_secs(3600);
        assert!(measured(folder.path(), later).unwrap().is_empty());
    }
}
