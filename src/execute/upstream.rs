//! What steps wait for that makes something they may read: the steps of custom phases before them, and of those built-in ones
//! that make artifacts, by `needs` or as hooks. It knows neither keys nor records.

use std::sync::OnceLock;

use crate::fingerprint::{Description, Tag};
use crate::model::{CargoCommand, Digest, Plan, Step, StepId, StepInfo};

/// Who makes something for whom.
pub struct Upstream<'a> {
    plan: &'a Plan,
    steps: &'a [StepInfo],
    /// For each node of the plan (steps, then barriers), the nodes that it waits for.
    before: Vec<Vec<usize>>,
    /// What comes through each barrier. Nobody asks before all that it waits for has ended, so it stays as it is.
    through: Vec<OnceLock<Through>>,
}

/// What came of a step, as far as others care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// Whether it ran.
    pub ran: bool,
    /// What is in the places of its declared outputs. If it declares none: the state that it was in when it ran, which is as
    /// much as can be told of what it made. `None` if that is not known.
    pub made: Option<Digest>,
}

/// What the steps that one waits for have made.
#[derive(Clone, Debug, Default)]
pub struct MadeBefore<'a> {
    /// What each made, with its name.
    pub made: Vec<(&'a str, Digest)>,
    /// One that ran and declares no outputs.
    pub ran: Option<StepId>,
    /// One that ran, and of whose declared outputs nothing is known.
    pub unknown: Option<StepId>,
}

/// What comes through a barrier.
struct Through {
    made: Option<Digest>,
    ran: Option<StepId>,
    unknown: Option<StepId>,
}

impl<'a> Upstream<'a> {
    /// The steps of a plan.
    pub fn new(plan: &'a Plan, steps: &'a [StepInfo]) -> Self {
        let mut before = vec![Vec::new(); plan.nodes()];
        for edge in &plan.edges {
            let makes =
                |step: &Step| !step.definition.builtin || step.definition.outputs.is_some() || makes_artifacts(step);
            // The order of the command line is no more than a wish.
            if edge.kind.is_hard() && plan.steps.get(edge.from.index()).is_none_or(makes) {
                before[edge.to.index()].push(edge.from.index());
            }
        }
        let through = (0..plan.barriers).map(|_| OnceLock::new()).collect();
        Self { plan, steps, before, through }
    }

    /// What was made for a step by those that it waits for.
    pub fn made(&self, id: StepId, came: &dyn Fn(StepId) -> Came) -> MadeBefore<'a> {
        self.before_node(id.index(), came)
    }

    /// The steps that a step waits for that ran, and of which it is not known what they made.
    pub fn unknown(&self, id: StepId, came: &dyn Fn(StepId) -> Came) -> Vec<StepId> {
        let mut steps = self.before(id);
        steps.retain(|before| {
            let Came { ran, made } = came(*before);
            ran && (made.is_none() || self.plan.step(*before).definition.outputs.is_none())
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

    fn before_node(&self, node: usize, came: &dyn Fn(StepId) -> Came) -> MadeBefore<'a> {
        let mut all = MadeBefore::default();
        for before in &self.before[node] {
            let Some(step) = self.plan.steps.get(*before) else {
                let barrier = self.through[*before - self.plan.steps.len()].get_or_init(|| {
                    let MadeBefore { made, ran, unknown } = self.before_node(*before, came);
                    let mut one = Description::default();
                    made.iter().for_each(|(name, digest)| one.digest(Tag::Outputs, name, *digest));
                    Through { made: (!made.is_empty()).then(|| one.finish().0), ran, unknown }
                });
                all.made.extend(barrier.made.map(|digest| ("all steps before it", digest)));
                all.ran = all.ran.or(barrier.ran);
                all.unknown = all.unknown.or(barrier.unknown);
                continue;
            };
            let id = StepId::new(*before);
            let Came { ran, made } = came(id);
            match &step.definition.outputs {
                // It only stands between: what it waits for comes through it.
                Some(outputs) if outputs.is_empty() => {
                    all.add(self.before_node(*before, came));
                    continue;
                }
                Some(_) if made.is_none() && ran => all.unknown = all.unknown.or(Some(id)),
                None if ran => all.ran = all.ran.or(Some(id)),
                _ => {}
            }
            all.made.extend(made.map(|digest| (&*self.steps[*before].name, digest)));
        }
        all.made.sort_unstable();
        all.made.dedup();
        all
    }
}

/// Whether it makes artifacts for others to use: programs, documentation.
fn makes_artifacts(step: &Step) -> bool {
    let makes = |cargo| matches!(cargo, CargoCommand::Build | CargoCommand::Doc);
    step.definition.commands.iter().any(|command| command.cargo().is_some_and(makes))
}

impl MadeBefore<'_> {
    fn add(&mut self, mut other: Self) {
        self.made.append(&mut other.made);
        self.ran = self.ran.or(other.ran);
        self.unknown = self.unknown.or(other.unknown);
    }
}
