//! Runs cargo and takes its answers apart. It decides nothing about them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cargo_metadata::{Metadata, MetadataCommand, Package};

use super::{Error, Options, manifest};
use crate::cargo_config::TargetDir;
use crate::executable;

/// What cargo says of a workspace.
pub struct Answer {
    pub metadata: Metadata,
    /// Why it is not all that it could be.
    pub warning: Option<String>,
}

impl Answer {
    /// Whether cargo looked at Cargo.lock too.
    pub const fn is_complete(&self) -> bool {
        self.warning.is_none()
    }
}

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

/// What full `cargo metadata` says, which makes a missing or stale Cargo.lock on the way. It also wants every package of
/// every platform on the disk, which no build needs: where those cannot be had (no network), the members and the lock are
/// taken as they stand.
pub fn metadata(options: &Options, root: &Path, target_dir: &TargetDir) -> Result<Answer, Error> {
    let ask = |no_deps: bool| {
        let mut cargo = metadata_command(options, root, no_deps);
        if target_dir.from_call {
            cargo.env("CARGO_TARGET_DIR", &target_dir.path);
        }
        Ok(MetadataCommand::parse(printed(options, cargo)?)?)
    };
    match ask(false) {
        Err(Error::Cargo(said)) if said.contains("failed to download") => {
            let metadata = ask(true)?;
            let warning = format!("Cargo.lock is taken as it stands, because cargo says:\n{}", said.trim_end());
            Ok(Answer { metadata, warning: Some(warning) })
        }
        answer => Ok(Answer { metadata: answer?, warning: None }),
    }
}

/// The package in a folder that full metadata leaves out, because no feature is on that needs it.
pub fn package(options: &Options, root: &Path, folder: &Path) -> Option<Package> {
    let path = folder.join("Cargo.toml");
    let mut cargo = metadata_command(options, root, true);
    cargo.arg("--manifest-path").arg(&path);
    let metadata = MetadataCommand::parse(printed(options, cargo).ok()?).ok()?;
    metadata.packages.into_iter().find(|package| package.manifest_path == path)
}

fn metadata_command(options: &Options, root: &Path, no_deps: bool) -> Command {
    let mut cargo = cargo(options, root);
    cargo.args(["metadata", "--format-version", "1"]);
    cargo.args(no_deps.then_some("--no-deps"));
    cargo
}

/// Cargo with the options that every subcommand takes.
fn cargo(options: &Options, folder: &Path) -> Command {
    let program = &options.invocation.cargo;
    let found = executable::find(program, &options.invocation.current_dir, &options.invocation);
    let mut cargo = Command::new(found.as_ref().unwrap_or(program));
    cargo.current_dir(folder).env_clear().envs(&options.invocation.variables).stdin(Stdio::null());
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
        Err(Error::Cargo(String::from_utf8_lossy(&stderr).into_owned()))
    }
}
