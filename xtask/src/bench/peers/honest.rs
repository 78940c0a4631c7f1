//! Whether a run notices edits: a no-op run that is fast because it does not look is no feat. It knows nothing of who runs.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::bench::floor::Ground;

/// How a file becomes another.
#[derive(Clone, Copy)]
pub enum Edit {
    /// Other contents of the same length are written into it.
    InPlace,
    /// Likewise, and its time is set to what it was.
    Hidden,
}

/// How many edits were seen.
pub struct Seen {
    edits: usize,
    seen: usize,
}

impl Seen {
    /// Whether none was missed.
    pub fn all(&self) -> bool {
        self.seen == self.edits
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} of {}", self.seen, self.edits)
    }
}

/// Edits one file after another, each followed by a run; at most so many, and none any more when patience is over.
pub fn seen(
    ground: &Ground,
    edits: usize,
    edit: Edit,
    patience: Duration,
    run: &dyn Fn() -> anyhow::Result<Duration>,
) -> anyhow::Result<Seen> {
    let began = Instant::now();
    let mut seen = Seen { edits: 0, seen: 0 };
    for number in 0..edits {
        if began.elapsed() > patience {
            break;
        }
        // Members from all over the workspace, and another file of each.
        let member = &ground.members[number * 37 % ground.members.len()];
        let before = mark(member)?;
        change(&file(member, number)?, number, edit)?;
        run()?;
        seen.edits += 1;
        seen.seen += usize::from(mark(member)? != before);
    }
    Ok(seen)
}

/// What tells that the member's command has run again.
fn mark(member: &Path) -> anyhow::Result<(String, std::time::SystemTime)> {
    let stamp = member.join("out/stamp");
    let read = || Ok::<_, std::io::Error>((fs::read_to_string(&stamp)?, fs::metadata(&stamp)?.modified()?));
    read().with_context(|| format!("cannot read {}", stamp.display()))
}

fn file(member: &Path, number: usize) -> anyhow::Result<PathBuf> {
    let files = fs::read_dir(member.join("src"))?.map(|entry| Ok(entry?.path()));
    let mut files = files.collect::<anyhow::Result<Vec<_>>>()?;
    files.sort_unstable();
    Ok(files.swap_remove(number % files.len()))
}

/// Another word in the file's first line, which is a comment; one that was not there before.
fn change(path: &Path, number: usize, edit: Edit) -> anyhow::Result<()> {
    let time = fs::metadata(path).and_then(|metadata: Metadata| metadata.modified())?;
    let mut text = fs::read(path)?;
    let mark = match edit {
        Edit::InPlace => 'i',
        Edit::Hidden => 'h',
    };
    let place = text.get_mut(4..9).with_context(|| format!("{} is too short", path.display()))?;
    place.copy_from_slice(format!("{mark}{:04x}", number & 0xffff).as_bytes());
    fs::write(path, text)?;
    if let Edit::Hidden = edit {
        File::options().write(true).open(path)?.set_modified(time)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::generate::Shape;

    #[test]
    fn a_run_that_does_not_run_the_member_has_not_seen_the_edit() {
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::new(&Shape::new(2, 2, folder.path().join("ws")).unwrap()).unwrap();
        for member in &ground.members {
            fs::create_dir(member.join("out")).unwrap();
            fs::write(member.join("out/stamp"), "first").unwrap();
        }
        let runs = Cell::new(0);
        let run = || {
            runs.set(runs.get() + 1);
            let every_second = runs.get() % 2 == 0;
            for member in ground.members.iter().filter(|_| every_second) {
                fs::write(member.join("out/stamp"), runs.get().to_string()).unwrap();
            }
            Ok(Duration::ZERO)
        };
        let outcome = seen(&ground, 4, Edit::InPlace, Duration::MAX, &run).unwrap();
        assert_eq!((outcome.to_string().as_str(), outcome.all()), ("2 of 4", false));
    }

    #[test]
    fn a_hidden_edit_keeps_size_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lib.rs");
        fs::write(&path, "//! A generated file.\n").unwrap();
        let look = || fs::metadata(&path).map(|metadata| (metadata.len(), metadata.modified().unwrap())).unwrap();
        let before = look();
        change(&path, 10, Edit::Hidden).unwrap();
        assert_eq!((look(), fs::read_to_string(&path).unwrap()), (before, "//! h000aerated file.\n".to_owned()));
        change(&path, 10, Edit::InPlace).unwrap();
        assert_ne!(look().1, before.1);
    }
}
