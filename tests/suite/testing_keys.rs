//! What the result of a test executable hangs on: after each change just those run that could end otherwise.

use crate::call::Call;
use crate::scene::Scene;
use crate::tested::{failed, numbers, passed};

/// `api` depends on `base`; each member has a test, `base` a documentation test as well.
fn layers() -> Scene {
    let scene = Scene::of(&["base", "api base", "other"]);
    scene.append(
        "base/src/lib.rs",
        "/// ```\n/// assert_eq!(base::one(), 1);\n/// ```\npub fn one() -> u32 {\n    1\n}\n\n#[test]\nfn is_one() {\n    assert_eq!(one(), 1);\n}\n",
    );
    scene.append("api/src/lib.rs", "#[test]\nfn adds() {\n    assert_eq!(base::one() + 1, 2);\n}\n");
    scene.append("other/src/lib.rs", "#[test]\nfn is_alone() {}\n");
    scene
}

/// What this call runs; all of it passes, and after that it is fresh.
#[track_caller]
fn runs(call: &Call) -> Vec<String> {
    let ended = call.succeeds();
    let again = call.succeeds();
    assert!(again.was_fresh(), "\n{}\n{}", ended.text(), again.text());
    passed(&ended)
}

#[test]
fn a_comment_in_a_deep_crate_runs_its_own_tests_and_an_edit_those_of_who_depends_on_it() {
    let scene = layers();
    let test = scene.call("test -v");
    assert_eq!(runs(&test).len(), 6);
    scene.append("base/src/lib.rs", "// The end.\n");
    assert_eq!(runs(&test), ["base", "base (doc)"]);
    scene.replace("base/src/lib.rs", "    1\n", "    std::hint::black_box(1)\n");
    assert_eq!(runs(&test), ["api", "api (doc)", "base", "base (doc)"]);
    scene.replace("base/src/lib.rs", "    std::hint::black_box(1)\n", "    1\n");
    assert_eq!(runs(&test), [""; 0]);
    // A step that was fresh as a whole leaves what its executables came to.
    scene.append("other/src/lib.rs", "// The end.\n");
    let ran = runs(&test);
    // Of documentation more may run: libraries that were compiled in another order can differ in their metadata.
    assert!(ran.contains(&"other".to_owned()) && ran.iter().all(|name| name != "api" && name != "base"), "{ran:?}");
}

#[test]
fn a_variable_that_the_compiler_reads_reaches_the_tests_that_it_changes() {
    let scene = layers();
    scene.append(
        "api/src/lib.rs",
        "pub fn flavour() -> Option<&'static str> {\n    option_env!(\"FLAVOUR\")\n}\n\n#[test]\nfn is_not_sour() {\n    assert_ne!(flavour(), Some(\"sour\"));\n}\n",
    );
    let with = |value: &str| scene.call("test -v").env("FLAVOUR", value);
    assert_eq!(runs(&scene.call("test -v")).len(), 6);
    assert_eq!(runs(&with("sweet")), ["api", "api (doc)"]);
    assert_eq!(failed(&with("sour").run()), ["api"]);
    assert_eq!(runs(&with("sweet")), [""; 0]);
    assert_eq!(runs(&scene.call("test -v")), [""; 0]);
}

#[test]
fn a_variable_that_is_declared_counts_by_its_value() {
    let scene = layers().make("[lifecycle.test]\nenv-inputs = [\"FLAVOUR\"]\n");
    let with = |value: &str| scene.call("test -v").env("FLAVOUR", value);
    assert_eq!(runs(&with("sweet")).len(), 6);
    assert_eq!(runs(&with("sour")).len(), 6);
    assert_eq!(runs(&scene.call("test -v")).len(), 6);
    assert_eq!(runs(&with("sweet")), [""; 0]);
}

#[test]
fn a_variable_that_is_declared_for_one_member_runs_the_tests_of_that_one() {
    let scene = layers().make("[workspace.api]\nlifecycle.test.env-inputs = [\"FLAVOUR\"]\n");
    let with = |value: &str| scene.call("test -v").env("FLAVOUR", value);
    assert_eq!(runs(&with("sweet")).len(), 6);
    assert_eq!(runs(&with("sour")), ["api", "api (doc)"]);
    assert_eq!(runs(&with("sweet")), [""; 0]);
}

