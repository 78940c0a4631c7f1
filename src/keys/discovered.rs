//! What a cargo step turned out to depend on besides its key: found when it has run, and looked at when its freshness is
//! asked for.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use walkdir::{DirEntry, WalkDir};

use super::Keys;
use super::read::Asked;
use crate::cargo_output::{Artifact, BuildScript};
use crate::fingerprint::{Description, Tag, items};
use crate::model::{Digest, Discovered, DiscoveredSort, FileStat, Step};
use crate::relative::relative;

/// Time stamps are this coarse at most, in nanoseconds; what is younger than the start of a step may have changed in it.
const GRAIN_NS: i64 = 10_000_000;

/// Variables that cargo sets for what it starts; ours of that name are not what was read.
const OF_CARGO: [&str; 12] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "CARGO_RUSTC_CURRENT_DIR",
    "CLIPPY_ARGS",
    "OUT_DIR",
    "DEP_",
];

impl Keys<'_> {
    /// What the units of a cargo step read that its key does not cover, with what it is now. `began`: when the step
    /// started; `before`: what was known then.
    ///
    /// # Errors
    /// Why that cannot be told, in words: then the result must not be kept.
    pub fn discover(
        &self,
        step: &Step,
        (artifacts, scripts): (&[Artifact], &[BuildScript]),
        (began, before): (SystemTime, &[Discovered]),
    ) -> Result<Vec<Discovered>, String> {
        let asked = {
            let state = self.state();
            let covering = self.covering(&state, step);
            Asked::of(artifacts, scripts, &self.expansion.workspace.root)?.beyond(&covering)?
        };
        let mut found = Vec::new();
        for (path, must_be_there) in &asked.paths {
            let name = self.shown(path);
            let seen = self.look(path).map_err(|error| format!("{name}: {error}"))?;
            let digest = seen.as_ref().map(|seen| seen.digest);
            let changed = seen.as_ref().map_or(*must_be_there, |seen| {
                let now = Discovered { sort: DiscoveredSort::Path, name: name.clone(), digest };
                seen.may_have_changed(began, before.contains(&now))
            });
            if changed {
                return Err(format!("`{}` changed while it ran", path.display()));
            }
            found.push(Discovered { sort: DiscoveredSort::Path, name, digest });
        }
        for name in asked.variables.into_iter().filter(|name| !is_of_cargo(name)) {
            found.push(self.now(DiscoveredSort::Variable, name)?);
        }
        Ok(found)
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
                let seen = self.look(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                seen.map(|seen| seen.digest)
            }
        };
        Ok(Discovered { sort, name, digest })
    }

    /// What is at this path: a file, or a folder with everything in it but the target directory; `None`: nothing.
    fn look(&self, path: &Path) -> io::Result<Option<Seen>> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(error),
        };
        if metadata.is_dir() {
            return self.look_at_folder(path).map(Some);
        }
        let changed_ns = last_change(path, &metadata);
        let digest = if metadata.is_file() {
            self.cache.digest(path, &FileStat::of(&metadata))?.digest
        } else {
            digest_of(|all| all.text(Tag::File, "", "special"))
        };
        Ok(Some(Seen { digest, changed_ns }))
    }

    fn look_at_folder(&self, path: &Path) -> io::Result<Seen> {
        let mut files: BTreeMap<Vec<u8>, Option<Digest>> = BTreeMap::new();
        let mut changed_ns = 0;
        let target = &self.expansion.workspace.target_dir;
        let is_other = |entry: &DirEntry| entry.depth() > 0 && entry.file_name() == ".git";
        // Cargo goes through links to folders, too.
        let walk = WalkDir::new(path).follow_links(true).into_iter();
        for entry in walk.filter_entry(|entry| entry.path() != target && !is_other(entry)) {
            let (at, metadata) = match entry {
                Ok(entry) => (entry.path().to_owned(), entry.metadata().ok()),
                // A link that leads nowhere, or back.
                Err(error) if leads_nowhere(&error) => (error.path().unwrap_or(path).to_owned(), None),
                Err(error) => return Err(error.into()),
            };
            // That the target directory comes and goes is no change of the folder that it is in.
            if target.parent() != Some(&at) {
                changed_ns = metadata.iter().map(|metadata| last_change(&at, metadata)).fold(changed_ns, i64::max);
            }
            let file = metadata.filter(Metadata::is_file);
            let digest = file.map(|file| self.cache.digest(&at, &FileStat::of(&file))).transpose()?;
            let name = at.strip_prefix(path).unwrap_or(&at).as_os_str().as_encoded_bytes().to_vec();
            files.insert(name, digest.map(|digested| digested.digest));
        }
        let digest = digest_of(|all| {
            for (name, digest) in &files {
                match digest {
                    Some(digest) => all.digest(Tag::File, name, *digest),
                    None => all.text(Tag::File, name, ""),
                }
            }
        });
        Ok(Seen { digest, changed_ns })
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

/// What is at a path.
struct Seen {
    digest: Digest,
    /// When it, or anything in it, changed last, in nanoseconds since the Unix epoch.
    changed_ns: i64,
}

impl Seen {
    /// Whether it may have changed after `began`. Of a time just before it only the contents tell, if they were known
    /// and are the same.
    fn may_have_changed(&self, began: SystemTime, same: bool) -> bool {
        let began = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let began = i64::try_from(began.as_nanos()).unwrap_or(i64::MAX);
        self.changed_ns >= began || (self.changed_ns >= began - GRAIN_NS && !same)
    }
}

/// When a file or folder changed last, or the link that leads to it.
fn last_change(path: &Path, metadata: &Metadata) -> i64 {
    let change = |metadata: &Metadata| {
        let stat = FileStat::of(metadata);
        stat.mtime_ns.max(stat.ctime_ns)
    };
    fs::symlink_metadata(path).map_or(0, |link| change(&link)).max(change(metadata))
}

fn leads_nowhere(error: &walkdir::Error) -> bool {
    error.loop_ancestor().is_some() || error.io_error().is_some_and(|error| error.kind() == ErrorKind::NotFound)
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
        let tag = if one.sort == DiscoveredSort::Path { Tag::File } else { Tag::Variable };
        match one.digest {
            Some(digest) => all.digest(tag, &one.name, digest),
            None => all.text(tag, &one.name, "absent"),
        }
    }
    all
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
    name == "CARGO" || OF_CARGO.iter().any(|prefix| name.starts_with(prefix))
}
