//! Timelines of events as a run gives them, and what is computed of them.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{Output, Reason, Tests};

/// Events with times in milliseconds, and what they come to.
struct Log(Timeline);

fn step(id: usize) -> StepId {
    StepId::new(id)
}

fn ms(at: u64) -> Duration {
    Duration::from_millis(at)
}

impl Log {
    /// A run of these steps, planned in 10 ms.
    fn of(names: &[&str]) -> Self {
        let info = |name: &&str| StepInfo {
            name: (*name).into(),
            phase: name.trim_start_matches("on_success: ").split(' ').next().unwrap_or_default().into(),
            members: 1,
        };
        let steps: Arc<[StepInfo]> = names.iter().map(info).collect();
        let (run, workspace, selected) = ("7-1".into(), "shop".into(), "all".into());
        Self(Timeline::new()).at(10, EventKind::Begun { run, workspace, selected, steps, jobs: 2 })
    }

    fn at(mut self, at: u64, kind: EventKind) -> Self {
        self.0.take(&Event { at: ms(at), kind });
        self
    }

    fn ready(self, at: u64, id: usize) -> Self {
        self.at(at, EventKind::Ready { step: step(id) })
    }

    fn waiting(self, at: u64, id: usize) -> Self {
        self.at(at, EventKind::Waiting { step: step(id), part: None, lock: "db".into() })
    }

    /// Granted a job, and stale from two milliseconds later on.
    fn runs(self, at: u64, id: usize) -> Self {
        self.granted(at, id, None).at(at + 2, EventKind::Started { step: step(id), reason: Reason::FirstRun })
    }

    fn granted(self, at: u64, id: usize, part: Option<&str>) -> Self {
        self.at(at, EventKind::Granted { step: step(id), part: part.map(Arc::from) })
    }

    fn split(self, at: u64, id: usize, parts: &[&str]) -> Self {
        let parts: Vec<Arc<str>> = parts.iter().map(|part| Arc::from(*part)).collect();
        self.at(at, EventKind::Split { step: step(id), parts: parts.into() })
    }

    fn part_ended(self, at: u64, id: usize, name: &str, outcome: Outcome) -> Self {
        let (name, member, output, reason) = (name.into(), "a".into(), Output::default(), Some(Reason::Forced));
        let (duration, shown, tests) = (ms(5), false, Tests::default());
        let part = Part { name, member, outcome, reason, duration, output, shown, tests };
        self.at(at, EventKind::PartEnded { step: step(id), part })
    }

    fn ended(self, at: u64, id: usize, outcome: Outcome) -> Self {
        self.at(at, EventKind::Ended { step: step(id), done: Done { attempts: 1, ..Done::unrun(outcome) } })
    }

    fn finished(self, at: u64) -> Timeline {
        self.at(at, EventKind::Finished(Summary::default())).0
    }
}

const GOOD: Outcome = Outcome::Succeeded;

/// The names of the path, and what each had waited for.
fn path(timeline: &Timeline) -> Vec<(String, Option<Upon>)> {
    let bars = timeline.path().into_iter().map(|bar| &timeline.bars[bar]);
    bars.map(|bar| (timeline.tasks[bar.task].name.to_string(), bar.cause.map(|cause| cause.upon))).collect()
}

/// `b` needs `a`; `c` and `d` need nothing, `d` has the lock of `c`. Two jobs.
fn four() -> Timeline {
    Log::of(&["a", "b", "c", "d"])
        .ready(20, 0)
        .ready(20, 2)
        .ready(20, 3)
        .waiting(20, 3)
        .runs(20, 0)
        .runs(20, 2)
        .ended(50, 0, GOOD)
        .ready(50, 1)
        .runs(50, 1)
        .ended(80, 2, GOOD)
        .runs(80, 3)
        .ended(90, 1, Outcome::Failed("exit status 1".into()))
        .ended(140, 3, GOOD)
        .finished(150)
}

#[test]
fn each_bar_has_the_first_free_slot_and_no_two_have_one_at_the_same_time() {
    let timeline = four();
    let slots: Vec<usize> = timeline.bars.iter().map(|bar| bar.slot).collect();
    assert_eq!((slots, timeline.slots()), (vec![0, 1, 0, 1], 2));
    for slot in 0..timeline.slots() {
        let bars: Vec<&Bar> = timeline.bars.iter().filter(|bar| bar.slot == slot).collect();
        assert!(bars.windows(2).all(|two| two[0].to <= two[1].from));
    }
    assert_eq!((timeline.begun, timeline.first(), timeline.last(), timeline.end), (ms(10), ms(20), ms(140), ms(150)));
}

#[test]
fn the_critical_path_goes_through_the_holder_of_a_lock() {
    let timeline = four();
    assert_eq!(path(&timeline), [("c".to_owned(), None), ("d".to_owned(), Some(Upon::Lock))]);
    let bar = &timeline.bars[3];
    assert_eq!((bar.waited_for_lock(), bar.waited_for_job()), (ms(60), ms(0)));
    assert_eq!(timeline.on_path(), [false, true, false, true]);
}

