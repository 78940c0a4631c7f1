//! `cargo lifecycle`: a Cargo workspace's whole lifecycle (check, build, test, lint, doc, anything) as one fast command
//! that skips what cannot have changed; as a library.
//!
//! The program is the command line over this library and nothing else, so an `xtask` can do what it does: say what is
//! wanted in [`Options`], open the workspace as a [`Lifecycle`], run it, and look at the [`Report`]. Everything that happens
//! comes as a [`model::Event`]; [`report::Human`] shows events as the program does, [`report::Json`] writes them
//! for programs, [`report::Junit`] makes a report for CI of them.
//!
//! ```
//! use cargo_lifecycle::report::{Display, Human};
//! use cargo_lifecycle::{Lifecycle, Options};
//!
//! # let folder = tempfile::tempdir()?;
//! # let workspace = folder.path();
//! # std::fs::create_dir(workspace.join("src"))?;
//! # std::fs::write(workspace.join("src/lib.rs"), "")?;
//! # std::fs::write(workspace.join("Cargo.toml"), "[package]\nname = \"tiny\"\nedition = \"2024\"\n[workspace]\n")?;
//! let options = Options::new().current_dir(workspace).phases(["check"]);
//! # let options = options.target_dir(workspace.join("target"));
//! let lifecycle = Lifecycle::open(options)?;
//! let mut human = Human::new(std::io::stderr(), Display::default());
//!
//! let report = lifecycle.run(|event| human.take(event))?;
//! assert!(report.success());
//! assert_eq!(report.summary.succeeded, 1);
//!
//! // Nothing has changed: nothing runs.
//! let report = lifecycle.run(|event| human.take(event))?;
//! assert_eq!((report.summary.cached, report.exit_code()), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The manual is in [`docs`]: [make.toml](docs::make_toml), [the plan](docs::plan), [keys](docs::keys) and what they cannot
//! see, [why a step runs](docs::explain), [events for programs](docs::events), [where the time went](docs::timings),
//! [what is kept](docs::state), [completion in shells](docs::command_line), [exit codes and CI](docs::ci), [what is
//! measured](docs::performance).

#[doc(hidden)]
pub mod bench;
pub mod cli;
pub mod docs;
pub mod model;
pub mod plan;
pub mod report;

mod ansi;
mod app;
mod atomic;
mod cargo_config;
mod cargo_output;
mod cargo_test;
mod checksum;
mod config;
mod dep_info;
mod disk;
mod environment;
mod executable;
mod execute;
mod fingerprint;
mod flush;
mod hash_cache;
mod home;
mod keys;
mod libtest;
mod moment;
mod nearest;
mod outputs;
mod process;
mod profiling;
mod relative;
mod schedule;
mod signal;
mod state;
mod store;
mod target_dir;
mod terminal;
mod walk;
mod workspace;

pub use app::{Error, Lifecycle, Options, Report};
pub use cargo_test::shim;
