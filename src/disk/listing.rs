//! What is in one folder: the names, and what stands behind each as soon as that is asked.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;

use super::{Look, Sort};

/// The names in a folder, in any order.
pub struct Listing {
    there: There,
    /// What is laid over the disk.
    over: Vec<(OsString, Look)>,
}

/// One name in a folder.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The name.
    pub name: &'a OsStr,
    found: Found<'a>,
}

#[derive(Clone, Copy)]
enum Found<'a> {
    There(&'a There, usize),
    Over(&'a Look),
}

impl Listing {
    /// The names in the folder at the path.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(Self { there: There::read(path)?, over: Vec::new() })
    }

    /// The names in a folder that is not on the disk.
    pub fn none() -> Self {
        Self { there: There::default(), over: Vec::new() }
    }

    /// Puts these in the place of those of the same names.
    pub fn lay(&mut self, over: Vec<(OsString, Look)>) {
        self.there.retain(|name| over.iter().all(|(laid, _)| laid != name));
        self.over = over;
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.there.count() + self.over.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        let there = (0..self.there.count()).map(|place| {
            let name = self.there.name(place);
            Entry { name, found: Found::There(&self.there, place) }
        });
        there.chain(self.over.iter().map(|(name, look)| Entry { name, found: Found::Over(look) }))
    }
}

impl Entry<'_> {
    /// What it is, which a folder mostly tells with the name.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn sort(&self) -> io::Result<Sort> {
        match self.found {
            Found::There(there, place) => there.sort(place),
            Found::Over(look) => Ok(look.sort),
        }
    }

    /// What stands there: of a link, the link.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn look(&self) -> io::Result<Look> {
        match self.found {
            Found::There(there, place) => there.look(place),
            Found::Over(look) => Ok(*look),
        }
    }

    /// The file that stands there, opened to be read, and what it is. Nobody is waited for, and that it was read is not noted.
    ///
    /// # Errors
    /// Whatever the file system says, for one where [`look`](Self::look) has to tell more; or it is not to be had so.
    pub fn open(&self) -> io::Result<(File, Look)> {
        match self.found {
            Found::There(there, place) => there.open(place),
            Found::Over(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

use system::There;

/// The system's own calls, because a walk over many files consists of nothing else: names are not held one by one, and
/// files are asked for from their folder.
#[cfg(target_os = "linux")]
mod system {
    use std::ffi::{CStr, OsStr};
    use std::fs::File;
    use std::io;
    use std::mem::MaybeUninit;
    use std::ops::Range;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, openat, statat};

    use super::super::opened::{QUIETLY, look_into, of};
    use super::super::{Look, Sort};

    /// How much of a folder is read at once, in bytes.
    const CHUNK: usize = 32 * 1024;

    #[derive(Default)]
    pub struct There {
        folder: Option<OwnedFd>,
        /// One after the other, each with a zero after it.
        names: Vec<u8>,
        entries: Vec<(Range<usize>, FileType)>,
    }

    impl There {
        pub fn read(path: &Path) -> io::Result<Self> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
            let folder = openat(rustix::fs::CWD, path, flags, Mode::empty())?;
            // As much as most folders need: there are many of them.
            let (mut names, mut entries) = (Vec::with_capacity(512), Vec::with_capacity(32));
            let mut chunk = [const { MaybeUninit::uninit() }; CHUNK];
            let mut all = RawDir::new(&folder, &mut chunk);
            while let Some(entry) = all.next() {
                let entry = entry?;
                let name = entry.file_name().to_bytes_with_nul();
                if !matches!(name, b".\0" | b"..\0") {
                    let start = names.len();
                    names.extend_from_slice(name);
                    entries.push((start..names.len(), entry.file_type()));
                }
            }
            Ok(Self { folder: Some(folder), names, entries })
        }

        pub fn count(&self) -> usize {
            self.entries.len()
        }

        pub fn name(&self, place: usize) -> &OsStr {
            OsStr::from_bytes(self.terminated(place).to_bytes())
        }

        pub fn retain(&mut self, is_kept: impl Fn(&OsStr) -> bool) {
            let names = &self.names;
            let name = |range: &Range<usize>| names.get(range.start..range.end - 1).unwrap_or_default();
            self.entries.retain(|(range, _)| is_kept(OsStr::from_bytes(name(range))));
        }

        pub fn sort(&self, place: usize) -> io::Result<Sort> {
            match self.entries.get(place).map(|(_, kind)| kind) {
                Some(FileType::RegularFile) => Ok(Sort::File),
                Some(FileType::Directory) => Ok(Sort::Folder),
                Some(FileType::Symlink) => Ok(Sort::Link),
                // Some file systems do not tell.
                None | Some(FileType::Unknown) => self.look(place).map(|look| look.sort),
                Some(_) => Ok(Sort::Special),
            }
        }

        pub fn look(&self, place: usize) -> io::Result<Look> {
            let Some(folder) = &self.folder else { return Err(io::ErrorKind::NotFound.into()) };
            Ok(of(&statat(folder, self.terminated(place), AtFlags::SYMLINK_NOFOLLOW)?))
        }

        pub fn open(&self, place: usize) -> io::Result<(File, Look)> {
            let Some(folder) = &self.folder else { return Err(io::ErrorKind::NotFound.into()) };
            // What is a file by its folder may be a fifo by now, or a link.
            let flags = QUIETLY | OFlags::NOFOLLOW;
            let file = openat(folder, self.terminated(place), flags, Mode::empty())?.into();
            let look = look_into(&file)?;
            Ok((file, look))
        }

        fn terminated(&self, place: usize) -> &CStr {
            let range = self.entries.get(place).map(|(range, _)| range.clone()).unwrap_or_default();
            let name = self.names.get(range).unwrap_or_default();
            CStr::from_bytes_with_nul(name).unwrap_or_default()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::ffi::{OsStr, OsString};
    use std::fs::{self, DirEntry, File};
    use std::io;
    use std::path::Path;

    use super::super::{Look, Sort};

    #[derive(Default)]
    pub struct There(Vec<(OsString, DirEntry)>);

    impl There {
        pub fn read(path: &Path) -> io::Result<Self> {
            let named = |entry: DirEntry| (entry.file_name(), entry);
            fs::read_dir(path)?.map(|entry| entry.map(named)).collect::<io::Result<_>>().map(Self)
        }

        pub fn count(&self) -> usize {
            self.0.len()
        }

        pub fn name(&self, place: usize) -> &OsStr {
            self.0.get(place).map(|(name, _)| name.as_os_str()).unwrap_or_default()
        }

        pub fn retain(&mut self, is_kept: impl Fn(&OsStr) -> bool) {
            self.0.retain(|(name, _)| is_kept(name));
        }

        pub fn sort(&self, place: usize) -> io::Result<Sort> {
            self.entry(place)?.file_type().map(Sort::of)
        }

        pub fn look(&self, place: usize) -> io::Result<Look> {
            self.entry(place)?.metadata().map(|metadata| Look::of(&metadata))
        }

        pub fn open(&self, _: usize) -> io::Result<(File, Look)> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn entry(&self, place: usize) -> io::Result<&DirEntry> {
            self.0.get(place).map(|(_, entry)| entry).ok_or_else(|| io::ErrorKind::NotFound.into())
        }
    }
}
