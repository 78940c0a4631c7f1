//! What makes a step run again, and the reason that it is told with.

use crate::call::Ended;
use crate::scene::Scene;
use crate::trap::git;

/// Runs a phase, which must succeed, and answers the reason of its only step; `fresh` if it did not run.
#[track_caller]
fn why(scene: &Scene, words: &str) -> String {
    reason(&scene.call(words).succeeds())
}

#[track_caller]
fn reason(ended: &Ended) -> String {
    if ended.was_fresh() {
        return "fresh".to_owned();
    }
    let ran = ended.lines_of("Ran");
    assert_eq!(ran.len(), 1, "{}", ended.text());
    let (_, reason) = ran[0].split_once(" in [time] (").unwrap();
    reason.strip_suffix(')').unwrap().to_owned()
}

/// `alpha`, on which `beta` depends, checked once.
fn checked() -> Scene {
    let scene = Scene::of(&["alpha", "beta alpha"]);
    scene.call("check").succeeds();
    scene
}

#[test]
fn files_of_members() {
    let scene = checked();
    scene.write("alpha/src/notes.txt", "new");
    assert_eq!(why(&scene, "check"), "alpha: src/notes.txt is new");
    scene.write("alpha/src/notes.txt", "changed");
    assert_eq!(why(&scene, "check"), "alpha: src/notes.txt changed");
    scene.write("alpha/data/one", "1");
    scene.write("alpha/data/two", "2");
    assert_eq!(why(&scene, "check"), "alpha: data/one is new (+1 more)");
    scene.rename("alpha/data", "alpha/info");
    assert_eq!(why(&scene, "check"), "alpha: info/one is new (+3 more)");
    scene.remove("alpha/info/one");
    assert_eq!(why(&scene, "check"), "alpha: info/one is gone");
    scene.remove("alpha/info/two");
    scene.remove("alpha/src/notes.txt");
    assert_eq!(why(&scene, "check"), "fresh", "as it was at first");
}

#[test]
fn a_file_in_the_root_that_a_member_includes() {
    let scene = Scene::of(&["alpha"]).file("shared.txt", "one");
    scene.append("alpha/src/lib.rs", "pub const SHARED: &str = include_str!(\"../../shared.txt\");\n");
    scene.call("check").succeeds();
    assert_eq!(why(&scene, "check"), "fresh");
    scene.write("shared.txt", "two");
    assert_eq!(why(&scene, "check"), "shared.txt changed");
}

#[test]
fn files_and_variables_that_only_the_compiler_knows_of() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "*.secret\n").file("word.secret", "one");
    scene.append(
        "alpha/src/lib.rs",
        "pub const FILE: &str = include_str!(\"../../word.secret\");\n\
         pub const VARIABLE: Option<&str> = option_env!(\"GREETING\");\n",
    );
    scene.call("check").succeeds();
    assert_eq!(why(&scene, "check"), "fresh");
    scene.write("word.secret", "two");
    assert_eq!(why(&scene, "check"), "word.secret changed");
    let greeted = || reason(&scene.call("check").env("GREETING", "hello").succeeds());
    assert_eq!(greeted(), "GREETING changed");
    assert_eq!(greeted(), "fresh");
    assert_eq!(why(&scene, "check"), "fresh", "as it was before");
}

#[test]
fn what_a_build_script_asks_for() {
    let scene = Scene::of(&["alpha"]).file("outside.txt", "one");
    scene.write(
        "alpha/build.rs",
        "fn main() {\n    println!(\"cargo::rerun-if-env-changed=FLAVOUR\");\n    \
         println!(\"cargo::rerun-if-changed=../outside.txt\");\n}\n",
    );
    scene.call("check").succeeds();
    assert_eq!(why(&scene, "check"), "fresh");
    let flavoured = scene.call("check").env("FLAVOUR", "sweet").succeeds();
    assert_eq!(reason(&flavoured), "FLAVOUR changed");
    scene.write("outside.txt", "two");
    assert_eq!(reason(&scene.call("check").env("FLAVOUR", "sweet").succeeds()), "outside.txt changed");
}

