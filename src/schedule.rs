//! Which step may start when, and what becomes of the others when one ends: the whole of a run's decisions, as a pure
//! machine. It knows no processes and no clock.

mod estimate;
mod locks;
#[cfg(test)]
mod simulation;
mod terms;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use crate::model::{Node, Outcome, Plan, StepId};
use estimate::remaining;
pub use terms::{Action, Note, PartTerms, Terms};

/// A name for something that at most one running step, or part of one, may hold.
pub type Lock = Arc<str>;

/// The state of a run: what waits, what is ready, what runs, what is over.
pub struct Schedule<'a> {
    plan: &'a Plan,
    terms: Terms,
    dependents: Vec<Vec<(Node, bool)>>,
    /// For each node, how many it still waits for.
    waiting: Vec<u32>,
    /// For each node, the step whose failure it cannot do without.
    blocked: Vec<Option<StepId>>,
    /// For each node, the weight of the longest way from its start to the end of the plan.
    remaining: Vec<u64>,
    ready: Queue,
    held: Vec<Lock>,
    /// What is ready but for a lock that is held. When the lock comes free, the first of them is among the ready again.
    locked_out: BTreeMap<Lock, Queue>,
    notes: Vec<Note>,
    /// What came to be ready and was not asked about.
    unasked: Vec<StepId>,
    state: Vec<State>,
    /// The steps that are in parts.
    parts: BTreeMap<StepId, Parts>,
    running: usize,
    unfinished: usize,
    stopping: bool,
    /// The weights of the steps that had to run, and of those that had not.
    ran: u64,
    fresh: u64,
}

/// What wants to start; first what has the longest way ahead of it.
type Queue = BinaryHeap<(u64, Reverse<Unit>)>;

/// What takes jobs when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Join(StepId),
    Step(StepId),
    Part(StepId, usize),
}

/// The parts of a step.
struct Parts {
    terms: Vec<PartTerms>,
    /// Those that have not started.
    waiting: usize,
    running: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Ready,
    Running,
    /// Its parts run, or wait for jobs.
    InParts,
    /// Its parts have ended.
    Joining,
    Over,
}

impl<'a> Schedule<'a> {
    /// A schedule in which nothing has started.
    pub fn new(plan: &'a Plan, terms: Terms) -> Self {
        let nodes = plan.nodes();
        let mut dependents = vec![Vec::new(); nodes];
        let mut waiting = vec![0; nodes];
        for edge in &plan.edges {
            dependents[edge.from.index()].push((edge.to, edge.kind.is_hard()));
            waiting[edge.to.index()] += 1;
        }
        let remaining = remaining(plan, &dependents, &terms.weights);
        let only = terms.only.clone().unwrap_or(0..plan.steps.len());
        let state = |place| if only.contains(&place) { State::Waiting } else { State::Over };
        Self {
            plan,
            terms,
            dependents,
            waiting,
            blocked: vec![None; nodes],
            remaining,
            ready: BinaryHeap::new(),
            held: Vec::new(),
            locked_out: BTreeMap::new(),
            notes: Vec::new(),
            unasked: Vec::new(),
            state: (0..plan.steps.len()).map(state).collect(),
            parts: BTreeMap::new(),
            running: 0,
            unfinished: only.len(),
            stopping: false,
            ran: 0,
            fresh: 0,
        }
    }

    /// What to do first.
    pub fn begin(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        let free = (0..self.plan.nodes() as u32).map(Node).filter(|node| self.waiting[node.index()] == 0);
        let is_left_out = |node: &Node| self.state.get(node.index()) == Some(&State::Over);
        let free = free.filter(|node| !is_left_out(node));
        for node in free.collect::<Vec<_>>() {
            self.release(node, &mut actions);
        }
        self.start(&mut actions);
        actions
    }

    /// What to do after a running step has ended.
    pub fn ended(&mut self, step: StepId, outcome: &Outcome) -> Vec<Action> {
        debug_assert!(matches!(self.state[step.index()], State::Running | State::Joining));
        let mut actions = Vec::new();
        self.running -= if self.state[step.index()] == State::Running { self.width(step) } else { 1 };
        if self.state[step.index()] == State::Running {
            self.unlock(step);
        }
        let is_fresh = matches!(outcome, Outcome::Cached { .. });
        *(if is_fresh { &mut self.fresh } else { &mut self.ran }) += weight_of(&self.terms, step);
        self.over(step, outcome, &mut actions);
        if matches!(outcome, Outcome::Failed(_)) && !self.terms.keep_going {
            self.stop_into(&mut actions);
        }
        self.start(&mut actions);
        actions
    }

