//! The account of a run for programs: each event as a line of JSON. The manual and `events.schema.json` hold the form;
//! whatever programs rely on changes only with the number in `format`. It knows events and nothing else.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::cached::cached_diagnostics;
use super::excerpt::pieces;
use super::explain_json::{change, one_reason};
use super::words::{outcome, own};
use crate::model::{
    Diagnostic, Done, Event, EventKind, Exceeded, Interrupt, Outcome, Output, Part, Reason, StepId, StepInfo, Summary,
    Taken, TestRun, TestSummary, Tests, millis,
};

/// 1: the first.
const FORMAT: u32 = 1;

/// The JSON Schema of a line.
pub const EVENTS_SCHEMA: &str = include_str!("events.schema.json");

/// Writes a run as it happens, a JSON object to a line.
pub struct Json<W> {
    out: W,
    steps: Arc<[StepInfo]>,
    at: Duration,
}

impl<W: Write> Json<W> {
    /// Nothing is written yet.
    pub fn new(out: W) -> Self {
        Self { out, steps: Arc::from([]), at: Duration::ZERO }
    }

    /// Writes the next event.
    pub fn take(&mut self, event: &Event) {
        self.at = event.at;
        match &event.kind {
            EventKind::Begun { run, workspace, selected, steps, jobs } => {
                self.steps = Arc::clone(steps);
                // Of the others it turns out only at the end whether they are to run.
                let counted = steps.iter().enumerate().filter(|(_, info)| info.is_counted());
                let steps: Vec<_> = counted.map(step_info).collect();
                let fields = json!({ "run": &**run, "workspace": &**workspace, "selected": &**selected, "jobs": jobs });
                self.line("begun", with(fields, [("steps", steps.into())]));
            }
            EventKind::Ready { step } => self.of_step("ready", *step, json!({})),
            EventKind::Waiting { step, part, lock } => {
                self.of_step("waiting", *step, json!({ "part": part.as_deref(), "lock": &**lock }));
            }
            EventKind::Granted { step, part } => self.of_step("granted", *step, json!({ "part": part.as_deref() })),
            EventKind::Split { step, parts } => {
                let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
                self.of_step("split", *step, json!({ "parts": parts }));
            }
            EventKind::Started { step, reason } => {
                let reason = self.reason(reason, self.steps.get(step.index()).and_then(own));
                self.of_step("started", *step, json!({ "reason": reason }));
            }
            // All that a step printed is told when it ends; this is only what a display shows at once.
            EventKind::Printed { .. }
            | EventKind::TerminalLeft
            | EventKind::TerminalBack
            | EventKind::Ticked { .. } => {}
            EventKind::Diagnosed { step, diagnostic } => self.diagnostic(*step, diagnostic),
            EventKind::Ended { step, done } => self.ended(*step, done),
            EventKind::Retried { step, part, attempt, of, how, output } => {
                self.printed(*step, part.as_deref(), output);
                let fields = json!({ "part": part.as_deref(), "attempt": attempt, "of": of, "how": &**how });
                self.of_step("retried", *step, fields);
            }
            EventKind::PartStarted { step, part } => self.of_step("part_started", *step, json!({ "part": &**part })),
            EventKind::PartEnded { step, part } => self.part_ended(*step, part),
            EventKind::Exceeded { exceeded, enforced } => self.exceeded(exceeded, *enforced),
            EventKind::Slower { step, took, usual } => {
                let (took, median) = (millis(*took), millis(usual.median));
                self.of_step("slower", *step, json!({ "duration_ms": took, "usual_ms": median, "runs": usual.runs }));
            }
            EventKind::Warned(text) => self.line("warned", json!({ "text": text })),
            EventKind::Noted(text) => self.line("noted", json!({ "text": text })),
            EventKind::Interrupted(signal) => {
                let fields = json!({ "signal": signal_name(*signal), "exit_code": signal.exit_code() });
                self.line("interrupted", fields);
            }
            EventKind::Finished(summary) => self.line("finished", figures(summary)),
        }
        // Nobody reads any more; the run goes on and its exit code tells.
        let _ = self.out.flush();
    }

    fn ended(&mut self, step: StepId, done: &Done) {
        let Done { outcome, duration, output, warned, tests, attempts, peak } = done;
        if *warned && matches!(outcome, Outcome::Cached { .. }) {
            cached_diagnostics(output, &mut |diagnostic| self.diagnostic(step, &diagnostic));
        }
        self.printed(step, None, output);
        let fields = json!({
            "duration_ms": millis(*duration),
            "warned": warned,
            "attempts": attempts,
            "peak_memory": peak,
            "tests": tests.as_ref().map(test_summary),
        });
        self.of_step("ended", step, with(fields, outcome_fields(outcome)));
    }

    fn part_ended(&mut self, step: StepId, part: &Part) {
        self.printed(step, Some(&part.name), &part.output);
        let fields = json!({
            "part": &*part.name,
            "member": &*part.member,
            "reason": part.reason.as_ref().map(|why| self.reason(why, Some(&part.member))),
            "duration_ms": millis(part.duration),
            "tests": tests(&part.tests),
        });
        self.of_step("part_ended", step, with(fields, outcome_fields(&part.outcome)));
    }