#[test]
fn what_git_ignores_counts_not_but_dot_env_files_do() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "*.log\n.env*\n");
    scene.call("check").succeeds();
    scene.write("alpha/some.log", "noise");
    assert_eq!(why(&scene, "check"), "fresh");
    scene.write("alpha/.env", "A=1");
    assert_eq!(why(&scene, "check"), "alpha: .env is new");
}

#[test]
fn what_git_tracks_counts_whatever_its_rules_say() {
    let scene = Scene::of(&["alpha"])
        .file(".gitignore", "/target\n*.snap\n/alpha/made/\n")
        .make("[lifecycle.own]\ncommand = \"cat one.snap made/two.txt\"\ncache = true\n");
    for (path, text) in [("one.snap", "one"), ("made/two.txt", "two"), ("made/three.txt", "three")] {
        scene.write(&format!("alpha/{path}"), text);
    }
    scene
        .write("alpha/src/lib.rs", "#[test]\nfn one() { assert!(std::fs::read(\"one.snap\").unwrap() == b\"one\") }\n");
    git(&scene, "init -q");
    scene.call("own test").succeeds();
    scene.write("alpha/made/three.txt", "3");
    assert!(scene.call("own test").succeeds().was_fresh(), "nothing is tracked");

    git(&scene, "add -f alpha/one.snap alpha/made/two.txt");
    scene.call("own test").succeeds();
    assert!(scene.call("own test").succeeds().was_fresh());
    scene.write("alpha/made/two.txt", "2");
    assert_eq!(why(&scene, "own"), "made/two.txt changed");
    assert!(!scene.call("test").succeeds().was_fresh());
    scene.write("alpha/made/three.txt", "three");
    assert!(scene.call("own test").succeeds().was_fresh(), "it is not tracked");
    scene.write("alpha/one.snap", "1");
    assert_eq!(why(&scene, "own"), "one.snap changed");
    assert_eq!(scene.call("test").run().code, Some(1));

    scene.write(".git/index", "DIRC");
    let ended = scene.call("own").succeeds();
    assert!(ended.err().contains("whether git tracks it cannot be told"), "{}", ended.text());
}

#[test]
fn a_file_whose_contents_change_and_whose_time_does_not() {
    let scene = checked();
    let path = scene.at("alpha/src/lib.rs");
    let modified = path.metadata().unwrap().modified().unwrap();
    scene.replace("alpha/src/lib.rs", "\"alpha\"", "\"ALPHA\"");
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(why(&scene, "check"), "alpha: src/lib.rs changed");
}

/// Replaces a file by one that is older than everything that was made of it, as restoring from a backup does.
fn put_old(scene: &Scene, path: &str, text: &str) {
    scene.write(path, text);
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(scene.at(path)).unwrap().set_modified(old).unwrap();
}

#[test]
fn what_cargo_does_not_look_at_because_it_is_old_is_said_and_not_kept() {
    let scene = checked();
    put_old(&scene, "alpha/src/lib.rs", "compile_error!(\"seen\");\n");
    let unseen = "warning: alpha: src/lib.rs changed, but is not newer than the last run, so cargo did not look at it; \
        `touch` it (this result is not kept)";
    for _ in 0..2 {
        let ended = scene.call("check").succeeds();
        assert_eq!(ended.err().lines().nth(1), Some(unseen));
    }
    scene.touch_everything();
    assert_eq!(scene.call("check").run().code, Some(1));
}

