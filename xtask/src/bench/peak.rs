//! How much memory a command takes at its peak, by the system's own accounting.

use std::ffi::OsString;
use std::fmt;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::command::quiet;

/// Run a command, and print the peak resident memory of its largest process in KiB
#[derive(clap::Args)]
pub struct Arguments {
    /// The command
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Arguments {
    /// Runs it.
    pub fn run(&self) -> anyhow::Result<()> {
        let (program, words) = self.command.split_first().context("there is no command")?;
        let status = quiet(program, &std::env::current_dir()?).args(words).status();
        let status = status.with_context(|| format!("cannot start {}", program.display()))?;
        ensure!(status.success(), "{} failed: {status}", program.display());
        println!("{}", children_kib()?);
        Ok(())
    }
}

#[cfg(unix)]
fn children_kib() -> anyhow::Result<i64> {
    use nix::sys::resource::{UsageWho, getrusage};
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())
}

#[cfg(not(unix))]
fn children_kib() -> anyhow::Result<i64> {
    anyhow::bail!("how much memory processes took can only be asked on Unix")
}

/// How much a command took at its peak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    kib: u64,
    /// What is told of a command that takes nothing: no less can be measured.
    least_kib: u64,
}

impl fmt::Display for Peak {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_most = if self.kib <= self.least_kib + self.least_kib / 50 { "at most " } else { "" };
        write!(to, "{at_most}{:.1} MiB", self.kib as f64 / 1024.0)
    }
}

/// The peak of the command. It is run by a process of its own, since the system adds up all children of one; and never
/// less is told of a process than what the one that started it took at that time.
pub fn peak(command: &Command) -> anyhow::Result<Peak> {
    let dir = command.get_current_dir().context("a command has a folder")?;
    Ok(Peak { kib: told(command)?, least_kib: told(&quiet("true", dir))? })
}

fn told(command: &Command) -> anyhow::Result<u64> {
    let dir = command.get_current_dir().context("a command has a folder")?;
    let mut asking = quiet(std::env::current_exe()?, dir);
    asking.args(["peak", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => asking.env(name, value),
            None => asking.env_remove(name),
        };
    }
    let output = asking.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().context("peak prints a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_from_nothing_is_said() {
        assert_eq!(Peak { kib: 5 * 1024, least_kib: 5 * 1024 }.to_string(), "at most 5.0 MiB");
        assert_eq!(Peak { kib: 15 * 1024, least_kib: 5 * 1024 }.to_string(), "15.0 MiB");
    }
}
