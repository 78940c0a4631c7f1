//! Which checkout has made what cargo takes for up to date. Cargo names the units of a path package by the path in the
//! workspace, so that checkouts with one target directory find one another's. It does not know whether that is harmful.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Keys;
use super::overlooked::nanoseconds;
use super::read::package_dir;
use super::trace::{named_in_library, named_in_program};
use crate::cargo_output::{Artifact, BuildScript};
use crate::dep_info;
use crate::model::Makers;

/// What cargo made of a package in the workspace, or a build script that ran.
pub struct Unit {
    /// The file that cargo looks at to see how old it is, as a path in the target directory if it is there.
    pub unit: String,
    /// When that was written, in nanoseconds since the Unix epoch.
    pub made_ns: i64,
    /// Whether it was there before.
    pub fresh: bool,
    /// The main source file.
    source: PathBuf,
    /// What may name the folder that the compiler ran in.
    traces: Vec<PathBuf>,
    /// The library of its package: the target's name and its main source file.
    library: Option<(String, PathBuf)>,
}

impl Unit {
    /// Whether it has to be asked who made it: it was there before, but not when the step was last seen.
    pub fn is_doubted(&self, since_ns: i64) -> bool {
        self.fresh && self.made_ns > since_ns
    }
}

/// What another checkout has compiled, or may have.
#[derive(Debug)]
pub struct Foreign {
    /// The main source file of the first such unit, as explanations name it.
    pub name: String,
    /// How many there are besides.
    pub more: usize,
    /// The other checkout, where it is known.
    pub root: Option<PathBuf>,
}

/// Who has made a unit.
enum Maker {
    We,
    Other(PathBuf),
    Unknown,
}

impl Keys<'_> {
    /// What cargo told of that lies in the workspace; `began_ns`: when it was started.
    pub fn units(&self, (artifacts, scripts): (&[Artifact], &[BuildScript]), began_ns: i64) -> Vec<Unit> {
        let root = &self.expansion.workspace.root;
        let own = artifacts.iter().filter(|artifact| artifact.source.starts_with(root));
        let compiled = own.filter_map(|artifact| {
            let (unit, made_ns) = self.written(&dep_info::path_of(&artifact.filenames)?)?;
            let library = library_of(&artifact.package_id, artifacts);
            let (source, traces) = (artifact.source.clone(), artifact.filenames.clone());
            Some(Unit { unit, made_ns, fresh: artifact.fresh, source, traces, library })
        });
        let ran = scripts.iter().filter_map(|script| {
            let dir = package_dir(&script.package_id).filter(|dir| dir.starts_with(root))?;
            let (unit, made_ns) = self.written(&script.out_dir.with_file_name("output"))?;
            let mut package = artifacts.iter().filter(|artifact| artifact.package_id == script.package_id);
            // What is compiled with a script's help is so again when that ran. The time alone would not tell: while cargo
            // waits for its lock, another works.
            let fresh = made_ns < began_ns || package.clone().all(|artifact| artifact.fresh);
            let compiled = package.find(|artifact| artifact.kinds.iter().any(|kind| kind == "custom-build"));
            let source = compiled.map_or_else(|| dir.join("build.rs"), |artifact| artifact.source.clone());
            let library = library_of(&script.package_id, artifacts);
            Some(Unit { unit, made_ns, fresh, source, traces: Vec::new(), library })
        });
        compiled.chain(ran).collect()
    }

    /// What among these was made after `since_ns`, by another checkout or by nobody knows whom; `us`: our name among the
    /// makers.
    ///
    /// A check of a program and a build script bear no mark. Such a unit counts as ours if nothing speaks of another
    /// checkout that makes it, and, where the target directory is none of the workspace's own, something of plain cargo
    /// here: otherwise what people compile without us could never be relied upon.
    pub fn foreign(&self, units: &[Unit], since_ns: i64, (us, makers): (&str, &Makers)) -> Option<Foreign> {
        let workspace = self.expansion.workspace;
        let asked = Asked { root: &workspace.root, target: &workspace.target_dir, us: Path::new(us), makers };
        let doubted = units.iter().filter(|unit| unit.is_doubted(since_ns));
        let mut have_worked: Option<bool> = None;
        let mut found: BTreeMap<&Path, Option<PathBuf>> = BTreeMap::new();
        for unit in doubted {
            let root = match asked.maker(unit) {
                Maker::We => continue,
                Maker::Other(root) => Some(root),
                Maker::Unknown if asked.has_others(unit) => None,
                Maker::Unknown
                    if asked.is_inside(unit) || *have_worked.get_or_insert_with(|| asked.have_worked(units)) =>
                {
                    continue;
                }
                Maker::Unknown => None,
            };
            let known = found.entry(&unit.source).or_default();
            *known = known.take().or(root);
        }
        let root = found.values().flatten().next().cloned();
        let first = found.iter().find(|(_, of)| **of == root)?.0;
        Some(Foreign { name: self.shown(first), more: found.len() - 1, root })
    }

    fn written(&self, path: &Path) -> Option<(String, i64)> {
        // Cargo may be told to build in another folder.
        let unit = path.strip_prefix(&self.expansion.workspace.target_dir).unwrap_or(path).to_str()?.to_owned();
        Some((unit, nanoseconds(fs::metadata(path).ok()?.modified().ok()?)))
    }
}

