//! Plans carried out without processes, among them random ones.

use std::time::Duration;

use super::*;
use crate::model::{Definition, Edge, EdgeKind, PhaseId, Step, Subject};

/// A plan of `steps` steps with these edges (`true`: hard).
pub(super) fn plan(steps: usize, edges: &[(u32, u32, bool)]) -> Plan {
    let step = |_| Step {
        phase: PhaseId::new(0),
        subject: Subject::Workspace,
        definition: std::sync::Arc::new(Definition::default()),
        takes_args: false,
    };
    let edge = |&(from, to, hard): &(u32, u32, bool)| Edge {
        from: Node(from),
        to: Node(to),
        kind: if hard { EdgeKind::Needs(Default::default()) } else { EdgeKind::Order },
    };
    Plan { steps: (0..steps).map(step).collect(), edges: edges.iter().map(edge).collect(), ..Plan::default() }
}

fn lock() -> Option<Lock> {
    Some("db".into())
}

fn terms(jobs: usize, keep_going: bool) -> Terms {
    Terms { jobs, keep_going, ..Terms::default() }
}

fn starts(steps: &[usize]) -> Vec<Action> {
    steps.iter().map(|step| Action::Start(StepId::new(*step))).collect()
}

fn id(step: usize) -> StepId {
    StepId::new(step)
}

const GOOD: Outcome = Outcome::Cached { saved: Duration::ZERO, restored: 0 };

fn bad() -> Outcome {
    Outcome::Failed("exit status 1".into())
}

#[test]
fn the_longest_way_starts_first_and_jobs_bound() {
    let plan = plan(4, &[(1, 3, true)]);
    let mut schedule = Schedule::new(&plan, terms(2, false));
    assert_eq!(schedule.begin(), starts(&[1, 0]));
    assert_eq!(schedule.ended(id(0), &GOOD), starts(&[2]));
    assert_eq!(schedule.ended(id(1), &GOOD), starts(&[3]));
    assert_eq!(schedule.ended(id(2), &GOOD), []);
    assert!(!schedule.is_over());
    assert_eq!(schedule.ended(id(3), &GOOD), []);
    assert!(schedule.is_over());
}

#[test]
fn recorded_durations_decide_over_depth() {
    let plan = plan(3, &[(0, 1, true)]);
    let mut schedule = Schedule::new(&plan, Terms { weights: vec![1, 1, 10], ..terms(1, false) });
    assert_eq!(schedule.begin(), starts(&[2]));
}

#[test]
fn a_failure_stops_new_steps() {
    let plan = plan(4, &[(0, 2, true), (1, 3, true)]);
    let mut schedule = Schedule::new(&plan, terms(2, false));
    schedule.begin();
    let skipped = Outcome::Skipped { because: id(0) };
    let ended = [Action::End(id(2), skipped), Action::End(id(3), Outcome::Cancelled)];
    assert_eq!(schedule.ended(id(0), &bad()), ended);
    assert_eq!(schedule.ended(id(1), &GOOD), []);
    assert!(schedule.is_over());
}

#[test]
fn keep_going_skips_only_what_needs_the_failure() {
    let plan = plan(5, &[(0, 1, true), (1, 2, true), (0, 3, false), (4, 3, true)]);
    let mut schedule = Schedule::new(&plan, terms(5, true));
    assert_eq!(schedule.begin(), starts(&[0, 4]));
    let skipped = |step| Action::End(id(step), Outcome::Skipped { because: id(0) });
    assert_eq!(schedule.ended(id(0), &bad()), [skipped(1), skipped(2)]);
    assert_eq!(schedule.ended(id(4), &GOOD), starts(&[3]));
}

#[test]
fn a_step_that_waits_for_a_lock_holds_no_job() {
    let plan = plan(3, &[]);
    let mut schedule = Schedule::new(&plan, Terms { locks: vec![lock(), lock(), None], ..terms(2, false) });
    assert_eq!(schedule.begin(), starts(&[0, 2]));
    assert_eq!(schedule.ended(id(2), &GOOD), []);
    assert_eq!(schedule.ended(id(0), &GOOD), starts(&[1]));
}

