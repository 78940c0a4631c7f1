//! What is kept between runs: written once and whole, by many runs at once, and given up when it is damaged.

use std::fs;
use std::path::PathBuf;

use crate::scene::Scene;

#[test]
fn the_state_is_written_once_at_the_end() {
    let make = "[lifecycle.look]\ninputs = [\"src/**\"]\ncommand = \"stat -c '%i %Y' {root}/target/lifecycle/*/state.json >> $SIDE/seen\"\n\
        [lifecycle.again]\ncommand = \"stat -c '%i %Y' {root}/target/lifecycle/*/state.json >> $SIDE/seen\"\n[lifecycle.first]\ncommand = \"true\"\n";
    let scene = Scene::of(&["a", "b", "c", "d"]).make(make);
    scene.call("first").succeeds();
    let seen = |scene: &Scene| {
        let text = scene.take("seen");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 8);
        lines.dedup();
        lines
    };
    scene.call("look again").succeeds();
    let during = seen(&scene);
    assert_eq!(during.len(), 1, "all steps of a run see the same file: {during:?}");
    scene.call("look again --force").succeeds();
    let later = seen(&scene);
    assert_eq!(later.len(), 1);
    assert_ne!(during, later, "and the next run sees another");
}

#[test]
fn a_run_in_which_nothing_ran_writes_nothing() {
    let scene = Scene::of(&["a"]).make("[lifecycle.hello]\ninputs = [\"src/**\"]\ncommand = \"true\"\n");
    scene.call("hello").succeeds();
    // The digests of files younger than the clock's grain are taken again, and then they may be kept.
    std::thread::sleep(std::time::Duration::from_millis(50));
    scene.call("hello").succeeds();
    let times = |scene: &Scene| {
        let files = walkdir::WalkDir::new(scene.at("target")).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = files.filter(|entry| entry.file_type().is_file());
        files.map(|entry| (entry.path().to_owned(), entry.metadata().unwrap().modified().unwrap())).collect::<Vec<_>>()
    };
    let before = times(&scene);
    assert!(scene.call("hello").succeeds().was_fresh());
    assert_eq!(times(&scene), before);
}

#[test]
fn twenty_runs_of_fifty_steps_at_once_lose_nothing() {
    let mut make = String::new();
    for phase in 0..100 {
        make += &format!("[lifecycle.p{phase}]\nscope = \"workspace\"\ninputs = [\"a/src/**\"]\ncommand = \"true\"\n");
    }
    let scene = Scene::of(&["a"]).make(&make);
    let phases = |range: std::ops::Range<usize>| range.map(|phase| format!("p{phase} ")).collect::<String>();
    scene.call(&phases(0..1)).succeeds();
    // Each run overlaps with others: it has fifty of the hundred phases.
    let calls: Vec<_> = (0..20).map(|run| scene.call(&phases(run * 2..run * 2 + 62).replace("p100 ", ""))).collect();
    let children: Vec<_> = calls.iter().map(|call| call.start()).collect();
    for (call, child) in calls.iter().zip(children) {
        let ended = call.wait(child);
        assert_eq!(ended.code, Some(0), "{}", ended.text());
        assert!(!ended.err().contains("warning"), "{}", ended.text());
    }
    let all = scene.call(&phases(0..100)).succeeds();
    assert!(all.was_fresh(), "{}", all.text());
    let state: serde_json::Value = serde_json::from_slice(&fs::read(scene.state_json()).unwrap()).unwrap();
    assert_eq!(state["steps"].as_object().unwrap().len(), 100);
}

/// Everything that is kept, by name.
fn kept(scene: &Scene) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(scene.at("target/lifecycle")).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file() && entry.file_name() != "lock");
    files.map(walkdir::DirEntry::into_path).filter(|path| !path.to_str().unwrap().contains("/blobs/")).collect()
}

#[test]
fn whatever_is_damaged_is_set_aside_and_the_result_is_right() {
    let scene =
        Scene::of(&["a"]).make("[lifecycle.hello]\ninputs = [\"src/**\"]\ncommand = \"echo hello >> $SIDE/ran\"\n");
    scene.call("hello").succeeds();
    let names: Vec<PathBuf> = kept(&scene);
    let shown: Vec<String> =
        names.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let all = [
        "descriptions.bin",
        "history.jsonl",
        "state.json",
        "workspace.json",
        "files.bin",
        "seen.bin",
        "records.bin",
        "toolchain.json",
    ];
    assert!(all.iter().all(|name| shown.iter().any(|shown| shown == name)), "{shown:?}");
    for path in names {
        for damage in [&b""[..], b"{", b"\0\xff garbage that is nothing of ours"] {
            fs::write(&path, damage).unwrap();
            let ended = scene.call("hello").succeeds();
            assert!(ended.lines_of("Finished").len() == 1, "{}", ended.text());
            let again = scene.call("hello").succeeds();
            assert!(again.was_fresh(), "after damage of {}: {}", path.display(), again.text());
            assert!(!again.err().contains("warning"), "{}", again.text());
        }
    }
    scene.append("a/src/lib.rs", "// edited\n");
    scene.take("ran");
    scene.call("hello").succeeds();
    assert_eq!(scene.take("ran"), "hello\n");
}

