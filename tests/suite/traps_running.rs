//! What changes while a step runs: nothing of it is kept, whatever it was and however it looks afterwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::SystemTime;

use crate::scene::Scene;
use crate::trap::{Plain, Trap, alpha, wait_for};

/// A compiler that waits after it has compiled `alpha` for as long as `$SIDE/hold` is there.
const HOLDING: &str = "\"$@\"; code=$?\n\
    case \" $* \" in *' --crate-name alpha '*) if [ -e $SIDE/hold ]; then\n\
    : > $SIDE/held; while [ -e $SIDE/hold ]; do sleep 0.01; done; fi;; esac\nexit $code";

/// Checked once with a compiler that can be held.
fn held(scene: Scene) -> Trap {
    let wrapper = scene.program("wrapper", HOLDING);
    scene.write(".gitignore", "/target\n*.log\n");
    let mut trap = Trap::check(scene);
    trap.set("RUSTC_WRAPPER", wrapper.to_str().unwrap());
    trap.plain();
    trap.runs_for("RUSTC_WRAPPER changed");
    trap
}

impl Trap {
    /// Touches the library, and does this when rustc has read everything and cargo still waits for it; the run must then
    /// say that nothing is kept. `before` is a change that gives it a reason to run.
    #[track_caller]
    fn is_disturbed_by(&self, before: impl Fn(), change: impl Fn()) {
        before();
        fs::write(self.scene.beside("hold"), "").unwrap();
        let call = self.call();
        let child = call.start();
        wait_for(&self.scene.beside("held"));
        change();
        fs::remove_file(self.scene.beside("hold")).unwrap();
        let ended = call.wait(child);
        assert_eq!(ended.code, Some(0), "{}", ended.text());
        assert!(ended.text().contains("not kept"), "{}", ended.text());
        fs::remove_file(self.scene.beside("held")).unwrap();
    }

    fn edits_the_library(&self) -> impl Fn() {
        || self.scene.append("alpha/src/lib.rs", "// edited\n")
    }
}

#[test]
fn an_edit_after_the_compiler_has_read_the_file() {
    let trap = held(alpha("pub mod one;\n").file("alpha/src/one.rs", "pub const N: u8 = 1;\n"));
    let edit = || trap.scene.write("alpha/src/one.rs", "pub const N: u8 = 256;\n");
    trap.is_disturbed_by(trap.edits_the_library(), edit);
    trap.both_fail();
}

/// What rustc read nobody knows: perhaps the edit, and then cargo holds its result, and takes it for this file's.
#[test]
fn an_edit_that_is_taken_back() {
    let trap = held(alpha("pub mod one;\n").file("alpha/src/one.rs", "pub const N: u8 = 1;\n"));
    let path = trap.scene.at("alpha/src/one.rs");
    let edit = || {
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "pub const N: u8 = 2;\n").unwrap();
        fs::write(&path, "pub const N: u8 = 1;\n").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    };
    trap.is_disturbed_by(trap.edits_the_library(), edit);
    trap.is_not_kept("src/one.rs changed, but is not newer");
    fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now()).unwrap();
    trap.runs();
    trap.settles();
}

/// A workspace in which `alpha` includes `path`, from outside of it.
fn including(path: &str) -> Scene {
    alpha(&format!("const _: () = assert!(include_str!(\"../../../side/{path}\").len() < 4);\n"))
}

#[test]
fn an_edit_outside_of_the_workspace() {
    let trap = held(including("word").file("../side/word", "one"));
    trap.is_disturbed_by(trap.edits_the_library(), || trap.scene.write("../side/word", "other"));
    trap.both_fail();
}

#[test]
fn an_edit_outside_of_the_workspace_that_is_taken_back() {
    let trap = held(including("word").file("../side/word", "one"));
    let path = trap.scene.at("../side/word");
    let edit = || {
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        fs::write(&path, "one").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    };
    trap.is_disturbed_by(trap.edits_the_library(), edit);
    trap.is_not_kept("word changed, but is not newer");
    fs::File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now()).unwrap();
    trap.runs();
    trap.settles();
}

