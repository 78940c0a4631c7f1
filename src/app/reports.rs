//! Reports of a run that stand with its results: whether make.toml wants one, and where they are. What is in them is not known
//! here.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::Lifecycle;
use super::housekeeping::home;
use crate::target_dir;

impl Lifecycle {
    /// Whether make.toml wants a profile of every run.
    #[must_use]
    pub fn wants_profile(&self) -> bool {
        self.project.profile
    }

    /// Writes a report to a path below `<target-directory>/lifecycle`, and answers where it stands.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write_report(&self, path: &str, text: &str) -> io::Result<PathBuf> {
        let path = home(self).shared().join(path);
        target_dir::make(&self.workspace.target_dir)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Not as what is kept for the next run: whoever may read the target directory may read reports.
        fs::write(&path, text)?;
        Ok(path)
    }
}
