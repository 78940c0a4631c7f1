//! Runs cargo and takes its answers apart. It decides nothing about them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cargo_metadata::{Metadata, MetadataCommand, Package};

use super::{Error, Options, manifest};
use crate::cargo_config::TargetDir;
use crate::executable;

/// The root folder of the workspace that a manifest belongs to.
pub fn root(options: &Options, path: &Path) -> Result<PathBuf, Error> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    if manifest::read(path).is_ok_and(|table| manifest::is_root(&table)) {
        return Ok(folder.to_owned());
    }
    let mut cargo = cargo(options, folder);
    cargo.args(["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"]).arg(path);
    let printed = printed(options, cargo)?;
    Ok(Path::new(printed.trim_end()).parent().unwrap_or(folder).to_owned())
}

/// What full `cargo metadata` says, which makes a missing or stale Cargo.lock on the way.
///
/// It also wants packages on the disk that a build may not need: those of other platforms, if it is not told one, and those
/// that only tests use. Where they cannot be had (no network), the members are enough, because cargo downloads only when the
/// lock is as it shall be. What goes wrong before, with an index, is told as another error, with its own as the cause.
pub fn metadata(options: &Options, root: &Path, target_dir: &TargetDir) -> Result<Metadata, Error> {
    let ask = |arguments: &[&str]| {
        let mut cargo = metadata_command(options, root);
        cargo.args(arguments);
        if target_dir.from_call {
            cargo.env("CARGO_TARGET_DIR", &target_dir.path);
        }
        Ok(MetadataCommand::parse(printed(options, cargo)?)?)
    };
    let answer = match ask(&["--filter-platform", HOST]) {
        // An older cargo takes it for a platform of that name.
        Err(Error::Cargo(said)) if said.contains(HOST) => ask(&["--filter-platform", &host(options, root)?]),
        answer => answer,
    };
    match answer {
        Err(Error::Cargo(said)) if said.lines().any(|line| line.starts_with("error: failed to download ")) => {
            ask(&["--no-deps"])
        }
        answer => answer,
    }
}

/// What stands for the platform that cargo runs on.
const HOST: &str = "host-tuple";

/// The platform that cargo runs on.
fn host(options: &Options, root: &Path) -> Result<String, Error> {
    let mut cargo = cargo(options, root);
    cargo.arg("-vV");
    let printed = printed(options, cargo)?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.unwrap_or_default().to_owned())
}

/// The package in a folder that full metadata leaves out, because no feature is on that needs it.
pub fn package(options: &Options, root: &Path, folder: &Path) -> Option<Package> {
    let path = folder.join("Cargo.toml");
    let mut cargo = metadata_command(options, root);
    cargo.args(["--no-deps", "--manifest-path"]).arg(&path);
    let metadata = MetadataCommand::parse(printed(options, cargo).ok()?).ok()?;
    metadata.packages.into_iter().find(|package| package.manifest_path == path)
}

fn metadata_command(options: &Options, root: &Path) -> Command {
    let mut cargo = cargo(options, root);
    cargo.args(["metadata", "--format-version", "1"]);
    cargo
}

/// Cargo with the options that every subcommand takes.
fn cargo(options: &Options, folder: &Path) -> Command {
    let program = &options.invocation.cargo;
    let found = executable::find(program, folder, &options.invocation);
    let mut cargo = Command::new(found.as_ref().unwrap_or(program));
    cargo.current_dir(folder).env_clear().envs(&options.invocation.variables).stdin(Stdio::null());
    cargo.args(["--color", "never"]);
    let flags = [(options.locked, "--locked"), (options.offline, "--offline"), (options.frozen, "--frozen")];
    cargo.args(flags.iter().filter(|(on, _)| *on).map(|(_, flag)| flag));
    for value in options.invocation.config_arguments() {
        cargo.args(["--config", &value]);
    }
    cargo
}

fn printed(options: &Options, mut cargo: Command) -> Result<String, Error> {
    let start = |source| Error::Start { cargo: options.invocation.cargo.clone(), source };
    let Output { status, stdout, stderr } = cargo.output().map_err(start)?;
    if status.success() {
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&stderr).into_owned();
        let is_silent = said.trim().is_empty();
        Err(Error::Cargo(if is_silent { format!("error: cargo ended without a word: {status}") } else { said }))
    }
}
