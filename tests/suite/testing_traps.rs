//! Traps of kept results of tests: plain `cargo test` would fail, and so do we.

use std::fs;

use crate::scene::Scene;
use crate::tested::{failed, passed, why};

/// `test` has passed and is fresh.
#[track_caller]
fn begun(scene: &Scene) {
    scene.call("test").succeeds();
    let again = scene.call("test").succeeds();
    assert!(again.was_fresh(), "{}", again.text());
}

/// Plain cargo fails now, and so do we, by these executables.
#[track_caller]
fn fails(scene: &Scene, names: &[&str]) {
    let plain = scene.call("").env("CARGO_TARGET_DIR", scene.beside("plain")).cargo("test --workspace --no-fail-fast");
    assert_ne!(plain.code, Some(0), "no trap:\n{}", plain.text());
    let ended = scene.call("test --keep-going").run();
    assert_eq!(
        (ended.code, failed(&ended)),
        (Some(1), names.iter().map(|name| (*name).to_owned()).collect()),
        "{}",
        ended.text()
    );
}

#[test]
fn a_shared_library_that_a_build_script_of_a_dependency_makes() {
    let scene = Scene::of(&["system", "user system", "tool system"]);
    scene.write("system/word.rs", "#[unsafe(no_mangle)]\npub extern \"C\" fn word() -> u32 {\n    1\n}\n");
    scene.append("system/Cargo.toml", "[package.metadata]\n");
    scene.write(
        "system/build.rs",
        "use std::process::Command;\nfn main() {\n    println!(\"cargo::rerun-if-changed=word.rs\");\n    \
         let out = std::env::var(\"OUT_DIR\").unwrap();\n    let rustc = std::env::var(\"RUSTC\").unwrap();\n    \
         let library = format!(\"{out}/libword.so\");\n    \
         let made = Command::new(rustc).args([\"--crate-type\", \"cdylib\", \"word.rs\", \"-o\", &library]).status();\n    \
         assert!(made.unwrap().success());\n    println!(\"cargo::rustc-link-search=native={out}\");\n    \
         println!(\"cargo::rustc-link-lib=dylib=word\");\n}\n",
    );
    scene.write(
        "system/src/lib.rs",
        "unsafe extern \"C\" {\n    fn word() -> u32;\n}\npub fn get() -> u32 {\n    unsafe { word() }\n}\n",
    );
    scene.write("user/tests/it.rs", "#[test]\nfn it() {\n    assert_eq!(system::get(), 1);\n}\n");
    scene.write("tool/src/main.rs", "fn main() {\n    std::process::exit(system::get() as i32 - 1);\n}\n");
    scene.write(
        "tool/tests/starts.rs",
        "#[test]\nfn starts() {\n    assert!(std::process::Command::new(env!(\"CARGO_BIN_EXE_tool\")).status().unwrap().success());\n}\n",
    );
    begun(&scene);
    scene.replace("system/word.rs", "    1", "    2");
    fails(&scene, &["tool::starts", "user::it"]);
}

#[test]
fn a_variable_that_goes_before_what_the_configuration_sets() {
    let scene = Scene::of(&["a"]).file(".cargo/config.toml", "[env]\nWORD = \"config\"\n");
    scene.append(
        "a/src/lib.rs",
        "#[test]\nfn t() {\n    assert_eq!(std::env::var(\"WORD\").unwrap(), \"config\");\n}\n",
    );
    begun(&scene);
    let ended = scene.call("test").env("WORD", "other").run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["a".to_owned()]), "{}", ended.text());
    assert!(scene.call("test").succeeds().was_fresh());
}

#[test]
fn where_libraries_are() {
    let scene = Scene::of(&["a"]);
    scene.append(
        "a/src/lib.rs",
        "#[test]\nfn t() {\n    assert!(!std::env::var(\"LD_LIBRARY_PATH\").unwrap_or_default().contains(\"elsewhere\"));\n}\n",
    );
    begun(&scene);
    let ended = scene.call("test").env("LD_LIBRARY_PATH", "/elsewhere").run();
    assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["a".to_owned()]), "{}", ended.text());
    // What rustup adds is the same for all.
    let toolchain = scene.beside("toolchains/x/lib");
    assert!(scene.call("test").env("LD_LIBRARY_PATH", &toolchain).succeeds().was_fresh());
}

#[test]
fn a_file_that_code_in_documentation_includes() {
    let scene = Scene::of(&["a"]).file("shared/word.txt", "1");
    let of_doc = "//! ```\n//! assert_eq!(include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../shared/word.txt\")), \"1\");\n//! ```\n";
    scene.write("a/src/lib.rs", of_doc);
    begun(&scene);
    scene.write("shared/word.txt", "2");
    fails(&scene, &["a (doc)"]);
}

