//! What a run has seen of the files is remembered. Each change is noticed by a run that remembers, as it is by one that does
//! not, in every phase that covers it and in no other.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::scene::Scene;
use crate::trap::git;

const MAKE: &str = r#"
[lifecycle.sources]
command = "true"
outputs = []
inputs = ["src/**"]

[lifecycle.hidden]
command = "true"
outputs = []
inputs = ["generated.txt", "cache/**"]

[lifecycle.shared]
command = "true"
outputs = []
inputs = ["//shared/*.txt"]

[lifecycle.any]
command = "true"
outputs = []
dependencies = false
"#;

/// All phases for the member `a`, which are fresh; and what is remembered is as old as they are.
fn settled() -> Scene {
    let scene = Scene::of(&["a"]).make(MAKE);
    git(&scene, "init -q");
    scene.write(".gitignore", "target\ngenerated.txt\ncache\n");
    for path in ["shared/one.txt", "a/generated.txt", "a/cache/deep/one", "a/notes/one.md", "a/notes/two.md", "a/.env"]
    {
        scene.write(path, path);
    }
    settle(&scene);
    scene
}

fn settle(scene: &Scene) {
    scene.call("sources hidden shared any").succeeds();
    let seen = || fs::read(seen(scene)).unwrap_or_default();
    let mut before = Vec::new();
    while before != seen() {
        before = seen();
        // What has just been written is looked into once more.
        std::thread::sleep(Duration::from_millis(20));
        assert!(scene.call("sources hidden shared any").succeeds().was_fresh());
    }
    assert!(!before.is_empty());
}

fn seen(scene: &Scene) -> PathBuf {
    scene.state_json().with_file_name("seen.bin")
}

/// The phases that are stale, as a run would find them.
fn stale(scene: &Scene) -> String {
    let told = scene.call("sources hidden shared any --dry-run").succeeds().out();
    let lines = told.lines().filter(|line| line.contains(": stale"));
    lines.filter_map(|line| line.split(' ').next()).collect::<Vec<_>>().join(" ")
}

/// The edit makes these phases stale, whether or not something is remembered, and they become fresh again.
fn makes_stale(scene: &Scene, name: &str, expected: &str, edit: impl FnOnce(&Scene)) {
    edit(scene);
    assert_eq!(stale(scene), expected, "{name}");
    let kept = fs::read(seen(scene)).unwrap();
    fs::remove_file(seen(scene)).unwrap();
    assert_eq!(stale(scene), expected, "{name}, and nothing is remembered");
    fs::write(seen(scene), kept).unwrap();
    settle(scene);
}

#[test]
fn every_change_of_a_file_is_noticed() {
    let scene = settled();
    let mode =
        |scene: &Scene, mode| fs::set_permissions(scene.at("a/src/lib.rs"), fs::Permissions::from_mode(mode)).unwrap();
    makes_stale(&scene, "contents", "sources any", |scene| scene.append("a/src/lib.rs", "// more\n"));
    makes_stale(&scene, "same size and time", "sources any", |scene| {
        let path = scene.at("a/src/lib.rs");
        let time = path.metadata().unwrap().modified().unwrap();
        scene.replace("a/src/lib.rs", "more", "less");
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    });
    makes_stale(&scene, "another file in its place", "sources any", |scene| {
        scene.write("new.rs", "// new\n");
        scene.rename("new.rs", "a/src/lib.rs");
    });
    makes_stale(&scene, "mode", "sources any", |scene| mode(scene, 0o755));
    makes_stale(&scene, "new files", "sources any", |scene| {
        // Two, so that without the first it is no state that was there before.
        ["new.rs", "other.rs"].iter().for_each(|name| scene.write(&format!("a/src/{name}"), ""));
    });
    makes_stale(&scene, "a new name", "sources any", |scene| scene.rename("a/src/new.rs", "a/src/old.rs"));
    makes_stale(&scene, "one file less", "sources any", |scene| scene.remove("a/src/old.rs"));
    makes_stale(&scene, "a link", "sources any", |scene| symlink("lib.rs", scene.at("a/src/link.rs")).unwrap());
    makes_stale(&scene, "where it leads", "sources any", |scene| {
        scene.remove("a/src/link.rs");
        symlink("../notes/one.md", scene.at("a/src/link.rs")).unwrap();
    });
    makes_stale(&scene, "what it leads to", "sources any", |scene| scene.append("a/notes/one.md", "more"));
    makes_stale(&scene, "a folder in the place of a file", "any", |scene| {
        scene.remove("a/notes/two.md");
        scene.write("a/notes/two.md/deep", "");
    });
    makes_stale(&scene, "an ignored file that counts", "any", |scene| scene.append("a/.env", "more"));
    makes_stale(&scene, "a file in the root", "shared", |scene| scene.append("shared/one.txt", "more"));
    makes_stale(&scene, "an ignored input", "hidden", |scene| scene.append("a/generated.txt", "more"));
    makes_stale(&scene, "an input in an ignored folder", "hidden", |scene| scene.append("a/cache/deep/one", "more"));
    makes_stale(&scene, "a time that lies ahead", "", |scene| {
        let soon = SystemTime::now() + Duration::from_secs(3600);
        fs::File::options().write(true).open(scene.at("a/src/lib.rs")).unwrap().set_modified(soon).unwrap();
    });
    makes_stale(&scene, "contents at a time that lies ahead", "sources any", |scene| {
        let path = scene.at("a/src/lib.rs");
        let soon = path.metadata().unwrap().modified().unwrap();
        scene.append("a/src/lib.rs", "// late\n");
        fs::File::options().write(true).open(path).unwrap().set_modified(soon).unwrap();
    });
}

