//! The plan: an immutable DAG of steps. How it came about is `plan`'s affair, how it runs `schedule`'s.

use std::ops::Range;
use std::sync::Arc;

use super::{CargoCommand, Closing, Command, Definition, Engine, MemberId, PhaseId, Span, StepId};

/// What will run, and what waits for what.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps, in an order in which they could run one after another.
    pub steps: Vec<Step>,
    /// Every edge; the nodes are the steps and, numbered after them, the barriers.
    pub edges: Vec<Edge>,
    /// How many barriers there are: nodes that do nothing, through which many steps wait for many without an edge for
    /// each pair.
    pub barriers: usize,
    /// The wishes (order on the command line) between named phases that would have closed a cycle and were left out,
    /// as (earlier, later), each once.
    pub dropped: Vec<(PhaseId, PhaseId)>,
    /// The last steps: which of them close the run, and when. No edge joins them to others: each of these lists runs by
    /// itself, when all before it is over.
    pub closing: Vec<(Closing, Range<usize>)>,
}

/// One node of the plan: a phase for one member, for the workspace or for a group of members.
#[derive(Clone, Debug)]
pub struct Step {
    /// The phase.
    pub phase: PhaseId,
    /// For whom.
    pub subject: Subject,
    /// What it does.
    pub definition: Arc<Definition>,
    /// Whether it is one of the last named phase's, which ARGS are for.
    pub takes_args: bool,
}

impl Step {
    /// Whether it takes cargo's own lock, on the target directory: of such steps one runs at a time.
    #[must_use]
    pub fn takes_cargo_lock(&self) -> bool {
        let is_own = self.definition.lock.is_some() && self.definition.engine == Engine::Command;
        let mut calls = self.definition.commands.iter().filter_map(Command::cargo);
        !is_own && calls.any(CargoCommand::compiles)
    }
}

/// Whom a step is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One member.
    Member(MemberId),
    /// Several members in one call, in order.
    Group(Arc<[MemberId]>),
    /// The workspace, once.
    Workspace,
}

/// A node of the plan's graph: steps come first, barriers after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u32);

/// One node waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The node waited for.
    pub from: Node,
    /// The node that waits.
    pub to: Node,
    /// Why.
    pub kind: EdgeKind,
}

/// Why one step waits for another; the span is the place in make.toml that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// `needs`
    Needs(Span),
    /// `before_<phase>`
    Before(Span),
    /// `after_<phase>`
    After(Span),
    /// `before_all`
    BeforeAll(Span),
    /// `after_all`
    AfterAll(Span),
    /// The order on the command line: a wish. Whether the one waited for succeeded does not matter.
    Order,
}

impl EdgeKind {
    /// Whether the step that waits must not run when the other fails.
    #[must_use]
    pub const fn is_hard(self) -> bool {
        !matches!(self, Self::Order)
    }

    /// The place in make.toml that made the edge.
    #[must_use]
    pub const fn span(self) -> Option<Span> {
        match self {
            Self::Needs(span)
            | Self::Before(span)
            | Self::After(span)
            | Self::BeforeAll(span)
            | Self::AfterAll(span) => Some(span),
            Self::Order => None,
        }
    }
}

impl Plan {
    /// The step of this id.
    #[must_use]
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index()]
    }

    /// The steps' ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = StepId> + use<> {
        (0..self.steps.len()).map(StepId::new)
    }

    /// The places of the steps that were asked for, and of what these need: all but the closing ones.
    #[must_use]
    pub fn main(&self) -> Range<usize> {
        0..self.closing.first().map_or(self.steps.len(), |(_, steps)| steps.start)
    }

    /// The places of the steps that close the run so.
    #[must_use]
    pub fn closing(&self, closing: Closing) -> Range<usize> {
        let found = self.closing.iter().find(|(is, _)| *is == closing);
        found.map_or(self.steps.len()..self.steps.len(), |(_, steps)| steps.clone())
    }

    /// How the step of this place closes the run, if it does.
    #[must_use]
    pub fn closes(&self, place: usize) -> Option<Closing> {
        self.closing.iter().find(|(_, steps)| steps.contains(&place)).map(|(closing, _)| *closing)
    }

    /// How many nodes the graph has: the steps and the barriers.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.steps.len() + self.barriers
    }
}

impl Node {
    /// The node of a step.
    #[must_use]
    pub const fn of(step: StepId) -> Self {
        Self(step.index() as u32)
    }

    /// The place of the node in tables that have one entry for each.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Subject {
    /// The members it names; none for the workspace.
    #[must_use]
    pub fn members(&self) -> &[MemberId] {
        match self {
            Self::Member(member) => std::slice::from_ref(member),
            Self::Group(members) => members,
            Self::Workspace => &[],
        }
    }
}
