//! Cargo workspaces of any size, to measure and to try things with. The same shape gives the same files; it knows
//! nothing of what is done with them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// Write a Cargo workspace without registry dependencies
#[derive(clap::Args)]
pub struct Shape {
    /// How many members
    #[arg(long, value_name = "N")]
    members: NonZeroUsize,
    /// How many source files each member has
    #[arg(long, value_name = "M")]
    files: NonZeroUsize,
    /// How many members the longest chain of dependencies has
    #[arg(long, value_name = "D", default_value_t = NonZeroUsize::new(DEPTH).unwrap_or(NonZeroUsize::MIN))]
    depth: NonZeroUsize,
    /// Where to; must not be there yet, or be empty
    #[arg(long, value_name = "PATH")]
    dir: PathBuf,
}

const WORKSPACE: &str = r#"[workspace]
members = ["members/*"]
resolver = "3"

[workspace.package]
version = "0.1.0"
edition = "2024"
"#;

/// What each member runs: it leaves a mark that shows when it ran.
pub const COMMAND: &str = "mkdir -p out && echo $$ > out/stamp";

fn phases() -> String {
    format!(
        "[lifecycle.stamp]\ndescription = \"Leave a mark that shows when it ran\"\ncommand = \"{COMMAND}\"\n\
         inputs = [\"src/**\", \"Cargo.toml\"]\nneeds = [\"^stamp\"]\n"
    )
}

/// How many members the longest chain of dependencies has if nothing is said.
const DEPTH: usize = 6;
/// How many members one depends on, where there are so many before it.
const DEPENDENCIES: usize = 3;

impl Shape {
    /// One of the usual depth.
    pub fn new(members: usize, files: usize, dir: PathBuf) -> anyhow::Result<Self> {
        let number = |number| NonZeroUsize::new(number).context("there must be one at least");
        Ok(Self { members: number(members)?, files: number(files)?, depth: number(DEPTH)?, dir })
    }

    /// How many members it has.
    pub fn members(&self) -> usize {
        self.members.get()
    }

    /// How many source files each member has.
    pub fn files(&self) -> usize {
        self.files.get()
    }

    /// Its root.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A member's folder.
    pub fn folder(&self, member: usize) -> PathBuf {
        self.dir.join("members").join(name(member))
    }

    /// Writes it.
    pub fn write(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.dir).with_context(|| format!("cannot make {}", self.dir.display()))?;
        let is_empty = fs::read_dir(&self.dir)?.next().is_none();
        ensure!(is_empty, "{} is not empty", self.dir.display());
        put(&self.dir.join("Cargo.toml"), WORKSPACE)?;
        put(&self.dir.join("make.toml"), &phases())?;
        put(&self.dir.join(".gitignore"), "/target\nout\n")?;
        (0..self.members.get()).try_for_each(|member| self.write_member(member))
    }

    fn write_member(&self, member: usize) -> anyhow::Result<()> {
        let folder = self.folder(member);
        let dependencies = self.dependencies(member);
        put(&folder.join("Cargo.toml"), &manifest(member, &dependencies))?;
        put(&folder.join("src/lib.rs"), &library(self.files.get() - 1, &dependencies))?;
        (1..self.files.get()).try_for_each(|file| put(&folder.join(format!("src/part_{file:03}.rs")), &part(file)))
    }

    /// Members stand in layers, as many as the longest chain may have members; each depends on the layer before.
    pub fn dependencies(&self, member: usize) -> BTreeSet<usize> {
        let depth = self.depth.get().min(self.members.get());
        let Some(before) = (member * depth / self.members).checked_sub(1) else { return BTreeSet::new() };
        let layer = self.layer(before, depth);
        (0..DEPENDENCIES).map(|number| layer.start + (member * 7 + number * 3) % layer.len()).collect()
    }

    /// The members of which `member * depth / members` is `layer`; never none, as there are at most as many layers as
    /// members.
    fn layer(&self, layer: usize, depth: usize) -> Range<usize> {
        let start = |layer: usize| (layer * self.members.get()).div_ceil(depth);
        start(layer)..start(layer + 1)
    }
}

