//! Whether a step that was fresh, and was run all the same, came to what is stored of it.

use super::super::judge::Held;
use super::super::ran::Ran;
use super::{Ending, Worker};
use crate::model::Discovered;
use crate::store::{Made, Manifest};

impl Worker<'_> {
    /// In what the run differs from the result that is stored; `None` if in nothing, or if that cannot be told.
    pub(super) fn refutation(
        &self,
        held: &Held,
        ran: &Ran,
        (ending, made): (&Ending, Option<&Manifest>),
    ) -> Option<String> {
        if self.is_cut_off(ran) {
            return None;
        }
        if let Some(failure) = &ran.failure {
            return Some(format!("{failure}, but it was fresh"));
        }
        let Ending::Good { discovered, .. } = ending else { return None };
        let mut what = Vec::new();
        if let (Some(now), Some(before)) = (made, &held.outputs)
            && now.digest() != before.digest()
        {
            what.push(format!("its outputs differ ({})", shown(&other_outputs(before, now))));
        }
        let (before, now) = (held.discovered.as_deref().unwrap_or_default(), discovered.as_deref().unwrap_or_default());
        if before != now {
            what.push(format!("it read other things ({})", shown(&other_inputs(before, now))));
        }
        if ran.warned != held.record.warned {
            what.push(if ran.warned { "it warns now" } else { "it does not warn any more" }.to_owned());
        }
        (!what.is_empty()).then(|| format!("it was fresh, but {}", what.join("; ")))
    }
}

/// The names of the outputs that are not the same.
fn other_outputs(before: &Manifest, now: &Manifest) -> Vec<String> {
    let of = |made: &Made| Manifest { entries: vec![made.clone()] }.digest();
    let lacks = |there: &Manifest, made: &Made| !there.entries.iter().any(|other| of(other) == of(made));
    let gone = before.entries.iter().filter(|made| lacks(now, made));
    let new = now.entries.iter().filter(|made| lacks(before, made));
    names(gone.chain(new).map(|made| &made.path))
}

/// The names of what was read in one run and not in the other, or was another thing.
fn other_inputs(before: &[Discovered], now: &[Discovered]) -> Vec<String> {
    let gone = before.iter().filter(|one| !now.contains(one));
    let new = now.iter().filter(|one| !before.contains(one));
    names(gone.chain(new).map(|one| &one.name))
}

fn names<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    names
}

/// The first of them, and how many more there are.
fn shown(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} (+{} more)", more.len()),
    }
}
