//! Sources and what they include: edited, gone, renamed, swapped, oddly named, and found outside of the member.

use std::fs;

use crate::scene::Scene;
use crate::trap::{Plain, Trap, alpha};

#[test]
fn files_outside_of_the_member_that_a_source_includes() {
    let scene = alpha(
        "pub const A: &str = include_str!(\"../../a.txt\");\n\
         pub const B: &[u8] = include_bytes!(\"../../../side/b.bin\");\n\
         pub const C: u8 = include!(\"../../../side/c.in\");\n\
         #[path = \"../../d.rs\"]\npub mod d;\n#[path = \"../../../side/e.rs\"]\npub mod e;\n",
    );
    let paths = ["a.txt", "../side/b.bin", "../side/c.in", "d.rs", "../side/e.rs"];
    for (path, text) in paths.iter().zip(["1", "1", "1", "pub fn d() {}\n", "pub fn e() {}\n"]) {
        scene.write(path, text);
    }
    let trap = Trap::check(scene);
    for (path, text) in paths.iter().zip(["2", "2", "2", "pub fn d(_: u8) {}\n", "pub fn e(_: u8) {}\n"]) {
        trap.scene.write(path, text);
        let name = path.rsplit('/').next().unwrap();
        trap.both_run(&format!("{name} changed"));
    }
    trap.scene.write("../side/c.in", "256");
    trap.both_fail();
    trap.scene.write("../side/c.in", "2");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("the failure is past, and this state is known");
}

#[test]
fn an_included_file_that_goes_and_comes_back() {
    for place in ["word.txt", "../side/word.txt"] {
        let scene = alpha(&format!("pub const A: &str = include_str!(\"../../{place}\");\n")).file(place, "one");
        let trap = Trap::check(scene);
        trap.scene.rename(place, "../kept");
        trap.both_fail();
        trap.scene.rename("../kept", place);
        trap.plain_is(Plain::Rebuilds);
        trap.is_fresh("as it was");
    }
}

#[test]
fn what_a_source_no_longer_includes() {
    let including = "pub const A: &str = include_str!(\"../../../side/a.txt\");\n";
    let trap = Trap::check(alpha(including).file("../side/a.txt", "1"));
    trap.scene.replace("alpha/src/lib.rs", including, "");
    trap.both_run("src/lib.rs changed");
    trap.scene.write("../side/a.txt", "2");
    trap.plain_is(Plain::PassesBy);
    trap.is_fresh("nobody includes it any more");
    trap.scene.append("alpha/src/lib.rs", including);
    trap.both_run("a.txt changed");
    trap.scene.write("../side/a.txt", "1");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was at first");
}

#[test]
fn modules_that_are_edited_or_gone() {
    let scene = alpha("pub mod one;\n").file("alpha/src/one.rs", "pub mod deep;\n");
    let trap = Trap::check(scene.file("alpha/src/one/deep.rs", "pub fn f() {}\n"));
    trap.scene.append("alpha/src/one/deep.rs", "pub fn g() {}\n");
    trap.both_run("src/one/deep.rs changed");
    trap.scene.rename("alpha/src/one/deep.rs", "alpha/src/one/deeper.rs");
    trap.both_fail();
    trap.scene.replace("alpha/src/one.rs", "deep", "deeper");
    trap.both_run("src/one");
    trap.scene.rename("alpha/src/one", "alpha/src/two");
    trap.both_fail();
    trap.scene.rename("alpha/src/one.rs", "alpha/src/two.rs");
    trap.scene.replace("alpha/src/lib.rs", "one", "two");
    trap.both_run("src/");
}

#[test]
fn a_module_that_moves_to_the_other_place_for_it() {
    let trap = Trap::check(alpha("pub mod one;\n").file("alpha/src/one.rs", "pub fn f() {}\n"));
    fs::create_dir(trap.scene.at("alpha/src/one")).unwrap();
    trap.scene.rename("alpha/src/one.rs", "alpha/src/one/mod.rs");
    trap.both_run("src/one/mod.rs is new");
}

