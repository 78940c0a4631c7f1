//! The planner against the cases of the specification, and against a brute-force oracle on small workspaces.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::config::{Source, understand};
use crate::model::{Closing, Dependency, DependencyKind, Member, Package, Subject};

/// A workspace of Cargo members, each with what it depends on.
fn workspace(members: &[(&str, &[&str])]) -> Workspace {
    let place = |name: &str| members.iter().position(|(member, _)| *member == name).unwrap();
    let member = |(name, dependencies): &(&str, &[&str])| Member {
        name: (*name).into(),
        dir: PathBuf::from("/ws").join(name),
        relative_dir: (*name).into(),
        package: Some(Package {
            spec: format!("path+file:///ws/{name}#0.1.0").into(),
            version: "0.1.0".into(),
            manifest: PathBuf::new(),
            outside_sources: Vec::new(),
            path_packages: Vec::new(),
            locked: Vec::new(),
            root_manifest_parts: Arc::from([]),
        }),
        dependencies: dependencies
            .iter()
            .map(|name| match name.strip_prefix('~') {
                Some(dev) => Dependency { member: MemberId::new(place(dev)), kind: DependencyKind::Dev },
                None => Dependency { member: MemberId::new(place(name)), kind: DependencyKind::Normal },
            })
            .collect(),
    };
    Workspace { root: "/ws".into(), members: members.iter().map(member).collect(), ..Workspace::default() }
}

fn project(workspace: &Workspace, text: &str) -> Project {
    let names: Vec<&str> = workspace.members.iter().map(|member| &*member.name).collect();
    let source = Source { path: "make.toml".into(), text: text.into() };
    understand(Some(&source), Path::new("/ws"), &names).unwrap_or_else(|problems| panic!("{problems}"))
}

fn request(workspace: &Workspace, project: &Project, phases: &str, selected: &[&str]) -> Request {
    let phases = phases.split(' ').map(|name| project.named(name).unwrap()).collect();
    let mut selected: Vec<MemberId> = selected.iter().map(|name| workspace.named(name).unwrap()).collect();
    if selected.is_empty() {
        selected = workspace.ids().collect();
    }
    Request { phases, selected }
}

/// Plans, and writes each step as `name <- what it waits for directly`; wishes stand in brackets.
fn lines(workspace: &Workspace, text: &str, phases: &str, selected: &[&str]) -> Vec<String> {
    let project = project(workspace, text);
    let plan = plan(workspace, &project, &request(workspace, &project, phases, selected)).unwrap();
    let names = names(&plan, workspace, &project);
    let title = |node: Node| match plan.steps.get(node.index()) {
        None => "everything".to_owned(),
        Some(step) => match &step.subject {
            Subject::Group(members) => format!("{}×{}", names[node.index()].name, members.len()),
            _ => names[node.index()].name.to_string(),
        },
    };
    let nodes = (0..plan.nodes() as u32).map(Node);
    let line = |node: Node| {
        let waits = plan.edges.iter().filter(|edge| edge.to == node);
        let waits =
            waits.map(|edge| if edge.kind.is_hard() { title(edge.from) } else { format!("[{}]", title(edge.from)) });
        let waits: Vec<String> = waits.collect();
        format!("{} <- {}", title(node), waits.join(" ")).trim_end_matches(" <- ").to_owned()
    };
    nodes.map(line).collect()
}

fn cycle(workspace: &Workspace, text: &str, phases: &str) -> Cycle {
    let project = project(workspace, text);
    *plan(workspace, &project, &request(workspace, &project, phases, &[])).unwrap_err()
}

fn path(cycle: &Cycle) -> String {
    let names: Vec<&str> = cycle.edges.iter().map(|edge| &*edge.from).collect();
    names.join(" -> ")
}

const THREE: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &["c"]), ("c", &[])];

#[test]
fn build_and_test_with_hooks_on_three_members_are_groups() {
    let text = "[hooks]\nbefore_build = [\"lint\"]\nafter_build = [\"doc\"]\nbefore_all = [\"fmt\"]";
    assert_eq!(
        lines(&workspace(THREE), text, "build test", &[]),
        [
            "fmt×3",
            "lint×3 <- fmt×3",
            "build×3 <- fmt×3 lint×3",
            "doc×3 <- fmt×3 build×3",
            "test×3 <- fmt×3 [build×3] [doc×3]",
        ]
    );
}