    /// What to do now that it is known which steps of those that were asked about need not run, and how they end.
    pub fn answered(&mut self, passed: Vec<(StepId, Outcome)>) -> Vec<Action> {
        let mut actions = Vec::new();
        for (step, outcome) in passed {
            if self.state[step.index()] != State::Ready {
                continue;
            }
            self.fresh += weight_of(&self.terms, step);
            // It may have stood first in the line of those that want its lock.
            if let Some(lock) = self.lock(step) {
                self.next_for(&lock);
            }
            self.over(step, &outcome, &mut actions);
        }
        self.start(&mut actions);
        actions
    }

    /// What to do after a running step has come into parts: it gives its job and its lock away, and goes on when all of
    /// them have ended.
    pub fn split(&mut self, step: StepId, parts: Vec<PartTerms>) -> Vec<Action> {
        debug_assert_eq!(self.state[step.index()], State::Running);
        let mut actions = Vec::new();
        self.running -= self.width(step);
        self.unlock(step);
        self.state[step.index()] = State::InParts;
        let beyond = self.remaining[step.index()].saturating_sub(weight_of(&self.terms, step));
        if !self.stopping {
            let ready = parts.iter().enumerate();
            self.ready.extend(
                ready.map(|(place, terms)| (beyond.saturating_add(terms.weight), Reverse(Unit::Part(step, place)))),
            );
        }
        let waiting = if self.stopping { 0 } else { parts.len() };
        self.parts.insert(step, Parts { terms: parts, waiting, running: 0 });
        self.join_if_over(step);
        self.start(&mut actions);
        actions
    }

    /// What to do after a part has ended.
    pub fn part_ended(&mut self, step: StepId, place: usize, failed: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        self.running -= self.jobs_of(step, place);
        if let Some(parts) = self.parts.get_mut(&step) {
            parts.running -= 1;
            let lock = parts.terms.get(place).and_then(|terms| terms.lock.clone());
            self.give_back(lock);
        }
        if failed && !self.terms.keep_going {
            self.block_dependents(step);
            self.stop_into(&mut actions);
        }
        self.join_if_over(step);
        self.start(&mut actions);
        actions
    }

    /// Starts nothing more: what has not started is over. Running steps end by themselves.
    pub fn stop(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.stop_into(&mut actions);
        self.start(&mut actions);
        actions
    }

    /// What became of those that want to start since this was last asked.
    pub fn notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Whether every step has ended.
    pub fn is_over(&self) -> bool {
        self.unfinished == 0
    }

    /// Whether the step waits for nothing but its turn.
    pub fn is_ready(&self, step: StepId) -> bool {
        self.state[step.index()] == State::Ready
    }

    /// Whether nothing else runs while the step does.
    pub fn is_alone(&self, step: StepId) -> bool {
        self.terms.alone.get(step.index()).copied().unwrap_or(false)
    }

    /// The jobs that a step takes: all there are, if it is to be alone.
    fn width(&self, step: StepId) -> usize {
        if self.is_alone(step) { self.terms.jobs.max(1) } else { 1 }
    }

    /// The jobs that a part takes: never more than there are.
    fn jobs_of(&self, step: StepId, place: usize) -> usize {
        let terms = self.parts.get(&step).and_then(|parts| parts.terms.get(place));
        terms.map_or(1, |terms| terms.jobs).clamp(1, self.terms.jobs.max(1))
    }

    fn join_if_over(&mut self, step: StepId) {
        let is_over = |parts: &Parts| parts.waiting == 0 && parts.running == 0;
        if self.state[step.index()] == State::InParts && self.parts.get(&step).is_some_and(is_over) {
            self.state[step.index()] = State::Joining;
            // Whatever else is ready, others wait for this.
            self.ready.push((u64::MAX, Reverse(Unit::Join(step))));
        }
    }

    /// A node waits for nothing any more.
    fn release(&mut self, node: Node, actions: &mut Vec<Action>) {
        if node.index() >= self.plan.steps.len() {
            return self.pass_on(node, self.blocked[node.index()], actions);
        }
        let step = StepId::new(node.index());
        match self.blocked[node.index()] {
            Some(because) => self.end(step, Outcome::Skipped { because }, actions),
            None => {
                self.state[step.index()] = State::Ready;
                self.notes.push(Note::Ready(step));
                if self.terms.asks && !self.is_alone(step) {
                    self.unasked.push(step);
                }
                self.ready.push((self.remaining[node.index()], Reverse(Unit::Step(step))));
            }
        }
    }

