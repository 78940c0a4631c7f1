//! Which packages calls of cargo select by themselves. It looks at words alone.

use crate::model::{Command, Step};

/// The words of a step's calls of cargo.
pub fn words_of_cargo(step: &Step) -> impl Iterator<Item = Vec<String>> {
    step.definition.commands.iter().filter_map(Command::cargo_words)
}

/// The packages that a call of cargo selects by `-p`; `None` if it selects others.
pub fn selected(words: &[String]) -> Option<Vec<&str>> {
    let mut selected = Vec::new();
    let mut words = words.iter().map(String::as_str).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if matches!(word.split('=').next(), Some("--workspace" | "--all" | "--exclude")) {
            return None;
        }
        match word.strip_prefix("--package").or_else(|| word.strip_prefix("-p")) {
            Some("") => selected.extend(words.next()),
            Some(name) => selected.push(name.trim_start_matches('=')),
            None => {}
        }
    }
    Some(selected)
}
