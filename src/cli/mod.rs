//! The command line: what was typed, and what it means. It runs everything through the library.

mod arguments;
mod complete;
mod help;
mod log;
mod out;
mod run;
mod times;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};

use crate::app::{Error, Lifecycle, Options, inherit_jobserver};
use crate::profiling::Sampler;
use crate::report::{self, Display, Verbosity};
use arguments::{Arguments, ColorChoice, MessageFormat};

/// Does what `cargo lifecycle` with these arguments does (the program's name first), and answers its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    inherit_jobserver();
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    // Cargo calls `cargo-lifecycle lifecycle …`.
    if arguments.get(1).is_some_and(|word| word == "lifecycle") {
        arguments.remove(1);
    }
    if arguments.get(1).is_some_and(|word| word == complete::QUESTION) {
        let words: Vec<String> = arguments.iter().skip(2).map(|word| word.to_string_lossy().into_owned()).collect();
        return ExitCode::from(print(&complete::candidates(&mut command(), &words)).unwrap_or(1));
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe ends us quietly.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut display = display(&arguments);
    match log::begin(display.color) {
        // Its lines would go through the bar.
        Ok(is_told) => display.bar &= !is_told,
        Err(error) => return ExitCode::from(complain(&error.into(), display.color)),
    }
    match act(&arguments, display) {
        Ok(code) => ExitCode::from(code),
        Err(error) => ExitCode::from(complain(&error, display.color)),
    }
}

/// The command line in clap's words, for what is made of it: completions, a man page.
#[doc(hidden)]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Shows what keeps us from doing anything, and answers the exit code that says so.
fn complain(error: &anyhow::Error, color: bool) -> u8 {
    let known = error.downcast_ref::<Error>();
    let text = known.map_or_else(|| report::error(color, format_args!("{error:#}\n")), |error| error.render(color));
    // If standard error is gone too, the exit code has to do.
    let _ = io::stderr().write_all(text.as_bytes());
    known.map_or(1, Error::exit_code)
}

fn act(arguments: &Arguments, display: Display) -> anyhow::Result<u8> {
    let json = arguments.message_format == Some(MessageFormat::Json);
    if json && (arguments.init || arguments.graph.is_some()) {
        let hint =
            "`--message-format json` goes with a run, --explain, --dry-run, --list, --cache-stats or --cache-clean";
        return Err(Error::Usage(hint.to_owned()).into());
    }
    if let Some(shell) = arguments.completions {
        return print(shell.script());
    }
    if arguments.schema {
        return print(Lifecycle::schema());
    }
    let sampler = arguments.flamegraph.then(Sampler::start).flatten();
    let lifecycle = Lifecycle::open(Options { color: display.color, ..arguments.options() })?;
    if arguments.init {
        let path = lifecycle.init()?;
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        return print(&format!("Wrote {shown} in {}\n", lifecycle.root().display()));
    }
    if arguments.cache_stats {
        return print(&cache_stats(&lifecycle, json));
    }
    if arguments.cache_clean {
        let cleared = lifecycle.cache_clean()?;
        return print(&if json { report::cache_cleared_json(&cleared) } else { report::cache_cleared(&cleared) });
    }
    if arguments.history {
        return history(&lifecycle, &arguments.phases, (json, display.color));
    }
    if arguments.list {
        return print(&if json { lifecycle.list_json()? } else { lifecycle.list()? });
    }
    if arguments.phases.is_empty() {
        let hint = "no phase given: try `cargo lifecycle build`; `cargo lifecycle --list` shows the phases";
        return Err(Error::Usage(hint.to_owned()).into());
    }
    if let Some(format) = arguments.graph {
        return print(&lifecycle.graph(format)?);
    }
    if json && (arguments.explain || arguments.dry_run) {
        return print_lines(report::explain_json(&lifecycle.explain()?));
    }
    if arguments.explain {
        return print(&report::explain(&lifecycle.explain()?, display.verbosity));
    }
    if arguments.dry_run {
        return print(&lifecycle.dry_run()?);
    }
    let code = run::run(&lifecycle, arguments, sampler, display);
    // The process ends now; to give back what is known of a thousand members takes longer than that.
    std::mem::forget(lifecycle);
    code
}

fn history(lifecycle: &Lifecycle, phases: &[String], (json, color): (bool, bool)) -> anyhow::Result<u8> {
    let (runs, warnings) = lifecycle.history(phases)?;
    for text in warnings {
        // If standard error is gone, nobody can be told.
        let _ = io::stderr().write_all(report::warning(color, format_args!("{text}\n")).as_bytes());
    }
    if json {
        return print_lines(report::history_json(&runs));
    }
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since_epoch| since_epoch.as_millis());
    print(&report::history(&runs, u64::try_from(now).unwrap_or(u64::MAX)))
}

fn cache_stats(lifecycle: &Lifecycle, json: bool) -> String {
    let stats = lifecycle.cache_stats();
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since_epoch| since_epoch.as_secs());
    if json { report::cache_stats_json(&stats) } else { report::cache_stats(&stats, now) }
}

/// Prints lines as they come: all of them at once may be more than fits.
fn print_lines(mut lines: impl Iterator<Item = String>) -> anyhow::Result<u8> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = lines.try_for_each(|line| writeln!(out, "{line}"));
    printed(written.and_then(|()| out.flush()))
}

/// Prints a result on standard output; whoever closed it wants no more.
fn print(text: &str) -> anyhow::Result<u8> {
    printed(io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()))
}

fn printed(written: io::Result<()>) -> anyhow::Result<u8> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("cannot write the result"),
        _ => Ok(0),
    }
}

/// Decides once how things are displayed.
fn display(arguments: &Arguments) -> Display {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let terminal = io::stderr().is_terminal() && !dumb;
    let from_cargo = std::env::var("CARGO_TERM_COLOR").ok();
    let choice = arguments.color.or_else(|| from_cargo.and_then(|choice| ColorChoice::of_cargo(&choice)));
    let color = match choice.unwrap_or(ColorChoice::Auto) {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && !is_set("NO_COLOR"),
    };
    let no_progress = std::env::var_os("CARGO_TERM_PROGRESS_WHEN").is_some_and(|when| when == "never");
    let verbosity = match (arguments.quiet, arguments.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, _) => Verbosity::Verbose,
    };
    Display { color, bar: terminal && !is_set("CI") && !no_progress, verbosity, output: arguments.output }
}
