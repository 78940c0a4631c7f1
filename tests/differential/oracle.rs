//! What plain cargo and the shell make of a state from nothing: a copy of the tree, an empty target directory, no cache.
//! It knows nothing of verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::ask::Ask;
use crate::seen::diagnostics;
use crate::shop::ROOT;
use crate::world::{World, command};

/// What a step comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    pub succeeds: bool,
    /// Warnings and errors.
    pub diagnostics: BTreeSet<String>,
    /// What a phase of make.toml prints, in lines.
    pub printed: Vec<String>,
    /// The files that it makes, from the target directory, with what the programs among them print and what pages say.
    pub made: BTreeMap<String, String>,
}

/// What is known of states that were asked for before.
#[derive(Default)]
pub struct Oracle {
    known: BTreeMap<String, Truth>,
    /// How often nothing was known.
    pub asked: usize,
}

/// A phase, and the member whose step it is.
type Name = (String, Option<String>);

/// A copy of a state in which nothing was run yet.
pub struct Copy {
    folder: tempfile::TempDir,
    digest: String,
    env: BTreeMap<&'static str, &'static str>,
}

impl Copy {
    /// The state of the world now.
    pub fn of(world: &World) -> Self {
        let folder = tempfile::Builder::new().prefix("pristine-").tempdir().unwrap();
        world.copy_to(folder.path());
        Self { folder, digest: world.digest(), env: world.env.clone() }
    }

    fn command(&self, program: &str) -> Command {
        command(Path::new(program), self.folder.path(), &self.env)
    }
}

impl Oracle {
    /// What these steps of a call come to.
    pub fn truths(&mut self, ask: &Ask, copy: &Copy, steps: &[Name]) -> BTreeMap<Name, Truth> {
        let key = |(phase, member): &Name| {
            let (words, args) = (ask.cargo_words(phase), ask.args_of(phase));
            format!("{} {phase} {member:?} {words:?} {args:?}", copy.digest)
        };
        let mut is_generated = false;
        let mut truths = BTreeMap::new();
        for step in steps {
            let truth = self.known.entry(key(step)).or_insert_with(|| {
                self.asked += 1;
                copy.truth(ask, step, &mut is_generated)
            });
            truths.insert(step.clone(), truth.clone());
        }
        truths
    }
}

impl Copy {
    fn truth(&self, ask: &Ask, (phase, member): &Name, is_generated: &mut bool) -> Truth {
        let Some(words) = ask.cargo_words(phase) else { return self.custom(ask, phase, member.as_deref()) };
        if !std::mem::replace(is_generated, true) {
            self.custom(ask, "generate", None);
        }
        let output = self.command("cargo").args(&words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        Truth {
            succeeds: output.status.success(),
            diagnostics: diagnostics(&text, &self.folder.path().to_string_lossy()),
            printed: Vec::new(),
            made: made(&self.folder.path().join(ROOT).join("target"), phase, ask.release),
        }
    }

    /// A phase of make.toml, by the shell.
    fn custom(&self, ask: &Ask, phase: &str, member: Option<&str>) -> Truth {
        let root = self.folder.path().join(ROOT);
        let table = table(&root, phase);
        for path in declared(&root, phase, member).keys() {
            let path = root.join(member.unwrap_or_default()).join(path);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap_or_default();
        }
        let args: String = ask.args_of(phase).iter().map(|word| format!(" {word}")).collect();
        let mut shell = self.command("sh");
        shell.arg("-c").arg(format!("exec 2>&1; {}{args}", table["command"].as_str().unwrap()));
        shell.current_dir(root.join(member.unwrap_or_default()));
        for (name, value) in table.get("env").and_then(toml::Value::as_table).into_iter().flatten() {
            shell.env(name, value.as_str().unwrap());
        }
        let output = shell.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        let made = declared(&root, phase, member);
        Truth { succeeds: output.status.success(), diagnostics: BTreeSet::new(), printed, made }
    }
}

/// What make.toml says of a phase.
fn table(root: &Path, phase: &str) -> toml::Table {
    let make: toml::Table = fs::read_to_string(root.join("make.toml")).unwrap().parse().unwrap();
    make["lifecycle"][phase].as_table().unwrap().clone()
}

/// The `outputs` of a phase of make.toml as they stand in the workspace: files with what they hold, links with where
/// they lead.
pub fn declared(root: &Path, phase: &str, member: Option<&str>) -> BTreeMap<String, String> {
    let dir = root.join(member.unwrap_or_default());
    let mut found = BTreeMap::new();
    for output in table(root, phase).get("outputs").and_then(toml::Value::as_array).into_iter().flatten() {
        for entry in walkdir::WalkDir::new(dir.join(output.as_str().unwrap())).into_iter().filter_map(Result::ok) {
            let metadata = entry.path().symlink_metadata().unwrap();
            let holds = match (metadata.is_symlink(), metadata.is_dir()) {
                (true, _) => format!("-> {}", fs::read_link(entry.path()).unwrap().display()),
                (_, true) => "a folder".to_owned(),
                _ => format!("{:o} {}", metadata.permissions().mode(), fs::read_to_string(entry.path()).unwrap()),
            };
            found.insert(entry.path().strip_prefix(&dir).unwrap().to_string_lossy().into_owned(), holds);
        }
    }
    found
}

/// What cargo has made for a phase in a target directory.
pub fn made(target: &Path, phase: &str, release: bool) -> BTreeMap<String, String> {
    match phase {
        "build" => programs(&target.join(if release { "release" } else { "debug" })),
        "doc" => pages(&target.join("doc")),
        _ => BTreeMap::new(),
    }
}

/// The results of a build by name; programs with what they print.
fn programs(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if !path.is_file() || name.ends_with(".d") || name.starts_with('.') {
            continue;
        }
        let is_program = !name.contains('.') && path.metadata().unwrap().permissions().mode() & 0o111 != 0;
        let prints = is_program.then(|| Command::new(&path).env_clear().stdin(Stdio::null()).output().unwrap());
        found.insert(
            name,
            prints.map_or_else(String::new, |prints| String::from_utf8_lossy(&prints.stdout).into_owned()),
        );
    }
    found
}

/// The pages of the members, as text: what a page links to depends on what else was ever documented there.
fn pages(dir: &Path) -> BTreeMap<String, String> {
    let pages = walkdir::WalkDir::new(dir).min_depth(2).into_iter().filter_map(Result::ok);
    let pages = pages.filter(|entry| entry.path().extension().is_some_and(|is| is == "html"));
    let named = pages.map(|entry| {
        let name = entry.path().strip_prefix(dir).unwrap().to_string_lossy().into_owned();
        (name, without_tags(&fs::read_to_string(entry.path()).unwrap()))
    });
    named.filter(|(name, _)| !name.starts_with("static.files/") && !name.starts_with("src/")).collect()
}

fn without_tags(page: &str) -> String {
    let texts = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join(" ")
}
