//! Traps of configuration: where cargo, clippy and rustfmt look for it, and what it sets.

use std::fs;

use crate::scene::Scene;
use crate::witness::Witness;

/// A member that does not compile under `--cfg bad`.
fn fragile() -> Scene {
    let scene = Scene::of(&["crates/a"]);
    scene.replace("crates/a/Cargo.toml", "crates/a", "a");
    scene.append("crates/a/Cargo.toml", "[lints.rust]\nunexpected_cfgs = \"allow\"\n");
    scene.append("crates/a/src/lib.rs", "#[cfg(bad)]\ncompile_error!(\"bad\");\n");
    scene
}

const GOOD: &str = "[build]\nrustflags = [\"--cfg\", \"good\"]\n";
const BAD: &str = "[build]\nrustflags = [\"--cfg\", \"bad\"]\n";

/// With a `$CARGO_HOME` of its own.
fn with_home(scene: Scene, ours: &str, plain: &str) -> Witness {
    let mut trap = Witness::new(scene, ours, plain);
    trap.set("CARGO_HOME", trap.scene.beside("home"));
    trap.begun()
}

#[test]
fn flags_in_the_workspace_above_it_and_in_cargo_home() {
    for (path, name) in [
        (".cargo/config.toml", ".cargo/config.toml"),
        (".cargo/config", ".cargo/config"),
        ("../.cargo/config.toml", "../.cargo/config.toml"),
        ("../.cargo/config", "../.cargo/config"),
        ("../side/home/config.toml", "$CARGO_HOME/config.toml"),
    ] {
        let trap = with_home(fragile().file(".gitignore", ".cargo\n"), "check", "check --workspace");
        trap.scene.write(path, GOOD);
        assert_eq!(trap.reruns(), format!("{name} is new"));
        trap.scene.write(path, BAD);
        trap.breaks();
        trap.scene.remove(path);
        trap.is_fresh();
    }
}

#[test]
fn the_old_name_of_a_configuration_file_comes_first() {
    let trap = Witness::checked(fragile().file(".cargo/config.toml", GOOD).file(".cargo/other", BAD));
    trap.scene.rename(".cargo/other", ".cargo/config");
    trap.breaks();
}

#[test]
fn a_members_own_configuration_where_its_command_runs_there() {
    let make = "[lifecycle.own]\ncache = true\ncommand = \"cargo check\"\n";
    for path in ["crates/a/.cargo/config.toml", "crates/a/.cargo/config", "crates/.cargo/config.toml"] {
        for ignored in ["/target\n", ".cargo/\n", "config*\n"] {
            let scene = fragile().make(make).file(".gitignore", ignored);
            let trap = Witness::new(scene, "own", "check");
            assert_eq!(trap.runs(), "first run");
            trap.scene.write(path, BAD);
            let plain = trap.scene.call("").env("CARGO_TARGET_DIR", trap.scene.beside("plain")).from("crates/a");
            assert_ne!(plain.cargo("check").code, Some(0));
            let ended = trap.call().run();
            assert_eq!(ended.code, Some(1), "a wrong skip, {path} under {ignored:?}:\n{}", ended.text());
        }
    }
}

/// Cargo itself runs in the root.
#[test]
fn a_file_of_an_option_is_looked_for_where_one_stands() {
    let scene = fragile()
        .file("crates/cfg.toml", GOOD)
        .make("[lifecycle.own]\ncommand = \"cargo check {flags}\"\ncache = true\n");
    for phase in ["check", "own"] {
        let call = scene.call(phase).arg("--config").arg("../cfg.toml").from("crates/a");
        call.succeeds();
        assert!(call.succeeds().was_fresh());
        scene.write("crates/cfg.toml", BAD);
        assert_eq!(call.run().code, Some(1), "{phase}");
        scene.write("crates/cfg.toml", GOOD);
        call.succeeds();
    }
    let elsewhere = scene.beside("moved");
    fs::rename(scene.root(), &elsewhere).unwrap();
    let call = scene.call("check --config ../cfg.toml").from(elsewhere.join("crates/a").to_str().unwrap());
    assert!(call.succeeds().was_fresh(), "the place of the file is none of the key");
}

#[test]
fn files_that_configuration_includes() {
    let scene = fragile().file(".cargo/config.toml", "include = [\"one.toml\"]\n");
    scene.write(".cargo/one.toml", "include = [\"../../side/two.toml\"]\n");
    scene.write("../side/two.toml", GOOD);
    let trap = Witness::checked(scene);
    trap.scene.append("../side/two.toml", "[target.'cfg(unix)']\nrustflags = [\"--cfg\", \"fine\"]\n");
    let why = trap.reruns();
    assert!(why.ends_with("side/two.toml changed"), "{why}");
    trap.scene.write(".cargo/one.toml", BAD);
    trap.breaks();
}

