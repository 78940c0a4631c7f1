//! The coordinator with steps that are no processes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::model::{Definition, Edge, EdgeKind, Node, PhaseId, Step, Subject};
use crate::model::{EventKind, Plan};
use crate::schedule::Terms;

/// Two steps that do not know of each other, and a third that needs the first.
fn plan() -> Plan {
    let step = |_| Step {
        phase: PhaseId::new(0),
        subject: Subject::Workspace,
        definition: Arc::new(Definition::default()),
        takes_args: false,
    };
    let kind = EdgeKind::Needs(crate::model::Span::default());
    let edges = vec![Edge { from: Node(0), to: Node(2), kind }];
    Plan { steps: (0..3).map(step).collect(), edges, ..Plan::default() }
}

fn done(outcome: Outcome) -> Done {
    Done { attempts: 1, ..Done::unrun(outcome) }
}

fn run_all(work: &dyn Work, calls: Vec<Call>) -> (Run, usize) {
    let plan = plan();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let terms = Terms { jobs: 2, keep_going: true, ..Terms::default() };
    let (sender, receiver) = channel();
    calls.into_iter().for_each(|call| sender.send(call).unwrap());
    let mut ended = 0;
    let mut count = |event| ended += usize::from(matches!(event, EventKind::Ended { .. }));
    let run = run(&plan, (terms, Heed::Stops), (&pool, work), (&sender, &receiver), &mut count);
    (run, ended)
}

/// Steps that each do this, and hear no signals.
struct Steps<F>(F);

impl<F: Fn(StepId) -> Outcome + Sync> Work for Steps<F> {
    fn step(&self, step: StepId, _: &Teller<'_>) -> Turn {
        Turn::Done(done((self.0)(step)))
    }

    fn part(&self, _: StepId, _: usize, _: &Teller<'_>) -> Part {
        unreachable!("no step is in parts")
    }

    fn join(&self, _: StepId, _: &Teller<'_>) -> Done {
        unreachable!("no step is in parts")
    }

    fn interrupt(&self, _: Signal) {}
}

/// The first step comes in parts, of which one panics.
#[derive(Default)]
struct InParts {
    came: AtomicUsize,
}

impl Work for InParts {
    fn step(&self, step: StepId, _: &Teller<'_>) -> Turn {
        match step.index() {
            0 => Turn::Parts(vec![("part".into(), PartTerms { weight: 1, jobs: 1, lock: None }); 5]),
            _ => Turn::Done(done(Outcome::Succeeded)),
        }
    }

    fn part(&self, _: StepId, place: usize, _: &Teller<'_>) -> Part {
        if place == 2 {
            std::panic::resume_unwind(Box::new("out of luck"));
        }
        self.came.fetch_add(1, Ordering::AcqRel);
        let (output, tests) = (Output::default(), Tests::default());
        let (name, member, outcome, reason) = ("part".into(), "a".into(), Outcome::Succeeded, None);
        Part { name, member, outcome, reason, duration: Duration::ZERO, output, shown: false, tests }
    }

    fn join(&self, _: StepId, _: &Teller<'_>) -> Done {
        let came = self.came.load(Ordering::Acquire);
        done(if came == 5 { Outcome::Succeeded } else { Outcome::Failed(format!("{came} of 5").into()) })
    }

    fn interrupt(&self, _: Signal) {}
}

#[test]
fn a_panic_in_a_part_leaves_the_others_and_the_step_to_end() {
    let (run, ended) = run_all(&InParts::default(), Vec::new());
    let skipped = Outcome::Skipped { because: StepId::new(0) };
    assert_eq!(run.outcomes, [Outcome::Failed("4 of 5".into()), Outcome::Succeeded, skipped]);
    assert_eq!(ended, 3, "every step ends exactly once");
}

#[test]
fn parts_are_told_by_their_names_even_one_that_panics() {
    let plan = plan();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let terms = Terms { jobs: 2, keep_going: true, ..Terms::default() };
    let (sender, receiver) = channel();
    let (mut granted, mut split, mut ended) = (0, 0, 0);
    let mut count = |event| match event {
        EventKind::Granted { part: Some(part), .. } => granted += usize::from(&*part == "part"),
        EventKind::Split { parts, .. } => split += parts.len(),
        EventKind::PartEnded { part, .. } => ended += usize::from(&*part.name == "part"),
        _ => {}
    };
    run(&plan, (terms, Heed::Stops), (&pool, &InParts::default()), (&sender, &receiver), &mut count);
    assert_eq!((split, granted, ended), (5, 5, 5));
}

#[test]
fn a_panic_in_a_step_is_a_failed_step() {
    let panics = |step: StepId| {
        if step.index() == 0 {
            // Not `panic!`, which would print.
            std::panic::resume_unwind(Box::new("out of luck"));
        }
        Outcome::Succeeded
    };
    let (run, ended) = run_all(&Steps(panics), Vec::new());
    let skipped = Outcome::Skipped { because: StepId::new(0) };
    assert_eq!(run.outcomes, [Outcome::Failed("panicked: out of luck".into()), Outcome::Succeeded, skipped]);
    assert_eq!(ended, 3, "every step ends exactly once");
}

