//! Runs the commands of one step, and keeps what they print. It does not know why they run.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Teller;
use crate::cargo_output::{Artifact, BuildScript, CargoOutput, MESSAGE_FORMAT};
use crate::model::{CargoCommand, Replay, spelled_out, subcommand_place};
use crate::plan::{Argv, CargoCall, Expanded};
use crate::process::{self, Children, CommandLine, Exit, Log, Program};

/// How often at most a display is told what a step prints, where only the last line is shown.
const SAY_EVERY: Duration = Duration::from_millis(80);

/// What the commands of a step need.
pub struct Commands<'a> {
    /// Where children are registered.
    pub children: &'a Children,
    /// The cargo that is started.
    pub cargo: &'a PathBuf,
    /// Variables for every child.
    pub env: &'a [(OsString, OsString)],
    /// How many commands of a parallel phase run at once.
    pub jobs: usize,
}

/// What came of a step's commands.
#[derive(Default)]
pub struct Ran {
    /// What failed, in words; `None`: every command succeeded.
    pub failure: Option<String>,
    /// All that was printed.
    pub log: Log,
    /// Whether cargo gave warnings.
    pub warned: bool,
    /// The packages that cargo says have errors.
    pub culprits: Vec<String>,
    /// What cargo says it made.
    pub artifacts: Vec<Artifact>,
    /// The build scripts that ran, now or before.
    pub scripts: Vec<BuildScript>,
    /// Whether cargo was asked what it did.
    pub reported: bool,
    /// Whether it compiled without being asked.
    pub unread: bool,
    /// Why the log could not be written to a file.
    pub trouble: Option<io::Error>,
    /// Whether a part of what was printed is lost.
    pub lost: bool,
}

/// A log that is shown when it is wanted.
pub struct Kept(Mutex<Log>);

impl Kept {
    /// Keeps the log.
    pub fn new(log: Log) -> Self {
        Self(Mutex::new(log))
    }
}

impl Replay for Kept {
    fn copy_to(&self, to: &mut dyn io::Write) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).copy_to(to)
    }
}

impl Commands<'_> {
    /// Runs the commands: in order until one fails, or all at the same time.
    pub fn run(&self, expanded: &Expanded, parallel: bool, tell: &Teller) -> Ran {
        let all = self.run_all(expanded, parallel, tell);
        if all.lost || all.trouble.is_some() {
            tell.warned(all.complaint());
        }
        all
    }

    fn run_all(&self, expanded: &Expanded, parallel: bool, tell: &Teller) -> Ran {
        let mut all = Ran::default();
        if parallel {
            for ran in self.run_together(expanded, tell) {
                all.add(ran);
            }
            return all;
        }
        for command in &expanded.commands {
            all.add(self.run_one(command, expanded, tell));
            if all.failure.is_some() {
                break;
            }
        }
        all
    }

    /// Runs all commands at the same time, at most as many as there are jobs; after a failure no more are started.
    fn run_together(&self, expanded: &Expanded, tell: &Teller) -> Vec<Ran> {
        let queue = Mutex::new(expanded.commands.iter().enumerate());
        let done = Mutex::new(Vec::new());
        let failed = AtomicBool::new(false);
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some((place, command)) = next().filter(|_| !failed.load(Ordering::Relaxed)) {
                let ran = self.run_one(command, expanded, tell);
                failed.fetch_or(ran.failure.is_some(), Ordering::Relaxed);
                done.lock().unwrap_or_else(PoisonError::into_inner).push((place, ran));
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.min(expanded.commands.len()) {
                scope.spawn(work);
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, ran)| ran).collect()
    }

    fn run_one(&self, command: &Argv, expanded: &Expanded, tell: &Teller) -> Ran {
        let json = reports_in_json(command);
        let mut ran = Ran::default();
        let line = self.command_line(command, expanded, json);
        let exit = if json { self.run_cargo(&line, &mut ran, tell) } else { self.run_plain(&line, &mut ran, tell) };
        if !json && matches!(command, Argv::Words(_, Some(call)) if call.command.compiles()) {
            // It reports in a form of its own; nobody but people can tell the warnings in it.
            ran.unread = true;
            ran.warned = !ran.log.is_empty();
        }
        ran.trouble = ran.log.take_trouble();
        ran.failure = match exit {
            Ok(exit) if exit.success() => None,
            Ok(exit) if ran.culprits.is_empty() => Some(how(&exit)),
            Ok(exit) => Some(format!("{} ({})", how(&exit), ran.culprits.join(", "))),
            Err(error) => Some(error.to_string()),
        };
        ran
    }

    fn run_plain(&self, line: &CommandLine, ran: &mut Ran, tell: &Teller) -> Result<Exit, process::Error> {
        let mut said: Option<Instant> = None;
        let (log, lost) = (&mut ran.log, &mut ran.lost);
        process::run(line, self.children, &mut |chunk| {
            *lost |= log.write_all(chunk).is_err();
            if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
                said = Some(Instant::now());
                tell.printed(chunk[chunk.len().saturating_sub(4096)..].to_vec(), false);
            }
        })
    }

    /// Cargo, in JSON: shown as cargo shows itself to people, and read for what it says of its results.
    fn run_cargo(&self, line: &CommandLine, ran: &mut Ran, tell: &Teller) -> Result<Exit, process::Error> {
        let mut output = CargoOutput::new();
        let (log, lost) = (&mut ran.log, &mut ran.lost);
        let mut show = |bytes: &[u8]| {
            *lost |= log.write_all(bytes).is_err();
            tell.printed(bytes.to_vec(), true);
        };
        let exit = process::run(line, self.children, &mut |chunk| {
            output.push(chunk, &mut |rendered| show(rendered.bytes));
        });
        let facts = output.finish(&mut |rendered| show(rendered.bytes));
        // Where cargo did not come to building, it was asked for something else, which is to be seen.
        ran.warned = facts.warnings() > 0 || facts.finished.is_none();
        ran.artifacts = facts.artifacts;
        ran.scripts = facts.build_scripts;
        ran.reported = true;
        ran.culprits = facts.failed_packages.into_iter().collect();
        exit
    }

    fn command_line(&self, command: &Argv, expanded: &Expanded, json: bool) -> CommandLine {
        let mut env = self.env.to_vec();
        env.extend(expanded.env.iter().map(|(name, value)| (OsString::from(&**name), OsString::from(&**value))));
        let program = match command {
            Argv::Shell(line) => Program::Shell(line.clone()),
            Argv::Words(words, call) => {
                let json = call.as_ref().filter(|_| json);
                let words = json.map_or_else(|| words.clone(), |call| in_json(words, call));
                let mut words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
                if let (Some(program), true) = (words.first_mut(), call.is_some()) {
                    *program = self.cargo.clone().into_os_string();
                }
                env.extend(json.map(|_| ("CARGO_TERM_COLOR".into(), "always".into())));
                Program::Words(words)
            }
        };
        CommandLine { program, dir: expanded.dir.clone(), env, env_remove: Vec::new() }
    }
}

