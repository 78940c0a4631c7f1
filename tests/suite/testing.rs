//! Tests run when their result could change, and only then.

use std::fs;
use std::path::PathBuf;

use crate::scene::Scene;
use crate::tested::{failed, passed, why};

/// Two libraries with a test each and documentation tests, `web` depends on `api`; `tool` has a program, which its
/// integration test starts.
fn shop() -> Scene {
    let scene = Scene::of(&["api", "web api", "tool"]);
    scene.append(
        "api/src/lib.rs",
        "/// ```\n/// assert_eq!(api::word(), \"one\");\n/// ```\npub fn word() -> &'static str {\n    \"one\"\n}\n#[test]\nfn one() {}\n",
    );
    scene.append("web/src/lib.rs", "/// ```\n/// web::f();\n/// ```\npub fn f() {}\n#[test]\nfn says() {\n    assert_eq!(api::word().len(), 3);\n}\n");
    scene.append("tool/src/lib.rs", "/// ```\n/// tool::f();\n/// ```\npub fn f() {}\n#[test]\nfn inside() {}\n");
    scene.write("tool/src/main.rs", "fn main() {\n    println!(\"first\");\n}\n#[test]\nfn within() {}\n");
    scene.write(
        "tool/tests/it.rs",
        "#[test]\nfn starts() {\n    let output = std::process::Command::new(env!(\"CARGO_BIN_EXE_tool\")).output().unwrap();\n    \
         assert!(output.status.success());\n}\n",
    );
    scene
}

/// A cargo that notes that it was started.
fn watching(scene: &Scene) -> PathBuf {
    scene.program("cargo", "echo started >> $SIDE/started\nexec cargo \"$@\"")
}

const ALL: [&str; 7] = ["api", "api (doc)", "tool", "tool (doc)", "tool::bin/tool", "tool::it", "web"];

#[test]
fn what_passed_is_not_run_again_and_cargo_not_even_started() {
    let scene = shop();
    let cargo = watching(&scene);
    let watched = || scene.call("test").env("CARGO", &cargo);
    let first = watched().succeeds();
    assert_eq!(passed(&first), [&ALL[..], &["web (doc)"]].concat(), "{}", first.text());
    assert_eq!(first.ran(), ["test (3 members) (first run): 8 passed in 8 executables"]);
    assert!(!scene.take("started").is_empty());
    scene.touch_everything();
    for _ in 0..2 {
        watched().shows(
            r"
   Lifecycle of shop: all 3 members
       Fresh test (3 members): 8 passed in 8 executables
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
        );
    }
    assert_eq!(scene.take("started"), "");
}

#[test]
fn an_edit_runs_the_tests_of_its_member_and_those_that_it_reaches() {
    let scene = shop();
    scene.call("test").succeeds();
    scene.append("web/src/lib.rs", "// A comment.\n");
    let ended = scene.call("test").succeeds();
    assert_eq!(passed(&ended), ["web", "web (doc)"], "{}", ended.text());
    assert_eq!(why(&ended, "web"), "src/lib.rs changed");
    // What is compiled from it stays the same.
    scene.append("api/src/lib.rs", "// A comment.\n");
    let ended = scene.call("test").succeeds();
    assert_eq!(passed(&ended), ["api", "api (doc)"], "{}", ended.text());
    // And now it does not, and reaches what depends on it.
    scene.replace("api/src/lib.rs", "\"one\"\n", "\"two\"\n");
    let ended = scene.call("test --keep-going").run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["api (doc)".to_owned()]), "{}", ended.text());
    assert_eq!(passed(&ended), ["api", "web", "web (doc)"], "{}", ended.text());
    scene.replace("api/src/lib.rs", "api::word(), \"one\"", "api::word(), \"two\"");
    let ended = scene.call("test").succeeds();
    assert_eq!(passed(&ended), ["api", "api (doc)"], "{}", ended.text());
    assert_eq!(scene.call("test").succeeds().lines_of("Fresh"), ["test (3 members): 8 passed in 8 executables"]);
}

#[test]
fn an_edit_that_is_taken_back_runs_nothing() {
    let scene = shop();
    scene.call("test").succeeds();
    scene.replace("web/src/lib.rs", "len(), 3", "len(), 1 + 2");
    scene.call("test").succeeds();
    scene.replace("web/src/lib.rs", "len(), 1 + 2", "len(), 3");
    let ended = scene.call("test").succeeds();
    assert!(ended.was_fresh(), "{}", ended.text());
}

