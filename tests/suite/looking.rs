//! What one looks at instead of running: lists, graphs, help; and how runs are shown.

use crate::scene::Scene;

fn shop() -> Scene {
    Scene::of(&["api", "web api"]).make(
        "[lifecycle.gen]\ndescription = \"Generate code\"\ncommand = \"echo {name}\"\ninputs = [\"src/**\"]\n\
         [lifecycle.up]\nscope = \"workspace\"\ncommands = [\"echo one\", [\"echo\", \"two words\"]]\n\
         [hooks]\nbefore_check = [\"gen\"]\n",
    )
}

#[test]
fn the_list_shows_phases_and_their_command_lines() {
    shop().call("--list").shows(
        r"
[stdout]
check  Check that everything compiles
         cargo check --workspace
build  Compile libraries and binaries
         cargo build --workspace
test   Compile and run the tests
         cargo test --workspace
lint   Look for likely mistakes with clippy
         cargo clippy --workspace --all-targets
fmt    Check that the code is formatted
         cargo fmt --check -p api -p web
doc    Build the documentation
         cargo doc --workspace --no-deps
bench  Run the benchmarks
         cargo bench --workspace
clean  Remove what was built
         cargo clean
gen    Generate code
         echo api
           likewise for 1 more member
up
         echo one
         echo 'two words'
[exit 0]
",
    );
    shop().call("--list --release -p web").shows(
        r"
[stdout]
check  Check that everything compiles
         cargo check -p 'path+file://[root]/web#0.1.0' --release
build  Compile libraries and binaries
         cargo build -p 'path+file://[root]/web#0.1.0' --release
test   Compile and run the tests
         cargo test -p 'path+file://[root]/web#0.1.0' --release
lint   Look for likely mistakes with clippy
         cargo clippy -p 'path+file://[root]/web#0.1.0' --all-targets --release
fmt    Check that the code is formatted
         cargo fmt --check -p web
doc    Build the documentation
         cargo doc -p 'path+file://[root]/web#0.1.0' --no-deps --release
bench  Run the benchmarks
         cargo bench -p 'path+file://[root]/web#0.1.0'
clean  Remove what was built
         cargo clean -p 'path+file://[root]/web#0.1.0' --release
gen    Generate code
         echo web
up
         echo one
         echo 'two words'
[exit 0]
",
    );
}

#[test]
fn the_plan_as_a_graph() {
    let scene = shop();
    scene.call("check up --graph dot").shows(
        r#"
[stdout]
digraph plan {
    rankdir = LR;
    node [shape = box];
    n0 [label = "gen api"];
    n1 [label = "gen web"];
    n2 [label = "check (2 members)"];
    n3 [label = "up"];
    n0 -> n2;
    n1 -> n2;
    n2 -> n3 [style = dashed];
}
[exit 0]
"#,
    );
    scene.call("check up --graph mermaid").shows(
        r#"
[stdout]
graph LR
    n0["gen api"]
    n1["gen web"]
    n2["check (2 members)"]
    n3["up"]
    n0 --> n2
    n1 --> n2
    n2 -.-> n3
[exit 0]
"#,
    );
    let json = scene.call("check up --graph json").succeeds();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["steps"][0]["name"], "gen api");
    assert_eq!(json["edges"][0]["kind"], "before");
}

#[test]
fn a_dry_run_and_an_explanation_run_nothing() {
    let scene = shop();
    scene.call("check up -n").shows(
        r"
[stdout]
gen api: stale: first run
    echo api
gen web: stale: first run
    echo web
check (2 members): stale: depends on gen api
    cargo check --workspace
up: stale: never cached
    echo one
    echo 'two words'
[exit 0]
",
    );
    scene.call("check --explain").shows(
        r"
[stdout]
gen api: stale: first run
gen web: stale: first run
check (2 members): stale, 3 reasons:
    depends on gen api
    depends on gen web
    first run
[exit 0]
",
    );
    assert!(!scene.at("target/debug").exists());
    scene.call("check").succeeds();
    scene.write("api/src/one.rs", "");
    scene.write("web/src/two.rs", "");
    scene.call("check up --explain").shows(
        r"
[stdout]
gen api: stale: src/one.rs is new
gen web: stale, 2 reasons:
    api: src/one.rs is new
    src/two.rs is new
check (2 members): stale, 4 reasons:
    depends on gen api
    depends on gen web
    api: src/one.rs is new
    web: src/two.rs is new
up: stale: never cached
[exit 0]
",
    );
    scene.call("check up -n").shows(
        r"
[stdout]
gen api: stale: src/one.rs is new
    echo api
gen web: stale: api: src/one.rs is new (+1 more)
    echo web
check (2 members): stale: depends on gen api
    cargo check --workspace
up: stale: never cached
    echo one
    echo 'two words'
[exit 0]
",
    );
}

