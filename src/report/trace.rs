//! A run in the Trace Event Format, for Perfetto and `chrome://tracing`: a thread for each slot, counters, and waits for locks
//! beside them. It knows nothing of how the times came about.

use serde_json::{Value, json};

use super::timeline::{Bar, Task, Timeline, Upon};
use super::words::outcome;

/// The process that all of it is of.
const PROCESS: u32 = 1;
/// The thread of what is not a step; the slots come after it. Not 0: Perfetto takes that for the thread with the number of
/// the process.
const RUN: usize = 1;

/// The run as one JSON object, an event to a line. Times are microseconds since the run was asked for.
#[must_use]
pub fn trace(timeline: &Timeline) -> String {
    let mut events = vec![
        named("process_name", RUN, &format!("cargo lifecycle: {}", timeline.workspace)),
        named("thread_name", RUN, "run"),
    ];
    for slot in 0..timeline.slots() {
        events.push(named("thread_name", thread(slot), &format!("slot {}", slot + 1)));
        events.push(meta("thread_sort_index", thread(slot), json!({ "sort_index": thread(slot) })));
    }
    let (begun, first, last) = (timeline.begun, timeline.first(), timeline.last());
    events.push(complete("planning", "run", RUN, (0, micros(begun)), json!({ "run": &*timeline.run })));
    events.push(complete("looking at files", "run", RUN, (micros(begun), micros(first)), json!({})));
    events.push(complete("writing results", "run", RUN, (micros(last), micros(timeline.end)), json!({})));
    let path: Vec<bool> = timeline.on_path();
    for (place, bar) in timeline.bars.iter().enumerate() {
        if let Some(task) = timeline.tasks.get(bar.task) {
            let is_critical = path.get(place).copied().unwrap_or_default();
            events.push(of_bar(timeline, task, bar, is_critical));
            if let Some((since, lock)) = &bar.locked {
                let holder = bar.cause.filter(|cause| cause.upon == Upon::Lock);
                let holder = holder.and_then(|cause| timeline.tasks.get(timeline.bars.get(cause.bar)?.task));
                events.extend(wait(place, (task, lock, holder), (micros(*since), micros(bar.from))));
            }
        }
    }
    for (place, vain) in (timeline.bars.len()..).zip(&timeline.vain) {
        if let Some(task) = timeline.tasks.get(vain.task) {
            events.extend(wait(place, (task, &vain.lock, None), (micros(vain.since), micros(vain.to))));
        }
    }
    for (what, enforced) in &timeline.exceeded {
        events.push(json!({
            "name": format!("budget exceeded: {what}"), "cat": "budget", "ph": "i", "s": "p", "ts": micros(last),
            "pid": PROCESS, "tid": RUN, "args": { "enforced": enforced },
        }));
    }
    for load in timeline.load() {
        let at = micros(load.at);
        events.push(counter("running", at, load.running));
        events.push(counter("waiting for a lock", at, load.locked));
        events.push(counter("waiting for a job", at, load.queued));
    }
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    format!("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n", lines.join(",\n"))
}

fn of_bar(timeline: &Timeline, task: &Task, bar: &Bar, is_critical: bool) -> Value {
    let after = bar.cause.and_then(|cause| timeline.tasks.get(timeline.bars.get(cause.bar)?.task));
    let args = json!({
        "outcome": task.outcome.as_ref().map(outcome),
        "reason": task.why,
        "member": task.member.as_deref(),
        "phase": &*task.phase,
        "attempts": task.attempts,
        "critical_path": is_critical,
        "started_after": after.map(|task| &*task.name),
        "judged_us": bar.started.unwrap_or(bar.to).saturating_sub(bar.from).as_micros() as u64,
        "waited_for_job_us": micros(bar.waited_for_job()),
        "waited_for_lock_us": micros(bar.waited_for_lock()),
    });
    let category = if task.is_part { "part" } else { "step" };
    complete(&task.name, category, thread(bar.slot), (micros(bar.from), micros(bar.to)), args)
}

/// Waits overlap one another, so they stand on no thread: each begins and ends under an id of its own.
fn wait(id: usize, (task, lock, holder): (&Task, &str, Option<&Task>), (from, to): (u64, u64)) -> [Value; 2] {
    let event = |phase: &str, at: u64, args: Value| {
        json!({
            "name": format!("waiting for lock {lock}"), "cat": "lock", "ph": phase, "id": id, "ts": at,
            "pid": PROCESS, "tid": RUN, "args": args,
        })
    };
    let args = json!({ "step": &*task.name, "lock": lock, "held_last_by": holder.map(|task| &*task.name) });
    [event("b", from, args), event("e", to, json!({}))]
}

fn complete(name: &str, category: &str, thread: usize, (from, to): (u64, u64), args: Value) -> Value {
    json!({
        "name": name, "cat": category, "ph": "X", "ts": from, "dur": to.saturating_sub(from),
        "pid": PROCESS, "tid": thread, "args": args,
    })
}

