//! How long a run takes in which nothing has changed, over workspaces that `cargo xtask generate` writes. One custom
//! phase, cached; the runs are the library's, so a process's start is not in the figures.

use std::path::Path;
use std::process::Command;

use cargo_lifecycle::{Lifecycle, Options, Report};
use criterion::{BatchSize, Criterion};

const FILES: usize = 20;

fn generate(members: usize, dir: &Path) {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let xtask = xtask.args(["generate", "--members", &members.to_string(), "--files", &FILES.to_string(), "--dir"]);
    assert!(xtask.arg(dir).status().is_ok_and(|status| status.success()), "no workspace of {members} members");
}

fn run(dir: &Path) -> Report {
    let mut options = Options::new().phases(["stamp"]).current_dir(dir).target_dir(dir.join("target")).workspace();
    options.flags.offline = true;
    options.leave_signals = true;
    let report = Lifecycle::open(options).and_then(|lifecycle| lifecycle.run(drop));
    report.unwrap_or_else(|error| panic_with(&error.render(false)))
}

#[expect(clippy::panic, reason = "there is nothing to measure then")]
fn panic_with(text: &str) -> ! {
    panic!("{text}")
}

fn no_op(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("no-op");
    group.sample_size(10);
    for members in [10, 100, 1_000] {
        let Ok(folder) = tempfile::tempdir() else { continue };
        let dir = folder.path().join("workspace");
        generate(members, &dir);
        assert!(run(&dir).success());
        // Files as young as the first run are read once more by the second.
        assert_eq!(run(&dir).summary.cached, members);
        group.bench_function(format!("{members} members x {FILES} files"), |bencher| {
            bencher.iter_batched(|| (), |()| assert_eq!(run(&dir).summary.cached, members), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    no_op(&mut criterion);
    criterion.final_summary();
}
