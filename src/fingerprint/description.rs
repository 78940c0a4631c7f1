//! The canonical form of what a key covers: written once, hashed for the key, read back for the explanation.

use sha2::{Digest as _, Sha256};

use crate::model::Digest;

/// The version of the form; one line of history for each.
///
/// 1: the first. 2: members' folders; discovered inputs. 3: ignored sources only where there are any.
/// 4: variables of documentation tests.
pub const FORMAT: u8 = 4;

/// What an item says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tag {
    /// The version of the form.
    Format,
    /// The phase's name.
    Phase,
    /// Whether its commands run at the same time.
    Parallel,
    /// A command as written, named by its place.
    Command,
    /// What a placeholder stands for, named by the placeholder.
    Place,
    /// The arguments after `--`.
    Arguments,
    /// Cargo's build flags.
    Flags,
    /// A variable that make.toml sets, asks for, or that cargo and the compiler read.
    Variable,
    /// The members of the group.
    Selection,
    /// Everything about the machine that results depend on; a part.
    Environment,
    /// A compiler or cargo, by what it says of itself.
    Tool,
    /// The target triple.
    Platform,
    /// A configuration file outside of the inputs.
    Config,
    /// A member, with what it is made of; a part.
    Member,
    /// A package reached by path that is no member; a part.
    PathPackage,
    /// The files of a member or package; a part.
    Files,
    /// A file's contents.
    File,
    /// Where a symbolic link points.
    Link,
    /// A part of the root manifest.
    Manifest,
    /// A locked package, with those it depends on; a part.
    Locked,
    /// A locked package's version.
    Version,
    /// A locked package's source and checksum.
    Source,
    /// Every file under the root; a part.
    Everything,
    /// A glob of outputs, named by its place; or what a step that is waited for made, named by the step.
    Outputs,
    /// That a file may be executed.
    Mode,
    /// Which members have a `src/lib.rs` and a `src/main.rs`; a part, and an item of it for each of these files.
    Targets,
}

const TAGS: [Tag; 26] = [
    Tag::Format,
    Tag::Phase,
    Tag::Parallel,
    Tag::Command,
    Tag::Place,
    Tag::Arguments,
    Tag::Flags,
    Tag::Variable,
    Tag::Selection,
    Tag::Environment,
    Tag::Tool,
    Tag::Platform,
    Tag::Config,
    Tag::Member,
    Tag::PathPackage,
    Tag::Files,
    Tag::File,
    Tag::Link,
    Tag::Manifest,
    Tag::Locked,
    Tag::Version,
    Tag::Source,
    Tag::Everything,
    Tag::Outputs,
    Tag::Mode,
    Tag::Targets,
];

/// An item read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item<'a> {
    pub tag: Tag,
    pub name: &'a [u8],
    pub value: Value<'a>,
}

/// The value of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value<'a> {
    /// Text that may be shown.
    Text(&'a [u8]),
    /// The digest of something that is not shown: a file's contents, a variable's value.
    Digest(Digest),
    /// Another description.
    Part(Digest),
}

const TEXT: u8 = 0;
const DIGEST: u8 = 1;
const PART: u8 = 2;

/// A description being written.
#[derive(Clone, Debug, Default)]
pub struct Description {
    bytes: Vec<u8>,
}

impl Description {
    /// Nothing yet, with room for so many bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// An item whose value may be shown.
    pub fn text(&mut self, tag: Tag, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.put(tag, name.as_ref(), TEXT, value.as_ref());
    }

    /// An item whose value is known by its digest alone.
    pub fn digest(&mut self, tag: Tag, name: impl AsRef<[u8]>, value: Digest) {
        self.put(tag, name.as_ref(), DIGEST, &value.0);
    }

    /// An item whose value must not be shown: only its digest is kept.
    pub fn secret(&mut self, tag: Tag, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.digest(tag, name, sha256(value.as_ref()));
    }

    /// An item that stands for another description.
    pub fn part(&mut self, tag: Tag, name: impl AsRef<[u8]>, part: Digest) {
        self.put(tag, name.as_ref(), PART, &part.0);
    }

    /// The canonical bytes and their SHA-256.
    #[must_use]
    pub fn finish(self) -> (Digest, Vec<u8>) {
        (sha256(&self.bytes), self.bytes)
    }

    fn put(&mut self, tag: Tag, name: &[u8], kind: u8, value: &[u8]) {
        self.bytes.reserve(name.len() + value.len() + 18);
        self.bytes.push(tag as u8);
        self.bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(name);
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(value);
    }
}

/// The items of a description, read back; stops at the first that makes no sense.
pub fn items(mut bytes: &[u8]) -> impl Iterator<Item = Item<'_>> {
    std::iter::from_fn(move || {
        let tag = *TAGS.get(usize::from(take(&mut bytes, 1)?[0]))?;
        let name = take_sized(&mut bytes)?;
        let kind = take(&mut bytes, 1)?[0];
        let value = take_sized(&mut bytes)?;
        let digest = || Some(Digest(value.try_into().ok()?));
        let value = match kind {
            TEXT => Value::Text(value),
            DIGEST => Value::Digest(digest()?),
            PART => Value::Part(digest()?),
            _ => return None,
        };
        Some(Item { tag, name, value })
    })
}

/// The parts that a description stands on, by their digests.
#[must_use]
pub fn references(bytes: &[u8]) -> Vec<Digest> {
    let parts = items(bytes).filter_map(|item| match item.value {
        Value::Part(digest) => Some(digest),
        Value::Text(_) | Value::Digest(_) => None,
    });
    parts.collect()
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u64::from_le_bytes(take(bytes, 8)?.try_into().ok()?);
    take(bytes, usize::try_from(length).ok()?)
}

/// The SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_tags_are_in_place() {
        for (place, tag) in TAGS.iter().enumerate() {
            assert_eq!(*tag as usize, place);
        }
        let part = Digest([7; 32]);
        let mut description = Description::default();
        description.text(Tag::Phase, "", "build");
        description.part(Tag::Member, "a", part);
        description.secret(Tag::Variable, "TOKEN", "hunter2");
        let (digest, bytes) = description.finish();
        assert_eq!(digest, sha256(&bytes));
        let read: Vec<Item<'_>> = items(&bytes).collect();
        assert_eq!(read[0], Item { tag: Tag::Phase, name: b"", value: Value::Text(b"build") });
        assert_eq!(read[1].value, Value::Part(part));
        assert_eq!(read[2].value, Value::Digest(sha256(b"hunter2")));
        assert_eq!(references(&bytes), [part]);
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "a value of a variable is never kept");
    }

    #[test]
    fn neighbours_cannot_run_into_each_other() {
        let describe = |pairs: &[(&str, &str)]| {
            let mut description = Description::default();
            pairs.iter().for_each(|(name, value)| description.text(Tag::Command, name, value));
            description.finish().0
        };
        let all = [
            describe(&[("a", "b c")]),
            describe(&[("a", "b"), ("", "c")]),
            describe(&[("a b", "c")]),
            describe(&[("a", "c b")]),
            describe(&[("", "ab c")]),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(all[place + 1..].iter().all(|other| other != one));
        }
    }

    #[test]
    fn cut_bytes_end_the_reading() {
        let mut description = Description::default();
        description.text(Tag::Phase, "name", "value");
        let (_, bytes) = description.finish();
        for length in 0..bytes.len() {
            assert_eq!(items(&bytes[..length]).count(), 0);
        }
    }
}
