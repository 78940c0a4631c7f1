//! What a dry run calls stale is exactly what then runs, whatever was edited; and the reason names what was edited.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let place = self.roll(from.len());
        &from[place]
    }
}

const MAKE: &str = r#"
[lifecycle.gen]
command = "true"
inputs = ["src/**"]
needs = ["^gen"]

[lifecycle.note]
command = "true"
inputs = ["data/**", "//shared/**"]
dependencies = false
env-inputs = ["WORD"]

[lifecycle.whole]
scope = "workspace"
command = "true"
inputs = ["*/data/**"]

[lifecycle.every]
command = "true"
cache = false

[hooks]
before_every = ["whole"]
"#;

/// Members `m0` … of which each depends on some before it.
fn workspace(dice: &mut Dice, count: usize) -> Scene {
    let members: Vec<String> = (0..count)
        .map(|member| {
            let below: Vec<String> = (0..member).filter(|_| dice.roll(3) == 0).map(|one| format!(" m{one}")).collect();
            format!("m{member}{}", below.concat())
        })
        .collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    Scene::of(&members).make(MAKE)
}

/// The steps that a dry run calls stale, each with its reason.
fn foreseen(call: &Call) -> BTreeMap<String, String> {
    let text = call.succeeds().out();
    let stale = text.lines().filter_map(|line| line.split_once(": stale: "));
    stale.map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
}

/// The steps that ran, each with its reason.
fn ran(ended: &Ended) -> BTreeMap<String, String> {
    let lines = ended.lines_of("Ran");
    let lines = lines.iter().filter_map(|line| line.strip_suffix(')')?.split_once(" in [time] ("));
    lines.map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
}

/// Asks, runs, and compares; answers what ran.
#[track_caller]
fn asked_and_run(scene: &Scene, words: &str, variable: &str, story: &[String]) -> BTreeMap<String, String> {
    let call = |words: &str| scene.call(words).env("WORD", variable);
    let foreseen = foreseen(&call(&format!("{words} -n")));
    let ended = call(words).succeeds();
    let ran = ran(&ended);
    assert_eq!(foreseen.keys().collect::<BTreeSet<_>>(), ran.keys().collect::<BTreeSet<_>>(), "{story:#?}");
    assert_eq!(foreseen, ran, "{story:#?}");
    ran
}

/// Changes one file, which may be new, gone or as it was before; answers its path.
fn edit(scene: &Scene, dice: &mut Dice, count: usize) -> String {
    let member = format!("m{}", dice.roll(count));
    let places = [format!("{member}/src/lib.rs"), format!("{member}/data/one"), "shared/word".to_owned()];
    let path = dice.pick(&places).clone();
    if scene.at(&path).exists() && !path.ends_with(".rs") && dice.roll(4) == 0 {
        scene.remove(&path);
    } else {
        scene.write(&path, &format!("// {}\n", dice.roll(3)));
    }
    path
}

fn runs_what_was_foreseen(seed: u64) {
    let mut dice = Dice(seed);
    let count = 5;
    let scene = workspace(&mut dice, count);
    let mut story = Vec::new();
    let mut variable = "0";
    for _ in 0..16 {
        for _ in 0..dice.roll(3) {
            story.push(edit(&scene, &mut dice, count));
        }
        if dice.roll(5) == 0 {
            variable = ["0", "1"][dice.roll(2)];
        }
        let words =
            *dice.pick(&["gen note whole every", "gen note -j1", "note gen -p m2", "every", "gen --exclude m0"]);
        story.push(format!("{words}, WORD={variable}"));
        asked_and_run(&scene, words, variable, &story);
    }
}

#[test]
fn what_runs_is_what_was_foreseen() {
    [1, 2, 3].into_iter().for_each(runs_what_was_foreseen);
}

#[test]
fn what_runs_is_what_was_foreseen_after_other_edits() {
    [4, 5, 6].into_iter().for_each(runs_what_was_foreseen);
}

#[test]
fn the_reason_names_the_file_just_edited() {
    let mut dice = Dice(7);
    let count = 5;
    let scene = workspace(&mut dice, count);
    let mut story = Vec::new();
    asked_and_run(&scene, "gen note whole", "", &story);
    let mut ran_at_all = 0;
    for round in 0..24 {
        let member = format!("m{}", dice.roll(count));
        let (path, told) = [
            (format!("{member}/src/lib.rs"), "src/lib.rs"),
            (format!("{member}/src/new{round}.rs"), "src/new"),
            (format!("{member}/data/one"), "data/one"),
            ("shared/word".to_owned(), "//shared/word"),
        ][dice.roll(4)]
        .clone();
        // Now and then a text that the file has had before, so that states return.
        let text = format!("// {}\n", dice.roll(3));
        scene.write(&path, &text);
        story.push(format!("{path}: {text}"));
        let ran = asked_and_run(&scene, "gen note whole", "", &story);
        for (step, why) in &ran {
            assert!(why.contains(told) || why.starts_with("depends on gen m"), "{step}: {why}: {story:#?}");
            assert!(!why.contains("more"), "{step}: {why}: {story:#?}");
        }
        ran_at_all += ran.len();
    }
    assert!(ran_at_all > 24, "{story:#?}");
}

