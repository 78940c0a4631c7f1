//! Members that are new, gone or renamed, told once: what their files seem to do is told with them.

use std::sync::Arc;

use crate::model::{Change, ChangeKind};

/// Makes a renaming of two members of one folder, and drops what only follows from a member that came, went or got another
/// name: its files belong to another part of the key, and are what they were.
pub fn told_once(found: &mut Vec<Change>) {
    let of = |kind: ChangeKind| found.iter().filter(move |one| one.kind == kind);
    let folders: Vec<Arc<str>> = of(ChangeKind::MemberAdded)
        .chain(of(ChangeKind::MemberRemoved))
        .filter_map(|one| one.after.clone().or_else(|| one.before.clone()))
        .filter(|folder| !folder.is_empty())
        .collect();
    let names: Vec<Arc<str>> =
        of(ChangeKind::MemberAdded).chain(of(ChangeKind::MemberRemoved)).map(|one| Arc::clone(&one.name)).collect();
    if names.is_empty() {
        return;
    }
    let renamed: Vec<(Arc<str>, Arc<str>)> = of(ChangeKind::MemberRemoved)
        .filter_map(|old| {
            let new = of(ChangeKind::MemberAdded).find(|new| new.after.is_some() && new.after == old.before)?;
            Some((Arc::clone(&old.name), Arc::clone(&new.name)))
        })
        .collect();
    let is_below = |name: &str| folders.iter().any(|folder| name.strip_prefix(&**folder).is_some_and(is_inside));
    let is_theirs =
        |name: &str| name.strip_prefix("files of ").is_some_and(|of| names.iter().any(|name| **name == *of));
    let is_renamed = |name: &str| renamed.iter().any(|(old, new)| **old == *name || **new == *name);
    found.retain(|one| match one.kind {
        ChangeKind::FileAdded | ChangeKind::FileRemoved => !is_below(&one.name),
        ChangeKind::Other => !is_theirs(&one.name),
        ChangeKind::MemberAdded | ChangeKind::MemberRemoved => !is_renamed(&one.name),
        _ => true,
    });
    found.extend(renamed.into_iter().map(|(old, new)| Change {
        kind: ChangeKind::MemberRenamed,
        name: Arc::clone(&old),
        before: Some(old),
        after: Some(new),
    }));
}

fn is_inside(rest: &str) -> bool {
    rest.starts_with('/')
}
