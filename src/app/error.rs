//! What can keep a run from beginning, and the exit code of each.

use crate::config::{Problems, ReadError};
use crate::plan::SelectionError;
use crate::workspace;

/// Why there is nothing to run, or no way to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something was asked for that is not there, or not allowed.
    #[error("{0}")]
    Usage(String),
    /// The members asked for.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// make.toml cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// make.toml says something wrong.
    #[error("make.toml is not valid")]
    Config(#[source] Problems),
    /// Hooks and needs form a cycle; the text shows it in full.
    #[error("{0}")]
    Cycle(String),
    /// Two steps claim the same output; the text shows where.
    #[error("{0}")]
    Clash(String),
    /// Cargo does not know the workspace.
    #[error(transparent)]
    Cargo(#[from] workspace::Error),
    /// The worker threads cannot be started.
    #[error("cannot start the worker threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The signals cannot be listened to.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
}

impl Error {
    /// The exit code that says so: 2 usage, 3 make.toml or plan, 4 cargo, 1 anything else.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Selection(_) => 2,
            Self::Read(_) | Self::Config(_) | Self::Cycle(_) | Self::Clash(_) => 3,
            Self::Cargo(_) => 4,
            Self::Threads(_) | Self::Signals(_) => 1,
        }
    }

    /// The error for people: in full, in colour if wanted, with a newline at its end.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        match self {
            Self::Config(problems) => format!("{}\n", problems.render(color)),
            Self::Cycle(text) | Self::Clash(text) if color => format!("{text}\n"),
            Self::Cycle(text) | Self::Clash(text) => {
                format!("{}\n", String::from_utf8_lossy(&crate::report::shown(false, text.as_bytes())))
            }
            Self::Cargo(workspace::Error::Cargo(text)) => format!("{}\n", text.trim_end()),
            other => format!("{}\n", crate::report::error(color, other)),
        }
    }
}
