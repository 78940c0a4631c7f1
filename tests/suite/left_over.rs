//! What lies in the places of declared outputs and is of another state, or somebody's: it costs a run, and nobody's file.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::call::Ended;
use crate::scene::Scene;

/// A member `a` whose phase `gen` copies what is in `a/in` to `a/gen`, with this command before, and tells beside the
/// workspace that it ran; `read` notes there what is in `a/gen`.
fn scene(before: &str) -> Scene {
    Scene::of(&["a"]).file(".gitignore", "/target\n/a/gen\n").file("a/in/one", "1\n").make(&format!(
        "[lifecycle.gen]\ncommand = \"{before}mkdir -p gen; cp in/* gen/; echo ran >> $SIDE/ran\"\n\
         inputs = [\"in/**\"]\noutputs = [\"gen/**\"]\n\
         [lifecycle.read]\ncommand = \"ls gen > $SIDE/read\"\ninputs = []\noutputs = []\nneeds = [\"gen\"]\n"
    ))
}

const CLEANING: &str = "rm -rf gen; ";

fn there(path: &str) -> String {
    format!("gen a (`{path}` is there, which its run in this state did not leave)")
}

/// What a dry run, the account and the run say of `gen`; and that the next run is fresh.
#[track_caller]
fn assert_runs_once(scene: &Scene, path: &str) -> Ended {
    let dry = scene.call("gen --dry-run").succeeds().text();
    let account = scene.call("gen --explain").succeeds().text();
    let because = format!("`{path}` is there, which its run in this state did not leave");
    assert!(dry.contains(&because) && account.contains(&because), "{dry}{account}");
    let ended = scene.call("gen").succeeds();
    assert_eq!(ended.ran(), [there(path)], "{}", ended.text());
    assert!(scene.call("gen").succeeds().was_fresh(), "it costs one run");
    ended
}

#[test]
fn what_another_state_has_left_is_removed_by_the_step_before_anybody_reads_it() {
    let scene = scene(CLEANING);
    scene.call("read").succeeds();
    scene.write("a/in/two", "2\n");
    scene.call("read").succeeds();
    assert_eq!(scene.take("read"), "one\ntwo\n");
    scene.remove("a/in/two");
    fs::remove_file(scene.at("a/gen/one")).unwrap();
    let ended = scene.call("read").succeeds();
    assert_eq!(ended.ran(), [there("a/gen/two")], "what `read` came to in this state is known: {}", ended.text());
    assert!(!scene.at("a/gen/two").exists() && scene.at("a/gen/one").exists());
    scene.call("read --force").succeeds();
    assert_eq!(scene.take("read"), "one\n");
    scene.write("a/in/two", "2\n");
    assert!(scene.call("read").succeeds().was_fresh(), "what is only missing is put back");
    assert!(scene.at("a/gen/two").exists());
}

#[test]
fn a_build_script_that_reads_the_folder_finds_what_a_run_would_have_left() {
    let scene = scene(CLEANING);
    scene.write("a/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=gen\");\n    let count = std::fs::read_dir(\"gen\").unwrap().count();\n    println!(\"cargo::rustc-env=COUNT={count}\");\n}\n");
    scene.write("a/src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"COUNT\"));\n}\n");
    scene.append("make.toml", "[hooks]\nbefore_build = [\"gen\"]\n");
    let built = || {
        scene.call("build").succeeds();
        String::from_utf8(std::process::Command::new(scene.at("target/debug/a")).output().unwrap().stdout).unwrap()
    };
    assert_eq!(built(), "1\n");
    scene.write("a/in/two", "2\n");
    assert_eq!(built(), "2\n");
    scene.remove("a/in/two");
    assert_eq!(built(), "1\n");
    assert!(scene.call("build").succeeds().was_fresh());
}

#[test]
fn a_foreign_file_costs_one_run_and_stays_where_the_step_leaves_it() {
    let scene = scene("");
    scene.call("gen").succeeds();
    scene.write("a/gen/notes", "by hand\n");
    assert_runs_once(&scene, "a/gen/notes");
    assert_eq!(fs::read_to_string(scene.at("a/gen/notes")).unwrap(), "by hand\n");
    // It is nobody's output: it is never put back.
    scene.remove("a/gen/notes");
    assert_eq!(scene.call("gen").succeeds().ran(), ["gen a (`a/gen/notes` is missing or changed)"]);
    assert!(!scene.at("a/gen/notes").exists() && scene.call("gen").succeeds().was_fresh());
    // Neither is what it has made in another state and now leaves there.
    scene.write("a/in/two", "2\n");
    scene.call("gen").succeeds();
    scene.remove("a/in/two");
    assert_runs_once(&scene, "a/gen/two");
    scene.remove("a/gen/two");
    assert_eq!(scene.call("gen").succeeds().ran(), ["gen a (`a/gen/two` is missing or changed)"]);
    assert!(!scene.at("a/gen/two").exists());
}

#[test]
fn an_empty_folder_counts_where_nothing_is_to_be_put_into_it() {
    let scene = scene("mkdir -p gen/deep; cp in/one gen/deep; ");
    scene.call("gen").succeeds();
    fs::remove_file(scene.at("a/gen/deep/one")).unwrap();
    assert!(scene.call("gen").succeeds().was_fresh());
    assert!(scene.at("a/gen/deep/one").exists());
    fs::create_dir(scene.at("a/gen/empty")).unwrap();
    assert_runs_once(&scene, "a/gen/empty");
}

