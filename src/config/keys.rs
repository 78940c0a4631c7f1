//! What a table says of a phase, key by key; what the phase becomes of it is not known here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::bounds;
use super::builtin::Builtin;
use super::commands::{self, Commands};
use super::env::{self, Env};
use super::globs;
use super::names::{Names, check_name};
use super::syntax::{Entry, Reader, Text, span};
use crate::model::{Claim, Engine, Need, PhaseId, Scope, Span};

/// The keys of a phase, each as far as something was said.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys<'d> {
    pub description: Option<&'d str>,
    /// With the place of the value.
    pub scope: Option<(Scope, Span)>,
    pub workspaces: Option<Vec<Text<'d>>>,
    pub commands: Option<Commands>,
    /// With the place of the value.
    pub engine: Option<(Engine, Span)>,
    pub parallel: Option<bool>,
    pub needs: Option<Vec<Need>>,
    pub inputs: Option<Vec<Arc<str>>>,
    pub outputs: Option<Vec<Claim>>,
    pub env: Option<Env>,
    pub env_inputs: Option<Vec<Arc<str>>>,
    pub lock: Option<Arc<str>>,
    /// With the place of the value.
    pub interactive: Option<(bool, Span)>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub cache: Option<bool>,
    pub dependencies: Option<bool>,
    /// Whether something in the table is wrong, so that what is missing may only be misspelled.
    pub damaged: bool,
}

/// The keys of `[lifecycle.<phase>]`.
pub(super) const OF_ALL: &[&str] = &[
    "description",
    "command",
    "commands",
    "engine",
    "parallel",
    "scope",
    "workspaces",
    "needs",
    "inputs",
    "outputs",
    "env",
    "env-inputs",
    "cache",
    "dependencies",
    "lock",
    "interactive",
    "timeout",
    "retries",
];

/// The keys of `lifecycle.<phase>` in `[workspace.<name>]`: what one member can have of its own.
pub(super) const OF_ONE: &[&str] = &[
    "command",
    "commands",
    "engine",
    "parallel",
    "needs",
    "inputs",
    "outputs",
    "env",
    "env-inputs",
    "cache",
    "dependencies",
    "lock",
    "interactive",
    "timeout",
    "retries",
];

/// Who wants to try more often than this wants something else.
const MOST_RETRIES: u32 = 1000;

impl<'d> Keys<'d> {
    /// What a built-in phase says.
    pub fn of_builtin(phase: &'static Builtin) -> Self {
        let commands = Commands { builtin: true, list: vec![phase.words()], holes: Vec::new() };
        let engine = Some((phase.engine, Span::default()));
        Self { description: Some(phase.description), commands: Some(commands), engine, ..Self::default() }
    }

    /// Reads the table of one phase: of every member's (`owner` is `None`), or of one member's own.
    pub fn read(reader: &mut Reader<'d>, names: &Names, entry: &Entry<'d>, owner: Option<&str>) -> Self {
        let phase = &entry.key;
        check_phase_name(reader, phase);
        let before = reader.problems.len();
        let mut keys = Self::default();
        let (known, place) = match owner {
            None => (OF_ALL, format!("`[lifecycle.{}]`", phase.text)),
            Some(owner) => (OF_ONE, format!("`[workspace.{owner}] lifecycle.{}`", phase.text)),
        };
        let entries = table(reader, entry);
        both_commands(reader, &entries);
        for entry in &entries {
            if known.contains(&entry.key.text) {
                keys.read_key(reader, names, entry, phase.text);
            } else if OF_ALL.contains(&entry.key.text) {
                let title = format!("`{}` holds for the whole phase, not for one member", entry.key.text);
                reader.wrong(entry.key.span, title, "").help =
                    Some(format!("it belongs into `[lifecycle.{}]`", phase.text));
            } else {
                reader.unknown_key(&entry.key, &place, known);
            }
        }
        keys.damaged = reader.problems.len() > before;
        keys
    }

