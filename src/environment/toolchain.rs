//! Which compiler and which cargo are used, and what they say of themselves. They are started only when something tells
//! that they may have become others.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::cargo_config::{CargoConfig, Invocation, Variables};
use crate::model::Workspace;
use crate::{atomic, executable, target_dir};

/// What the programs say of themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    pub rustc: String,
    pub cargo: String,
}

/// The memo, as it is stored.
#[derive(Serialize, Deserialize)]
struct Memo {
    /// The identities of both programs.
    of: [String; 2],
    versions: Versions,
}

/// The compiler, as cargo chooses it.
pub fn rustc(config: &CargoConfig<'_>, invocation: &Invocation) -> PathBuf {
    program(config, invocation, "RUSTC", "build.rustc").unwrap_or_else(|| "rustc".into())
}

/// The rustdoc, as a cargo with these variables chooses it: rustup sets some that the one who called it need not have.
pub fn rustdoc(variables: Variables, workspace: &Workspace, invocation: &Invocation) -> PathBuf {
    let invocation = Invocation { variables, ..invocation.clone() };
    let config = CargoConfig::read(&workspace.root, &invocation);
    let said = program(&config, &invocation, "RUSTDOC", "build.rustdoc");
    let behind_proxy = || executable::behind_proxy("rustdoc", &workspace.root, &invocation);
    said.or_else(behind_proxy).unwrap_or_else(|| "rustdoc".into())
}

/// The wrappers that are set, and compilers that somebody chose, which may be wrappers as well, by the variables that name them:
/// the program's name, its file's length and time of change.
pub fn wrappers(config: &CargoConfig<'_>, workspace: &Workspace, invocation: &Invocation) -> Vec<(String, String)> {
    let kinds = [
        ("RUSTC", "build.rustc"),
        ("RUSTC_WRAPPER", "build.rustc-wrapper"),
        ("RUSTC_WORKSPACE_WRAPPER", "build.rustc-workspace-wrapper"),
        ("RUSTDOC", "build.rustdoc"),
    ];
    let wrapper = |(variable, key): (&str, &str)| {
        let program = program(config, invocation, variable, key)?;
        let found = executable::find(&program, &workspace.root, invocation);
        let state = found.map_or_else(|| "not found".into(), |path| executable::stat(&path));
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        Some((format!("the program in {variable}"), format!("{name} {state}")))
    };
    kinds.into_iter().filter_map(wrapper).collect()
}

/// A program that a variable, else a key of cargo's configuration names. Cargo resolves paths, but not mere names, against
/// the place where they were said; an empty variable turns off what the configuration says.
fn program(config: &CargoConfig<'_>, invocation: &Invocation, variable: &str, key: &str) -> Option<PathBuf> {
    if let Some(value) = invocation.variables.get(std::ffi::OsStr::new(variable)) {
        return Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty());
    }
    let setting = config.find(key)?;
    let path = Path::new(setting.value.as_str()?);
    let is_name = path.components().count() == 1;
    Some(if is_name { path.to_owned() } else { setting.base.join(path) })
}

/// What the compiler and cargo say of themselves: remembered, else asked.
pub fn versions(rustc: &Path, (root, target_dir): (&Path, &Path), invocation: &Invocation) -> Versions {
    let identity = |program: &Path| executable::identity(program, root, invocation);
    let of = identity(rustc).zip(identity(&invocation.cargo)).map(|(rustc, cargo)| [rustc, cargo]);
    // Called by cargo, we ask the cargo that called, else the one in `PATH`: each has a memo, so that they can take turns.
    let by_cargo = invocation.variable("CARGO").is_some();
    let file = if by_cargo { "toolchain-by-cargo.json" } else { "toolchain.json" };
    let path = target_dir.join("lifecycle").join(file);
    if let Some(memo) = of.as_ref().and_then(|of| remembered(&path, of)) {
        return memo;
    }
    let ask = |program: &Path, argument: &str| said(program, argument, root, invocation);
    // Behind rustup each takes its time, and most of it is waiting.
    let (rustc, cargo) = std::thread::scope(|scope| {
        let rustc = scope.spawn(|| ask(rustc, "-vV"));
        let cargo = ask(&invocation.cargo, "-V");
        (rustc.join().ok().flatten(), cargo)
    });
    let versions = Versions {
        rustc: rustc.unwrap_or_else(|| "no rustc".into()),
        cargo: cargo.unwrap_or_else(|| "no cargo".into()),
    };
    // A program that fails (a toolchain that is not installed yet) may work next time.
    if let Some(of) = of.filter(|_| versions.rustc != "no rustc" && versions.cargo != "no cargo") {
        remember(&path, target_dir, Memo { of, versions: versions.clone() });
    }
    versions
}

fn remembered(path: &Path, of: &[String; 2]) -> Option<Versions> {
    let memo: Memo = serde_json::from_slice(&atomic::read(path).ok()?).ok()?;
    (memo.of == *of).then_some(memo.versions)
}

/// That it cannot be written only makes the next run slower.
fn remember(path: &Path, target: &Path, memo: Memo) {
    let Ok(json) = serde_json::to_vec(&memo) else { return };
    _ = target_dir::make(target).and_then(|()| atomic::cache(path, &[json]));
}

/// What a program prints; `None` when it cannot be started or fails.
fn said(program: &Path, argument: &str, folder: &Path, invocation: &Invocation) -> Option<String> {
    let found = executable::find(program, folder, invocation)?;
    let mut command = Command::new(found);
    command.arg(argument).current_dir(folder).env_clear().envs(&invocation.variables).stdin(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
