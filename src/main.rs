//! The `cargo-lifecycle` binary: the library's command line, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_lifecycle::shim();
    cargo_lifecycle::cli::main(std::env::args_os())
}
