//! Holds the manual to the program: every make.toml in it is one that the program takes, and nothing that a make.toml may
//! say is left out.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;

use cargo_lifecycle::model::Placeholder;
use cargo_lifecycle::{Lifecycle, Options};

const MAKE_TOML: &str = include_str!("../src/docs/make_toml.md");
const EXPLAIN: &str = include_str!("../src/docs/explain.md");
const VERDICTS: &str = include_str!("../src/model/verdict.rs");
const KEYS: &str = include_str!("../src/docs/keys.md");
const README: &str = include_str!("../README.md");

/// The blocks of a page that are marked as `toml`.
fn examples(page: &str) -> Vec<&str> {
    let blocks = page.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
}

/// The workspace that the manual speaks of.
fn workspace(root: &Path) {
    put(&root.join("Cargo.toml"), "[workspace]\nmembers = [\"api\", \"gen\", \"web\"]\nresolver = \"3\"\n");
    for name in ["api", "gen", "web"] {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        put(&root.join(name).join("Cargo.toml"), &manifest);
        put(&root.join(name).join("src/lib.rs"), "");
    }
    put(&root.join("site/package.json"), "{}");
}

#[test]
fn every_example_is_taken() {
    let folder = tempfile::tempdir().expect("there is room for a workspace");
    workspace(folder.path());
    let pages = [MAKE_TOML, KEYS, README].map(examples);
    assert_eq!(pages.each_ref().map(Vec::is_empty), [false; 3]);
    for example in pages.into_iter().flatten() {
        put(&folder.path().join("make.toml"), example);
        let options = Options::new().current_dir(folder.path()).target_dir(folder.path().join("target"));
        let listed = Lifecycle::open(options).and_then(|lifecycle| lifecycle.list());
        assert!(
            listed.is_ok(),
            "{}\n{example}",
            listed.map_err(|error| error.render(false)).unwrap_or_else(|text| text)
        );
    }
}

#[test]
fn every_placeholder_is_explained() {
    for placeholder in Placeholder::ALL {
        assert!(MAKE_TOML.contains(&format!("| `{{{}}}` |", placeholder.name())), "{placeholder:?}");
    }
}

#[test]
fn every_code_that_programs_get_is_explained() {
    let codes: Vec<&str> =
        VERDICTS.lines().filter_map(|line| line.split_once(" => \"")?.1.strip_suffix("\",")).collect();
    assert!(codes.contains(&"first_run") && codes.contains(&"file_changed"), "{codes:?}");
    for code in codes {
        assert!(EXPLAIN.contains(&format!("`{code}`")), "{code}");
    }
}
