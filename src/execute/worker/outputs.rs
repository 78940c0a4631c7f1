//! The declared outputs of a step that ran, or that is fresh and lacks some of them.

use std::io;

use super::super::Teller;
use super::super::judge::Held;
use super::{Ending, Worker};
use crate::model::{Reason, StepId};
use crate::outputs::Before;
use crate::store::Manifest;
use crate::walk::Place;

impl Worker<'_> {
    /// What the step made in the places of its outputs; those who wait for it are told.
    pub(super) fn take_outputs(
        &self,
        id: StepId,
        places: &[Place<'_>],
        stood: io::Result<Before>,
        tell: &Teller,
    ) -> Result<Manifest, String> {
        let stood = stood.map_err(|error| error.to_string())?;
        let manifest = self.outputs.made(places, &stood, self.judge.made_before(id).as_ref())?;
        if manifest.entries.is_empty() && !places.is_empty() {
            tell.warned(format!("`outputs` of {} name no file that is there", self.judge.name(id)));
        }
        let _ = self.made[id.index()].set(manifest.digest());
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
    pub(super) fn restore(&self, id: StepId, held: &Held) -> Result<(), Reason> {
        let step = self.plan.step(id);
        if !held.amiss.is_empty() {
            let restored = self.outputs.restore(&self.keys.outputs_of(step), &held.amiss);
            // Whether or not all went well: some may be in place.
            self.keys.look_again(step);
            restored.map_err(|why| Reason::OutputLost(why.into()))?;
        }
        Ok(())
    }
}
