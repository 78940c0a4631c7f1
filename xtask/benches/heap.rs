//! How much heap a no-op run holds at its peak, and how many allocations it makes, by a counting allocator: of workspaces of
//! several sizes, and after a long history. Counts are the same each time, so this is a program of its own.

#![expect(clippy::expect_used, reason = "what cannot be set up cannot be measured")]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/ground.rs"]
mod ground;
#[path = "support/run.rs"]
mod run;

use std::path::Path;

use counting::{Counted, Counting, count};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FILES: usize = 20;
/// More than are remembered.
const RUNS: usize = 210;

fn main() {
    // Filters and options are criterion's, but for this one's name.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    if words.next().is_some_and(|filter| !"heap".contains(&filter)) {
        return;
    }
    for members in [10, 100, 1_000] {
        let workspace = ground::settled(members, FILES, |_| ());
        let counted = no_op(workspace.path(), members);
        tell(&format!("no-op, {members} members x {FILES} files"), counted);
        if members == 10 {
            (0..RUNS).for_each(|_| force(workspace.path()));
            tell(&format!("the same after {RUNS} runs more"), no_op(workspace.path(), members));
        }
    }
}

fn no_op(dir: &Path, members: usize) -> Counted {
    // The first one loads what stays loaded, such as threads' own.
    ground::stamp(dir);
    let (report, counted) = count(|| ground::stamp(dir));
    assert_eq!(report.summary.cached, members);
    counted
}

fn force(dir: &Path) {
    assert!(run::run(run::asked(dir, &["stamp"]).force(true)).success());
}

fn tell(what: &str, Counted { allocations, peak }: Counted) {
    println!("row: heap, {what}: {:.2} MiB at the peak, {allocations} allocations", peak as f64 / f64::from(1 << 20));
}
