//! The names of all phases, known before anything is said about them; what a phase does is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::builtin;
use super::syntax::{Entry, Reader, Text, entries};
use crate::model::{PhaseId, Span};

/// Every phase's name: the built-in ones in their order, then the file's own in the order in which they first stand
/// there.
#[derive(Debug)]
pub(super) struct Names {
    ids: BTreeMap<Arc<str>, PhaseId>,
    ordered: Vec<(Arc<str>, Span)>,
}

impl Names {
    /// Collects `[lifecycle.<phase>]` and `[workspace.<name>] lifecycle.<phase>`. Says nothing of what has the wrong type;
    /// that is found when it is read.
    pub fn of(source: &str, root: &[Entry<'_>]) -> Self {
        let mut found = Vec::new();
        for entry in children(source, root, "lifecycle") {
            found.push(entry.key);
        }
        for table in children(source, root, "workspace") {
            let inner = table.value.get_ref().as_table().map(|table| entries(source, table)).unwrap_or_default();
            found.extend(children(source, &inner, "lifecycle").iter().map(|entry| entry.key));
        }
        found.sort_by_key(|key| key.span);
        let mut names = Self { ids: BTreeMap::new(), ordered: Vec::new() };
        for phase in &builtin::PHASES {
            names.add(phase.name, Span::default());
        }
        for key in found {
            names.add(key.text, key.span);
        }
        names
    }

    fn add(&mut self, name: &str, span: Span) {
        if !self.ids.contains_key(name) {
            let name: Arc<str> = name.into();
            self.ids.insert(Arc::clone(&name), PhaseId::new(self.ordered.len()));
            self.ordered.push((name, span));
        }
    }

    /// The names with the places where they first stand, in order.
    pub fn ordered(&self) -> &[(Arc<str>, Span)] {
        &self.ordered
    }

    /// The names, in order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.ordered.iter().map(|(name, _)| &**name)
    }

    /// The phase of this name, which stands at `span`; a problem if there is none.
    pub fn phase(&self, reader: &mut Reader<'_>, name: &str, span: Span) -> Option<PhaseId> {
        let found = self.ids.get(name).copied();
        if found.is_none() {
            let help = reader.meant(name, self.all()).map(|meant| format!("did you mean `{meant}`?"));
            reader.wrong(span, format!("there is no phase `{name}`"), "").help = help;
        }
        found
    }

    /// The phase of this name, if there is one.
    pub fn find(&self, name: &str) -> Option<PhaseId> {
        self.ids.get(name).copied()
    }
}

/// Notes what a name of the kind `what` (`a phase`) may not be: it is typed on command lines and printed in lists.
pub(super) fn check_name(reader: &mut Reader<'_>, key: &Text<'_>, what: &str) {
    let name = key.text;
    let wrong = if name.is_empty() {
        "be empty"
    } else if name.starts_with('-') {
        "begin with `-`, which begins an option"
    } else if name.contains(char::is_whitespace) {
        "contain white space"
    } else if name.contains(char::is_control) {
        "contain control characters"
    } else {
        return;
    };
    reader.wrong(key.span, format!("the name of {what} must not {wrong}"), "");
}

fn children<'d>(source: &'d str, entries: &[Entry<'d>], name: &str) -> Vec<Entry<'d>> {
    let found = entries.iter().find(|entry| entry.key.text == name);
    let table = found.and_then(|entry| entry.value.get_ref().as_table());
    table.map(|table| self::entries(source, table)).unwrap_or_default()
}
