//! The room against real cargo, on workspaces in temporary folders.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::model::DependencyKind::{Build, Dev, Normal};
use crate::model::{DependencyKind, Member};

/// A temporary folder with a workspace in `ws` and a cargo that counts its calls.
struct Scene {
    top: TempDir,
    options: Options,
}

/// Nothing is done meanwhile.
const NOTHING: Meanwhile<'_> = Meanwhile { asking: &|_, _, _| (), mapping: &|_, _| () };

impl Scene {
    /// With the root manifest's text.
    fn new(root_manifest: &str) -> Self {
        let top = tempfile::tempdir().unwrap();
        let mut invocation = Invocation::of_test(top.path());
        let script = format!(
            "printf '#!/bin/sh\\necho \"$@\" >> {0}/calls\\nexec {1} \"$@\"\\n' > {0}/cargo && chmod +x {0}/cargo",
            top.path().display(),
            invocation.cargo.display()
        );
        sh(&script);
        invocation.cargo = top.path().join("cargo");
        invocation.current_dir = top.path().join("ws");
        let scene = Self { top, options: Options { invocation, offline: true, ..Options::default() } };
        scene.put("ws/Cargo.toml", root_manifest);
        scene
    }

    /// A virtual workspace of `crates/*` with the members `a` and `b`, of which `a` depends on `b`.
    fn of_two() -> Self {
        let scene = Self::new("[workspace]\nmembers = ['crates/*']\nresolver = '2'\n");
        scene.package("ws/crates/a", "a", "dependencies.b.path = '../b'");
        scene.package("ws/crates/b", "b", "");
        scene
    }

    fn path(&self, path: &str) -> PathBuf {
        self.top.path().join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A library; `more` follows the name, version and edition in its manifest.
    fn package(&self, folder: &str, name: &str, more: &str) {
        let manifest = format!("package = {{ name = '{name}', version = '0.1.0', edition = '2021' }}\n{more}\n");
        self.put(&format!("{folder}/Cargo.toml"), &manifest);
        self.put(&format!("{folder}/src/lib.rs"), "");
    }

    fn set(&mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) {
        self.options.invocation.variables.insert(name.into(), value.as_ref().to_owned());
    }

    fn stand_in(&mut self, folder: &str) {
        self.options.invocation.current_dir = self.path(folder);
    }

    fn load(&self) -> Loaded {
        load(&self.options, NOTHING).unwrap()
    }

    fn error(&self) -> String {
        load(&self.options, NOTHING).unwrap_err().to_string()
    }

    /// Cargo's calls since the last time.
    fn calls(&self) -> usize {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default().lines().count();
        _ = fs::remove_file(self.path("calls"));
        calls
    }

    /// Loads until nothing is new: the second time cargo is not started, and the workspace is the same.
    fn settle(&self) -> Workspace {
        let first = self.load();
        self.calls();
        let second = self.load();
        assert_eq!((second.cargo_started, self.calls()), (false, 0));
        assert_eq!(format!("{:?}", second.workspace), format!("{:?}", first.workspace));
        assert_eq!(second.current, first.current);
        second.workspace
    }

    /// Cargo is asked again, and the new state is remembered.
    fn is_noticed(&self) -> Workspace {
        assert!(self.load().cargo_started);
        assert!(self.calls() > 0);
        self.settle()
    }
}

/// Writes programs. Another process has to: while this one holds the file open, a child of another test would inherit it,
/// and a file that is open for writing cannot be run.
fn sh(script: &str) {
    assert!(Command::new("sh").args(["-c", script]).status().unwrap().success());
}

fn names(workspace: &Workspace) -> Vec<&str> {
    workspace.members.iter().map(|member| &*member.name).collect()
}

fn member<'a>(workspace: &'a Workspace, name: &str) -> &'a Member {
    workspace.member(workspace.named(name).unwrap())
}

/// The names of the members that a member depends on, with the kinds.
fn edges<'a>(workspace: &'a Workspace, name: &str) -> Vec<(&'a str, DependencyKind)> {
    let edges = member(workspace, name).dependencies.iter();
    edges.map(|edge| (&*workspace.member(edge.member).name, edge.kind)).collect()
}

