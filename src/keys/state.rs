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
        let ids: Vec<SetId> = sets.keys().copied().collect();
        let classes = ids.iter().map(|(class, _)| *class).collect();
        let (holds, unreadable) = (BTreeSet::new(), BTreeSet::new());
        let by_digest = OnceLock::new();
        let mut state = Self { tree, sets, classes, holds, unreadable, generation: 0, by_digest };
        ids.into_iter().for_each(|id| state.note(id));
        state
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
        let notes = [
            (&mut self.holds, !set.is_empty),
            (&mut self.unreadable, set.unreadable.is_some() || set.leads_around.is_some()),
        ];
        for (ids, is_one) in notes {
            _ = if is_one { ids.insert(id) } else { ids.remove(&id) };
        }
    }
}
