//! What a description covers, by name: files, packages, variables. It shows no value of a variable and no digest of one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::description::{Item, Tag, Value, items};
use crate::model::{Covers, Digest, FileSet};

/// Reads descriptions. Sets of files that many steps share are read once.
pub struct Coverer<'a> {
    /// The folder of a member or package below the root, by its name.
    folder: &'a dyn Fn(&str) -> Option<Arc<str>>,
    sets: HashMap<(Digest, Arc<str>), Arc<FileSet>>,
}

/// What is read of one description.
#[derive(Default)]
struct Reading {
    seen: HashSet<Digest>,
    files: BTreeMap<Arc<str>, Vec<Arc<FileSet>>>,
    packages: BTreeSet<(Arc<str>, Arc<str>)>,
    variables: BTreeSet<Arc<str>>,
    tools: Vec<(Arc<str>, Arc<str>)>,
    configuration: BTreeSet<Arc<str>>,
    manifest: BTreeSet<Arc<str>>,
    outputs_of: BTreeSet<Arc<str>>,
}

impl<'a> Coverer<'a> {
    /// A reader that knows where members and packages lie.
    pub fn new(folder: &'a dyn Fn(&str) -> Option<Arc<str>>) -> Self {
        Self { folder, sets: HashMap::new() }
    }

    /// What the description of this digest covers, with the parts that it stands on found in `pool`.
    pub fn covers<'p>(&mut self, root: Digest, pool: &dyn Fn(&Digest) -> Option<&'p [u8]>) -> Covers {
        let mut reading = Reading::default();
        // Not by recursion: dependencies may be a chain of a thousand.
        let mut open = vec![root];
        while let Some(digest) = open.pop() {
            let Some(bytes) = pool(&digest).filter(|_| reading.seen.insert(digest)) else { continue };
            for item in items(bytes) {
                self.item(item, pool, (&mut reading, &mut open));
            }
        }
        Covers {
            files: reading.files.into_values().filter_map(united).collect(),
            packages: reading.packages.into_iter().collect(),
            variables: reading.variables.into_iter().collect(),
            tools: reading.tools,
            configuration: reading.configuration.into_iter().collect(),
            manifest: reading.manifest.into_iter().collect(),
            outputs_of: reading.outputs_of.into_iter().collect(),
            ..Covers::default()
        }
    }

    fn item<'p>(
        &mut self,
        item: Item<'_>,
        pool: &dyn Fn(&Digest) -> Option<&'p [u8]>,
        (reading, open): (&mut Reading, &mut Vec<Digest>),
    ) {
        let Item { tag, name, value } = item;
        let name: Arc<str> = String::from_utf8_lossy(name).into();
        match (tag, value) {
            // What the `inputs` of a workspace-scope phase name stands as a member without a name.
            (Tag::Files | Tag::Member, Value::Part(digest)) if tag == Tag::Files || name.is_empty() => {
                let set = self.files(&name, digest, pool);
                let known = reading.files.entry(Arc::clone(&set.owner)).or_default();
                if !set.files.is_empty() && !known.iter().any(|known| Arc::ptr_eq(known, &set)) {
                    known.push(set);
                }
            }
            (Tag::Locked, Value::Part(digest)) => {
                reading.packages.extend(version(pool(&digest).unwrap_or_default()).map(|version| (name, version)));
                open.push(digest);
            }
            (_, Value::Part(digest)) => open.push(digest),
            (Tag::Variable, _) => _ = reading.variables.insert(name),
            (Tag::Tool, value) => {
                let said = if let Value::Text(text) = value { String::from_utf8_lossy(text) } else { "".into() };
                reading.tools.push((name, said.into()));
            }
            (Tag::Config, _) => _ = reading.configuration.insert(name),
            (Tag::Manifest, _) => _ = reading.manifest.insert(name),
            (Tag::Outputs, Value::Digest(_)) => _ = reading.outputs_of.insert(name),
            _ => {}
        }
    }

    fn files<'p>(
        &mut self,
        name: &Arc<str>,
        digest: Digest,
        pool: &dyn Fn(&Digest) -> Option<&'p [u8]>,
    ) -> Arc<FileSet> {
        let owner: Arc<str> = if &**name == "/" { "".into() } else { Arc::clone(name) };
        if let Some(known) = self.sets.get(&(digest, Arc::clone(&owner))) {
            return Arc::clone(known);
        }
        let folder = (self.folder)(&owner).filter(|folder| !folder.is_empty());
        let mut files: BTreeMap<String, Option<Digest>> = BTreeMap::new();
        for item in items(pool(&digest).unwrap_or_default()) {
            let inside = String::from_utf8_lossy(item.name);
            let path = folder.as_ref().map_or_else(|| inside.to_string(), |folder| format!("{folder}/{inside}"));
            let contents = match item.value {
                Value::Digest(digest) if item.tag == Tag::File && !is_secret(&inside) => Some(digest),
                _ => None,
            };
            // A link is told twice: where it points, and what is there.
            let known = files.entry(path).or_default();
            *known = known.or(contents);
        }
        let set = Arc::new(FileSet { owner: Arc::clone(&owner), files: files.into_iter().collect() });
        self.sets.insert((digest, owner), Arc::clone(&set));
        set
    }
}

