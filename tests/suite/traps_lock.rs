//! Traps of Cargo.lock: missing, stale, updated for others, and read as a file like any other.

use crate::scene::Scene;
use crate::witness::Witness;

/// `b` depends on `leaf`, of which two versions lie beside the workspace; the first is locked.
fn locked() -> Scene {
    let scene = Scene::of(&["a", "b"]).file(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"../side/vendor\"\n",
    );
    scene.append("b/Cargo.toml", "leaf = \"1\"\n");
    for version in ["1.0.0", "1.0.1"] {
        let folder = format!("../side/vendor/leaf-{version}");
        let manifest = format!("[package]\nname = \"leaf\"\nversion = \"{version}\"\nedition = \"2024\"\n");
        scene.write(&format!("{folder}/Cargo.toml"), &manifest);
        scene.write(&format!("{folder}/src/lib.rs"), "pub const VERSION: &str = env!(\"CARGO_PKG_VERSION\");\n");
        let checksum = format!("{{\"files\":{{}},\"package\":\"{}\"}}", checksum(version));
        scene.write(&format!("{folder}/.cargo-checksum.json"), &checksum);
    }
    scene.call("").plain_cargo("generate-lockfile");
    lock(&scene, "1.0.1", "1.0.0");
    scene
}

fn checksum(version: &str) -> String {
    format!("{:02x}", version.bytes().last().unwrap()).repeat(32)
}

/// What `cargo update --precise` does.
fn lock(scene: &Scene, from: &str, to: &str) {
    scene.replace("Cargo.lock", from, to);
    scene.replace("Cargo.lock", &checksum(from), &checksum(to));
}

#[test]
fn an_update_concerns_those_who_depend_on_the_package() {
    let of_a = Witness::new(locked(), "check -p a", "check -p a").begun();
    lock(&of_a.scene, "1.0.0", "1.0.1");
    of_a.stays();
    let of_b = Witness::new(locked(), "check -p b", "check -p b").begun();
    lock(&of_b.scene, "1.0.0", "1.0.1");
    assert_eq!(of_b.reruns(), "leaf 1.0.0 -> 1.0.1");
    lock(&of_b.scene, "1.0.1", "1.0.0");
    of_b.is_fresh();
}

#[test]
fn packages_that_a_command_or_arguments_name_themselves() {
    let make = "[lifecycle.ci]\nscope = \"workspace\"\ninputs = [\"a/**\"]\ncommand = \"cargo check --workspace\"\n\
        [lifecycle.each]\nworkspaces = [\"a\"]\ncache = true\ncommand = \"cargo check -p b\"\n\
        [lifecycle.words]\nworkspaces = [\"a\"]\ncache = true\ncommands = [[\"cargo\", \"check\", \"--package=b\"]]\n";
    for (ours, plain) in [
        ("ci", "check --workspace"),
        ("each", "check -p b"),
        ("words", "check -p b"),
        ("check -p a -- -p b", "check -p a -p b"),
        ("check -p a -- --workspace", "check --workspace"),
    ] {
        let scene = locked().make(make).file(".gitignore", "/target\nCargo.lock\n");
        let trap = Witness::new(scene, ours, plain).begun();
        lock(&trap.scene, "1.0.0", "1.0.1");
        let why = trap.reruns();
        assert!(why.contains("Cargo.lock") || why.contains("leaf"), "{ours}: {why}");
        trap.scene.append("Cargo.toml", "[workspace.lints.rust]\nunused = \"warn\"\n");
        trap.scene.append("b/Cargo.toml", "[lints]\nworkspace = true\n");
        trap.reruns();
        trap.scene.replace("Cargo.toml", "\"warn\"", "\"deny\"");
        let why = trap.reruns();
        assert!(why.contains("Cargo.toml") || why.contains("[workspace.lints]"), "{ours}: {why}");
    }
}

