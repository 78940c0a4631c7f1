//! `--verify`: what is fresh runs all the same, and has to come to what is stored.

use std::fs;

use crate::scene::Scene;

#[test]
fn what_comes_to_the_same_is_good() {
    let scene = Scene::of(&["alpha"]).make(
        "[lifecycle.gen]\ncommand = \"echo one > out; echo ran >> $SIDE/ran\"\ninputs = []\noutputs = [\"out\"]\n\
         [lifecycle.pack]\ncommand = \"cat out; echo packed >> $SIDE/ran\"\nneeds = [\"gen\"]\ninputs = []\n",
    );
    scene.call("pack check").succeeds();
    assert_eq!(scene.take("ran"), "ran\npacked\n");
    let foreseen = scene.call("pack check --verify -n").succeeds().out();
    assert_eq!(foreseen.matches(": stale: fresh, to be verified\n").count(), 3, "{foreseen}");
    let ended = scene.call("pack check --verify").succeeds();
    let ran = ended.ran();
    assert_eq!(ran.len(), 3, "{}", ended.text());
    assert!(ran.iter().all(|line| line.ends_with("(fresh, to be verified)")), "{}", ended.text());
    assert_eq!(scene.take("ran"), "ran\npacked\n");
    assert!(scene.call("pack check").succeeds().was_fresh());
    scene.call("pack --verify --force").shows(
        "\
error: the argument '--verify' cannot be used with '--force'

Usage: cargo lifecycle --verify <PHASE>... [-- <ARGS>...]

For more information, try '--help'.
[exit 2]
",
    );
}

#[test]
fn other_outputs_are_a_failure_and_the_stored_result_goes() {
    let scene = Scene::of(&["alpha"]).make(
        "[lifecycle.gen]\ncommand = \"mkdir -p out; cat $SIDE/source > out/text; echo x > out/same\"\ninputs = []\n\
         outputs = [\"out/**\"]\n",
    );
    fs::write(scene.beside("source"), "one").unwrap();
    scene.call("gen").succeeds();
    fs::write(scene.beside("source"), "two").unwrap();
    assert!(scene.call("gen").succeeds().was_fresh(), "nobody told that it reads this file");
    scene.call("gen --verify").shows(
        r"
   Lifecycle of shop: member alpha
      Failed gen alpha in [time]: it was fresh, but its outputs differ (alpha/out/text)
    Finished 1 step in [time]: 1 failed
[exit 1]
",
    );
    assert_eq!(scene.call("gen").succeeds().ran().len(), 1);
    assert!(scene.call("gen").succeeds().was_fresh());
    scene.call("gen --verify").succeeds();
}

#[test]
fn a_failure_and_a_new_warning_are_differences() {
    let scene = Scene::of(&["alpha"]).make("[lifecycle.gen]\ncommand = \"[ ! -e $SIDE/broken ]\"\ninputs = []\n");
    scene.call("gen").succeeds();
    fs::write(scene.beside("broken"), "").unwrap();
    assert!(scene.call("gen").succeeds().was_fresh());
    let ended = scene.call("gen --verify").run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err().contains("exit status 1, but it was fresh"), "{}", ended.text());
    assert_eq!(scene.call("gen").run().code, Some(1), "the result that was wrong is gone");
}