#[test]
fn variables_of_the_configuration_and_of_the_phase_count() {
    let scene = layers();
    let test = scene.call("test -v");
    assert_eq!(runs(&test).len(), 6);
    scene.write(".cargo/config.toml", "[env]\nSPICE = \"salt\"\n");
    assert_eq!(runs(&test).len(), 6);
    scene.write("make.toml", "[workspace.api]\nenv = { SPICE = \"pepper\" }\n");
    let ended = test.succeeds();
    assert!(passed(&ended).contains(&"api".to_owned()), "{}", ended.text());
    scene.append(
        "api/src/lib.rs",
        "#[test]\nfn is_spicy() {\n    assert_eq!(std::env::var(\"SPICE\").unwrap(), \"pepper\");\n}\n",
    );
    assert_eq!(runs(&test), ["api", "api (doc)"]);
}

#[test]
fn a_dependency_that_is_updated_in_the_lock_file_runs_the_tests_that_it_is_in() {
    let scene = layers();
    scene.write(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"../side/vendor\"\n",
    );
    for (folder, version, size) in [("leaf", "1.0.0", 1), ("leaf-next", "1.0.1", 2)] {
        let at = |file: &str| format!("../side/vendor/{folder}/{file}");
        scene.write(
            &at("Cargo.toml"),
            &format!("[package]\nname = \"leaf\"\nversion = \"{version}\"\nedition = \"2024\"\n"),
        );
        scene.write(&at("src/lib.rs"), &format!("pub fn size() -> u32 {{\n    {size}\n}}\n"));
        let checksum = format!("{{\"files\":{{}},\"package\":\"{}\"}}", format!("{size}b").repeat(32));
        scene.write(&at(".cargo-checksum.json"), &checksum);
    }
    scene.append("base/Cargo.toml", "leaf = \"1\"\n");
    scene.append("base/src/lib.rs", "#[test]\nfn is_small() {\n    assert_eq!(leaf::size(), 1);\n}\n");
    scene.call("").plain_cargo("generate-lockfile");
    let newer = std::fs::read_to_string(scene.at("Cargo.lock")).unwrap();
    let older = newer.replace("1.0.1", "1.0.0").replace(&"2b".repeat(32), &"1b".repeat(32));
    assert_ne!(newer, older);
    scene.write("Cargo.lock", &older);
    let test = scene.call("test -v --locked");
    assert_eq!(runs(&test).len(), 6);
    scene.write("Cargo.lock", &newer);
    let updated = scene.call("test -v --locked --keep-going").run();
    assert_eq!((updated.code, failed(&updated)), (Some(1), vec!["base".to_owned()]), "{}", updated.text());
    assert_eq!(passed(&updated), ["api", "api (doc)", "base (doc)"], "{}", updated.text());
    scene.replace("base/src/lib.rs", "leaf::size(), 1", "leaf::size(), 2");
    assert_eq!(runs(&test), ["base", "base (doc)"]);
    scene.replace("base/src/lib.rs", "leaf::size(), 2", "leaf::size(), 1");
    scene.write("Cargo.lock", &older);
    assert_eq!(runs(&test), [""; 0]);
}

#[test]
fn flags_make_other_executables_which_have_results_of_their_own() {
    let scene = layers();
    scene.append("api/Cargo.toml", "[features]\nextra = []\n");
    scene.append("api/src/lib.rs", "#[cfg(feature = \"extra\")]\n#[test]\nfn more() {}\n");
    assert_eq!(runs(&scene.call("test -v")).len(), 6);
    let extra = scene.call("test -v --features api/extra").succeeds();
    assert_eq!(passed(&extra), ["api", "api (doc)"], "{}", extra.text());
    assert_eq!(numbers(&extra)["api"], "2 passed", "{}", extra.text());
    assert_eq!(runs(&scene.call("test -v --release")).len(), 6);
    for words in ["test", "test --features api/extra", "test --release"] {
        assert!(scene.call(&format!("{words} -v")).succeeds().was_fresh(), "{words}");
    }
}

