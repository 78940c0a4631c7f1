//! Traps of aliases: a phase that calls one runs what cargo's configuration makes of it.

use crate::scene::Scene;
use crate::witness::{Witness, reason};

/// Runs the program `xtask`; the words behind it are the program's.
const XTASK: &str = "[alias]\nxtask = \"run --package xtask --\"\n";

/// Members `a` and `b`, and a program that writes into the folder where it is called what it is told, in its own words.
fn workspace(config: &str) -> Scene {
    let make = "[lifecycle.codegen]\nworkspaces = [\"a\"]\ncommand = \"cargo xtask codegen\"\n\
                inputs = [\"schema.txt\"]\noutputs = [\"generated.txt\"]\n";
    let scene = Scene::of(&["a", "b", "helper", "xtask helper"]).make(make).file(".gitignore", "/target\n*.ignored\n");
    scene.write("a/schema.txt", "name");
    scene.write("xtask/words.ignored", "one");
    scene.rename("xtask/src/lib.rs", "xtask/src/main.rs");
    scene.write(
        "xtask/src/main.rs",
        "fn main() {\n    let arguments: Vec<String> = std::env::args().skip(1).collect();\n    let text = \
         [&arguments.join(\" \"), \"first\", helper::NAME, include_str!(\"../words.ignored\")].join(\", \");\n    \
         std::fs::write(\"generated.txt\", text).unwrap();\n}\n",
    );
    if !config.is_empty() {
        scene.write(".cargo/config.toml", config);
    }
    scene
}

/// What plain cargo comes to.
fn plainly(trap: &Witness) -> String {
    let folder = trap.scene.call("").from("a").env("CARGO_TARGET_DIR", trap.scene.beside("plain"));
    folder.plain_cargo("xtask codegen");
    generated(&trap.scene)
}

fn generated(scene: &Scene) -> String {
    std::fs::read_to_string(scene.at("a/generated.txt")).unwrap()
}

#[test]
fn what_an_alias_runs_is_edited() {
    let trap = Witness::new(workspace(XTASK), "codegen", "");
    assert_eq!(trap.runs(), "first run");
    let mut before = plainly(&trap);
    assert_eq!(before, "codegen, first, helper, one");
    for (path, old, new, why) in [
        ("xtask/src/main.rs", "first", "second", "xtask: src/main.rs changed"),
        ("helper/src/lib.rs", "helper", "other", "helper: src/lib.rs changed"),
        ("xtask/words.ignored", "one", "two", "xtask/words.ignored changed"),
    ] {
        trap.scene.replace(path, old, new);
        let after = plainly(&trap);
        assert_ne!(after, before, "no trap: plain cargo comes to the same");
        trap.scene.write("a/generated.txt", &before);
        let told = trap.runs();
        assert!(told.starts_with(why), "{path}: {told}");
        assert_eq!(generated(&trap.scene), after);
        before = after;
    }
    trap.scene.append("b/src/lib.rs", "// an edit that concerns nobody\n");
    trap.is_fresh();
}

#[test]
fn an_alias_wherever_it_stands() {
    let scene = workspace("");
    let mut trap = Witness::new(scene, "codegen", "");
    let run = "[\"run\", \"-q\", \"-p\", \"xtask\", \"--\"]";
    let of_alias = format!("[alias]\nxtask = \"deep\"\ndeep = {run}\n");
    let mut place = 0;
    let mut is_seen = |trap: &Witness, where_it_stands: &str| {
        trap.call().succeeds();
        trap.is_fresh();
        place += 1;
        trap.scene.append("xtask/src/main.rs", &format!("// edit {place}\n"));
        assert!(trap.runs().starts_with("xtask: src/main.rs changed"), "{where_it_stands}");
    };
    for path in [".cargo/config", "../.cargo/config.toml"] {
        trap.scene.write(path, &of_alias);
        is_seen(&trap, path);
        trap.scene.remove(path);
    }
    trap.scene.write(".cargo/config.toml", "include = [\"more.toml\"]\n");
    trap.scene.write(".cargo/more.toml", &of_alias);
    is_seen(&trap, "include");
    trap.scene.write(".cargo/more.toml", "");
    trap.set("CARGO_ALIAS_XTASK", "run -p xtask --");
    is_seen(&trap, "a variable");
}

#[test]
fn an_alias_becomes_another() {
    let trap = Witness::new(workspace(""), "codegen", "");
    let make = |env: &str| {
        trap.scene.write(".cargo/config.toml", &format!("[alias]\nxtask = \"run -p xtask -- {env}\"\n"));
    };
    make("one");
    assert_eq!(trap.runs(), "first run");
    make("two");
    let why = trap.runs();
    assert!(why.contains("config.toml changed") || why.contains("command changed"), "{why}");
    assert!(generated(&trap.scene).starts_with("two codegen,"));
}

#[test]
fn an_alias_that_leads_elsewhere() {
    let scene = workspace("[alias]\nxtask = \"run --manifest-path ../xtask/Cargo.toml --\"\n");
    for _ in 0..2 {
        assert_eq!(reason(&scene.call("codegen").succeeds()), "not cached because of --manifest-path");
    }
}
