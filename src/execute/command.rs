//! Runs the commands of one step, and keeps what they print. It does not know why they run.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Teller;
use super::attempts::Tries;
use super::lines::Lines;
use super::ran::Ran;
use crate::cargo_output::{CargoOutput, Kind, MESSAGE_FORMAT, Rendered};
use crate::cargo_test::Instead;
use crate::model::{CargoCommand, Definition, spelled_out, subcommand_place};
use crate::plan::{Argv, CargoCall, Expanded};
use crate::process::{self, Children, CommandLine, Exit, Jobserver, Limit, Program};

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
    /// Whether everything is told that they print, and not only their newest lines now and then.
    pub live: bool,
    /// Whether it is shown in colour, of which programs are told that could not know.
    pub color: bool,
    /// How long attempts may take, and how many there are, where make.toml says nothing.
    pub tries: Tries,
    /// How tests are had from cargo.
    pub tests: &'a Tests<'a>,
}

/// The program and its arguments that test executables of a target are started with, or why that cannot be told.
pub type FindRunner<'a> = dyn Fn(&str) -> Result<Option<Vec<String>>, String> + Sync + 'a;

/// The rustdoc that a cargo starts which has these variables besides ours.
pub type FindRustdoc<'a> = dyn Fn(&[(OsString, OsString)]) -> PathBuf + Sync + 'a;

/// What is needed to have cargo say how it would run tests.
pub struct Tests<'a> {
    /// Where it leaves that.
    pub folder: PathBuf,
    /// Whether, when some members do not compile, the tests of the others run.
    pub keep_going: bool,
    /// What it may build tests for.
    pub triples: Vec<String>,
    /// The rustdoc that runs documentation tests.
    pub rustdoc: &'a FindRustdoc<'a>,
    /// Whether cargo's configuration says that as a text.
    pub is_runner_text: &'a (dyn Fn(&str) -> bool + Sync),
    /// What test executables of a target are started with, if anything.
    pub runner: &'a FindRunner<'a>,
}