#[test]
fn codegen_for_each_member_before_a_grouped_build() {
    let text = "[lifecycle.codegen]\ncommand = \"gen {name}\"\n[hooks]\nbefore_build = [\"codegen\"]";
    assert_eq!(
        lines(&workspace(THREE), text, "build", &[]),
        ["codegen a", "codegen b", "codegen c", "build×3 <- codegen a codegen b codegen c"]
    );
}

#[test]
fn what_a_member_needs_of_another_joins_its_group() {
    let text = "[lifecycle.build]\nneeds = [\"^build\", \"codegen\"]\n[lifecycle.codegen]\ncommand = \"gen\"\n\
                [hooks]\nbefore_all = [\"fmt\"]\nafter_all = [\"tell\"]\n[lifecycle.tell]\ncommand = \"tell {name}\"";
    assert_eq!(
        lines(&workspace(&[("a", &["b"]), ("b", &[])]), text, "build", &["a"]),
        [
            "fmt×1",
            "codegen a <- fmt×1",
            "codegen b <- fmt×1",
            "build×2 <- fmt×1 codegen a codegen b",
            "tell a <- everything",
            "everything <- fmt×1 codegen a codegen b build×2",
        ]
    );
}

#[test]
fn a_hook_that_is_named_too_runs_once_and_hooks_win_over_order() {
    let workspace = workspace(&[("a", &[])]);
    let text = "[hooks]\nbefore_build = [\"lint\"]";
    assert_eq!(lines(&workspace, text, "build lint", &[]), ["lint×1", "build×1 <- lint×1"]);
    let project = project(&workspace, text);
    let plan = plan(&workspace, &project, &request(&workspace, &project, "build lint", &[])).unwrap();
    assert_eq!(plan.dropped, [(project.named("build").unwrap(), project.named("lint").unwrap())]);
}

#[test]
fn members_do_not_wait_for_one_another_unless_something_joins_them() {
    let text = "[lifecycle.one]\ncommand = \"1\"\n[lifecycle.two]\ncommand = \"2\"\n\
                [lifecycle.join]\ncommand = \"j\"\nscope = \"workspace\"";
    let workspace = workspace(&[("a", &[]), ("b", &[])]);
    assert_eq!(lines(&workspace, text, "one two", &[]), ["one a", "one b", "two a <- [one a]", "two b <- [one b]"]);
    assert_eq!(
        lines(&workspace, text, "one join two", &[]),
        ["one a", "one b", "join <- [one a] [one b]", "two a <- [one a] [join]", "two b <- [one b] [join]"]
    );
}

#[test]
fn upstream_looks_through_members_that_lack_the_phase_and_not_at_tests() {
    let text = "[lifecycle.gen]\ncommand = \"g\"\nworkspaces = [\"a\", \"c\", \"d\"]\nneeds = [\"^gen\"]";
    let workspace = workspace(&[("a", &["b", "~d"]), ("b", &["c"]), ("c", &[]), ("d", &["~a"])]);
    assert_eq!(lines(&workspace, text, "gen", &[]), ["gen c", "gen a <- gen c", "gen d"]);
    assert_eq!(lines(&workspace, text, "gen", &["a"]), ["gen c", "gen a <- gen c"]);
}

#[test]
fn a_member_with_another_environment_forms_its_own_group() {
    let text = "[workspace.b]\nenv = { PORT = \"1\" }";
    assert_eq!(lines(&workspace(THREE), text, "build", &[]), ["build×2", "build b×1"]);
}

#[test]
fn cleaning_comes_before_what_the_next_phase_brings_along() {
    let text = "[lifecycle.gen]\ncommand = \"g\"\n[hooks]\nbefore_build = [\"gen\"]";
    let workspace = workspace(&[("a", &[])]);
    assert_eq!(
        lines(&workspace, text, "clean build", &[]),
        ["clean×1", "gen a <- [clean×1]", "build×1 <- [clean×1] gen a"]
    );
}

