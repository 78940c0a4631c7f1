//! Random edits to a generated workspace, and each time our verdicts against a run of everything from nothing.

#![cfg(unix)]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod ask;
mod chance;
mod choices;
mod edits;
mod hunt;
mod oracle;
mod seen;
mod shop;
mod world;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hunt::{Tally, hunt};

/// Edits in one workspace of a long run: short accounts are easier to read.
const EDITS: usize = 100;

#[track_caller]
fn finds_nothing(seed: u64, edits: usize) {
    let tally = hunt(seed, edits).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    println!("{tally}");
    assert!(tally.is_telling(), "{tally}");
}

#[test]
fn a_hundred_edits() {
    finds_nothing(1, 100);
}

#[test]
fn a_hundred_other_edits() {
    finds_nothing(2, 100);
}

/// As long as `DIFFERENTIAL_MINUTES` says, from the seed `DIFFERENTIAL_SEED` on.
#[test]
#[ignore = "runs for minutes; `cargo xtask soak` starts it"]
fn soak() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let minutes = number("DIFFERENTIAL_MINUTES").unwrap_or(1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut seed = number("DIFFERENTIAL_SEED").unwrap_or(now.as_secs());
    let (began, long) = (Instant::now(), Duration::from_secs(60 * minutes));
    let (mut all, mut mismatches) = (Tally::default(), 0);
    while began.elapsed() < long {
        match hunt(seed, EDITS) {
            Ok(tally) => all.add(tally),
            Err(mismatch) => {
                mismatches += 1;
                all.add(mismatch.tally());
                println!("{mismatch}\n");
            }
        }
        println!("seed {seed}, {} s: {all}; {mismatches} mismatches", began.elapsed().as_secs());
        seed += 1;
    }
    assert_eq!(mismatches, 0);
    assert!(all.is_telling(), "{all}");
}
