//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod model;
pub mod plan;
pub mod report;
mod schedule;

#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod atomic;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
#[expect(unused_imports, reason = "the rooms that use it are being built")]
mod config;
mod nearest;
mod execute;
mod fingerprint;
