//! A step that declares no outputs and whose last run nothing tells of: it runs again, whatever cut that run off or kept it
//! from being noted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// Copies `in.txt` to `out/x`, and then goes on while there is `$SIDE/hold-<text>`.
const GEN: &str = "command = \"mkdir -p out && text=$(cat in.txt) && cp in.txt out/x && touch $SIDE/wrote && while test -e $SIDE/hold-$text; do sleep 0.01; done\"\n\
                   inputs = [\"in.txt\"]\n";

fn scene() -> Scene {
    scene_with("", "")
}

/// With this in the phase, and behind it.
fn scene_with(more: &str, others: &str) -> Scene {
    let scene = Scene::of(&["a"]).file("a/in.txt", "A").make(&format!("[lifecycle.gen]\n{GEN}{more}{others}"));
    scene.call("gen").succeeds();
    assert!(scene.call("gen").succeeds().was_fresh());
    scene
}

/// Starts the call and returns when `out/x` is written; what the call started then waits.
#[track_caller]
fn held(scene: &Scene, call: &Call) -> Child {
    fs::write(hold(scene), "").unwrap();
    scene.take("wrote");
    let mut child = call.start();
    while !scene.beside("wrote").exists() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
    assert!(scene.beside("wrote").exists(), "it ended and did not write");
    child
}

/// What holds a step that makes what `in.txt` says now.
fn hold(scene: &Scene) -> PathBuf {
    scene.beside(&format!("hold-{}", fs::read_to_string(scene.at("a/in.txt")).unwrap()))
}

/// Lets what waits go on to its end.
fn release(scene: &Scene, hold: &Path) {
    fs::remove_file(hold).unwrap();
    while !scene.processes().is_empty() {
        sleep(Duration::from_millis(1));
    }
}

fn killed(scene: &Scene, words: &str) {
    let mut child = held(scene, &scene.call(words));
    child.kill().unwrap();
    child.wait().unwrap();
    release(scene, &hold(scene));
}

fn made(scene: &Scene) -> String {
    fs::read_to_string(scene.at("a/out/x")).unwrap()
}

/// After a run that made B of `in.txt` and was not noted: back at A, A is made, and that is fresh again.
#[track_caller]
fn assert_made_again(scene: &Scene) -> Ended {
    assert_eq!(made(scene), "B", "or this test proves nothing");
    scene.write("a/in.txt", "A");
    let ended = scene.call("gen").succeeds();
    assert_eq!(made(scene), "A", "{}", ended.text());
    let again = scene.call("gen").succeeds();
    assert!(again.was_fresh(), "{}", again.text());
    assert!(!started(scene).exists(), "all is accounted for");
    ended
}

fn started(scene: &Scene) -> PathBuf {
    scene.state_json().with_file_name("started")
}

#[test]
fn a_killed_run_leaves_it_unknown() {
    let scene = scene();
    scene.write("a/in.txt", "B");
    killed(&scene, "gen");
    assert_eq!(fs::read_dir(started(&scene)).unwrap().count(), 1);
    let ended = assert_made_again(&scene);
    assert_eq!(
        ended.ran(),
        ["gen a (not kept before: how its last run ended was not noted, as when it is killed, or with --no-cache)"]
    );
    // Once more, but the next run is of something else, and accounts for it.
    scene.write("a/in.txt", "B");
    killed(&scene, "gen");
    scene.append("make.toml", "[lifecycle.other]\ncommand = \"true\"\n");
    scene.call("other").succeeds();
    assert!(!started(&scene).exists(), "state.json says it now");
    assert_made_again(&scene);
}

#[test]
fn what_is_foreseen_and_explained_knows_of_it() {
    let scene = scene();
    scene.write("a/in.txt", "B");
    killed(&scene, "gen");
    scene.write("a/in.txt", "A");
    for words in ["gen -n", "gen --explain"] {
        let text = scene.call(words).succeeds().text();
        assert!(text.contains("how its last run ended was not noted"), "{text}");
    }
    assert_made_again(&scene);
}

#[test]
fn a_run_without_the_cache_leaves_it_unknown() {
    let scene = scene();
    scene.write("a/in.txt", "B");
    scene.call("gen --no-cache").succeeds();
    assert_made_again(&scene);
    scene.write("a/in.txt", "B");
    killed(&scene, "gen --no-cache");
    assert_made_again(&scene);
}

#[test]
fn runs_by_force_and_to_verify_that_are_killed_leave_it_unknown() {
    let scene = scene();
    for option in ["--force", "--verify"] {
        scene.write("a/in.txt", "B");
        scene.call("gen").succeeds();
        scene.write("a/in.txt", "A");
        scene.call("gen").succeeds();
        // The key is that of A, and what it makes is of B.
        let hold = hold(&scene);
        let mut child = held(&scene, &scene.call(&format!("gen {option}")));
        child.kill().unwrap();
        child.wait().unwrap();
        scene.write("a/in.txt", "B");
        scene.write("a/out/x", "B");
        release(&scene, &hold);
        assert_made_again(&scene);
    }
}

