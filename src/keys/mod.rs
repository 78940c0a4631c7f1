//! The keys of steps: which files a step covers, what is in them now, and whether they have changed since. It stands
//! above the walk, the hash cache and the fingerprint, and knows nothing of running steps.

mod ahead;
mod awaited;
mod coverage;
mod covering;
mod discovered;
mod documentation;
mod env_macros;
mod known;
mod links;
mod making;
mod named;
mod overlooked;
mod read;
mod reads;
mod selecting;
mod sets;
mod spread;
mod state;
mod tested;
mod trace;
mod variables;
mod whose;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rayon::prelude::*;

use crate::disk::{Disk, Laid};
use crate::fingerprint::{Description, Parts};
use crate::hash_cache::FileHashCache;
use crate::model::{Digest, MemberId, PhaseId, Plan, Step, Subject};
use crate::plan::Expansion;
use crate::walk::{Moment, Place, Tree};
pub use awaited::{Awaited, has_key};
pub use discovered::{Found, names_in, newest, refined, refinement};
pub use documentation::Besides;
pub use overlooked::{nanoseconds, silent_since, watched_before};
pub use tested::TestFacts;
pub use variables::{LIBRARY_PATH, is_of_tests, without_toolchains};
pub use whose::{Foreign, Unit};

use ahead::Ahead;
use coverage::{Coverage, SetId};
use known::Remembered;
use selecting::words_of_cargo;
use sets::{Sets, look};
use state::{State, Told};
use tested::Tested;

/// Options by which a command leads cargo to files that no key covers.
const ELSEWHERE: [&str; 6] = ["--manifest-path", "--config", "--target-dir", "--lockfile-path", "-C", "-Z"];

/// Whether the word is the option, with or without its value.
fn is_option(word: &str, option: &str) -> bool {
    let is_short = !option.starts_with("--");
    word.strip_prefix(option).is_some_and(|rest| is_short || rest.is_empty() || rest.starts_with('='))
}

/// The keys of one run's steps.
pub struct Keys<'a> {
    expansion: &'a Expansion<'a>,
    cache: &'a FileHashCache,
    coverage: Coverage<'a>,
    environment: Digest,
    remembered: Remembered,
    state: RwLock<State>,
    /// The descriptions. Those of members are made while the state is held, so that none of an older one comes after its end.
    parts: Parts,
    /// Locked after the state, never before.
    told: Mutex<Told>,
    tested: Tested,
}

/// A step's key, and when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The digest of everything that it covers.
    pub digest: Digest,
    generation: u64,
}

/// The files that the keys of a plan cover, as one parallel walk has found them.
pub struct Looked<'a> {
    expansion: &'a Expansion<'a>,
    coverage: Coverage<'a>,
    needed: BTreeSet<SetId>,
    remembered: Remembered,
    tree: Tree,
}

impl<'a> Looked<'a> {
    /// Looks at all of them, on the threads of the current pool. Of those that have changed, many are read at once. It need
    /// not wait for the plan if files are needed whatever that is. `seen`: what [`Keys::seen`] told an earlier run.
    pub fn new(
        (plan, are_needed): (&Awaited, bool),
        expansion: &'a Expansion<'a>,
        cache: &FileHashCache,
        seen: impl FnOnce() -> Vec<u8> + Send,
    ) -> Self {
        let areas = Arc::new(Coverage::areas(expansion.workspace));
        let cover = || {
            let coverage = Coverage::new(expansion.workspace, Arc::clone(&areas), expansion.project, expansion.args);
            let needed = coverage.of_all(plan.steps());
            (coverage, needed)
        };
        let reader = Ahead::new(plan, cache);
        let walk = || {
            let remembered = Remembered::parse(seen(), &areas);
            let walking = tracing::debug_span!("walk", areas = areas.dirs().len(), changed = tracing::field::Empty);
            let walk = || walking.in_scope(|| areas.walk(&remembered.walk, Some(&reader)));
            let tree = if are_needed || plan.steps().next().is_some() { walk() } else { Tree::default() };
            walking.record("changed", tree.changed().count());
            (remembered, tree)
        };
        let ((remembered, tree), (coverage, needed)) = rayon::join(walk, cover);
        let remembered = remembered.under(&coverage);
        Self { expansion, coverage, needed, remembered, tree }
    }
}

