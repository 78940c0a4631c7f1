//! What can be typed, in clap's words. What it means is said by the fields of `Options`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Effects, Styles};
use clap::{ArgAction, Parser, ValueEnum};

use super::complete::Shell;
use super::help;
use crate::app::Options;
use crate::model::{LENGTH_HELP, length};
use crate::plan::{CargoFlags, Selection};
use crate::report::{GraphFormat, OutputStyle};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::BrightCyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default());

/// Run phases of a Cargo workspace's lifecycle for its members, and skip what cannot have changed
///
/// The phases check, build, test, lint, fmt, doc, bench and clean are built in; make.toml in the workspace root adds
/// others, hooks and needs. `--init` writes one to start from.
#[derive(Debug, Parser)]
#[command(name = "cargo lifecycle", bin_name = "cargo lifecycle", version, styles = STYLES)]
#[command(after_help = help::SHORT, after_long_help = help::LONG)]
pub struct Arguments {
    /// The phases to run, in this order
    ///
    /// A phase that another one needs, and hooks, come by themselves. `--list` shows the phases that there are.
    #[arg(value_name = "PHASE")]
    pub phases: Vec<String>,

    /// What one would type at the end of the last phase's command
    ///
    /// It takes the place of `{args}` in the command, and stands at its end if there is no `{args}`.
    #[arg(last = true, value_name = "ARGS", allow_hyphen_values = true)]
    args: Vec<String>,

    /// Only these members (name, glob or package id)
    ///
    /// May be given more than once. Without it the member in whose folder one stands is meant; in the workspace root the
    /// default members.
    #[arg(short, long, value_name = "SPEC", help_heading = "Which members", action = ArgAction::Append)]
    package: Vec<String>,
    /// Not these members
    #[arg(long, value_name = "SPEC", help_heading = "Which members", action = ArgAction::Append)]
    exclude: Vec<String>,
    /// Every member, wherever one stands
    #[arg(long, alias = "all", help_heading = "Which members", conflicts_with = "package")]
    workspace: bool,

    /// How many steps run at once
    ///
    /// Without it what `[project] jobs` in make.toml says, else the number of cores.
    #[arg(short, long, value_name = "N", help_heading = "How to run")]
    jobs: Option<NonZeroUsize>,
    /// After a failure, go on with what does not need it
    ///
    /// Without it nothing new starts after a failure. What needs the failed step is skipped in any case.
    #[arg(long, alias = "no-fail-fast", help_heading = "How to run")]
    keep_going: bool,
    /// Run what is fresh, too
    ///
    /// Results are stored as always.
    #[arg(long, help_heading = "How to run")]
    force: bool,
    /// Neither read nor write results of earlier runs
    #[arg(long, help_heading = "How to run")]
    no_cache: bool,
    /// Run what is fresh, too, and compare the results
    ///
    /// A step whose result or outputs are others than those stored fails, and the difference is named: for people who doubt,
    /// and for CI at night.
    #[arg(long, help_heading = "How to run", conflicts_with_all = ["force", "no_cache"])]
    verify: bool,
    /// End a step that takes longer, such as 10m
    ///
    /// A number and s, m, h, d or w, for steps of which make.toml does not say it.
    #[arg(long, value_name = "DURATION", value_parser = timeout, help_heading = "How to run")]
    timeout: Option<Duration>,
    /// Try a step that failed up to N times more
    ///
    /// For steps of which make.toml does not say it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1000), help_heading = "How to run")]
    retries: Option<u32>,
    /// Show what would run and why, and run nothing
    ///
    /// Exit code 0 does not say that nothing would run.
    #[arg(short = 'n', long, help_heading = "How to run", conflicts_with_all = ["list", "graph", "init"])]
    pub dry_run: bool,

    /// Show only what failed or warned
    #[arg(short, long, help_heading = "What to print", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show every step and all output
    #[arg(short, long, help_heading = "What to print", action = ArgAction::Count)]
    pub verbose: u8,
    /// Of steps: grouped, stream or failures
    ///
    /// grouped: what a step printed that failed or warned, when it has ended (-v: every step). stream: every line as it
    /// comes, behind the name of its step. failures: only what failed steps printed.
    #[arg(
        long,
        value_name = "WHAT",
        help_heading = "What to print",
        default_value = "grouped",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub output: OutputStyle,
    /// When there is colour: auto, always or never
    ///
    /// Without it what CARGO_TERM_COLOR says, else auto: if standard error is a terminal and NO_COLOR is not set.
    #[arg(long, value_name = "WHEN", help_heading = "What to print", hide_possible_values = true)]
    pub color: Option<ColorChoice>,
    /// Whom it is for: human, json or github
    ///
    /// json is for programs: an object per line, of a run the events. github is for the log of GitHub Actions, and chosen by itself there.
    #[arg(long, value_name = "FORMAT", help_heading = "What to print", hide_possible_values = true)]
    pub message_format: Option<MessageFormat>,

