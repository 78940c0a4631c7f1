//! What a step made, file by file: a list that is a blob itself. It knows nothing of where the files are now.

use sha2::{Digest as _, Sha256};

use super::bytes::{Eye, Pen};
use crate::model::Digest;

/// The first bytes of a manifest; the last is its version.
const HEAD: &[u8] = b"clc-outs\x01";

/// The outputs of one run of a step, in the order of their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The outputs.
    pub entries: Vec<Made>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Relative to the workspace root, with `/`.
    pub path: String,
    /// What it is.
    pub kind: MadeKind,
    /// Whether the step wrote it. What it did not write is no business of ours to put back.
    pub written: bool,
}

/// What an output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeKind {
    /// A file, whose contents are the blob of this digest.
    File {
        /// The SHA-256 of its contents.
        digest: Digest,
        /// Its length in bytes.
        size: u64,
        /// Its permissions, as Unix numbers them.
        mode: u32,
    },
    /// A symbolic link, and where it points.
    Link(String),
    /// A folder with nothing in it.
    Folder,
}

impl Manifest {
    /// The digest of what was made: names, contents, and whether files can be executed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut pen = Pen::default();
        for made in &self.entries {
            pen.text(&made.path);
            match &made.kind {
                MadeKind::File { digest, mode, .. } => {
                    pen.u8(u8::from(mode & 0o111 != 0));
                    pen.digest(digest);
                }
                MadeKind::Link(to) => {
                    pen.u8(2);
                    pen.text(to);
                }
                MadeKind::Folder => pen.u8(3),
            }
        }
        Digest(Sha256::digest(pen.0).into())
    }

    /// The bytes of it, for a blob.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut pen = Pen(HEAD.to_vec());
        pen.length(self.entries.len());
        for made in &self.entries {
            pen.text(&made.path);
            pen.u8(made.written.into());
            match &made.kind {
                MadeKind::File { digest, size, mode } => {
                    pen.u8(0);
                    pen.digest(digest);
                    pen.u64(*size);
                    pen.u32(*mode);
                }
                MadeKind::Link(to) => {
                    pen.u8(1);
                    pen.text(to);
                }
                MadeKind::Folder => pen.u8(2),
            }
        }
        pen.0
    }

    /// Reads it back; `None` if the bytes are no manifest.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut eye = Eye(bytes.strip_prefix(HEAD)?);
        let count = eye.length()?;
        let entries = (0..count).map(|_| made(&mut eye)).collect::<Option<_>>()?;
        eye.0.is_empty().then_some(Self { entries })
    }

    /// The blobs that it names, each with its size in bytes.
    pub fn blobs(&self) -> impl Iterator<Item = (Digest, u64)> + '_ {
        self.entries.iter().filter(|made| made.written).filter_map(|made| match made.kind {
            MadeKind::File { digest, size, .. } => Some((digest, size)),
            MadeKind::Link(_) | MadeKind::Folder => None,
        })
    }
}

fn made(eye: &mut Eye<'_>) -> Option<Made> {
    let path = eye.text()?.to_owned();
    let written = eye.u8()? != 0;
    let kind = match eye.u8()? {
        0 => MadeKind::File { digest: eye.digest()?, size: eye.u64()?, mode: eye.u32()? },
        1 => MadeKind::Link(eye.text()?.to_owned()),
        2 => MadeKind::Folder,
        _ => return None,
    };
    Some(Made { path, kind, written })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let file = MadeKind::File { digest: Digest([7; 32]), size: 3, mode: 0o644 };
        let made = |path: &str, kind| Made { path: path.into(), kind, written: path != "b" };
        Manifest {
            entries: vec![made("a/é", file.clone()), made("b", file), made("c", MadeKind::Link("a/é".into()))]
        }
    }

    #[test]
    fn it_comes_back_and_nothing_else_does() {
        let good = manifest().encode();
        assert_eq!(Manifest::decode(&good), Some(manifest()));
        assert_eq!(manifest().blobs().collect::<Vec<_>>(), [(Digest([7; 32]), 3)]);
        for cut in 0..good.len() {
            assert_eq!(Manifest::decode(&good[..cut]), None);
        }
        assert_eq!(Manifest::decode(&[&good[..], b"x"].concat()), None);
    }

    #[test]
    fn the_digest_is_of_what_was_made_not_of_who_wrote_it() {
        let mut other = manifest();
        other.entries[1].written = true;
        assert_eq!(other.digest(), manifest().digest());
        let set_mode = |manifest: &mut Manifest, to| match &mut manifest.entries[0].kind {
            MadeKind::File { mode, .. } => *mode = to,
            MadeKind::Link(_) | MadeKind::Folder => unreachable!(),
        };
        set_mode(&mut other, 0o600);
        assert_eq!(other.digest(), manifest().digest());
        set_mode(&mut other, 0o755);
        assert_ne!(other.digest(), manifest().digest());
        other = manifest();
        other.entries[2].kind = MadeKind::Folder;
        assert_ne!(other.digest(), manifest().digest());
    }
}
