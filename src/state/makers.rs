//! Which checkouts have had cargo make what is in the target directory: `makers.json`, which all of them share. It is read
//! only where cargo has run, and knows nothing of what follows from it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Version;
use crate::home::{Damage, Guard, Home, Kept};
use crate::model::Makers;

/// 1: the first.
const VERSION: u32 = 1;

/// Reads it. What cannot be understood is set aside with a warning, and nothing is known.
#[must_use]
pub fn load(home: &Home) -> (Makers, Option<String>) {
    home.read(&kept(home))
}

/// The checkout's name there: links on the way to it do not make another of it.
#[must_use]
pub fn name(home: &Home) -> String {
    let root = home.root();
    root.canonicalize().as_deref().unwrap_or(root).to_string_lossy().into_owned()
}

/// Adds what cargo has made for this checkout, and forgets what is there no more.
///
/// # Errors
/// Whatever the file system says.
pub fn merge(guard: &mut Guard, home: &Home, made: &BTreeMap<String, i64>) -> io::Result<()> {
    let mut makers = guard.read(&kept(home));
    makers.add(&name(home), made);
    makers.units.retain(|unit, _| home.target().join(unit).exists());
    let mut json = serde_json::to_vec(&File { version: VERSION, units: makers.units })?;
    json.push(b'\n');
    guard.replace(&path(home), &json)
}

fn kept(home: &Home) -> Kept<'static, Makers> {
    Kept { path: path(home), without: "which checkout has compiled what", parse: &parse }
}

fn path(home: &Home) -> PathBuf {
    home.shared().join("makers.json")
}

fn parse(bytes: Vec<u8>) -> Result<Makers, Damage> {
    let version: Version = serde_json::from_slice(&bytes).map_err(|_| Damage::Torn)?;
    if version.version != VERSION {
        return Err(Damage::Version(version.version));
    }
    let file: File = serde_json::from_slice(&bytes).map_err(|_| Damage::Torn)?;
    Ok(Makers { units: file.units })
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    units: BTreeMap<String, BTreeMap<String, i64>>,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn checkouts_stand_beside_one_another_and_what_is_gone_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let made = |units: &[(&str, i64)]| units.iter().map(|(unit, ns)| ((*unit).to_owned(), *ns)).collect();
        let save = |home: &Home, units: &[(&str, i64)]| merge(&mut home.lock().unwrap(), home, &made(units)).unwrap();
        let homes = ["one", "two"].map(|root| Home::new(&at("target"), &at(root)));
        fs::create_dir(at("target")).unwrap();
        for unit in ["x.d", "y.d"] {
            fs::write(at("target").join(unit), "").unwrap();
        }
        save(&homes[0], &[("x.d", 1), ("y.d", 2), ("gone.d", 3)]);
        save(&homes[1], &[("x.d", 4)]);
        save(&homes[0], &[("y.d", 5)]);
        let mut expected = Makers::default();
        expected.add(&name(&homes[0]), &made(&[("x.d", 1), ("y.d", 5)]));
        expected.add(&name(&homes[1]), &made(&[("x.d", 4)]));
        assert_eq!(load(&homes[1]), (expected, None));
        fs::write(path(&homes[0]), "{}").unwrap();
        let (makers, warning) = load(&homes[0]);
        assert_eq!(makers, Makers::default());
        assert!(warning.unwrap().contains("without which checkout has compiled what"));
    }
}
