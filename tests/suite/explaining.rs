//! Why steps run: each reason on its line, every reason and what is covered with `--explain`, for people and for programs.

use std::fs;

use serde_json::{Value, json};

use crate::scene::Scene;

/// The manual's page.
const PAGE: &str = include_str!("../../src/docs/explain.md");

/// The reason of the only step that runs.
#[track_caller]
fn why(scene: &Scene, words: &str) -> String {
    let ended = scene.call(words).succeeds();
    let ran = ended.lines_of("Ran");
    assert_eq!(ran.len(), 1, "{}", ended.text());
    let (_, reason) = ran[0].split_once(" in [time] (").unwrap();
    reason.strip_suffix(')').unwrap().to_owned()
}

/// What programs are told of each step.
#[track_caller]
fn told(scene: &Scene, words: &str) -> Vec<Value> {
    let out = scene.call(words).arg("--message-format").arg("json").succeeds().out();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn codes(step: &Value) -> Vec<&str> {
    step["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

#[test]
fn members_and_dependencies_that_come_and_go() {
    let scene = Scene::of(&["alpha", "beta", "gamma"]);
    scene.call("check").succeeds();
    scene.append("beta/Cargo.toml", "alpha = { path = \"../alpha\" }\n");
    assert_eq!(why(&scene, "check"), "dependency alpha is new (+1 more)");
    scene.replace("beta/Cargo.toml", "alpha = { path = \"../alpha\" }\n", "# none\n");
    assert_eq!(why(&scene, "check"), "dependency alpha is gone (+1 more)");
    scene.replace("Cargo.toml", ", \"gamma\"", "");
    assert_eq!(why(&scene, "check"), "member gamma is gone", "its files are still there");
    scene.replace("Cargo.toml", "\"beta\"", "\"beta\", \"gamma\"");
    scene.append("gamma/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(why(&scene, "check"), "member gamma is new");
    scene.replace("gamma/Cargo.toml", "\"gamma\"", "\"delta\"");
    assert_eq!(why(&scene, "check"), "member gamma is now delta");
    let explained = told(&scene, "check --explain");
    assert_eq!(explained[0]["members"], json!(["alpha", "beta", "delta"]));
}

#[test]
fn the_compiler_and_its_wrapper() {
    let scene = Scene::of(&["alpha"]);
    scene.call("check").succeeds();
    let older = scene
        .program("older", "[ \"$1\" = -vV ] && rustc -vV | sed 's/^release: .*/release: 1.0.0/' || exec rustc \"$@\"");
    let ran = scene.call("check").env("RUSTC", &older).succeeds().ran();
    assert!(ran[0].starts_with("check (1 member) (rustc 1.") && ran[0].contains(" -> 1.0.0 (+1 more)"), "{ran:?}");
    scene.call("check --force").succeeds();
    let wrapper = scene.program("wrap", "exec \"$@\"");
    let wrapped = || scene.call("check").env("RUSTC_WRAPPER", &wrapper).succeeds().ran();
    assert_eq!(wrapped(), ["check (1 member) (RUSTC_WRAPPER changed)"]);
    scene.program("wrap", "exec  \"$@\"");
    assert_eq!(wrapped(), ["check (1 member) (the program in RUSTC_WRAPPER changed)"], "and not what it is called");
}

#[test]
fn results_that_are_not_there() {
    let make = "[lifecycle.twist]\ninputs = [\"src/**\"]\ncommand = \"cp src/lib.rs src/new; rm src/lib.rs; mv src/new src/lib.rs\"\n\
        [lifecycle.hello]\ninputs = [\"src/**\"]\ncommand = \"true\"\n";
    let scene = Scene::of(&["alpha"]).make(make);
    assert_eq!(why(&scene, "twist"), "first run");
    assert_eq!(why(&scene, "twist"), "not kept before: inputs changed during the run (alpha: src/lib.rs)");
    assert_eq!(codes(&told(&scene, "twist -n")[0]), ["not_kept"]);

    scene.call("hello").succeeds();
    fs::remove_file(scene.at("target/lifecycle/records.bin")).unwrap();
    assert_eq!(why(&scene, "hello"), "record evicted");
    scene.call("hello").succeeds();
    fs::remove_dir_all(scene.at("target/lifecycle")).unwrap();
    assert_eq!(why(&scene, "hello"), "first run");
}

#[test]
fn every_reason_and_not_the_first_alone() {
    let scene = Scene::of(&["alpha"]);
    scene.call("build").succeeds();
    scene.append("alpha/src/lib.rs", "// edited\n");
    let explained = scene.call("build --explain").env("RUSTFLAGS", "--cfg one").succeeds().out();
    assert_eq!(
        explained,
        "build (1 member): stale, 2 reasons:\n    alpha: src/lib.rs changed\n    RUSTFLAGS changed\n"
    );
    assert_eq!(
        scene.call("build --explain --force").succeeds().out(),
        "build (1 member): stale, 2 reasons:\n    forced\n    alpha: src/lib.rs changed\n"
    );
    scene.replace("alpha/src/lib.rs", "// edited\n", "");
    fs::remove_dir_all(scene.at("target/debug")).unwrap();
    let explained = told(&scene, "build --explain");
    assert_eq!(codes(&explained[0]), ["artifact_missing"]);

    for file in 0..30 {
        scene.write(&format!("alpha/data/{file:02}"), "");
    }
    let short = scene.call("build --explain").succeeds().out();
    assert!(short.lines().count() < 16 && short.ends_with("    (+18 more: -v)\n"), "{short}");
    assert_eq!(scene.call("build --explain -v").succeeds().out().lines().count(), 31);
}

#[test]
fn what_keys_of_fresh_steps_cover() {
    let scene = Scene::of(&["alpha", "beta alpha"]).file(".gitignore", "*.secret\n").file("word.secret", "one");
    scene.append(
        "alpha/src/lib.rs",
        "pub const FILE: &str = include_str!(\"../../word.secret\");\n\
         pub const VARIABLE: Option<&str> = option_env!(\"GREETING\");\n",
    );
    let call = |words: &str| scene.call(words).env("RUSTFLAGS", "--cfg one");
    call("check").succeeds();
    call("check --explain").shows(
        r"
[stdout]
check (2 members): fresh, made [..] ago, saves [time]
    4 files: alpha 2, beta 2
    variables: RUSTFLAGS
    compiler: rustc 1.[..], cargo 1.[..]
    root manifest: resolver
    discovered files: word.secret
    discovered variables: GREETING
[exit 0]
",
    );
    let files = call("check --explain -v").succeeds().out();
    for path in ["alpha/Cargo.toml", "alpha/src/lib.rs", "beta/Cargo.toml", "beta/src/lib.rs"] {
        assert!(files.contains(&format!("        {path}\n")), "{path}: {files}");
    }
}

#[test]
fn many_fresh_steps_take_a_line_each() {
    let names: Vec<String> = (0..24).map(|number| format!("m{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let scene =
        Scene::of(&names).make("[lifecycle.go]\ncommand = \"true\"\ninputs = [\"src/**\"]\nenv-inputs = [\"A\"]\n");
    scene.call("go").succeeds();
    let out = scene.call("go --explain").succeeds().out();
    assert_eq!(out.lines().count(), 24, "{out}");
    assert!(out.lines().all(|line| line.ends_with(": 1 file, 1 variable")), "{out}");
    let group = {
        scene.call("check").succeeds();
        scene.call("check --explain").succeeds().out()
    };
    assert!(group.contains("m15 2 (+8 more)\n"), "{group}");
}

/// The objects of a page's JSON block.
fn example() -> Vec<Value> {
    let block = PAGE.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    serde_json::Deserializer::from_str(block).into_iter().map(Result::unwrap).collect()
}

/// Without what differs from machine to machine.
fn plain(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match name.as_str() {
                        "digest" | "made_at_ms" | "duration_ms" => *value = "…".into(),
                        "version" => *value = "…".into(),
                        _ => walk(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}

#[test]
fn the_manuals_example_is_what_programs_get() {
    let make = "[lifecycle.schema]\ncommand = \"true\"\ninputs = [\"schema.json\"]\nenv-inputs = [\"REGION\"]\n\
        workspaces = [\"api\"]\n[hooks]\nbefore_check = [\"schema\"]\n";
    let scene = Scene::of(&["api", "web"]).make(make).file("api/schema.json", "{}");
    scene.call("check fmt").succeeds();
    scene.write("api/schema.json", "{ }");
    let call = |words: &str| {
        let ended = scene.call(words).env("REGION", "north").succeeds();
        ended.out().lines().map(|line| plain(serde_json::from_str(line).unwrap())).collect::<Vec<Value>>()
    };
    let mut told = call("check --explain --message-format json");
    assert_eq!(told, call("check -n --message-format=json"), "a dry run says the same");
    let mut expected: Vec<Value> = example().into_iter().map(plain).collect();
    scene.write("api/schema.json", "{}");
    told.extend(call("fmt --explain --message-format json"));
    told[2]["covers"] = Value::Null;
    expected[2]["covers"] = Value::Null;
    assert_eq!(told, expected);
}

#[test]
fn a_list_for_programs() {
    let scene =
        Scene::of(&["api", "web"]).make("[lifecycle.gen]\ndescription = \"Generate\"\ncommand = \"echo {name}\"\n");
    let phases = told(&scene, "--list");
    let gen_ = phases.iter().find(|phase| phase["phase"] == "gen").unwrap();
    let step =
        |name: &str| json!({ "step": format!("gen {name}"), "members": [name], "commands": [format!("echo {name}")] });
    assert_eq!(
        *gen_,
        json!({ "format": 1, "phase": "gen", "description": "Generate", "steps": [step("api"), step("web")] })
    );
}

#[test]
fn what_does_not_go_together_is_an_error() {
    let scene = Scene::of(&["a"]);
    scene.call("--init --message-format json").shows(
        r"
error: `--message-format json` goes with a run, --explain, --dry-run, --list, --cache-stats or --cache-clean
[exit 2]
",
    );
    for words in ["-n --list", "-n --init", "check -n --graph dot"] {
        let ended = scene.call(words).run();
        assert_eq!(ended.code, Some(2), "{words}: {}", ended.text());
        assert!(ended.err().contains("'--dry-run' cannot be used with"), "{words}: {}", ended.text());
    }
    assert!(!scene.at("make.toml").exists());
}

/// Every way by which a secret reaches a step; `other` is what it becomes.
#[test]
fn secrets_stand_nowhere() {
    const SECRETS: [&str; 2] = ["hunter2one", "hunter2two"];
    let scene = Scene::of(&["alpha"]);
    scene.append("alpha/src/lib.rs", "pub const ASKED: bool = option_env!(\"DISCOVERED\").is_some();\n");
    scene.write("alpha/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-env-changed=SCRIPTED\");\n}\n");
    let mut shown = String::new();
    for secret in SECRETS {
        scene.write(
            "make.toml",
            &format!(
                "[lifecycle.use]\ncommand = \"true\"\ninputs = [\"src/**\"]\nenv = {{ OWN = \"{secret}\" }}\nenv-inputs = [\"ASKED\"]\n"
            ),
        );
        scene.write(".cargo/config.toml", &format!("[env]\nCONFIGURED = \"{secret}\"\n"));
        let call = |words: &str, option: &str| {
            let call = scene.call(words).env("ASKED", secret).env("DISCOVERED", secret).env("SCRIPTED", secret);
            let call = call.env("RUSTFLAGS", format!("--cfg {secret}")).env("CARGO_PROFILE_DEV_DEBUG", "1");
            let call = call.arg("--config").arg(format!("env.GIVEN=\"{secret}\""));
            let call = if option.is_empty() { call } else { call.arg(option) };
            call.arg("--").arg("--features").arg("").arg(format!("--config=env.ARGUED=\"{secret}\""))
        };
        let plain = |words: &str| scene.call(words).env("ASKED", secret).arg("--").arg(secret);
        for ended in [
            call("use check", "--explain").run(),
            call("use check", "-v").run(),
            plain("check use -v").run(),
            plain("check use").run(),
            plain("check use --explain -v").run(),
            plain("check use --explain --message-format json").run(),
            call("check use", "--explain").run(),
        ] {
            assert_eq!(ended.code, Some(0), "{}", ended.text());
            shown += &ended.text();
        }
        // The same without arguments after `--`, which have no key.
        let bare = |words: &str| {
            let call = scene.call(words).env("ASKED", secret).env("DISCOVERED", secret).env("SCRIPTED", secret);
            let call = call.env("RUSTFLAGS", format!("--cfg {secret}"));
            call.arg("--config").arg(format!("env.GIVEN=\"{secret}\"")).succeeds().text()
        };
        for words in [
            "use check --explain -v",
            "use check -v",
            "use check",
            "use check --explain -v",
            "check -n --message-format json",
        ] {
            shown += &bare(words);
        }
    }
    for told in
        ["OWN changed", "DISCOVERED", "SCRIPTED", "RUSTFLAGS", ".cargo/config.toml changed", "arguments changed"]
    {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
    for entry in walkdir::WalkDir::new(scene.at("target/lifecycle")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "{}", entry.path().display());
        }
    }
}

#[test]
fn being_called_by_cargo_and_by_hand_in_turns_asks_cargo_once_each() {
    let scene = Scene::of(&["alpha"]).make("[lifecycle.go]\ncommand = \"true\"\ninputs = []\n");
    let by_hand = || scene.call("go -v").by_hand().succeeds().err();
    let by_cargo = || scene.call("go -v").env("CARGO", env!("CARGO")).succeeds().err();
    let asked = "asked `cargo metadata`";
    assert!(by_hand().contains(asked) && by_cargo().contains(asked));
    assert!(!by_hand().contains(asked) && !by_cargo().contains(asked) && !by_hand().contains(asked));
}
