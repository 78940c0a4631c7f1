//! `[workspace.<name>]`: what one member has of its own, and folders that are no Cargo packages; what becomes of the
//! phases is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use std::sync::Arc;

use super::env::{self, Env};
use super::keys::Keys;
use super::names::{Names, check_name};
use super::syntax::{Entry, Reader, Text};
use crate::model::{Folder, Named};

/// One `[workspace.<name>]`.
#[derive(Debug)]
pub(super) struct Table<'d> {
    pub name: Text<'d>,
    /// Whether it has a `path`, and so declares a folder.
    pub is_folder: bool,
    pub path: Option<Text<'d>>,
    pub env: Env,
    pub depends_on: Vec<Text<'d>>,
    /// What it says of phases, with the phases' names.
    pub phases: Vec<(Text<'d>, Keys<'d>)>,
}

pub(super) const KEYS: &[&str] = &["env", "path", "depends-on", "lifecycle"];

/// Reads the tables, in the order of the file.
pub(super) fn read<'d>(reader: &mut Reader<'d>, names: &Names, entry: &Entry<'d>) -> Vec<Table<'d>> {
    let tables = reader.table(entry).unwrap_or_default();
    tables.iter().map(|entry| table(reader, names, entry)).collect()
}

fn table<'d>(reader: &mut Reader<'d>, names: &Names, entry: &Entry<'d>) -> Table<'d> {
    let name = entry.key;
    let mut table =
        Table { name, is_folder: false, path: None, env: Env::new(), depends_on: Vec::new(), phases: Vec::new() };
    for entry in reader.table(entry).unwrap_or_default() {
        match entry.key.text {
            "env" => table.env = env::table(reader, &entry),
            // A path of the wrong type declares a folder all the same.
            "path" => (table.is_folder, table.path) = (true, reader.string(&entry)),
            "depends-on" => table.depends_on = reader.strings(&entry).unwrap_or_default(),
            "lifecycle" => {
                for entry in reader.table(&entry).unwrap_or_default() {
                    table.phases.push((entry.key, Keys::read(reader, names, &entry, Some(name.text))));
                }
            }
            _ => _ = reader.unknown_key(&entry.key, &format!("`[workspace.{}]`", name.text), KEYS),
        }
    }
    table
}

/// Every name that a member or a folder has.
pub(super) fn all_names<'a>(tables: &'a [Table<'_>], members: &[&'a str]) -> BTreeSet<&'a str> {
    let folders = tables.iter().filter(|table| table.is_folder).map(|table| table.name.text);
    folders.chain(members.iter().copied()).collect()
}

/// Notes the tables that speak of nobody.
pub(super) fn check_tables(reader: &mut Reader<'_>, tables: &[Table<'_>], members: &[&str]) {
    for table in tables.iter().filter(|table| !table.is_folder && !members.contains(&table.name.text)) {
        let help = match reader.meant(table.name.text, members.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "a folder that is no Cargo package is declared with `path = \"…\"`".to_owned(),
        };
        no_member(reader, &table.name).help = Some(help);
    }
}

fn no_member<'r>(reader: &'r mut Reader<'_>, name: &Text<'_>) -> &'r mut super::problem::Problem {
    reader.wrong(name.span, format!("no member of the workspace is called `{}`", name.text), "")
}

/// Notes a name that no member and no folder has.
pub(super) fn check_known(reader: &mut Reader<'_>, name: &Text<'_>, all: &BTreeSet<&str>) {
    if !all.contains(name.text) {
        let help = reader.meant(name.text, all.iter().copied()).map(|meant| format!("did you mean `{meant}`?"));
        no_member(reader, name).help = help;
    }
}

/// The folders, each checked to be there.
pub(super) fn folders(reader: &mut Reader<'_>, tables: &[Table<'_>], root: &Path, members: &[&str]) -> Vec<Folder> {
    let mut seen: BTreeMap<Arc<str>, &Text<'_>> = BTreeMap::new();
    let mut folders = Vec::new();
    for (table, path) in tables.iter().filter_map(|table| Some((table, table.path.as_ref()?))) {
        check_name(reader, &table.name, "a folder");
        if members.contains(&table.name.text) {
            let title = format!("`{}` is a Cargo package: its folder is known", table.name.text);
            reader.wrong(path.span, title, "").help =
                Some("leave `path` out, or give the folder another name".to_owned());
        }
        let Some(inside) = inside(reader, path, root) else { continue };
        if let Some(other) = seen.insert(Arc::clone(&inside), path) {
            let places = vec![(path.span, String::new()), (other.span, "the other one is here".to_owned())];
            reader.wrong_at(places, "two folders have the same `path`");
        }
        folders.push(Folder { name: table.name.text.into(), path: inside, span: table.name.span });
    }
    folders
}

/// The path without detours; `None`, with a problem, for one that leaves the workspace or is no folder.
fn inside(reader: &mut Reader<'_>, text: &Text<'_>, root: &Path) -> Option<Arc<str>> {
    let mut parts = Vec::new();
    for component in Path::new(text.text).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            _ => {
                let problem = reader.wrong(text.span, "`path` must lie inside the workspace", "");
                problem.help = Some("it is seen from the workspace root, and has no `..`".to_owned());
                return None;
            }
        }
    }
    let path = parts.join("/");
    if path.is_empty() {
        reader.wrong(text.span, "`path` must name a folder below the workspace root", "");
        return None;
    }
    let folder = root.join(&path);
    if !folder.is_dir() {
        reader.wrong(text.span, format!("there is no folder `{path}` in the workspace"), "");
        return None;
    }
    // Through a link one can leave the workspace without saying so.
    let (real, real_root) = (folder.canonicalize().ok()?, root.canonicalize().ok()?);
    if !real.starts_with(real_root) {
        reader.wrong(text.span, "`path` must lie inside the workspace", "this is a link that leads out of it");
        return None;
    }
    Some(path.into())
}

/// Who depends on whom, by `depends-on`.
pub(super) fn depends_on(
    reader: &mut Reader<'_>,
    tables: &[Table<'_>],
    all: &BTreeSet<&str>,
) -> Vec<(Arc<str>, Named)> {
    let mut edges = Vec::new();
    for table in tables {
        let mut seen = BTreeSet::new();
        for on in &table.depends_on {
            check_known(reader, on, all);
            if on.text == table.name.text {
                reader.wrong(on.span, format!("`{}` cannot depend on itself", on.text), "");
            }
            if !seen.insert(on.text) {
                reader.wrong(on.span, format!("`{}` is given twice", on.text), "for the second time here");
            }
            edges.push((table.name.text.into(), Named { name: on.text.into(), span: on.span }));
        }
    }
    edges
}
