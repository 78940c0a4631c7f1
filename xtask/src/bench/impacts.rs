//! What the analysis expects besides time in a scenario: of writes, reads, keys and memory. A row for each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Measuring;
use super::command::{lifecycle, quiet, timed};
use super::criterion;
use super::duel::{Project, part};
use super::floor::remove;
use super::peak::peak;
use super::scenarios::HISTORY;
use super::table::{Table, change, time};
use super::turns::Turns;
use super::watch::{Seen, watch};
use crate::baseline::{self, State};
use crate::forget::forget;

/// How many phases each run has.
const PHASES: usize = 10;
/// And how many inputs; of more openings the system would not tell.
const FILES: usize = 500;
/// Inputs over which keys are made, and how large each is.
const KEYED: usize = 1000;
const KEYED_BYTES: usize = 65_536;
/// Phases that have run, and how often, when memory of a long history is measured; more than is remembered.
const REMEMBERED: usize = 1000;
const RUNS: usize = 210;

/// All rows.
pub fn table(measuring: &Measuring) -> anyhow::Result<Table> {
    let heads = ["impact", "workload", "analysed", "lifecycle", "expected"];
    let mut table = Table::new("Impacts on writes, reads, keys and memory", &heads);
    let folder = tempfile::tempdir()?;
    eprintln!("measuring: files written and opened");
    state_writes(measuring, &folder.path().join("writes"), &mut table)?;
    eprintln!("measuring: key generation");
    key_generation(measuring, &folder.path().join("keys"), &mut table)?;
    eprintln!("measuring: memory of a long history");
    long_history(measuring, &folder.path().join("history"), &mut table)?;
    cycle(measuring, &folder.path().join("cycle"), &mut table)?;
    for [what, figure] in criterion::figures("heap")? {
        table.row(["peak heap".to_owned(), what, String::new(), figure, "10-20 % less".to_owned()]);
    }
    table.note(
        "Keys are made in whole runs: of ours nothing runs, and digests are written. Files are counted by inotify, for the \
         program and all that it starts. Memory is the peak of resident memory of the largest process, as the system \
         accounts for it; heap is counted by an allocator (`cargo bench -p xtask --bench heap`).",
    );
    Ok(table)
}

fn make(phases: usize, command: &str) -> String {
    let phase = |number| format!("[lifecycle.phase-{number:04}]\ncommand = \"{command}\"\ninputs = [\"src/**\"]\n");
    (0..phases).map(phase).collect()
}

fn names(phases: usize) -> Vec<String> {
    (0..phases).map(|number| format!("phase-{number:04}")).collect()
}

fn write(dir: &Path, make: String, files: usize, bytes: usize) -> anyhow::Result<()> {
    Project { members: &["app"], make, files, bytes }.write(dir).map(drop)
}

fn seen(dir: &Path, act: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Seen> {
    watch(dir, act)?.context("which files are opened can be told on Linux only")
}

fn state_writes(measuring: &Measuring, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        table.note("Which files are opened and written is counted on Linux only.");
        return Ok(());
    }
    write(dir, make(PHASES, "true"), FILES, 100)?;
    let phases = names(PHASES);
    let ours = || timed(lifecycle(&measuring.program, dir, &[]).args(&phases)).map(drop);
    let analysed = || {
        let mut command = quiet(std::env::current_exe()?, dir);
        timed(command.args(["baseline", "--dir"]).arg(dir).args(&phases)).map(drop)
    };
    let edit = |text: &str| fs::write(part(dir, 1), text);
    ours()?;
    State::after(HISTORY).save(&baseline::state_path(dir))?;
    edit("// edited")?;
    let (old, new) = (seen(dir, analysed)?, seen(dir, ours)?);
    // The files are no longer as young as the run, and read once more.
    ours()?;
    let repeated = seen(dir, ours)?;
    edit("// edited again")?;
    let after_edit = seen(dir, ours)?;
    let is_input = |path: &Path| path.starts_with(dir.join("src"));
    let is_state = |path: &Path| path.starts_with(dir.join("target")) && path.extension().is_some();
    let named = |name: &'static str| move |path: &Path| path.file_name().is_some_and(|own| own == name);
    let workload = format!("{PHASES} phases, {FILES} inputs");
    table.row([
        "state: times read and written".to_owned(),
        workload.clone(),
        format!("read {}, written {}", old.opened(is_state) - old.written(is_state), old.written(is_state)),
        format!("written {}, in one batch: {}", new.written(named("state.json")), written_files(&new, dir)),
        "50-80 % less".to_owned(),
    ]);
    let not_ours = |path: &Path| !path.starts_with(dir.join("target")) && !is_input(path);
    table.row([
        "inputs opened by a repeated run".to_owned(),
        workload.clone(),
        old.opened(is_input).to_string(),
        format!(
            "{} (opened besides: {}); written: {}",
            repeated.opened(is_input),
            listed(&repeated.opened, not_ours),
            written_files(&repeated, dir)
        ),
        "70-90 % less".to_owned(),
    ]);
    table.row([
        "inputs opened after one edit".to_owned(),
        workload,
        old.opened(is_input).to_string(),
        after_edit.opened(is_input).to_string(),
        "70-90 % less".to_owned(),
    ]);
    Ok(())
}

