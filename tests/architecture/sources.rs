//! The sources of a crate as text: which room a file belongs to, and which names of rooms and packages stand in it. It
//! judges nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One file.
pub struct Source {
    /// As seen from `src`, with `/`.
    pub path: String,
    /// The module of the crate's root that it is part of.
    pub room: String,
    /// All that stands in it.
    pub text: String,
    /// Its code without comments and tests.
    code: String,
    /// The modules that it declares for tests alone.
    test_modules: Vec<String>,
    /// How many modules it is below the crate's root.
    depth: usize,
}

/// Every file below `src` that is not only for tests.
pub fn read(src: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    collect(src, "", &mut sources);
    let tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    let for_tests =
        |path: &str| tests.iter().any(|test| *path == format!("{test}.rs") || path.starts_with(&format!("{test}/")));
    sources.retain(|source| !for_tests(&source.path));
    sources
}

fn collect(folder: &Path, below: &str, sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = fs::read_dir(folder).expect("the sources are there").flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), sources);
        } else if path.ends_with(".rs") {
            sources.push(Source::new(&path, &fs::read_to_string(entry.path()).expect("a source is text")));
        }
    }
}

impl Source {
    /// A file with this text.
    pub fn new(path: &str, text: &str) -> Self {
        let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let room = module.split('/').next().unwrap_or_default().to_owned();
        let depth = module.split('/').count();
        let (code, test_modules) = code(text);
        Self { path: path.to_owned(), room, text: text.to_owned(), code, test_modules, depth }
    }

    /// What stands in it in the place of a room: behind `crate::`, or behind as many `super::` as lead to the root.
    pub fn rooms(&self) -> BTreeSet<String> {
        let up = "super::".repeat(self.depth);
        let mut found = behind(&self.code, "crate::");
        found.extend(behind(&self.code, &up));
        if self.path == "lib.rs" {
            found.extend(behind(&self.code, "pub use "));
        }
        found
    }

    /// Which of the packages it names at the beginning of a path.
    pub fn packages(&self, all: &BTreeSet<String>) -> BTreeSet<String> {
        let begins = |package: &&String| {
            let name = format!("{package}::");
            let mut places = self.code.match_indices(&name);
            places.any(|(at, _)| !self.code[..at].ends_with(|before: char| is_word(before) || before == ':'))
        };
        all.iter().filter(begins).cloned().collect()
    }

    /// The modules that it declares for tests alone, as paths without their ends.
    fn test_modules(&self) -> impl Iterator<Item = String> + '_ {
        let own = self.path.trim_end_matches(".rs");
        let folder = own.strip_suffix("/mod").unwrap_or(own);
        self.test_modules.iter().map(move |name| format!("{folder}/{name}"))
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The names that follow `path`: one, or those of a list in braces.
fn behind(code: &str, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(path) {
        if code[..at].ends_with(|before: char| is_word(before) || before == ':') {
            continue;
        }
        match code[at + path.len()..].strip_prefix('{') {
            Some(list) => found.extend(list_names(list)),
            None => found.extend(first_word(&code[at + path.len()..])),
        }
    }
    found
}

/// The first name of every entry of a list, whose opening brace is gone.
fn list_names(list: &str) -> Vec<String> {
    let (mut depth, mut names, mut expects) = (0_usize, Vec::new(), true);
    for (at, char) in list.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects = true,
            char if expects && is_word(char) => {
                names.extend(first_word(&list[at..]));
                expects = false;
            }
            _ => {}
        }
    }
    names
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|char| is_word(*char)).collect();
    (!word.is_empty()).then_some(word)
}

/// The text without comments and without what is for tests alone, and the names of the modules for tests that lie in
/// files of their own. A module ends with a brace in the first column.
fn code(text: &str) -> (String, Vec<String>) {
    let (mut code, mut test_modules) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if is_for_tests(line) {
            let item = lines.by_ref().find(|line| !line.starts_with("#[")).unwrap_or_default();
            match item.strip_prefix("mod ").and_then(|item| item.strip_suffix(';')) {
                Some(name) => test_modules.push(name.to_owned()),
                None if item.ends_with('{') => _ = lines.by_ref().find(|line| *line == "}"),
                None => {}
            }
            continue;
        }
        let line = line.split_once("// ").map_or(line, |(before, _)| before);
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    (code, test_modules)
}

/// Whether what follows the line is there for tests alone.
fn is_for_tests(line: &str) -> bool {
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
}
