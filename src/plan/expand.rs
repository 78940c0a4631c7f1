//! The command lines of a step: placeholders filled in, flags and arguments put where they belong. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::{
    CargoCommand, Command, Form, MemberId, Piece, Placeholder, Project, Step, Subject, Template, Workspace,
};

/// Cargo's build flags, as given for the whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoFlags {
    /// `--release`
    pub release: bool,
    /// `--profile`
    pub profile: Option<String>,
    /// `--features`
    pub features: Vec<String>,
    /// `--all-features`
    pub all_features: bool,
    /// `--no-default-features`
    pub no_default_features: bool,
    /// `--target`
    pub target: Vec<String>,
    /// `--locked`
    pub locked: bool,
    /// `--offline`
    pub offline: bool,
    /// `--frozen`
    pub frozen: bool,
    /// `--config`
    pub config: Vec<String>,
}

impl CargoFlags {
    /// The flags as words, as far as the subcommand takes them. `None` stands for a command that is not a plain call of
    /// cargo; it gets them all.
    #[must_use]
    pub fn words(&self, command: Option<CargoCommand>) -> Vec<String> {
        if command == Some(CargoCommand::Fmt) {
            return Vec::new();
        }
        let mut words = Vec::new();
        let mut switch = |given: bool, name: &str| words.extend(given.then(|| name.to_owned()));
        // `cargo bench` is optimised anyway and knows no `--release`.
        switch(self.release && command != Some(CargoCommand::Bench), "--release");
        let compiles = command != Some(CargoCommand::Clean);
        switch(compiles && self.all_features, "--all-features");
        switch(compiles && self.no_default_features, "--no-default-features");
        switch(self.locked, "--locked");
        switch(self.offline, "--offline");
        switch(self.frozen, "--frozen");
        let mut option = |name: &str, value: &String| words.extend([name.to_owned(), value.clone()]);
        self.profile.iter().for_each(|value| option("--profile", value));
        self.features.iter().filter(|_| compiles).for_each(|value| option("--features", value));
        self.target.iter().for_each(|value| option("--target", value));
        self.config.iter().for_each(|value| option("--config", value));
        words
    }
}

/// What placeholders stand for in a run.
pub struct Expansion<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Its phases.
    pub project: &'a Project,
    /// What stood after `--`.
    pub args: &'a [String],
    /// Cargo's build flags.
    pub flags: &'a CargoFlags,
}

/// A step's commands, ready to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The commands in order.
    pub commands: Vec<Argv>,
    /// The folder they run in; absolute.
    pub dir: PathBuf,
    /// The variables of the phase, and `CARGO_LIFECYCLE_MEMBER`, `_PHASE` and `_ROOT`.
    pub env: BTreeMap<Arc<str>, Arc<str>>,
}

/// One command, ready to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argv {
    /// A line for the shell.
    Shell(String),
    /// A program and its arguments, and what it is if it is a plain call of cargo.
    Words(Vec<String>, Option<CargoCall>),
}

/// A plain call of cargo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoCall {
    /// What it does.
    pub command: CargoCommand,
    /// The words that its subcommand stands for, if it is an alias; else empty.
    pub alias: Vec<Arc<str>>,
}

