//! Environment variables as make.toml gives and names them; who is given them is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::syntax::{Entry, Reader, Text};

/// Variables with their values.
pub(super) type Env = BTreeMap<Arc<str>, Arc<str>>;

/// `env = { … }`
pub(super) fn table<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Env {
    let mut env = Env::new();
    for variable in reader.table(entry).unwrap_or_default() {
        check_name(reader, &variable.key);
        let Some(value) = value(reader, &variable) else { continue };
        if value.text.contains('\0') {
            reader.wrong(value.span, "a variable's value must not contain a NUL character", "");
        }
        env.insert(variable.key.text.into(), value.text.into());
    }
    env
}

/// `env-inputs = […]`
pub(super) fn names<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Vec<Arc<str>> {
    let names = reader.strings(entry).unwrap_or_default();
    for name in &names {
        check_name(reader, name);
    }
    names.iter().map(|name| name.text.into()).collect()
}

/// Numbers and booleans are the usual slip; how they would be spelled is not for us to guess.
fn value<'d>(reader: &mut Reader<'d>, variable: &Entry<'d>) -> Option<Text<'d>> {
    let value = reader.as_text(variable.value);
    if value.is_none() {
        let problem = reader.must_be(&variable.name(), variable.value, "a string");
        problem.help = Some("a variable's value is text: put it in quotes".to_owned());
    }
    value
}

fn check_name(reader: &mut Reader<'_>, name: &Text<'_>) {
    if name.text.is_empty() || name.text.contains(|character: char| character == '=' || character.is_control()) {
        reader.wrong(name.span, format!("`{}` cannot be the name of a variable", name.text), "");
    }
}
