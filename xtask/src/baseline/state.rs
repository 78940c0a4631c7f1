//! The state file of the analysed algorithm: one JSON document, read and written whole, that only grows.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// All that is remembered.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    last_phase: Option<String>,
    phase_history: Vec<RunRecord>,
    cache_keys: Vec<CacheKey>,
}

#[derive(Serialize, Deserialize)]
struct RunRecord {
    phase: String,
    started_ms: u128,
    duration_ms: u128,
    success: bool,
}

#[derive(Serialize, Deserialize)]
struct CacheKey {
    phase: String,
    key: String,
}

impl State {
    /// One in which so many phases have run.
    pub fn after(runs: usize) -> Self {
        let mut state = Self::default();
        for run in 0..runs as u128 {
            let phase = format!("phase-{}", run % 10);
            state.record_run(phase.clone(), 1_700_000_000_000 + 1000 * run, 100 + run % 7, true);
            state.add_cache_key(phase, format!("{run:064x}"));
        }
        state
    }

    /// Reads it; there may be none yet.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            text => {
                let text = text.with_context(|| format!("cannot read {}", path.display()))?;
                serde_json::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
            }
        }
    }

    /// Writes it.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Adds a run.
    pub fn record_run(&mut self, phase: String, started_ms: u128, duration_ms: u128, success: bool) {
        self.last_phase = Some(phase.clone());
        self.phase_history.push(RunRecord { phase, started_ms, duration_ms, success });
    }

    /// Adds a key.
    pub fn add_cache_key(&mut self, phase: String, key: String) {
        self.cache_keys.push(CacheKey { phase, key });
    }

    /// How many runs it knows of.
    #[cfg(test)]
    pub fn runs(&self) -> usize {
        self.phase_history.len()
    }
}
