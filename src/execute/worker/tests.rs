//! A test step: cargo compiles and says how it would run each test executable; those run whose result could have changed,
//! as parts of the step. It decides nothing of when they run.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::command::{Kept, Ran};
use super::super::{Done, Teller, Turn};
use super::{Ending, Prepared, Produced, Worker};
use crate::cargo_output::Artifact;
use crate::cargo_test::{self, Call, CallKind, Intercept};
use crate::home::Claim;
use crate::keys::{Key, TestFacts, is_of_tests};
use crate::model::{
    DependencyKind, Digest, MemberId, Outcome, Output, Part, Reason, Step, StepId, Subject, TestRun,
    TestSummary, Tests, Workspace,
};
use crate::plan::Expanded;
use crate::process::{CommandLine, Program};
use crate::schedule::PartTerms;
use crate::state::Ended;
use crate::store::Record;

/// A test step from its compilation to its end.
pub(super) struct Testing {
    /// What the step began with, until it is concluded.
    step: Mutex<Option<(Prepared, Ran, Option<Claim>)>>,
    /// The parts that have to run.
    parts: Vec<TestPart>,
    /// What came of them, as far as they ran.
    came: Mutex<Vec<Option<(bool, Tests)>>>,
    /// Those that need not run.
    fresh: TestRun,
    saved: Duration,
}

/// Which part of a step something is of.
#[derive(Clone, Debug)]
pub struct PartOf {
    /// The name by which the state knows it.
    pub name: String,
    /// Whose it is.
    pub member: MemberId,
}

/// A test executable that has to run, or a member's documentation tests.
struct TestPart {
    name: Arc<str>,
    of: PartOf,
    line: CommandLine,
    key: Option<Key>,
    reason: Reason,
    /// What it is made of, as it was when the key was taken.
    files: Vec<TestFile>,
    /// Whether people want to see what it prints although it passes.
    shown: bool,
}

/// A file that a test is made of.
struct TestFile {
    /// What explanations call it.
    name: String,
    path: PathBuf,
    digest: Digest,
}

/// A call of cargo's, with what is known of it.
struct Called {
    call: Call,
    member: MemberId,
    name: Arc<str>,
}

/// How much longer than everything else a part comes first that failed the last time.
const FAILED_FIRST: u64 = 1 << 40;

/// Arguments after which people want to see what passing tests print.
const SHOWING: [&str; 4] = ["--nocapture", "--no-capture", "--show-output", "--list"];

