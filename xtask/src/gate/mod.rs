//! Fails when a change makes the program slower: instructions of the same runs, by the program as it is here and as it was
//! at the commit that the change stands on. Instructions are the same on a noisy machine.

mod callgrind;
mod revision;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::bench::{Table, on_path, release, root};
use callgrind::count;
use revision::{Checkout, base, reasons};
use workload::WORKLOADS;

/// Compare how many instructions the program takes with the commit that this one stands on
///
/// That is the merge base with main, or on main the commit before. A commit whose message ends with `Slower: REASON` lets
/// a slower program pass.
#[derive(clap::Args)]
pub struct Arguments {
    /// Compare with this commit
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    /// How many percent more are let pass
    #[arg(long, value_name = "PERCENT", default_value_t = 2.0)]
    tolerance: f64,
}

/// How many instructions a workload took before and now.
struct Pair {
    name: &'static str,
    before: u64,
    now: u64,
}

impl Pair {
    /// How many percent more there are now.
    fn more(&self) -> f64 {
        (self.now as f64 / self.before.max(1) as f64 - 1.0) * 100.0
    }
}

impl Arguments {
    /// Compares, and answers the exit code that says whether it passes.
    pub fn run(&self) -> anyhow::Result<u8> {
        let root = root();
        let Some(valgrind) = on_path("valgrind") else {
            println!("gate: skipped, since valgrind is not installed");
            return Ok(0);
        };
        let Some(base) = base(&root, self.against.as_deref())? else {
            println!("gate: skipped, since there is no commit to compare with");
            return Ok(0);
        };
        let folder = root.join("target/gate");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let programs = programs(&root, &folder, &base)?;
        let pairs = WORKLOADS.iter().map(|workload| {
            let count = |program: &Path, place: &str| {
                let dir = folder.join(place);
                workload.settle(program, &dir)?;
                count(&valgrind, &folder.join("callgrind.out"), &|| workload.command(program, &dir))
            };
            // Folders with names of the same length.
            Ok(Pair { name: workload.name, before: count(&programs.0, "old")?, now: count(&programs.1, "new")? })
        });
        let pairs = pairs.collect::<anyhow::Result<Vec<_>>>()?;
        print!("{}", table(&pairs, &base));
        Ok(judge(&pairs, self.tolerance, &reasons(&root, &base)?))
    }
}

/// The program as it was at the commit, and as it is here.
fn programs(root: &Path, folder: &Path, base: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
    let keep = |program: PathBuf, name: &str| {
        let kept = folder.join(name);
        fs::copy(&program, &kept).with_context(|| format!("cannot copy {}", program.display()))?;
        anyhow::Ok(kept)
    };
    let checkout = Checkout::new(root, &folder.join("checkout"), base)?;
    // Not in the usual target directory: there cargo takes what one checkout has compiled for another's, if it is newer.
    let before = release(checkout.path(), "cargo-lifecycle", Some(&folder.join("target")))?;
    let before = keep(before, "program-old")?;
    let now = keep(release(root, "cargo-lifecycle", None)?, "program-new")?;
    Ok((before, now))
}

fn table(pairs: &[Pair], base: &str) -> Table {
    let short = base.get(..12).unwrap_or(base);
    let mut table = Table::new("Instructions, one thread, by callgrind", &["run", short, "now", "more"]);
    let millions = |count: u64| format!("{:.2} M", count as f64 / 1e6);
    for pair in pairs {
        table.row([pair.name.to_owned(), millions(pair.before), millions(pair.now), format!("{:+.2} %", pair.more())]);
    }
    table
}

/// Says what is slower, and answers the exit code.
fn judge(pairs: &[Pair], tolerance: f64, reasons: &[String]) -> u8 {
    let slower: Vec<&Pair> = pairs.iter().filter(|pair| pair.more() > tolerance).collect();
    println!();
    for pair in &slower {
        println!("gate: {} takes {:.2} % more instructions; {tolerance} % are let pass", pair.name, pair.more());
    }
    match (slower.is_empty(), reasons) {
        (true, _) => println!("gate: passed"),
        (false, []) => {
            println!("gate: FAILED; if it has to be slower, a commit's message ends with why: `Slower: REASON`");
        }
        (false, reasons) => {
            reasons.iter().for_each(|reason| println!("gate: slower, because {reason}"));
            println!("gate: passed, since a commit says so");
        }
    }
    u8::from(!slower.is_empty() && reasons.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_slower_than_the_tolerance_fails_and_a_reason_lets_it_pass() {
        let pair = |now| [Pair { name: "no-op", before: 1000, now }];
        assert_eq!(judge(&pair(1019), 2.0, &[]), 0);
        assert_eq!(judge(&pair(1021), 2.0, &[]), 1);
        assert_eq!(judge(&pair(900), 2.0, &[]), 0);
        assert_eq!(judge(&pair(1500), 2.0, &["it looks twice".to_owned()]), 0);
    }
}
