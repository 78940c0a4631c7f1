//! Symbolic links on the way to a file that was read: how its path may be spelled, and when what lies there was last put
//! there; and which of them lead to a member. It knows nothing of what keys are made of.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::Keys;
use crate::disk::{Disk, Look, Sort};
use crate::model::{FileStat, MemberId};
use crate::relative::cleaned;
use crate::walk::AreaFiles;

/// How many links are followed on one way; the system stops at as many.
const MAX_LINKS: usize = 40;

/// When a file, anything in a folder, or a link on the way there last changed, in nanoseconds since the Unix epoch; `None`
/// if there is nothing. The target directory does not count.
pub fn changed_at(path: &Path, target_dir: &Path) -> Option<i64> {
    // That the target directory comes and goes is no change of the folder that it is in.
    let counts = |folder: &Path| target_dir.parent() != Some(folder);
    let mut newest = Some(fs::metadata(path).ok()?).filter(|_| counts(path)).map_or(0, |metadata| changed(&metadata));
    resolve(path, &mut MAX_LINKS.clone(), &mut |link| newest = newest.max(changed(link)));
    for (entry, _) in entries(&Disk::default(), path, target_dir).into_iter().flatten().filter(|(path, _)| counts(path))
    {
        let entries = [fs::symlink_metadata(&entry), fs::metadata(&entry)];
        newest = entries.iter().flatten().map(changed).fold(newest, i64::max);
    }
    Some(newest)
}

impl Keys<'_> {
    /// Whether a link in the area leads to the folder of one of these members, into it, or to one around it.
    pub(super) fn is_led_into(&self, area: usize, files: &AreaFiles, members: &[MemberId]) -> bool {
        let (areas, disk) = (&self.coverage.areas, self.disk());
        let led_to = files.led_to.get_or_init(|| {
            files.links.iter().flat_map(|link| destinations(disk, &areas.dir(area).join(link))).collect()
        });
        let is_led = |dir: &Path| led_to.iter().any(|to| to.starts_with(dir) || dir.starts_with(to));
        let dirs = || members.iter().map(|member| areas.dir(member.index()));
        !led_to.is_empty() && dirs().any(|dir| is_led(dir) || disk.real(dir).is_ok_and(|real| is_led(&real)))
    }
}

/// Where a link points, and what it leads to in the end.
fn destinations(disk: &Disk, link: &Path) -> Vec<PathBuf> {
    let from = link.parent().unwrap_or(link);
    let next = disk.link(link).map(|to| cleaned(&from.join(to)));
    next.into_iter().chain(disk.real(link)).collect()
}

/// Everything in a folder but the target directory and git's, through links, as cargo sees it, and the folder; of a file
/// itself. Of a link that leads nowhere, or back, it is not known what is there.
pub fn entries(disk: &Disk, path: &Path, target_dir: &Path) -> Vec<io::Result<(PathBuf, Option<Look>)>> {
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = [path.to_owned()].into_iter().filter(|path| path != target_dir).collect();
    while let Some(at) = pending.pop() {
        let look = match disk.look_through(&at) {
            Ok(look) => Some(look).filter(|look| look.sort != Sort::Folder || !leads_back(disk, &at, path)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                found.push(Err(error));
                continue;
            }
        };
        if look.is_some_and(|look| look.sort == Sort::Folder) {
            match disk.list(&at) {
                Ok(below) => {
                    let counts = |path: &PathBuf| path != target_dir && !path.ends_with(".git");
                    pending.extend(below.iter().map(|entry| at.join(entry.name)).filter(counts));
                }
                Err(error) => found.push(Err(error)),
            }
        }
        found.push(Ok((at, look)));
    }
    found
}

/// Whether the path is that of a link to a folder which, seen from `top`, it is in.
fn leads_back(disk: &Disk, path: &Path, top: &Path) -> bool {
    let is_link = path != top && disk.look(path).is_ok_and(|look| look.sort == Sort::Link);
    let real = is_link.then(|| disk.real(path).ok()).flatten();
    let mut around = path.ancestors().skip(1).take_while(|above| above.starts_with(top));
    real.is_some_and(|real| around.any(|above| disk.real(above).is_ok_and(|above| above == real)))
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