    fn end(&mut self, step: StepId, outcome: Outcome, actions: &mut Vec<Action>) {
        actions.push(Action::End(step, outcome.clone()));
        self.over(step, &outcome, actions);
    }

    fn over(&mut self, step: StepId, outcome: &Outcome, actions: &mut Vec<Action>) {
        self.state[step.index()] = State::Over;
        self.unfinished -= 1;
        let blocks = match outcome {
            Outcome::Succeeded | Outcome::Cached { .. } | Outcome::Cancelled => None,
            Outcome::Skipped { because } => Some(*because),
            Outcome::Failed(_) => Some(step),
        };
        self.pass_on(Node::of(step), blocks, actions);
    }

    /// The step will fail: what needs it is told so although it has not ended.
    fn block_dependents(&mut self, step: StepId) {
        for (next, _) in self.dependents[step.index()].iter().filter(|(_, hard)| *hard) {
            self.blocked[next.index()].get_or_insert(step);
        }
    }

    fn pass_on(&mut self, node: Node, blocks: Option<StepId>, actions: &mut Vec<Action>) {
        for (next, hard) in std::mem::take(&mut self.dependents[node.index()]) {
            let blocked = &mut self.blocked[next.index()];
            if hard && blocked.is_none() {
                *blocked = blocks;
            }
            self.waiting[next.index()] -= 1;
            if self.waiting[next.index()] == 0 && !self.stopping {
                self.release(next, actions);
            }
        }
    }

    /// Starts the ready steps with the longest ways ahead of them, as far as there are jobs; one that waits for a lock
    /// holds no job.
    fn start(&mut self, actions: &mut Vec<Action>) {
        if self.running == 0 && !self.unasked.is_empty() {
            let mut asked = std::mem::take(&mut self.unasked);
            asked.retain(|step| self.state[step.index()] == State::Ready);
            if !asked.is_empty() {
                return actions.push(Action::Ask(asked));
            }
        }
        let jobs = self.terms.jobs.max(1);
        while self.running < jobs {
            let Some((weight, Reverse(unit))) = self.ready.pop() else { break };
            match unit {
                Unit::Step(step) if self.state[step.index()] != State::Ready => continue,
                Unit::Step(step) if self.running + self.width(step) > jobs => {
                    // Nobody overtakes what wants to be alone.
                    self.ready.push((weight, Reverse(unit)));
                    break;
                }
                Unit::Step(step) => {
                    match self.lock(step) {
                        Some(lock) if self.held.contains(&lock) => {
                            self.lock_out(weight, unit, lock);
                            continue;
                        }
                        lock => self.held.extend(lock),
                    }
                    self.state[step.index()] = State::Running;
                    self.running += self.width(step);
                    actions.push(Action::Start(step));
                }
                Unit::Part(step, place) => {
                    let wanted = self.jobs_of(step, place);
                    let lock = self.parts.get(&step).and_then(|parts| parts.terms.get(place)?.lock.clone());
                    if let Some(lock) = lock.as_ref().filter(|lock| self.held.contains(lock)) {
                        self.lock_out(weight, unit, Lock::clone(lock));
                        continue;
                    }
                    if self.running + wanted > jobs {
                        // It waits, and with it all that is shorter, or it would wait for ever.
                        self.ready.push((weight, Reverse(unit)));
                        break;
                    }
                    if let Some(parts) = self.parts.get_mut(&step) {
                        parts.waiting -= 1;
                        parts.running += 1;
                    }
                    self.held.extend(lock);
                    self.running += wanted;
                    actions.push(Action::StartPart(step, place));
                }
                Unit::Join(step) => {
                    self.running += 1;
                    actions.push(Action::Join(step));
                }
            }
        }
    }

    fn stop_into(&mut self, actions: &mut Vec<Action>) {
        self.stopping = true;
        self.locked_out.clear();
        self.ready.retain(|(_, Reverse(unit))| !matches!(unit, Unit::Part(..)));
        self.parts.values_mut().for_each(|parts| parts.waiting = 0);
        for step in self.parts.keys().copied().collect::<Vec<_>>() {
            self.join_if_over(step);
        }
        // In the plan's order, so that what a failure blocks is known by the time it is asked.
        for step in self.plan.ids() {
            if matches!(self.state[step.index()], State::Waiting | State::Ready) {
                let because = self.blocked[step.index()];
                self.end(step, because.map_or(Outcome::Cancelled, |because| Outcome::Skipped { because }), actions);
            }
        }
    }
}

fn weight_of(terms: &Terms, step: StepId) -> u64 {
    terms.weights.get(step.index()).copied().unwrap_or(1).max(1)
}
