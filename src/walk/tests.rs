//! The walk against real files, with git as the judge of what it ignores.

#[cfg(unix)]
mod links;
mod patterns;
mod random_trees;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;

struct Scene {
    _folder: TempDir,
    root: PathBuf,
}

impl Scene {
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let scene = Self { _folder: folder, root };
        for file in files {
            scene.write(file, file);
        }
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn areas(&self, dirs: &[&str]) -> Areas {
        Areas::new(dirs.iter().map(|dir| self.at(dir)).collect(), vec![self.at("target")])
    }

    fn files(&self, dir: &str) -> String {
        names(&self.areas(&[dir]).walk(&Arc::default(), None).areas[0].files)
    }

    fn git(&self, dir: &str, arguments: &[&str]) -> Vec<u8> {
        let mut git = Command::new("git");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES"] {
            git.env_remove(variable);
        }
        let author = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"];
        let output = git.args(author).args(arguments).current_dir(self.at(dir)).output().unwrap();
        let is_good = output.status.success() || (arguments[0] == "check-ignore" && output.status.code() == Some(1));
        assert!(is_good, "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

fn names(files: &[File]) -> String {
    let names: Vec<String> = files.iter().map(|file| String::from_utf8_lossy(&file.bytes()).into_owned()).collect();
    names.join(" ")
}

fn text(paths: &[Arc<Path>]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn env_files_count_and_the_version_controls_do_not() {
    let scene = Scene::new(&[".env", ".env.local", "a/.envrc", "a/b", ".hg/x", ".jj/x", "a/.svn/x", ".hidden/x"]);
    scene.git("", &["init", "-q"]);
    scene.write(".gitignore", ".env*\n.envrc\nlogs/\n");
    scene.write("logs/.env", "");
    let files = &scene.areas(&[""]).walk(&Arc::default(), None).areas[0].files;
    assert_eq!(names(files), ".env .env.local .gitignore .hidden/x a/.envrc a/b");
    let ignored: Vec<bool> = files.iter().map(|file| file.ignored).collect();
    assert_eq!(ignored, [true, true, false, false, true, false]);
}

#[test]
fn a_file_belongs_to_the_innermost_area_and_areas_may_lie_anywhere() {
    let scene = Scene::new(&["w/x", "w/a/x", "w/a/src/x", "w/a/in/x", "w/a/in/y/x", "w/a-b/x", "other/x", "other/t/x"]);
    let areas = scene.areas(&["w/a/in", "w", "other", "w/a", "w"]);
    let tree = areas.walk(&Arc::default(), None);
    let found: Vec<String> = tree.areas.iter().map(|area| names(&area.files)).collect();
    assert_eq!(found, ["x y/x", "a-b/x x", "t/x x", "src/x x", "a-b/x x"]);
    for (area, files) in tree.areas.iter().enumerate() {
        assert_eq!(areas.rewalk(area, None, &Arc::default()).files, files.files);
        assert_eq!(areas.rewalk(area, Some(files), &Arc::default()).files, files.files);
    }
}

#[test]
fn a_file_that_was_just_written_is_looked_into_each_time() {
    let scene = Scene::new(&["a/x", "b/x"]);
    std::thread::sleep(std::time::Duration::from_millis(15));
    // However long the walk takes, it is younger.
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(scene.at("b/x")).unwrap().set_modified(soon).unwrap();
    let areas = scene.areas(&["a", "b"]);
    let known = |known| Arc::new(Known::parse(areas.walk(&known, None).encode()));
    let known = known(Arc::default());
    assert_eq!(areas.walk(&known, None).changed().collect::<Vec<_>>(), [1]);
}

#[cfg(unix)]
#[test]
fn what_links_lead_to_is_looked_at_each_time() {
    let scene = Scene::new(&["a/x", "b/x", "c/x"]);
    std::os::unix::fs::symlink("../c", scene.at("b/link")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(15));
    let areas = scene.areas(&["a", "b"]);
    let known = Arc::new(Known::parse(areas.walk(&Arc::default(), None).encode()));
    let tree = areas.walk(&known, None);
    assert_eq!(tree.changed().collect::<Vec<_>>(), [1]);
    assert_eq!(names(&tree.areas[1].files), "link/x x");
}

#[cfg(unix)]
#[test]
fn the_target_directory_is_never_entered_by_whatever_path() {
    let scene = Scene::new(&["target/debug/x", "a/src/x", "a/target/x", "build/t/x"]);
    scene.write(".gitignore", "!target\n");
    std::os::unix::fs::symlink("../target", scene.at("a/link")).unwrap();
    std::os::unix::fs::symlink("../target/debug", scene.at("a/link2")).unwrap();
    assert_eq!(scene.files(""), ".gitignore a/link a/link2 a/src/x a/target/x build/t/x");

    // The workspace, or the target directory, may be reached through a link.
    std::os::unix::fs::symlink("build", scene.at("alias")).unwrap();
    let areas = Areas::new(vec![scene.at("")], vec![scene.at("target"), scene.at("alias/t")]);
    assert_eq!(
        names(&areas.walk(&Arc::default(), None).areas[0].files),
        ".gitignore a/link a/link2 a/src/x a/target/x"
    );
    let areas = Areas::new(vec![scene.at("alias")], vec![scene.at("build/t")]);
    assert_eq!(names(&areas.walk(&Arc::default(), None).areas[0].files), "");
}

#[test]
fn an_area_in_an_ignored_or_skipped_folder_is_walked_with_its_own_rules() {
    let scene = Scene::new(&["gen/x/src/lib.rs", "gen/x/in/y", "gen/x/no.log", "gen/other", "target/p/lib.rs"]);
    scene.git("", &["init", "-q"]);
    scene.write(".gitignore", "gen\ntarget\n*.rs\n");
    scene.write("gen/x/.gitignore", "*.log\n");
    let areas = scene.areas(&["", "gen/x", "gen/x/in", "target/p"]);
    let tree = areas.walk(&Arc::default(), None);
    let found: Vec<String> = tree.areas.iter().map(|area| names(&area.files)).collect();
    // What is above the target directory does ignore the last one's folder.
    assert_eq!(found, [".gitignore", ".gitignore src/lib.rs", "y", "lib.rs"]);
    assert_eq!(text(&tree.areas[0].ignored_dirs), "gen");
    assert_eq!(text(&tree.areas[1].ignored_files), "no.log");
    for (area, files) in tree.areas.iter().enumerate() {
        assert_eq!(areas.rewalk(area, None, &Arc::default()).files, files.files);
    }
}

#[test]
fn rules_begin_at_the_top_of_the_repository() {
    let scene = Scene::new(&["up/ws/a.log", "up/ws/a.tmp", "up/ws/sub/b.tmp", "up/ws/sub/b.log"]);
    scene.write(".gitignore", "*.log\n");
    scene.write("up/.gitignore", "*.tmp\n");
    scene.write("up/ws/sub/.gitignore", "!b.tmp\n");
    assert_eq!(scene.files("up/ws"), "a.log a.tmp sub/.gitignore sub/b.log sub/b.tmp", "no repository");
    scene.git("up", &["init", "-q"]);
    assert_eq!(scene.files("up/ws"), "a.log sub/.gitignore sub/b.log sub/b.tmp", "what is above does not count");
    scene.git("", &["init", "-q"]);
    fs::remove_dir_all(scene.at("up/.git")).unwrap();
    assert_eq!(scene.files("up/ws"), "sub/.gitignore sub/b.tmp");
}

#[test]
fn worktrees_and_submodules_have_their_tops_and_their_excludes() {
    let scene = Scene::new(&["lib/a", "main/a"]);
    for dir in ["lib", "main"] {
        scene.git(dir, &["init", "-q"]);
        scene.git(dir, &["add", "."]);
        scene.git(dir, &["commit", "-qm", "a"]);
    }
    scene.git("main", &["submodule", "--quiet", "add", "../lib", "sub"]);
    scene.git("main", &["worktree", "add", "-q", "tree"]);
    for dir in ["main", "main/sub", "main/tree"] {
        for name in ["x.main", "x.sub", "x.out"] {
            scene.write(&format!("{dir}/{name}"), "");
        }
    }
    scene.write("main/.git/info/exclude", "*.main\n");
    scene.write("main/.git/modules/sub/info/exclude", "*.sub\n");
    scene.write("main/.gitignore", "*.out\n");
    assert_eq!(scene.files("main/tree"), "a x.out x.sub");
    assert_eq!(scene.files("main/sub"), "a x.main x.out");
    // From outside the rules add up.
    let all = scene.files("main");
    assert!(all.ends_with(" sub/a tree/a tree/x.sub x.sub"), "{all}");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_looked_at_is_a_problem_and_the_rest_is_found() {
    let scene = Scene::new(&["a/x", "b/x"]);
    let areas = scene.areas(&["", "gone"]);
    let problems = &areas.walk(&Arc::default(), None).areas[1].problems;
    assert_eq!(problems.len(), 1);
    assert_eq!((&problems[0].path, problems[0].error.kind()), (&scene.at("gone"), io::ErrorKind::NotFound));
    assert_eq!(areas.rewalk(1, None, &Arc::default()).problems.len(), 1);

    if rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(scene.at("a"), fs::Permissions::from_mode(0o000)).unwrap();
    let area = areas.rewalk(0, None, &Arc::default());
    assert_eq!((&*names(&area.files), &area.problems[0].path), ("b/x", &scene.at("a")));
    fs::set_permissions(scene.at("a"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_second_look_sees_what_changed() {
    let scene = Scene::new(&["a/x", "b/x"]);
    let areas = scene.areas(&["a", "b"]);
    let before = areas.walk(&Arc::default(), None);
    scene.write("a/x", "longer than before");
    scene.write("a/y", "");
    scene.write("a/.gitignore", "z");
    scene.write("a/z", "");
    let after = areas.rewalk(0, None, &Arc::default());
    assert_eq!(names(&after.files), ".gitignore x y");
    assert_ne!(after.files[1].stat, before.areas[0].files[0].stat);
    assert_eq!(areas.rewalk(1, None, &Arc::default()).files, before.areas[1].files);
}

#[test]
fn what_an_older_look_has_found_does_not_hide_what_a_later_one_did() {
    let scene = Scene::new(&["a/one"]);
    let areas = scene.areas(&["a"]);
    let mut tree = areas.walk(&Arc::default(), None);
    let before = tree.begin();
    let old = areas.rewalk(0, None, &Arc::default());
    scene.write("a/two", "");
    let after = tree.begin();
    assert!(tree.take(0, areas.rewalk(0, None, &Arc::default()), after));
    assert!(!tree.take(0, old, before));
    assert_eq!(names(&tree.areas[0].files), "one two");
}

/// Takes every file for changed.
#[derive(Default)]
struct Everything(Mutex<Vec<(PathBuf, String)>>);

struct InOne<'a>(&'a Everything, &'a Path);

impl Reader for Everything {
    fn is_changing(&self, _: usize) -> bool {
        true
    }

    fn in_folder<'r>(&'r self, _: usize, folder: &'r Path) -> Option<Box<dyn InFolder + 'r>> {
        Some(Box::new(InOne(self, folder)))
    }
}

impl InFolder for InOne<'_> {
    fn is_due(&mut self, _: &OsStr) -> bool {
        true
    }

    fn saw(&mut self, name: &OsStr, stat: &FileStat, file: Option<fs::File>) {
        let path = self.1.join(name);
        assert_eq!(*stat, FileStat::of(&fs::metadata(&path).unwrap()));
        let text = file.map(|file| io::read_to_string(file).unwrap()).unwrap_or_default();
        self.0.0.lock().unwrap().push((path, text));
    }
}

#[test]
fn regular_files_that_count_are_opened_for_who_reads_them_and_found_as_without() {
    let scene = Scene::new(&["a/src/one", "a/src/two", "a/.git", "b/three", "b/ignored", "target/four"]);
    scene.write("b/.gitignore", "ignored\n");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("three", scene.at("b/link")).unwrap();
        std::os::unix::fs::symlink("nowhere", scene.at("b/broken")).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, scene.at("b/fifo"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }
    let areas = scene.areas(&["a", "b"]);
    let without = areas.walk(&Arc::default(), None);
    let reader = Everything::default();
    let known = Arc::new(Known::parse(without.encode()));
    let tree = areas.walk(&known, Some(&reader));
    for (with, without) in tree.areas.iter().zip(&without.areas) {
        assert_eq!(with.files, without.files);
    }
    let mut read = reader.0.into_inner().unwrap();
    read.sort();
    let text = |path: &str| if cfg!(target_os = "linux") { path.to_owned() } else { String::new() };
    let expected = ["a/src/one", "a/src/two", "b/.gitignore", "b/three"].map(|path| (scene.at(path), text(path)));
    let expected = expected
        .map(|(path, text)| if path.ends_with(".gitignore") { (path, "ignored\n".into()) } else { (path, text) });
    assert_eq!(read, expected);
}
