//! Runs of the library, in this process. In which workspace is not known here.

use std::path::Path;

use cargo_lifecycle::{Lifecycle, Options, Report};

/// What is asked for there.
pub fn asked(dir: &Path, phases: &[&str]) -> Options {
    let phases = phases.iter().copied();
    let mut options = Options::new().phases(phases).current_dir(dir).target_dir(dir.join("target")).workspace();
    options.flags.offline = true;
    options.leave_signals = true;
    options
}

/// Runs it.
pub fn run(options: Options) -> Report {
    Lifecycle::open(options).and_then(|lifecycle| lifecycle.run(drop)).expect("the workspace is valid")
}
