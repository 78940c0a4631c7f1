//! The order of the stages: workspace, make.toml, plan, digests, execution, state. The only room that sees them all.

mod ahead;
mod aliases;
mod beginning;
mod digests;
mod environment;
mod error;
mod housekeeping;
mod keep;
mod options;
mod past;
mod planned;
mod reports;
mod stages;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

pub use error::Error;
pub use options::Options;

pub use crate::process::inherit_jobserver;

use crate::cargo_config::Invocation;
use crate::config::{self, Source};
use crate::model::{
    Event, EventKind, Exceeded, Explanation, Interrupt, MemberId, Outcome, Project, Summary, Workspace,
};
use crate::plan::{Expansion, Request};
use crate::process::Clock;
use crate::report::{self, GraphFormat, Listed};
use crate::workspace::{self, Others, Renewal};
use beginning::Beginning;
use digests::Digests;
use planned::Planned;

/// A workspace, with its phases, opened for what was asked for.
pub struct Lifecycle {
    options: Options,
    invocation: Invocation,
    workspace: Workspace,
    project: Project,
    source: Option<Source>,
    selected: Vec<MemberId>,
    /// The threads that everything is done on, as many as there are jobs.
    pool: ThreadPool,
    /// The digests of files that were read to open it.
    digests: Digests,
    child_target_dir: Option<PathBuf>,
    cargo_started: bool,
    /// What is to be remembered of the workspace.
    renewal: Option<Renewal>,
    /// The run's time, from when it was asked for.
    clock: Arc<Clock>,
}

/// How a run went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// How each step ended, by its name, in the order of the plan; but for those of `on_success` and `on_error`.
    pub steps: Vec<(Arc<str>, Outcome)>,
    /// The figures.
    pub summary: Summary,
    /// The signal that ended the run, if one did.
    pub interrupted: Option<Interrupt>,
    /// What took more than make.toml's `[performance]` lets it take: the run, then the worst first.
    pub exceeded: Vec<Exceeded>,
    /// Whether that is a failure.
    pub enforced: bool,
    /// How the steps of `on_success` or `on_error` ended, if any ran. They make no difference to the exit code.
    pub aftermath: Vec<(Arc<str>, Outcome)>,
    /// Whether a `cargo clean` of the run removed all that was kept; then nothing was kept of the run itself.
    pub cleaned: bool,
}

impl Report {
    /// Whether every step succeeded or was cached.
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit_code() == 0
    }

    /// The exit code that says so: 0 all good, 1 a step failed, 5 a budget was exceeded and is enforced, 129, 130 or 143
    /// interrupted.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let bad = self.steps.iter().any(|(_, outcome)| !outcome.is_good());
        let over_budget = self.enforced && !self.exceeded.is_empty();
        match self.interrupted {
            Some(signal) => signal.exit_code(),
            None if bad => 1,
            None => {
                if over_budget {
                    OVER_BUDGET
                } else {
                    0
                }
            }
        }
    }

    /// How the step of this name ended.
    #[must_use]
    pub fn outcome(&self, step: &str) -> Option<&Outcome> {
        self.steps.iter().find(|(name, _)| &**name == step).map(|(_, outcome)| outcome)
    }
}

/// The exit code of a run in which all went well, but not within its budgets.
const OVER_BUDGET: u8 = 5;

/// More jobs than this are as many: each is a thread, and there are no machines that have more to do at once.
const MOST_JOBS: usize = 512;

/// The stack of a worker in bytes: keys are built along dependencies, which may be a chain of a thousand members.
const STACK: usize = 64 << 20;

/// So many threads; as many as there are cores if nobody says how many.
fn pool_of(jobs: Option<NonZeroUsize>) -> Result<ThreadPool, Error> {
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = jobs.unwrap_or_else(cores).get().min(MOST_JOBS);
    Ok(ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).start_handler(|_| make_room()).build()?)
}

/// Takes memory and gives it back, untouched. glibc has that at hand for the thread from then on, which would else ask the
/// system for each few kilobytes, and no thread may touch new memory meanwhile.
fn make_room() {
    // The first comes from the system, and its end tells glibc to keep blocks up to its size from then on: such is the second.
    for size in [16 << 20, 8 << 20] {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(size)));
    }
}

/// A panic leaves nothing half done in it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The innermost member in whose folder one stands: one of cargo's, or a folder of make.toml's.
fn standing_in(workspace: &Workspace, here: &Path, package: Option<MemberId>) -> Option<MemberId> {
    let depth = |id: MemberId| workspace.member(id).dir.components().count();
    let folders = workspace.ids().filter(|id| workspace.member(*id).package.is_none());
    let around = folders.filter(|id| here.starts_with(&workspace.member(*id).dir));
    around.chain(package).max_by_key(|id| depth(*id))
}

