//! Which steps have been started and not yet accounted for: one file per run in `started/`, written before a step begins
//! and removed once `state.json` says how it ended. What a run that was killed has left is seen by the next ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::{Ended, LastRun, State, survivors};
use crate::home::{Home, is_at, undisturbed};
use crate::model::Digest;

/// What this run has started.
#[derive(Debug)]
pub struct Started {
    home: Home,
    path: PathBuf,
    is_closed: AtomicBool,
    is_cleaned: AtomicBool,
    noted: Mutex<Noted>,
    /// What tells this boot of the system from others.
    boot: OnceLock<String>,
}

#[derive(Debug, Default)]
struct Noted {
    /// The file, whose lock says that this run goes on.
    file: Option<File>,
    steps: BTreeMap<String, Noting>,
}

/// A step of this run.
#[derive(Debug)]
struct Noting {
    /// The files of others, by name, whose run of the step was over when this one began.
    before: BTreeSet<String>,
    key: Option<Digest>,
    has_ended: bool,
    /// Whether a run that was killed had begun it, and something that this one had started went on then.
    is_haunted: bool,
}

/// How far a step has come in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stage {
    /// The key under which it runs.
    key: Option<Digest>,
    has_ended: bool,
    /// Whether another run has done it since it began, and `state.json` tells of that one.
    is_overtaken: bool,
    /// Likewise, before it ended.
    is_beside: bool,
}

type Stages = BTreeMap<String, Stage>;

/// What a run has left, or has there because it goes on.
#[derive(Debug)]
pub(super) struct Left {
    name: String,
    path: PathBuf,
    /// Whether it goes on, or what it has started does.
    is_alive: bool,
    /// Whether it was killed, and what it has started goes on.
    has_survivors: bool,
    /// `None`: nobody knows what it has started.
    steps: Option<Stages>,
}

/// What is to become of all this when the state is written.
#[derive(Debug)]
pub struct Settling<'a> {
    started: &'a Started,
    /// `None`: somebody has removed it.
    own: Option<Stages>,
    others: Vec<Left>,
}

impl Started {
    /// That of the run of this name. Nothing is written before a step begins.
    #[must_use]
    pub fn new(home: &Home, run: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{run}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self {
            home: home.clone(),
            path: folder(home).join(name),
            is_closed: AtomicBool::new(false),
            is_cleaned: AtomicBool::new(false),
            noted: Mutex::default(),
            boot: OnceLock::new(),
        }
    }

    /// From now on nothing is noted: no state is kept of what begins later.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Notes that this run has removed what is kept: if it is still gone when a step begins, it is not made again for that.
    pub fn cleaned(&self) {
        self.is_cleaned.store(true, Ordering::Release);
    }

