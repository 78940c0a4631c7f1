//! Several runs at once in one workspace whose steps declare outputs: one is at a step's outputs at a time.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;
use std::time::Duration;

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// A generator that writes its output in two parts and fails if another one does the same. Where `HOLD` names a file
/// beside the workspace, it waits for that between the parts. What it makes depends on `N`.
fn scene() -> Scene {
    Scene::of(&["a"]).make(
        "[lifecycle.gen]\n\
         command = \"mkdir $SIDE/busy || exit 9; echo $N > out; touch $SIDE/at; i=0; \
         while [ -n \\\"$HOLD\\\" ] && ! [ -e $SIDE/$HOLD ]; do i=$((i+1)); [ $i -gt 1200 ] && exit 7; sleep 0.05; done; \
         echo $N >> out; rmdir $SIDE/busy; echo gen $N >> $SIDE/ran\"\n\
         inputs = []\noutputs = [\"out\"]\nenv-inputs = [\"N\"]\n\
         [lifecycle.read]\n\
         command = \"touch $SIDE/reads; i=0; while [ -n \\\"$READ\\\" ] && ! [ -e $SIDE/$READ ]; do i=$((i+1)); \
         [ $i -gt 1200 ] && exit 7; sleep 0.05; done; cat out > $SIDE/read-$N\"\n\
         inputs = []\nneeds = [\"gen\"]\n",
    )
}

/// Waits until a step has left its mark.
fn wait_for(scene: &Scene, mark: &str) {
    while !scene.beside(mark).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts it and waits until it says that it waits for another run; answers what it has said, with that.
fn start_and_wait(call: &Call) -> (Child, String, impl FnOnce(&mut String) + use<>) {
    let mut child = call.start();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while lines.read_line(&mut said).unwrap() > 0 && !said.contains("waits for another run") {}
    (child, said, move |said: &mut String| _ = lines.read_to_string(said).unwrap())
}

fn out(scene: &Scene) -> String {
    fs::read_to_string(scene.at("a/out")).unwrap()
}

#[track_caller]
fn assert_good(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.text());
}

#[test]
fn two_runs_that_make_the_same_outputs_take_turns() {
    let scene = scene();
    let first = scene.call("gen").env("N", "1").env("HOLD", "go");
    let held = first.start();
    wait_for(&scene, "at");
    let (mut second, mut said, rest) = start_and_wait(&scene.call("gen").env("N", "1"));
    assert!(said.contains("gen a waits for another run that is at its outputs"), "{said}");
    assert_eq!(out(&scene), "1\n", "the first is in the middle of it");
    fs::write(scene.beside("go"), "").unwrap();
    assert_good(&first.wait(held));
    rest(&mut said);
    assert_eq!(second.wait().unwrap().code(), Some(0), "{said}");
    assert_eq!((scene.take("ran"), out(&scene)), ("gen 1\ngen 1\n".into(), "1\n1\n".into()));
    let again = || scene.call("gen").env("N", "1").succeeds();
    assert!(again().was_fresh());
    // To the second run it was a file that stood there before; whoever made it, it comes back.
    scene.remove("a/out");
    again();
    assert_eq!(out(&scene), "1\n1\n");
}

#[test]
fn a_run_that_restores_waits_for_one_that_makes() {
    let scene = scene();
    scene.call("gen").env("N", "2").succeeds();
    fs::remove_file(scene.beside("at")).unwrap();
    let first = scene.call("gen").env("N", "1").env("HOLD", "go");
    let held = first.start();
    wait_for(&scene, "at");
    let (mut second, mut said, rest) = start_and_wait(&scene.call("gen").env("N", "2"));
    fs::write(scene.beside("go"), "").unwrap();
    assert_good(&first.wait(held));
    rest(&mut said);
    assert_eq!(second.wait().unwrap().code(), Some(0), "{said}");
    assert_eq!((scene.take("ran"), out(&scene)), ("gen 2\ngen 1\n".into(), "2\n2\n".into()), "{said}");
    for n in ["1", "2"] {
        assert!(scene.call("gen").env("N", n).succeeds().was_fresh(), "nobody's result is lost");
        assert_eq!(out(&scene), format!("{n}\n{n}\n"));
    }
}

#[test]
fn what_rests_on_outputs_that_another_run_changed_is_not_kept() {
    let scene = scene();
    let first = scene.call("read").env("N", "1").env("READ", "go");
    let held = first.start();
    wait_for(&scene, "reads");
    scene.call("gen").env("N", "2").succeeds();
    fs::write(scene.beside("go"), "").unwrap();
    let ended = first.wait(held);
    assert_good(&ended);
    assert_eq!(scene.take("read-1"), "2\n2\n", "it has read what the other run made");
    let said = "the result of read a is not kept: the outputs of gen a changed during the run";
    assert!(ended.err().contains(said), "{}", ended.text());
    let again = scene.call("read").env("N", "1").succeeds();
    assert_eq!((scene.take("read-1"), again.ran().len()), ("1\n1\n".into(), 1), "{}", again.text());
    assert!(scene.call("read").env("N", "1").succeeds().was_fresh());
}

#[test]
fn a_run_that_waits_for_another_can_be_interrupted() {
    let scene = scene();
    let first = scene.call("gen").env("N", "1").env("HOLD", "go");
    let held = first.start();
    wait_for(&scene, "at");
    let (mut second, mut said, rest) = start_and_wait(&scene.call("gen").env("N", "2"));
    let pid = rustix::process::Pid::from_child(&second);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    rest(&mut said);
    assert_eq!(second.wait().unwrap().code(), Some(130), "{said}");
    fs::write(scene.beside("go"), "").unwrap();
    assert_good(&first.wait(held));
    assert_eq!((scene.take("ran"), out(&scene)), ("gen 1\n".into(), "1\n1\n".into()));
}

#[test]
fn a_killed_run_keeps_nobody_waiting() {
    let scene = scene();
    let mut held = scene.call("gen").env("N", "1").env("HOLD", "go").start();
    wait_for(&scene, "at");
    held.kill().unwrap();
    held.wait().unwrap();
    fs::write(scene.beside("go"), "").unwrap();
    while !scene.processes().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = scene.call("gen").env("N", "1").succeeds();
    assert!(!ended.err().contains("waits"), "{}", ended.text());
    assert_eq!((ended.ran().len(), out(&scene)), (1, "1\n1\n".into()));
}

#[test]
fn many_runs_at_once_lose_and_tear_nothing() {
    let scene = scene();
    let calls: Vec<_> = (0..6).map(|run: u8| scene.call("gen").env("N", (run % 3).to_string())).collect();
    let children: Vec<_> = calls.iter().map(Call::start).collect();
    for (call, child) in calls.iter().zip(children) {
        assert_good(&call.wait(child));
    }
    for n in ["0", "1", "2"] {
        for _ in 0..2 {
            scene.call("gen").env("N", n).succeeds();
            assert_eq!(out(&scene), format!("{n}\n{n}\n"));
        }
        assert!(scene.call("gen").env("N", n).succeeds().was_fresh());
    }
}
