//! The room against real cargo, on workspaces in temporary folders.

mod is_noticed;
mod no_members;
mod renewed;

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

/// Nothing is remembered or done meanwhile.
const NOTHING: Others<'_> =
    Others { digests: &|_, _| Box::new(|path, _| inputs::read(path)), asking: &|_, _, _| (), mapping: &|_, _| () };

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
    let load =
        || pool.install(|| load(&scene.options, Others { asking: &asking, mapping: &mapping, ..NOTHING }).unwrap());
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
fn a_cargo_that_says_nothing_is_told_of_by_its_end() {
    let scene = Scene::of_two();
    sh(&format!("printf '#!/bin/sh\\nkill -9 $$\\n' > {}/cargo", scene.top.path().display()));
    assert_eq!(scene.error(), "error: cargo ended without a word: signal: 9 (SIGKILL)");
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