#[test]
fn a_file_in_the_other_place_for_a_module() {
    for (there, new) in [("one.rs", "one/mod.rs"), ("one/mod.rs", "one.rs")] {
        let there = format!("alpha/src/{there}");
        let trap = Trap::check(alpha("pub mod one;\n").file(&there, "pub fn f() {}\n"));
        let new = format!("alpha/src/{new}");
        trap.scene.write(&new, "pub fn g() {}\n");
        trap.plain_is(Plain::PassesBy);
        trap.clean_plain_is(Plain::Fails);
        trap.is_not_kept("one");
        trap.is_not_kept("one");
        trap.scene.remove(&new);
        trap.clean_plain_is(Plain::Rebuilds);
        trap.is_fresh("as it was");
    }
}

#[test]
fn a_renamed_folder_of_a_member() {
    let trap = Trap::check(Scene::of(&["alpha", "beta alpha"]));
    trap.scene.rename("alpha", "gamma");
    trap.both_fail_to_load();
    trap.scene.replace("Cargo.toml", "\"alpha\"", "\"gamma\"");
    trap.scene.replace("beta/Cargo.toml", "../alpha", "../gamma");
    trap.both_run("(");
}

/// Both files are older than the last build, and stay so.
#[test]
fn two_sources_that_change_places() {
    let scene = alpha("pub mod one;\npub mod two;\npub const A: u8 = one::N;\n");
    scene.write("alpha/src/one.rs", "pub const N: u8 = 1;\n");
    let trap = Trap::check(scene.file("alpha/src/two.rs", "pub const N: u16 = 2;\n"));
    let swap = |one: &str, two: &str| {
        trap.scene.rename(one, "alpha/src/spare");
        trap.scene.rename(two, one);
        trap.scene.rename("alpha/src/spare", two);
    };
    swap("alpha/src/one.rs", "alpha/src/two.rs");
    trap.cargo_is_fooled_by("src/one.rs");
    trap.clean_plain_is(Plain::Fails);
    swap("alpha/src/one.rs", "alpha/src/two.rs");
    trap.is_fresh("as it was");
}

#[test]
fn two_folders_that_change_places() {
    let scene = alpha("pub mod one;\n").file("alpha/src/one/mod.rs", "pub const N: u8 = 1;\n");
    let trap = Trap::check(scene.file("alpha/spare/mod.rs", "pub const N: u8 = 256;\n"));
    trap.scene.rename("alpha/src/one", "alpha/old");
    trap.scene.rename("alpha/spare", "alpha/src/one");
    trap.cargo_is_fooled_by("src/one/mod.rs");
    trap.scene.touch_everything();
    trap.both_fail();
}

#[test]
fn odd_names() {
    let names = ["sp ace", "ha#sh", "co: lon", "colon:", "quo'te", "-dash", "dol$lar", "(x)", "a=b", "é", "[x]", "*"];
    let long = "x".repeat(250);
    for place in ["alpha", "../side"] {
        let mut names: Vec<String> = names.iter().map(|name| format!("{place}/{name}")).collect();
        names.push(format!("{place}/{long}"));
        let mut source = String::new();
        for name in &names {
            source += &format!("const _: &str = include_str!(\"../../{name}\");\n");
        }
        let scene = alpha(&source);
        names.iter().for_each(|name| scene.write(name, "1"));
        let trap = Trap::check(scene);
        for name in &names {
            trap.scene.write(name, "2");
            trap.both_run(name.rsplit('/').next().unwrap());
        }
    }
}

/// A newline ends a line of dep-info, and a backslash before a space is taken for a part of the name: cargo then looks for a
/// file that is not there, every time. What we cannot read we do not keep.
#[test]
fn names_that_dep_info_cannot_tell() {
    for (name, escaped) in [("new\nline", "new\\nline"), ("end\\", "end\\\\")] {
        let scene = alpha(&format!(
            "const _: &str = include_str!(\"../../../side/{escaped}\");\nconst _: &str = include_str!(\"../z\");\n"
        ));
        scene.write("alpha/z", "1");
        scene.write(&format!("../side/{name}"), "1");
        for _ in 0..2 {
            let plain = scene.call("").env("CARGO_TARGET_DIR", scene.beside("plain")).plain_cargo("check -v");
            assert!(plain.contains("Checking alpha"), "{plain}");
            let text = scene.call("check").succeeds().text();
            assert!(text.contains("is not kept"), "{text}");
        }
        // Now there is such a file, and cargo looks at it alone.
        scene.write("../side/new", "1");
        scene.call("check").succeeds();
        scene.write(&format!("../side/{name}"), "2");
        assert!(!scene.call("check").succeeds().was_fresh(), "{name:?}");
    }
}