#[test]
fn a_run_whose_end_cannot_be_written_leaves_it_unknown() {
    let scene = scene();
    scene.write("a/in.txt", "B");
    let call = scene.call("gen");
    let child = held(&scene, &call);
    let hold = hold(&scene);
    scene.rename("target/lifecycle", "target/away");
    scene.write("target/lifecycle", "a file");
    release(&scene, &hold);
    let ended = call.wait(child);
    assert!(ended.err().contains("the results of this run are not kept"), "{}", ended.text());
    scene.remove("target/lifecycle");
    scene.rename("target/away", "target/lifecycle");
    assert_made_again(&scene);
}

#[test]
fn a_run_that_has_no_key_leaves_it_unknown() {
    let scene = scene_with("needs = [\"before\"]\n", "[lifecycle.before]\ncommand = \"true\"\ninputs = []\n");
    scene.append("make.toml", "cache = false\n");
    scene.write("a/in.txt", "B");
    let ended = scene.call("gen").succeeds();
    assert_eq!(ended.ran().len(), 2, "{}", ended.text());
    scene.replace("make.toml", "cache = false\n", "");
    scene.call("before").succeeds();
    assert_made_again(&scene);
}

#[test]
fn what_make_toml_said_meanwhile_makes_no_difference() {
    for meanwhile in ["outputs = [\"out\"]\n", "cache = false\n", "inputs = []\n"] {
        let scene = scene();
        let before = fs::read_to_string(scene.at("make.toml")).unwrap();
        if meanwhile.starts_with("inputs") {
            scene.replace("make.toml", "inputs = [\"in.txt\"]\n", meanwhile);
        } else {
            scene.append("make.toml", meanwhile);
        }
        scene.write("a/in.txt", "B");
        killed(&scene, "gen");
        scene.write("make.toml", &before);
        assert_made_again(&scene);
    }
}

#[test]
fn two_runs_at_once_leave_it_unknown() {
    let scene = scene();
    // The one that began first ends last and has noted B last, while C is what was written last.
    let call = scene.call("gen");
    scene.write("a/in.txt", "B");
    let (long, long_hold) = (held(&scene, &call), hold(&scene));
    scene.write("a/in.txt", "C");
    let short = held(&scene, &call);
    fs::remove_file(hold(&scene)).unwrap();
    assert_eq!(call.wait(short).code, Some(0));
    scene.write("a/in.txt", "B");
    fs::remove_file(long_hold).unwrap();
    assert_eq!(call.wait(long).code, Some(0));
    assert!(!started(&scene).exists());
    assert_eq!(made(&scene), "C", "or this test proves nothing");
    scene.call("gen").succeeds();
    assert_eq!(made(&scene), "B");
}

#[test]
fn what_goes_on_elsewhere_is_unknown_until_it_has_ended() {
    let scene = scene();
    scene.write("a/in.txt", "B");
    let call = scene.call("gen");
    let child = held(&scene, &call);
    let hold = hold(&scene);
    scene.write("a/in.txt", "A");
    let text = scene.call("gen -n").succeeds().text();
    assert!(text.contains("how its last run ended was not noted"), "{text}");
    assert_eq!(fs::read_dir(started(&scene)).unwrap().count(), 1, "it is not taken away from a run that goes on");
    release(&scene, &hold);
    call.wait(child);
    assert_made_again(&scene);
}

#[test]
fn a_run_that_a_step_calls_settles_what_it_runs() {
    let program = env!("CARGO_BIN_EXE_cargo-lifecycle");
    let outer = format!("[lifecycle.outer]\ncommand = \"{program} gen\"\nneeds = [\"gen\"]\ncache = false\n");
    let scene = scene_with("", &outer);
    scene.write("a/in.txt", "B");
    scene.call("outer").succeeds();
    assert_eq!(made(&scene), "B");
    let ended = scene.call("outer").succeeds();
    assert_eq!(ended.ran(), ["outer a (never cached)"], "{}", ended.text());
    assert!(scene.call("gen").succeeds().was_fresh());
}

