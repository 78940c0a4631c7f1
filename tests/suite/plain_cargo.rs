//! What people see of cargo through us is what plain cargo shows them.

use std::collections::BTreeSet;

use crate::scene::Scene;

/// Two members with warnings of several sorts, one of them given twice by cargo's two looks at the library.
fn noisy() -> Scene {
    let scene = Scene::of(&["quiet", "noisy quiet"]);
    scene.append("noisy/src/lib.rs", "use std::fmt;\n\nfn unused(mut word: u32) -> u32 {\n    word\n}\n\n#[deprecated = \"use nothing\"]\npub fn old() {}\n\npub fn new() {\n    old();\n}\n");
    scene.write("noisy/src/main.rs", "fn main() {\n    let unused = 1;\n}\n");
    scene
}

/// The lines of cargo's, of which those that name what is compiled stand in any order, without times.
fn lines(text: &str) -> (Vec<String>, BTreeSet<String>) {
    let (verbs, rest): (Vec<&str>, Vec<&str>) = text
        .lines()
        .partition(|line| ["Checking ", "Compiling "].iter().any(|verb| line.trim_start().starts_with(verb)));
    (rest.into_iter().map(str::to_owned).collect(), verbs.into_iter().map(str::to_owned).collect())
}

fn compare(subcommand: &str) {
    let (ours, plain) = (noisy(), noisy());
    let ours = ours.call(&format!("{subcommand} -v")).succeeds().err();
    let plain = plain.call("").plain_cargo(&format!("{subcommand} --workspace"));
    let is_ours = |line: &&str| {
        let verb = line.trim_start().split(' ').next().unwrap_or_default();
        line.starts_with("note: ") || ["Lifecycle", "Ran"].contains(&verb) || line.contains("Finished 1 step")
    };
    let ours: Vec<&str> = ours.lines().filter(|line| !is_ours(line)).collect();
    assert_eq!(lines(&ours.join("\n")), lines(&plain), "\n{}\n----- plain\n{plain}", ours.join("\n"));
}

#[test]
fn check_shows_the_same_lines() {
    compare("check");
}

#[test]
fn build_shows_the_same_lines() {
    compare("build");
}

#[test]
fn a_message_format_of_ones_own_is_left_alone() {
    let scene = noisy().make("[lifecycle.short]\ncommand = \"cargo check {selected} --message-format=short\"\n");
    let ended = scene.call("short -v").succeeds();
    assert!(ended.err().contains("noisy/src/lib.rs:2:5: warning: unused import: `std::fmt`"), "{}", ended.text());
}