impl Lifecycle {
    /// Finds the workspace, reads make.toml and resolves which members are meant.
    ///
    /// # Errors
    /// No workspace, or one that cargo rejects; a make.toml with mistakes; members that are not there.
    pub fn open(mut options: Options) -> Result<Self, Error> {
        let clock = Arc::new(Clock::default());
        let current_dir = options.current_dir.clone().map_or_else(std::env::current_dir, std::path::absolute);
        let current_dir = current_dir.map_err(|error| Error::Usage(format!("there is no current folder: {error}")))?;
        let mut invocation = Invocation {
            cargo: std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
            current_dir,
            variables: std::env::vars_os().collect(),
            config: options.flags.config,
        };
        // Cargo runs in the root and in folders of members, where the path of a file would be another.
        options.flags.config = invocation.config_arguments();
        invocation.config.clone_from(&options.flags.config);
        let pool = pool_of(options.jobs)?;
        let asked = workspace::Options {
            invocation: invocation.clone(),
            manifest_path: options.manifest_path.clone(),
            target_dir: options.target_dir.clone(),
            locked: options.flags.locked,
            offline: options.flags.offline,
            frozen: options.flags.frozen,
        };
        let digests = Digests::default();
        let others = Others {
            digests: &|root, target_dir| {
                let cache = digests.at(root, target_dir);
                Box::new(move |path, stat| Ok(cache.digest(path, stat)?.digest))
            },
            asking: &|root, target_dir, is_over| {
                ahead::read((root, target_dir), &digests.at(root, target_dir), is_over);
            },
            mapping: &|root, target_dir| crate::environment::ask_ahead(root, target_dir, &invocation),
        };
        let loaded = pool.install(|| workspace::load(&asked, others))?;
        let mut workspace = loaded.workspace;
        let source = config::read(&workspace.root)?;
        let names: Vec<&str> = workspace.members.iter().map(|member| &*member.name).collect();
        let project = config::understand(source.as_ref(), &workspace.root, &names).map_err(Error::Config)?;
        workspace::add_folders(&mut workspace, &project);
        let is_of_project = options.jobs.is_none() && project.jobs.is_some();
        let pool = if is_of_project { pool_of(project.jobs)? } else { pool };
        let current = standing_in(&workspace, &invocation.current_dir, loaded.current);
        let selected = options.selection.resolve(&workspace, current)?;
        Ok(Self {
            options,
            invocation,
            workspace,
            project,
            source,
            selected,
            pool,
            digests,
            child_target_dir: loaded.target_dir_for_children,
            cargo_started: loaded.cargo_started,
            renewal: loaded.renewal,
            clock,
        })
    }

