//! Phases made of what built-ins, `[lifecycle.<phase>]` and `[workspace.<name>]` say, each laid over the one before; how
//! that is written down is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::builtin;
use super::commands::OF_ONE_MEMBER;
use super::env::Env;
use super::globs;
use super::keys::Keys;
use super::members::{self, Table};
use super::names::Names;
use super::syntax::{Reader, Text};
use crate::model::{Definition, Engine, Phase, Placeholder, Scope, Span};

/// Everything that is said of phases.
#[derive(Debug)]
pub(super) struct Said<'a, 'd> {
    /// Every phase's name.
    pub names: &'a Names,
    /// `[lifecycle.<phase>]`, by the phase's name.
    pub lifecycle: &'a BTreeMap<&'d str, Keys<'d>>,
    /// `[workspace.<name>]`, in order.
    pub tables: &'a [Table<'d>],
    /// Every name that a member or a folder has.
    pub members: &'a BTreeSet<&'a str>,
}

/// The placeholders that only a Cargo package has a value for.
const OF_PACKAGES: [Placeholder; 2] = [Placeholder::Spec, Placeholder::Selected];

/// All phases, in the order of their names.
pub(super) fn phases(reader: &mut Reader<'_>, said: &Said<'_, '_>) -> Vec<Phase> {
    let mut own: BTreeMap<&str, Vec<Own<'_, '_>>> = BTreeMap::new();
    for table in said.tables {
        for (key, keys) in &table.phases {
            own.entry(key.text).or_default().push(Own { key, keys, table });
        }
    }
    let ordered = said.names.ordered().iter();
    ordered
        .map(|(name, span)| phase(reader, said, (name, *span), own.get(&**name).map_or(&[], Vec::as_slice)))
        .collect()
}

/// What one table says of one phase.
#[derive(Debug)]
struct Own<'a, 'd> {
    key: &'a Text<'d>,
    keys: &'a Keys<'d>,
    table: &'a Table<'d>,
}

fn phase(reader: &mut Reader<'_>, said: &Said<'_, '_>, (name, span): (&Arc<str>, Span), own: &[Own<'_, '_>]) -> Phase {
    let keys = for_all(name, said.lifecycle.get(&**name));
    if let Some(keys) = &keys {
        check_for_all(reader, said, keys, (name, span));
    }
    let base = keys.clone().unwrap_or_default();
    let scope = base.scope.map(|(scope, _)| scope).unwrap_or_default();
    let mut overrides = BTreeMap::new();
    for own in own {
        let keys = own.keys.over(&base);
        check_own(reader, said, own, &keys, scope);
        let mut env = own.table.env.clone();
        if let Some(nearer) = &own.keys.env {
            // What a member says of one phase is nearer than what it says of all.
            env.extend(nearer.iter().map(|(name, value)| (Arc::clone(name), Arc::clone(value))));
        }
        overrides.insert(own.table.name.text.into(), definition(name, &keys, &env));
    }
    if let Some(keys) = keys.as_ref().filter(|_| scope == Scope::Member) {
        add_env(said, name, keys, &mut overrides);
    }
    let workspaces = base.workspaces.iter().flatten();
    Phase {
        name: Arc::clone(name),
        description: base.description.unwrap_or_default().into(),
        scope,
        workspaces: workspaces.map(|pattern| pattern.text.into()).collect(),
        definition: keys.as_ref().map(|keys| definition(name, keys, &Env::new())),
        overrides,
    }
}

/// A member's `env` goes into every phase that the member has. Whoever stands in `overrides` has the phase, so those who
/// lack it must not: members that `workspaces` leaves out, and folders where a command speaks of packages.
fn add_env(said: &Said<'_, '_>, name: &str, keys: &Keys<'_>, overrides: &mut BTreeMap<Arc<str>, Arc<Definition>>) {
    let selected = globs::select(keys.workspaces.as_deref().unwrap_or_default());
    for table in said.tables.iter().filter(|table| !table.env.is_empty() && selected(table.name.text)) {
        if !table.is_folder || !needs_package(keys) {
            let member = overrides.entry(table.name.text.into());
            member.or_insert_with(|| definition(name, keys, &table.env));
        }
    }
}

/// What holds for every member: the file's table over the built-in phase. `None` if neither is there.
fn for_all<'d>(name: &str, table: Option<&Keys<'d>>) -> Option<Keys<'d>> {
    let builtin = builtin::named(name).map(Keys::of_builtin);
    match (table, builtin) {
        (Some(table), Some(builtin)) => Some(table.over(&builtin)),
        (Some(table), None) => Some(table.clone()),
        (None, builtin) => builtin,
    }
}

fn definition(name: &str, keys: &Keys<'_>, env: &Env) -> Arc<Definition> {
    let commands = keys.commands.clone().unwrap_or_default();
    // A built-in phase knows by itself whether it is kept, and on what it depends; `inputs` do not make a bench keepable.
    let builtin = builtin::named(name).filter(|_| commands.builtin);
    let engine = keys.engine.map(|(engine, _)| engine).unwrap_or_default();
    let is_known = keys.inputs.is_some() || keys.outputs.is_some() || engine == Engine::CargoTest;
    let interactive = keys.interactive.is_some_and(|(interactive, _)| interactive);
    let kept = builtin.map_or(is_known, |phase| phase.cache) && !interactive;
    let mut variables = keys.env.clone().unwrap_or_default();
    variables.extend(env.iter().map(|(name, value)| (Arc::clone(name), Arc::clone(value))));
    Arc::new(Definition {
        builtin: commands.builtin,
        engine,
        commands: commands.list,
        parallel: keys.parallel.unwrap_or(false),
        needs: keys.needs.clone().unwrap_or_default(),
        inputs: keys.inputs.clone(),
        outputs: keys.outputs.clone(),
        lock: keys.lock.clone(),
        interactive,
        timeout: keys.timeout,
        retries: keys.retries,
        env: variables,
        env_inputs: keys.env_inputs.clone().unwrap_or_default(),
        cache: keys.cache.unwrap_or(kept),
        dependencies: keys.dependencies.unwrap_or(builtin.is_none_or(|phase| phase.dependencies)),
    })
}

