//! Signals at random moments of real runs, which `tests/suite/interrupts.rs` sends. What is looked at is not known here.

use crate::long;

/// Send SIGINT and SIGTERM to runs at random moments, and look at what they leave behind
#[derive(clap::Args)]
pub struct Arguments {
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 100)]
    times: u64,

    /// What the moments, signals and edits follow from (default: the time)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Arguments {
    /// Runs it and answers cargo's exit code.
    pub fn run(&self) -> anyhow::Result<u8> {
        long::test(
            "suite",
            "interrupts::many_signals",
            &[("INTERRUPTS_TIMES", Some(self.times)), ("INTERRUPTS_SEED", self.seed)],
        )
    }
}
