//! The last description of each step, for explanations: a pool of parts by their digests, and each step's root among
//! them. It knows nothing of what a part says, but that it may name others.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use super::bytes::{Eye, Pen};
use super::frame::Frame;
use super::table::{Entry, Table};
use crate::home::{Damage, Guard, Home, Kept};
use crate::model::Digest;

/// 1: the first.
const FRAME: Frame = Frame { magic: b"clc-desc", version: 1 };

/// The digests of the parts that a part names.
pub type References = fn(&[u8]) -> Vec<Digest>;

/// The descriptions as they were read.
#[derive(Debug, Default)]
pub struct Descriptions {
    roots: BTreeMap<String, Digest>,
    parts: Table,
}

impl Descriptions {
    /// Reads them. What cannot be understood is set aside with a warning, and there are none.
    #[must_use]
    pub fn load(home: &Home) -> (Self, Option<String>) {
        home.read(&kept(home))
    }

    /// The root of the step's description.
    #[must_use]
    pub fn root_of(&self, step: &str) -> Option<Digest> {
        self.roots.get(step).copied()
    }

    /// The part of this digest.
    #[must_use]
    pub fn part(&self, digest: &Digest) -> Option<&[u8]> {
        self.parts.find(digest).map(|entry| entry.value)
    }

    /// Lays `roots` (by step id) and `parts` (each under the SHA-256 of its bytes) over what stands on disk now, and
    /// drops what is there of steps that are not known any more, and the parts that no root reaches.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn merge(
        guard: &mut Guard,
        home: &Home,
        roots: &BTreeMap<String, Digest>,
        parts: &BTreeMap<Digest, Vec<u8>>,
        (references, is_known): (References, &dyn Fn(&str) -> bool),
    ) -> io::Result<()> {
        let mut old = guard.read(&kept(home));
        old.roots.retain(|step, _| is_known(step));
        old.roots.extend(roots.iter().map(|(step, root)| (step.clone(), *root)));
        let part = |digest: &Digest| parts.get(digest).map(Vec::as_slice).or_else(|| old.part(digest));
        let reached = reached(old.roots.values().copied(), part, references);
        guard.replace(&path(home), &FRAME.seal(&encode(&old.roots, reached)))
    }
}

/// The parts that are reached from `roots`, each once.
fn reached<'a>(
    roots: impl Iterator<Item = Digest>,
    part: impl Fn(&Digest) -> Option<&'a [u8]>,
    references: References,
) -> Vec<Entry<'a>> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<Digest> = roots.collect();
    let mut entries = Vec::new();
    while let Some(digest) = open.pop() {
        let Some(value) = part(&digest) else { continue };
        if seen.insert(digest) {
            open.extend(references(value));
            entries.push(Entry { digest, used: 0, value });
        }
    }
    entries
}

fn encode(roots: &BTreeMap<String, Digest>, parts: Vec<Entry<'_>>) -> Vec<u8> {
    let mut pen = Pen::default();
    pen.length(roots.len());
    for (step, root) in roots {
        pen.text(step);
        pen.digest(root);
    }
    pen.0.extend(Table::encode(parts));
    pen.0
}

fn parse(bytes: Vec<u8>) -> Result<Descriptions, Damage> {
    let body = FRAME.open(bytes)?;
    let mut eye = Eye(&body);
    let count = eye.length().ok_or(Damage::Torn)?;
    let roots = (0..count).map(|_| Some((eye.text()?.to_owned(), eye.digest()?)));
    let roots = roots.collect::<Option<_>>().ok_or(Damage::Torn)?;
    Ok(Descriptions { roots, parts: Table::parse(eye.0.to_vec())? })
}

fn kept(home: &Home) -> Kept<'static, Descriptions> {
    let without = "the descriptions of earlier runs, so that it cannot be said what changed";
    Kept { path: path(home), without, parse: &parse }
}