#[test]
fn steps_around_the_phases_are_noted_as_well() {
    let hooks = "[hooks]\nbefore_check = [\"gen\"]\nfinally = [\"gen\"]\n";
    for hook in ["before_check", "finally"] {
        let scene = scene();
        let only: String = hooks
            .lines()
            .filter(|line| line.starts_with('[') || line.starts_with(hook))
            .map(|line| format!("{line}\n"))
            .collect();
        scene.append("make.toml", &only);
        scene.call("check").succeeds();
        scene.write("a/in.txt", "B");
        killed(&scene, "check");
        assert_eq!(made(&scene), "B");
        scene.write("a/in.txt", "A");
        scene.call("check").succeeds();
        assert_eq!(made(&scene), "A", "{hook}");
    }
}

#[test]
fn a_run_of_another_boot_or_a_torn_file_leaves_all_unknown() {
    let scene = scene();
    for text in ["boot of-another\n+\"nothing\"\n", "", "boot"] {
        assert!(scene.call("gen").succeeds().was_fresh());
        fs::create_dir(started(&scene)).unwrap();
        fs::write(started(&scene).join("1-2-3"), text).unwrap();
        let ended = scene.call("gen").succeeds();
        assert!(!ended.was_fresh(), "{text:?}: {}", ended.text());
        assert!(!started(&scene).exists());
    }
}

#[test]
fn where_all_was_cleaned_nothing_is_made_for_it() {
    for (first, wipe) in [("clean", ""), ("wipe", "[lifecycle.wipe]\ncommand = \"cargo clean\"\n")] {
        let later = format!("{wipe}[lifecycle.later]\ncommand = \"true\"\nneeds = [\"{first}\"]\n");
        let scene = scene_with("", &later);
        let ended = scene.call("later").succeeds();
        assert!(!scene.at("target/lifecycle").exists(), "{}", ended.text());
    }
    let scene = scene();
    scene.call("gen").succeeds();
    scene.write("a/in.txt", "B");
    scene.call("gen --no-cache").succeeds();
    killed(&scene, "gen --no-cache");
    scene.call("--cache-clean").succeeds();
    assert!(!scene.at("target/lifecycle").exists(), "all of it is ours");
}

#[test]
fn steps_that_end_badly_are_known_by_what_they_ended_with() {
    for (more, options) in [("fails", ""), ("fails", "--retries 1"), ("waits", "--timeout 1s")] {
        let scene = scene();
        scene.replace(
            "make.toml",
            "\"mkdir",
            &format!(
                "\"mkdir -p out && cp in.txt out/x && (test ! -e $SIDE/{more} || {}) && mkdir",
                if more == "fails" { "exit 1" } else { "sleep 60" }
            ),
        );
        scene.call("gen").succeeds();
        scene.write("a/in.txt", "B");
        fs::write(scene.beside(more), "").unwrap();
        assert_eq!(scene.call(&format!("gen {options}")).run().code, Some(1));
        fs::remove_file(scene.beside(more)).unwrap();
        assert_made_again(&scene);
    }
}

#[test]
fn a_member_or_a_phase_that_had_another_name_meanwhile() {
    let scene = scene();
    let renamed = |file: &str, from: &str, to: &str| scene.replace(file, from, to);
    renamed("a/Cargo.toml", "name = \"a\"", "name = \"b\"");
    scene.write("a/in.txt", "B");
    scene.call("gen").succeeds();
    renamed("a/Cargo.toml", "name = \"b\"", "name = \"a\"");
    assert_made_again(&scene);
    renamed("make.toml", "lifecycle.gen", "lifecycle.other");
    scene.write("a/in.txt", "B");
    scene.call("other --no-cache").succeeds();
    renamed("make.toml", "lifecycle.other", "lifecycle.gen");
    assert_made_again(&scene);
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_run_left_running_spoils_no_result() {
    // The first one waits in between.
    let half = "[lifecycle.half]\ninputs = [\"in.txt\"]\noutputs = [\"out.txt\"]\ncommand = \"cat in.txt > out.txt; \
        if mkdir $SIDE/first 2> /dev/null; then touch $SIDE/wrote; while test -e $SIDE/hold-A; do sleep 0.01; done; fi; \
        cat in.txt >> out.txt\"\n";
    let scene = Scene::of(&["a"]).file("a/in.txt", "A").make(half);
    let made = || fs::read_to_string(scene.at("a/out.txt")).unwrap();
    let mut child = held(&scene, &scene.call("half"));
    child.kill().unwrap();
    child.wait().unwrap();
    let beside = scene.call("half").succeeds();
    assert!(beside.text().contains("half a is not kept: what a killed run had started for it"), "{}", beside.text());
    release(&scene, &hold(&scene));
    assert_eq!(made(), "AAA", "or this test proves nothing");
    let after = scene.call("half").succeeds();
    assert!(!after.was_fresh() && made() == "AA", "{}: {}", made(), after.text());
    assert!(scene.call("half").succeeds().was_fresh());
    assert!(!started(&scene).exists(), "all is accounted for");
}
