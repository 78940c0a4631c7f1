//! Manifests as far as cargo's answers are silent about them: what a member inherits from the root, and which patterns
//! name the members.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::{Table, Value};

use super::Error;
use crate::relative::cleaned;

/// A part of the root manifest: its name as keys show it, and its text.
pub type Part = (Arc<str>, Arc<str>);

/// The manifest at `path`.
pub fn read(path: &Path) -> Result<Table, Error> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    text.parse().map_err(|error: toml::de::Error| unreadable(path, error))
}

pub fn unreadable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Read { path: path.to_owned(), source: source.into() }
}

/// Whether it is a root because it says so.
pub fn is_root(manifest: &Table) -> bool {
    manifest.contains_key("workspace")
}

/// `package.workspace`: where the manifest says that its root is.
pub fn workspace_link(manifest: &Table) -> Option<&str> {
    package(manifest)?.get("workspace")?.as_str()
}

/// The patterns in `[workspace]` that name members.
pub fn patterns(root: &Table) -> Vec<&str> {
    let lists = ["members", "default-members"].into_iter().filter_map(|key| workspace(root)?.get(key)?.as_array());
    lists.flatten().filter_map(Value::as_str).filter(|name| name.contains(['*', '?', '['])).collect()
}

/// Whether the manifest itself chooses the default members. Where it does not, cargo lets a root package hide the others.
pub fn sets_default_members(root: &Table) -> bool {
    workspace(root).is_some_and(|table| table.contains_key("default-members"))
}

/// The folders that `[patch]` puts in the place of packages.
pub fn patched_folders(root: &Table) -> Vec<PathBuf> {
    let sources = root.get("patch").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let patches = sources.filter_map(Value::as_table).flat_map(Table::values);
    patches.filter_map(|patch| Some(PathBuf::from(patch.get("path")?.as_str()?))).collect()
}

/// The root manifest of the workspace that a package which is no root belongs to: the one it names, else the nearest above.
/// Whether that one counts it as a member is cargo's to say.
pub fn root_above(path: &Path) -> Option<PathBuf> {
    let (manifest, folder) = (read(path).ok()?, path.parent()?);
    if is_root(&manifest) {
        return None;
    }
    if let Some(link) = workspace_link(&manifest) {
        return Some(cleaned(&folder.join(link).join("Cargo.toml")));
    }
    let above = folder.ancestors().skip(1).map(|above| above.join("Cargo.toml"));
    above.into_iter().find(|path| read(path).is_ok_and(|table| is_root(&table)))
}

/// What a package that is no member of ours inherits from a root of its own.
pub fn inherited(path: &Path) -> Arc<[Part]> {
    let parts = || {
        let root = read(&root_above(path)?).ok()?;
        // Its profiles and patches do not count: cargo takes those of our root.
        let mut parts = RootParts { for_all: Vec::new(), ..RootParts::of(&root) };
        Some(parts.reaching(&read(path).ok()?))
    };
    parts().unwrap_or_default()
}

/// The parts of a root manifest, to be dealt out to the members that they reach.
pub struct RootParts {
    for_all: Vec<usize>,
    package: Option<usize>,
    lints: Option<usize>,
    dependencies: BTreeMap<String, usize>,
    parts: Vec<Part>,
    dealt: HashMap<Vec<usize>, Arc<[Part]>>,
}

impl RootParts {
    /// Those of this manifest. Selection (`members`, `exclude`, `default-members`) is no part, nor is metadata.
    pub fn of(root: &Table) -> Self {
        let mut parts = Vec::new();
        let mut add = |name: String, text: String| {
            parts.push((name.into(), text.into()));
            parts.len() - 1
        };
        let inherited = |key: &str| workspace(root).and_then(|table| table.get(key));
        let package = inherited("package").map(|value| add("[workspace.package]".into(), value.to_string()));
        let lints = inherited("lints").map(|value| add("[workspace.lints]".into(), value.to_string()));
        let dependencies = inherited("dependencies").and_then(Value::as_table).into_iter().flatten();
        let dependencies = dependencies
            .map(|(name, value)| (name.clone(), add(format!("[workspace.dependencies] {name}"), value.to_string())))
            .collect();
        let mut for_all = vec![add("resolver".into(), resolver(root))];
        for key in ["cargo-features", "replace"] {
            for_all.extend(root.get(key).map(|value| add(key.into(), value.to_string())));
        }
        for key in ["patch", "profile"] {
            for (name, value) in root.get(key).and_then(Value::as_table).into_iter().flatten() {
                for_all.push(add(format!("[{key}.{name}]"), value.to_string()));
            }
        }
        Self { for_all, package, lints, dependencies, parts, dealt: HashMap::new() }
    }