/// Whether cargo is asked to report in JSON: it compiles, and the command does not say how it should report.
fn reports_in_json(command: &Argv) -> bool {
    let Argv::Words(words, Some(call)) = command else { return false };
    let words = spelled_out(words, &call.alias);
    let asked = words.iter().take_while(|word| *word != "--").any(|word| word.starts_with("--message-format"));
    call.command.compiles() && call.command != CargoCommand::OtherCompile && !asked
}

/// The words of a call of cargo that is to report in JSON. An alias that ends cargo's options (`run --package xtask --`)
/// would hand the option on to the program: it is spelled out.
fn in_json(words: &[String], call: &CargoCall) -> Vec<String> {
    let ends_options = call.alias.iter().any(|word| **word == *"--");
    let mut words = if ends_options { spelled_out(words, &call.alias) } else { words.to_vec() };
    words.insert(subcommand_place(&words).map_or(words.len(), |place| place + 1), MESSAGE_FORMAT.to_owned());
    words
}

/// How a child that did not succeed ended.
fn how(exit: &Exit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

impl Ran {
    /// What is wrong with the log.
    fn complaint(&self) -> String {
        let what = if self.lost { "a part of a step's output is lost" } else { "a step's output is held in memory" };
        let why = self.trouble.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let folder = std::env::temp_dir();
        format!(
            "{what}: cannot write a temporary file to `{}`{why}; make room there, or set TMPDIR to another folder",
            folder.display()
        )
    }

    /// Adds what the next command came to.
    fn add(&mut self, mut other: Self) {
        self.failure = self.failure.take().or(other.failure);
        self.warned |= other.warned;
        self.artifacts.append(&mut other.artifacts);
        self.scripts.append(&mut other.scripts);
        self.reported |= other.reported;
        self.unread |= other.unread;
        self.lost |= other.lost;
        self.trouble = self.trouble.take().or(other.trouble);
        self.culprits.append(&mut other.culprits);
        if self.log.is_empty() {
            self.log = other.log;
        } else {
            self.lost |= other.log.copy_to(&mut self.log).is_err();
            self.trouble = self.trouble.take().or_else(|| self.log.take_trouble());
        }
    }
}