impl Worker<'_> {
    /// Has cargo compile the tests, and finds out which of them have to run.
    pub(super) fn compile_tests(
        &self,
        id: StepId,
        (key, fresh): (Option<Key>, Option<super::Held>),
        claim: Option<Claim>,
        tell: &Teller,
    ) -> Turn {
        let setting = &self.commands.tests;
        let intercept = match Intercept::new(&setting.folder, &setting.rustdoc) {
            Ok(intercept) => intercept,
            Err(error) => {
                tell.warned(format!("cargo runs the tests itself, and their results are not kept: {error}"));
                return Turn::Done(self.run(id, (None, None), tell));
            }
        };
        let prepared = self.prepare(id, key, fresh);
        let step = self.plan.step(id);
        let arguments = || intercept.arguments(&setting.triples);
        let mut ran = self.commands.compile_tests(&prepared.expanded, arguments(), tell);
        if ran.failure.is_some() && setting.keep_going {
            self.compile_others(step, &mut ran, &|expanded| self.commands.compile_tests(expanded, arguments(), tell));
        }
        let calls = intercept.calls().unwrap_or_else(|error| {
            ran.failure = Some(format!("cannot read how cargo runs the tests: {error}"));
            Vec::new()
        });
        if ran.failure.is_some() && calls.is_empty() {
            return Turn::Done(self.conclude(id, prepared, (ran, None), tell));
        }
        let called = self.called(calls, &mut ran);
        let docs: BTreeSet<MemberId> = called.iter().filter(|one| one.is_doc()).map(|one| one.member).collect();
        ran.besides = docs.into_iter().flat_map(|member| self.keys.named_outside(member)).collect();
        let mut testing =
            Testing { step: Mutex::default(), parts: Vec::new(), came: Mutex::default(), fresh: TestRun::default(), saved: Duration::ZERO };
        for called in called {
            match self.line_of(&called.call) {
                Ok(line) => self.sort_in(id, (called, line), (&ran, &prepared), &mut testing, tell),
                Err(why) => {
                    ran.failure = Some(why);
                    return Turn::Done(self.conclude(id, prepared, (ran, None), tell));
                }
            }
        }
        let terms = self.terms_of_parts(&mut testing.parts);
        testing.came = Mutex::new(vec![None; testing.parts.len()]);
        testing.step = Mutex::new(Some((prepared, ran, claim)));
        let _ = self.testing[id.index()].set(testing);
        Turn::Parts(terms)
    }

    /// After some members did not compile: compiles the tests of the others, until all that is left does.
    fn compile_others(&self, step: &Step, ran: &mut Ran, compile: &dyn Fn(&Expanded) -> Ran) {
        let workspace = self.expansion.workspace;
        let mut rest: Vec<MemberId> = step.subject.members().to_vec();
        while !self.is_interrupted() {
            let members = |names: &[String]| names.iter().filter_map(|name| workspace.named(name)).collect::<Vec<_>>();
            let (culprits, libraries) = (members(&ran.culprits), members(&ran.libraries));
            let before = rest.len();
            rest.retain(|id| !culprits.contains(id) && !depends_on(workspace, *id, &libraries));
            if rest.is_empty() || rest.len() == before {
                return;
            }
            let others = Step { subject: Subject::Group(rest.clone().into()), ..step.clone() };
            let again = compile(&self.expansion.expand(&others));
            let compiled = again.failure.is_none();
            ran.add(again);
            if compiled {
                return;
            }
        }
    }

    /// The calls with whose they are and what they are called; a doubt is noted if cargo ran any itself.
    fn called(&self, calls: Vec<Call>, ran: &mut Ran) -> Vec<Called> {
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
            found.push(Called { call, member, name: name.into() });
        }
        let is_built_only = || self.expansion.args.iter().any(|argument| argument == "--no-run");
        let left = missing.first().filter(|_| !is_built_only());
        ran.doubt = strange.or_else(|| Some(format!("cargo did not say how it runs `{}`", left?.display())));
        found
    }

    /// Adds a call to the parts that have to run, or to what need not.
    fn sort_in(
        &self,
        id: StepId,
        (called, line): (Called, CommandLine),
        (ran, prepared): (&Ran, &Prepared),
        testing: &mut Testing,
        tell: &Teller,
    ) {
        let of = PartOf { name: format!("{}: {}", self.judge.name(id), called.name), member: called.member };
        let files = self.files_of(&called, ran).unwrap_or_default();
        let key = self.key_of((id, &called), (&line, &files), (ran, prepared));
        let shown = called.call.args.iter().any(|argument| SHOWING.iter().any(|word| argument == word));
        let kept = match &key {
            Ok(key) => self.judge.part(&of.name, *key),
            Err(reason) => Err(reason.clone()),
        };
        match kept {
            Ok(record) => {
                let tests = record.tests.unwrap_or_default().tests;
                testing.fresh.add(tests);
                testing.saved += record.duration;
                tell.part_passed(self.passed_by(&called, &record, tests));
            }
            Err(reason) => {
                testing.parts.push(TestPart { name: called.name, of, line, key: key.ok(), reason, files, shown });
            }
        }
    }

    /// The key of a test executable, or of documentation tests.
    ///
    /// # Errors
    /// Why it has none.
    fn key_of(
        &self,
        (id, called): (StepId, &Called),
        (line, files): (&CommandLine, &[TestFile]),
        (ran, prepared): (&Ran, &Prepared),
    ) -> Result<Key, Reason> {
        let step = self.plan.step(id);
        let member = self.expansion.workspace.member(called.member);
        let phase = self.expansion.project.phase(step.phase);
        let cached = phase.definition_for(&member.name).is_some_and(|definition| definition.cache);
        if !cached || ran.doubt.is_some() || files.is_empty() {
            return Err(Reason::NotCached);
        }
        let Program::Words(words) = &line.program else { return Err(Reason::NotCached) };
        let mut discovered = Vec::new();
        if called.is_doc() {
            let spec = member.package.as_ref().map(|package| &*package.spec);
            let own = |package_id: &str| Some(package_id) == spec;
            let artifacts: Vec<_> = ran.artifacts.iter().filter(|made| own(&made.package_id)).cloned().collect();
            let scripts: Vec<_> = ran.scripts.iter().filter(|script| own(&script.package_id)).cloned().collect();
            let made = (&*artifacts, &*scripts, &*self.keys.named_outside(called.member));
            let found = self.keys.discover(step, made, (prepared.began, &prepared.before));
            // Why that is so is told of the whole step.
            discovered = found.map_err(|_| Reason::NotCached)?;
        }
        let facts = TestFacts {
            member: called.member,
            name: &called.name,
            files: &files.iter().map(|file| (&*file.name, file.digest)).collect::<Vec<_>>(),
            args: words,
            variables: &self.variables_of(&called.call, step),
            discovered: &discovered,
        };
        self.keys.test_key(step, &facts)
    }

    fn passed_by(&self, called: &Called, record: &Record, tests: Tests) -> Part {
        Part {
            name: Arc::clone(&called.name),
            member: Arc::clone(&self.expansion.workspace.member(called.member).name),
            outcome: Outcome::Cached { saved: record.duration, restored: 0 },
            reason: None,
            duration: record.duration,
            output: self.stored(Some(record)),
            shown: false,
            tests,
        }
    }

    /// What a test is made of, and what it may start or load. `None` if one of the files cannot be read.
    fn files_of(&self, called: &Called, ran: &Ran) -> Option<Vec<TestFile>> {
        let mut found: BTreeSet<(String, PathBuf)> = BTreeSet::new();
        if called.is_doc() {
            self.add_libraries(called, &mut found);
        } else {
            found.insert(("the executable".to_owned(), PathBuf::from(called.call.args.first()?)));
            self.add_started(called, ran, &mut found);
        }
        let script = self.made_for(called, ran).map(|folder| files_in(&folder, "of its build script"));
        found.extend(script.into_iter().flatten());
        let file = |(name, path): (String, PathBuf)| {
            let digest = self.keys.digest_of_file(&path).ok()?;
            Some(TestFile { name, path, digest })
        };
        found.into_iter().map(file).collect()
    }

    /// The binaries that an executable may start, and the libraries that it may load.
    fn add_started(&self, called: &Called, ran: &Ran, found: &mut BTreeSet<(String, PathBuf)>) {
        let spec = self.expansion.workspace.member(called.member).package.as_ref().map(|package| &*package.spec);
        for artifact in ran.artifacts.iter().filter(|artifact| !artifact.test) {
            let is = |wanted: &[&str]| artifact.kinds.iter().any(|kind| wanted.contains(&&**kind));
            if let Some(path) = artifact.executable.as_ref().filter(|_| is(&["bin"]) && Some(&*artifact.package_id) == spec) {
                found.insert((format!("the binary {}", artifact.target), path.clone()));
            }
            let libraries = artifact.filenames.iter().filter(|path| is(&["dylib", "cdylib"]) && is_dynamic_library(path));
            found.extend(libraries.map(|path| (format!("the library {}", artifact.target), path.clone())));
        }
        for (name, value) in &called.call.env {
            let binary = name.to_str().and_then(|name| name.strip_prefix("CARGO_BIN_EXE_"));
            found.extend(binary.map(|name| (format!("the binary {name}"), PathBuf::from(value))));
        }
    }

    /// What rustdoc compiles documentation tests with. The metadata of a library changes with its code and with that of
    /// everything that it depends on, the rest of it each time it is compiled.
    fn add_libraries(&self, called: &Called, found: &mut BTreeSet<(String, PathBuf)>) {
        let target_dir = &self.expansion.workspace.target_dir;
        for pair in called.call.args.windows(2) {
            let (option, value) = (&pair[0], pair[1].to_string_lossy());
            let (name, path) = value.split_once('=').unwrap_or(("", &value));
            let path = Path::new(path);
            if option == "--extern" && path.is_absolute() {
                let metadata = path.with_extension("rmeta");
                let path = if metadata.is_file() { metadata } else { path.to_owned() };
                found.insert((format!("the library {name}"), path));
            } else if option == "-L" && name != "dependency" && path.starts_with(target_dir) {
                found.extend(files_in(path, "of a build script"));
            }
        }
    }

    /// The folder that the build script of its package fills.
    fn made_for(&self, called: &Called, ran: &Ran) -> Option<PathBuf> {
        let dir = PathBuf::from(called.call.variable("OUT_DIR")?);
        ran.scripts.iter().any(|script| script.out_dir == dir).then_some(dir)
    }

    /// The variables that count: what cargo and its configuration add, what the standard library reads, what make.toml names.
    fn variables_of(&self, call: &Call, step: &Step) -> Vec<(OsString, OsString)> {
        let own: HashMap<OsString, OsString> = std::env::vars_os().collect();
        let of_rustup = |name: &OsStr| {
            let name = name.to_string_lossy();
            name.starts_with("RUSTUP_") || matches!(&*name, "CARGO_HOME" | "RUST_RECURSION_COUNT" | "_")
        };
        let is_named = |name: &OsStr| step.definition.env_inputs.iter().any(|wanted| name == &**wanted);
        let is_added = |name: &OsStr, value: &OsStr| own.get(name).is_none_or(|known| known != value);
        let counts = |name: &OsStr, value: &OsStr| {
            name == "CARGO" || is_named(name) || is_of_tests(name) || (is_added(name, value) && !of_rustup(name))
        };
        let counting = call.env.iter().filter(|(name, value)| counts(name, value));
        // Cargo puts its folders before those that are ours already.
        let inherited = own.get(OsStr::new(LIBRARY_PATH)).filter(|value| !value.is_empty());
        let without = |value: &OsStr| {
            let tail = inherited.and_then(|tail| value.as_encoded_bytes().strip_suffix(tail.as_encoded_bytes()));
            tail.map_or_else(|| value.to_owned(), |head| String::from_utf8_lossy(head).into_owned().into())
        };
        let mut all: Vec<(OsString, OsString)> = counting
            .map(|(name, value)| (name.clone(), if name == LIBRARY_PATH { without(value) } else { value.clone() }))
            .collect();
        all.sort();
        all
    }

    /// The command line of a call, as cargo would have started it.
    ///
    /// # Errors
    /// It cannot be told what test executables are started with.
    fn line_of(&self, call: &Call) -> Result<CommandLine, String> {
        let runner = (self.commands.tests.runner)(&call.triple)?.unwrap_or_default();
        let words = match call.kind {
            CallKind::Executable => runner.into_iter().map(OsString::from).chain(call.args.iter().cloned()).collect(),
            CallKind::Doc => {
                let mut words = vec![OsString::from(&self.commands.tests.rustdoc)];
                let options = ["--test-runtool"].into_iter().chain(std::iter::repeat("--test-runtool-arg"));
                words.extend(options.zip(runner).flat_map(|(option, word)| [option.into(), word.into()]));
                // Cargo wants to read what rustdoc says; here people are to read it.
                let format = call.args.windows(2).position(|pair| pair[0] == "--error-format" && pair[1] == "json");
                let is_kept = |place: usize| format.is_none_or(|format| place != format && place != format + 1);
                words.extend(call.args.iter().enumerate().filter(|(place, _)| is_kept(*place)).map(|(_, word)| word.clone()));
                words
            }
        };
        let known: BTreeSet<&OsString> = call.env.iter().map(|(name, _)| name).collect();
        let env_remove = std::env::vars_os().map(|(name, _)| name).filter(|name| !known.contains(name)).collect();
        Ok(CommandLine { program: Program::Words(words), dir: call.dir.clone(), env: call.env.clone(), env_remove })
    }

    /// How long each part will take, and how many cores it gets: as much of them as it has of the work. Their numbers of
    /// threads are set accordingly.
    fn terms_of_parts(&self, parts: &mut [TestPart]) -> Vec<PartTerms> {
        let jobs = self.commands.jobs.max(1) as u64;
        let last: Vec<_> = parts.iter().map(|part| self.judge.last(&part.of.name)).collect();
        let known: Vec<u64> = last.iter().flatten().map(|last| last.duration_ms.max(1)).collect();
        let usual = if known.is_empty() { 1 } else { known.iter().sum::<u64>().div_ceil(known.len() as u64) };
        let lengths: Vec<u64> = last.iter().map(|last| last.map_or(usual, |last| last.duration_ms.max(1))).collect();
        let whole: u64 = lengths.iter().sum::<u64>().max(1);
        let failed: Vec<bool> = last.iter().map(|last| last.is_some_and(|last| last.ended == Ended::Failed)).collect();
        let mut terms = Vec::with_capacity(parts.len());
        for ((part, length), failed) in parts.iter_mut().zip(lengths).zip(failed) {
            let share = (jobs * length).div_ceil(whole).clamp(1, jobs);
            let is_said = |name: &str| part.line.env.iter().any(|(known, _)| known == name);
            if share < jobs && !is_said(THREADS) {
                part.line.env.push((THREADS.into(), share.to_string().into()));
            }
            let weight = if failed { length + FAILED_FIRST } else { length };
            terms.push(PartTerms { weight, jobs: usize::try_from(share).unwrap_or(1) });
        }
        terms
    }

    /// Runs a test executable.
    pub(super) fn run_part(&self, id: StepId, place: usize, tell: &Teller) -> Part {
        let gone = || Part {
            name: "".into(),
            member: "".into(),
            outcome: Outcome::Failed("it is not known".into()),
            reason: None,
            duration: Duration::ZERO,
            output: Output::default(),
            shown: false,
            tests: Tests::default(),
        };
        let Some(testing) = self.testing[id.index()].get() else { return gone() };
        let Some(part) = testing.parts.get(place) else { return gone() };
        tell.part_started(Arc::clone(&part.name));
        let clock = Instant::now();
        let mut ran = self.commands.run_program(&part.line, tell);
        let duration = clock.elapsed();
        let mut figures = cargo_test::Figures::default();
        let _ = ran.log.copy_to(&mut figures);
        let tests = figures.finish();
        let log = std::mem::take(&mut ran.log);
        let output = if log.is_empty() { Output::default() } else { Output::of(Arc::new(Kept::new(log))) };
        let passed = ran.failure.is_none();
        if let Ok(mut came) = testing.came.lock()
            && let Some(came) = came.get_mut(place)
        {
            *came = Some((passed, tests));
        }
        if let Some(key) = part.key {
            let is_other = |file: &&TestFile| !self.keys.digest_of_file(&file.path).is_ok_and(|now| now == file.digest);
            let ending = match part.files.iter().find(is_other) {
                _ if !passed || self.is_interrupted() => Ending::Failed,
                Some(file) => Ending::Unkept(format!("{} changed meanwhile", file.name)),
                None if ran.lost => Ending::Unkept("a part of its output is lost".to_owned()),
                None => Ending::Good { discovered: None, artifacts: Vec::new(), outputs: Vec::new() },
            };
            let tests = Some(TestRun { executables: 1, tests });
            let (output, of) = (output.clone(), Some(part.of.clone()));
            self.produce(Produced { step: id, part: of, key, ending, duration, output, warned: false, tests });
        }
        Part {
            name: Arc::clone(&part.name),
            member: Arc::clone(&self.expansion.workspace.member(part.of.member).name),
            outcome: ran.failure.map_or(Outcome::Succeeded, |how| Outcome::Failed(how.into())),
            reason: Some(part.reason.clone()),
            duration,
            output,
            shown: part.shown,
            tests,
        }
    }

    /// Brings together what came of the parts.
    pub(super) fn join_tests(&self, id: StepId, tell: &Teller) -> Done {
        let testing = self.testing[id.index()].get();
        let begun = testing.and_then(|testing| testing.step.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (Some(testing), Some((prepared, mut ran, _claim))) = (testing, begun) else {
            let outcome = Outcome::Failed("its parts are not known".into());
            return Done { outcome, duration: Duration::ZERO, output: Output::default(), warned: false, tests: None };
        };
        let came = testing.came.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut summary = TestSummary { fresh: testing.fresh, saved: testing.saved, ..TestSummary::default() };
        let mut failed: Vec<&str> = Vec::new();
        for (part, came) in testing.parts.iter().zip(&came) {
            match came {
                Some((passed, tests)) => {
                    summary.ran.add(*tests);
                    failed.extend((!passed).then_some(&*part.name));
                }
                None => summary.left += 1,
            }
        }
        let failure = match (&failed[..], summary.left) {
            ([], 0) => None,
            ([], left) => Some(format!("{left} test executables did not run")),
            (failed, _) => Some(format!("{} failed", failed.join(", "))),
        };
        ran.failure = match (ran.failure.take(), failure) {
            (Some(compiling), Some(failure)) => Some(format!("{compiling}; {failure}")),
            (compiling, failure) => compiling.or(failure),
        };
        self.conclude(id, prepared, (ran, Some(summary)), tell)
    }
}

