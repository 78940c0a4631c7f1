//! Signals at any moment of runs of many sorts of steps: whenever they come, nothing is left behind, what is kept stays
//! readable, and what was cut off is not taken for done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::Value;

use crate::call::Call;
use crate::crashes::next;
use crate::scene::Scene;
use crate::signals::send;

/// Commands that write in several parts, have children of their own, heed no signal, and leave something running.
const MAKE: &str = r#"
[lifecycle.gen]
workspaces = ["a"]
command = "mkdir -p out; for n in 1 2 3; do cat schema > out/$n; sleep 0.05; echo $n >> out/$n; done"
inputs = ["schema"]
outputs = ["out"]

[lifecycle.quick]
command = "echo {name}"
inputs = ["src/**"]

[lifecycle.tree]
command = "(sleep 0.2; sleep 0.2) & sh -c 'sleep 0.3; true' & wait"
inputs = ["src/**"]
needs = ["quick"]

[lifecycle.deaf]
workspaces = ["b"]
command = "trap '' INT TERM; sleep 0.2; sh -c 'sleep 0.2'"
inputs = ["src/**"]

[lifecycle.serve]
workspaces = ["b"]
command = "exec > /dev/null 2>&1; sleep 1000 &"

[lifecycle.down]
scope = "workspace"
command = "sleep 0.1; echo $CARGO_LIFECYCLE_RUN_ID >> $SIDE/down"

[hooks]
before_check = ["gen"]
finally = ["down"]
"#;

/// The phases of every run.
const PHASES: &str = "serve check tree deaf test -j3";

/// About as many events as a run has in which everything is to be done.
const EVENTS: u64 = 40;

/// What came of the rounds.
#[derive(Default)]
struct Tally {
    rounds: usize,
    twice: usize,
    /// How often each way to end came about.
    ends: BTreeMap<String, usize>,
    /// Steps that were cut off.
    cancelled: usize,
    /// Runs that came to the end of `finally` after a signal.
    closed: usize,
    /// The longest time from the first signal to the end.
    longest: Duration,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, twice, ends, cancelled, closed, longest } = self;
        write!(
            f,
            "{rounds} runs, {twice} of them with two signals; {cancelled} steps cut off, `finally` {closed} times; "
        )?;
        write!(f, "over {:.1} s after the signal at the latest", longest.as_secs_f64())?;
        ends.iter().try_for_each(|(end, count)| write!(f, "; {end}: {count}"))
    }
}

/// What signals do to runs of one workspace.
struct Hunt {
    scene: Scene,
    seed: u64,
    tally: Tally,
}

/// A run that was disturbed.
struct Disturbed {
    status: ExitStatus,
    /// The first signal, and whether there was a second.
    signal: (Signal, bool),
    events: Vec<Value>,
    shown: String,
}

impl Hunt {
    fn new(seed: u64) -> Self {
        let scene = Scene::of(&["a", "b a"]).file(".gitignore", "/target\n/a/out\n").make(MAKE);
        fs::create_dir(scene.beside("temporary")).unwrap();
        let hunt = Self { scene, seed, tally: Tally::default() };
        hunt.edit(&["a", "b"], 0);
        hunt.call(PHASES).succeeds();
        hunt
    }

    fn call(&self, words: &str) -> Call {
        self.scene.call(words).env("TMPDIR", self.scene.beside("temporary"))
    }

    fn below(&mut self, end: u64) -> u64 {
        next(&mut self.seed) % end
    }

    /// Gives these members contents that they never had; the number says which.
    fn edit(&self, members: &[&str], number: u64) {
        for member in members {
            let source = format!("pub const NUMBER: u64 = {number};\n#[test]\nfn number() {{\n    {SLEEP}\n}}\n");
            self.scene.write(&format!("{member}/src/lib.rs"), &source);
        }
        self.scene.write("a/schema", &format!("{number}\n"));
    }

    /// Edits something, disturbs a run, looks at what it left, and runs once more.
    fn round(&mut self) -> Result<(), String> {
        let number = 1000 + self.tally.rounds as u64;
        let members: &[&str] = [&[][..], &["a"], &["b"], &["a", "b"]][self.below(4) as usize];
        self.edit(members, number);
        let disturbed = self.disturbed()?;
        self.tally.rounds += 1;
        self.tally.twice += usize::from(disturbed.signal.1);
        let end = self.end_of(&disturbed).map_err(|what| format!("{what}\n{}", disturbed.shown))?;
        *self.tally.ends.entry(end).or_default() += 1;
        self.look_at_what_is_left(&disturbed).map_err(|what| format!("{what}\n{}", disturbed.shown))?;
        self.run_again(number)
    }