#[test]
fn old_files_that_only_the_compiler_knows_of_are_not_overlooked() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "*.secret\n").file("word.secret", "one");
    scene.append("alpha/src/lib.rs", "pub const FILE: &str = include_str!(\"../../word.secret\");\n");
    scene.call("check").succeeds();
    put_old(&scene, "word.secret", "two");
    for _ in 0..2 {
        let ended = scene.call("check").succeeds();
        assert!(ended.err().contains("warning: word.secret changed, but is not newer"), "{}", ended.text());
        assert_eq!(reason(&ended), "word.secret changed");
    }
    scene.touch_everything();
    let touched = scene.call("check").succeeds();
    assert!(!touched.err().contains("warning"), "{}", touched.text());
    assert!(scene.call("check").succeeds().was_fresh());
}

#[test]
fn what_cargo_did_not_look_at_is_not_kept_after_a_failure_either() {
    let scene = checked();
    put_old(&scene, "alpha/src/lib.rs", "compile_error!(\"seen\");\n");
    scene.append("beta/src/lib.rs", "nonsense\n");
    assert_eq!(scene.call("check").run().code, Some(1));
    scene.replace("beta/src/lib.rs", "nonsense\n", "");
    for _ in 0..2 {
        let ended = scene.call("check").run();
        assert!(!ended.was_fresh(), "{}", ended.text());
    }
    scene.touch_everything();
    assert_eq!(scene.call("check").run().code, Some(1));
}

#[test]
fn what_cargo_did_not_look_at_is_not_kept_after_a_fresh_run_either() {
    let scene = checked();
    let first = std::fs::read_to_string(scene.at("alpha/src/lib.rs")).unwrap();
    scene.append("alpha/src/lib.rs", "pub fn more() {}\n");
    scene.call("check").succeeds();
    put_old(&scene, "alpha/src/lib.rs", &first);
    assert_eq!(why(&scene, "check"), "fresh", "as it was at first");
    // Cargo still takes `alpha` for what it was with `more`.
    scene.append("beta/src/lib.rs", "pub fn uses() {\n    alpha::more();\n}\n");
    for _ in 0..2 {
        let ended = scene.call("check").run();
        assert!(!ended.was_fresh(), "{}", ended.text());
    }
    scene.touch_everything();
    assert_eq!(scene.call("check").run().code, Some(1));
}

#[test]
fn variables_of_the_compiler() {
    let scene = checked();
    let check = |flags: &str| reason(&scene.call("check").env("RUSTFLAGS", flags).succeeds());
    assert_eq!(check("--cfg one"), "RUSTFLAGS changed");
    assert_eq!(check("--cfg one"), "fresh");
    assert_eq!(check("--cfg two"), "RUSTFLAGS changed");
    assert_eq!(why(&scene, "check"), "fresh", "as it was at first");
    let unread = scene.call("check").env("SOME_OTHER_VARIABLE", "1").env("CARGO_TERM_QUIET", "true");
    assert_eq!(reason(&unread.succeeds()), "fresh");
}

#[test]
fn values_of_variables_are_never_stored() {
    let scene =
        Scene::of(&["alpha"]).make("[lifecycle.hello]\ncommand = \"true\"\ninputs = []\nenv-inputs = [\"WORD\"]\n");
    for secret in ["swordfish_one", "swordfish_two"] {
        scene.call("hello").env("WORD", secret).env("RUSTFLAGS", format!("--cfg {secret}")).succeeds();
    }
    for entry in walkdir::WalkDir::new(scene.at("target/lifecycle")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("swordfish"), "{}", entry.path().display());
        }
    }
}

#[test]
fn configuration_of_cargo_toolchain_and_clippy() {
    let scene = checked();
    scene.write(".cargo/config.toml", "# nothing yet\n");
    assert_eq!(why(&scene, "check"), ".cargo/config.toml is new");
    scene.write(".cargo/config.toml", "[term]\nquiet = false\n");
    assert_eq!(why(&scene, "check"), ".cargo/config.toml changed");
    scene.write("rust-toolchain.toml", "[toolchain]\nprofile = \"minimal\"\n");
    assert_eq!(why(&scene, "check"), "rust-toolchain.toml is new");
    scene.append("rust-toolchain.toml", "# a comment\n");
    assert_eq!(why(&scene, "check"), "rust-toolchain.toml changed");
}

