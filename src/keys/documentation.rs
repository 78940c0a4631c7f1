//! What documentation tests may read and ask for where no compiler has looked before they run, and nobody tells.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Keys;
use super::env_macros::asked;
use super::read::{package_dir, sources};
use crate::cargo_output::{Artifact, BuildScript};
use crate::model::MemberId;
use crate::relative::cleaned;

/// What a step may have read and asked for besides what cargo reports.
#[derive(Clone, Debug, Default)]
pub struct Besides {
    /// Files.
    pub files: BTreeSet<PathBuf>,
    /// Variables, by name.
    pub variables: BTreeSet<String>,
    /// Why that may not be all of it, in words.
    pub unclear: Option<String>,
}

impl Besides {
    /// Adds others.
    pub fn add(&mut self, others: Self) {
        self.files.extend(others.files);
        self.variables.extend(others.variables);
        self.unclear = self.unclear.take().or(others.unclear);
    }
}

impl Keys<'_> {
    /// What the documentation tests of a member may read and ask for, after all of it was compiled: the files that its sources
    /// name by a text that leads out of its folder, for documentation may include them where the compiler does not look
    /// (`#[cfg(doctest)]`); and the variables that these files, its library and the libraries below it ask for, for macros of
    /// these do so in the place where they are called.
    pub fn of_documentation(&self, member: MemberId, artifacts: &[Artifact], scripts: &[BuildScript]) -> Besides {
        let dir = self.coverage.areas.dir(member.index());
        let own = of_package(artifacts, dir);
        let named = self.named_files(member);
        let mut texts: BTreeSet<PathBuf> = own.iter().flat_map(|library| self.sources_of(library)).collect();
        texts.extend(self.beside(member, &own));
        texts.extend(named.iter().cloned());
        let mut besides = Besides::default();
        for path in &texts {
            for name in asked(&std::fs::read(path).unwrap_or_default()) {
                match name {
                    Some(name) => _ = besides.variables.insert(name.to_owned()),
                    None => _ = besides.unclear.get_or_insert_with(|| self.unclear(path)),
                }
            }
        }
        let below = self.coverage.closure(member.index()).into_iter().map(|area| self.coverage.areas.dir(area));
        let below = below.filter(|below| *below != dir).flat_map(|below| of_package(artifacts, below));
        let below: BTreeSet<PathBuf> = below.flat_map(|library| self.sources_of(library)).collect();
        for path in below.difference(&texts) {
            // What these are given from outside stands in the text that calls them, if anywhere.
            let text = std::fs::read(path).unwrap_or_default();
            besides.variables.extend(asked(&text).flatten().map(str::to_owned));
        }
        // rustdoc gets these from cargo.
        let scripts = scripts.iter().filter(|script| package_dir(&script.package_id).is_some_and(|of| of == dir));
        scripts.flat_map(|script| &script.env).for_each(|(name, _)| _ = besides.variables.remove(name));
        besides.files = named.into_iter().filter(|path| !path.starts_with(dir)).collect();
        besides
    }

    /// What rustc read for a library.
    fn sources_of(&self, library: &Artifact) -> BTreeSet<PathBuf> {
        sources(library, &self.expansion.workspace.root).unwrap_or_default()
    }

    /// The files of a member in the folders of its library's main source and below them: modules and texts of `#[cfg(doctest)]`.
    fn beside(&self, member: MemberId, libraries: &[&Artifact]) -> Vec<PathBuf> {
        let folders: BTreeSet<&Path> = libraries.iter().filter_map(|library| library.source.parent()).collect();
        let is_beside = |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder));
        self.files_of(member).into_iter().filter(is_beside).collect()
    }

    /// The files that are there and that a member's sources name by a text, but for those that lie at hand.
    fn named_files(&self, member: MemberId) -> BTreeSet<PathBuf> {
        let dir = self.coverage.areas.dir(member.index());
        let mut found = BTreeSet::new();
        for source in self.files_of(member).into_iter().filter(|path| path.extension().is_some_and(|is| is == "rs")) {
            let text = std::fs::read(&source).unwrap_or_default();
            for name in crate::hash_cache::named_elsewhere(&text) {
                let name = String::from_utf8_lossy(name);
                let bases = [source.parent().unwrap_or(dir), dir];
                // After `env!("CARGO_MANIFEST_DIR")` it begins with a slash.
                let paths = bases.map(|base| cleaned(&base.join(name.trim_start_matches('/'))));
                found.extend(paths.into_iter().filter(|path| path.is_file()));
            }
        }
        found
    }

    /// Every file of a member that git would not ignore.
    fn files_of(&self, member: MemberId) -> Vec<PathBuf> {
        let dir = self.coverage.areas.dir(member.index());
        let state = self.state();
        let files = state.tree.areas.get(member.index()).map(|area| &*area.files).unwrap_or_default();
        files.iter().map(|file| dir.join(&file.path)).collect()
    }

    fn unclear(&self, path: &Path) -> String {
        format!(
            "`{}` asks for a variable by `env!` or `option_env!` without a plain name, and documentation tests may do so when \
             they are compiled",
            self.shown(path)
        )
    }
}

/// The libraries of the package in this folder.
fn of_package<'a>(artifacts: &'a [Artifact], dir: &Path) -> Vec<&'a Artifact> {
    let is_other = |kind: &String| matches!(&**kind, "bin" | "test" | "bench" | "example" | "custom-build");
    let is_of = |artifact: &&Artifact| package_dir(&artifact.package_id).is_some_and(|of| of == dir);
    let libraries = artifacts.iter().filter(|artifact| !artifact.kinds.iter().any(is_other));
    libraries.filter(is_of).collect()
}
