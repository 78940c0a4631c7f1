//! Cargo's JSON messages, as far as we read them (the rest of them is not looked at, so that it may change).

use std::path::PathBuf;

use serde::Deserialize;

use super::{Artifact, BuildScript};

/// A message of cargo's.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// `compiler-artifact`
    Artifact(Artifact),
    /// `build-script-executed`
    BuildScript(BuildScript),
    /// `build-finished`
    Finished(bool),
    /// One of a sort that this cargo has and we do not know.
    Other,
}

/// How cargo begins each message.
const BEGINNING: &[u8] = br#"{"reason":"#;

/// Whether a line that begins so may be a message.
pub fn may_begin(line: &[u8]) -> bool {
    let length = line.len().min(BEGINNING.len());
    line.get(..length) == BEGINNING.get(..length)
}

impl Message {
    /// The message that a line is. One of a known sort that cannot be read is none: better people see it than nobody.
    pub fn parse(line: &[u8]) -> Option<Self> {
        if !line.starts_with(BEGINNING) {
            return None;
        }
        let written: Written = serde_json::from_slice(line).ok()?;
        Some(written.into())
    }
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Written {
    CompilerArtifact(WrittenArtifact),
    BuildScriptExecuted(WrittenScript),
    BuildFinished {
        success: bool,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct WrittenArtifact {
    package_id: String,
    target: WrittenTarget,
    profile: WrittenProfile,
    features: Vec<String>,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
    fresh: bool,
}

#[derive(Deserialize)]
struct WrittenTarget {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct WrittenProfile {
    test: bool,
}

#[derive(Deserialize)]
struct WrittenScript {
    package_id: String,
    out_dir: PathBuf,
    env: Vec<(String, String)>,
    linked_paths: Vec<String>,
}

impl From<Written> for Message {
    fn from(written: Written) -> Self {
        match written {
            Written::CompilerArtifact(artifact) => Self::Artifact(Artifact {
                package_id: artifact.package_id,
                target: artifact.target.name,
                kinds: artifact.target.kind,
                source: artifact.target.src_path,
                test: artifact.profile.test,
                features: artifact.features,
                filenames: artifact.filenames,
                executable: artifact.executable,
                fresh: artifact.fresh,
            }),
            Written::BuildScriptExecuted(script) => Self::BuildScript(BuildScript {
                package_id: script.package_id,
                out_dir: script.out_dir,
                env: script.env,
                linked_paths: script.linked_paths,
            }),
            Written::BuildFinished { success } => Self::Finished(success),
            Written::Other => Self::Other,
        }
    }
}