#[test]
fn a_pipe_in_the_place_of_a_file_keeps_nobody() {
    let scene = Scene::of(&["a"]).make("[lifecycle.hello]\ninputs = [\"src/**\"]\noutputs = []\ncommand = \"true\"\n");
    scene.call("hello").succeeds();
    for path in kept(&scene) {
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        scene.append("a/src/lib.rs", "// edited\n");
        let ended = scene.call("hello").succeeds();
        assert!(!ended.was_fresh(), "{}: {}", path.display(), ended.text());
        let again = scene.call("hello").succeeds();
        assert!(again.was_fresh() && !again.err().contains("warning"), "{}: {}", path.display(), again.text());
    }
}

#[test]
fn a_file_cut_off_anywhere_gives_no_wrong_answer() {
    let scene = Scene::of(&["a"]).make("[lifecycle.hello]\ninputs = [\"src/**\"]\ncommand = \"echo hello\"\n");
    scene.call("hello").succeeds();
    for path in kept(&scene) {
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
    }
    scene.append("a/src/lib.rs", "// edited\n");
    let ended = scene.call("hello -v").succeeds();
    assert_eq!(ended.lines_of("Ran").len(), 1, "{}", ended.text());
    assert!(scene.call("hello").succeeds().was_fresh());
}

#[test]
fn a_warning_says_what_was_set_aside() {
    let scene = Scene::of(&["a"]).make("[lifecycle.hello]\ninputs = [\"src/**\"]\noutputs = []\ncommand = \"true\"\n");
    scene.call("hello").succeeds();
    fs::write(scene.state_json(), "{").unwrap();
    scene.call("hello").shows(r"
   Lifecycle of shop: member a
warning: [root]/target/lifecycle/[own]/state.json is damaged: starts without the last results and durations of steps; it is now [root]/target/lifecycle/[own]/state.json.damaged
       Fresh hello a
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
");
    scene.call("hello").shows(
        r"
   Lifecycle of shop: member a
       Fresh hello a
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
}

#[test]
fn a_target_directory_that_cannot_be_written_fails_no_run() {
    let scene = Scene::of(&["a"]).make("[lifecycle.hello]\ninputs = [\"src/**\"]\ncommand = \"true\"\n");
    scene.call("hello -n").succeeds();
    let _ = fs::remove_dir_all(scene.at("target"));
    scene.write("target", "a file");
    scene.call("hello").shows(r"
   Lifecycle of shop: member a
warning: the results of this run are not kept: cannot write to `[root]/target/lifecycle`: Not a directory (os error 20); move away what stands in its place, or choose another folder with --target-dir
         Ran hello a in [time] (first run)
    Finished 1 step in [time]: 1 run
[exit 0]
");
}

#[test]
fn an_input_that_changes_during_the_run_is_not_recorded() {
    let scene = Scene::of(&["a"])
        .make("[lifecycle.hello]\ninputs = [\"src/**\"]\ncommand = \"[ -e $SIDE/edited ] || echo '// edited' >> src/lib.rs; touch $SIDE/edited\"\n");
    scene.call("hello -v").shows(
        r"
   Lifecycle of shop: member a
note: a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`
         Ran hello a in [time] (first run)
warning: inputs of hello a changed during the run (a: src/lib.rs); its result is not kept
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    let again = scene.call("hello").succeeds();
    assert_eq!(again.ran(), ["hello a (src/lib.rs changed)"]);
    assert!(scene.call("hello").succeeds().was_fresh());
}

#[test]
fn a_step_whose_warnings_are_no_longer_stored_is_not_fresh() {
    let scene = Scene::of(&["alpha"]);
    scene.append("alpha/src/lib.rs", "fn unused() {}\n");
    scene.call("check").succeeds();
    fs::remove_dir_all(scene.at("target/lifecycle/blobs")).unwrap();
    let again = scene.call("check").succeeds();
    assert_eq!(again.ran(), ["check (1 member) (its warnings are no longer stored)"]);
    assert!(again.err().contains("function `unused` is never used"), "{}", again.text());
    assert!(scene.call("check").succeeds().was_fresh());
}

/// What failed when it was run by force is not called fresh by what it was before.
#[test]
fn a_result_that_did_not_hold_by_force() {
    let scene = Scene::of(&["a"])
        .make("[lifecycle.flaky]\ninputs = [\"src/**\"]\noutputs = []\ncommand = \"[ ! -e $SIDE/broken ]\"\n");
    scene.call("flaky").succeeds();
    assert!(scene.call("flaky").succeeds().was_fresh());
    fs::write(scene.beside("broken"), "").unwrap();
    assert_eq!(scene.call("flaky --force").run().code, Some(1));
    assert_eq!(scene.call("flaky").run().code, Some(1), "it is not fresh any more");
    fs::remove_file(scene.beside("broken")).unwrap();
    assert_eq!(scene.call("flaky").succeeds().ran(), ["flaky a (failed before)"]);
}
