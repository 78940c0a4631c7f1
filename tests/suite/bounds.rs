//! How much is kept, what there is to see of it, how it is removed; and disks that take nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::call::Ended;
use crate::scene::Scene;

/// Phases `p1` to `p4`, each of which prints 10,000 bytes of its own, and what make.toml says besides.
fn printing(besides: &str) -> Scene {
    let mut make = besides.to_owned();
    for number in 1..=4 {
        make += &format!(
            "[lifecycle.p{number}]\ninputs = [\"src/**\"]\noutputs = []\ncommand = \"printf '%010000d' {number}\"\n"
        );
    }
    Scene::of(&["a"]).make(&make)
}

/// What `--cache-stats` says of a name.
fn stat(scene: &Scene, name: &str) -> serde_json::Value {
    let ended = scene.call("--cache-stats --message-format json").succeeds();
    let stats: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    stats.get(name).unwrap().clone()
}

/// Waits until uses are noted with another time than now.
fn next_second() {
    let seconds = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let now = seconds();
    while seconds() == now {
        std::thread::yield_now();
    }
}

fn warnings(ended: &Ended) -> Vec<String> {
    ended.err().lines().filter(|line| line.starts_with("warning:")).map(str::to_owned).collect()
}

#[test]
fn the_least_recently_used_goes_first_and_at_once() {
    let scene = printing("[cache]\nmax-size = \"35KB\"\n");
    for phase in ["p1", "p2", "p3", "p1"] {
        scene.call(phase).succeeds();
        next_second();
    }
    assert_eq!((stat(&scene, "blobs"), stat(&scene, "blob_bytes")), (3.into(), 30_000.into()));
    scene.call("p4").succeeds();
    assert_eq!((stat(&scene, "blobs"), stat(&scene, "blob_bytes")), (3.into(), 30_000.into()));
    assert!(scene.call("p1 p3 p4").succeeds().was_fresh(), "the second was not used, the first was");
    assert_eq!(scene.call("p2").succeeds().ran(), ["p2 a (record evicted)"]);
    scene.replace("make.toml", "35KB", "9KB");
    scene.append("a/src/lib.rs", "// edited\n");
    scene.call("p1").succeeds();
    assert_eq!(stat(&scene, "blobs"), 0, "what is larger than all may be is not kept, nor what was there");
}

#[test]
fn what_does_not_fit_names_the_bound() {
    let scene = printing("[cache]\nmax-size = \"9KB\"\n");
    let why = "the 10000 B that it made and printed do not fit into `[cache] max-size`";
    let warning = |phase: &str| format!("warning: the result of {phase} a is not kept: {why}; make.toml can raise it");
    for reason in ["first run", &format!("not kept before: {why}")] {
        let ended = scene.call("p1").succeeds();
        assert_eq!(ended.ran(), [format!("p1 a ({reason})")]);
        assert_eq!(warnings(&ended), [warning("p1")]);
    }
    scene.replace("make.toml", "9KB", "15KB");
    let ended = scene.call("p1 p2").succeeds();
    let told = warnings(&ended);
    assert!(told == [warning("p1")] || told == [warning("p2")], "each fits, but not both:\n{}", ended.text());
    scene.replace("make.toml", "15KB", "20KB");
    assert_eq!(warnings(&scene.call("p1 p2").succeeds()), Vec::<String>::new());
    assert!(scene.call("p1 p2").succeeds().was_fresh());
}

#[test]
fn what_no_run_uses_grows_old() {
    let scene = printing("[cache]\nmax-age = \"1h\"\n");
    scene.call("p1 p2").succeeds();
    scene.replace("make.toml", "1h", "0s");
    next_second();
    scene.call("p3").succeeds();
    assert_eq!((stat(&scene, "records"), stat(&scene, "blobs")), (1.into(), 1.into()));
    let state = fs::read_to_string(scene.state_json()).unwrap();
    assert!(state.contains("p3 a") && !state.contains("p1 a"), "{state}");
}