    /// Notes that the step is about to begin. Until it is accounted for, nobody knows in which state it is.
    ///
    /// # Errors
    /// What the file system says, if then something is left to be taken for the state of the step.
    pub fn begins(&self, step: &str, key: Option<Digest>) -> io::Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            return Ok(());
        }
        let is_over = |left: &Left| {
            let has_ended = |steps: &Stages| steps.get(step).is_some_and(|stage| stage.has_ended);
            !left.is_alive || left.steps.as_ref().is_some_and(has_ended)
        };
        let (before, beside): (Vec<Left>, Vec<Left>) = self.others().into_iter().partition(is_over);
        let is_haunted = beside.iter().any(|left| left.has_survivors && left.doubts(step));
        let before = before.into_iter().map(|left| left.name).collect();
        let mut noted = self.noted();
        noted.steps.insert(step.to_owned(), Noting { before, key, has_ended: false, is_haunted });
        if self.is_cleaned.load(Ordering::Acquire) && !self.home.shared().exists() {
            return Ok(());
        }
        let Err(error) = self.append(&mut noted, &begun(step, key)) else { return Ok(()) };
        // There is a way to say less where there is none to say more.
        match fs::remove_file(super::path(&self.home)) {
            Err(other) if other.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Notes that the step is over.
    pub fn ends(&self, step: &str) {
        let mut noted = self.noted();
        let Some(noting) = noted.steps.get_mut(step) else { return };
        noting.has_ended = true;
        if let Some(file) = noted.file.as_mut().filter(|file| is_at(file, &self.path)) {
            // Others know less without it, and nothing that is wrong.
            let _ = write(file, &line('-', step), self.boot.get_or_init(boot));
        }
    }

    /// Whether what a killed run had started for the step went on when this run began it, and may have spoiled what it made.
    #[must_use]
    pub fn is_haunted(&self, step: &str) -> bool {
        self.noted().steps.get(step).is_some_and(|noting| noting.is_haunted)
    }

    /// Whether there is something to account for.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.noted().steps.is_empty()
    }

    /// Looks at what others have started, and at what they say of this run. The right to write must be had.
    #[must_use]
    pub fn settling(&self) -> Settling<'_> {
        let own = if self.noted().file.is_some() { read(&self.path, &boot()) } else { Some(Stages::new()) };
        Settling { started: self, own, others: self.others() }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn others(&self) -> Vec<Left> {
        // What this run has noted itself, it knows: to read that at each step would take longer with each.
        left_by(&self.home, |path| path != self.path)
    }

    fn append(&self, noted: &mut Noted, line: &str) -> io::Result<()> {
        let boot = self.boot.get_or_init(boot);
        match &mut noted.file {
            // Whoever removes everything takes it along.
            Some(file) if is_at(file, &self.path) => write(file, line, boot),
            _ => {
                noted.file = Some(self.create(&noted.steps, boot)?);
                Ok(())
            }
        }
    }

    /// A file with all that was noted, which is there once it is whole and locked.
    fn create(&self, steps: &BTreeMap<String, Noting>, boot: &str) -> io::Result<File> {
        let mut text = format!("boot {boot}\n");
        for (step, noting) in steps {
            text += &begun(step, noting.key);
            text += if noting.has_ended { line('-', step) } else { String::new() }.as_str();
        }
        undisturbed(|| self.put(&text, boot))
    }

    fn put(&self, text: &str, boot: &str) -> io::Result<File> {
        self.home.make_folders()?;
        fs::create_dir_all(folder(&self.home))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = self.path.with_file_name(format!("{UNFINISHED}{name}"));
        let _ = fs::remove_file(&unfinished);
        // Others add to it as well.
        let mut file = File::options().create_new(true).append(true).open(&unfinished)?;
        let put =
            file.lock().and_then(|()| write(&mut file, text, boot)).and_then(|()| fs::rename(&unfinished, &self.path));
        if put.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        put.map(|()| file)
    }
}

impl Settling<'_> {
    /// Whether another run has done the step since this one did, and has noted that: then there is nothing to add.
    #[must_use]
    pub fn is_overtaken(&self, step: &str) -> bool {
        self.own_stage(step).is_overtaken
    }

    /// Takes from the state, and from what this run is to add to it, what is not known.
    pub fn apply(&self, state: &mut State, steps: &mut BTreeMap<String, LastRun>) {
        state.doubt(self.others.iter().filter(|left| !left.is_alive));
        for (step, noting) in &self.started.noted().steps {
            let stage = self.own_stage(step);
            let there = state.steps.get_mut(step);
            if stage.is_overtaken {
                let succeeded = steps.remove(step).is_some_and(|last| last.ended == Ended::Succeeded);
                // What that one made, this one may have spoiled.
                there.into_iter().for_each(|last| last.is_unknown |= stage.is_beside && !succeeded);
                continue;
            }
            // Nobody could tell us.
            let is_hidden = self.own.is_none() && there.is_some();
            let is_beside =
                |left: &Left| left.doubts(step) && !noting.before.contains(&left.name) && !left.has(step, noting.key);
            match steps.get_mut(step) {
                Some(last) => last.is_unknown = is_hidden || self.others.iter().any(is_beside),
                None => there.into_iter().for_each(|last| last.is_unknown = true),
            }
        }
    }

    fn own_stage(&self, step: &str) -> Stage {
        self.own.as_ref().and_then(|own| own.get(step)).copied().unwrap_or_default()
    }

    /// All of it has been written: what stood for it goes, and those that go on are told.
    pub fn end(self) {
        let mut noted = self.started.noted();
        for left in self.others.iter().filter(|left| !left.is_alive) {
            let _ = fs::remove_file(&left.path);
        }
        for left in self.others.iter().filter(|left| left.is_alive) {
            let common = noted.steps.keys().filter(|step| left.doubts(step));
            let lines: String = common.map(|step| line('!', step)).collect();
            if !lines.is_empty() {
                let _ =
                    File::options().append(true).open(&left.path).and_then(|mut file| file.write_all(lines.as_bytes()));
            }
        }
        if noted.file.take().is_some() {
            let _ = fs::remove_file(&self.started.path);
        }
        noted.steps.clear();
        let _ = fs::remove_dir(folder(&self.started.home));
    }
}

