//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod model;

mod atomic;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod hash_cache;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod nearest;
#[cfg_attr(not(test), expect(dead_code, reason = "the rooms that use it are being built"))]
mod walk;