#[test]
fn what_waits_for_what_is_noted() {
    let plan = plan(4, &[(0, 3, true)]);
    let weights = vec![9, 5, 7, 1];
    let locks = vec![lock(), lock(), lock(), None];
    let mut schedule = Schedule::new(&plan, Terms { locks, weights, ..terms(2, true) });
    assert_eq!(schedule.begin(), starts(&[0]));
    let locked = |step| Note::Locked(id(step), None, "db".into());
    let ready = |step| Note::Ready(id(step));
    assert_eq!(schedule.notes(), [ready(0), ready(1), ready(2), locked(2), locked(1)]);
    assert_eq!(schedule.notes(), []);
    assert_eq!(
        schedule.ended(id(0), &bad()),
        [Action::End(id(3), Outcome::Skipped { because: id(0) }), Action::Start(id(2))]
    );
    assert_eq!(schedule.notes(), [], "what is skipped never was ready");
    assert_eq!(schedule.ended(id(2), &GOOD), starts(&[1]));
}

#[test]
fn of_those_that_wait_for_a_lock_the_longest_way_comes_first() {
    let plan = plan(5, &[(0, 4, true)]);
    let locks = vec![None, lock(), lock(), lock(), lock()];
    let weights = vec![1, 9, 2, 3, 5];
    let mut schedule = Schedule::new(&plan, Terms { locks, weights, ..terms(2, false) });
    assert_eq!(schedule.begin(), starts(&[1, 0]));
    // Ready only now, and before the others all the same.
    assert_eq!(schedule.ended(id(0), &GOOD), []);
    for step in [4, 3, 2] {
        let before = if step == 4 { 1 } else { step + 1 };
        assert_eq!(schedule.ended(id(before), &GOOD), starts(&[step]));
    }
}

#[test]
fn stopping_ends_what_waits_for_a_lock() {
    let plan = plan(3, &[]);
    let mut schedule = Schedule::new(&plan, Terms { locks: vec![lock(), lock(), lock()], ..terms(2, true) });
    assert_eq!(schedule.begin(), starts(&[0]));
    let cancelled = |step| Action::End(id(step), Outcome::Cancelled);
    assert_eq!(schedule.stop(), [cancelled(1), cancelled(2)]);
    assert_eq!(schedule.ended(id(0), &GOOD), []);
    assert!(schedule.is_over());
}

#[test]
fn what_is_to_be_alone_waits_for_what_runs_and_nobody_overtakes_it() {
    let plan = plan(4, &[]);
    let alone = vec![false, true, false, false];
    let weights = vec![9, 5, 4, 3];
    let mut schedule = Schedule::new(&plan, Terms { alone, weights, ..terms(3, false) });
    assert_eq!(schedule.begin(), starts(&[0]));
    assert_eq!(schedule.ended(id(0), &GOOD), starts(&[1]));
    assert_eq!(schedule.ended(id(1), &GOOD), starts(&[2, 3]));
}

#[test]
fn stopping_ends_all_that_has_not_started() {
    let plan = plan(3, &[(0, 1, true)]);
    let mut schedule = Schedule::new(&plan, terms(1, true));
    assert_eq!(schedule.begin(), starts(&[0]));
    let cancelled = |step| Action::End(id(step), Outcome::Cancelled);
    assert_eq!(schedule.stop(), [cancelled(1), cancelled(2)]);
    assert_eq!(schedule.ended(id(0), &Outcome::Cancelled), []);
    assert!(schedule.is_over());
}

#[test]
fn a_failure_reaches_through_a_barrier() {
    let mut plan = plan(3, &[(0, 3, true), (1, 3, true), (3, 2, true)]);
    plan.barriers = 1;
    let mut schedule = Schedule::new(&plan, terms(2, true));
    assert_eq!(schedule.begin(), starts(&[0, 1]));
    assert_eq!(schedule.ended(id(0), &bad()), []);
    let skipped = Outcome::Skipped { because: id(0) };
    assert_eq!(schedule.ended(id(1), &GOOD), [Action::End(id(2), skipped)]);
}

