//! What differs between two descriptions, for people: files, packages, variables by name.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::description::{Item, Tag, Value, items};
use super::moved;
use crate::model::{Change, ChangeKind, Digest};

/// Where the bytes of a description are found.
pub type Pool<'a> = &'a dyn Fn(&Digest) -> Option<&'a [u8]>;

/// The differences between the description of digest `old`, found in one pool, and that of `new`, found in another; in
/// the order in which they are told, each once. Empty when they are the same, or when the old one is not there.
#[must_use]
pub fn changes<'a>(old: Digest, old_pool: Pool<'a>, new: Digest, new_pool: Pool<'a>) -> Vec<Change> {
    let mut comparison =
        Comparison { old_pool, new_pool, seen: HashSet::new(), within: 0, found: Vec::new(), lesser: Vec::new() };
    comparison.parts(old, new, b"");
    let mut found = comparison.found;
    moved::told_once(&mut found);
    if found.iter().any(|change| &*change.name == FORM) {
        // Nothing else can be compared.
        found.retain(|change| &*change.name == FORM);
    }
    use ChangeKind::{MemberAdded, MemberRemoved, MemberRenamed, Other};
    if found.iter().any(|change| &*change.name == INPUTS) {
        found.retain(|change| !matches!(change.kind, MemberAdded | MemberRemoved | MemberRenamed));
    }
    if found.iter().any(|change| change.kind == ChangeKind::Selection) {
        // That members come and go with it needs no saying.
        found.retain(|change| !matches!(change.kind, Other | MemberAdded | MemberRemoved | MemberRenamed));
    }
    if found.is_empty() {
        found = comparison.lesser;
    }
    // An update is told before what it brings along.
    let brought =
        |change: &Change| change.kind == ChangeKind::Package && (change.before.is_none() || change.after.is_none());
    found.sort_by_cached_key(|change| (change.kind, brought(change), change.clone()));
    found.dedup();
    once(&mut found);
    found
}

/// A configuration file that lies in the workspace is a file of the workspace as well: it is told as a file. A program that
/// a variable names is another when the variable is; a flag with a hidden value is one of the flags.
fn once(found: &mut Vec<Change>) {
    let is_file = |kind| matches!(kind, ChangeKind::FileChanged | ChangeKind::FileAdded | ChangeKind::FileRemoved);
    let files: HashSet<_> = found.iter().filter(|one| is_file(one.kind)).map(|one| Arc::clone(&one.name)).collect();
    found.retain(|one| one.kind != ChangeKind::Config || !files.contains(&one.name));
    let variables = found.iter().filter(|one| one.kind == ChangeKind::Variable);
    let programs: HashSet<String> = variables.map(|one| format!("the program in {}", one.name)).collect();
    found.retain(|one| one.kind != ChangeKind::Toolchain || !programs.contains(&*one.name));
    let is_shown = |one: &Change| one.kind == ChangeKind::Flags && one.before.is_some();
    let are_shown = found.iter().any(is_shown);
    found.retain(|one| one.kind != ChangeKind::Flags || !are_shown || is_shown(one));
}

/// What a description of another version differs in.
const FORM: &str = "the form of keys";

/// What a phase covers, as make.toml says it.
const INPUTS: &str = "the choice of inputs";

struct Comparison<'a> {
    old_pool: Pool<'a>,
    new_pool: Pool<'a>,
    seen: HashSet<(Digest, Digest)>,
    /// How many members and packages the parts being compared lie in.
    within: usize,
    found: Vec<Change>,
    /// What is told if there is nothing else: what brings it about is told by itself, where it is covered.
    lesser: Vec<Change>,
}

/// Items of one tag and name on both sides, those that are equal taken away.
#[derive(Default)]
struct Pair<'a> {
    old: Vec<Value<'a>>,
    new: Vec<Value<'a>>,
}

impl<'a> Comparison<'a> {
    /// Compares two parts; `place` is the member whose files they hold.
    fn parts(&mut self, old: Digest, new: Digest, place: &[u8]) -> bool {
        if old == new || !self.seen.insert((old, new)) {
            return true;
        }
        let (Some(old), Some(new)) = ((self.old_pool)(&old), (self.new_pool)(&new)) else { return false };
        self.items(old, new, place);
        true
    }

