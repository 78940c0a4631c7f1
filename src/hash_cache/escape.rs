//! Whether a Rust source file names a module outside of its folder by `#[path = "…"]`, as rustfmt would follow it. It
//! reads tokens, not syntax, and knows nothing of the folder.

/// Whether there is a `#[path = "…"]`, on its own or in `cfg_attr`, whose value is absolute or leads upwards.
pub fn escapes(source: &[u8]) -> bool {
    !escaping(source).is_empty()
}

/// The values of every `#[path = "…"]` that is absolute or leads upwards.
pub fn escaping(source: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    if !mentions_path(source) {
        return found;
    }
    let mut tokens = Tokens { rest: source };
    while let Some(token) = tokens.next() {
        if !matches!(token, Token::Mark(b'#')) {
            continue;
        }
        let mut next = tokens.next();
        if matches!(next, Some(Token::Mark(b'!'))) {
            next = tokens.next();
        }
        if matches!(next, Some(Token::Mark(b'['))) {
            attribute(&mut tokens, &mut found);
        }
    }
    found
}

/// Every text in it, also in comments, that leads upwards or begins with a slash, as behind a folder that is put before it, or
/// that names a page of Markdown.
pub fn named_elsewhere(source: &[u8]) -> Vec<&[u8]> {
    let tokens = Tokens { rest: source };
    let texts = tokens.filter_map(|token| if let Token::Text(text) = token { Some(text) } else { None });
    // Comments hold code, too: that of documentation tests.
    let lines = source.split(|byte| *byte == b'\n');
    let quoted = lines.flat_map(|line| line.split(|byte| *byte == b'"').skip(1));
    texts.chain(quoted).filter(|text| leads_out(text) || text.ends_with(b".md")).collect()
}

/// Most files are done with here: `path` with a `=` and a quote after it is rare.
fn mentions_path(source: &[u8]) -> bool {
    let mut ends = memchr::memmem::find_iter(source, "path").map(|start| start + "path".len());
    ends.any(|end| {
        let rest = source.get(end..).unwrap_or_default().trim_ascii_start();
        rest.strip_prefix(b"=")
            .is_some_and(|value| matches!(value.trim_ascii_start().first(), Some(b'"' | b'r' | b'/')))
            || rest.starts_with(b"/")
    })
}

/// Reads an attribute to its end, after the `[`. `path` counts on its own and directly in `cfg_attr(…)`; that of
/// `#[template(path = "…")]` is another's.
fn attribute<'a>(tokens: &mut Tokens<'a>, found: &mut Vec<&'a [u8]>) {
    let counts = |around: &[&[u8]]| around.iter().all(|name| *name == b"cfg_attr");
    let mut around: Vec<&'a [u8]> = Vec::new();
    let mut word: &[u8] = b"";
    let mut is_value = false;
    for token in tokens {
        match token {
            Token::Text(text) if is_value && word == b"path" && counts(&around) && leads_out(text) => found.push(text),
            Token::Mark(b'(') => around.push(word),
            Token::Mark(b'[' | b'{') => around.push(b""),
            Token::Mark(b']') if around.is_empty() => return,
            Token::Mark(b')' | b']' | b'}') => _ = around.pop(),
            _ => {}
        }
        is_value = matches!(token, Token::Mark(b'='));
        word = match token {
            Token::Word(name) => name,
            Token::Mark(b'=') => word,
            _ => b"",
        };
    }
}

fn leads_out(value: &[u8]) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    if value.first().is_some_and(is_separator) || value.get(1) == Some(&b':') {
        return true;
    }
    let mut depth = 0;
    value.split(is_separator).any(|name| {
        depth += match name {
            b"" | b"." => 0,
            b".." => -1,
            _ => 1,
        };
        depth < 0
    })
}

#[derive(Clone, Copy)]
enum Token<'a> {
    Mark(u8),
    Word(&'a [u8]),
    /// What stands between the quotes of a string.
    Text(&'a [u8]),
}

/// The tokens of a source file, without comments, characters and lifetimes.
struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.rest = self.rest.trim_ascii_start();
            match *self.rest {
                [] => return None,
                [b'/', b'/', ..] => _ = self.take_through(b"\n"),
                [b'/', b'*', ..] => self.skip_block_comment(),
                [b'\'', ..] => self.skip_character(),
                [b'"', ..] => {
                    self.take(1);
                    return Some(Token::Text(self.take_string()));
                }
                [byte, ..] if is_word(byte) => return Some(self.take_word()),
                [byte, ..] => {
                    self.take(1);
                    return Some(Token::Mark(byte));
                }
            }
        }
    }
}

