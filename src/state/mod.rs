//! What the last runs of one workspace came to: `state.json`, the runs themselves in `history.jsonl`, and in `started/` what
//! is not yet known of. Nothing here decides whether a step is fresh, and it knows nothing of keys but their digests.

mod history;
pub mod makers;
mod started;
mod survivors;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::history::{History, Run, RunStep};
use self::started::Left;
pub use self::started::Started;
use crate::home::{Damage, Guard, Home, Kept};
use crate::model::Digest;

/// 1: the first.
const VERSION: u32 = 1;

/// The last run of each step, by the step's id (`build`, `test beta`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// By step id.
    pub steps: BTreeMap<String, LastRun>,
}

/// How a step ended when it last ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// How it ended.
    pub ended: Ended,
    /// The key it ran under; `None` when it has none.
    pub key: Option<Digest>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// When it ended, in milliseconds since the Unix epoch.
    pub finished_at: u64,
    /// Why its result was not kept although it succeeded, in words.
    pub not_kept: Option<String>,
    /// Whether the key is that of a later run, in which it was fresh: that tells nothing of what cargo has compiled last.
    pub was_fresh: bool,
    /// Whether it has run since, or may have, and nobody knows in which state that left what it makes.
    pub is_unknown: bool,
}

/// How a step that ran can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// Every command succeeded.
    Succeeded,
    /// A command failed.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl State {
    /// Reads it. What cannot be understood is set aside with a warning, and the state is empty. What has been started and
    /// is not accounted for is unknown.
    #[must_use]
    pub fn load(home: &Home) -> (Self, Option<String>) {
        let left = started::left(home);
        let (mut state, warning) =
            home.read(&Kept { path: path(home), without: WITHOUT, parse: &|bytes| parse(home, &bytes) });
        state.doubt(left.iter());
        (state, warning)
    }

    /// Notes of which steps nobody knows in which state they are.
    fn doubt<'l>(&mut self, left: impl Iterator<Item = &'l Left>) {
        for left in left {
            for (_, last) in self.steps.iter_mut().filter(|(step, _)| left.doubts(step)) {
                last.is_unknown = true;
            }
        }
    }

    /// Takes the state of these for unknown.
    pub fn doubt_these(&mut self, steps: &BTreeSet<String>) {
        for step in steps {
            self.steps.get_mut(step).into_iter().for_each(|last| last.is_unknown = true);
        }
    }

    /// What stands on disk now, without the steps that `lasts` gives up.
    #[must_use]
    pub fn current(guard: &mut Guard, home: &Home, lasts: &dyn Fn(&LastRun) -> bool) -> Self {
        let mut state = guard.read(&Kept { path: path(home), without: WITHOUT, parse: &|bytes| parse(home, &bytes) });
        state.steps.retain(|_, last| lasts(last));
        state
    }

    /// Writes it, with `steps` laid over it. Where nothing is known, there is no file.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn write(mut self, guard: &mut Guard, home: &Home, steps: &BTreeMap<String, LastRun>) -> io::Result<()> {
        self.steps.extend(steps.iter().map(|(id, last)| (id.clone(), last.clone())));
        if self.steps.is_empty() && !path(home).exists() {
            return Ok(());
        }
        guard.replace(&path(home), &self.to_json(home)?)
    }

    fn to_json(&self, home: &Home) -> io::Result<Vec<u8>> {
        let steps = self.steps.iter().map(|(id, last)| (id.clone(), StepFile::from(last))).collect();
        let mut json = serde_json::to_vec_pretty(&StateFile { version: VERSION, root: shown_root(home), steps })?;
        json.push(b'\n');
        Ok(json)
    }
}

const WITHOUT: &str = "the last results and durations of steps";

fn path(home: &Home) -> PathBuf {
    home.own().join("state.json")
}

/// A root that is no Unicode cannot stand in JSON; it is only shown and compared.
fn shown_root(home: &Home) -> String {
    home.root().to_string_lossy().into_owned()
}

