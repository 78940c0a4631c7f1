//! The permissions of files, as a number that can be kept.

use std::fs::{File, Metadata};
use std::io;

/// The permissions for owner, group and others; nothing else is kept.
#[cfg(unix)]
pub fn of(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o777
}

/// Whether the owner may execute a file with these permissions, as far as that is told here.
pub fn is_executable(mode: u32) -> bool {
    cfg!(unix) && mode & 0o100 != 0
}

/// Gives a file these permissions.
///
/// # Errors
/// Whatever the file system says.
#[cfg(unix)]
pub fn set(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o777))
}

/// Only whether it may be written.
#[cfg(not(unix))]
pub fn of(metadata: &Metadata) -> u32 {
    if metadata.permissions().readonly() { 0o444 } else { 0o644 }
}

/// Makes the file read-only, or not.
///
/// # Errors
/// Whatever the file system says.
#[cfg(not(unix))]
pub fn set(file: &File, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    file.set_permissions(permissions)
}

/// Makes a link.
///
/// # Errors
/// Whatever the file system says.
#[cfg(unix)]
pub fn link(to: &str, at: &std::path::Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

/// Links need a right of their own here, and know whether they lead to a folder.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn link(_: &str, _: &std::path::Path) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