impl<'a> Tokens<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// What comes before `end`, which is taken too; all that is left when there is none.
    fn take_through(&mut self, end: &[u8]) -> &'a [u8] {
        let length = self.rest.windows(end.len()).position(|window| window == end).unwrap_or(self.rest.len());
        let taken = self.take(length);
        self.take(end.len());
        taken
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while !self.rest.is_empty() {
            match self.rest {
                [b'/', b'*', ..] => depth += 1,
                [b'*', b'/', ..] => depth -= 1,
                _ => {
                    self.take(1);
                    continue;
                }
            }
            self.take(2);
            if depth == 0 {
                return;
            }
        }
    }

    /// A character, or only the mark of a lifetime.
    fn skip_character(&mut self) {
        self.take(1);
        if self.rest.first() == Some(&b'\\') {
            self.take(2);
            self.take_through(b"'");
            return;
        }
        let length = 1 + self.rest.iter().skip(1).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
        if self.rest.get(length) == Some(&b'\'') {
            self.take(length + 1);
        }
    }

    fn take_string(&mut self) -> &'a [u8] {
        let start = self.rest;
        while let Some(byte) = self.rest.first() {
            match byte {
                b'"' => break,
                b'\\' => self.take(2),
                _ => self.take(1),
            };
        }
        let length = start.len() - self.rest.len();
        self.take(1);
        start.get(..length).unwrap_or_default()
    }

    fn take_word(&mut self) -> Token<'a> {
        let length = self.rest.iter().take_while(|byte| is_word(**byte)).count();
        let word = self.take(length);
        let hashes = self.rest.iter().take_while(|byte| **byte == b'#').count();
        if !matches!(word, b"r" | b"br" | b"cr") || self.rest.get(hashes) != Some(&b'"') {
            return Token::Word(word);
        }
        let mut end = vec![b'"'];
        end.extend_from_slice(self.take(hashes));
        self.take(1);
        Token::Text(self.take_through(&end))
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_outside_are_found() {
        for source in [
            r#"#[path = "../x.rs"] mod x;"#,
            r#"#[path="/abs/x.rs"]mod x;"#,
            r#"#[path = "C:\\x.rs"] mod x;"#,
            r##"#[path = r"..\x.rs"] mod x;"##,
            r###"#[path = r#"a/../../x.rs"#] mod x;"###,
            r#"#[cfg_attr(unix, path = "../unix.rs")] mod x;"#,
            r#"#[cfg_attr(all(unix, not(test)), cfg_attr(feature = "a", path = "../x.rs"))] mod x;"#,
            "# /* c */ [\n  path // c\n = /* c */ \"../x.rs\"\n]\nmod x;",
            r#"mod inline { #![path = ".."] mod x; }"#,
            r#"const C: char = '"'; const Q: u8 = b'\''; fn f<'a>(_: &'a str) {} #[path = "../x.rs"] mod x;"#,
            r###"const S: &str = r#" " "#; #[path = "../x.rs"] mod x;"###,
            "/* /* nested */ */ #[path = \"../x.rs\"] mod x;",
        ] {
            assert!(escapes(source.as_bytes()), "{source}");
        }
    }

    #[test]
    fn other_text_is_no_module() {
        for source in [
            r#"#[path = "x.rs"] mod x;"#,
            r#"#[path = "a/../x.rs"] mod x;"#,
            r#"#[path = "..x.rs"] mod x;"#,
            r#"const TOML: &str = "dep = { path = \"../x\" }";"#,
            r###"const TOML: &str = r#"dep = { path = "../x" } #[path = "../x.rs"]"#;"###,
            r#"// #[path = "../x.rs"]"#,
            r#"/* #[path = "../x.rs"] */ /// #[path = "../x.rs"]"#,
            r#"let path = "../x"; let a = [path = "../x"];"#,
            r#"#[template(path = "../x.html")] struct T;"#,
            r#"#[cfg_attr(test, template(path = "../x.html"))] struct T;"#,
            r#"#[doc = "path = ../x"] struct T;"#,
            r#"#[a(b = "c", not_path = "../x")] struct T;"#,
            r#"#[cfg(path = "../x")] struct T;"#,
            r#"#[path = "x.rs"] mod x; let path = "../x";"#,
        ] {
            assert!(!escapes(source.as_bytes()), "{source}");
        }
    }

    #[test]
    fn a_source_that_breaks_off_is_read_to_its_end() {
        let source = "#[path = \"a\"] /* /* */ */ #[cfg_attr(a, path = r#\"é\"#)] '\\'' 'é' 'a \"\\\"\" r\"\" // é\n#[path = \"../x\"]";
        for end in 0..source.len() - 1 {
            let has_dots = end >= source.len() - r#"/x"]"#.len();
            assert_eq!(escapes(&source.as_bytes()[..end]), has_dots, "{end}");
        }
    }
}