#[test]
fn a_source_that_includes_it_and_a_script_that_watches_it() {
    let scene = locked();
    scene.append(
        "a/src/lib.rs",
        "pub const LOCK: &str = include_str!(\"../../Cargo.lock\");\n\
         pub const ROOT: &str = include_str!(\"../../Cargo.toml\");\n",
    );
    let trap = Witness::new(scene, "check -p a", "check -p a").begun();
    lock(&trap.scene, "1.0.0", "1.0.1");
    assert_eq!(trap.reruns(), "Cargo.lock changed");
    trap.scene.append("Cargo.toml", "[workspace.metadata.own]\nkey = 1\n");
    assert_eq!(trap.reruns(), "Cargo.toml changed");

    for watched in ["../Cargo.lock", "../make.toml", ".."] {
        let scene = locked().make("# nothing\n");
        let script = format!("fn main() {{\n    println!(\"cargo::rerun-if-changed={watched}\");\n}}\n");
        scene.write("a/build.rs", &script);
        let mut trap = Witness::new(scene, "check -p a", "check -p a");
        // In the watched folder it would change with every run.
        trap.set("CARGO_TARGET_DIR", trap.scene.beside("target"));
        let trap = trap.begun();
        lock(&trap.scene, "1.0.0", "1.0.1");
        trap.scene.append("make.toml", "# more\n");
        let why = trap.reruns();
        assert!(["Cargo.lock changed", "make.toml changed", ". changed"].contains(&&*why), "{watched}: {why}");
    }
}

#[test]
fn inputs_that_name_it() {
    let make = "[lifecycle.audit]\nscope = \"workspace\"\ninputs = [\"Cargo.lock\", \"make.toml\"]\ncommand = \"true\"\n\
        [lifecycle.each]\nworkspaces = [\"a\"]\ninputs = [\"//Cargo.lock\", \"//Cargo.toml\"]\ncommand = \"true\"\n\
        [lifecycle.whole]\nscope = \"workspace\"\ncache = true\ncommand = \"true\"\n";
    let scene = locked().make(make);
    let why = |phase: &str| crate::witness::reason(&scene.call(phase).succeeds());
    for phase in ["audit", "each", "whole"] {
        assert_eq!(why(phase), "first run");
        assert_eq!(why(phase), "fresh");
    }
    lock(&scene, "1.0.0", "1.0.1");
    for phase in ["audit", "each", "whole"] {
        let why = why(phase);
        assert!(why.contains("Cargo.lock changed") || why.contains("leaf 1.0.0 -> 1.0.1"), "{phase}: {why}");
    }
    scene.append("Cargo.toml", "[workspace.metadata.own]\nkey = 1\n");
    assert_eq!(why("each"), "//Cargo.toml changed");
    assert_eq!(why("whole"), "Cargo.toml changed");
    assert_eq!(why("audit"), "fresh");
    scene.append("make.toml", "# a comment\n");
    assert_eq!(why("audit"), "make.toml changed");
    assert_eq!(why("each"), "fresh");
    assert_eq!(why("whole"), "fresh", "of make.toml only the phase's own definition counts");
}

#[test]
fn a_lock_that_is_missing_or_stale() {
    let trap = Witness::new(locked(), "check", "check --workspace").begun();
    trap.scene.remove("Cargo.lock");
    let why = trap.runs();
    assert_eq!(why, "leaf 1.0.0 -> 1.0.1", "it was made anew");
    assert!(trap.scene.at("Cargo.lock").exists());
    let locked = Witness::new(trap.scene, "check --locked", "check --workspace --locked");
    locked.call().succeeds();
    locked.scene.replace("a/Cargo.toml", "0.1.0", "0.2.0");
    locked.breaks();
    locked.scene.replace("a/Cargo.toml", "0.2.0", "0.1.0");
    locked.is_fresh();
    locked.scene.remove("Cargo.lock");
    locked.breaks();
}
