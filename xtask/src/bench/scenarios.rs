//! The four scenarios of the analysis: `cargo lifecycle` beside the algorithm that it analysed, in one run. The commands
//! are sleeps, so that all that differs is what waits for what, and what is around them.

use std::path::PathBuf;

use serde_json::json;

use super::Measuring;
use super::duel::Duel;
use super::table::{Table, change, time};
use super::workloads::{BYTES, EXPECTED, FILES, SCENARIOS, Scenario};

/// How many runs the analysed algorithm remembers when it begins.
pub const HISTORY: usize = 1000;
/// Write the scenarios' workspaces, and tell of them as JSON
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to
    #[arg(value_name = "PATH")]
    dir: PathBuf,
}

impl Arguments {
    /// Writes them.
    pub fn run(&self) -> anyhow::Result<()> {
        let write = |scenario: &Scenario| {
            let dir = self.dir.join(scenario.folder());
            let members = scenario.project().write(&dir)?;
            let Scenario { name, asked, jobs, .. } = scenario;
            Ok(json!({ "name": name, "dir": dir, "members": members, "phases": asked, "jobs": jobs }))
        };
        let told = SCENARIOS.iter().map(write).collect::<anyhow::Result<Vec<_>>>()?;
        println!("{}", serde_json::Value::from(told));
        Ok(())
    }
}

/// Whether the ratio is what is promised.
fn holds(promise: u32, ratio: f64) -> String {
    let kept = ratio <= 1.0 - f64::from(promise) / 100.0;
    format!("−{promise} %: {}", if kept { "kept" } else { "NOT KEPT" })
}

/// The promises of the analysis.
pub fn promised(measuring: &Measuring) -> anyhow::Result<Table> {
    let title = format!(
        "Scenarios: the analysed algorithm and `cargo lifecycle`, medians of {} pairs\n\
         Each member has {FILES} inputs of {BYTES} bytes, of which one is edited before each run; the analysed algorithm \
         begins with a history of {HISTORY} runs.",
        measuring.rounds
    );
    table(measuring, title, SCENARIOS, |table| {
        table.note(
            "\"again\" is the next run, nothing edited: the analysed algorithm runs everything again. The last two rows \
             promise nothing: one sleep, or sleeps that wait for each other, cannot take less time than they say.",
        );
    })
}

/// The expected impacts that are scenarios.
pub fn expected(measuring: &Measuring) -> anyhow::Result<Table> {
    let title = format!("Impacts on time: the same pairs, medians of {}", measuring.rounds);
    table(measuring, title, EXPECTED, |table| {
        table.note("Expected: workspaces 1/N of the time, hooks 2-3 times as fast, commands 2-4 times as fast.");
    })
}

fn table(
    measuring: &Measuring,
    title: String,
    scenarios: &[Scenario],
    finish: impl FnOnce(&mut Table),
) -> anyhow::Result<Table> {
    let heads =
        ["scenario", "workload", "jobs", "analysed", "lifecycle", "change", "times as fast", "promised", "again"];
    let mut table = Table::new(title, &heads);
    let folder = tempfile::tempdir()?;
    for scenario in scenarios {
        eprintln!("measuring: {}", scenario.name);
        let series = scenario.series.iter().map(|phase| (*phase).to_owned()).collect();
        let dir = folder.path().join(scenario.folder());
        let outcome = Duel::new(measuring, dir, &scenario.project(), (scenario.words(), series))?.fight()?;
        let (ratio, again) = (outcome.ratio(1, 0), outcome.ratio(2, 0));
        table.row([
            scenario.name.to_owned(),
            scenario.workload.to_owned(),
            scenario.jobs.to_string(),
            time(outcome.median(0)),
            time(outcome.median(1)),
            change(ratio),
            format!("{:.1}", 1.0 / ratio),
            scenario.promise.map_or_else(String::new, |promise| holds(promise, ratio)),
            format!("{} ({})", time(outcome.median(2)), change(again)),
        ]);
    }
    finish(&mut table);
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_kept_at_its_ratio_and_not_above() {
        assert_eq!(holds(70, 0.3), "−70 %: kept");
        assert_eq!(holds(70, 0.31), "−70 %: NOT KEPT");
    }
}