    fn items(&mut self, old: &'a [u8], new: &'a [u8], place: &[u8]) {
        let mut pairs: BTreeMap<(Tag, &[u8]), Pair<'_>> = BTreeMap::new();
        for Item { tag, name, value } in items(old) {
            pairs.entry((tag, name)).or_default().old.push(value);
        }
        for Item { tag, name, value } in items(new) {
            let pair = pairs.entry((tag, name)).or_default();
            match pair.old.iter().position(|old| *old == value) {
                Some(same) => drop(pair.old.remove(same)),
                None => pair.new.push(value),
            }
        }
        // Of a file that is new or gone that alone is told.
        let of_both = |tag: Tag, name: &[u8]| {
            pairs.get(&(tag, name)).is_none_or(|pair| pair.old.is_empty() == pair.new.is_empty())
        };
        let is_told = |tag: Tag, name: &[u8]| tag != Tag::Mode || of_both(Tag::File, name);
        for ((tag, name), pair) in pairs.iter().filter(|((tag, name), _)| is_told(*tag, name)) {
            let (tag, name) = (*tag, *name);
            for place_in in 0..pair.old.len().max(pair.new.len()) {
                self.differ(tag, name, (pair.old.get(place_in), pair.new.get(place_in)), place);
            }
        }
    }

    fn differ(&mut self, tag: Tag, name: &[u8], values: (Option<&Value<'a>>, Option<&Value<'a>>), place: &[u8]) {
        if let (Some(Value::Part(old)), Some(Value::Part(new))) = values {
            let before = self.found.len();
            if tag == Tag::Locked {
                self.package(name, Some(*old), Some(*new));
            }
            let place = if tag == Tag::Files { name } else { place };
            let is_package = matches!(tag, Tag::Member | Tag::PathPackage | Tag::Locked);
            self.within += usize::from(is_package);
            let known = self.parts(*old, *new, place);
            self.within -= usize::from(is_package);
            if known || self.found.len() > before {
                return;
            }
        }
        match (tag, values) {
            // The version is told with the package's name, one level up.
            (Tag::Version | Tag::Source, _) => {}
            (Tag::Member | Tag::PathPackage, (Some(Value::Part(old)), None)) => self.came_or_went(name, *old, false),
            (Tag::Member | Tag::PathPackage, (None, Some(Value::Part(new)))) => self.came_or_went(name, *new, true),
            // There was nothing of its sort before, or there is nothing left.
            (Tag::Files, (old, new)) if old.is_none() != new.is_none() && name != b"/" => {
                let bytes = |value: Option<&Value<'a>>, pool: Pool<'a>| {
                    value.and_then(part).map_or(Some(&[][..]), |part| pool(&part))
                };
                match (bytes(old, self.old_pool), bytes(new, self.new_pool)) {
                    (Some(old), Some(new)) => self.items(old, new, name),
                    _ => self.tell(ChangeKind::Other, tag, name, (old, new), place),
                }
            }
            (Tag::Locked, (old, new)) => self.package(name, old.and_then(part), new.and_then(part)),
            (tag, (old, new)) => self.tell(kind(tag, old.is_some(), new.is_some()), tag, name, (old, new), place),
        }
    }

    /// A member of the workspace, or something that a member depends on. Its folder stands where a package has its version.
    fn came_or_went(&mut self, name: &[u8], part: Digest, came: bool) {
        if name.is_empty() {
            // A workspace-scope phase that has `inputs` now, or has them no longer.
            return self.found.push(Change { kind: ChangeKind::Other, name: INPUTS.into(), before: None, after: None });
        }
        let pool = if came { self.new_pool } else { self.old_pool };
        let mut places = items(pool(&part).unwrap_or_default()).filter_map(|item| match (item.tag, item.value) {
            (Tag::Place, Value::Text(folder)) => Some(String::from_utf8_lossy(folder).as_ref().into()),
            _ => None,
        });
        let folder: Option<Arc<str>> = places.next();
        let kind = match (self.within > 0, came) {
            (true, true) => ChangeKind::DependencyAdded,
            (true, false) => ChangeKind::DependencyRemoved,
            (false, true) => ChangeKind::MemberAdded,
            (false, false) => ChangeKind::MemberRemoved,
        };
        let (before, after) = if came { (None, folder) } else { (folder, None) };
        self.found.push(Change { kind, name: String::from_utf8_lossy(name).into(), before, after });
    }

