//! Which variables a text asks for when it is compiled: by `env!` and `option_env!` in code, comments and documentation. It
//! reads text, not syntax, and takes too much for asked for rather than too little.

/// What may stand between the words of a call besides blanks: the marks of comments, of lines that documentation hides, and
/// of quotes inside of texts.
const MARKS: &[u8] = b" \t\r\n/!*#\\";

/// The variables that the text asks for, by name; `None` for each call of which the name cannot be told.
pub fn asked(text: &[u8]) -> impl Iterator<Item = Option<&str>> {
    let marks = text.iter().enumerate().filter(|(_, byte)| **byte == b'!').map(|(place, _)| place);
    marks.filter_map(|mark| {
        let (before, after) = text.split_at(mark);
        if is_asking(before) { argument(after) } else { None }
    })
}

/// Whether the text ends with the name of one of the macros.
fn is_asking(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let start = before.iter().rposition(|byte| !is_word(*byte)).map_or(0, |place| place + 1);
    matches!(before.get(start..), Some(b"env" | b"option_env"))
}

/// The name that is given to a macro, after its own; nothing where it is not called, or with nothing.
fn argument(after: &[u8]) -> Option<Option<&str>> {
    let (open, rest) = past(after, MARKS).split_first()?;
    let close = match open {
        b'(' => b')',
        b'[' => b']',
        b'{' => b'}',
        _ => return None,
    };
    let rest = past(rest, MARKS);
    if rest.first() == Some(&close) { None } else { Some(name(rest, close)) }
}

/// The name in a plain text that is the first argument.
fn name(rest: &[u8], close: u8) -> Option<&str> {
    let rest = past(rest.strip_prefix(b"r").unwrap_or(rest), MARKS).strip_prefix(b"\"")?;
    let (name, rest) = rest.split_at(rest.iter().take_while(|byte| is_word(**byte)).count());
    let rest = past(past(rest, MARKS).strip_prefix(b"\"")?, MARKS);
    let is_whole = rest.first().is_some_and(|next| *next == b',' || *next == close);
    std::str::from_utf8(name).ok().filter(|name| is_whole && !name.is_empty())
}

/// What comes after these bytes.
fn past<'t>(text: &'t [u8], bytes: &[u8]) -> &'t [u8] {
    text.split_at(text.iter().take_while(|byte| bytes.contains(byte)).count()).1
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for, with `ASK` for the name of the macro: what stands here in full would itself be found.
    fn asks(text: &str) -> Vec<Option<String>> {
        let text = text.replace("ASK", "env");
        asked(text.as_bytes()).map(|name| name.map(str::to_owned)).collect()
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        for text in [
            r#"ASK!("NAME")"#,
            r#"option_ASK!("NAME")"#,
            r#"std::ASK ! [ "NAME" , "message" ]"#,
            r##"ASK!{r#"NAME"#}"##,
            "/// ASK!(\n///     \"NAME\",\n///     \"message\"\n/// )",
            "/// # ASK!(\n/// # \"NAME\")",
            "//! ASK!(\"NAME\")",
            "/**\n * ASK!(\n *   \"NAME\"\n * )\n */",
            r##"#[doc = "ASK!(\"NAME\")"]"##,
            r##"#[doc = "option_ASK!(r#\"NAME\"#)"]"##,
            r##"#[doc = r#"ASK!("NAME")"#]"##,
        ] {
            assert_eq!(asks(text), [Some("NAME".to_owned())], "{text}");
        }
        let both = asks("ASK!(\"ONE\"), option_ASK!(\"TWO\")");
        assert_eq!(both, [Some("ONE".to_owned()), Some("TWO".to_owned())]);
    }

    #[test]
    fn what_is_no_plain_name_cannot_be_told() {
        for text in [
            "ASK!($name)",
            r#"ASK!(concat!("NA", "ME"))"#,
            r#"ASK!("NA\u{4d}E")"#,
            r#"ASK!("" "NAME")"#,
            r#"ASK!("NAME""#,
            r#"concat!("ASK!(", "\"NA", "ME\")")"#,
            "ASK!(stringify!(NAME))",
            "ASK!(",
        ] {
            let asked = asks(text);
            assert!(asked.contains(&None), "{text}: {asked:?}");
        }
    }

    #[test]
    fn what_is_no_call_asks_for_nothing() {
        for text in
            ["`ASK!`, `option_ASK!`", "ASK!()", "my_ASK!(\"NAME\")", "ASK != (\"NAME\")", "ASK::var(\"NAME\")!", "ASK!"]
        {
            assert_eq!(asks(text), [], "{text}");
        }
    }
}
