//! Files that are there whole or not at all: the one way in which anything of ours reaches the disk. It knows nothing of
//! what is in them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// Puts `contents` at `path` in one step: written beside it, synced, renamed over it. Missing folders are made.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was before.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let file = beside(path, &[contents], &mut new())?;
    file.as_file().sync_data()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Likewise, but not synced: whatever becomes of this process, the file is whole; a power cut soon after may leave it torn,
/// which its reader has to see (by a checksum, or because it makes no sense). The file is returned, to be synced by whoever wants that.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was before.
pub fn put(path: &Path, contents: &[u8]) -> io::Result<File> {
    beside(path, &[contents], &mut new())?.persist(path).map_err(|error| error.error)
}

/// Likewise for what only saves time: it is written to the disk when the system has time for it, and not at all if there is
/// a newer one by then. The contents are these parts, one after the other.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was before.
pub fn cache(path: &Path, parts: &[impl AsRef<[u8]>]) -> io::Result<()> {
    let file = beside(path, parts, &mut new())?;
    // What stood there goes with the name that it has then.
    if !is_exchanged(file.path(), path) {
        file.persist(path).map_err(|error| error.error)?;
    }
    Ok(())
}

/// Likewise for what others are to read: not for our eyes only, but with the rights that files have here.
///
/// # Errors
/// Whatever the file system says; `path` is then as it was before.
pub fn show(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut builder = new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    beside(path, &[contents], &mut builder)?.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn new() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".new-");
    builder
}

fn beside(path: &Path, parts: &[impl AsRef<[u8]>], builder: &mut Builder<'_, '_>) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = || builder.tempfile_in(folder);
    let mut file = match new() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            new()?
        }
        file => file?,
    };
    parts.iter().try_for_each(|part| file.as_file_mut().write_all(part.as_ref()))?;
    Ok(file)
}

/// Whether both, of which the second is a file, were put in each other's place. Of a file that is renamed over another ext4
/// begins to write the contents at once (`auto_da_alloc`), and that takes longer than all the rest.
#[cfg(target_os = "linux")]
fn is_exchanged(from: &Path, to: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let is_file = fs::symlink_metadata(to).is_ok_and(|there| there.is_file());
    is_file && renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_exchanged(_: &Path, _: &Path) -> bool {
    false
}

/// Reads a file of ours, whatever stands in its place: something else than a file may never come to an end, such as a pipe that
/// nobody writes to.
///
/// # Errors
/// Whatever the file system says; or it is no file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() { fs::read(path) } else { Err(io::Error::other("it is no file")) }
}

/// Whether something else than a file stands there, such as a folder, which would be in the way for ever.
pub fn is_other(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file())
}

/// Moves a file that cannot be understood out of the way, to `<name>.damaged` beside it (replacing an older one), so
/// that nothing is lost and it is not stumbled upon again.
///
/// # Errors
/// Whatever the file system says.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(".damaged");
    let aside = path.with_file_name(name);
    if fs::rename(path, &aside).is_err() {
        // A folder does not replace a file, nor the other way round.
        _ = fs::remove_dir_all(&aside).or_else(|_| fs::remove_file(&aside));
        fs::rename(path, &aside)?;
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_others_are_to_read_has_the_rights_of_other_files_and_no_link_is_followed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("report"), folder.path().join("other"));
        fs::write(&other, "other").unwrap();
        symlink(&other, &path).unwrap();
        show(&path, b"report").unwrap();
        assert_eq!((&*fs::read(&path).unwrap(), &*fs::read(&other).unwrap()), (&b"report"[..], &b"other"[..]));
        let mode = |path| fs::symlink_metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&other));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/state");
        write(&path, b"one").unwrap();
        put(&path, b"two").unwrap().sync_data().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let (beside, parts) = (path.with_file_name("cache"), ["th", "", "ree"]);
        cache(&beside, &parts).unwrap();
        cache(&path, &parts).unwrap();
        assert_eq!([&path, &beside].map(|path| fs::read(path).unwrap()), [b"three", b"three"]);
        fs::remove_file(beside).unwrap();
        put(&path, b"two").unwrap();
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read(set_aside(&path).unwrap()).unwrap(), b"two");
        assert!(!path.exists());
        fs::create_dir(&path).unwrap();
        assert!(cache(&path, &parts).is_err(), "a folder stays where it is");
        assert!(set_aside(&path).unwrap().is_dir(), "whatever stood there before");
    }
}