/// Whether the member needs one of these to compile its tests.
fn depends_on(workspace: &Workspace, id: MemberId, others: &[MemberId]) -> bool {
    let mut seen = BTreeSet::from([id]);
    let mut pending = vec![(id, true)];
    while let Some((member, own)) = pending.pop() {
        for dependency in &workspace.member(member).dependencies {
            if (own || dependency.kind != DependencyKind::Dev) && seen.insert(dependency.member) {
                pending.push((dependency.member, false));
            }
        }
    }
    others.iter().any(|other| seen.contains(other))
}

impl Called {
    fn is_doc(&self) -> bool {
        self.call.kind == CallKind::Doc
    }
}

/// The variable by which libtest is told how many threads it has.
const THREADS: &str = "RUST_TEST_THREADS";

/// The variable that says where dynamic libraries are.
const LIBRARY_PATH: &str = if cfg!(windows) {
    "PATH"
} else if cfg!(target_os = "macos") {
    "DYLD_FALLBACK_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// Every file in a folder, by what explanations call it.
fn files_in(folder: &Path, whose: &str) -> Vec<(String, PathBuf)> {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    let named = |path: PathBuf| {
        let name = path.strip_prefix(folder).unwrap_or(&path).display();
        (format!("{name} {whose}"), path)
    };
    files.map(named).collect()
}

fn is_dynamic_library(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|is| matches!(is, "so" | "dylib" | "dll"))
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