#[test]
fn configuration_of_clippy() {
    let scene = Scene::of(&["alpha"]).file("clippy.toml", "too-many-arguments-threshold = 3\n");
    scene.call("lint").succeeds();
    scene.write("clippy.toml", "too-many-arguments-threshold = 4\n");
    assert_eq!(why(&scene, "lint"), "clippy.toml changed");
}

#[test]
fn parts_of_the_root_manifest() {
    let scene =
        Scene::of(&["alpha", "beta alpha"]).make("[lifecycle.hello]\ncommand = \"true\"\ninputs = [\"src/**\"]\n");
    scene.append("Cargo.toml", "\n[workspace.package]\nversion = \"1.0.0\"\n");
    scene.replace("alpha/Cargo.toml", "version = \"0.1.0\"", "version.workspace = true");
    scene.call("check").succeeds();
    scene.call("hello").succeeds();

    scene.append("Cargo.toml", "\n[profile.dev]\ndebug = 1\n");
    assert_eq!(why(&scene, "check"), "[profile.dev] changed");
    scene.replace("Cargo.toml", "version = \"1.0.0\"", "version = \"1.0.1\"");
    assert_eq!(why(&scene, "check"), "[workspace.package] changed");
    let hello = scene.call("hello -p alpha").succeeds();
    assert_eq!(hello.ran(), ["hello alpha ([profile.dev] changed (+1 more))"], "whatever its inputs are");
    scene.call("hello").succeeds();
    scene.append("Cargo.toml", "\n# only a comment\n");
    assert!(scene.call("check hello").succeeds().was_fresh());
}

#[test]
fn flags_arguments_and_selection() {
    let scene = checked();
    assert_eq!(why(&scene, "check --release"), "flags changed: --release is new");
    assert_eq!(why(&scene, "check --release"), "fresh");
    assert_eq!(why(&scene, "check"), "fresh", "as it was at first");
    assert_eq!(why(&scene, "check --profile test"), "flags changed: --profile test is new");
    assert_eq!(why(&scene, "check --profile test -- --lib"), "arguments changed");
    assert_eq!(why(&scene, "check --profile test -p alpha -- --lib"), "selection changed: was --workspace");
    assert_eq!(why(&scene, "check --profile test -p beta -- --lib"), "selection changed: was -p alpha");
    assert_eq!(why(&scene, "check"), "fresh", "as it was at first");
}

#[test]
fn artifacts_of_a_build() {
    let scene = Scene::of(&["alpha"]);
    scene.call("build check").succeeds();
    std::fs::remove_file(scene.at("target/debug/libalpha.rlib")).unwrap();
    assert_eq!(why(&scene, "check"), "fresh", "checking makes nothing to be used");
    assert_eq!(why(&scene, "build"), "debug/libalpha.rlib is missing");
    assert_eq!(why(&scene, "build"), "fresh");
    scene.append("target/debug/libalpha.d", "# touched\n");
    assert_eq!(why(&scene, "build"), "fresh", "dep-info is no artifact");
    std::fs::write(scene.at("target/debug/libalpha.rlib"), "no library").unwrap();
    assert_eq!(why(&scene, "build"), "debug/libalpha.rlib was changed");
    std::fs::remove_dir_all(scene.at("target/debug")).unwrap();
    assert_eq!(why(&scene, "build"), "debug/libalpha.rlib is missing");
    assert!(scene.at("target/debug/libalpha.rlib").exists());
}

#[test]
fn a_path_dependency_that_is_no_member() {
    let scene = Scene::fixture("shop");
    scene.call("check").succeeds();
    scene.replace("legacy/src/lib.rs", "42", "43");
    assert_eq!(why(&scene, "check"), "legacy: src/lib.rs changed");
}