    fn disturbed(&mut self) -> Result<Disturbed, String> {
        let [out, err] = ["out", "err"].map(|name| self.scene.beside(name));
        let mut command = self.call(&format!("{PHASES} --message-format json")).command();
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let first = [Signal::INT, Signal::TERM][self.below(2) as usize];
        // So many events, and then some time: moments in which nothing happens are no better than others.
        let (lines, waits) = (self.below(EVENTS) as usize, Duration::from_millis(self.below(200)));
        let second = (self.below(3) == 0).then(|| Duration::from_millis(self.below(600)));
        let mut child = command.spawn().unwrap();
        let written = || fs::read(&out).unwrap().iter().filter(|byte| **byte == b'\n').count();
        while written() < lines && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(waits);
        send_if_there(&mut child, first);
        let clock = Instant::now();
        if let Some(waits) = second {
            std::thread::sleep(waits);
            send_if_there(&mut child, [Signal::INT, Signal::TERM][self.below(2) as usize]);
        }
        let status = ended(&mut child).ok_or_else(|| format!("it does not end {first:?} after {lines} events"))?;
        self.tally.longest = self.tally.longest.max(clock.elapsed());
        let events = fs::read_to_string(out).unwrap();
        // A run that a signal ended where nobody listened yet may stop in the middle of a line.
        let events = events.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let shown = fs::read_to_string(err).unwrap();
        let shown = format!(
            "{first:?} after {lines} events and {waits:?}, then {second:?}, over {:?} later\n{shown}",
            clock.elapsed()
        );
        Ok(Disturbed { status, signal: (first, second.is_some()), events, shown })
    }

    /// How it ended, which must be one of the ways that are right.
    fn end_of(&mut self, disturbed: &Disturbed) -> Result<String, String> {
        let told = [(Signal::INT, 130), (Signal::TERM, 143)].map(|(signal, code)| (signal.as_raw(), code));
        let (first, twice) = disturbed.signal;
        let named = |name: &str| disturbed.events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
        let told_in_events = named("interrupted").first().map(|event| event["exit_code"].as_i64());
        match (disturbed.status.code(), disturbed.status.signal()) {
            (Some(0), _) if told_in_events.is_none() => Ok("over before".to_owned()),
            (Some(code), _) if told.contains(&(first.as_raw(), code)) => {
                if told_in_events != Some(Some(code.into())) {
                    return Err(format!("exit code {code}, but the events say {told_in_events:?}"));
                }
                let run = named("begun").first().map(|event| event["run"].as_str().unwrap_or_default().to_owned());
                let closed = self.scene.left("down").lines().any(|line| Some(line) == run.as_deref());
                self.tally.closed += usize::from(closed);
                if closed || twice { Ok(format!("exit code {code}")) } else { Err("`finally` did not run".to_owned()) }
            }
            // Before we listen and after all is done, signals do what they always do.
            (None, Some(signal)) if twice || signal == first.as_raw() => {
                let is_over = !named("finished").is_empty();
                Ok(format!("by the signal {}", if is_over { "when all was done" } else { "before anything ran" }))
            }
            _ => Err(format!("{} after {first:?}; the events say {told_in_events:?}", disturbed.status)),
        }
    }

