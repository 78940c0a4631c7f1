//! Traps of phases of one's own: what make.toml says of them, how files may change without seeming to, and generators.

use crate::scene::Scene;
use crate::witness::{Witness, reason};

/// The reason of the only step.
#[track_caller]
fn why(scene: &Scene, words: &str) -> String {
    reason(&scene.call(words).succeeds())
}

#[test]
fn words_that_only_together_are_the_same() {
    let scene = Scene::of(&["a"]);
    let mut phases = Vec::new();
    for lines in [
        "command = \"echo a b\"",
        "command = \"echo b a\"",
        "command = [\"echo\", \"a b\"]",
        "command = [\"echo\", \"a\", \"b\"]",
        "command = [\"echo\", \"ab\", \"c\"]",
        "command = [\"echo\", \"a\", \"bc\"]",
        "commands = [\"echo a\", \"echo b\"]",
        "commands = [\"echo b\", \"echo a\"]",
        "command = \"echo\"\nenv = { A = \"bc\" }",
        "command = \"echo\"\nenv = { AB = \"c\" }",
        "command = \"echo\"\nenv = { A = \"b\", C = \"d\" }",
        "command = \"echo\"\nenv = { A = \"d\", C = \"b\" }",
        "command = \"echo\"\nenv-inputs = [\"A\", \"B\"]",
        "command = \"echo\"\nenv-inputs = [\"AB\"]",
    ] {
        phases.push(format!("[lifecycle.say]\ninputs = [\"src/**\"]\noutputs = []\n{lines}\n"));
    }
    for make in &phases {
        scene.write("make.toml", make);
        assert_ne!(why(&scene, "say"), "fresh", "{make}");
    }
    for make in &phases {
        scene.write("make.toml", make);
        assert_eq!(why(&scene, "say"), "fresh", "{make}");
    }
}

#[test]
fn values_of_variables_that_only_together_are_the_same() {
    let scene = Scene::of(&["a"])
        .make("[lifecycle.say]\ninputs = []\noutputs = []\nenv-inputs = [\"A\", \"B\"]\ncommand = \"true\"\n");
    let states: [&[(&str, &str)]; 6] = [
        &[],
        &[("A", "")],
        &[("B", "")],
        &[("A", "x"), ("B", "yz")],
        &[("A", "xy"), ("B", "z")],
        &[("A", "yz"), ("B", "x")],
    ];
    let say = |state: &[(&str, &str)]| {
        let call = state.iter().fold(scene.call("say"), |call, (name, value)| call.env(name, value));
        reason(&call.succeeds())
    };
    for state in states {
        assert_ne!(say(state), "fresh", "{state:?}");
    }
    for state in states {
        assert_eq!(say(state), "fresh", "{state:?}");
    }
}

#[test]
fn arguments_in_another_order_or_cut_otherwise() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ninputs = [\"src/**\"]\noutputs = []\ncommand = \"echo\"\n");
    let calls = [
        scene.call("say -- a b"),
        scene.call("say -- b a"),
        scene.call("say --").arg("a b"),
        scene.call("say -- ab").arg(""),
        scene.call("say --").arg("").arg("ab"),
    ];
    for call in &calls {
        assert!(!call.succeeds().was_fresh());
    }
    for call in &calls {
        assert!(call.succeeds().was_fresh());
    }
}

#[test]
fn files_that_seem_to_be_what_they_were() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ninputs = [\"data/**\"]\ncommand = \"true\"\n");
    scene.write("a/data/one/name", "1");
    scene.write("a/data/two/other", "2");
    assert_eq!(why(&scene, "say"), "first run");
    // Each edit keeps the names, the contents or all of them one after the other.
    let edits: [&dyn Fn(); 7] = [
        &|| scene.rename("a/data/one/name", "a/data/two/name"),
        &|| {
            scene.write("a/data/two/name", "2");
            scene.write("a/data/two/other", "1");
        },
        &|| scene.write("a/data/two/empty", ""),
        &|| {
            scene.write("a/data/two/name", "21");
            scene.write("a/data/two/other", "");
        },
        &|| {
            scene.write("a/data/two/name", "");
            scene.write("a/data/two/other", "21");
        },
        &|| scene.rename("a/data/two", "a/data/twoname"),
        &|| scene.rename("a/data/twoname/name", "a/data/twoname/Name"),
    ];
    for (place, edit) in edits.iter().enumerate() {
        edit();
        assert_ne!(why(&scene, "say"), "fresh", "edit {place}");
        assert_eq!(why(&scene, "say"), "fresh", "edit {place}");
    }
}