/// A package as `cargo vendor` would lay it down.
fn vendor(scene: &Scene, version: &str) -> String {
    let checksum = version.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().repeat(8);
    let checksum = &checksum[..64];
    let folder = format!("vendor/leaf-{version}");
    let manifest = format!("[package]\nname = \"leaf\"\nversion = \"{version}\"\nedition = \"2024\"\n");
    scene.write(&format!("{folder}/Cargo.toml"), &manifest);
    scene.write(&format!("{folder}/src/lib.rs"), "");
    scene.write(&format!("{folder}/.cargo-checksum.json"), &format!("{{\"files\":{{}},\"package\":\"{checksum}\"}}"));
    checksum.to_owned()
}

#[test]
fn another_version_of_a_locked_package_concerns_who_depends_on_it() {
    let scene =
        Scene::of(&["alpha", "beta"]).make("[lifecycle.hello]\ncommand = \"true\"\ninputs = [\"src/**\"]\n").file(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n",
        );
    scene.append("alpha/Cargo.toml", "leaf = \"1\"\n");
    let (old, new) = (vendor(&scene, "1.0.0"), vendor(&scene, "1.0.1"));
    scene.call("hello -n").succeeds();
    scene.replace("Cargo.lock", "1.0.1", "1.0.0");
    scene.replace("Cargo.lock", &new, &old);
    scene.call("hello check").succeeds();
    scene.replace("Cargo.lock", "1.0.0", "1.0.1");
    scene.replace("Cargo.lock", &old, &new);
    let updated = scene.call("hello check -j1").succeeds();
    assert_eq!(updated.ran(), ["hello alpha (leaf 1.0.0 -> 1.0.1)", "check (2 members) (leaf 1.0.0 -> 1.0.1)"]);
    assert_eq!(updated.lines_of("Fresh"), ["hello beta"]);
}

#[test]
fn force_and_no_cache() {
    let scene = checked();
    assert_eq!(why(&scene, "check --force"), "forced");
    assert_eq!(why(&scene, "check"), "fresh");
    assert_eq!(why(&scene, "check --no-cache"), "cache off");
    scene.append("alpha/src/lib.rs", "pub fn more() {}\n");
    assert_eq!(why(&scene, "check --no-cache"), "cache off");
    assert_eq!(why(&scene, "check"), "alpha: src/lib.rs changed", "nothing was written either");
}

#[test]
fn what_failed_runs_again() {
    let scene = Scene::of(&["alpha"]);
    scene.append("alpha/src/lib.rs", "nonsense\n");
    assert_eq!(scene.call("check").run().code, Some(1));
    let again = scene.call("check -n").succeeds();
    assert_eq!(again.out().lines().next(), Some("check (1 member): stale: failed before"));
    scene.replace("alpha/src/lib.rs", "nonsense\n", "");
    assert_eq!(why(&scene, "check"), "alpha: src/lib.rs changed");
}

/// A chain of members with a phase for each, whose command may fail if `$SIDE/fail` is there.
fn chain(phase: &str) -> Scene {
    let make = format!("[lifecycle.gen]\ncommand = \"echo {{name}} >> $SIDE/ran\"\n{phase}");
    let scene = Scene::of(&["leaf", "middle leaf", "top middle", "other"]).make(&make);
    scene.call("gen").succeeds();
    scene.take("ran");
    scene
}