#[test]
fn others_do_their_part_while_cargo_is_asked_and_not_when_it_is_not() {
    let scene = Scene::of_two();
    let told = Mutex::new(Vec::new());
    let asking = |root: &Path, target_dir: &Path, is_over: &AtomicBool| {
        told.lock().unwrap().push(("asking", root.to_owned(), target_dir.to_owned()));
        // It takes as long as it is let.
        while !is_over.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
    };
    let mapping = |root: &Path, target_dir: &Path| {
        told.lock().unwrap().push(("mapping", root.to_owned(), target_dir.to_owned()));
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let load = || pool.install(|| load(&scene.options, Meanwhile { asking: &asking, mapping: &mapping }).unwrap());
    let (root, target_dir) = (scene.path("ws"), scene.path("ws/target"));
    assert!(load().cargo_started);
    let once = [("asking", root.clone(), target_dir.clone()), ("mapping", root, target_dir)];
    assert_eq!(*told.lock().unwrap(), once);
    assert!(!load().cargo_started);
    assert_eq!(*told.lock().unwrap(), once);
}

#[test]
fn a_lone_package_is_a_workspace_of_one() {
    let mut scene = Scene::new("[package]\nname = 'lone'\nversion = '1.2.3'\nedition = '2021'\n");
    scene.put("ws/src/lib.rs", "");
    let workspace = scene.settle();
    assert_eq!((&workspace.root, &workspace.target_dir), (&scene.path("ws"), &scene.path("ws/target")));
    let package = workspace.members[0].package.as_ref().unwrap();
    assert_eq!((names(&workspace), &*workspace.members[0].relative_dir), (vec!["lone"], ""));
    assert_eq!((&*package.version, &package.manifest), ("1.2.3", &scene.path("ws/Cargo.toml")));
    assert!(package.spec.starts_with("path+file://") && package.spec.ends_with("#lone@1.2.3"));
    assert!(workspace.default_members.is_empty());
    assert!(scene.path("ws/Cargo.lock").exists());
    assert!(scene.path("ws/target/CACHEDIR.TAG").exists());
    assert_eq!(scene.load().current, None);
    scene.stand_in("ws/src");
    assert_eq!(scene.load().current, Some(MemberId::new(0)));
}

#[test]
fn members_are_in_the_order_of_their_names_with_their_edges() {
    let scene = Scene::new("[workspace]\nmembers = ['z', 'nested/deep', 'nested', '../outside']\nresolver = '2'\n");
    scene.package("ws/z", "alpha", "[dependencies]\nrenamed = { path = '../nested', package = 'beta' }");
    scene.package("ws/nested", "beta", "build-dependencies.gamma.path = 'deep'");
    scene.package("ws/nested/deep", "gamma", "dev-dependencies.alpha.path = '../../z'");
    let root = "package = { name = 'delta', version = '0.1.0', workspace = '../ws' }";
    scene.put("outside/Cargo.toml", &format!("{root}\ntarget.'cfg(windows)'.dependencies.alpha.path = '../ws/z'"));
    scene.put("outside/src/lib.rs", "");
    let workspace = scene.settle();
    assert_eq!(names(&workspace), ["alpha", "beta", "delta", "gamma"]);
    let folders: Vec<&str> = workspace.members.iter().map(|member| &*member.relative_dir).collect();
    assert_eq!(folders, ["z", "nested", "../outside", "nested/deep"]);
    assert_eq!(edges(&workspace, "alpha"), [("beta", Normal)]);
    assert_eq!(edges(&workspace, "beta"), [("gamma", Build)]);
    assert_eq!(edges(&workspace, "gamma"), [("alpha", Dev)]);
    assert_eq!(edges(&workspace, "delta"), [("alpha", Normal)]);
    assert!(workspace.path_packages.is_empty() && workspace.locked.is_empty());
}

#[test]
fn a_root_package_hides_no_members_and_default_members_count_when_they_are_set() {
    let root = "[package]\nname = 'root'\nversion = '0.1.0'\n[workspace]\nmembers = ['a', 'b']\nexclude = ['c']\n";
    let scene = Scene::new(root);
    scene.put("ws/src/lib.rs", "");
    for name in ["a", "b", "c"] {
        scene.package(&format!("ws/{name}"), name, "");
    }
    let workspace = scene.settle();
    assert_eq!(names(&workspace), ["a", "b", "root"]);
    assert!(workspace.default_members.is_empty());
    scene.put("ws/Cargo.toml", &format!("{root}default-members = ['b', '.']\n"));
    let workspace = scene.is_noticed();
    assert_eq!(workspace.default_members, [MemberId::new(1), MemberId::new(2)]);
}

#[test]
fn the_member_is_the_one_whose_manifest_is_nearest() {
    let mut scene = Scene::of_two();
    scene.put("ws/docs/book.md", "");
    let workspace = scene.settle();
    let current = |scene: &Scene| {
        let loaded = scene.load();
        assert!(!loaded.cargo_started);
        loaded.current.map(|id| workspace.member(id).name.to_string())
    };
    for (folder, name) in [("ws", None), ("ws/docs", None), ("ws/crates/a", Some("a")), ("ws/crates/b/src", Some("b"))]
    {
        scene.stand_in(folder);
        assert_eq!(current(&scene).as_deref(), name, "{folder}");
    }
    scene.stand_in("ws/docs");
    scene.options.manifest_path = Some("../crates/b/Cargo.toml".into());
    assert_eq!(current(&scene).as_deref(), Some("b"));
    scene.options.manifest_path = Some("../Cargo.toml".into());
    assert_eq!(current(&scene), None);
}

#[test]
fn a_first_load_from_a_member_finds_the_root() {
    let mut scene = Scene::of_two();
    scene.stand_in("ws/crates/a/src");
    let loaded = scene.load();
    assert_eq!((loaded.workspace.root, loaded.cargo_started), (scene.path("ws"), true));
    scene.settle();
}

#[test]
fn a_member_may_say_where_its_root_is() {
    let mut scene = Scene::new("[workspace]\nmembers = ['../far/m']\nresolver = '2'\n");
    scene.put("far/m/Cargo.toml", "package = { name = 'm', version = '0.1.0', workspace = '../../ws' }");
    scene.put("far/m/src/lib.rs", "");
    scene.stand_in("far/m");
    assert_eq!(scene.settle().root, scene.path("ws"));
}

#[test]
fn an_excluded_package_is_no_part_of_the_workspace_above() {
    let mut scene = Scene::of_two();
    let root = fs::read_to_string(scene.path("ws/Cargo.toml")).unwrap();
    scene.put("ws/Cargo.toml", &format!("{root}exclude = ['other']\n"));
    scene.package("ws/other", "other", "");
    scene.settle();
    scene.stand_in("ws/other");
    let workspace = scene.settle();
    assert_eq!((names(&workspace), &workspace.root), (vec!["other"], &scene.path("ws/other")));
}

#[test]
fn path_packages_that_are_no_members_are_followed() {
    let scene = Scene::new("[workspace]\nmembers = ['a', 'b']\nexclude = ['vendor']\nresolver = '2'\n");
    scene.package(
        "ws/a",
        "a",
        "[dependencies]\none = { path = '../../one' }\n[dev-dependencies]\ntwo = { path = '../vendor/two' }",
    );
    scene.package("ws/b", "b", "");
    scene.package("one", "one", "dependencies.two.path = '../ws/vendor/two'\ndev-dependencies.three.path = '../three'");
    scene.package("three", "three", "");
    scene.package("ws/vendor/two", "two", "build-dependencies.b.path = '../../b'");
    let workspace = scene.settle();
    let folders: Vec<_> = workspace.path_packages.iter().map(|it| (&*it.name, &*it.relative_dir)).collect();
    assert_eq!(folders, [("one", "../one"), ("two", "vendor/two")]);
    assert_eq!(member(&workspace, "a").package.as_ref().unwrap().path_packages, [(0, Normal), (1, Dev)]);
    assert_eq!(workspace.path_packages[0].path_packages, [1]);
    assert_eq!(workspace.path_packages[1].members, [workspace.named("b").unwrap()]);
}

#[test]
fn what_no_feature_needs_today_is_followed_too() {
    let scene = Scene::new("[workspace]\nmembers = ['a']\nexclude = ['one', 'two']\nresolver = '2'\n");
    scene.package("ws/a", "a", "dependencies.one = { path = '../one', optional = true }");
    scene.package("ws/one", "one", "dependencies.two = { path = '../two', optional = true }");
    scene.package("ws/two", "two", "");
    let workspace = scene.settle();
    assert_eq!(workspace.path_packages.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(workspace.path_packages[0].path_packages, [1]);
    scene.put("ws/two/Cargo.toml", "package = { name = 'two', version = '0.2.0' }");
    scene.is_noticed();
}

#[test]
fn what_a_patch_brings_in_is_followed_too() {
    let scene = Scene::new(
        "[workspace]\nmembers = ['a']\nexclude = ['log', 'two']\nresolver = '2'\n[patch.crates-io]\nlog.path = './log'\n",
    );
    scene.package("ws/a", "a", "dependencies.log = { version = '0.1', optional = true }");
    scene.package("ws/log", "log", "dependencies.two.path = '../two'");
    scene.package("ws/two", "two", "");
    let workspace = scene.settle();
    assert_eq!(workspace.path_packages.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["log", "two"]);
    assert_eq!(member(&workspace, "a").package.as_ref().unwrap().path_packages, [(0, Normal)]);
    assert_eq!(workspace.path_packages[0].path_packages, [1]);
}

/// Adds a package to a registry in a folder. The index knows it, but it cannot be had.
fn put_in_registry(scene: &Scene, path: &str, name: &str, versions: &[(&str, &[&str])]) {
    scene.put(
        "cargo-home/config.toml",
        "source.crates-io.replace-with = 'folder'\nsource.folder.local-registry = 'registry'",
    );
    let dependency = |name: &&str| {
        format!(
            r#"{{"name":"{name}","req":"*","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"}}"#
        )
    };
    let line = |(version, dependencies): &(&str, &[&str])| {
        let dependencies: Vec<_> = dependencies.iter().map(dependency).collect();
        let (dependencies, checksum) = (dependencies.join(","), version.replace('.', "").repeat(32));
        format!(
            r#"{{"name":"{name}","vers":"{version}","deps":[{dependencies}],"features":{{}},"yanked":false,"cksum":"{checksum:.64}"}}"#
        )
    };
    let lines: Vec<_> = versions.iter().map(line).collect();
    scene.put(&format!("registry/index/{path}"), &lines.join("\n"));
}

#[test]
fn packages_of_other_platforms_need_not_be_there() {
    let scene = Scene::of_two();
    put_in_registry(&scene, "la/te/later", "later", &[("1.0.0", &[])]);
    scene.package("ws/crates/a", "a", "target.'cfg(windows)'.dependencies.later = '1'");
    let workspace = scene.settle();
    assert_eq!(workspace.locked.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["later"]);
    assert_eq!(member(&workspace, "a").package.as_ref().unwrap().locked, [(0, Normal)]);
}

#[test]
fn registry_packages_come_from_the_lock_and_need_not_be_there() {
    let mut scene = Scene::new(
        "[workspace]\nmembers = ['a', 'b']\nexclude = ['p']\nresolver = '2'\n\
         [patch.crates-io]\nb.path = 'b'\np.path = 'p'\n",
    );
    scene.set("CARGO_TERM_COLOR", "always");
    put_in_registry(&scene, "3/l/log", "log", &[("0.3.9", &["later"]), ("0.4.1", &["b", "p"])]);
    put_in_registry(&scene, "la/te/later", "later", &[("1.0.0", &[])]);
    scene.package(
        "ws/a",
        "a",
        "dependencies.log = '0.4'\nbuild-dependencies.log = '0.3'\ndev-dependencies.later = '1'",
    );
    scene.package("ws/b", "b", "");
    scene.package("ws/p", "p", "dependencies.later = '1'");
    let workspace = scene.settle();
    let locked: Vec<_> = workspace.locked.iter().map(|it| (&*it.name, &*it.version, &*it.dependencies)).collect();
    assert_eq!(locked, [("later", "1.0.0", &[][..]), ("log", "0.3.9", &[0]), ("log", "0.4.1", &[])]);
    assert!(workspace.locked[0].checksum.starts_with("100100") && workspace.locked[0].source.starts_with("registry+"));
    assert_eq!(workspace.locked[2].members, [workspace.named("b").unwrap()]);
    assert_eq!(workspace.locked[2].path_packages, [0]);
    assert_eq!((&*workspace.path_packages[0].name, &*workspace.path_packages[0].locked), ("p", &[0][..]));
    let package = member(&workspace, "a").package.as_ref().unwrap();
    assert_eq!(package.locked, [(0, Dev), (1, Normal), (1, Build), (2, Normal), (2, Build)]);
    // A new version of a direct dependency changes the lock, and what it is mapped to.
    put_in_registry(&scene, "la/te/later", "later", &[("1.0.0", &[]), ("2.0.0", &[])]);
    scene.package("ws/p", "p", "dependencies.later = '2'");
    assert_eq!(scene.is_noticed().locked[1].version, "2.0.0".into());
}

#[test]
fn a_manifest_that_is_not_there_is_an_error() {
    let mut scene = Scene::of_two();
    scene.options.manifest_path = Some("none/Cargo.toml".into());
    assert_eq!(scene.error(), "manifest path `none/Cargo.toml` does not exist");
    scene.options.manifest_path = Some("crates".into());
    assert_eq!(scene.error(), "manifest path `crates` is a directory but expected a file");
    scene.options.manifest_path = Some("crates/a/src/lib.rs".into());
    assert_eq!(scene.error(), "the manifest path `crates/a/src/lib.rs` must be a path to a Cargo.toml file");
    scene.options.manifest_path = None;
    scene.stand_in("");
    let error = scene.error();
    assert!(error.starts_with("could not find `Cargo.toml` in `") && error.ends_with("` or any parent directory"));
    assert_eq!(scene.calls(), 0);
}

#[test]
fn what_cargo_refuses_is_told_in_its_own_words() {
    let mut scene = Scene::of_two();
    scene.put("ws/crates/b/Cargo.toml", "nonsense");
    let error = scene.error();
    assert!(error.starts_with("error: ") && error.contains("crates/b/Cargo.toml"), "{error}");
    scene.options.invocation.cargo = scene.path("no-cargo");
    assert!(matches!(load(&scene.options, NOTHING), Err(Error::Start { .. })));
}

#[test]
fn with_locked_a_stale_lock_is_cargos_error() {
    let mut scene = Scene::of_two();
    scene.settle();
    scene.options.locked = true;
    scene.settle();
    let manifest = fs::read_to_string(scene.path("ws/crates/b/Cargo.toml")).unwrap();
    scene.put("ws/crates/b/Cargo.toml", &manifest.replace("0.1.0", "0.2.0"));
    assert!(scene.error().contains("--locked"));
    assert!(scene.error().contains("--locked"));
    scene.options.locked = false;
    scene.is_noticed();
}

#[test]
fn members_share_the_parts_that_reach_them() {
    let scene = Scene::new(
        "[workspace]\nmembers = ['a', 'b', 'c']\nresolver = '2'\n[workspace.package]\nversion = '2.0.0'\n[profile.dev]\ndebug = 0\n",
    );
    for name in ["a", "b"] {
        scene.put(&format!("ws/{name}/Cargo.toml"), &format!("[package]\nname = '{name}'\nversion.workspace = true\n"));
        scene.put(&format!("ws/{name}/src/lib.rs"), "");
    }
    scene.package("ws/c", "c", "");
    let workspace = scene.settle();
    let parts = |name: &str| member(&workspace, name).package.as_ref().unwrap().root_manifest_parts.clone();
    let names = |parts: &[(std::sync::Arc<str>, _)]| parts.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&parts("a")), ["[profile.dev]", "[workspace.package]", "resolver"]);
    assert_eq!(names(&parts("c")), ["[profile.dev]", "resolver"]);
    assert!(std::sync::Arc::ptr_eq(&parts("a"), &parts("b")));
}