#[test]
fn there_is_a_view_of_what_is_kept() {
    let scene = printing("");
    scene.call("--cache-stats").shows(
        r"
[stdout]
Cache in [root]/target/lifecycle
Results: 0
Outputs: 0 files, 0 B of at most 2 GiB
Other files: [..]
Unused results are kept for 30 days
[exit 0]
",
    );
    scene.call("p1 p2").succeeds();
    scene.call("--cache-stats").shows(
        r"
[stdout]
Cache in [root]/target/lifecycle
Results: 2, last used [..] ago (oldest) to [..] ago (newest), noted once an hour
Outputs: 2 files, 19.5 KiB of at most 2 GiB
Other files: [..] KiB
Unused results are kept for 30 days
[exit 0]
",
    );
    let blobs = walkdir::WalkDir::new(scene.at("target/lifecycle/blobs")).into_iter().map(Result::unwrap);
    let blob = blobs.into_iter().find(|entry| entry.file_type().is_file()).unwrap();
    fs::write(blob.path(), "x").unwrap();
    fs::write(scene.state_json(), "{").unwrap();
    scene.call("p1 -q").succeeds();
    let ended = scene.call("--cache-stats").succeeds().out();
    assert!(ended.contains("\nOutputs that results name and that are gone: 1\n"), "{ended}");
    assert!(ended.contains("\nDamaged and set aside: ") && ended.contains("/state.json.damaged\n"), "{ended}");
}

#[test]
fn cleaning_leaves_nothing_of_ours_and_nothing_else_is_touched() {
    let scene = printing("[lifecycle.fails]\ncommand = \"exit 1\"\n").file("target/lifecycle/mine.txt", "mine");
    scene.call("p1 check").succeeds();
    scene.call("fails").run();
    let ended = scene.call("--cache-clean").succeeds();
    assert!(ended.out().starts_with("Removed ") && ended.out().ends_with(" KiB, from [root]/target/lifecycle\n"));
    let left: Vec<_> = fs::read_dir(scene.at("target/lifecycle")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["mine.txt"]);
    assert!(scene.at("target/debug").exists());
    assert_eq!(scene.call("p1").succeeds().ran(), ["p1 a (first run)"]);
    scene.remove("target/lifecycle/mine.txt");
    scene.call("--cache-clean --message-format json").succeeds();
    assert!(!scene.at("target/lifecycle").exists());
}

#[test]
fn no_phase_goes_with_housekeeping() {
    let scene = printing("");
    for call in ["--cache-clean p1", "p1 --cache-stats", "--cache-clean --cache-stats", "--cache-clean -n"] {
        let ended = scene.call(call).run();
        assert_eq!(ended.code, Some(2), "{}", ended.text());
    }
    assert!(!scene.at("target").exists());
}

#[test]
fn a_run_goes_on_when_the_cache_is_cleaned_under_it() {
    let wait =
        "touch $SIDE/at; i=0; while ! [ -e $SIDE/go ]; do i=$((i+1)); [ $i -gt 400 ] && exit 7; sleep 0.05; done";
    let scene = printing(&format!("[lifecycle.wait]\ninputs = [\"src/**\"]\ncommand = \"{wait}; echo waited\"\n"));
    scene.call("p1 p2").succeeds();
    let call = scene.call("p2 wait");
    let child = call.start();
    while !scene.beside("at").exists() {
        std::thread::yield_now();
    }
    scene.call("--cache-clean").succeeds();
    assert!(!scene.at("target/lifecycle").exists());
    fs::write(scene.beside("go"), "").unwrap();
    let ended = call.wait(child);
    assert_eq!((ended.code, warnings(&ended)), (Some(0), Vec::new()), "{}", ended.text());
    assert_eq!(scene.call("wait").succeeds().lines_of("Fresh"), ["wait a"]);
}

#[test]
fn cleaning_again_and_again_disturbs_no_run() {
    let scene = printing("");
    let calls: Vec<_> = (0..12).map(|_| scene.call("p1 p2 p3 p4 --force")).collect();
    let cleans: Vec<_> = (0..12).map(|_| scene.call("--cache-clean")).collect();
    let children: Vec<_> = calls.iter().zip(&cleans).map(|(call, clean)| (call.start(), clean.start())).collect();
    for ((call, clean), (run, cleaning)) in calls.iter().zip(&cleans).zip(children) {
        for ended in [call.wait(run), clean.wait(cleaning)] {
            assert_eq!((ended.code, warnings(&ended)), (Some(0), Vec::new()), "{}", ended.text());
        }
    }
    scene.call("p1 p2 p3 p4").succeeds();
    let again = scene.call("p1 p2 p3 p4 -v").succeeds();
    assert!(again.was_fresh() && !again.err().contains("no longer stored"), "{}", again.text());
}

