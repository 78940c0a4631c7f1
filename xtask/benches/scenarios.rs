//! The scenarios of `cargo xtask bench --scenarios`, `cargo lifecycle` alone: with an edit before each run, and without.

#![expect(clippy::expect_used, reason = "what cannot be set up cannot be measured")]

#[path = "support/run.rs"]
mod run;

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use criterion::{BatchSize, Criterion};

/// One scenario, as xtask tells it.
struct Scenario {
    name: String,
    dir: PathBuf,
    members: Vec<PathBuf>,
    phases: Vec<String>,
    jobs: usize,
}

/// Writes all of them into the folder.
fn scenarios(folder: &tempfile::TempDir) -> Vec<Scenario> {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("scenarios").arg(folder.path()).output();
    let output = output.expect("xtask can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("xtask tells them as JSON");
    let words = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().expect("a list").iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    let scenario = |told: &serde_json::Value| Scenario {
        name: told["name"].as_str().expect("a name").to_owned(),
        dir: told["dir"].as_str().expect("a folder").into(),
        members: words(&told["members"]).into_iter().map(PathBuf::from).collect(),
        phases: words(&told["phases"]),
        jobs: told["jobs"].as_u64().and_then(|jobs| usize::try_from(jobs).ok()).expect("a number"),
    };
    told.as_array().expect("a list").iter().map(scenario).collect()
}

impl Scenario {
    fn run(&self) {
        let phases: Vec<&str> = self.phases.iter().map(String::as_str).collect();
        assert!(run::run(run::asked(&self.dir, &phases).jobs(self.jobs)).success());
    }

    fn edit(&self, number: usize) {
        for member in &self.members {
            let text = format!("//! A member, edited {number} times.\n");
            fs::write(member.join("src/lib.rs"), text).expect("the source can be written");
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().expect("there is room for workspaces");
    let mut group = criterion.benchmark_group("scenario");
    group.sample_size(10);
    let edits = Cell::new(0);
    for scenario in scenarios(&folder) {
        group.bench_function(&*scenario.name, |bencher| {
            let edit = || scenario.edit(edits.replace(edits.get() + 1));
            bencher.iter_batched(edit, |()| scenario.run(), BatchSize::PerIteration);
        });
        group.bench_function(format!("{}, again", scenario.name), |bencher| {
            (0..2).for_each(|_| scenario.run());
            bencher.iter(|| scenario.run());
        });
    }
    group.finish();
    criterion.final_summary();
}
