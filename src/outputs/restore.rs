//! Puts outputs back in place: all of them are made ready first, then each is renamed to where it belongs. Nothing is
//! removed but what an output takes the place of, and nothing is written where the step declares no output.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{Outputs, permissions, side_by_side};
use crate::disk::Laid;
use crate::model::FileStat;
use crate::store::{Made, MadeKind};
use crate::walk::Place;

/// How the folder begins in which outputs are made ready; the sweep knows it.
const STAGING: &str = ".new-outputs-";

impl Outputs<'_> {
    /// Puts these back. What somebody else has written in the place of one is laid aside first; its new places are answered.
    ///
    /// # Errors
    /// Why that cannot be, in words. Then the step has to run; what stands in the places is whole all the same.
    pub fn restore(&self, places: &[Place<'_>], amiss: &[Made]) -> Result<Vec<PathBuf>, String> {
        self.check_all(places, amiss)?;
        let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(self.home.shared()).map_err(failed)?;
        let numbered: Vec<(usize, &Made)> = amiss.iter().enumerate().collect();
        let staged = side_by_side(&numbered, |(number, made)| {
            let at = staging.path().join(number.to_string());
            self.make_ready(made, &at).map_err(failed)?.then_some(at).ok_or_else(|| gone(made))
        });
        let staged = staged.into_iter().collect::<Result<Vec<PathBuf>, String>>()?;
        let aside = self.lay_aside(amiss).map_err(failed)?;
        amiss.iter().zip(staged).try_for_each(|(made, at)| self.put(made, &at).map_err(failed))?;
        Ok(aside)
    }

    /// What would lie in the places if these were put back, without putting them back.
    ///
    /// # Errors
    /// Why that cannot be, in the words of [`restore`](Self::restore).
    pub fn foreseen(&self, places: &[Place<'_>], amiss: &[Made]) -> Result<Vec<(PathBuf, Laid)>, String> {
        self.check_all(places, amiss)?;
        let laid = side_by_side(amiss, |made| Ok((self.path(made), self.laid(made)?)));
        laid.into_iter().collect()
    }

    fn laid(&self, made: &Made) -> Result<Laid, String> {
        Ok(match &made.kind {
            MadeKind::File { digest, size, mode } => Laid::File {
                contents: self.blobs.place(digest).map_err(failed)?.ok_or_else(|| gone(made))?,
                digest: *digest,
                size: *size,
                executable: permissions::is_executable(*mode),
            },
            MadeKind::Link(to) => Laid::Link(to.into()),
            MadeKind::Folder => Laid::Folder,
        })
    }

    fn check_all(&self, places: &[Place<'_>], amiss: &[Made]) -> Result<(), String> {
        amiss.iter().try_for_each(|made| self.check(places, made))
    }

    /// Copies the files that would be replaced and whose contents are stored nowhere to `replaced` in the home: a restored
    /// output must not cost anybody's work.
    fn lay_aside(&self, amiss: &[Made]) -> io::Result<Vec<PathBuf>> {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis());
        let folder = self.home.shared().join("replaced").join(now.to_string());
        let mut aside = Vec::new();
        for made in amiss {
            let path = self.path(made);
            let Some(metadata) = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file) else { continue };
            let known = self.cache.digest(&path, &FileStat::of(&metadata)).is_ok_and(|now| self.blobs.has(&now.digest));
            if !known && metadata.len() > 0 {
                let to = folder.join(&made.path);
                fs::create_dir_all(to.parent().unwrap_or(&folder))?;
                fs::copy(&path, &to)?;
                aside.push(to);
            }
        }
        Ok(aside)
    }

    /// Whether an output may be written: whatever a list says, only what the step declares, through no link, and over no
    /// folder.
    fn check(&self, places: &[Place<'_>], made: &Made) -> Result<(), String> {
        let path = self.path(made);
        let is_plain = Path::new(&made.path).components().all(|name| matches!(name, Component::Normal(_)));
        let is_declared = |place: &Place<'_>| path.strip_prefix(&place.dir).is_ok_and(|path| place.globs.matches(path));
        let is_ours = path.starts_with(self.home.shared()) || made.path.split('/').any(|name| name == ".git");
        let is_led_out = matches!(&made.kind, MadeKind::Link(to) if !self.may_link(&path, to));
        if !is_plain || is_ours || is_led_out || !places.iter().any(is_declared) {
            return Err(format!("`{}` is no output of this step", made.path));
        }
        if let Some(link) = self.in_the_way(&path) {
            return Err(format!("`{}` is in the way of an output", link.display()));
        }
        let is_other = |metadata: fs::Metadata| metadata.is_dir() != (made.kind == MadeKind::Folder);
        if fs::symlink_metadata(&path).is_ok_and(is_other) {
            return Err(format!("`{}` is in the way of an output", path.display()));
        }
        Ok(())
    }

    /// What is no folder on the way to a path, such as a link.
    fn in_the_way<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        let root = self.home.root();
        let mut above = path.ancestors().skip(1).take_while(|folder| *folder != root);
        above.find(|folder| fs::symlink_metadata(folder).is_ok_and(|metadata| !metadata.is_dir()))
    }

    /// Whether the output is ready at `at`, and whole.
    fn make_ready(&self, made: &Made, at: &Path) -> io::Result<bool> {
        match &made.kind {
            MadeKind::File { digest, mode, .. } => {
                let mut file = File::create(at)?;
                if !self.blobs.copy_unseen(digest, &mut file)? {
                    return Ok(false);
                }
                permissions::set(&file, *mode)?;
            }
            MadeKind::Link(to) => permissions::link(to, at)?,
            MadeKind::Folder => {}
        }
        Ok(true)
    }

    fn put(&self, made: &Made, ready: &Path) -> io::Result<()> {
        let path = self.path(made);
        // Once more: an output before this one, in a list that nobody of us has written, may be a link to elsewhere.
        if let Some(link) = self.in_the_way(&path) {
            return Err(io::Error::other(format!("`{}` is in the way", link.display())));
        }
        if made.kind == MadeKind::Folder {
            return fs::create_dir_all(path);
        }
        let folder = path.parent().unwrap_or(self.home.root());
        fs::create_dir_all(folder)?;
        match fs::rename(ready, &path) {
            // The target directory is on another disk than the workspace: made ready once more, beside its place.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let beside = tempfile::Builder::new().prefix(STAGING).tempdir_in(folder)?;
                let ready = beside.path().join("output");
                if !self.make_ready(made, &ready)? {
                    return Err(io::Error::other(gone(made)));
                }
                fs::rename(ready, path)
            }
            renamed => renamed,
        }
    }
}

fn failed(error: io::Error) -> String {
    format!("outputs cannot be restored: {error}")
}

fn gone(made: &Made) -> String {
    format!("the stored output `{}` is gone", made.path)
}
