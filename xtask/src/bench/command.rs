//! Commands as they are measured: quiet, in an environment without ours, and never failed in silence.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Variables of the surroundings that would reach what is measured.
const STRANGE: [&str; 5] = ["CARGO_TARGET_DIR", "CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "RUST_LOG"];

/// The program, to be started in the folder.
pub fn quiet(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    STRANGE.iter().for_each(|name| _ = command.env_remove(name));
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// `cargo lifecycle` with these words.
pub fn lifecycle(program: &Path, dir: &Path, words: &[&str]) -> Command {
    let mut command = quiet(program, dir);
    command.arg("lifecycle").args(words);
    command
}

/// How long it takes from its start to its end.
pub fn timed(command: &mut Command) -> anyhow::Result<Duration> {
    // Not a pipe: what it leaves behind may hold that open.
    let said = tempfile::NamedTempFile::new()?;
    command.stderr(said.reopen()?);
    let began = Instant::now();
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let took = began.elapsed();
    if !status.success() {
        let said = fs::read(said.path())?;
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        let (program, said) = (command.get_program().display(), String::from_utf8_lossy(&said));
        bail!("`{program} {}` failed ({status}): {}", words.join(" "), said.trim());
    }
    Ok(took)
}

/// Where the program lies on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
