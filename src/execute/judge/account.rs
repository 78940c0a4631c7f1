//! The full account of each step: every reason to run it, and what its key covers. A run needs neither.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::super::upstream::Came;
use super::foresight::Foresight;
use super::{Held, Judge, Judged, Match};
use crate::fingerprint::Coverer;
use crate::keys::{Key, refined};
use crate::model::{Covers, Discovered, DiscoveredSort, Explanation, KeptResult, Reason, StepId, Verdict, Workspace};

impl Judge<'_> {
    /// Every step as a run would judge it, if nothing that runs changes files, with all that led to it.
    pub fn account(&self, workspace: &Workspace) -> Vec<Explanation> {
        let folders = folders(workspace);
        let folder = |name: &str| folders.get(name).map(|folder| Arc::clone(folder));
        let mut coverer = Coverer::new(&folder);
        let mut foresight = Foresight::default();
        let mut all: Vec<Explanation> = Vec::with_capacity(self.plan.steps.len());
        for id in self.plan.ids() {
            let judged = self.foretell(id, &mut foresight);
            let members = self.plan.step(id).subject.members().iter();
            let explanation = Explanation {
                step: self.steps[id.index()].clone(),
                members: members.map(|member| Arc::clone(&workspace.member(*member).name)).collect(),
                reasons: self.reasons(id, &judged, &|step| foresight.came(step)),
                covers: judged.key.map(|key| self.covers(id, key, &judged, &mut coverer)),
                result: judged.record.as_ref().map(kept),
                verdict: judged.verdict.clone(),
            };
            all.push(explanation);
        }
        all
    }

    fn reasons(&self, id: StepId, judged: &Judged, came: &dyn Fn(StepId) -> Came) -> Vec<Reason> {
        let Verdict::Stale(first) = &judged.verdict else { return Vec::new() };
        let mut reasons = vec![first.clone()];
        let Some(key) = judged.key else { return reasons };
        let cleans = self.cleans.iter().copied().filter(|step| came(*step).ran);
        let before = cleans.chain(self.upstream.unknown(id, came));
        let mut others: Vec<Reason> = before.map(Reason::DependsOn).collect();
        match self.matching(id, key.digest) {
            Match::None => others.push(self.explain(self.name(id), key)),
            Match::Other(reason) => others.push(reason),
            Match::Held(held) => others.extend(self.added(id, &held)),
        }
        others.extend(self.all_amiss(key));
        for other in others {
            if !reasons.contains(&other) {
                reasons.push(other);
            }
        }
        reasons
    }

    /// Everything that is no longer as the result of this key left it.
    fn all_amiss(&self, key: Key) -> Vec<Reason> {
        let Some(record) = self.known.records.find(&key.digest) else { return Vec::new() };
        let now = record.discovered.iter().filter_map(|known| self.keys.look_up(known).ok());
        let mut under = now.filter_map(|now| self.known.records.find(&refined(key.digest, &now)));
        let artifacts = under.next().map(|record| record.artifacts).unwrap_or_default();
        artifacts.iter().chain(&record.artifacts).filter_map(|artifact| self.amiss(artifact)).collect()
    }

    fn covers(&self, id: StepId, key: Key, judged: &Judged, coverer: &mut Coverer<'_>) -> Covers {
        let mut covers = self.keys.with_parts(|parts| coverer.covers(key.digest, parts));
        let discovered = match &judged.record {
            Some(held) => held.discovered.clone().unwrap_or_default(),
            None => self.discovered_before(id),
        };
        for Discovered { sort, name, .. } in discovered {
            match sort {
                DiscoveredSort::Path => covers.discovered_paths.push(name.into()),
                DiscoveredSort::Variable => covers.discovered_variables.push(name.into()),
            }
        }
        covers
    }
}

/// The folders of members and path packages below the root, by their names.
fn folders(workspace: &Workspace) -> HashMap<&str, &Arc<str>> {
    let members = workspace.members.iter().map(|member| (&*member.name, &member.relative_dir));
    let packages = workspace.path_packages.iter().map(|package| (&*package.name, &package.relative_dir));
    packages.chain(members).collect()
}

fn kept(held: &Held) -> KeptResult {
    let since_epoch = Duration::from_millis(held.record.made_at);
    let made_at = SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH);
    KeptResult { made_at, duration: held.record.duration }
}
