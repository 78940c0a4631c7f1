//! The traps: what changes cargo's answer and is easily overlooked.

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
    let read = || snapshot::read(&scene.options, (&scene.path("ws"), &target_dir), NOTHING);
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
