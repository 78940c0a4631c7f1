//! Cargo steps depend on what was read, and on nothing else.

use std::fs;
use std::os::unix::fs::symlink;

use crate::call::Ended;
use crate::scene::Scene;

/// The reason of the only step; `fresh` if it did not run.
#[track_caller]
fn why(scene: &Scene, words: &str) -> String {
    reason(&scene.call(words).succeeds())
}

#[track_caller]
fn reason(ended: &Ended) -> String {
    let ran = ended.lines_of("Ran");
    assert!(ran.len() <= 1, "{}", ended.text());
    let reason = ran.first().and_then(|line| line.split_once(" in [time] (")).map_or("fresh", |(_, reason)| reason);
    reason.trim_end_matches(')').to_owned()
}

/// The built-in phases that compile and tell what they read.
const COMPILING: [&str; 3] = ["check", "build", "lint"];

/// `alpha` includes a file in the root that no member owns and one outside of it; `beta` has nothing to do with it.
fn including() -> Scene {
    let scene =
        Scene::of(&["alpha", "beta"]).file("shared.txt", "one").file("README.md", "one").file("docs/x.md", "one");
    fs::write(scene.beside("outside.txt"), "one").unwrap();
    scene.append(
        "alpha/src/lib.rs",
        "pub const SHARED: &str = include_str!(\"../../shared.txt\");\n\
         pub const OUTSIDE: &str = include_str!(\"../../../side/outside.txt\");\n",
    );
    scene
}

#[test]
fn what_is_included_counts_and_other_files_do_not() {
    for phase in COMPILING {
        let scene = including();
        let alone = format!("{phase} -p alpha");
        scene.call(&alone).succeeds();
        assert_eq!(why(&scene, &alone), "fresh");
        for unrelated in ["README.md", "docs/x.md", "docs/new.md", "beta/src/lib.rs", "beta/notes.txt"] {
            scene.write(unrelated, "// two\n");
            assert_eq!(why(&scene, &alone), "fresh", "{phase}: {unrelated}");
        }
        scene.write("shared.txt", "two");
        assert_eq!(why(&scene, &alone), "shared.txt changed", "{phase}");
        fs::write(scene.beside("outside.txt"), "two").unwrap();
        assert_eq!(why(&scene, &alone), "[side]/outside.txt changed", "{phase}");
        assert_eq!(why(&scene, &alone), "fresh", "{phase}");
        scene.remove("shared.txt");
        let failed = scene.call(&alone).run();
        assert_eq!(failed.code, Some(1), "{}", failed.text());
        scene.write("shared.txt", "two");
        scene.call(&alone).succeeds();

        scene.call(phase).succeeds();
        scene.write("README.md", "three");
        assert_eq!(why(&scene, phase), "fresh", "{phase}: no member owns it");
        scene.write("beta/src/lib.rs", "// three\n");
        assert_eq!(why(&scene, phase), "beta: src/lib.rs changed");
    }
}

#[test]
fn what_was_included_before_counts_again_when_it_is() {
    let scene = including();
    let with = fs::read_to_string(scene.at("alpha/src/lib.rs")).unwrap();
    scene.call("check").succeeds();
    scene.write("alpha/src/lib.rs", "pub const NAME: &str = \"alpha\";\n");
    assert_eq!(why(&scene, "check"), "alpha: src/lib.rs changed");
    fs::write(scene.beside("outside.txt"), "two").unwrap();
    scene.write("shared.txt", "two");
    assert_eq!(why(&scene, "check"), "fresh", "it is not included any more");
    scene.write("alpha/src/lib.rs", &with);
    let ended = scene.call("check -n").succeeds();
    assert!(ended.out().contains("stale"), "{}", ended.text());
    fs::write(scene.beside("outside.txt"), "one").unwrap();
    scene.write("shared.txt", "one");
    assert_eq!(why(&scene, "check"), "fresh", "all is as it was at first");
    scene.write("alpha/src/lib.rs", "pub const NAME: &str = \"alpha\";\n");
    assert_eq!(why(&scene, "check"), "fresh", "and back");
}