/// The files of ours that were written, without those that did not last.
fn written_files(seen: &Seen, dir: &Path) -> String {
    let is_ours = |path: &Path| path.starts_with(dir.join("target/lifecycle")) && path.exists();
    listed(&seen.written, is_ours)
}

/// The names of those that are meant, and how often each is there if more than once.
fn listed(paths: &[PathBuf], is_meant: impl Fn(&Path) -> bool) -> String {
    let mut names = BTreeMap::<String, usize>::new();
    for path in paths.iter().filter(|path| is_meant(path)) {
        *names.entry(path.file_name().unwrap_or_default().to_string_lossy().into_owned()).or_default() += 1;
    }
    let times = |(name, times)| if times == 1 { name } else { format!("{name} ({times} times)") };
    let names: Vec<String> = names.into_iter().map(times).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn key_generation(measuring: &Measuring, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    write(dir, make(1, "true"), KEYED, KEYED_BYTES)?;
    let run = |jobs: &str| lifecycle(&measuring.program, dir, &["phase-0000", "--jobs", jobs]);
    timed(&mut run("1"))?;
    timed(&mut run("1"))?;
    let cold = |jobs: &'static str| {
        let run = &run;
        Box::new(move || {
            forget(dir)?;
            timed(&mut run(jobs))
        })
    };
    let turns = Turns::measure(
        measuring.rounds,
        vec![
            Box::new(|| {
                remove(&dir.join("target/baseline"))?;
                let mut command = quiet(std::env::current_exe()?, dir);
                timed(command.args(["baseline", "--dir"]).arg(dir).arg("phase-0000"))
            }),
            cold("1"),
            cold("2"),
            Box::new(|| timed(&mut run("2"))),
        ],
    )?;
    let workload = format!("{KEYED} inputs of {} KiB, nothing known of them", KEYED_BYTES / 1024);
    table.row([
        "key generation, 1 thread".to_owned(),
        workload.clone(),
        time(turns.median(0)),
        format!("{} ({})", time(turns.median(1)), change(turns.ratio(1, 0))),
        String::new(),
    ]);
    table.row([
        "key generation, 2 threads".to_owned(),
        workload.clone(),
        time(turns.median(0)),
        format!("{} ({} to 1 thread)", time(turns.median(2)), change(turns.ratio(2, 1))),
        "40-60 % faster".to_owned(),
    ]);
    table.row([
        "key generation, digests known".to_owned(),
        workload,
        time(turns.median(0)),
        format!("{} ({})", time(turns.median(3)), change(turns.ratio(3, 0))),
        String::new(),
    ]);
    Ok(())
}

fn long_history(measuring: &Measuring, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let one = make(1, "true");
    write(dir, one.clone(), 10, 100)?;
    let run = |phases: &[String]| timed(lifecycle(&measuring.program, dir, &["--force"]).args(phases)).map(drop);
    let asked = names(1);
    let mut single = lifecycle(&measuring.program, dir, &["--force"]);
    single.args(&asked);
    run(&asked)?;
    let ours_before = peak(&single)?;
    let mut analysed = quiet(std::env::current_exe()?, dir);
    analysed.args(["baseline", "--dir"]).arg(dir).args(&asked);
    State::after(HISTORY).save(&baseline::state_path(dir))?;
    let before = peak(&analysed)?;
    State::after(100 * HISTORY).save(&baseline::state_path(dir))?;
    let after = peak(&analysed)?;
    // Every phase has run, and then one of them more often than is remembered.
    fs::write(dir.join("make.toml"), make(REMEMBERED, "true"))?;
    run(&names(REMEMBERED))?;
    fs::write(dir.join("make.toml"), one)?;
    (0..RUNS).try_for_each(|_| run(&asked))?;
    let ours_after = peak(&single)?;
    table.row([
        "memory of a long history".to_owned(),
        format!(
            "1 phase after 1 run, and after {RUNS} runs and {REMEMBERED} phases (analysed: {HISTORY} and {} runs)",
            100 * HISTORY
        ),
        format!("{before} -> {after}"),
        format!("{ours_before} -> {ours_after}"),
        "10-20 % less".to_owned(),
    ]);
    Ok(())
}

fn cycle(measuring: &Measuring, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let hooks = "[hooks]\nbefore_phase-0000 = [\"phase-0001\"]\nbefore_phase-0001 = [\"phase-0000\"]\n";
    write(dir, make(2, "true") + hooks, 1, 1)?;
    let ours = lifecycle(&measuring.program, dir, &["phase-0000"]).status()?;
    let mut analysed = quiet(std::env::current_exe()?, dir);
    let analysed = analysed.args(["baseline", "--dir"]).arg(dir).arg("phase-0000").status()?;
    table.row([
        "cycles of hooks".to_owned(),
        "2 hooks that wait for each other".to_owned(),
        format!("recurs until it is given up ({analysed})"),
        format!("an error before anything runs ({ours})"),
        "no endless recursion".to_owned(),
    ]);
    Ok(())
}
