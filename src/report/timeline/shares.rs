//! What the wall time of a run went into: at each moment the time is divided among what has a job then, so that all shares
//! together are the wall time.

use std::sync::Arc;
use std::time::Duration;

use super::{Bar, Timeline};
use crate::model::Closing;

/// A share of the wall time, and what it consists of, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Share {
    pub(in super::super) name: Arc<str>,
    /// That of the children included.
    pub(in super::super) time: Duration,
    pub(in super::super) children: Vec<Share>,
}

/// From the question to the plan.
const PLANNING: &str = "planning";
/// From the plan to the first step: what all steps read is looked at.
const LOOKING: &str = "looking at files";
/// Of a step: whether it has to run.
const JUDGING: &str = "judging";
/// Nothing had a job although something was to come.
const BETWEEN: &str = "between steps";
/// After the last step that counts.
const WRITING: &str = "writing results";

/// What came of one bar.
#[derive(Clone, Copy, Default)]
struct Own {
    judging: Duration,
    running: Duration,
}

impl Timeline {
    /// The shares: the run, its phases, their steps, and their parts.
    pub(in super::super) fn shares(&self) -> Share {
        let (own, between, writing) = self.divided();
        let (begun, first) = (self.begun.min(self.end), self.first().min(self.end));
        let mut children = vec![Share::leaf(PLANNING, begun), Share::leaf(LOOKING, first.saturating_sub(begun))];
        children.extend(self.by_phase(&own));
        children.push(Share::leaf(BETWEEN, between));
        children.push(Share::leaf(WRITING, writing));
        Share::of(Arc::clone(&self.workspace), children)
    }

    /// What each bar got, what nobody got between two steps, and what nobody got at the end.
    fn divided(&self) -> (Vec<Own>, Duration, Duration) {
        let mut own = vec![Own::default(); self.bars.len()];
        let (mut between, mut writing) = (Duration::ZERO, Duration::ZERO);
        let results_at = self.results_at();
        let mut points: Vec<(Duration, usize, bool)> = Vec::with_capacity(self.bars.len() * 2);
        for (place, bar) in self.bars.iter().enumerate() {
            points.extend([(bar.from, place, true), (bar.to, place, false)]);
            points.extend(bar.started.map(|started| (started, place, true)));
        }
        points.push((self.end, usize::MAX, false));
        points.sort_unstable();
        let mut active: Vec<usize> = Vec::new();
        let mut now = self.first();
        for (at, bar, is_there) in points {
            let span = at.saturating_sub(now);
            if !active.is_empty() {
                divide(span, &active, &mut |bar, share| self.give(bar, now, share, &mut own));
            } else if now >= results_at {
                writing += span;
            } else {
                between += span;
            }
            now = at;
            match active.iter().position(|one| *one == bar) {
                Some(place) if !is_there => _ = active.swap_remove(place),
                None if is_there && self.bars.get(bar).is_some_and(|bar| at < bar.to) => active.push(bar),
                _ => {}
            }
        }
        (own, between, writing)
    }

    fn give(&self, place: usize, at: Duration, share: Duration, own: &mut [Own]) {
        let Some((bar, own)) = self.bars.get(place).zip(own.get_mut(place)) else { return };
        let is_running = bar.started.is_some_and(|started| at >= started);
        *(if is_running { &mut own.running } else { &mut own.judging }) += share;
    }

    /// When the results are written: what comes after the run, comes later.
    fn results_at(&self) -> Duration {
        let is_after = |bar: &&Bar| {
            let step = self.tasks.get(bar.task).and_then(|task| self.steps.get(task.step.index()));
            matches!(step.and_then(|step| step.closing()), Some(Closing::OnSuccess | Closing::OnError))
        };
        self.bars.iter().filter(|bar| !is_after(bar)).map(|bar| bar.to).max().unwrap_or(self.end)
    }

    /// The phases in the order in which they began; so their steps, and their parts.
    fn by_phase(&self, own: &[Own]) -> Vec<Share> {
        let mut phases: Vec<(Arc<str>, Vec<usize>)> = Vec::new();
        let mut steps: Vec<Vec<Share>> = vec![Vec::new(); self.tasks.len()];
        for (bar, own) in self.bars.iter().zip(own) {
            let Some(task) = self.tasks.get(bar.task) else { continue };
            let step = task.step.index();
            let Some(shares) = steps.get_mut(step) else { continue };
            if shares.is_empty() {
                match phases.iter_mut().find(|(phase, _)| *phase == task.phase) {
                    Some((_, steps)) => steps.push(step),
                    None => phases.push((Arc::clone(&task.phase), vec![step])),
                }
            }
            let is_part = task.is_part;
            // What a step does by itself has no name of its own: it is what its parts leave of it.
            let running = if is_part { Arc::clone(&task.name) } else { "".into() };
            shares.push(Share { name: running, time: own.running, children: Vec::new() });
            shares.push(Share::leaf(JUDGING, own.judging));
        }
        let step = |step: usize| {
            let name = self.tasks.get(step).map(|task| Arc::clone(&task.name)).unwrap_or_default();
            let shares = steps.get(step).cloned().unwrap_or_default();
            Share::of(name, shares)
        };
        let phase = |(name, steps): (Arc<str>, Vec<usize>)| {
            Share::of(format!("phase {name}").into(), steps.into_iter().map(step).collect())
        };
        phases.into_iter().map(phase).collect()
    }
}

impl Share {
    fn leaf(name: &str, time: Duration) -> Self {
        Self { name: name.into(), time, children: Vec::new() }
    }

    /// One of these; those without a name and those of no time are only counted.
    fn of(name: Arc<str>, children: Vec<Self>) -> Self {
        let time = children.iter().map(|child| child.time).sum();
        let children = children.into_iter().filter(|child| !child.name.is_empty() && !child.time.is_zero()).collect();
        Self { name, time, children }
    }
}

/// Divides a time so that nothing of it is lost.
fn divide(time: Duration, among: &[usize], give: &mut dyn FnMut(usize, Duration)) {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let (each, rest) = (nanos / among.len() as u64, nanos % among.len() as u64);
    for (place, bar) in among.iter().enumerate() {
        give(*bar, Duration::from_nanos(each + u64::from((place as u64) < rest)));
    }
}