impl<'a> Keys<'a> {
    /// Knows what is in every file: one parallel pass, in which those are read that may have changed.
    pub fn new(looked: Looked<'a>, cache: &'a FileHashCache, environment: Description) -> Self {
        let Looked { expansion, coverage, needed, remembered, tree } = looked;
        let parts = Parts::default();
        let environment = parts.add(environment);
        let hashing = tracing::debug_span!("hash", opened = tracing::field::Empty, answered = tracing::field::Empty);
        let sets = hashing.in_scope(|| {
            let (mut sets, others) = remembered.split(&coverage, &tree, needed);
            sets.append(&mut Sets { coverage: &coverage, cache }.all(&tree, others));
            sets
        });
        hashing.record("opened", cache.opened()).record("answered", cache.answered());
        let state = RwLock::new(State::new(tree, sets));
        let told = Mutex::default();
        let tested = Tested::default();
        Self { expansion, cache, coverage, environment, remembered, state, parts, told, tested }
    }

    /// The phases whose `inputs` name no file that is there, for none of the members that the plan has steps of.
    pub fn naming_nothing(&self, plan: &Plan) -> Vec<PhaseId> {
        let state = &*self.state();
        // Of a step without a key nobody knows.
        let holds = |id: SetId| state.sets.get(&id).is_none_or(|set| !set.is_empty || set.unreadable.is_some());
        let mut phases: BTreeMap<PhaseId, bool> = BTreeMap::new();
        let names = |step: &&Step| step.definition.inputs.as_ref().is_some_and(|inputs| !inputs.is_empty());
        for step in plan.steps.iter().filter(names) {
            let class = self.coverage.class_of(step.phase);
            let of_members = step.subject.members().iter().map(|member| member.index());
            let root = (step.subject == Subject::Workspace).then_some(self.coverage.root);
            let holds = of_members.chain(root).any(|area| {
                holds(self.coverage.set(class, area)) || self.coverage.rooted(class, area).is_some_and(holds)
            });
            *phases.entry(step.phase).or_default() |= holds;
        }
        phases.into_iter().filter(|(_, holds)| !holds).map(|(phase, _)| phase).collect()
    }

    /// What the next run is to know of the files; `None` if this one was told all of it, or if some only would be there.
    pub fn seen(&self) -> Option<Vec<u8>> {
        let state = &*self.state();
        if self.disk().is_covered() || state.tree.areas.is_empty() {
            return None;
        }
        self.remembered.renewed(&self.coverage, state)
    }

