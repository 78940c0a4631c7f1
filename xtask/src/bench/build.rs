//! Builds what is measured, in release, from this or another checkout.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// The root of this repository.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// cargo, as it called us.
pub fn cargo(dir: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(dir).stdin(Stdio::null());
    cargo
}

/// Where cargo builds the checkout.
pub fn target_dir(checkout: &Path) -> anyhow::Result<PathBuf> {
    let output = cargo(checkout).args(["metadata", "--no-deps", "--format-version=1"]).output();
    let output = output.context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok(metadata["target_directory"].as_str().context("cargo names no target directory")?.into())
}

/// Builds a binary of the checkout, and answers where it lies. With a target directory, not in the usual place.
pub fn release(checkout: &Path, binary: &str, target_dir: Option<&Path>) -> anyhow::Result<PathBuf> {
    eprintln!("building {binary} of {} in release", checkout.display());
    let package = if binary == "xtask" { "xtask" } else { "cargo-lifecycle" };
    let mut cargo = cargo(checkout);
    cargo.args(["build", "--release", "--locked", "--package", package, "--bin", binary]);
    cargo.args(["--message-format=json-render-diagnostics", "--quiet"]);
    cargo.envs(target_dir.map(|dir| ("CARGO_TARGET_DIR", dir)));
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "{binary} of {} cannot be built", checkout.display());
    executable(&String::from_utf8_lossy(&output.stdout), binary)
}

/// The executable that cargo's messages name.
fn executable(messages: &str, binary: &str) -> anyhow::Result<PathBuf> {
    for line in messages.lines() {
        let message: serde_json::Value = serde_json::from_str(line).context("cargo says what is no JSON")?;
        if message["target"]["name"] == binary
            && let Some(executable) = message["executable"].as_str()
        {
            return Ok(executable.into());
        }
    }
    bail!("cargo names no executable for {binary}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_that_of_the_binary() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"xtask"},"executable":"/t/release/xtask"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "xtask").unwrap(), Path::new("/t/release/xtask"));
        assert!(executable(messages, "cargo-lifecycle").is_err());
    }
}