#[test]
fn what_a_phase_of_ones_own_says() {
    let scene = Scene::of(&["alpha"]);
    let make = |lines: &str| scene.write("make.toml", &format!("[lifecycle.hello]\n{lines}"));
    make(
        "command = \"true\"\ninputs = [\"src/**\"]\noutputs = []\nenv = { WORD = \"one\" }\nenv-inputs = [\"SECRET\"]\n",
    );
    assert_eq!(why(&scene, "hello"), "first run");
    assert_eq!(why(&scene, "hello"), "fresh");
    let secret = |value: &str| reason(&scene.call("hello").env("SECRET", value).succeeds());
    assert_eq!(secret("2"), "SECRET changed");
    assert_eq!(secret("1"), "SECRET changed");
    assert_eq!(secret("2"), "fresh", "as it was before");
    assert_eq!(secret("1"), "fresh");
    make(
        "command = \"true\"\ninputs = [\"src/**\"]\noutputs = []\nenv = { WORD = \"two\" }\nenv-inputs = [\"SECRET\"]\n",
    );
    assert_eq!(secret("1"), "WORD changed");
    make(
        "command = \": changed\"\ninputs = [\"src/**\"]\noutputs = []\nenv = { WORD = \"two\" }\nenv-inputs = [\"SECRET\"]\n",
    );
    assert_eq!(secret("1"), "command changed");
    make(
        "# only a comment\n\ncommand = \": changed\"\ninputs = [\"src/**\"]\noutputs = []\nenv = { WORD = \"two\" }\nenv-inputs = [\"SECRET\"]\n",
    );
    assert_eq!(secret("1"), "fresh");
    scene.write("alpha/readme.txt", "not an input");
    assert_eq!(secret("1"), "fresh");
    make("command = \": changed\"\ncache = false\n");
    assert_eq!(why(&scene, "hello"), "never cached");
    make("command = \": changed\"\n");
    assert_eq!(why(&scene, "hello"), "never cached", "without inputs");
}

#[test]
fn a_leafs_edit_runs_the_leaf_and_a_deep_members_edit_its_dependents() {
    let scene = chain("inputs = [\"src/**\"]\nneeds = [\"^gen\"]\n");
    scene.append("top/src/lib.rs", "// edited\n");
    let ended = scene.call("gen").succeeds();
    assert_eq!(ended.ran(), ["gen top (src/lib.rs changed)"]);
    scene.append("leaf/src/lib.rs", "// edited\n");
    let ended = scene.call("gen").succeeds();
    assert_eq!(
        ended.ran(),
        ["gen leaf (src/lib.rs changed)", "gen middle (depends on gen leaf)", "gen top (depends on gen middle)"]
    );
    assert_eq!(ended.lines_of("Fresh"), ["gen other"]);
    assert!(scene.call("gen").succeeds().was_fresh());
}

#[test]
fn members_that_one_depends_on_count_unless_one_says_no() {
    let scene = chain("inputs = [\"src/**\"]\n");
    scene.append("leaf/src/lib.rs", "// edited\n");
    let mut ran = scene.call("gen").succeeds().ran();
    ran.sort();
    assert_eq!(
        ran,
        [
            "gen leaf (src/lib.rs changed)",
            "gen middle (leaf: src/lib.rs changed)",
            "gen top (leaf: src/lib.rs changed)"
        ]
    );

    let scene = chain("inputs = [\"src/**\"]\ndependencies = false\n");
    scene.append("leaf/src/lib.rs", "// edited\n");
    assert_eq!(scene.call("gen").succeeds().ran(), ["gen leaf (src/lib.rs changed)"]);
}

#[test]
fn inputs_from_the_root() {
    let scene = chain("inputs = [\"//proto/**\"]\n");
    scene.write("proto/api.proto", "message");
    let ended = scene.call("gen -p leaf").succeeds();
    assert_eq!(ended.ran(), ["gen leaf (//proto/api.proto is new)"]);
    scene.append("leaf/src/lib.rs", "// edited\n");
    assert!(scene.call("gen -p leaf").succeeds().was_fresh());
}

#[test]
fn a_member_that_is_moved_with_its_files_is_the_same_to_others() {
    let scene = chain("inputs = [\"src/**\"]\n");
    scene.rename("other", "others");
    scene.replace("Cargo.toml", "\"other\"", "\"others\"");
    let ran = scene.call("gen").succeeds().ran();
    assert_eq!(ran, ["gen other (the folder of a member changed: other -> others)"]);
}