    fn read_key(&mut self, reader: &mut Reader<'d>, names: &Names, entry: &Entry<'d>, phase: &str) {
        match entry.key.text {
            "description" => self.description = reader.string(entry).map(|text| text.text),
            "command" => self.commands = Some(commands::command(reader, entry)),
            "commands" => self.commands = Some(commands::commands(reader, entry)),
            "engine" => self.engine = engine(reader, entry),
            "parallel" => self.parallel = reader.boolean(entry),
            "scope" => self.scope = scope(reader, entry),
            "workspaces" => self.workspaces = workspaces(reader, entry),
            "needs" => self.needs = Some(needs(reader, names, entry, phase)),
            "inputs" => self.inputs = reader.strings(entry).map(|list| inputs(reader, &list)),
            "outputs" => self.outputs = reader.strings(entry).map(|list| outputs(reader, &list)),
            "env" => self.env = Some(env::table(reader, entry)),
            "env-inputs" => self.env_inputs = Some(env::names(reader, entry)),
            "lock" => self.lock = lock(reader, entry),
            "interactive" => {
                self.interactive = reader.boolean(entry).map(|interactive| (interactive, span(entry.value)));
            }
            "timeout" => self.timeout = bounds::time(reader, entry, "10m", false),
            "retries" => self.retries = retries(reader, entry),
            "cache" => self.cache = reader.boolean(entry),
            "dependencies" => self.dependencies = reader.boolean(entry),
            _ => {}
        }
    }

    /// These keys laid over others: each stands in for the same key of `base`.
    pub fn over(&self, base: &Self) -> Self {
        let (own, base) = (self.clone(), base.clone());
        // That of a command which is replaced goes with it, unless the new one is a call of the same sort.
        let keeps_engine = own.commands.as_ref().is_none_or(Commands::is_one_cargo_test);
        Self {
            description: own.description.or(base.description),
            scope: own.scope.or(base.scope),
            workspaces: own.workspaces.or(base.workspaces),
            commands: own.commands.or(base.commands),
            engine: own.engine.or(base.engine.filter(|_| keeps_engine)),
            parallel: own.parallel.or(base.parallel),
            needs: own.needs.or(base.needs),
            inputs: own.inputs.or(base.inputs),
            outputs: own.outputs.or(base.outputs),
            env: own.env.or(base.env),
            env_inputs: own.env_inputs.or(base.env_inputs),
            lock: own.lock.or(base.lock),
            interactive: own.interactive.or(base.interactive),
            timeout: own.timeout.or(base.timeout),
            retries: own.retries.or(base.retries),
            cache: own.cache.or(base.cache),
            dependencies: own.dependencies.or(base.dependencies),
            damaged: own.damaged || base.damaged,
        }
    }
}

fn check_phase_name(reader: &mut Reader<'_>, name: &Text<'_>) {
    check_name(reader, name, "a phase");
    if name.text == "all" {
        let problem = reader.wrong(name.span, "a phase must not be called `all`", "");
        problem.help = Some("`before_all` and `after_all` speak of every phase".to_owned());
    }
    if name.text.ends_with(':') {
        let problem = reader.wrong(name.span, "the name of a phase must not end with `:`", "");
        problem.help = Some("`finally: down` is the name of a step that closes a run".to_owned());
    }
}

fn table<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Vec<Entry<'d>> {
    let entries = reader.table(entry);
    if entries.is_none()
        && reader.as_text(entry.value).is_some()
        && let Some(problem) = reader.problems.last_mut()
    {
        problem.help = Some(format!("a phase is a table: `[lifecycle.{}]` with `command = \"…\"`", entry.key.text));
    }
    entries.unwrap_or_default()
}

fn both_commands(reader: &mut Reader<'_>, entries: &[Entry<'_>]) {
    let place = |name| entries.iter().find(|entry| entry.key.text == name).map(|entry| entry.key.span);
    if let (Some(one), Some(many)) = (place("command"), place("commands")) {
        let places = vec![(one.max(many), String::new()), (one.min(many), "the other one is here".to_owned())];
        reader.wrong_at(places, "a phase has `command` or `commands`, not both");
    }
}

fn scope<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<(Scope, Span)> {
    one_of(reader, entry, [("member", Scope::Member), ("workspace", Scope::Workspace)])
}