fn parse(home: &Home, bytes: &[u8]) -> Result<State, Damage> {
    // The version alone first: another one's fields are not ours to read.
    let version: Version = serde_json::from_slice(bytes).map_err(|_| Damage::Torn)?;
    if version.version != VERSION {
        return Err(Damage::Version(version.version));
    }
    let file: StateFile = serde_json::from_slice(bytes).map_err(|_| Damage::Torn)?;
    if file.root != shown_root(home) {
        return Err(Damage::Foreign);
    }
    let steps = file.steps.into_iter().map(|(id, step)| Some((id, step.understood()?)));
    Ok(State { steps: steps.collect::<Option<_>>().ok_or(Damage::Torn)? })
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct StateFile {
    version: u32,
    root: String,
    steps: BTreeMap<String, StepFile>,
}

#[derive(Serialize, Deserialize)]
struct StepFile {
    ended: Ended,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    duration_ms: u64,
    finished_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_kept: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_fresh: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_unknown: bool,
}

impl From<&LastRun> for StepFile {
    fn from(last: &LastRun) -> Self {
        let key = last.key.map(|key| key.to_string());
        let LastRun { ended, duration_ms, finished_at, was_fresh, is_unknown, .. } = *last;
        Self { ended, key, duration_ms, finished_at, not_kept: last.not_kept.clone(), was_fresh, is_unknown }
    }
}

impl StepFile {
    fn understood(self) -> Option<LastRun> {
        let key = match self.key {
            Some(hex) => Some(Digest::from_hex(&hex)?),
            None => None,
        };
        let Self { ended, duration_ms, finished_at, not_kept, was_fresh, is_unknown, .. } = self;
        Some(LastRun { ended, key, duration_ms, finished_at, not_kept, was_fresh, is_unknown })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::home::until_set_aside;

    fn home(folder: &tempfile::TempDir) -> Home {
        Home::new(&folder.path().join("target"), folder.path())
    }

    fn last(number: u8) -> LastRun {
        let key = number.is_multiple_of(2).then_some(Digest([number; 32]));
        let ended = [Ended::Succeeded, Ended::Failed, Ended::Cancelled][usize::from(number % 3)];
        let not_kept = (number == 2).then(|| "not\n\"kept\"".to_owned());
        let (was_fresh, is_unknown) = (number == 4, number == 3);
        LastRun { ended, key, duration_ms: number.into(), finished_at: u64::MAX, not_kept, was_fresh, is_unknown }
    }

    fn save(home: &Home, ids: impl IntoIterator<Item = (&'static str, u8)>) -> usize {
        let steps = ids.into_iter().map(|(id, number)| (id.to_owned(), last(number))).collect();
        let mut guard = home.lock().unwrap();
        State::current(&mut guard, home, &|_| true).write(&mut guard, home, &steps).unwrap();
        guard.finish().0
    }

    #[test]
    fn steps_are_merged_by_id_and_the_same_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        assert_eq!(State::load(&home), (State::default(), None));
        assert_eq!(save(&home, [("build", 0), ("test beta", 1)]), 1);
        assert_eq!(save(&home, [("test beta", 2), ("lint", 3)]), 1);
        assert_eq!(save(&home, [("lint", 3)]), 0);
        let expected = [("build", 0), ("lint", 3), ("test beta", 2)].map(|(id, number)| (id.to_owned(), last(number)));
        assert_eq!(State::load(&home), (State { steps: expected.into() }, None));
    }

    #[test]
    fn another_version_root_or_file_is_set_aside_with_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        save(&home, [("build", 0)]);
        let good = fs::read_to_string(path(&home)).unwrap();
        let root = shown_root(&home);
        for (bad, why) in [
            (good.replace("\"version\": 1", "\"version\": 2"), "has format 2"),
            (good.replace(&root, "/elsewhere"), "is not a file"),
            (good.replace("succeeded", "exploded"), "is damaged"),
            (good.replace("00", "0"), "is damaged"),
            (String::new(), "is damaged"),
            ("[[[".to_owned(), "is damaged"),
        ] {
            fs::write(path(&home), &bad).unwrap();
            let (state, warning) = until_set_aside(&path(&home), || State::load(&home));
            assert_eq!(state, State::default());
            let warning = warning.unwrap();
            assert!(warning.contains(why), "{warning}");
            assert!(warning.contains("without the last results"), "{warning}");
            assert_eq!(fs::read_to_string(path(&home).with_extension("json.damaged")).unwrap(), bad);
            assert_eq!(State::load(&home), (State::default(), None));
        }
    }

    #[test]
    fn no_flipped_byte_and_no_cut_panics() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        save(&home, [("build", 0), ("test beta", 1)]);
        let good = fs::read(path(&home)).unwrap();
        for index in 0..good.len() {
            for flip in [0x01, 0x20, 0xff] {
                let mut bad = good.clone();
                bad[index] ^= flip;
                fs::write(path(&home), bad).unwrap();
                let (state, warning) = State::load(&home);
                // Not if it is being written, as it seems while another test starts a child, which has our lock until it is
                // another program.
                let is_aside = warning.as_ref().is_some_and(|warning| warning.contains("it is now"));
                assert_eq!(is_aside, !path(&home).exists(), "byte {index}");
                assert!(warning.is_none() || state == State::default(), "byte {index}");
            }
            // The closing brace is the last byte but one; before it nothing is whole.
            fs::write(path(&home), &good[..index]).unwrap();
            let cut_is_damage = index < good.len() - 1;
            assert_eq!(State::load(&home).1.is_some(), cut_is_damage, "cut at {index}");
        }
    }
}