impl Expansion<'_> {
    /// The commands of the step.
    #[must_use]
    pub fn expand(&self, step: &Step) -> Expanded {
        let member = match &step.subject {
            Subject::Member(member) => Some(self.workspace.member(*member)),
            Subject::Group(_) | Subject::Workspace => None,
        };
        let mut env = step.definition.env.clone();
        let mut set = |name: &str, value: &str| env.insert(name.into(), value.into());
        set("CARGO_LIFECYCLE_PHASE", &self.project.phase(step.phase).name);
        set("CARGO_LIFECYCLE_ROOT", &self.workspace.root.to_string_lossy());
        set("CARGO_LIFECYCLE_MEMBER", member.map_or("", |member| &member.name));
        let last = step.definition.commands.len().saturating_sub(1);
        let places_args = step.definition.has(Placeholder::Args);
        let commands = step.definition.commands.iter().enumerate();
        let commands = commands.map(|(place, command)| self.command(step, command, !places_args && place == last));
        Expanded { commands: commands.collect(), dir: self.workspace.dir_of(&step.subject).to_owned(), env }
    }

    /// One command. `append`: ARGS come at its end, because no `{args}` says where.
    fn command(&self, step: &Step, command: &Command, append: bool) -> Argv {
        let cargo = command.cargo();
        let append = if append && step.takes_args { self.args } else { &[] };
        let call = cargo.map(|cargo| CargoCall { command: cargo, alias: command.alias.clone() });
        match &command.form {
            Form::Words(words) => {
                let mut words: Vec<String> = words.iter().flat_map(|word| self.word(step, word, cargo)).collect();
                words.extend_from_slice(append);
                Argv::Words(words, call)
            }
            Form::Shell(line) => {
                let mut line = self.line(step, line, cargo);
                if !append.is_empty() {
                    line.push(' ');
                    line.push_str(&quote(append));
                }
                match call.as_ref().and_then(|_| shlex::split(&line)) {
                    Some(words) => Argv::Words(words, call),
                    None => Argv::Shell(line),
                }
            }
        }
    }

    /// A word of an array: a placeholder that stands alone becomes as many words as it has, another is part of its word.
    fn word(&self, step: &Step, word: &Template, cargo: Option<CargoCommand>) -> Vec<String> {
        if let [Piece::Hole(hole)] = word.pieces[..] {
            return self.values(step, hole, cargo);
        }
        let pieces = word.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.to_string(),
            Piece::Hole(hole) => self.values(step, *hole, cargo).join(" "),
        });
        vec![pieces.collect()]
    }

    fn line(&self, step: &Step, line: &Template, cargo: Option<CargoCommand>) -> String {
        let pieces = line.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.to_string(),
            Piece::Hole(hole) => quote(&self.values(step, *hole, cargo)),
        });
        let line: String = pieces.collect();
        line.trim_end().to_owned()
    }

    fn values(&self, step: &Step, hole: Placeholder, cargo: Option<CargoCommand>) -> Vec<String> {
        let member = step.subject.members().first().map(|member| self.workspace.member(*member));
        match hole {
            Placeholder::Name => member.map(|member| member.name.to_string()).into_iter().collect(),
            Placeholder::Spec => {
                let package = member.and_then(|member| member.package.as_ref());
                package.map(|package| package.spec.to_string()).into_iter().collect()
            }
            Placeholder::Dir => member.map(|member| member.dir.to_string_lossy().into_owned()).into_iter().collect(),
            Placeholder::Root => vec![self.workspace.root.to_string_lossy().into_owned()],
            Placeholder::Args if step.takes_args => self.args.to_vec(),
            Placeholder::Args => Vec::new(),
            Placeholder::Flags => self.flags.words(cargo),
            Placeholder::Selected => self.selected(step, cargo),
        }
    }

    /// The members of a group as cargo is told them: by package ids, which are never ambiguous; `cargo fmt` knows only
    /// names, and `--all` would format path dependencies too.
    fn selected(&self, step: &Step, cargo: Option<CargoCommand>) -> Vec<String> {
        let packages = |id: &MemberId| self.workspace.member(*id).package.as_ref();
        let members = step.subject.members();
        let all = self.workspace.members.iter().filter(|member| member.package.is_some()).count();
        let whole = members.len() == all;
        match cargo {
            Some(CargoCommand::Fmt) => {
                let names = members.iter().map(|id| self.workspace.member(*id).name.to_string());
                names.flat_map(|name| ["-p".to_owned(), name]).collect()
            }
            Some(CargoCommand::Clean) if whole => Vec::new(),
            _ if whole => vec!["--workspace".to_owned()],
            _ => {
                let specs = members.iter().filter_map(packages).map(|package| package.spec.to_string());
                specs.flat_map(|spec| ["-p".to_owned(), spec]).collect()
            }
        }
    }
}

/// Words as a shell reads them back. A NUL cannot be quoted, nor can it be in an argument.
fn quote(words: &[String]) -> String {
    let quoted = words.iter().map(|word| shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), Into::into));
    quoted.collect::<Vec<String>>().join(" ")
}