#[test]
fn a_binary_counts_for_the_test_that_starts_it() {
    let scene = shop();
    scene.call("test").succeeds();
    scene.replace("tool/src/main.rs", "first", "second");
    let ended = scene.call("test").succeeds();
    assert!(passed(&ended).contains(&"tool::it".to_owned()), "{}", ended.text());
    scene.replace("tool/src/main.rs", "println!(\"second\")", "std::process::exit(3)");
    let ended = scene.call("test").run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["tool::it".to_owned()]), "{}", ended.text());
}

#[test]
fn a_failure_is_not_kept_and_comes_first_the_next_time() {
    let scene = shop();
    scene.call("test").succeeds();
    scene.append(
        "web/src/lib.rs",
        "#[test]\nfn is_wrong() {\n    println!(\"the reason\");\n    assert_eq!(1, 2);\n}\n",
    );
    scene.call("test --keep-going").run();
    // What passed then is touched once more.
    scene.append("web/src/lib.rs", "// A comment.\n");
    let ended = scene.call("test -j1").run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["web".to_owned()]), "{}", ended.text());
    assert!(ended.text().contains("the reason\n"), "{}", ended.text());
    // Nothing starts after it, and what was not run is counted.
    assert!(passed(&ended).is_empty() && ended.text().contains("1 executable not run"), "{}", ended.text());
    let ended = scene.call("test --keep-going -j1").run();
    assert_eq!((ended.code, passed(&ended)), (Some(1), vec!["web (doc)".to_owned()]), "{}", ended.text());
    scene.replace("web/src/lib.rs", "assert_eq!(1, 2)", "assert_eq!(1, 1)");
    let ended = scene.call("test").succeeds();
    assert_eq!(passed(&ended), ["web", "web (doc)"], "{}", ended.text());
}

#[test]
fn a_part_of_the_tests_is_not_taken_for_the_whole() {
    let scene = shop();
    let part = scene.call("test -- one").succeeds();
    assert!(part.text().contains("filtered out"), "{}", part.text());
    let whole = scene.call("test").succeeds();
    assert_eq!(passed(&whole).len(), 8, "{}", whole.text());
    assert!(scene.call("test -- one").succeeds().was_fresh());
    // One executable alone is the same with and without the others.
    let target = scene.call("test -- --test it").succeeds();
    assert_eq!(passed(&target), [""; 0], "{}", target.text());
    let shown = scene.call("test -- starts -- --nocapture").succeeds();
    assert!(shown.text().contains("test starts ... ok\n"), "{}", shown.text());
    let release = scene.call("test --release").succeeds();
    assert_eq!(passed(&release).len(), 8, "{}", release.text());
    assert!(scene.call("test").succeeds().was_fresh());
}

#[test]
fn what_tests_read_counts() {
    let scene = shop()
        .file("api/fixture.txt", "one")
        .file("data/far.txt", "one")
        .file(".gitignore", "/target\n")
        .make("[lifecycle.test]\ninputs = [\"//data/**\"]\nenv-inputs = [\"FLAVOUR\"]\n");
    scene.append(
        "api/src/lib.rs",
        "#[test]\nfn reads() {\n    for path in [\"fixture.txt\", \"../data/far.txt\"] {\n        \
         assert!(std::fs::read_to_string(path).unwrap().starts_with(\"one\"));\n    }\n    assert!(std::env::var(\"FLAVOUR\").is_err());\n}\n",
    );
    scene.call("test").succeeds();
    for (path, reason) in [("api/fixture.txt", "fixture.txt changed"), ("data/far.txt", "//data/far.txt changed")] {
        scene.append(path, " more");
        let ended = scene.call("test").succeeds();
        // As seen from the last run, which failed.
        assert!(why(&ended, "api").contains(reason), "{}", ended.text());
        let before = fs::read_to_string(scene.at(path)).unwrap();
        scene.write(path, "two");
        assert_eq!(failed(&scene.call("test --keep-going").run()), ["api"]);
        scene.write(path, &before);
        assert!(scene.call("test").succeeds().was_fresh());
    }
    let with = |name: &str, value: &str| scene.call("test --keep-going").env(name, value).run();
    let ended = with("FLAVOUR", "sweet");
    assert_eq!(failed(&ended), ["api"], "{}", ended.text());
    // What nobody declares is passed on, and does not count.
    assert!(with("OTHER", "x").was_fresh());
    let ended = with("RUST_BACKTRACE", "1");
    assert_eq!((ended.code, passed(&ended).len()), (Some(0), 8), "{}", ended.text());
    assert_eq!(ended.ran(), ["test (3 members) (RUST_BACKTRACE changed): 9 passed in 8 executables"]);
}