fn path(home: &Home) -> PathBuf {
    home.own().join("descriptions.bin")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::home::until_set_aside;

    /// Parts that are digests one after another, but for a text at the end that has fewer than 32 bytes.
    fn references(part: &[u8]) -> Vec<Digest> {
        part.as_chunks().0.iter().map(|digest| Digest(*digest)).collect()
    }

    #[derive(Default)]
    struct Pool(BTreeMap<Digest, Vec<u8>>);

    impl Pool {
        fn add(&mut self, names: &[Digest], text: &str) -> Digest {
            let mut part: Vec<u8> = names.iter().flat_map(|name| name.0).collect();
            part.extend(text.as_bytes());
            let digest = Digest(Sha256::digest(&part).into());
            self.0.insert(digest, part);
            digest
        }
    }

    fn save(home: &Home, roots: &[(&str, Digest)], pool: &Pool) -> usize {
        let roots = roots.iter().map(|(step, root)| ((*step).to_owned(), *root)).collect();
        let mut guard = home.lock().unwrap();
        Descriptions::merge(&mut guard, home, &roots, &pool.0, (references, &|step| step != "gone")).unwrap();
        guard.finish().0
    }

    fn load(home: &Home) -> Descriptions {
        let (descriptions, warning) = Descriptions::load(home);
        assert_eq!(warning, None);
        descriptions
    }

    #[test]
    fn parts_that_no_root_reaches_are_dropped_and_shared_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        let mut first = Pool::default();
        let shared = first.add(&[], "shared");
        let lonely = first.add(&[], "lonely");
        let build = first.add(&[shared, lonely], "build");
        let test = first.add(&[build, shared], "test");
        let stray = first.add(&[], "stray");
        assert_eq!(save(&home, &[("build", build), ("test a", test)], &first), 1);
        let loaded = load(&home);
        assert_eq!((loaded.root_of("build"), loaded.root_of("lint")), (Some(build), None));
        for digest in [shared, lonely, build, test] {
            assert_eq!(loaded.part(&digest), first.0.get(&digest).map(Vec::as_slice));
        }
        assert_eq!(loaded.part(&stray), None);

        // Its parts are on disk already, so that the pool need not hold them again.
        let mut second = Pool::default();
        let new_build = second.add(&[shared], "build now");
        let changes = [("build", new_build), ("test a", new_build)];
        assert_eq!(save(&home, &changes, &second), 1);
        assert_eq!(save(&home, &changes, &second), 0);
        let loaded = load(&home);
        assert_eq!((loaded.root_of("build"), loaded.root_of("test a")), (Some(new_build), Some(new_build)));
        assert!(loaded.part(&shared).is_some());
        for gone in [lonely, build, test] {
            assert_eq!(loaded.part(&gone), None);
        }
    }

    #[test]
    fn a_part_that_is_nowhere_is_lacking_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        let mut pool = Pool::default();
        let root = pool.add(&[Digest([1; 32])], "root");
        save(&home, &[("build", root), ("lint", Digest([2; 32]))], &pool);
        let loaded = load(&home);
        assert!(loaded.part(&root).is_some());
        assert_eq!(loaded.root_of("lint"), Some(Digest([2; 32])));
        assert_eq!(loaded.part(&Digest([2; 32])), None);
    }

    #[test]
    fn no_flipped_byte_and_no_cut_gives_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        let mut pool = Pool::default();
        let leaf = pool.add(&[], "leaf");
        let root = pool.add(&[leaf], "root");
        save(&home, &[("build", root)], &pool);
        let good = fs::read(path(&home)).unwrap();
        let is_set_aside = |bad: &[u8]| {
            fs::write(path(&home), bad).unwrap();
            let (descriptions, warning) = until_set_aside(&path(&home), || Descriptions::load(&home));
            assert!(warning.unwrap().contains("cannot be said what changed"));
            assert!(descriptions.root_of("build").is_none() && descriptions.part(&leaf).is_none());
        };
        for index in 0..good.len() {
            is_set_aside(&good[..index]);
            let mut bad = good.clone();
            bad[index] ^= 0xff;
            is_set_aside(&bad);
        }
        let lies = [&u64::MAX.to_le_bytes()[..], b"and nothing after it"].concat();
        is_set_aside(&FRAME.seal(&lies));
    }
}
