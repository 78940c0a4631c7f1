//! Hooks, needs and the order of phases, as the order of what really ran shows them.

use crate::call::Ended;
use crate::scene::Scene;

/// Phases of one's own that write their names to `$SIDE/ran`; those in capitals are for the workspace as a whole.
fn scene(members: &[&str], phases: &str, rest: &str) -> Scene {
    let mut make = String::new();
    for phase in phases.split(' ') {
        let whole = phase.starts_with(|char: char| char.is_uppercase());
        let (scope, name) = if whole { ("workspace", "") } else { ("member", " {name}") };
        make += &format!("[lifecycle.{phase}]\nscope = \"{scope}\"\ncommand = \"echo '{phase}{name}' >> $SIDE/ran\"\n");
    }
    Scene::of(members).make(&(make + rest))
}

/// The same phases with a needs for one of them.
fn needing(make: &str, phase: &str, needs: &str) -> String {
    make.replace(&format!("[lifecycle.{phase}]\n"), &format!("[lifecycle.{phase}]\nneeds = {needs}\n"))
}

/// What ran, in order.
#[track_caller]
fn order(scene: &Scene, words: &str) -> Vec<String> {
    scene.call(words).succeeds();
    scene.take("ran").lines().map(str::to_owned).collect()
}

/// Fails unless the one line comes before the other.
#[track_caller]
fn before(order: &[String], first: &str, second: &str) {
    let place = |line: &str| order.iter().position(|other| other == line);
    assert!(place(first).is_some() && place(first) < place(second), "{first} before {second}: {order:?}");
}

#[test]
fn the_builtin_phases_with_hooks_on_three_members_are_groups() {
    let hooks = "[hooks]\nbefore_build = [\"lint\"]\nafter_build = [\"doc\"]\nbefore_all = [\"fmt\"]\n";
    let scene = Scene::of(&["a b", "b c", "c"]).make(hooks);
    scene.call("build test -n").shows(
        r"
[stdout]
fmt (3 members): stale: first run
    cargo fmt --check -p a -p b -p c
lint (3 members): stale: first run
    cargo clippy --workspace --all-targets
build (3 members): stale: first run
    cargo build --workspace
doc (3 members): stale: depends on build
    cargo doc --workspace --no-deps
test (3 members): stale: first run
    cargo test --workspace
[exit 0]
",
    );
    scene.call("build test").shows(
        r"
   Lifecycle of shop: all 3 members
         Ran fmt (3 members) in [time] (first run)
         Ran lint (3 members) in [time] (first run)
         Ran build (3 members) in [time] (first run)
         Ran doc (3 members) in [time] (depends on build)
         Ran test (3 members) in [time] (first run): no tests in 6 executables
    Finished 5 steps in [time]: 5 run
[exit 0]
",
    );
    scene.call("build test").shows(
        r"
   Lifecycle of shop: all 3 members
       Fresh fmt (3 members)
       Fresh lint (3 members)
       Fresh build (3 members)
       Fresh doc (3 members)
       Fresh test (3 members): no tests in 6 executables
    Finished 5 steps in [time]: 5 cached; saved [time]
[exit 0]
",
    );
}

#[test]
fn what_is_both_named_and_a_hook_runs_once() {
    let scene = scene(&["a"], "build lint", "[hooks]\nbefore_build = [\"lint\"]\n");
    assert_eq!(order(&scene, "build lint"), ["lint a", "build a"]);
    assert_eq!(order(&scene, "build lint build"), ["lint a", "build a"]);
    let said = scene.call("build lint -v").succeeds();
    assert_eq!(
        said.err().lines().find(|line| line.starts_with("note:")),
        Some("note: `lint` does not wait for `build`, which waits for it")
    );
}

#[test]
fn hooks_have_hooks_of_their_own() {
    let hooks = "[hooks]\nbefore_build = [\"lint\"]\nbefore_lint = [\"gen\"]\nafter_lint = [\"report\"]\n";
    let scene = scene(&["a"], "build lint gen report", hooks);
    let ran = order(&scene, "build");
    assert_eq!(ran.len(), 4);
    before(&ran, "gen a", "lint a");
    before(&ran, "lint a", "build a");
    before(&ran, "lint a", "report a");
}

