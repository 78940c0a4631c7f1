//! Links to folders that a walk goes through, and folders that it does not enter, by whatever paths it comes to them. It
//! looks at no file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::Areas;

/// Folders that are not entered.
#[derive(Debug)]
pub struct Skipped {
    /// By the paths that they have from there.
    pub folders: Vec<PathBuf>,
    /// The SHA-256 of all of them.
    pub digest: [u8; 32],
}

impl Skipped {
    fn new(folders: Vec<PathBuf>) -> Self {
        let mut digest = Sha256::new();
        for folder in &folders {
            [folder.as_os_str().as_encoded_bytes(), b"\0"].into_iter().for_each(|part| digest.update(part));
        }
        Self { folders, digest: digest.finalize().into() }
    }
}

/// A link to a folder through which the walk came.
#[derive(Debug)]
pub struct Link {
    /// The folder that the link is in, without links.
    from: PathBuf,
    outer: Option<Arc<Link>>,
}

/// How many links to folders a path may go through. Folders full of links to each other have more paths than can be
/// walked; two or three are already unusual.
const MAX_LINKS: usize = 4;

impl Areas {
    /// Whether the link to a folder at `link`, through which no walk goes, leads to a folder around this one: what is there
    /// is no part of it.
    pub fn leads_around(&self, dir: &Path, link: &Path) -> bool {
        let (Ok(dir), Ok(to)) = (self.disk.real(dir), self.disk.real(link)) else { return true };
        dir != to && dir.starts_with(&to)
    }

    /// What holds behind the link to a folder at `path`; `None` when it leads to a folder that the walk is in (the real
    /// paths are compared, so that it does not matter through how many links it came), or into a skipped one.
    pub fn through(
        &self,
        (folder, link): (&Path, Option<&Arc<Link>>),
        path: &Path,
    ) -> Result<Option<Passage>, TooManyLinks> {
        let (Ok(from), Ok(to)) = (self.disk.real(folder), self.disk.real(path)) else { return Ok(None) };
        let outer = || std::iter::successors(link, |link| link.outer.as_ref());
        let closes_loop = from.starts_with(&to) || outer().any(|link| link.from.starts_with(&to));
        let mut skipped = self.skip.iter().filter_map(|skip| self.disk.real(skip).ok());
        if closes_loop || skipped.any(|skip| to.starts_with(skip)) {
            return Ok(None);
        }
        if outer().count() == MAX_LINKS {
            return Err(TooManyLinks);
        }
        let link = Link { from, outer: link.cloned() };
        Ok(Some((Some(Arc::new(link)), self.skip_under(path))))
    }

    /// The folders to be skipped, by the paths that they have when one enters `path`: this may be a link, or lie behind
    /// one.
    pub fn skip_under(&self, path: &Path) -> Arc<Skipped> {
        let real = self.disk.real(path).ok();
        let seen_from_here = self.skip.iter().filter_map(|skip| {
            let skip = self.disk.real(skip).ok()?;
            Some(path.join(skip.strip_prefix(real.as_ref()?).ok()?))
        });
        let all = self.skip.iter().cloned().chain(seen_from_here).filter(|skip| skip != path);
        Arc::new(Skipped::new(all.collect()))
    }
}

/// What a walk came through, and what it does not enter there.
pub type Passage = (Option<Arc<Link>>, Arc<Skipped>);

/// It leads on, but nobody follows it any more.
pub struct TooManyLinks;