/// Steps that say something, and end, as failures, when they are told to.
#[derive(Default)]
struct Waits {
    passed: AtomicUsize,
    killed: AtomicUsize,
}

impl Work for Waits {
    fn step(&self, _: StepId, tell: &Teller<'_>) -> Turn {
        tell.warned(String::new());
        while self.passed.load(Ordering::Acquire) + self.killed.load(Ordering::Acquire) == 0 {
            std::thread::yield_now();
        }
        Turn::Done(done(Outcome::Failed("ended by signal 2".into())))
    }

    fn part(&self, _: StepId, _: usize, _: &Teller<'_>) -> Part {
        unreachable!("no step is in parts")
    }

    fn join(&self, _: StepId, _: &Teller<'_>) -> Done {
        unreachable!("no step is in parts")
    }

    fn interrupt(&self, signal: Signal) {
        let count = if signal == Signal::Kill { &self.killed } else { &self.passed };
        count.fetch_add(1, Ordering::AcqRel);
    }
}

#[test]
fn a_signal_is_passed_on_once_and_what_it_ends_is_cancelled() {
    let work = Waits::default();
    let (run, ended) = run_all(&work, vec![Call::Signal(Interrupt::Interrupt)]);
    assert_eq!(run.outcomes, [Outcome::Cancelled, Outcome::Cancelled, Outcome::Cancelled]);
    assert_eq!((run.signal, ended), (Some(Interrupt::Interrupt), 3));
    assert_eq!((work.passed.into_inner(), work.killed.into_inner()), (1, 0));
}

#[test]
fn signals_reach_what_runs_even_if_who_is_told_does_not_listen() {
    for (signals, heed, reached) in
        [(1, Heed::Stops, (1, 0)), (2, Heed::Stops, (1, 1)), (2, Heed::Noted, (0, 1)), (1, Heed::Kills, (0, 1))]
    {
        let (plan, work) = (plan(), Waits::default());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let (sender, receiver) = channel();
        let came = || (work.passed.load(Ordering::Acquire), work.killed.load(Ordering::Acquire));
        let until = std::time::Instant::now() + Duration::from_secs(20);
        let mut is_told = false;
        let mut deaf = |event| {
            if matches!(event, EventKind::Warned(_)) && !std::mem::replace(&mut is_told, true) {
                (0..signals).for_each(|_| sender.send(Call::Signal(Interrupt::Interrupt)).unwrap());
                while came() != reached {
                    assert!(std::time::Instant::now() < until, "{signals} {heed:?}: {:?}", came());
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        };
        let terms = Terms { jobs: 2, keep_going: true, ..Terms::default() };
        let run = run(&plan, (terms, heed), (&pool, &work), (&sender, &receiver), &mut deaf);
        assert_eq!(run.outcomes, [Outcome::Cancelled, Outcome::Cancelled, Outcome::Cancelled], "{signals} {heed:?}");
        assert_eq!(came().0, reached.0, "what was passed on is not passed on again");
    }
}

#[test]
fn the_second_signal_kills() {
    let work = Waits::default();
    run_all(&work, vec![Call::Signal(Interrupt::Terminate), Call::Signal(Interrupt::Interrupt)]);
    assert_eq!((work.passed.into_inner(), work.killed.into_inner()), (1, 1));
}

#[test]
fn who_helps_in_the_middle_of_a_step_goes_back_to_it_before_others_begin() {
    let plan = Plan { edges: Vec::new(), steps: [&plan().steps[..], &plan().steps].concat(), ..plan() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let terms = Terms { jobs: 2, keep_going: true, ..Terms::default() };
    let (sender, receiver) = channel();
    let ended = Mutex::new(Vec::new());
    let work = Steps(|step: StepId| {
        if step.index() == 0 {
            // Lets others go first in its middle.
            rayon::yield_now();
        }
        ended.lock().unwrap().push(step.index());
        Outcome::Succeeded
    });
    run(&plan, (terms, Heed::Stops), (&pool, &work), (&sender, &receiver), &mut |_| ());
    let ended = ended.into_inner().unwrap();
    let place = ended.iter().position(|step| *step == 0);
    assert!(place <= Some(1), "{ended:?}");
    assert_eq!(ended.len(), 6);
}

#[test]
fn a_panic_of_who_is_told_reaches_who_asked_for_the_run() {
    for at in 0..12 {
        let plan = plan();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let terms = Terms { jobs: 2, keep_going: true, ..Terms::default() };
        let (sender, receiver) = channel();
        let mut told = 0;
        let mut tell = |_| {
            told += 1;
            if told > at {
                std::panic::resume_unwind(Box::new("out of paper"));
            }
        };
        let talk = (&sender, &receiver);
        let run = catch_unwind(AssertUnwindSafe(|| {
            run(&plan, (terms, Heed::Stops), (&pool, &InParts::default()), talk, &mut tell)
        }));
        assert_eq!(panic_text(&*run.unwrap_err()), "out of paper");
        assert_eq!(told, at + 1, "nothing is told afterwards");
    }
}