fn engine<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<(Engine, Span)> {
    one_of(reader, entry, [("command", Engine::Command), ("cargo-test", Engine::CargoTest)])
}

/// What one of two words stands for.
fn one_of<'d, T>(reader: &mut Reader<'d>, entry: &Entry<'d>, values: [(&'static str, T); 2]) -> Option<(T, Span)> {
    let text = reader.string(entry)?;
    let words = values.each_ref().map(|(word, _)| *word);
    let value = values.into_iter().find_map(|(word, value)| (word == text.text).then_some(value));
    if value.is_none() {
        let meant = reader.meant(text.text, words);
        let help = meant.map(|meant| format!("did you mean `\"{meant}\"`?"));
        let [one, other] = words;
        let what = format!("`{}` must be `\"{one}\"` or `\"{other}\"`", entry.key.text);
        reader.wrong(text.span, what, "").help = help;
    }
    value.map(|value| (value, text.span))
}

fn lock<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<Arc<str>> {
    let name = reader.string(entry)?;
    check_name(reader, &name, "a lock");
    Some(name.text.into())
}

fn retries<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<u32> {
    let Some(integer) = entry.value.get_ref().as_integer() else {
        reader.must_be(&entry.name(), entry.value, "a whole number");
        return None;
    };
    let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|number| *number <= MOST_RETRIES);
    if number.is_none() {
        let title = format!("`retries` must be a number from 0 to {MOST_RETRIES}");
        reader.wrong(span(entry.value), title, "");
    }
    number
}

fn workspaces<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<Vec<Text<'d>>> {
    let list = reader.strings(entry)?;
    if entry.value.get_ref().as_array().is_some_and(|array| array.is_empty()) {
        reader.wrong(entry.key.span, "`workspaces` must not be empty", "no member would have this phase").help =
            Some("leave it out for every member".to_owned());
    }
    for pattern in &list {
        globs::check_members(reader, pattern);
    }
    Some(list)
}

fn needs<'d>(reader: &mut Reader<'d>, names: &Names, entry: &Entry<'d>, own: &str) -> Vec<Need> {
    let mut seen: BTreeSet<(PhaseId, bool)> = BTreeSet::new();
    let mut needs = Vec::new();
    for text in reader.strings(entry).unwrap_or_default() {
        let (name, upstream) = match text.text.strip_prefix('^') {
            Some(name) => (name, true),
            None => (text.text, false),
        };
        let Some(phase) = names.phase(reader, name, text.part(text.text.len() - name.len()..text.text.len())) else {
            continue;
        };
        if name == own && !upstream {
            let problem = reader.wrong(text.span, format!("`{name}` cannot need itself"), "");
            problem.help = Some(format!("`^{name}` is the same phase of the members that this one depends on"));
        }
        if !seen.insert((phase, upstream)) {
            reader.wrong(text.span, format!("`{}` is given twice", text.text), "for the second time here");
        }
        needs.push(Need { phase, upstream, span: text.span });
    }
    needs
}

fn inputs(reader: &mut Reader<'_>, list: &[Text<'_>]) -> Vec<Arc<str>> {
    for pattern in list {
        globs::check_input(reader, pattern);
    }
    list.iter().map(|pattern| pattern.text.into()).collect()
}

fn outputs(reader: &mut Reader<'_>, list: &[Text<'_>]) -> Vec<Claim> {
    for pattern in list {
        globs::check_output(reader, pattern);
    }
    list.iter().map(|pattern| Claim { pattern: pattern.text.into(), span: pattern.span }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANUAL: &str = include_str!("../docs/make_toml.md");

    #[test]
    fn the_manual_knows_every_key() {
        for key in OF_ALL {
            assert!(MANUAL.contains(&format!("\n| `{key}` |")), "{key}");
        }
        let of_one = MANUAL.split("The keys of one member's phase are").nth(1).unwrap().split(".\n").next().unwrap();
        for key in OF_ALL {
            assert_eq!(of_one.contains(&format!("`{key}`")), OF_ONE.contains(key), "{key}");
        }
    }
}