#[test]
fn a_make_toml_to_begin_with() {
    let scene = Scene::of(&["a"]);
    scene.call("--init").from("a").shows(
        r"
[stdout]
Wrote make.toml in [root]
[exit 0]
",
    );
    scene.call("check").succeeds();
    let before = std::fs::read(scene.at("make.toml")).unwrap();
    scene.call("--init").shows(
        r"
error: there is a make.toml already: `[root]/make.toml`
[exit 2]
",
    );
    assert_eq!(std::fs::read(scene.at("make.toml")).unwrap(), before);
}

#[test]
fn quiet_shows_only_failures_and_warnings() {
    let scene = Scene::of(&["a"]).make("[lifecycle.go]\ncommand = \"echo output; [ -e $SIDE/good ]\"\n");
    scene.call("go -q").shows(
        r"
      Failed go a in [time]: exit status 1
output
[exit 1]
",
    );
    std::fs::write(scene.beside("good"), "").unwrap();
    scene.call("go -q").shows(
        r"
[exit 0]
",
    );
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    scene.call("check -q").shows(
        r"
    Checking a v0.1.0 ([root]/a)
warning: function `unused` is never used
 --> a/src/lib.rs:2:4
  |
2 | fn unused() {}
  |    ^^^^^^
  |
  = note: `#[warn(dead_code)]` (part of `#[warn(unused)]`) on by default

warning: `a` (lib) generated 1 warning
    Finished `dev` profile [unoptimized + debuginfo] target(s) in [time]
[exit 0]
",
    );
    scene.call("check -q").shows(
        r"
warning: function `unused` is never used
 --> a/src/lib.rs:2:4
  |
2 | fn unused() {}
  |    ^^^^^^
  |
  = note: `#[warn(dead_code)]` (part of `#[warn(unused)]`) on by default

warning: `a` (lib) generated 1 warning
[exit 0]
",
    );
}

