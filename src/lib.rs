//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod model;

#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod atomic;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod cargo_config;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod executable;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod nearest;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod relative;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod target_dir;
