//! How long a run takes in which nothing has changed, over workspaces that `cargo xtask generate` writes. One custom
//! phase, cached; the runs are the library's, so a process's start is not in the figures.

#![expect(clippy::expect_used, reason = "what cannot be set up cannot be measured")]

#[path = "support/ground.rs"]
mod ground;
#[path = "support/run.rs"]
mod run;

use std::cell::LazyCell;

use criterion::Criterion;

const FILES: usize = 20;

fn no_op(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("no-op");
    group.sample_size(10);
    for members in [10, 100, 1_000, 10_000] {
        // Made only if the filter lets it be measured.
        let workspace = LazyCell::new(|| ground::settled(members, FILES, |_| ()));
        group.bench_function(format!("{members} members x {FILES} files"), |bencher| {
            let dir = workspace.path();
            bencher.iter(|| assert_eq!(ground::stamp(dir).summary.cached, members));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    no_op(&mut criterion);
    criterion.final_summary();
}
