//! Runs that are killed at any moment, what they leave behind, and what is written where.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::call::Ended;
use crate::scene::Scene;

/// A generator that writes in several parts, a phase that reads what it made, one that writes what it does not declare, and
/// `check`.
fn scene() -> Scene {
    let scene = Scene::of(&["a"]).file("a/schema", "one\n").file(".gitignore", "/target\n/a/out\n/a/loose\n").make(
        "[lifecycle.gen]\n\
         command = \"mkdir -p out/deep; for n in 1 2 3; do cat schema > out/$n; echo $n >> out/$n; done; ln -sfn ../1 out/deep/link; echo made\"\n\
         inputs = [\"schema\"]\noutputs = [\"out\"]\n\
         [lifecycle.read]\ncommand = \"cat out/1 out/2 out/3 > $SIDE/read\"\nneeds = [\"gen\"]\ninputs = []\n\
         [lifecycle.loose]\ncommand = \"cat schema > loose; sleep 0.05\"\ninputs = [\"schema\"]\n",
    );
    scene.write("a/src/lib.rs", "pub const ONE: u8 = 1;\n");
    scene
}

/// What stands in the places of the outputs is whole, and what this schema leads to.
#[track_caller]
fn assert_made(scene: &Scene, schema: &str, ended: &Ended) {
    for number in ["1", "2", "3"] {
        let made = fs::read_to_string(scene.at("a/out").join(number)).unwrap();
        assert_eq!(made, format!("{schema}{number}\n"), "{}", ended.text());
    }
    assert_eq!(fs::read_link(scene.at("a/out/deep/link")).unwrap(), Path::new("../1"));
    assert_eq!(fs::read_dir(scene.at("a/out")).unwrap().count(), 4);
}

/// The next of a row of numbers that look like chance and are the same every time.
pub fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn a_run_killed_at_any_moment_misleads_no_later_one() {
    let scene = scene();
    let [call, uncached] = ["", " --no-cache"].map(|option| scene.call(&format!("check read loose{option}")));
    let clock = Instant::now();
    call.succeeds();
    let longest = clock.elapsed().as_micros() as u64;
    let (mut seed, mut killed) = (7, 0);
    for round in 0..40 {
        let mut schema = ["one\n", "two\n", "three\n"][next(&mut seed) as usize % 3];
        let is_right = !next(&mut seed).is_multiple_of(4);
        scene.write("a/schema", schema);
        let source = if is_right { format!("pub const N: u64 = {};\n", next(&mut seed) % 3) } else { "wrong\n".into() };
        scene.write("a/src/lib.rs", &source);
        if next(&mut seed).is_multiple_of(2) {
            let _ = fs::remove_dir_all(scene.at("a/out"));
        }
        // Which leaves nothing of use, but files.
        let call = if next(&mut seed).is_multiple_of(3) { &uncached } else { &call };
        let mut child = call.start();
        std::thread::sleep(Duration::from_micros(next(&mut seed) % longest));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().signal().is_some());
        // What it had started goes on alone to its end.
        while !scene.processes().is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if next(&mut seed).is_multiple_of(2) {
            schema = ["one\n", "two\n", "three\n"][next(&mut seed) as usize % 3];
            scene.write("a/schema", schema);
        }
        let ended = scene.call("check read loose --keep-going").run();
        assert_eq!(ended.code, Some(i32::from(!is_right)), "round {round}: {}", ended.text());
        // What a killed run made of a schema that no other run has seen may be somebody's work: it is laid aside.
        let is_laid_aside = |line: &str| line.contains("outputs of gen a") && line.contains("what stood there is in");
        let err = ended.err();
        err.lines().filter(|line| !is_laid_aside(line)).for_each(|line| {
            assert!(!line.contains("panicked") && !line.contains("warning"), "{}", ended.text());
        });
        assert_made(&scene, schema, &ended);
        assert_eq!(fs::read_to_string(scene.at("a/loose")).unwrap(), schema, "round {round}: {}", ended.text());
        let again = scene.call("check read loose --keep-going").run();
        assert_eq!(again.code, ended.code, "{}", again.text());
        assert_eq!(again.was_fresh(), is_right, "round {round}: {}", again.text());
        scene.remove("a/out/2");
        scene.call("gen").succeeds();
        assert_made(&scene, schema, &again);
    }
    assert!(killed > 0, "every run was over before it was killed");
    scene.call("--cache-clean").succeeds();
    assert!(!scene.at("target/lifecycle").exists(), "whatever killed runs left is ours");
}

/// Makes a file or folder look as if it was left there two hours ago.
fn age(path: &Path) {
    File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(2 * 60 * 60)).unwrap();
}

