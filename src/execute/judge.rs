//! Whether a step has to run, and why. It runs nothing.

mod account;
mod foresight;
mod made;
mod unseen;

use std::path::Path;
use std::sync::OnceLock;

use super::upstream::{Came, Upstream};
use crate::fingerprint::changes;
use crate::home::Home;
use crate::keys::{Key, Keys, names_in, refined, refinement};
use crate::model::{
    CargoCommand, Change, ChangeKind, Command, Digest, Discovered, DiscoveredSort, Engine, Plan, Reason, Step, StepId,
    StepInfo, Verdict,
};
use crate::outputs::Outputs;
use crate::state::{Ended, LastRun, State};
use crate::store::{Bounds, Descriptions, Made, Manifest, Passed, Record, Records};
pub use unseen::{Doubts, Overlooked, Unseen, of_another, passed_by, undocumented};

/// What verdicts are made of.
pub struct Judge<'a> {
    plan: &'a Plan,
    steps: &'a [StepInfo],
    keys: &'a Keys<'a>,
    known: Known<'a>,
    terms: Terms,
    upstream: Upstream<'a>,
    outputs: &'a Outputs<'a>,
    /// The steps that clean: after one nothing that was recorded before counts.
    cleans: Vec<StepId>,
    descriptions: OnceLock<Descriptions>,
}

/// What the records say of a key.
enum Match {
    /// Nothing.
    None,
    /// Something that does not hold, and why.
    Other(Reason),
    /// This holds.
    Held(Box<Held>),
}

/// What is no longer as it was discovered.
fn differences(known: &[Discovered], now: &[Discovered]) -> Option<Reason> {
    let changed = known.iter().zip(now).filter(|(known, now)| known.digest != now.digest);
    let changes = changed.map(|(known, now)| {
        let kind = match (known.sort, known.digest, now.digest) {
            (DiscoveredSort::Variable, ..) => ChangeKind::Variable,
            (DiscoveredSort::Path, None, _) => ChangeKind::FileAdded,
            (DiscoveredSort::Path, _, None) => ChangeKind::FileRemoved,
            (DiscoveredSort::Path, ..) => ChangeKind::FileChanged,
        };
        Change { kind, name: known.name.as_str().into(), before: None, after: None }
    });
    let mut changes: Vec<Change> = changes.collect();
    changes.sort();
    (!changes.is_empty()).then_some(Reason::Changed(changes))
}

/// What is known from earlier runs.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Where it is kept.
    pub home: &'a Home,
    /// How each step ended last.
    pub state: &'a State,
    /// The results that are kept.
    pub records: &'a Records,
    /// Cargo's target directory.
    pub target_dir: &'a Path,
    /// How much of it is kept, and the time.
    pub bounds: Bounds,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Run what is fresh, too.
    pub force: bool,
    /// Neither read nor write records.
    pub no_cache: bool,
    /// Run what is fresh, to see whether it comes to what is stored.
    pub verify: bool,
}

/// A verdict, and what it rests on.
#[derive(Debug)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The key, if the step has one and may be recorded.
    pub key: Option<Key>,
    /// The record that makes it fresh.
    pub record: Option<Held>,
}

impl Judged {
    /// What is in the places of its declared outputs, or the state that it is in if it declares none; if it is fresh.
    pub fn made(&self) -> Option<Digest> {
        let held = self.record.as_ref()?;
        Some(held.outputs.as_ref().map_or(held.digest, Manifest::digest))
    }
}

/// Whether the step may write files of which nothing tells: it declares no outputs, and may write anything.
pub fn may_make_anything(step: &Step) -> bool {
    step.definition.outputs.is_none() && may_write_anything(step)
}

/// Whether the step may write any files: it is not of those calls of cargo whose artifacts are looked at, or that make none.
/// What it declares makes no difference: that may be another thing tomorrow, and the files are the same.
pub fn may_write_anything(step: &Step) -> bool {
    use CargoCommand::{Build, Check, Clippy, Doc, Fmt};
    if step.definition.engine == Engine::CargoTest {
        // As with `cargo test`, what tests write is for themselves.
        return false;
    }
    let is_known = |command: &Command| matches!(command.cargo(), Some(Build | Check | Clippy | Doc | Fmt));
    !step.definition.builtin && !step.definition.commands.iter().all(is_known)
}

