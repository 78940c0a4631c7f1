//! Which files a command opens and writes, as the system tells it (inotify): nothing has to be installed for it, and it
//! tells of every process. It knows nothing of what they are for.

use std::path::{Path, PathBuf};

/// What happened to files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Those that were opened, once for each time.
    pub opened: Vec<PathBuf>,
    /// Those that were written, or took another one's place, once for each time.
    pub written: Vec<PathBuf>,
}

impl Seen {
    /// How many of the files satisfy it.
    pub fn opened(&self, is_meant: impl Fn(&Path) -> bool) -> usize {
        self.opened.iter().filter(|path| is_meant(path)).count()
    }

    /// Likewise of those written.
    pub fn written(&self, is_meant: impl Fn(&Path) -> bool) -> usize {
        self.written.iter().filter(|path| is_meant(path)).count()
    }
}

#[cfg(target_os = "linux")]
pub use linux::watch;

/// What happens in the folder, and in those in it, while `act` runs; nothing where it cannot be told.
#[cfg(not(target_os = "linux"))]
pub fn watch(_: &Path, act: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Option<Seen>> {
    act().map(|()| None)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, BTreeSet};
    use std::ffi::OsStr;
    use std::fs;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::{Path, PathBuf};

    use anyhow::{Context as _, ensure};
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    use rustix::io::Errno;

    use super::Seen;

    /// What happens in the folder, and in those in it, while `act` runs.
    pub fn watch(folder: &Path, act: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Option<Seen>> {
        let queue = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let mut folders = BTreeMap::new();
        // Ends of reading are asked for only to keep two openings of a file apart, which are told as one otherwise.
        let asked = WatchFlags::OPEN | WatchFlags::CLOSE | WatchFlags::MOVED_TO;
        for folder in all_folders(folder)? {
            let watch = add_watch(&queue, &folder, asked);
            let watch = watch.with_context(|| format!("cannot watch {}", folder.display()))?;
            folders.insert(watch, folder);
        }
        act()?;
        let mut seen = Seen::default();
        let mut moved = BTreeSet::new();
        let mut buffer = vec![MaybeUninit::uninit(); 1 << 16];
        let mut events = Reader::new(&queue, &mut buffer);
        loop {
            let event = match events.next() {
                Err(Errno::WOULDBLOCK) => return Ok(Some(seen)),
                event => event?,
            };
            let what = event.events();
            ensure!(!what.contains(ReadFlags::QUEUE_OVERFLOW), "more happened than the system counts");
            if what.contains(ReadFlags::ISDIR) {
                continue;
            }
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            let Some((folder, name)) = folders.get(&event.wd()).zip(name) else { continue };
            let path = folder.join(name);
            if what.contains(ReadFlags::OPEN) {
                seen.opened.push(path);
            } else if what.contains(ReadFlags::MOVED_TO) {
                moved.insert(path.clone());
                seen.written.push(path);
            } else if what.contains(ReadFlags::CLOSE_WRITE) && !moved.remove(&path) {
                // Not the end of writing a file that was moved here while it was open: that was counted.
                seen.written.push(path);
            }
        }
    }

    fn all_folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let mut all = vec![folder.to_owned()];
        for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                all.extend(all_folders(&entry.path())?);
            }
        }
        Ok(all)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn it_tells_what_was_opened_and_written() {
            let folder = tempfile::tempdir().unwrap();
            let deep = folder.path().join("a/b");
            fs::create_dir_all(&deep).unwrap();
            let [read, written, moved] = ["read", "written", "moved"].map(|name| deep.join(name));
            fs::write(&read, "").unwrap();
            let seen = watch(folder.path(), || {
                fs::metadata(&read)?;
                fs::read(&read)?;
                fs::read(&read)?;
                fs::write(&written, "x")?;
                let file = fs::File::options().append(true).open(&read)?;
                fs::rename(&read, &moved)?;
                drop(file);
                Ok(())
            });
            let seen = seen.unwrap().unwrap();
            let opened = [&read, &read, &written, &read].map(Clone::clone);
            assert_eq!(seen.opened, opened);
            assert_eq!(seen.written, [written, moved]);
        }
    }
}