#[test]
fn what_killed_runs_left_is_cleaned_up_and_what_runs_that_go_on_use_is_not() {
    let scene = scene();
    let (staging, young) = (".new-outputs-Ab12Cd", ".new-outputs-young1");
    let digest = "0123456789012345678901234567890123456789012345678901234567890123";
    let left = [
        format!("{staging}/0"),
        format!("{staging}/1"),
        ".new-Ab12Cd".to_owned(),
        "blobs/ab/.new-Ab12Cd".to_owned(),
        format!("blobs/{}/{}", &digest[..2], &digest[2..]),
        format!("{young}/0"),
    ];
    for path in &left {
        scene.write(&format!("target/lifecycle/{path}"), "half");
        if !path.contains(young) {
            age(&scene.at("target/lifecycle").join(path));
        }
    }
    age(&scene.at("target/lifecycle").join(staging));
    scene.call("gen").succeeds();
    let there = |path: &String| scene.at("target/lifecycle").join(path).exists();
    assert_eq!(left.iter().filter(|path| there(path)).collect::<Vec<_>>(), [&left[5]]);
    scene.write("target/lifecycle/blobs/ab/.new-killed", "half");
    scene.call("--cache-clean").succeeds();
    assert!(!scene.at("target/lifecycle").exists(), "all of it is ours");
}

#[test]
fn the_cache_of_runs_that_cargo_calls_is_removed_as_well() {
    let scene = scene();
    scene.call("gen").env("CARGO", env!("CARGO")).succeeds();
    scene.call("--cache-clean").env("CARGO", env!("CARGO")).succeeds();
    assert!(!scene.at("target/lifecycle").exists());
}

/// Every path below these folders with what is there, but for what steps and cargo make.
fn listing(folders: &[&Path], but: &[PathBuf]) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let walks = folders.iter().map(|folder| walkdir::WalkDir::new(folder).min_depth(1).into_iter());
    let entries = walks.flat_map(|walk| walk.filter_entry(|entry| !but.iter().any(|path| path == entry.path())));
    let seen = entries.map(|entry| {
        let entry = entry.unwrap();
        let modified = entry.metadata().unwrap().modified().unwrap();
        (entry.path().to_owned(), (modified, fs::read(entry.path()).unwrap_or_default()))
    });
    seen.collect()
}

#[test]
fn nothing_is_written_but_the_cache_and_the_outputs() {
    let scene = scene().file("b.txt", "b").file(".git/hooks/x", "x");
    let (home, temporary) = (scene.beside("home"), scene.beside("temporary"));
    fs::create_dir(&home).unwrap();
    fs::create_dir(&temporary).unwrap();
    let real = PathBuf::from(std::env::var_os("HOME").unwrap());
    let of_rust = |name: &str, folder: &str| std::env::var_os(name).unwrap_or_else(|| real.join(folder).into());
    let call = |words: &str| {
        let call = scene.call(words).env("HOME", &home).env("TMPDIR", &temporary);
        call.env("CARGO_HOME", of_rust("CARGO_HOME", ".cargo")).env("RUSTUP_HOME", of_rust("RUSTUP_HOME", ".rustup"))
    };
    let but = [scene.at("target/lifecycle"), scene.at("target/debug"), scene.at("a/out"), scene.beside("read")];
    let look = || {
        let mut seen = listing(&[scene.root(), &scene.beside("")], &but);
        // The folders in which something that does not count has come or gone.
        seen.values_mut().for_each(|(modified, bytes)| {
            if bytes.is_empty() {
                *modified = SystemTime::UNIX_EPOCH;
            }
        });
        seen
    };
    let same = |before: &BTreeMap<PathBuf, _>, what: &str| {
        let after = look();
        let differs = after.iter().filter(|(path, state)| before.get(*path) != Some(*state)).map(|(path, _)| path);
        let gone = before.keys().filter(|path| !after.contains_key(*path));
        assert_eq!(differs.chain(gone).collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "{what}");
    };
    let before = look();
    call("read").succeeds();
    let [lock, tag, target] = ["Cargo.lock", "target/CACHEDIR.TAG", "target"].map(|path| scene.at(path));
    let new: Vec<PathBuf> = look().into_keys().filter(|path| !before.contains_key(path)).collect();
    assert!(new.iter().all(|path| [&lock, &tag, &target].contains(&path)), "{new:?}");
    call("check read").succeeds();
    let before = look();
    for words in
        ["check read", "check read --verify", "gen --force", "gen --no-cache", "check read -n", "gen --explain"]
    {
        call(words).succeeds();
        same(&before, words);
    }
    fs::remove_dir_all(scene.at("a/out")).unwrap();
    call("gen").succeeds();
    same(&before, "restored");
    fs::remove_dir_all(scene.at("target/lifecycle/blobs")).unwrap();
    fs::remove_dir_all(scene.at("a/out")).unwrap();
    call("gen").succeeds();
    same(&before, "made again");
}