#[test]
fn every_change_of_what_counts_is_noticed() {
    let scene = settled();
    makes_stale(&scene, "a rule of git's", "any", |scene| scene.append(".gitignore", "one.md\n"));
    makes_stale(&scene, "another rule", "any", |scene| scene.replace(".gitignore", "one.md\n", "two.md\n"));
    makes_stale(&scene, "a rule of the repository's own", "any", |scene| {
        scene.write(".git/info/exclude", "one.md\n");
    });
    makes_stale(&scene, "a rule in a folder", "any", |scene| scene.write("a/notes/.gitignore", "!one.md\n"));
    makes_stale(&scene, "inputs", "sources", |scene| {
        scene.replace("make.toml", "\"src/**\"", "\"src/**\", \"notes/**\"");
    });
    makes_stale(&scene, "a file that they name now", "sources any", |scene| scene.append("a/notes/one.md", "more"));
    makes_stale(&scene, "outputs", "sources", |scene| {
        let (old, new) =
            ("command = \"true\"\noutputs = []", "command = \"echo > src/made\"\noutputs = [\"src/made\"]");
        let inputs = "\ninputs = [\"src/**\"";
        scene.replace("make.toml", &format!("{old}{inputs}"), &format!("{new}{inputs}"));
    });
}

#[test]
fn a_rule_of_the_user_is_noticed() {
    let scene = settled();
    let excludes = scene.beside("excludes");
    let home = scene.beside("home");
    fs::create_dir(&home).unwrap();
    let config = format!("[core]\n\texcludesFile = {}\n", excludes.display());
    fs::write(home.join(".gitconfig"), config).unwrap();
    let is_fresh =
        |scene: &Scene| scene.call("any").env("HOME", &home).env("XDG_CONFIG_HOME", &home).succeeds().was_fresh();
    assert!(is_fresh(&scene) && is_fresh(&scene));
    fs::write(&excludes, "two.md\n").unwrap();
    assert!(!is_fresh(&scene));
    assert!(is_fresh(&scene));
    fs::write(&excludes, "one.md\n").unwrap();
    assert!(!is_fresh(&scene));
}

#[test]
fn a_copy_has_nothing_to_do_and_what_is_edited_in_it_is_seen() {
    let scene = settled();
    let copy = Scene::new();
    let status = Command::new("cp").arg("-a").arg(scene.at(".")).arg(copy.root()).status().unwrap();
    assert!(status.success());
    let state = fs::read_dir(copy.at("target/lifecycle")).unwrap().count();
    assert!(copy.call("sources any").succeeds().was_fresh());
    assert!(fs::read_dir(copy.at("target/lifecycle")).unwrap().count() > state, "it has a place of its own");
    copy.append("a/src/lib.rs", "// copy\n");
    assert!(!copy.call("sources").succeeds().was_fresh());
    assert!(scene.call("sources").succeeds().was_fresh());
}

#[test]
fn what_stands_in_its_place_is_no_obstacle() {
    let scene = settled();
    let path = seen(&scene);
    let of_another = {
        let other = settled();
        fs::read(seen(&other)).unwrap()
    };
    let whole = fs::read(&path).unwrap();
    let flipped = |place: usize| [&whole[..place], &[whole[place] ^ 0x10], &whole[place + 1..]].concat();
    let half = whole[..whole.len() / 2].to_vec();
    for (name, bytes) in
        [("another's", of_another), ("half", half), ("flipped", flipped(whole.len() / 3)), ("none", Vec::new())]
    {
        fs::write(&path, bytes).unwrap();
        let ended = scene.call("sources hidden shared any").succeeds();
        assert!(ended.was_fresh() && !ended.err().contains("warning"), "{name}: {}", ended.text());
        assert_ne!(fs::read(&path).unwrap().len(), 0, "{name}: it is made anew");
        fs::write(&path, flipped(whole.len() / 2)).unwrap();
        scene.append("a/src/lib.rs", "// edited\n");
        assert_eq!(stale(&scene), "sources any", "{name}");
        settle(&scene);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir_all(path.join("folder")).unwrap();
    scene.append("a/src/lib.rs", "// once more\n");
    assert!(!scene.call("sources").succeeds().was_fresh());
    assert!(scene.call("sources").succeeds().was_fresh());
    assert!(Path::new(&path).is_file(), "it is moved out of the way");
}