    /// The parts that reach the member with this manifest.
    pub fn reaching(&mut self, member: &Table) -> Arc<[Part]> {
        let mut places = self.for_all.clone();
        let fields = package(member).into_iter().flat_map(Table::values);
        places.extend(self.package.filter(|_| fields.into_iter().any(inherits)));
        places.extend(self.lints.filter(|_| member.get("lints").is_some_and(inherits)));
        let inherited = dependency_tables(member).into_iter().flatten().filter(|(_, value)| inherits(value));
        places.extend(inherited.filter_map(|(name, _)| self.dependencies.get(name)));
        places.sort_unstable_by(|a, b| self.parts.get(*a).cmp(&self.parts.get(*b)));
        places.dedup();
        let parts = &self.parts;
        let share = |places: &Vec<usize>| places.iter().filter_map(|place| parts.get(*place).cloned()).collect();
        self.dealt.entry(places).or_insert_with_key(share).clone()
    }
}

/// The resolver's version, which follows from the edition where it is not set.
fn resolver(root: &Table) -> String {
    let set = workspace(root).and_then(|table| table.get("resolver"));
    let set = set.or_else(|| package(root)?.get("resolver"));
    set.map_or_else(|| format!("that of edition {}", edition(root).unwrap_or("2015")), Value::to_string)
}

fn edition(root: &Table) -> Option<&str> {
    let own = package(root)?.get("edition")?;
    let inherited = || workspace(root)?.get("package")?.get("edition")?.as_str();
    own.as_str().or_else(inherited)
}

/// `{ workspace = true }`
fn inherits(value: &Value) -> bool {
    value.get("workspace").is_some_and(|value| value.as_bool() == Some(true))
}

fn workspace(manifest: &Table) -> Option<&Table> {
    manifest.get("workspace")?.as_table()
}

/// `[package]`, or `[project]` as it was once called.
fn package(manifest: &Table) -> Option<&Table> {
    manifest.get("package").or_else(|| manifest.get("project"))?.as_table()
}

/// Every table of dependencies, those for some targets included.
fn dependency_tables(manifest: &Table) -> Vec<&Table> {
    const KINDS: [&str; 5] =
        ["dependencies", "dev-dependencies", "dev_dependencies", "build-dependencies", "build_dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let holders = targets.filter_map(Value::as_table).chain([manifest]);
    holders.flat_map(|holder| KINDS.into_iter().filter_map(|kind| holder.get(kind)?.as_table())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    fn names(parts: &[Part]) -> Vec<&str> {
        parts.iter().map(|(name, _)| &**name).collect()
    }

    const ROOT: &str = "
        [workspace]
        members = ['a', 'crates/*', 'more/?x']
        metadata.x = 1
        [workspace.package]
        version = '1.0.0'
        [workspace.lints.rust]
        unsafe_code = 'deny'
        [workspace.dependencies]
        one = '1'
        two = { version = '2', features = ['x'] }
        three = '3'
        [profile.dev]
        debug = 0
        [profile.release]
        lto = true
        [patch.crates-io]
        four = { path = 'vendor/four' }
        five = { git = 'https://host/five' }";

    #[test]
    fn a_member_is_reached_by_what_it_inherits() {
        let mut parts = RootParts::of(&table(ROOT));
        let plain = parts.reaching(&table("package.name = 'p'\ndependencies.one = '1'"));
        assert_eq!(names(&plain), ["[patch.crates-io]", "[profile.dev]", "[profile.release]", "resolver"]);
        let inheriting = table(
            "package = { name = 'p', version.workspace = true }
             lints.workspace = true
             [dependencies]
             one.workspace = true
             [target.'cfg(unix)'.dev-dependencies]
             two = { workspace = true, optional = true }",
        );
        let given = parts.reaching(&inheriting);
        assert_eq!(
            names(&given),
            [
                "[patch.crates-io]",
                "[profile.dev]",
                "[profile.release]",
                "[workspace.dependencies] one",
                "[workspace.dependencies] two",
                "[workspace.lints]",
                "[workspace.package]",
                "resolver"
            ]
        );
        assert!(Arc::ptr_eq(&given, &parts.reaching(&inheriting)));
    }

    #[test]
    fn the_text_of_a_part_does_not_depend_on_how_it_is_written() {
        let text = |manifest: &str| RootParts::of(&table(manifest)).reaching(&Table::new());
        let one = text("[workspace]\n[profile.dev]\ndebug = 0\nlto = true");
        let same = text("profile = { dev.lto = true, dev.debug = 0 } # here\n[workspace]\nexclude = ['x']");
        assert_eq!(one, same);
        assert_ne!(one, text("[workspace]\n[profile.dev]\ndebug = 1\nlto = true"));
    }

    #[test]
    fn the_resolver_follows_the_edition() {
        let text = |manifest: &str| resolver(&table(manifest));
        assert_eq!(text("workspace.resolver = '3'"), "\"3\"");
        assert_ne!(text("package.edition = '2018'"), text("package.edition = '2021'"));
        let inherited = "package.edition.workspace = true\nworkspace.package.edition = '2021'";
        assert_eq!(text(inherited), text("package.edition = '2021'"));
    }

    #[test]
    fn patterns_and_patches_are_found() {
        assert_eq!(patterns(&table(ROOT)), ["crates/*", "more/?x"]);
        assert_eq!(patched_folders(&table(ROOT)), [PathBuf::from("vendor/four")]);
        assert_eq!(workspace_link(&table("package.workspace = '../root'")), Some("../root"));
    }
}
