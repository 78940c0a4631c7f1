//! Which members a call is for, and what a wrong call is told.

use crate::scene::Scene;

/// `api-*` and `web`, of which the first needs the second.
fn three() -> Scene {
    Scene::of(&["api-core", "api-http api-core", "web"])
}

#[test]
fn at_the_root_of_a_virtual_workspace_every_member_is_meant() {
    three().call("check -n").shows(
        r"
[stdout]
check (3 members): stale: first run
    cargo check --workspace
[exit 0]
",
    );
}

#[test]
fn in_a_members_folder_that_member_is_meant() {
    let scene = three();
    scene.call("check -n").from("api-http/src").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]/api-http#0.1.0'
[exit 0]
",
    );
    scene.call("check -n --workspace").from("api-http/src").shows(
        r"
[stdout]
check (3 members): stale: first run
    cargo check --workspace
[exit 0]
",
    );
}

#[test]
fn default_members_are_meant_at_the_root_and_only_there() {
    let scene = three();
    scene.append("Cargo.toml", "default-members = [\"web\"]\n");
    scene.call("check -n").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]/web#0.1.0'
[exit 0]
",
    );
    scene.call("check -n").from("api-core").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]/api-core#0.1.0'
[exit 0]
",
    );
    scene.call("check -n --workspace").shows(
        r"
[stdout]
check (3 members): stale: first run
    cargo check --workspace
[exit 0]
",
    );
}

#[test]
fn a_root_package_does_not_hide_its_members() {
    let scene = Scene::fixture("shop");
    scene.call("check -n").shows(
        r"
[stdout]
check (3 members): stale: first run
    cargo check --workspace
[exit 0]
",
    );
    scene.call("check -n").from("src").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]#0.3.0'
[exit 0]
",
    );
}

#[test]
fn packages_are_named_globbed_and_excluded() {
    let scene = three();
    scene.call("check -n -p api-*").shows(
        r"
[stdout]
check (2 members): stale: first run
    cargo check -p 'path+file://[root]/api-core#0.1.0' -p 'path+file://[root]/api-http#0.1.0'
[exit 0]
",
    );
    scene.call("check -n -p web -p api-core").shows(
        r"
[stdout]
check (2 members): stale: first run
    cargo check -p 'path+file://[root]/api-core#0.1.0' -p 'path+file://[root]/web#0.1.0'
[exit 0]
",
    );
    scene.call("check -n --exclude web").shows(
        r"
[stdout]
check (2 members): stale: first run
    cargo check -p 'path+file://[root]/api-core#0.1.0' -p 'path+file://[root]/api-http#0.1.0'
[exit 0]
",
    );
    scene.call("check -n -p api-* --exclude *-http").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]/api-core#0.1.0'
[exit 0]
",
    );
    scene.call("check -n --exclude *").shows(
        r"
error: `--exclude` leaves no member
[exit 2]
",
    );
}

#[test]
fn a_package_id_names_one_too() {
    let scene = three();
    let id = format!("path+file://{}#0.1.0", scene.at("web").display());
    let ended = scene.call("check -n -p").arg(id).succeeds();
    assert_eq!(ended.out().lines().next(), Some("check (1 member): stale: first run"));
}

