//! What people see is what plain cargo shows: real cargo, plain and through [`CargoOutput`], line by line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::process::{self, Children, CommandLine, Exit, Program};

/// A workspace that gives cargo much to say.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", "[workspace]\nmembers = ['a', 'b', 'bad', 'script', 'said', 'long']\nresolver = '3'\n"),
    (
        "a/Cargo.toml",
        "[package]\nname = 'a'\nversion = '0.1.0'\nedition = '2024'\nunknown = 1\n[dependencies]\nb.path = '../b'\n",
    ),
    (
        "a/src/lib.rs",
        "//! A.\n/// See [`Nothing`].\npub fn a() { let q = b::b(); }\n/// ```\n/// a::a();\n/// ```\npub fn c() {}\n",
    ),
    (
        "a/src/main.rs",
        r#"fn main() {
    let mut v = 2;
    println!("{{\"reason\":\"build-finished\",\"success\":false}}\n   Compiling nothing v0.1.0\nerror: of the program");
    eprintln!("{{\"reason\":\"compiler-artifact\"}}");
    print!("no newline");
}
"#,
    ),
    ("b/Cargo.toml", "[package]\nname = 'b'\nversion = '0.1.0'\nedition = '2024'\n"),
    (
        "b/build.rs",
        "fn main() { let x = 1; println!(\"cargo::warning=from the build script\"); println!(\"cargo::rustc-env=B=1\"); }\n",
    ),
    (
        "b/src/lib.rs",
        "use std::fmt;\nmacro_rules! unused { ($n:ident) => { fn $n() { let x = 1; } } }\nunused!(f);\nunused!(g);\n\
         pub fn b() -> u32 { return 1; }\n#[deprecated(note = \"two\\n\\nlines\")]\npub fn old() {}\npub fn new() { old() }\n\
         #[cfg(test)]\nmod tests {\n    #[test]\n    fn good() { let mut y = 1; println!(\"captured {y}\"); }\n    \
         #[test]\n    fn bad() -> Result<(), String> { println!(\"shown\"); Err(\"no\".to_owned()) }\n}\n",
    ),
    ("b/examples/ex.rs", "fn main() { let mut z = 1; }\n"),
    ("b/tests/it.rs", "#[test]\nfn it() { let unused = 1; }\n"),
    ("bad/Cargo.toml", "[package]\nname = 'bad'\nversion = '0.1.0'\nedition = '2024'\n"),
    (
        "bad/src/lib.rs",
        "use std::fmt;\npub fn bad() -> u32 { \"text\" }\npub fn worse() { compile_error!(\"one\\n\\nwarning: two\") }\n",
    ),
    ("script/Cargo.toml", "[package]\nname = 'script'\nversion = '0.1.0'\nedition = '2024'\n"),
    (
        "script/build.rs",
        "fn main() { eprintln!(\"on stderr\"); println!(\"cargo::warning=before\"); std::process::exit(3) }\n",
    ),
    ("script/src/lib.rs", ""),
    ("said/Cargo.toml", "[package]\nname = 'said'\nversion = '0.1.0'\nedition = '2024'\n"),
    ("said/build.rs", "fn main() { println!(\"cargo::error=the build script says no\") }\n"),
    ("said/src/lib.rs", ""),
    ("long/Cargo.toml", "[package]\nname = 'long'\nversion = '0.1.0'\nedition = '2024'\n"),
    (
        "long/src/lib.rs",
        "pub fn tail() -> u32 {
		if true { 1 } else {
			\"x\"
		}
}
pub fn none(b: bool) -> u32 {
    while b {
        let one = 1;
    }
}
pub fn call() {
    tail(
        1,
        \"äö\",
    );
    let größe: u8 = \"ß\"; let plain: u8 = \"a\";
    call(1, 2);
    let s = String::new(); drop(s); s.len(); let a = 1 + \"é\";
    unknown::path::to(); Missing {}; tail().what(none(true));
    let two: u8 = \"1
2\";
		let ten: u8 = \"1
2
3
4
5
6
7
8
9
10\";
}
",
    ),
];

struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let scene = Self { root };
        assert!(scene.cargo("generate-lockfile", "lock", "never", &mut |_| ()).success());
        scene
    }

    fn cargo(&self, arguments: &str, target: &str, color: &str, on_chunk: &mut dyn FnMut(&[u8])) -> Exit {
        let mut words = vec![std::env::var_os("CARGO").unwrap_or("cargo".into())];
        words.extend(arguments.split(' ').map(Into::into));
        let inherited = std::env::vars_os().map(|(name, _)| name);
        let ours = |name: &str| name.starts_with("CARGO_") && name != "CARGO_HOME" || name.starts_with("RUSTFLAGS");
        let env = [
            ("CARGO_TARGET_DIR", target),
            ("CARGO_TERM_COLOR", color),
            ("CARGO_NET_OFFLINE", "true"),
            ("CARGO_INCREMENTAL", "0"),
            ("RUST_BACKTRACE", "0"),
        ];
        let command = CommandLine {
            program: Program::Words(words),
            dir: self.root.path().into(),
            env: env.map(|(name, value)| (name.into(), value.into())).into(),
            env_remove: inherited.filter(|name| name.to_str().is_some_and(ours)).collect(),
            limit: None,
            jobserver: process::Jobserver::Untold,
            interactive: false,
        };
        process::run(&command, &Children::new(), on_chunk).unwrap()
    }

    fn plain(&self, arguments: &str, color: &str) -> (Exit, String) {
        let mut bytes = Vec::new();
        let exit = self.cargo(&arguments.replacen(" -p", " -j1 -p", 1), "plain", color, &mut |chunk| {
            bytes.extend_from_slice(chunk);
        });
        (exit, normal(&bytes))
    }

    fn taken_apart(&self, arguments: &str, color: &str) -> (Exit, Parts) {
        let (mut output, mut parts) = (CargoOutput::new(), Parts::default());
        let arguments = arguments.replacen(" -p", &format!(" -j1 {MESSAGE_FORMAT} -p"), 1);
        let exit = self.cargo(&arguments, "json", color, &mut |chunk| output.push(chunk, &mut |part| parts.add(part)));
        parts.facts = output.finish(&mut |part| parts.pieces.push((part.kind, part.bytes.to_vec())));
        (exit, parts)
    }

    /// Compares the first run in colour and the second, which is fresh if the first was good, without.
    fn compare(&self, arguments: &str, order: fn(&str) -> String) -> Parts {
        let (exit, plain) = self.plain(arguments, "always");
        let (same_exit, first) = self.taken_apart(arguments, "always");
        assert_same(&order(&first.text()), &order(&plain), arguments);
        assert_eq!(same_exit.code, exit.code);
        let (_, plain) = self.plain(arguments, "never");
        let (_, second) = self.taken_apart(arguments, "never");
        assert_same(&order(&second.text()), &order(&plain), arguments);
        assert!(!plain.contains('\x1b'));
        first
    }
}

/// For builds in which everything waits for something else, so that cargo has no choice.
fn in_order(text: &str) -> String {
    text.to_owned()
}

/// For builds in which cargo has a choice: it makes another one each time, and what is whose duplicate depends on it.
fn in_any_order(text: &str) -> String {
    let (build, rest) = text.split_at(text.find("Finished").unwrap_or(text.len()));
    let mut lines: Vec<&str> = build.lines().map(|line| line.split(" generated ").next().unwrap()).collect();
    lines.sort_unstable();
    format!("{}\n{rest}", lines.join("\n"))
}

fn assert_same(ours: &str, plain: &str, arguments: &str) {
    for (ours, plain) in ours.lines().zip(plain.lines()) {
        assert_eq!(ours, plain, "cargo {arguments}");
    }
    assert_eq!(ours.len(), plain.len(), "cargo {arguments}");
}

#[derive(Debug, Default)]
struct Parts {
    pieces: Vec<(Kind, Vec<u8>)>,
    facts: Facts,
}

