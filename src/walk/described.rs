//! What stands at one path, told as a file: whatever it is, and wherever it leads if it is a link.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{File, Kind};
use crate::disk::{Disk, Look, Sort};

/// The file at `path`; `look` is what was seen there, of a link the link itself. `None` when it has vanished meanwhile.
///
/// # Errors
/// What a link leads to cannot be looked at.
pub fn describe(disk: &Disk, (path, relative): (&Path, &Path), look: Look) -> io::Result<Option<File>> {
    let with = |kind, look: Look| {
        let (path, executable) = (relative.into(), look.executable);
        Some(File { path, stat: look.stat, kind, executable, ignored: false })
    };
    match look.sort {
        Sort::File => return Ok(with(Kind::Regular, look)),
        Sort::Link => {}
        Sort::Folder | Sort::Special => return Ok(with(Kind::Special, look)),
    }
    let text: Arc<Path> = match disk.link(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?.into(),
    };
    match disk.look_through(path) {
        Ok(target) => Ok(match target.sort {
            Sort::File => with(Kind::Link(text), target),
            Sort::Folder => with(Kind::FolderLink(text), look),
            Sort::Link | Sort::Special => with(Kind::Special, look),
        }),
        Err(error) if leads_nowhere(&error) => Ok(with(Kind::BrokenLink(text), look)),
        Err(error) => Err(error),
    }
}

fn leads_nowhere(error: &io::Error) -> bool {
    let a_loop = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    a_loop || matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
