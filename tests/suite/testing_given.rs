//! What a test is given: its folder, its arguments and its environment are, to the byte, what plain `cargo test` gives it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::call::Call;
use crate::scene::Scene;

/// A runner of tests that writes down how it was started, and starts the test.
const RUNNER: &str = "{ readlink /proc/$$/cwd; cat /proc/$$/cmdline; echo; cat /proc/$$/environ; } > \"$SIDE/dump.$$\"
case $1 in -*) shift;; esac
exec \"$@\"";

/// The same, of a test executable, in a source of its own.
const OF_ITSELF: &str = r#"
#[cfg(test)]
mod dumping {
    #[test]
    fn dump() {
        use std::os::unix::ffi::OsStrExt as _;
        let side = std::path::PathBuf::from(std::env::var_os("SIDE").unwrap());
        let mut all = std::env::current_dir().unwrap().as_os_str().as_bytes().to_vec();
        all.push(b'\n');
        all.extend(std::fs::read("/proc/self/cmdline").unwrap());
        all.push(b'\n');
        all.extend(std::fs::read("/proc/self/environ").unwrap());
        std::fs::write(side.join(format!("dump.{}", std::process::id())), all).unwrap();
    }
}
"#;

/// The same, in documentation.
const IN_DOCUMENTATION: &str = r#"
/// ```
/// use std::os::unix::ffi::OsStrExt as _;
/// let side = std::path::PathBuf::from(std::env::var_os("SIDE").unwrap());
/// let mut all = std::env::current_dir().unwrap().as_os_str().as_bytes().to_vec();
/// all.extend(b"\ndocumentation of ");
/// all.extend(env!("CARGO_PKG_NAME").as_bytes());
/// all.push(b'\n');
/// all.extend(std::fs::read("/proc/self/environ").unwrap());
/// std::fs::write(side.join(format!("dump.{}", std::process::id())), all).unwrap();
/// ```
mod documented {}
"#;

/// What the compiler builds for where nothing is said.
pub fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// What was written down: folder and arguments, and with them the environment. The one variable that may be ours alone is
/// left out.
fn dumps(scene: &Scene) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(scene.beside("")).unwrap().map(Result::unwrap) {
        if !entry.file_name().to_string_lossy().starts_with("dump.") {
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        fs::remove_file(entry.path()).unwrap();
        let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
        let (dir, args, environ) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
        let name = format!("{}: {}", String::from_utf8_lossy(dir), without_random(&String::from_utf8_lossy(args)));
        let ours = b"RUST_TEST_THREADS=";
        let environ: Vec<&[u8]> = environ.split(|byte| *byte == 0).filter(|one| !one.starts_with(ours)).collect();
        let before = found.insert(name.clone(), environ.join(&0));
        assert_eq!(before, None, "{name}");
    }
    found
}

