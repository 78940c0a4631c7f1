//! How cargo is called, and cargo's configuration files: where they lie, what they include, what a key is set to. It knows
//! nothing of workspaces.

mod alias;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

pub use alias::may_be_alias;

/// Environment variables by name.
pub type Variables = BTreeMap<OsString, OsString>;

/// How the user called us, as far as it decides what cargo does.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// `$CARGO`, which is absolute, or just `cargo`.
    pub cargo: PathBuf,
    /// Where the user stands; absolute.
    pub current_dir: PathBuf,
    /// The environment. Children are given exactly this one.
    pub variables: Variables,
    /// The values of `--config`, in order.
    pub config: Vec<String>,
}

impl Invocation {
    /// The value of a variable, if it is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// One that sees nothing of the machine but its programs; `top` is home and everything else.
    #[cfg(test)]
    pub fn of_test(top: &Path) -> Self {
        let kept = |name: &str| Some((name.into(), std::env::var_os(name)?));
        let mut variables: Variables = ["PATH", "SystemRoot"].into_iter().filter_map(kept).collect();
        let rustup = std::env::home_dir().map(|home| home.join(".rustup").into_os_string());
        variables.extend(std::env::var_os("RUSTUP_HOME").or(rustup).map(|home| ("RUSTUP_HOME".into(), home)));
        variables.extend(std::env::var_os("RUSTUP_TOOLCHAIN").map(|name| ("RUSTUP_TOOLCHAIN".into(), name)));
        for name in ["HOME", "USERPROFILE"] {
            variables.insert(name.into(), top.into());
        }
        variables.insert("CARGO_HOME".into(), top.join("cargo-home").into());
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self { cargo: cargo.into(), current_dir: top.into(), variables, config: Vec::new() }
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.variable(name).map(PathBuf::from)
    }

    /// `$CARGO_HOME`, or where cargo takes it to be.
    pub fn cargo_home(&self) -> Option<PathBuf> {
        let set = self.variable("CARGO_HOME").map(|home| self.current_dir.join(home));
        set.or_else(|| Some(self.home()?.join(".cargo")))
    }

    /// The values of `--config` as a cargo that runs in another folder has to be given them: files by absolute path.
    pub fn config_arguments(&self) -> Vec<String> {
        let absolute = |value: &String| {
            let file = self.config_file(value);
            file.map_or_else(|| value.clone(), |path| path.to_string_lossy().into_owned())
        };
        self.config.iter().map(absolute).collect()
    }

    /// The file that a value of `--config` names; `None` for `KEY=VALUE`. Cargo tells them apart in the same way.
    fn config_file(&self, value: &str) -> Option<PathBuf> {
        let path = self.current_dir.join(value);
        (!value.is_empty() && path.exists()).then_some(path)
    }
}

/// The configuration that cargo goes by in one folder.
#[derive(Clone, Debug)]
pub struct CargoConfig<'a> {
    invocation: &'a Invocation,
    /// The first wins. The first `from_call` of them come from `--config`.
    layers: Vec<Layer>,
    from_call: usize,
    looked_at: BTreeSet<PathBuf>,
}

/// One source of settings.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The file; `None` for `--config KEY=VALUE`.
    pub file: Option<PathBuf>,
    /// The file's contents.
    pub contents: Vec<u8>,
    table: Table,
    base: PathBuf,
}

/// What a key is set to.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The value; text when it comes from a variable.
    pub value: Value,
    /// The folder against which a relative path in it is resolved.
    pub base: PathBuf,
    /// Whether it comes from `--config KEY=VALUE` or a variable, so that `base` is where the user stands.
    pub from_call: bool,
}

/// Cargo's target directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetDir {
    /// The directory; absolute.
    pub path: PathBuf,
    /// Whether a cargo that is started in another folder has to be told, because an option or a variable chose it, which
    /// cargo would resolve against that other folder.
    pub from_call: bool,
}

impl<'a> CargoConfig<'a> {
    /// Reads the configuration for a cargo that runs in `folder`. A file that cannot be read or parsed sets nothing: to
    /// complain about it is left to cargo.
    pub fn read(folder: &Path, invocation: &'a Invocation) -> Self {
        let mut config = Self { invocation, layers: Vec::new(), from_call: 0, looked_at: BTreeSet::new() };
        for value in invocation.config.iter().rev() {
            config.add_argument(value);
        }
        config.from_call = config.layers.len();
        for ancestor in folder.ancestors() {
            config.add_folder(&ancestor.join(".cargo"));
        }
        if let Some(home) = invocation.cargo_home() {
            config.add_folder(&home);
        }
        config
    }

