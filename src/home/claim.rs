//! The right to write what a step makes, which one run at a time has. It knows nothing of what that is.

use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;

use super::{Home, short};

/// The right to write what a step makes, until it is dropped or the process dies.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

impl Home {
    /// Takes the right to write what the step of this name makes; `None` while another run has it.
    ///
    /// # Errors
    /// Whatever the file system says, such as that it is read-only.
    pub fn claim(&self, step: &str) -> io::Result<Option<Claim>> {
        let path = self.claim_path(step);
        let open = || File::options().create(true).truncate(false).write(true).open(&path);
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_folders().and_then(|()| open())?,
            file => file?,
        };
        match file.try_lock() {
            // Who removes the cache meanwhile leaves us with a file that nobody else will find.
            Ok(()) => Ok(super::is_at(&file, &path).then_some(Claim { _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Of one file for each step: one for all would keep a step waiting that another one calls.
    fn claim_path(&self, step: &str) -> PathBuf {
        self.own.join(format!("{}.lock", short(step.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn one_has_it_at_a_time_and_each_step_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(&folder.path().join("target"), folder.path());
        let first = home.claim("gen a").unwrap().unwrap();
        assert!(home.claim("gen a").unwrap().is_none());
        assert!(home.claim("gen b").unwrap().is_some());
        drop(first);
        let second = home.claim("gen a").unwrap();
        assert!(second.is_some());
        fs::remove_dir_all(home.shared()).unwrap();
        assert!(home.claim("gen a").unwrap().is_some(), "who removes everything removes the claims, too");
    }
}
