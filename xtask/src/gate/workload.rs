//! The runs whose instructions are counted. Each is prepared anew for each program, since what one version keeps is not
//! for another.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bench::{lifecycle, remove, timed};
use crate::forget::forget;
use crate::generate::Shape;

/// One run.
pub struct Workload {
    pub name: &'static str,
    members: usize,
    files: usize,
    /// A file of so many bytes in each member.
    bytes: usize,
    words: &'static [&'static str],
    /// Whether the digests of files are to be forgotten before the run.
    forget: bool,
}

const STAMP: &[&str] = &["stamp", "--workspace", "--offline", "--jobs", "1"];
const PLAN: &[&str] =
    &["--graph", "json", "one", "two", "three", "four", "five", "--workspace", "--offline", "--jobs", "1"];

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "no-op run", members: 200, files: 20, bytes: 0, words: STAMP, forget: false },
    Workload { name: "planning", members: 500, files: 1, bytes: 0, words: PLAN, forget: false },
    Workload { name: "hashing", members: 50, files: 20, bytes: 65_536, words: STAMP, forget: true },
];

impl Workload {
    /// Makes the workspace, and runs until there is nothing more to do.
    pub fn settle(&self, program: &Path, dir: &Path) -> anyhow::Result<()> {
        remove(dir)?;
        let shape = Shape::new(self.members, self.files, dir.to_owned())?;
        shape.write()?;
        for member in 0..self.members {
            fs::write(shape.folder(member).join("src/data.rs"), "x".repeat(self.bytes))?;
        }
        let make = dir.join("make.toml");
        let mut phases = fs::read_to_string(&make)?;
        for name in ["one", "two", "three", "four", "five"] {
            write!(phases, "[lifecycle.{name}]\ncommand = \"true\"\nneeds = [\"^{name}\"]\n")?;
        }
        fs::write(&make, phases)?;
        // The first one runs everything, the next reads once more what was as young as that.
        (0..3).try_for_each(|_| timed(&mut lifecycle(program, dir, self.words)).map(drop))
    }

    /// The run to count.
    pub fn command(&self, program: &Path, dir: &Path) -> anyhow::Result<Command> {
        if self.forget {
            forget(dir)?;
        }
        Ok(lifecycle(program, dir, self.words))
    }
}