#[test]
fn what_follows_a_before_hook_comes_before_the_phase_if_it_can() {
    let text = "[lifecycle.gen]\ncommand = \"g\"\n[lifecycle.tidy]\ncommand = \"t\"\n\
                [hooks]\nbefore_build = [\"gen\"]\nafter_gen = [\"tidy\"]";
    let workspace = workspace(&[("a", &[])]);
    assert_eq!(lines(&workspace, text, "build", &[]), ["gen a", "tidy a <- gen a", "build×1 <- gen a [tidy a]"]);
}

#[test]
fn before_all_exempts_what_it_needs_itself() {
    let text = "[lifecycle.gen]\ncommand = \"g\"\n[hooks]\nbefore_all = [\"fmt\"]\nbefore_fmt = [\"gen\"]";
    let workspace = workspace(&[("a", &[])]);
    assert_eq!(lines(&workspace, text, "gen build", &[]), ["gen a", "fmt×1 <- gen a", "build×1 <- [gen a] fmt×1"]);
}

#[test]
fn hooks_that_call_each_other_are_a_cycle_with_its_edges_in_order() {
    let text = "[hooks]\nbefore_build = [\"lint\"]\nbefore_lint = [\"fmt\"]\nafter_build = [\"fmt\"]";
    let cycle = cycle(&workspace(&[("a", &[])]), text, "build");
    assert_eq!(path(&cycle), "build -> fmt -> lint");
    assert!(matches!(cycle.edges[0].kind, EdgeKind::After(_)));
    assert!(matches!(cycle.edges[1].kind, EdgeKind::Before(_)));
    assert_eq!(cycle.only_by_groups, Vec::<String>::new());
}

#[test]
fn a_cycle_that_only_grouping_makes_says_so() {
    let text = "[lifecycle.gen]\ncommand = \"g\"\nneeds = [\"^build\"]\n[hooks]\nbefore_build = [\"gen\"]";
    let cycle = cycle(&workspace(&[("a", &["b"]), ("b", &[])]), text, "build");
    assert_eq!(cycle.only_by_groups, ["build"]);
    assert_eq!(path(&cycle), "build -> gen of a");
}

#[test]
fn a_phase_cannot_be_before_and_after_everything() {
    let text = "[lifecycle.x]\ncommand = \"x\"\n[lifecycle.y]\ncommand = \"y\"\n\
                [hooks]\nbefore_all = [\"x\"]\nbefore_x = [\"y\"]\nafter_all = [\"y\"]";
    let cycle = cycle(&workspace(&[("a", &[])]), text, "build");
    assert_eq!(path(&cycle), "build -> y of a -> x of a");
}

#[test]
fn selected_members_are_told_to_cargo_by_ids_and_to_fmt_by_names() {
    let workspace = workspace(THREE);
    let project = project(&workspace, "");
    let command = |phase: &str, selected: &[&str]| {
        let plan = plan(&workspace, &project, &request(&workspace, &project, phase, selected)).unwrap();
        let flags = CargoFlags { release: true, offline: true, ..CargoFlags::default() };
        let args = ["x y".to_owned()];
        let expansion = Expansion { workspace: &workspace, project: &project, args: &args, flags: &flags };
        let [Argv::Words(words, _)] = &expansion.expand(&plan.steps[0]).commands[..] else {
            panic!("one call of cargo")
        };
        words.join(" ")
    };
    assert_eq!(command("build", &[]), "cargo build --workspace --release --offline x y");
    assert_eq!(
        command("build", &["a", "c"]),
        "cargo build -p path+file:///ws/a#0.1.0 -p path+file:///ws/c#0.1.0 --release --offline x y"
    );
    assert_eq!(command("fmt", &["b"]), "cargo fmt --check -p b x y");
    assert_eq!(command("clean", &[]), "cargo clean --release --offline x y");
    assert_eq!(command("bench", &[]), "cargo bench --workspace --offline x y");
}