#[test]
fn variables_that_code_in_documentation_asks_for() {
    // A member whose documentation tests fail with `WORD`: by code in documentation, by macros of its own and of what it
    // depends on, in modules and pages that no compiler looks at before.
    let in_docs = "/// ```\n/// assert_eq!(option_env!(\"WORD\"), None);\n/// ```\npub fn f() {}\n";
    let in_fails = "/// ```compile_fail\n/// const _: &str = env!(\n///     \"WORD\"\n/// );\n/// ```\npub fn f() {}\n";
    let in_text = "#[doc = \"```\\nassert_eq!(option_env!(\\\"WORD\\\"), None);\\n```\"]\npub fn f() {}\n";
    let calling = "/// ```\n/// assert_eq!(OF::word!(), None);\n/// ```\npub fn f() {}\n";
    let asking = "#[macro_export]\nmacro_rules! word {\n    () => {\n        option_env!(\"WORD\")\n    };\n}\n";
    let page = "```\nassert_eq!(option_env!(\"WORD\"), None);\n```\n";
    let including = |name: &str| format!("#[cfg(doctest)]\n#[doc = include_str!({name})]\nstruct Page;\n");
    let in_folder = including("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/README.md\")");
    let by_pieces = including("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/\", \"README.md\")");
    for (library, base) in [
        (in_docs, ""),
        (in_fails, ""),
        (in_text, ""),
        (&format!("{asking}{}", calling.replace("OF", "a")), ""),
        (&*calling.replace("OF", "base"), asking),
        (&including("\"../../README.md\""), ""),
        (&including("\"../README.md\""), ""),
        (&including("\"page.txt\""), ""),
        (&in_folder, ""),
        (&by_pieces, ""),
        ("#[cfg(doctest)]\nmod more;\n", ""),
    ] {
        let scene = Scene::of(&["base", "a base"]).file("base/src/lib.rs", base).file("a/src/lib.rs", library);
        ["README.md", "a/README.md", "a/src/page.txt"].iter().for_each(|path| scene.write(path, page));
        scene.write("a/src/more.rs", in_docs);
        begun(&scene);
        let with = |name: &str| scene.call("test").env(name, "1");
        assert!(with("OTHER").succeeds().was_fresh(), "{library}");
        let plain = with("WORD").env("CARGO_TARGET_DIR", scene.beside("plain")).cargo("test --workspace --doc");
        assert_ne!(plain.code, Some(0), "no trap: {library}\n{}", plain.text());
        let ended = with("WORD").run();
        assert_eq!((ended.code, failed(&ended)), (Some(1), vec!["a (doc)".to_owned()]), "{library}\n{}", ended.text());
        assert!(scene.call("test").succeeds().was_fresh(), "{library}");
    }
}

#[test]
fn a_variable_of_which_code_in_documentation_tells_no_name() {
    let scene = Scene::of(&["a", "b"]);
    scene.append(
        "a/src/lib.rs",
        "/// ```\n/// assert_eq!(option_env!(concat!(\"WO\", \"RD\")), None);\n/// ```\npub fn f() {}\n",
    );
    scene.call("test").succeeds();
    for _ in 0..2 {
        let ended = scene.call("test").succeeds();
        assert_eq!(passed(&ended), ["a (doc)"], "{}", ended.text());
        let why =
            "not kept before: `a/src/lib.rs` asks for a variable by `env!` or `option_env!` without a plain name, ";
        assert!(ended.ran()[0].contains(why), "{}", ended.text());
    }
    assert_eq!(failed(&scene.call("test").env("WORD", "1").run()), ["a (doc)"]);
}

#[test]
fn a_variable_that_documentation_asks_for_is_named() {
    let scene = Scene::of(&["a"]);
    scene.append(
        "a/src/lib.rs",
        "/// ```\n/// assert_ne!(option_env!(\"WORD\"), Some(env!(\"CARGO_PKG_NAME\")));\n/// assert_eq!(env!(\"MADE\"), \"1\");\n/// ```\npub fn f() {}\n",
    );
    scene.write("a/build.rs", "fn main() {\n    println!(\"cargo::rustc-env=MADE=1\");\n}\n");
    begun(&scene);
    let explained = scene.call("test --explain").succeeds();
    assert!(explained.text().contains("    discovered variables: WORD\n"), "{}", explained.text());
    let ended = scene.call("test").env("WORD", "1").succeeds();
    assert_eq!((passed(&ended), why(&ended, "a (doc)")), (vec!["a (doc)".to_owned()], "WORD changed".to_owned()));
    assert!(ended.ran()[0].starts_with("test (1 member) (WORD changed): "), "{}", ended.text());
}

#[test]
fn a_runner_that_is_a_script() {
    for said in ["runner = [\"./run.sh\"]", "runner = \"./run.sh\"", "runner = \"sh ./run.sh\""] {
        let scene = Scene::of(&["a"]).file(".cargo/config.toml", &format!("[target.'cfg(unix)']\n{said}\n"));
        scene.write("run.sh", "#!/bin/sh\nexec \"$@\"\n");
        let script = scene.at("run.sh");
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        scene.append("a/src/lib.rs", "#[test]\nfn t() {}\n");
        if said.contains("sh ./") {
            // Cargo hands on the words behind the first as they are, and tests run in their package.
            scene.replace(".cargo/config.toml", "./run.sh", script.to_str().unwrap());
        }
        begun(&scene);
        scene.write("run.sh", "#!/bin/sh\nexit 3\n");
        fails(&scene, &["a"]);
    }
}

