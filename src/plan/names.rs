//! What the steps of a plan are called: the same step has the same name in every run. Pure.

use std::sync::Arc;

use crate::model::{Plan, Project, Step, StepInfo, Subject, Workspace};

/// The steps' names: the phase alone for the workspace and for the group that does what the phase says, with the member's
/// name for a member, with the first member's name for a group that make.toml sets apart. What closes the run says so
/// first, since the same phase may stand in the plan besides.
#[must_use]
pub fn names(plan: &Plan, workspace: &Workspace, project: &Project) -> Arc<[StepInfo]> {
    let steps = plan.steps.iter().enumerate().map(|(place, step)| {
        let info = name(step, workspace, project);
        match plan.closes(place) {
            Some(closing) => StepInfo { name: format!("{}: {}", closing.key(), info.name).into(), ..info },
            None => info,
        }
    });
    steps.collect()
}

/// Whether a step can be called so as the workspace and make.toml are now. Of parts of steps nothing is said.
pub fn is_name(name: &str, workspace: &Workspace, project: &Project) -> bool {
    if name.contains(": ") {
        return true;
    }
    let (phase, member) = name.split_once(' ').map_or((name, None), |(phase, member)| (phase, Some(member)));
    project.named(phase).is_some() && member.is_none_or(|member| workspace.named(member).is_some())
}

fn name(step: &Step, workspace: &Workspace, project: &Project) -> StepInfo {
    let phase = project.phase(step.phase);
    let of = |member| -> Arc<str> { format!("{} {}", phase.name, workspace.member(member).name).into() };
    let (name, members) = match &step.subject {
        Subject::Workspace => (Arc::clone(&phase.name), 0),
        Subject::Member(member) => (of(*member), 1),
        Subject::Group(members) => {
            let plain = phase
                .definition
                .as_ref()
                .is_some_and(|own| own.commands == step.definition.commands && own.env == step.definition.env);
            let name = members.first().filter(|_| !plain).map_or_else(|| Arc::clone(&phase.name), |first| of(*first));
            (name, members.len())
        }
    };
    StepInfo { name, phase: Arc::clone(&phase.name), members }
}
