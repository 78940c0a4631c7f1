//! The planner against the cases of the specification, and against a brute-force oracle on small workspaces.

mod oracle;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
