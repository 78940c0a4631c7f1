//! What it costs to read the state and to write it: one step of one member, in a workspace that remembers nothing besides
//! and in one that remembers a thousand phases and more runs than are kept.

#![expect(clippy::expect_used, reason = "what cannot be set up cannot be measured")]

#[path = "support/run.rs"]
mod run;

use std::cell::LazyCell;
use std::fs;

use criterion::Criterion;
use tempfile::TempDir;

const PHASES: usize = 1000;
const RUNS: usize = 210;
const PHASE: &str = "p0";

fn workspace(phases: usize, runs: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a workspace");
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).expect("a file can be written");
    fs::create_dir(folder.path().join("src")).expect("a folder can be made");
    write("src/lib.rs", "//! A member.\n");
    write("Cargo.toml", "[package]\nname = \"app\"\nedition = \"2024\"\n[workspace]\n");
    let make = |phases: usize| {
        let phase = |number| format!("[lifecycle.p{number}]\ncommand = [\"true\"]\ninputs = [\"src/**\"]\n");
        let text: String = (0..phases).map(phase).collect();
        write("make.toml", &text);
    };
    make(phases);
    let names: Vec<String> = (0..phases).map(|number| format!("p{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(run::run(run::asked(folder.path(), &names)).success());
    // What the others came to stays, although there are no such phases any more.
    make(1);
    for _ in 0..runs {
        assert!(run::run(run::asked(folder.path(), &[PHASE]).force(true)).success());
    }
    folder
}

fn state(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("state");
    group.sample_size(20);
    for (memory, phases, runs) in [("of nothing", 1, 1), ("of 1000 steps and 210 runs", PHASES, RUNS)] {
        let workspace = LazyCell::new(|| workspace(phases, runs));
        group.bench_function(format!("load, {memory}"), |bencher| {
            let dir = workspace.path();
            bencher.iter(|| assert_eq!(run::run(run::asked(dir, &[PHASE])).summary.cached, 1));
        });
        group.bench_function(format!("load, run `true`, flush, {memory}"), |bencher| {
            let dir = workspace.path();
            let run = || run::run(run::asked(dir, &[PHASE]).force(true));
            bencher.iter(|| assert_eq!(run().summary.succeeded, 1));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    state(&mut criterion);
    criterion.final_summary();
}
