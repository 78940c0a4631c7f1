//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod model;
pub mod plan;
pub mod report;
mod schedule;

#[expect(dead_code, reason = "the rooms that use it are being built")]
mod atomic;
#[expect(dead_code, reason = "the rooms that use it are being built")]
mod nearest;
mod execute;
mod fingerprint;
