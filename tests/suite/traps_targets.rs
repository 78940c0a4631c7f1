//! Targets that cargo finds by itself: new ones, gone ones, and those that only seem to be there.

use crate::scene::Scene;
use crate::trap::{Plain, Trap};

#[test]
fn new_targets_of_every_kind() {
    let trap = Trap::all_targets(Scene::of(&["alpha"]));
    for (path, is_good) in [
        ("src/main.rs", "fn main() {}\n"),
        ("src/bin/one.rs", "fn main() {}\n"),
        ("src/bin/two/main.rs", "fn main() {}\n"),
        ("examples/one.rs", "fn main() {}\n"),
        ("examples/two/main.rs", "fn main() {}\n"),
        ("tests/one.rs", ""),
        ("tests/two/main.rs", ""),
        ("benches/one.rs", ""),
        ("benches/two/main.rs", ""),
        ("build.rs", "fn main() {}\n"),
    ] {
        let file = format!("alpha/{path}");
        trap.scene.write(&file, "nonsense\n");
        trap.both_fail();
        trap.scene.write(&file, is_good);
        trap.both_run(path);
    }
    trap.scene.write("alpha/tests/one.rs", "nonsense\n");
    trap.both_fail();
    trap.scene.remove("alpha/tests/one.rs");
    trap.plain_is(Plain::Rebuilds);
    trap.runs_for("tests/one.rs is gone");
    trap.settles();
}

#[test]
fn a_target_that_is_gone() {
    let scene = Scene::of(&["alpha"]).file("alpha/src/bin/one.rs", "fn main() {}\n");
    scene.append("alpha/Cargo.toml", "\n[[bin]]\nname = \"one\"\n");
    let trap = Trap::check(scene);
    trap.scene.remove("alpha/src/bin/one.rs");
    trap.plain_is(Plain::Fails);
    assert_ne!(trap.call().run().code, Some(0));
}

#[test]
fn a_library_that_is_gone() {
    let scene = Scene::of(&["alpha"]).file("alpha/src/main.rs", "fn main() { println!(\"{}\", alpha::NAME); }\n");
    let trap = Trap::check(scene);
    trap.scene.remove("alpha/src/lib.rs");
    trap.both_fail();
}

#[test]
fn folders_and_files_that_are_no_targets() {
    let trap = Trap::all_targets(
        Scene::of(&["alpha"]).file("alpha/tests/one.rs", "mod shared;\n").file("alpha/tests/shared/mod.rs", ""),
    );
    trap.scene.write("alpha/tests/shared/mod.rs", "pub fn f() {}\n");
    trap.both_run("tests/shared/mod.rs changed");
    trap.scene.write("alpha/tests/shared/main.rs", "nonsense\n");
    trap.both_fail();
}

#[test]
fn autodiscovery_that_is_switched_off_and_on() {
    let scene = Scene::of(&["alpha"]).file("alpha/src/bin/one.rs", "nonsense\n");
    scene.replace("alpha/Cargo.toml", "edition", "autobins = false\nedition");
    let trap = Trap::check(scene);
    trap.scene.replace("alpha/Cargo.toml", "autobins = false\n", "");
    trap.both_fail();
}
