//! Files that are opened to be read: nobody is waited for, and that they were read is not noted.

#[cfg(target_os = "linux")]
pub use system::{QUIETLY, of};
pub use system::{look_into, open};

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fstat, openat};
    use rustix::io::{Errno, retry_on_intr};

    use super::super::{Look, Sort};
    use crate::model::FileStat;

    /// That a file was read would be written to disk the first time after each change. Only its owner may ask for this.
    pub const QUIETLY: OFlags =
        OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::NOATIME);

    /// The file at the path, or what else lies there: it may be a fifo by now, and opening one would wait for a writer.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn open(path: &Path) -> io::Result<File> {
        let open = |flags| retry_on_intr(|| openat(CWD, path, flags, Mode::empty()));
        let file = match open(QUIETLY) {
            Err(Errno::PERM) => open(QUIETLY.difference(OFlags::NOATIME)),
            file => file,
        };
        Ok(file?.into())
    }

    /// What was opened.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn look_into(file: &File) -> io::Result<Look> {
        Ok(of(&fstat(file)?))
    }

    /// What the system says of it.
    pub fn of(stat: &Stat) -> Look {
        let sort = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Sort::File,
            FileType::Directory => Sort::Folder,
            FileType::Symlink => Sort::Link,
            _ => Sort::Special,
        };
        let nanoseconds = |seconds: i64, rest: u64| {
            let rest = i64::try_from(rest).unwrap_or_default();
            seconds.saturating_mul(1_000_000_000).saturating_add(rest)
        };
        #[expect(clippy::useless_conversion, reason = "the fields have other types on other processors")]
        let stat_of = FileStat {
            mtime_ns: nanoseconds(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            ctime_ns: nanoseconds(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            inode: stat.st_ino.into(),
        };
        let executable = sort == Sort::File && stat.st_mode & 0o100 != 0;
        Look { sort, stat: stat_of, executable }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use super::super::Look;

    #[cfg(unix)]
    pub fn open(path: &Path) -> io::Result<File> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
    }

    #[cfg(not(unix))]
    pub fn open(path: &Path) -> io::Result<File> {
        File::open(path)
    }

    pub fn look_into(file: &File) -> io::Result<Look> {
        Ok(Look::of(&file.metadata()?))
    }
}
