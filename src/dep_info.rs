//! What rustc and build scripts left on disk about what they read: dep-info files and build scripts' output. It knows
//! the places only from what cargo says of its artifacts, never by guessing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a unit read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Files, or folders with everything in them, as they were written down.
    pub paths: Vec<PathBuf>,
    /// Variables of the environment.
    pub variables: Vec<String>,
    /// When that was written down, if the unit is one of rustc's.
    pub written: Option<SystemTime>,
}

/// Reads rustc's dep-info for the unit that made these files.
///
/// # Errors
/// There is none beside any of them, it cannot be read, or a name in it holds a newline, which dep-info cannot tell.
pub fn of_artifact(filenames: &[PathBuf]) -> io::Result<Read> {
    let path = path_of(filenames).ok_or(io::ErrorKind::NotFound)?;
    let written = Some(path.metadata()?.modified()?);
    let read = parse_dep_info(&fs::read_to_string(path)?).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Read { written, ..read })
}

/// Where rustc's dep-info is for the unit that made these files.
#[must_use]
pub fn path_of(filenames: &[PathBuf]) -> Option<PathBuf> {
    let found = filenames.iter().find_map(|file| beside(file));
    let found = found.or_else(|| filenames.iter().find_map(|file| hashed(file)));
    found.or_else(|| filenames.iter().find_map(|file| unhashed(file)))
}

/// Reads what a build script has asked to be run again for: the file `output` beside its `OUT_DIR`.
///
/// # Errors
/// It cannot be read.
pub fn of_build_script(out_dir: &Path) -> io::Result<Read> {
    let path = out_dir.with_file_name("output");
    Ok(parse_build_output(&String::from_utf8_lossy(&fs::read(path)?)))
}

/// The dep-info beside an artifact that carries its unit's hash: `liba-1f.rmeta` has `a-1f.d`. What cargo lifts out under
/// a plain name has a dep-info of another kind there, without variables.
fn beside(artifact: &Path) -> Option<PathBuf> {
    let stem = artifact.file_stem()?.to_str()?;
    let hash = stem.rsplit_once('-')?.1;
    if hash.len() != 16 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    dep_info_of(artifact, stem)
}

fn dep_info_of(artifact: &Path, stem: &str) -> Option<PathBuf> {
    let stems = [stem, stem.strip_prefix("lib").unwrap_or(stem)];
    let paths = stems.map(|stem| artifact.with_file_name(format!("{stem}.d")));
    paths.into_iter().find(|path| path.is_file())
}

/// The dep-info beside an artifact without a hash that stands where the compiler put it: a dynamic library, and what is made
/// together with one. That of rustc names each source once more as a rule without anything behind it.
fn unhashed(artifact: &Path) -> Option<PathBuf> {
    let path = dep_info_of(artifact, artifact.file_stem()?.to_str()?)?;
    let is_of_rustc = fs::read_to_string(&path).ok()?.lines().any(|line| line.ends_with(':'));
    is_of_rustc.then_some(path)
}

/// The dep-info of the file that cargo lifted this artifact from: the same inode, or else the same bytes, under the
/// crate's name in the same folder or in `deps` below it.
fn hashed(artifact: &Path) -> Option<PathBuf> {
    let folder = artifact.parent()?;
    let stem = artifact.file_stem()?.to_str()?.replace('-', "_");
    let mut alike = Vec::new();
    for folder in [folder.join("deps"), folder.to_owned()] {
        let entries = fs::read_dir(folder).ok().into_iter().flatten().flatten();
        let named = entries.map(|entry| entry.path()).filter(|path| *path != artifact && is_named(path, &stem));
        alike.extend(named.filter(|path| path.extension() == artifact.extension()));
    }
    let twin = alike.iter().find(|path| is_same_file(path, artifact)).or_else(|| {
        let bytes = fs::read(artifact).ok()?;
        alike.iter().find(|path| fs::read(path).is_ok_and(|other| other == bytes))
    })?;
    dep_info_of(twin, twin.file_stem()?.to_str()?)
}

/// Whether the file is called after the crate, with or without a hash.
fn is_named(path: &Path, stem: &str) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let rest = name.strip_prefix(stem);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    identity(one).is_some_and(|one| Some(one) == identity(other))
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    false
}