#[test]
fn a_thousand_members_are_remembered() {
    let scene = Scene::new("[workspace]\nmembers = ['crates/*']\nresolver = '2'\n");
    for number in 0..1000 {
        let below = if number == 0 { String::new() } else { format!("dependencies.m{0}.path = '../m{0}'", number - 1) };
        scene.package(&format!("ws/crates/m{number}"), &format!("m{number}"), &below);
    }
    let workspace = scene.settle();
    assert_eq!(workspace.members.len(), 1000);
    assert_eq!(edges(&workspace, "m500"), [("m499", Normal)]);
}

/// The traps: what changes cargo's answer and is easily overlooked.
mod is_noticed {
    use super::*;

    #[test]
    fn a_changed_manifest() {
        let scene = Scene::of_two();
        assert_eq!(edges(&scene.settle(), "a"), [("b", Normal)]);
        scene.package("ws/crates/a", "a", "dev-dependencies.b.path = '../b'");
        assert_eq!(edges(&scene.is_noticed(), "a"), [("b", Dev)]);
    }

    #[test]
    fn a_manifest_changed_back_in_time() {
        let scene = Scene::of_two();
        scene.settle();
        let path = scene.path("ws/crates/a/Cargo.toml");
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        // Of the same length.
        let text = fs::read_to_string(&path).unwrap().replace("name = 'a'", "name = 'c'");
        fs::write(&path, text).unwrap();
        fs::File::options().append(true).open(&path).unwrap().set_modified(before).unwrap();
        assert_eq!(names(&scene.is_noticed()), ["b", "c"]);
    }

