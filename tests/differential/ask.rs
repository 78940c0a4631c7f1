//! What is asked for in one call, by us or by plain cargo. It knows the words, and nothing of what comes of them.

use std::fmt;

use crate::chance::Chance;

/// Phases that are one call of cargo, by how often they are asked for, with cargo's name for them.
const CARGO: &[(usize, (&str, &str))] = &[
    (6, ("check", "check")),
    (6, ("build", "build")),
    (2, ("lint", "clippy")),
    (2, ("fmt", "fmt")),
    (1, ("doc", "doc")),
];
/// Phases of make.toml that are asked for by name.
const CUSTOM: &[&str] = &["collate", "mood", "tally", "pack"];
/// Members that are selected alone or together.
const MEMBERS: &[&str] = &["base", "macros", "api", "app", "tool"];

/// One call.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// The phases, in order; none twice.
    pub phases: Vec<&'static str>,
    /// The selected members; none: all.
    pub members: Vec<&'static str>,
    pub release: bool,
    pub keep_going: bool,
    /// With all that steps print; else with their warnings.
    pub verbose: bool,
    /// Words for the last phase.
    pub args: Vec<&'static str>,
}

impl Ask {
    /// Something that people ask for.
    pub fn random(chance: &mut Chance) -> Self {
        let mut phases = Vec::new();
        for _ in 0..1 + chance.below(3) {
            let cargo = chance.weighed(CARGO).0;
            phases.push(if chance.one_in(4) { *chance.pick(CUSTOM) } else { cargo });
        }
        let mut seen = Vec::new();
        phases.retain(|phase| {
            !seen.contains(phase) && {
                seen.push(*phase);
                true
            }
        });
        let mut members: Vec<&str> = Vec::new();
        if chance.one_in(4) {
            members = (0..1 + chance.below(2)).map(|_| *chance.pick(MEMBERS)).collect();
            members.sort_unstable();
            members.dedup();
        }
        let args = if chance.one_in(7) { args_for(phases.last().copied()) } else { &[] };
        let (release, keep_going, verbose) = (chance.one_in(12), chance.one_in(2), !chance.one_in(4));
        Self { phases, members, release, keep_going, verbose, args: args.to_vec() }
    }

    /// Our words.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec!["lifecycle".to_owned()];
        words.extend(self.verbose.then(|| "-v".to_owned()));
        words.extend(self.phases.iter().map(|phase| (*phase).to_owned()));
        words.extend(self.selection());
        words.extend(self.release.then(|| "--release".to_owned()));
        words.extend(self.keep_going.then(|| "--keep-going".to_owned()));
        if !self.args.is_empty() {
            words.push("--".to_owned());
            words.extend(self.args.iter().map(|word| (*word).to_owned()));
        }
        words
    }

    /// Plain cargo's words for a phase; `None` if it is one of make.toml.
    pub fn cargo_words(&self, phase: &str) -> Option<Vec<String>> {
        let (_, (_, subcommand)) = CARGO.iter().find(|(_, (name, _))| *name == phase)?;
        let mut words = vec![(*subcommand).to_owned()];
        match *subcommand {
            "fmt" => {
                let members = if self.members.is_empty() { MEMBERS } else { &self.members };
                words.push("--check".to_owned());
                words.extend(members.iter().flat_map(|member| ["-p".to_owned(), (*member).to_owned()]));
            }
            _ => {
                words.extend(self.selection());
                words.extend(self.release.then(|| "--release".to_owned()));
            }
        }
        let more: &[&str] = match *subcommand {
            "clippy" => &["--all-targets"],
            "doc" => &["--no-deps"],
            _ => &[],
        };
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words.extend(self.args_of(phase).iter().map(|word| (*word).to_owned()));
        Some(words)
    }

    /// The words after `--` that a phase gets.
    pub fn args_of(&self, phase: &str) -> &[&'static str] {
        if self.phases.last() == Some(&phase) { &self.args } else { &[] }
    }

    fn selection(&self) -> Vec<String> {
        if self.members.is_empty() {
            return vec!["--workspace".to_owned()];
        }
        self.members.iter().flat_map(|member| ["-p".to_owned(), (*member).to_owned()]).collect()
    }
}

fn args_for(phase: Option<&str>) -> &'static [&'static str] {
    match phase {
        Some("check") => &["--all-targets"],
        Some("build") => &["--examples"],
        Some("lint") => &["--", "-D", "warnings"],
        _ => &[],
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words()[1..].join(" "))
    }
}
