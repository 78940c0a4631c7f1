//! Which tests run: the same as plain `cargo test` runs, by executable and by number of tests, whatever kind of target they
//! are in.

use std::collections::BTreeMap;

use crate::call::{Call, Ended};
use crate::scene::Scene;
use crate::tested::numbers;

/// A runner of tests that notes each executable, and what it says of its tests.
const RUNNER: &str = "\"$@\" > \"$SIDE/out.$$\"; code=$?; cat \"$SIDE/out.$$\"
{ basename \"$1\"; grep '^test result' \"$SIDE/out.$$\" | cut -d';' -f1-5; } > \"$SIDE/ran.$$\"
exit $code";

/// A line of numbers as we tell it, of the lines that libtest ends with.
fn told(results: &[&str]) -> String {
    let mut sums: BTreeMap<&str, u32> = BTreeMap::new();
    for figure in results.iter().flat_map(|line| line.split(['.', ';'])) {
        if let Some((number, what)) = figure.trim().split_once(' ')
            && let Ok(number) = number.parse::<u32>()
        {
            *sums.entry(what).or_default() += number;
        }
    }
    let wanted =
        ["passed", "failed", "ignored", "filtered out"].map(|what| (what, sums.get(what).copied().unwrap_or(0)));
    let counts: Vec<String> =
        wanted.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    if counts.is_empty() { "no tests".to_owned() } else { counts.join("; ") }
}

/// What plain cargo prints of each executable and of each library's documentation tests, in numbers.
fn plain_numbers(ended: &Ended) -> Vec<String> {
    let text = ended.out();
    let mut each: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("     Running ") || line.starts_with("   Doc-tests ") {
            each.push(Vec::new());
        } else if let Some(result) = line.strip_prefix("test result: ") {
            each.last_mut().unwrap().push(result);
        }
    }
    // One that tells of no tests is one.
    let told = |results: &Vec<&str>| if results.is_empty() { "1 passed".to_owned() } else { told(results) };
    let mut all: Vec<String> = each.iter().map(told).collect();
    all.sort();
    all
}

/// What the runner has noted.
fn executables(scene: &Scene) -> Vec<String> {
    let entries = std::fs::read_dir(scene.beside("")).unwrap().map(|entry| entry.unwrap().file_name());
    let names = entries.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with("ran."));
    let mut noted: Vec<String> = names.map(|name| scene.take(&name)).collect();
    // Documentation tests have no names of their own; they stand in the report.
    noted.retain(|text| !text.starts_with("rust_out"));
    noted.sort();
    noted
}

/// Runs the same with plain cargo and with us; the names of what we ran.
#[track_caller]
fn compare(scene: &Scene, ours: &Call, plain: &str) -> Vec<String> {
    let plain = ours.cargo_in_one(plain);
    assert_eq!(plain.code, Some(0), "\n{}", plain.text());
    let by_cargo = executables(scene);
    let ended = ours.succeeds();
    assert_eq!(executables(scene), by_cargo, "\n{}\n{}", plain.text(), ended.text());
    let by_name = numbers(&ended);
    let mut by_us: Vec<String> = by_name.values().cloned().collect();
    by_us.sort();
    assert_eq!(by_us, plain_numbers(&plain), "\n{}\n{}", plain.text(), ended.text());
    by_name.into_keys().collect()
}

/// The fixture with every kind of target, and a runner that notes what is started.
fn kinds() -> Scene {
    let scene = Scene::fixture("kinds");
    let runner = scene.program("runner", RUNNER);
    scene.append(".cargo/config.toml", &format!("\n[target.'cfg(all())']\nrunner = {runner:?}\n"));
    scene
}

#[test]
fn every_kind_of_target_is_tested_as_cargo_tests_it() {
    let scene = kinds();
    let ran = compare(&scene, &scene.call("test -v"), "test --workspace");
    let expected = [
        "app",
        "app (doc)",
        "app::bench/timed",
        "app::bin/app",
        "app::bin/tool",
        "app::deep",
        "app::example/shown",
        "app::it",
        "app::plain",
        "mac",
        "mac (doc)",
        "plug",
        "plug (doc)",
    ];
    assert_eq!(ran, expected);
    let fresh = scene.call("test").succeeds();
    fresh.shows(
        r"
   Lifecycle of shop: all 4 members
       Fresh test (4 members): 46 passed; 2 ignored in 13 executables
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
    assert_eq!(executables(&scene), [""; 0]);
}

#[test]
fn what_is_selected_is_tested_as_cargo_tests_it() {
    let scene = kinds();
    for (ours, plain, some, count) in [
        ("test --features app/extra", "test --workspace --features app/extra", "app::wanting", 14),
        ("test -p mac -p plug", "test -p mac -p plug", "mac", 4),
        ("test -- --all-targets", "test --workspace --all-targets", "app::bench/idle", 13),
        ("test -- --lib --bins", "test --workspace --lib --bins", "bare", 6),
        ("test -- --doc", "test --workspace --doc", "bare (doc)", 4),
        ("test -p app -- --test it app", "test -p app --test it app", "app::it", 1),
        ("test -- t1 -- --include-ignored", "test --workspace t1 -- --include-ignored", "app", 11),
    ] {
        // What passed before with the same arguments counts as well as what runs.
        let ran = compare(&scene, &scene.call(&ours.replacen("test", "test --force -v", 1)), plain);
        assert!(ran.iter().any(|name| name == some) && ran.len() == count, "{ours}: {ran:?}");
    }
}

#[test]
fn a_member_without_a_library_and_a_lone_package_are_tested_as_cargo_tests_them() {
    let scene = Scene::new()
        .file("Cargo.toml", "[package]\nname = \"lone\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
        .file("src/main.rs", "fn main() {}\n\n#[test]\nfn one() {}\n")
        .file("tests/it.rs", "#[test]\nfn two() {\n    let _ = env!(\"CARGO_BIN_EXE_lone\");\n}\n");
    let runner = scene.program("runner", RUNNER);
    scene.write(".cargo/config.toml", &format!("[target.'cfg(all())']\nrunner = {runner:?}\n"));
    assert_eq!(compare(&scene, &scene.call("test -v"), "test"), ["lone::bin/lone", "lone::it"]);
    // In this edition, each documentation test is a program of its own.
    scene.write("src/lib.rs", "//! ```\n//! ```\n//!\n//! ```\n//! assert!(true);\n//! ```\n");
    assert_eq!(compare(&scene, &scene.call("test -v"), "test"), ["lone", "lone (doc)", "lone::bin/lone", "lone::it"]);
}

#[test]
fn a_workspace_without_tests_passes() {
    let scene = Scene::of(&["a"]).file("a/src/lib.rs", "");
    scene.call("test").succeeds();
    assert!(scene.call("test").succeeds().was_fresh());
}

#[test]
fn tests_of_another_target_are_started_with_its_runner() {
    let triple = crate::testing_given::host();
    let scene = kinds();
    let ours = scene.call(&format!("test -v --target {triple}"));
    assert!(compare(&scene, &ours, &format!("test --workspace --target {triple}")).len() >= 13);
}
