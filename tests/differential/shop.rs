//! The texts of the generated workspace: small crates in which everything that cargo and compilers follow occurs once.
//! It knows nothing of what is done to them.

/// Where the workspace lies in a scene.
pub const ROOT: &str = "shop";
/// Every file with its path in the scene. Numbers are of one digit, so that edits can keep the size.
pub const FILES: &[(&str, &str)] = &[
    (
        "shop/Cargo.toml",
        r#"[workspace]
resolver = "3"
members = ["base", "macros", "api", "app", "tool*"]

[workspace.package]
version = "0.1.1"
edition = "2024"

[workspace.lints.rust]
unexpected_cfgs = { level = "warn", check-cfg = ["cfg(fast)"] }
unused_variables = "warn"

[profile.dev]
debug = 0
overflow-checks = true
"#,
    ),
    ("shop/.gitignore", "/target\n*.secret\ngenerated.rs\nout\n"),
    ("shop/.cargo/config.toml", "[env]\nMOOD = \"calm1\"\n\n[build]\nrustflags = []\n"),
    (".cargo/config.toml", "[env]\nABOVE = \"above1\"\n"),
    ("shop/clippy.toml", "too-many-arguments-threshold = 7\n"),
    ("shop/rustfmt.toml", "max_width = 100\n"),
    ("shop/make.toml", MAKE),
    ("shop/schema/number.txt", "1\n"),
    ("shop/schema/generate.sh", GENERATE),
    ("shop/shared/notes.txt", "note 1\n"),
    ("shop/shared/seed.txt", "1\n"),
    ("shop/shared/part.rs", "//! A part.\n\npub const PART: u32 = 1;\n"),
    ("shop/shared/one.rs", "//! One.\n\npub const LINKED: u32 = 1;\n"),
    ("shop/shared/two.rs", "//! Two.\n\npub const LINKED: u32 = 2;\n"),
    ("shop/shared/word.secret", "secret 1"),
    ("shop/README.md", "# Shop 1\n"),
    ("outside/far.txt", "far 1"),
    ("outside/outer/Cargo.toml", "[package]\nname = \"outer\"\nversion = \"0.1.1\"\nedition = \"2024\"\n"),
    ("outside/outer/src/lib.rs", "//! Outer.\n\n/// A number.\npub const OUTER: u32 = 1;\n"),
    (
        "shop/base/Cargo.toml",
        "[package]\nname = \"base\"\nversion.workspace = true\nedition.workspace = true\n\n[features]\nloud = []\n\n[lints]\nworkspace = true\n",
    ),
    ("shop/base/build.rs", BASE_BUILD),
    ("shop/base/own.txt", "own 1"),
    ("shop/base/data/first.txt", "first 1"),
    ("shop/base/data/second.txt", "second 1"),
    ("shop/base/words/b.txt", "word 1\n"),
    ("shop/base/words/a.txt", "word 2\n"),
    ("shop/base/src/depth.rs", "//! Depth.\n\n/// A number.\npub const DEPTH: u32 = 1;\n"),
    ("shop/base/src/lib.rs", BASE),
    (
        "shop/macros/Cargo.toml",
        "[package]\nname = \"macros\"\nversion.workspace = true\nedition.workspace = true\n\n[lib]\nproc-macro = true\n\n[lints]\nworkspace = true\n",
    ),
    ("shop/macros/src/lib.rs", MACROS),
    (
        "shop/api/Cargo.toml",
        "[package]\nname = \"api\"\nversion.workspace = true\nedition.workspace = true\n\n[dependencies]\nbase = { path = \"../base\" }\nmacros = { path = \"../macros\" }\n\n[lints]\nworkspace = true\n",
    ),
    ("shop/api/build.rs", API_BUILD),
    ("shop/api/tuning.txt", "tuning 1"),
    ("shop/api/src/lib.rs", API),
    (
        "shop/app/Cargo.toml",
        "[package]\nname = \"app\"\nversion.workspace = true\nedition.workspace = true\n\n[dependencies]\napi = { path = \"../api\" }\nbase = { path = \"../base\" }\nouter = { path = \"../../outside/outer\" }\n\n[lints]\nworkspace = true\n",
    ),
    ("shop/app/words/c.txt", "word 3\n"),
    ("shop/app/src/main.rs", APP),
    (
        "shop/tool/Cargo.toml",
        "[package]\nname = \"tool\"\nversion.workspace = true\nedition.workspace = true\n\n[dependencies]\nbase = { path = \"../base\", features = [\"loud\"] }\n\n[lints]\nworkspace = true\n",
    ),
    ("shop/tool/src/lib.rs", "//! Tool.\n\n/// A number.\npub fn tool() -> u32 {\n    base::LEVEL + 1\n}\n"),
];

/// A link, and the places that it may lead to.
pub const LINK: (&str, [&str; 2]) = ("shop/base/src/linked.rs", ["../../shared/one.rs", "../../shared/two.rs"]);

