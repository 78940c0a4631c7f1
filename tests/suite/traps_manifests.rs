//! Traps of manifests: features that unify, kinds of dependencies, what the root manifest gives, which packages are members.

use std::process::Command;

use crate::scene::Scene;
use crate::witness::Witness;

/// `b` says whether `common` has the feature that only `a` asks for.
fn unified() -> Scene {
    let scene = Scene::of(&["a", "b", "common"]);
    scene.append("common/Cargo.toml", "[features]\nextra = []\n");
    scene.write("common/src/lib.rs", "pub const EXTRA: bool = cfg!(feature = \"extra\");\n");
    scene.append("a/Cargo.toml", "common = { path = \"../common\", features = [\"extra\"] }\n");
    scene.append("b/Cargo.toml", "common = { path = \"../common\" }\n");
    scene.write("b/src/main.rs", "fn main() {\n    print!(\"{}\", common::EXTRA);\n}\n");
    scene
}

/// What a program prints.
fn says(path: std::path::PathBuf) -> String {
    String::from_utf8(Command::new(path).output().unwrap().stdout).unwrap()
}

#[test]
fn another_selection_makes_another_program_at_the_same_place() {
    let trap = Witness::new(unified(), "", "");
    let plain = |words: &str| {
        assert_eq!(trap.plainly(words).code, Some(0));
        says(trap.scene.beside("plain/debug/b"))
    };
    assert_eq!(plain("build -p b"), "false");
    assert_eq!(plain("build -p a -p b"), "true");

    let build = |words: &str| (trap.scene.call(words).succeeds(), says(trap.scene.at("target/debug/b")));
    assert_eq!(build("build -p b").1, "false");
    let (ended, said) = build("build -p a -p b");
    assert!(ended.text().contains("(selection changed: was -p b)"), "{}", ended.text());
    assert_eq!(said, "true");
    let (ended, said) = build("build -p b");
    assert!(ended.text().contains(" was changed)"), "{}", ended.text());
    assert_eq!(said, "false", "the same key as at first, but not the same file");
    assert!(build("build -p b").0.was_fresh());
}

#[test]
fn a_members_manifest_changes_the_features_of_another() {
    let trap = Witness::checked(unified());
    trap.scene.replace("a/Cargo.toml", ", features = [\"extra\"]", "");
    assert_eq!(trap.reruns(), "a: Cargo.toml changed");
    trap.scene.append("common/Cargo.toml", "default = [\"extra\"]\n");
    assert_eq!(trap.reruns(), "common: Cargo.toml changed");
}

#[test]
fn dependencies_for_this_target() {
    let scene = Scene::of(&["a", "here"]);
    scene.append("a/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nhere = { path = \"../here\" }\n");
    let trap = Witness::new(scene, "check -p a", "check -p a").begun();
    trap.scene.append("here/src/lib.rs", "pub const MORE: u8 = 1;\n");
    assert_eq!(trap.reruns(), "here: src/lib.rs changed");
    trap.scene.replace("a/Cargo.toml", "cfg(unix)", "cfg(not(windows))");
    trap.scene.append("here/src/lib.rs", "nonsense\n");
    trap.breaks();
}

#[test]
fn build_dependencies_count_and_dev_dependencies_where_tests_are_compiled() {
    let scene = Scene::of(&["a", "maker", "tester"]);
    scene.append(
        "a/Cargo.toml",
        "[build-dependencies]\nmaker = { path = \"../maker\" }\n[dev-dependencies]\ntester = { path = \"../tester\" }\n",
    );
    scene.write("a/build.rs", "fn main() {\n    println!(\"cargo::rustc-env=MADE={}\", maker::NAME);\n}\n");
    scene.append("a/src/lib.rs", "pub const MADE: &str = env!(\"MADE\");\n#[cfg(test)]\nuse tester as _;\n");
    let trap = Witness::new(scene, "lint -p a", "clippy -p a --all-targets").begun();
    trap.scene.replace("maker/src/lib.rs", "\"maker\"", "\"MAKER\"");
    assert_eq!(trap.reruns(), "maker: src/lib.rs changed");
    trap.scene.append("tester/src/lib.rs", "pub const MORE: u8 = 1;\n");
    assert_eq!(trap.reruns(), "tester: src/lib.rs changed");
}

#[test]
fn members_whose_tests_need_each_other() {
    let scene = Scene::of(&["a", "b a"]);
    scene.append("a/Cargo.toml", "[dev-dependencies]\nb = { path = \"../b\" }\n");
    scene.append("a/src/lib.rs", "#[cfg(test)]\nuse b as _;\n");
    let trap = Witness::new(scene, "lint -p a", "clippy -p a --all-targets").begun();
    trap.scene.append("b/src/lib.rs", "pub const MORE: u8 = 1;\n");
    assert_eq!(trap.reruns(), "b: src/lib.rs changed");
}

