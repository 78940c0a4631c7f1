//! Removes a cache from the disk while others may be at work in it. Which files are ours it is told.

use std::fs;
use std::io;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use crate::home::Home;
use crate::model::CacheCleared;

/// Removes what `is_ours` says (of paths relative to the folder), and the folders that are empty then. Other runs are
/// kept from writing meanwhile; to them everything is as before the first run.
///
/// # Errors
/// Whatever the file system says of the first thing that cannot be removed; the rest is gone all the same.
pub fn clear(home: &Home, is_ours: &dyn Fn(&Path) -> bool) -> io::Result<CacheCleared> {
    let folder = home.shared();
    let mut cleared = CacheCleared { folder: folder.to_owned(), ..CacheCleared::default() };
    if !folder.exists() {
        return Ok(cleared);
    }
    let guard = home.lock()?;
    let mut first_error = None;
    let relative = |entry: &DirEntry| entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned();
    let all = WalkDir::new(folder).min_depth(1).contents_first(true).into_iter().flatten();
    for entry in all.filter(|entry| entry.path() != home.lock_path() && is_ours(&relative(entry))) {
        match remove(&entry) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                cleared.files += 1;
                cleared.bytes += bytes;
            }
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    // The lock after everything that it guards; who waits for it finds it gone and makes everything anew. The folder
    // stays if that has happened already, or if something else is in it.
    let _ = fs::remove_file(home.lock_path());
    drop(guard);
    let _ = fs::remove_dir(folder);
    first_error.map_or(Ok(cleared), Err)
}

/// Removes a file and answers how many bytes it had, or a folder if it is empty.
fn remove(entry: &DirEntry) -> io::Result<Option<u64>> {
    if entry.file_type().is_dir() {
        let _ = fs::remove_dir(entry.path());
        return Ok(None);
    }
    let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
    match fs::remove_file(entry.path()) {
        Ok(()) => Ok(Some(bytes)),
        // Another run has swept it away or put another in its place.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        let is_ours = |path: &Path| !path.ends_with("theirs");
        let cleared = clear(&home, &is_ours).unwrap();
        assert_eq!((cleared.files, home.shared().exists()), (0, false));

        let put = |path: &str| {
            let path = home.shared().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "12345").unwrap();
        };
        ["records.bin", "blobs/ab/cd", "blobs/.new-x", "0123456789abcdef/state.json"].into_iter().for_each(put);
        let cleared = clear(&home, &is_ours).unwrap();
        assert_eq!((cleared.files, cleared.bytes), (4, 20));
        assert!(!home.shared().exists());

        ["records.bin", "a/theirs"].into_iter().for_each(put);
        assert_eq!(clear(&home, &is_ours).unwrap().files, 1);
        assert!(home.shared().join("a/theirs").exists());
        drop(home.lock().unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_goes_and_what_it_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path(), folder.path());
        fs::create_dir(folder.path().join("other")).unwrap();
        fs::write(folder.path().join("other/file"), "").unwrap();
        fs::create_dir(home.shared()).unwrap();
        std::os::unix::fs::symlink("../other", home.shared().join("blobs")).unwrap();
        assert_eq!(clear(&home, &|_| true).unwrap().files, 1);
        assert!(folder.path().join("other/file").exists());
        assert!(!home.shared().exists());
    }
}
