//! What was learned from cargo's output. It does not know how the output looks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::message::Message;
use crate::model;

/// What was learned from cargo's output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What each unit made, in the order in which cargo told of them; documentation and metadata too.
    pub artifacts: Vec<Artifact>,
    /// The build scripts, whether they ran now or before.
    pub build_scripts: Vec<BuildScript>,
    /// The names of the packages that did not compile, or whose build script failed. Cargo tells no ids of them.
    pub failed_packages: BTreeSet<String>,
    /// Those of them whose library did not compile, so that nothing that depends on it does.
    pub failed_libraries: BTreeSet<String>,
    /// The warnings and errors, the compiler's and cargo's own, each once; but for those that were taken before.
    pub diagnostics: Vec<Diagnostic>,
    /// How many warnings were shown.
    pub warnings: usize,
    /// Whether the build succeeded; `None` when cargo never got so far.
    pub finished: Option<bool>,
}

/// What a unit made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The package's id.
    pub package_id: String,
    /// The target's name.
    pub target: String,
    /// The target's kinds as cargo calls them: `lib`, `bin`, `test`, `custom-build` and so on.
    pub kinds: Vec<String>,
    /// The target's main source file.
    pub source: PathBuf,
    /// Whether it was compiled with the test harness.
    pub test: bool,
    /// The features of the package that were on.
    pub features: Vec<String>,
    /// The files.
    pub filenames: Vec<PathBuf>,
    /// The program among them.
    pub executable: Option<PathBuf>,
    /// Whether it was made before.
    pub fresh: bool,
}

/// A build script that ran, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildScript {
    /// The package's id.
    pub package_id: String,
    /// Its `OUT_DIR`.
    pub out_dir: PathBuf,
    /// The variables it sets (`cargo::rustc-env`), in order.
    pub env: Vec<(String, String)>,
    /// The folders it adds (`cargo::rustc-link-search`), with their `native=` and the like.
    pub linked_paths: Vec<String>,
}

/// A warning or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which of them.
    pub level: Level,
    /// The compiler's code, such as `E0308`, where its head has one.
    pub code: Option<String>,
    /// Its first line, without level and code.
    pub message: String,
    /// Where, when it has a place.
    pub place: Option<Place>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `warning`
    Warning,
    /// `error`
    Error,
}

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the compiler says it: mostly relative to the workspace root.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The last line, where the source is shown.
    pub end_line: Option<u32>,
    /// The column behind the last character, where it is shown and the place is on one line.
    pub end_column: Option<u32>,
}

impl Place {
    /// A place of which only the beginning is known.
    pub(super) const fn new(file: PathBuf, line: u32, column: u32) -> Self {
        Self { file, line, column, end_line: None, end_column: None }
    }
}

impl From<Diagnostic> for model::Diagnostic {
    fn from(said: Diagnostic) -> Self {
        let Diagnostic { level, code, message, place } = said;
        let place = place.map(|Place { file, line, column, end_line, end_column }| {
            let file = file.to_string_lossy().into_owned();
            model::Place { file, line, column, end_line, end_column }
        });
        Self { is_error: level == Level::Error, code, message, place }
    }
}

impl Facts {
    /// How many of the diagnostics are errors.
    #[cfg(test)]
    #[must_use]
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error).count()
    }

    /// Whether anything was not fresh.
    #[cfg(test)]
    #[must_use]
    pub fn compiled(&self) -> bool {
        !self.failed_packages.is_empty() || self.artifacts.iter().any(|artifact| !artifact.fresh)
    }

    pub(super) fn learn(&mut self, message: Message) {
        match message {
            Message::Artifact(artifact) => self.artifacts.push(artifact),
            Message::BuildScript(script) => self.build_scripts.push(script),
            Message::Finished(success) => self.finished = Some(success),
            Message::Other => {}
        }
    }
}
