//! Which manifest the user means. Whether it belongs to a workspace is cargo's to say.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, Options, manifest};
use crate::relative::cleaned;

/// Where to begin.
pub struct Start {
    /// The manifest that is meant; absolute.
    pub manifest: PathBuf,
    /// Where the user stands: with `--manifest-path`, in that manifest's folder.
    pub folder: PathBuf,
}

/// The manifest that `--manifest-path` names, else the nearest one upwards.
pub fn start(options: &Options) -> Result<Start, Error> {
    let current_dir = &options.invocation.current_dir;
    let current_dir = physical(current_dir).unwrap_or_else(|_| current_dir.clone());
    if let Some(path) = &options.manifest_path {
        let manifest = named(path, &current_dir)?;
        let folder = manifest.parent().unwrap_or(&current_dir).to_owned();
        return Ok(Start { manifest, folder });
    }
    let found = current_dir.ancestors().map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file());
    match found {
        Some(manifest) => Ok(Start { manifest, folder: current_dir }),
        None => Err(Error::NoManifest(current_dir)),
    }
}

fn named(path: &Path, current_dir: &Path) -> Result<PathBuf, Error> {
    let absolute = cleaned(&current_dir.join(path));
    if absolute.is_dir() {
        return Err(Error::ManifestIsFolder(path.to_owned()));
    }
    if !absolute.exists() {
        return Err(Error::NoSuchManifest(path.to_owned()));
    }
    if !absolute.ends_with("Cargo.toml") {
        return Err(Error::NotAManifest(path.to_owned()));
    }
    Ok(absolute)
}

/// The folder without links in its path: the one that cargo finds itself in when it is started there.
#[cfg(unix)]
fn physical(folder: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(folder)
}

/// On Windows a folder without links has a spelling that few programs understand.
#[cfg(not(unix))]
fn physical(folder: &Path) -> io::Result<PathBuf> {
    std::path::absolute(folder)
}

/// The folders that may be the root of the workspace `manifest` belongs to, the likeliest first.
pub fn candidates(manifest: &Path) -> Vec<PathBuf> {
    let Some(folder) = manifest.parent() else { return Vec::new() };
    let read = manifest::read(manifest).ok();
    let link = read.as_ref().and_then(|table| manifest::workspace_link(table));
    let linked = link.map(|path| cleaned(&folder.join(path)));
    let above = folder.ancestors().filter(|folder| folder.join("Cargo.toml").is_file());
    linked.into_iter().chain(above.map(Path::to_owned)).collect()
}