#[test]
fn names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let scene = Scene::of(&["alpha"]).file("alpha/build.rs", "fn main() {}\n");
    let odd = scene.at("alpha").join(std::ffi::OsStr::from_bytes(b"caf\xe9.txt"));
    let other = scene.at("alpha").join(std::ffi::OsStr::from_bytes(b"caf\xe8.txt"));
    fs::write(&odd, "1").unwrap();
    let trap = Trap::check(scene);
    fs::write(&odd, "2").unwrap();
    trap.both_run("changed");
    fs::write(&other, "3").unwrap();
    trap.both_run("is new");
    fs::remove_file(&odd).unwrap();
    trap.plain_is(Plain::PassesBy);
    trap.runs_for("is gone");
    trap.runs_for("is gone");
    trap.scene.append("alpha/build.rs", "// The script may have read it.\n");
    trap.runs_for("build.rs changed");
    trap.settles();
}

#[test]
fn variables_that_sources_ask_for() {
    let mut trap = Trap::check(alpha("pub const A: Option<&str> = option_env!(\"TRAP_WORD\");\n"));
    for value in ["one", "", "two\nlines", "two\\nlines", "a b "] {
        trap.set("TRAP_WORD", value);
        trap.both_run("TRAP_WORD changed");
    }
    trap.set("TRAP_OTHER", "one");
    trap.plain_is(Plain::PassesBy);
    trap.is_fresh("nobody asks for it");
    trap.unset("TRAP_WORD");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was at first");
    trap.scene.append("alpha/src/lib.rs", "pub const B: &str = env!(\"TRAP_NEEDED\");\n");
    trap.both_fail();
    trap.set("TRAP_NEEDED", "one");
    trap.both_run("failed before");
    trap.unset("TRAP_NEEDED");
    trap.both_fail();
}

#[test]
fn variables_that_look_like_those_of_cargo() {
    let names = ["CARGO_FEATURE_X", "CARGO_CFG_X", "DEP_X", "OUT_DIR_X", "CARGO_CRATE_NAME_X"];
    let asked = names.map(|name| format!("pub const {name}: Option<&str> = option_env!(\"{name}\");\n"));
    let mut trap = Trap::check(alpha(&asked.concat()));
    for name in names {
        trap.set(name, "one");
        trap.both_run(&format!("{name} changed"));
    }
}

/// Cargo has no sight of it either, and says fresh: the remedy stands in the manual.
#[test]
fn a_workspace_that_moves_with_the_name_of_its_place_in_a_binary() {
    let main = "fn main() { println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\")); }\n";
    let scene = Scene::of(&["alpha"]).file("alpha/src/main.rs", main);
    scene.call("build").succeeds();
    let elsewhere = scene.beside("moved");
    fs::rename(scene.root(), &elsewhere).unwrap();
    let call = scene.call("build").from(elsewhere.to_str().unwrap());
    assert!(call.succeeds().was_fresh());
    let plain = scene.call("").from(elsewhere.to_str().unwrap()).plain_cargo("build -v");
    assert!(plain.contains("Fresh alpha"), "{plain}");
}

/// Line ends are contents: what a source includes holds them.
#[test]
fn other_line_ends() {
    let source = "const _: () = assert!(include_str!(\"../word.txt\").len() == 4);\n";
    let trap = Trap::check(alpha(source).file("alpha/word.txt", "one\n"));
    trap.scene.replace("alpha/src/lib.rs", "\n", "\r\n");
    trap.both_run("src/lib.rs changed");
    trap.scene.write("alpha/word.txt", "one\r\n");
    trap.both_fail();
    trap.scene.write("alpha/word.txt", "\u{feff}o");
    trap.both_run("word.txt changed");
}

impl Trap {
    /// The workspace itself is broken: both say so before anything runs.
    #[track_caller]
    fn both_fail_to_load(&self) {
        self.plain_is(Plain::Fails);
        let ended = self.call().run();
        assert_eq!(ended.code, Some(4), "\n{}", ended.text());
    }
}
