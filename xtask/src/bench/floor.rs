//! The least that a run could take, and what it takes: looking at every input once, starting every command, reading
//! every input. On as many threads as there are cores, two at least, and each in a process of its own, as the program is.

use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};

use super::Measuring;
use super::command::{lifecycle, quiet, timed};
use super::peak::peak;
use super::table::{Table, time};
use super::turns::{Contestant, Turns};
use crate::generate::{COMMAND, Shape};

/// Do the least about every member of a generated workspace
#[derive(clap::Args)]
pub struct LeastArguments {
    what: Least,
    /// The workspace
    root: PathBuf,
    /// How many inputs it has
    files: usize,
}

/// What has to be done at least.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Least {
    /// Ask for the metadata of every input, by its name in its folder
    Look,
    /// Walk to every input and ask for its metadata by its path, as most programs do
    Walk,
    /// Read every input
    Read,
    /// Start every command, one for each thread at a time
    Start,
}

impl LeastArguments {
    /// Does it, in a process that knows no member before.
    pub fn run(self) -> anyhow::Result<()> {
        let members: Vec<PathBuf> =
            fs::read_dir(self.root.join("members"))?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        let seen = AtomicUsize::new(0);
        each(&members, |member| {
            let files = match self.what {
                Least::Look => look(member, |entry| entry.metadata())?,
                Least::Walk => look(member, |entry| fs::symlink_metadata(entry.path()))?,
                Least::Read => read(member)?,
                Least::Start => start(member)?,
            };
            seen.fetch_add(files, Ordering::Relaxed);
            Ok(())
        })?;
        let expected = if self.what == Least::Start { members.len() } else { self.files };
        ensure!(seen.into_inner() == expected, "not everything was done");
        Ok(())
    }
}

/// Walks the folders, and asks for each file's metadata in this way; how many there are.
fn look(member: &Path, ask: impl Fn(&DirEntry) -> io::Result<Metadata>) -> anyhow::Result<usize> {
    fs::symlink_metadata(member.join("Cargo.toml"))?;
    let mut files = 1;
    for entry in fs::read_dir(member.join("src"))? {
        ask(&entry?)?;
        files += 1;
    }
    Ok(files)
}

fn read(member: &Path) -> anyhow::Result<usize> {
    let mut buffer = Vec::new();
    let inputs = inputs(member)?;
    for path in &inputs {
        buffer.clear();
        File::open(path)?.read_to_end(&mut buffer)?;
    }
    Ok(inputs.len())
}

fn start(member: &Path) -> anyhow::Result<usize> {
    let mut command = Command::new("sh");
    command.args(["-c", COMMAND]).current_dir(member).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    ensure!(command.status()?.success(), "a command failed in {}", member.display());
    Ok(1)
}

/// Does it for each member, on as many threads as everybody has.
fn each(members: &[PathBuf], act: impl Fn(&Path) -> anyhow::Result<()> + Sync) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(member) = members.get(next.fetch_add(1, Ordering::Relaxed)) {
            act(member)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads()).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().ok().context("a thread panicked")?);
        ended.collect()
    })
}

/// The workspace that is measured, on disk.
pub struct Ground {
    /// Its root.
    pub dir: PathBuf,
    /// Each member's folder.
    pub members: Vec<PathBuf>,
    files: usize,
    /// How much was put aside.
    gone: AtomicUsize,
}

impl Ground {
    /// Writes it.
    pub fn new(shape: &Shape) -> anyhow::Result<Self> {
        shape.write()?;
        let members = (0..shape.members()).map(|member| shape.folder(member)).collect();
        Ok(Self { dir: shape.dir().to_owned(), members, files: shape.members() * (shape.files() + 1), gone: 0.into() })
    }

    /// A process that does the least of this kind.
    fn least(&self, what: &str) -> anyhow::Result<Duration> {
        let mut least = quiet(std::env::current_exe()?, &self.dir);
        timed(least.args(["least", what]).arg(&self.dir).arg(self.files.to_string()))
    }

    /// Gives every input a new time, and leaves what is in it.
    pub fn touch(&self) -> anyhow::Result<()> {
        let now = SystemTime::now();
        each(&self.members, |member| {
            inputs(member)?.iter().try_for_each(|path| Ok(File::options().write(true).open(path)?.set_modified(now)?))
        })
    }

    /// Takes away what the commands made.
    pub fn clean(&self) -> anyhow::Result<()> {
        self.members.iter().try_for_each(|member| self.put_aside(&member.join("out")))
    }

    /// Takes the file or folder away, if it is there, and leaves it on the disk: for seconds after many files were removed,
    /// ext4 takes several times as long to make one (`recently_deleted` in `fs/ext4/ialloc.c`), for whoever comes next.
    pub fn put_aside(&self, path: &Path) -> anyhow::Result<()> {
        let mut gone = self.dir.clone().into_os_string();
        gone.push(".gone");
        fs::create_dir_all(&gone)?;
        let place = Path::new(&gone).join(self.gone.fetch_add(1, Ordering::Relaxed).to_string());
        found(fs::rename(path, place)).with_context(|| format!("cannot put {} aside", path.display()))
    }
}

