//! Build scripts and procedural macros: what they ask for, what they do not say, and the code that they make.

use std::fs;

use crate::scene::Scene;
use crate::trap::{Plain, Trap, alpha, git};

/// A member `alpha` with a build script of these statements.
fn script(statements: &str) -> Scene {
    Scene::of(&["alpha"]).file("alpha/build.rs", &format!("fn main() {{\n    {statements}\n}}\n"))
}

fn watching(path: &str) -> Scene {
    script(&format!("println!(\"cargo::rerun-if-changed={path}\");"))
}

#[test]
fn a_script_that_asks_for_nothing_runs_for_every_file_of_its_package() {
    let trap = Trap::check(script("").file("alpha/data/one", "1"));
    trap.scene.write("alpha/data/one", "2");
    trap.both_run("data/one changed");
    trap.scene.write("alpha/README.md", "new");
    trap.both_run("README.md is new");
    trap.scene.remove("alpha/README.md");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was");
}

#[test]
fn a_script_that_asks_for_one_file_runs_for_it_alone() {
    let trap = Trap::check(watching("../../side/word.txt").file("../side/word.txt", "1"));
    trap.scene.write("../side/word.txt", "2");
    trap.both_run("word.txt changed");
    trap.scene.write("../side/other.txt", "2");
    trap.plain_is(Plain::PassesBy);
    trap.is_fresh("it does not watch that");
}

#[test]
fn a_script_that_watches_a_folder() {
    for (path, folder) in [("data", "alpha/data"), ("../data/", "data"), ("../../side/data", "../side/data")] {
        let at = |name: &str| format!("{folder}/{name}");
        let scene = watching(path).file(&at("one"), "1").file(&at("deep/er/two"), "1");
        let trap = Trap::check(scene);
        trap.scene.write(&at("deep/er/two"), "2");
        trap.both_run("data");
        trap.scene.write(&at("deep/er/three"), "1");
        trap.both_run("data");
        trap.scene.remove(&at("one"));
        trap.both_run("data");
        trap.scene.rename(&at("deep"), &at("deeper"));
        trap.both_run("data");
    }
}

#[test]
fn a_folder_that_takes_the_place_of_a_watched_file() {
    let trap = Trap::check(watching("../../side/data").file("../side/data", "1"));
    trap.scene.remove("../side/data");
    trap.scene.write("../side/data/one", "1");
    trap.both_run("data changed");
}

#[test]
fn a_script_that_watches_what_is_not_there() {
    let trap = Trap::check(watching("../../side/data").file("../side/data", "1"));
    trap.scene.remove("../side/data");
    for _ in 0..2 {
        trap.plain_is(Plain::Rebuilds);
        trap.is_not_kept("which is not there");
    }
    trap.scene.write("../side/data", "1");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was");
}

#[test]
fn a_variable_that_a_script_asks_for() {
    let statements = "println!(\"cargo::rerun-if-env-changed=TRAP\"); \
                      println!(\"cargo::rustc-env=WORD={}\", std::env::var(\"TRAP\").unwrap_or_default());";
    let scene = script(statements);
    scene.append("alpha/src/lib.rs", "const _: () = assert!(env!(\"WORD\").len() < 4);\n");
    let mut trap = Trap::check(scene);
    trap.set("TRAP", "one");
    trap.both_run("TRAP changed");
    trap.set("TRAP", "");
    trap.both_run("TRAP changed");
    trap.set("WORD", "too long");
    trap.plain_is(Plain::PassesBy);
    trap.is_fresh("the script's own value counts");
    trap.set("TRAP", "too long");
    trap.both_fail();
}

/// The value that the script is compiled with, and the one that it sets for the library, have one name.
#[test]
fn a_variable_that_a_script_is_compiled_with_and_sets() {
    let statements = "println!(\"cargo::rerun-if-changed=build.rs\"); \
                      println!(\"cargo::rustc-env=TRAP={}\", option_env!(\"TRAP\").unwrap_or_default());";
    let scene = script(statements);
    scene.append("alpha/src/lib.rs", "const _: () = assert!(env!(\"TRAP\").len() < 4);\n");
    let mut trap = Trap::check(scene);
    trap.set("TRAP", "one");
    trap.both_run("TRAP changed");
    trap.set("TRAP", "too long");
    trap.both_fail();
}

#[test]
fn a_script_that_watches_what_git_is_at() {
    let scene = watching("../.git/HEAD").file(".git/HEAD", "ref: refs/heads/one\n");
    let trap = Trap::check(scene);
    trap.scene.write(".git/HEAD", "ref: refs/heads/two\n");
    trap.both_run(".git/HEAD changed");
}

#[test]
fn a_script_that_watches_what_git_ignores() {
    let trap = Trap::check(watching("made").file(".gitignore", "/target\nmade\n*.log\n").file("alpha/made/one", "1"));
    trap.scene.write("alpha/made/one", "2");
    trap.both_run("made changed");
    trap.scene.write("alpha/made/two", "2");
    trap.both_run("made changed");
}