#[test]
fn a_place_that_takes_nothing_is_one_warning_and_the_run_goes_on() {
    let file: fn(&Path) = |path| fs::write(path, "in the way").unwrap();
    let folder: fn(&Path) = |path| fs::create_dir_all(path).unwrap();
    // Not even root can make a file there.
    let proc: fn(&Path) = |path| symlink("/proc", path).unwrap();
    let nowhere: fn(&Path) = |path| symlink("/nowhere/at/all", path).unwrap();
    for (place, block) in [
        ("target", file),
        ("target/lifecycle", file),
        ("target/lifecycle/blobs", file),
        ("target/lifecycle/lock", folder),
        ("target/lifecycle", proc),
        ("target", nowhere),
    ] {
        let scene = printing("[lifecycle.fails]\ncommand = \"exit 1\"\n");
        fs::create_dir_all(scene.at(place).parent().unwrap()).unwrap();
        block(&scene.at(place));
        for (phases, code) in [("p1", 0), ("p1", 0), ("p1 fails", 1)] {
            let ended = scene.call(phases).run();
            let warnings = warnings(&ended);
            assert_eq!((ended.code, warnings.len()), (Some(code), 1), "{place}\n{}", ended.text());
            let start = "warning: the results of this run are not kept: cannot write to `[root]/target/lifecycle`: ";
            assert!(warnings[0].starts_with(start) && warnings[0].contains("--target-dir"), "{}", warnings[0]);
        }
    }
}

#[test]
fn a_file_in_place_of_the_workspaces_own_folder_is_one_warning() {
    let scene = printing("");
    scene.call("p1").succeeds();
    let own = scene.state_json().parent().unwrap().to_owned();
    fs::remove_dir_all(&own).unwrap();
    fs::write(&own, "in the way").unwrap();
    let ended = scene.call("p2").succeeds();
    assert_eq!(warnings(&ended).len(), 1, "{}", ended.text());
}

/// A call that can write no file of more than 4096 bytes: its exit code and standard error.
fn limited(scene: &Scene, words: &str) -> (Option<i32>, String) {
    let inner = scene.call(words).command();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.current_dir(scene.root()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_disk_that_is_full_in_the_middle_is_one_warning() {
    let scene = printing("");
    scene.call("p1").succeeds();
    let (code, text) = limited(&scene, "p2");
    assert_eq!((code, text.matches("warning:").count()), (Some(0), 1), "{text}");
    assert!(text.contains("are not kept: cannot write to") && text.contains("make room there"), "{text}");
    let (code, text) = limited(&scene, "p1");
    assert_eq!((code, text.matches("Fresh p1 a").count()), (Some(0), 1), "what was there is of use: {text}");
    assert_eq!(scene.call("p2").succeeds().ran(), ["p2 a (first run)"]);
    assert!(scene.call("p2").succeeds().was_fresh());
}

#[test]
fn what_cannot_be_named_does_not_stay_on_a_full_disk() {
    let steps = |range: std::ops::Range<usize>| range.map(|number| format!("s{number} ")).collect::<String>();
    let step = |number| format!("[lifecycle.s{number}]\ninputs = [\"src/**\"]\ncommand = \"echo {number}\"\n");
    let scene = Scene::of(&["a"]).make(&(0..61).map(step).collect::<String>());
    scene.call(&steps(0..60)).succeeds();
    assert_eq!(stat(&scene, "blobs"), 60);
    let (code, text) = limited(&scene, "s60");
    assert_eq!((code, text.matches("warning:").count()), (Some(0), 1), "{text}");
    assert_eq!((stat(&scene, "blobs"), stat(&scene, "missing_blobs")), (60.into(), 0.into()));
}

#[test]
fn output_is_not_lost_when_there_is_no_place_for_temporary_files() {
    let scene =
        Scene::of(&["a"]).make("[lifecycle.much]\ncommands = [\"seq 300000\", \"seq 300001 400000; exit 3\"]\n");
    let file = scene.beside("file");
    fs::write(&file, "").unwrap();
    let ended = scene.call("much").env("TMPDIR", &file).run();
    assert_eq!(ended.code, Some(1));
    let warnings = warnings(&ended);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("warning: a step's output is held in memory: cannot write"), "{warnings:?}");
    let numbers = ended.err();
    let numbers: Vec<u32> = numbers.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(numbers.iter().copied().eq(1..=400_000), "{} lines", numbers.len());
}
