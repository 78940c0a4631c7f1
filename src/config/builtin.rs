//! The phases that are there without a make.toml; what make.toml makes of them is not known here.

use super::template;
use crate::model::{Command, Engine, Form, Template};

/// One built-in phase.
#[derive(Debug)]
pub(super) struct Builtin {
    pub name: &'static str,
    pub description: &'static str,
    /// Its one command, the words separated by one space.
    pub command: &'static str,
    /// How it is run.
    pub engine: Engine,
    /// Whether its results are kept.
    pub cache: bool,
    /// Whether they depend on the members that a member depends on.
    pub dependencies: bool,
}

/// All of them, in the order in which they are listed.
pub(super) const PHASES: [Builtin; 8] = [
    Builtin {
        name: "check",
        description: "Check that everything compiles",
        command: "cargo check {selected} {flags} {args}",
        engine: Engine::Command,
        cache: true,
        dependencies: true,
    },
    Builtin {
        name: "build",
        description: "Compile libraries and binaries",
        command: "cargo build {selected} {flags} {args}",
        engine: Engine::Command,
        cache: true,
        dependencies: true,
    },
    Builtin {
        name: "test",
        description: "Compile and run the tests",
        command: "cargo test {selected} {flags} {args}",
        engine: Engine::CargoTest,
        cache: true,
        dependencies: true,
    },
    Builtin {
        name: "lint",
        description: "Look for likely mistakes with clippy",
        command: "cargo clippy {selected} --all-targets {flags} {args}",
        engine: Engine::Command,
        cache: true,
        dependencies: true,
    },
    Builtin {
        name: "fmt",
        description: "Check that the code is formatted",
        command: "cargo fmt --check {selected} {flags} {args}",
        engine: Engine::Command,
        cache: true,
        dependencies: false,
    },
    Builtin {
        name: "doc",
        description: "Build the documentation",
        command: "cargo doc {selected} --no-deps {flags} {args}",
        engine: Engine::Command,
        cache: true,
        dependencies: true,
    },
    Builtin {
        name: "bench",
        description: "Run the benchmarks",
        command: "cargo bench {selected} {flags} {args}",
        engine: Engine::Command,
        cache: false,
        dependencies: true,
    },
    Builtin {
        name: "clean",
        description: "Remove what was built",
        command: "cargo clean {selected} {flags} {args}",
        engine: Engine::Command,
        cache: false,
        dependencies: true,
    },
];

/// The built-in phase of this name.
pub(super) fn named(name: &str) -> Option<&'static Builtin> {
    PHASES.iter().find(|phase| phase.name == name)
}

impl Builtin {
    /// Its command, taken apart.
    pub fn words(&self) -> Command {
        let words = self.command.split(' ');
        let words = words.map(|word| Template { source: word.into(), pieces: template::parse(word, false).pieces });
        Form::Words(words.collect()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_well_formed_and_a_plain_call_of_cargo() {
        for phase in &PHASES {
            assert!(phase.command.split(' ').all(|word| template::parse(word, false).mistakes.is_empty()));
            assert_eq!(phase.words().source(), phase.command);
            assert!(phase.words().cargo().is_some(), "{}", phase.name);
        }
    }
}
