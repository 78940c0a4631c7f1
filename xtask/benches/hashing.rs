//! How long keys take, by how much is known of the files: nothing (each is read and hashed), their digests, or digests
//! under other times (each is read again). Whole runs in which every step is fresh, so that all differs but the reading.

#![expect(clippy::expect_used, reason = "what cannot be set up cannot be measured")]

#[path = "../src/forget.rs"]
mod forget;
#[path = "support/ground.rs"]
mod ground;
#[path = "support/run.rs"]
mod run;

use std::cell::LazyCell;
use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use criterion::{BatchSize, Criterion, Throughput};

const MEMBERS: usize = 50;
const FILES: usize = 20;
const BYTES: usize = 65_536;

/// A file of this size beside each member's others.
fn workspace() -> tempfile::TempDir {
    ground::settled(MEMBERS, FILES, |dir| {
        for member in members(dir) {
            fs::write(member.join("src/data.rs"), "x".repeat(BYTES)).expect("the file can be written");
        }
    })
}

fn members(dir: &Path) -> Vec<std::path::PathBuf> {
    let members = fs::read_dir(dir.join("members")).expect("there are members");
    members.map(|member| member.expect("there are members").path()).collect()
}

fn forget(dir: &Path) {
    forget::forget(dir).expect("digests are kept there");
}

fn touch(dir: &Path) {
    let now = SystemTime::now();
    for member in members(dir) {
        for file in fs::read_dir(member.join("src")).expect("there are sources") {
            let file = File::options().write(true).open(file.expect("there are sources").path());
            file.and_then(|file| file.set_modified(now)).expect("the file's time can be set");
        }
    }
}

fn hashing(criterion: &mut Criterion) {
    let workspace = LazyCell::new(workspace);
    let mut group = criterion.benchmark_group("hashing");
    group.throughput(Throughput::Bytes((MEMBERS * BYTES) as u64)).sample_size(10);
    let nothing = |_: &Path| ();
    for (name, prepare) in [("cold", forget as fn(&Path)), ("warm", nothing), ("touched", touch)] {
        group.bench_function(format!("{MEMBERS} members x {FILES} files, {name}"), |bencher| {
            let dir = workspace.path();
            let run = |()| assert_eq!(ground::stamp(dir).summary.cached, MEMBERS);
            bencher.iter_batched(|| prepare(dir), run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    hashing(&mut criterion);
    criterion.final_summary();
}
