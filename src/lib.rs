//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod model;

mod ansi;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod atomic;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod cargo_output;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod nearest;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the rooms that use it are being built"))]
mod process;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the rooms that use it are being built"))]
mod signal;
