//! Finds out what can change cargo's results and does not lie among the sources: compiler, variables, configuration. What of
//! it belongs to whose key is not known here.

mod files;
mod runner;
mod toolchain;
mod variables;

use std::ffi::OsString;
use std::path::Path;

use crate::cargo_config::{CargoConfig, Invocation, Setting};
use crate::model::Workspace;
pub use runner::{is_runner_text, runner};
pub use toolchain::rustdoc;

/// The surroundings of a workspace, in an order that does not depend on the machine; no absolute path of the workspace
/// stands in it, but for the contents of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// What `rustc -vV` prints for the compiler that cargo uses in the root; `no rustc` when there is none.
    pub rustc: String,
    /// What `cargo -V` prints; `no cargo` when there is none.
    pub cargo: String,
    /// The compiler's wrappers, and the programs that test executables are started with: their names, and what tells whether they changed.
    pub wrappers: Vec<(String, String)>,
    /// The variables that cargo, the compilers and what they call read, with their values; in the values, the workspace
    /// root is written as `{root}`.
    pub variables: Vec<(String, OsString)>,
    /// Configuration files by the names that keys show (`.cargo/config.toml`, `../.clippy.toml`,
    /// `$CARGO_HOME/config.toml`), with their contents.
    pub files: Vec<(String, Vec<u8>)>,
    /// The triple of the machine; `None` when there is no compiler.
    pub host: Option<String>,
    /// `CARGO_BUILD_TARGET` or `build.target`: what is built for when no `--target` is given. Empty: the host.
    pub targets: Vec<String>,
}

/// Looks around. What cannot be found is absent, which is no error: a workspace whose phases never compile needs no
/// compiler.
pub fn look(workspace: &Workspace, invocation: &Invocation) -> Environment {
    let config = CargoConfig::read(&workspace.root, invocation);
    let rustc = toolchain::rustc(&config, invocation);
    let versions = toolchain::versions(&rustc, (&workspace.root, &workspace.target_dir), invocation);
    let host = versions.rustc.lines().find_map(|line| line.strip_prefix("host: "));
    Environment {
        host: host.map(str::to_owned),
        wrappers: [
            toolchain::wrappers(&config, workspace, invocation),
            runner::programs(&config, workspace, invocation),
        ]
        .concat(),
        variables: variables::of(&config, &invocation.variables, &workspace.root),
        files: files::of(&config, workspace, invocation),
        targets: config.find("build.target").map(texts).unwrap_or_default(),
        rustc: versions.rustc,
        cargo: versions.cargo,
    }
}

/// Has the compiler and cargo tell what they are, so that nobody has to wait for that later.
pub fn ask_ahead(root: &Path, target_dir: &Path, invocation: &Invocation) {
    let config = CargoConfig::read(root, invocation);
    toolchain::versions(&toolchain::rustc(&config, invocation), (root, target_dir), invocation);
}

/// A text, or a list of them.
fn texts(setting: Setting) -> Vec<String> {
    match setting.value {
        toml::Value::Array(values) => values.iter().filter_map(|value| Some(value.as_str()?.to_owned())).collect(),
        value => value.as_str().map(str::to_owned).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
