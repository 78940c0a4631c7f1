//! What a call said of test executables, and what plain `cargo test` says of the same workspace. It judges nothing.

use std::collections::BTreeMap;

use crate::call::Ended;
use crate::scene::Scene;

/// The names of the executables that ran and passed, in order of their names.
pub fn passed(ended: &Ended) -> Vec<String> {
    names(ended, "Passed")
}

/// The names of the executables that failed, each once.
pub fn failed(ended: &Ended) -> Vec<String> {
    let mut names = names(ended, "Failed");
    names.retain(|name| !name.starts_with("test "));
    names.dedup();
    names
}

fn names(ended: &Ended, verb: &str) -> Vec<String> {
    let name = |line: &String| line.split_once(": ").map_or(line.clone(), |(name, _)| name.to_owned());
    let mut names: Vec<String> = ended.lines_of(verb).iter().map(name).collect();
    names.sort();
    names
}

/// Why an executable ran.
pub fn why(ended: &Ended, name: &str) -> String {
    let lines = ended.lines_of("Passed");
    let line = lines.iter().find(|line| line.starts_with(&format!("{name}: ")));
    assert!(line.is_some(), "{name} did not pass:\n{}", ended.text());
    let line = line.unwrap();
    let reason = line.split_once(" in [time] (").map_or("", |(_, reason)| reason);
    reason.strip_suffix(')').unwrap_or(reason).to_owned()
}

/// What the executables of a call came to: of those that passed and those that were fresh (a call with `-v` names them),
/// the numbers by name.
pub fn numbers(ended: &Ended) -> BTreeMap<String, String> {
    let lines = [ended.lines_of("Passed"), ended.lines_of("Fresh")].concat();
    let number = |line: &String| {
        let (name, rest) = line.split_once(": ")?;
        let counts = rest.split_once(" in ").map_or(rest, |(counts, _)| counts);
        (!name.starts_with("test (")).then(|| (name.to_owned(), counts.to_owned()))
    };
    lines.iter().filter_map(number).collect()
}

/// How many executables plain `cargo test` runs in this place, and what each comes to, in order.
pub fn plain(scene: &Scene, words: &str) -> Vec<String> {
    let ended = scene.call("").cargo(format!("test --workspace --no-fail-fast {words}").trim_end());
    let results = ended.out();
    let mut counts: Vec<String> =
        results.lines().filter_map(|line| line.strip_prefix("test result: ")).map(counted).collect();
    counts.sort();
    counts
}

fn counted(figures: &str) -> String {
    let number = |what: &str| {
        let figure = figures.split(['.', ';']).map(str::trim).find(|figure| figure.ends_with(&format!(" {what}")));
        figure.and_then(|figure| figure.split(' ').next()?.parse::<u32>().ok()).unwrap_or(0)
    };
    let counts = [("passed", number("passed")), ("failed", number("failed")), ("ignored", number("ignored"))];
    let counts: Vec<String> =
        counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    if counts.is_empty() { "no tests".to_owned() } else { counts.join("; ") }
}