/// Where the target directory is in it, cargo runs the script every time.
#[test]
fn a_script_that_watches_the_whole_workspace() {
    for path in ["..", "", "."] {
        let trap = Trap::check(watching(path).file(".gitignore", "/target\n*.log\n").file("alpha/some.log", "1"));
        trap.scene.write("alpha/data", path);
        trap.plain_is(Plain::Rebuilds);
        trap.runs();
        trap.is_fresh("right after a run");
    }
}

/// Cargo has no sight of it either, and says fresh: the remedy stands in the manual.
#[test]
fn a_variable_that_a_script_reads_and_does_not_ask_for() {
    let statements = "println!(\"cargo::rerun-if-changed=build.rs\"); assert!(std::env::var_os(\"TRAP\").is_none());";
    let mut trap = Trap::check(script(statements));
    trap.set("TRAP", "one");
    trap.plain_is(Plain::PassesBy);
    trap.is_fresh("as cargo says");
    trap.clean_plain_is(Plain::Fails);
}

#[test]
fn generated_code() {
    let statements = "println!(\"cargo::rerun-if-changed=../api.txt\");
    let out = std::path::PathBuf::from(std::env::var_os(\"OUT_DIR\").unwrap());
    std::fs::write(out.join(\"api.rs\"), std::fs::read(\"../api.txt\").unwrap()).unwrap();";
    let scene = script(statements).file("api.txt", "pub fn one() {}\n");
    scene.append("alpha/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/api.rs\"));\n");
    let trap = Trap::check(scene);
    trap.scene.write("api.txt", "pub fn two() {}\n");
    trap.both_run("api.txt changed");
    trap.scene.write("api.txt", "nonsense\n");
    trap.both_fail();
    trap.scene.write("api.txt", "pub fn two() {}\n");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was");
}

#[test]
fn a_script_that_writes_into_the_sources() {
    let statements = "println!(\"cargo::rerun-if-changed=words\");
    std::fs::write(\"src/words.rs\", format!(\"pub const N: usize = {};\\n\", std::fs::read(\"words\").unwrap().len())).unwrap();";
    let scene = script(statements).file("alpha/words", "one").file("alpha/src/words.rs", "");
    scene.append("alpha/src/lib.rs", "pub mod words;\n");
    let text = scene.call("check").succeeds().text();
    assert!(text.contains("inputs of check changed during the run"), "{text}");
    assert!(!scene.call("check").succeeds().was_fresh());
    assert!(scene.call("check").succeeds().was_fresh());
    scene.write("alpha/words", "three");
    let text = scene.call("check").succeeds().text();
    assert!(text.contains("words changed") && text.contains("inputs of check changed during the run"), "{text}");
    let plain = scene.call("").plain_cargo("check -v");
    assert!(plain.contains("Fresh alpha"), "{plain}");
    assert!(!scene.call("check").succeeds().was_fresh());
    assert!(scene.call("check").succeeds().was_fresh());
}

#[test]
fn what_a_script_is_made_of() {
    let scene = Scene::of(&["alpha", "tool"]).file("alpha/build.rs", "#[path = \"build/more.rs\"]\nmod more;\nfn main() { more::f(); println!(\"cargo::rerun-if-changed=build.rs\"); }\n");
    scene.append("alpha/Cargo.toml", "\n[build-dependencies]\ntool = { path = \"../tool\" }\n");
    scene.write("alpha/build/more.rs", "pub fn f() { tool::f() }\n");
    scene.append("tool/src/lib.rs", "pub fn f() {}\n");
    let trap = Trap::check(scene);
    trap.scene.append("alpha/build/more.rs", "// edited\n");
    trap.both_run("build/more.rs changed");
    trap.scene.append("tool/src/lib.rs", "// edited\n");
    trap.both_run("tool");
    trap.scene.replace("tool/src/lib.rs", "f() {}", "f() { panic!() }");
    trap.both_fail();
}

/// A macro `word!("…")` in a member of its own, with this body for `path`, and `alpha`, which uses it.
fn macros(body: &str) -> Scene {
    let scene = alpha("pub const WORD: &str = derive::word!();\n");
    scene.replace("Cargo.toml", "\"alpha\"", "\"alpha\", \"derive\"");
    scene.append("alpha/Cargo.toml", "derive = { path = \"../derive\" }\n");
    scene.add_library("derive");
    scene.append("derive/Cargo.toml", "\n[lib]\nproc-macro = true\n");
    let head = "use proc_macro::TokenStream;\n#[proc_macro]\npub fn word(_: TokenStream) -> TokenStream {\n";
    scene.write("derive/src/lib.rs", &format!("{head}{body}\n}}\n"));
    scene
}

#[test]
fn an_edit_of_a_macro_concerns_who_uses_it() {
    let trap = Trap::check(macros("\"\\\"one\\\"\".parse().unwrap()"));
    trap.scene.replace("derive/src/lib.rs", "one", "two");
    trap.both_run("derive: src/lib.rs changed");
    trap.scene.replace("derive/src/lib.rs", "\\\"two\\\"", "2");
    trap.both_fail();
}

#[test]
fn a_file_that_a_macro_names_in_what_it_makes() {
    let body = "let path = std::path::absolute(\"../side/word.txt\").unwrap();
    format!(\"{{ const _: &[u8] = include_bytes!({path:?}); {:?} }}\", std::fs::read_to_string(&path).unwrap()).parse().unwrap()";
    let trap = Trap::check(macros(body).file("../side/word.txt", "one"));
    trap.scene.write("../side/word.txt", "two");
    trap.both_run("word.txt changed");
    trap.scene.remove("../side/word.txt");
    trap.both_fail();
}

/// Cargo has no sight of it either, and says fresh: the remedy stands in the manual.
#[test]
fn a_file_that_a_macro_reads_and_does_not_name() {
    let body = "std::fs::read_to_string(\"../side/word.txt\").unwrap().parse().unwrap()";
    let trap = Trap::check(macros(body).file("../side/word.txt", "\"one\""));
    trap.scene.write("../side/word.txt", "2");
    trap.plain_is(Plain::PassesBy);
    trap.is_fresh("as cargo says");
    trap.clean_plain_is(Plain::Fails);
    trap.call().arg("--force").succeeds();
    fs::remove_dir_all(trap.scene.at("target/debug")).unwrap();
    assert_eq!(trap.call().arg("--force").run().code, Some(1), "the remedy, if cargo has nothing either");
}

#[test]
fn a_macro_with_a_helper_of_its_own() {
    let scene = macros("helper::word().parse().unwrap()");
    scene.replace("Cargo.toml", "\"derive\"", "\"derive\", \"helper\"");
    scene.add_library("helper");
    scene.append("helper/src/lib.rs", "pub fn word() -> &'static str { \"\\\"one\\\"\" }\n");
    scene.replace("derive/Cargo.toml", "[dependencies]\n", "[dependencies]\nhelper = { path = \"../helper\" }\n");
    let trap = Trap::check(scene);
    trap.scene.replace("helper/src/lib.rs", "one", "two");
    trap.both_run("helper: src/lib.rs changed");
}

/// An ignored file that is not there yet is none that a key covers, and cargo sees it when it comes.
#[test]
fn a_file_that_git_will_ignore_comes_to_a_watched_folder_and_to_a_silent_package() {
    let script = "fn main() { assert!(!std::path::Path::new(\"data/x.tmp\").exists()) }\n";
    let watching = script.replace("main() {", "main() { println!(\"cargo::rerun-if-changed=data\");");
    for script in [script, &watching] {
        let scene = Scene::of(&["alpha"]).file(".gitignore", "/target\n*.tmp\n").file("alpha/data/one", "");
        scene.write("alpha/build.rs", script);
        scene.call("check").succeeds();
        assert!(scene.call("check").succeeds().was_fresh());
        scene.write("alpha/data/x.tmp", "");
        assert_eq!(scene.call("check").run().code, Some(1), "{script}");
    }
}

/// With `include` cargo looks for the files on the disk, whatever git ignores.
#[test]
fn an_ignored_file_of_a_silent_package_that_chooses_its_files() {
    for include in ["include = [\"src/**\", \"data/**\", \"build.rs\"]", "include.workspace = true"] {
        let scene =
            script("println!(\"cargo::rustc-env=WORD={}\", std::fs::read_to_string(\"data/one.snap\").unwrap());");
        scene.append("alpha/src/lib.rs", "pub const WORD: &str = env!(\"WORD\");\n");
        scene.append("Cargo.toml", "[workspace.package]\ninclude = [\"src/**\", \"data/**\", \"build.rs\"]\n");
        scene.replace("alpha/Cargo.toml", "edition", &format!("{include}\nedition"));
        let scene = scene.file("alpha/data/one.snap", "1").file(".gitignore", "/target\n*.log\n*.snap\n");
        git(&scene, "init -q");
        git(&scene, "add -A");
        let trap = Trap::check(scene);
        trap.scene.write("alpha/data/one.snap", "2");
        trap.both_run("alpha changed");
        trap.scene.write("alpha/data/two.snap", "1");
        trap.both_run("alpha changed");
        for other in ["alpha/notes.snap", "alpha/README.md"] {
            for text in ["1", "2"] {
                trap.scene.write(other, text);
                trap.plain_is(Plain::PassesBy);
                trap.runs();
                trap.is_fresh("cargo does not look at what `include` does not name");
            }
        }
    }
}