/// Sets of one owner as one: a phase's `inputs`, every file, configuration of tools; they overlap.
fn united(sets: Vec<Arc<FileSet>>) -> Option<Arc<FileSet>> {
    let mut sets = sets.into_iter();
    let first = sets.next()?;
    let rest: Vec<Arc<FileSet>> = sets.collect();
    if rest.is_empty() {
        return Some(first);
    }
    let all = std::iter::once(&first).chain(&rest).flat_map(|set| set.files.iter().cloned());
    let files: BTreeMap<String, Option<Digest>> = all.collect();
    Some(Arc::new(FileSet { owner: Arc::clone(&first.owner), files: files.into_iter().collect() }))
}

/// The digest of a few bytes can be guessed.
fn is_secret(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with(".env"))
}

fn version(package: &[u8]) -> Option<Arc<str>> {
    items(package).find_map(|item| match (item.tag, item.value) {
        (Tag::Version, Value::Text(text)) => Some(String::from_utf8_lossy(text).into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Description, FileItem, Parts};
    use super::*;

    fn files(parts: &Parts, paths: &[&str]) -> Digest {
        let files = paths.iter().map(|path| FileItem {
            path: path.as_bytes(),
            digest: Some(Digest([1; 32])),
            link: None,
            executable: false,
        });
        parts.add(super::super::files(files))
    }

    #[test]
    fn files_are_counted_once_whatever_leads_to_them() {
        let parts = Parts::default();
        let (some, all) = (files(&parts, &["src/a.rs"]), files(&parts, &["src/a.rs", ".env.local"]));
        let mut key = Description::default();
        key.part(Tag::Files, "api", some);
        key.part(Tag::Files, "api", all);
        // Another member with the same files.
        key.part(Tag::Files, "web", some);
        key.secret(Tag::Variable, "TOKEN", "hunter2");
        key.text(Tag::Tool, "cargo", "cargo 1.95.0");
        let root = parts.add(key);
        let folder = |name: &str| Some(format!("crates/{name}").into());
        let lent = parts.lend();
        let covers = Coverer::new(&folder).covers(root, &|digest| lent.bytes(digest));
        let shown = |set: &Arc<FileSet>| {
            set.files.iter().map(|(path, digest)| (path.clone(), digest.is_some())).collect::<Vec<_>>()
        };
        let sets: Vec<_> = covers.files.iter().map(shown).collect();
        let api = vec![("crates/api/.env.local".to_owned(), false), ("crates/api/src/a.rs".to_owned(), true)];
        assert_eq!(sets, [api, vec![("crates/web/src/a.rs".to_owned(), true)]]);
        assert_eq!(covers.file_count(), 3);
        assert_eq!(covers.variables, ["TOKEN".into()]);
        assert_eq!(covers.tools, [("cargo".into(), "cargo 1.95.0".into())]);
    }
}
