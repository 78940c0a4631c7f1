//! The commit that this one stands on: which it is, its files, and what was said since. It knows nothing of building.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

fn git(root: &Path, words: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").current_dir(root).args(words).output().context("cannot start git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {} failed: {}", words.join(" "), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn commit(root: &Path, revision: &str) -> anyhow::Result<String> {
    git(root, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
        .with_context(|| format!("there is no commit `{revision}`"))
}

/// The commit to compare with: the one named, else the merge base with main, else the parent. A lone one has none.
pub fn base(root: &Path, named: Option<&str>) -> anyhow::Result<Option<String>> {
    if let Some(named) = named {
        return commit(root, named).map(Some);
    }
    let head = commit(root, "HEAD")?;
    let mut mains = ["main", "origin/main"].into_iter();
    let shared = mains.find_map(|main| git(root, &["merge-base", "HEAD", main]).ok());
    Ok(shared.filter(|shared| *shared != head).or_else(|| commit(root, "HEAD^").ok()))
}

/// What commits since then give as reasons to be slower.
pub fn reasons(root: &Path, base: &str) -> anyhow::Result<Vec<String>> {
    let format = "--format=%(trailers:key=Slower,valueonly,unfold)";
    let said = git(root, &["log", format, &format!("{base}..HEAD")])?;
    Ok(said.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// The files of a commit, in a worktree that goes with this.
pub struct Checkout {
    root: PathBuf,
    path: PathBuf,
}

impl Checkout {
    /// Makes it.
    pub fn new(root: &Path, path: &Path, commit: &str) -> anyhow::Result<Self> {
        let checkout = Self { root: root.to_owned(), path: path.to_owned() };
        // One that was killed may have left its own.
        checkout.remove();
        git(root, &["worktree", "add", "--quiet", "--detach", "--force", &path.to_string_lossy(), commit])?;
        Ok(checkout)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn remove(&self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = git(&self.root, &["worktree", "prune"]);
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a commit for each message, the first on main.
    fn repository(messages: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "--quiet", "--initial-branch", "main"]).unwrap();
        for (number, message) in messages.iter().enumerate() {
            if number == 1 {
                git(root, &["checkout", "--quiet", "-b", "topic"]).unwrap();
            }
            fs::write(root.join("file"), message).unwrap();
            git(root, &["add", "file"]).unwrap();
            let who = ["-c", "user.name=N", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"];
            git(root, &[&who[..], &["commit", "--quiet", "-m", message]].concat()).unwrap();
        }
        folder
    }

    #[test]
    fn a_branch_is_compared_with_where_it_left_main_and_main_with_the_commit_before() {
        let folder = repository(&["one", "two", "three"]);
        let root = folder.path();
        let of = |revision: &str| commit(root, revision).unwrap();
        assert_eq!(base(root, None).unwrap(), Some(of("main")));
        assert_eq!(base(root, Some("topic~1")).unwrap(), Some(of("topic~1")));
        assert!(base(root, Some("none")).unwrap_err().to_string().contains("no commit `none`"));
        git(root, &["branch", "--quiet", "--force", "main", "topic"]).unwrap();
        assert_eq!(base(root, None).unwrap(), Some(of("topic~1")));
    }

    #[test]
    fn a_lone_commit_has_nothing_to_be_compared_with() {
        assert_eq!(base(repository(&["one"]).path(), None).unwrap(), None);
    }

    #[test]
    fn reasons_are_trailers_of_the_commits_since_then() {
        let messages = ["one\n\nSlower: long ago", "two\n\nSlower: it looks\n twice", "three\n\nSlower, it is."];
        let folder = repository(&messages);
        assert_eq!(reasons(folder.path(), "main").unwrap(), ["it looks twice"]);
    }

    #[test]
    fn a_checkout_has_the_files_of_its_commit_and_leaves_nothing() {
        let folder = repository(&["one", "two"]);
        let path = folder.path().join("target/checkout");
        fs::create_dir_all(&path).unwrap();
        let checkout = Checkout::new(folder.path(), &path, "main").unwrap();
        assert_eq!(fs::read_to_string(checkout.path().join("file")).unwrap(), "one");
        drop(checkout);
        assert!(!path.exists());
        assert_eq!(git(folder.path(), &["worktree", "list"]).unwrap().lines().count(), 1);
    }
}
