//! A cache whose files were damaged at any place, or forged: no panic, no wrong skip, no wrong output, and nothing is
//! written where a step declares no output.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::call::Ended;
use crate::scene::Scene;

/// A phase with outputs and one that reads them.
fn scene() -> Scene {
    let scene = Scene::of(&["a", "b"]).file("a/schema", "one\n").file("a/out/kept", "by hand\n").make(
        "[lifecycle.gen]\nworkspaces = [\"a\"]\n\
         command = \"mkdir -p out; tr a-z A-Z < schema > out/upper; cp schema out/run; chmod 750 out/run; ln -sfn upper out/link; echo made\"\n\
         inputs = [\"schema\"]\noutputs = [\"out\"]\n\
         [lifecycle.read]\nworkspaces = [\"a\"]\ncommand = \"cat schema out/upper > $SIDE/read\"\nneeds = [\"gen\"]\ninputs = [\"schema\"]\n",
    );
    scene.call("read").succeeds();
    // Once more, so that the digests of all files are old enough to be kept.
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(scene.call("read").succeeds().was_fresh());
    scene
}

/// The files below a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Puts the cache as it was.
fn put_back(scene: &Scene, pristine: &BTreeMap<PathBuf, Vec<u8>>) {
    fs::remove_dir_all(scene.at("target/lifecycle")).unwrap();
    for (path, bytes) in pristine {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[track_caller]
fn assert_right(scene: &Scene, schema: &str, (what, ended): (&str, &Ended)) {
    assert_eq!(ended.code, Some(0), "{what}: {}", ended.text());
    assert!(!ended.err().contains("panicked"), "{what}: {}", ended.text());
    let made = ["upper", "run", "link"].map(|name| fs::read_to_string(scene.at("a/out").join(name)).unwrap());
    let upper = schema.to_uppercase();
    assert_eq!(made, [&*upper, schema, &*upper], "{what}: {}", ended.text());
    assert_eq!(fs::read_to_string(scene.at("a/out/kept")).unwrap(), "by hand\n");
}

#[test]
fn no_damage_anywhere_gives_a_wrong_answer() {
    let scene = scene();
    let pristine = files(&scene.at("target/lifecycle"));
    assert!(pristine.len() > 10, "{pristine:?}");
    let mut seed: u64 = 3;
    let mut chance = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut warned = 0;
    for (path, whole) in pristine.iter().filter(|(_, whole)| !whole.is_empty()) {
        for round in 0..12 {
            put_back(&scene, &pristine);
            let place = chance(whole.len());
            let mut bytes = whole.clone();
            match round % 3 {
                0 => bytes.truncate(place),
                1 => bytes[place] ^= 1 << chance(8),
                _ => bytes[place] = chance(256) as u8,
            }
            fs::write(path, bytes).unwrap();
            let what = format!("{} at {place}, round {round}", path.display());
            // A schema that was never seen before must run everything, one that was must not come out wrong.
            let schema = if round % 2 == 0 { "one\n".to_owned() } else { format!("{what}\n") };
            scene.write("a/schema", &schema);
            if round % 4 < 2 {
                fs::remove_file(scene.at("a/out/upper")).unwrap();
            }
            scene.take("read");
            let ended = scene.call("read").run();
            assert_right(&scene, &schema, (&what, &ended));
            if round % 2 == 1 {
                assert_eq!(scene.take("read"), format!("{schema}{}", schema.to_uppercase()), "{what}");
            }
            warned += usize::from(ended.err().contains("warning"));
        }
    }
    assert!(warned > 0, "nothing of what was damaged was looked at");
}

/// An output in a forged list.
enum Forged<'a> {
    File(&'a str),
    Link(&'a str, &'a str),
}

/// A list of outputs as it is stored, whose files have these contents and say that they are this long.
fn list(entries: &[Forged<'_>], contents: &[u8], size: u64) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let mut bytes = b"clc-outs\x01".to_vec();
    bytes.extend((entries.len() as u64).to_le_bytes());
    for entry in entries {
        match entry {
            Forged::File(path) => {
                bytes.extend([text(path), vec![1, 0], Sha256::digest(contents).to_vec()].concat());
                bytes.extend([&size.to_le_bytes()[..], &0o777_u32.to_le_bytes()].concat());
            }
            Forged::Link(path, to) => bytes.extend([text(path), vec![1, 1], text(to)].concat()),
        }
    }
    bytes
}

/// Puts bytes where a blob of them is found.
fn put(scene: &Scene, bytes: &[u8]) -> [u8; 32] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = scene.at("target/lifecycle/blobs").join(&name[..2]).join(&name[2..]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    digest
}

/// Makes the records name this list instead of the one that the step has left, with a checksum that is right.
fn forge(scene: &Scene, list: &[u8]) {
    let blobs = files(&scene.at("target/lifecycle/blobs"));
    let old = blobs.values().find(|bytes| bytes.starts_with(b"clc-outs")).unwrap();
    let (old, new) = (Sha256::digest(old), put(scene, list));
    let path = scene.at("target/lifecycle/records.bin");
    let mut records = fs::read(&path).unwrap();
    records.truncate(records.len() - 32);
    let place = records.windows(32).position(|bytes| *bytes == old[..]).unwrap();
    records[place..place + 32].copy_from_slice(&new);
    let checksum = Sha256::digest(&records);
    records.extend(checksum);
    fs::write(path, records).unwrap();
}

#[test]
fn a_forged_list_of_outputs_writes_nothing_elsewhere() {
    let scene = scene().file(".git/hooks/pre-commit", "theirs");
    let outside = scene.beside("outside");
    fs::create_dir(&outside).unwrap();
    let led = |scene: &Scene| std::os::unix::fs::symlink(&outside, scene.at("a/out/led")).unwrap();
    led(&scene);
    let absolute = outside.join("x");
    let pristine = files(&scene.at("target/lifecycle"));
    let elsewhere = || {
        let mut all = files(scene.root());
        all.retain(|path, _| !path.starts_with(scene.at("target")) && !path.starts_with(scene.at("a/out")));
        (all, files(&outside))
    };
    let before = elsewhere();
    let evil = b"evil";
    for entries in [
        &[Forged::File("../outside")][..],
        &[Forged::File("a/out/../../b/src/lib.rs")],
        &[Forged::File("a/out/../src/lib.rs")],
        &[Forged::File("b/src/lib.rs")],
        &[Forged::File("a/src/lib.rs")],
        &[Forged::File("make.toml")],
        &[Forged::File("a/outer")],
        &[Forged::File(".git/hooks/pre-commit")],
        &[Forged::File("a/out/.git/config")],
        &[Forged::File("target/lifecycle/records.bin")],
        &[Forged::File("a/./out/x"), Forged::File("b/Cargo.toml")],
        &[Forged::File("")],
        &[Forged::File(absolute.to_str().unwrap())],
        &[Forged::File("a/out/led/x")],
        &[Forged::Link("a/out/link2", "/etc/passwd")],
        &[Forged::Link("a/out/link2", "../../../outside")],
        &[Forged::Link("b/src/link", "lib.rs")],
        &[Forged::Link("a/out/up", "../.."), Forged::Link("a/out/link2", "up/../outside")],
        // The first makes a way for the second.
        &[Forged::Link("a/out/hooks", "../../.git/hooks"), Forged::File("a/out/hooks/pre-commit")],
        &[Forged::Link("a/out/way", "../src"), Forged::File("a/out/way/lib.rs")],
        &[Forged::Link("a/out/up", "../.."), Forged::Link("a/out/up/b/src/lib.rs", "lib.rs")],
    ] {
        for size in [evil.len() as u64, u64::MAX] {
            put_back(&scene, &pristine);
            put(&scene, evil);
            forge(&scene, &list(entries, evil, size));
            let ended = scene.call("gen").run();
            let paths = entries.iter().map(|entry| match entry {
                Forged::File(path) | Forged::Link(path, _) => *path,
            });
            let what = paths.collect::<Vec<_>>().join(" ");
            assert!(elsewhere() == before, "{what}: {}", ended.text());
            assert_right(&scene, "one\n", (&what, &ended));
            assert_eq!(ended.ran().len(), 1, "{what}: {}", ended.text());
            // What the list was allowed to put in place is no matter of the next forgery.
            for name in ["hooks", "way", "up", "link2"] {
                let _ = fs::remove_file(scene.at("a/out").join(name));
            }
        }
    }
}

#[test]
fn a_forged_length_of_what_is_stored_does_no_harm() {
    let scene = scene();
    put(&scene, b"ONE\n");
    forge(&scene, &list(&[Forged::File("a/out/upper")], b"ONE\n", u64::MAX));
    for _ in 0..2 {
        assert_right(&scene, "one\n", ("", &scene.call("gen").run()));
    }
    let mut cut = list(&[Forged::File("a/out/upper")], b"ONE\n", 4);
    cut[9..17].copy_from_slice(&u64::MAX.to_le_bytes());
    let scene = self::scene();
    forge(&scene, &cut);
    let ended = scene.call("gen").run();
    assert_right(&scene, "one\n", ("", &ended));
    assert_eq!(ended.ran().len(), 1, "a list that ends too early is none: {}", ended.text());
}