/// A record that holds.
#[derive(Debug)]
pub struct Held {
    /// What it says.
    pub record: Record,
    /// The digest it stands under: the key's, or refined by what was discovered.
    pub digest: Digest,
    /// What was discovered, as it is now.
    pub discovered: Option<Vec<Discovered>>,
    /// The outputs that the step declares.
    pub outputs: Option<Manifest>,
    /// Its parts, if it was done in such.
    pub parts: Vec<Passed>,
    /// Those of them that are to be put back.
    pub amiss: Vec<Made>,
}

impl<'a> Judge<'a> {
    /// A judge for the steps of a plan.
    pub fn new(
        (plan, steps): (&'a Plan, &'a [StepInfo]),
        (keys, outputs): (&'a Keys<'a>, &'a Outputs<'a>),
        known: Known<'a>,
        terms: Terms,
    ) -> Self {
        let cleans = |id: &StepId| {
            plan.step(*id).definition.commands.iter().any(|command| command.cargo() == Some(CargoCommand::Clean))
        };
        let cleans = plan.ids().filter(cleans).collect();
        let upstream = Upstream::new(plan, steps);
        Self { plan, steps, keys, outputs, known, terms, upstream, cleans, descriptions: OnceLock::new() }
    }

    /// Where everything is kept.
    pub fn home(&self) -> &Home {
        self.known.home
    }

    /// The verdict on a step now; `came` tells what came (or would come) of the steps before it.
    pub fn judge(&self, id: StepId, came: &dyn Fn(StepId) -> Came) -> Judged {
        let step = self.plan.step(id);
        let stale = |reason, key| Judged { verdict: Verdict::Stale(reason), key, record: None };
        if self.terms.no_cache {
            return stale(Reason::CacheOff, None);
        }
        if !step.definition.cache {
            return stale(Reason::NotCached, None);
        }
        if let Some(option) = self.keys.leading_elsewhere(step) {
            return stale(Reason::LedElsewhere(option), None);
        }
        let before = self.upstream.made(id, came);
        if let Some(upstream) = before.unknown {
            // What it makes is part of the key, so there is none.
            return stale(Reason::DependsOn(upstream), None);
        }
        let key = match self.keys.key(step, &before.made) {
            Ok(key) => key,
            Err(reason) => return stale(reason, None),
        };
        if self.terms.force {
            return stale(Reason::Forced, Some(key));
        }
        if let Some(clean) = self.cleans.iter().find(|step| came(**step).ran) {
            return stale(Reason::DependsOn(*clean), Some(key));
        }
        if let Some(upstream) = before.ran {
            return stale(Reason::DependsOn(upstream), Some(key));
        }
        match self.matching(id, key.digest) {
            Match::None => stale(self.explain(self.name(id), key), Some(key)),
            Match::Other(reason) => stale(reason, Some(key)),
            Match::Held(held) => match self.added(id, &held) {
                Some(reason) => stale(reason, Some(key)),
                None => {
                    let verdict = Verdict::Fresh { saved: held.record.duration };
                    Judged { verdict, key: Some(key), record: Some(*held) }
                }
            },
        }
    }

    /// The record that holds now: the one under the key, or under the key refined by what was discovered.
    fn matching(&self, id: StepId, key: Digest) -> Match {
        let Some(record) = self.known.records.find(&key) else { return Match::None };
        if record.discovered.is_empty() {
            return self.in_place(id, (record, key, None));
        }
        let mut reason = None;
        for known in &record.discovered {
            let now = match self.keys.look_up(known) {
                Ok(now) => now,
                Err(path) => return Match::Other(Reason::Unreadable(path.into())),
            };
            let digest = refined(key, &now);
            let Some(record) = self.known.records.find(&digest) else {
                reason = reason.or_else(|| differences(known, &now));
                continue;
            };
            match self.in_place(id, (record, digest, Some(now))) {
                Match::Other(other) => reason = Some(other),
                found => return found,
            }
        }
        reason.map_or(Match::None, Match::Other)
    }

    /// Whether fresh steps are to be run, too, and compared.
    pub fn verifies(&self) -> bool {
        self.terms.verify
    }

    /// The steps that may make something for this one.
    pub fn before(&self, id: StepId) -> Vec<StepId> {
        self.upstream.before(id)
    }

    /// The step's name.
    pub fn name(&self, id: StepId) -> &str {
        &self.steps[id.index()].name
    }

