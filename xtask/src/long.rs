//! Tests that run for long and only when they are asked for. What they test is not known here.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

/// Runs the ignored test of this name in a test target, with these variables, and answers cargo's exit code.
pub fn test(target: &str, name: &str, variables: &[(&str, Option<u64>)]) -> anyhow::Result<u8> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    cargo.args(["test", "--package", "cargo-lifecycle", "--test", target, "--locked"]);
    cargo.args(["--", "--ignored", "--exact", name, "--nocapture"]);
    cargo.envs(variables.iter().filter_map(|(name, value)| Some((name, (*value)?.to_string()))));
    let status = cargo.status().context("cannot start cargo")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
