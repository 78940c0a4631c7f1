//! `[hooks]`: which phases run before and after which, and at the end; circles through several of them are not looked for
//! here.

use std::collections::BTreeSet;

use super::names::Names;
use super::syntax::{Entry, Reader, Text};
use crate::model::{Closing, Hooks, PhaseId, Span};

/// Reads the table.
pub(super) fn read<'d>(reader: &mut Reader<'d>, names: &Names, entry: &Entry<'d>) -> Hooks {
    let mut hooks = Hooks::default();
    for hook in reader.table(entry).unwrap_or_default() {
        if let Some(closing) = Closing::ALL.into_iter().find(|closing| closing.key() == hook.key.text) {
            hooks.closing.insert(closing, phases(reader, names, &hook, None));
            continue;
        }
        let Some((before, target)) = target(reader, names, &hook.key) else { continue };
        let phases = phases(reader, names, &hook, target);
        match (before, target) {
            (true, None) => hooks.before_all = phases,
            (false, None) => hooks.after_all = phases,
            (true, Some(phase)) => _ = hooks.before.insert(phase, phases),
            (false, Some(phase)) => _ = hooks.after.insert(phase, phases),
        }
    }
    hooks
}

/// What a key speaks of: whether of before, and of which phase (`None`: of all).
fn target(reader: &mut Reader<'_>, names: &Names, key: &Text<'_>) -> Option<(bool, Option<PhaseId>)> {
    let (side, name) = match key.text.split_once('_') {
        Some((side @ ("before" | "after"), name)) => (side, name),
        _ => {
            unknown_key(reader, names, key);
            return None;
        }
    };
    if name == "all" {
        return Some((side == "before", None));
    }
    let found = names.find(name);
    if found.is_none() {
        let meant = reader.meant(name, names.all().chain(["all"]));
        let help = meant.map(|meant| format!("did you mean `{side}_{meant}`?"));
        reader.wrong(key.span, format!("`{}` names no phase: there is no `{name}`", key.text), "").help = help;
    }
    found.map(|phase| (side == "before", Some(phase)))
}

fn unknown_key(reader: &mut Reader<'_>, names: &Names, key: &Text<'_>) {
    let all = names.all().chain(["all"]).filter(|_| !reader.is_full());
    let keys = all.flat_map(|name| [format!("before_{name}"), format!("after_{name}")]);
    let keys: Vec<String> = keys.chain(Closing::ALL.map(|closing| closing.key().to_owned())).collect();
    let meant = reader.meant(key.text, keys.iter().map(String::as_str));
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "known here: `before_all`, `after_all`, `before_` or `after_` with a phase's name, `finally`, `on_success`, \
                 `on_error`"
            .to_owned(),
    };
    reader.wrong(key.span, format!("unknown key `{}` in `[hooks]`", key.text), "").help = Some(help);
}

fn phases<'d>(
    reader: &mut Reader<'d>,
    names: &Names,
    hook: &Entry<'d>,
    target: Option<PhaseId>,
) -> Vec<(PhaseId, Span)> {
    let mut seen = BTreeSet::new();
    let mut phases = Vec::new();
    for text in reader.strings(hook).unwrap_or_default() {
        let Some(phase) = names.phase(reader, text.text, text.span) else { continue };
        if target == Some(phase) {
            reader.wrong(text.span, format!("`{}` cannot be a hook of itself", text.text), "");
        }
        if !seen.insert(phase) {
            reader.wrong(text.span, format!("`{}` is given twice", text.text), "for the second time here");
        }
        phases.push((phase, text.span));
    }
    phases
}