/// `generate` makes what cargo compiles, `pack` what nobody reads.
const MAKE: &str = r#"[lifecycle.generate]
scope = "workspace"
command = "sh schema/generate.sh"
inputs = ["schema/**"]
outputs = ["api/src/generated.rs"]

[lifecycle.pack]
command = "rm -rf out; mkdir out; printf 'packed 1\\n' >out/packed.txt; cat words/* >>out/packed.txt; ln -sf packed.txt out/link"
inputs = ["words"]
outputs = ["out"]
workspaces = ["base", "app"]

[lifecycle.collate]
command = "cat words/*.txt | sort; echo collated 1"
inputs = ["words/**"]
workspaces = ["base", "app"]

[lifecycle.mood]
scope = "workspace"
command = "echo mood $MOOD_NOW; cat shared/*.txt base/words/*"
inputs = ["shared/*.txt", "base/words"]
env-inputs = ["MOOD_NOW"]

[lifecycle.tally]
command = "find . -type f -not -path './out/*' | sort; cat src/* 2>/dev/null | cksum; echo $EXTRA"
cache = true
needs = ["collate"]
env = { EXTRA = "extra 1" }
workspaces = ["base", "app", "macros"]

[hooks]
before_check = ["generate"]
before_build = ["generate"]
before_lint = ["generate"]
before_doc = ["generate"]
before_fmt = ["generate"]
"#;

const GENERATE: &str = r#"printf '//! Made.\n\n/// A number.\npub const GENERATED: u32 = %s;\n' \
    "$(cat schema/number.txt)" >api/src/generated.rs
"#;

const BASE_BUILD: &str = r#"//! Tells what it reads.

use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=data");
    println!("cargo::rerun-if-changed=../shared/seed.txt");
    println!("cargo::rerun-if-env-changed=BUILD_MOOD");
    let entries = fs::read_dir("data")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.is_file()).collect();
    paths.sort();
    let mut data = String::new();
    for path in paths {
        data += &format!(
            "{}:{};",
            path.to_string_lossy(),
            fs::read_to_string(&path).unwrap().trim()
        );
    }
    println!("cargo::rustc-env=DATA={data}");
    println!(
        "cargo::rustc-env=BUILT={}",
        env::var("BUILD_MOOD").unwrap_or_default()
    );
    let seed = fs::read_to_string("../shared/seed.txt").unwrap();
    let made = format!("{}/made.rs", env::var("OUT_DIR").unwrap());
    fs::write(made, format!("pub const MADE: u32 = {seed};")).unwrap();
}
"#;

const BASE: &str = r#"//! Base.

pub mod depth;
mod linked;
#[path = "../../shared/part.rs"]
pub mod part;

include!(concat!(env!("OUT_DIR"), "/made.rs"));

/// A number.
pub const LEVEL: u32 = 1;
const NOTES: &str = include_str!("../../shared/notes.txt");
const FAR: &[u8] = include_bytes!("../../../outside/far.txt");
const OWN: &str = include_str!("../own.txt");

/// Everything.
pub fn describe() -> String {
    let loud = cfg!(feature = "loud");
    let fast = cfg!(fast);
    let checked = cfg!(debug_assertions);
    let numbers = [LEVEL, MADE, depth::DEPTH, linked::LINKED, part::PART];
    let far = String::from_utf8_lossy(FAR);
    let built = (env!("DATA"), env!("BUILT"), env!("CARGO_PKG_VERSION"));
    format!("{loud} {fast} {checked} {numbers:?} {NOTES:?} {far} {OWN} {built:?}")
}
"#;

const MACROS: &str = r#"//! Macros.

use proc_macro::TokenStream;

const ANSWER: u32 = 1;

/// A number.
#[proc_macro]
pub fn answer(_: TokenStream) -> TokenStream {
    ANSWER.to_string().parse().unwrap()
}
"#;

const API_BUILD: &str = r#"//! Tells nothing of what it reads.

fn main() {
    let tuning = std::fs::read_to_string("tuning.txt").unwrap();
    println!("cargo::rustc-env=TUNING={}", tuning.trim());
}
"#;

const API: &str = r#"//! Api.

mod generated;

const SECRET: &str = include_str!("../../shared/word.secret");

/// Everything.
pub fn describe() -> String {
    let generated = generated::GENERATED;
    let answer = macros::answer!();
    format!(
        "{generated} {answer} {SECRET} {} {}",
        env!("TUNING"),
        base::describe()
    )
}
"#;

const APP: &str = r#"//! App.

/// Everything.
fn main() {
    let greeting = option_env!("GREETING");
    let mood = (option_env!("MOOD"), option_env!("ABOVE"));
    println!("{} {} {greeting:?} {mood:?}", api::describe(), outer::OUTER);
}
"#;