#[test]
fn what_a_build_script_makes_and_a_library_that_is_loaded_count() {
    let scene = Scene::of(&["plug", "host"]);
    scene.append("plug/Cargo.toml", "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n");
    scene.write("plug/src/lib.rs", "#[unsafe(no_mangle)]\npub extern \"C\" fn size() -> u32 {\n    1\n}\n");
    scene.write(
        "host/build.rs",
        "fn main() {\n    println!(\"cargo::rerun-if-changed=../size.txt\");\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
         std::fs::copy(\"../size.txt\", out + \"/size.txt\").unwrap();\n}\n",
    );
    scene.write("size.txt", "1");
    // The folder's name is in the executable, what is in it is not.
    scene.append(
        "host/src/lib.rs",
        "#[test]\nfn fits() {\n    let path = concat!(env!(\"OUT_DIR\"), \"/size.txt\");\n    assert_ne!(std::fs::read_to_string(path).unwrap(), \"9\");\n}\n",
    );
    let test = scene.call("test -v");
    assert!(runs(&test).contains(&"host".to_owned()));
    scene.write("size.txt", "2");
    assert!(runs(&test).contains(&"host".to_owned()));
    scene.write("size.txt", "9");
    assert_eq!(failed(&test.run()), ["host"]);
    scene.write("size.txt", "1");
    assert_eq!(runs(&test), [""; 0]);
    scene.replace("plug/src/lib.rs", "    1\n", "    2\n");
    assert!(runs(&test).contains(&"host".to_owned()), "it may load it");
}

#[test]
fn a_static_library_in_a_dependency_counts_for_documentation_tests() {
    let scene = Scene::of(&["native", "api native"]);
    let source =
        |size: u32| format!("#[unsafe(no_mangle)]\npub extern \"C\" fn native_size() -> u32 {{\n    {size}\n}}\n");
    let compile = |size: u32| {
        scene.write("../side/size.rs", &source(size));
        let (from, to) = (scene.beside("size.rs"), scene.at("native/lib/libsize.a"));
        std::fs::create_dir_all(scene.at("native/lib")).unwrap();
        let arguments = ["--crate-type", "staticlib", "-C", "panic=abort", "-O", "-o"];
        let status = std::process::Command::new("rustc").args(arguments).args([to, from]).status().unwrap();
        assert!(status.success());
    };
    compile(1);
    scene.write(
        "native/build.rs",
        "fn main() {\n    let here = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n    println!(\"cargo::rustc-link-search=native={here}/lib\");\n    \
         println!(\"cargo::rustc-link-lib=static:-bundle=size\");\n    println!(\"cargo::rerun-if-changed=lib/libsize.a\");\n}\n",
    );
    scene.append(
        "native/src/lib.rs",
        "unsafe extern \"C\" {\n    safe fn native_size() -> u32;\n}\n\npub fn size() -> u32 {\n    native_size()\n}\n",
    );
    scene.append("api/src/lib.rs", "/// ```\n/// assert_ne!(native::size(), 9);\n/// ```\npub struct Api;\n");
    let test = scene.call("test -v");
    assert!(runs(&test).contains(&"api (doc)".to_owned()));
    compile(9);
    let ended = test.run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["api (doc)".to_owned()]), "{}", ended.text());
}

