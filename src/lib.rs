//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod cli;
pub mod model;
pub mod plan;
pub mod report;

mod ansi;
mod app;
mod atomic;
mod cargo_config;
mod cargo_output;
mod config;
mod dep_info;
mod environment;
mod executable;
mod execute;
mod fingerprint;
mod flush;
mod hash_cache;
mod home;
mod keys;
mod nearest;
mod process;
mod relative;
mod schedule;
mod signal;
mod state;
mod store;
mod target_dir;
mod walk;
mod workspace;

pub use app::{Error, Lifecycle, Options, Report};
