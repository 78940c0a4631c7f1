//! What is said about verdicts and outcomes, in words.

use std::time::Duration;

use crate::model::{Change, ChangeKind, Reason, StepInfo};

/// Why a step runs, in one short line.
#[must_use]
pub fn reason(reason: &Reason, steps: &[StepInfo], own: Option<&str>) -> String {
    match reason {
        Reason::FirstRun => "first run".to_owned(),
        Reason::Forced => "forced".to_owned(),
        Reason::NotCached => "never cached".to_owned(),
        Reason::CacheOff => "cache off".to_owned(),
        Reason::Changed(changes) => changed(changes, own),
        Reason::NoRecord => "no record of this state".to_owned(),
        Reason::FailedBefore => "failed before".to_owned(),
        Reason::DependsOn(step) => format!("depends on {}", steps.get(step.index()).map_or("", |step| &step.name)),
        Reason::ArtifactMissing(path) => format!("{path} is missing"),
        Reason::ArtifactChanged(path) => format!("{path} was changed"),
        Reason::OutputLost(how) => how.to_string(),
        Reason::Verify => "fresh, to be verified".to_owned(),
        Reason::Unreadable(path) => format!("cannot read {path}"),
        Reason::EscapingModule(path) => format!("{path} names a module outside of its member"),
    }
}

/// Every reason in full, a line each: for `--explain`.
#[must_use]
pub fn reasons(why: &Reason, steps: &[StepInfo], own: Option<&str>) -> Vec<String> {
    match why {
        Reason::Changed(changes) => {
            let mut lines: Vec<String> = changes.iter().map(|change| self::change(change, own)).collect();
            lines.dedup();
            lines
        }
        other => vec![reason(other, steps, own)],
    }
}

fn changed(changes: &[Change], own: Option<&str>) -> String {
    let Some(first) = changes.first() else { return "changed".to_owned() };
    let more = match changes.len() - 1 {
        0 => String::new(),
        more => format!(" (+{more} more)"),
    };
    change(first, own) + &more
}

/// One change, in words. `own`: the member whose step it is, whose name needs no saying.
fn change(change: &Change, own: Option<&str>) -> String {
    let name = own
        .and_then(|own| change.name.strip_prefix(own)?.strip_prefix(": "))
        .unwrap_or(&change.name)
        .escape_default_unless_plain();
    match (change.kind, &change.before, &change.after) {
        (ChangeKind::FileChanged | ChangeKind::Config | ChangeKind::Manifest, ..) => format!("{name} changed"),
        (ChangeKind::FileAdded, ..) => format!("{name} is new"),
        (ChangeKind::FileRemoved, ..) => format!("{name} is gone"),
        (ChangeKind::Package, Some(before), Some(after)) => format!("{name} {before} -> {after}"),
        (ChangeKind::Package, None, Some(after)) => format!("{name} {after} is new"),
        (ChangeKind::Package, Some(before), None) => format!("{name} {before} is gone"),
        (ChangeKind::Package, None, None) => format!("{name} changed"),
        (ChangeKind::Variable, ..) => format!("{name} changed"),
        (ChangeKind::Toolchain, Some(before), Some(after)) => {
            let (before, after) = (release(before), release(after));
            if before == after { format!("{name} changed") } else { format!("{name} {before} -> {after}") }
        }
        (ChangeKind::Toolchain, ..) => format!("{name} changed"),
        (ChangeKind::Command, ..) => "command changed".to_owned(),
        (ChangeKind::Arguments, ..) => "arguments changed".to_owned(),
        (ChangeKind::Flags, Some(before), Some(after)) => match (&**before, &**after) {
            ("", after) => format!("flags changed: {after} is new"),
            (before, "") => format!("flags changed: {before} is gone"),
            (before, after) => format!("flags changed: {before} -> {after}"),
        },
        (ChangeKind::Flags, ..) => "flags changed".to_owned(),
        (ChangeKind::Selection, Some(before), _) => format!("selection changed: was {before}"),
        (ChangeKind::Selection, ..) => "selection changed".to_owned(),
        (ChangeKind::Other, None, Some(_)) => format!("{name} is new"),
        (ChangeKind::Other, Some(_), None) => format!("{name} is gone"),
        (ChangeKind::Other, Some(before), Some(after)) => format!("{name} changed: {before} -> {after}"),
        (ChangeKind::Other, ..) => format!("{name} changed"),
    }
}

trait EscapeDefaultUnlessPlain {
    fn escape_default_unless_plain(&self) -> String;
}

impl EscapeDefaultUnlessPlain for str {
    /// A file's name may hold anything, even what moves a cursor.
    fn escape_default_unless_plain(&self) -> String {
        if self.chars().any(char::is_control) { self.escape_default().to_string() } else { self.to_owned() }
    }
}

/// The release of `rustc -vV`'s text, or its first line.
fn release(text: &str) -> &str {
    let release = text.lines().find_map(|line| line.strip_prefix("release: "));
    release.or_else(|| text.lines().next()).map_or("", |line| line.strip_prefix("cargo ").unwrap_or(line))
}

/// A duration as cargo prints it: `3.21s`, `2m 05s`.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        return format!("{:.2}s", duration.as_secs_f64());
    }
    if whole < 3600 {
        return format!("{}m {:02}s", whole / 60, whole % 60);
    }
    format!("{}h {:02}m", whole / 3600, whole % 3600 / 60)
}

/// `1 member`, `11 members`.
#[must_use]
pub fn members(count: usize) -> String {
    plural(count, "member")
}

/// `1 step`, `11 steps`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
