//! Reports of a run that stand with its results: whether make.toml wants one, and where they are. What is in them is not known
//! here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Lifecycle;
use super::housekeeping::home;
use crate::{atomic, target_dir};

/// How many pages of timings there are at most, one for each run.
const PAGES: usize = 10;

impl Lifecycle {
    /// Whether make.toml wants a profile of every run.
    #[must_use]
    pub fn wants_profile(&self) -> bool {
        self.project.profile
    }

    /// Writes a report to a path below `<target-directory>/lifecycle`, and answers where it stands.
    ///
    /// # Errors
    /// Whatever the file system says, with the path; what stood there still does.
    pub fn write_report(&self, path: &str, text: &str) -> io::Result<PathBuf> {
        let path = home(self).shared().join(path);
        // Not as what is kept for the next run: whoever may read the target directory may read reports.
        let written = target_dir::make(&self.workspace.target_dir).and_then(|()| atomic::show(&path, text.as_bytes()));
        let told = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
        written.map_err(told)?;
        Ok(path)
    }

    /// Writes the timings of a run under its id, and as the newest ones, and answers where they stand. Of earlier runs only the
    /// newest pages stay.
    ///
    /// # Errors
    /// Whatever the file system says, with the path.
    pub fn write_timings(&self, run: &str, page: &str) -> io::Result<PathBuf> {
        let own = self.write_report(&format!("timings/timings-{run}.html"), page)?;
        self.write_report("timings/timings.html", page)?;
        let mut earlier = pages(own.parent().unwrap_or(&own));
        earlier.retain(|(_, path)| *path != own);
        earlier.sort_unstable();
        let many = earlier.len().saturating_sub(PAGES - 1);
        for (_, path) in earlier.drain(..many) {
            // Another run may have removed it; and what cannot be removed does no harm.
            let _ = fs::remove_file(path);
        }
        Ok(own)
    }
}

/// The pages of runs in a folder, each with what its run's id begins with: when it began.
fn pages(folder: &Path) -> Vec<(u64, PathBuf)> {
    let began = |path: &Path| {
        let run = path.file_name()?.to_str()?.strip_prefix("timings-")?.strip_suffix(".html")?;
        let (began, process) = run.split_once('-')?;
        process.parse::<u32>().is_ok().then(|| began.parse::<u64>().ok()).flatten()
    };
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    paths.filter_map(|path| Some((began(&path)?, path))).collect()
}
