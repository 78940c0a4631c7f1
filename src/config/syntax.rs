//! TOML with places: values of the wanted types, and a problem for everything else; which keys there are is not known
//! here.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::problem::{Problem, SHOWN};
use crate::model::Span;
use crate::nearest::nearest;

/// A value of the file.
pub(super) type Value<'d> = Spanned<DeValue<'d>>;

/// A piece of text from the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'d> {
    /// What it says, escapes resolved.
    pub text: &'d str,
    /// Where it stands, quotes included.
    pub span: Span,
    /// Where the text begins, if it stands in the file byte for byte.
    begin: Option<u32>,
}

/// A key and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'d> {
    pub key: Text<'d>,
    pub value: &'d Value<'d>,
}

/// The file's text, and what was found wrong with it so far.
#[derive(Debug)]
pub(super) struct Reader<'d> {
    source: &'d str,
    pub problems: Vec<Problem>,
}

impl Text<'_> {
    /// The place of these bytes of the text; all of it when escapes make that uncertain.
    pub fn part(&self, bytes: Range<usize>) -> Span {
        match self.begin {
            Some(begin) => Span { start: begin + bytes.start as u32, end: begin + bytes.end as u32 },
            None => self.span,
        }
    }
}

impl Entry<'_> {
    /// The key, as problems name it.
    pub fn name(&self) -> String {
        format!("`{}`", self.key.text)
    }
}

/// The place of a value.
pub(super) fn span<T>(spanned: &Spanned<T>) -> Span {
    span_of(spanned.span())
}

fn span_of(range: Range<usize>) -> Span {
    Span { start: range.start as u32, end: range.end as u32 }
}

/// The problems of the parser. A key given twice is left out of the table and hides nothing else; after anything worse
/// the table is a guess.
pub(super) fn syntax_problems(source: &str, errors: &[Error]) -> Vec<Problem> {
    errors.iter().map(|error| syntax_problem(source, error)).collect()
}

/// Whether the parser's errors leave the table as it was meant.
pub(super) fn is_readable(errors: &[Error]) -> bool {
    errors.iter().all(|error| error.message() == DUPLICATE)
}

const DUPLICATE: &str = "duplicate key";

fn syntax_problem(source: &str, error: &Error) -> Problem {
    let range = error.span().unwrap_or_default();
    let name = source.get(range.clone()).unwrap_or_default();
    let (title, label) = match error.message() {
        DUPLICATE => (format!("`{name}` is given twice"), "for the second time here".to_owned()),
        message => match message.split_once(", expected ") {
            Some((title, expected)) => (title.to_owned(), format!("expected {expected}")),
            None => (message.to_owned(), String::new()),
        },
    };
    Problem { title, places: vec![(span_of(range), label)], help: None }
}

/// The entries of a table in the order of the file.
pub(super) fn entries<'d>(source: &'d str, table: &'d DeTable<'d>) -> Vec<Entry<'d>> {
    let mut entries: Vec<_> =
        table.iter().map(|(key, value)| Entry { key: text(source, key.get_ref(), key), value }).collect();
    entries.sort_by_key(|entry| entry.key.span);
    entries
}

fn text<'d, T>(source: &str, decoded: &'d str, spanned: &Spanned<T>) -> Text<'d> {
    let range = spanned.span();
    let raw = source.get(range.clone()).unwrap_or_default();
    // Bare, in single or in triple quotes, of which the opening ones may be followed by a line break.
    let begin =
        ["", "\"", "'", "\"\"\"", "'''", "\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"].into_iter().find_map(|open| {
            let close = open.trim_end();
            let inner = raw.strip_prefix(open)?.strip_suffix(close)?;
            (inner == decoded).then_some((range.start + open.len()) as u32)
        });
    Text { text: decoded, span: span_of(range), begin }
}

impl<'d> Reader<'d> {
    pub fn new(source: &'d str) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// The text of the file.
    pub fn source(&self) -> &'d str {
        self.source
    }

    /// Notes a problem with one place.
    pub fn wrong(&mut self, span: Span, title: impl Into<String>, label: impl Into<String>) -> &mut Problem {
        self.wrong_at(vec![(span, label.into())], title)
    }

    /// Notes a problem with several places, the most important first.
    pub fn wrong_at(&mut self, places: Vec<(Span, String)>, title: impl Into<String>) -> &mut Problem {
        self.problems.push(Problem { title: title.into(), places, help: None });
        // Not empty: it was pushed to just now.
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// The name that was meant, for a help line. Not looked for once there are more problems than are shown: comparing
    /// thousands of wrong names with thousands of right ones takes minutes.
    pub fn meant<'a>(&self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        if self.is_full() { None } else { nearest(wrong, right) }
    }