#[test]
fn a_file_of_another_member_that_is_no_dependency() {
    let scene = Scene::of(&["alpha", "beta"]);
    scene.append("alpha/src/lib.rs", "include!(\"../../beta/src/part.rs\");\n");
    scene.write("beta/src/part.rs", "pub fn part() {}\n");
    scene.call("check -p alpha").succeeds();
    scene.append("beta/src/lib.rs", "// edited\n");
    assert_eq!(why(&scene, "check -p alpha"), "fresh");
    scene.write("beta/src/part.rs", "pub fn part() -> u8 { 1 }\n");
    assert_eq!(why(&scene, "check -p alpha"), "beta/src/part.rs changed");
    scene.call("check").succeeds();
    scene.write("beta/src/part.rs", "pub fn part() -> u8 { 2 }\n");
    assert_eq!(why(&scene, "check"), "beta: src/part.rs changed");
}

#[test]
fn modules_elsewhere_with_modules_of_their_own() {
    let scene = Scene::of(&["alpha"]).file("shared/mod.rs", "pub mod sub;\n").file("shared/sub.rs", "");
    scene.append("alpha/src/lib.rs", "#[path = \"../../shared/mod.rs\"]\npub mod shared;\n");
    scene.call("check").succeeds();
    scene.write("shared/unused.rs", "");
    assert_eq!(why(&scene, "check"), "fresh");
    scene.write("shared/sub.rs", "pub fn sub() {}\n");
    assert_eq!(why(&scene, "check"), "shared/sub.rs changed");
    scene.write("shared/mod.rs", "pub mod sub;\npub mod more;\n");
    scene.write("shared/more.rs", "");
    assert_eq!(why(&scene, "check"), "shared/mod.rs changed");
    scene.write("shared/more.rs", "pub fn more() {}\n");
    assert_eq!(why(&scene, "check"), "shared/more.rs changed");
    scene.write("shared/mod.rs", "pub mod sub;\n");
    assert_eq!(why(&scene, "check"), "fresh", "as it was before");
    scene.write("shared/more.rs", "nonsense");
    assert_eq!(why(&scene, "check"), "fresh", "nobody reads it any more");
}

#[test]
fn files_read_through_a_link_to_a_folder() {
    let scene = Scene::of(&["alpha"]);
    fs::create_dir_all(scene.beside("mods/inner")).unwrap();
    fs::write(scene.beside("mods/inner/mod.rs"), "pub const T: &str = include_str!(\"../t.txt\");\n").unwrap();
    fs::write(scene.beside("mods/t.txt"), "one").unwrap();
    // Seen from the text alone, `inner/../t.txt` is the file beside the link.
    symlink(scene.beside("mods/inner"), scene.at("alpha/src/inner")).unwrap();
    scene.write("alpha/src/t.txt", "another");
    scene.append("alpha/src/lib.rs", "pub mod inner;\n");
    scene.call("check").succeeds();
    assert_eq!(why(&scene, "check"), "fresh");
    fs::write(scene.beside("mods/t.txt"), "two").unwrap();
    assert_eq!(why(&scene, "check"), "[side]/mods/t.txt changed");
    fs::write(scene.beside("mods/inner/mod.rs"), "").unwrap();
    assert_eq!(why(&scene, "check"), "alpha: src/inner/mod.rs changed");
}

