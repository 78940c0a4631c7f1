//! Whatever stands in a make.toml: nothing panics, and every mistake has its place in it.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{STARTER, read, understand};

/// A file with everything in it, and without a mistake.
const VALID: &str = r#"
[project]
name = "shop"
jobs = 8
profile = true

[lifecycle.codegen]
description = "Generate the API types"
command = "cargo run -p gen -- {name} ${HOME} {{é}}"
workspaces = ["api-*", "cli"]
needs = ["^codegen", "check"]
inputs = ["src/**", "//proto/**", "[a-z]{x,y}"]
env = { RUST_LOG = "debug", 'ONE' = """
two""" }
env-inputs = ["DATABASE_URL"]
cache = true
dependencies = false

[lifecycle.deploy]
scope = "workspace"
commands = ["a {root}", ["b", "{args}", 'c d']]
parallel = true

[lifecycle]
lint.command = "cargo clippy {selected} {flags} -- -D warnings"
up = { command = '''
up "{dir}" \
  {spec}''' }

[hooks]
before_all = ["fmt"]
after_all = []
before_build = ["codegen", "lint"]
after_codegen = ["deploy"]
finally = ["deploy"]
on_error = ["up"]

[workspace.api]
env = { PORT = "8080" }
depends-on = ["web"]
lifecycle.test.cache = false
lifecycle.only.command = "x\u0020{name}"

[workspace.web]
path = "web"
[workspace.web.lifecycle.build]
command = "npm run build"

[performance]
max_phase_time = 5000
max_memory_mb = 500
enforce = true
phases = { build = 10_000 }

[cache]
max-size = "500MB"
max-age = "2w"
"#;

/// What is done to a file.
#[derive(Clone, Debug)]
enum Edit {
    DeleteByte(Index),
    ReplaceByte(Index, u8),
    InsertByte(Index, u8),
    DeleteLine(Index),
    RepeatLine(Index, Index),
    Cut(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    // Mostly the characters that mean something, because any other only makes another name.
    let byte = || {
        prop_oneof![8 => proptest::sample::select(br##"[]{}=".,'#^/!*\$-_ 0
"##.to_vec()), 1 => any::<u8>()]
    };
    prop_oneof![
        at().prop_map(Edit::DeleteByte),
        (at(), byte()).prop_map(|(at, byte)| Edit::ReplaceByte(at, byte)),
        (at(), byte()).prop_map(|(at, byte)| Edit::InsertByte(at, byte)),
        at().prop_map(Edit::DeleteLine),
        (at(), at()).prop_map(|(from, to)| Edit::RepeatLine(from, to)),
        at().prop_map(Edit::Cut),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::DeleteByte(at) => _ = bytes.remove(at.index(bytes.len())),
            Self::ReplaceByte(at, byte) => *at.get_mut(bytes) = *byte,
            Self::InsertByte(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Self::DeleteLine(at) => {
                let mut lines = lines;
                lines.remove(at.index(lines.len()));
                *bytes = lines.concat();
            }
            Self::RepeatLine(from, to) => {
                let mut lines = lines;
                lines.insert(to.index(lines.len()), from.get(&lines).clone());
                *bytes = lines.concat();
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}

/// Reads and understands a file of these bytes, and checks what must hold of any. Tells whether it is valid.
fn check(bytes: &[u8]) -> bool {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("web")).unwrap();
    fs::write(root.path().join("make.toml"), bytes).unwrap();
    let Ok(source) = read(root.path()) else {
        assert!(std::str::from_utf8(bytes).is_err());
        return false;
    };
    let source = source.unwrap();
    let understood = || understand(Some(&source), root.path(), &["api", "cli"]);
    match understood() {
        Ok(project) => {
            assert_eq!(format!("{project:?}"), format!("{:?}", understood().unwrap()));
            true
        }
        Err(problems) => {
            assert!(!problems.list().is_empty());
            for (span, _) in problems.list().iter().flat_map(|problem| &problem.places) {
                assert!(source.text.get(span.start as usize..span.end as usize).is_some(), "{span:?}\n{}", source.text);
            }
            for problem in problems.list() {
                assert!(!problem.places.is_empty(), "{problem:?}");
            }
            assert!(problems.render(false).contains("make.toml:") && problems.render(true).contains("make.toml:"));
            false
        }
    }
}

#[test]
fn the_file_that_is_mangled_is_valid() {
    assert!(check(VALID.as_bytes()));
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn any_text_is_taken(text in r#"([\[\]{}=".,'#\\\n a-z0-9é]|\PC){0,80}"#) {
        check(text.as_bytes());
    }

    #[test]
    fn a_mangled_file_is_taken(edits in vec(edit(), 1..6)) {
        let mut bytes = VALID.as_bytes().to_vec();
        for edit in &edits {
            edit.apply(&mut bytes);
        }
        check(&bytes);
    }

    #[test]
    fn a_value_of_any_type_is_taken_anywhere(
        line in any::<Index>(),
        value in proptest::sample::select(vec![
            "1", "-9223372036854775809", "1e400", "nan", "true", "1979-05-27T07:32:00Z", "07:32:00", "[]", "{}",
            "\"\"", "'x'", "[[]]", "[{}]", "[\"\"]", "[1, 'x', {}]", "{ a = 1 }", "{ a.b.c = 'x' }", "0xffff",
        ]),
    ) {
        let mut lines: Vec<String> = VALID.lines().map(str::to_owned).collect();
        let line = line.get_mut(&mut lines);
        if let Some((key, _)) = line.clone().split_once('=') {
            *line = format!("{key}= {value}");
        }
        check(lines.join("\n").as_bytes());
    }

    #[test]
    fn the_starter_with_any_examples_uncommented_is_taken(keep in vec(any::<bool>(), 80)) {
        let lines = STARTER.lines().zip(keep.iter().cycle());
        let text: Vec<_> = lines.map(|(line, keep)| if *keep { line } else { line.strip_prefix('#').unwrap_or(line) }).collect();
        check(text.join("\n").as_bytes());
    }
}