/// What the makers of units are asked of.
struct Asked<'a> {
    root: &'a Path,
    target: &'a Path,
    us: &'a Path,
    makers: &'a Makers,
}

impl Asked<'_> {
    fn maker(&self, unit: &Unit) -> Maker {
        let known = self.makers.units.get(&unit.unit);
        let made = known.into_iter().flatten().find(|(_, made_ns)| **made_ns == unit.made_ns).map(|(root, _)| root);
        let traced = || self.named(&unit.source, &unit.traces);
        let roots = made.map_or_else(traced, |root| BTreeSet::from([PathBuf::from(root)]));
        let other = roots.iter().find(|root| *root != self.us && self.is_checkout(root, &unit.source));
        match other {
            Some(other) => Maker::Other(other.clone()),
            None if roots.contains(self.us) => Maker::We,
            None => Maker::Unknown,
        }
    }

    /// Whether another checkout has made the unit, too, at some time.
    fn has_others(&self, unit: &Unit) -> bool {
        let mut known = self.makers.units.get(&unit.unit).into_iter().flat_map(BTreeMap::keys).map(Path::new);
        known.any(|root| root != self.us && self.is_checkout(root, &unit.source))
    }

    /// Whether it lies in the workspace. `../shared`, or a link in the place of `target`, does not.
    fn is_inside(&self, unit: &Unit) -> bool {
        self.target.join(&unit.unit).canonicalize().is_ok_and(|path| path.starts_with(self.us))
    }

    /// Whether something is left of cargo's work in this checkout, before this call, and nothing of work in another: in
    /// these units, and in the libraries of their packages, whatever they were made for.
    fn have_worked(&self, units: &[Unit]) -> bool {
        let is_ours = |unit: &Unit| unit.fresh && matches!(self.maker(unit), Maker::We);
        let libraries: BTreeSet<(PathBuf, &(String, PathBuf))> =
            units.iter().filter_map(|unit| self.beside(unit)).collect();
        let named = libraries.iter().flat_map(|(folder, (name, source))| {
            let roots = self.named(source, &metadata_in(folder, name)).into_iter();
            roots.filter(|root| root == self.us || self.is_checkout(root, source))
        });
        let named: BTreeSet<PathBuf> = named.collect();
        named.iter().all(|root| root == self.us) && (!named.is_empty() || units.iter().any(is_ours))
    }

    /// The library of the unit's package, with the folder in which it is made.
    fn beside<'u>(&self, unit: &'u Unit) -> Option<(PathBuf, &'u (String, PathBuf))> {
        let mut folders = Path::new(&unit.unit).ancestors().map(|folder| self.target.join(folder).join("deps"));
        Some((folders.find(|folder| folder.is_dir())?, unit.library.as_ref()?))
    }

    /// The folders in which the compiler is named to have run.
    fn named(&self, source: &Path, files: &[PathBuf]) -> BTreeSet<PathBuf> {
        let Ok(source) = source.strip_prefix(self.root) else { return BTreeSet::new() };
        let (metadata, others): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|path| is_metadata(path));
        if metadata.is_empty() {
            return others
                .into_iter()
                .filter_map(|path| fs::read(path).ok())
                .flat_map(|bytes| named_in_program(&bytes))
                .collect();
        }
        let read = metadata.into_iter().filter_map(|path| fs::read(path).ok());
        read.flat_map(|bytes| named_in_library(&bytes, source)).collect()
    }

    /// Whether this is a checkout that may have made a unit of this source. One that has been moved away is none any more.
    fn is_checkout(&self, root: &Path, source: &Path) -> bool {
        source.strip_prefix(self.root).is_ok_and(|source| root.join(source).is_file())
    }
}

/// The library of a package, among what cargo told of: documented or compiled.
fn library_of(package_id: &str, artifacts: &[Artifact]) -> Option<(String, PathBuf)> {
    let mut own = artifacts.iter().filter(|artifact| artifact.package_id == package_id);
    let library = own.find(|artifact| artifact.kinds.iter().any(|kind| kind.ends_with("lib")))?;
    Some((library.target.clone(), library.source.clone()))
}

/// The metadata of a library, made for whatever purpose.
fn metadata_in(folder: &Path, library: &str) -> Vec<PathBuf> {
    let stem = format!("lib{}-", library.replace('-', "_"));
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_named =
        |path: &Path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&stem));
    paths.filter(|path| is_metadata(path) && is_named(path)).collect()
}

fn is_metadata(path: &Path) -> bool {
    path.extension().is_some_and(|is| is == "rmeta")
}