impl Parts {
    fn add(&mut self, part: Rendered<'_>) {
        self.pieces.push((part.kind, part.bytes.to_vec()));
    }

    fn text(&self) -> String {
        normal(&self.pieces.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>())
    }

    /// What is of this kind, without colours.
    fn of(&self, kind: Kind) -> String {
        let of_kind = self.pieces.iter().filter(|piece| piece.0 == kind);
        let bytes: Vec<u8> = of_kind.flat_map(|(_, bytes)| bytes.clone()).collect();
        normal(&crate::ansi::strip(&bytes))
    }

    /// Cargo says so when another cargo holds the lock of the user's package cache; that is not of the build.
    fn kinds(&self) -> Vec<Kind> {
        let is_of_the_build = |bytes: &[u8]| !String::from_utf8_lossy(bytes).contains("waiting for file lock");
        let pieces = self.pieces.iter().filter(|piece| is_of_the_build(&piece.1));
        let mut kinds: Vec<Kind> = pieces.map(|piece| piece.0).collect();
        kinds.dedup();
        kinds
    }
}

/// Text in which times, waiting for other cargos and the target directory's name, which differ from run to run, do not.
fn normal(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap().replace("plain/", "target/").replace("json/", "target/");
    let lines = text.split_inclusive('\n').filter(|line| !line.contains("waiting for file lock"));
    lines.flat_map(|line| line.split_inclusive(' ')).map(|word| if is_time(word) { "0s" } else { word }).collect()
}

fn is_time(word: &str) -> bool {
    let word = word.trim_end_matches(['\n', ' ', ';']);
    word.strip_suffix('s').is_some_and(|seconds| seconds.parse::<f64>().is_ok())
}

fn names<'a>(artifacts: impl IntoIterator<Item = &'a Artifact>) -> Vec<(&'a str, &'a str, bool)> {
    let mut names: Vec<_> =
        artifacts.into_iter().map(|artifact| (&*artifact.target, &*artifact.kinds[0], artifact.test)).collect();
    names.sort_unstable();
    names
}

#[test]
fn good_builds_look_as_they_do_in_plain_cargo() {
    let scene = Scene::new();

    let check = scene.compare("check -p a -p b", in_order);
    assert_eq!(check.facts.finished, Some(true));
    let check = scene.compare("check -p a -p b --all-targets", in_any_order);
    assert!(check.of(Kind::Warning).contains("/a/Cargo.toml: unused manifest key: package.unknown\n"));
    assert!(check.of(Kind::Warning).contains("warning: b@0.1.0: from the build script\n"));
    assert!(check.of(Kind::Warning).contains("(1 duplicate)") || check.of(Kind::Warning).contains("duplicates)"));
    assert!(check.of(Kind::Warning).contains("to apply 1 suggestion)\n"));
    assert_eq!(check.kinds().iter().filter(|kind| !matches!(kind, Kind::Warning | Kind::Status)).count(), 0);
    assert_eq!(check.facts.finished, Some(true));
    assert!(check.facts.compiled());
    assert_eq!(check.facts.errors(), 0);
    let imports: Vec<_> =
        check.facts.diagnostics.iter().filter(|it| it.message == "unused import: `std::fmt`").collect();
    let place = Place { end_line: Some(1), end_column: Some(13), ..Place::new("b/src/lib.rs".into(), 1, 5) };
    assert_eq!(imports.iter().map(|it| it.place.clone()).collect::<Vec<_>>(), [Some(place)]);
    let script = &check.facts.build_scripts[0];
    assert!(script.package_id.ends_with("/b#0.1.0") && Path::new(&script.out_dir).is_dir());
    assert_eq!(script.env, [("B".to_owned(), "1".to_owned())]);

    let build = scene.compare("build -p a -p b", in_order);
    assert_eq!(
        names(&build.facts.artifacts),
        [("a", "bin", false), ("a", "lib", false), ("b", "lib", false), ("build-script-build", "custom-build", false)]
    );
    let binary = build.facts.artifacts.iter().find(|artifact| artifact.kinds == ["bin"]).unwrap();
    assert_eq!(binary.executable.as_deref(), Some(&*scene.root.path().join("json/debug/a")));
    let (_, again) = scene.taken_apart("build -p a -p b", "never");
    assert!(!again.facts.compiled() && again.facts.warnings == build.facts.warnings);

    let clippy = scene.compare("clippy -p a -p b", in_order);
    assert!(clippy.of(Kind::Warning).contains("(run `cargo clippy --fix --lib -p b"));
    let doc = scene.compare("doc -p a -p b --no-deps", in_any_order);
    assert!(doc.of(Kind::Warning).contains("unresolved link to `Nothing`"));
    assert!(doc.of(Kind::Status).contains("   Generated "));
}