/// What a random plan's run has come to.
struct Course {
    jobs: usize,
    locks: Vec<Option<Lock>>,
    alone: Vec<bool>,
    running: Vec<Unit>,
    ends: Vec<u32>,
    parts: BTreeMap<StepId, Vec<(PartTerms, u32)>>,
    /// What is asked about.
    asked: Vec<StepId>,
    /// Whether something may be left undone.
    stopped: bool,
}

impl Course {
    /// Does what is asked for, which must be allowed.
    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Start(step) => self.running.push(Unit::Step(step)),
                Action::StartPart(step, place) => {
                    self.parts.get_mut(&step).unwrap()[place].1 += 1;
                    self.running.push(Unit::Part(step, place));
                }
                Action::Join(step) => {
                    let of_step = |unit: &&Unit| matches!(unit, Unit::Part(of, _) if *of == step);
                    assert_eq!(self.running.iter().find(of_step), None, "it is joined while a part runs");
                    let starts: Vec<u32> = self.parts[&step].iter().map(|(_, starts)| *starts).collect();
                    let once = starts.iter().all(|starts| *starts == 1 || (*starts == 0 && self.stopped));
                    assert!(once, "the parts started so often: {starts:?}");
                    self.running.push(Unit::Join(step));
                }
                Action::End(step, _) => self.ends[step.index()] += 1,
                Action::Ask(steps) => self.asked = steps,
            }
        }
        assert!(self.asked.is_empty() || self.running.is_empty(), "asked while {:?} run", self.running);
        let alone = self.running.iter().any(|unit| matches!(unit, Unit::Step(step) if self.alone[step.index()]));
        assert!(!alone || self.running.len() == 1, "not alone: {:?}", self.running);
        let taken: usize = self.running.iter().map(|unit| self.jobs_of(unit)).sum();
        assert!(taken <= self.jobs, "{:?} take {taken} jobs of {}", self.running, self.jobs);
        let holding = |unit: &&Unit| match unit {
            Unit::Step(step) => self.locks[step.index()].is_some(),
            Unit::Part(step, place) => self.parts[step][*place].0.lock.is_some(),
            Unit::Join(_) => false,
        };
        assert!(self.running.iter().filter(holding).count() <= 1, "{:?} hold one lock", self.running);
    }

    fn jobs_of(&self, unit: &Unit) -> usize {
        let Unit::Part(step, place) = unit else { return 1 };
        self.parts[step][*place].0.jobs.min(self.jobs)
    }
}

#[test]
fn every_step_of_random_plans_ends_exactly_once() {
    let mut seed = 1_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for round in 0..2000 {
        let steps = 1 + random(12);
        let edges: Vec<_> = (0..random(20))
            .map(|_| (random(steps) as u32, random(steps) as u32, random(3) > 0))
            .filter(|(from, to, _)| from < to)
            .collect();
        let plan = plan(steps, &edges);
        let locks: Vec<Option<Lock>> = (0..steps).map(|_| lock().filter(|_| random(3) == 0)).collect();
        let alone: Vec<bool> = (0..steps).map(|_| random(5) == 0).collect();
        let (jobs, keep_going) = (1 + random(4), round % 2 == 0);
        let weights = (0..steps).map(|_| random(9) as u64).collect();
        let mut schedule = Schedule::new(
            &plan,
            Terms {
                locks: locks.clone(),
                alone: alone.clone(),
                weights,
                asks: round % 4 < 2,
                ..terms(jobs, keep_going)
            },
        );
        let (ends, parts) = (vec![0; steps], BTreeMap::new());
        let (running, asked) = (Vec::new(), Vec::new());
        let mut course = Course { jobs, locks, alone, running, ends, parts, asked, stopped: false };
        course.act(schedule.begin());
        loop {
            let asked = std::mem::take(&mut course.asked);
            if !asked.is_empty() {
                let passed: Vec<_> = asked.into_iter().filter(|_| random(2) == 0).map(|step| (step, GOOD)).collect();
                passed.iter().for_each(|(step, _)| course.ends[step.index()] += 1);
                course.act(schedule.answered(passed));
                continue;
            }
            if course.running.is_empty() {
                break;
            }
            let unit = course.running.swap_remove(random(course.running.len()));
            let failed = random(8) == 0;
            let actions = match unit {
                Unit::Step(step) if random(3) == 0 => {
                    // Some are wider than all there is.
                    let part = |random: &mut dyn FnMut(usize) -> usize| PartTerms {
                        weight: random(9) as u64,
                        jobs: 1 + random(6),
                        lock: lock().filter(|_| random(3) == 0),
                    };
                    let parts: Vec<PartTerms> = (0..random(6)).map(|_| part(&mut random)).collect();
                    course.parts.insert(step, parts.iter().map(|terms| (terms.clone(), 0)).collect());
                    schedule.split(step, parts)
                }
                Unit::Step(step) | Unit::Join(step) => {
                    course.ends[step.index()] += 1;
                    course.stopped |= failed && !keep_going;
                    schedule.ended(step, &if failed { bad() } else { GOOD })
                }
                Unit::Part(step, place) => {
                    course.stopped |= failed && !keep_going;
                    schedule.part_ended(step, place, failed)
                }
            };
            course.act(actions);
            if random(40) == 0 {
                course.stopped = true;
                // Nobody needs the answer any more.
                course.asked.clear();
                course.act(schedule.stop());
            }
        }
        assert!(schedule.is_over());
        assert_eq!(course.ends, vec![1; steps], "{edges:?}");
    }
}

