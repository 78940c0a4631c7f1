//! The key of a phase as the analysed algorithm makes it: every input read whole, one after another.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// The key of the phase. What cannot be read counts as nothing, as in the original.
pub fn cache_key(phase: &str, commands: &[String], env: &[(String, String)], inputs: &[PathBuf]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(phase);
    commands.iter().for_each(|command| hasher.update(command));
    for (name, value) in env {
        hasher.update(name);
        hasher.update(value);
    }
    for input in inputs {
        if let Ok(content) = fs::read(input) {
            hasher.update(&content);
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files that an input means: one, or those of a folder if it ends with `/**`.
pub fn files(root: &Path, input: &str) -> anyhow::Result<Vec<PathBuf>> {
    let Some(folder) = input.strip_suffix("/**") else { return Ok(vec![root.join(input)]) };
    let folder = root.join(folder);
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.sort_unstable();
    Ok(files)
}
