//! Traps of packages that are no members: by path, by `[patch]`, by git, and what they inherit or bring along.

use std::process::Command;

use crate::scene::Scene;
use crate::witness::Witness;

/// Writes a package beside the workspace.
fn package(scene: &Scene, name: &str, rest: &str) {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n{rest}");
    scene.write(&format!("../side/{name}/Cargo.toml"), &manifest);
    scene.write(&format!("../side/{name}/src/lib.rs"), "pub const ONE: u8 = 1;\n");
}

const BROKEN_SCRIPT: &str = "fn main() {\n    panic!();\n}\n";

/// `leaf 1` of the registry is to be found in the folder `vendor`.
fn vendored(scene: &Scene, more: &str) {
    let config = format!(
        "{more}[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"../side/vendor\"\n"
    );
    scene.write(".cargo/config.toml", &config);
    package(scene, "vendor/leaf", "");
    scene.replace("../side/vendor/leaf/Cargo.toml", "vendor/leaf", "leaf");
    let checksum = format!("{{\"files\":{{}},\"package\":\"{}\"}}", "ab".repeat(32));
    scene.write("../side/vendor/leaf/.cargo-checksum.json", &checksum);
}

#[test]
fn a_path_dependency_outside_and_one_of_its_own() {
    let scene = Scene::of(&["a"]);
    package(&scene, "near", "[dependencies]\nfar = { path = \"../far\" }\n");
    package(&scene, "far", "[features]\nextra = []\n");
    scene.append("a/Cargo.toml", "near = { path = \"../../side/near\" }\n");
    let trap = Witness::checked(scene);
    trap.scene.append("../side/near/src/lib.rs", "pub const TWO: u8 = 2;\n");
    assert_eq!(trap.reruns(), "near: src/lib.rs changed");
    trap.scene.append("../side/far/src/lib.rs", "pub const TWO: u8 = 2;\n");
    assert_eq!(trap.reruns(), "far: src/lib.rs changed");
    trap.scene.append("../side/far/Cargo.toml", "default = [\"extra\"]\n");
    assert_eq!(trap.reruns(), "far: Cargo.toml changed");
    trap.scene.write("../side/far/notes.md", "beside a package without a build script");
    assert_eq!(trap.runs(), "far: notes.md is new", "more than needed: every file of a package counts");
    trap.scene.write("../side/far/build.rs", BROKEN_SCRIPT);
    trap.breaks();
}

#[test]
fn a_path_dependency_inherits_from_a_workspace_of_its_own() {
    let scene = Scene::of(&["a"]);
    package(&scene, "group/near", "[lints]\nworkspace = true\n");
    scene.replace("../side/group/near/Cargo.toml", "\"group/near\"", "\"near\"");
    scene.replace("../side/group/near/Cargo.toml", "version = \"1.0.0\"", "version.workspace = true");
    let root = "[workspace]\nmembers = [\"near\"]\n[workspace.package]\nversion = \"1.0.0\"\n\
        [workspace.lints.rust]\nunused = \"warn\"\n[profile.dev]\ndebug = 1\n";
    scene.write("../side/group/Cargo.toml", root);
    scene.append(
        "../side/group/near/src/lib.rs",
        "pub const VERSION: &str = env!(\"CARGO_PKG_VERSION\");\nfn unused() {}\n",
    );
    scene.append("a/Cargo.toml", "near = { path = \"../../side/group/near\" }\n");
    let trap = Witness::checked(scene);
    trap.scene.replace("../side/group/Cargo.toml", "1.0.0", "1.0.1");
    assert_eq!(trap.reruns(), "[workspace.package] changed");
    trap.scene.append("../side/group/Cargo.toml", "# a comment\n");
    trap.scene.replace("../side/group/Cargo.toml", "debug = 1", "debug = 2");
    trap.stays();
    trap.scene.replace("../side/group/Cargo.toml", "\"warn\"", "\"deny\"");
    trap.breaks();
}

