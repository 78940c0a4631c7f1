//! How long planning takes, and how many allocations, and how long it takes to decide what runs when: 10,000 members and
//! five phases, from plain data, without files or processes.

#[path = "support/counting.rs"]
mod counting;

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use cargo_lifecycle::model::{
    Definition, Dependency, DependencyKind, Form, Hooks, Member, MemberId, Need, Package, Phase, PhaseId, Piece,
    Placeholder, Project, Scope, Span, Template, Workspace,
};
use cargo_lifecycle::plan::{Request, plan};
use criterion::{Criterion, Throughput};

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

const MEMBERS: usize = 10_000;
const PHASES: [&str; 5] = ["codegen", "build", "test", "lint", "doc"];

/// Each member depends on three of the thousand before it.
fn workspace() -> Workspace {
    Workspace { root: "/workspace".into(), members: (0..MEMBERS).map(member).collect(), ..Workspace::default() }
}

fn member(number: usize) -> Member {
    let name: Arc<str> = format!("member-{number:05}").into();
    let dir = PathBuf::from(format!("/workspace/members/{name}"));
    let mut dependencies: Vec<Dependency> = [1, 37, 911]
        .into_iter()
        .filter_map(|distance| number.checked_sub(distance))
        .map(|member| Dependency { member: MemberId::new(member), kind: DependencyKind::Normal })
        .collect();
    dependencies.sort_unstable();
    let package = Package {
        spec: format!("path+file://{}#0.1.0", dir.display()).into(),
        version: "0.1.0".into(),
        manifest: dir.join("Cargo.toml"),
        outside_sources: Vec::new(),
        path_packages: Vec::new(),
        locked: Vec::new(),
        root_manifest_parts: Arc::from([]),
    };
    Member { relative_dir: format!("members/{name}").into(), name, dir, package: Some(package), dependencies }
}

/// How the phases are tied together.
#[derive(Clone, Copy)]
enum Ties {
    /// Every phase is a step of its own for every member and waits for the same phase of what the member depends on.
    Needs,
    /// The same, with hooks before and after instead of the order of the command line.
    Hooks,
    /// Every phase is one step for all members.
    Groups,
}

fn project(ties: Ties) -> Project {
    let phases = PHASES.iter().enumerate().map(|(number, name)| phase(number, name, ties)).collect();
    let mut hooks = Hooks::default();
    if let Ties::Hooks = ties {
        let [codegen, build, test, lint, doc] = [0, 1, 2, 3, 4].map(PhaseId::new);
        hooks.before_all = vec![(lint, Span::default())];
        hooks.before.insert(build, vec![(codegen, Span::default())]);
        hooks.after.insert(build, vec![(doc, Span::default())]);
        hooks.after_all = vec![(test, Span::default())];
    }
    Project { phases, hooks, ..Project::default() }
}

fn phase(number: usize, name: &str, ties: Ties) -> Phase {
    let needs = match ties {
        Ties::Needs | Ties::Hooks => vec![Need { phase: PhaseId::new(number), upstream: true, span: Span::default() }],
        Ties::Groups => Vec::new(),
    };
    let place = if let Ties::Groups = ties { Placeholder::Selected } else { Placeholder::Name };
    let definition = Definition {
        commands: vec![
            Form::Words(vec![
                Template { source: name.into(), pieces: vec![Piece::Text(name.into())] },
                Template { source: "{…}".into(), pieces: vec![Piece::Hole(place)] },
            ])
            .into(),
        ],
        needs,
        cache: true,
        dependencies: true,
        ..Definition::default()
    };
    Phase {
        name: name.into(),
        description: "".into(),
        scope: Scope::Member,
        workspaces: Vec::new(),
        definition: Some(Arc::new(definition)),
        overrides: Default::default(),
    }
}

fn planning(criterion: &mut Criterion) {
    let workspace = workspace();
    let mut group = criterion.benchmark_group("planning 10,000 members x 5 phases");
    group.throughput(Throughput::Elements((MEMBERS * PHASES.len()) as u64)).sample_size(20);
    for (name, ties) in [("needs", Ties::Needs), ("hooks", Ties::Hooks), ("groups", Ties::Groups)] {
        let project = project(ties);
        let phases = if let Ties::Hooks = ties { vec![1] } else { vec![0, 1, 2, 3, 4] };
        let phases = phases.into_iter().map(PhaseId::new).collect();
        let request = Request { phases, selected: workspace.ids().collect() };
        let act = || {
            let planned = plan(black_box(&workspace), black_box(&project), black_box(&request));
            assert!(planned.is_ok_and(|plan| plan.steps.len() >= PHASES.len()));
        };
        let mut measured = false;
        group.bench_function(name, |bencher| {
            measured = true;
            bencher.iter(act);
        });
        if measured {
            let ((), counted) = counting::count(act);
            let peak = counted.peak as f64 / f64::from(1 << 20);
            println!("row: planning, {name}: {} allocations, {peak:.1} MiB at the peak", counted.allocations);
        }
    }
    group.finish();
}

/// Every decision of a run in which each step succeeds as soon as it may start.
fn scheduling(criterion: &mut Criterion) {
    let workspace = workspace();
    let phases = (0..PHASES.len()).map(PhaseId::new).collect();
    let request = Request { phases, selected: workspace.ids().collect() };
    let plan = plan(&workspace, &project(Ties::Needs), &request).unwrap_or_default();
    let mut group = criterion.benchmark_group("scheduling 10,000 members x 5 phases");
    group.throughput(Throughput::Elements(plan.steps.len() as u64)).sample_size(20);
    for jobs in [2, 16] {
        group.bench_function(format!("{jobs} jobs"), |bencher| {
            bencher
                .iter(|| assert_eq!(cargo_lifecycle::bench::schedule(black_box(&plan), jobs), MEMBERS * PHASES.len()));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    planning(&mut criterion);
    scheduling(&mut criterion);
    criterion.final_summary();
}