#[test]
fn failures_come_first_and_the_rest_stays_fresh() {
    let scene = Scene::of(&["a", "b", "c", "d"]);
    for member in ["a", "b", "c", "d"] {
        scene.append(&format!("{member}/src/lib.rs"), "#[test]\nfn good() {}\n");
    }
    for member in ["b", "d"] {
        scene.append(&format!("{member}/src/lib.rs"), "#[test]\nfn bad() {\n    panic!(\"bad luck\");\n}\n");
    }
    let ended = scene.call("test -v --keep-going").run();
    assert_eq!((ended.code, failed(&ended).len(), passed(&ended).len()), (Some(1), 2, 6), "{}", ended.text());
    // Everything is stale again, but those two are tried before all others.
    let ended = scene.call("test -v --force -j1").run();
    assert_eq!((ended.code, failed(&ended).len(), passed(&ended).len()), (Some(1), 1, 0), "{}", ended.text());
    // And without force nothing else runs at all.
    let ended = scene.call("test -v --keep-going").run();
    assert_eq!((failed(&ended).len(), passed(&ended)), (2, Vec::new()), "{}", ended.text());
    assert!(ended.err().contains("bad luck"), "{}", ended.text());
    scene.replace("b/src/lib.rs", "panic!(\"bad luck\");", "");
    scene.replace("d/src/lib.rs", "panic!(\"bad luck\");", "");
    assert_eq!(runs(&scene.call("test -v")), ["b", "b (doc)", "d", "d (doc)"]);
}

#[test]
fn what_is_written_while_a_test_runs_keeps_the_result_of_its_member_only() {
    let scene = layers();
    scene.append(
        "api/src/lib.rs",
        "#[test]\nfn waits() {\n    let side = std::path::PathBuf::from(std::env::var_os(\"SIDE\").unwrap());\n    \
         std::fs::write(side.join(\"waiting\"), \"\").unwrap();\n    while side.join(\"wait\").exists() {\n        \
         std::thread::sleep(std::time::Duration::from_millis(10));\n    }\n}\n",
    );
    std::fs::write(scene.beside("wait"), "").unwrap();
    let test = scene.call("test -v");
    let child = test.start();
    while !scene.beside("waiting").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    scene.write("api/fixture.txt", "written by somebody");
    std::fs::remove_file(scene.beside("wait")).unwrap();
    let ended = test.wait(child);
    assert_eq!((ended.code, passed(&ended).len()), (Some(0), 6), "{}", ended.text());
    let again = test.succeeds();
    assert!(
        passed(&again).contains(&"api".to_owned()) && !passed(&again).contains(&"other".to_owned()),
        "{}",
        again.text()
    );
    assert!(test.succeeds().was_fresh());
}

/// What a library reads when it runs is compiled into no executable.
#[test]
fn data_of_a_dependency_runs_the_tests_that_it_reaches() {
    let scene = Scene::of(&["base", "api base", "other"]);
    scene.write("conf.txt", "1");
    scene.write("base/data.txt", "1");
    scene.write(
        "base/build.rs",
        "fn main() {\n    println!(\"cargo::rerun-if-changed=../conf.txt\");\n    \
        std::fs::copy(\"../conf.txt\", std::env::var(\"OUT_DIR\").unwrap() + \"/made\").unwrap();\n}\n",
    );
    scene.write(
        "base/src/lib.rs",
        "/// ```\n/// assert_eq!(base::is(\"\"), false);\n/// ```\npub fn is(text: &str) -> bool {\n    \
        [concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data.txt\"), concat!(env!(\"OUT_DIR\"), \"/made\")]\n        \
        .iter()\n        .all(|path| std::fs::read_to_string(path).unwrap() == text)\n}\n",
    );
    scene.write(
        "api/src/lib.rs",
        "/// ```\n/// assert!(base::is(\"1\"));\n/// ```\npub fn api() {}\n\n\
        #[test]\nfn is_one() {\n    assert!(base::is(\"1\"));\n}\n",
    );
    scene.append("other/src/lib.rs", "#[test]\nfn is_alone() {}\n");
    let test = scene.call("test -v --keep-going");
    assert!(runs(&test).len() >= 5);
    for path in ["base/data.txt", "conf.txt"] {
        scene.write(path, "2");
        assert_eq!(failed(&test.run()), ["api", "api (doc)"], "{path}");
        scene.write(path, "1");
        assert_eq!(runs(&test), [""; 0], "{path}");
    }
    // Sources are compiled.
    scene.write("base/tests/it.rs", "#[test]\nfn holds() {}\n");
    let ran = runs(&test);
    assert!(ran.iter().all(|name| name.starts_with("base")), "{ran:?}");
}