#[test]
fn a_file_that_goes_after_the_compiler_has_read_it() {
    let trap = held(including("word").file("../side/word", "one"));
    trap.is_disturbed_by(trap.edits_the_library(), || trap.scene.remove("../side/word"));
    trap.both_fail();
}

#[test]
fn an_older_file_in_the_place_of_one_outside_of_the_workspace() {
    let trap = held(including("word").file("../side/word", "one").file("../side/older", "other"));
    trap.is_disturbed_by(trap.edits_the_library(), || trap.scene.rename("../side/older", "../side/word"));
    assert!(!trap.call().run().was_fresh());
}

#[test]
fn a_link_outside_of_the_workspace_that_leads_elsewhere() {
    let scene = including("word").file("../side/a", "one").file("../side/b", "other");
    symlink("a", scene.beside("word")).unwrap();
    let trap = held(scene);
    let change = || {
        trap.scene.remove("../side/word");
        symlink("b", trap.scene.beside("word")).unwrap();
    };
    trap.is_disturbed_by(trap.edits_the_library(), change);
    assert!(!trap.call().run().was_fresh());
}

#[test]
fn a_link_to_a_folder_that_leads_elsewhere() {
    let scene = including("now/word").file("../side/a/word", "one").file("../side/b/word", "other");
    symlink("a", scene.beside("now")).unwrap();
    let trap = held(scene);
    let change = || {
        trap.scene.remove("../side/now");
        symlink("b", trap.scene.beside("now")).unwrap();
    };
    trap.is_disturbed_by(trap.edits_the_library(), change);
    assert!(!trap.call().run().was_fresh());
}

#[test]
fn a_file_in_a_folder_that_a_build_script_watches() {
    let script = "fn main() { println!(\"cargo::rerun-if-changed=../../side/data\"); }\n";
    for change in [
        (|scene: &Scene| scene.write("../side/data/one", "2")) as fn(&Scene),
        |scene| scene.remove("../side/data/one"),
        |scene| scene.write("../side/data/deep/new", "1"),
        |scene| scene.rename("../side/older", "../side/data/one"),
    ] {
        let scene = Scene::of(&["alpha"]).file("alpha/build.rs", script).file("../side/older", "0");
        scene.write("../side/data/one", "1");
        scene.write("../side/data/deep/two", "1");
        let trap = held(scene);
        trap.is_disturbed_by(trap.edits_the_library(), || change(&trap.scene));
        assert!(!trap.call().run().was_fresh());
    }
}

#[test]
fn a_new_target_while_cargo_runs() {
    let trap = held(Scene::of(&["alpha"]));
    trap.is_disturbed_by(trap.edits_the_library(), || trap.scene.write("alpha/src/main.rs", "nonsense\n"));
    trap.both_fail();
}

#[test]
fn a_manifest_while_cargo_runs() {
    let trap = held(Scene::of(&["alpha"]));
    let change = || trap.scene.replace("alpha/Cargo.toml", "0.1.0", "0.2.0");
    trap.is_disturbed_by(trap.edits_the_library(), change);
    trap.plain_is(Plain::Rebuilds);
    trap.runs();
}

#[test]
fn a_step_that_changes_its_own_input() {
    let make = "[lifecycle.sort]\ncommand = \"sort -o words words\"\ninputs = [\"words\"]\n\
                [lifecycle.count]\ncommand = \"echo >> words\"\ninputs = [\"words\"]\n";
    let scene = Scene::of(&["alpha"]).make(make).file("alpha/words", "b\na\n");
    let disturbed = |phase: &str| scene.call(phase).succeeds().text().contains("inputs of");
    assert!(disturbed("sort"));
    disturbed("sort");
    for _ in 0..3 {
        assert!(disturbed("count"), "it never comes to an end");
    }
}
