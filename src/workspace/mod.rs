//! Maps a Cargo workspace onto the model: through cargo, or through what a snapshot remembers of it. It knows nothing of
//! phases, and asks for no more than one full run of `cargo metadata`.

mod ask;
mod folders;
mod inputs;
mod locate;
mod lock;
mod manifest;
mod map;
mod path_packages;
mod snapshot;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::cargo_config::{CargoConfig, Invocation, TargetDir};
use crate::model::{Digest, FileStat, MemberId, Workspace};

use locate::Start;
use path_packages::Plain;

pub use folders::add_folders;
pub use snapshot::Renewal;

/// Which workspace is meant, and what cargo is told when it is asked about it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How we were called.
    pub invocation: Invocation,
    /// `--manifest-path`
    pub manifest_path: Option<PathBuf>,
    /// `--target-dir`
    pub target_dir: Option<PathBuf>,
    /// `--locked`
    pub locked: bool,
    /// `--offline`
    pub offline: bool,
    /// `--frozen`
    pub frozen: bool,
}

/// A workspace, and how it was found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The workspace.
    pub workspace: Workspace,
    /// The member in whose folder the user stands, or whose manifest `--manifest-path` names; `None` at the root and
    /// outside of every member.
    pub current: Option<MemberId>,
    /// The target directory, where an option or a variable chose it: every cargo that runs in another folder than the
    /// user's has to be given it as `CARGO_TARGET_DIR`.
    pub target_dir_for_children: Option<PathBuf>,
    /// Whether cargo had to be asked.
    pub cargo_started: bool,
    /// What is to be written so that files need not be read again for this.
    pub renewal: Option<Renewal>,
}

/// Tells the digest of a file that has these metadata.
pub type FileDigests = Box<dyn Fn(&Path, &FileStat) -> io::Result<Digest> + Send + Sync>;

/// What others do about a workspace. Each is given its root and its target directory.
#[derive(Clone, Copy)]
pub struct Others<'a> {
    /// Before it is known whether cargo has to be asked: who tells the digests of files.
    pub digests: &'a (dyn Fn(&Path, &Path) -> FileDigests + Sync),
    /// While cargo is asked, on another thread, until the flag is set.
    pub asking: &'a (dyn Fn(&Path, &Path, &AtomicBool) + Sync),
    /// While its answer is taken apart: it has a toolchain now, even if rustup had to fetch it.
    pub mapping: &'a (dyn Fn(&Path, &Path) + Sync),
}

/// Why there is no workspace.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No manifest from the user's folder upwards.
    #[error("could not find `Cargo.toml` in `{}` or any parent directory", .0.display())]
    NoManifest(PathBuf),
    /// `--manifest-path` names no file.
    #[error("manifest path `{}` does not exist", .0.display())]
    NoSuchManifest(PathBuf),
    /// `--manifest-path` names a folder.
    #[error("manifest path `{}` is a directory but expected a file", .0.display())]
    ManifestIsFolder(PathBuf),
    /// `--manifest-path` names another file.
    #[error("the manifest path `{}` must be a path to a Cargo.toml file", .0.display())]
    NotAManifest(PathBuf),
    /// Cargo could not be started.
    #[error("cannot start `{}`", cargo.display())]
    Start {
        /// What was started.
        cargo: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Cargo refused: what it wrote to stderr, as it wrote it.
    #[error("{}", .0.trim_end())]
    Cargo(String),
    /// Cargo wrote what we cannot read.
    #[error("cannot understand what cargo says about the workspace")]
    Output(#[from] cargo_metadata::Error),
    /// A file that cargo could read cannot be read by us.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Finds the workspace. Cargo is started only when something that its answer depends on is not as it was.
///
/// # Errors
/// When there is no manifest, or cargo refuses the workspace.
pub fn load(options: &Options, others: Others<'_>) -> Result<Loaded, Error> {
    let start = locate::start(options)?;
    if let Some(loaded) = remembered(options, &start, others) {
        return Ok(loaded);
    }
    let root = ask::root(options, &start.manifest)?;
    discover(options, &root, &start, others)
}

/// What a snapshot says, if there is one of a workspace that the manifest belongs to and all of it still holds.
fn remembered(options: &Options, start: &Start, others: Others<'_>) -> Option<Loaded> {
    locate::candidates(&start.manifest).into_iter().find_map(|root| {
        let config = CargoConfig::read(&root, &options.invocation);
        let target_dir = config.target_dir(&root, options.target_dir.as_deref());
        let (workspace, renewal) = snapshot::read(options, (&root, &target_dir.path), others)?;
        let known = start.manifest == root.join("Cargo.toml") || member_of(&workspace, &start.manifest).is_some();
        known.then(|| Loaded { renewal, ..loaded(workspace, start, target_dir) })
    })
}

/// Asks cargo, and remembers the answer.
fn discover(options: &Options, root: &Path, start: &Start, others: Others<'_>) -> Result<Loaded, Error> {
    let started = SystemTime::now();
    let config = CargoConfig::read(root, &options.invocation);
    let target_dir = config.target_dir(root, options.target_dir.as_deref());
    let root_manifest = manifest::read(&root.join("Cargo.toml"))?;
    let needs = inputs::of_root(root, &config, &root_manifest);
    let before = needs.look(&target_dir.path);

    let is_answered = AtomicBool::new(false);
    let ask = || {
        let answer = ask::metadata(options, root, &target_dir);
        is_answered.store(true, Ordering::Relaxed);
        answer
    };
    let (metadata, ()) = rayon::join(ask, || (others.asking)(root, &target_dir.path, &is_answered));
    let metadata = metadata?;
    let map = || {
        let lock = lock::read(&root.join("Cargo.lock"))?;
        let plain = Plain::new(&metadata);
        let packages = path_packages::complete((options, &config), (&metadata, &plain), &root_manifest, &lock);
        let workspace = map::workspace((&metadata, &plain), packages, &lock, &root_manifest)?;

        let after = needs.and_packages(&workspace).look(&workspace.target_dir);
        // Cargo's answer may be from before or after a change that was made meanwhile.
        if after.agrees_with(&before, &root.join("Cargo.lock")) && after.is_older_than(started) {
            snapshot::write(options, &workspace, after);
        }
        Ok::<_, Error>(workspace)
    };
    let (workspace, ()) = rayon::join(map, || (others.mapping)(root, metadata.target_directory.as_std_path()));
    let workspace = workspace?;
    Ok(Loaded { cargo_started: true, ..loaded(workspace, start, target_dir) })
}

fn loaded(workspace: Workspace, start: &Start, target_dir: TargetDir) -> Loaded {
    let at_root = start.folder == workspace.root;
    let current = if at_root { None } else { member_of(&workspace, &start.manifest) };
    let target_dir_for_children = target_dir.from_call.then_some(target_dir.path);
    Loaded { workspace, current, target_dir_for_children, cargo_started: false, renewal: None }
}

/// The member whose manifest it is.
fn member_of(workspace: &Workspace, manifest: &Path) -> Option<MemberId> {
    let is_its = |id: &MemberId| workspace.member(*id).package.as_ref().is_some_and(|it| it.manifest == manifest);
    workspace.ids().find(is_its)
}