    /// Write a report of the tests as JUnit's XML
    ///
    /// A case for each test, those that did not have to run too, and for each other step. Also after failures.
    #[arg(long, value_name = "FILE", help_heading = "What to print", conflicts_with_all = ["look", "dry_run"])]
    pub junit: Option<PathBuf>,
    /// Write a page (HTML) of what ran when and why
    ///
    /// Into target/lifecycle/timings; its path is said at the end. The manual's page on timings says what is on it.
    #[arg(long, help_heading = "What to print", conflicts_with_all = ["look", "dry_run"])]
    pub timings: bool,
    /// Write what ran when as a trace for Perfetto
    ///
    /// In the Trace Event Format, which chrome://tracing reads, too.
    #[arg(long, value_name = "FILE", help_heading = "What to print", conflicts_with_all = ["look", "dry_run"])]
    pub trace: Option<PathBuf>,
    /// Write a flame graph of what the time went into
    ///
    /// Of the wall time, into target/lifecycle/profile.svg. `[project] profile = true` in make.toml asks for
    /// it, too. Built with the feature `profiling`, also of the program's own time on the cores, into
    /// profile-cpu.svg beside it.
    #[arg(long, help_heading = "What to print", conflicts_with_all = ["look", "dry_run"])]
    pub flamegraph: bool,

    /// Show the phases with their command lines and groups
    #[arg(long, help_heading = "Look instead of run", group = "look")]
    pub list: bool,
    /// Show the plan as a graph: dot, mermaid or json
    #[arg(
        long,
        value_name = "FORMAT",
        help_heading = "Look instead of run",
        group = "look",
        hide_possible_values = true
    )]
    pub graph: Option<GraphFormat>,
    /// Show why each step is fresh or stale
    ///
    /// And what its key covers, by name and never by value; with -v every file.
    #[arg(long, help_heading = "Look instead of run", group = "look")]
    pub explain: bool,
    /// Show earlier runs, and what their steps took
    ///
    /// Of those phases and members that are named, or of all. What got slower is marked.
    #[arg(long, help_heading = "Look instead of run", group = "look", conflicts_with = "dry_run")]
    pub history: bool,
    /// Write a commented make.toml
    ///
    /// Into the workspace root. One that is there is left alone.
    #[arg(long, help_heading = "Look instead of run", group = "look")]
    pub init: bool,
    /// Show the JSON Schema of make.toml, for editors
    ///
    /// An editor that knows it completes keys and marks mistakes. The manual's page on make.toml says how.
    #[arg(long, help_heading = "Look instead of run", group = "look", conflicts_with_all = ["phases", "dry_run"])]
    pub schema: bool,
    /// Print a script for bash, zsh, fish, powershell
    ///
    /// With it the shell completes options, phases and members. The manual's page on the command line says where to put it.
    #[arg(
        long,
        value_name = "SHELL",
        help_heading = "Look instead of run",
        group = "look",
        conflicts_with_all = ["phases", "dry_run"],
        hide_possible_values = true
    )]
    pub completions: Option<Shell>,

    /// Show what is kept of earlier runs
    #[arg(long, help_heading = "Housekeeping", group = "look", conflicts_with_all = ["phases", "dry_run"])]
    pub cache_stats: bool,
    /// Remove everything that is kept of earlier runs
    #[arg(long, help_heading = "Housekeeping", group = "look", conflicts_with_all = ["phases", "dry_run"])]
    pub cache_clean: bool,

    /// Path to Cargo.toml
    #[arg(long, value_name = "PATH", help_heading = "Cargo's own")]
    manifest_path: Option<PathBuf>,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = "Cargo's own")]
    target_dir: Option<PathBuf>,
    /// Assert that Cargo.lock will remain unchanged
    #[arg(long, help_heading = "Cargo's own")]
    locked: bool,
    /// Run without accessing the network
    #[arg(long, help_heading = "Cargo's own")]
    offline: bool,
    /// Both --locked and --offline
    #[arg(long, help_heading = "Cargo's own")]
    frozen: bool,
    /// Override a configuration value
    #[arg(long, value_name = "KEY=VALUE|PATH", help_heading = "Cargo's own", action = ArgAction::Append)]
    config: Vec<String>,

    /// Build in release mode, with optimizations
    #[arg(short, long, help_heading = "Cargo's build flags", conflicts_with = "profile")]
    release: bool,
    /// Build with the given profile
    #[arg(long, value_name = "PROFILE-NAME", help_heading = "Cargo's build flags")]
    profile: Option<String>,
    /// Features to activate, space or comma separated
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = "Cargo's build flags", action = ArgAction::Append)]
    features: Vec<String>,
    /// Activate all available features
    #[arg(long, help_heading = "Cargo's build flags")]
    all_features: bool,
    /// Do not activate the `default` feature
    #[arg(long, help_heading = "Cargo's build flags")]
    no_default_features: bool,
    /// Build for the target triple
    #[arg(long, value_name = "TRIPLE", help_heading = "Cargo's build flags", action = ArgAction::Append)]
    target: Vec<String>,
}

