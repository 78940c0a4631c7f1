//! Traps of company: checkouts that share a target directory, runs at the same time, plain cargo in between.

use std::process::Command;

use crate::scene::Scene;
use crate::witness::Witness;

fn says(scene: &Scene) -> String {
    String::from_utf8(Command::new(scene.beside("shared/debug/a")).output().unwrap().stdout).unwrap()
}

/// Two checkouts of one workspace, and a target directory for both.
fn checkouts() -> (Scene, Scene) {
    let make = || {
        let scene = Scene::of(&["a"]);
        scene.write("a/src/main.rs", "fn main() {\n    print!(\"one\");\n}\n");
        scene
    };
    (make(), make())
}

#[test]
fn a_checkout_that_differs_builds_its_own_program() {
    let (one, two) = checkouts();
    let build = |scene: &Scene| scene.call("build").env("CARGO_TARGET_DIR", one.beside("shared")).succeeds();
    build(&one);
    two.replace("a/src/main.rs", "one", "two");
    build(&two);
    assert_eq!(says(&one), "two");
    assert_eq!(build(&one).ran(), ["build (1 member) (debug/a was changed)"]);
    one.replace("a/src/main.rs", "one", "three");
    build(&one);
    assert_eq!(says(&one), "three");
    assert!(!build(&two).was_fresh(), "the program there is not that of this checkout");
}

#[test]
fn what_another_checkout_compiled_is_not_taken_for_ones_own() {
    let (one, two) = checkouts();
    let build = |scene: &Scene| scene.call("build").env("CARGO_TARGET_DIR", one.beside("shared")).succeeds();
    let plain = |scene: &Scene| scene.call("").env("CARGO_TARGET_DIR", one.beside("shared")).cargo("build");
    build(&one);
    one.replace("a/src/main.rs", "one", "two");
    build(&one);
    build(&two);
    assert_eq!(plain(&two).code, Some(0));
    assert_eq!(says(&one), "two", "plain cargo is fooled");
    one.replace("a/src/main.rs", "two", "one");
    build(&one);
    assert_eq!(says(&one), "one", "a wrong skip: the result of the other checkout stands under this key");
}

#[test]
fn two_runs_at_once_and_one_of_plain_cargo() {
    let scene = Scene::of(&["a", "b a", "c b"]);
    let beside = |words: &str| {
        let mut cargo = Command::new("cargo");
        cargo.args(words.split(' ')).current_dir(scene.root()).env("CARGO_NET_OFFLINE", "true").env_remove("RUSTFLAGS");
        cargo.env_remove("CARGO_TARGET_DIR").output().unwrap()
    };
    for round in 0..3 {
        scene.append("a/src/lib.rs", &format!("pub const N{round}: u8 = 0;\n"));
        let calls = [scene.call("check build"), scene.call("check build")];
        let children = [calls[0].start(), calls[1].start()];
        assert!(beside("check --workspace").status.success());
        for (call, child) in calls.iter().zip(children) {
            let ended = call.wait(child);
            assert_eq!(ended.code, Some(0), "{}", ended.text());
        }
        scene.call("check build").succeeds();
        let after = scene.call("check build").succeeds();
        assert!(after.was_fresh(), "{}", after.text());
    }
    scene.append("a/src/lib.rs", "nonsense\n");
    let calls = [scene.call("check"), scene.call("check")];
    let children = [calls[0].start(), calls[1].start()];
    assert!(!beside("check --workspace").status.success());
    for (call, child) in calls.iter().zip(children) {
        assert_eq!(call.wait(child).code, Some(1));
    }
}

#[test]
fn plain_cargo_in_between_changes_no_verdict_on_checks() {
    let trap = Witness::checked(Scene::of(&["a"]));
    assert_eq!(trap.scene.call("").cargo("check").code, Some(0));
    assert_eq!(trap.scene.call("").cargo("build").code, Some(0));
    trap.is_fresh();
    trap.scene.append("a/src/lib.rs", "pub const MORE: u8 = 1;\n");
    assert_eq!(trap.scene.call("").cargo("check").code, Some(0));
    assert_eq!(trap.runs(), "a: src/lib.rs changed", "that cargo knows it is cargo's to tell");
}