#[test]
fn a_lock_that_a_test_reads() {
    let scene = Scene::new()
        .file("Cargo.toml", "[package]\nname = \"alone\"\nversion = \"1.0.0\"\nedition = \"2024\"\n")
        .file("src/lib.rs", "#[test]\nfn t() {\n    assert!(!std::fs::read_to_string(\"Cargo.lock\").unwrap().contains(\"version = 3\"));\n}\n");
    begun(&scene);
    scene.replace("Cargo.lock", "version = 4", "version = 3");
    fails(&scene, &["alone"]);
}

#[test]
fn a_runner_in_every_form() {
    let host = Scene::new().call("").cargo("-vV").out();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "#[test]\nfn t() {\n    assert_eq!(std::env::var(\"BY\").unwrap(), \"runner\");\n}\n");
    let forms = ["\"env BY=runner\"", "[\"env\", \"BY=runner\"]"];
    for form in forms {
        let text = format!("[target.{host}]\nrunner = {form}\n");
        scene.write(".cargo/config.toml", &text);
        let ended = scene.call("test --force").succeeds();
        assert_eq!(passed(&ended), ["a"], "{text}\n{}", ended.text());
    }
    scene.remove(".cargo/config.toml");
    for form in forms {
        let ended = scene.call("test --force --config").arg(format!("target.{host}.runner={form}")).run();
        assert_eq!((ended.code, passed(&ended)), (Some(0), vec!["a".to_owned()]), "{form}\n{}", ended.text());
    }
}

#[test]
fn another_selection_and_a_binary_that_is_not_made_run_nothing_again() {
    let scene = Scene::of(&["a", "b"]);
    for name in ["a", "b"] {
        scene.append(&format!("{name}/src/lib.rs"), "#[test]\nfn t() {}\n");
    }
    scene.append("a/Cargo.toml", "[features]\nmore = []\n[[bin]]\nname = \"needy\"\nrequired-features = [\"more\"]\n");
    scene.write("a/src/bin/needy.rs", "fn main() {}\n");
    scene.write("a/tests/it.rs", "#[test]\nfn it() {}\n");
    scene.call("test").succeeds();
    let alone = scene.call("test -p a").succeeds();
    assert_eq!(passed(&alone), [""; 0], "{}", alone.text());
    assert_eq!(alone.ran(), ["test (1 member) (selection changed: was --workspace): 2 passed in 3 executables fresh"]);
    scene.append("b/src/lib.rs", "// A comment.\n");
    assert_eq!(passed(&scene.call("test").succeeds()), ["b"]);
}

#[test]
fn what_tests_print_is_not_taken_for_their_numbers() {
    let scene = Scene::of(&["a"]);
    scene.append(
        "a/src/lib.rs",
        "#[test]\nfn t() {\n    let line = \"test result: FAILED. 7 passed; 5 failed; 0 ignored; 0 measured; 0 filtered out\";\n    \
         std::process::Command::new(\"echo\").arg(line).status().unwrap();\n}\n",
    );
    assert_eq!(scene.call("test").succeeds().ran(), ["test (1 member) (first run): 1 passed in 2 executables"]);
}

#[test]
fn a_message_format_of_ones_own_is_left_to_cargo() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "#[test]\nfn t() {}\n");
    for _ in 0..2 {
        let ended = scene.call("test -v -- --message-format short").succeeds();
        assert!(
            ended.text().contains("test t ... ok") || ended.text().contains("test tests::t ... ok"),
            "{}",
            ended.text()
        );
    }
}

/// The name of the old place is in the executables, and cargo compiles none of them again.
#[test]
fn a_workspace_that_moves_away_from_the_data_of_its_tests() {
    let scene = Scene::of(&["alpha"]).file("alpha/data.txt", "one");
    scene.append(
        "alpha/src/lib.rs",
        "#[test]\nfn reads() {\n    std::fs::read(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data.txt\")).unwrap();\n}\n",
    );
    let scene = scene.make("[lifecycle.own]\ncommand = \"cargo test {selected}\"\ncache = true\n");
    for phase in ["test", "own"] {
        scene.call(phase).succeeds();
        assert!(scene.call(phase).succeeds().was_fresh(), "{phase}");
    }
    let elsewhere = scene.beside("moved");
    fs::rename(scene.root(), &elsewhere).unwrap();
    let call = |words: &str| scene.call(words).from(elsewhere.to_str().unwrap());
    assert_ne!(call("").cargo("test --workspace").code, Some(0), "no trap");
    for phase in ["test", "own"] {
        let ended = call(phase).run();
        assert_eq!(ended.code, Some(1), "{phase}:\n{}", ended.text());
    }
    fs::rename(&elsewhere, scene.root()).unwrap();
    assert!(scene.call("test").succeeds().was_fresh(), "it is what it was at this place");
}
