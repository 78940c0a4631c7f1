//! Signals at random moments of real runs, which `tests/suite/interrupts.rs` sends. What is looked at is not known here.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// Send SIGINT and SIGTERM to runs at random moments, and look at what they leave behind
#[derive(clap::Args)]
pub struct Arguments {
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 100)]
    times: u64,

    /// What the moments, signals and edits follow from (default: the time)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Arguments {
    /// Runs it and answers cargo's exit code.
    pub fn run(&self) -> anyhow::Result<u8> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        cargo.args(["test", "--package", "cargo-lifecycle", "--test", "suite", "--locked"]);
        cargo.args(["--", "--ignored", "--exact", "interrupts::many_signals", "--nocapture"]);
        cargo.env("INTERRUPTS_TIMES", self.times.to_string());
        cargo.envs(self.seed.map(|seed| ("INTERRUPTS_SEED", seed.to_string())));
        let status = cargo.status().context("cannot start cargo")?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}