#[test]
fn the_critical_path_goes_through_needs_and_through_who_gave_its_slot_away() {
    let timeline = Log::of(&["a", "b", "c"])
        .ready(20, 0)
        .ready(20, 2)
        .runs(20, 0)
        .ended(50, 0, GOOD)
        .ready(50, 1)
        .runs(50, 1)
        .ended(70, 1, GOOD)
        .runs(70, 2)
        .ended(90, 2, GOOD)
        .finished(90);
    let expected = [("a".to_owned(), None), ("b".to_owned(), Some(Upon::Step)), ("c".to_owned(), Some(Upon::Job))];
    assert_eq!(path(&timeline), expected);
    assert_eq!(timeline.bars[2].waited_for_job(), ms(50));
}

/// A step in two parts with a third that is fresh, at two jobs.
fn in_parts() -> Timeline {
    Log::of(&["test"])
        .ready(20, 0)
        .runs(20, 0)
        .part_ended(38, 0, "old", Outcome::Cached { saved: ms(7), restored: 0 })
        .split(40, 0, &["one", "two"])
        .granted(40, 0, Some("one"))
        .granted(40, 0, Some("two"))
        .part_ended(50, 0, "two", GOOD)
        .part_ended(60, 0, "one", Outcome::Failed("exit status 101".into()))
        .granted(60, 0, None)
        .ended(62, 0, Outcome::Failed("one failed".into()))
        .finished(65)
}

#[test]
fn parts_are_bars_of_their_own_between_the_two_of_their_step() {
    let timeline = in_parts();
    let bars = timeline.bars.iter().map(|bar| (&*timeline.tasks[bar.task].name, bar.slot, bar.from, bar.to));
    let expected = [
        ("test", 0, ms(20), ms(40)),
        ("one", 0, ms(40), ms(60)),
        ("two", 1, ms(40), ms(50)),
        ("test", 0, ms(60), ms(62)),
    ];
    assert_eq!(bars.collect::<Vec<_>>(), expected);
    let tasks = timeline.tasks.iter().map(|task| (&*task.name, task.is_part, task.attempts));
    assert_eq!(tasks.collect::<Vec<_>>(), [("test", false, 1), ("old", true, 0), ("one", true, 1), ("two", true, 1)]);
    let step = Some(Upon::Step);
    assert_eq!(path(&timeline), [("test".to_owned(), None), ("one".to_owned(), step), ("test".to_owned(), step)]);
}

#[test]
fn a_step_whose_parts_are_all_fresh_waits_for_itself_alone() {
    let timeline = Log::of(&["test"])
        .ready(20, 0)
        .runs(20, 0)
        .part_ended(38, 0, "old", Outcome::Cached { saved: ms(7), restored: 0 })
        .split(40, 0, &[])
        .granted(40, 0, None)
        .ended(42, 0, GOOD)
        .finished(45);
    assert_eq!(path(&timeline), [("test".to_owned(), None), ("test".to_owned(), Some(Upon::Step))]);
    assert!(timeline.bars.iter().all(|bar| bar.waited_for_job() == ms(0)));
}

#[test]
fn what_is_skipped_has_no_bar_and_what_has_not_ended_ends_with_the_run() {
    let timeline =
        Log::of(&["a", "b"]).ready(20, 0).runs(20, 0).ended(30, 1, Outcome::Skipped { because: step(0) }).finished(40);
    assert_eq!(timeline.bars.len(), 1);
    assert_eq!(timeline.bars[0].to, ms(40));
    assert_eq!((timeline.tasks[0].outcome.clone(), timeline.tasks[1].bars(&timeline)), (None, 0));
}

#[test]
fn what_is_cancelled_while_it_waits_for_a_lock_has_waited_that_long() {
    let timeline = Log::of(&["a", "b", "test"])
        .ready(20, 0)
        .ready(21, 1)
        .waiting(24, 1)
        .waiting(30, 1)
        .runs(24, 0)
        .ended(50, 0, Outcome::Failed("exit status 1".into()))
        .ended(51, 1, Outcome::Cancelled)
        .granted(60, 2, None)
        .split(70, 2, &["one", "two"])
        .granted(70, 2, Some("one"))
        .at(70, EventKind::Waiting { step: step(2), part: Some("two".into()), lock: "db".into() })
        .part_ended(80, 2, "one", Outcome::Failed("exit status 101".into()))
        .granted(80, 2, None)
        .ended(81, 2, Outcome::Failed("one failed".into()))
        .finished(90);
    let told = timeline.vain.iter().map(|wait| {
        let task = &timeline.tasks[wait.task];
        (&*task.name, &*wait.lock, wait.ready, wait.since, wait.to, task.ended)
    });
    let expected = [("b", "db", ms(21), ms(24), ms(51), ms(51)), ("two", "db", ms(70), ms(70), ms(81), ms(81))];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let locked = timeline.load().into_iter().map(|load| (load.at, load.locked)).filter(|(_, count)| *count > 0);
    assert_eq!(locked.collect::<Vec<_>>(), [(ms(24), 1), (ms(50), 1), (ms(70), 1)]);
    assert!(four().vain.is_empty(), "what waited and then ran did not wait in vain");
}

