//! make.toml, read and checked: all that is wrong with it is found at once and shown with its place. It knows nothing of
//! Cargo but the members' names.

mod bounds;
mod builtin;
mod commands;
mod env;
mod globs;
mod history;
mod hooks;
mod keys;
mod members;
mod names;
mod performance;
mod phases;
mod problem;
mod read;
mod schema;
mod starter;
mod syntax;
mod template;

#[cfg(test)]
mod props;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

pub use problem::{Problems, point_at};
pub use read::{FILE_NAME, ReadError, read};
pub use schema::SCHEMA;
pub use starter::STARTER;

use crate::model::{Budgets, CacheBounds, Hooks, Project};
use keys::Keys;
use names::Names;
use phases::Said;
use syntax::{Entry, Reader};

/// The text of a make.toml.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The file, as people are shown it.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// The built-in phases, and what make.toml makes of them. `members` are the names of the workspace's packages. Of the
/// disk only the folders that the file declares are looked at.
///
/// # Errors
/// Everything that is wrong with the file. Of a file that is no TOML only that is told: what it may have meant is a guess.
pub fn understand(source: Option<&Source>, root: &Path, members: &[&str]) -> Result<Project, Problems> {
    let empty = Source::default();
    let source = source.unwrap_or(&empty);
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let mut reader = Reader::new(&source.text);
    reader.problems = syntax::syntax_problems(&source.text, &errors);
    let mut project = Project::default();
    if syntax::is_readable(&errors) {
        let entries = syntax::entries(&source.text, table.get_ref());
        project = File::read(&mut reader, &entries).project(&mut reader, root, members);
    }
    if reader.problems.is_empty() { Ok(project) } else { Err(Problems::new(source.clone(), reader.problems)) }
}

/// The tables that the file may have.
const TABLES: &[&str] = &["project", "lifecycle", "hooks", "workspace", "performance", "cache", "history"];

/// The tables of the file, read, but not yet put together.
#[derive(Debug)]
struct File<'d> {
    names: Names,
    name: Option<Arc<str>>,
    jobs: Option<NonZeroUsize>,
    profile: bool,
    cache: CacheBounds,
    budgets: Budgets,
    remembered: usize,
    lifecycle: BTreeMap<&'d str, Keys<'d>>,
    hooks: Hooks,
    tables: Vec<members::Table<'d>>,
}

impl<'d> File<'d> {
    fn read(reader: &mut Reader<'d>, entries: &[Entry<'d>]) -> Self {
        let mut file = Self {
            names: Names::of(reader.source(), entries),
            name: None,
            jobs: None,
            profile: false,
            cache: CacheBounds::default(),
            budgets: Budgets::default(),
            remembered: history::KEEP,
            lifecycle: BTreeMap::new(),
            hooks: Hooks::default(),
            tables: Vec::new(),
        };
        for entry in entries {
            match entry.key.text {
                "project" => file.read_project(reader, entry),
                "lifecycle" => file.read_lifecycle(reader, entry),
                "hooks" => file.hooks = hooks::read(reader, &file.names, entry),
                "workspace" => file.tables = members::read(reader, &file.names, entry),
                "performance" => file.budgets = performance::read(reader, &file.names, entry),
                "history" => file.remembered = history::read(reader, entry),
                "cache" => file.cache = bounds::read(reader, entry),
                _ => _ = reader.unknown_key(&entry.key, FILE_NAME, TABLES),
            }
        }
        file
    }

    fn read_project(&mut self, reader: &mut Reader<'d>, entry: &Entry<'d>) {
        for entry in reader.table(entry).unwrap_or_default() {
            match entry.key.text {
                "name" => self.name = reader.string(&entry).and_then(|name| project_name(reader, name)),
                "jobs" => self.jobs = jobs(reader, &entry),
                "profile" => self.profile = reader.boolean(&entry).unwrap_or_default(),
                _ => _ = reader.unknown_key(&entry.key, "`[project]`", &["name", "jobs", "profile"]),
            }
        }
    }

    fn read_lifecycle(&mut self, reader: &mut Reader<'d>, entry: &Entry<'d>) {
        for entry in reader.table(entry).unwrap_or_default() {
            self.lifecycle.insert(entry.key.text, Keys::read(reader, &self.names, &entry, None));
        }
    }

    fn project(self, reader: &mut Reader<'_>, root: &Path, members: &[&str]) -> Project {
        members::check_tables(reader, &self.tables, members);
        let all = members::all_names(&self.tables, members);
        let said = Said { names: &self.names, lifecycle: &self.lifecycle, tables: &self.tables, members: &all };
        Project {
            phases: phases::phases(reader, &said),
            folders: members::folders(reader, &self.tables, root, members),
            depends_on: members::depends_on(reader, &self.tables, &all),
            name: self.name,
            jobs: self.jobs,
            profile: self.profile,
            cache: self.cache,
            budgets: self.budgets,
            remembered: self.remembered,
            hooks: self.hooks,
        }
    }
}

fn project_name(reader: &mut Reader<'_>, name: syntax::Text<'_>) -> Option<Arc<str>> {
    if name.text.trim().is_empty() || name.text.contains(char::is_control) {
        reader.wrong(name.span, "`name` must be one line of text, and not empty", "");
        return None;
    }
    Some(name.text.into())
}

/// The bound keeps a slip from starting a million threads.
fn jobs<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<NonZeroUsize> {
    const WANTED: &str = "a whole number from 1 to 65535";
    let Some(integer) = entry.value.get_ref().as_integer() else {
        reader.must_be("`jobs`", entry.value, WANTED);
        return None;
    };
    let jobs = u16::from_str_radix(integer.as_str(), integer.radix()).ok();
    let jobs = jobs.and_then(|jobs| NonZeroUsize::new(jobs.into()));
    if jobs.is_none() {
        reader.wrong(syntax::span(entry.value), format!("`jobs` must be {WANTED}"), "");
    }
    jobs
}
