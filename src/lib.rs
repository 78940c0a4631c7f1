//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod model;

#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod atomic;
mod cargo_config;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod environment;
mod executable;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod nearest;
mod relative;
mod target_dir;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod workspace;