#[test]
fn shell_lines_are_quoted_and_arguments_go_where_they_are_placed() {
    let workspace = workspace(&[("a b", &[])]);
    let text = "[lifecycle.x]\ncommands = [\"echo {name} {args} | cat\", [\"run\", \"{args}\", \"--for={name}\"]]\n\
                [lifecycle.y]\ncommands = [\"one\", \"two\"]";
    let project = project(&workspace, text);
    let (flags, args) = (CargoFlags::default(), ["it's".to_owned(), "2".to_owned()]);
    let expansion = Expansion { workspace: &workspace, project: &project, args: &args, flags: &flags };
    let commands = |phase: &str| {
        let plan = plan(&workspace, &project, &request(&workspace, &project, phase, &[])).unwrap();
        expansion.expand(&plan.steps[0]).commands
    };
    let words = ["run", "it's", "2", "--for=a b"].map(str::to_owned).to_vec();
    assert_eq!(commands("x"), [Argv::Shell("echo 'a b' \"it's\" 2 | cat".into()), Argv::Words(words, None)]);
    assert_eq!(commands("y"), [Argv::Shell("one".into()), Argv::Shell("two \"it's\" 2".into())]);
}

#[test]
fn closing_steps_stand_last_and_are_joined_to_none() {
    let workspace = workspace(&[("a", &["b"]), ("b", &[])]);
    let text = "[lifecycle.up]\ncommand = \"up\"\n[lifecycle.down]\nneeds = [\"up\", \"lint\"]\nhooked = 1\n\
        command = \"down\"\noutputs = [\"x\"]\n[hooks]\nafter_all = [\"doc\"]\nbefore_down = [\"check\"]\n\
        finally = [\"down\", \"up\"]\non_error = [\"lint\"]\n"
        .replace("hooked = 1\n", "");
    let project = project(&workspace, &text);
    let plan = plan(&workspace, &project, &request(&workspace, &project, "build", &[])).unwrap();
    let names = names(&plan, &workspace, &project);
    let names: Vec<&str> = names.iter().map(|step| &*step.name).collect();
    let finally = ["finally: up a", "finally: up b", "finally: down a", "finally: down b"];
    assert_eq!(names, [&["build", "doc"][..], &finally, &["on_error: lint"]].concat());
    assert_eq!((plan.main(), plan.closing(Closing::Finally), plan.closing(Closing::OnSuccess)), (0..2, 2..6, 6..6));
    assert_eq!((plan.closes(1), plan.closes(6)), (None, Some(Closing::OnError)));
    assert!(plan.steps[2..].iter().all(|step| !step.definition.cache && step.definition.outputs.is_none()));
    let mut edges: Vec<_> = plan.edges.iter().map(|edge| (edge.from.0, edge.to.0)).collect();
    edges.sort_unstable();
    assert_eq!((plan.barriers, edges), (1, vec![(0, 7), (2, 4), (3, 5), (7, 1)]));
}

/// A workspace's phases for the oracle: small numbers instead of names.
#[derive(Clone, Debug)]
struct Small {
    /// For each member, those of higher number that it depends on.
    dependencies: Vec<Vec<usize>>,
    phases: Vec<SmallPhase>,
    before_all: Vec<usize>,
    after_all: Vec<usize>,
    named: Vec<usize>,
    selected: Vec<usize>,
}

#[derive(Clone, Debug)]
struct SmallPhase {
    /// 0: a step for each member; 1: a group; 2: the workspace.
    sort: u8,
    needs: Vec<(usize, bool)>,
    before: Vec<usize>,
    after: Vec<usize>,
    /// Which members have it.
    members: Vec<bool>,
}

const PHASES: usize = 4;
const MEMBERS: usize = 3;

