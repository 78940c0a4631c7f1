//! Traps of variables, wrappers, compilers, target triples and the flags of a call.

use crate::scene::Scene;
use crate::witness::Witness;

#[test]
fn variables_that_change_what_cargo_compiles() {
    for (name, value, profile) in [
        ("RUSTFLAGS", "--cfg one", "dev"),
        ("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}one", "dev"),
        ("CARGO_BUILD_RUSTFLAGS", "--cfg one", "dev"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "--cfg one", "dev"),
        ("CARGO_PROFILE_DEV_DEBUG", "1", "dev"),
        ("CARGO_PROFILE_DEV_OPT_LEVEL", "1", "dev"),
        ("CARGO_PROFILE_TOKENS_OPT_LEVEL", "1", "tokens"),
    ] {
        if name.contains("X86_64") && !cfg!(target_arch = "x86_64") {
            continue;
        }
        let words = format!("check --profile {profile}");
        let scene = Scene::of(&["a"]);
        scene.append("Cargo.toml", "[profile.tokens]\ninherits = \"dev\"\n");
        let mut trap = Witness::new(scene, &words, &format!("{words} --workspace")).begun();
        trap.set(name, value);
        assert_eq!(trap.reruns(), format!("{name} changed"));
        trap.unset(name);
        trap.stays();
    }
}

#[test]
fn variables_that_may_change_what_is_compiled() {
    let mut trap = Witness::checked(Scene::of(&["a"]));
    for name in ["RUSTC_BOOTSTRAP", "CARGO_INCREMENTAL", "SOURCE_DATE_EPOCH", "CC", "CFLAGS", "HOST_CXX"] {
        trap.set(name, "1");
        assert_eq!(trap.runs(), format!("{name} changed"));
        trap.unset(name);
        trap.is_fresh();
    }
    for name in ["CARGO_TERM_VERBOSE", "CARGO_REGISTRY_TOKEN", "SOMETHING"] {
        trap.set(name, "true");
        trap.stays();
    }
}

#[test]
fn an_empty_variable_is_not_an_unset_one() {
    let scene = Scene::of(&["a"]).file(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"one\"]\n");
    scene.append("a/Cargo.toml", "[lints.rust]\nunexpected_cfgs = \"allow\"\n");
    let mut trap = Witness::checked(scene);
    trap.set("RUSTFLAGS", "");
    assert_eq!(trap.reruns(), "RUSTFLAGS changed");
}

#[test]
fn a_variable_that_only_a_build_script_watches() {
    let scene = Scene::of(&["a"]);
    let script = "fn main() {\n    println!(\"cargo::rerun-if-env-changed=FLAVOUR\");\n    \
        println!(\"cargo::rustc-env=OUT={}\", std::env::var(\"FLAVOUR\").is_ok());\n}\n";
    scene.write("a/build.rs", script);
    scene.append("a/src/lib.rs", "pub const OUT: &str = env!(\"OUT\");\n");
    let mut trap = Witness::checked(scene);
    trap.set("FLAVOUR", "");
    assert_eq!(trap.reruns(), "FLAVOUR changed");
    trap.unset("FLAVOUR");
    trap.is_fresh();
}

/// Cargo itself takes no notice of a wrapper's contents, so there is nothing that it would show.
#[test]
fn a_wrapper_and_its_contents() {
    for name in ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"] {
        let mut trap = Witness::checked(Scene::of(&["a"]));
        let wrapper = trap.scene.program("wrapper", "exec \"$@\" # one");
        trap.set(name, &wrapper);
        let why = trap.runs();
        assert!(why.contains("WRAPPER changed"), "{why}");
        let modified = wrapper.metadata().unwrap().modified().unwrap();
        trap.scene.program("wrapper", "exec \"$@\" # two");
        std::fs::File::options().write(true).open(&wrapper).unwrap().set_modified(modified).unwrap();
        let why = trap.runs();
        assert!(why.contains("the program in RUSTC_") && why.contains("WRAPPER changed"), "{why}");
    }
}

#[test]
fn a_wrapper_that_configuration_names() {
    let scene = Scene::of(&["a"]).file(".cargo/config.toml", "[build]\nrustc-wrapper = \"../side/wrapper\"\n");
    scene.program("wrapper", "exec \"$@\"");
    let trap = Witness::new(scene, "check", "check --workspace");
    assert_eq!(trap.runs(), "first run");
    trap.scene.program("wrapper", "exec \"$@\" # another");
    assert_eq!(trap.runs(), "the program in RUSTC_WRAPPER changed");
}

#[test]
fn another_compiler() {
    let mut trap = Witness::checked(Scene::of(&["a"]));
    let script = "[ \"$1\" = -vV ] && rustc -vV | sed 's/^release: .*/&-mine/' && exit; exec rustc \"$@\"";
    let compiler = trap.scene.program("compiler", script);
    trap.set("RUSTC", &compiler);
    let why = trap.reruns();
    assert!(why.contains("RUSTC changed") || why.contains("rustc"), "{why}");
    trap.scene.program("compiler", &script.replace("mine", "other"));
    let why = trap.reruns();
    assert!(why.contains("rustc"), "{why}");
    trap.unset("RUSTC");
    trap.is_fresh();
}

/// The triple of this machine.
fn host() -> String {
    let said = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

#[test]
fn another_target_triple_builds_elsewhere() {
    let triple = host();
    let mut trap = Witness::new(Scene::of(&["a"]), "build", "build --workspace").begun();
    let flags = format!("build --target {triple}");
    let targeted = |trap: &Witness| crate::witness::reason(&trap.scene.call(&flags).succeeds());
    assert_eq!(targeted(&trap), format!("flags changed: --target {triple} is new"));
    assert_eq!(targeted(&trap), "fresh");
    trap.is_fresh();
    let made = format!("{triple}/debug/liba.rlib");
    trap.scene.remove(&format!("target/{made}"));
    trap.is_fresh();
    assert_eq!(targeted(&trap), format!("{made} is missing"));
    trap.set("CARGO_BUILD_TARGET", triple.as_str());
    let why = trap.reruns();
    assert!(why.contains("CARGO_BUILD_TARGET") || why.contains("target"), "{why}");
}

#[test]
fn flags_and_profiles_stand_beside_each_other() {
    let scene = Scene::of(&["a"]);
    scene.append("a/Cargo.toml", "[features]\none = []\ntwo = []\n");
    scene.append("Cargo.toml", "[profile.mine]\ninherits = \"dev\"\ndebug = 0\n");
    let flags =
        ["", "--features one", "--features two", "--features one,two", "--all-features", "--release", "--profile mine"];
    let why = |flags: &str| crate::witness::reason(&scene.call(&format!("check {flags}")).succeeds());
    for flags in flags {
        assert_ne!(why(flags), "fresh", "{flags}");
    }
    for flags in flags {
        assert_eq!(why(flags), "fresh", "{flags}");
    }
}