#[test]
fn a_phase_that_changes_leaves_the_others_alone() {
    let phase = |name: &str, lines: &str| format!("[lifecycle.{name}]\ninputs = [\"src/**\"]\n{lines}\n");
    let scene = Scene::of(&["a"]);
    let make = |other: &str| scene.write("make.toml", &(phase("say", "command = \"true\"") + &phase("other", other)));
    make("command = \"true\"");
    scene.call("say other").succeeds();
    make("command = \": another\"\nenv = { A = \"1\" }");
    assert_eq!(why(&scene, "say"), "fresh");
    assert_eq!(why(&scene, "other"), "A changed (+1 more)");
    make("command = \": another\"\nenv = { A = \"1\" }\ntimeout-not-yet = 1");
    assert_eq!(scene.call("say").run().code, Some(3));
}

/// A generator writes a source that git ignores.
fn generated(link: &str) -> Scene {
    let make = format!(
        "[lifecycle.gen]\nworkspaces = [\"a\"]\ninputs = [\"words.txt\"]\n\
         command = \"echo 'pub const WORD: &str = include_str!(\\\"../words.txt\\\");' > src/words.rs; \
         cat words.txt >> src/words.rs\"\n{link}"
    );
    let scene =
        Scene::of(&["a", "b a"]).make(&make).file(".gitignore", "/target\nwords.rs\n").file("a/words.txt", "// one\n");
    scene.append("a/src/lib.rs", "pub mod words;\n");
    scene
}

#[test]
fn a_generator_whose_ignored_result_is_compiled() {
    // What was written just before the check began may have changed while it ran: then its first result is not kept.
    let settled = |scene: &Scene| {
        scene.call("check").succeeds();
        assert!(scene.call("check").succeeds().was_fresh());
    };
    for link in ["[hooks]\nbefore_check = [\"gen\"]\n", "[lifecycle.check]\nneeds = [\"gen\"]\n"] {
        let scene = generated(link);
        let ran = scene.call("check").succeeds().ran();
        assert_eq!(ran, ["gen a (first run)", "check (2 members) (depends on gen a)"]);
        settled(&scene);
        scene.write("a/words.txt", "// two\n");
        let ran = scene.call("check").succeeds().ran();
        assert_eq!(ran, ["gen a (words.txt changed)", "check (2 members) (depends on gen a)"]);
        settled(&scene);
        scene.append("a/src/words.rs", "// by hand\n");
        let ran = scene.call("check").succeeds().ran();
        assert!(ran.len() == 1 && ran[0].starts_with("check (2 members) (a: src/words.rs changed"), "{ran:?}");
        scene.append("a/words.txt", "nonsense\n");
        assert_eq!(scene.call("check").run().code, Some(1));
    }
}

#[test]
fn a_generator_that_nothing_ties_to_the_phase() {
    let trap = Witness::new(generated(""), "check", "check --workspace");
    trap.scene.call("gen").succeeds();
    let trap = trap.begun();
    trap.scene.append("a/words.txt", "// more\n");
    trap.scene.call("gen").succeeds();
    let why = trap.reruns();
    assert!(why.contains("words"), "{why}");
}

#[test]
fn a_generator_of_one_member_that_writes_into_another() {
    let command = "cmp -s ../schema.rs ../api/src/lib.rs || cp ../schema.rs ../api/src/lib.rs";
    let make = format!("[lifecycle.codegen]\nworkspaces = [\"gen\"]\ncommand = \"{command}\"\n");
    let scene = Scene::of(&["api", "gen", "other"]).make(&make).file("schema.rs", "pub fn one() {}\n");
    scene.call("codegen check").succeeds();
    scene.call("codegen check").succeeds();
    let all = scene.call("codegen check").succeeds();
    assert_eq!(all.lines_of("Fresh"), ["check (3 members)"], "{}", all.text());
    scene.write("schema.rs", "pub fn two() {}\npub fn two() {}\n");
    let ended = scene.call("codegen check").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert!(ended.err().contains("defined multiple times"), "{}", ended.text());
    scene.write("schema.rs", "pub fn three() {}\n");
    let ended = scene.call("codegen check").succeeds();
    assert_eq!(ended.ran().len(), 2, "{}", ended.text());
}
