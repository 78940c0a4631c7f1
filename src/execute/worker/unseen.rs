//! What cargo has not looked at, in a step that ran: whether that matters, and whose work it took for ours.

use std::cell::LazyCell;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::SystemTime;

use super::super::Teller;
use super::super::judge::{self, Doubts, Overlooked, Unseen};
use super::super::ran::Ran;
use super::Worker;
use crate::keys::{Key, Unit, nanoseconds, silent_since, watched_before};
use crate::model::{CargoCommand, MemberId, StepId};
use crate::state::makers;

impl Worker<'_> {
    /// What cargo told of in this run of a step. It is noted what it has made just now.
    pub(super) fn units(&self, ran: &Ran, began: SystemTime) -> Vec<Unit> {
        let units = self.keys.units((&ran.artifacts, &ran.scripts), nanoseconds(began));
        let made = units.iter().filter(|unit| !unit.fresh).map(|unit| (unit.unit.clone(), unit.made_ns));
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).extend(made);
        units
    }

    /// What to tell of something that cargo did not look at: a file that has changed since the step's last run, or one that
    /// was put in place after somebody else made what cargo took for fresh, or what another checkout made.
    pub(super) fn unseen(&self, (ran, units): (&Ran, &[Unit]), doubts: &Doubts, tell: &Teller<'_>) -> Option<String> {
        if !ran.reported {
            return None;
        }
        // It is read from many files: once, and only if something is in doubt.
        let watched = LazyCell::new(|| watched_before(&ran.scripts, doubts.ended_ns));
        let unseen = doubts.files.iter().find(|unseen| !self.is_made_good(unseen, ran, &watched)).map(Unseen::text);
        let made = (&*ran.artifacts, &*ran.scripts);
        let overlooked = || Some(judge::passed_by(&self.keys.overlooked(made, doubts.since_ns)?));
        let undocumented = || self.keys.undocumented(&ran.artifacts).as_ref().map(judge::undocumented);
        unseen.or_else(overlooked).or_else(undocumented).or_else(|| self.foreign(units, doubts.since_ns, tell))
    }

    fn foreign(&self, units: &[Unit], since_ns: i64, tell: &Teller<'_>) -> Option<String> {
        if !units.iter().any(|unit| unit.is_doubted(since_ns)) {
            return None;
        }
        let home = self.judge.home();
        let us = makers::name(home);
        let (mut makers, warning) = makers::load(home);
        warning.into_iter().for_each(|text| tell.warned(text));
        makers.add(&us, &self.compiled.lock().unwrap_or_else(PoisonError::into_inner));
        self.keys.foreign(units, since_ns, (&us, &makers)).map(|found| judge::of_another(&found))
    }

    /// Whether cargo would see what differs from the state that the step was last seen in. Where it would not, its own
    /// results still are those of that state, and the next run has to be compared with it.
    pub(super) fn is_seen(&self, id: StepId, key: Key) -> bool {
        let mut commands = self.plan.step(id).definition.commands.iter().filter_map(|command| command.cargo());
        !commands.any(CargoCommand::compiles) || self.judge.unseen_by_cargo(id, key).files.is_empty()
    }

    /// Whether cargo compiled everything that the file is for, so that it does not matter what it looked at; `watched`: the
    /// paths for which it ran no build script.
    fn is_made_good(&self, unseen: &Unseen, ran: &Ran, watched: &[PathBuf]) -> bool {
        let workspace = self.expansion.workspace;
        match &unseen.why {
            Overlooked::Old(member) => self.is_recompiled(*member, ran),
            Overlooked::LintConfig(folder) => {
                let concerned = workspace.ids().filter(|id| workspace.member(*id).dir.starts_with(folder));
                let mut compiled = concerned.filter(|id| self.has_artifacts(*id, ran));
                compiled.all(|id| self.is_recompiled(Some(id), ran))
            }
            Overlooked::NotNewest(member, came_ns) => {
                let spec = workspace.member(*member).package.as_ref().map(|package| &*package.spec);
                let mut own = ran.scripts.iter().filter(|script| Some(&*script.package_id) == spec);
                own.all(|script| silent_since(script).is_none_or(|ran_ns| ran_ns > *came_ns))
            }
            Overlooked::Watched { path, .. } => !watched.iter().any(|watched| path.starts_with(watched)),
        }
    }

    /// Whether cargo told of anything of the member.
    fn has_artifacts(&self, member: MemberId, ran: &Ran) -> bool {
        let package = self.expansion.workspace.member(member).package.as_ref();
        package.is_some_and(|package| ran.artifacts.iter().any(|artifact| *artifact.package_id == *package.spec))
    }

    /// Whether cargo compiled everything of the member.
    fn is_recompiled(&self, member: Option<MemberId>, ran: &Ran) -> bool {
        let package = member.and_then(|member| self.expansion.workspace.member(member).package.as_ref());
        let Some(package) = package else { return false };
        let mut own = ran.artifacts.iter().filter(|artifact| *artifact.package_id == *package.spec).peekable();
        own.peek().is_some() && own.all(|artifact| !artifact.fresh)
    }
}