    /// The files and values it consists of; what comes first wins.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Every path that a file was looked for at, found or not.
    pub fn looked_at(&self) -> &BTreeSet<PathBuf> {
        &self.looked_at
    }

    /// The tables of the layers, each with the folder that relative paths in it are seen from.
    pub fn tables(&self) -> impl Iterator<Item = (&Table, &Path)> {
        self.layers.iter().map(|layer| (&layer.table, layer.base.as_path()))
    }

    /// What a dotted key such as `build.target-dir` is set to: by `--config`, else by its variable, else by the nearest
    /// file that sets it.
    pub fn find(&self, key: &str) -> Option<Setting> {
        let (from_call, files) = self.layers.split_at(self.from_call);
        let found = first(from_call, key).or_else(|| self.variable(key));
        found.or_else(|| first(files, key))
    }

    /// The target directory of the workspace at `root`; `option` is the value of `--target-dir`.
    pub fn target_dir(&self, root: &Path, option: Option<&Path>) -> TargetDir {
        let current_dir = &self.invocation.current_dir;
        if let Some(path) = option.or_else(|| self.invocation.variable("CARGO_TARGET_DIR").map(Path::new)) {
            return TargetDir { path: current_dir.join(path), from_call: true };
        }
        let set = self.find("build.target-dir");
        let set = set.and_then(|set| Some((set.base.join(set.value.as_str()?), set.from_call)));
        let (path, from_call) = set.unwrap_or_else(|| (root.join("target"), false));
        TargetDir { path, from_call }
    }

    /// `CARGO_BUILD_TARGET_DIR` for `build.target-dir`.
    fn variable(&self, key: &str) -> Option<Setting> {
        let name = format!("CARGO_{}", key.replace(['.', '-'], "_").to_uppercase());
        let value = self.invocation.variable(&name)?.to_str()?;
        Some(Setting {
            value: Value::String(value.to_owned()),
            base: self.invocation.current_dir.clone(),
            from_call: true,
        })
    }

    fn add_argument(&mut self, value: &str) {
        if let Some(path) = self.invocation.config_file(value) {
            self.add_file(path);
        } else if let Ok(table) = value.parse::<Table>() {
            let base = self.invocation.current_dir.clone();
            self.layers.push(Layer { file: None, contents: Vec::new(), table, base });
        }
    }

    /// A folder's `config`, else its `config.toml`: where both are there, cargo takes the former.
    fn add_folder(&mut self, folder: &Path) {
        let with_extension = folder.join("config.toml");
        if self.looked_at.contains(&with_extension) {
            return;
        }
        if self.add_file(folder.join("config")) {
            self.looked_at.insert(with_extension);
        } else {
            self.add_file(with_extension);
        }
    }

    /// Whether there is such a file. It is added with what it includes behind it, the last include first.
    fn add_file(&mut self, path: PathBuf) -> bool {
        // A file that includes itself is cargo's to complain about.
        if !self.looked_at.insert(path.clone()) {
            return false;
        }
        let Ok(contents) = fs::read(&path) else { return false };
        let table: Table = std::str::from_utf8(&contents).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
        let includes = includes(&table);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        // Relative paths are seen from the folder that holds `.cargo`; from an included file's, cargo does the same.
        let base = folder.parent().unwrap_or(&folder).to_owned();
        self.layers.push(Layer { file: Some(path), contents, table, base });
        for include in includes.iter().rev() {
            self.add_file(folder.join(include));
        }
        true
    }
}

impl Layer {
    fn find(&self, key: &str) -> Option<&Value> {
        let (tables, last) = key.rsplit_once('.').unwrap_or(("", key));
        let mut tables = tables.split('.').filter(|name| !name.is_empty());
        tables.try_fold(&self.table, |table, name| table.get(name)?.as_table())?.get(last)
    }
}

fn first(layers: &[Layer], key: &str) -> Option<Setting> {
    let found = layers.iter().find_map(|layer| Some((layer.find(key)?, layer)));
    found.map(|(value, layer)| Setting {
        value: value.clone(),
        base: layer.base.clone(),
        from_call: layer.file.is_none(),
    })
}

