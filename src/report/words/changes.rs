//! What is different from the last run, in words.

use super::EscapeDefaultUnlessPlain as _;
use crate::model::{Change, ChangeKind};

/// The first change, and how many more there are.
pub fn changed(changes: &[Change], own: Option<&str>) -> String {
    let Some(first) = changes.first() else { return "changed".to_owned() };
    let more = match changes.len() - 1 {
        0 => String::new(),
        more => format!(" (+{more} more)"),
    };
    change(first, own) + &more
}

/// One change, in words. `own`: the member whose step it is, whose name needs no saying.
pub fn change(change: &Change, own: Option<&str>) -> String {
    let name = own
        .and_then(|own| change.name.strip_prefix(own)?.strip_prefix(": "))
        .unwrap_or(&change.name)
        .escape_default_unless_plain();
    match (change.kind, &change.before, &change.after) {
        (ChangeKind::FileChanged | ChangeKind::Config | ChangeKind::Manifest, ..) => format!("{name} changed"),
        (ChangeKind::FileAdded, ..) => format!("{name} is new"),
        (ChangeKind::FileRemoved, ..) => format!("{name} is gone"),
        (ChangeKind::MemberAdded, ..) => format!("member {name} is new"),
        (ChangeKind::MemberRemoved, ..) => format!("member {name} is gone"),
        (ChangeKind::MemberRenamed, _, Some(after)) => format!("member {name} is now {after}"),
        (ChangeKind::MemberRenamed, ..) => format!("member {name} has another name"),
        (ChangeKind::DependencyAdded, ..) => format!("dependency {name} is new"),
        (ChangeKind::DependencyRemoved, ..) => format!("dependency {name} is gone"),
        (ChangeKind::Package, Some(before), Some(after)) => format!("{name} {before} -> {after}"),
        (ChangeKind::Package, None, Some(after)) => format!("{name} {after} is new"),
        (ChangeKind::Package, Some(before), None) => format!("{name} {before} is gone"),
        (ChangeKind::Package, None, None) => format!("{name} changed"),
        (ChangeKind::Variable, ..) => format!("{name} changed"),
        (ChangeKind::Toolchain, Some(before), Some(after)) if before.is_empty() => format!("{name} is now {after}"),
        (ChangeKind::Toolchain, Some(before), Some(after)) if after.is_empty() => format!("{name} was {before}"),
        (ChangeKind::Toolchain, Some(before), Some(after)) => {
            let (before, after) = differing(before, after);
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
        (ChangeKind::Selection, Some(before), _) => format!("selection changed: was {}", selection(before)),
        (ChangeKind::Selection, ..) => "selection changed".to_owned(),
        (ChangeKind::Other, None, Some(_)) => format!("{name} is new"),
        (ChangeKind::Other, Some(_), None) => format!("{name} is gone"),
        (ChangeKind::Other, Some(before), Some(after)) => format!("{name} changed: {before} -> {after}"),
        (ChangeKind::Other, ..) => format!("{name} changed"),
    }
}

/// A selection, cut: it may name hundreds of members.
fn selection(text: &str) -> String {
    const SHOWN: usize = 4;
    let members: Vec<&str> = text.split(" -p ").collect();
    match members.len().saturating_sub(SHOWN) {
        0 => text.to_owned(),
        more => format!("{} (+{more} more)", members[..SHOWN].join(" -p ")),
    }
}

/// The releases, or, of two nightlies, what tells them apart.
fn differing<'a>(before: &'a str, after: &'a str) -> (&'a str, &'a str) {
    let releases = (release(before), release(after));
    if releases.0 == releases.1 { (version(before), version(after)) } else { releases }
}

/// The first line of what a program says of itself, without its name.
#[must_use]
pub fn version(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(' ')
        .filter(|(_, rest)| rest.starts_with(|first: char| first.is_ascii_digit()))
        .map_or(line, |it| it.1)
}

/// The release of `rustc -vV`'s text, or its first line.
#[must_use]
pub fn release(text: &str) -> &str {
    let release = text.lines().find_map(|line| line.strip_prefix("release: "));
    release.or_else(|| text.lines().next()).map_or("", |line| line.strip_prefix("cargo ").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Option<&str> = None;

    fn one(kind: ChangeKind, name: &str, before: Option<&str>, after: Option<&str>) -> String {
        let change = Change { kind, name: name.into(), before: before.map(Into::into), after: after.map(Into::into) };
        change_of(&[change])
    }

    fn change_of(changes: &[Change]) -> String {
        changed(changes, Some("api"))
    }

    #[test]
    fn changes_are_told_shortly() {
        use ChangeKind as Kind;
        let rustc = |release: &str, date: &str| format!("rustc {release} (abc {date})\nhost: x\nrelease: {release}\n");
        let (stable, next) = (rustc("1.94.0", "2026-01-01"), rustc("1.95.0", "2026-02-01"));
        let (nightly, later) = (rustc("1.97.0-nightly", "2026-03-01"), rustc("1.97.0-nightly", "2026-03-02"));
        let selection = (0..9).map(|number| format!("-p m{number}")).collect::<Vec<_>>().join(" ");
        for (told, expected) in [
            (one(Kind::FileChanged, "api: src/parse.rs", NONE, NONE), "src/parse.rs changed"),
            (one(Kind::FileAdded, "web: src/a.rs", NONE, NONE), "web: src/a.rs is new"),
            (one(Kind::FileRemoved, "a\u{1b}[2J.rs", NONE, NONE), "a\\u{1b}[2J.rs is gone"),
            (one(Kind::Package, "serde", Some("1.0.219"), Some("1.0.220")), "serde 1.0.219 -> 1.0.220"),
            (one(Kind::Package, "serde", NONE, Some("1.0.220")), "serde 1.0.220 is new"),
            (one(Kind::Variable, "RUSTFLAGS", NONE, NONE), "RUSTFLAGS changed"),
            (one(Kind::Toolchain, "rustc", Some(&stable), Some(&next)), "rustc 1.94.0 -> 1.95.0"),
            (
                one(Kind::Toolchain, "rustc", Some(&nightly), Some(&later)),
                "rustc 1.97.0-nightly (abc 2026-03-01) -> 1.97.0-nightly (abc 2026-03-02)",
            ),
            (one(Kind::Toolchain, "target", Some(""), Some("wasm32-wasip1")), "target is now wasm32-wasip1"),
            (one(Kind::Flags, "", Some(""), Some("--release")), "flags changed: --release is new"),
            (one(Kind::Flags, "--config", NONE, NONE), "flags changed"),
            (one(Kind::Selection, "", Some("--workspace"), NONE), "selection changed: was --workspace"),
            (
                one(Kind::Selection, "", Some(&selection), NONE),
                "selection changed: was -p m0 -p m1 -p m2 -p m3 (+5 more)",
            ),
            (one(Kind::MemberRenamed, "a", Some("a"), Some("b")), "member a is now b"),
            (one(Kind::DependencyAdded, "a", NONE, Some("crates/a")), "dependency a is new"),
        ] {
            assert_eq!(told, expected);
        }
        let change = Change { kind: Kind::FileChanged, name: "api: a".into(), before: None, after: None };
        assert_eq!(change_of(&vec![change; 3]), "a changed (+2 more)");
    }
}
