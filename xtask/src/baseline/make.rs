//! What the analysed algorithm reads of make.toml. What it does with it is not known here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// A make.toml.
#[derive(Default, Deserialize)]
pub struct Make {
    /// The phases, by name.
    #[serde(default, rename = "lifecycle")]
    pub phases: BTreeMap<String, Phase>,
    /// The lists of hooks, by key.
    #[serde(default)]
    pub hooks: BTreeMap<String, Vec<String>>,
    /// The workspaces, each in the folder of its name.
    #[serde(default, rename = "workspace")]
    pub workspaces: BTreeMap<String, Workspace>,
}

/// One phase.
#[derive(Deserialize)]
pub struct Phase {
    command: Option<String>,
    commands: Option<Vec<String>>,
    /// Its files, or folders with `/**`.
    #[serde(default)]
    pub inputs: Vec<String>,
}

/// One workspace.
#[derive(Deserialize)]
pub struct Workspace {
    /// Variables for its commands.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Make {
    /// Reads it.
    pub fn load(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("make.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
    }
}

impl Phase {
    /// Its commands, copied as the original does.
    pub fn commands(&self) -> Vec<String> {
        self.command.iter().chain(self.commands.iter().flatten()).cloned().collect()
    }
}
