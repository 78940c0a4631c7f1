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

/// Cargo looks at what rustc has read, not at what it would find now: E0761 is not seen.
#[test]
fn a_second_file_for_a_module() {
    let cases = [
        ("alpha/src/part.rs", "alpha/src/part/mod.rs", "alpha: src/part/mod.rs is new"),
        ("alpha/src/part/mod.rs", "alpha/src/part.rs", "alpha: src/part.rs is new"),
        ("tools/part.rs", "tools/part/mod.rs", "tools/part/mod.rs is new"),
        ("tools/part/mod.rs", "tools/part.rs", "tools/part.rs is new"),
    ];
    for (first, second, expected) in cases {
        let scene = Scene::of(&["alpha"]).file(first, "");
        let crate_root = if first.starts_with("tools") { "tools/x.rs" } else { "alpha/src/lib.rs" };
        scene.write(crate_root, "#![allow(dead_code)]\nmod part;\nfn main() {}\n");
        scene.append("alpha/Cargo.toml", "[[bin]]\nname = \"x\"\npath = \"../tools/x.rs\"\n");
        if crate_root != "tools/x.rs" {
            scene.write("tools/x.rs", "fn main() {}\n");
        }
        scene.call("check").succeeds();
        assert_eq!(why(&scene, "check"), "fresh");
        scene.write(second, "");
        scene.call("check").plain_cargo("check");
        assert!(scene.call("check -n").succeeds().out().contains(expected));
        let said = format!("`[root]/{second}` may be the same module as `[root]/{first}`, and cargo did not look");
        for _ in 0..2 {
            let ended = scene.call("check").succeeds();
            assert!(ended.err().contains(&said), "{}", ended.text());
        }
        scene.touch_everything();
        let failed = scene.call("check").run();
        assert!(failed.code == Some(1) && failed.err().contains("E0761"), "{}", failed.text());
        scene.remove(second);
        scene.call("check").succeeds();
        assert_eq!(why(&scene, "check"), "fresh");
    }
}

#[test]
fn a_folder_that_is_renamed_into_the_place_of_a_module() {
    let scene = Scene::of(&["alpha"]).file("alpha/src/part.rs", "").file("alpha/src/other/mod.rs", "");
    scene.write("alpha/src/lib.rs", "mod part;\n");
    scene.call("check").succeeds();
    scene.rename("alpha/src/other", "alpha/src/part");
    let ended = scene.call("check").succeeds();
    assert!(ended.err().contains("may be the same module"), "{}", ended.text());
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
fn what_changes_while_it_is_read_for_the_first_time_is_not_kept() {
    let scene = Scene::of(&["alpha"]).file("data/one", "1").file("file", "1");
    for watched in ["data", "file"] {
        let changed = if watched == "data" { "data/one" } else { "file" };
        let script = format!(
            "fn main() {{\n    println!(\"cargo::rerun-if-changed=../{watched}\");\n    \
             std::fs::write(\"../{changed}\", \"{watched}\").unwrap();\n}}\n"
        );
        scene.write("alpha/build.rs", &script);
        let ended = scene.call("check").succeeds();
        assert!(ended.err().contains("changed while it ran"), "{}", ended.text());
        assert_ne!(why(&scene, "check"), "fresh");
    }
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
    let scene = Scene::of(&["alpha", "beta"]).make(make);
    for _ in 0..2 {
        let ended = scene.call("other").succeeds();
        assert!(ended.err().contains("cargo compiled `beta`, which the step is not for"), "{}", ended.text());
    }
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

/// Cargo looks at the times of what links lead to.
#[test]
fn a_link_that_leads_to_an_older_file_now() {
    let scene = Scene::of(&["alpha"]).file("one.txt", "one").file("two.txt", "two");
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    fs::File::options().write(true).open(scene.at("two.txt")).unwrap().set_modified(old).unwrap();
    symlink("one.txt", scene.at("link.txt")).unwrap();
    scene.append("alpha/src/lib.rs", "const _: () = assert!(include_str!(\"../../link.txt\").len() == 3);\n");
    scene.call("check").succeeds();
    scene.remove("link.txt");
    symlink("two.txt", scene.at("link.txt")).unwrap();
    for _ in 0..2 {
        let ended = scene.call("check").succeeds();
        assert_eq!(reason(&ended), "link.txt changed");
        assert!(ended.err().contains("link.txt changed, but is not newer than the last run"), "{}", ended.text());
    }
}
