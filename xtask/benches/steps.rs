//! What a step costs over its command: a hundred steps of 0.05 s at eight jobs through the program, and the same commands
//! in a bare loop of eight slots, in turns. Criterion has no ratios, so this is a program of its own.

#![expect(clippy::expect_used, reason = "what cannot be set up cannot be measured")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STEPS: usize = 100;
const JOBS: usize = 8;
const PAIRS: usize = 9;
const COMMAND: &str = "sleep 0.05";

fn main() {
    // Filters and options are criterion's, but for this one's name.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    if words.next().is_some_and(|filter| !"steps".contains(&filter)) {
        return;
    }
    let program = program();
    let folder = workspace();
    through(&program, folder.path());
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let mut measure_ours = || ours.push(through(&program, folder.path()));
        let mut measure_bare = || bare.push(bare_loop(folder.path()));
        if pair % 2 == 0 {
            measure_ours();
            measure_bare();
        } else {
            measure_bare();
            measure_ours();
        }
    }
    let (ours, bare) = (median(ours), median(bare));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    let each = ours.saturating_sub(bare) / u32::try_from(STEPS).unwrap_or(1);
    println!("row: {STEPS} steps of `{COMMAND}` at {JOBS} jobs: {ours:.1?}, a bare loop {bare:.1?}, ratio {ratio:.3}");
    println!("row: more for each of them, the start of the program included: {each:.1?}");
}

/// The program, built as benchmarks are.
fn program() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let build =
        ["build", "--quiet", "--release", "--locked", "--package", "cargo-lifecycle", "--bin", "cargo-lifecycle"];
    let status = Command::new(cargo).current_dir(root).args(build).status().expect("cargo can be started");
    assert!(status.success(), "the program cannot be built");
    Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("cargo-lifecycle")
}

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is room for a workspace");
    let dir = folder.path().join("ws");
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let xtask = xtask.args(["generate", "--members", &STEPS.to_string(), "--files", "1", "--dir"]).arg(&dir);
    assert!(xtask.status().expect("xtask can be started").success(), "there is no workspace");
    let phase = format!("[lifecycle.nap]\ncommand = \"{COMMAND}\"\n");
    std::fs::write(dir.join("make.toml"), phase).expect("make.toml can be written");
    folder
}

fn through(program: &Path, folder: &Path) -> Duration {
    let mut command = Command::new(program);
    command.current_dir(folder.join("ws")).args(["lifecycle", "nap", "--workspace", "--jobs", &JOBS.to_string()]);
    command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().expect("the program can be started");
    let took = begun.elapsed();
    assert!(status.success(), "the run failed: {status}");
    took
}

/// As few lines as do it: whichever slot is free first starts the next command.
fn bare_loop(folder: &Path) -> Duration {
    let begun = Instant::now();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < STEPS {
                    assert!(spawn(folder).wait().is_ok_and(|status| status.success()), "a command failed");
                }
            });
        }
    });
    begun.elapsed()
}

fn spawn(folder: &Path) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", COMMAND]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a shell can be started")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
