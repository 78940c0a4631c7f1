//! The workspaces of the scenarios: which phases and hooks there are, what waits for what, and what is asked for. How they
//! are measured is not known here.

use super::duel::Project;

/// A phase: its name, its commands, what it needs.
type Phase = (&'static str, &'static [&'static str], &'static [&'static str]);

/// One scenario.
pub struct Scenario {
    pub name: &'static str,
    /// What runs, in words.
    pub workload: &'static str,
    /// How much less time the analysis promises, in percent.
    pub promise: Option<u32>,
    members: &'static [&'static str],
    phases: &'static [Phase],
    hooks: &'static [(&'static str, &'static [&'static str])],
    /// The phases that are asked for.
    pub asked: &'static [&'static str],
    /// The same for the analysed algorithm, which knows of no needs: every phase in an order that they allow.
    pub series: &'static [&'static str],
    pub jobs: usize,
}

const S: &[&str] = &["sleep 0.1"];
const HALF: &[&str] = &["sleep 0.05", "sleep 0.05"];

/// What the analysis promises, and what it cannot be kept for.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "single phase",
        workload: "2 commands of 0.05 s, `parallel = true`",
        promise: Some(20),
        members: &["app"],
        phases: &[("build", HALF, &[])],
        hooks: &[],
        asked: &["build"],
        series: &["build"],
        jobs: 2,
    },
    Scenario {
        name: "5-phase pipeline",
        workload: "4 phases that need none of each other, 1 that needs them all, 0.1 s each",
        promise: Some(50),
        members: &["app"],
        phases: &[
            ("fmt", S, &[]),
            ("lint", S, &[]),
            ("test", S, &[]),
            ("doc", S, &[]),
            ("package", S, &["fmt", "lint", "test", "doc"]),
        ],
        hooks: &[],
        asked: &["package"],
        series: &["fmt", "lint", "test", "doc", "package"],
        jobs: 4,
    },
    Scenario {
        name: "3 workspaces",
        workload: "3 members, 5 phases one after another in each, 0.1 s each",
        promise: Some(67),
        members: &["api", "core", "web"],
        phases: &[("fmt", S, &[]), ("lint", S, &[]), ("build", S, &[]), ("test", S, &[]), ("doc", S, &[])],
        hooks: &[],
        asked: &["fmt", "lint", "build", "test", "doc"],
        series: &["fmt", "lint", "build", "test", "doc"],
        jobs: 3,
    },
    Scenario {
        name: "10 phases + hooks",
        workload: "10 phases tied by needs (5 in a row at most), 10 hooks around 2 of them, 0.1 s each",
        promise: Some(70),
        members: &["app"],
        phases: &[
            ("fmt", S, &[]),
            ("lint", S, &[]),
            ("licenses", S, &[]),
            ("codegen", S, &[]),
            ("build", S, &["codegen"]),
            ("test", S, &["build"]),
            ("doc", S, &["build"]),
            ("bench", S, &["build"]),
            ("coverage", S, &["test"]),
            ("package", S, &["fmt", "lint", "licenses", "doc", "bench", "coverage"]),
            ("fetch", S, &[]),
            ("env", S, &[]),
            ("tools", S, &[]),
            ("strip", S, &[]),
            ("size", S, &[]),
            ("database", S, &[]),
            ("fixtures", S, &[]),
            ("server", S, &[]),
            ("report", S, &[]),
            ("upload", S, &[]),
        ],
        hooks: &[
            ("before_build", &["fetch", "env", "tools"]),
            ("after_build", &["strip", "size"]),
            ("before_test", &["database", "fixtures", "server"]),
            ("after_test", &["report", "upload"]),
        ],
        asked: &["package"],
        series: &["fmt", "lint", "licenses", "codegen", "build", "test", "doc", "bench", "coverage", "package"],
        jobs: 8,
    },
    Scenario {
        name: "single phase, one command",
        workload: "1 command of 0.1 s",
        promise: None,
        members: &["app"],
        phases: &[("build", S, &[])],
        hooks: &[],
        asked: &["build"],
        series: &["build"],
        jobs: 2,
    },
    Scenario {
        name: "5 phases in a row",
        workload: "5 phases, each needs the one before, 0.1 s each",
        promise: None,
        members: &["app"],
        phases: &[("fmt", S, &[]), ("lint", S, &[]), ("build", S, &[]), ("test", S, &[]), ("doc", S, &[])],
        hooks: &[],
        asked: &["fmt", "lint", "build", "test", "doc"],
        series: &["fmt", "lint", "build", "test", "doc"],
        jobs: 2,
    },
];