/// A member's name.
pub fn name(member: usize) -> String {
    format!("member-{member:05}")
}

fn manifest(member: usize, dependencies: &BTreeSet<usize>) -> String {
    let mut text = format!(
        "[package]\nname = \"{}\"\nversion.workspace = true\nedition.workspace = true\n\n[dependencies]\n",
        name(member)
    );
    for dependency in dependencies {
        let name = name(*dependency);
        let _ = writeln!(text, "{name} = {{ path = \"../{name}\" }}");
    }
    text
}

fn library(parts: usize, dependencies: &BTreeSet<usize>) -> String {
    let mut text = String::from("//! A generated member.\n\n");
    for part in 1..=parts {
        let _ = writeln!(text, "mod part_{part:03};");
    }
    text.push_str("\n/// A number that depends on every part and dependency.\npub fn value(seed: u64) -> u64 {\n");
    text.push_str("    let mut value = seed;\n");
    for part in 1..=parts {
        let _ = writeln!(text, "    value = part_{part:03}::mix(value);");
    }
    for dependency in dependencies {
        let _ = writeln!(text, "    value ^= {}::value(seed);", name(*dependency).replace('-', "_"));
    }
    text.push_str(
        "    value\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn the_same_seed_gives_the_same_value() {\n",
    );
    text.push_str("        assert_eq!(super::value(7), super::value(7));\n    }\n}\n");
    text
}

fn part(number: usize) -> String {
    format!(
        "//! A generated part.\n\npub fn mix(value: u64) -> u64 {{\n    value.rotate_left({}).wrapping_add({number})\n}}\n",
        number % 64
    )
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::Value;

    use super::*;

    fn shape(members: usize, depth: usize, dir: PathBuf) -> Shape {
        let [members, files, depth] = [members, 3, depth].map(|number| NonZeroUsize::new(number).unwrap());
        Shape { members, files, depth, dir }
    }

    fn cargo(dir: &Path, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        let command = command.current_dir(dir).env_remove("CARGO_TARGET_DIR").args(arguments).arg("--offline");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    #[test]
    fn cargo_takes_the_workspace_and_compiles_it() {
        let folder = tempfile::tempdir().unwrap();
        shape(9, 4, folder.path().join("ws")).write().unwrap();
        let metadata = cargo(&folder.path().join("ws"), &["metadata", "--format-version=1"]);
        let metadata: Value = serde_json::from_slice(&metadata).unwrap();
        assert_eq!(metadata["workspace_members"].as_array().unwrap().len(), 9);
        assert_eq!(metadata["packages"].as_array().unwrap().len(), 9);
        cargo(&folder.path().join("ws"), &["check", "--workspace", "--all-targets"]);
    }

    #[test]
    fn dependencies_are_earlier_members_and_the_longest_chain_is_as_asked() {
        for members in [1, 2, 5, 16, 100] {
            for depth in [1, 2, 3, 7, 200] {
                let shape = shape(members, depth, PathBuf::new());
                let mut chains = Vec::new();
                for member in 0..members {
                    let dependencies = shape.dependencies(member);
                    assert!(dependencies.iter().all(|dependency| *dependency < member));
                    let below = dependencies.iter().map(|dependency| chains[*dependency]).max();
                    chains.push(below.unwrap_or(0) + 1);
                }
                assert_eq!(chains.iter().max(), Some(&depth.min(members)), "{members} members, depth {depth}");
            }
        }
    }

    #[test]
    fn what_stands_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("precious"), "").unwrap();
        let error = shape(1, 1, folder.path().to_owned()).write().unwrap_err();
        assert!(error.to_string().ends_with("is not empty"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