#[test]
fn warnings_are_shown_again_when_the_step_is_fresh() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    scene.call("check").shows(
        r"
   Lifecycle of shop: member a
         Ran check (1 member) in [time] (first run)
    Checking a v0.1.0 ([root]/a)
warning: function `unused` is never used
 --> a/src/lib.rs:2:4
  |
2 | fn unused() {}
  |    ^^^^^^
  |
  = note: `#[warn(dead_code)]` (part of `#[warn(unused)]`) on by default

warning: `a` (lib) generated 1 warning
    Finished `dev` profile [unoptimized + debuginfo] target(s) in [time]
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    scene.call("check").shows(
        r"
   Lifecycle of shop: member a
       Fresh check (1 member)
warning: function `unused` is never used
 --> a/src/lib.rs:2:4
  |
2 | fn unused() {}
  |    ^^^^^^
  |
  = note: `#[warn(dead_code)]` (part of `#[warn(unused)]`) on by default

warning: `a` (lib) generated 1 warning
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
    scene.call("check -v").shows(
        r"
   Lifecycle of shop: member a
       Fresh check (1 member)
    Checking a v0.1.0 ([root]/a)
warning: function `unused` is never used
 --> a/src/lib.rs:2:4
  |
2 | fn unused() {}
  |    ^^^^^^
  |
  = note: `#[warn(dead_code)]` (part of `#[warn(unused)]`) on by default

warning: `a` (lib) generated 1 warning
    Finished `dev` profile [unoptimized + debuginfo] target(s) in [time]
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
}

#[test]
fn verbose_shows_output_and_replays_it() {
    let scene = Scene::of(&["a"]).make("[lifecycle.go]\ncommand = \"echo output\"\ninputs = []\n");
    scene.call("go -v").shows(
        r"
   Lifecycle of shop: member a
note: a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`
         Ran go a in [time] (first run)
output
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    scene.call("go -v").shows(
        r"
   Lifecycle of shop: member a
       Fresh go a
output
    Finished 1 step in [time]: 1 cached; saved [time]
[exit 0]
",
    );
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let scene =
        Scene::of(&["a"]).make("[lifecycle.go]\ncommand = \"printf '\\\\033[31mred\\\\033[0m\\\\n'; exit 1\"\n");
    let has_colour = |ended: &crate::call::Ended| ended.stderr.contains(&0x1b) || ended.stdout.contains(&0x1b);
    let plain = scene.call("go").run();
    assert!(!has_colour(&plain) && plain.err().contains("\nred\n"), "{}", plain.text());
    let always = scene.call("go --color always").run();
    assert!(
        always.err().contains("\u{1b}[31mred\u{1b}[0m\n") && always.err().contains("\u{1b}[1m\u{1b}[31m      Failed"),
        "{}",
        always.text()
    );
    assert!(has_colour(&scene.call("go").env("CARGO_TERM_COLOR", "always").run()));
    assert!(!has_colour(&scene.call("go --color never").env("CARGO_TERM_COLOR", "always").run()));
    scene.write("make.toml", "[lifecycle.check]\ncomand = \"x\"\n");
    assert!(!has_colour(&scene.call("check").run()));
    assert!(has_colour(&scene.call("check --color always").run()));
    assert!(has_colour(&scene.call("nothing --color always").run()));
}

#[test]
fn the_version_and_the_help() {
    let scene = Scene::new();
    scene.call("--version").shows(&format!("[stdout]\ncargo lifecycle {}\n[exit 0]\n", env!("CARGO_PKG_VERSION")));
    let help = scene.call("--help").succeeds();
    for word in [
        "--package",
        "--keep-going",
        "--dry-run",
        "--graph",
        "--manifest-path",
        "--release",
        "Exit codes:\n  0  every step",
    ] {
        assert!(help.out().contains(word), "{word}: {}", help.text());
    }
    assert!(scene.call("-h").by_hand().succeeds().out().contains("Exit codes: 0 all good;"));
}

#[test]
fn many_fresh_steps_are_counted() {
    let mut make = String::new();
    for phase in 0..30 {
        make += &format!("[lifecycle.p{phase}]\ninputs = [\"src/**\"]\ncommand = \"true\"\n");
    }
    let scene = Scene::of(&["a", "b"]).make(&make);
    let phases: String = (0..30).map(|phase| format!("p{phase} ")).collect();
    scene.call(&phases).succeeds();
    scene.call(&phases).shows(
        r"
   Lifecycle of shop: all 2 members
       Fresh p0 (2 members)
       Fresh p1 (2 members)
       Fresh p2 (2 members)
       Fresh p3 (2 members)
       Fresh p4 (2 members)
       Fresh p5 (2 members)
       Fresh p6 (2 members)
       Fresh p7 (2 members)
       Fresh p8 (2 members)
       Fresh p9 (2 members)
       Fresh p10 (2 members)
       Fresh p11 (2 members)
       Fresh p12 (2 members)
       Fresh p13 (2 members)
       Fresh p14 (2 members)
       Fresh p15 (2 members)
       Fresh p16 (2 members)
       Fresh p17 (2 members)
       Fresh p18 (2 members)
       Fresh p19 (2 members)
       Fresh p20 (2 members)
       Fresh p21 (2 members)
       Fresh p22 (2 members)
       Fresh p23 (2 members)
       Fresh p24 (2 members)
       Fresh p25 (2 members)
       Fresh p26 (2 members)
       Fresh p27 (2 members)
       Fresh p28 (2 members)
       Fresh p29 (2 members)
    Finished 60 steps in [time]: 60 cached; saved [time]
[exit 0]
",
    );
}

#[test]
fn folders_that_are_no_packages() {
    let make = "[workspace.site]\npath = \"site\"\ndepends-on = [\"api\"]\n\
        lifecycle.gen.command = \"echo site after api\"\nlifecycle.gen.inputs = [\"*.html\"]\n\
        [lifecycle.gen]\ncommand = \"echo {name}\"\nneeds = [\"^gen\"]\ninputs = [\"src/**\"]\n";
    let scene = Scene::of(&["api"]).make(make).file("site/index.html", "<p>");
    scene.call("gen -v").shows(
        r"
   Lifecycle of shop: all 2 members
note: a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`
         Ran gen api in [time] (first run)
api
         Ran gen site in [time] (depends on gen api)
site after api
    Finished 2 steps in [time]: 2 run
[exit 0]
",
    );
    scene.write("site/index.html", "<b>");
    scene.call("gen").shows(
        r"
   Lifecycle of shop: all 2 members
       Fresh gen api
         Ran gen site in [time] (index.html changed)
    Finished 2 steps in [time]: 1 cached, 1 run; saved [time]
[exit 0]
",
    );
    scene.append("api/src/lib.rs", "// edited\n");
    scene.call("gen").shows(
        r"
   Lifecycle of shop: all 2 members
         Ran gen api in [time] (src/lib.rs changed)
         Ran gen site in [time] (depends on gen api)
    Finished 2 steps in [time]: 2 run
[exit 0]
",
    );
    scene.call("check gen -n -p site").shows(
        r"
[stdout]
gen api: fresh, saves [time]
gen site: fresh, saves [time]
[exit 0]
",
    );
}

#[test]
fn the_project_has_a_name() {
    let scene = Scene::of(&["a"]).make("[project]\nname = \"emporium\"\n[lifecycle.go]\ncommand = \"true\"\n");
    assert_eq!(scene.call("go").succeeds().lines_of("Lifecycle"), ["of emporium: member a"]);
}