#[test]
fn documentation_that_includes_a_file_elsewhere_is_tested_again_when_that_changes() {
    let scene = shop().file("README.md", "```\nassert_eq!(api::word(), \"one\");\n```\n");
    let readmes = [
        "#[cfg(doctest)]\n#[doc = include_str!(\"../../README.md\")]\nstruct Readme;\n",
        "#[cfg(doctest)]\n#[doc = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../README.md\"))]\nstruct Readme;\n",
    ];
    let before = fs::read_to_string(scene.at("api/src/lib.rs")).unwrap();
    for readme in readmes {
        scene.write("README.md", "```\nassert_eq!(api::word(), \"one\");\n```\n");
        scene.write("api/src/lib.rs", &format!("{before}{readme}"));
        scene.call("test").succeeds();
        assert!(scene.call("test").succeeds().was_fresh());
        scene.append("README.md", "And more.\n");
        let ended = scene.call("test").succeeds();
        assert_eq!(passed(&ended), ["api (doc)"], "{}", ended.text());
        assert_eq!(why(&ended, "api (doc)"), "README.md changed");
        scene.replace("README.md", "\"one\"", "\"none\"");
        assert_eq!(failed(&scene.call("test").run()), ["api (doc)"]);
    }
}

#[test]
fn force_runs_all_and_no_cache_neither_reads_nor_writes() {
    let scene = shop();
    let ended = scene.call("test --no-cache").succeeds();
    assert_eq!((passed(&ended).len(), why(&ended, "api")), (8, "cache off".to_owned()));
    assert_eq!(why(&scene.call("test").succeeds(), "api"), "first run");
    let ended = scene.call("test --force").succeeds();
    assert_eq!((passed(&ended).len(), why(&ended, "api")), (8, "forced".to_owned()));
    let ended = scene.call("test --verify").succeeds();
    assert_eq!((passed(&ended).len(), why(&ended, "api")), (8, "fresh, to be verified".to_owned()));
    assert!(scene.call("test").succeeds().was_fresh());
}

#[test]
fn a_test_that_is_fresh_and_fails_all_the_same_is_found_out() {
    let scene = shop();
    scene.append("api/src/lib.rs", "#[test]\nfn asks() {\n    assert!(std::env::var(\"UNTOLD\").is_err());\n}\n");
    scene.call("test").succeeds();
    assert!(scene.call("test").env("UNTOLD", "1").succeeds().was_fresh(), "nobody declares it");
    let ended = scene.call("test --verify --keep-going").env("UNTOLD", "1").run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["api".to_owned()]), "{}", ended.text());
    assert!(ended.text().contains("but it was fresh"), "{}", ended.text());
    // What turned out to be wrong is not believed any more.
    let ended = scene.call("test --keep-going").env("UNTOLD", "1").run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["api".to_owned()]), "{}", ended.text());
}

#[test]
fn one_member_may_not_be_cached() {
    let scene = shop().make("[workspace.web]\nlifecycle.test.cache = false\n");
    scene.call("test").succeeds();
    let ended = scene.call("test").succeeds();
    assert_eq!(passed(&ended), ["web", "web (doc)"], "{}", ended.text());
    assert_eq!(why(&ended, "web"), "never cached");
}

#[test]
fn nothing_runs_that_does_not_compile() {
    let scene = shop();
    scene.write("api/tests/broken.rs", "#[test]\nfn broken() { nothing }\n");
    let ended = scene.call("test").run();
    assert_eq!((ended.code, passed(&ended).len()), (Some(1), 0), "{}", ended.text());
    assert!(ended.text().contains("cannot find value `nothing`"), "{}", ended.text());
    let ended = scene.call("test --keep-going").run();
    // Its library does compile, and so do those that need it.
    let others = ["tool", "tool (doc)", "tool::bin/tool", "tool::it", "web", "web (doc)"];
    assert_eq!((ended.code, passed(&ended)), (Some(1), others.map(str::to_owned).to_vec()), "{}", ended.text());
    assert!(ended.lines_of("Failed")[0].contains("exit status 101 (api)"), "{}", ended.text());
    scene.write("api/tests/broken.rs", "#[test]\nfn broken() {}\n");
    let ended = scene.call("test").succeeds();
    assert_eq!(passed(&ended), ["api", "api (doc)", "api::broken"], "what passed meanwhile is kept:\n{}", ended.text());
}

