//! Time stamps that lie: set back, older, of the future, equal. Cargo believes them.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use crate::scene::Scene;
use crate::trap::{Plain, Trap, alpha, git, set_time};

/// A module whose contents are replaced by something broken of the same size.
fn one() -> Trap {
    Trap::check(alpha("pub mod one;\n").file("alpha/src/one.rs", "pub const N: u8 = 100;\n"))
}
const BROKEN: &str = "pub const N: u8 = 256;\n";

fn modified(trap: &Trap, path: &str) -> SystemTime {
    fs::metadata(trap.scene.at(path)).unwrap().modified().unwrap()
}

fn set_modified(trap: &Trap, path: &str, time: SystemTime) {
    fs::File::options().write(true).open(trap.scene.at(path)).unwrap().set_modified(time).unwrap();
}

/// What became of a source is no longer hidden once it is touched.
#[track_caller]
fn is_found_by_a_touch(trap: &Trap, path: &str) {
    set_modified(trap, path, SystemTime::now());
    trap.both_fail();
}

#[test]
fn the_same_size_and_the_time_put_back() {
    let trap = one();
    let before = modified(&trap, "alpha/src/one.rs");
    trap.scene.write("alpha/src/one.rs", BROKEN);
    set_modified(&trap, "alpha/src/one.rs", before);
    trap.cargo_is_fooled_by("src/one.rs");
    is_found_by_a_touch(&trap, "alpha/src/one.rs");
}

#[test]
fn an_older_file_in_the_place_of_a_source() {
    let trap = one();
    trap.scene.write("alpha/older", BROKEN);
    set_time(&trap.scene.at("alpha/older"), 1_000_000_000);
    trap.runs();
    trap.scene.rename("alpha/older", "alpha/src/one.rs");
    trap.cargo_is_fooled_by("src/one.rs");
    is_found_by_a_touch(&trap, "alpha/src/one.rs");
}

#[test]
fn a_copy_that_keeps_the_time() {
    let trap = one();
    let path = trap.scene.beside("older");
    fs::write(&path, BROKEN).unwrap();
    set_time(&path, 1_000_000_000);
    let copied = Command::new("cp").arg("-p").arg(&path).arg(trap.scene.at("alpha/src/one.rs")).status().unwrap();
    assert!(copied.success());
    trap.cargo_is_fooled_by("src/one.rs");
    is_found_by_a_touch(&trap, "alpha/src/one.rs");
}

#[test]
fn an_older_file_outside_of_the_workspace() {
    let scene = alpha("const _: () = assert!(include_str!(\"../../../side/word\").len() == 3);\n");
    scene.write("../side/word", "one");
    scene.write("../side/older", "other");
    let trap = Trap::check(scene);
    trap.scene.rename("../side/older", "../side/word");
    trap.cargo_is_fooled_by("word");
    is_found_by_a_touch(&trap, "../side/word");
}

/// Archives and some build systems give every file the same time.
#[test]
fn files_that_all_have_one_time() {
    let trap = one();
    for path in ["alpha/src/one.rs", "alpha/src/lib.rs", "alpha/Cargo.toml"] {
        set_time(&trap.scene.at(path), 1);
    }
    trap.is_fresh("only times differ");
    trap.scene.write("alpha/src/one.rs", BROKEN);
    set_time(&trap.scene.at("alpha/src/one.rs"), 1);
    trap.cargo_is_fooled_by("src/one.rs");
    is_found_by_a_touch(&trap, "alpha/src/one.rs");
}

#[test]
fn touches() {
    let trap = Trap::build(Scene::of(&["alpha", "beta alpha"]));
    trap.scene.touch_everything();
    trap.plain_is(Plain::Rebuilds);
    trap.settles();
}

/// Cargo takes it for changed, again and again.
#[test]
fn a_source_of_the_future() {
    let scene =
        alpha("pub mod one;\nconst _: &str = include_str!(\"../../../side/word\");\n").file("../side/word", "1");
    let trap = Trap::check(scene.file("alpha/src/one.rs", ""));
    for (path, name) in [("alpha/src/one.rs", "src/one.rs"), ("../side/word", "word")] {
        trap.scene.append(path, "// edited\n");
        set_time(&trap.scene.at(path), 2_208_988_800);
        trap.plain_is(Plain::Rebuilds);
        trap.plain_is(Plain::Rebuilds);
        trap.runs_for(&format!("{name} changed"));
        trap.settles();
    }
}

/// Every time that was written down is later than what the clock says now.
#[test]
fn a_clock_that_jumps_back() {
    let trap = one();
    for folder in [trap.scene.beside("plain"), trap.scene.at("target/debug")] {
        for entry in walkdir::WalkDir::new(folder) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                set_time(entry.path(), 2_208_988_800);
            }
        }
    }
    let state = trap.scene.state_json();
    let text = fs::read_to_string(&state).unwrap();
    let now = text.split("\"finished_at\":").nth(1).unwrap().trim_start();
    let now = &now[..now.find(|char: char| !char.is_ascii_digit()).unwrap()];
    fs::write(&state, text.replace(now, "2208988800000")).unwrap();
    trap.is_fresh("nothing has changed");
    trap.scene.write("alpha/src/one.rs", BROKEN);
    trap.cargo_is_fooled_by("src/one.rs");
    trap.clean_plain_is(Plain::Fails);
}

/// Plain cargo has compiled a file since we last did, and then one takes its place that is newer than our run alone.
#[test]
fn an_older_file_after_another_cargo_has_run() {
    let trap = one();
    trap.scene.write("../side/backup.rs", BROKEN);
    trap.scene.write("alpha/src/one.rs", "pub const N: u8 = 101;\n");
    trap.scene.call("").plain_cargo("check --workspace");
    trap.plain_is(Plain::Rebuilds);
    trap.scene.rename("../side/backup.rs", "alpha/src/one.rs");
    trap.cargo_is_fooled_by("src/one.rs");
    is_found_by_a_touch(&trap, "alpha/src/one.rs");
}