    fn printed(&mut self, step: StepId, part: Option<&str>, output: &Output) {
        pieces(output, &mut |piece| {
            let text = String::from_utf8_lossy(piece);
            let is_lossy = matches!(text, std::borrow::Cow::Owned(_));
            self.of_step("printed", step, json!({ "part": part, "text": text, "lossy": is_lossy }));
        });
    }

    fn diagnostic(&mut self, step: StepId, diagnostic: &Diagnostic) {
        let Diagnostic { is_error, code, message, place } = diagnostic;
        let place = place.as_ref();
        let fields = json!({
            "level": if *is_error { "error" } else { "warning" },
            "code": code,
            "message": message,
            "file": place.map(|place| &place.file),
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
            "end_line": place.and_then(|place| place.end_line),
            "end_column": place.and_then(|place| place.end_column),
        });
        self.of_step("diagnostic", step, fields);
    }

    fn exceeded(&mut self, exceeded: &Exceeded, enforced: bool) {
        let Exceeded { step, taken, budget, .. } = exceeded;
        let name = step.and_then(|step| self.steps.get(step.index())).map(|info| &*info.name);
        let fields = json!({
            "step": step.map(StepId::index),
            "name": name,
            "budget": exceeded.key(&self.steps),
            "taken": amount(*taken),
            "allowed": amount(*budget),
            "enforced": enforced,
        });
        self.line("exceeded", fields);
    }

    fn reason(&self, why: &Reason, own: Option<&str>) -> Value {
        let changes = match why {
            Reason::Changed(changes) => changes.iter().map(change).collect(),
            _ => Vec::new(),
        };
        with(one_reason(why, &self.steps, own), [("changes", changes.into())])
    }

    fn of_step(&mut self, event: &str, step: StepId, fields: Value) {
        let name = self.steps.get(step.index()).map(|info| &*info.name);
        let place = json!({ "step": step.index(), "name": name });
        self.line(event, with(place, object(fields)));
    }

    fn line(&mut self, event: &str, fields: Value) {
        let head = json!({ "format": FORMAT, "event": event, "at_ms": millis(self.at) });
        let _ = writeln!(self.out, "{}", with(head, object(fields)));
    }
}

/// The object with these fields besides its own.
fn with<K: Into<String>>(object: Value, fields: impl IntoIterator<Item = (K, Value)>) -> Value {
    let Value::Object(mut all) = object else { return object };
    all.extend(fields.into_iter().map(|(name, value)| (name.into(), value)));
    all.into()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn step_info((id, info): (usize, &StepInfo)) -> Value {
    json!({ "step": id, "name": &*info.name, "phase": &*info.phase, "members": info.members })
}

/// How something ended, with what only that ending has.
fn outcome_fields(ending: &Outcome) -> Vec<(&'static str, Value)> {
    let more = match ending {
        Outcome::Succeeded | Outcome::Cancelled => Vec::new(),
        Outcome::Cached { saved, restored } => {
            vec![("saved_ms", millis(*saved).into()), ("restored", (*restored).into())]
        }
        Outcome::Failed(how) => vec![("how", (**how).into())],
        Outcome::Skipped { because } => vec![("because", because.index().into())],
    };
    std::iter::once(("outcome", outcome(ending).into())).chain(more).collect()
}

fn test_summary(summary: &TestSummary) -> Value {
    json!({
        "ran": test_run(&summary.ran),
        "fresh": test_run(&summary.fresh),
        "left": summary.left,
        "uncompiled": summary.uncompiled,
        "saved_ms": millis(summary.saved),
    })
}

fn test_run(run: &TestRun) -> Value {
    json!({ "executables": run.executables, "tests": tests(&run.tests) })
}

fn tests(tests: &Tests) -> Value {
    let Tests { passed, failed, ignored, filtered } = tests;
    json!({ "passed": passed, "failed": failed, "ignored": ignored, "filtered": filtered })
}

fn figures(summary: &Summary) -> Value {
    let Summary { succeeded, cached, failed, skipped, cancelled, duration, saved } = summary;
    json!({
        "steps": summary.steps(),
        "succeeded": succeeded,
        "cached": cached,
        "failed": failed,
        "skipped": skipped,
        "cancelled": cancelled,
        "duration_ms": millis(*duration),
        "saved_ms": millis(*saved),
    })
}

fn signal_name(signal: Interrupt) -> String {
    match signal {
        Interrupt::Interrupt => "SIGINT".to_owned(),
        Interrupt::Terminate => "SIGTERM".to_owned(),
        Interrupt::Hangup => "SIGHUP".to_owned(),
        Interrupt::Quit => "SIGQUIT".to_owned(),
        Interrupt::Other(number) => format!("signal {number}"),
    }
}

/// In milliseconds, or in bytes.
fn amount(taken: Taken) -> u64 {
    match taken {
        Taken::Time(time) => millis(time),
        Taken::Memory(bytes) => bytes,
    }
}