    #[test]
    fn a_new_folder_that_a_pattern_matches() {
        let scene = Scene::of_two();
        scene.settle();
        scene.package("ws/crates/c", "c", "");
        assert_eq!(names(&scene.is_noticed()), ["a", "b", "c"]);
        fs::remove_dir_all(scene.path("ws/crates/c")).unwrap();
        assert_eq!(names(&scene.is_noticed()), ["a", "b"]);
    }

    #[test]
    fn a_hidden_folder_that_a_pattern_matches() {
        let scene = Scene::of_two();
        scene.settle();
        scene.package("ws/crates/.x", "x", "");
        assert_eq!(names(&scene.is_noticed()), ["a", "b", "x"]);
    }

    #[test]
    fn a_folder_without_a_manifest() {
        let scene = Scene::of_two();
        scene.settle();
        fs::create_dir(scene.path("ws/crates/d")).unwrap();
        assert!(scene.error().contains("failed to load manifest"));
        fs::remove_dir(scene.path("ws/crates/d")).unwrap();
        scene.settle();
    }

    #[test]
    fn a_link_that_a_pattern_matches() {
        let scene = Scene::of_two();
        scene.package("elsewhere/c", "c", "");
        scene.settle();
        symlink(scene.path("elsewhere/c"), scene.path("ws/crates/c")).unwrap();
        assert_eq!(names(&scene.is_noticed()), ["a", "b", "c"]);
        scene.package("elsewhere/c", "see", "");
        assert_eq!(names(&scene.is_noticed()), ["a", "b", "see"]);
        // The link is what it was, what it leads to is another folder.
        scene.package("elsewhere/new", "new", "");
        fs::rename(scene.path("elsewhere/c"), scene.path("elsewhere/old")).unwrap();
        symlink("new", scene.path("elsewhere/c")).unwrap();
        assert_eq!(names(&scene.is_noticed()), ["a", "b", "new"]);
    }