#[test]
fn a_watched_folder_of_the_root() {
    let scene = Scene::of(&["alpha", "beta alpha"]).file("data/one", "1").file("data/deep/two", "2");
    scene.write("alpha/build.rs", "fn main() { println!(\"cargo::rerun-if-changed=../data\"); }\n");
    scene.call("check -p beta").succeeds();
    scene.write("other", "");
    assert_eq!(why(&scene, "check -p beta"), "fresh");
    scene.write("data/three", "3");
    assert_eq!(why(&scene, "check -p beta"), "data changed");
    scene.write("data/deep/two", "3");
    assert_eq!(why(&scene, "check -p beta"), "data changed");
    scene.remove("data/three");
    assert_eq!(why(&scene, "check -p beta"), "data changed");
    assert_eq!(why(&scene, "check -p beta"), "fresh");
    fs::create_dir(scene.beside("linked")).unwrap();
    fs::write(scene.beside("linked/file"), "1").unwrap();
    symlink(scene.beside("linked"), scene.at("data/linked")).unwrap();
    assert_eq!(why(&scene, "check -p beta"), "data changed");
    fs::write(scene.beside("linked/file"), "2").unwrap();
    assert_eq!(why(&scene, "check -p beta"), "data changed");
}

#[test]
fn what_a_dependency_is_made_of_counts_whatever_the_phase_says() {
    let scene = Scene::of(&["alpha", "beta alpha"]).make("[lifecycle.check]\ndependencies = false\n");
    scene.call("check -p beta").succeeds();
    scene.append("alpha/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(why(&scene, "check -p beta"), "alpha: src/lib.rs changed");
    scene.write("alpha/build.rs", "fn main() {}\n");
    assert_eq!(why(&scene, "check -p beta"), "alpha: build.rs is new");
}

#[test]
fn inputs_of_a_step_that_compiles_only_add() {
    let scene = Scene::of(&["alpha", "beta alpha"]).make("[lifecycle.check]\ninputs = [\"more.txt\", \"//all.txt\"]\n");
    scene.call("check -p beta").succeeds();
    scene.append("alpha/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(why(&scene, "check -p beta"), "alpha: src/lib.rs changed");
    scene.append("beta/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(why(&scene, "check -p beta"), "beta: src/lib.rs changed");
    scene.write("all.txt", "");
    assert_eq!(why(&scene, "check -p beta"), "//all.txt is new");
    scene.write("README.md", "");
    assert_eq!(why(&scene, "check -p beta"), "fresh");
}

#[test]
fn a_phase_for_the_workspace_that_compiles() {
    let make =
        "[lifecycle.every]\nscope = \"workspace\"\ninputs = [\"more.txt\"]\ncommand = \"cargo check --workspace\"\n";
    let scene = Scene::of(&["alpha", "beta alpha"]).make(make);
    scene.call("every").succeeds();
    assert_eq!(why(&scene, "every"), "fresh");
    scene.append("alpha/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(why(&scene, "every"), "alpha: src/lib.rs changed");
    scene.append("Cargo.toml", "[profile.dev]\nopt-level = 1\n");
    assert_ne!(why(&scene, "every"), "fresh");
    scene.write("more.txt", "");
    assert_eq!(why(&scene, "every"), "more.txt is new");
}

#[test]
fn a_command_that_selects_other_members_than_the_step_is_for() {
    let make = "[lifecycle.other]\nworkspaces = [\"alpha\"]\ncommand = \"cargo check -p beta\"\n[workspace.alpha]\n\
        lifecycle.other.cache = true\n";
    let scene = Scene::of(&["alpha", "beta gamma", "gamma", "delta"]).make(make);
    scene.call("other").succeeds();
    scene.append("delta/src/lib.rs", "// no dependency\n");
    assert_eq!(why(&scene, "other"), "fresh");
    scene.append("gamma/Cargo.toml", "[features]\nmore = []\n");
    assert_eq!(why(&scene, "other"), "gamma: Cargo.toml changed");
    scene.write("beta/src/main.rs", "fn main() { none() }");
    assert_eq!(scene.call("other").run().code, Some(1));
    // What a command compiles without naming it is seen afterwards.
    scene.write("make.toml", &make.replace("-p beta", "-p beta@0.1.0"));
    scene.remove("beta/src/main.rs");
    scene.call("other").succeeds();
    scene.append("delta/src/lib.rs", "// all of them now\n");
    assert_eq!(why(&scene, "other"), "delta: src/lib.rs changed");
}

#[test]
fn the_lock_and_the_root_manifest_where_a_source_includes_them() {
    let scene = Scene::of(&["alpha", "beta"]);
    scene.append(
        "alpha/src/lib.rs",
        "pub const LOCK: &str = include_str!(\"../../Cargo.lock\");\n\
         pub const MANIFEST: &str = include_str!(\"../../Cargo.toml\");\n",
    );
    for (place, phase) in COMPILING.iter().enumerate() {
        let alone = format!("{phase} -p alpha");
        scene.call(&alone).succeeds();
        assert_eq!(why(&scene, &alone), "fresh");
        scene.append("Cargo.toml", "# a remark\n");
        assert_eq!(why(&scene, &alone), "Cargo.toml changed");
        scene.replace("beta/Cargo.toml", &format!("0.{}.0", place + 1), &format!("0.{}.0", place + 2));
        assert_eq!(why(&scene, &alone), "Cargo.lock changed");
    }
}

/// The key of the package in the root covers Cargo.lock only by the packages that it depends on.
#[test]
fn the_lock_where_the_package_in_the_root_reads_it() {
    for is_included in [true, false] {
        let scene = Scene::of(&["alpha"]).file("src/lib.rs", "");
        scene.replace("Cargo.toml", "[workspace]", "[package]\nname = \"top\"\nedition = \"2024\"\n[workspace]");
        if is_included {
            scene.write("src/lib.rs", "pub const LOCK: &str = include_str!(\"../Cargo.lock\");\n");
        } else {
            // It asks for nothing, so cargo runs it again when any file of the package has changed.
            scene.write("build.rs", "fn main() { std::fs::read(\"Cargo.lock\").unwrap(); }\n");
        }
        scene.call("check -p top").succeeds();
        scene.append("alpha/src/lib.rs", "// edited\n");
        assert_eq!(why(&scene, "check -p top"), "fresh");
        scene.replace("alpha/Cargo.toml", "0.1.0", "0.2.0");
        assert_eq!(why(&scene, "check -p top"), "Cargo.lock changed");
    }
}

#[test]
fn a_remark_in_the_root_manifest_concerns_no_step() {
    let scene = Scene::of(&["alpha"]);
    for phase in COMPILING {
        scene.call(phase).succeeds();
        scene.append("Cargo.toml", "# a remark\n");
        assert_eq!(why(&scene, phase), "fresh", "{phase}");
    }
}

#[test]
fn a_target_in_the_root_folder_of_a_virtual_workspace() {
    let scene = Scene::of(&["alpha"]).file("show.rs", "mod part;\nfn main() { part::part(); }\n");
    scene.write("part.rs", "pub fn part() {}\n");
    scene.append("alpha/Cargo.toml", "[[example]]\nname = \"show\"\npath = \"../show.rs\"\n");
    scene.call("lint").succeeds();
    scene.write("unread.rs", "");
    assert_eq!(why(&scene, "lint"), "fresh");
    scene.write("part.rs", "pub fn part() -> u8 {\n    1\n}\n");
    assert_eq!(why(&scene, "lint"), "part.rs changed");
    scene.append("show.rs", "// edited\n");
    assert_eq!(why(&scene, "lint"), "show.rs changed");
}

#[test]
fn a_member_in_the_root_folder() {
    let scene = Scene::of(&["alpha"]).file("src/lib.rs", "pub const T: &str = include_str!(\"../alpha/t.txt\");\n");
    scene.write("alpha/t.txt", "one");
    scene.replace("Cargo.toml", "[workspace]", "[package]\nname = \"top\"\nedition = \"2024\"\n[workspace]");
    scene.call("check -p top").succeeds();
    scene.append("alpha/src/lib.rs", "// edited\n");
    assert_eq!(why(&scene, "check -p top"), "fresh");
    scene.write("alpha/t.txt", "two");
    assert_eq!(why(&scene, "check -p top"), "alpha/t.txt changed");
    scene.write("notes.txt", "");
    assert_eq!(why(&scene, "check -p top"), "top: notes.txt is new");
    scene.call("check -p alpha").succeeds();
    scene.write("notes.txt", "two");
    assert_eq!(why(&scene, "check -p alpha"), "fresh");
}

#[test]
fn a_procedural_macro_and_who_uses_it() {
    let scene = Scene::of(&["macros", "alpha macros", "beta"]);
    scene.append("macros/Cargo.toml", "[lib]\nproc-macro = true\n");
    scene.write(
        "macros/src/lib.rs",
        "use proc_macro::TokenStream;\n#[proc_macro]\npub fn word(_: TokenStream) -> TokenStream {\n    \
         include_str!(\"../../word.txt\").parse().unwrap()\n}\n",
    );
    scene.write("word.txt", "1");
    scene.append("alpha/src/lib.rs", "pub const WORD: u8 = macros::word!();\n");
    scene.call("check -p alpha").succeeds();
    scene.append("beta/src/lib.rs", "// edited\n");
    assert_eq!(why(&scene, "check -p alpha"), "fresh");
    scene.write("word.txt", "2");
    assert_eq!(why(&scene, "check -p alpha"), "word.txt changed");
    scene.append("macros/src/lib.rs", "// edited\n");
    assert_eq!(why(&scene, "check -p alpha"), "macros: src/lib.rs changed");
}

#[test]
fn variables_of_cargos_configuration() {
    let scene = Scene::of(&["alpha", "beta"]).file(".cargo/config.toml", "[env]\nWORD = \"one\"\n");
    scene.append("alpha/src/lib.rs", "pub const WORD: &str = env!(\"WORD\");\n");
    scene.call("check -p alpha").succeeds();
    assert_eq!(why(&scene, "check -p alpha"), "fresh");
    scene.write(".cargo/config.toml", "[env]\nWORD = \"two\"\n");
    assert_eq!(why(&scene, "check -p alpha"), ".cargo/config.toml changed");
}

#[test]
fn one_member_and_another_and_all() {
    let scene = including();
    for words in ["check -p alpha", "check -p beta", "check"] {
        assert_ne!(why(&scene, words), "fresh");
    }
    for words in ["check -p alpha", "check -p beta", "check"] {
        assert_eq!(why(&scene, words), "fresh");
    }
    scene.write("shared.txt", "two");
    assert_eq!(why(&scene, "check -p beta"), "fresh");
    assert_ne!(why(&scene, "check -p alpha"), "fresh");
    assert_ne!(why(&scene, "check"), "fresh");
}

/// rustdoc does not tell what it read.
#[test]
fn documentation_depends_on_every_file_of_the_workspace() {
    let scene = Scene::of(&["alpha", "beta"]);
    scene.append("alpha/src/lib.rs", "#![doc = include_str!(\"../../beta/README.md\")]\n");
    scene.replace("alpha/src/lib.rs", "pub const NAME: &str = \"alpha\";\n", "");
    scene.write("beta/README.md", "one");
    scene.call("doc -p alpha").succeeds();
    scene.write("beta/README.md", "two");
    assert_eq!(why(&scene, "doc -p alpha"), "beta: README.md changed");
}

/// Cargo reads the manifests of all members, whichever are selected.
#[test]
fn a_member_that_loses_its_only_target() {
    let scene = Scene::of(&["alpha", "beta"]);
    scene.call("check -p alpha").succeeds();
    scene.remove("beta/src/lib.rs");
    assert!(scene.call("check -p alpha -n").succeeds().out().contains("stale: beta: src/lib.rs is gone"));
    let failed = scene.call("check -p alpha").run();
    assert!(failed.code == Some(1) && failed.err().contains("no targets specified"), "{}", failed.text());
}
