//! The cache folder alone in another checkout, as CI restores it: what needs no artifacts is fresh, and edits are seen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::call::Ended;
use crate::scene::Scene;

/// A checkout with all sorts of phases.
fn checkout() -> Scene {
    Scene::of(&["a", "b a"]).file("a/schema", "one\n").file(".gitignore", "/target\n/a/out\n").make(
        "[lifecycle.gen]\nworkspaces = [\"a\"]\ncommand = \"mkdir -p out; cp schema out/x; chmod 750 out/x; echo gen >> $SIDE/ran\"\n\
         inputs = [\"schema\"]\noutputs = [\"out\"]\n\
         [lifecycle.look]\ncommand = \"echo look >> $SIDE/ran\"\ninputs = [\"src/**\"]\noutputs = []\n",
    )
}

const PHASES: &str = "fmt check lint build gen look";

/// Only the cache of one checkout reaches the other; names and contents do, inodes and times do not.
fn carry(from: &Path, to: &Path) {
    let from = from.join("target/lifecycle");
    for entry in walkdir::WalkDir::new(&from).into_iter().map(Result::unwrap) {
        let to = to.join("target/lifecycle").join(entry.path().strip_prefix(&from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::write(to, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The steps that ran, without reasons.
fn steps(ended: &Ended) -> Vec<String> {
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    let ran = ended.ran();
    let mut names: Vec<_> = ran.iter().map(|line| line.split(" (").next().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[track_caller]
fn assert_carried(scene: &Scene, ended: &Ended) {
    assert_eq!(steps(ended), ["build"], "there are no artifacts: {}", ended.text());
    assert_eq!(fs::read_to_string(scene.at("a/out/x")).unwrap(), "one\n", "outputs come back");
    assert_eq!(fs::metadata(scene.at("a/out/x")).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(scene.at("target/debug/libb.rlib").exists());
    assert!(scene.call(PHASES).succeeds().was_fresh());
}

/// Every edit is seen where it counts, and nowhere else.
fn assert_edits_are_seen(scene: &Scene) {
    scene.append("b/src/lib.rs", "pub const MORE: u8 = 1;\n");
    assert_eq!(steps(&scene.call(PHASES).succeeds()), ["build", "check", "fmt", "lint", "look b"]);
    scene.write("a/schema", "two\n");
    // It is a file of the member's, which what compiles may read.
    let ended = scene.call(PHASES).succeeds();
    assert!(steps(&ended).contains(&"gen a".to_owned()), "{}", ended.text());
    assert_eq!(fs::read_to_string(scene.at("a/out/x")).unwrap(), "two\n");
    scene.append("a/src/lib.rs", "wrong\n");
    assert_eq!(scene.call("check").run().code, Some(1));
}

#[test]
fn another_checkout_at_another_path() {
    let first = checkout();
    first.call(PHASES).succeeds();
    let second = checkout();
    carry(first.root(), second.root());
    assert_carried(&second, &second.call(PHASES).succeeds());
    assert_edits_are_seen(&second);
    let third = checkout();
    carry(first.root(), third.root());
    third.write("a/src/lib.rs", "wrong\n");
    assert_eq!(third.call("check").run().code, Some(1));
    assert_eq!(third.call("check").run().code, Some(1));
}

#[test]
fn the_same_path_made_anew() {
    let scene = checkout();
    scene.call(PHASES).succeeds();
    let sources: Vec<_> = ["a/src/lib.rs", "b/src/lib.rs"].map(|path| (path, fs::read(scene.at(path)).unwrap())).into();
    let safe = scene.beside("safe");
    carry(scene.root(), &safe);
    let renew = |lock: bool| {
        fs::remove_dir_all(scene.at("target")).unwrap();
        fs::remove_dir_all(scene.at("a/out")).unwrap();
        for (path, bytes) in &sources {
            scene.remove(path);
            fs::write(scene.at(path), bytes).unwrap();
        }
        if lock {
            scene.remove("Cargo.lock");
        }
        carry(&safe, scene.root());
    };
    renew(false);
    assert_carried(&scene, &scene.call(PHASES).succeeds());
    renew(true);
    assert_carried(&scene, &scene.call(PHASES).succeeds());
    assert_edits_are_seen(&scene);
}

#[test]
fn files_of_another_owners_mask_are_the_same_files() {
    let first = checkout();
    first.call(PHASES).succeeds();
    let second = checkout();
    carry(first.root(), second.root());
    for path in ["a/src/lib.rs", "b/src/lib.rs", "a/schema", "make.toml"] {
        fs::set_permissions(second.at(path), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let inner = second.call(PHASES).command();
    let mut masked = Command::new("sh");
    masked.args(["-c", "umask 077; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    masked.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert!(masked.current_dir(second.root()).output().unwrap().status.success());
    assert!(!second.beside("ran").exists(), "neither gen nor look ran");
    let mode = |path: &str| fs::metadata(second.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a/out/x"), mode("a/out")), (0o750, 0o700), "the file as it was made, its folder as usual here");
    assert!(second.call(PHASES).succeeds().was_fresh());
}

#[test]
fn the_cache_of_another_environment_is_stale_and_says_why() {
    let first = checkout();
    first.call("check gen").succeeds();
    let again = || first.call("check gen").env("RUSTFLAGS", "-Cdebuginfo=1").succeeds();
    assert_eq!(again().ran(), ["check (2 members) (RUSTFLAGS changed)", "gen a (RUSTFLAGS changed)"]);
    let second = checkout();
    carry(first.root(), second.root());
    let call = second.call("check gen").env("RUSTFLAGS", "-Copt-level=1");
    assert_eq!(steps(&call.succeeds()), ["check", "gen a"]);
    assert!(call.succeeds().was_fresh());
    assert!(second.call("check gen").succeeds().was_fresh(), "as the first one had it");
}

#[test]
fn a_cache_without_what_it_names_is_as_good_as_what_is_left_of_it() {
    let first = checkout();
    first.call(PHASES).succeeds();
    for lost in ["blobs", "records.bin", "files.bin", "toolchain.json"] {
        let second = checkout();
        carry(first.root(), second.root());
        let path = second.at("target/lifecycle").join(lost);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        let ended = second.call(PHASES).succeeds();
        let ran = steps(&ended);
        let needed: &[&str] = match lost {
            "blobs" => &["build", "gen a"],
            "records.bin" => &["build", "check", "fmt", "gen a", "lint", "look a", "look b"],
            _ => &["build"],
        };
        assert_eq!(ran, needed, "{lost}: {}", ended.text());
        assert!(second.call(PHASES).succeeds().was_fresh(), "{lost}");
    }
}
