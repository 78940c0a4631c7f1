//! Which members a run is for. Pure.

use globset::{Glob, GlobMatcher};

use crate::model::{MemberId, Workspace};
use crate::nearest::nearest;

/// What was typed about members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// `-p`: names, globs over names, or package ids.
    pub packages: Vec<String>,
    /// `--exclude`, likewise.
    pub exclude: Vec<String>,
    /// `--workspace`
    pub workspace: bool,
}

/// A selection that means nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SelectionError {
    /// A name or glob matches no member.
    #[error("`{spec}` matches no member of the workspace{}", suggestion(.nearest))]
    NoMatch {
        /// What was typed.
        spec: String,
        /// The nearest member's name.
        nearest: Option<String>,
    },
    /// A glob does not parse.
    #[error("`{spec}` is no valid pattern: {why}")]
    BadPattern {
        /// What was typed.
        spec: String,
        /// What is wrong with it.
        why: String,
    },
    /// Everything selected was excluded again.
    #[error("`--exclude` leaves no member")]
    Nothing,
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl Selection {
    /// The members selected, in order. Without `-p` and `--workspace`: the member in whose folder one stands, else the
    /// default members (folders of make.toml included), else all.
    ///
    /// # Errors
    /// A pattern that does not parse or matches nothing; nothing left.
    pub fn resolve(&self, workspace: &Workspace, current: Option<MemberId>) -> Result<Vec<MemberId>, SelectionError> {
        let chosen = if !self.packages.is_empty() {
            matching(workspace, &self.packages)?
        } else if self.workspace {
            workspace.ids().collect()
        } else {
            by_default(workspace, current)
        };
        let excluded = matching(workspace, &self.exclude)?;
        let left: Vec<MemberId> = chosen.into_iter().filter(|id| excluded.binary_search(id).is_err()).collect();
        if left.is_empty() && !excluded.is_empty() {
            return Err(SelectionError::Nothing);
        }
        Ok(left)
    }
}

fn by_default(workspace: &Workspace, current: Option<MemberId>) -> Vec<MemberId> {
    if let Some(member) = current {
        return vec![member];
    }
    let defaults = &workspace.default_members;
    let chosen =
        |id: &MemberId| defaults.is_empty() || defaults.contains(id) || workspace.member(*id).package.is_none();
    workspace.ids().filter(chosen).collect()
}

fn matching(workspace: &Workspace, specs: &[String]) -> Result<Vec<MemberId>, SelectionError> {
    let mut found = Vec::new();
    for spec in specs {
        let glob = compile(spec)?;
        let before = found.len();
        found.extend(workspace.ids().filter(|id| {
            let member = workspace.member(*id);
            let is_id = member.package.as_ref().is_some_and(|package| *package.spec == **spec);
            is_id || *member.name == **spec || glob.is_match(&*member.name)
        }));
        if found.len() == before {
            let names = workspace.members.iter().map(|member| &*member.name);
            let nearest = nearest(spec, names).map(str::to_owned);
            return Err(SelectionError::NoMatch { spec: spec.clone(), nearest });
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn compile(spec: &str) -> Result<GlobMatcher, SelectionError> {
    let glob = Glob::new(spec)
        .map_err(|error| SelectionError::BadPattern { spec: spec.to_owned(), why: error.kind().to_string() })?;
    Ok(glob.compile_matcher())
}