#[test]
fn a_workspace_that_is_moved_stays_fresh() {
    let scene = Scene::of(&["alpha"])
        .make("[lifecycle.hello]\ncommand = \"echo {dir}\"\ninputs = [\"src/**\"]\noutputs = []\n");
    scene.call("hello check").succeeds();
    let elsewhere = scene.beside("moved");
    std::fs::rename(scene.root(), &elsewhere).unwrap();
    let moved = scene.call("hello check").from(elsewhere.to_str().unwrap()).succeeds();
    assert!(moved.was_fresh(), "{}", moved.text());
}

/// A run without a cache leaves no state behind; if it left its time, the file would seem too old to have been looked at.
#[test]
fn a_run_without_a_cache_changes_nothing_for_the_next() {
    let scene = checked();
    scene.append("alpha/src/lib.rs", "// edited\n");
    scene.call("check --no-cache").succeeds();
    let text = scene.call("check").succeeds().text();
    assert!(text.contains("(alpha: src/lib.rs changed)") && !text.contains("warning"), "{text}");
    assert_eq!(why(&scene, "check"), "fresh");
}

/// Nobody knows what it made, only that it is of its last run.
#[test]
fn a_phase_that_declares_no_outputs_is_fresh_in_its_last_state_alone() {
    let scene = Scene::of(&["alpha"]).file("alpha/in", "A").make(
        "[lifecycle.copy]\ncommand = \"cp in ../made\"\ninputs = [\"in\"]\n\
         [lifecycle.use]\ncommand = \"cp ../made used\"\nneeds = [\"copy\"]\ninputs = []\noutputs = [\"used\"]\n",
    );
    let read = |path: &str| std::fs::read_to_string(scene.at(path)).unwrap();
    scene.call("use").succeeds();
    assert!(scene.call("use").succeeds().was_fresh());
    scene.write("alpha/in", "B");
    assert_eq!(why(&scene, "copy"), "in changed");
    assert_eq!(scene.call("use").succeeds().ran(), ["use alpha (outputs of copy alpha changed)"]);
    assert_eq!(read("alpha/used"), "B");
    scene.write("alpha/in", "A");
    assert_eq!(scene.call("use").succeeds().ran().len(), 2, "what is there is of another state");
    assert_eq!((read("made"), read("alpha/used")), ("A".into(), "A".into()));
    assert!(scene.call("use").succeeds().was_fresh());
}

#[test]
fn inputs_that_name_no_file_are_warned_of() {
    let scene = Scene::of(&["alpha", "beta"]).make(
        "[lifecycle.typo]\ncommand = \"true\"\ninputs = [\"shcema.json\"]\noutputs = []\n\
         [lifecycle.some]\ncommand = \"true\"\ninputs = [\"schema.json\"]\noutputs = []\n\
         [lifecycle.none]\ncommand = \"true\"\ninputs = []\noutputs = []\n\
         [lifecycle.root]\ncommand = \"true\"\ninputs = [\"//shared/*\"]\noutputs = []\n\
         [lifecycle.once]\nscope = \"workspace\"\ncommand = \"true\"\ninputs = [\"shraed/*\"]\noutputs = []\n",
    );
    scene.write("beta/schema.json", "{}");
    scene.write("shared/one", "");
    for _ in 0..2 {
        let said = scene.call("typo some none root once").succeeds().text();
        let warned: Vec<&str> = said.lines().filter(|line| line.contains("name no file")).collect();
        let warning = |phase| format!("warning: `inputs` of `{phase}` name no file that is there");
        assert_eq!(warned, [warning("typo"), warning("once")], "{said}");
    }
    assert!(!scene.call("typo some -p alpha").succeeds().text().contains("name no file"), "others may have some");
}
