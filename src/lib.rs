//! `cargo lifecycle`: a Cargo workspace's whole lifecycle as one fast command, as a library.

pub mod model;