#[test]
fn before_all_may_name_a_phase_that_has_hooks() {
    let hooks = "[hooks]\nbefore_all = [\"fmt\"]\nbefore_fmt = [\"gen\"]\nafter_all = [\"report\"]\n";
    let scene = scene(&["a"], "build fmt gen report", hooks);
    assert_eq!(order(&scene, "build"), ["gen a", "fmt a", "build a", "report a"]);
}

#[test]
fn before_all_is_once_for_each_member_and_before_its_own_steps() {
    let scene = scene(&["a b", "b"], "build fmt", "[hooks]\nbefore_all = [\"fmt\"]\n");
    let ran = order(&scene, "build");
    assert_eq!(ran.len(), 4);
    before(&ran, "fmt a", "build a");
    before(&ran, "fmt b", "build b");
}

#[test]
fn before_all_for_the_workspace_is_before_everything_and_after_all_after_it() {
    let scene = scene(&["a", "b"], "build UP DOWN", "[hooks]\nbefore_all = [\"UP\"]\nafter_all = [\"DOWN\"]\n");
    let ran = order(&scene, "build");
    assert_eq!((&*ran[0], &*ran[3]), ("UP", "DOWN"));
    assert_eq!(ran.len(), 4);
}

#[test]
fn after_all_does_not_run_after_a_failure() {
    let scene = scene(&["a"], "DOWN", "[lifecycle.build]\ncommand = \"false\"\n[hooks]\nafter_all = [\"DOWN\"]\n");
    scene.call("build").shows(
        r"
   Lifecycle of shop: member a
      Failed build a in [time]: exit status 1
     Skipped DOWN: build a failed
    Finished 2 steps in [time]: 1 failed, 1 skipped
[exit 1]
",
    );
    assert_eq!(scene.take("ran"), "");
}

#[test]
fn codegen_comes_before_a_grouped_check() {
    let make = "[lifecycle.codegen]\nworkspaces = [\"b\"]\ninputs = [\"schema.txt\"]\n\
        command = \"echo 'pub const MADE: u32 = 1;' > src/made.rs\"\n[hooks]\nbefore_check = [\"codegen\"]\n";
    let scene = Scene::of(&["a b", "b"]).make(make);
    scene.write("b/schema.txt", "one");
    scene.append("b/src/lib.rs", "pub mod made;\n");
    scene.call("check").shows(
        r"
   Lifecycle of shop: all 2 members
         Ran codegen b in [time] (first run)
         Ran check (2 members) in [time] (depends on codegen b)
    Finished 2 steps in [time]: 2 run
[exit 0]
",
    );
    let again = scene.call("check").succeeds();
    assert!(again.was_fresh(), "{}", again.text());
    scene.write("b/schema.txt", "two");
    scene.call("check").shows(
        r"
   Lifecycle of shop: all 2 members
         Ran codegen b in [time] (schema.txt changed)
         Ran check (2 members) in [time] (depends on codegen b)
    Finished 2 steps in [time]: 2 run
[exit 0]
",
    );
}

#[test]
fn what_the_members_below_need_comes_along() {
    let make = "[lifecycle.gen]\nneeds = [\"^gen\"]\ncommand = \"echo 'gen {name}' >> $SIDE/ran\"\n\
        [lifecycle.lint]\ncommand = \"echo 'lint {name}' >> $SIDE/ran\"\n\
        [lifecycle.first]\ncommand = \"echo 'first {name} {args}' >> $SIDE/ran\"\n\
        [hooks]\nbefore_gen = [\"lint\"]\nbefore_all = [\"first\"]\n";
    let scene = Scene::of(&["a b", "b", "c"]).make(make);
    let ran = order(&scene, "gen -p a");
    assert_eq!(ran.len(), 5, "{ran:?}");
    before(&ran, "gen b", "gen a");
    before(&ran, "lint b", "gen b");
    before(&ran, "lint a", "gen a");
    before(&ran, "first a ", "lint a");
}

