//! Symbolic and hard links in the place of sources, and the executable bit.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::scene::Scene;
use crate::trap::{Plain, Trap, alpha};

/// Puts a link to this place, as seen from where the link is.
fn link(scene: &Scene, to: &str, path: &str) {
    let path = scene.at(path);
    let _ = fs::remove_file(&path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(to, path).unwrap();
}

/// `alpha/src/one.rs` leads out of the workspace, to the first of two files.
fn linked() -> Trap {
    let scene = alpha("pub mod one;\n").file("../side/a.rs", "pub const N: u8 = 1;\n");
    scene.write("../side/b.rs", "pub const N: u8 = 256;\n");
    link(&scene, "../../../side/a.rs", "alpha/src/one.rs");
    Trap::check(scene)
}

#[test]
fn a_source_that_is_a_link() {
    let trap = linked();
    trap.scene.write("../side/a.rs", "pub const N: u8 = 2;\n");
    trap.both_run("src/one.rs changed");
    trap.scene.remove("../side/a.rs");
    trap.both_fail();
}

#[test]
fn a_link_that_leads_to_another_file_of_old() {
    let trap = linked();
    link(&trap.scene, "../../../side/b.rs", "alpha/src/one.rs");
    trap.cargo_is_fooled_by("src/one.rs");
    trap.clean_plain_is(Plain::Fails);
    link(&trap.scene, "../../../side/a.rs", "alpha/src/one.rs");
    trap.is_fresh("as it was");
}

#[test]
fn a_link_that_gives_way_to_a_file_of_the_same_contents() {
    let trap = linked();
    trap.scene.remove("alpha/src/one.rs");
    fs::copy(trap.scene.at("../side/a.rs"), trap.scene.at("alpha/src/one.rs")).unwrap();
    trap.plain_is(Plain::Rebuilds);
    trap.call().succeeds();
    trap.settles();
    trap.scene.write("../side/a.rs", "pub const N: u8 = 256;\n");
    trap.plain_is(Plain::PassesBy);
    trap.is_fresh("it leads there no more");
}

#[test]
fn a_chain_of_links_of_which_the_middle_one_changes() {
    let scene = alpha("const _: () = assert!(include_str!(\"../../../side/first\").len() == 3);\n");
    scene.write("../side/a", "one");
    scene.write("../side/b", "other");
    link(&scene, "second", "../side/first");
    link(&scene, "a", "../side/second");
    let trap = Trap::check(scene);
    link(&trap.scene, "b", "../side/second");
    trap.cargo_is_fooled_by("first");
    trap.clean_plain_is(Plain::Fails);
}

#[test]
fn a_link_to_a_folder() {
    let scene = alpha("pub mod one;\n").file("../side/v1/mod.rs", "pub mod two;\n").file("../side/v1/two.rs", "");
    scene.write("../side/v2/mod.rs", "pub const N: u8 = 256;\n");
    link(&scene, "../../../side/v1", "alpha/src/one");
    let trap = Trap::check(scene);
    trap.scene.write("../side/v1/two.rs", "pub fn f() {}\n");
    trap.both_run("src/one/two.rs changed");
    link(&trap.scene, "../../../side/v2", "alpha/src/one");
    // The file that is gone gives it away, although the other is of old.
    trap.both_fail();
    link(&trap.scene, "../../../side/v1", "alpha/src/one");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was");
}

#[test]
fn another_release_behind_a_link() {
    let scene = alpha("const _: () = assert!(include_str!(\"../../../side/current/word\").len() == 3);\n");
    scene.write("../side/v1/word", "one");
    scene.write("../side/v2/word", "other");
    link(&scene, "v1", "../side/current");
    let trap = Trap::check(scene);
    link(&trap.scene, "v2", "../side/current");
    trap.cargo_is_fooled_by("word");
    link(&trap.scene, "v1", "../side/current");
    trap.is_fresh("as it was");
}

/// `link/..` is not the folder that the link is in.
#[test]
fn the_folder_above_a_linked_folder() {
    let scene = alpha("const _: &str = include_str!(\"../link/../word.txt\");\n").file("alpha/word.txt", "decoy");
    scene.write("../side/deep/inner", "");
    scene.write("../side/word.txt", "one");
    link(&scene, "../../side/deep", "alpha/link");
    let trap = Trap::check(scene);
    trap.scene.write("../side/word.txt", "two");
    trap.both_run("word.txt changed");
}

#[test]
fn a_link_in_the_way_of_a_watched_path() {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=link/../data\"); }\n";
    let scene = Scene::of(&["alpha"]).file("alpha/build.rs", script).file("alpha/data", "decoy");
    scene.write("../side/deep/inner", "");
    scene.write("../side/data", "one");
    link(&scene, "../../side/deep", "alpha/link");
    let trap = Trap::check(scene);
    trap.scene.write("../side/data", "two");
    trap.both_run("data changed");
}

#[test]
fn a_watched_folder_that_holds_a_link_to_a_folder() {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=../../side/data\"); }\n";
    let scene = Scene::of(&["alpha"]).file("alpha/build.rs", script);
    scene.write("../side/data/one", "1");
    scene.write("../side/else/two", "1");
    link(&scene, "../else", "../side/data/link");
    let trap = Trap::check(scene);
    trap.scene.write("../side/else/two", "2");
    trap.both_run("data changed");
    trap.scene.write("../side/else/three", "1");
    trap.both_run("data changed");
}

#[test]
fn a_file_that_is_edited_by_its_other_name() {
    let scene = alpha("pub mod one;\n").file("../side/one.rs", "pub const N: u8 = 1;\n");
    fs::hard_link(scene.at("../side/one.rs"), scene.at("alpha/src/one.rs")).unwrap();
    let trap = Trap::check(scene);
    fs::write(trap.scene.at("../side/one.rs"), "pub const N: u8 = 2;\n").unwrap();
    trap.both_run("src/one.rs changed");
}

#[test]
fn a_hard_link_to_an_older_file() {
    let scene = alpha("pub mod one;\n").file("alpha/src/one.rs", "").file("../side/old.rs", "nonsense\n");
    let trap = Trap::check(scene);
    trap.scene.remove("alpha/src/one.rs");
    fs::hard_link(trap.scene.at("../side/old.rs"), trap.scene.at("alpha/src/one.rs")).unwrap();
    trap.cargo_is_fooled_by("src/one.rs");
    trap.clean_plain_is(Plain::Fails);
}

#[test]
fn the_executable_bit_of_a_script() {
    let make = "[lifecycle.say]\ncommand = \"./say.sh\"\ninputs = [\"say.sh\"]\noutputs = []\n";
    let scene = Scene::of(&["alpha"]).make(make).file("alpha/say.sh", "#!/bin/sh\necho said >> $SIDE/said\n");
    let set = |mode: u32| fs::set_permissions(scene.at("alpha/say.sh"), fs::Permissions::from_mode(mode)).unwrap();
    set(0o755);
    scene.call("say").succeeds();
    assert!(scene.call("say").succeeds().was_fresh());
    set(0o644);
    let ended = scene.call("say").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    set(0o755);
    assert!(scene.call("say").succeeds().was_fresh(), "as it was");
    set(0o711);
    assert!(scene.call("say").succeeds().was_fresh(), "git does not tell these apart either");
    assert_eq!(scene.take("said"), "said\n");
}

#[test]
fn a_link_to_what_a_step_before_has_changed_is_looked_at_again() {
    let scene = Scene::of(&["a", "b"]).file("a/one.txt", "1").file("b/folder/note", "").make(
        "[lifecycle.one]\ncommand = \"mkdir -p made; cp one.txt made/it\"\ninputs = [\"one.txt\"]\nworkspaces = [\"a\"]\n\
         [lifecycle.two]\nscope = \"workspace\"\ncommand = \"cat b/link\"\ninputs = [\"b/link\"]\n\
         [lifecycle.three]\nscope = \"workspace\"\ncommand = \"cat b/folder/*/it\"\ninputs = [\"b/folder/**\"]\n",
    );
    symlink("../a/made/it", scene.at("b/link")).unwrap();
    symlink("../../a/made", scene.at("b/folder/alias")).unwrap();
    scene.call("one two three").succeeds();
    assert!(scene.call("one two three").succeeds().was_fresh());
    scene.write("a/one.txt", "2");
    let ended = scene.call("one two three").succeeds();
    let reasons = ["one a (one.txt changed)", "two (b/link changed)", "three (b/folder/alias/it changed)"];
    assert_eq!(ended.ran(), reasons, "{}", ended.text());
    assert!(scene.call("one two three").succeeds().was_fresh());
}

/// No walk goes through a link to a folder around it, so that nobody knows what a program reads behind it.
#[test]
fn a_link_to_a_folder_around_it() {
    let scene = Scene::of(&["alpha", "beta"]).make(
        "[lifecycle.named]\ncommand = \"cat root/shared/word\"\ninputs = [\"root/shared/*\"]\noutputs = []\n\
         [lifecycle.default]\ncommand = \"cat src/lib.rs\"\noutputs = []\n\
         [lifecycle.src]\ncommand = \"cat src/lib.rs\"\ninputs = [\"src/**\"]\noutputs = []\n\
         [lifecycle.once]\nscope = \"workspace\"\ncommand = \"cat alpha/root/shared/word\"\noutputs = []\n",
    );
    scene.write("shared/word", "one");
    link(&scene, "..", "alpha/root");
    link(&scene, "../src", "alpha/src/here");
    let phases = ["named -p alpha", "default -p alpha"];
    for words in phases {
        scene.call(words).succeeds();
        scene.write("shared/word", "two");
        let again = scene.call(words).succeeds();
        assert_eq!(again.lines_of("Ran").len(), 1, "{}", again.text());
        let why = "alpha/root: it is a link to a folder around it, or to one that is not walked, and what is there does not count";
        assert!(again.text().contains(why), "{}", again.text());
    }
    for words in ["src -p alpha", "once", "check", "default -p beta"] {
        scene.call(words).succeeds();
        assert!(scene.call(words).succeeds().was_fresh(), "{words}");
    }
    scene.write("shared/word", "three");
    assert!(!scene.call("once").succeeds().was_fresh());
    assert!(scene.call("check").succeeds().was_fresh(), "rustc tells what it reads");
    link(&scene, "../..", "alpha/root");
    scene.write("../shared/word", "outside");
    scene.call("once").succeeds();
    let outside = scene.call("once").succeeds();
    assert!(outside.text().contains("and what is there does not count"), "{}", outside.text());
}

#[test]
fn a_link_into_the_target_directory_that_inputs_name() {
    let scene = Scene::of(&["alpha"]).make(
        "[lifecycle.named]\ncommand = \"cat gen/word\"\ninputs = [\"gen/word\"]\noutputs = []\n\
         [lifecycle.default]\ncommand = \"cat src/lib.rs\"\noutputs = []\n",
    );
    scene.write("target/gen/word", "one");
    link(&scene, "../target/gen", "alpha/gen");
    scene.call("named").succeeds();
    assert!(!scene.call("named").succeeds().was_fresh());
    scene.call("default").succeeds();
    assert!(scene.call("default").succeeds().was_fresh(), "what is built is no input");
}