/// The time that a step may take.
fn timeout(text: &str) -> Result<Duration, String> {
    length(text).filter(|length| !length.is_zero()).ok_or_else(|| format!("it must be {LENGTH_HELP}"))
}

/// When there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// For whom results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// For people
    Human,
    /// For programs: a JSON object per line
    Json,
    /// For GitHub Actions: groups, annotations and a job summary
    Github,
}

impl ColorChoice {
    /// What `CARGO_TERM_COLOR` says; anything else than cargo knows says nothing.
    pub fn of_cargo(choice: &str) -> Option<Self> {
        Self::from_str(choice, false).ok()
    }
}

impl Arguments {
    /// What they mean.
    pub fn options(&self) -> Options {
        Options {
            phases: self.phases.clone(),
            selection: Selection {
                packages: self.package.clone(),
                exclude: self.exclude.clone(),
                workspace: self.workspace,
            },
            args: self.args.clone(),
            flags: CargoFlags {
                release: self.release,
                profile: self.profile.clone(),
                features: self.features.clone(),
                all_features: self.all_features,
                no_default_features: self.no_default_features,
                target: self.target.clone(),
                locked: self.locked,
                offline: self.offline,
                frozen: self.frozen,
                config: self.config.clone(),
            },
            jobs: self.jobs,
            keep_going: self.keep_going,
            force: self.force,
            no_cache: self.no_cache,
            verify: self.verify,
            live: self.output == OutputStyle::Stream,
            color: false,
            timeout: self.timeout,
            retries: self.retries.unwrap_or(0),
            current_dir: None,
            manifest_path: self.manifest_path.clone(),
            target_dir: self.target_dir.clone(),
            leave_signals: false,
            is_last: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    const COLUMNS: usize = 80;

    fn short() -> String {
        Arguments::command().term_width(COLUMNS).render_help().to_string()
    }

    fn long(columns: usize) -> String {
        Arguments::command().term_width(columns).render_long_help().to_string()
    }

    #[test]
    fn every_option_is_in_both_lengths_of_the_help() {
        let (short, long) = (short(), long(COLUMNS));
        for option in Arguments::command().get_arguments().filter(|option| !option.is_positional()) {
            let name = format!("--{}", option.get_long().unwrap());
            assert!(short.contains(&name) && long.contains(&name), "{name}");
        }
        assert!(long.lines().count() > 2 * short.lines().count(), "{long}");
    }

    #[test]
    fn in_the_short_help_each_option_takes_one_line_of_eighty_columns() {
        let help = short();
        let options: Vec<&str> = help.lines().filter(|line| line.trim_start().starts_with('-')).collect();
        for option in Arguments::command().get_arguments().filter(|option| !option.is_positional()) {
            let text = option.get_help().unwrap().to_string();
            assert!(options.iter().any(|line| line.ends_with(&text)), "too long for one line: {text}\n{help}");
        }
    }

    #[test]
    fn no_line_of_the_help_is_wider_than_the_terminal() {
        for columns in [80, 100] {
            let wide = long(columns).lines().find(|line| line.chars().count() > columns).map(str::to_owned);
            assert_eq!(wide, None);
        }
        assert_eq!(short().lines().find(|line| line.chars().count() > COLUMNS), None);
    }
}
