//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod cli;
pub mod model;
pub mod plan;
pub mod report;

mod app;
mod atomic;
mod cargo_config;
mod cargo_output;
mod config;
mod environment;
mod execute;
mod fingerprint;
mod hash_cache;
mod keys;
mod nearest;
mod process;
mod schedule;
mod signal;
mod state;
mod store;
mod walk;
mod workspace;

pub use app::{Error, Lifecycle, Options, Report};