#[test]
fn an_older_watched_file_after_another_cargo_has_run() {
    let script = "fn main() {\n    println!(\"cargo::rerun-if-changed=../../side/word\");\n    \
                  assert!(std::fs::read(\"../../side/word\").unwrap().len() == 3);\n}\n";
    let trap = Trap::check(Scene::of(&["alpha"]).file("alpha/build.rs", script).file("../side/word", "one"));
    trap.scene.write("../side/backup", "other");
    trap.scene.write("../side/word", "two");
    trap.scene.call("").plain_cargo("check --workspace");
    trap.plain_is(Plain::Rebuilds);
    trap.scene.rename("../side/backup", "../side/word");
    trap.cargo_is_fooled_by("word");
    is_found_by_a_touch(&trap, "../side/word");
}

/// The binary is of an edit that plain cargo has built, and the source again as it was when we did.
#[test]
fn a_source_that_is_put_back_after_another_cargo_has_built() {
    let scene = Scene::of(&["alpha"]).file("alpha/src/main.rs", "fn main() { println!(\"one\"); }\n");
    let trap = Trap::build(scene);
    let says = || Command::new(trap.scene.at("target/debug/alpha")).output().unwrap().stdout;
    trap.scene.rename("alpha/src/main.rs", "../side/backup.rs");
    trap.scene.write("alpha/src/main.rs", "fn main() { println!(\"two\"); }\n");
    trap.scene.call("").plain_cargo("build --workspace");
    trap.plain_is(Plain::Rebuilds);
    trap.scene.rename("../side/backup.rs", "alpha/src/main.rs");
    trap.cargo_is_fooled_by("src/main.rs");
    assert_eq!(says(), b"two\n", "cargo's work, and the reason why nothing is kept");
    set_modified(&trap, "alpha/src/main.rs", SystemTime::now());
    trap.runs();
    trap.settles();
    assert_eq!(says(), b"one\n");
}

/// Nothing is known of before; but the file took its place after what cargo takes for fresh was made.
#[test]
fn an_older_file_from_before_the_first_run() {
    let scene = alpha("pub mod one;\n").file("alpha/src/one.rs", "").file("../side/one.rs", BROKEN);
    scene.call("").plain_cargo("check --workspace");
    scene.rename("../side/one.rs", "alpha/src/one.rs");
    assert!(scene.call("").plain_cargo("check --workspace -v").contains("Fresh alpha"));
    for _ in 0..2 {
        let ended = scene.call("check").succeeds();
        assert!(ended.err().contains("alpha/src/one.rs changed, but is not newer"), "{}", ended.text());
        assert!(!ended.was_fresh());
    }
    scene.touch_everything();
    assert_eq!(scene.call("check").run().code, Some(1));
}

/// An editor may well have compiled an edit before we do.
#[test]
fn an_edit_that_another_cargo_has_compiled() {
    let trap = one();
    trap.scene.write("alpha/src/one.rs", "pub const N: u8 = 101;\n");
    trap.scene.call("").plain_cargo("check --workspace");
    let text = trap.runs_for("src/one.rs changed").text();
    assert!(!text.contains("warning"), "{text}");
    trap.settles();
}

/// In a repository, with a commit for each branch `one` and `two`; `two` has other contents and one more file.
fn repository() -> Trap {
    let scene = alpha("pub mod one;\n")
        .file("alpha/src/one.rs", "pub const N: u8 = 1;\n")
        .file(".gitignore", "/target\n*.log\n");
    git(&scene, "init -q -b one");
    scene.call("").plain_cargo("generate-lockfile");
    git(&scene, "add -A");
    git(&scene, "commit -q -m one");
    git(&scene, "checkout -q -b two");
    scene.write("alpha/src/one.rs", "pub const N: u16 = 2;\n");
    scene.write("alpha/src/main.rs", "fn main() {}\n");
    git(&scene, "add -A");
    git(&scene, "commit -q -m two");
    git(&scene, "checkout -q one");
    Trap::check(scene)
}

#[test]
fn branches_back_and_forth() {
    let trap = repository();
    git(&trap.scene, "checkout -q two");
    trap.both_run("src/");
    for branch in ["one", "two", "one"] {
        git(&trap.scene, &format!("checkout -q {branch}"));
        trap.plain_is(Plain::Rebuilds);
        trap.is_fresh("as it was on this branch");
    }
    trap.scene.write("alpha/src/one.rs", "pub const N: u8 = 256;\n");
    trap.both_fail();
}

#[test]
fn a_stash() {
    let trap = repository();
    trap.scene.write("alpha/src/one.rs", "pub const N: u8 = 3;\n");
    trap.both_run("src/one.rs changed");
    git(&trap.scene, "stash -q");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was at first");
    git(&trap.scene, "stash pop -q");
    trap.plain_is(Plain::Rebuilds);
    trap.is_fresh("as it was before the stash");
}

#[test]
fn sources_that_git_begins_to_ignore() {
    let trap = repository();
    trap.scene.append(".gitignore", "one.rs\n");
    git(&trap.scene, "rm -q --cached alpha/src/one.rs");
    trap.call().succeeds();
    trap.settles();
    trap.scene.write("alpha/src/one.rs", "pub const N: u8 = 3;\n");
    trap.both_run("src/one.rs changed");
    trap.scene.remove("alpha/src/one.rs");
    trap.both_fail();
}
