//! Makes cargo's target directory the way cargo makes it. What is put into it is everybody's own affair.

use std::fs;
use std::io;
use std::path::Path;

/// What cargo writes into a target directory that it makes, so that backups pass it by.
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by cargo.
# For information about cache directory tags see https://bford.info/cachedir/
";

/// Makes sure that the target directory is there. Cargo tags only the one that it makes itself, so whoever comes before
/// cargo has to do it.
///
/// # Errors
/// Whatever the file system says.
pub fn make(target_dir: &Path) -> io::Result<()> {
    if let Some(parent) = target_dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::create_dir(target_dir) {
        Ok(()) => crate::atomic::write(&target_dir.join("CACHEDIR.TAG"), TAG.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_directory_is_tagged() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).unwrap();
        assert!(!folder.path().join("CACHEDIR.TAG").exists());
        make(&folder.path().join("deep/target")).unwrap();
        let tag = std::fs::read_to_string(folder.path().join("deep/target/CACHEDIR.TAG")).unwrap();
        assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
    }
}
