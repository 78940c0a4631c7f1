//! What steps wait for that makes something they may read: the steps of custom phases before them, by `needs` or as hooks.
//! It knows neither keys nor records.

use std::sync::OnceLock;

use crate::fingerprint::{Description, Tag};
use crate::model::{Digest, EdgeKind, Plan, Step, StepId, StepInfo};

/// Who makes something for whom.
pub struct Upstream<'a> {
    plan: &'a Plan,
    steps: &'a [StepInfo],
    /// For each node of the plan (steps, then barriers), the nodes that it waits for.
    before: Vec<Vec<usize>>,
    /// What comes through each barrier. Nobody asks before all that it waits for has ended, so it stays as it is.
    through: Vec<OnceLock<Result<Option<Digest>, StepId>>>,
}

/// What came of a step, as far as others care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// Whether it ran.
    pub ran: bool,
    /// What is in the places of its declared outputs; `None` if it declares none, or that cannot be told.
    pub made: Option<Digest>,
}

/// What steps made, each with its name.
pub type MadeBefore<'a> = Vec<(&'a str, Digest)>;

impl<'a> Upstream<'a> {
    /// The steps of a plan.
    pub fn new(plan: &'a Plan, steps: &'a [StepInfo]) -> Self {
        let mut before = vec![Vec::new(); plan.nodes()];
        for edge in &plan.edges {
            let makes = |step: &Step| !step.definition.builtin || step.definition.outputs.is_some();
            let feeds = matches!(edge.kind, EdgeKind::Needs(_) | EdgeKind::Before(_) | EdgeKind::BeforeAll(_));
            if feeds && plan.steps.get(edge.from.index()).is_none_or(makes) {
                before[edge.to.index()].push(edge.from.index());
            }
        }
        let through = (0..plan.barriers).map(|_| OnceLock::new()).collect();
        Self { plan, steps, before, through }
    }

    /// What was made for a step by those that it waits for.
    ///
    /// # Errors
    /// One of them ran, and what it made is not known.
    pub fn made(&self, id: StepId, came: &dyn Fn(StepId) -> Came) -> Result<MadeBefore<'a>, StepId> {
        self.before_node(id.index(), came)
    }

    /// The steps that a step waits for that ran, and of which it is not known what they made.
    pub fn unknown(&self, id: StepId, came: &dyn Fn(StepId) -> Came) -> Vec<StepId> {
        let mut steps = self.before(id);
        steps.retain(|before| {
            let Came { ran, made } = came(*before);
            ran && made.filter(|_| self.plan.step(*before).definition.outputs.is_some()).is_none()
        });
        steps
    }

    /// The steps that a step waits for, through barriers, too.
    pub fn before(&self, id: StepId) -> Vec<StepId> {
        let mut steps = Vec::new();
        let mut pending = vec![id.index()];
        while let Some(node) = pending.pop() {
            let (here, barriers): (Vec<usize>, Vec<usize>) =
                self.before[node].iter().partition(|before| **before < self.plan.steps.len());
            steps.extend(here.into_iter().map(StepId::new));
            pending.extend(barriers);
        }
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    fn before_node(&self, node: usize, came: &dyn Fn(StepId) -> Came) -> Result<MadeBefore<'a>, StepId> {
        let mut made = Vec::new();
        for before in &self.before[node] {
            let Some(step) = self.plan.steps.get(*before) else {
                let barrier = self.through[*before - self.plan.steps.len()].get_or_init(|| {
                    let made = self.before_node(*before, came)?;
                    let mut all = Description::default();
                    made.iter().for_each(|(name, digest)| all.digest(Tag::Outputs, name, *digest));
                    Ok((!made.is_empty()).then(|| all.finish().0))
                });
                made.extend((*barrier)?.map(|digest| ("all steps before it", digest)));
                continue;
            };
            let id = StepId::new(*before);
            let Came { ran, made: digest } = came(id);
            match digest.filter(|_| step.definition.outputs.is_some()) {
                Some(digest) => made.push((&*self.steps[*before].name, digest)),
                None if ran => return Err(id),
                None => {}
            }
        }
        made.sort_unstable();
        made.dedup();
        Ok(made)
    }
}