    /// Whether there are more problems than are shown.
    pub fn is_full(&self) -> bool {
        self.problems.len() > SHOWN
    }

    /// Notes a key that is not known in `place` (`[project]`), and tells which was meant.
    pub fn unknown_key(&mut self, key: &Text<'d>, place: &str, known: &[&'static str]) -> Option<&'static str> {
        let meant = self.meant(key.text, known.iter().copied());
        let help = match meant {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", listed(known)),
        };
        self.wrong(key.span, format!("unknown key `{}` in {place}", key.text), "").help = Some(help);
        meant
    }

    /// The entries of a value that has to be a table; none when it is something else.
    pub fn table(&mut self, entry: &Entry<'d>) -> Option<Vec<Entry<'d>>> {
        match entry.value.get_ref() {
            DeValue::Table(table) => Some(entries(self.source, table)),
            _ => self.wrong_type(entry, "a table"),
        }
    }

    pub fn string(&mut self, entry: &Entry<'d>) -> Option<Text<'d>> {
        match self.as_text(entry.value) {
            Some(text) => Some(text),
            None => self.wrong_type(entry, "a string"),
        }
    }

    pub fn boolean(&mut self, entry: &Entry<'d>) -> Option<bool> {
        match entry.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type(entry, "`true` or `false`"),
        }
    }

    /// The strings of an array; those entries that are none are left out, with a problem each.
    pub fn strings(&mut self, entry: &Entry<'d>) -> Option<Vec<Text<'d>>> {
        let DeValue::Array(array) = entry.value.get_ref() else {
            let text = self.as_text(entry.value);
            let problem = self.must_be(&entry.name(), entry.value, "an array of strings");
            problem.help = text.map(|text| format!("put it in brackets: `[\"{}\"]`", text.text));
            return None;
        };
        let strings = array.iter().filter_map(|value| {
            let text = self.as_text(value);
            if text.is_none() {
                self.must_be(&format!("every entry of {}", entry.name()), value, "a string");
            }
            text
        });
        Some(strings.collect())
    }

    /// The value as text, if it is a string.
    pub fn as_text(&self, value: &'d Value<'d>) -> Option<Text<'d>> {
        match value.get_ref() {
            DeValue::String(decoded) => Some(text(self.source, decoded, value)),
            _ => None,
        }
    }

    /// Notes that a value has another type than it should.
    pub fn must_be(&mut self, what: &str, value: &Value<'d>, wanted: &str) -> &mut Problem {
        self.wrong(span(value), format!("{what} must be {wanted}"), format!("this is {}", kind(value)))
    }

    fn wrong_type<T>(&mut self, entry: &Entry<'d>, wanted: &str) -> Option<T> {
        self.must_be(&entry.name(), entry.value, wanted);
        None
    }
}

/// What a value is, in words.
fn kind(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(array) if array.iter().any(|value| value.get_ref().is_table()) => "an array of tables",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Names as one lists them: `` `a`, `b` ``.
pub(super) fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_has_its_place_unless_escapes_make_it_uncertain() {
        for (value, part) in [
            (r#""a {x}""#, Some("{x}")),
            (r"'a {x}'", Some("{x}")),
            (r#""""a {x}""""#, Some("{x}")),
            ("\"\"\"\na {x}\"\"\"", Some("{x}")),
            ("'''\r\na {x}'''", Some("{x}")),
            (r#""\u0061 {x}""#, None),
        ] {
            let source = format!("k = {value}");
            let (table, errors) = DeTable::parse_recoverable(&source);
            assert!(errors.is_empty());
            let reader = Reader::new(&source);
            let entry = entries(&source, table.get_ref())[0];
            let text = reader.as_text(entry.value).unwrap();
            let span = text.part(2..5);
            let shown = &source[span.start as usize..span.end as usize];
            assert_eq!(shown, part.unwrap_or(value), "{source}");
        }
    }

    #[test]
    fn entries_come_in_the_order_of_the_file() {
        let source = "[t.z]\n[t.a]\n[t.m.n]\n[t.b]";
        let (table, _) = DeTable::parse_recoverable(source);
        let t = entries(source, table.get_ref())[0];
        let mut reader = Reader::new(source);
        let names: Vec<_> = reader.table(&t).unwrap().iter().map(|entry| entry.key.text).collect();
        assert_eq!(names, ["z", "a", "m", "b"]);
    }
}