/// What of the impacts that the analysis expects is a scenario, too.
pub const EXPECTED: &[Scenario] = &[
    Scenario {
        name: "parallel workspaces",
        workload: "6 members, 1 phase of 0.1 s",
        promise: None,
        members: &["api", "cli", "core", "gen", "web", "xtask"],
        phases: &[("build", S, &[])],
        hooks: &[],
        asked: &["build"],
        series: &["build"],
        jobs: 6,
    },
    Scenario {
        name: "parallel hooks",
        workload: "1 phase with 4 hooks before and 4 after it, 0.1 s each",
        promise: None,
        members: &["app"],
        phases: &[
            ("build", S, &[]),
            ("one", S, &[]),
            ("two", S, &[]),
            ("three", S, &[]),
            ("four", S, &[]),
            ("five", S, &[]),
            ("six", S, &[]),
            ("seven", S, &[]),
            ("eight", S, &[]),
        ],
        hooks: &[
            ("before_build", &["one", "two", "three", "four"]),
            ("after_build", &["five", "six", "seven", "eight"]),
        ],
        asked: &["build"],
        series: &["build"],
        jobs: 4,
    },
    Scenario {
        name: "parallel commands",
        workload: "1 phase with 4 commands of 0.1 s, `parallel = true`",
        promise: None,
        members: &["app"],
        phases: &[("build", &["sleep 0.1", "sleep 0.1", "sleep 0.1", "sleep 0.1"], &[])],
        hooks: &[],
        asked: &["build"],
        series: &["build"],
        jobs: 4,
    },
];

/// Each member's inputs.
pub const FILES: usize = 100;
pub const BYTES: usize = 4096;

impl Scenario {
    /// The workspace.
    pub fn project(&self) -> Project {
        Project { members: self.members, make: self.make(), files: FILES, bytes: BYTES }
    }

    /// What is typed after `cargo lifecycle`.
    pub fn words(&self) -> Vec<String> {
        let asked = self.asked.iter().map(|phase| (*phase).to_owned());
        asked.chain(["--workspace", "--jobs"].map(str::to_owned)).chain([self.jobs.to_string()]).collect()
    }

    /// The name of its folder.
    pub fn folder(&self) -> String {
        self.name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
    }

    fn make(&self) -> String {
        let phases = self.phases.iter().map(|(name, commands, needs)| {
            let parallel = if commands.len() > 1 { "parallel = true\n" } else { "" };
            format!("[lifecycle.{name}]\ncommands = {commands:?}\n{parallel}inputs = [\"src/**\"]\nneeds = {needs:?}\n")
        });
        let hooks = self.hooks.iter().map(|(list, phases)| format!("{list} = {phases:?}\n"));
        let lone = self.members.len() == 1;
        let members = self.members.iter().filter(|_| !lone);
        let members = members.map(|name| format!("[workspace.{name}]\nenv = {{ SERVICE = \"{name}\" }}\n"));
        phases.collect::<String>() + "[hooks]\n" + &hooks.collect::<String>() + &members.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_run_the_same_phases() {
        for scenario in SCENARIOS.iter().chain(EXPECTED) {
            let hooks = scenario.hooks.iter().flat_map(|(_, phases)| phases.iter());
            let mut run: Vec<&str> = scenario.series.iter().chain(hooks).copied().collect();
            let mut all: Vec<&str> = scenario.phases.iter().map(|(name, ..)| *name).collect();
            run.sort_unstable();
            all.sort_unstable();
            assert_eq!(run, all, "{}", scenario.name);
        }
    }

    #[test]
    fn the_series_is_in_an_order_that_needs_allow() {
        for scenario in SCENARIOS.iter().chain(EXPECTED) {
            for (name, _, needs) in scenario.phases {
                let place = |phase: &str| scenario.series.iter().position(|other| *other == phase);
                assert!(needs.iter().all(|need| place(need) < place(name)), "{name} of {}", scenario.name);
            }
        }
    }
}