#[test]
fn a_patch_inside_and_outside_of_the_workspace() {
    for folder in ["patched/leaf", "../side/patched/leaf"] {
        let scene = Scene::of(&["a"]);
        vendored(&scene, "");
        scene.append("a/Cargo.toml", "leaf = \"1\"\n");
        scene.append("Cargo.toml", "exclude = [\"patched\"]\n");
        let manifest = std::fs::read_to_string(scene.at("../side/vendor/leaf/Cargo.toml")).unwrap();
        scene.write(&format!("{folder}/Cargo.toml"), &manifest);
        scene.write(&format!("{folder}/src/lib.rs"), "pub const PATCHED: u8 = 1;\n");
        let trap = Witness::checked(scene);
        trap.scene.append("Cargo.toml", &format!("[patch.crates-io]\nleaf = {{ path = \"{folder}\" }}\n"));
        let why = trap.reruns();
        assert!(why.contains("leaf") || why.contains("[patch.crates-io]"), "{why}");
        trap.scene.append(&format!("{folder}/src/lib.rs"), "pub const TWO: u8 = 2;\n");
        assert_eq!(trap.reruns(), "leaf: src/lib.rs changed");
        trap.scene.write(&format!("{folder}/build.rs"), BROKEN_SCRIPT);
        trap.breaks();
    }
}

#[test]
fn a_patch_in_cargos_configuration_for_a_feature_that_is_off() {
    let scene = Scene::of(&["a"]);
    package(&scene, "patched", "");
    scene.replace("../side/patched/Cargo.toml", "\"patched\"", "\"leaf\"");
    vendored(&scene, "[patch.crates-io]\nleaf = { path = \"../side/patched\" }\n");
    scene.append("a/Cargo.toml", "leaf = { version = \"1\", optional = true }\n");
    let trap = Witness::new(scene, "check -- --all-features", "check --workspace --all-features").begun();
    trap.scene.write("../side/patched/build.rs", BROKEN_SCRIPT);
    trap.breaks();
}

#[test]
fn a_path_that_overrides_a_package() {
    let scene = Scene::of(&["a"]);
    package(&scene, "over", "");
    scene.replace("../side/over/Cargo.toml", "\"over\"", "\"leaf\"");
    vendored(&scene, "paths = [\"../side/over\"]\n");
    scene.append("a/Cargo.toml", "leaf = \"1\"\n");
    let trap = Witness::checked(scene);
    trap.scene.append("../side/over/src/lib.rs", "pub const TWO: u8 = 2;\n");
    assert_eq!(trap.reruns(), "leaf: src/lib.rs changed");
    trap.scene.write("../side/over/build.rs", BROKEN_SCRIPT);
    trap.breaks();
}

/// Runs git in a repository beside the workspace.
fn git(scene: &Scene, words: &[&str]) {
    let identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
    let git = Command::new("git").current_dir(scene.beside("leaf")).args(identity).args(words).output().unwrap();
    assert!(git.status.success(), "{}", String::from_utf8_lossy(&git.stderr));
}

#[test]
fn a_branch_of_a_git_dependency_moves_on() {
    let scene = Scene::of(&["a", "b"]);
    package(&scene, "leaf", "");
    git(&scene, &["init", "-q", "-b", "main"]);
    git(&scene, &["add", "."]);
    git(&scene, &["commit", "-q", "-m", "one"]);
    let repository = scene.beside("leaf");
    scene.append(
        "a/Cargo.toml",
        &format!("leaf = {{ git = \"file://{}\", branch = \"main\" }}\n", repository.display()),
    );
    let home = scene.beside("home");
    let mut trap = Witness::new(scene, "check", "check --workspace");
    trap.set("CARGO_HOME", home);
    trap.set("CARGO_NET_OFFLINE", "false");
    let trap = trap.begun();
    trap.scene.append("../side/leaf/src/lib.rs", "pub const TWO: u8 = 2;\n");
    git(&trap.scene, &["commit", "-q", "-a", "-m", "two"]);
    trap.stays();
    assert_eq!(trap.plainly("update leaf").code, Some(0));
    let why = trap.reruns();
    assert!(why.starts_with("leaf"), "{why}");
}
