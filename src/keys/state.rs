//! What is known of the files that keys cover, as they are now, and what has been told of them. It takes no key.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use super::coverage::{Class, SetId};
use super::sets::Set;
use crate::model::Digest;
use crate::walk::Tree;

/// What is known of the files now, and what follows from it.
pub struct State {
    /// The files.
    pub tree: Tree,
    /// The sets that some step covers.
    pub sets: BTreeMap<SetId, Set>,
    /// The classes of which there are any.
    pub classes: BTreeSet<Class>,
    /// Those of them in which there is anything.
    pub holds: BTreeSet<SetId>,
    /// Those of them that cannot be read as a whole.
    pub unreadable: BTreeSet<SetId>,
    /// Counts the changes that were seen.
    pub generation: u64,
    by_digest: OnceLock<HashMap<Digest, SetId>>,
}

/// What has been told of the files so far, and holds for as long as the state is as it is.
#[derive(Default)]
pub struct Told {
    /// Every file of every area, by classes.
    pub everything: BTreeMap<Class, Digest>,
    /// Which members have targets.
    pub targets: Option<Digest>,
}

impl State {
    /// Of these sets.
    pub fn new(tree: Tree, sets: BTreeMap<SetId, Set>) -> Self {
        let classes = sets.keys().map(|(class, _)| *class).collect();
        let those = |is_one: fn(&Set) -> bool| sets.iter().filter(|(_, set)| is_one(set)).map(|(id, _)| *id).collect();
        let (holds, unreadable) = (those(holds), those(is_unreadable));
        Self { tree, sets, classes, holds, unreadable, generation: 0, by_digest: OnceLock::new() }
    }

    /// The set of this digest.
    pub fn of_digest(&self, digest: &Digest) -> Option<(SetId, &Set)> {
        let by_digest = || self.sets.iter().map(|(id, set)| (set.digest, *id)).collect();
        let id = *self.by_digest.get_or_init(by_digest).get(digest)?;
        Some((id, self.sets.get(&id)?))
    }

    /// Notes what can be told of a set without looking into it.
    pub fn note(&mut self, id: SetId) {
        self.by_digest = OnceLock::new();
        let Some(set) = self.sets.get(&id) else { return };
        for (ids, is_one) in [(&mut self.holds, holds(set)), (&mut self.unreadable, is_unreadable(set))] {
            _ = if is_one { ids.insert(id) } else { ids.remove(&id) };
        }
    }
}

/// Whether there is anything in it.
fn holds(set: &Set) -> bool {
    !set.is_empty
}

/// Whether it cannot be read as a whole.
fn is_unreadable(set: &Set) -> bool {
    set.unreadable.is_some() || set.leads_around.is_some()
}