    /// A locked package's version, where it is another; a package that is new or gone.
    fn package(&mut self, name: &[u8], old: Option<Digest>, new: Option<Digest>) {
        let version = |pool: Pool<'a>, part: Option<Digest>| {
            let bytes = pool(&part?)?;
            let mut texts = items(bytes).filter_map(|item| match (item.tag, item.value) {
                (Tag::Version | Tag::Source, Value::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
                _ => None,
            });
            Some((texts.next()?, texts.next()?))
        };
        let (old, new) = (version(self.old_pool, old), version(self.new_pool, new));
        if old == new {
            return;
        }
        let name = String::from_utf8_lossy(name).into();
        let only_source = matches!((&old, &new), (Some(old), Some(new)) if old.0 == new.0);
        let shown = |version: Option<(String, String)>| {
            version.map(|(version, source)| if only_source { source.into() } else { version.into() })
        };
        self.found.push(Change { kind: ChangeKind::Package, name, before: shown(old), after: shown(new) });
    }

    fn tell(
        &mut self,
        kind: ChangeKind,
        tag: Tag,
        name: &[u8],
        (old, new): (Option<&Value<'a>>, Option<&Value<'a>>),
        place: &[u8],
    ) {
        let name = String::from_utf8_lossy(name);
        let name = match tag {
            Tag::Mode if place.is_empty() || place == b"/" => format!("the mode of {name}"),
            Tag::Mode => format!("{}: the mode of {name}", String::from_utf8_lossy(place)),
            Tag::File | Tag::Link if place == b"/" => format!("//{name}"),
            Tag::File | Tag::Link if !place.is_empty() => format!("{}: {name}", String::from_utf8_lossy(place)),
            Tag::Files | Tag::Everything if name.is_empty() => "files of the workspace".to_owned(),
            Tag::Files | Tag::Everything => format!("files of {name}"),
            Tag::Place if matches!(&*name, "folder" | "dir") => "the folder of a member".to_owned(),
            Tag::Place if name == "root" => "the place of the workspace".to_owned(),
            Tag::Member => format!("member {name}"),
            Tag::PathPackage => format!("package {name}"),
            Tag::Environment => "the environment".to_owned(),
            Tag::Outputs if matches!(old.or(new), Some(Value::Text(_))) => "outputs".to_owned(),
            Tag::Outputs => format!("outputs of {name}"),
            Tag::Phase | Tag::Parallel | Tag::Format => tag_name(tag).to_owned(),
            _ => name.into_owned(),
        };
        let text = |value: Option<&Value<'_>>| match value {
            Some(Value::Text(text)) => Some(String::from_utf8_lossy(text).as_ref().into()),
            _ => None,
        };
        let shown = matches!(tag, Tag::Tool | Tag::Platform | Tag::Selection | Tag::Flags | Tag::Place);
        let (before, after) = if shown { (text(old), text(new)) } else { (None, None) };
        // Of a step that has not run yet it is not known what it makes.
        let is_to_come = tag == Tag::Outputs && new.is_none();
        let found = if tag == Tag::Targets || is_to_come { &mut self.lesser } else { &mut self.found };
        found.push(Change { kind, name: name.into(), before, after });
    }
}

fn part(value: &Value<'_>) -> Option<Digest> {
    match value {
        Value::Part(digest) => Some(*digest),
        Value::Text(_) | Value::Digest(_) => None,
    }
}

fn tag_name(tag: Tag) -> &'static str {
    match tag {
        Tag::Parallel => "parallel",
        Tag::Phase => "phase",
        _ => FORM,
    }
}

fn kind(tag: Tag, was: bool, is: bool) -> ChangeKind {
    match (tag, was, is) {
        (Tag::File | Tag::Link | Tag::Targets, false, _) => ChangeKind::FileAdded,
        (Tag::File | Tag::Link | Tag::Targets, _, false) => ChangeKind::FileRemoved,
        (Tag::File | Tag::Link, ..) => ChangeKind::FileChanged,
        (Tag::Variable, ..) => ChangeKind::Variable,
        (Tag::Tool | Tag::Platform, ..) => ChangeKind::Toolchain,
        (Tag::Config, false, _) => ChangeKind::FileAdded,
        (Tag::Config, _, false) => ChangeKind::FileRemoved,
        (Tag::Config, ..) => ChangeKind::Config,
        (Tag::Manifest, ..) => ChangeKind::Manifest,
        (Tag::Command | Tag::Parallel | Tag::Phase, ..) => ChangeKind::Command,
        (Tag::Arguments, ..) => ChangeKind::Arguments,
        (Tag::Flags, ..) => ChangeKind::Flags,
        (Tag::Selection, ..) => ChangeKind::Selection,
        (Tag::Locked | Tag::Version | Tag::Source, ..) => ChangeKind::Package,
        _ => ChangeKind::Other,
    }
}
