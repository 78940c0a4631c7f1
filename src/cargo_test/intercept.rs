//! A folder in which cargo finds this program in the place of a test runner and of rustdoc, and in which it leaves how it
//! was called.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::call::Call;
use super::shim::{CALLS, REAL_RUSTDOC, RUNNER, RUSTDOC, is_answered};

/// How old what a killed run has left becomes.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// Cargo's calls of one run of `cargo test`.
#[derive(Debug)]
pub struct Intercept {
    dir: TempDir,
    rustdoc: PathBuf,
}

/// What makes cargo tell.
#[derive(Clone)]
pub struct Instead {
    /// Arguments for it.
    pub arguments: Vec<OsString>,
    /// What stands in for rustdoc; the variable that names it goes before arguments.
    pub rustdoc: PathBuf,
}

impl Intercept {
    /// Prepares a folder in `parent`, which is made if it is not there. `rustdoc` is the real one.
    ///
    /// # Errors
    /// Whatever the file system says; the running program does not call [`shim`](super::shim); a path that cannot stand in
    /// cargo's configuration.
    pub fn new(parent: &Path, rustdoc: &Path) -> io::Result<Self> {
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
        fs::write(dir.path().join(REAL_RUSTDOC), rustdoc.to_str().ok_or(io::ErrorKind::InvalidFilename)?)?;
        dir.path().to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(Self { dir, rustdoc: rustdoc.to_owned() })
    }

    /// What makes cargo tell. `triples`: what it may build tests for; `is_text`: whether the configuration says the runner of
    /// one as a text, as cargo lays only the same sort of value over it.
    ///
    /// # Errors
    /// A text cannot name this program, because there are blanks in its path.
    pub fn instead(&self, triples: &[String], is_text: &dyn Fn(&str) -> bool) -> io::Result<Instead> {
        let value = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned());
        let runner = self.stand_in(RUNNER);
        let of_triple = |name: &String| {
            let triple = toml::Value::String(name.clone());
            if !is_text(name) {
                return Ok(format!("target.{triple}.runner=[{},{triple}]", value(&runner)));
            }
            let path = runner.to_string_lossy();
            if path.contains(char::is_whitespace) {
                let text = format!(
                    "cargo's configuration says the runner of {name} as a text; as an array, `[\"…\"]`, it would do"
                );
                return Err(io::Error::other(text));
            }
            Ok(format!("target.{triple}.runner={}", toml::Value::String(format!("{path} {name}"))))
        };
        let rustdoc = self.stand_in(RUSTDOC);
        let mut all = triples.iter().map(of_triple).collect::<io::Result<Vec<_>>>()?;
        all.push(format!("build.rustdoc={}", value(&rustdoc)));
        Ok(Instead {
            arguments: all.into_iter().flat_map(|value| ["--config".into(), value.into()]).collect(),
            rustdoc,
        })
    }

    fn stand_in(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// What cargo would have run, in its order.
    ///
    /// # Errors
    /// Whatever the file system says; a call that was not written to its end.
    pub fn calls(&self) -> io::Result<Vec<Call>> {
        let noted = match fs::read(self.dir.path().join(CALLS)) {
            // There are no tests.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            noted => noted?,
        };
        let mut calls = Call::read_all(&noted).ok_or(io::ErrorKind::InvalidData)?;
        let rustdoc = self.stand_in(RUSTDOC);
        let variables = calls.iter_mut().flat_map(|call| &mut call.env);
        for (_, value) in variables.filter(|(name, value)| name == "RUSTDOC" && *value == *rustdoc) {
            *value = self.rustdoc.clone().into_os_string();
        }
        Ok(calls)
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