/// The folder in which rustdoc compiles a test has a new name each time.
fn without_random(args: &str) -> String {
    let words = args.split('\0').map(|word| {
        let parts = word.split('/').map(|part| if part.starts_with("rustdoctest") { "rustdoctest" } else { part });
        parts.collect::<Vec<_>>().join("/")
    });
    words.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_same(by_cargo: &BTreeMap<String, Vec<u8>>, by_us: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(by_us.keys().collect::<Vec<_>>(), by_cargo.keys().collect::<Vec<_>>());
    for (name, environ) in by_cargo {
        let variables = |environ: &[u8]| String::from_utf8_lossy(environ).replace('\0', "\n");
        assert_eq!(variables(&by_us[name]), variables(environ), "{name}");
        assert!(by_us[name] == *environ, "{name}");
    }
}

/// Runs the tests by plain cargo and by us; both must have started as many programs, each in the same way.
#[track_caller]
fn compare(scene: &Scene, ours: &Call, plain: &str, count: usize) {
    let ended = ours.cargo(plain);
    assert_eq!(ended.code, Some(0), "\n{}", ended.text());
    let by_cargo = dumps(scene);
    ours.succeeds();
    assert_same(&by_cargo, &dumps(scene));
    assert_eq!(by_cargo.len(), count, "{:?}", by_cargo.keys());
}

/// The programs that the fixture's tests are: ten executables, and for the documentation of three libraries one each, but
/// one that is only compiled and one that asks to stand alone.
const PROGRAMS: usize = 13;

fn kinds(config: &str) -> Scene {
    let scene = Scene::fixture("kinds");
    let runner = scene.program("runner", RUNNER);
    scene.append(".cargo/config.toml", &config.replace("RUNNER", runner.to_str().unwrap()));
    scene
}

#[test]
fn the_runner_of_a_target_is_started_as_by_cargo() {
    let config = format!("\n[target.{}]\nrunner = [\"RUNNER\", \"--for one\"]\n", host());
    let scene = kinds(&config);
    compare(&scene, &scene.call("test"), "test --workspace", PROGRAMS);
}

#[test]
fn a_runner_by_cfg_is_started_as_by_cargo() {
    let scene =
        kinds("\n[target.'cfg(windows)']\nrunner = \"false\"\n[target.'cfg(unix)']\nrunner = \"RUNNER --as a word\"\n");
    scene.program("runner", &RUNNER.replace("shift;;", "shift 3;;"));
    compare(&scene, &scene.call("test"), "test --workspace", PROGRAMS);
}

#[test]
fn a_runner_by_variable_is_started_as_by_cargo() {
    let scene = kinds("\n[target.'cfg(unix)']\nrunner = \"false\"\n");
    let name = format!("CARGO_TARGET_{}_RUNNER", host().to_uppercase().replace('-', "_"));
    let call = |words: &str| scene.call(words).env(&name, scene.beside("runner"));
    compare(&scene, &call("test"), "test --workspace", PROGRAMS);
    // Other profiles and folders, and what is in the caller's environment.
    let call = call("test --release -p app -- --lib --test it -- --test-threads 1").env("LD_LIBRARY_PATH", "/nowhere");
    let call = call.env("RUST_TEST_THREADS", "1").env("APP", "a\nb").env("CARGO_PKG_NAME", "of others");
    compare(&scene, &call, "test --release -p app --lib --test it -- --test-threads 1", 2);
}

#[test]
fn a_runner_of_the_workspace_is_found_from_a_members_folder() {
    let scene = kinds("\n[target.'cfg(unix)']\nrunner = [\"tools/run\"]\n");
    fs::create_dir(scene.at("tools")).unwrap();
    fs::rename(scene.beside("runner"), scene.at("tools/run")).unwrap();
    compare(&scene, &scene.call("test -p plug").from("app"), "test -p plug", 2);
}

#[test]
fn without_a_runner_tests_are_given_what_cargo_gives_them() {
    let scene = Scene::fixture("kinds");
    let sources = ["app/src/lib.rs", "app/src/main.rs", "app/tests/it.rs", "plug/src/lib.rs", "mac/src/lib.rs"];
    for source in sources {
        scene.append(source, OF_ITSELF);
    }
    for source in ["app/src/lib.rs", "plug/src/lib.rs", "mac/src/lib.rs"] {
        scene.append(source, IN_DOCUMENTATION);
    }
    compare(&scene, &scene.call("test"), "test --workspace", 8);
}

#[test]
fn through_cargo_it_is_the_same() {
    let scene = kinds("\n[target.'cfg(unix)']\nrunner = \"RUNNER\"\n");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cargo-lifecycle"), scene.beside("cargo-lifecycle")).unwrap();
    let path = format!("{}:{}", scene.beside("").display(), std::env::var("PATH").unwrap());
    let call = scene.call("").env("PATH", path);
    let plain = call.cargo("test --workspace");
    assert_eq!(plain.code, Some(0), "\n{}", plain.text());
    let by_cargo = dumps(&scene);
    let ours = call.cargo("lifecycle test");
    assert_eq!(ours.code, Some(0), "\n{}", ours.text());
    assert_same(&by_cargo, &dumps(&scene));
}

#[test]
fn a_rustdoc_of_ones_own_tests_documentation_once() {
    let scene = kinds("\n[target.'cfg(unix)']\nrunner = \"RUNNER\"\n");
    let rustdoc = scene.program("my-rustdoc", "echo run >> \"$SIDE/rustdoc\"\nexec rustdoc \"$@\"");
    let call = scene.call("test -p plug").env("RUSTDOC", &rustdoc);
    compare(&scene, &call, "test -p plug", 2);
    assert_eq!(scene.take("rustdoc"), "run\nrun\n", "once for cargo, and once for us");
    assert!(call.succeeds().was_fresh());
    assert_eq!(scene.take("rustdoc"), "");
}

#[test]
fn another_target_directory_leaves_no_trace() {
    let scene = kinds("\n[target.'cfg(unix)']\nrunner = \"RUNNER\"\n");
    compare(&scene, &scene.call("test -p plug --target-dir made"), "test -p plug --target-dir made", 2);
}
