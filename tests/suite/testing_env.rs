//! Each test executable gets the arguments, the folder and the environment that cargo gives it, to the byte.

use std::collections::BTreeMap;
use std::fs;

use crate::scene::Scene;

/// A workspace in which cargo has much to say to tests, whose runner writes down how they are started.
fn talkative(runner: &str) -> Scene {
    let scene = Scene::of(&["macros", "all"]);
    let dump = "name=$(basename \"$1\")\n[ \"$name\" = rust_out ] && name=doc\ncp /proc/$$/environ $SIDE/$DUMP.$name.env\n\
                { pwd -P; printf '%s\\n' \"$@\"; } > $SIDE/$DUMP.$name.args\nexec \"$@\"";
    let program = scene.program("runner", dump);
    scene.write(
        ".cargo/config.toml",
        &format!(
            "{}\n[env]\nNEAR = {{ value = \"data\", relative = true }}\nSET = \"config\"\nFORCED = {{ value = \"config\", force = true }}\n",
            runner.replace("RUNNER", program.to_str().unwrap())
        ),
    );
    scene.write(
        "macros/Cargo.toml",
        "[package]\nname = \"macros\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
    );
    scene.write("macros/src/lib.rs", "#[test]\nfn in_a_macro() {}\n");
    scene.write(
        "all/Cargo.toml",
        "[package]\nname = \"all\"\nversion = \"1.2.3-pre\"\nedition = \"2024\"\ndescription = \"Says = \\\"much\\\"\"\nauthors = [\"A <a@b.c>\", \"D\"]\n\
         license = \"MIT\"\nrepository = \"r\"\nhomepage = \"h\"\nrust-version = \"1.85\"\nreadme = \"../README.md\"\n\
         [lib]\ncrate-type = [\"lib\", \"cdylib\"]\n[[bin]]\nname = \"a-tool\"\npath = \"src/tool.rs\"\n[dependencies]\nmacros = { path = \"../macros\" }\n",
    );
    scene.write("README.md", "");
    scene.write(
        "all/build.rs",
        "fn main() {\n    let out = std::env::var(\"OUT_DIR\").unwrap();\n    println!(\"cargo::rustc-link-search=native={out}\");\n    \
         println!(\"cargo::rustc-link-search=/usr/lib\");\n    println!(\"cargo::rustc-env=FROM_SCRIPT=a b=c\");\n    \
         println!(\"cargo::rerun-if-changed=build.rs\");\n}\n",
    );
    scene.write("all/src/lib.rs", "#[test]\nfn in_a_library() {}\n");
    scene.write("all/src/tool.rs", "fn main() {}\n");
    scene.write("all/tests/it.rs", "#[test]\nfn outside() {}\n");
    scene
}

/// What was written down of executables, by their names: arguments and folder, and the variables.
fn dumped(scene: &Scene, dump: &str) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(scene.beside("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = name.strip_prefix(&format!("{dump}.")) else { continue };
        let bytes = fs::read(&path).unwrap();
        let separator = if name.ends_with(".env") { 0 } else { b'\n' };
        let mut lines: Vec<String> =
            bytes.split(|byte| *byte == separator).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
        lines.retain(|line| !line.starts_with("RUST_TEST_THREADS=") && !line.starts_with("DUMP="));
        if name.ends_with(".env") {
            lines.sort();
        }
        all.insert(name.to_owned(), lines);
    }
    all
}

#[track_caller]
fn same_with(runner: &str, variable: Option<&str>) {
    let scene = talkative(runner);
    let with = |words: &str, dump: &str| {
        let call = scene.call(words).env("DUMP", dump).env("SET", "outside").env("FORCED", "outside").env("EMPTY", "");
        match variable {
            Some(name) => call.env(name, scene.beside("runner")),
            None => call,
        }
    };
    with("", "plain").plain_cargo("test --workspace --quiet -- --include-ignored");
    let plain = dumped(&scene, "plain");
    assert_eq!(plain.len(), 2 * 4, "four executables, each with its arguments and its environment: {plain:#?}");
    let ours = with("test --quiet -- --quiet -- --include-ignored", "ours").by_hand().succeeds();
    assert_eq!(dumped(&scene, "ours"), plain, "{}", ours.text());
}

const TRIPLE: &str = "[target.x86_64-unknown-linux-gnu]\nrunner = [\"RUNNER\"]\n";

#[test]
fn with_a_runner_of_the_target() {
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        same_with(TRIPLE, None);
    }
}

#[test]
fn with_a_runner_by_cfg() {
    same_with("[target.'cfg(all(unix, not(windows)))']\nrunner = \"RUNNER\"\n", None);
}

#[test]
fn with_a_runner_by_variable() {
    let host = Scene::new().call("").cargo("-vV").out();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let variable = format!("CARGO_TARGET_{}_RUNNER", host.to_uppercase().replace('-', "_"));
    same_with("", Some(&variable));
}
