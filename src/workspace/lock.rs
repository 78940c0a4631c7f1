//! Cargo.lock, in all of its versions. What its packages are to the workspace is not known here.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{Error, manifest};

/// The packages of a Cargo.lock.
#[derive(Debug, Default)]
pub struct Lock {
    pub packages: Vec<Entry>,
}

/// One package. Those of the workspace and those reached by path have no source.
#[derive(Debug)]
pub struct Entry {
    pub name: String,
    pub version: String,
    pub source: Option<String>,
    pub checksum: String,
    /// Places in [`Lock::packages`]. Where an old lock can be read in two ways, both.
    pub dependencies: Vec<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    package: Vec<Package>,
    /// Where version 1 once put the root package.
    root: Option<Package>,
    /// Where version 1 puts checksums: `checksum NAME VERSION (SOURCE)`.
    metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
    /// What `[replace]` puts in its place.
    replace: Option<String>,
}

/// The Cargo.lock at `path`; an empty one when there is none.
pub fn read(path: &Path) -> Result<Lock, Error> {
    match fs::read_to_string(path) {
        Ok(text) => parse(&text).map_err(|error| manifest::unreadable(path, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lock::default()),
        Err(error) => Err(manifest::unreadable(path, error)),
    }
}

fn parse(text: &str) -> Result<Lock, toml::de::Error> {
    let File { mut package, root, metadata } = toml::from_str(text)?;
    package.extend(root);
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, package) in package.iter().enumerate() {
        by_name.entry(&package.name).or_default().push(place);
    }
    let dependencies = |of: &Package| {
        let named = of.dependencies.iter().chain(&of.replace);
        let mut places: Vec<usize> = named.flat_map(|spec| meant(spec, &package, &by_name)).collect();
        places.sort_unstable();
        places.dedup();
        places
    };
    let dependencies: Vec<_> = package.iter().map(dependencies).collect();
    let packages = package.into_iter().zip(dependencies).map(|(package, dependencies)| {
        let checksum = package.checksum.clone().or_else(|| old_checksum(&package, &metadata));
        let Package { name, version, source, .. } = package;
        Entry { name, version, source, checksum: checksum.unwrap_or_default(), dependencies }
    });
    Ok(Lock { packages: packages.collect() })
}

fn old_checksum(package: &Package, metadata: &HashMap<String, String>) -> Option<String> {
    let Package { name, version, source, .. } = package;
    let key = format!("checksum {name} {version} ({})", source.as_deref()?);
    metadata.get(&key).filter(|checksum| *checksum != "<none>").cloned()
}

/// The packages that `NAME`, `NAME VERSION` or `NAME VERSION (SOURCE)` may mean.
fn meant(spec: &str, packages: &[Package], by_name: &HashMap<&str, Vec<usize>>) -> Vec<usize> {
    let mut words = spec.splitn(3, ' ');
    let named = words.next().and_then(|name| by_name.get(name)).map_or(&[][..], Vec::as_slice);
    let version = words.next();
    let source = words.next().map(|source| source.trim_matches(['(', ')']));
    let fits = |place: &&usize| {
        let Some(package) = packages.get(**place) else { return false };
        let source_fits = source.is_none_or(|wanted| package.source.as_deref().map(unpinned) == Some(unpinned(wanted)));
        version.is_none_or(|wanted| package.version == wanted) && source_fits
    };
    let fitting: Vec<usize> = named.iter().filter(fits).copied().collect();
    if fitting.is_empty() { named.to_vec() } else { fitting }
}

/// A git source without its commit, which the specs of some versions leave out.
fn unpinned(source: &str) -> &str {
    source.split_once('#').map_or(source, |(source, _)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name version -> the same of its dependencies`
    fn edges(text: &str) -> Vec<String> {
        let lock = parse(text).unwrap();
        let title = |entry: &Entry| format!("{} {}", entry.name, entry.version);
        let line = |entry: &Entry| {
            let to: Vec<_> = entry.dependencies.iter().map(|place| title(&lock.packages[*place])).collect();
            format!("{} -> {}", title(entry), to.join(", "))
        };
        lock.packages.iter().map(line).collect()
    }

    #[test]
    fn names_versions_and_sources_tell_packages_apart() {
        let text = r#"
            version = 4
            [[package]]
            name = "app"
            version = "0.1.0"
            dependencies = ["log", "rand 0.8.5", "tool 1.0.0 (git+https://host/tool?branch=next)"]
            [[package]]
            name = "log"
            version = "0.4.1"
            source = "registry+https://host/index"
            checksum = "aa"
            [[package]]
            name = "rand"
            version = "0.7.3"
            source = "registry+https://host/index"
            checksum = "bb"
            [[package]]
            name = "rand"
            version = "0.8.5"
            source = "registry+https://host/index"
            checksum = "cc"
            dependencies = ["log"]
            [[package]]
            name = "tool"
            version = "1.0.0"
            source = "registry+https://host/index"
            checksum = "dd"
            [[package]]
            name = "tool"
            version = "1.0.0"
            source = "git+https://host/tool?branch=next#0123abc"
            [[patch.unused]]
            name = "nobody"
            version = "9.0.0"
        "#;
        assert_eq!(
            edges(text),
            [
                "app 0.1.0 -> log 0.4.1, rand 0.8.5, tool 1.0.0",
                "log 0.4.1 -> ",
                "rand 0.7.3 -> ",
                "rand 0.8.5 -> log 0.4.1",
                "tool 1.0.0 -> ",
                "tool 1.0.0 -> "
            ]
        );
        let lock = parse(text).unwrap();
        assert_eq!(lock.packages[0].dependencies, [1, 3, 5]);
        assert_eq!((&*lock.packages[1].checksum, &*lock.packages[5].checksum), ("aa", ""));
    }

    #[test]
    fn the_first_version_keeps_checksums_apart() {
        let text = r#"
            [root]
            name = "app"
            version = "0.1.0"
            dependencies = ["log 0.4.1 (registry+https://host/index)"]
            [[package]]
            name = "log"
            version = "0.4.1"
            source = "registry+https://host/index"
            [[package]]
            name = "tool"
            version = "1.0.0"
            source = "git+https://host/tool#0123abc"
            [metadata]
            "checksum log 0.4.1 (registry+https://host/index)" = "aa"
            "checksum tool 1.0.0 (git+https://host/tool#0123abc)" = "<none>"
        "#;
        assert_eq!(edges(text), ["log 0.4.1 -> ", "tool 1.0.0 -> ", "app 0.1.0 -> log 0.4.1"]);
        let lock = parse(text).unwrap();
        assert_eq!((&*lock.packages[0].checksum, &*lock.packages[1].checksum), ("aa", ""));
    }

    #[test]
    fn what_replaces_a_package_counts_as_its_dependency() {
        let text = r#"
            [[package]]
            name = "log"
            version = "0.4.1"
            source = "registry+https://host/index"
            replace = "log 0.4.1 (git+https://host/log#0123abc)"
            [[package]]
            name = "log"
            version = "0.4.1"
            source = "git+https://host/log#0123abc"
        "#;
        assert_eq!(parse(text).unwrap().packages[0].dependencies, [1]);
    }

    #[test]
    fn no_lock_is_an_empty_one_and_a_damaged_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(&folder.path().join("Cargo.lock")).unwrap().packages.is_empty());
        fs::write(folder.path().join("Cargo.lock"), "<<<<<<<").unwrap();
        assert!(read(&folder.path().join("Cargo.lock")).is_err());
    }
}
