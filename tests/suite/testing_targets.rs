//! The same test executables run as with plain `cargo test`, whatever sort of target they are of.

use crate::scene::Scene;
use crate::tested::{numbers, plain};

const TEST: &str = "#[test]\nfn one() {}\n#[test]\n#[ignore]\nfn two() {}\n";

/// A member with a target of every sort.
fn all_sorts() -> Scene {
    let scene = Scene::of(&["macros", "all", "silent"]);
    scene.write(
        "macros/Cargo.toml",
        "[package]\nname = \"macros\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
    );
    scene.write(
        "macros/src/lib.rs",
        "use proc_macro::TokenStream;\n/// ```\n/// use macros::same;\n/// ```\n#[proc_macro]\npub fn same(tokens: TokenStream) -> TokenStream {\n    \
         tokens\n}\n#[test]\nfn in_a_macro() {}\n",
    );
    scene.write(
        "all/Cargo.toml",
        r#"[package]
name = "all"
version = "0.1.0"
edition = "2024"
[lib]
crate-type = ["lib", "cdylib"]
[features]
more = []
[dependencies]
macros = { path = "../macros" }
[[bin]]
name = "tool"
[[bin]]
name = "untested"
test = false
[[example]]
name = "plain"
[[example]]
name = "tested"
test = true
[[bench]]
name = "speed"
test = true
[[test]]
name = "own"
harness = false
[[test]]
name = "needy"
required-features = ["more"]
"#,
    );
    scene.write("all/src/lib.rs", &format!("/// ```\n/// all::f();\n/// ```\npub fn f() {{}}\n{TEST}"));
    for path in
        ["src/bin/tool.rs", "src/bin/untested.rs", "examples/plain.rs", "examples/tested.rs", "benches/speed.rs"]
    {
        scene.write(&format!("all/{path}"), &format!("fn main() {{}}\n{TEST}"));
    }
    for path in ["tests/it.rs", "tests/deep/main.rs", "tests/needy.rs"] {
        scene.write(&format!("all/{path}"), TEST);
    }
    scene.write(
        "all/tests/own.rs",
        "fn main() { println!(\"test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured\"); }\n",
    );
    scene.write(
        "silent/Cargo.toml",
        "[package]\nname = \"silent\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ntest = false\ndoctest = false\n",
    );
    scene
}

/// Compares what ran with plain cargo, and with these names.
#[track_caller]
fn same(words: &str, names: &[&str]) {
    let scene = all_sorts();
    let call = if words.is_empty() { "test -v".to_owned() } else { format!("test -v -- {words}") };
    let ours = numbers(&scene.call(&call).succeeds());
    assert_eq!(ours.keys().map(String::as_str).collect::<Vec<_>>(), names);
    let mut counts: Vec<String> = ours.into_values().collect();
    counts.sort();
    assert_eq!(counts, plain(&scene, words));
    // And once more, when all are fresh but the whole is not known.
    let again = scene.call(&call).succeeds();
    assert!(again.was_fresh(), "{}", again.text());
}

#[test]
fn every_sort_of_target() {
    let names = [
        "all",
        "all (doc)",
        "all::bench/speed",
        "all::bin/tool",
        "all::deep",
        "all::example/tested",
        "all::it",
        "all::own",
        "macros",
        "macros (doc)",
    ];
    same("", &names);
}

#[test]
fn targets_that_need_a_feature() {
    same("--features all/more --test *", &["all::deep", "all::it", "all::needy", "all::own"]);
}

#[test]
fn a_choice_of_targets() {
    same("--lib --bins", &["all", "all::bin/tool", "all::bin/untested", "macros", "silent"]);
    same("--doc", &["all (doc)", "macros (doc)", "silent (doc)"]);
    same("--examples", &["all::example/plain", "all::example/tested"]);
}

#[test]
fn a_whole_target_directory_elsewhere_and_a_triple() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", TEST);
    let host = scene.call("").cargo("-vV").out();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    for words in [format!("test --target {host}"), "test --target-dir ../elsewhere".to_owned()] {
        let ended = scene.call(&words).succeeds();
        assert_eq!(ended.lines_of("Passed").len(), 1, "{}", ended.text());
        assert!(scene.call(&words).succeeds().was_fresh());
    }
}