#[test]
fn a_group_takes_in_the_member_that_one_needs() {
    let scene = Scene::of(&["a b", "b", "c"]).make("[lifecycle.check]\nneeds = [\"^check\"]\n");
    scene.call("check -n -p a").shows(
        r"
[stdout]
check (2 members): stale: first run
    cargo check -p 'path+file://[root]/a#0.1.0' -p 'path+file://[root]/b#0.1.0'
[exit 0]
",
    );
}

#[test]
fn needs_look_through_members_without_the_phase_and_not_through_dev_dependencies() {
    let make = "[lifecycle.gen]\nneeds = [\"^gen\"]\nworkspaces = [\"top\", \"leaf\"]\n\
        command = \"echo 'gen {name}' >> $SIDE/ran\"\n";
    let scene = Scene::of(&["top middle", "middle leaf", "leaf"]).make(make);
    scene.append("leaf/Cargo.toml", "[dev-dependencies]\ntop = { path = \"../top\" }\n");
    assert_eq!(order(&scene, "gen"), ["gen leaf", "gen top"]);
    assert_eq!(order(&scene, "gen -p top"), ["gen leaf", "gen top"]);
    assert_eq!(order(&scene, "gen -p leaf"), ["gen leaf"]);
}

#[test]
fn a_step_for_the_workspace_joins_what_is_before_and_after_it() {
    let scene = scene(&["a", "b"], "one MIDDLE two", "");
    let ran = order(&scene, "one MIDDLE two");
    assert_eq!(ran.len(), 5);
    assert_eq!(ran[2], "MIDDLE");
    assert!(ran[..2].iter().all(|line| line.starts_with("one")));
}

#[test]
fn arguments_are_for_the_last_phase_and_the_selected_members_only() {
    let phase = |name: &str| format!("[lifecycle.{name}]\ncommand = \"echo {name} {{name}} {{args}} >> $SIDE/ran\"\n");
    let make = [phase("one"), phase("two"), phase("three")].concat() + "[hooks]\nbefore_two = [\"three\"]\n";
    let scene = Scene::of(&["a"]).make(&make);
    assert_eq!(order(&scene, "one two -- --word x"), ["one a", "three a", "two a --word x"]);
    let quoted = scene.call("one --").arg("two words; $HOME").succeeds();
    assert_eq!(quoted.code, Some(0));
    assert_eq!(scene.take("ran"), "one a two words; $HOME\n");
}

#[test]
fn a_cycle_is_shown_with_the_lines_that_make_it() {
    let scene = scene(&["a"], "one two", "[hooks]\nbefore_one = [\"two\"]\nbefore_two = [\"one\"]\n");
    scene.call("one").shows(
        r#"
error: the plan has a cycle: one of a -> two of a -> one of a
 --> make.toml:9:15
  |
9 | before_two = ["one"]
  |               ^^^^^ so `two of a` waits for `one of a`
  |
 ::: make.toml:8:15
  |
8 | before_one = ["two"]
  |               ----- so `one of a` waits for `two of a`
[exit 3]
"#,
    );
    scene.call("one -n").shows(
        r#"
error: the plan has a cycle: one of a -> two of a -> one of a
 --> make.toml:9:15
  |
9 | before_two = ["one"]
  |               ^^^^^ so `two of a` waits for `one of a`
  |
 ::: make.toml:8:15
  |
8 | before_one = ["two"]
  |               ----- so `one of a` waits for `two of a`
[exit 3]
"#,
    );
    assert_eq!(scene.take("ran"), "", "nothing runs");
}

