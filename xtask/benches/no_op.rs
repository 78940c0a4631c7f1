//! How long a run takes in which nothing has changed, over workspaces that `cargo xtask generate` writes. One custom
//! phase, cached; the runs are the library's, so a process's start is not in the figures.

#![expect(clippy::expect_used, reason = "what cannot be set up cannot be measured")]

use std::cell::LazyCell;
use std::path::Path;
use std::process::Command;

use cargo_lifecycle::{Lifecycle, Options, Report};
use criterion::Criterion;
use tempfile::TempDir;

const FILES: usize = 20;

/// A workspace in which every step has run, and its files were looked at once more: those as young as the first run are
/// read again by the second.
fn workspace(members: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a workspace");
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let xtask = xtask.args(["generate", "--members", &members.to_string(), "--files", &FILES.to_string(), "--dir"]);
    let status = xtask.arg(folder.path()).status().expect("xtask can be started");
    assert!(status.success(), "there is no workspace of {members} members");
    assert_eq!(run(folder.path()).summary.succeeded, members);
    assert_eq!(run(folder.path()).summary.cached, members);
    folder
}

fn run(dir: &Path) -> Report {
    let mut options = Options::new().phases(["stamp"]).current_dir(dir).target_dir(dir.join("target")).workspace();
    options.flags.offline = true;
    options.leave_signals = true;
    Lifecycle::open(options).and_then(|lifecycle| lifecycle.run(drop)).expect("the workspace is valid")
}

fn no_op(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("no-op");
    group.sample_size(10);
    for members in [10, 100, 1_000] {
        // Made only if the filter lets it be measured.
        let workspace = LazyCell::new(|| workspace(members));
        group.bench_function(format!("{members} members x {FILES} files"), |bencher| {
            let dir = workspace.path();
            bencher.iter(|| assert_eq!(run(dir).summary.cached, members));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    no_op(&mut criterion);
    criterion.final_summary();
}