#[test]
fn what_cannot_be_recorded_makes_the_step_run_while_it_lies_there() {
    let scene = scene("");
    scene.call("gen").succeeds();
    let odd = scene.at("a/gen").join(OsStr::from_bytes(b"\xff"));
    fs::write(&odd, "").unwrap();
    let socket = scene.at("a/gen/socket");
    for _ in 0..2 {
        let ended = scene.call("gen").succeeds();
        assert!(ended.ran().len() == 1 && ended.err().contains("is not valid Unicode"), "{}", ended.text());
    }
    fs::remove_file(odd).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for _ in 0..2 {
        let ended = scene.call("gen").succeeds();
        assert!(ended.err().contains("is neither a file nor a link"), "{}", ended.text());
    }
    fs::remove_file(socket).unwrap();
    assert!(scene.call("gen").succeeds().was_fresh());
}

#[test]
fn a_step_that_ran_for_what_lay_there_and_failed_runs_again() {
    let scene = scene("rm -rf gen; ! test -e $SIDE/fail || exit 1; ");
    scene.call("gen").succeeds();
    scene.write("a/gen/notes", "");
    fs::write(scene.beside("fail"), "").unwrap();
    assert_eq!(scene.call("gen").run().code, Some(1));
    fs::remove_file(scene.beside("fail")).unwrap();
    let ended = scene.call("gen").succeeds();
    assert_eq!(ended.ran(), ["gen a (failed before)"], "{}", ended.text());
}

#[test]
fn verifying_runs_it_as_any_run_would_and_compares_nothing() {
    let scene = scene("");
    scene.call("gen").succeeds();
    scene.write("a/gen/notes", "");
    let ended = scene.call("gen --verify").succeeds();
    assert_eq!(ended.ran(), [there("a/gen/notes")], "{}", ended.text());
    scene.call("gen --verify").succeeds();
    assert!(scene.call("gen").succeeds().was_fresh());
}

#[test]
fn the_target_directory_is_looked_into_for_globs_alone_that_begin_there() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.gen]\nscope = \"workspace\"\ncommand = \"mkdir -p target/made; echo 1 | tee a.gen > target/made/b.gen\"\n\
         inputs = []\noutputs = [\"**/*.gen\", \"target/made/**\"]\n",
    );
    scene.call("gen").succeeds();
    scene.write("target/debug/c.gen", "");
    assert!(scene.call("gen").succeeds().was_fresh());
    fs::remove_file(scene.at("target/made/b.gen")).unwrap();
    scene.remove("a.gen");
    assert_eq!(scene.call("gen").succeeds().lines_of("Fresh"), ["gen (2 outputs restored)"]);
    for path in ["target/made/d.txt", "a/d.gen"] {
        scene.write(path, "");
        let there = format!("gen (`{path}` is there, which its run in this state did not leave)");
        assert_eq!(scene.call("gen").succeeds().ran(), [there]);
        assert!(scene.call("gen").succeeds().was_fresh());
    }
}

/// Phases `x` and `y` whose outputs lie in one folder; one plan must not have both.
fn overlapping(before: &str) -> Scene {
    Scene::of(&["a"]).make(&format!(
        "[lifecycle.x]\ncommand = \"{before}mkdir -p out; echo x > out/x.txt\"\ninputs = []\noutputs = [\"out/**\"]\n\
         [lifecycle.y]\ncommand = \"mkdir -p out; echo $N > out/y.txt\"\ninputs = []\nenv-inputs = [\"N\"]\n\
         outputs = [\"out/y.txt\"]\n"
    ))
}

#[test]
fn outputs_of_two_calls_in_one_folder_come_to_rest() {
    let scene = overlapping("");
    let call = |phase: &str, n: &str| scene.call(phase).env("N", n).succeeds();
    call("x", "");
    call("y", "1");
    let ended = call("x", "");
    assert_eq!(ended.ran(), ["x a (`a/out/y.txt` is there, which its run in this state did not leave)"]);
    for _ in 0..2 {
        assert!(call("y", "1").was_fresh() && call("x", "").was_fresh());
    }
    call("y", "2");
    assert_eq!(call("x", "").ran(), ["x a (`a/out/y.txt` is missing or changed)"]);
    for _ in 0..2 {
        assert!(call("y", "2").was_fresh() && call("x", "").was_fresh());
    }
}

#[test]
fn of_two_in_one_folder_the_one_that_empties_it_runs_after_the_other_and_that_one_is_put_back() {
    let scene = overlapping("rm -rf out; ");
    let call = |phase: &str| scene.call(phase).env("N", "1").succeeds();
    call("x");
    call("y");
    for _ in 0..2 {
        assert_eq!(call("x").ran().len(), 1);
        assert!(!scene.at("a/out/y.txt").exists(), "as any run of it leaves the folder");
        assert!(call("x").was_fresh());
        assert!(call("y").was_fresh() && scene.at("a/out/y.txt").exists());
        assert!(call("y").was_fresh());
    }
}
