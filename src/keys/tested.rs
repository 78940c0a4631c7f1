//! The keys of test executables, and of members' documentation tests: what can change how they end.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::coverage::{Class, SetId};
use super::discovered::tag_of;
use super::sets::Set;
use super::{Key, Keys};
use crate::fingerprint::{Around, Covered, Description, FORMAT, Tag};
use crate::model::{Digest, Discovered, FileStat, MemberId, PhaseId, Reason, Step, Subject};

/// What is known of a test executable, or of a library's documentation tests.
pub struct TestFacts<'f> {
    /// Whose it is.
    pub member: MemberId,
    /// Its name.
    pub name: &'f str,
    /// Files whose contents count, each with the name that explanations give it: the executable, and what it may start or
    /// load; the libraries that documentation tests are compiled with.
    pub files: &'f [(&'f str, Digest)],
    /// Its command, word by word.
    pub args: &'f [OsString],
    /// The variables that it gets and that count.
    pub variables: &'f [(OsString, OsString)],
    /// For documentation tests, which are compiled when they run: what the sources of the member turned out to read,
    /// and what the tests may.
    pub discovered: &'f [Discovered],
}

impl Keys<'_> {
    /// The key of a test executable now.
    ///
    /// # Errors
    /// Why it has none: a file cannot be read.
    pub fn test_key(&self, step: &Step, facts: &TestFacts<'_>) -> Result<Key, Reason> {
        let state = self.state();
        let sets = self.sets_of_member(step, facts.member);
        let unreadable = |id| {
            let set: &Set = state.sets.get(id)?;
            set.unreadable.clone().or_else(|| Some(Arc::clone(&set.leads_around.as_ref()?.why)))
        };
        if let Some(path) = sets.iter().find_map(unreadable) {
            return Err(Reason::Unreadable(path));
        }
        let mut key = Description::default();
        key.text(Tag::Format, "", [FORMAT]);
        key.text(Tag::Phase, "", &*self.expansion.project.phase(step.phase).name);
        key.text(Tag::Place, "test", facts.name);
        for (place, argument) in facts.args.iter().enumerate() {
            key.secret(Tag::Arguments, place.to_string(), argument.as_encoded_bytes());
        }
        for (name, value) in facts.variables {
            key.secret(Tag::Variable, name.as_encoded_bytes(), value.as_encoded_bytes());
        }
        for (name, digest) in facts.files {
            key.digest(Tag::File, *name, *digest);
        }
        key.part(Tag::Environment, "", self.environment);
        let class = self.coverage.class_of_step(step);
        // What it depends on is in its executable, or in the libraries, but for what these read when they run.
        let covered = Covered { class: class.number(), own: true, dependencies: false };
        let known = &state.sets;
        let files = |area: usize| known.get(&self.coverage.set(class, area)).map(|set| set.digest);
        let around = Around { workspace: self.expansion.workspace, covered, files: &files };
        let member = self.parts.member(around, facts.member);
        let member = member.ok_or_else(|| Reason::Unreadable("a dependency".into()))?;
        key.part(Tag::Member, &*self.expansion.workspace.member(facts.member).name, member);
        for id in sets.iter().filter(|id| !matches!(id.0, Class::Default | Class::Less(_))) {
            let name = if matches!(id.0, Class::Rooted(_)) { "/" } else { self.coverage.name(id.1) };
            if let Some(set) = known.get(id) {
                key.part(Tag::Files, name, set.digest);
            }
        }
        for one in facts.discovered {
            match one.digest {
                Some(digest) => key.digest(tag_of(one.sort), &one.name, digest),
                None => key.text(tag_of(one.sort), &one.name, "absent"),
            }
        }
        let digest = self.parts.add(key);
        Ok(Key { digest, generation: state.generation })
    }

    /// A file that the key of a test executable covers and that has changed since the key was taken, if there is one.
    pub fn test_disturbance(&self, step: &Step, member: MemberId, key: Key) -> Option<String> {
        self.disturbed(|| self.sets_of_member(step, member), key)
    }

    /// The digest of a file's contents now.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn digest_of_file(&self, path: &Path) -> io::Result<Digest> {
        let stat = FileStat::of(&path.metadata()?);
        self.cache.digest(path, &stat).map(|digested| digested.digest)
    }

    /// The members that one depends on, in any way.
    pub fn below(&self, member: MemberId) -> impl Iterator<Item = MemberId> {
        let members = self.expansion.workspace.members.len();
        let below = self.coverage.closure(member.index()).into_iter().filter(move |area| *area < members);
        below.map(MemberId::new).filter(move |id| *id != member)
    }

    /// The sets of files that are a member's own among those of a step, with the data of what it depends on.
    fn sets_of_member(&self, step: &Step, member: MemberId) -> Vec<SetId> {
        let area = member.index();
        let below = || self.coverage.closure(area).into_iter().filter(|below| *below != area).collect();
        let around = || self.coverage.around(area).iter().copied().chain([area]).collect();
        self.tested.covered(step, || self.coverage.of(step)).own(|class| match class {
            Class::Data => Some(below()),
            Class::Rooted(_) => None,
            Class::Above => Some(around()),
            _ => Some([area].into()),
        })
    }
}

/// What steps cover that have many executables, by what tells such steps apart.
#[derive(Default)]
pub struct Tested(Mutex<Vec<(PhaseId, Subject, Arc<ByClass>)>>);

impl Tested {
    /// What a step covers; put together when it is asked for first.
    fn covered(&self, step: &Step, sets: impl FnOnce() -> BTreeSet<SetId>) -> Arc<ByClass> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., sets)) =
            known.iter().find(|(phase, subject, _)| *phase == step.phase && *subject == step.subject)
        {
            return Arc::clone(sets);
        }
        let sets = Arc::new(ByClass(sets()));
        known.push((step.phase, step.subject.clone(), Arc::clone(&sets)));
        sets
    }
}

/// Sets of files, class by class.
struct ByClass(BTreeSet<SetId>);

impl ByClass {
    /// Those of some areas, which are told for each class; `None`: of all.
    fn own(&self, areas: impl Fn(Class) -> Option<BTreeSet<usize>>) -> Vec<SetId> {
        let mut own = Vec::new();
        let mut next = self.0.first();
        while let Some((class, _)) = next.copied() {
            let last = (class, usize::MAX);
            match areas(class) {
                None => own.extend(self.0.range((class, 0)..=last)),
                Some(areas) => own.extend(areas.into_iter().map(|area| (class, area)).filter(|id| self.0.contains(id))),
            }
            next = self.0.range((Bound::Excluded(last), Bound::Unbounded)).next();
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_class_the_areas_are_told_that_are_asked_for() {
        let classes = [Class::Default, Class::Above, Class::Rooted(0), Class::Rooted(1), Class::Data];
        let all: BTreeSet<SetId> = classes.iter().flat_map(|class| (0..5).map(|area| (*class, area))).collect();
        let sets = ByClass(all.into_iter().filter(|id| *id != (Class::Data, 3)).collect());
        let own = sets.own(|class| match class {
            Class::Data => Some([0, 3, 4, 7].into()),
            Class::Rooted(0) => None,
            Class::Rooted(_) => Some([].into()),
            _ => Some([2].into()),
        });
        let rooted = (0..5).map(|area| (Class::Rooted(0), area));
        let expected = [(Class::Default, 2), (Class::Above, 2)].into_iter().chain(rooted);
        assert_eq!(own, expected.chain([(Class::Data, 0), (Class::Data, 4)]).collect::<Vec<_>>());
    }
}