#[test]
fn a_cycle_of_needs_and_hooks() {
    let scene = scene(&["a"], "one two three", "[hooks]\nbefore_one = [\"two\"]\nbefore_two = [\"three\"]\n");
    let make = std::fs::read_to_string(scene.at("make.toml")).unwrap();
    scene.write("make.toml", &needing(&make, "three", "[\"one\"]"));
    scene.call("one").shows(
        r#"
error: the plan has a cycle: one of a -> three of a -> two of a -> one of a
  --> make.toml:8:10
   |
 8 | needs = ["one"]
   |          ^^^^^ so `three of a` waits for `one of a`
   |
  ::: make.toml:13:15
   |
13 | before_two = ["three"]
   |               ------- so `two of a` waits for `three of a`
   |
  ::: make.toml:12:15
   |
12 | before_one = ["two"]
   |               ----- so `one of a` waits for `two of a`
[exit 3]
"#,
    );
}

#[test]
fn a_cycle_that_only_groups_make_says_so() {
    let make = "[lifecycle.codegen]\ncommand = \"true\"\nneeds = [\"^check\"]\n[hooks]\nbefore_check = [\"codegen\"]\n";
    let scene = Scene::of(&["a b", "b"]).make(make);
    scene.call("check").shows(r#"
error: the plan has a cycle: check -> codegen of a -> check
 --> make.toml:3:10
  |
3 | needs = ["^check"]
  |          ^^^^^^^^ so `codegen of a` waits for `check`
  |
 ::: make.toml:5:17
  |
5 | before_check = ["codegen"]
  |                 --------- so `check` waits for `codegen of a`
  |
  = help: it exists only because the members of `check` share one call; order them with needs such as `needs = ["^codegen"]`, or give `check` a command for each member, with {spec}
[exit 3]
"#);
}

#[test]
fn a_hook_that_names_itself_or_no_phase() {
    let scene =
        scene(&["a"], "one two", "[hooks]\nbefore_one = [\"one\"]\nafter_two = [\"oen\"]\nbefore_tow = [\"one\"]\n");
    scene.call("one").shows(
        r#"
error: `one` cannot be a hook of itself
 --> make.toml:8:15
  |
8 | before_one = ["one"]
  |               ^^^^^

error: there is no phase `oen`
 --> make.toml:9:14
  |
9 | after_two = ["oen"]
  |              ^^^^^
  |
  = help: did you mean `one`?

error: `before_tow` names no phase: there is no `tow`
  --> make.toml:10:1
   |
10 | before_tow = ["one"]
   | ^^^^^^^^^^
   |
   = help: did you mean `before_two`?
[exit 3]
"#,
    );
}

#[test]
fn members_that_differ_form_groups_of_their_own() {
    let make = "[workspace.b]\nenv = { RUSTFLAGS = \"--cfg special\" }\n";
    let scene = Scene::of(&["a", "b", "c"]).make(make);
    scene.call("check -n").shows(
        r"
[stdout]
check (2 members): stale: first run
    cargo check -p 'path+file://[root]/a#0.1.0' -p 'path+file://[root]/c#0.1.0'
check b: stale: first run
    cargo check -p 'path+file://[root]/b#0.1.0'
[exit 0]
",
    );
    let ran: Ended = scene.call("check").succeeds();
    let mut ran = ran.ran();
    ran.sort();
    assert_eq!(ran, ["check (2 members) (first run)", "check b (first run)"]);
}

#[test]
fn what_comes_after_a_phase_runs_again_when_that_has_made_something_else() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.make]\ninputs = [\"//conf.txt\"]\noutputs = [\"made\"]\ncommand = \"cp ../conf.txt made\"\n\
        [lifecycle.pack]\ninputs = [\"Cargo.toml\"]\noutputs = [\"packed\"]\ncommand = \"cp made packed\"\n\
        [lifecycle.sign]\ninputs = [\"Cargo.toml\"]\nscope = \"workspace\"\noutputs = [\"signed\"]\ncommand = \"cp a/packed signed\"\n\
        [hooks]\nafter_make = [\"pack\"]\nafter_all = [\"sign\"]\n",
    );
    scene.write(".gitignore", "made\npacked\nsigned\n");
    for conf in ["1", "2"] {
        scene.write("conf.txt", conf);
        scene.call("make").succeeds();
        assert_eq!(std::fs::read_to_string(scene.at("signed")).unwrap(), conf);
        assert!(scene.call("make").succeeds().was_fresh());
    }
}
