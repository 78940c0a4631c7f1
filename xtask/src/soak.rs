//! The long form of the differential test, which lies in `tests/differential`. What it does is not known here.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// Edit generated workspaces at random, and compare every verdict with a run of everything
#[derive(clap::Args)]
pub struct Arguments {
    /// How long
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,

    /// The seed of the first workspace; each further one has the next (default: the time)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Arguments {
    /// Runs it and answers cargo's exit code.
    pub fn run(&self) -> anyhow::Result<u8> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        cargo.args(["test", "--package", "cargo-lifecycle", "--test", "differential", "--locked"]);
        cargo.args(["--", "--ignored", "--exact", "soak", "--nocapture"]);
        cargo.env("DIFFERENTIAL_MINUTES", self.minutes.to_string());
        cargo.envs(self.seed.map(|seed| ("DIFFERENTIAL_SEED", seed.to_string())));
        let status = cargo.status().context("cannot start cargo")?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}