fn small() -> impl Strategy<Value = Small> {
    let some = |chance: f64| proptest::collection::vec(proptest::bool::weighted(chance), PHASES);
    let picked = |chosen: Vec<bool>| (0..PHASES).filter(|place| chosen[*place]).collect::<Vec<_>>();
    let phase = (
        0..3_u8,
        some(0.15),
        some(0.15),
        some(0.15),
        some(0.1),
        proptest::collection::vec(proptest::bool::weighted(0.8), MEMBERS),
    );
    let phase = phase.prop_map(move |(sort, needs, upstream, before, after, members)| SmallPhase {
        sort,
        needs: picked(needs)
            .into_iter()
            .map(|phase| (phase, false))
            .chain(picked(upstream).into_iter().map(|phase| (phase, true)))
            .collect(),
        before: picked(before),
        after: picked(after),
        members,
    });
    let dependencies = proptest::collection::vec(proptest::bool::weighted(0.5), MEMBERS * MEMBERS);
    let named = proptest::sample::subsequence((0..PHASES).collect::<Vec<_>>(), 1..=3).prop_shuffle();
    let selected = proptest::sample::subsequence((0..MEMBERS).collect::<Vec<_>>(), 1..=MEMBERS);
    (proptest::collection::vec(phase, PHASES), dependencies, some(0.08), some(0.08), named, selected).prop_map(
        move |(mut phases, dependencies, before_all, after_all, named, selected)| {
            for (number, phase) in phases.iter_mut().enumerate() {
                phase.needs.retain(|(need, upstream)| *upstream && phase.sort < 2 || !*upstream && *need != number);
                phase.before.retain(|hook| *hook != number);
                phase.after.retain(|hook| *hook != number);
                if phase.members.iter().all(|has| !has) {
                    phase.members[0] = true;
                }
            }
            let depends =
                |member: usize| (member + 1..MEMBERS).filter(|on| dependencies[member * MEMBERS + on]).collect();
            Small {
                dependencies: (0..MEMBERS).map(depends).collect(),
                phases,
                before_all: picked(before_all),
                after_all: picked(after_all),
                named,
                selected,
            }
        },
    )
}

impl Small {
    fn toml(&self) -> String {
        let list = |phases: &[usize]| phases.iter().map(|phase| format!("\"p{phase}\"")).collect::<Vec<_>>().join(", ");
        let mut text = String::new();
        for (number, phase) in self.phases.iter().enumerate() {
            let needs =
                phase.needs.iter().map(|(need, upstream)| format!("\"{}p{need}\"", if *upstream { "^" } else { "" }));
            let members = (0..MEMBERS).filter(|member| phase.members[*member]).map(|member| format!("\"m{member}\""));
            text += &format!(
                "[lifecycle.p{number}]\ncommand = \"x{}\"\n",
                if phase.sort == 1 { " {selected}" } else { "" }
            );
            text += &format!("needs = [{}]\n", needs.collect::<Vec<_>>().join(", "));
            text += &if phase.sort == 2 {
                "scope = \"workspace\"\n".into()
            } else {
                format!("workspaces = [{}]\n", members.collect::<Vec<_>>().join(", "))
            };
        }
        text +=
            &format!("[hooks]\nbefore_all = [{}]\nafter_all = [{}]\n", list(&self.before_all), list(&self.after_all));
        for (number, phase) in self.phases.iter().enumerate() {
            text +=
                &format!("before_p{number} = [{}]\nafter_p{number} = [{}]\n", list(&phase.before), list(&phase.after));
        }
        text
    }
}

/// A step of the oracle: a phase, and its member unless it is shared.
type OracleStep = (usize, Option<usize>);

