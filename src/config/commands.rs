//! `command` and `commands`: what a phase runs, checked as far as one phase's commands tell; what else the phase says is
//! not known here.

use toml::de::DeValue;

use super::syntax::{Entry, Reader, Text, Value, listed, span};
use super::template::{self, Mistake};
use crate::model::{CargoCommand, Command, Placeholder, Span, Template};

/// The commands of a phase.
#[derive(Clone, Debug, Default)]
pub(super) struct Commands {
    /// Whether they are a built-in phase's own.
    pub builtin: bool,
    pub list: Vec<Command>,
    /// Every placeholder in them, and where it stands.
    pub holes: Vec<(Placeholder, Span)>,
}

/// The placeholders that have a value for one member only.
pub(super) const OF_ONE_MEMBER: [Placeholder; 3] = [Placeholder::Name, Placeholder::Spec, Placeholder::Dir];

impl Commands {
    /// Whether it is one plain call of `cargo test`.
    pub fn is_one_cargo_test(&self) -> bool {
        matches!(&self.list[..], [one] if one.cargo() == Some(CargoCommand::Test))
    }

    /// The first of these placeholders.
    pub fn first(&self, wanted: &[Placeholder]) -> Option<(Placeholder, Span)> {
        self.holes.iter().find(|(placeholder, _)| wanted.contains(placeholder)).copied()
    }
}

/// `command = …`
pub(super) fn command<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Commands {
    let mut commands = Commands::default();
    one(reader, &entry.name(), entry.value, &mut commands);
    check_group(reader, &commands);
    commands
}

/// `commands = […]`
pub(super) fn commands<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Commands {
    let mut commands = Commands::default();
    let DeValue::Array(array) = entry.value.get_ref() else {
        let problem = reader.must_be("`commands`", entry.value, "an array of commands");
        problem.help = Some("one command alone is `command = \"…\"`".to_owned());
        return commands;
    };
    if array.is_empty() {
        reader.wrong(span(entry.value), "`commands` must not be empty", "");
    }
    for value in array.iter() {
        one(reader, "every entry of `commands`", value, &mut commands);
    }
    check_group(reader, &commands);
    commands
}

fn one<'d>(reader: &mut Reader<'d>, what: &str, value: &'d Value<'d>, commands: &mut Commands) {
    if let Some(line) = reader.as_text(value) {
        let template = template(reader, &line, true, commands);
        commands.list.push(Command::Shell(template));
        return;
    }
    let DeValue::Array(array) = value.get_ref() else {
        reader.must_be(what, value, "a string or an array of words");
        return;
    };
    if array.is_empty() {
        reader.wrong(span(value), "a command must not be empty", "no program to run");
    }
    let mut words = Vec::new();
    for value in array.iter() {
        match reader.as_text(value) {
            Some(word) => words.push(template(reader, &word, false, commands)),
            None => _ = reader.must_be("every word of a command", value, "a string"),
        }
    }
    commands.list.push(Command::Words(words));
}

fn template(reader: &mut Reader<'_>, text: &Text<'_>, shell: bool, commands: &mut Commands) -> Template {
    if text.text.trim().is_empty() {
        let what = if shell { "a command" } else { "a word of a command" };
        reader.wrong(text.span, format!("{what} must not be empty"), "");
    }
    if text.text.contains('\0') {
        reader.wrong(text.span, "a command must not contain a NUL character", "");
    }
    let parsed = template::parse(text.text, shell);
    for mistake in &parsed.mistakes {
        misplaced_brace(reader, text, mistake);
    }
    commands.holes.extend(parsed.holes.into_iter().map(|(placeholder, bytes)| (placeholder, text.part(bytes))));
    Template { source: text.text.into(), pieces: parsed.pieces }
}

fn misplaced_brace(reader: &mut Reader<'_>, text: &Text<'_>, mistake: &Mistake) {
    match mistake {
        Mistake::Unclosed(at) => {
            let problem = reader.wrong(text.part(*at..at + 1), "this `{` is not closed", "");
            problem.help = Some("a brace that is meant as one is written `{{`".to_owned());
        }
        Mistake::Unknown(bytes) => {
            let written = text.text.get(bytes.clone()).unwrap_or_default();
            let names = Placeholder::ALL.map(Placeholder::name);
            let meant = reader.meant(written.trim_matches(['{', '}', ' ']), names);
            let help = match meant {
                Some(name) => format!("did you mean `{{{name}}}`?"),
                None => format!(
                    "braces that are meant as braces are written `{{{{` and `}}}}`; the placeholders are {}",
                    listed(&names.map(|name| format!("{{{name}}}")).each_ref().map(String::as_str))
                ),
            };
            reader.wrong(text.part(bytes.clone()), format!("unknown placeholder `{written}`"), "").help = Some(help);
        }
    }
}

/// A group is one call: in it nothing is one member's.
fn check_group(reader: &mut Reader<'_>, commands: &Commands) {
    let selected = commands.first(&[Placeholder::Selected]);
    let (Some((_, selected)), Some((own, place))) = (selected, commands.first(&OF_ONE_MEMBER)) else {
        return;
    };
    let own = own.name();
    let places =
        vec![(place, "runs once for each member".to_owned()), (selected, "runs once for all of them".to_owned())];
    reader.wrong_at(places, format!("`{{{own}}}` and `{{selected}}` exclude each other")).help =
        Some("keep one of the two, or make two phases of them".to_owned());
}