#[test]
fn what_the_root_manifest_gives() {
    let scene = Scene::of(&["a", "leaf"]);
    scene.append(
        "Cargo.toml",
        "[workspace.package]\nversion = \"1.0.0\"\n[workspace.lints.rust]\nunused = \"warn\"\n\
         [workspace.dependencies]\nleaf = { path = \"leaf\", default-features = false }\n[profile.dev]\ndebug = 1\n",
    );
    scene.append("leaf/Cargo.toml", "[features]\ndefault = [\"full\"]\nfull = []\n");
    scene.replace("a/Cargo.toml", "version = \"0.1.0\"", "version.workspace = true");
    scene.append("a/Cargo.toml", "leaf.workspace = true\n[lints]\nworkspace = true\n");
    scene.append("a/src/lib.rs", "pub const VERSION: &str = env!(\"CARGO_PKG_VERSION\");\n");
    let trap = Witness::new(scene, "check -p a", "check -p a").begun();
    for (old, new, why) in [
        ("1.0.0", "1.0.1", "[workspace.package] changed"),
        ("\"warn\"", "\"deny\"", "[workspace.lints] changed"),
        ("default-features = false", "default-features = true", "[workspace.dependencies] leaf changed"),
        ("debug = 1", "debug = 2", "[profile.dev] changed"),
    ] {
        trap.scene.replace("Cargo.toml", old, new);
        assert_eq!(trap.reruns(), why);
    }
}

#[test]
fn a_comment_in_the_root_manifest_changes_nothing() {
    let trap = Witness::checked(Scene::of(&["a"]));
    trap.scene.append("Cargo.toml", "# a comment\n[workspace.metadata.own]\nkey = 1\n");
    trap.stays();
}

#[test]
fn members_come_and_go_by_a_pattern() {
    let scene =
        Scene::of(&["crates/a"]).file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    scene.replace("crates/a/Cargo.toml", "crates/a", "a");
    let trap = Witness::checked(scene);
    let package = "[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    for folder in ["crates/b", "crates/.b"] {
        trap.scene.write(&format!("{folder}/src/lib.rs"), "pub const B: u8 = 1;\n");
        trap.scene.write(&format!("{folder}/Cargo.toml"), package);
        let why = trap.reruns();
        assert!(why.contains("b"), "{why}");
        std::fs::remove_dir_all(trap.scene.at(folder)).unwrap();
        trap.is_fresh();
    }
    trap.scene.write("crates/notes.txt", "no folder");
    trap.scene.write("crates/b/notes.txt", "no package");
    trap.breaks();
}

#[test]
fn a_package_that_is_excluded_and_one_that_is_its_own_workspace() {
    let scene = Scene::of(&["a"]);
    scene.append("Cargo.toml", "exclude = [\"out\", \"own\"]\n");
    scene.add_library("out");
    scene.add_library("own");
    scene.append("own/Cargo.toml", "[workspace]\n");
    scene.append("a/Cargo.toml", "out = { path = \"../out\" }\nown = { path = \"../own\" }\n");
    let trap = Witness::checked(scene);
    trap.scene.append("out/src/lib.rs", "pub const MORE: u8 = 1;\n");
    assert_eq!(trap.reruns(), "out: src/lib.rs changed");
    trap.scene.append("own/src/lib.rs", "pub const MORE: u8 = 1;\n");
    assert_eq!(trap.reruns(), "own: src/lib.rs changed");
    trap.scene.replace("own/Cargo.toml", "0.1.0", "0.2.0");
    assert_eq!(trap.reruns(), "own: Cargo.toml changed");
}

#[test]
fn a_member_with_another_name_in_the_same_folder() {
    let trap = Witness::checked(Scene::of(&["a", "b"]));
    trap.scene.replace("a/Cargo.toml", "name = \"a\"", "name = \"c\"");
    let why = trap.reruns();
    assert!(why.contains("Cargo.toml") || why.contains('c'), "{why}");
    trap.scene.replace("a/Cargo.toml", "name = \"c\"", "name = \"a\"");
    trap.is_fresh();
}

#[test]
fn another_edition_or_resolver() {
    let trap = Witness::checked(Scene::of(&["a"]));
    trap.scene.replace("a/Cargo.toml", "2024", "2021");
    assert_eq!(trap.reruns(), "a: Cargo.toml changed");
    trap.scene.replace("Cargo.toml", "\"3\"", "\"1\"");
    assert_eq!(trap.runs(), "resolver changed");
}