fn check_for_all(reader: &mut Reader<'_>, said: &Said<'_, '_>, keys: &Keys<'_>, (name, span): (&str, Span)) {
    check_commands(reader, said, keys, (name, span));
    for pattern in keys.workspaces.iter().flatten().filter(|pattern| globs::is_name(pattern.text)) {
        members::check_known(reader, pattern, said.members);
    }
    let Some((Scope::Workspace, scope)) = keys.scope else { return };
    let once = || (scope, "runs once for the whole workspace".to_owned());
    let commands = keys.commands.as_ref();
    if let Some((placeholder, place)) = commands.and_then(|commands| commands.first(&OF_ONE_MEMBER)) {
        let title = format!("`{{{}}}` has no value in a phase of the whole workspace", placeholder.name());
        reader.wrong_at(vec![(place, String::new()), once()], title);
    }
    if let Some(need) = keys.needs.iter().flatten().find(|need| need.upstream) {
        let places = vec![(need.span, String::new()), once()];
        reader.wrong_at(places, "`^` needs a member, which a phase of the whole workspace has not");
    }
}

/// What has the terminal has it alone.
fn check_interactive(reader: &mut Reader<'_>, keys: &Keys<'_>) {
    let Some((true, place)) = keys.interactive else { return };
    if keys.engine.is_some_and(|(engine, _)| engine == Engine::CargoTest) {
        let title = "`interactive` does not go with the engine for tests, which runs them side by side";
        let help = "`engine = \"command\"` leaves all of it to cargo";
        reader.wrong(place, title, "").help = Some(help.to_owned());
    } else if keys.parallel == Some(true) {
        reader.wrong(place, "`interactive` does not go with `parallel`: one command at a time has the terminal", "");
    }
}

/// A phase that is there has commands, and such as its engine can run.
fn check_commands(reader: &mut Reader<'_>, said: &Said<'_, '_>, keys: &Keys<'_>, (name, span): (&str, Span)) {
    check_engine(reader, keys);
    check_interactive(reader, keys);
    if keys.commands.is_none() && !keys.damaged {
        let others = said.names.all().filter(|other| *other != name);
        let help = match reader.meant(name, others) {
            Some(meant) => format!("did you mean `{meant}`? Or give it a `command = \"…\"`"),
            None => "give it a `command = \"…\"`".to_owned(),
        };
        reader.wrong(span, format!("the phase `{name}` has no command"), "").help = Some(help);
    }
}

/// The engine for tests has one plain call of `cargo test`, which says of which packages.
fn check_engine(reader: &mut Reader<'_>, keys: &Keys<'_>) {
    let (Some((Engine::CargoTest, place)), Some(commands)) = (keys.engine, &keys.commands) else { return };
    if !commands.is_one_cargo_test() && !keys.damaged {
        let problem = reader.wrong(place, "`engine = \"cargo-test\"` needs one plain call of `cargo test`", "");
        problem.help = Some("such as `command = \"cargo test {selected} {flags} {args}\"`".to_owned());
    }
}

/// Checks what one member has of its own; `keys` is complete.
fn check_own(reader: &mut Reader<'_>, said: &Said<'_, '_>, own: &Own<'_, '_>, keys: &Keys<'_>, scope: Scope) {
    let (phase, name) = (own.key.text, own.table.name.text);
    if scope == Scope::Workspace {
        let title = format!("`{phase}` runs once for the whole workspace: `{name}` cannot have its own");
        reader.wrong(own.key.span, title, "");
        return;
    }
    // Missing for everybody is said once, where it is missing.
    if !said.lifecycle.contains_key(phase) {
        check_commands(reader, said, keys, (phase, own.key.span));
    } else if own.keys.interactive.is_some() || own.keys.parallel.is_some() {
        check_interactive(reader, keys);
    }
    if !own.table.is_folder || !needs_package(keys) {
        return;
    }
    match own.keys.commands.as_ref().and_then(|commands| commands.first(&OF_PACKAGES)) {
        Some((placeholder, place)) => {
            let title = format!("`{{{}}}` has no value in `{name}`", placeholder.name());
            reader.wrong(place, title, "a folder is no Cargo package");
        }
        None => {
            let title = format!("`{phase}` has no command that can run in `{name}`");
            reader.wrong(own.key.span, title, "a folder is no Cargo package").help =
                Some(format!("give it its own: `lifecycle.{phase}.command = \"…\"`"));
        }
    }
}

fn needs_package(keys: &Keys<'_>) -> bool {
    let mut commands = keys.commands.iter().flat_map(|commands| &commands.list);
    commands.any(|command| OF_PACKAGES.iter().any(|placeholder| command.has(*placeholder)))
}
