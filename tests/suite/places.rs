//! Where the workspace is found and where its target directory lies; what cargo says when it does not like them.

use crate::scene::Scene;

#[test]
fn a_manifest_can_be_named_from_elsewhere() {
    let scene = Scene::of(&["alpha", "beta alpha"]);
    scene.call("check -n --manifest-path ../shop/Cargo.toml").from("../side").shows(
        r"
[stdout]
check (2 members): stale: first run
    cargo check --workspace
[exit 0]
",
    );
    scene.call("check -n --manifest-path ../shop/beta/Cargo.toml").from("../side").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]/beta#0.1.0'
[exit 0]
",
    );
    scene.call("check -n --manifest-path nowhere/Cargo.toml").shows(
        r"
error: manifest path `nowhere/Cargo.toml` does not exist
[exit 4]
",
    );
    scene.call("check -n --manifest-path beta").shows(
        r"
error: manifest path `beta` is a directory but expected a file
[exit 4]
",
    );
}

#[test]
fn outside_of_a_workspace_there_is_nothing_to_run() {
    let scene = Scene::new();
    scene.call("check").shows(
        r"
error: could not find `Cargo.toml` in `[root]` or any parent directory
[exit 4]
",
    );
}

#[test]
fn a_broken_manifest_is_cargos_to_explain() {
    let scene = Scene::of(&["alpha"]);
    scene.append("alpha/Cargo.toml", "oops oops\n");
    scene.call("check").shows(
        r"
error: key with no value, expected `=`
 --> alpha/Cargo.toml:7:6
  |
7 | oops oops
  |      ^
error: failed to load manifest for workspace member `[root]/alpha`
referenced by workspace at `[root]/Cargo.toml`
[exit 4]
",
    );
    scene.replace("alpha/Cargo.toml", "oops oops\n", "beta = { path = \"../beta\" }\n");
    scene.call("check").shows(
        r"
error: failed to load manifest for workspace member `[root]/alpha`
referenced by workspace at `[root]/Cargo.toml`

Caused by:
  failed to load manifest for dependency `beta`

Caused by:
  failed to read `[root]/beta/Cargo.toml`

Caused by:
  No such file or directory (os error 2)
[exit 4]
",
    );
}

#[test]
fn locked_without_a_lock_file_is_cargos_error() {
    let scene = Scene::of(&["alpha"]);
    scene.call("check --locked").shows(
        r"
error: cannot create the lock file [root]/Cargo.lock because --locked was passed to prevent this
help: to generate the lock file without accessing the network, remove the --locked flag and use --offline instead.
[exit 4]
",
    );
    scene.call("check").succeeds();
    assert!(scene.at("Cargo.lock").exists());
    assert_eq!(scene.call("check --locked").succeeds().ran(), ["check (1 member) (flags changed: --locked is new)"]);
    scene.replace("alpha/Cargo.toml", "0.1.0", "0.2.0");
    assert_eq!(scene.call("check --frozen").run().code, Some(4));
}

#[test]
fn the_target_directory_is_where_the_call_says() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "/out\n");
    scene.call("build --target-dir out/option").succeeds();
    scene.call("build").env("CARGO_TARGET_DIR", "out/variable").succeeds();
    for place in ["option", "variable"] {
        let target = scene.at("out").join(place);
        assert!(target.join("debug/libalpha.rlib").exists(), "cargo builds there");
        assert!(target.join("lifecycle").exists(), "results are kept there");
        assert!(target.join("CACHEDIR.TAG").exists(), "backups pass it by");
    }
    assert!(!scene.at("target").exists());
    assert!(scene.call("build --target-dir out/option").succeeds().was_fresh());
    assert!(scene.call("build").env("CARGO_TARGET_DIR", "out/variable").succeeds().was_fresh());
    assert!(scene.call("build --target-dir ../out/option").from("alpha").succeeds().was_fresh());
}

#[test]
fn the_target_directory_of_the_call_reaches_every_child() {
    let scene = Scene::of(&["alpha"]).make("[lifecycle.where]\ncommand = \"echo $CARGO_TARGET_DIR > $SIDE/where\"\n");
    scene.call("where --target-dir out").succeeds();
    assert_eq!(scene.take("where").trim(), scene.at("out").to_str().unwrap());
    scene.call("where").env("CARGO_TARGET_DIR", "elsewhere").succeeds();
    assert_eq!(scene.take("where").trim(), scene.at("elsewhere").to_str().unwrap());
}

#[test]
fn the_target_directory_is_where_cargos_configuration_says() {
    let scene = Scene::of(&["alpha"]).file(".cargo/config.toml", "[build]\ntarget-dir = \"../side/out\"\n");
    scene.call("build").succeeds();
    assert!(scene.beside("out/debug/libalpha.rlib").exists());
    assert!(scene.beside("out/lifecycle").exists());
    assert!(!scene.at("target").exists());
    assert!(scene.call("build").succeeds().was_fresh());
}

#[test]
fn two_workspaces_share_a_target_directory_and_nothing_else() {
    let one = Scene::of(&["alpha"]);
    let shared = one.beside("shared");
    let check = |scene: &Scene| scene.call("check").env("CARGO_TARGET_DIR", &shared).succeeds();
    assert_eq!(check(&one).ran(), ["check (1 member) (first run)"]);
    // Its sources are newer, so that cargo does not take the first one's `alpha` for its own.
    let two = Scene::of(&["alpha", "beta"]);
    assert_eq!(check(&two).ran(), ["check (2 members) (first run)"]);
    assert!(check(&one).was_fresh());
    assert!(check(&two).was_fresh());
    one.append("alpha/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(check(&one).ran(), ["check (1 member) (alpha: src/lib.rs changed)"]);
    assert!(check(&two).was_fresh());
    let own = std::fs::read_dir(shared.join("lifecycle")).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(own.filter(|folder| folder.join("state.json").exists()).count(), 2);
}
