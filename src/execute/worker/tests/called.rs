//! What cargo says that it would run: whose tests these are, what they are called, and how they are started. Nothing is
//! started here.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use super::super::super::ran::Ran;
use super::super::Worker;
use crate::cargo_output::Artifact;
use crate::cargo_test::{Call, CallKind};
use crate::keys::{Besides, LIBRARY_PATH, is_of_tests, without_toolchains};
use crate::model::MemberId;
use crate::process::{CommandLine, JOBSERVER_VARIABLES, Program};

/// A call of cargo's, with what is known of it.
pub(super) struct Called {
    pub(super) call: Call,
    pub(super) member: MemberId,
    pub(super) name: Arc<str>,
    /// Of documentation tests: what they may read and ask for besides what cargo reports.
    pub(super) besides: Besides,
}

impl Worker<'_> {
    /// The calls with whose they are and what they are called; a doubt is noted if cargo ran any itself.
    pub(super) fn called(&self, calls: Vec<Call>, ran: &mut Ran) -> Vec<Called> {
        let executables: HashMap<&Path, &Artifact> = ran
            .artifacts
            .iter()
            .filter(|artifact| artifact.test)
            .filter_map(|artifact| Some((artifact.executable.as_deref()?, artifact)))
            .collect();
        let workspace = self.expansion.workspace;
        let mut missing: BTreeSet<&Path> = executables.keys().copied().collect();
        let mut found = Vec::new();
        let mut strange = None;
        for call in calls {
            let path = call.args.first().map(Path::new).unwrap_or(Path::new(""));
            missing.remove(path);
            let dir = call.variable("CARGO_MANIFEST_DIR").map(Path::new);
            let member = workspace.ids().find(|id| Some(&*workspace.member(*id).dir) == dir);
            let artifact = executables.get(path);
            let (Some(member), true) = (member, artifact.is_some() || call.kind == CallKind::Doc) else {
                strange = Some(format!("cargo runs `{}`, of which it did not tell", path.display()));
                continue;
            };
            let package = &workspace.member(member).name;
            let name = match artifact {
                Some(artifact) => binary_id(package, artifact),
                None => format!("{package} (doc)"),
            };
            found.push(Called { call, member, name: name.into(), besides: Besides::default() });
        }
        let is_built_only = || self.expansion.args.iter().any(|argument| argument == "--no-run");
        // Where members did not compile, some of what did belongs to them, and nothing is kept of the whole.
        let left = missing.first().filter(|_| ran.failure.is_none() && !is_built_only());
        ran.doubt = strange.or_else(|| Some(format!("cargo did not say how it runs `{}`", left?.display())));
        found
    }

    /// The variables that count: what cargo and its configuration add, what the standard library reads, what make.toml names.
    /// `named`: what make.toml names for the member.
    pub(super) fn variables_of(&self, call: &Call, named: &[Arc<str>]) -> Vec<(OsString, OsString)> {
        let own: HashMap<OsString, OsString> = std::env::vars_os().collect();
        let of_rustup = |name: &OsStr| {
            let name = name.to_string_lossy();
            name.starts_with("RUSTUP_") || matches!(&*name, "CARGO_HOME" | "RUST_RECURSION_COUNT" | "_")
        };
        let is_named = |name: &OsStr| named.iter().any(|wanted| name == &**wanted);
        let is_added = |name: &OsStr, value: &OsStr| own.get(name).is_none_or(|known| known != value);
        let counts = |name: &OsStr, value: &OsStr| {
            name == "CARGO" || is_named(name) || is_of_tests(name) || (is_added(name, value) && !of_rustup(name))
        };
        let counting = as_without_us(&call.env).into_iter().filter(|(name, value)| counts(name, value));
        let mut all: Vec<(OsString, OsString)> = counting
            .map(|(name, value)| {
                let value = if name == LIBRARY_PATH { without_toolchains(&value) } else { value };
                (name, value)
            })
            .collect();
        all.sort();
        all
    }

    /// The command line of a call, as cargo would have started it.
    ///
    /// # Errors
    /// It cannot be told what test executables are started with.
    pub(super) fn line_of(&self, call: &Call) -> Result<CommandLine, String> {
        let runner = (self.commands.tests.runner)(&call.triple)?.unwrap_or_default();
        let words = match call.kind {
            CallKind::Executable => runner.into_iter().map(OsString::from).chain(call.args.iter().cloned()).collect(),
            CallKind::Doc => {
                let mut words = vec![(self.commands.tests.rustdoc)(&call.env).into_os_string()];
                let options = ["--test-runtool"].into_iter().chain(std::iter::repeat("--test-runtool-arg"));
                words.extend(options.zip(runner).flat_map(|(option, word)| [option.into(), word.into()]));
                // Cargo wants to read what rustdoc says; here people are to read it.
                let format = call.args.windows(2).position(|pair| pair[0] == "--error-format" && pair[1] == "json");
                let is_kept = |place: usize| format.is_none_or(|format| place != format && place != format + 1);
                words.extend(
                    call.args.iter().enumerate().filter(|(place, _)| is_kept(*place)).map(|(_, word)| word.clone()),
                );
                words
            }
        };
        let (dir, env) = (call.dir.clone(), as_without_us(&call.env));
        let known: BTreeSet<&OsString> = env.iter().map(|(name, _)| name).collect();
        let env_remove = std::env::vars_os().map(|(name, _)| name).filter(|name| !known.contains(name)).collect();
        let program = Program::Words(words);
        Ok(CommandLine { env, env_remove, ..CommandLine::new(program, dir) })
    }
}

impl Called {
    pub(super) fn is_doc(&self) -> bool {
        self.call.kind == CallKind::Doc
    }
}

/// The variables that cargo gives a test when nobody has told cargo of our jobserver.
fn as_without_us(env: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let of_jobserver = |name: &OsStr| JOBSERVER_VARIABLES.iter().any(|known| name == *known);
    let others = env.iter().filter(|(name, _)| !of_jobserver(name)).cloned();
    let own = JOBSERVER_VARIABLES.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    others.chain(own).collect()
}

/// The name of a test executable, as nextest makes it.
fn binary_id(package: &str, artifact: &Artifact) -> String {
    let target = &artifact.target;
    match artifact.kinds.first().map(String::as_str) {
        Some("test") => format!("{package}::{target}"),
        Some(kind @ ("bin" | "example" | "bench")) => format!("{package}::{kind}/{target}"),
        _ => package.to_owned(),
    }
}
