//! One workspace, run by the analysed algorithm and by `cargo lifecycle` in turns. What is in its make.toml is not known
//! here.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Measuring;
use super::command::{lifecycle, quiet, timed};
use super::scenarios::HISTORY;
use super::turns::Turns;
use crate::baseline::{self, State};

/// The workspace.
pub struct Project {
    /// One is the root package, several lie in folders of their names.
    pub members: &'static [&'static str],
    /// The text of make.toml.
    pub make: String,
    /// How many files each has in `src`, and how many bytes each of them.
    pub files: usize,
    pub bytes: usize,
}

/// The workspace on disk, and what is asked of each.
pub struct Duel<'m> {
    measuring: &'m Measuring,
    dir: PathBuf,
    members: Vec<PathBuf>,
    ours: Vec<String>,
    series: Vec<String>,
    edits: Cell<usize>,
}

impl Project {
    /// Writes it, and answers the members' folders.
    pub fn write(&self, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("make.toml"), &self.make)?;
        let dirs: Vec<PathBuf> = match self.members {
            [_] => vec![dir.to_owned()],
            several => several.iter().map(|name| dir.join(name)).collect(),
        };
        if self.members.len() > 1 {
            let manifest = format!("[workspace]\nmembers = {:?}\nresolver = \"3\"\n", self.members);
            fs::write(dir.join("Cargo.toml"), manifest)?;
        }
        for (name, dir) in self.members.iter().zip(&dirs) {
            let lone = if self.members.len() == 1 { "[workspace]\n" } else { "" };
            fs::create_dir_all(dir.join("src"))?;
            fs::write(dir.join("Cargo.toml"), format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{lone}"))?;
            fs::write(dir.join("src/lib.rs"), "//! A member.\n")?;
            (1..self.files).try_for_each(|file| fs::write(part(dir, file), text(file, self.bytes)))?;
        }
        Ok(dirs)
    }
}

/// One of a member's files.
pub fn part(dir: &Path, file: usize) -> PathBuf {
    dir.join(format!("src/part_{file:05}.rs"))
}

fn text(number: usize, bytes: usize) -> String {
    let line = format!("// part {number}\n");
    line.repeat(bytes.div_ceil(line.len()))
}

impl<'m> Duel<'m> {
    /// Writes the workspace into the folder.
    pub fn new(
        measuring: &'m Measuring,
        dir: PathBuf,
        project: &Project,
        (ours, series): (Vec<String>, Vec<String>),
    ) -> anyhow::Result<Self> {
        let members = project.write(&dir)?;
        Ok(Self { measuring, dir, members, ours, series, edits: Cell::new(0) })
    }

    /// The times of the analysed algorithm, of `cargo lifecycle`, and of its next run.
    pub fn fight(&self) -> anyhow::Result<Turns> {
        // The first run of each is another: cargo is asked for the workspace.
        self.baseline()?;
        self.lifecycle()?;
        Turns::measure(
            self.measuring.rounds,
            vec![Box::new(|| self.baseline()), Box::new(|| self.lifecycle()), Box::new(|| self.again())],
        )
    }

    fn baseline(&self) -> anyhow::Result<Duration> {
        State::after(HISTORY).save(&baseline::state_path(&self.dir))?;
        self.edit()?;
        let mut command = quiet(std::env::current_exe()?, &self.dir);
        timed(command.args(["baseline", "--dir"]).arg(&self.dir).args(&self.series))
    }

    fn lifecycle(&self) -> anyhow::Result<Duration> {
        self.edit()?;
        self.run()
    }

    fn again(&self) -> anyhow::Result<Duration> {
        self.run()?;
        self.run()
    }

    fn run(&self) -> anyhow::Result<Duration> {
        timed(lifecycle(&self.measuring.program, &self.dir, &[]).args(&self.ours))
    }

    /// One input of each member becomes another.
    fn edit(&self) -> anyhow::Result<()> {
        self.edits.set(self.edits.get() + 1);
        let text = format!("//! A member, edited {} times.\n", self.edits.get());
        self.members.iter().try_for_each(|dir| Ok(fs::write(dir.join("src/lib.rs"), &text)?))
    }
}