    #[test]
    fn variables_that_choose_the_target_directory() {
        for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
            let mut scene = Scene::of_two();
            scene.settle();
            scene.set(name, scene.path("elsewhere"));
            assert_eq!(scene.is_noticed().target_dir, scene.path("elsewhere"), "{name}");
            scene.stand_in("ws/crates/a");
            scene.set(name, "here");
            assert_eq!(scene.is_noticed().target_dir, scene.path("ws/crates/a/here"), "{name}");
            assert_eq!(scene.load().target_dir_for_children, Some(scene.path("ws/crates/a/here")), "{name}");
        }
    }

    #[test]
    fn the_option_that_chooses_the_target_directory() {
        let mut scene = Scene::of_two();
        scene.settle();
        scene.put("ws/docs/book.md", "");
        scene.stand_in("ws/docs");
        scene.options.target_dir = Some("out".into());
        assert_eq!(scene.is_noticed().target_dir, scene.path("ws/docs/out"));
    }

    #[test]
    fn other_variables_of_cargo() {
        let mut scene = Scene::of_two();
        scene.settle();
        scene.set("CARGO_BUILD_BUILD_DIR", "elsewhere");
        scene.is_noticed();
        scene.set("CARGO_TERM_COLOR", "always");
        scene.set("CARGO_PKG_NAME", "x");
        scene.settle();
        assert_eq!(scene.calls(), 0);
    }

    #[test]
    fn configuration_of_every_folder() {
        let mut scene = Scene::of_two();
        scene.settle();
        // In an order in which each comes before those that are already there.
        for folder in ["cargo-home", ".cargo", "ws/.cargo"] {
            let target_dir = scene.path("targets").join(folder.replace('/', "-"));
            scene.put(&format!("{folder}/config.toml"), &format!("build.target-dir = '{}'", target_dir.display()));
            assert_eq!(scene.is_noticed().target_dir, target_dir, "{folder}");
        }
        scene.put("ws/.cargo/config", "");
        assert_eq!(scene.is_noticed().target_dir, scene.path("targets/.cargo"));
        scene.set("CARGO_HOME", scene.path("another-home"));
        scene.is_noticed();
    }

    #[test]
    fn included_configuration() {
        let scene = Scene::of_two();
        scene.put("ws/.cargo/config.toml", "include = [{ path = 'more.toml', optional = true }]");
        scene.settle();
        scene.put("ws/.cargo/more.toml", "env.X = '1'");
        scene.is_noticed();
        scene.put("ws/.cargo/more.toml", "build.target-dir = 'out'");
        assert_eq!(scene.is_noticed().target_dir, scene.path("ws/out"));
    }

    #[test]
    fn the_values_of_config() {
        let mut scene = Scene::of_two();
        scene.settle();
        scene.put("ws/docs/book.md", "");
        scene.stand_in("ws/docs");
        scene.options.invocation.config = vec!["build.target-dir='out'".into()];
        assert_eq!(scene.is_noticed().target_dir, scene.path("ws/docs/out"));
        scene.put("ws/conf/extra.toml", "build.target-dir = 'one'");
        scene.options.invocation.config = vec!["../conf/extra.toml".into()];
        let workspace = scene.is_noticed();
        assert_eq!(fs::canonicalize(workspace.target_dir).unwrap(), scene.path("ws/one"));
        scene.put("ws/conf/extra.toml", "build.target-dir = 'two'");
        scene.is_noticed();
    }

    #[test]
    fn a_workspace_that_appears_above() {
        let scene = Scene::new("package = { name = 'lone', version = '0.1.0' }");
        scene.put("ws/src/lib.rs", "");
        assert_eq!(scene.settle().root, scene.path("ws"));
        scene.put("Cargo.toml", "[workspace]\nmembers = ['ws']\n");
        assert_eq!(scene.is_noticed().root, scene.path(""));
    }

    #[test]
    fn a_workspace_that_appears_between() {
        let mut scene = Scene::of_two();
        scene.stand_in("ws/crates/b");
        scene.settle();
        scene.put("ws/crates/Cargo.toml", "[workspace]\nmembers = ['b']\n");
        assert_eq!(scene.is_noticed().root, scene.path("ws/crates"));
    }

    #[test]
    fn a_missing_or_changed_lock() {
        let scene = Scene::of_two();
        scene.settle();
        fs::remove_file(scene.path("ws/Cargo.lock")).unwrap();
        scene.is_noticed();
        assert!(scene.path("ws/Cargo.lock").exists());
        scene.put("ws/Cargo.lock", "version = 4\n");
        scene.is_noticed();
        assert!(fs::read_to_string(scene.path("ws/Cargo.lock")).unwrap().contains("\"b\""));
    }

    #[test]
    fn the_manifest_of_a_path_package() {
        let scene = Scene::of_two();
        scene.package("ws/crates/b", "b", "dependencies.out.path = '../../../out'");
        scene.package("out", "out", "");
        scene.package("far", "far", "");
        assert_eq!(scene.settle().path_packages.len(), 1);
        scene.package("out", "out", "dependencies.far.path = '../far'");
        assert_eq!(scene.is_noticed().path_packages.len(), 2);
    }

    #[test]
    fn another_cargo_and_other_options() {
        let mut scene = Scene::of_two();
        scene.settle();
        scene.options.offline = false;
        scene.options.frozen = true;
        scene.is_noticed();
        sh(&format!("cd {} && cp cargo cargo2", scene.top.path().display()));
        scene.options.invocation.cargo = scene.path("cargo2");
        scene.is_noticed();
        scene.set("RUSTUP_TOOLCHAIN", "");
        scene.is_noticed();
    }

    #[test]
    fn every_damage_of_the_snapshot() {
        let scene = Scene::of_two();
        scene.settle();
        let folder = fs::read_dir(scene.path("ws/target/lifecycle")).unwrap().next().unwrap().unwrap().path();
        let path = folder.join("workspace.json");
        let sound = fs::read(&path).unwrap();
        let target_dir = scene.path("ws/target");
        let read = || snapshot::read(&scene.options, &scene.path("ws"), &target_dir);
        assert!(read().is_some());
        for place in (0..sound.len()).step_by(17) {
            let mut damaged = sound.clone();
            damaged[place] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(read().is_none(), "flipped at {place}");
            fs::write(&path, &sound[..place]).unwrap();
            assert!(read().is_none(), "cut at {place}");
        }
        scene.is_noticed();
    }
}

