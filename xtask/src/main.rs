//! Developer commands of this repository: `cargo xtask <COMMAND>`. It knows the commands and nothing of their work.

mod baseline;
mod bench;
mod ci;
mod forget;
mod gate;
mod generate;
mod interrupts;
mod long;
mod man;
mod soak;

use std::process::ExitCode;

use clap::Parser;

/// Developer commands of this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Run what every change must pass: fmt, lint, test and doc
    Ci,
    Bench(bench::Arguments),
    Gate(gate::Arguments),
    Generate(generate::Shape),
    Interrupts(interrupts::Arguments),
    /// Write the man page to target/man
    Man,
    Soak(soak::Arguments),
    #[command(hide = true)]
    Baseline(baseline::Arguments),
    #[command(hide = true)]
    Least(bench::LeastArguments),
    #[command(hide = true)]
    Peak(bench::PeakArguments),
    #[command(hide = true)]
    Scenarios(bench::ScenariosArguments),
}

fn main() -> anyhow::Result<ExitCode> {
    cargo_lifecycle::shim();
    let code = match Command::parse() {
        Command::Ci => ci::run()?,
        Command::Bench(arguments) => arguments.run()?,
        Command::Baseline(arguments) => arguments.run().map(|()| 0)?,
        Command::Gate(arguments) => arguments.run()?,
        Command::Interrupts(arguments) => arguments.run()?,
        Command::Least(arguments) => arguments.run().map(|()| 0)?,
        Command::Peak(arguments) => arguments.run().map(|()| 0)?,
        Command::Scenarios(arguments) => arguments.run().map(|()| 0)?,
        Command::Generate(shape) => shape.write().map(|()| 0)?,
        Command::Man => man::write().map(|()| 0)?,
        Command::Soak(arguments) => arguments.run()?,
    };
    Ok(ExitCode::from(code))
}