    /// The option by which a cargo command of the step is told to look elsewhere than its key does: at another workspace, at
    /// more configuration.
    pub fn leading_elsewhere(&self, step: &Step) -> Option<&'static str> {
        let leads = |word: &str| ELSEWHERE.into_iter().find(|option| is_option(word, option));
        let own = |words: Vec<String>| words.iter().take_while(|word| *word != "--").find_map(|word| leads(word));
        let args = if step.takes_args { self.expansion.args } else { &[] };
        let by_args = || args.iter().take_while(|word| *word != "--").find_map(|word| leads(word));
        words_of_cargo(step).find_map(|words| own(words).or_else(by_args))
    }

    /// Where the step makes its declared outputs.
    pub fn outputs_of(&self, step: &Step) -> Vec<Place<'_>> {
        self.coverage.outputs_of(step)
    }

    /// Looks again at the files that a step may have changed, because it ran: those of its members, also
    /// where links lead there.
    pub fn look_again(&self, step: &Step) {
        let own = |area: &MemberId| self.coverage.areas.dir(area.index());
        let elsewhere = |place: &Place<'_>| !step.subject.members().iter().any(|member| own(member) == place.dir);
        let is_everywhere = step.subject == Subject::Workspace || self.outputs_of(step).iter().any(elsewhere);
        // If no step has a key, nothing was looked at.
        let (areas, moment) = {
            let tree = &mut self.state_mut().tree;
            let members = step.subject.members();
            let is_led = |area: &usize| self.is_led_into(*area, &tree.areas[*area], members);
            let areas: BTreeSet<usize> = if is_everywhere {
                (0..tree.areas.len()).collect()
            } else {
                let own = members.iter().map(|member| member.index()).filter(|area| *area < tree.areas.len());
                own.chain(tree.linked.iter().copied().filter(is_led)).collect()
            };
            (areas, tree.begin())
        };
        // What ignores files on the way to a member is looked at with the rest, or in the end.
        let is_alone = areas.len() == 1;
        self.look_into(areas, is_alone, moment);
    }

    /// Looks again at all files: a step of one member may have changed those of any other.
    pub fn look_everywhere(&self) {
        let (areas, moment) = {
            let tree = &mut self.state_mut().tree;
            ((0..tree.areas.len()).collect(), tree.begin())
        };
        self.look_into(areas, false, moment);
    }

    /// `is_alone`: the way to the area is as it was.
    fn look_into(&self, areas: BTreeSet<usize>, is_alone: bool, moment: Moment) {
        for area in areas {
            let before = is_alone.then(|| Arc::clone(&self.state().tree.areas[area]));
            let found = self.coverage.areas.rewalk(area, before.as_deref(), &self.remembered.walk);
            let state = &mut *self.state_mut();
            // What is as it was known to be, now and before, has changed no set that follows from it.
            let is_same = found.is_known() && state.tree.areas[area].is_known();
            let concerned = state.classes.iter().flat_map(|class| self.coverage.reaching(*class, area));
            let is_concerned = |id: &SetId| state.sets.get(id).is_some_and(|set| !(is_same && set.follows_walk));
            let concerned: Vec<SetId> = concerned.filter(is_concerned).collect();
            self.complete(state, &concerned);
            if state.tree.take(area, found, moment) {
                self.refresh(state, concerned);
            }
        }
    }

    /// Takes these for lying in the places of the step's outputs from now on, as if they had been put back there.
    ///
    /// # Errors
    /// The way to one of them cannot be looked at.
    pub fn foresee(&self, step: &Step, made: Vec<(PathBuf, Laid)>) -> io::Result<()> {
        for (path, laid) in made {
            let stat = self.disk().lay(&path, laid.clone())?;
            if let Laid::File { contents, digest, .. } = laid {
                self.cache.foresee(&path, stat, (digest, &contents));
            }
        }
        self.look_again(step);
        Ok(())
    }

    /// The files, with those that are foreseen.
    pub fn disk(&self) -> &Disk {
        &self.coverage.areas.disk
    }

    /// Looks again at everything, once all steps have ended, so that [`disturbance`](Self::disturbance) can be asked.
    pub fn look_at_all_again(&self) {
        let tree = self.coverage.areas.walk(&self.remembered.walk, None);
        let state = &mut *self.state_mut();
        let changed: BTreeSet<usize> = state.tree.changed().chain(tree.changed()).collect();
        let reached = changed
            .iter()
            .flat_map(|area| state.classes.iter().flat_map(|class| self.coverage.reaching(*class, *area)));
        let untold = state.sets.iter().filter(|(_, set)| !set.follows_walk).map(|(id, _)| *id);
        let concerned: BTreeSet<SetId> = reached.filter(|id| state.sets.contains_key(id)).chain(untold).collect();
        let concerned: Vec<SetId> = concerned.into_iter().collect();
        concerned.par_iter().for_each(|id| self.complete(state, &[*id]));
        state.tree = tree;
        self.refresh(state, concerned);
    }

    /// Puts at hand what is told of these sets, before their files change.
    fn complete(&self, state: &State, ids: &[SetId]) {
        let sets = Sets { coverage: &self.coverage, cache: self.cache };
        let known = ids.iter().filter_map(|id| Some((*id, state.sets.get(id)?)));
        known.for_each(|set| sets.complete(set, &state.tree));
    }

    /// A file that the step's key covers and that has changed since the key was taken, if there is one.
    pub fn disturbance(&self, step: &Step, key: Key) -> Option<String> {
        self.disturbed(|| self.coverage.of(step).into_iter().collect(), key)
    }

    fn disturbed(&self, sets: impl FnOnce() -> Vec<SetId>, key: Key) -> Option<String> {
        let state = self.state();
        if state.generation == key.generation {
            return None;
        }
        let changed = |id: SetId| match state.sets.get(&id) {
            Some(set) if set.changed.0 <= key.generation => None,
            Some(set) => Some((self.coverage.name(id.1), set.changed.1.to_string_lossy())),
            None => Some((self.coverage.name(id.1), "files".into())),
        };
        let (owner, path) = sets().into_iter().find_map(changed)?;
        Some(if owner.is_empty() { path.into_owned() } else { format!("{owner}: {path}") })
    }

    /// The digests of the descriptions that the key's description stands on, itself included, with their bytes.
    pub fn description(&self, key: Key, references: fn(&[u8]) -> Vec<Digest>, into: &mut BTreeMap<Digest, Vec<u8>>) {
        self.with_parts(|bytes| {
            let mut queue = vec![key.digest];
            while let Some(digest) = queue.pop() {
                if let (false, Some(bytes)) = (into.contains_key(&digest), bytes(&digest)) {
                    queue.extend(references(bytes));
                    into.insert(digest, bytes.to_vec());
                }
            }
        });
    }

    /// The path of a file, and the member that it belongs to if it does to one, by the name that explanations give it.
    pub fn file_of(&self, name: &str) -> (PathBuf, Option<MemberId>) {
        let workspace = self.expansion.workspace;
        let (owner, path) = name.split_once(": ").unwrap_or(("", name));
        let member = workspace.named(owner);
        let package = || workspace.path_packages.iter().find(|package| &*package.name == owner);
        let dir = member.map(|id| &workspace.member(id).dir).or_else(|| package().map(|package| &package.dir));
        (dir.unwrap_or(&workspace.root).join(path), member)
    }

    /// Lends the descriptions, by their digests.
    pub fn with_parts<T>(&self, ask: impl for<'p> FnOnce(&'p dyn Fn(&Digest) -> Option<&'p [u8]>) -> T) -> T {
        let (state, parts) = (&*self.state(), &self.parts.lend());
        let sets = Sets { coverage: &self.coverage, cache: self.cache };
        let of_set = |digest: &Digest| sets.describe(state.of_digest(digest)?, &state.tree);
        ask(&|digest| parts.bytes(digest).or_else(|| of_set(digest)))
    }

    fn refresh(&self, state: &mut State, ids: Vec<SetId>) {
        let sets = Sets { coverage: &self.coverage, cache: self.cache };
        let mut told = self.told();
        let mut changed = false;
        for id in ids {
            let seen = look(&self.coverage, &state.tree, id);
            let Some(known) = state.sets.get_mut(&id) else { continue };
            let Some(first) = known.difference(&seen) else { continue };
            if !changed {
                state.generation += 1;
                changed = true;
            }
            let before = std::mem::replace(known, sets.one(id, seen));
            let digest = before.digest;
            // It is what keys were made of that were taken before.
            before.into_description().into_iter().for_each(|bytes| _ = self.parts.keep((digest, bytes)));
            known.changed = (state.generation, first);
            state.note(id);
        }
        if changed {
            self.parts.forget_members();
            told.everything.clear();
            told.targets = None;
        }
    }

    // Nothing is left half done by a panic: every change is one assignment.
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
