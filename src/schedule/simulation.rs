//! Whole runs in simulated time, on random plans with known durations: how far from the best the schedule ends.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use super::*;

const STEPS: usize = 1000;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Steps, what they take, and what waits for what; an edge leads from an earlier step to a later one.
struct Dag {
    durations: Vec<u64>,
    edges: BTreeSet<(u32, u32)>,
}

/// How the edges lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Anywhere.
    Loose,
    /// Each step waits for a few of the hundred before it.
    Near,
    /// Layers, each step waits for some of the layer before.
    Layers,
    /// Chains beside each other, with few edges between them.
    Chains,
    /// Forks that are joined.
    Forks,
}

const SHAPES: [Shape; 5] = [Shape::Loose, Shape::Near, Shape::Layers, Shape::Chains, Shape::Forks];

impl Dag {
    fn random(random: &mut Random, shape: Shape) -> Self {
        // Most steps are short, few are long, as in life.
        let durations = (0..STEPS).map(|_| 1 + (1_u64 << random.below(12)) * (1 + random.below(8)) / 2).collect();
        let mut edges = BTreeSet::new();
        let few = 1 + random.below(4);
        let width = 10 + random.below(190);
        for to in 1..STEPS as u64 {
            for _ in 0..random.below(few + 1) {
                let from = match shape {
                    Shape::Loose => random.below(to),
                    Shape::Near => to - 1 - random.below(to.min(100)),
                    Shape::Layers if to < width => continue,
                    Shape::Layers => (to / width - 1) * width + random.below(width),
                    Shape::Chains if to < width => continue,
                    Shape::Chains if random.below(20) == 0 => random.below(to),
                    Shape::Chains => to - width,
                    Shape::Forks if to % width == 0 => continue,
                    Shape::Forks => to - to % width,
                };
                edges.insert((from as u32, to as u32));
            }
            if shape == Shape::Forks && to % width == 0 {
                edges.extend((to - width..to).map(|from| (from as u32, to as u32)));
            }
        }
        Self { durations, edges }
    }

    fn work(&self) -> u64 {
        self.durations.iter().sum()
    }

    fn critical_path(&self) -> u64 {
        let mut ends = self.durations.clone();
        let mut starts = vec![0; STEPS];
        // Edges are in the order of where they begin, and lead forwards.
        for (from, to) in &self.edges {
            let (from, to) = (*from as usize, *to as usize);
            ends[from] = starts[from] + self.durations[from];
            starts[to] = starts[to].max(ends[from]);
            ends[to] = starts[to] + self.durations[to];
        }
        ends.into_iter().max().unwrap()
    }

    fn plan(&self) -> Plan {
        let edges: Vec<_> = self.edges.iter().map(|(from, to)| (*from, *to, true)).collect();
        super::tests::plan(STEPS, &edges)
    }
}

/// When all is over if the schedule decides.
fn by_schedule(dag: &Dag, jobs: usize) -> u64 {
    let plan = dag.plan();
    let mut schedule = Schedule::new(&plan, Terms { jobs, weights: dag.durations.clone(), ..Terms::default() });
    let mut running = BinaryHeap::new();
    let mut now = 0;
    let mut actions = schedule.begin();
    loop {
        for action in actions {
            let Action::Start(step) = action else { panic!("{action:?}") };
            running.push(Reverse((now + dag.durations[step.index()], step)));
        }
        let Some(Reverse((end, step))) = running.pop() else { break };
        now = end;
        actions = schedule.ended(step, &Outcome::Succeeded);
    }
    assert!(schedule.is_over());
    now
}

/// When all is over if what was ready first starts first.
fn first_come_first_served(dag: &Dag, jobs: usize) -> u64 {
    let mut waiting = vec![0; STEPS];
    let mut next = vec![Vec::new(); STEPS];
    for (from, to) in &dag.edges {
        waiting[*to as usize] += 1;
        next[*from as usize].push(*to as usize);
    }
    let mut ready: VecDeque<usize> = (0..STEPS).filter(|step| waiting[*step] == 0).collect();
    let mut running = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < jobs
            && let Some(step) = ready.pop_front()
        {
            running.push(Reverse((now + dag.durations[step], step)));
        }
        let Some(Reverse((end, step))) = running.pop() else { return now };
        now = end;
        for next in &next[step] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push_back(*next);
            }
        }
    }
}

/// What came of many random plans.
#[derive(Debug, Default)]
struct Tally {
    /// How many had a critical path of at most half of what all jobs have to do.
    easy: u32,
    /// The worst of these, over the bound that nothing can be below.
    worst_easy: f64,
    easy_over: u32,
    /// How many of the others.
    hard: u32,
    worse_than_fifo: u32,
    /// The worst of the others, over first come, first served.
    worst_hard: f64,
    /// All of the others together.
    ours: u64,
    fifo: u64,
}

fn tally(random: &mut Random, shape: Shape, plans: u32) -> Tally {
    let mut tally = Tally::default();
    for _ in 0..plans {
        let dag = Dag::random(random, shape);
        let jobs = [2, 3, 4, 8, 16, 32, 64][random.below(7) as usize];
        let (path, share) = (dag.critical_path(), dag.work().div_ceil(jobs as u64));
        let took = by_schedule(&dag, jobs);
        assert!(took >= path.max(share) && took <= path + share, "no list schedule ends then");
        if path * 2 <= share {
            tally.easy += 1;
            let over = took as f64 / share as f64;
            tally.worst_easy = tally.worst_easy.max(over);
            tally.easy_over += u32::from(over > 1.05);
        } else {
            tally.hard += 1;
            let fifo = first_come_first_served(&dag, jobs);
            tally.worse_than_fifo += u32::from(took > fifo);
            tally.worst_hard = tally.worst_hard.max(took as f64 / fifo as f64);
            tally.ours += took;
            tally.fifo += fifo;
        }
    }
    tally
}

/// Of 5,722 easy plans one was over 1.05 (a chain of forks, 1.066: what waits at a join nobody can help), of 4,278 others one
/// took longer than with first come, first served (by 0.01 %: a long way that starts early can make two others meet); all
/// others together took 11 to 21 % less.
fn judge(shape: Shape, tally: &Tally) {
    let bound = if shape == Shape::Forks { 1.10 } else { 1.05 };
    assert!(tally.easy > 0 && tally.worst_easy <= bound, "{shape:?}: {tally:?}");
    assert!(tally.hard > 0 && tally.worst_hard <= 1.01, "{shape:?}: {tally:?}");
    assert!(tally.ours < tally.fifo, "{shape:?}: {tally:?}");
}

#[test]
fn a_run_ends_near_the_earliest_possible_end() {
    let mut random = Random(1);
    for shape in SHAPES {
        judge(shape, &tally(&mut random, shape, 30));
    }
}

/// The same with more plans, for the figures: `cargo test --lib simulation -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn thousands_of_runs() {
    let mut random = Random(2);
    for shape in SHAPES {
        let tally = tally(&mut random, shape, 2000);
        println!("{shape:?}: {tally:?}");
        judge(shape, &tally);
    }
}