#[test]
fn what_need_not_run_is_passed_by_while_nothing_runs() {
    let plan = plan(5, &[(0, 1, true), (1, 2, true), (3, 4, true)]);
    let locks = vec![lock(), None, lock(), lock(), lock()];
    let asks = Terms { asks: true, locks, ..terms(2, false) };
    let mut schedule = Schedule::new(&plan, asks);
    let ask = |steps: &[usize]| Action::Ask(steps.iter().map(|step| id(*step)).collect());
    assert_eq!(schedule.begin(), [ask(&[0, 3])]);
    assert_eq!(schedule.answered(vec![(id(0), GOOD)]), [ask(&[1])]);
    assert_eq!(schedule.answered(vec![(id(1), GOOD)]), [ask(&[2])]);
    // Two want the lock; one gets it.
    assert_eq!(schedule.answered(Vec::new()), starts(&[3]));
    assert_eq!(schedule.ended(id(3), &GOOD), [ask(&[4])]);
    // The one that was next in line is passed by, and the other one gets its turn.
    assert_eq!(schedule.answered(vec![(id(2), GOOD), (id(4), GOOD)]), []);
    assert!(schedule.is_over());
}

#[test]
fn who_is_passed_by_in_the_line_for_a_lock_holds_up_nobody() {
    // What waits for the second wants the lock that the first holds.
    let plan = plan(6, &[(1, 2, true), (1, 3, true), (1, 4, true), (1, 5, true)]);
    let locks = [0, 1, 2, 3, 4, 5].map(|step| lock().filter(|_| step != 1)).to_vec();
    let weights = vec![1, 1, 5, 4, 3, 2];
    let mut schedule = Schedule::new(&plan, Terms { asks: true, locks, weights, ..terms(3, false) });
    let ask = |steps: &[usize]| Action::Ask(steps.iter().map(|step| id(*step)).collect());
    assert_eq!(schedule.begin(), [ask(&[0, 1])]);
    let mut begun = schedule.answered(Vec::new());
    begun.sort_unstable_by_key(|action| format!("{action:?}"));
    assert_eq!(begun, starts(&[0, 1]));
    assert_eq!(schedule.ended(id(1), &Outcome::Succeeded), []);
    assert_eq!(schedule.ended(id(0), &Outcome::Succeeded), [ask(&[2, 3, 4, 5])]);
    assert_eq!(schedule.answered(vec![(id(4), GOOD)]), starts(&[2]));
    assert_eq!(schedule.ended(id(2), &Outcome::Succeeded), starts(&[3]));
    assert_eq!(schedule.ended(id(3), &Outcome::Succeeded), starts(&[5]));
    schedule.ended(id(5), &Outcome::Succeeded);
    assert!(schedule.is_over());
}