#[test]
fn what_programs_print_is_left_as_it_is() {
    let scene = Scene::new();
    let test = scene.compare("test -p a -p b --no-fail-fast -- --test-threads=1", in_any_order);
    assert!(test.of(Kind::Program).contains("test tests::bad ... FAILED"));
    assert!(test.of(Kind::Program).contains("   Doc-tests a\n"));
    assert_eq!(
        names(test.facts.artifacts.iter().filter(|it| it.executable.is_some() && it.test)),
        [("a", "bin", true), ("a", "lib", true), ("b", "lib", true), ("it", "test", true)]
    );

    for run in ["run -p a", "run -q -p a"] {
        let run = scene.compare(run, in_order);
        assert!(
            run.of(Kind::Program).contains("{\"reason\":\"build-finished\",\"success\":false}\n   Compiling nothing")
        );
        assert!(run.text().ends_with("no newline"));
        assert_eq!((run.facts.finished, run.facts.errors()), (Some(true), 0));
    }
}

#[test]
fn bad_builds_look_as_they_do_in_plain_cargo() {
    let scene = Scene::new();
    let all = scene.compare("check -p bad -p said -p script --keep-going", in_any_order);
    assert_eq!(all.facts.failed_packages.iter().collect::<Vec<_>>(), ["bad", "said", "script"]);
    assert_eq!(all.facts.finished, Some(false));
    assert!(all.of(Kind::Error).contains("Caused by:\n"));
    assert!(all.of(Kind::Error).contains("on stderr\n"));

    let bad = scene.compare("build -p bad", in_order);
    let heads: Vec<_> = bad.facts.diagnostics.iter().map(|it| (it.level, it.code.as_deref(), &*it.message)).collect();
    assert!(heads.contains(&(Level::Error, Some("E0308"), "mismatched types")), "{heads:?}");
    assert_eq!((bad.facts.errors(), bad.facts.warnings), (2, 2), "{heads:?}");
    assert_eq!(bad.of(Kind::Other), "");

    let unknown = scene.compare("build -p nothing", in_order);
    assert_eq!((unknown.facts.finished, unknown.facts.errors()), (None, 1));
    assert_eq!(unknown.kinds(), [Kind::Warning, Kind::Error]);
}

/// The places as rustc's own messages have them, by their beginnings: where they end.
fn ends(scene: &Scene, arguments: &str) -> BTreeMap<(PathBuf, u32, u32), (u32, u32)> {
    let mut bytes = Vec::new();
    scene.cargo(&format!("{arguments} --message-format=json"), "spans", "never", &mut |chunk| {
        bytes.extend_from_slice(chunk);
    });
    let lines = std::str::from_utf8(&bytes).unwrap().lines().filter(|line| line.starts_with('{'));
    let messages = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let spans = messages.flat_map(|message| message["message"]["spans"].as_array().cloned().unwrap_or_default());
    let number = |span: &serde_json::Value, name: &str| u32::try_from(span[name].as_u64().unwrap()).unwrap();
    spans
        .filter(|span| span["is_primary"] == true)
        .map(|span| {
            let begin = (number(&span, "line_start"), number(&span, "column_start"));
            let file = PathBuf::from(span["file_name"].as_str().unwrap());
            ((file, begin.0, begin.1), (number(&span, "line_end"), number(&span, "column_end")))
        })
        .collect()
}

