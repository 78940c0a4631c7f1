//! What each kind of make.toml becomes, and how each kind of mistake is shown.

use std::path::Path;

use super::{Problems, Source, understand};
use crate::model::{Definition, Phase, Project, Scope};

fn source(text: &str) -> Source {
    Source { path: "make.toml".into(), text: text.to_owned() }
}

/// Understood in a workspace of `api`, `core` and `cli` that has the folders `web` and `docs/book`.
fn understood(text: &str) -> Result<Project, Problems> {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("docs/book")).unwrap();
    std::fs::create_dir(root.path().join("web")).unwrap();
    std::fs::write(root.path().join("file"), "").unwrap();
    understand(Some(&source(text)), root.path(), &["api", "cli", "core"])
}

/// Of a make.toml without mistakes; the schema must find none either.
fn project(text: &str) -> Project {
    assert_eq!(super::schema::tests::faults(text), [""; 0], "\n{text}");
    understood(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

fn phase<'p>(project: &'p Project, name: &str) -> &'p Phase {
    project.phase(project.named(name).unwrap())
}

fn definition<'p>(project: &'p Project, name: &str) -> &'p Definition {
    phase(project, name).definition.as_deref().unwrap()
}

fn commands(definition: &Definition) -> Vec<String> {
    definition.commands.iter().map(|command| command.source()).collect()
}

fn names(project: &Project) -> Vec<&str> {
    project.phases.iter().map(|phase| &*phase.name).collect()
}

mod good;
mod shown;
mod wrong;
