//! What a test is made of: the files that decide about it, and its key. It knows nothing of results.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::super::super::ran::Ran;
use super::super::{Prepared, Worker};
use super::called::Called;
use crate::keys::{Key, LIBRARY_PATH, TestFacts};
use crate::model::{Digest, MemberId, Reason, StepId};
use crate::process::{CommandLine, Program};

/// A file that a test is made of.
pub(super) struct TestFile {
    /// What explanations call it.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
}

impl Worker<'_> {
    /// The key of a test executable, or of documentation tests.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn key_of(
        &self,
        (id, called): (StepId, &Called),
        (line, files): (&CommandLine, &[TestFile]),
        (ran, prepared): (&Ran, &Prepared),
    ) -> Result<Key, Reason> {
        let step = self.plan.step(id);
        let member = self.expansion.workspace.member(called.member);
        // What is said of another member of the group concerns this one's tests not.
        let definition = self.expansion.project.phase(step.phase).definition_for(&member.name);
        let closes = self.plan.closes(id.index()).is_some();
        let Some(definition) = definition.filter(|definition| definition.cache && !closes) else {
            return Err(Reason::NotCached);
        };
        if ran.doubt.is_some() || files.is_empty() {
            return Err(Reason::NotCached);
        }
        let Program::Words(words) = &line.program else { return Err(Reason::NotCached) };
        let mut discovered = Vec::new();
        if called.is_doc() {
            let spec = member.package.as_ref().map(|package| &*package.spec);
            let own = |package_id: &str| Some(package_id) == spec;
            let artifacts: Vec<_> = ran.artifacts.iter().filter(|made| own(&made.package_id)).cloned().collect();
            let scripts: Vec<_> = ran.scripts.iter().filter(|script| own(&script.package_id)).cloned().collect();
            let made = (&*artifacts, &*scripts, &called.besides);
            let found = self.keys.discover(step, made, (prepared.began, &prepared.before));
            // Why that is so is told of the whole step.
            let found = found.ok().filter(|found| found.unsettled.is_none());
            discovered = found.ok_or(Reason::NotCached)?.discovered;
        }
        let facts = TestFacts {
            member: called.member,
            name: &called.name,
            files: &files.iter().map(|file| (&*file.name, file.digest)).collect::<Vec<_>>(),
            args: words,
            variables: &self.variables_of(&called.call, &definition.env_inputs),
            discovered: &discovered,
        };
        self.keys.test_key(step, &facts)
    }

    /// What a test is made of, and what it may start or load. `None` if one of the files cannot be read.
    pub(super) fn files_of(&self, called: &Called, ran: &Ran) -> Option<Vec<TestFile>> {
        let mut found: BTreeSet<(String, PathBuf)> = BTreeSet::new();
        if called.is_doc() {
            self.add_libraries(called, &mut found);
        } else {
            found.insert(("the executable".to_owned(), PathBuf::from(called.call.args.first()?)));
            self.add_started(called, ran, &mut found);
        }
        for (folder, whose) in self.made_for(called, ran) {
            found.extend(files_in(WalkDir::new(folder), folder, &whose));
        }
        let file = |(name, path): (String, PathBuf)| {
            let digest = self.keys.digest_of_file(&path).ok()?;
            Some(TestFile { name, path, digest })
        };
        found.into_iter().map(file).collect()
    }

    /// The binaries that an executable may start, and the libraries that it may load.
    fn add_started(&self, called: &Called, ran: &Ran, found: &mut BTreeSet<(String, PathBuf)>) {
        let spec = self.expansion.workspace.member(called.member).package.as_ref().map(|package| &*package.spec);
        for artifact in ran.artifacts.iter().filter(|artifact| !artifact.test) {
            let is = |wanted: &[&str]| artifact.kinds.iter().any(|kind| wanted.contains(&&**kind));
            if let Some(path) =
                artifact.executable.as_ref().filter(|_| is(&["bin"]) && Some(&*artifact.package_id) == spec)
            {
                found.insert((format!("the binary {}", artifact.target), path.clone()));
            }
            let libraries =
                artifact.filenames.iter().filter(|path| is(&["dylib", "cdylib"]) && is_dynamic_library(path));
            found.extend(libraries.map(|path| (format!("the library {}", artifact.target), path.clone())));
        }
        self.add_searched(called, found);
        for (name, value) in &called.call.env {
            let binary = name.to_str().and_then(|name| name.strip_prefix("CARGO_BIN_EXE_"));
            // One that needs a feature which is off is not made.
            let path = PathBuf::from(value);
            found.extend(binary.filter(|_| path.exists()).map(|name| (format!("the binary {name}"), path)));
        }
    }

    /// The dynamic libraries that build scripts have made, in the folders where cargo has the loader search.
    fn add_searched(&self, called: &Called, found: &mut BTreeSet<(String, PathBuf)>) {
        let target_dir = &self.expansion.workspace.target_dir;
        let searched = called.call.variable(LIBRARY_PATH).map(std::env::split_paths).into_iter().flatten();
        // In its own folders cargo tells of what it makes.
        let is_of_script =
            |folder: &PathBuf| folder.starts_with(target_dir) && folder.ancestors().any(is_of_build_script);
        for folder in searched.filter(is_of_script) {
            let files = files_in(WalkDir::new(&folder).max_depth(1), &folder, "of a build script");
            found.extend(files.into_iter().filter(|(_, path)| is_loaded(path)));
        }
    }

    /// What rustdoc compiles documentation tests with. The metadata of a library changes with its code and with that of
    /// everything that it depends on, the rest of it each time it is compiled.
    fn add_libraries(&self, called: &Called, found: &mut BTreeSet<(String, PathBuf)>) {
        let workspace = self.expansion.workspace;
        let is_ours = |path: &Path| path.starts_with(&workspace.target_dir) || path.starts_with(&workspace.root);
        for pair in called.call.args.windows(2) {
            let (option, value) = (&pair[0], pair[1].to_string_lossy());
            let (name, path) = value.split_once('=').unwrap_or(("", &value));
            let path = Path::new(path);
            if option == "--extern" && path.is_absolute() {
                let metadata = path.with_extension("rmeta");
                let path = if metadata.is_file() { metadata } else { path.to_owned() };
                found.insert((format!("the library {name}"), path));
            } else if option == "-L" && name != "dependency" && is_ours(path) {
                // Static libraries are linked when the tests are compiled, which is when they run.
                found.extend(files_in(WalkDir::new(path).max_depth(1), path, "of a build script"));
            }
        }
    }

    /// The folders that the build scripts of its package and of those of the workspace below it fill: a library may read there
    /// when it runs.
    fn made_for<'r>(&self, called: &Called, ran: &'r Ran) -> impl Iterator<Item = (&'r Path, String)> {
        let workspace = self.expansion.workspace;
        let spec = |id: MemberId| workspace.member(id).package.as_ref().map(|package| &*package.spec);
        let own = called.call.variable("OUT_DIR").map(PathBuf::from);
        let below: HashMap<&str, MemberId> =
            self.keys.below(called.member).filter_map(|id| Some((spec(id)?, id))).collect();
        ran.scripts.iter().filter_map(move |script| {
            let folder = script.out_dir.as_path();
            if own.as_deref() == Some(folder) {
                return Some((folder, "of its build script".to_owned()));
            }
            let id = below.get(&*script.package_id)?;
            Some((folder, format!("of the build script of {}", workspace.member(*id).name)))
        })
    }
}

/// Every file in a folder, by what explanations call it.
fn files_in(walk: WalkDir, folder: &Path, whose: &str) -> Vec<(String, PathBuf)> {
    let entries = walk.into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    let named = |path: PathBuf| {
        let name = path.strip_prefix(folder).unwrap_or(&path).display();
        (format!("{name} {whose}"), path)
    };
    files.map(named).collect()
}

/// Whether a folder is one in which cargo keeps what build scripts make.
fn is_of_build_script(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "build")
}

/// Whether the loader may take the file: `libx.so.1`, too.
fn is_loaded(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    is_dynamic_library(path) || name.contains(".so.")
}

fn is_dynamic_library(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|is| matches!(is, "so" | "dylib" | "dll"))
}
