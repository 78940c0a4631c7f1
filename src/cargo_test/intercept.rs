//! A folder in which cargo finds this program in the place of a test runner and of rustdoc, and in which it leaves how it
//! was called.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::call::Call;
use super::shim::{REAL_RUSTDOC, RUNNER, RUSTDOC, is_answered};

/// How old what a killed run has left becomes.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// Cargo's calls of one run of `cargo test`.
#[derive(Debug)]
pub struct Intercept {
    dir: TempDir,
}

impl Intercept {
    /// Prepares a folder in `parent`, which is made if it is not there. `rustdoc` is the real one.
    ///
    /// # Errors
    /// Whatever the file system says; the running program does not call [`shim`](super::shim); a path that cannot stand in
    /// cargo's configuration.
    pub fn new(parent: &Path, rustdoc: &str) -> io::Result<Self> {
        if !is_answered() {
            return Err(io::Error::other("the program that runs them does not call `cargo_lifecycle::shim` first"));
        }
        fs::create_dir_all(parent)?;
        sweep(parent);
        let dir = tempfile::Builder::new().prefix("run-").tempdir_in(parent)?;
        let own = std::env::current_exe()?;
        for name in [RUNNER, RUSTDOC] {
            stand_in(&own, &dir.path().join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))?;
        }
        fs::write(dir.path().join(REAL_RUSTDOC), rustdoc)?;
        dir.path().to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(Self { dir })
    }

    /// The arguments that make cargo tell. `triples`: what it may build tests for.
    pub fn arguments(&self, triples: &[String]) -> Vec<OsString> {
        let path = |name: &str| {
            let path = self.dir.path().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            toml::Value::String(path.to_string_lossy().into_owned())
        };
        let text = |text: &str| toml::Value::String(text.to_owned());
        let runners = triples.iter().map(|triple| format!("target.{0}.runner=[{1},{0}]", text(triple), path(RUNNER)));
        let all = runners.chain([format!("build.rustdoc={}", path(RUSTDOC))]);
        all.flat_map(|value| ["--config".into(), value.into()]).collect()
    }

    /// What cargo would have run, in its order.
    ///
    /// # Errors
    /// Whatever the file system says; a call that was not written to its end.
    pub fn calls(&self) -> io::Result<Vec<Call>> {
        let entries = fs::read_dir(self.dir.path())?.collect::<io::Result<Vec<_>>>()?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|is| is == "call"));
        paths.sort();
        let read = |path: &std::path::PathBuf| Call::read(&fs::read(path)?).ok_or(io::ErrorKind::InvalidData.into());
        paths.iter().map(read).collect()
    }
}

/// Puts this program under another name. A link to the file itself stays what it is when the program is compiled anew
/// meanwhile, which it is where it runs its own tests.
fn stand_in(own: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(own, path).or_else(|_| soft_link(own, path)).or_else(|_| fs::copy(own, path).map(drop))
}

#[cfg(unix)]
fn soft_link(own: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(own, path)
}

#[cfg(not(unix))]
fn soft_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Removes what runs that were killed have left.
fn sweep(parent: &Path) {
    let is_old = |entry: &fs::DirEntry| {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .map(|time| SystemTime::now().duration_since(time));
        matches!(age, Ok(Ok(age)) if age > LEFT)
    };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten().filter(is_old) {
        // Another run may be at it.
        let _ = fs::remove_dir_all(entry.path());
    }
}
