//! Why a plan cannot be run, with the lines of make.toml that make it so.

use crate::app::{Error, Lifecycle};
use crate::config;
use crate::model::{StepId, StepInfo};
use crate::plan::{Clash, Cycle};

/// The two claims, with their lines of make.toml.
pub fn clash_error(lifecycle: &Lifecycle, steps: &[StepInfo], clash: &Clash) -> Error {
    let name = |step: StepId| &*steps[step.index()].name;
    let [(one, _, first), (other, pattern, second)] = &clash.claims;
    let (one, other) = (name(*one), name(*other));
    let title = format!("`{one}` and `{other}` claim the same output: `{pattern}`");
    let places = vec![(*second, format!("an output of `{other}`")), (*first, format!("an output of `{one}`"))];
    let places = if first == second { places.into_iter().take(1).collect() } else { places };
    let help = "an output belongs to one step; let one of them write it, or give each a folder of its own";
    let text = lifecycle.source.as_ref().map(|source| config::point_at(source, &title, &places, Some(help), true));
    Error::Clash(text.unwrap_or(title))
}

/// The cycle, with the lines of make.toml that make it.
pub fn cycle_error(lifecycle: &Lifecycle, cycle: &Cycle) -> Error {
    let names = cycle.edges.iter().map(|edge| &*edge.from).chain(cycle.edges.last().map(|edge| &*edge.to));
    let title = format!("the plan has a cycle: {}", names.collect::<Vec<_>>().join(" -> "));
    let places = cycle
        .edges
        .iter()
        .filter_map(|edge| Some((edge.kind.span()?, format!("so `{}` waits for `{}`", edge.to, edge.from))));
    let places: Vec<_> = places.collect();
    let help = match &cycle.only_by_groups[..] {
        [] => None,
        [phase, ..] => Some(format!(
            "it exists only because the members of `{phase}` share one call; order them with needs such as \
             `needs = [\"^codegen\"]`, or give `{phase}` a command for each member, with {{spec}}"
        )),
    };
    let text = lifecycle.source.as_ref().map(|source| config::point_at(source, &title, &places, help.as_deref(), true));
    Error::Cycle(text.unwrap_or(title))
}
