//! The benchmarks of this repository, which lie in `xtask/benches`. What they measure is not known here.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// Run the benchmarks
#[derive(clap::Args)]
pub struct Arguments {
    /// What goes on to the benchmarks: a filter, `--save-baseline NAME`, `--quick`, …
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl Arguments {
    /// Runs them and answers cargo's exit code.
    pub fn run(&self) -> anyhow::Result<u8> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        cargo.args(["bench", "--package", "xtask", "--benches", "--locked", "--"]).args(&self.arguments);
        let status = cargo.status().context("cannot start cargo")?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}