    /// The JSON Schema of make.toml.
    #[must_use]
    pub fn schema() -> &'static str {
        config::SCHEMA
    }

    /// Runs the phases, and tells what happens as it happens, one event after the other, on the threads that it happens on.
    ///
    /// # Errors
    /// Nothing that could be run: no such phase, a cycle. A step that fails is no error; the report tells.
    pub fn run(&self, mut events: impl FnMut(Event) + Send) -> Result<Report, Error> {
        let phases = self.options.phases.join(" ");
        let _entered = tracing::info_span!("run", workspace = &*self.name(), phases).entered();
        let mut events = |kind: EventKind| events(Event { at: self.clock.now(), kind });
        Planned::run(self, &mut events)
    }

    /// What a run would do now, step by step: each verdict, and the commands of what is stale.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn dry_run(&self) -> Result<String, Error> {
        let expansion = self.expansion();
        let (planned, beginning) = Beginning::with_plan(self, &expansion, |_| ())?;
        Ok(report::dry_run(&planned.plan, &planned.steps, &planned.foresee(beginning), &expansion))
    }

    /// Why each step is fresh or stale now, step by step in the order of the plan: every reason to run it, and what its key
    /// covers. [`report::explain`] and [`report::explain_json`] show it. Nothing runs and nothing is written.
    ///
    /// ```
    /// use cargo_lifecycle::model::{Reason, Verdict};
    /// use cargo_lifecycle::{Lifecycle, Options};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let workspace = folder.path();
    /// # std::fs::create_dir(workspace.join("src"))?;
    /// # std::fs::write(workspace.join("src/lib.rs"), "")?;
    /// # std::fs::write(workspace.join("Cargo.toml"), "[package]\nname = \"tiny\"\nedition = \"2024\"\n[workspace]\n")?;
    /// let options = Options::new().current_dir(workspace).phases(["check"]);
    /// # let options = options.target_dir(workspace.join("target"));
    /// let explanations = Lifecycle::open(options)?.explain()?;
    ///
    /// assert_eq!(explanations[0].verdict, Verdict::Stale(Reason::FirstRun));
    /// let covered = explanations[0].covers.as_ref().map_or(0, |covers| covers.file_count());
    /// assert!(covered >= 2, "Cargo.toml and src/lib.rs");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn explain(&self) -> Result<Vec<Explanation>, Error> {
        let expansion = self.expansion();
        let (planned, beginning) = Beginning::with_plan(self, &expansion, |_| ())?;
        Ok(planned.account(beginning))
    }

    /// The plan as a graph.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn graph(&self, format: GraphFormat) -> Result<String, Error> {
        let planned = Planned::new(self, &self.options.phases)?;
        Ok(report::graph(&planned.plan, &planned.steps, &self.workspace, format))
    }

    /// Every phase, with the command lines that it comes to for the selected members.
    ///
    /// # Errors
    /// A cycle.
    pub fn list(&self) -> Result<String, Error> {
        self.listed(report::list)
    }

    /// The same as JSON, a phase per line.
    ///
    /// # Errors
    /// A cycle.
    pub fn list_json(&self) -> Result<String, Error> {
        self.listed(report::list_json)
    }

    fn listed(&self, show: fn(&Project, &[Listed<'_>], &Expansion<'_>) -> String) -> Result<String, Error> {
        let names = self.project.phases.iter().map(|phase| phase.name.to_string());
        let alone = names.map(|name| Planned::alone(self, &name)).collect::<Result<Vec<_>, Error>>()?;
        let listed: Vec<Listed<'_>> =
            alone.iter().map(|planned| Listed { plan: &planned.plan, steps: &planned.steps }).collect();
        Ok(show(&self.project, &listed, &self.expansion()))
    }

    /// Writes a commented make.toml into the workspace root and answers its path.
    ///
    /// # Errors
    /// There is one already, or it cannot be written.
    pub fn init(&self) -> Result<PathBuf, Error> {
        let path = self.workspace.root.join(config::FILE_NAME);
        if path.exists() {
            return Err(Error::Usage(format!("there is a {} already: `{}`", config::FILE_NAME, path.display())));
        }
        let written = crate::atomic::write(&path, config::STARTER.as_bytes());
        written.map_err(|error| Error::Usage(format!("cannot write `{}`: {error}", path.display())))?;
        Ok(path)
    }

    /// The phases, each with its description, which may be empty.
    pub fn phases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.project.phases.iter().map(|phase| (&*phase.name, &*phase.description))
    }

    /// The names of the members, folders that are no Cargo packages included.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.workspace.members.iter().map(|member| &*member.name)
    }

    /// The workspace root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.workspace.root
    }

    fn expansion(&self) -> Expansion<'_> {
        Expansion {
            workspace: &self.workspace,
            project: &self.project,
            args: &self.options.args,
            flags: &self.options.flags,
        }
    }

    /// The name of the workspace: make.toml's, or that of its folder.
    fn name(&self) -> Arc<str> {
        let folder =
            || self.workspace.root.file_name().map_or("workspace".into(), |name| name.to_string_lossy().into());
        let lone = self.workspace.members.iter().find(|member| member.dir == self.workspace.root);
        let own = self.project.name.clone().or_else(|| lone.map(|member| Arc::clone(&member.name)));
        own.unwrap_or_else(folder)
    }

    /// What is selected, in words.
    fn selected(&self) -> String {
        let (chosen, all) = (self.selected.len(), self.workspace.members.len());
        match &self.selected[..] {
            [one] => format!("member {}", self.workspace.member(*one).name),
            _ if chosen == all => format!("all {}", report::members(all)),
            _ => format!("{chosen} of {}", report::members(all)),
        }
    }

    /// The phases of these names, each once.
    fn request(&self, phases: &[String]) -> Result<Request, Error> {
        let mut found = Vec::new();
        for name in phases {
            let id = self.project.named(name).ok_or_else(|| self.no_phase(name))?;
            if !found.contains(&id) {
                found.push(id);
            }
        }
        Ok(Request { phases: found, selected: self.selected.clone() })
    }

    fn no_phase(&self, name: &str) -> Error {
        let names = self.project.phases.iter().map(|phase| &*phase.name);
        let near = crate::nearest::nearest(name, names).map(|near| format!("; did you mean `{near}`?"));
        let all = "; `cargo lifecycle --list` shows the phases".to_owned();
        Error::Usage(format!("there is no phase `{name}`{}", near.unwrap_or(all)))
    }
}
