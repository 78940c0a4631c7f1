//! A run from the command line: who is told what happens in it, and what is written of it afterwards.

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use anyhow::Context as _;

use super::arguments::{Arguments, MessageFormat};
use super::complain;
use super::out::{Out, Trouble};
use super::times::{Times, Written};
use crate::app::{Lifecycle, Report};
use crate::atomic;
use crate::model::Event;
use crate::profiling::Sampler;
use crate::report::{Display, Github, Human, Json, Junit, Repository, Verbosity, warning, written};

/// How long GitHub lets a summary be, in bytes: all that one of its steps writes.
const SUMMARY: usize = 1024 * 1024;

/// Runs what was asked for, and answers the exit code. `sampler`: one that samples since the call.
pub fn run(
    lifecycle: &Lifecycle,
    arguments: &Arguments,
    sampler: Option<Sampler>,
    display: Display,
) -> anyhow::Result<u8> {
    let times = Times::wanted(lifecycle, arguments, sampler);
    let mut sinks = Sinks::new(lifecycle, arguments, times, display);
    let report = lifecycle.run(|event| sinks.take(event))?;
    Ok(sinks.finish(lifecycle, arguments, &report, display))
}

/// All that are told what happens.
struct Sinks<'a> {
    human: Option<Human<io::Stderr>>,
    json: Option<Json<Out>>,
    github: Option<Github<Out>>,
    trouble: Trouble,
    junit: Option<Junit>,
    times: Option<Times<'a>>,
}

impl<'a> Sinks<'a> {
    fn new(lifecycle: &Lifecycle, arguments: &Arguments, times: Option<Times<'a>>, display: Display) -> Self {
        let format = arguments.message_format.unwrap_or_else(usual);
        let trouble = Trouble::default();
        let stdout = || Out::new(&trouble);
        let github = || Github::new(stdout(), Display { bar: false, ..display }, token(), repository(lifecycle.root()));
        Self {
            human: (format != MessageFormat::Github).then(|| Human::new(io::stderr(), display)),
            json: (format == MessageFormat::Json).then(|| Json::new(stdout())),
            github: (format == MessageFormat::Github).then(github),
            junit: arguments.junit.as_ref().map(|_| Junit::new()),
            times,
            trouble,
        }
    }

    fn take(&mut self, event: Event) {
        self.json.iter_mut().for_each(|json| json.take(&event));
        self.github.iter_mut().for_each(|github| github.take(&event));
        self.junit.iter_mut().for_each(|junit| junit.take(&event));
        self.times.iter_mut().for_each(|times| times.take(&event));
        if let Some(human) = &mut self.human {
            human.take(event);
        }
    }

    /// Writes what is written at the end, and answers the exit code: that the run itself failed says more in it than that
    /// something cannot be written.
    fn finish(&self, lifecycle: &Lifecycle, arguments: &Arguments, report: &Report, display: Display) -> u8 {
        let junit = self.junit.as_ref().zip(arguments.junit.as_ref()).map(|(junit, path)| {
            write(path, junit.xml().as_bytes())
                .with_context(|| format!("cannot write the report to `{}`", path.display()))
        });
        let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from);
        let summary = self.github.as_ref().zip(path).map(|(github, path)| {
            summarize(&path, github).with_context(|| format!("cannot write the summary to `{}`", path.display()))
        });
        let (times, errors): (Vec<_>, Vec<_>) =
            self.times.iter().flat_map(|times| times.write(lifecycle, report.cleaned)).partition(Result::is_ok);
        if display.verbosity > Verbosity::Quiet {
            tell(times.into_iter().flatten(), display.color);
        }
        let (errors, warnings): (Vec<_>, Vec<_>) =
            errors.into_iter().filter_map(Result::err).partition(|unwritten| unwritten.is_asked_for);
        warnings.iter().for_each(|unwritten| warn(&unwritten.error, display.color));
        let errors = errors.into_iter().map(|unwritten| unwritten.error);
        let out = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map(|error| Err(error).context("cannot write the events to standard output"));
        let errors = [out, junit, summary].into_iter().flatten().filter_map(Result::err).chain(errors);
        errors.fold(report.exit_code(), |code, error| code.max(complain(&error, display.color)))
    }
}

/// Says where reports stand.
fn tell(reports: impl Iterator<Item = Written>, color: bool) {
    for (what, path) in reports {
        // If standard error is gone, the files are there all the same.
        let _ = io::stderr().write_all(written(color, what, &path).as_bytes());
    }
}

/// The format when none is asked for.
fn usual() -> MessageFormat {
    let is_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    if is_github { MessageFormat::Github } else { MessageFormat::Human }
}

/// What nobody can guess: the keys of the standard library's hashes come from the system's source of randomness, once for
/// each thread, and are counted up.
fn token() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// Where the workspace lies in what GitHub has checked out; a workspace elsewhere is taken for the repository.
fn repository(workspace: &Path) -> Repository {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let workspace = whole(workspace);
    let checked_out = std::env::var_os("GITHUB_WORKSPACE").map(|path| whole(Path::new(&path)));
    let root = checked_out.filter(|root| workspace.starts_with(root)).unwrap_or_else(|| workspace.clone());
    Repository { root, workspace }
}

/// Adds the summary to what earlier calls of the same job step have written.
fn summarize(path: &Path, github: &Github<Out>) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let written = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(github.summary(SUMMARY.saturating_sub(written)).as_bytes())
}

/// Says what is missing, which is no reason to fail.
fn warn(error: &anyhow::Error, color: bool) {
    // If standard error is gone, nobody can be told.
    let _ = io::stderr().write_all(warning(color, format_args!("{error:#}\n")).as_bytes());
}

/// Writes a file that was asked for by its path, whole or not at all; its folder is made if it is not there. What is no plain
/// file, such as a pipe, `/dev/stdout` or a link, stays what it is, and so does a file in a folder that takes no new ones.
pub fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let Ok(there) = fs::symlink_metadata(path) else {
        // Of a file in the place of a folder, making a folder would only say that it exists.
        if let Some(folder) = path.parent().filter(|folder| !folder.is_file()) {
            fs::create_dir_all(folder)?;
        }
        return atomic::show(path, contents);
    };
    if !there.is_file() {
        return fs::write(path, contents);
    }
    match atomic::show(path, contents) {
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy) => {
            fs::write(path, contents)
        }
        written => written,
    }
}
