//! The edits: what people, git and backups do to a workspace between two runs. An edit looks at what is there, so that
//! doing it again mostly undoes it; it knows nothing of runs.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::chance::Chance;
use crate::choices::BREAKING;
use crate::shop::{FILES, LINK};
use crate::world::World;

/// A kind of edit.
#[derive(Clone, Copy)]
pub enum Edit {
    /// Another digit for the first one behind a text.
    Digit(&'static str, &'static str),
    /// Likewise, and the file gets its old time back.
    DigitOldTime(&'static str, &'static str),
    /// Likewise, and the file is older than anything that was made.
    DigitAncient(&'static str, &'static str),
    /// Likewise, by a new file that is put in the place of the old one.
    DigitReplaced(&'static str, &'static str),
    /// A line at the end comes or goes.
    Line(&'static str, &'static str),
    /// One text in the place of another, or back.
    Swap(&'static str, &'static str, &'static str),
    /// A file comes or goes.
    File(&'static str, &'static str),
    /// A file or folder gets another name, or its old one back.
    Rename(&'static str, &'static str),
    /// A file gets the present time.
    Touch(&'static str),
    /// A file gets a time to come.
    Future(&'static str),
    /// A file becomes executable, or no longer.
    Mode(&'static str),
    /// The link leads to the other place.
    Link,
    /// A file with a name that is no text comes or goes.
    OddName,
    /// A file becomes a link to a copy of itself, or a file again.
    Linked(&'static str, &'static str),
    /// The state is noted by git.
    Commit,
    /// An earlier state comes back.
    Checkout,
    /// What is not committed goes.
    Stash,
    /// A variable has another value, or none.
    Variable(&'static str, &'static [&'static str]),
    /// Something that was made goes: the place in the workspace; a pattern of one `*` in the last name.
    Delete(&'static str),
    /// What is kept under this name goes.
    Forget(&'static str),
    /// A bit of about every other kept file is another.
    Flip,
    /// Every file of the workspace is as it was at first.
    Reset,
}

use Edit::{
    Checkout, Commit, Delete, Digit, DigitAncient, DigitOldTime, DigitReplaced, File, Flip, Forget, Future, Line, Link,
    Linked, Mode, OddName, Rename, Reset, Stash, Swap, Touch, Variable,
};

/// Where our results are kept.
const KEPT: &str = "shop/target/lifecycle";
impl Edit {
    /// Does it; `None` if there is nothing to be done it to. Otherwise what was done, in words.
    pub fn apply(self, world: &mut World, chance: &mut Chance) -> Option<String> {
        match self {
            Digit(path, behind) => digit(world, chance, path, behind).map(|to| format!("{path}: {behind}{to}")),
            DigitOldTime(path, behind) => {
                let time = modified(world, path)?;
                let to = digit(world, chance, path, behind)?;
                set_time(world, path, time);
                Some(format!("{path}: {behind}{to}, with its old time"))
            }
            DigitAncient(path, behind) => {
                let to = digit(world, chance, path, behind)?;
                set_time(
                    world,
                    path,
                    SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000 + chance.below(999) as u64),
                );
                Some(format!("{path}: {behind}{to}, and it is old"))
            }
            DigitReplaced(path, behind) => {
                let time = modified(world, path)?;
                let new = format!("{path}.new");
                fs::copy(world.at(path), world.at(&new)).ok()?;
                let to = digit(world, chance, &new, behind);
                set_time(world, &new, time);
                fs::rename(world.at(&new), world.at(path)).unwrap();
                to.map(|to| format!("{path}: {behind}{to}, in a new file with the old time"))
            }
            Line(path, line) => {
                let text = world.text(path)?;
                let (text, done) = match text.find(line) {
                    Some(_) => (text.replacen(line, "", 1), "without"),
                    None => (text + line, "with"),
                };
                world.write(path, &text);
                Some(format!("{path}: {done} {line:?}"))
            }
            Swap(path, one, other) => swap(world, path, one, other),
            File(path, text) => {
                if fs::remove_file(world.at(path)).is_ok() {
                    let _ = world.at(path).parent().map(fs::remove_dir);
                    return Some(format!("{path} goes"));
                }
                let is_elsewhere = path.starts_with("shop/tool/") && !world.at("shop/tool").exists();
                (!is_elsewhere).then(|| world.write(path, text))?;
                Some(format!("{path} comes"))
            }
            Rename(one, other) => rename(world, one, other),
            Touch(path) => {
                modified(world, path)?;
                set_time(world, path, SystemTime::now());
                Some(format!("touch {path}"))
            }
            Future(path) => {
                modified(world, path)?;
                set_time(world, path, SystemTime::now() + Duration::from_secs(3600));
                Some(format!("{path} is of the future"))
            }
            Mode(path) => {
                let mut mode = fs::metadata(world.at(path)).ok()?.permissions();
                mode.set_mode(mode.mode() ^ 0o111);
                fs::set_permissions(world.at(path), mode).unwrap();
                Some(format!("{path}: another mode"))
            }
            Link => {
                let (path, to) = (world.at(LINK.0), *chance.pick(&LINK.1));
                fs::remove_file(&path).ok()?;
                symlink(to, path).unwrap();
                Some(format!("{} -> {to}", LINK.0))
            }
            OddName => {
                let path = world.at("shop/base/data").join(OsStr::from_bytes(b"odd \xff.txt"));
                if fs::remove_file(&path).is_ok() {
                    return Some("base/data/odd \\xff.txt goes".to_owned());
                }
                fs::write(path, "odd").ok()?;
                Some("base/data/odd \\xff.txt comes".to_owned())
            }
            Linked(path, real) => linked(world, path, real),
            Commit => {
                world.git("add -A");
                world.git("commit -q -m state");
                let head = world.git("rev-parse HEAD");
                if !world.commits.contains(&head) {
                    world.commits.push(head.clone());
                }
                Some(format!("git commit: {}", head.get(..7)?))
            }
            Checkout => {
                let commit = (!world.commits.is_empty()).then(|| chance.pick(&world.commits).clone())?;
                world.git(&format!("checkout -q -f {commit}"));
                Some(format!("git checkout -f {}", commit.get(..7)?))
            }
            Stash => {
                world.git("stash -q --include-untracked");
                Some("git stash".to_owned())
            }
            Variable(name, values) => {
                let value = (!chance.one_in(values.len() + 1)).then(|| *chance.pick(values));
                match value {
                    Some(value) => world.env.insert(name, value),
                    None => world.env.remove(name),
                };
                Some(format!("{name}={value:?}"))
            }
            Delete(path) => delete(world, path),
            Forget(name) => {
                let found = kept(world).into_iter().find(|path| path.file_name().is_some_and(|is| is == name))?;
                if found.is_dir() { fs::remove_dir_all(found) } else { fs::remove_file(found) }.unwrap();
                Some(format!("rm -r {KEPT}/**/{name}"))
            }
            Reset => {
                for (path, text) in FILES.iter().filter(|(path, text)| world.text(path).as_deref() != Some(text)) {
                    let _ = fs::remove_file(world.at(path));
                    world.write(path, text);
                }
                for (_, breaking) in BREAKING.iter().filter(|(_, breaking)| matches!(breaking, File(..))) {
                    breaking.is_done(world).then(|| breaking.apply(world, chance));
                }
                let _ = fs::remove_dir_all(world.at("shop/toolbox"));
                let _ = fs::remove_file(world.at("shop/.cargo/config"));
                Some("everything is as it was at first".to_owned())
            }
            Flip => {
                let files: Vec<PathBuf> = kept(world).into_iter().filter(|path| path.is_file()).collect();
                for file in files {
                    let mut bytes = fs::read(&file).unwrap();
                    if !bytes.is_empty() && chance.one_in(2) {
                        let place = chance.below(bytes.len());
                        bytes[place] ^= 1 << chance.below(8);
                        fs::write(file, bytes).unwrap();
                    }
                }
                Some(format!("a bit of every other file in {KEPT} is another"))
            }
        }
    }

    /// Whether it stands done in the world, for one that breaks.
    pub fn is_done(self, world: &World) -> bool {
        match self {
            Line(path, line) => world.text(path).is_some_and(|text| text.contains(line)),
            Swap(path, one, _) => world.text(path).is_some_and(|text| !text.contains(one)),
            File(path, _) => world.at(path).exists(),
            Rename(one, _) => !world.at(one).exists(),
            _ => false,
        }
    }

    /// What lets cargo see a file that it has passed by because of its time.
    pub fn remedy(self) -> Option<Self> {
        match self {
            DigitOldTime(path, _) | DigitAncient(path, _) | DigitReplaced(path, _) => Some(Touch(path)),
            _ => None,
        }
    }
}

fn digit(world: &World, chance: &mut Chance, path: &str, behind: &str) -> Option<char> {
    let text = world.text(path)?;
    let start = text.find(behind)? + behind.len();
    let old = text.get(start..)?.chars().next().filter(char::is_ascii_digit)?;
    let new = *chance.pick(&['1', '2', '3', '4']);
    let new = if new == old { '5' } else { new };
    let text = format!("{}{new}{}", text.get(..start)?, text.get(start + 1..)?);
    world.write(path, &text);
    Some(new)
}

fn swap(world: &World, path: &str, one: &str, other: &str) -> Option<String> {
    let text = world.text(path)?;
    let is_first = text.contains(one) && (other.is_empty() || !text.contains(other) || one.contains(other));
    let (from, to) = if is_first { (one, other) } else { (other, one) };
    if from.is_empty() {
        // What went left no trace; it is put back where it was in the original.
        let original = FILES.iter().find(|(name, _)| *name == path)?.1;
        world.write(path, original);
        return Some(format!("{path}: as it was at first"));
    }
    text.contains(from).then(|| world.write(path, &text.replacen(from, to, 1)))?;
    Some(format!("{path}: {to:?} for {from:?}"))
}

fn rename(world: &World, one: &str, other: &str) -> Option<String> {
    let (from, to) = match (world.at(one).exists(), world.at(other).exists()) {
        (true, false) => (one, other),
        (false, true) => (other, one),
        _ => return None,
    };
    fs::create_dir_all(world.at(to).parent()?).ok()?;
    fs::rename(world.at(from), world.at(to)).ok()?;
    let _ = world.at(from).parent().map(fs::remove_dir);
    Some(format!("mv {from} {to}"))
}

fn linked(world: &World, path: &str, real: &str) -> Option<String> {
    let (link, file) = (world.at(path), world.at(real));
    if fs::symlink_metadata(&link).ok()?.is_symlink() {
        fs::rename(file, link).ok()?;
        return Some(format!("{path} is a file again"));
    }
    fs::rename(&link, &file).ok()?;
    let up = "../".repeat(path.matches('/').count());
    symlink(format!("{up}{real}"), link).unwrap();
    Some(format!("{path} -> {real}"))
}

fn delete(world: &World, path: &str) -> Option<String> {
    let (dir, name) = path.rsplit_once('/')?;
    let name = name.strip_suffix('*').map_or((name, false), |start| (start, true));
    let entries = fs::read_dir(world.at(dir)).ok()?.filter_map(Result::ok);
    let matching = entries.filter(|entry| {
        let found = entry.file_name();
        let found = found.to_string_lossy();
        if name.1 { found.starts_with(name.0) } else { found == name.0 }
    });
    let paths: Vec<PathBuf> = matching.map(|entry| entry.path()).collect();
    for path in &paths {
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
    (!paths.is_empty()).then(|| format!("rm -r {path}"))
}

/// Everything that is kept.
fn kept(world: &World) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(world.at(KEPT)).sort_by_file_name().into_iter();
    walk.filter_map(Result::ok).map(walkdir::DirEntry::into_path).collect()
}

fn modified(world: &World, path: &str) -> Option<SystemTime> {
    world.at(path).metadata().ok()?.modified().ok()
}

fn set_time(world: &World, path: &str, time: SystemTime) {
    fs::File::options().write(true).open(world.at(path)).unwrap().set_modified(time).unwrap();
}
