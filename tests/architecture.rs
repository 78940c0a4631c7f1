//! Who may know whom: what each room of `src` sees of the others and of the packages outside. It reads the sources and
//! `Cargo.toml`, and knows nothing of what they do.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "architecture/sources.rs"]
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sources::{Source, read};

/// A room: a module of `src/lib.rs`.
struct Room {
    name: &'static str,
    /// The rooms it may see; each stands above it in the table, so that arrows point one way.
    sees: &'static [&'static str],
    /// The outside packages it may use.
    uses: &'static [&'static str],
}

const fn room(name: &'static str, sees: &'static [&'static str], uses: &'static [&'static str]) -> Room {
    Room { name, sees, uses }
}

/// Each room, below those that it sees.
const ROOMS: &[Room] = &[
    // The words, and the manual.
    room("model", &[], &["shlex"]),
    room("docs", &[], &[]),
    // What several rooms share, each for one small thing.
    room("ansi", &[], &[]),
    room("checksum", &[], &["xxhash_rust"]),
    room("moment", &[], &[]),
    room("relative", &[], &[]),
    room("nearest", &[], &["strsim"]),
    room("disk", &["model"], &["rustix"]),
    room("atomic", &[], &["rustix", "tempfile"]),
    room("target_dir", &["atomic"], &[]),
    room("cargo_config", &["model"], &["toml"]),
    room("executable", &["cargo_config", "model"], &[]),
    room("home", &["atomic", "model", "target_dir"], &["sha2", "thiserror"]),
    // The pure core.
    room("cargo_output", &["ansi", "model"], &["serde", "serde_json"]),
    room("libtest", &["ansi", "model"], &[]),
    room("schedule", &["model"], &[]),
    room("plan", &["model", "nearest"], &["globset", "shlex", "thiserror"]),
    room("fingerprint", &["model"], &["sha2"]),
    // The doors.
    room("cargo_test", &[], &["tempfile", "toml"]),
    room("dep_info", &[], &[]),
    room("config", &["model", "nearest"], &["annotate_snippets", "globset", "thiserror", "toml"]),
    room(
        "workspace",
        &["atomic", "cargo_config", "checksum", "executable", "model", "moment", "relative", "target_dir"],
        &["cargo_metadata", "rayon", "serde", "serde_json", "sha2", "thiserror", "toml", "walkdir"],
    ),
    room(
        "environment",
        &["atomic", "cargo_config", "executable", "model", "relative", "target_dir"],
        &["cargo_platform", "serde", "serde_json", "toml"],
    ),
    room("terminal", &[], &["rustix"]),
    room("walk", &["disk", "model", "moment"], &["globset", "ignore", "rayon", "rustix", "sha2", "thiserror"]),
    room("hash_cache", &["atomic", "checksum", "disk", "model", "moment"], &["memchr", "sha2", "thiserror", "tracing"]),
    room("store", &["home", "model"], &["sha2", "tempfile", "thiserror", "walkdir"]),
    room("state", &["home", "model"], &["serde", "serde_json"]),
    room("process", &["ansi"], &["jobserver", "nix", "rustix", "tempfile", "thiserror", "tracing", "wait4"]),
    room("signal", &["model"], &["signal_hook"]),
    room("profiling", &["model"], &["nix", "pprof"]),
    // What stands on the core and the doors.
    room("flush", &["home", "model", "state", "store"], &[]),
    room("outputs", &["disk", "hash_cache", "home", "model", "relative", "store", "walk"], &["tempfile"]),
    room(
        "keys",
        &[
            "cargo_output",
            "checksum",
            "dep_info",
            "disk",
            "fingerprint",
            "hash_cache",
            "model",
            "plan",
            "relative",
            "walk",
        ],
        &["rayon", "shlex", "toml", "tracing", "walkdir"],
    ),
    room(
        "execute",
        &[
            "cargo_output",
            "cargo_test",
            "disk",
            "fingerprint",
            "home",
            "keys",
            "libtest",
            "model",
            "outputs",
            "plan",
            "process",
            "relative",
            "schedule",
            "state",
            "store",
        ],
        &["rayon", "tracing", "walkdir"],
    ),
    room(
        "report",
        &["ansi", "cargo_output", "libtest", "model", "plan", "terminal"],
        &["clap", "console", "indicatif", "serde_json", "shlex"],
    ),
    // The order of the stages sees every room above.
    room("app", ANY, &["rayon", "thiserror", "tracing"]),
    room("cli", &["app", "atomic", "model", "plan", "profiling", "report"], &["anyhow", "clap", "tracing_subscriber"]),
    // A door for benchmarks; what the crate shows; the binary.
    room("bench", &["model", "schedule"], &[]),
    room("lib", ANY, &[]),
    room("main", &[], &[]),
];

/// Every room that stands above in the table.
const ANY: &[&str] = &["*"];

/// The rooms that each touch their part of the world alone. None sees another.
const DOORS: &[&str] = &[
    "cargo_test",
    "config",
    "dep_info",
    "environment",
    "hash_cache",
    "process",
    "profiling",
    "signal",
    "state",
    "store",
    "walk",
    "workspace",
];

/// What is wrong with a source, each in one line.
fn violations(source: &Source, packages: &BTreeSet<String>) -> Vec<String> {
    let Some(place) = ROOMS.iter().position(|room| room.name == source.room) else {
        return vec![format!("{}: the room `{}` does not stand in the table", source.path, source.room)];
    };
    let room = &ROOMS[place];
    let seen = source.rooms().into_iter().filter(|seen| *seen != source.room);
    let is_above = |seen: &str| ROOMS[..place].iter().any(|above| above.name == seen);
    let is_room = |seen: &str| ROOMS.iter().any(|room| room.name == seen);
    let may_see = |seen: &str| room.sees.contains(&seen) || (room.sees == ANY && is_above(seen));
    let seen = seen.filter(|seen| is_room(seen) && !may_see(seen));
    let seen = seen.map(|seen| format!("{}: `{}` must not see `{seen}`", source.path, source.room));
    let used = source.packages(packages).into_iter().filter(|used| !room.uses.contains(&used.as_str()));
    let used = used.map(|used| format!("{}: `{}` must not use the package `{used}`", source.path, source.room));
    let headed = source.text.starts_with("//! ");
    let head = (!headed).then(|| format!("{}: does not begin with what it owns, as `//! …`", source.path));
    seen.chain(used).chain(head).collect()
}

/// The packages that the manifest names, as they are written in code; those of tests alone are not among them.
fn packages() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the manifest of this package is there");
    let manifest: toml::Table = manifest.parse().expect("the manifest of this package is valid");
    let of_targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let tables = of_targets.filter_map(toml::Value::as_table).chain([&manifest]);
    let dependencies = tables.filter_map(|table| table.get("dependencies")?.as_table());
    dependencies.flat_map(toml::Table::keys).map(|name| name.replace('-', "_")).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_room_sees_only_what_it_may() {
    let packages = packages();
    let sources = read(&root().join("src"));
    assert!(sources.len() > 50, "only {} sources found", sources.len());
    let wrong: Vec<String> = sources.iter().flat_map(|source| violations(source, &packages)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_is_true_and_points_one_way() {
    let sources = read(&root().join("src"));
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    for source in &sources {
        *there.entry(&source.room).or_default() += 1;
    }
    let packages = packages();
    for (place, room) in ROOMS.iter().enumerate() {
        let name = room.name;
        assert!(there.contains_key(name), "there is no room `{name}` any more");
        for seen in room.sees.iter().filter(|seen| **seen != "*") {
            assert!(ROOMS[..place].iter().any(|above| above.name == *seen), "`{name}` sees `{seen}`, not above it");
            assert!(!DOORS.contains(&name) || !DOORS.contains(seen), "the door `{name}` sees the door `{seen}`");
        }
        for used in room.uses {
            assert!(packages.contains(*used), "`{name}` may use `{used}`, which the manifest does not name");
        }
    }
}

#[test]
fn a_broken_rule_is_found() {
    let packages = BTreeSet::from(["toml".to_owned(), "clap".to_owned()]);
    let found = |path: &str, code: &str| violations(&Source::new(path, &format!("//! Owns it.\n{code}")), &packages);
    for (path, code, wrong) in [
        ("execute/mod.rs", "use crate::report::Human;", "execute/mod.rs: `execute` must not see `report`"),
        ("report/bar.rs", "use crate::{model::Event, execute};", "report/bar.rs: `report` must not see `execute`"),
        ("model/id.rs", "fn f() { crate::plan::names() }", "model/id.rs: `model` must not see `plan`"),
        ("walk/mod.rs", "use super::store::Blobs;", "walk/mod.rs: `walk` must not see `store`"),
        ("walk/rules.rs", "use super::super::{store, model};", "walk/rules.rs: `walk` must not see `store`"),
        ("schedule.rs", "use super::process;", "schedule.rs: `schedule` must not see `process`"),
        ("schedule.rs", "pub(crate) use crate::cli as c;", "schedule.rs: `schedule` must not see `cli`"),
        ("plan/mod.rs", "use toml::Value;", "plan/mod.rs: `plan` must not use the package `toml`"),
        ("app/mod.rs", "#[derive(clap::Parser)]", "app/mod.rs: `app` must not use the package `clap`"),
        ("app/mod.rs", "use crate::cli;", "app/mod.rs: `app` must not see `cli`"),
        ("novel.rs", "", "novel.rs: the room `novel` does not stand in the table"),
    ] {
        assert_eq!(found(path, code), [wrong], "{code}");
    }
    for (path, code) in [
        ("walk/mod.rs", "use crate::model::FileStat;\nuse super::model;\nuse self::toml::x;"),
        ("walk/rules.rs", "use super::store;\nuse super::Areas;"),
        ("walk/mod.rs", "// crate::store\n/// [`crate::store`]\nlet text = 1; // as in crate::store"),
        ("walk/mod.rs", "#[cfg(test)]\n#[cfg(unix)]\nmod tests {\n    use crate::store;\n}\n"),
        ("app/mod.rs", "use crate::{store::{self, Blobs}, report};"),
    ] {
        assert_eq!(found(path, code), Vec::<String>::new(), "{code}");
    }
    let headless = violations(&Source::new("walk/mod.rs", "use std::fs;\n"), &packages);
    assert_eq!(headless, ["walk/mod.rs: does not begin with what it owns, as `//! …`"]);
    let after_tests = "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n\nuse crate::store;\n";
    assert_eq!(found("walk/mod.rs", after_tests), ["walk/mod.rs: `walk` must not see `store`"]);
}