    /// The digest of the result that would make the step fresh, although it was run: by force, or because more lay in the places
    /// of its outputs, which it may have removed.
    pub fn passed_over(&self, id: StepId, key: Key) -> Option<Digest> {
        let is_run_all_the_same = self.terms.force || self.plan.step(id).definition.outputs.is_some();
        match self.matching(id, key.digest) {
            Match::Held(held) if is_run_all_the_same => Some(held.digest),
            _ => None,
        }
    }

    /// What is kept of a part of a step, by its key, if it need not be done; `name`: what the state calls it.
    ///
    /// # Errors
    /// Why it has to be done.
    pub fn part(&self, name: &str, key: Key) -> Result<Record, Reason> {
        let Terms { force, no_cache, verify } = self.terms;
        match self.known.records.find(&key.digest) {
            _ if no_cache => Err(Reason::CacheOff),
            _ if force => Err(Reason::Forced),
            _ if verify => Err(Reason::Verify),
            Some(Record { output: Some(blob), .. }) if !self.outputs.is_whole(&blob.digest) => {
                Err(Reason::OutputLost("what it printed is no longer stored".into()))
            }
            Some(record) => Ok(record),
            None => Err(self.explain(name, key)),
        }
    }

    /// How a step, or a part of one, ended last.
    pub fn last(&self, name: &str) -> Option<&LastRun> {
        self.known.state.steps.get(name)
    }

    /// Whether the step was last seen in another state than this, or never.
    pub fn is_other(&self, id: StepId, digest: Digest) -> bool {
        let last = self.known.state.steps.get(&*self.steps[id.index()].name);
        last.is_none_or(|last| last.key != Some(digest))
    }

    /// Whether nobody knows in which state the step's last run left what it makes: it was interrupted, or failed, or what came of
    /// it was not to be kept. A record of the same state may be of an earlier run.
    fn is_unfinished(&self, id: StepId) -> bool {
        let is_whole = |last: &LastRun| last.ended == Ended::Succeeded && last.not_kept.is_none() && !last.is_unknown;
        self.last(self.name(id)).is_some_and(|last| !is_whole(last))
    }

    /// Whether the use of the record is to be noted.
    pub fn is_use_due(&self, record: &Record) -> bool {
        self.known.records.is_use_due(record, &self.known.bounds)
    }

    /// What the step's last run was seen to depend on besides its key, as it is now.
    pub fn discovered_before(&self, id: StepId) -> Vec<Discovered> {
        let descriptions = self.descriptions();
        let root = descriptions.root_of(&self.steps[id.index()].name);
        let names = root.and_then(|root| descriptions.part(&root)).map(names_in).unwrap_or_default();
        self.keys.look_up(&names).unwrap_or_default()
    }

    fn descriptions(&self) -> &Descriptions {
        self.descriptions.get_or_init(|| Descriptions::load(self.known.home).0)
    }

    /// What is different from the last time the step ran.
    fn explain(&self, name: &str, key: Key) -> Reason {
        let descriptions = self.descriptions();
        let Some(last) = self.known.state.steps.get(name) else { return Reason::FirstRun };
        let Some(old) = descriptions.root_of(name) else {
            return if last.key.is_some() { Reason::NoRecord } else { Reason::FirstRun };
        };
        let discovered = names_in(descriptions.part(&old).unwrap_or_default());
        let (new, bytes) = match self.keys.look_up(&discovered) {
            Ok(now) if !now.is_empty() => refinement(key.digest, &now).finish(),
            _ => (key.digest, Vec::new()),
        };
        let mut changes = self.keys.with_parts(|parts| {
            let old_pool = |digest: &_| descriptions.part(digest);
            let new_pool = |digest: &_| if *digest == new && !bytes.is_empty() { Some(&*bytes) } else { parts(digest) };
            changes(old, &old_pool, new, &new_pool)
        });
        // What changed in a folder that is watched says more than that it changed.
        changes.sort_by_cached_key(|change| {
            change.kind == ChangeKind::FileChanged && self.keys.disk().is_folder(&self.keys.file_of(&change.name).0)
        });
        match last.ended {
            _ if !changes.is_empty() => Reason::Changed(changes),
            _ if last.is_unknown => {
                Reason::NotKept("how its last run ended was not noted, as when it is killed, or with --no-cache".into())
            }
            Ended::Failed => Reason::FailedBefore,
            Ended::Cancelled => Reason::InterruptedBefore,
            Ended::Succeeded => match &last.not_kept {
                Some(why) => Reason::NotKept(why.as_str().into()),
                None => Reason::Evicted,
            },
        }
    }
}