#[test]
fn places_end_where_the_compiler_says() {
    let scene = Scene::new();
    let arguments = "check -p long -p bad -p b --keep-going";
    let expected = ends(&scene, arguments);
    let (_, parts) = scene.taken_apart(arguments, "always");
    let (mut whole, mut of_several) = (0, 0);
    for Place { file, line, column, end_line, end_column } in
        parts.facts.diagnostics.iter().filter_map(|it| it.place.as_ref())
    {
        let Some((last, behind)) = expected.get(&(file.clone(), *line, *column)) else { continue };
        assert_eq!(*end_line, Some(*last), "{}:{line}:{column}", file.display());
        assert!(end_column.is_none_or(|end| end == *behind && last == line), "{}:{line}:{column}", file.display());
        whole += usize::from(end_column.is_some());
        of_several += usize::from(last > line);
    }
    assert!(whole >= 8 && of_several >= 2, "{whole} {of_several} {:#?}", parts.facts.diagnostics);
}

/// What was taken so far, of a program that says this.
fn taken(output: &mut CargoOutput, text: &str) -> Vec<String> {
    output.push(text.as_bytes(), &mut |_| {});
    output.take_diagnostics().into_iter().map(|diagnostic| diagnostic.message).collect()
}

#[test]
fn a_diagnostic_is_there_as_soon_as_it_is_whole() {
    let mut output = CargoOutput::new();
    assert_eq!(taken(&mut output, "warning: one\n --> a.rs:1:1\n  |\n1 | x\n  | ^\n"), [""; 0]);
    assert_eq!(taken(&mut output, "\n"), ["one"]);
    assert_eq!(taken(&mut output, "error: placeless\n\nCaused by:\n  x\n"), [""; 0]);
    assert_eq!(taken(&mut output, "    Checking a v0.1.0\nwarning: last\n"), ["placeless"]);
    let facts = output.finish(&mut |_| {});
    assert_eq!(facts.diagnostics.iter().map(|diagnostic| &*diagnostic.message).collect::<Vec<_>>(), ["last"]);
    assert_eq!(facts.warnings, 2);
}

#[test]
fn of_lines_without_an_end_little_is_held_and_nothing_lost() {
    for (begin, held) in [("warning: x", LINE), ("{ ", LINE), ("{\"reason\":\"x", MESSAGE)] {
        let (mut output, mut shown, mut kinds) = (CargoOutput::new(), begin.len(), Vec::new());
        output.push(begin.as_bytes(), &mut |_| ());
        let piece = [b'x'; 4000];
        let mut count = |rendered: Rendered<'_>, shown: &mut usize| {
            *shown -= rendered.bytes.len();
            kinds.push(rendered.kind);
        };
        for _ in 0..2 * held / piece.len() {
            shown += piece.len();
            output.push(&piece, &mut |rendered| count(rendered, &mut shown));
            assert!(output.unfinished.len() <= held && output.unfinished.len() == shown);
        }
        shown += 1;
        output.push(b"\n", &mut |rendered| count(rendered, &mut shown));
        assert_eq!(shown, 0);
        kinds.dedup();
        let kind = if begin.starts_with('w') { Kind::Warning } else { Kind::Other };
        assert_eq!(kinds, [kind], "{begin}");
        output.push(b"    Checking a v0.1.0\n", &mut |rendered| assert_eq!(rendered.kind, Kind::Status));
    }
}

#[test]
fn what_programs_printed_is_known_in_what_was_kept() {
    let scene = Scene::new();
    let mut kept = Vec::new();
    for arguments in ["check -p b", "run -p a", "clippy -p b", "check -p b"] {
        let (_, parts) = scene.taken_apart(arguments, "always");
        kept.extend(parts.pieces.into_iter().flat_map(|(_, bytes)| bytes));
        kept.extend(b"\nwarning: of the program\n".repeat(usize::from(arguments == "run -p a")));
    }
    for size in [1, 100, kept.len()] {
        let (mut output, mut parts) = (CargoOutput::kept(), Parts::default());
        kept.chunks(size).for_each(|chunk| output.push(chunk, &mut |part| parts.add(part)));
        let facts = output.finish(&mut |part| parts.pieces.push((part.kind, part.bytes.to_vec())));
        assert!(
            parts.of(Kind::Program).contains("error: of the program") && parts.of(Kind::Program).contains("no newline")
        );
        assert!(!facts.diagnostics.iter().any(|diagnostic| diagnostic.message.contains("of the program")));
        let imports = facts.diagnostics.iter().filter(|diagnostic| diagnostic.message.contains("unused import"));
        assert_eq!(imports.count(), 4, "each of the cargos says it");
    }
}