    fn look_at_what_is_left(&mut self, disturbed: &Disturbed) -> Result<(), String> {
        let orderly = disturbed.status.code().is_some();
        // What cargo is asked before anything runs is not ended by a signal that is for us alone; it ends by itself.
        let patience = if orderly { Duration::from_millis(100) } else { Duration::from_secs(10) };
        let until = Instant::now() + patience;
        while !self.scene.processes().is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        nothing_of("left running", self.scene.processes())?;
        let temporary = fs::read_dir(self.scene.beside("temporary")).unwrap().map(|entry| entry.unwrap());
        let temporary: Vec<String> = temporary.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        fs::remove_dir_all(self.scene.beside("temporary")).unwrap();
        fs::create_dir(self.scene.beside("temporary")).unwrap();
        // Those of rustc and rustdoc are theirs.
        nothing_of("left in TMPDIR", temporary.iter().filter(|name| !name.starts_with("rust")).collect())?;
        let kept = walkdir::WalkDir::new(self.scene.at("target/lifecycle")).into_iter().map(|entry| entry.unwrap());
        let kept = kept.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let unfinished = |name: &String| name.starts_with(".new-") || name.starts_with("run-");
        nothing_of("unfinished", kept.filter(|name| orderly && unfinished(name)).collect())?;
        serde_json::from_slice::<Value>(&fs::read(self.scene.state_json()).unwrap())
            .map_err(|error| error.to_string())?;

        let begun: BTreeSet<&str> = names_of(disturbed, |event| event["event"] == "started").collect();
        let cancelled = names_of(disturbed, |event| event["event"] == "ended" && event["outcome"] == "cancelled");
        let cut_off: Vec<&str> = cancelled.filter(|name| begun.contains(name)).collect();
        self.tally.cancelled += cut_off.len();
        let fresh = self.fresh()?;
        nothing_of("cut off and called fresh", cut_off.iter().filter(|name| fresh.contains(**name)).collect())
    }

    /// The steps that are fresh now.
    fn fresh(&self) -> Result<BTreeSet<String>, String> {
        let ended = self.call(&format!("{PHASES} -n --message-format json")).run();
        if ended.code != Some(0) || !ended.stderr.is_empty() {
            return Err(format!("--dry-run complains:\n{}", ended.text()));
        }
        let out = ended.out();
        let steps = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let fresh = steps.filter(|step| step["verdict"] == "fresh");
        Ok(fresh.filter_map(|step| step["step"].as_str().map(str::to_owned)).collect())
    }

    /// An undisturbed run succeeds and leaves everything as it is to be.
    fn run_again(&self, number: u64) -> Result<(), String> {
        let ended = self.call(PHASES).run();
        if ended.code != Some(0) || ended.err().contains("warning") {
            return Err(format!("the next run does not just succeed:\n{}", ended.text()));
        }
        nothing_of("left running by the next run", self.scene.processes())?;
        for part in 1..=3 {
            let made = fs::read_to_string(self.scene.at("a/out").join(part.to_string())).unwrap();
            if made != format!("{number}\n{part}\n") {
                return Err(format!("out/{part} is {made:?}"));
            }
        }
        let fresh = self.fresh()?;
        let cached = ["gen a", "quick a", "quick b", "tree a", "tree b", "deaf b", "check", "test"];
        nothing_of("stale afterwards", cached.iter().filter(|name| !fresh.contains(**name)).collect())
    }
}

/// The steps of these events.
fn names_of(run: &Disturbed, which: impl Fn(&Value) -> bool) -> impl Iterator<Item = &str> {
    run.events.iter().filter(move |event| which(event)).filter_map(|event| event["name"].as_str())
}

/// What tests do.
const SLEEP: &str = "std::thread::sleep(std::time::Duration::from_millis(100));";

fn nothing_of<T: fmt::Debug>(what: &str, found: Vec<T>) -> Result<(), String> {
    if found.is_empty() { Ok(()) } else { Err(format!("{what}: {found:?}")) }
}

/// Sends it a signal, unless it is known to have ended: its number may be another's then.
fn send_if_there(child: &mut Child, signal: Signal) {
    if child.try_wait().unwrap().is_none() {
        send(child, signal);
    }
}

/// How it ended; `None`, and it is killed, if it never does.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

#[test]
fn a_signal_at_any_moment_leaves_nothing_behind() {
    let mut hunt = Hunt::new(5);
    for _ in 0..2 {
        hunt.round().unwrap_or_else(|what| panic!("{what}"));
    }
}

/// As many runs as `INTERRUPTS_TIMES` says, from the seed `INTERRUPTS_SEED` on.
#[test]
#[ignore = "runs for minutes; `cargo xtask interrupts` starts it"]
fn many_signals() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (times, seed) = (number("INTERRUPTS_TIMES").unwrap_or(10), number("INTERRUPTS_SEED").unwrap_or(now.as_secs()));
    let (mut hunt, mut wrong) = (Hunt::new(seed), 0);
    println!("seed {seed}");
    for round in 1..=times {
        if let Err(what) = hunt.round() {
            wrong += 1;
            println!("run {round}: {what}\n");
        }
    }
    println!("{}; {wrong} wrong", hunt.tally);
    assert_eq!(wrong, 0);
    assert!(hunt.tally.cancelled > 0, "no step was cut off");
}
