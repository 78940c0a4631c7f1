//! The algorithm that the performance analysis behind this project looked at, as it stood: what our figures are measured
//! against. Nothing of the library is in it.
//!
//! Each trait comes from a passage of the analysis, and is kept although it is what the analysis complains of:
//!
//! | trait | passage |
//! |---|---|
//! | before-hooks, key, commands, state, after-hooks, in this order | Execution Flow Analysis |
//! | workspaces one after another, the phases of each one after another; the environment copied for each | Bottleneck 1; Memory Allocation Patterns, 1 |
//! | the whole state read and written again for each phase | Bottleneck 2; I/O Operations Inventory |
//! | hooks are phases that recur, one after another, and nothing looks for cycles | Bottleneck 3 |
//! | the key reads every input whole, one after another, and remembers none | Bottleneck 4 |
//! | commands one after another, each by `sh -lc` | Bottleneck 5; Async/Await Migration, Phase 2 |
//! | the history only grows, and so do the keys | Bottleneck 6 |
//! | a phase always runs: its key is stored and never asked | Execution Flow Analysis |
//! | make.toml is read once | I/O Operations Inventory |
//!
//! Two things are ours. A recursion is given up at [`MAX_DEPTH`], where the original ends without a stack; and `inputs`
//! may be `folder/**`, so that both read the same make.toml.

mod key;
mod make;
mod state;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};

use key::cache_key;
use make::{Make, Phase};
pub use state::State;

/// How deep hooks may recur.
const MAX_DEPTH: usize = 200;

/// Run phases as the analysed algorithm did
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder with make.toml
    #[arg(long, value_name = "PATH")]
    dir: PathBuf,
    /// The phases, in this order
    #[arg(value_name = "PHASE", required = true)]
    phases: Vec<String>,
}

impl Arguments {
    /// Runs them.
    pub fn run(&self) -> anyhow::Result<()> {
        let make = Make::load(&self.dir)?;
        let context = Context {
            root: self.dir.clone(),
            make: &make,
            state_path: &state_path(&self.dir),
            env: Vec::new(),
            depth: 0,
        };
        run_pipeline(&context, &self.phases)
    }
}

/// Where the state of the workspace lies.
pub fn state_path(dir: &Path) -> PathBuf {
    dir.join("target/baseline/state.json")
}

/// Where a phase runs, and with what.
struct Context<'a> {
    root: PathBuf,
    make: &'a Make,
    state_path: &'a Path,
    env: Vec<(String, String)>,
    depth: usize,
}

fn run_pipeline(context: &Context<'_>, phases: &[String]) -> anyhow::Result<()> {
    if context.make.workspaces.is_empty() {
        return phases.iter().try_for_each(|phase| run_phase(context, phase));
    }
    for (name, workspace) in &context.make.workspaces {
        let mut env = context.env.clone();
        env.extend(workspace.env.clone());
        let own = Context { root: context.root.join(name), env, ..*context };
        for phase in phases {
            run_phase(&own, phase)?;
        }
    }
    Ok(())
}

fn run_phase(context: &Context<'_>, name: &str) -> anyhow::Result<()> {
    ensure!(context.depth < MAX_DEPTH, "hooks recur for ever at `{name}`");
    let phase = context.make.phases.get(name).with_context(|| format!("there is no phase `{name}`"))?;
    run_hooks(context, "before", name)?;
    let commands = phase.commands();
    let key = cache_key(name, &commands, &context.env, &inputs(context, phase)?);
    let (started, began) = (now_ms(), Instant::now());
    for command in &commands {
        execute_command(command, context)?;
    }
    let mut state = State::load(context.state_path)?;
    state.record_run(name.to_owned(), started, began.elapsed().as_millis(), true);
    state.add_cache_key(name.to_owned(), key);
    state.save(context.state_path)?;
    run_hooks(context, "after", name)
}

/// Those for everything and those for this phase: first the former before it, last after it.
fn run_hooks(context: &Context<'_>, when: &str, phase: &str) -> anyhow::Result<()> {
    let inner = Context { root: context.root.clone(), env: context.env.clone(), depth: context.depth + 1, ..*context };
    let mut lists = [format!("{when}_all"), format!("{when}_{phase}")];
    if when == "after" {
        lists.reverse();
    }
    for hook in lists.iter().filter_map(|list| context.make.hooks.get(list)).flatten() {
        run_phase(&inner, hook)?;
    }
    Ok(())
}

fn inputs(context: &Context<'_>, phase: &Phase) -> anyhow::Result<Vec<PathBuf>> {
    let listed = phase.inputs.iter().map(|input| key::files(&context.root, input));
    Ok(listed.collect::<anyhow::Result<Vec<_>>>()?.concat())
}

fn execute_command(command: &str, context: &Context<'_>) -> anyhow::Result<()> {
    let mut shell = Command::new("sh");
    shell.arg("-lc").arg(command).current_dir(&context.root);
    for (name, value) in &context.env {
        shell.env(name, value);
    }
    let status = shell.status().context("cannot start sh")?;
    ensure!(status.success(), "command failed: {command}");
    Ok(())
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(make: &str, phases: &[&str]) -> (tempfile::TempDir, anyhow::Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_owned();
        fs::write(dir.join("make.toml"), make).unwrap();
        for workspace in ["api", "web"] {
            fs::create_dir(dir.join(workspace)).unwrap();
        }
        let phases = phases.iter().map(|phase| (*phase).to_owned()).collect();
        let outcome = Arguments { dir, phases }.run();
        (folder, outcome)
    }

    fn phase(name: &str) -> String {
        format!("[lifecycle.{name}]\ncommand = 'echo {name} >> \"$OUT\"log'\n")
    }

    #[test]
    fn hooks_recur_in_series_around_the_phase() {
        let make = ["a", "b", "c", "d"].map(phase).concat() + "[hooks]\nbefore_c = ['a', 'b']\nafter_c = ['d']\n";
        let (folder, outcome) = run(&make, &["c"]);
        outcome.unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("log")).unwrap(), "a\nb\nc\nd\n");
        let state = State::load(&state_path(folder.path())).unwrap();
        assert_eq!(state.runs(), 4);
    }

    #[test]
    fn each_workspace_runs_every_phase_in_its_folder() {
        let make = ["a", "b"].map(phase).concat() + "[workspace.api]\nenv = { OUT = 'of-' }\n[workspace.web]\n";
        let (folder, outcome) = run(&make, &["a", "b"]);
        outcome.unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("api/of-log")).unwrap(), "a\nb\n");
        assert_eq!(fs::read_to_string(folder.path().join("web/log")).unwrap(), "a\nb\n");
    }

    #[test]
    fn a_cycle_is_not_seen_until_it_is_too_deep() {
        let make = phase("a") + "[hooks]\nbefore_all = ['a']\n";
        let (folder, outcome) = run(&make, &["a"]);
        assert!(outcome.unwrap_err().to_string().contains("recur for ever"));
        assert!(!folder.path().join("log").exists());
    }
}
