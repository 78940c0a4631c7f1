//! Patterns of files and of members' names, checked; what they match is not known here.

use globset::{Error, Glob, GlobBuilder, GlobSet};

use super::syntax::{Reader, Text};

/// Notes what is wrong with a pattern of `inputs`. `//` begins one that is seen from the workspace root.
pub(super) fn check_input(reader: &mut Reader<'_>, text: &Text<'_>) {
    let path = text.text.strip_prefix("//").unwrap_or(text.text);
    let (title, help) = if path.is_empty() {
        ("a pattern must not be empty", "`**` is every file")
    } else if path.starts_with('!') {
        ("a pattern cannot take files away", "name what is read instead of what is not")
    } else if path.starts_with('/') || path.get(1..3) == Some(":/") {
        ("a pattern must not be an absolute path", "`//` begins a pattern that is seen from the workspace root")
    } else if path.split('/').any(|part| part == "..") {
        ("a pattern must not contain `..`", "`//` begins a pattern that is seen from the workspace root")
    } else if PLACEHOLDERS.iter().any(|placeholder| path.contains(placeholder)) {
        (
            "a pattern has no placeholders",
            "it is seen from each member's folder, so that a name in it is rarely needed; `*` is any",
        )
    } else {
        return check_glob(reader, text, path);
    };
    reader.wrong(text.span, title, "").help = Some(help.to_owned());
}

/// What would be something else in a command than the alternative of one word that it is in a pattern.
const PLACEHOLDERS: [&str; 7] = ["{name}", "{spec}", "{dir}", "{root}", "{args}", "{flags}", "{selected}"];

/// Notes what is wrong with a pattern of `outputs`.
pub(super) fn check_output(reader: &mut Reader<'_>, text: &Text<'_>) {
    let before = reader.problems.len();
    check_input(reader, text);
    if text.text.split('/').any(|part| part == ".git") {
        reader.wrong(text.span, "an output must not lie in a repository's `.git`", "");
    }
    let says_nothing = |part: &str| part.is_empty() || part == "." || part.bytes().all(|byte| byte == b'*');
    if reader.problems.len() == before && text.text.split('/').all(says_nothing) {
        let problem = reader.wrong(text.span, "this pattern of `outputs` names every file", "");
        problem.help = Some("name a folder or files that only this phase writes: `\"src/generated/**\"`".to_owned());
    }
}

/// Notes what is wrong with a pattern of members' names.
pub(super) fn check_members(reader: &mut Reader<'_>, text: &Text<'_>) {
    if text.text.is_empty() {
        reader.wrong(text.span, "a pattern must not be empty", "").help = Some("`*` is every member".to_owned());
    } else {
        check_glob(reader, text, text.text);
    }
}

/// Whether a pattern is a name, and matches only that.
pub(super) fn is_name(pattern: &str) -> bool {
    !pattern.is_empty() && !pattern.contains(['*', '?', '[', '{', '\\'])
}

/// Tells whether one of the patterns matches a member's name; without patterns every name is meant.
pub(super) fn select<'d>(patterns: &[Text<'d>]) -> impl Fn(&str) -> bool + use<'d> {
    let all = patterns.is_empty();
    let sets: Vec<GlobSet> = patterns.iter().filter_map(|pattern| set(pattern.text).ok()).collect();
    move |name| all || sets.iter().any(|set| set.is_match(name))
}

/// A pattern can be well formed and still too large for its automaton. One of so many bytes cannot, unless it is braces in braces,
/// and is only parsed: to build an automaton takes longer than to read a make.toml.
const SHORT: usize = 500;

fn check_glob(reader: &mut Reader<'_>, text: &Text<'_>, pattern: &str) {
    let is_plain = pattern.len() <= SHORT && !pattern.contains('{');
    let checked = if is_plain { glob(pattern).map(drop) } else { set(pattern).map(drop) };
    if let Err(error) = checked {
        reader.wrong(text.span, "this pattern cannot be understood", error.kind().to_string());
    }
}

fn set(pattern: &str) -> Result<GlobSet, Error> {
    GlobSet::new([glob(pattern)?])
}

fn glob(pattern: &str) -> Result<Glob, Error> {
    GlobBuilder::new(pattern).literal_separator(true).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_short_pattern_is_too_large() {
        for part in ["?", "*", "**/", "*a", "[!a]", "[a-\u{10ffff}]", "\\?", "é", "a"] {
            assert!(set(&part.repeat(SHORT / part.len())).is_ok(), "{part}");
        }
        let long = "[!a]".repeat(1_000_000);
        assert!(glob(&long).is_ok() && set(&long).is_err(), "a long one may be");
    }
}
