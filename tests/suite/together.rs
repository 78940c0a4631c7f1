//! What can run at the same time does: each of three waits until the other two have started, and fails if they do not.

use crate::scene::Scene;

/// A shell command that leaves a mark of this name and waits, 20 seconds at most, until there are three.
fn meet(name: &str) -> String {
    format!(
        "touch $SIDE/at-{name}; i=0; while [ $(ls $SIDE | grep -c '^at-') -lt 3 ]; do i=$((i+1)); \
         [ $i -gt 400 ] && exit 7; sleep 0.05; done"
    )
}

#[test]
fn the_steps_of_three_members() {
    let make = format!("[lifecycle.meet]\ncommand = \"{}\"\n", meet("{name}"));
    Scene::of(&["a", "b", "c"]).make(&make).call("meet -j3").succeeds();
}

#[test]
fn three_hooks_of_one_phase() {
    let mut make =
        String::from("[lifecycle.build]\ncommand = \"true\"\n[hooks]\nbefore_build = [\"one\", \"two\", \"three\"]\n");
    for name in ["one", "two", "three"] {
        make += &format!("[lifecycle.{name}]\ncommand = \"{}\"\n", meet(name));
    }
    Scene::of(&["a"]).make(&make).call("build -j3").succeeds();
}

#[test]
fn three_commands_of_a_parallel_phase() {
    let commands: Vec<String> = ["one", "two", "three"].map(meet).into();
    let make = format!("[lifecycle.meet]\nparallel = true\ncommands = {commands:?}\n");
    Scene::of(&["a"]).make(&make).call("meet -j3").succeeds();
}

#[test]
fn as_many_as_make_toml_says() {
    let make = format!("[project]\njobs = 3\n[lifecycle.meet]\ncommand = \"{}\"\n", meet("{name}"));
    Scene::of(&["a", "b", "c"]).make(&make).call("meet").succeeds();
}

/// A command that fails if another one of its kind runs.
const ALONE: &str = "mkdir $SIDE/running && sleep 0.05 && rmdir $SIDE/running";

#[test]
fn one_job_is_one_at_a_time() {
    let make = format!(
        "[lifecycle.alone]\ncommand = \"{ALONE}\"\n[lifecycle.commands]\nparallel = true\ncommands = [\"{ALONE}\", \"{ALONE}\"]\n\
         [hooks]\nbefore_alone = [\"commands\"]\n"
    );
    let scene = Scene::of(&["a", "b", "c"]).make(&make);
    scene.call("alone -j1").succeeds();
    scene.write("make.toml", &format!("[project]\njobs = 1\n{make}"));
    scene.call("alone").succeeds();
}

#[test]
fn the_commands_of_a_phase_run_one_after_the_other() {
    let make = format!("[lifecycle.alone]\ncommands = [\"{ALONE}\", \"{ALONE}\", \"{ALONE}\"]\n");
    Scene::of(&["a"]).make(&make).call("alone -j3").succeeds();
}

#[test]
fn what_a_member_does_next_does_not_wait_for_another_member() {
    // `a` can only end its first step after `b` has begun its second.
    let make = "[lifecycle.one]\ncommand = \"i=0; while [ {name} = a ] && ! [ -e $SIDE/second ]; do i=$((i+1)); \
        [ $i -gt 400 ] && exit 7; sleep 0.05; done\"\n\
        [lifecycle.two]\ncommand = \"touch $SIDE/second\"\n";
    Scene::of(&["a", "b"]).make(make).call("one two -j2").succeeds();
}

#[test]
fn cargo_steps_wait_for_cargos_lock_and_hold_no_job() {
    // With two jobs, a cargo that waits for the other one's lock must not keep the third step from running.
    let make = "[lifecycle.hello]\ncommand = \"touch $SIDE/hello\"\n[lifecycle.go]\ncommand = \"true\"\n\
        [hooks]\nbefore_go = [\"check\", \"build\", \"hello\"]\n";
    let wait = "case \"$1\" in check|build) mkdir $SIDE/cargo || exit 9; i=0; while ! [ -e $SIDE/hello ]; do \
        i=$((i+1)); [ $i -gt 400 ] && exit 7; sleep 0.05; done; rmdir $SIDE/cargo;; esac; exec cargo \"$@\"";
    let scene = Scene::of(&["a"]).make(make);
    let program = scene.program("cargo-that-waits", wait);
    scene.call("go -j2").env("CARGO", program).succeeds();
}