#[test]
fn cargo_steps_run_as_foreseen() {
    let scene = Scene::of(&["a", "b a"]);
    let mut story = Vec::new();
    for (path, text) in
        [("a/src/lib.rs", "// 1\n"), ("b/src/lib.rs", "// 2\n"), ("a/src/lib.rs", "// 1\n"), ("note.txt", "x")]
    {
        scene.write(path, text);
        story.push(path.to_owned());
        let ran = asked_and_run(&scene, "check fmt", "", &story);
        if let Some(why) = ran.get("check (2 members)").filter(|why| *why != "first run") {
            assert!(why.contains(path.split_once('/').map_or(path, |(_, rest)| rest)), "{why}");
        }
    }
}

/// Members `a`, `b` and `c` with steps that read what others make: in folders of other members, ignored by git, by links,
/// by `include!`, by a build script that watches a folder.
const MAKERS: &str = r#"
[lifecycle.one]
command = "rm -rf made; mkdir made; cp one.txt made/one.txt; tr a-z A-Z <one.txt >made/loud.sh; chmod +x made/loud.sh"
workspaces = ["a"]
inputs = ["one.txt"]
outputs = ["made"]

[lifecycle.two]
command = "cat ../a/made/* >two.txt; ln -sf two.txt link; ln -sf nowhere broken"
workspaces = ["b"]
needs = ["^one"]
inputs = ["//a/made/**"]
outputs = ["two.txt", "link", "broken"]

[lifecycle.three]
command = "mkdir -p src/deep; cat ../b/link | sed 's|^|// |' >src/deep/three.rs; printf 'hidden.txt\n' >.gitignore"
workspaces = ["c"]
needs = ["^two"]
inputs = ["//b/link"]
outputs = ["src/deep/three.rs", ".gitignore"]

[lifecycle.elsewhere]
command = "mkdir -p ../out/deep; echo 'pub const OUT: u32 = 1;' >../out/out.rs; cat one.txt >../out/deep/more.txt"
workspaces = ["a"]
inputs = ["one.txt"]
outputs = ["//out"]

[lifecycle.sources]
command = "printf '#[path = \"../../a/src/part.rs\"]\npub mod part;\n' >src/sources.rs"
workspaces = ["b"]
inputs = ["one.txt"]
outputs = ["src/sources.rs"]

[lifecycle.every]
scope = "workspace"
command = "cat b/link c/src/deep/*.rs alias/*"
needs = ["one", "two", "three", "elsewhere", "sources"]
inputs = ["*/made/**", "b/*", "c/src/**", "alias/**", "out"]

[lifecycle.some]
scope = "workspace"
command = "true"
cache = true
needs = ["one", "two", "three", "elsewhere", "sources"]

[hooks]
before_check = ["three", "elsewhere", "sources"]
before_fmt = ["three", "elsewhere", "sources"]
"#;

const MADE: [&str; 10] = [
    "a/made/one.txt",
    "a/made/loud.sh",
    "b/two.txt",
    "b/link",
    "b/broken",
    "c/src/deep/three.rs",
    "c/.gitignore",
    "b/src/sources.rs",
    "out/out.rs",
    "out/deep/more.txt",
];

fn makers() -> Scene {
    let scene = Scene::of(&["a", "b a", "c b"]).make(MAKERS).file(".gitignore", "/target\n/out\n");
    std::fs::create_dir(scene.at(".git")).unwrap();
    std::os::unix::fs::symlink("a/made", scene.at("alias")).unwrap();
    for (path, text) in [
        ("a/one.txt", "one\n"),
        ("b/one.txt", "one\n"),
        ("c/hidden.txt", "hidden\n"),
        ("a/src/part.rs", "//! A part.\n"),
        ("a/src/lib.rs", "include!(\"../../out/out.rs\");\n"),
        ("b/src/lib.rs", "pub mod sources;\n"),
        ("c/src/lib.rs", "#[path = \"deep/three.rs\"]\npub mod three;\n"),
        ("c/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=../out\");\n}\n"),
    ] {
        scene.write(path, text);
    }
    scene
}

const ALL: &str = "check fmt every some";

/// A scene in which everything is fresh.
fn settled_makers() -> Scene {
    let scene = makers();
    let call = || scene.call(ALL);
    call().succeeds();
    // A new file that git now hides was there before.
    call().succeeds();
    assert!(call().succeeds().was_fresh(), "{}", call().run().text());
    scene
}

