//! The file that remembers a workspace, so that cargo need not be asked again. It is believed only when everything that the
//! answer depended on is as it was; otherwise it is as good as missing.

mod stored;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::inputs::{Held, Inputs, digest};
use super::{Options, Others, inputs};
use crate::model::Workspace;
use crate::{atomic, cargo_config::Variables, checksum, executable, target_dir};
use stored::Stored;

/// 1: the first. 2: sources outside of a member's folder. 3: what path packages inherit. 4: a digest for what `--config`
/// says. 5: the metadata of files. 6: in three lines. 7: another checksum.
const FORMAT: u32 = 7;

/// What cargo was asked.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Question {
    cargo: String,
    root: PathBuf,
    flags: [bool; 3],
    /// A digest, because values may be secrets.
    config: String,
    cargo_home: Option<PathBuf>,
    /// A digest, because values may be secrets.
    variables: String,
}

/// What a snapshot has to say from now on: files that it knew had to be read, and are what they were.
#[derive(Clone, Debug)]
pub struct Renewal {
    path: PathBuf,
    target_dir: PathBuf,
    /// All that it says.
    json: String,
    /// How the files look now.
    inputs: Inputs,
}

impl Renewal {
    /// Writes it. That it cannot be written only makes the next run read the files again.
    pub fn write(&self) {
        let mut lines = self.json.lines();
        if let (Some(asked), Some(_), Some(stored)) = (lines.next(), lines.next(), lines.next())
            && let Ok(inputs) = serde_json::to_string(&self.inputs)
        {
            put(&self.path, &self.target_dir, [asked, &inputs, stored]);
        }
    }
}

/// The workspace at `root` as a snapshot remembers it, if there is one and all of it still holds.
pub fn read(
    options: &Options,
    (root, target_dir): (&Path, &Path),
    others: Others<'_>,
) -> Option<(Workspace, Option<Renewal>)> {
    let path = path(options, root, target_dir);
    let text = String::from_utf8(atomic::read(&path).ok()?).ok()?;
    let (sum, json) = text.split_once('\n')?;
    // Before anything is believed: one flipped byte could make another package of one.
    if sum_of(json) != sum {
        return None;
    }
    let mut lines = json.lines();
    let (asked, inputs, stored) = (lines.next()?, lines.next()?, lines.next()?);
    let (format, question): (u32, Question) = serde_json::from_str(asked).ok()?;
    if format != FORMAT || question != Question::of(options, root)? {
        return None;
    }
    let look = || {
        let inputs: Inputs = serde_json::from_str(inputs).ok()?;
        Some(inputs.still_hold(target_dir, &*(others.digests)(root, target_dir)))
    };
    let model = || {
        let stored: Stored = serde_json::from_str(stored).ok()?;
        (stored.is_sound() && stored.target_dir == target_dir).then(|| stored.into_model(root))
    };
    let (looked, workspace) = rayon::join(look, model);
    let (workspace, held) = workspace.zip(looked)?;
    let renewal = match held {
        Held::No => return None,
        Held::Yes => None,
        Held::Anew(inputs) => Some(Renewal { path, target_dir: target_dir.to_owned(), json: json.to_owned(), inputs }),
    };
    Some((workspace, renewal))
}

/// Remembers a workspace. That it cannot be written only makes the next run slower.
pub fn write(options: &Options, workspace: &Workspace, inputs: Inputs) {
    let Some(question) = Question::of(options, &workspace.root) else { return };
    let lines = [
        serde_json::to_string(&(FORMAT, &question)),
        serde_json::to_string(&inputs),
        serde_json::to_string(&Stored::of(workspace)),
    ];
    // Fails for paths that are no Unicode.
    let [Ok(asked), Ok(inputs), Ok(stored)] = lines else { return };
    let (path, target_dir) = (path(options, &workspace.root, &workspace.target_dir), &workspace.target_dir);
    put(&path, target_dir, [&asked, &inputs, &stored]);
}

fn put(path: &Path, target_dir: &Path, lines: [&str; 3]) {
    let json = lines.join("\n");
    let text = format!("{}\n{json}", sum_of(&json));
    _ = target_dir::make(target_dir).and_then(|()| atomic::cache(path, &[text]));
}

fn sum_of(json: &str) -> String {
    format!("{:032x}", u128::from_le_bytes(checksum::of(json.as_bytes())))
}

/// Who is called by cargo asks the cargo that called; who is called by hand, the one in `PATH`, often rustup's proxy. They
/// differ in what they are and in the variables that rustup sets, so that each remembers its own answer.
fn path(options: &Options, root: &Path, target_dir: &Path) -> PathBuf {
    let mut name = inputs::digest(root.as_os_str().as_encoded_bytes());
    name.truncate(16);
    let by_cargo = options.invocation.variable("CARGO").is_some();
    let file = if by_cargo { "workspace-by-cargo.json" } else { "workspace.json" };
    target_dir.join("lifecycle").join(name).join(file)
}

impl Question {
    /// `None` when it cannot be told which cargo would answer.
    fn of(options: &Options, root: &Path) -> Option<Self> {
        let invocation = &options.invocation;
        Some(Self {
            cargo: executable::identity(&invocation.cargo, root, invocation)?,
            root: root.to_owned(),
            flags: [options.locked, options.offline, options.frozen],
            config: digest(invocation.config_arguments().join("\0").as_bytes()),
            cargo_home: invocation.cargo_home(),
            variables: variables(&invocation.variables),
        })
    }
}

/// A digest of the variables that may change cargo's answer.
fn variables(variables: &Variables) -> String {
    let mut text = Vec::new();
    for (name, value) in variables.iter().filter(|(name, _)| name.to_str().is_some_and(matters)) {
        for part in [name, value] {
            text.extend_from_slice(part.as_encoded_bytes());
            text.push(0);
        }
    }
    digest(&text)
}

/// All of cargo's, less those that cargo sets for what it starts and those that change only what is shown.
fn matters(name: &str) -> bool {
    const NOISE: [&str; 12] = [
        "CARGO_BIN_",
        "CARGO_CRATE_NAME",
        "CARGO_LIFECYCLE_",
        "CARGO_LOG",
        "CARGO_MAKEFLAGS",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TERM_",
        "CARGO_BUILD_JOBS",
        "CARGO_INCREMENTAL",
        "CARGO_PROFILE_",
    ];
    let of_cargo = name.starts_with("CARGO_") && !NOISE.iter().any(|noise| name.starts_with(noise));
    of_cargo && !name.ends_with("_TOKEN") || name == "RUSTUP_TOOLCHAIN"
}
