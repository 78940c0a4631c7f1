//! Which configuration files reach a workspace from outside of its sources, and what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo_config::{CargoConfig, Invocation};
use crate::model::Workspace;
use crate::relative::relative;

/// What clippy and rustfmt look for, from a source file's folder upwards.
const LINTS_AND_FORMAT: [&str; 4] = ["clippy.toml", ".clippy.toml", "rustfmt.toml", ".rustfmt.toml"];
const TOOLCHAIN: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// The files that are there, by name.
pub fn of(config: &CargoConfig<'_>, workspace: &Workspace, invocation: &Invocation) -> Vec<(String, Vec<u8>)> {
    let names = Names::new(&workspace.root, invocation);
    let layers = config.layers().iter().filter_map(|layer| Some((layer.file.as_ref()?, &layer.contents)));
    let mut files: BTreeMap<String, Vec<u8>> =
        layers.map(|(path, contents)| (names.of(path), contents.clone())).collect();
    for path in looked_for(workspace, invocation) {
        if let Ok(contents) = fs::read(&path) {
            files.insert(names.of(&path), contents);
        }
    }
    files.into_iter().collect()
}

/// Every path at which a file would count, but for cargo's own configuration.
fn looked_for(workspace: &Workspace, invocation: &Invocation) -> BTreeSet<PathBuf> {
    let root = &workspace.root;
    let mut paths: BTreeSet<PathBuf> =
        root.ancestors().flat_map(|folder| TOOLCHAIN.map(|name| folder.join(name))).collect();
    // What lies below the root or in a package's own folder is an ordinary input.
    let packages = workspace.path_packages.iter().map(|package| &package.dir);
    let packages = workspace.members.iter().map(|member| &member.dir).chain(packages);
    for folder in packages.filter(|dir| !dir.starts_with(root)).chain([root]) {
        let outside = folder.ancestors().skip(1).filter(|above| !above.starts_with(root));
        paths.extend(outside.flat_map(|above| LINTS_AND_FORMAT.map(|name| above.join(name))));
    }
    if let Some(folder) = invocation.variable("CLIPPY_CONF_DIR") {
        paths.extend(["clippy.toml", ".clippy.toml"].map(|name| invocation.current_dir.join(folder).join(name)));
    }
    for folder in invocation.home().into_iter().chain(rustfmt_folder(invocation)) {
        paths.extend(["rustfmt.toml", ".rustfmt.toml"].map(|name| folder.join(name)));
    }
    paths
}

/// The user's own configuration folder of rustfmt, which it looks at last.
fn rustfmt_folder(invocation: &Invocation) -> Option<PathBuf> {
    let home = || invocation.home();
    let folder = if cfg!(windows) {
        invocation.variable("APPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library/Application Support"))
    } else {
        let set = invocation.variable("XDG_CONFIG_HOME").map(PathBuf::from);
        set.or_else(|| Some(home()?.join(".config")))
    };
    Some(folder?.join("rustfmt"))
}

/// Gives files names that stay when the workspace moves: as seen from the root, unless they are the user's own.
struct Names<'a> {
    root: &'a Path,
    cargo_home: Option<PathBuf>,
    rustfmt_folder: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl<'a> Names<'a> {
    fn new(root: &'a Path, invocation: &Invocation) -> Self {
        Self {
            root,
            cargo_home: invocation.cargo_home(),
            rustfmt_folder: rustfmt_folder(invocation),
            home: invocation.home(),
        }
    }

    fn of(&self, path: &Path) -> String {
        let below = |folder: &Option<PathBuf>| Some(relative(path, folder.as_ref().filter(|it| path.starts_with(it))?));
        if path.starts_with(self.root) {
            relative(path, self.root)
        } else if let Some(rest) = below(&self.cargo_home) {
            format!("$CARGO_HOME/{rest}")
        } else if let Some(rest) = below(&self.rustfmt_folder) {
            format!("$RUSTFMT/{rest}")
        } else if let Some(name) = below(&self.home).filter(|rest| !rest.contains('/')) {
            format!("$HOME/{name}")
        } else {
            relative(path, self.root)
        }
    }
}