#[test]
fn cargos_flags_reach_the_commands_that_take_them() {
    let scene = three();
    scene.append("web/Cargo.toml", "[features]\nextra = []\n");
    let flags = "--features extra --no-default-features --target x86_64-unknown-linux-gnu --profile test \
        --offline --locked --config term.quiet=true";
    scene.call("check -n").succeeds();
    scene.call(&format!("check lint fmt doc test bench clean -n -p web {flags}")).shows(r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]/web#0.1.0' --no-default-features --locked --offline --profile test --features extra --target x86_64-unknown-linux-gnu --config 'term.quiet=true'
lint (1 member): stale: first run
    cargo clippy -p 'path+file://[root]/web#0.1.0' --all-targets --no-default-features --locked --offline --profile test --features extra --target x86_64-unknown-linux-gnu --config 'term.quiet=true'
fmt (1 member): stale: first run
    cargo fmt --check -p web
doc (1 member): stale: first run
    cargo doc -p 'path+file://[root]/web#0.1.0' --no-deps --no-default-features --locked --offline --profile test --features extra --target x86_64-unknown-linux-gnu --config 'term.quiet=true'
test (1 member): stale: first run
    cargo test -p 'path+file://[root]/web#0.1.0' --no-default-features --locked --offline --profile test --features extra --target x86_64-unknown-linux-gnu --config 'term.quiet=true'
bench (1 member): stale: never cached
    cargo bench -p 'path+file://[root]/web#0.1.0' --no-default-features --locked --offline --profile test --features extra --target x86_64-unknown-linux-gnu --config 'term.quiet=true'
clean (1 member): stale: never cached
    cargo clean -p 'path+file://[root]/web#0.1.0' --locked --offline --profile test --target x86_64-unknown-linux-gnu --config 'term.quiet=true'
[exit 0]
");
    scene.call("check -n -p web -r --all-features -- --keep-going --lib").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check -p 'path+file://[root]/web#0.1.0' --release --all-features --keep-going --lib
[exit 0]
",
    );
    scene.call("check -n -r --profile test").shows(
        r"
error: the argument '--release' cannot be used with '--profile <PROFILE-NAME>'

Usage: cargo lifecycle --dry-run --release <PHASE>... [-- <ARGS>...]

For more information, try '--help'.
[exit 2]
",
    );
}

#[test]
fn what_is_selected_is_said_in_one_line() {
    let scene = three().make("[lifecycle.hello]\ncommand = \"true\"\n");
    let said = |words: &str| scene.call(&format!("hello {words}")).succeeds().lines_of("Lifecycle");
    assert_eq!(said(""), ["of shop: all 3 members"]);
    assert_eq!(said("-p web"), ["of shop: member web"]);
    assert_eq!(said("--exclude web"), ["of shop: 2 of 3 members"]);
}

#[test]
fn a_package_that_is_not_there_is_an_error_with_the_nearest_name() {
    let scene = three();
    scene.call("check -p wep").shows(
        r"
error: `wep` matches no member of the workspace; did you mean `web`?
[exit 2]
",
    );
    scene.call("check -p zzzzzzzzzz").shows(
        r"
error: `zzzzzzzzzz` matches no member of the workspace
[exit 2]
",
    );
    scene.call("check --exclude api-hppt").shows(
        r"
error: `api-hppt` matches no member of the workspace; did you mean `api-http`?
[exit 2]
",
    );
    scene.call("check -p [").shows(
        r"
error: `[` is no valid pattern: unclosed character class; missing ']'
[exit 2]
",
    );
}

#[test]
fn a_phase_that_is_not_there_is_an_error_with_the_nearest_name() {
    let scene = three().make("[lifecycle.deploy]\ncommand = \"true\"\n");
    scene.call("biuld").shows(
        r"
error: there is no phase `biuld`; did you mean `build`?
[exit 2]
",
    );
    scene.call("deplay").shows(
        r"
error: there is no phase `deplay`; did you mean `deploy`?
[exit 2]
",
    );
    scene.call("check zzzzzzzzzzzz").shows(
        r"
error: there is no phase `zzzzzzzzzzzz`; `cargo lifecycle --list` shows the phases
[exit 2]
",
    );
}

#[test]
fn without_a_phase_there_is_nothing_to_do() {
    three().call("").shows(
        r"
error: no phase given: try `cargo lifecycle build`; `cargo lifecycle --list` shows the phases
[exit 2]
",
    );
}

#[test]
fn an_unknown_option_is_an_error_with_the_nearest_one() {
    three().call("check --keep-goin").shows(
        r"
error: unexpected argument '--keep-goin' found

  tip: a similar argument exists: '--keep-going'
  tip: to pass '--keep-goin' as a value, use '-- --keep-goin'

Usage: cargo lifecycle --keep-going <PHASE>... [-- <ARGS>...]

For more information, try '--help'.
[exit 2]
",
    );
    three().call("check -q -v").shows(
        r"
error: the argument '--quiet' cannot be used with '--verbose...'

Usage: cargo lifecycle --quiet <PHASE>... [-- <ARGS>...]

For more information, try '--help'.
[exit 2]
",
    );
}