impl Task {
    fn bars(&self, timeline: &Timeline) -> usize {
        timeline.bars.iter().filter(|bar| *timeline.tasks[bar.task].name == *self.name).count()
    }
}

#[test]
fn a_run_without_steps_has_no_path_and_its_time_is_its_planning() {
    let timeline = Log::of(&[]).finished(30);
    assert_eq!((timeline.path(), timeline.load()), (Vec::new(), Vec::new()));
    assert_eq!((timeline.first(), timeline.last()), (ms(30), ms(30)));
    let shares = timeline.shares();
    assert_eq!((shares.time, shares.children.len()), (ms(30), 2));
    assert_eq!(Timeline::new().shares().time, Duration::ZERO);
}

#[test]
fn the_load_is_told_once_for_each_moment_in_which_it_changes() {
    let told = four().load().into_iter().map(|load| (load.at, load.running, load.locked, load.queued));
    let expected = [(ms(20), 2, 1, 0), (ms(80), 2, 0, 0), (ms(90), 1, 0, 0), (ms(140), 0, 0, 0)];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

/// The shares as lines, indented, in microseconds.
fn lines(share: &Share, depth: usize, into: &mut Vec<String>) {
    into.push(format!("{}{} {}", "  ".repeat(depth), share.name, share.time.as_micros()));
    share.children.iter().for_each(|child| lines(child, depth + 1, into));
}

fn shares(timeline: &Timeline) -> String {
    let mut all = Vec::new();
    lines(&timeline.shares(), 0, &mut all);
    all.join("\n")
}

#[test]
fn what_runs_at_the_same_time_shares_the_time() {
    // a: 2 of 4 judged and 28 of 56 shared; c: with a, then with b; d: with b, then alone.
    let expected = "\
shop 150000
  planning 10000
  looking at files 10000
  phase a 15000
    a 15000
      judging 1000
  phase c 30000
    c 30000
      judging 1000
  phase b 20000
    b 20000
      judging 1000
  phase d 55000
    d 55000
      judging 1000
  writing results 10000";
    assert_eq!(shares(&four()), expected);
}

#[test]
fn parts_stand_on_their_step() {
    let expected = "\
shop 65000
  planning 10000
  looking at files 10000
  phase test 42000
    test 42000
      judging 2000
      one 15000
      two 5000
  writing results 3000";
    assert_eq!(shares(&in_parts()), expected);
}

#[test]
fn what_comes_after_the_results_is_no_part_of_their_writing() {
    let timeline = Log::of(&["a", "on_success: cheer"])
        .runs(20, 0)
        .ended(30, 0, GOOD)
        .granted(50, 1, None)
        .ended(60, 1, GOOD)
        .finished(61);
    let shares = timeline.shares();
    let share = |name: &str| shares.children.iter().find(|share| &*share.name == name).map(|share| share.time);
    assert_eq!((share("writing results"), share("between steps")), (Some(ms(21)), None));
}

proptest::proptest! {
    /// Whatever ran beside what: nothing of the wall time is lost, and nothing is counted twice.
    #[test]
    fn all_shares_are_the_wall_time(spans in proptest::collection::vec((0_u64..1_000_000, 0_u64..1_000_000), 0..40)) {
        let names: Vec<String> = (0..spans.len()).map(|place| format!("p{} m{place}", place % 3)).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let mut events: Vec<(u64, usize, bool)> = Vec::new();
        for (place, (from, length)) in spans.iter().enumerate() {
            events.push((*from, place, false));
            events.push((from + length, place, true));
        }
        // An end may stand at the time of its start, but not before it.
        events.sort_unstable_by_key(|(at, place, is_end)| (*at, *is_end, *place));
        let mut timeline = Log::of(&names).0;
        for (at, place, is_end) in events {
            let at = Duration::from_nanos(10_000_000 + at * 1_001);
            let kind = if is_end {
                EventKind::Ended { step: step(place), done: Done::unrun(GOOD) }
            } else {
                EventKind::Granted { step: step(place), part: None }
            };
            timeline.take(&Event { at, kind });
        }
        let end = timeline.end + Duration::from_nanos(77);
        timeline.take(&Event { at: end, kind: EventKind::Finished(Summary::default()) });
        let shares = timeline.shares();
        proptest::prop_assert_eq!(shares.time, end);
        let all = shares.children.iter().map(|share| share.time).sum::<Duration>();
        proptest::prop_assert_eq!(all, end);
        let loads = timeline.load();
        proptest::prop_assert!(loads.last().is_none_or(|load| load.running == 0));
        proptest::prop_assert!(loads.windows(2).all(|two| two[0].at < two[1].at));
        let path = timeline.path();
        let ordered = path.windows(2).all(|two| timeline.bars[two[0]].to <= timeline.bars[two[1]].from);
        proptest::prop_assert!(ordered);
    }
}
