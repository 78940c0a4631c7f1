//! What `cargo xtask bench` measures, and in which order. Everything is built in release first, this program too.

mod build;
mod command;
mod criterion;
mod duel;
mod floor;
mod impacts;
mod peak;
mod peers;
mod scenarios;
mod table;
mod turns;
mod watch;
mod workloads;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

pub use build::{release, root};
pub use command::{lifecycle, on_path, quiet, timed};
pub use floor::{LeastArguments, remove};
pub use peak::Arguments as PeakArguments;
pub use scenarios::Arguments as ScenariosArguments;
pub use table::Table;

/// Measure the program, by itself and beside others
///
/// Without options everything but --peers.
#[derive(clap::Args)]
pub struct Arguments {
    /// The benchmarks in xtask/benches
    #[arg(long)]
    criterion: bool,
    /// The scenarios of the performance analysis, beside the algorithm that it analysed
    #[arg(long)]
    scenarios: bool,
    /// A row for each impact that the analysis expects
    #[arg(long)]
    impacts: bool,
    /// Runs beside the least that they could take: looking at the files, starting the commands, reading
    #[arg(long)]
    floor: bool,
    /// The same workspace for every other runner found on PATH
    #[arg(long)]
    peers: bool,
    /// How often each is measured
    #[arg(long, value_name = "N", default_value_t = 9)]
    rounds: usize,
    /// How many members the workspace of --floor and --peers has
    #[arg(long, value_name = "N", default_value_t = 1000)]
    members: usize,
    /// How many files each of them has
    #[arg(long, value_name = "N", default_value_t = 20)]
    files: usize,
    /// The program, where it is built already, and so is this one
    #[arg(long, value_name = "PATH", hide = true)]
    program: Option<PathBuf>,
    /// What goes on to criterion: a filter, `--save-baseline NAME`, `--quick`, …
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// What is measured, and how often.
pub struct Measuring {
    /// `cargo-lifecycle`, built in release.
    pub program: PathBuf,
    /// How often.
    pub rounds: usize,
    /// The size of the workspace, where it is free.
    pub members: usize,
    pub files: usize,
}

impl Arguments {
    /// Measures, and prints the tables.
    pub fn run(&self) -> anyhow::Result<u8> {
        let Some(program) = self.program.clone() else { return in_release() };
        let measuring = Measuring { program, rounds: self.rounds, members: self.members, files: self.files };
        let all = !(self.criterion || self.scenarios || self.impacts || self.floor || self.peers);
        let mut tables = Vec::new();
        if all || self.criterion {
            tables.push(criterion::run(&self.arguments)?);
        }
        if all || self.scenarios {
            tables.push(scenarios::promised(&measuring)?);
        }
        if all || self.impacts {
            tables.push(scenarios::expected(&measuring)?);
            tables.push(impacts::table(&measuring)?);
        }
        if all || self.floor {
            tables.push(floor::table(&measuring)?);
        }
        if self.peers {
            tables.extend(peers::tables(&measuring)?);
        }
        tables.iter().for_each(|table| print!("{table}"));
        Ok(0)
    }
}

/// Builds the program and this one in release, and lets the latter do it.
fn in_release() -> anyhow::Result<u8> {
    let program = release(&root(), "cargo-lifecycle", None)?;
    let mut xtask = Command::new(release(&root(), "xtask", None)?);
    xtask.arg("bench").arg("--program").arg(program).args(std::env::args_os().skip(2));
    let status = xtask.status().context("cannot start xtask")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