impl Commands<'_> {
    /// Runs the commands: in order until one fails, or all at the same time. They have this time together.
    pub fn run(&self, expanded: &Expanded, how: &Definition, timeout: Option<Duration>, tell: &Teller<'_>) -> Ran {
        let limit = timeout.map(|length| self.children.limit(length));
        let all = self.run_all(expanded, how, limit, tell);
        if all.lost || all.trouble.is_some() {
            tell.warned(all.complaint());
        }
        all
    }

    fn run_all(&self, expanded: &Expanded, how: &Definition, limit: Option<Limit>, tell: &Teller<'_>) -> Ran {
        let mut all = Ran::default();
        if how.parallel {
            for ran in self.run_together(expanded, limit, tell) {
                all.add(ran);
            }
            // They waited at the same time.
            all.waited = Duration::ZERO;
            return all;
        }
        for command in &expanded.commands {
            let limit = limit.map(|limit| limit.later(all.waited));
            all.add(if how.interactive {
                self.run_interactive(command, expanded, limit)
            } else {
                self.run_one(command, expanded, limit, tell)
            });
            if all.failure.is_some() {
                break;
            }
        }
        all
    }

    /// Runs all commands at the same time, at most as many as there are jobs; after a failure no more are started.
    fn run_together(&self, expanded: &Expanded, limit: Option<Limit>, tell: &Teller<'_>) -> Vec<Ran> {
        let queue = Mutex::new(expanded.commands.iter().enumerate());
        let done = Mutex::new(Vec::new());
        let failed = AtomicBool::new(false);
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some((place, command)) = next().filter(|_| !failed.load(Ordering::Relaxed)) {
                let ran = self.run_one(command, expanded, limit, tell);
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

    /// Has a call of `cargo test` run so that it runs nothing itself.
    pub fn compile_tests(&self, expanded: &Expanded, (instead, alone): (Instead, bool), tell: &Teller<'_>) -> Ran {
        let mut ran = Ran::default();
        let Some(command) = expanded.commands.first() else { return ran };
        let mut line = self.command_line(command, expanded, false);
        // What tests are given is what cargo gives them: nothing of ours.
        let is_ours = |name: &OsString| name.to_string_lossy().starts_with("CARGO_LIFECYCLE_");
        line.env.retain(|variable| !is_ours(&variable.0) && !self.env.contains(variable));
        if line.env.iter().any(|(name, _)| name == "RUSTDOC") || std::env::var_os("RUSTDOC").is_some() {
            line.env.push(("RUSTDOC".into(), instead.rustdoc.into_os_string()));
        }
        let target_dir = self.env.iter().find(|(name, _)| name == "CARGO_TARGET_DIR");
        let target_dir = target_dir.into_iter().flat_map(|(_, dir)| ["--target-dir".into(), dir.clone()]);
        if let Program::Words(words) = &mut line.program {
            // Behind all others, of which the last one counts.
            let place = words.iter().position(|word| word == "--").unwrap_or(words.len());
            let color = ["--config", "term.color='always'", MESSAGE_FORMAT].map(OsString::from);
            let jobs = alone.then(|| ["--config".into(), format!("build.jobs={}", self.jobs).into()]);
            let more = color.into_iter().chain(target_dir).chain(jobs.into_iter().flatten());
            words.splice(place..place, instead.arguments.into_iter().chain(more));
        }
        if alone {
            // For each executable a cargo that was told of a jobserver copies itself, which takes longer than many a test.
            line.jobserver = Jobserver::Untold;
        }
        let exit = self.run_cargo(&line, &mut ran, (tell, false));
        ran.close(exit);
        if ran.failure.is_some() {
            // Shown although tests that did compile may fail, too.
            ran.warned = true;
            self.show_programs(&mut ran, tell);
        }
        if ran.lost || ran.trouble.is_some() {
            tell.warned(ran.complaint());
        }
        ran
    }

    /// Runs a program, of which nothing is shown before its end.
    pub fn run_program(&self, line: &CommandLine, timeout: Option<Duration>, tell: &Teller<'_>) -> Ran {
        let mut ran = Ran::default();
        let line = CommandLine { limit: timeout.map(|length| self.children.limit(length)), ..line.clone() };
        let (log, lost) = (&mut ran.log, &mut ran.lost);
        let exit = process::run(&line, self.children, &mut |chunk| *lost |= log.write_all(chunk).is_err());
        ran.close(exit);
        if ran.lost || ran.trouble.is_some() {
            tell.warned(ran.complaint());
        }
        ran
    }

    /// Runs a command that has the terminal, so that nothing is known of what it says.
    fn run_interactive(&self, command: &Argv, expanded: &Expanded, limit: Option<Limit>) -> Ran {
        let mut ran = Ran::default();
        let line = CommandLine { limit, interactive: true, ..self.command_line(command, expanded, false) };
        let exit = process::run(&line, self.children, &mut |_| ());
        ran.unread = matches!(command, Argv::Words(_, Some(call)) if call.command.compiles());
        ran.close(exit);
        ran
    }

    fn run_one(&self, command: &Argv, expanded: &Expanded, limit: Option<Limit>, tell: &Teller<'_>) -> Ran {
        let json = reports_in_json(command);
        let mut ran = Ran::default();
        let mut line = CommandLine { limit, ..self.command_line(command, expanded, json) };
        if self.color {
            colored(command, &mut line.env);
        }
        let exit =
            if json { self.run_cargo(&line, &mut ran, (tell, true)) } else { self.run_plain(&line, &mut ran, tell) };
        if !json && matches!(command, Argv::Words(_, Some(call)) if call.command.compiles()) {
            // It reports in a form of its own; nobody but people can tell the warnings in it.
            ran.unread = true;
            ran.warned = !ran.log.is_empty();
        }
        ran.close(exit);
        ran
    }

    fn run_plain(&self, line: &CommandLine, ran: &mut Ran, tell: &Teller<'_>) -> Result<Exit, process::Error> {
        let mut lines = Lines::new(tell);
        let (log, lost) = (&mut ran.log, &mut ran.lost);
        let exit = process::run(line, self.children, &mut |chunk| {
            *lost |= log.write_all(chunk).is_err();
            if self.live {
                lines.push(chunk);
            } else {
                tell.printed_last(chunk);
            }
        });
        lines.end();
        exit
    }

    /// Adds what programs printed to what is shown: cargo ran them after all.
    pub fn show_programs(&self, ran: &mut Ran, tell: &Teller<'_>) {
        let mut programs = std::mem::take(&mut ran.programs);
        ran.lost |= programs.copy_to(&mut ran.log).is_err();
        if self.live {
            let mut lines = Lines::new(tell);
            ran.lost |= programs.copy_to(&mut lines).is_err();
            lines.end();
        }
    }

    /// Cargo, in JSON: shown as cargo shows itself to people, and read for what it says of its results. `programs`: whether
    /// what it says of programs that it runs is shown, too.
    fn run_cargo(
        &self,
        line: &CommandLine,
        ran: &mut Ran,
        (tell, programs): (&Teller<'_>, bool),
    ) -> Result<Exit, process::Error> {
        let mut output = CargoOutput::new();
        let (log, hidden, lost) = (&mut ran.log, &mut ran.programs, &mut ran.lost);
        let mut show = |rendered: Rendered<'_>| {
            if programs || rendered.kind != Kind::Program {
                *lost |= log.write_all(rendered.bytes).is_err();
                tell.printed(rendered.bytes.to_vec(), true);
            } else {
                *lost |= hidden.write_all(rendered.bytes).is_err();
            }
        };
        let exit = process::run(line, self.children, &mut |chunk| {
            output.push(chunk, &mut show);
            output.take_diagnostics().into_iter().for_each(|diagnostic| tell.diagnosed(diagnostic.into()));
        });
        let facts = output.finish(&mut show);
        facts.diagnostics.into_iter().for_each(|diagnostic| tell.diagnosed(diagnostic.into()));
        // Where cargo did not come to building, it was asked for something else, which is to be seen.
        ran.warned = facts.warnings > 0 || facts.finished.is_none();
        ran.artifacts = facts.artifacts;
        ran.scripts = facts.build_scripts;
        ran.reported = true;
        ran.culprits = facts.failed_packages.into_iter().collect();
        ran.libraries = facts.failed_libraries.into_iter().collect();
        exit
    }

    /// The variables that are set for a step's commands.
    pub fn env_of(&self, expanded: &Expanded) -> Vec<(OsString, OsString)> {
        let own = expanded.env.iter().map(|(name, value)| (OsString::from(&**name), OsString::from(&**value)));
        self.env.iter().cloned().chain(own).collect()
    }

    fn command_line(&self, command: &Argv, expanded: &Expanded, json: bool) -> CommandLine {
        let mut env = self.env_of(expanded);
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
        // Cargo tells its own children; more than it needs would show in what build scripts look at.
        let is_cargo = matches!(command, Argv::Words(_, Some(_)));
        let jobserver = if is_cargo { Jobserver::Cargo } else { Jobserver::Make };
        let (dir, env_remove) = (expanded.dir.clone(), Vec::new());
        CommandLine { env, env_remove, jobserver, ..CommandLine::new(program, dir) }
    }
}

/// Adds the variables that make programs print in colour although they print into a pipe, unless something is said of them.
/// Cargo gets its own alone: what it starts, such as tests, would find the others.
fn colored(command: &Argv, env: &mut Vec<(OsString, OsString)>) {
    let is_said = |name: &str, env: &[(OsString, OsString)]| {
        std::env::var_os(name).is_some() || env.iter().any(|(known, _)| known == name)
    };
    if is_said("NO_COLOR", env) {
        return;
    }
    let is_cargo = matches!(command, Argv::Words(_, Some(_)));
    let names = [("CARGO_TERM_COLOR", "always"), ("CLICOLOR_FORCE", "1")];
    for (name, value) in names.into_iter().take(if is_cargo { 1 } else { 2 }) {
        if !is_said(name, env) {
            env.push((name.into(), value.into()));
        }
    }
}

/// Whether cargo is asked, by a command or by ARGS, to report in a form of their own.
pub fn reports_otherwise(expanded: &Expanded) -> bool {
    !expanded.commands.iter().all(reports_in_json)
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