/// The specification, by brute force: sets of (phase, member), every pair of them compared, reachability recomputed for
/// each edge. `None`: a cycle.
fn oracle(small: &Small) -> Option<BTreeMap<OracleStep, BTreeSet<OracleStep>>> {
    const ROOT: usize = MEMBERS;
    let given = |phase: usize, member: usize| -> Vec<(usize, usize)> {
        match (small.phases[phase].sort, member) {
            (2, _) => vec![(phase, ROOT)],
            (_, ROOT) => small
                .selected
                .iter()
                .filter(|member| small.phases[phase].members[**member])
                .map(|member| (phase, *member))
                .collect(),
            _ => Some((phase, member)).filter(|_| small.phases[phase].members[member]).into_iter().collect(),
        }
    };
    fn beyond(small: &Small, phase: usize, member: usize, found: &mut BTreeSet<(usize, usize)>) {
        for on in &small.dependencies[member] {
            if small.phases[phase].members[*on] {
                _ = found.insert((phase, *on));
            } else {
                beyond(small, phase, *on, found);
            }
        }
    }
    let hard = |(phase, member): (usize, usize)| -> Vec<((usize, usize), (usize, usize))> {
        let own = &small.phases[phase];
        let mut edges = Vec::new();
        for (need, upstream) in &own.needs {
            let mut needed: BTreeSet<_> = if *upstream && small.phases[*need].sort < 2 {
                BTreeSet::new()
            } else {
                given(*need, member).into_iter().collect()
            };
            if *upstream && small.phases[*need].sort < 2 {
                beyond(small, *need, member, &mut needed);
            }
            edges.extend(needed.into_iter().map(|needed| (needed, (phase, member))));
        }
        edges.extend(own.before.iter().flat_map(|hook| given(*hook, member)).map(|hook| (hook, (phase, member))));
        edges.extend(own.after.iter().flat_map(|hook| given(*hook, member)).map(|hook| ((phase, member), hook)));
        edges
    };
    let mut items: BTreeSet<(usize, usize)> = small
        .named
        .iter()
        .chain(&small.before_all)
        .chain(&small.after_all)
        .flat_map(|phase| given(*phase, ROOT))
        .collect();
    while let Some(new) =
        items.iter().flat_map(|item| hard(*item)).flat_map(|(from, to)| [from, to]).find(|item| !items.contains(item))
    {
        items.insert(new);
    }
    let step = |(phase, member): (usize, usize)| (phase, Some(member).filter(|_| small.phases[phase].sort == 0));
    let mut waits: BTreeMap<OracleStep, BTreeSet<OracleStep>> =
        items.iter().map(|item| (step(*item), BTreeSet::new())).collect();
    for (from, to) in items.iter().flat_map(|item| hard(*item)) {
        if step(from) != step(to) {
            waits.get_mut(&step(to))?.insert(step(from));
        }
    }
    fn waits_for(
        waits: &BTreeMap<OracleStep, BTreeSet<OracleStep>>,
        one: OracleStep,
        other: OracleStep,
        seen: &mut BTreeSet<OracleStep>,
    ) -> bool {
        one == other || seen.insert(one) && waits[&one].iter().any(|next| waits_for(waits, *next, other, seen))
    }
    let by_needs = waits.clone();
    let follows = |one, other| waits_for(&by_needs, one, other, &mut BTreeSet::new());
    let steps_of = |list: &[usize]| -> BTreeSet<OracleStep> {
        list.iter().flat_map(|phase| given(*phase, ROOT)).map(step).collect()
    };
    let (first, last) = (steps_of(&small.before_all), steps_of(&small.after_all));
    let all: Vec<OracleStep> = waits.keys().copied().collect();
    for &other in &all {
        for &one in first.iter().filter(|_| !last.contains(&other) && !first.iter().any(|first| follows(*first, other)))
        {
            let joint = small.phases[one.0].sort > 0
                || items.iter().any(|item| step(*item) == other && (Some(item.1) == one.1 || item.1 == ROOT));
            if joint {
                waits.get_mut(&other)?.insert(one);
            }
        }
        if !last.iter().any(|last| follows(other, *last)) {
            for one in &last {
                waits.get_mut(one)?.insert(other);
            }
        }
    }
    let cyclic = |waits: &BTreeMap<_, BTreeSet<_>>| {
        all.iter().any(|step| waits[step].iter().any(|next| waits_for(waits, *next, *step, &mut BTreeSet::new())))
    };
    if cyclic(&waits) {
        return None;
    }
    let mut wish = |one: OracleStep, other: OracleStep| {
        if waits.contains_key(&one)
            && waits.contains_key(&other)
            && !waits_for(&waits, one, other, &mut BTreeSet::new())
        {
            waits.entry(other).or_default().insert(one);
        }
    };
    let closure = |phase: usize, next: &dyn Fn(usize) -> Vec<usize>| {
        let mut found = vec![phase];
        let mut at = 0;
        while at < found.len() {
            let more: Vec<usize> = next(found[at]);
            more.into_iter().for_each(|phase| {
                if !found.contains(&phase) {
                    found.push(phase);
                }
            });
            at += 1;
        }
        found
    };
    let followers = |phase: usize| small.phases[phase].after.clone();
    let leaders = |phase: usize| -> Vec<usize> {
        let own = &small.phases[phase];
        own.before.iter().copied().chain(own.needs.iter().filter(|need| !need.1).map(|need| need.0)).collect()
    };
    for &(phase, member) in &items {
        for hook in &small.phases[phase].before {
            for follower in closure(*hook, &followers).into_iter().skip(1) {
                for item in given(follower, member) {
                    if items.contains(&item) && step(item) != step((phase, member)) {
                        wish(step(item), step((phase, member)));
                    }
                }
            }
        }
    }
    for (place, &later) in small.named.iter().enumerate() {
        for &earlier in &small.named[..place] {
            for one in closure(earlier, &followers) {
                for other in closure(later, &leaders) {
                    for from in given(one, ROOT) {
                        for to in given(other, ROOT) {
                            let joins = from.1 == to.1 || from.1 == ROOT || to.1 == ROOT;
                            let there = items.contains(&from) && items.contains(&to);
                            if there && joins && step(from) != step(to) {
                                wish(step(from), step(to));
                            }
                        }
                    }
                }
            }
        }
    }
    Some(waits)
}

