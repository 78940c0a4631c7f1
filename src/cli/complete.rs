//! Completion of the command line in shells: a script for each, and what all of them ask for while somebody types. What a
//! shell does with the candidates, its script knows.

use std::path::PathBuf;

use clap::{Arg, Command, ValueEnum};

use crate::app::{Lifecycle, Options};

/// The first argument of the scripts' question: the words before the cursor follow, at last the one that is being typed.
pub const QUESTION: &str = "--candidates";

/// A shell that there is a script for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl Shell {
    /// Its script.
    pub const fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("completions/bash.sh"),
            Self::Zsh => include_str!("completions/zsh.zsh"),
            Self::Fish => include_str!("completions/fish.fish"),
            Self::Powershell => include_str!("completions/powershell.ps1"),
        }
    }
}

/// What may stand in a place of the command line.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Phases,
    Members,
    /// These words, each with what it means.
    Words(Vec<(String, String)>),
    /// Anything, such as a file: the shell knows better.
    Other,
}

/// The answer: a line for each candidate, with what it means behind a tab. Without a workspace, or with a make.toml that
/// has mistakes, there are neither phases nor members.
pub fn candidates(command: &mut Command, words: &[String]) -> String {
    command.build();
    let (wanted, before, typed) = wanted(command, words);
    let found = match wanted {
        Wanted::Words(words) => words,
        Wanted::Other => Vec::new(),
        Wanted::Phases | Wanted::Members => {
            let options = Options { manifest_path: manifest_path(words), ..Options::default() };
            let lifecycle = Lifecycle::open(options);
            lifecycle.map_or_else(|_| Vec::new(), |lifecycle| names(&lifecycle, wanted == Wanted::Phases))
        }
    };
    let found = found.iter().filter(|(word, _)| word.starts_with(typed));
    found.map(|(word, about)| format!("{before}{word}\t{about}\n")).collect()
}

fn names(lifecycle: &Lifecycle, phases: bool) -> Vec<(String, String)> {
    if phases {
        return lifecycle.phases().map(|(name, about)| (name.to_owned(), about.to_owned())).collect();
    }
    lifecycle.members().map(|name| (name.to_owned(), String::new())).collect()
}

/// What is wanted in the last place, what stands before it in the same word, and what of it was typed.
fn wanted<'w>(command: &Command, words: &'w [String]) -> (Wanted, &'w str, &'w str) {
    let Some((last, before)) = words.split_last() else { return (Wanted::Phases, "", "") };
    // An empty word, as PowerShell can hand it over.
    let last = if last == "\"\"" { "" } else { last.as_str() };
    if before.iter().any(|word| word == "--") {
        return (Wanted::Other, "", last);
    }
    if let Some(equals) = last.find('=').filter(|_| last.starts_with("--")) {
        let (name, typed) = last.split_at(equals + 1);
        return (values(option(command, name.trim_end_matches('='))), name, typed);
    }
    // Bash makes words of their own of `--color=auto`.
    let (last, before) = match before {
        _ if last == "=" => ("", before),
        [before @ .., equals] if equals == "=" => (last, before),
        _ => (last, before),
    };
    let option = before.last().and_then(|word| option(command, word)).filter(|option| takes_value(option));
    let wanted = match option {
        Some(option) => values(Some(option)),
        None if last.starts_with('-') => Wanted::Words(options(command)),
        None => Wanted::Phases,
    };
    (wanted, "", last)
}

fn option<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let long = word.strip_prefix("--");
    let short = word.strip_prefix('-').filter(|rest| rest.chars().count() == 1).and_then(|rest| rest.chars().next());
    command.get_arguments().find(|option| match (long, short) {
        (Some(long), _) => option.get_long_and_visible_aliases().is_some_and(|names| names.contains(&long)),
        (None, Some(short)) => option.get_short() == Some(short),
        _ => false,
    })
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

fn values(option: Option<&Arg>) -> Wanted {
    let Some(option) = option else { return Wanted::Other };
    if matches!(option.get_id().as_str(), "package" | "exclude") {
        return Wanted::Members;
    }
    let values = option.get_possible_values();
    if values.is_empty() {
        return Wanted::Other;
    }
    let about = |value: &clap::builder::PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    Wanted::Words(values.iter().map(|value| (value.get_name().to_owned(), about(value))).collect())
}

/// Every option, by its long name.
fn options(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_arguments().filter(|option| !option.is_hide_set());
    let named = shown.filter_map(|option| Some((format!("--{}", option.get_long()?), option)));
    named.map(|(name, option)| (name, option.get_help().map(ToString::to_string).unwrap_or_default())).collect()
}

fn manifest_path(words: &[String]) -> Option<PathBuf> {
    let next = words.iter().position(|word| word == "--manifest-path").and_then(|at| words.get(at + 1));
    let joined = || words.iter().find_map(|word| word.strip_prefix("--manifest-path="));
    next.map(String::as_str).or_else(joined).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn wanted_of(line: &str) -> (Wanted, String, String) {
        let mut command = super::super::arguments::Arguments::command();
        command.build();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (wanted, before, typed) = wanted(&command, &words);
        (wanted, before.to_owned(), typed.to_owned())
    }

    #[test]
    fn each_place_wants_its_own() {
        let graphs = ["dot", "mermaid", "json"];
        for (line, expected, before, typed) in [
            ("", Wanted::Phases, "", ""),
            ("bu", Wanted::Phases, "", "bu"),
            ("\"\"", Wanted::Phases, "", ""),
            ("build --force te", Wanted::Phases, "", "te"),
            ("build -p ", Wanted::Members, "", ""),
            ("build --package a", Wanted::Members, "", "a"),
            ("build --exclude=a", Wanted::Members, "--exclude=", "a"),
            ("build --exclude =", Wanted::Members, "", ""),
            ("build --exclude = a", Wanted::Members, "", "a"),
            ("--manifest-path ", Wanted::Other, "", ""),
            ("-j ", Wanted::Other, "", ""),
            ("test -- --ex", Wanted::Other, "", "--ex"),
            ("--no-such=x", Wanted::Other, "--no-such=", "x"),
        ] {
            assert_eq!(wanted_of(line), (expected, before.to_owned(), typed.to_owned()), "{line}");
        }
        let Wanted::Words(words) = wanted_of("build --graph ").0 else { panic!("no words") };
        assert_eq!(words.iter().map(|(word, _)| word.as_str()).collect::<Vec<_>>(), graphs);
        let Wanted::Words(words) = wanted_of("build --").0 else { panic!("no words") };
        for name in ["--package", "--keep-going", "--help", "--completions"] {
            assert!(words.iter().any(|(word, about)| word == name && !about.is_empty()), "{name}");
        }
    }
}