/// How many commands are run at a time, by everybody.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).max(2)
}

fn inputs(member: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let sources = fs::read_dir(member.join("src"))?.map(|entry| Ok(entry?.path()));
    sources.chain([Ok(member.join("Cargo.toml"))]).collect()
}

/// Removes the folder, if it is there.
pub fn remove(folder: &Path) -> anyhow::Result<()> {
    found(fs::remove_dir_all(folder)).with_context(|| format!("cannot remove {}", folder.display()))
}

/// What is not there need not be taken away.
fn found(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// `cargo lifecycle` over a ground.
pub struct Ours<'a> {
    pub program: &'a Path,
    pub ground: &'a Ground,
}

impl Ours<'_> {
    /// Everything as the run before left it.
    pub fn no_op(&self) -> anyhow::Result<Duration> {
        self.run(&[])
    }

    /// Nothing is known any more, not even the workspace: `cargo metadata` runs, too.
    pub fn cold(&self) -> anyhow::Result<Duration> {
        self.ground.clean()?;
        self.ground.put_aside(&self.ground.dir.join("target"))?;
        self.run(&[])
    }

    /// Everything is fresh, and runs.
    fn forced(&self) -> anyhow::Result<Duration> {
        self.ground.clean()?;
        self.run(&["--force"])
    }

    fn touched(&self) -> anyhow::Result<Duration> {
        self.ground.touch()?;
        self.run(&[])
    }

    /// As after an edit a while ago: the next run has nothing to do, and nothing to read.
    pub fn settle(&self) -> anyhow::Result<()> {
        (0..2).try_for_each(|_| self.run(&[]).map(drop))
    }

    /// A run, with these words more.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = lifecycle(self.program, &self.ground.dir, words);
        command.args(["stamp", "--workspace", "--offline", "--jobs", &threads().to_string()]);
        command
    }

    fn run(&self, words: &[&str]) -> anyhow::Result<Duration> {
        timed(&mut self.command(words))
    }
}

/// The table.
pub fn table(measuring: &Measuring) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let ground = Ground::new(&Shape::new(measuring.members, measuring.files, folder.path().join("ws"))?)?;
    let ours = Ours { program: &measuring.program, ground: &ground };
    let no_op = || -> Contestant<'_> { Box::new(|| ours.settle().and_then(|()| ours.no_op())) };
    let touched = || ours.settle().and_then(|()| ours.touched());
    let start = || ground.clean().and_then(|()| ground.least("start"));
    // The first read after a change is dearer than the next, for whoever has the system note it.
    let read = || ground.touch().and_then(|()| ground.least("read"));
    let ask_and_start = || {
        ground.clean()?;
        let mut ask = quiet(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), &ground.dir);
        Ok(timed(ask.args(["metadata", "--format-version", "1", "--offline"]))? + ground.least("start")?)
    };
    let rows: [(_, Contestant<'_>, _, Contestant<'_>); 6] = [
        ("no-op", no_op(), "looking at every input", Box::new(|| ground.least("look"))),
        ("no-op", no_op(), "a walk, and lstat of every input", Box::new(|| ground.least("walk"))),
        ("all run, nothing stored (--force)", Box::new(|| ours.forced()), "starting the commands", Box::new(start)),
        ("cold: nothing known, cargo asked", Box::new(|| ours.cold()), "starting the commands", Box::new(start)),
        (
            "cold: nothing known, cargo asked",
            Box::new(|| ours.cold()),
            "cargo metadata, then them",
            Box::new(ask_and_start),
        ),
        ("every input touched", Box::new(touched), "reading every input", Box::new(read)),
    ];
    ours.settle()?;
    eprintln!("measuring: the floor and what stands on it");
    let names = rows.each_ref().map(|(name, _, floor, _)| (*name, *floor));
    let contestants = rows.into_iter().flat_map(|(_, run, _, floor)| [run, floor]).collect();
    let turns = Turns::measure(measuring.rounds, contestants)?;
    let title = format!(
        "Floor: {} members x {} files, {} threads, medians of {} rounds",
        measuring.members,
        measuring.files,
        threads(),
        measuring.rounds
    );
    let mut table = Table::new(title, &["run", "took", "floor", "took", "ratio"]);
    for (row, (name, floor)) in names.into_iter().enumerate() {
        let (run, least) = (2 * row, 2 * row + 1);
        let ratio = format!("{:.2}", turns.ratio(run, least));
        table.row([name.into(), time(turns.median(run)), floor.into(), time(turns.median(least)), ratio]);
    }
    ours.settle()?;
    table.note(format!("Peak memory of the no-op run: {}.", peak(&ours.command(&[]))?));
    Ok(table)
}
