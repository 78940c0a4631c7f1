//! What a step may read, by what it does. It knows no files.

use crate::model::{CargoCommand, Engine, Step, Subject};

/// Whether the step follows `#[path]` to modules anywhere: `cargo fmt` does.
pub fn follows_modules(step: &Step) -> bool {
    calls(step, |cargo| cargo == CargoCommand::Fmt)
}

/// Whether a command of the step is a plain call of cargo that compiles.
pub fn compiles(step: &Step) -> bool {
    calls(step, CargoCommand::compiles)
}

/// Whether the step runs tests, whose executables know the place of the workspace by `CARGO_MANIFEST_DIR`: it was compiled
/// into them, and cargo does not compile them again elsewhere.
pub fn runs_tests(step: &Step) -> bool {
    step.definition.engine == Engine::CargoTest || calls(step, |cargo| cargo == CargoCommand::Test)
}

/// Whether nothing runs in the step but what tells all that it has read.
pub fn is_told(step: &Step) -> bool {
    step.definition.commands.iter().all(|command| command.cargo().is_some_and(tells))
}

/// Whether the step's key covers what its members depend on. Without it a step that compiles would miss what no dep-info
/// names: a dependency's manifest, a build script that is new.
pub fn covers_dependencies(step: &Step) -> bool {
    step.definition.dependencies || compiles(step)
}

/// Whether the step's key covers every file under the root: of a step for the whole workspace, and of one that may read
/// any of them without a word. rustdoc writes no dep-info, and nobody tells what a program reads that cargo runs; of that
/// `inputs` speak. Tests are taken to read what is in their member's folder.
pub fn covers_everything(step: &Step) -> bool {
    let says = |cargo| cargo == CargoCommand::Run && step.definition.inputs.is_some();
    let is_known = |cargo| tells(cargo) || says(cargo) || step.definition.engine == Engine::CargoTest;
    let reads_untold = calls(step, |cargo| cargo.compiles() && !is_known(cargo));
    reads_untold || (step.subject == Subject::Workspace && (step.definition.inputs.is_none() || compiles(step)))
}

const fn tells(cargo: CargoCommand) -> bool {
    matches!(cargo, CargoCommand::Build | CargoCommand::Check | CargoCommand::Clippy)
}

fn calls(step: &Step, is_wanted: impl Fn(CargoCommand) -> bool) -> bool {
    step.definition.commands.iter().any(|command| command.cargo().is_some_and(&is_wanted))
}
