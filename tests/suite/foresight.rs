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
