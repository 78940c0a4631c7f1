//! The gate for people: the built-in phases over this repository, run through its own library. It starts nothing itself.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use cargo_lifecycle::report::{Display, Human};
use cargo_lifecycle::{Lifecycle, Options};

/// Runs the phases and answers the exit code that says how it went. What is formatted and lint-free is then tested and
/// documented; then what is in the program with the feature `profiling` alone.
pub fn run() -> anyhow::Result<u8> {
    let display = display();
    let mut human = Human::new(io::stderr(), display);
    let mut test = here().phases(["test", "doc"]);
    // As an option of cargo's and not as RUSTDOCFLAGS: it reaches the children, and it is a part of their keys.
    test.flags.config = vec!["build.rustdocflags = ['-D', 'warnings']".to_owned()];
    let profiled = [
        with_profiling(here().phases(["lint"]).args(["--", "-D", "warnings"])),
        with_profiling(here().phases(["test"]).args(["--test", "suite", "timings::"])),
    ];
    for options in [here().phases(["fmt", "lint"]).args(["--", "-D", "warnings"]), test].into_iter().chain(profiled) {
        let options = Options { color: display.color, ..options };
        let report = Lifecycle::open(options)?.run(|event| human.take(event))?;
        if !report.success() {
            return Ok(report.exit_code());
        }
    }
    Ok(0)
}

/// Every member of this repository, wherever one stands in it.
fn here() -> Options {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut options = Options::new().current_dir(own.parent().unwrap_or(own)).workspace();
    options.flags.locked = true;
    options
}

fn with_profiling(mut options: Options) -> Options {
    options.flags.features = vec!["cargo-lifecycle/profiling".to_owned()];
    options
}

fn display() -> Display {
    let terminal = io::stderr().is_terminal();
    Display { color: terminal, bar: terminal && std::env::var_os("CI").is_none(), ..Display::default() }
}
