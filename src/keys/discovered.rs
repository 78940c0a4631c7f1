//! What a cargo step turned out to depend on besides its key: found when it has run, and looked at when its freshness is
//! asked for.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use walkdir::WalkDir;

use super::Keys;
use super::documentation::Besides;
use super::links::{changed_at, entries};
use super::read::Asked;
use crate::cargo_output::{Artifact, BuildScript};
use crate::disk::{Look, Sort};
use crate::fingerprint::{Description, Tag, items};
use crate::model::{Digest, Discovered, DiscoveredSort, FileStat, Step};
use crate::relative::relative;

/// Time stamps are this coarse at most, in nanoseconds; what is younger than the start of a step may have changed in it.
const GRAIN_NS: i64 = 10_000_000;

/// Variables that cargo sets for the compiler; ours of that name are not what was read. Those that it sets for build scripts
/// alone are not among them: the compiler gets ours.
const OF_CARGO: [&str; 8] = [
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_RUSTC_CURRENT_DIR",
    "CARGO_TARGET_TMPDIR",
    "CLIPPY_ARGS",
    "OUT_DIR",
];
const FAMILIES_OF_CARGO: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_EXE_"];

/// What a step turned out to depend on.
#[derive(Debug)]
pub struct Found {
    /// All of it, with what it is now.
    pub discovered: Vec<Discovered>,
    /// Why cargo would run it again every time, in words; then the result must not be kept, but the next run has to be
    /// compared with what there was.
    pub unsettled: Option<String>,
}

