//! Which commands of a plan call an alias, by the configuration that cargo finds where they run. What that means for a step
//! is not known here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cargo_config::{CargoConfig, Invocation, may_be_alias};
use crate::model::{Command, Plan, Workspace};

/// The variables of a phase.
type Env = BTreeMap<Arc<str>, Arc<str>>;

/// Notes with every command of the plan what its cargo subcommand stands for.
pub fn find(plan: &mut Plan, workspace: &Workspace, invocation: &Invocation) {
    let mut aliases = Aliases { invocation, known: BTreeMap::new() };
    for step in &mut plan.steps {
        let dir = workspace.dir_of(&step.subject);
        for place in 0..step.definition.commands.len() {
            let subcommand = step.definition.commands.get(place).and_then(Command::subcommand);
            let Some(subcommand) = subcommand.filter(|name| may_be_alias(name)) else { continue };
            let words = aliases.of(&subcommand, dir, &step.definition.env);
            if !words.is_empty() {
                Arc::make_mut(&mut step.definition).commands[place].alias = words;
            }
        }
    }
}

struct Aliases<'a> {
    invocation: &'a Invocation,
    /// What was found already: by the folder with configuration, the phase's variables and the subcommand.
    known: BTreeMap<(PathBuf, Env, String), Vec<Arc<str>>>,
}

impl Aliases<'_> {
    fn of(&mut self, subcommand: &str, dir: &Path, env: &Env) -> Vec<Arc<str>> {
        // Thousands of members may have no configuration of their own.
        let has_config = |folder: &&Path| folder.join(".cargo").exists();
        let folder = dir.ancestors().find(has_config).or_else(|| dir.ancestors().last()).unwrap_or(dir);
        let key = (folder.to_owned(), env.clone(), subcommand.to_owned());
        let invocation = self.invocation;
        self.known.entry(key).or_insert_with(|| read(subcommand, folder, env, invocation)).clone()
    }
}

fn read(subcommand: &str, folder: &Path, env: &Env, invocation: &Invocation) -> Vec<Arc<str>> {
    let mut invocation = invocation.clone();
    invocation.variables.extend(env.iter().map(|(name, value)| ((&**name).into(), (&**value).into())));
    let words = CargoConfig::read(folder, &invocation).stands_for(subcommand);
    words.into_iter().map(Arc::from).collect()
}
