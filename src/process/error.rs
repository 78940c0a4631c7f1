//! Why a child could not be started, told so that one knows what to repair.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::CommandLine;

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that stands on no folder of `PATH`.
    #[error("there is no program `{0}` on PATH")]
    NotOnPath(String),
    /// A path with nothing there.
    #[error("there is no program `{}`", .0.display())]
    NoSuchFile(PathBuf),
    /// A script whose `#!` line names nothing.
    #[error("`{}` is there, but not what its first line (`#!`) or its loader asks for", .0.display())]
    NoInterpreter(PathBuf),
    /// A file without leave to run, or a folder.
    #[error("`{0}` cannot be executed: {1}")]
    NotExecutable(String, #[source] io::Error),
    /// The folder to run it in is missing.
    #[error("the folder `{}` to run `{program}` in is not there", .dir.display())]
    NoSuchDir {
        /// What was to run.
        program: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The folder to run it in may not be entered.
    #[error("the folder `{}` to run `{program}` in cannot be entered: {error}", .dir.display())]
    ClosedDir {
        /// What was to run.
        program: String,
        /// The folder.
        dir: PathBuf,
        /// What the file system says.
        #[source]
        error: io::Error,
    },
    /// The run is ending: [`Children::close`](super::Children::close) was called.
    #[error("nothing is started any more")]
    Closed,
    /// Anything else.
    #[error("cannot run `{0}`: {1}")]
    Io(String, #[source] io::Error),
}

impl Error {
    /// What `error` means, which starting `command` gave. The system says the same of a folder, a program and an
    /// interpreter, so they are looked at afterwards.
    pub(super) fn of(command: &CommandLine, error: io::Error) -> Self {
        let name = command.name();
        let program = name.to_string_lossy().into_owned();
        if !command.dir.is_dir() {
            return Self::NoSuchDir { program, dir: command.dir.clone() };
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::not_found(&command.dir, &name),
            // Who may not enter it may not look at it from within.
            io::ErrorKind::PermissionDenied if command.dir.join(".").metadata().is_err() => {
                Self::ClosedDir { program, dir: command.dir.clone(), error }
            }
            io::ErrorKind::PermissionDenied => Self::NotExecutable(program, error),
            _ => Self::Io(program, error),
        }
    }

    fn not_found(dir: &Path, name: &OsStr) -> Self {
        if Path::new(name).components().count() == 1 && !name.to_string_lossy().contains(std::path::MAIN_SEPARATOR) {
            return Self::NotOnPath(name.to_string_lossy().into_owned());
        }
        let path = dir.join(name);
        if path.exists() { Self::NoInterpreter(path) } else { Self::NoSuchFile(path) }
    }
}
