//! The times of a run as a page that needs nothing besides itself: the data, as compact as it goes, in a page whose script
//! draws it. What is drawn how is the script's affair.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::timeline::{Bar, Task, Timeline, Upon, Vain};
use super::words::{figures, outcome};
use super::worst::{WORST, others};
use crate::model::Outcome;

const PAGE: &str = include_str!("timings.html");
const STYLE: &str = include_str!("timings.css");
const SCRIPT: &str = include_str!("timings.js");

/// The page: `asked_at` is when the run was asked for.
#[must_use]
pub fn timings(timeline: &Timeline, asked_at: SystemTime) -> String {
    let data = in_script(&data(timeline, asked_at).to_string());
    let title = in_html(&timeline.workspace);
    // In one pass, so that nothing is looked for in what was put in.
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + data.len());
    for piece in PAGE.split("{{") {
        let Some((name, rest)) = piece.split_once("}}") else {
            page.push_str(piece);
            continue;
        };
        page.push_str(match name {
            "title" => &title,
            "style" => STYLE,
            "data" => &data,
            "script" => SCRIPT,
            _ => "",
        });
        page.push_str(rest);
    }
    page
}

/// JSON that no reader of HTML takes for the end of a script, or for a comment.
fn in_script(json: &str) -> String {
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

fn in_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Everything that the script knows. Texts are numbered, each stands there once; times are microseconds since the run was
/// asked for; -1 is for what is not there.
fn data(timeline: &Timeline, asked_at: SystemTime) -> Value {
    let mut texts = Texts::default();
    let tasks: Vec<Value> = timeline.tasks.iter().map(|task| of_task(timeline, task, &mut texts)).collect();
    let bars: Vec<Value> = timeline.bars.iter().map(|bar| of_bar(bar, &mut texts)).collect();
    let vain: Vec<Value> = timeline.vain.iter().map(|wait| of_vain(wait, &mut texts)).collect();
    let told = timeline.exceeded.len().min(WORST);
    let since_epoch = asked_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    json!({
        "workspace": &*timeline.workspace,
        "selected": &*timeline.selected,
        "run": &*timeline.run,
        "askedAt": since_epoch.as_millis() as u64,
        "jobs": timeline.jobs,
        "slots": timeline.slots(),
        "figures": figures(&timeline.summary),
        "begun": micros(timeline.begun),
        "first": micros(timeline.first()),
        "last": micros(timeline.last()),
        "end": micros(timeline.end),
        "texts": texts.all,
        "tasks": tasks,
        "bars": bars,
        "vain": vain,
        "path": timeline.path(),
        "load": load(timeline),
        "exceeded": timeline.exceeded[..told],
        "exceededBesides": (told < timeline.exceeded.len()).then(|| others(timeline.exceeded.len() - told)),
    })
}

/// name, phase, step (of a part), outcome, why, note, took or saved, attempts, ended
fn of_task(timeline: &Timeline, task: &Task, texts: &mut Texts) -> Value {
    let step = if task.is_part { task.step.index() as i64 } else { -1 };
    let name = |step: usize| timeline.tasks.get(step).map(|task| Arc::clone(&task.name)).unwrap_or_default();
    let (note, took) = match &task.outcome {
        Some(Outcome::Failed(how)) => (Some(how.to_string()), task.took),
        Some(Outcome::Skipped { because }) => (Some(format!("{} failed", name(because.index()))), task.took),
        Some(Outcome::Cached { saved, restored: 0 }) => (None, *saved),
        Some(Outcome::Cached { saved, restored }) => (Some(format!("{restored} outputs restored")), *saved),
        _ => (None, task.took),
    };
    // Of the steps only those of `on_success` and `on_error` that were not called for do not end.
    let untold = if task.is_part { "cancelled" } else { "uncalled" };
    let how = task.outcome.as_ref().map_or(untold, outcome);
    json!([
        texts.place(&task.name),
        texts.place(&task.phase),
        step,
        texts.place(how),
        texts.place_if(task.why.as_deref()),
        texts.place_if(note.as_deref()),
        micros(took),
        task.attempts,
        micros(task.ended),
    ])
}

/// task, slot, from, how long, waited for a job, waited for a lock, which lock, judged, after which bar, why after that
fn of_bar(bar: &Bar, texts: &mut Texts) -> Value {
    let upon = bar.cause.map_or(-1, |cause| match cause.upon {
        Upon::Step => 0,
        Upon::Lock => 1,
        Upon::Job => 2,
    });
    json!([
        bar.task,
        bar.slot,
        micros(bar.from),
        micros(bar.to).saturating_sub(micros(bar.from)),
        micros(bar.waited_for_job()),
        micros(bar.waited_for_lock()),
        texts.place_if(bar.locked.as_ref().map(|(_, lock)| &**lock)),
        micros(bar.started.unwrap_or(bar.to).saturating_sub(bar.from)),
        bar.cause.map_or(-1, |cause| cause.bar as i64),
        upon,
    ])
}

/// task, waited for a job, from, how long, which lock
fn of_vain(wait: &Vain, texts: &mut Texts) -> Value {
    json!([
        wait.task,
        micros(wait.since.saturating_sub(wait.ready)),
        micros(wait.since),
        micros(wait.to).saturating_sub(micros(wait.since)),
        texts.place(&wait.lock),
    ])
}

/// Moments, each as the time since the one before, how many ran, waited for a lock, and for a job; all in a row.
fn load(timeline: &Timeline) -> Vec<u64> {
    let mut before = 0;
    let loads = timeline.load().into_iter().flat_map(|load| {
        let at = micros(load.at);
        let since = at - before;
        before = at;
        [since, load.running as u64, load.locked as u64, load.queued as u64]
    });
    loads.collect()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Texts with numbers.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    places: HashMap<String, usize>,
}

impl Texts {
    fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        self.all.push(text.to_owned());
        self.places.insert(text.to_owned(), self.all.len() - 1);
        self.all.len() - 1
    }

    fn place_if(&mut self, text: Option<&str>) -> i64 {
        text.map_or(-1, |text| self.place(text) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Done, Event, EventKind, Exceeded, Reason, StepId, StepInfo, Summary, Taken};

    const EVIL: &str = "</script><script>alert(1)</script><!-- & \u{2028} {{data}}";

    fn run(name: &str, outcome: Outcome) -> Timeline {
        let steps = [StepInfo { name: name.into(), phase: "say".into(), members: 1 }];
        let steps: Arc<[StepInfo]> = steps.into();
        let (workspace, selected) = (name.into(), "all".into());
        let step = StepId::new(0);
        let [taken, budget] = [2, 1].map(|seconds| Taken::Time(Duration::from_secs(seconds)));
        let exceeded = Exceeded { step: Some(step), taken, budget, is_of_phase: false };
        let mut timeline = Timeline::new();
        let kinds = [
            EventKind::Begun { run: "7-1".into(), workspace, selected, steps, jobs: 2 },
            EventKind::Ready { step },
            EventKind::Granted { step, part: None },
            EventKind::Started { step, reason: Reason::NotKept(name.into()) },
            EventKind::Ended { step, done: Done { attempts: 1, ..Done::unrun(outcome) } },
            EventKind::Exceeded { exceeded, enforced: true },
            EventKind::Finished(Summary::default()),
        ];
        for (at, kind) in (1..).zip(kinds) {
            timeline.take(&Event { at: Duration::from_millis(at), kind });
        }
        timeline
    }

    /// The data as the script finds it.
    fn data_of(page: &str) -> Value {
        let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    }

    #[test]
    fn no_name_gets_out_of_its_place() {
        let plain = timings(&run("say a", Outcome::Succeeded), SystemTime::UNIX_EPOCH);
        let page = timings(&run(EVIL, Outcome::Failed(EVIL.into())), SystemTime::UNIX_EPOCH);
        let tags = |page: &str| page.matches('<').count();
        assert_eq!(tags(&page), tags(&plain), "no tag more than without");
        assert!(!page.contains("alert(1)</"));
        let data = data_of(&page);
        let texts: Vec<&str> = data["texts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(texts[0], EVIL);
        assert_eq!(
            texts.iter().filter(|text| text.contains("alert")).count(),
            2,
            "each text stands there once: {texts:?}"
        );
        let over = format!("{EVIL} took 2.00s, more than the 1.00s of max_phase_time");
        assert_eq!((&data["workspace"], &data["exceeded"]), (&EVIL.into(), &json!([[over, true]])));
    }

    #[test]
    fn of_many_budgets_the_page_has_the_worst_and_how_many_more_there_are() {
        let mut timeline = run("say a", Outcome::Succeeded);
        assert_eq!(data_of(&timings(&timeline, SystemTime::UNIX_EPOCH))["exceededBesides"], Value::Null);
        timeline.exceeded = (0..WORST + 3).map(|step| (step.to_string(), false)).collect();
        let data = data_of(&timings(&timeline, SystemTime::UNIX_EPOCH));
        assert_eq!(data["exceeded"].as_array().unwrap().last(), Some(&json!([(WORST - 1).to_string(), false])));
        assert_eq!(
            (&data["exceededBesides"], data["exceeded"].as_array().unwrap().len()),
            (&"… and 3 more".into(), WORST)
        );
    }

    #[test]
    fn the_page_asks_for_nothing_outside() {
        let page = timings(&run("say a", Outcome::Succeeded), SystemTime::UNIX_EPOCH);
        for word in
            ["http:", "https:", "src=", "href=", "url(", "@import", "fetch(", "import(", "innerHTML", "{{", "}}>"]
        {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
        assert!(!SCRIPT.to_lowercase().contains("</script") && !STYLE.contains('<'));
    }

    #[test]
    fn every_element_that_the_script_asks_for_is_in_the_page() {
        let mut asked =
            SCRIPT.split("$(\"").skip(1).filter_map(|rest| rest.split_once("\")")).map(|(id, _)| id).peekable();
        assert!(asked.peek().is_some());
        asked.for_each(|id| assert!(PAGE.contains(&format!("id=\"{id}\"")), "{id}"));
    }

    #[test]
    fn the_numbers_are_those_of_the_run() {
        let data = data_of(&timings(&run("say a", Outcome::Succeeded), SystemTime::UNIX_EPOCH));
        assert_eq!(
            ["begun", "first", "last", "end"].map(|name| data[name].clone()),
            [1000, 3000, 5000, 7000].map(Value::from)
        );
        let text = |place: &Value| data["texts"][place.as_u64().unwrap() as usize].as_str().unwrap().to_owned();
        let task = &data["tasks"][0];
        assert_eq!(
            [0, 1, 3, 4].map(|field| text(&task[field])),
            ["say a", "say", "succeeded", "not kept before: say a"]
        );
        assert_eq!(data["bars"], json!([[0, 0, 3000, 2000, 1000, 0, -1, 1000, -1, -1]]));
        assert_eq!(
            (&data["path"], &data["load"]),
            (&json!([0]), &json!([2000, 0, 0, 1, 1000, 1, 0, 0, 2000, 0, 0, 0]))
        );
    }
}