/// Everything that each step waits for, directly or not.
fn closed(waits: &BTreeMap<OracleStep, BTreeSet<OracleStep>>) -> BTreeMap<OracleStep, BTreeSet<OracleStep>> {
    fn add(waits: &BTreeMap<OracleStep, BTreeSet<OracleStep>>, step: OracleStep, found: &mut BTreeSet<OracleStep>) {
        for next in &waits[&step] {
            if found.insert(*next) {
                add(waits, *next, found);
            }
        }
    }
    let mut all = BTreeMap::new();
    for step in waits.keys() {
        let mut found = BTreeSet::new();
        add(waits, *step, &mut found);
        all.insert(*step, found);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_plan_is_what_the_oracle_says(small in small()) {
        let names: Vec<String> = (0..MEMBERS).map(|member| format!("m{member}")).collect();
        let dependencies: Vec<Vec<&str>> =
            small.dependencies.iter().map(|on| on.iter().map(|member| &*names[*member]).collect()).collect();
        let members: Vec<(&str, &[&str])> = names.iter().zip(&dependencies).map(|(name, on)| (&**name, &on[..])).collect();
        let workspace = workspace(&members);
        let project = project(&workspace, &small.toml());
        let phases: Vec<String> = small.named.iter().map(|phase| format!("p{phase}")).collect();
        let selected: Vec<&str> = small.selected.iter().map(|member| &*names[*member]).collect();
        let request = request(&workspace, &project, &phases.join(" "), &selected);
        let planned = plan(&workspace, &project, &request);
        let Some(expected) = oracle(&small) else {
            let cycle = planned.expect_err("the oracle finds a cycle");
            let rotated = cycle.edges.iter().cycle().skip(1);
            prop_assert!(!cycle.edges.is_empty());
            prop_assert!(cycle.edges.iter().zip(rotated).all(|(one, next)| one.to == next.from), "{cycle:?}");
            return Ok(());
        };
        let planned = planned.expect("the oracle finds no cycle");
        let first_custom = project.named("p0").unwrap().index();
        let step = |node: Node| planned.steps.get(node.index()).map(|step| {
            let member = match step.subject { Subject::Member(member) => Some(member.index()), _ => None };
            (step.phase.index() - first_custom, member)
        });
        let mut waits: BTreeMap<OracleStep, BTreeSet<OracleStep>> = BTreeMap::new();
        for node in 0..planned.steps.len() as u32 {
            waits.insert(step(Node(node)).unwrap(), BTreeSet::new());
        }
        prop_assert_eq!(waits.len(), planned.steps.len(), "each step stands in the plan once");
        for edge in &planned.edges {
            prop_assert!(edge.from.index() < edge.to.index() || planned.barriers > 0, "steps are in an order that works");
            match (step(edge.from), step(edge.to)) {
                (Some(from), Some(to)) => _ = waits.get_mut(&to).unwrap().insert(from),
                (None, Some(to)) => {
                    let through = planned.edges.iter().filter(|into| into.to == edge.from);
                    waits.get_mut(&to).unwrap().extend(through.filter_map(|into| step(into.from)));
                }
                (_, None) => {}
            }
        }
        prop_assert_eq!(closed(&waits), closed(&expected));
    }

    #[test]
    fn planning_twice_gives_the_same(small in small()) {
        let workspace = workspace(&[("m0", &["m1", "m2"]), ("m1", &["m2"]), ("m2", &[])]);
        let project = project(&workspace, &small.toml());
        let phases: Vec<String> = small.named.iter().map(|phase| format!("p{phase}")).collect();
        let request = request(&workspace, &project, &phases.join(" "), &[]);
        let planned = || plan(&workspace, &project, &request).map(|plan| format!("{plan:?}"));
        prop_assert_eq!(planned(), planned());
    }
}