fn counter(name: &str, at: u64, count: usize) -> Value {
    json!({ "name": name, "ph": "C", "ts": at, "pid": PROCESS, "tid": RUN, "args": { "steps": count } })
}

fn named(what: &str, thread: usize, name: &str) -> Value {
    meta(what, thread, json!({ "name": name }))
}

fn meta(what: &str, thread: usize, args: Value) -> Value {
    json!({ "name": what, "ph": "M", "pid": PROCESS, "tid": thread, "args": args })
}

const fn thread(slot: usize) -> usize {
    RUN + 1 + slot
}

/// Ends are cut off like starts, so that what stood beside one another still does.
fn micros(time: std::time::Duration) -> u64 {
    time.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::model::{Done, Event, EventKind, Outcome, Reason, StepId, StepInfo, Summary};

    /// Two steps of one lock, and one without, at two jobs.
    fn run() -> Timeline {
        let info = |name: &&str| StepInfo { name: (*name).into(), phase: "say".into(), members: 1 };
        let steps: Arc<[StepInfo]> = ["say a", "say \"b\"", "say c"].iter().map(info).collect();
        let mut timeline = Timeline::new();
        let mut at = 0;
        let mut take = |kind: EventKind| {
            at += 1500;
            timeline.take(&Event { at: Duration::from_nanos(at), kind });
        };
        let (run, workspace, selected) = ("7-1".into(), "shop".into(), "all".into());
        take(EventKind::Begun { run, workspace, selected, steps, jobs: 2 });
        let [a, b, c] = [0, 1, 2].map(StepId::new);
        let ended = |step, outcome| EventKind::Ended { step, done: Done { attempts: 1, ..Done::unrun(outcome) } };
        [a, b, c].into_iter().for_each(|step| take(EventKind::Ready { step }));
        take(EventKind::Waiting { step: b, part: None, lock: "db".into() });
        for step in [a, c] {
            take(EventKind::Granted { step, part: None });
            take(EventKind::Started { step, reason: Reason::FirstRun });
        }
        take(ended(a, Outcome::Succeeded));
        take(EventKind::Granted { step: b, part: None });
        take(ended(b, Outcome::Cached { saved: Duration::ZERO, restored: 0 }));
        take(ended(c, Outcome::Failed("exit status 1".into())));
        take(EventKind::Finished(Summary::default()));
        timeline
    }

    fn events(timeline: &Timeline) -> Vec<Value> {
        let all: Value = serde_json::from_str(&trace(timeline)).unwrap();
        assert_eq!(all["displayTimeUnit"], "ms");
        all["traceEvents"].as_array().unwrap().clone()
    }

    #[test]
    fn every_event_has_what_its_form_asks_for() {
        for event in events(&run()) {
            let phase = event["ph"].as_str().unwrap();
            assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
            let asked: &[&str] = match phase {
                "M" => &["args"],
                "X" => &["ts", "dur", "cat", "args"],
                "C" => &["ts", "args"],
                "b" | "e" => &["ts", "id", "cat"],
                other => panic!("{other}"),
            };
            assert!(asked.iter().all(|field| !event[field].is_null()), "{event}");
            for time in ["ts", "dur"] {
                assert!(event[time].is_null() || event[time].is_u64(), "{event}");
            }
        }
    }

    #[test]
    fn what_is_of_one_thread_does_not_overlap() {
        let mut threads: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        for event in events(&run()).iter().filter(|event| event["ph"] == "X") {
            let [thread, from, length] = ["tid", "ts", "dur"].map(|field| event[field].as_u64().unwrap());
            threads.entry(thread).or_default().push((from, from + length));
        }
        assert_eq!(threads.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        for spans in threads.values_mut() {
            spans.sort_unstable();
            assert!(spans.windows(2).all(|two| two[0].1 <= two[1].0), "{spans:?}");
        }
    }

    #[test]
    fn a_step_tells_why_it_ran_and_how_it_ended_and_a_wait_who_had_the_lock() {
        let events = events(&run());
        let named = |name: &str, phase: &str| {
            events.iter().find(|event| event["name"] == *name && event["ph"] == *phase).unwrap().clone()
        };
        let args = named("say c", "X")["args"].clone();
        assert_eq!(
            (&args["outcome"], &args["reason"], &args["member"]),
            (&"failed".into(), &"first run".into(), &"c".into())
        );
        assert_eq!(named("say \"b\"", "X")["args"]["started_after"], "say a");
        let (from, to) = (named("waiting for lock db", "b"), named("waiting for lock db", "e"));
        assert_eq!((&from["args"]["held_last_by"], &from["id"]), (&"say a".into(), &to["id"]));
        assert!(from["ts"].as_u64() < to["ts"].as_u64());
        let running = events.iter().filter(|event| event["ph"] == "C" && event["name"] == "running");
        assert_eq!(running.map(|event| event["args"]["steps"].as_u64().unwrap()).max(), Some(2));
    }
}