#[test]
fn variables_that_configuration_sets() {
    let scene = Scene::of(&["a"])
        .file(".cargo/config.toml", "[env]\nWORD = \"one\"\nPLACE = { value = \"x\", relative = true }\n");
    scene.append(
        "a/src/lib.rs",
        "pub const WORD: Option<&str> = option_env!(\"WORD\");\npub const PLACE: &str = env!(\"PLACE\");\n",
    );
    let mut trap = Witness::checked(scene);
    trap.scene.replace(".cargo/config.toml", "\"one\"", "\"two\"");
    assert_eq!(trap.reruns(), ".cargo/config.toml changed");
    trap.scene.replace(".cargo/config.toml", "\"x\"", "\"y\"");
    assert_eq!(trap.reruns(), ".cargo/config.toml changed");
    trap.set("WORD", "ours");
    assert_eq!(trap.reruns(), "WORD changed");
    trap.scene.replace(".cargo/config.toml", "\"two\"", "{ value = \"two\", force = true }");
    assert_eq!(trap.reruns(), ".cargo/config.toml changed");
}

#[test]
fn profiles_and_targets_in_configuration() {
    let trap = Witness::checked(fragile().file(".cargo/config.toml", "[profile.dev]\ndebug = 1\n"));
    trap.scene.replace(".cargo/config.toml", "debug = 1", "debug = 2");
    assert_eq!(trap.reruns(), ".cargo/config.toml changed");
    trap.scene.append(".cargo/config.toml", "[target.'cfg(all())']\nrustflags = [\"--cfg\", \"good\"]\n");
    assert_eq!(trap.reruns(), ".cargo/config.toml changed");
    trap.scene.replace(".cargo/config.toml", "\"good\"", "\"bad\"");
    trap.breaks();
}

#[test]
fn a_call_of_ours_with_configuration_of_its_own() {
    let scene = fragile().file("../side/more.toml", GOOD);
    let trap = Witness::new(scene, "check --config ../side/more.toml", "check --workspace --config ../side/more.toml");
    let trap = trap.begun();
    trap.scene.append("../side/more.toml", "[profile.dev]\ndebug = 1\n");
    assert_eq!(trap.reruns(), "../side/more.toml changed");
    trap.scene.write("../side/more.toml", BAD);
    trap.breaks();

    let scene = fragile();
    scene.call("check --config build.rustflags='--cfggood'").run();
    scene.call("check").succeeds();
    let bad = scene.call("check").arg("--config").arg("build.rustflags=['--cfg','bad']");
    assert_eq!(bad.run().code, Some(1));
    assert!(scene.call("check").succeeds().was_fresh());
}

#[test]
fn an_alias_in_the_place_of_clippy() {
    let trap = Witness::new(fragile(), "lint", "clippy --workspace --all-targets").begun();
    trap.scene.write(".cargo/config.toml", "[alias]\nclippy = \"rustc --bogus\"\n");
    trap.breaks();
}

/// A member with a function that clippy minds when it counts to two.
fn long_winded() -> Scene {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "pub fn f(_a: u8, _b: u8, _c: u8) {}\n");
    scene
}

#[test]
fn configuration_of_clippy_everywhere() {
    for path in ["clippy.toml", ".clippy.toml", "a/clippy.toml", "../clippy.toml", "../.clippy.toml"] {
        let scene = long_winded().file(path, "too-many-arguments-threshold = 5\n").file(".gitignore", "*clippy.toml\n");
        let words = "clippy --workspace --all-targets -- -D warnings";
        let trap = Witness::new(scene, "lint -- -- -D warnings", words).begun();
        trap.scene.write(path, "too-many-arguments-threshold = 6\n");
        let why = trap.reruns();
        assert!(why.contains("clippy.toml changed"), "{path}: {why}");
        trap.scene.write(path, "too-many-arguments-threshold = 2\n");
        trap.breaks();
    }
}

#[test]
fn configuration_of_clippy_that_cargo_does_not_know_yet() {
    for path in ["clippy.toml", "../.clippy.toml", "a/clippy.toml"] {
        let words = "clippy --workspace --all-targets -- -D warnings";
        let trap = Witness::new(long_winded(), "lint -- -- -D warnings", words).begun();
        trap.scene.write(path, "too-many-arguments-threshold = 2\n");
        assert_eq!(trap.plain().code, Some(0), "plain cargo is fooled");
        for _ in 0..2 {
            let ended = trap.call().succeeds();
            let told = ended.err().contains("clippy.toml is new, and cargo did not look at it; `touch` the sources");
            assert!(told && !ended.was_fresh(), "{path}: a wrong skip:\n{}", ended.text());
        }
        trap.scene.touch_everything();
        trap.breaks();
        trap.scene.write(path, "too-many-arguments-threshold = 6\n");
        trap.reruns();
    }
}

#[test]
fn configuration_of_rustfmt_everywhere() {
    for path in ["rustfmt.toml", ".rustfmt.toml", "a/rustfmt.toml", "a/src/rustfmt.toml", "../rustfmt.toml"] {
        let scene = Scene::of(&["a"]).file(".gitignore", "*rustfmt.toml\n");
        scene.append("a/src/lib.rs", "pub fn f() {\n    g();\n}\nfn g() {}\n");
        let trap = Witness::new(scene, "fmt", "fmt --check -p a");
        assert_eq!(trap.runs(), "first run");
        trap.scene.write(path, "max_width = 90\n");
        let why = trap.runs();
        assert!(why.ends_with("rustfmt.toml is new"), "{path}: {why}");
        trap.scene.write(path, "hard_tabs = true\n");
        trap.breaks();
    }
}
