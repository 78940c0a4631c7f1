//! The least that a run could take, and what it takes: looking at every input once, starting every command, reading
//! every input. On as many threads as there are cores, two at least.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};

use super::Measuring;
use super::command::{lifecycle, quiet, timed};
use super::peak::peak;
use super::table::{Table, time};
use super::turns::Turns;
use crate::generate::{COMMAND, Shape};

/// Look at every input of a generated workspace once
#[derive(clap::Args)]
pub struct LookArguments {
    /// The workspace
    root: PathBuf,
    /// How many inputs it has
    files: usize,
}

impl LookArguments {
    /// Looks, in a process that knows no member before.
    pub fn run(self) -> anyhow::Result<()> {
        let members = fs::read_dir(self.root.join("members"))?.map(|entry| Ok(entry?.path()));
        let members = members.collect::<anyhow::Result<_>>()?;
        Ground { dir: self.root, members, files: self.files }.look().map(drop)
    }
}

/// The workspace that is measured, on disk.
pub struct Ground {
    /// Its root.
    pub dir: PathBuf,
    /// Each member's folder.
    pub members: Vec<PathBuf>,
    files: usize,
}

impl Ground {
    /// Writes it.
    pub fn new(shape: &Shape) -> anyhow::Result<Self> {
        shape.write()?;
        let members = (0..shape.members()).map(|member| shape.folder(member)).collect();
        Ok(Self { dir: shape.dir().to_owned(), members, files: shape.members() * (shape.files() + 1) })
    }

    /// Looks at every input once: walks the folders, and asks for each file's metadata.
    pub fn look(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let seen = AtomicUsize::new(0);
        self.each_member(|member| {
            let mut files = 0;
            fs::symlink_metadata(member.join("Cargo.toml"))?;
            for entry in fs::read_dir(member.join("src"))? {
                entry?.metadata()?;
                files += 1;
            }
            seen.fetch_add(files + 1, Ordering::Relaxed);
            Ok(())
        })?;
        let took = began.elapsed();
        ensure!(seen.into_inner() == self.files, "not every file was looked at");
        Ok(took)
    }

    /// The same by a process that has to find them.
    fn look_alone(&self) -> anyhow::Result<Duration> {
        timed(quiet(std::env::current_exe()?, &self.dir).arg("look").arg(&self.dir).arg(self.files.to_string()))
    }

    /// Reads every input once.
    pub fn read(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.each_member(|member| {
            let mut buffer = Vec::new();
            for path in inputs(member)? {
                buffer.clear();
                File::open(path)?.read_to_end(&mut buffer)?;
            }
            Ok(())
        })?;
        Ok(began.elapsed())
    }

    /// Starts every command, one for each thread at a time.
    pub fn spawn(&self) -> anyhow::Result<Duration> {
        self.clean()?;
        let began = Instant::now();
        self.each_member(|member| {
            let status = quiet("sh", member).args(["-c", COMMAND]).status()?;
            ensure!(status.success(), "a command failed in {}", member.display());
            Ok(())
        })?;
        Ok(began.elapsed())
    }

    /// Gives every input a new time, and leaves what is in it.
    pub fn touch(&self) -> anyhow::Result<()> {
        let now = SystemTime::now();
        self.each_member(|member| {
            inputs(member)?.iter().try_for_each(|path| Ok(File::options().write(true).open(path)?.set_modified(now)?))
        })
    }

    /// Removes what the commands made.
    pub fn clean(&self) -> anyhow::Result<()> {
        self.members.iter().try_for_each(|member| remove(&member.join("out")))
    }

    fn each_member(&self, act: impl Fn(&Path) -> anyhow::Result<()> + Sync) -> anyhow::Result<()> {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(member) = self.members.get(next.fetch_add(1, Ordering::Relaxed)) {
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
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
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
        remove(&self.ground.dir.join("target"))?;
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

/// A run that must not settle first follows one that did.
fn settled<'a>(
    ours: &'a Ours<'_>,
    act: impl Fn() -> anyhow::Result<Duration> + 'a,
) -> Box<dyn FnMut() -> anyhow::Result<Duration> + 'a> {
    Box::new(move || {
        ours.settle()?;
        act()
    })
}

/// The table.
pub fn table(measuring: &Measuring) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let ground = Ground::new(&Shape::new(measuring.members, measuring.files, folder.path().join("ws"))?)?;
    let ours = Ours { program: &measuring.program, ground: &ground };
    ours.settle()?;
    eprintln!("measuring: the floor and what stands on it");
    let turns = Turns::measure(
        measuring.rounds,
        vec![
            Box::new(|| ground.look()),
            settled(&ours, || ours.no_op()),
            Box::new(|| ground.spawn()),
            Box::new(|| ours.forced()),
            Box::new(|| ours.cold()),
            Box::new(|| ground.read()),
            settled(&ours, || ours.touched()),
            Box::new(|| ground.look_alone()),
        ],
    )?;
    let title = format!(
        "Floor: {} members x {} files, {} threads, medians of {} rounds",
        measuring.members,
        measuring.files,
        threads(),
        measuring.rounds
    );
    let mut table = Table::new(title, &["run", "took", "floor", "took", "ratio"]);
    for (name, run, floor, least) in [
        ("no-op", 1, "a process that looks at every input", 7),
        ("no-op", 1, "looking at every input once", 0),
        ("all run, nothing stored (--force)", 3, "bare spawn of the commands", 2),
        ("cold: nothing known, cargo asked", 4, "bare spawn of the commands", 2),
        ("every input touched", 6, "reading every input once", 5),
    ] {
        let ratio = format!("{:.2}", turns.ratio(run, least));
        table.row([name.into(), time(turns.median(run)), floor.into(), time(turns.median(least)), ratio]);
    }
    ours.settle()?;
    table.note(format!("Peak memory of the no-op run: {}.", peak(&ours.command(&[]))?));
    table.note("But for the first, the floors are bare loops in a process that runs already; ours includes its start.");
    Ok(table)
}
