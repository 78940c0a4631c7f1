//! A guess at the inputs of a workspace of which nothing is known but the root. Nobody relies on it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::folder::is_version_control;
use crate::model::FileStat;

/// Tells of the regular files below the root that git would not ignore, one after the other.
pub fn guess(root: &Path, target_dir: &Path, tell: &mut dyn FnMut(&Path, FileStat) -> ControlFlow<()>) {
    let target_dir: PathBuf = target_dir.into();
    let is_entered =
        move |entry: &ignore::DirEntry| !is_version_control(entry.file_name()) && entry.path() != target_dir;
    let walk = WalkBuilder::new(root).hidden(false).ignore(false).filter_entry(is_entered).build();
    for entry in walk.filter_map(Result::ok) {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_file() && tell(entry.path(), FileStat::of(&metadata)).is_break() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_git_ignores_are_not_told_nor_what_comes_after_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [".git/config", "target/made", "a/src/lib.rs", "a/.hidden", "a/out/made", "Cargo.toml"] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), path).unwrap();
        }
        fs::write(root.join("a/.gitignore"), "out\n").unwrap();
        let told = |most: usize| {
            let mut told = Vec::new();
            guess(root, &root.join("target"), &mut |path, stat| {
                assert_eq!(stat, FileStat::of(&fs::metadata(path).unwrap()));
                told.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                if told.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            told.sort_unstable();
            told
        };
        assert_eq!(told(100), ["Cargo.toml", "a/.gitignore", "a/.hidden", "a/src/lib.rs"]);
        assert_eq!(told(2).len(), 2);
    }
}
