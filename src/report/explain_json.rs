//! Why each step is fresh or stale, and what its key covers, as JSON for programs. The manual holds the form; whatever
//! programs rely on changes only with the number in `format`.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::words::{own, reason, version};
use crate::model::{Change, ChangeKind, Covers, Explanation, FileSet, KeptResult, Reason, StepInfo, Verdict};

/// 1: the first.
const FORMAT: u32 = 1;

/// Each step as one line of JSON, without its newline, in the order of the plan.
pub fn explain_json(explanations: &[Explanation]) -> impl Iterator<Item = String> {
    let steps: Vec<StepInfo> = explanations.iter().map(|one| one.step.clone()).collect();
    explanations.iter().map(move |one| step(one, &steps).to_string())
}

fn step(one: &Explanation, steps: &[StepInfo]) -> Value {
    let verdict = match one.verdict {
        Verdict::Fresh { .. } => "fresh",
        Verdict::Stale(_) => "stale",
    };
    let changes = one.reasons.iter().filter_map(|reason| match reason {
        Reason::Changed(changes) => Some(changes),
        _ => None,
    });
    json!({
        "format": FORMAT,
        "step": &*one.step.name,
        "phase": &*one.step.phase,
        "members": texts(&one.members),
        "verdict": verdict,
        "reasons": one.reasons.iter().map(|why| one_reason(why, steps, own(&one.step))).collect::<Vec<_>>(),
        "changes": changes.flatten().map(change).collect::<Vec<_>>(),
        "result": one.result.map(result),
        "covers": one.covers.as_ref().map(covers),
    })
}

pub(super) fn one_reason(why: &Reason, steps: &[StepInfo], own: Option<&str>) -> Value {
    let mut value = json!({ "code": why.code(), "text": reason(why, steps, own) });
    if let (Reason::DependsOn(step), Value::Object(fields)) = (why, &mut value) {
        let name = steps.get(step.index()).map(|step| step.name.to_string());
        fields.insert("step".to_owned(), name.into());
    }
    value
}

pub(super) fn change(change: &Change) -> Value {
    let Change { kind, name, .. } = change;
    let shown = |value: &Option<Arc<str>>| {
        value.as_ref().map(|value| if *kind == ChangeKind::Toolchain { version(value) } else { value }.to_owned())
    };
    json!({ "kind": kind.code(), "name": &**name, "before": shown(&change.before), "after": shown(&change.after) })
}

fn result(result: KeptResult) -> Value {
    let made_at = result.made_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    json!({ "made_at_ms": millis(made_at), "duration_ms": millis(result.duration) })
}

fn covers(covers: &Covers) -> Value {
    let named = |pairs: &[(Arc<str>, Arc<str>)]| {
        pairs.iter().map(|(name, text)| json!({ "name": &**name, "version": version(text) })).collect::<Vec<_>>()
    };
    json!({
        "files": covers.files.iter().flat_map(|set| files(set)).collect::<Vec<_>>(),
        "packages": named(&covers.packages),
        "variables": texts(&covers.variables),
        "tools": named(&covers.tools),
        "configuration": texts(&covers.configuration),
        "manifest": texts(&covers.manifest),
        "outputs_of": texts(&covers.outputs_of),
        "discovered": {
            "paths": texts(&covers.discovered_paths),
            "variables": texts(&covers.discovered_variables),
        },
    })
}

fn files(set: &FileSet) -> impl Iterator<Item = Value> {
    set.files.iter().map(|(path, digest)| match digest {
        Some(digest) => json!({ "path": path, "digest": digest.to_string() }),
        None => json!({ "path": path }),
    })
}

fn texts(texts: &[Arc<str>]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}
