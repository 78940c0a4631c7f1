//! What a run has seen, as bytes for the next one: what the walk found, and the digests of the sets of files that follow
//! from that alone. What is as it was need not be put together again. It reads and writes no file.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::coverage::{Class, Coverage, SetId};
use super::sets::Set;
use super::state::State;
use crate::checksum::{self, Checksum};
use crate::fingerprint::{Description, Tag};
use crate::model::{Digest, PhaseId};
use crate::walk::{Areas, Known, Tree};

/// The version of the form; it also stands for what is taken for inputs where nobody names any.
const VERSION: u32 = 5;
const MAGIC: &[u8; 4] = b"clsn";
/// A class, its number, an area, whether there is a file, a digest.
const ROW: usize = 1 + 4 + 4 + 1 + 32;

/// What an earlier run has seen.
#[derive(Debug, Default)]
pub struct Remembered {
    /// What its walk has found.
    pub walk: Arc<Known>,
    /// The sets of which nothing has to be said but the digest, and whether there is no file in them.
    sets: BTreeMap<SetId, (Digest, bool)>,
    /// What decided about the sets.
    grounds: Option<Digest>,
    /// The checksum of all of it.
    checksum: Option<Checksum>,
}

impl Remembered {
    /// Takes what [`encode`] wrote of these areas; nothing of any others.
    pub fn parse(bytes: Vec<u8>, areas: &Areas) -> Self {
        read(bytes, areas).unwrap_or_default()
    }

    /// Without the sets, if others would be made of the same files now.
    pub fn under(mut self, coverage: &Coverage<'_>) -> Self {
        if self.grounds != Some(of_sets(coverage)) {
            self.sets.clear();
        }
        self
    }

    /// The sets that are what they were, and the others among these.
    pub fn split(
        &self,
        coverage: &Coverage<'_>,
        tree: &Tree,
        ids: BTreeSet<SetId>,
    ) -> (BTreeMap<SetId, Set>, Vec<SetId>) {
        let mut sets = Cow::Borrowed(&self.sets);
        if tree.changed().next().is_some() {
            forget(coverage, tree, sets.to_mut());
        }
        let mut known = Vec::new();
        let mut others = Vec::new();
        for id in ids {
            match sets.get(&id) {
                Some((digest, is_empty)) => known.push((id, Set::known(*digest, *is_empty))),
                None => others.push(id),
            }
        }
        // They are in order, so that nothing has to be looked for.
        (known.into_iter().collect(), others)
    }

    /// What the next run is to know; `None` if this is it.
    pub fn renewed(&self, coverage: &Coverage<'_>, state: &State) -> Option<Vec<u8>> {
        let can_be_known = state.sets.iter().filter(|(_, set)| set.can_be_known());
        let now: BTreeMap<SetId, (Digest, bool)> =
            can_be_known.map(|(id, set)| (*id, (set.digest, set.is_empty))).collect();
        if state.tree.changed().next().is_none() && now.iter().all(|(id, set)| self.sets.get(id) == Some(set)) {
            return None;
        }
        let mut sets = self.sets.clone();
        forget(coverage, &state.tree, &mut sets);
        sets.extend(now);
        let bytes = encode((of_walk(&coverage.areas), of_sets(coverage)), &sets, &state.tree);
        let checksum = bytes.last_chunk().copied();
        (checksum != self.checksum).then_some(bytes)
    }
}

/// Forgets the sets that may hold a file that is not as it was.
fn forget(coverage: &Coverage<'_>, tree: &Tree, sets: &mut BTreeMap<SetId, (Digest, bool)>) {
    let mut classes: Vec<Class> = sets.keys().map(|(class, _)| *class).collect();
    classes.dedup();
    for area in tree.changed() {
        for id in classes.iter().flat_map(|class| coverage.reaching(*class, area)) {
            sets.remove(&id);
        }
    }
}

/// What decides about the walk.
fn of_walk(areas: &Areas) -> Digest {
    let mut walk = Description::default();
    areas.folders().for_each(|folder| walk.text(Tag::Place, "", folder.as_os_str().as_encoded_bytes()));
    walk.finish().0
}

/// What decides about the sets besides the walk.
fn of_sets(coverage: &Coverage<'_>) -> Digest {
    coverage.grounds.clone().finish().0
}

fn encode((walk, globs): (Digest, Digest), sets: &BTreeMap<SetId, (Digest, bool)>, tree: &Tree) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&walk.0);
    bytes.extend_from_slice(&globs.0);
    bytes.extend_from_slice(&(sets.len() as u32).to_le_bytes());
    for (&(class, area), (digest, is_empty)) in sets {
        let (tag, number) = tag(class);
        bytes.push(tag);
        bytes.extend_from_slice(&(number as u32).to_le_bytes());
        bytes.extend_from_slice(&(area as u32).to_le_bytes());
        bytes.push((*is_empty).into());
        bytes.extend_from_slice(&digest.0);
    }
    bytes.extend_from_slice(&tree.encode());
    let checksum = checksum::of(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn read(mut bytes: Vec<u8>, areas: &Areas) -> Option<Remembered> {
    let (body, checksum) = bytes.split_last_chunk::<{ checksum::LENGTH }>()?;
    let mut rest = body;
    let is_ours = take::<4>(&mut rest)? == *MAGIC && take::<4>(&mut rest)? == VERSION.to_le_bytes();
    if !is_ours || take::<32>(&mut rest)? != of_walk(areas).0 || checksum::of(body) != *checksum {
        return None;
    }
    let checksum = Some(*checksum);
    let grounds = Some(Digest(take(&mut rest)?));
    let count = u32::from_le_bytes(take(&mut rest)?);
    let (rows, found) = rest.split_at_checked(usize::try_from(count).ok()?.checked_mul(ROW)?)?;
    let sets = rows.chunks_exact(ROW).map(set).collect::<Option<_>>()?;
    let (begin, end) = (body.len() - found.len(), body.len());
    bytes.truncate(end);
    bytes.drain(..begin);
    Some(Remembered { walk: Arc::new(Known::parse(bytes)), sets, grounds, checksum })
}

fn set(mut row: &[u8]) -> Option<(SetId, (Digest, bool))> {
    let row = &mut row;
    let [tag] = take(row)?;
    let number = usize::try_from(u32::from_le_bytes(take(row)?)).ok()?;
    let area = usize::try_from(u32::from_le_bytes(take(row)?)).ok()?;
    let [is_empty] = take(row)?;
    Some(((class(tag, number)?, area), (Digest(take(row)?), is_empty != 0)))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

const fn tag(class: Class) -> (u8, usize) {
    match class {
        Class::Default => (0, 0),
        Class::Inputs(phase) => (1, phase.index()),
        Class::Less(phase) => (2, phase.index()),
        Class::Above => (3, 0),
        Class::IgnoredSources => (4, 0),
        Class::IgnoredLess(phase) => (5, phase.index()),
        Class::Rooted(place) => (6, place),
        Class::Whole => (7, 0),
        Class::Data => (8, 0),
    }
}

const fn class(tag: u8, number: usize) -> Option<Class> {
    Some(match tag {
        0 => Class::Default,
        1 => Class::Inputs(PhaseId::new(number)),
        2 => Class::Less(PhaseId::new(number)),
        3 => Class::Above,
        4 => Class::IgnoredSources,
        5 => Class::IgnoredLess(PhaseId::new(number)),
        6 => Class::Rooted(number),
        7 => Class::Whole,
        8 => Class::Data,
        _ => return None,
    })
}
