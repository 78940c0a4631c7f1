//! What a call of ours said: its steps with their outcomes, and the text of each. It runs the program and judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use crate::ask::Ask;
use crate::world::World;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Fresh,
    Ran,
    Failed,
    /// It did not come to it.
    Passed,
}

/// A step.
#[derive(Debug)]
pub struct Step {
    pub phase: String,
    /// For one of a single member, its name.
    pub member: Option<String>,
    pub how: How,
    /// Its line, with the reason.
    pub line: String,
    /// What it printed, now or when it ran.
    pub text: String,
}

/// A call that has ended.
#[derive(Debug)]
pub struct Seen {
    pub code: Option<i32>,
    pub steps: Vec<Step>,
    /// Everything that it said.
    pub all: String,
}

/// Our program with these words.
pub fn command(world: &World, ask: &Ask) -> Command {
    let mut command = world.command(env!("CARGO_BIN_EXE_cargo-lifecycle"));
    command.args(ask.words());
    command
}

/// What a dry run says of each step, by its phase and member.
pub fn foreseen(world: &World, ask: &Ask) -> BTreeMap<(String, Option<String>), String> {
    let mut words = ask.words();
    words.insert(1, "-n".to_owned());
    let output = world.command(env!("CARGO_BIN_EXE_cargo-lifecycle")).args(words).output().unwrap();
    let all = String::from_utf8_lossy(&output.stdout);
    let steps = all.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| {
        let (title, verdict) = line.split_once(": ")?;
        Some((named(title)?, verdict.to_owned()))
    });
    steps.collect()
}

impl Seen {
    /// Runs it.
    pub fn run(world: &World, ask: &Ask) -> Self {
        Self::of(&command(world, ask).output().unwrap())
    }

    fn of(output: &Output) -> Self {
        let all = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut steps: Vec<Step> = Vec::new();
        let mut is_inside = false;
        for line in all.lines() {
            if let Some(step) = step(line) {
                is_inside = !steps.iter().any(|known| known.phase == step.phase && known.member == step.member);
                steps.extend(is_inside.then_some(step));
            } else if line.starts_with("    Finished ") && line.contains(" step") {
                is_inside = false;
            } else if let (true, Some(step)) = (is_inside, steps.last_mut().filter(|_| !is_ours(line))) {
                step.text += line;
                step.text.push('\n');
            }
        }
        Self { code: output.status.code(), steps, all }
    }

    /// Whether it said that a result is not kept, and so will not be fresh next time.
    pub fn is_unkept(&self, step: &Step) -> bool {
        let name = step.member.as_ref().map_or_else(|| step.phase.clone(), |member| format!("{} {member}", step.phase));
        let says = |line: &str| {
            is_ours(line) && line.contains("not kept") && (line.contains(&name) || line.contains("this result"))
        };
        self.all.lines().any(says)
    }

    /// Whether it said so of anything.
    pub fn is_anything_unkept(&self) -> bool {
        self.all.lines().any(|line| line.contains("not kept"))
    }
}

/// Whether it is a line of our own, which no step has printed.
fn is_ours(line: &str) -> bool {
    const WARNINGS: [&str; 6] = [
        "not kept",
        " is damaged",
        " is not a file of cargo lifecycle's",
        "; what stood there is in `",
        "waits for another run",
        "name no file that is there",
    ];
    let is_known = |text: &str| WARNINGS.iter().any(|known| text.contains(known));
    // How long something usually takes depends on the edits before.
    let is_time = line.starts_with("        Slow ") && line.contains(", usually ");
    is_time || line.starts_with("note: ") || line.strip_prefix("warning: ").is_some_and(is_known)
}

/// The step that a line tells the end of.
fn step(line: &str) -> Option<Step> {
    let verb = line.get(..13)?.trim();
    let how = match verb {
        "Fresh" => How::Fresh,
        "Ran" => How::Ran,
        "Failed" => How::Failed,
        "Skipped" | "Cancelled" => How::Passed,
        _ => return None,
    };
    let (phase, member) = named(line.get(13..)?)?;
    Some(Step { phase, member, how, line: line.trim().to_owned(), text: String::new() })
}

/// The phase and the member that a line begins with.
fn named(line: &str) -> Option<(String, Option<String>)> {
    let mut words = line.split([' ', ':']);
    let phase = words.next()?.to_owned();
    let member = words.next().filter(|word| word.starts_with(char::is_alphabetic) && *word != "in");
    Some((phase, member.map(str::to_owned)))
}

/// The warnings and errors that cargo's output holds, each with its place.
pub fn diagnostics(text: &str, folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_head = line.starts_with("warning") || line.starts_with("error");
        let is_count =
            line.contains(" generated ") || line.contains("could not compile") || line.contains("build failed");
        if !is_head || is_count {
            continue;
        }
        let place = lines.peek().map(|next| next.trim()).filter(|next| next.starts_with("--> ")).unwrap_or_default();
        found.insert(format!("{line} {place}").replace(folder, "[top]"));
    }
    found
}