/// Does this to every one of the paths, asks, runs, and answers what ran and how many outputs came back.
#[track_caller]
fn after(scene: &Scene, paths: &[&str], done: fn(&std::path::Path)) -> (BTreeMap<String, String>, usize) {
    for path in paths {
        done(&scene.at(path));
    }
    let foreseen = foreseen(&scene.call(&format!("{ALL} -n")));
    let explained = scene.call(&format!("{ALL} --explain")).succeeds().out();
    let explained: BTreeSet<&str> = explained.lines().filter_map(|line| Some(line.split_once(": stale")?.0)).collect();
    let ended = scene.call(ALL).run();
    let ran = ran(&ended);
    assert_eq!(explained, foreseen.keys().map(String::as_str).collect(), "{paths:?}");
    // What waits for a step that runs is fresh after all where that step makes the same again.
    let (waiting, direct): (BTreeMap<_, _>, BTreeMap<_, _>) =
        foreseen.into_iter().partition(|(_, why)| why.starts_with("depends on "));
    let (after_others, by_itself): (BTreeMap<_, _>, BTreeMap<_, _>) =
        ran.clone().into_iter().partition(|(step, _)| waiting.contains_key(step));
    assert_eq!(direct, by_itself, "{paths:?}\n{}", ended.text());
    assert!(after_others.is_empty() || !direct.is_empty(), "{}", ended.text());
    let restored = ended.lines_of("Fresh").into_iter().filter_map(|line| {
        let (_, rest) = line.split_once(" (")?;
        rest.split_once(" output")?.0.parse::<usize>().ok()
    });
    (ran, restored.sum())
}

fn removed(path: &std::path::Path) {
    std::fs::remove_file(path).unwrap();
}

#[test]
fn what_a_run_would_put_back_is_taken_for_lying_there() {
    let scene = settled_makers();
    for made in MADE {
        assert_eq!(after(&scene, &[made], removed), (BTreeMap::new(), 1), "{made}");
    }
    // A chain, of which every step has lost what it made, and the folders that it made it in.
    assert_eq!(after(&scene, &MADE, removed), (BTreeMap::new(), MADE.len()));
    for folder in ["a/made", "out", "c/src/deep"] {
        let (ran, restored) = after(&scene, &[folder], |path| std::fs::remove_dir_all(path).unwrap());
        assert_eq!((ran, restored > 0), (BTreeMap::new(), true), "{folder}");
    }
}

#[test]
fn what_a_run_would_put_in_the_place_of_something_else_is_foreseen() {
    let scene = settled_makers();
    for made in ["a/made/one.txt", "b/two.txt", "c/src/deep/three.rs", "c/.gitignore", "out/out.rs", "b/src/sources.rs"]
    {
        let (ran, restored) = after(&scene, &[made], |path| std::fs::write(path, "// other\n").unwrap());
        assert_eq!((ran, restored), (BTreeMap::new(), 1), "{made}");
    }
    let (ran, restored) = after(&scene, &["a/made/loud.sh"], |path| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    });
    assert_eq!((ran, restored), (BTreeMap::new(), 1));
    let other_link = |path: &std::path::Path| {
        std::fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("one.txt", path).unwrap();
    };
    assert_eq!(after(&scene, &["b/link", "b/two.txt", "b/broken"], other_link), (BTreeMap::new(), 3));
}

#[test]
fn what_cannot_be_put_back_is_foreseen() {
    let scene = settled_makers();
    let (ran, _) = after(&scene, &["a/made/one.txt"], |path| {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir(path).unwrap();
    });
    let why = "`[root]/a/made/one.txt` is in the way of an output".to_owned();
    assert_eq!(ran, BTreeMap::from([("one a".to_owned(), why)]));

    scene.remove("out/deep/more.txt");
    for blob in walkdir::WalkDir::new(scene.at("target/lifecycle/blobs")) {
        let blob = blob.unwrap();
        if blob.file_type().is_file() && std::fs::read(blob.path()).unwrap() == b"one\n" {
            std::fs::write(blob.path(), "two\n").unwrap();
        }
    }
    let (ran, _) = after(&scene, &[], |_| {});
    let why = "the stored output `out/deep/more.txt` is gone".to_owned();
    assert_eq!(ran, BTreeMap::from([("elsewhere a".to_owned(), why)]));
}

#[test]
fn whatever_is_lost_or_edited_the_run_is_foreseen() {
    let scene = settled_makers();
    let mut dice = Dice(11);
    let mut put_back = 0;
    for _ in 0..16 {
        let mut lost: Vec<&str> = MADE.into_iter().filter(|_| dice.roll(3) == 0).collect();
        lost.retain(|path| scene.at(path).symlink_metadata().is_ok());
        if dice.roll(3) == 0 {
            scene.write(["a/one.txt", "b/one.txt", "c/hidden.txt"][dice.roll(3)], ["one\n", "two\n"][dice.roll(2)]);
        }
        put_back += after(&scene, &lost, removed).1;
    }
    assert!(put_back > 12, "{put_back}");
}
