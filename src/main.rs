//! The `cargo-lifecycle` binary.
fn main() {}
