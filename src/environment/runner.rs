//! The program that cargo's configuration starts test executables with, for a target.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use cargo_platform::{Cfg, CfgExpr};
use toml::Value;

use super::toolchain;
use crate::cargo_config::{CargoConfig, Invocation, Setting};
use crate::executable;
use crate::model::Workspace;

/// The runner of a target and its arguments, as `target.<triple>.runner` or `target.'cfg(…)'.runner` says it; `None` where
/// nothing is said.
///
/// # Errors
/// The compiler does not say what holds for the target.
pub fn runner(triple: &str, workspace: &Workspace, invocation: &Invocation) -> Result<Option<Vec<String>>, String> {
    let config = CargoConfig::read(&workspace.root, invocation);
    if let Some(setting) = config.find(&format!("target.{triple}.runner")) {
        return Ok(words(&setting));
    }
    let mut by_cfg: BTreeMap<&str, Setting> = BTreeMap::new();
    for (table, base) in config.tables() {
        let targets = table.get("target").and_then(Value::as_table);
        for (key, target) in targets.into_iter().flatten() {
            if let (true, Some(value)) = (key.starts_with("cfg("), target.get("runner")) {
                let setting = Setting { value: value.clone(), base: base.to_owned(), from_call: false };
                by_cfg.entry(key).or_insert(setting);
            }
        }
    }
    if by_cfg.is_empty() {
        return Ok(None);
    }
    let holding = cfgs(triple, &config, workspace, invocation)
        .ok_or_else(|| format!("the compiler does not say which cfg hold for {triple}"))?;
    let holds = |key: &str| {
        let inner = key.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
        CfgExpr::from_str(inner).is_ok_and(|cfg| cfg.matches(&holding))
    };
    Ok(by_cfg.iter().find(|(key, _)| holds(key)).and_then(|(_, setting)| words(setting)))
}

/// The programs that test executables are started with, for whatever target, by the keys or variables that name them: what
/// tells whether they changed.
pub fn programs(config: &CargoConfig<'_>, workspace: &Workspace, invocation: &Invocation) -> Vec<(String, String)> {
    let mut found: Vec<(String, Setting)> = Vec::new();
    for (table, base) in config.tables() {
        for (key, target) in table.get("target").and_then(Value::as_table).into_iter().flatten() {
            if let Some(value) = target.get("runner") {
                let setting = Setting { value: value.clone(), base: base.to_owned(), from_call: false };
                found.push((format!("target.{key}.runner"), setting));
            }
        }
    }
    for (name, value) in &invocation.variables {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_TARGET_") && name.ends_with("_RUNNER") {
            let value = Value::String(value.to_string_lossy().into_owned());
            let base = invocation.current_dir.clone();
            found.push((name.into_owned(), Setting { value, base, from_call: true }));
        }
    }
    let state = |(name, setting): (String, Setting)| {
        let words = words(&setting).unwrap_or_default();
        // A script may be an argument of its interpreter's.
        let paths = words.iter().enumerate().filter_map(|(place, word)| match place {
            0 => executable::find(Path::new(word), &workspace.root, invocation),
            _ => Some(setting.base.join(word)).filter(|path| path.is_file()),
        });
        let states: Vec<String> = paths.map(|path| executable::stat(&path)).collect();
        (format!("the program in {name}"), states.join(" "))
    };
    found.into_iter().map(state).collect()
}

/// Whether a file or `--config` says the runner of a target as a text.
pub fn is_runner_text(triple: &str, workspace: &Workspace, invocation: &Invocation) -> bool {
    let config = CargoConfig::read(&workspace.root, invocation);
    let runner = |table: &toml::Table| table.get("target")?.get(triple)?.get("runner").map(Value::is_str);
    config.tables().find_map(|(table, _)| runner(table)).unwrap_or(false)
}

/// The program and its arguments: an array, or words between blanks. A path is seen from where it was said, a mere name is
/// looked for on `PATH`.
fn words(setting: &Setting) -> Option<Vec<String>> {
    let mut words: Vec<String> = match &setting.value {
        Value::Array(words) => words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect(),
        value => value.as_str()?.split_whitespace().map(str::to_owned).collect(),
    };
    let program = words.first_mut()?;
    if Path::new(&*program).components().count() > 1 {
        *program = setting.base.join(&*program).to_string_lossy().into_owned();
    }
    Some(words)
}

fn cfgs(triple: &str, config: &CargoConfig<'_>, workspace: &Workspace, invocation: &Invocation) -> Option<Vec<Cfg>> {
    let rustc = executable::find(&toolchain::rustc(config, invocation), &workspace.root, invocation)?;
    let mut command = Command::new(rustc);
    command.args(["--print", "cfg", "--target", triple]).current_dir(&workspace.root);
    command.env_clear().envs(&invocation.variables).stdin(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.lines().filter_map(|line| Cfg::from_str(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_exact_target_wins_over_a_cfg_that_holds() {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().to_owned();
        let workspace = Workspace { root: root.clone(), ..Workspace::default() };
        let mut invocation = Invocation::of_test(&root);
        let found = |invocation: &Invocation, text: &str| {
            fs::create_dir_all(root.join(".cargo")).unwrap();
            fs::write(root.join(".cargo/config.toml"), text).unwrap();
            runner("x86_64-unknown-linux-gnu", &workspace, invocation).unwrap()
        };
        assert_eq!(found(&invocation, ""), None);
        let by_cfg = "[target.'cfg(windows)']\nrunner = 'wine'\n[target.'cfg(unix)']\nrunner = ['bin/run', 'a b']\n";
        let run = root.join("bin/run").to_str().unwrap().to_owned();
        assert_eq!(found(&invocation, by_cfg), Some(vec![run, "a b".to_owned()]));
        let exact = format!("{by_cfg}[target.x86_64-unknown-linux-gnu]\nrunner = 'time -p'\n");
        assert_eq!(found(&invocation, &exact), Some(vec!["time".to_owned(), "-p".to_owned()]));
        invocation.variables.insert("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER".into(), "env".into());
        assert_eq!(found(&invocation, &exact), Some(vec!["env".to_owned()]));
    }
}