#[test]
fn a_file_that_changes_while_its_test_runs_keeps_nothing() {
    let scene = shop();
    scene.append(
        "api/src/lib.rs",
        "#[test]\nfn writes() {\n    let old = std::fs::read_to_string(\"noted.txt\").unwrap_or_default();\n    \
         std::fs::write(\"noted.txt\", old + \"x\").unwrap();\n}\n",
    );
    let ended = scene.call("test").succeeds();
    assert!(ended.text().contains("inputs of test changed during the run (api: noted.txt)"), "{}", ended.text());
    let again = scene.call("test").succeeds();
    // Through `api` the tests of `web` may read the file, too.
    assert_eq!(passed(&again), ["api", "api (doc)", "web", "web (doc)"], "{}", again.text());
}

#[test]
fn a_phase_of_ones_own_may_have_the_engine() {
    let scene = shop().make(
        "[lifecycle.quick]\nengine = \"cargo-test\"\ncommand = \"cargo test {selected} --lib {flags} {args}\"\n\
         [workspace.web]\nlifecycle.test.command = \"cargo test -p {spec} --lib\"\n",
    );
    let ended = scene.call("quick").succeeds();
    assert_eq!(passed(&ended), ["api", "tool", "web"], "{}", ended.text());
    assert!(scene.call("quick").succeeds().was_fresh());
    let ended = scene.call("test").succeeds();
    assert!(passed(&ended).contains(&"web".to_owned()) && !passed(&ended).contains(&"web (doc)".to_owned()));
    assert!(scene.call("test").succeeds().was_fresh());
    scene.write("make.toml", "[lifecycle.quick]\nengine = \"cargo-tset\"\ncommand = \"x\"\n");
    let wrong = scene.call("quick").run();
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.text().contains("did you mean `\"cargo-test\"`?"), "{}", wrong.text());
    scene.write("make.toml", "[lifecycle.quick]\nengine = \"cargo-test\"\ncommand = \"cargo build\"\n");
    let wrong = scene.call("quick").run();
    assert!(wrong.text().contains("needs one plain call of `cargo test`"), "{}", wrong.text());
}

#[test]
fn arguments_without_tests_to_run_are_left_to_cargo() {
    let scene = shop();
    let ended = scene.call("test -- --no-run").succeeds();
    assert_eq!(ended.ran(), ["test (3 members) (first run): no tests"]);
    let wrong = scene.call("test -- --nonsense").run();
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.text().contains("unexpected argument '--nonsense'"), "{}", wrong.text());
    let none = scene.call("test -- --test nothing").run();
    assert!(none.code == Some(1) && none.text().contains("no test target named `nothing`"), "{}", none.text());
}

#[test]
fn executables_with_the_same_lock_take_turns() {
    let scene = Scene::of(&["a", "b", "c"])
        .make("[workspace.a]\nlifecycle.test.lock = \"db\"\n[workspace.b]\nlifecycle.test.lock = \"db\"\n");
    for name in ["a", "b"] {
        scene.append(
            &format!("{name}/src/lib.rs"),
            "#[test]\nfn alone() {\n    let held = std::path::Path::new(&std::env::var(\"SIDE\").unwrap()).join(\"held\");\n    \
             std::fs::File::create_new(&held).unwrap();\n    std::thread::sleep(std::time::Duration::from_millis(300));\n    \
             std::fs::remove_file(&held).unwrap();\n}\n",
        );
    }
    // Of whom nothing is known, has all jobs; those that would be side by side are the next time's.
    scene.call("test -j4").succeeds();
    scene.last_took(300);
    let ended = scene.call("test -j4 --force").succeeds();
    assert_eq!(ended.ran(), ["test (3 members) (forced): 2 passed in 6 executables"], "one compilation for all");
    assert_eq!(passed(&ended), ["a", "b"], "{}", ended.text());
}