impl Left {
    /// Whether nobody knows in which state the step is because of this.
    pub(super) fn doubts(&self, step: &str) -> bool {
        let Some(steps) = &self.steps else { return true };
        steps.get(step).is_some_and(|stage| !(stage.has_ended && stage.is_overtaken))
    }

    /// Whether it does the step under this very key: then it does the same, if it waits for others that do.
    fn has(&self, step: &str, key: Option<Digest>) -> bool {
        let stage = self.steps.as_ref().and_then(|steps| steps.get(step));
        key.is_some() && !self.has_survivors && stage.is_some_and(|stage| stage.key == key)
    }
}

/// What runs have left, and those that go on have there. To be asked before `state.json` is read: a run writes that first.
pub(super) fn left(home: &Home) -> Vec<Left> {
    left_by(home, |_| true)
}

fn left_by(home: &Home, is_meant: impl Fn(&Path) -> bool) -> Vec<Left> {
    let Ok(entries) = fs::read_dir(folder(home)) else { return Vec::new() };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| is_meant(path)).collect();
    if paths.is_empty() {
        return Vec::new();
    }
    let boot = boot();
    let mut all: Vec<Left> = paths.into_iter().filter_map(|path| look(path, &boot)).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn look(path: PathBuf, boot: &str) -> Option<Left> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    if name.starts_with(UNFINISHED) {
        return None;
    }
    // Whatever else stands there is none of a run's.
    if fs::metadata(&path).is_ok_and(|there| !there.is_file()) {
        return None;
    }
    let is_alive = match File::open(&path) {
        // It was accounted for just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => false,
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        },
    };
    let steps = read(&path, boot);
    let run = name.rsplit_once('-').map_or(&*name, |(run, _)| run);
    let has_survivors = !is_alive && survivors::are_there(run);
    Some(Left { is_alive: is_alive || has_survivors, name, path, has_survivors, steps })
}

fn read(path: &Path, boot: &str) -> Option<Stages> {
    parse(&fs::read(path).ok()?, boot)
}

/// What the file says; `None` if it is of another boot of the system, from which not all may have reached the disk, or
/// damaged.
fn parse(bytes: &[u8], boot: &str) -> Option<Stages> {
    let text = str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut lines = text.split('\n');
    if lines.next()?.strip_prefix("boot ")? != boot {
        return None;
    }
    let mut steps = Stages::new();
    for line in lines {
        let mark = line.chars().next()?;
        let (step, key): (String, Option<String>) = serde_json::from_str(line.get(mark.len_utf8()..)?).ok()?;
        let key = match key {
            Some(hex) => Some(Digest::from_hex(&hex)?),
            None => None,
        };
        let stage = steps.entry(step).or_default();
        match mark {
            '+' => *stage = Stage { key, ..Stage::default() },
            '-' => stage.has_ended = true,
            '!' => {
                stage.is_overtaken = true;
                stage.is_beside |= !stage.has_ended;
            }
            _ => return None,
        }
    }
    Some(steps)
}

fn begun(step: &str, key: Option<Digest>) -> String {
    format!("+{}\n", serde_json::json!([step, key.map(|key| key.to_string())]))
}

fn line(mark: char, step: &str) -> String {
    format!("{mark}{}\n", serde_json::json!([step, null]))
}

/// What is written survives us. Where another boot cannot be told from this one, it has to survive the system as well.
fn write(file: &mut File, text: &str, boot: &str) -> io::Result<()> {
    // At once: what another run adds meanwhile does not come between.
    file.write_all(text.as_bytes())?;
    if boot.is_empty() { file.sync_data() } else { Ok(()) }
}

/// What tells one boot of the system from another; nothing where that cannot be told.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn folder(home: &Home) -> PathBuf {
    home.own().join("started")
}

/// How the name of a file begins that is not yet there for others.
const UNFINISHED: &str = ".new-";

#[cfg(test)]
mod tests;
