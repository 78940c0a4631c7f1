//! The long form of the differential test, which lies in `tests/differential`. What it does is not known here.

use crate::long;

/// Edit generated workspaces at random, and compare every verdict with a run of everything
#[derive(clap::Args)]
pub struct Arguments {
    /// How long
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u64,

    /// The seed of the first workspace; each further one has the next (default: the time)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Arguments {
    /// Runs it and answers cargo's exit code.
    pub fn run(&self) -> anyhow::Result<u8> {
        long::test(
            "differential",
            "soak",
            &[("DIFFERENTIAL_MINUTES", Some(self.minutes)), ("DIFFERENTIAL_SEED", self.seed)],
        )
    }
}
