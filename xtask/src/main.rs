//! Developer commands of this repository: `cargo xtask <COMMAND>`. It knows the commands and nothing of their work.

mod generate;

use clap::Parser;

/// Developer commands of this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    Generate(generate::Shape),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Generate(shape) => shape.write(),
    }
}