impl Keys<'_> {
    /// What the units of a cargo step read that its key does not cover, with what it is now; `besides`: what they
    /// may read, too. `began`: when the step started; `before`: what was known then.
    ///
    /// # Errors
    /// Why that cannot be told, in words: then the result must not be kept.
    pub fn discover(
        &self,
        step: &Step,
        (artifacts, scripts, besides): (&[Artifact], &[BuildScript], &Besides),
        (began, before): (SystemTime, &[Discovered]),
    ) -> Result<Found, String> {
        if let Some(why) = &besides.unclear {
            return Err(why.clone());
        }
        let asked = {
            let state = self.state();
            let covering = self.covering(&state, step);
            let asked = Asked::of(artifacts, scripts, &self.expansion.workspace.root)?;
            asked.also(besides).beyond(&covering)?
        };
        let mut found = Vec::new();
        for (path, must_be_there) in &asked.paths {
            let now = self.now(DiscoveredSort::Path, self.shown(path))?;
            let changed = match changed_at(path, &self.expansion.workspace.target_dir) {
                Some(changed_ns) => may_have_changed(changed_ns, began, before.contains(&now)),
                // What was read and is gone would be no less gone when cargo is asked next, and fails.
                None => *must_be_there,
            };
            if changed {
                return Err(format!("`{}` changed while it ran", path.display()));
            }
            found.push(now);
        }
        for name in asked.variables.into_iter().filter(|name| !is_of_cargo(name)) {
            found.push(self.now(DiscoveredSort::Variable, name)?);
        }
        let unsettled = asked.missing.map(|path| {
            format!("a build script watches `{}`, which is not there, so it runs every time", path.display())
        });
        Ok(Found { discovered: found, unsettled })
    }

    /// The same things as they are now.
    ///
    /// # Errors
    /// One of them cannot be read; its name.
    pub fn look_up(&self, known: &[Discovered]) -> Result<Vec<Discovered>, String> {
        known.iter().map(|one| self.now(one.sort, one.name.clone())).collect()
    }

    fn now(&self, sort: DiscoveredSort, name: String) -> Result<Discovered, String> {
        let digest = match sort {
            DiscoveredSort::Variable => {
                let value = std::env::var_os(&name);
                value.map(|value| digest_of(|all| all.secret(Tag::Variable, "", value.as_encoded_bytes())))
            }
            DiscoveredSort::Path => {
                let path = self.expansion.workspace.root.join(&name);
                self.contents(&path).map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        Ok(Discovered { sort, name, digest })
    }

    /// The digest of what is at this path: a file, or a folder with everything in it but the target directory; `None`:
    /// nothing.
    fn contents(&self, path: &Path) -> io::Result<Option<Digest>> {
        let disk = self.disk();
        let digest = |path: &Path, look: &Look| {
            let digested = self.cache.digest(&disk.readable(path.to_owned()), &look.stat)?;
            Ok::<_, io::Error>(digested.digest)
        };
        let look = match disk.look_through(path) {
            Ok(look) => look,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(error),
        };
        match look.sort {
            Sort::File => return digest(path, &look).map(Some),
            Sort::Folder => {}
            Sort::Link | Sort::Special => return Ok(Some(digest_of(|all| all.text(Tag::File, "", "special")))),
        }
        let mut files: BTreeMap<Vec<u8>, Option<Digest>> = BTreeMap::new();
        for entry in entries(disk, path, &self.expansion.workspace.target_dir) {
            let (at, look) = entry?;
            let file = look.filter(|look| look.sort == Sort::File);
            let digest = file.map(|file| digest(&at, &file)).transpose()?;
            let name = at.strip_prefix(path).unwrap_or(&at).as_os_str().as_encoded_bytes().to_vec();
            files.insert(name, digest);
        }
        Ok(Some(digest_of(|all| {
            for (name, digest) in &files {
                match digest {
                    Some(digest) => all.digest(Tag::File, name, *digest),
                    None => all.text(Tag::File, name, ""),
                }
            }
        })))
    }

    /// A path as records name it: from the root for what lies in it, so that a workspace can be moved.
    pub(super) fn shown(&self, path: &Path) -> String {
        let root = &self.expansion.workspace.root;
        match path.strip_prefix(root) {
            Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
            Ok(_) => relative(path, root),
            Err(_) => path.to_string_lossy().into_owned(),
        }
    }
}

/// Whether what last changed at that time may have done so after `began`. Of a time just before it only the contents tell,
/// if they were known and are the same.
fn may_have_changed(changed_ns: i64, began: SystemTime, same: bool) -> bool {
    let began = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let began = i64::try_from(began.as_nanos()).unwrap_or(i64::MAX);
    changed_ns >= began || (changed_ns >= began - GRAIN_NS && !same)
}

/// The key of a result, refined by what was discovered and its values.
pub fn refined(key: Digest, discovered: &[Discovered]) -> Digest {
    refinement(key, discovered).finish().0
}

/// The description of a refined key: the key, then what was discovered.
pub fn refinement(key: Digest, discovered: &[Discovered]) -> Description {
    let mut all = Description::default();
    all.part(Tag::Everything, "", key);
    for one in discovered {
        let tag = tag_of(one.sort);
        match one.digest {
            Some(digest) => all.digest(tag, &one.name, digest),
            None => all.text(tag, &one.name, "absent"),
        }
    }
    all
}

/// What a description calls it.
pub fn tag_of(sort: DiscoveredSort) -> Tag {
    match sort {
        DiscoveredSort::Path => Tag::File,
        DiscoveredSort::Variable => Tag::Variable,
    }
}

/// What a description says was discovered, by names; nothing for that of a plain key.
pub fn names_in(description: &[u8]) -> Vec<Discovered> {
    let mut items = items(description);
    if items.next().is_none_or(|first| first.tag != Tag::Everything) {
        return Vec::new();
    }
    let named = items.map(|item| Discovered {
        sort: if item.tag == Tag::File { DiscoveredSort::Path } else { DiscoveredSort::Variable },
        name: String::from_utf8_lossy(item.name).into_owned(),
        digest: None,
    });
    named.collect()
}

/// When cargo takes a file, or a folder with everything in it, to have changed last, in nanoseconds since the Unix epoch.
/// Of a package it looks at the files alone, so that it does not see when one goes.
pub fn newest(path: &Path) -> Option<i64> {
    let change = |metadata: Metadata| FileStat::of(&metadata).mtime_ns;
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        return Some(change(metadata));
    }
    let is_package = path.join("Cargo.toml").exists();
    let entries = WalkDir::new(path).follow_links(true).into_iter().flatten();
    let entries = entries.filter(|entry| !(is_package && entry.file_type().is_dir()));
    let changes = entries.map(|entry| {
        let link = entry.path_is_symlink().then(|| fs::symlink_metadata(entry.path()).ok()).flatten();
        entry.metadata().ok().into_iter().chain(link).map(change).max()
    });
    changes.flatten().max()
}

fn digest_of(write: impl FnOnce(&mut Description)) -> Digest {
    let mut description = Description::default();
    write(&mut description);
    description.finish().0
}

fn is_of_cargo(name: &str) -> bool {
    OF_CARGO.contains(&name) || FAMILIES_OF_CARGO.iter().any(|prefix| name.starts_with(prefix))
}
