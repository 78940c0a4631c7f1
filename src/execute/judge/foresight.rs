//! The verdicts of a run that has not been: what it would put back is taken for lying in its place. It writes nothing.

use super::super::upstream::Came;
use super::{Judge, Judged};
use crate::model::{Reason, StepId, Verdict};

/// What is foreseen of the steps so far, in the order of the plan.
#[derive(Default)]
pub struct Foresight {
    came: Vec<Came>,
}

impl Foresight {
    /// What would come of a step.
    pub fn came(&self, step: StepId) -> Came {
        self.came.get(step.index()).copied().unwrap_or(Came { ran: false, made: None })
    }
}

impl Judge<'_> {
    /// The verdicts on all steps as a run would come to them, if nothing that runs changes files.
    pub fn foresee(&self) -> Vec<Verdict> {
        let mut foresight = Foresight::default();
        self.plan.ids().map(|id| self.foretell(id, &mut foresight).verdict).collect()
    }

    /// The verdict that a run would come to on the next step.
    pub(super) fn foretell(&self, id: StepId, foresight: &mut Foresight) -> Judged {
        let judged = self.put_back(id, self.judge(id, &|step| foresight.came(step)));
        // What is fresh and is run to be verified changes nothing for others.
        foresight.came.push(Came { ran: judged.record.is_none(), made: judged.made() });
        judged
    }

    /// What a run would do with the outputs of a fresh step: the steps after it find them in place.
    fn put_back(&self, id: StepId, judged: Judged) -> Judged {
        let Some(held) = &judged.record else { return judged };
        let step = self.plan.step(id);
        let foreseen = (!held.amiss.is_empty()).then(|| {
            let laid = self.outputs.foreseen(&self.keys.outputs_of(step), &held.amiss)?;
            self.keys.foresee(step, laid).map_err(|error| error.to_string())
        });
        match foreseen {
            _ if self.terms.verify => Judged { verdict: Verdict::Stale(Reason::Verify), ..judged },
            Some(Err(why)) => {
                Judged { verdict: Verdict::Stale(Reason::OutputLost(why.into())), record: None, ..judged }
            }
            Some(Ok(())) | None => judged,
        }
    }
}