#[test]
fn what_changes_nothing_starts_no_cargo() {
    let scene = Scene::of_two();
    scene.settle();
    let now = std::time::SystemTime::now();
    let manifest: &Path = &scene.path("ws/crates/a/Cargo.toml");
    fs::File::options().append(true).open(manifest).unwrap().set_modified(now).unwrap();
    scene.put("ws/crates/a/src/lib.rs", "pub fn new() {}");
    scene.put("ws/crates/a/tests/new.rs", "");
    scene.put("ws/crates/notes.txt", "");
    scene.settle();
    assert!(!scene.load().cargo_started);
    assert_eq!(scene.calls(), 0);
}

#[test]
fn a_cargo_that_does_not_know_its_host_by_a_word_is_asked_for_it() {
    let scene = Scene::of_two();
    // What cargo 1.85 says of a platform that the compiler does not know.
    let said = "error: failed to run `rustc` to learn about target-specific information\n\ncould not find specification for \
                target \\\"host-tuple\\\"";
    let script = format!("case $* in *host-tuple*) printf '{said}' >&2; exit 101;; esac");
    let top = scene.top.path().display().to_string();
    sh(&format!("cd {top} && mv cargo real"));
    scene.put("cargo", &format!("#!/bin/sh\n{script}\nexec {top}/real \"$@\"\n"));
    sh(&format!("chmod +x {top}/cargo"));
    assert_eq!(scene.load().workspace.members.len(), 2);
    let calls = fs::read_to_string(scene.path("calls")).unwrap();
    assert!(calls.contains("-vV") && calls.contains("--filter-platform"), "{calls}");
}

#[test]
fn a_change_while_cargo_runs_is_not_remembered() {
    let scene = Scene::of_two();
    let script = format!(
        "cd {0} && mv cargo real && printf '#!/bin/sh\\n{0}/real \"$@\" && echo \"# late\" >> {0}/ws/crates/b/Cargo.toml\\n' \
         > cargo && chmod +x cargo",
        scene.top.path().display()
    );
    sh(&script);
    assert!(scene.load().cargo_started);
    assert!(scene.load().cargo_started);
}
