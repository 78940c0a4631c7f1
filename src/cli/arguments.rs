//! What can be typed, in clap's words. What it means is said by the fields of `Options`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Effects, Styles};
use clap::{ArgAction, Parser, ValueEnum};

use crate::app::Options;
use crate::model::{LENGTH_HELP, length};
use crate::plan::{CargoFlags, Selection};
use crate::report::GraphFormat;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::BrightCyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER_HELP: &str = "\
Exit codes: 0 all good; 1 a step failed; 2 wrong usage, an unknown phase included; 3 make.toml or the plan is wrong; \
4 cargo metadata failed; 129, 130, 143 ended by SIGHUP, SIGINT, SIGTERM.";

/// Run phases of a Cargo workspace's lifecycle for its members, and skip what cannot have changed
///
/// The phases check, build, test, lint, fmt, doc, bench and clean are built in; make.toml in the workspace root adds
/// others, hooks and needs. `--init` writes one to start from.
#[derive(Debug, Parser)]
#[command(name = "cargo lifecycle", bin_name = "cargo lifecycle", version, after_help = AFTER_HELP, styles = STYLES)]
pub struct Arguments {
    /// The phases to run, in this order
    #[arg(value_name = "PHASE")]
    pub phases: Vec<String>,

    /// What one would type at the end of the last phase's command
    #[arg(last = true, value_name = "ARGS", allow_hyphen_values = true)]
    args: Vec<String>,

    /// Only these members (name, glob or package id)
    #[arg(short, long, value_name = "SPEC", help_heading = "Which members", action = ArgAction::Append)]
    package: Vec<String>,
    /// Not these members
    #[arg(long, value_name = "SPEC", help_heading = "Which members", action = ArgAction::Append)]
    exclude: Vec<String>,
    /// Every member, wherever one stands
    #[arg(long, alias = "all", help_heading = "Which members", conflicts_with = "package")]
    workspace: bool,

    /// How many steps run at once (default: make.toml's, else the number of cores)
    #[arg(short, long, value_name = "N", help_heading = "How to run")]
    jobs: Option<NonZeroUsize>,
    /// After a failure, go on with what does not need it
    #[arg(long, alias = "no-fail-fast", help_heading = "How to run")]
    keep_going: bool,
    /// Run what is fresh, too
    #[arg(long, help_heading = "How to run")]
    force: bool,
    /// Neither read nor write results of earlier runs
    #[arg(long, help_heading = "How to run")]
    no_cache: bool,
    /// Run what is fresh, too, and fail if its result or outputs are not what is stored
    #[arg(long, help_heading = "How to run", conflicts_with_all = ["force", "no_cache"])]
    verify: bool,
    /// Stop a step that takes longer, such as 10m, where make.toml does not say (s, m, h, d, w)
    #[arg(long, value_name = "DURATION", value_parser = timeout, help_heading = "How to run")]
    timeout: Option<Duration>,
    /// Try a step that failed again up to N times, where make.toml does not say
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1000), help_heading = "How to run")]
    retries: Option<u32>,
    /// Show what would run and why, and run nothing
    #[arg(short = 'n', long, help_heading = "How to run", conflicts_with_all = ["list", "graph", "init"])]
    pub dry_run: bool,

    /// Show only what failed or warned
    #[arg(short, long, help_heading = "What to print", conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show every step and all output
    #[arg(short, long, help_heading = "What to print", action = ArgAction::Count)]
    pub verbose: u8,
    /// When there is colour
    #[arg(long, value_name = "WHEN", help_heading = "What to print")]
    pub color: Option<ColorChoice>,
    /// For people or for programs, with --explain, --dry-run, --list or --cache-stats: json is an object per line
    #[arg(
        long,
        value_name = "FORMAT",
        help_heading = "What to print",
        default_value = "human",
        hide_default_value = true
    )]
    pub message_format: MessageFormat,

    /// Write a report of the tests, and of the other steps, as JUnit's XML
    #[arg(long, value_name = "FILE", help_heading = "What to print", conflicts_with_all = ["look", "dry_run"])]
    pub junit: Option<PathBuf>,

    /// Show the phases with their command lines and groups
    #[arg(long, help_heading = "Look instead of run", group = "look")]
    pub list: bool,
    /// Show the plan as a graph
    #[arg(long, value_name = "FORMAT", help_heading = "Look instead of run", group = "look")]
    pub graph: Option<GraphFormat>,
    /// Show why each step is fresh or stale, and what keys cover (-v: every file)
    #[arg(long, help_heading = "Look instead of run", group = "look")]
    pub explain: bool,
    /// Write a commented make.toml
    #[arg(long, help_heading = "Look instead of run", group = "look")]
    pub init: bool,

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
    /// Equivalent to specifying both --locked and --offline
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
    /// Space or comma separated list of features to activate
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
            timeout: self.timeout,
            retries: self.retries.unwrap_or(0),
            current_dir: None,
            manifest_path: self.manifest_path.clone(),
            target_dir: self.target_dir.clone(),
            leave_signals: false,
        }
    }
}
