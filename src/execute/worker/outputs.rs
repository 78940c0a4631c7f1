//! The declared outputs of a step that ran, or that is fresh and lacks some of them.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::super::Teller;
use super::super::judge::Held;
use super::{Ending, Produced, Worker};
use crate::home::Claim;
use crate::keys::Key;
use crate::model::{Reason, StepId};
use crate::outputs::{Before, Place};
use crate::store::Manifest;

/// How long to wait before another run is looked at again.
const PAUSE: Duration = Duration::from_millis(20);

impl Worker<'_> {
    /// Waits until no other run is at the outputs of the step, and keeps others from them. What another one is writing
    /// would be taken for what this one made, and the reverse. `None` if there is nothing to claim or no way to.
    pub(super) fn claim(&self, id: StepId, tell: &Teller<'_>) -> Option<Claim> {
        self.plan.step(id).definition.outputs.as_ref().filter(|outputs| !outputs.is_empty())?;
        let mut is_told = false;
        loop {
            match self.outputs.claim(self.judge.name(id)) {
                Ok(None) if !self.is_interrupted() => {}
                claim => return claim.ok().flatten(),
            }
            if !is_told {
                tell.warned(format!("{} waits for another run that is at its outputs", self.judge.name(id)));
                is_told = true;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Likewise, without waiting; `None` if another run is at the outputs.
    pub(super) fn claim_at_once(&self, id: StepId) -> Option<Option<Claim>> {
        if self.plan.step(id).definition.outputs.as_ref().is_none_or(|outputs| outputs.is_empty()) {
            return Some(None);
        }
        self.outputs.claim(self.judge.name(id)).ok()?.map(Some)
    }

    /// Takes back what rests on outputs of others that are no longer as they were, at the end of the run: another run, or
    /// somebody, has changed them, perhaps before they were read.
    pub(super) fn distrust(&self, produced: &mut [Produced]) {
        let mut asked: BTreeMap<StepId, bool> = BTreeMap::new();
        let mut is_changed = |id: &StepId| {
            let Some(list) = self.lists[id.index()].get() else { return false };
            *asked.entry(*id).or_insert_with(|| !self.outputs.amiss(list).is_empty())
        };
        for produced in produced.iter_mut().filter(|produced| matches!(produced.ending, Ending::Good { .. })) {
            if let Some(changed) = self.judge.before(produced.step).into_iter().find(&mut is_changed) {
                let why = format!("the outputs of {} changed during the run", self.judge.name(changed));
                produced.ending = Ending::Unkept(why);
            }
        }
    }

    /// What the step made in the places of its outputs; those who wait for it are told.
    pub(super) fn take_outputs(
        &self,
        (id, key): (StepId, Option<Key>),
        places: &[Place<'_>],
        stood: io::Result<Before>,
        tell: &Teller<'_>,
    ) -> Result<Manifest, String> {
        let stood = stood.map_err(|error| error.to_string())?;
        let manifest = self.outputs.made(places, &stood, self.judge.made_before(id, key).as_ref())?;
        if manifest.entries.is_empty() && !places.is_empty() {
            tell.warned(format!("`outputs` of {} name no file that is there", self.judge.name(id)));
        }
        let _ = self.made[id.index()].set(manifest.digest());
        let _ = self.lists[id.index()].set(manifest.clone());
        Ok(manifest)
    }

    /// The ending with the outputs, if there is a result to keep and they can be kept.
    pub(super) fn with_outputs(&self, ending: Ending, made: Option<Result<Manifest, String>>) -> Ending {
        let (Ending::Good { discovered, artifacts, .. }, Some(made)) = (&ending, made) else { return ending };
        let kept = made.and_then(|manifest| {
            self.outputs.keep(&manifest).map_err(|error| format!("its outputs cannot be stored: {error}"))
        });
        match kept {
            Ok(outputs) => Ending::Good { discovered: discovered.clone(), artifacts: artifacts.clone(), outputs },
            Err(why) => Ending::Unkept(why),
        }
    }

    /// Puts back what is amiss of the outputs of a fresh step.
    pub(super) fn restore(&self, id: StepId, held: &Held, tell: &Teller<'_>) -> Result<(), Reason> {
        let step = self.plan.step(id);
        if !held.amiss.is_empty() {
            let restored = self.outputs.restore(&self.keys.outputs_of(step), &held.amiss);
            // Whether or not all went well: some may be in place.
            self.keys.look_again(step);
            let aside = restored.map_err(|why| Reason::OutputLost(why.into()))?;
            if let [first, more @ ..] = &aside[..] {
                let more =
                    if more.is_empty() { String::new() } else { format!(" (and {} more beside it)", more.len()) };
                let name = self.judge.name(id);
                tell.warned(format!(
                    "outputs of {name} were put back over files stored nowhere else; what stood there is in `{}`{more}",
                    first.display()
                ));
            }
        }
        Ok(())
    }
}