#[test]
fn what_looks_like_a_message_in_what_was_kept_is_none() {
    let message = "{\"reason\":\"build-finished\",\"success\":true}\n";
    let (mut output, mut shown) = (CargoOutput::kept(), String::new());
    output.push(message.as_bytes(), &mut |rendered| shown.push_str(std::str::from_utf8(rendered.bytes).unwrap()));
    assert_eq!(shown, message);
    assert_eq!(output.finish(&mut |_| {}), Facts::default());
}

/// The same in any pieces, down to single bytes.
#[test]
fn it_does_not_matter_in_which_pieces_the_bytes_come() {
    let text = "   Compiling a v0.1.0 (/a)\nwarning[W1]: odd\n --> a b/c:d.rs:3:7\n  |\n3 | x\n  |\n\nprinted by a macro\n\
        {\"reason\":\"build-script-executed\",\"package_id\":\"a\",\"linked_libs\":[],\"linked_paths\":[],\"cfgs\":[],\"env\":[],\
        \"out_dir\":\"/o\"}\n{\"reason\":\"of another sort\",\"x\":[1]}\n{\"reason\": broken\n{\"reason\":\"build-finished\"}\n\
        {\"reason\":\"build-finished\",\"success\":true}\n    Finished it\n     Running it\n{\"reason\":\"build-finished\"}\n?";
    let is_message = |line: &str| ["executed", "another", "true"].iter().any(|word| line.contains(word));
    let shown: String = text.split_inclusive('\n').filter(|line| !is_message(line)).collect();
    let taken = |size: usize| {
        let (mut output, mut parts) = (CargoOutput::new(), Parts::default());
        text.as_bytes().chunks(size).for_each(|chunk| output.push(chunk, &mut |part| parts.add(part)));
        parts.facts = output.finish(&mut |part| parts.pieces.push((part.kind, part.bytes.to_vec())));
        parts
    };
    for size in [1, 2, 7, 64, 1000] {
        let parts = taken(size);
        assert_eq!(parts.text(), shown, "in pieces of {size}");
        assert_eq!(parts.facts, taken(1000).facts);
        assert_eq!(parts.of(Kind::Other), "printed by a macro\n{\"reason\": broken\n{\"reason\":\"build-finished\"}\n");
    }
    let facts = taken(1000).facts;
    let place = Place::new("a b/c:d.rs".into(), 3, 7);
    assert_eq!(
        facts.diagnostics,
        [Diagnostic {
            level: Level::Warning,
            code: Some("W1".to_owned()),
            message: "odd".to_owned(),
            place: Some(place)
        }]
    );
    assert_eq!((facts.build_scripts.len(), facts.finished), (1, Some(true)));
}

#[test]
fn what_a_program_prints_comes_at_once() {
    let (mut output, mut seen) = (CargoOutput::new(), String::new());
    let mut see = |output: &mut CargoOutput, text: &str| {
        seen.clear();
        output.push(text.as_bytes(), &mut |part| seen.push_str(std::str::from_utf8(part.bytes).unwrap()));
        seen.clone()
    };
    assert_eq!(see(&mut output, "   Compil"), "");
    assert_eq!(see(&mut output, "ing a\n{\"reason\":\"build-fini"), "   Compiling a\n");
    assert_eq!(see(&mut output, "shed\",\"success\":true}\nname? "), "name? ");
    assert_eq!(see(&mut output, "{\"rea"), "{\"rea");
}
