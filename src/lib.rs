//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.
#![allow(dead_code)]
#![allow(unused_imports)]

mod atomic;
mod config;
mod fingerprint;
pub mod model;
mod nearest;
pub mod plan;
pub mod report;
mod schedule;
