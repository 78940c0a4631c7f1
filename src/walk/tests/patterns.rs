//! Globs: which files they select, and what they make the walk enter.

use super::*;

fn select(areas: &Areas, area: usize, patterns: &[&str]) -> String {
    let patterns = Patterns::new(patterns).unwrap();
    let tree = areas.walk(&Arc::default(), None);
    let selection = areas.select(&tree, area, &patterns.own);
    assert!(selection.problems.is_empty());
    assert!(selection.files.is_sorted_by(|a, b| a.bytes() < b.bytes()));
    names(&selection.files)
}

#[test]
fn name_files_and_folders() {
    let scene = Scene::new(&["src/a", "src/d/e/b", "schema/x.json", "schema/d/y.json", "build.rs", "Build.rs", "srcs"]);
    let areas = scene.areas(&[""]);
    assert_eq!(select(&areas, 0, &["src/**"]), "src/a src/d/e/b");
    assert_eq!(select(&areas, 0, &["src"]), "src/a src/d/e/b");
    assert_eq!(select(&areas, 0, &["./src/", "build.rs"]), "build.rs src/a src/d/e/b");
    assert_eq!(select(&areas, 0, &["src/*"]), "src/a");
    assert_eq!(select(&areas, 0, &["*/d"]), "schema/d/y.json src/d/e/b");
    assert_eq!(select(&areas, 0, &["schema/*.json"]), "schema/x.json");
    assert_eq!(select(&areas, 0, &["**/*.{json,rs}"]), "Build.rs build.rs schema/d/y.json schema/x.json");
    assert_eq!(select(&areas, 0, &["src/[ab]", "src/?", "src/d/**/b"]), "src/a src/d/e/b");
    assert_eq!(select(&areas, 0, &["nothing/**"]), "");
    assert_eq!(select(&areas, 0, &["."]), "Build.rs build.rs schema/d/y.json schema/x.json src/a src/d/e/b srcs");
    assert_eq!(select(&areas, 0, &[]), "");
}

#[test]
fn see_inner_areas_and_what_git_ignores() {
    let scene = Scene::new(&["x.rs", "in/x.rs", "in/deep/x.rs", "out/gen/x.rs", "out/y", "in/out/x.rs", "n.log"]);
    scene.write(".gitignore", "out\n*.log\n");
    scene.write("target/x.rs", "");
    scene.write("out/.git/x.rs", "");
    let areas = scene.areas(&["", "in", "in/deep"]);
    assert_eq!(select(&areas, 0, &["**/*.rs"]), "in/deep/x.rs in/out/x.rs in/x.rs out/gen/x.rs x.rs");
    assert_eq!(select(&areas, 1, &["**/*.rs"]), "deep/x.rs out/x.rs x.rs");
    assert_eq!(select(&areas, 0, &["out/gen", "*.log"]), "n.log out/gen/x.rs");
    assert_eq!(select(&areas, 0, &["in/deep/**"]), "in/deep/x.rs");
    let tree = areas.walk(&Arc::default(), None);
    let files = areas.select(&tree, 0, &Patterns::new(&["**"]).unwrap().own).files;
    let ignored: Vec<&File> = files.iter().filter(|file| file.ignored).collect();
    assert_eq!(ignored.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(file.stat, FileStat::of(&fs::metadata(scene.root.join(&file.path)).unwrap()));
    }
}

#[test]
fn enter_no_ignored_folder_in_which_they_cannot_match() {
    let scene = Scene::new(&["a.json", "src/x"]);
    scene.write(".gitignore", "gone\n");
    scene.write("gone/x", "");
    let areas = scene.areas(&[""]);
    let tree = areas.walk(&Arc::default(), None);
    // A folder that has vanished tells who tried to enter it.
    fs::remove_dir_all(scene.at("gone")).unwrap();
    let problems = |pattern| areas.select(&tree, 0, &Patterns::new(&[pattern]).unwrap().own).problems.len();
    assert_eq!(["*.json", "src/**", "gon/**", "gone", "gone/a/b", "**/x"].map(problems), [0, 0, 0, 1, 1, 1]);
}

#[test]
fn from_the_root_begin_with_two_slashes() {
    let scene = Scene::new(&["proto/a", "proto/d/b", "api/proto/c", "api/x"]);
    let areas = scene.areas(&["", "api"]);
    let patterns = Patterns::new(&["//proto/**", "proto/*", "//api/x"]).unwrap();
    let tree = areas.walk(&Arc::default(), None);
    assert_eq!(names(&areas.select(&tree, 0, &patterns.root).files), "api/x proto/a proto/d/b");
    assert_eq!(names(&areas.select(&tree, 1, &patterns.own).files), "proto/c");
    assert!(!patterns.root.is_empty() && Patterns::new(&["a"]).unwrap().root.is_empty());
}

#[test]
fn that_cannot_be_used_are_refused() {
    for pattern in ["../x", "a/../../x", "/etc/passwd", "//../x"] {
        assert!(matches!(Patterns::new(&[pattern]), Err(PatternError::Outward(_))), "{pattern}");
    }
    for pattern in ["a[", "{a", "[z-a]"] {
        assert!(matches!(Patterns::new(&[pattern]), Err(PatternError::Glob(_))), "{pattern}");
    }
}