/// rustc's dep-info: make rules, then `# env-dep:` lines. `None` if there is anything else: the rest of a name.
fn parse_dep_info(text: &str) -> Option<Read> {
    let mut read = Read::default();
    for line in text.lines() {
        if let Some(variable) = line.strip_prefix("# env-dep:") {
            let name = variable.split_once('=').map_or(variable, |(name, _)| name);
            read.variables.push(unescaped(name));
        } else if let Some((_, files)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
            read.paths.extend(file_names(files).map(PathBuf::from));
        } else if !line.is_empty() && !line.starts_with('#') && !line.ends_with(':') {
            return None;
        }
    }
    read.paths.sort();
    read.paths.dedup();
    Some(read)
}

/// The names of a make rule, in which a space is written `\ `.
fn file_names(files: &str) -> impl Iterator<Item = String> {
    let mut names = vec![String::new()];
    let mut characters = files.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek(), names.last_mut()) {
            ('\\', Some(' '), Some(name)) => {
                name.push(' ');
                characters.next();
            }
            (' ', ..) => names.push(String::new()),
            (other, _, Some(name)) => name.push(other),
            (_, _, None) => {}
        }
    }
    names.into_iter().filter(|name| !name.is_empty())
}

/// rustc writes `\\`, `\n` and `\r` for characters that would end a line.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\r", "\r").replace("\\\\", "\\")
}

/// `cargo::rerun-if-changed=…` and `cargo::rerun-if-env-changed=…`, with one colon or two.
fn parse_build_output(text: &str) -> Read {
    let mut read = Read::default();
    for line in text.lines() {
        let Some(line) = line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:")) else { continue };
        match line.split_once('=') {
            Some(("rerun-if-changed", path)) => read.paths.push(path.trim_end().into()),
            Some(("rerun-if-env-changed", name)) => read.variables.push(name.trim_end().to_owned()),
            _ => {}
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dep_info_names_files_and_variables() {
        let text = "/t/a-1.d: src/lib.rs src/my\\ file.rs ../x.txt\n\nsrc/lib.rs:\n\n# env-dep:A=1\n# env-dep:B\n# checksum:x\n";
        let read = parse_dep_info(text).unwrap();
        assert_eq!(read.paths, ["../x.txt", "src/lib.rs", "src/my file.rs"].map(PathBuf::from));
        assert_eq!(read.variables, ["A", "B"]);
        assert_eq!(parse_dep_info("/t/a-1.d: src/lib.rs src/new\nline.rs\n\nsrc/lib.rs:\nsrc/new\nline.rs:\n"), None);
    }

    #[test]
    fn build_scripts_ask_in_two_ways() {
        let text = "cargo:rerun-if-changed=data\nx\ncargo::rerun-if-env-changed=CC\ncargo:rustc-env=A=B\n";
        let read = parse_build_output(text);
        assert_eq!(read, Read { paths: vec!["data".into()], variables: vec!["CC".into()], written: None });
    }

    #[test]
    fn a_lifted_program_leads_to_its_hashed_twin() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("deps")).unwrap();
        fs::write(path("deps/my_app-0123456789abcdef"), "one").unwrap();
        fs::write(path("deps/my_app-0123456789abcdef.d"), "x: new.rs\n").unwrap();
        fs::write(path("deps/my_app-fedcba9876543210"), "old").unwrap();
        fs::write(path("deps/my_app-fedcba9876543210.d"), "x: old.rs\n").unwrap();
        fs::hard_link(path("deps/my_app-0123456789abcdef"), path("my-app")).unwrap();
        fs::write(path("my-app.d"), "x: transitive.rs\n").unwrap();
        assert_eq!(of_artifact(&[path("my-app")]).unwrap().paths, [PathBuf::from("new.rs")]);
        fs::remove_file(path("my-app")).unwrap();
        fs::write(path("my-app"), "old").unwrap();
        assert_eq!(of_artifact(&[path("my-app")]).unwrap().paths, [PathBuf::from("old.rs")]);
        fs::write(path("my-app"), "another").unwrap();
        assert!(of_artifact(&[path("my-app")]).is_err());
        let library = path("deps/libx-0123456789abcdef.rmeta");
        fs::write(path("deps/x-0123456789abcdef.d"), "x: x.rs\n").unwrap();
        assert_eq!(of_artifact(&[library]).unwrap().paths, [PathBuf::from("x.rs")]);
    }
}