#[test]
fn parts_start_longest_first_and_a_failure_leaves_the_rest() {
    let part = |weight, jobs| PartTerms { weight, jobs, lock: None };
    let parts = vec![part(1, 1), part(9, 2), part(5, 1), part(5, 9)];
    let started =
        |places: &[usize]| -> Vec<Action> { places.iter().map(|place| Action::StartPart(id(0), *place)).collect() };
    let plan = plan(2, &[(0, 1, true)]);
    let mut schedule = Schedule::new(&plan, terms(3, false));
    assert_eq!(schedule.begin(), starts(&[0]));
    assert_eq!(schedule.split(id(0), parts.clone()), started(&[1, 2]));
    // The one that wants all there is waits for it, and nobody overtakes it.
    assert_eq!(schedule.part_ended(id(0), 2, false), []);
    assert_eq!(schedule.part_ended(id(0), 1, false), started(&[3]));
    assert_eq!(schedule.part_ended(id(0), 3, false), started(&[0]));
    assert_eq!(schedule.part_ended(id(0), 0, false), [Action::Join(id(0))]);
    assert_eq!(schedule.ended(id(0), &GOOD), starts(&[1]));

    let mut schedule = Schedule::new(&plan, terms(3, false));
    schedule.begin();
    assert_eq!(schedule.split(id(0), parts), started(&[1, 2]));
    let skipped = Action::End(id(1), Outcome::Skipped { because: id(0) });
    assert_eq!(schedule.part_ended(id(0), 1, true), [skipped]);
    assert_eq!(schedule.part_ended(id(0), 2, false), [Action::Join(id(0))]);
    assert_eq!(schedule.ended(id(0), &bad()), []);
    assert!(schedule.is_over());
}

#[test]
fn only_the_steps_that_are_named_run() {
    let plan = plan(5, &[(0, 1, true), (2, 3, true)]);
    let mut schedule = Schedule::new(&plan, Terms { jobs: 4, only: Some(2..5), ..Terms::default() });
    let [two, three, four] = [2, 3, 4].map(StepId::new);
    let mut begun = schedule.begin();
    begun.sort_unstable_by_key(|action| format!("{action:?}"));
    assert_eq!(begun, [Action::Start(two), Action::Start(four)]);
    assert_eq!(schedule.ended(two, &Outcome::Succeeded), [Action::Start(three)]);
    schedule.ended(four, &Outcome::Succeeded);
    assert!(!schedule.is_over());
    schedule.ended(three, &Outcome::Succeeded);
    assert!(schedule.is_over());
    let mut nothing = Schedule::new(&plan, Terms { jobs: 4, only: Some(5..5), ..Terms::default() });
    assert!(nothing.begin().is_empty() && nothing.is_over());
}

#[test]
fn the_rest_takes_as_long_as_its_longest_way_its_work_or_its_lock() {
    // 0 before 1; 2, 3 and 4 by themselves.
    let plan = plan(5, &[(0, 1, true)]);
    let weights = vec![30, 20, 10, 10, 10];
    let measured = |jobs, locks: Vec<Option<Lock>>| Terms {
        weights: weights.clone(),
        is_measured: true,
        locks,
        ..terms(jobs, false)
    };
    let gone = |step: StepId| if step.index() == 0 { 12 } else { 0 };
    let left = |terms: Terms| {
        let mut schedule = Schedule::new(&plan, terms);
        schedule.begin();
        schedule.left(gone)
    };
    assert_eq!(left(Terms { weights: weights.clone(), ..terms(1, false) }), None);
    assert_eq!(left(measured(1, Vec::new())), Some(68));
    assert_eq!(left(measured(8, Vec::new())), Some(38));
    let lock: Option<Lock> = Some("db".into());
    assert_eq!(left(measured(8, vec![None, lock.clone(), lock.clone(), lock.clone(), lock])), Some(50));
}

#[test]
fn what_waits_is_taken_for_as_fresh_as_what_is_over() {
    let plan = plan(4, &[]);
    let mut schedule =
        Schedule::new(&plan, Terms { weights: vec![10, 30, 20, 40], is_measured: true, ..terms(1, false) });
    let mut started = schedule.begin();
    for (outcome, left) in [(GOOD, 30), (Outcome::Succeeded, 24)] {
        let Some(Action::Start(step)) = started.first().cloned() else { panic!("nothing starts") };
        started = schedule.ended(step, &outcome);
        assert_eq!(schedule.left(|_| 0), Some(left));
    }
}