/// The paths in `include`: texts, or tables with a `path`.
fn includes(table: &Table) -> Vec<PathBuf> {
    let path = |value: &Value| Some(PathBuf::from(value.get("path").unwrap_or(value).as_str()?));
    match table.get("include") {
        Some(Value::Array(values)) => values.iter().filter_map(path).collect(),
        Some(value) => path(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A folder `top/ws` with a configuration in it, above it and in `$CARGO_HOME`.
    fn scene(top: &Path) -> Invocation {
        put(&top.join("ws/.cargo/config.toml"), "include = ['one.toml', { path = 'two.toml' }]\nbuild.jobs = 1");
        put(&top.join("ws/.cargo/one.toml"), "term.quiet = true\nbuild.rustc = 'one'\nbuild.jobs = 2");
        put(&top.join("ws/.cargo/two.toml"), "build.rustc = 'two'\nbuild.target-dir = 'out'");
        put(&top.join(".cargo/config.toml"), "build.rustc = 'above'\nbuild.rustdoc = 'above'");
        put(&top.join("home/config.toml"), "build.rustdoc = 'home'\nbuild.target = 'home'");
        let mut invocation = Invocation { current_dir: top.join("ws/deep"), ..Invocation::default() };
        invocation.variables.insert("CARGO_HOME".into(), top.join("home").into());
        invocation
    }

    fn text(config: &CargoConfig<'_>, key: &str) -> Option<String> {
        config.find(key).map(|set| set.value.to_string().replace('"', ""))
    }

    #[test]
    fn the_nearest_file_wins_and_includes_come_behind_it() {
        let top = tempfile::tempdir().unwrap();
        let invocation = scene(top.path());
        let config = CargoConfig::read(&top.path().join("ws"), &invocation);
        assert_eq!(text(&config, "build.jobs").as_deref(), Some("1"));
        assert_eq!(text(&config, "build.rustc").as_deref(), Some("two"));
        assert_eq!(text(&config, "term.quiet").as_deref(), Some("true"));
        assert_eq!(text(&config, "build.rustdoc").as_deref(), Some("above"));
        assert_eq!(text(&config, "build.target").as_deref(), Some("home"));
        assert_eq!(text(&config, "build.nothing"), None);
        assert!(config.looked_at().contains(&top.path().join("ws/.cargo/config")));
        assert!(config.looked_at().contains(&top.path().join("ws/.cargo/two.toml")));
        assert_eq!(config.layers().len(), 5);
    }

    #[test]
    fn options_come_before_variables_and_variables_before_files() {
        let top = tempfile::tempdir().unwrap();
        let mut invocation = scene(top.path());
        invocation.variables.insert("CARGO_BUILD_RUSTC".into(), "variable".into());
        let root = top.path().join("ws");
        assert_eq!(text(&CargoConfig::read(&root, &invocation), "build.rustc").as_deref(), Some("variable"));
        put(&top.path().join("ws/deep/extra.toml"), "build.rustc = 'file'\nbuild.jobs = 7");
        invocation.config = vec!["build.rustc='first'".into(), "extra.toml".into()];
        assert_eq!(text(&CargoConfig::read(&root, &invocation), "build.rustc").as_deref(), Some("file"));
        invocation.config.push("build.rustc='last'".into());
        let config = CargoConfig::read(&root, &invocation);
        assert_eq!(text(&config, "build.rustc").as_deref(), Some("last"));
        assert_eq!(text(&config, "build.jobs").as_deref(), Some("7"));
        let absolute = top.path().join("ws/deep/extra.toml").to_str().unwrap().to_owned();
        assert_eq!(invocation.config_arguments().get(1), Some(&absolute));
    }

    #[test]
    fn the_target_directory_is_resolved_where_it_was_said() {
        let top = tempfile::tempdir().unwrap();
        let mut invocation = scene(top.path());
        let root = top.path().join("ws");
        let target_dir = |invocation: &Invocation, option: Option<&str>| {
            let chosen = CargoConfig::read(&root, invocation).target_dir(&root, option.map(Path::new));
            (chosen.path.strip_prefix(top.path()).unwrap().to_str().unwrap().to_owned(), chosen.from_call)
        };
        assert_eq!(target_dir(&invocation, None), ("ws/out".into(), false));
        invocation.variables.insert("CARGO_BUILD_TARGET_DIR".into(), "b".into());
        assert_eq!(target_dir(&invocation, None), ("ws/deep/b".into(), true));
        invocation.variables.insert("CARGO_TARGET_DIR".into(), "c".into());
        assert_eq!(target_dir(&invocation, None), ("ws/deep/c".into(), true));
        assert_eq!(target_dir(&invocation, Some("d")), ("ws/deep/d".into(), true));
    }

    #[test]
    fn the_old_name_of_a_file_wins_and_a_circle_ends() {
        let top = tempfile::tempdir().unwrap();
        put(&top.path().join(".cargo/config"), "build.jobs = 1\ninclude = ['config']");
        put(&top.path().join(".cargo/config.toml"), "build.jobs = 2");
        let invocation = Invocation { current_dir: top.path().into(), ..Invocation::default() };
        let config = CargoConfig::read(top.path(), &invocation);
        assert_eq!(text(&config, "build.jobs").as_deref(), Some("1"));
        assert!(config.looked_at().contains(&top.path().join(".cargo/config.toml")));
    }
}
