//! Symbolic links on the way to a file that was read: how its path may be spelled, and when what lies there was last put
//! there. It knows nothing of keys.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::model::FileStat;

/// How many links are followed on one way; the system stops at as many.
const MAX_LINKS: usize = 40;

/// When a file, anything in a folder, or a link on the way there last changed, in nanoseconds since the Unix epoch; `None`
/// if there is nothing. The target directory does not count.
pub fn changed_at(path: &Path, target_dir: &Path) -> Option<i64> {
    // That the target directory comes and goes is no change of the folder that it is in.
    let counts = |folder: &Path| target_dir.parent() != Some(folder);
    let mut newest = Some(fs::metadata(path).ok()?).filter(|_| counts(path)).map_or(0, |metadata| changed(&metadata));
    resolve(path, &mut MAX_LINKS.clone(), &mut |link| newest = newest.max(changed(link)));
    for entry in entries(path, target_dir).flatten().filter(|entry| counts(entry.path())) {
        let entries = [fs::symlink_metadata(entry.path()), fs::metadata(entry.path())];
        newest = entries.iter().flatten().map(changed).fold(newest, i64::max);
    }
    Some(newest)
}

/// Everything in a folder but the target directory and git's, through links, as cargo sees it; of a file itself.
pub fn entries(path: &Path, target_dir: &Path) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> {
    let is_git = |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name() == ".git";
    let walk = walkdir::WalkDir::new(path).follow_links(true).into_iter();
    walk.filter_entry(move |entry| entry.path() != target_dir && !is_git(entry))
}

/// Nobody can set the time of an inode's change, so that it counts alone where there is one: a time of the contents that
/// lies in the future says nothing.
fn changed(metadata: &fs::Metadata) -> i64 {
    let stat = FileStat::of(metadata);
    if stat.ctime_ns == 0 { stat.mtime_ns } else { stat.ctime_ns }
}

/// Where a path leads to, and every link that it goes through.
fn resolve(path: &Path, left: &mut usize, see: &mut dyn FnMut(&fs::Metadata)) -> PathBuf {
    let mut way = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = way.pop(),
            Component::CurDir => {}
            part => way.push(part),
        }
        let link = fs::symlink_metadata(&way).ok().filter(fs::Metadata::is_symlink);
        let to = link.as_ref().and_then(|_| fs::read_link(&way).ok());
        if let (Some(link), Some(to), 1..) = (link, to, *left) {
            *left -= 1;
            see(&link);
            let from = way.parent().unwrap_or(Path::new("/"));
            way = resolve(&from.join(to), left, see);
        }
    }
    way
}
