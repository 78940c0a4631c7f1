//! The room against the real compiler, in temporary folders.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::model::Member;

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A workspace at `top/deep/ws` with a member outside of it.
fn scene() -> (TempDir, Workspace, Invocation) {
    let top = tempfile::tempdir().unwrap();
    let root = top.path().join("deep/ws");
    fs::create_dir_all(&root).unwrap();
    let outside = Member {
        name: "outside".into(),
        dir: top.path().join("deep/beside/outside"),
        relative_dir: "../beside/outside".into(),
        package: None,
        dependencies: Vec::new(),
    };
    let target_dir = root.join("target");
    let workspace = Workspace { root: root.clone(), target_dir, members: vec![outside], ..Workspace::default() };
    let invocation = Invocation { current_dir: root, ..Invocation::of_test(&top.path().join("user")) };
    (top, workspace, invocation)
}

#[test]
fn the_compiler_and_cargo_say_what_they_are() {
    let (_top, workspace, invocation) = scene();
    let environment = look(&workspace, &invocation);
    assert!(environment.rustc.starts_with("rustc 1.") && environment.rustc.contains("commit-hash: "));
    assert!(environment.cargo.starts_with("cargo 1."));
    let host = environment.host.as_ref().unwrap();
    assert!(environment.rustc.contains(&format!("host: {host}")));
    assert_eq!(look(&workspace, &invocation), environment);
}

#[test]
fn a_memo_is_believed_until_something_changes() {
    let (_top, workspace, invocation) = scene();
    let true_one = look(&workspace, &invocation).rustc;
    let path = workspace.target_dir.join("lifecycle/toolchain.json");
    let memo = fs::read_to_string(&path).unwrap();
    put(&path, &memo.replace("commit-hash", "remembered"));
    assert!(look(&workspace, &invocation).rustc.contains("remembered: "));
    put(&path, &memo[..memo.len() / 2]);
    assert_eq!(look(&workspace, &invocation).rustc, true_one);
    put(&path, &memo.replace("commit-hash", "remembered"));
    let mut another = invocation.clone();
    another.cargo = "cargo-that-is-not-there".into();
    assert_eq!(look(&workspace, &another).rustc, true_one);
}

#[test]
fn no_compiler_is_no_error() {
    let (top, workspace, mut invocation) = scene();
    invocation.variables.insert("RUSTC".into(), top.path().join("none").into());
    let environment = look(&workspace, &invocation);
    assert_eq!((&*environment.rustc, environment.host), ("no rustc", None));
    assert!(!workspace.target_dir.join("lifecycle/toolchain.json").exists());
}

#[cfg(unix)]
#[test]
fn the_compiler_is_the_one_that_the_configuration_names() {
    let (top, workspace, mut invocation) = scene();
    let script = "printf '#!/bin/sh\\necho host: mine\\n' > \"$0\" && chmod +x \"$0\"";
    let path = top.path().join("deep/tools/rustc");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let written = std::process::Command::new("sh").args(["-c", script]).arg(&path).status().unwrap();
    assert!(written.success());
    put(&workspace.root.join(".cargo/config.toml"), "build.rustc = '../tools/rustc'\nbuild.target = ['one', 'two']");
    let environment = look(&workspace, &invocation);
    assert_eq!((environment.host.as_deref(), environment.targets), (Some("mine"), vec!["one".into(), "two".into()]));
    invocation.variables.insert("CARGO_BUILD_TARGET".into(), "three".into());
    assert_eq!(look(&workspace, &invocation).targets, ["three"]);
}

#[test]
fn wrappers_are_named_and_their_files_looked_at() {
    let (top, workspace, mut invocation) = scene();
    let wrapper = top.path().join("deep/ws/bin/wrap");
    put(&wrapper, "one");
    put(&workspace.root.join(".cargo/config.toml"), "build.rustc-wrapper = 'bin/wrap'");
    let before = look(&workspace, &invocation).wrappers;
    assert_eq!(before.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["the program in RUSTC_WRAPPER"]);
    put(&wrapper, "three");
    assert_ne!(look(&workspace, &invocation).wrappers, before);
    invocation.variables.insert("RUSTC_WRAPPER".into(), "".into());
    assert!(look(&workspace, &invocation).wrappers.is_empty());
    // What stands in for the compiler may be one.
    invocation.variables.insert("RUSTC".into(), wrapper.clone().into());
    let before = look(&workspace, &invocation).wrappers;
    assert_eq!(before.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["the program in RUSTC"]);
    put(&wrapper, "fifteen");
    assert_ne!(look(&workspace, &invocation).wrappers, before);
}

#[test]
fn files_have_names_that_stay() {
    let (top, workspace, mut invocation) = scene();
    let place = |path: &str| top.path().join(path);
    let there = [
        "deep/ws/.cargo/config.toml",
        "deep/ws/.cargo/more.toml",
        "deep/.cargo/config",
        "user/cargo-home/config.toml",
        "deep/ws/rust-toolchain.toml",
        "deep/rust-toolchain",
        "deep/clippy.toml",
        "deep/beside/.rustfmt.toml",
        "user/.rustfmt.toml",
        "user/xdg/rustfmt/rustfmt.toml",
        "deep/option.toml",
        // Not these: ordinary inputs, and what cargo passes by.
        "deep/ws/clippy.toml",
        "deep/beside/outside/clippy.toml",
        "deep/.cargo/config.toml",
    ];
    for path in there {
        put(&place(path), &format!("x.'{path}' = 1"));
    }
    put(&place("deep/ws/.cargo/config.toml"), "include = ['more.toml']");
    invocation.variables.insert("XDG_CONFIG_HOME".into(), place("user/xdg").into());
    invocation.config = vec!["../option.toml".into(), "x.y=1".into()];
    let files = look(&workspace, &invocation).files;
    // Above the temporary folder may lie anything.
    let names: Vec<&str> =
        files.iter().map(|(name, _)| &**name).filter(|name| !name.starts_with("../../../")).collect();
    assert_eq!(
        names,
        [
            "$CARGO_HOME/config.toml",
            "$HOME/.rustfmt.toml",
            "$RUSTFMT/rustfmt.toml",
            "../.cargo/config",
            "../beside/.rustfmt.toml",
            "../clippy.toml",
            "../option.toml",
            "../rust-toolchain",
            ".cargo/config.toml",
            ".cargo/more.toml",
            "rust-toolchain.toml",
        ]
    );
    let more = files.iter().find(|(name, _)| name == ".cargo/more.toml").unwrap();
    assert_eq!(more.1, b"x.'deep/ws/.cargo/more.toml' = 1");
}

#[test]
fn the_variables_are_those_that_the_user_set() {
    let (_top, workspace, mut invocation) = scene();
    assert_eq!(look(&workspace, &invocation).variables, []);
    let flags = format!("-L {}", workspace.root.join("lib").display());
    invocation.variables.insert("RUSTFLAGS".into(), flags.into());
    invocation.variables.insert("CARGO_TERM_COLOR".into(), "always".into());
    assert_eq!(look(&workspace, &invocation).variables, [("RUSTFLAGS".into(), "-L {root}/lib".into())]);
}
