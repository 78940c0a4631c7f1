//! How steps run and fail: exit codes, what stops and what goes on, and what becomes of their output.

use crate::scene::Scene;

fn one(command: &str) -> Scene {
    Scene::of(&["a"]).make(&format!("[lifecycle.go]\ncommand = {command}\n"))
}

#[test]
fn a_failure_is_shown_with_its_output_and_is_exit_code_1() {
    one("\"echo before; echo oops >&2; exit 3\"").call("go").shows(
        r"
   Lifecycle of shop: member a
      Failed go a in [time]: exit status 3
before
oops
    Finished 1 step in [time]: 1 failed
[exit 1]
",
    );
}

#[test]
fn a_program_that_is_not_there() {
    one("[\"no-such-program\", \"x\"]").call("go").shows(
        r"
   Lifecycle of shop: member a
      Failed go a in [time]: there is no program `no-such-program` on PATH
    Finished 1 step in [time]: 1 failed
[exit 1]
",
    );
    one("\"no-such-program x\"").call("go").shows(
        r"
   Lifecycle of shop: member a
      Failed go a in [time]: exit status 127
sh: 1: no-such-program: not found
    Finished 1 step in [time]: 1 failed
[exit 1]
",
    );
}

#[test]
fn a_step_ended_by_a_signal() {
    one("\"echo so far; kill -9 $$\"").call("go").shows(
        r"
   Lifecycle of shop: member a
      Failed go a in [time]: ended by signal 9
so far
    Finished 1 step in [time]: 1 failed
[exit 1]
",
    );
}

#[test]
fn the_first_failure_stops_new_steps() {
    let make = "[lifecycle.one]\ncommand = \"echo one >> $SIDE/ran; [ {name} != a ]\"\n\
        [lifecycle.two]\ncommand = \"echo two >> $SIDE/ran\"\n";
    let scene = Scene::of(&["a", "b", "c"]).make(make);
    scene.call("one two -j1").shows(
        r"
   Lifecycle of shop: all 3 members
      Failed one a in [time]: exit status 1
   Cancelled one b
   Cancelled one c
   Cancelled two a
   Cancelled two b
   Cancelled two c
    Finished 6 steps in [time]: 1 failed, 5 cancelled
[exit 1]
",
    );
    assert_eq!(scene.take("ran"), "one\n");
}

#[test]
fn what_runs_when_another_step_fails_runs_to_its_end() {
    let make = "[lifecycle.go]\ncommand = \"if [ {name} = a ]; then touch $SIDE/failing; exit 1; fi; \
        while ! [ -e $SIDE/failing ]; do sleep 0.02; done; sleep 0.2; touch $SIDE/ended\"\n";
    let scene = Scene::of(&["a", "b"]).make(make);
    let ended = scene.call("go -j2").run();
    assert_eq!(ended.code, Some(1));
    assert!(scene.beside("ended").exists());
    assert_eq!(ended.ran(), ["go b (never cached)"]);
}

#[test]
fn keep_going_skips_only_what_needs_the_failure() {
    let make = "[lifecycle.gen]\nneeds = [\"^gen\"]\ncommand = \"echo {name} >> $SIDE/ran; [ {name} != middle ]\"\n\
        [lifecycle.then]\ncommand = \"true\"\n";
    let scene = Scene::of(&["leaf", "middle leaf", "top middle", "other"]).make(make);
    scene.call("gen -j1 --keep-going").shows(
        r"
   Lifecycle of shop: all 4 members
         Ran gen leaf in [time] (never cached)
      Failed gen middle in [time]: exit status 1
     Skipped gen top: gen middle failed
         Ran gen other in [time] (never cached)
      Failed gen middle: exit status 1
    Finished 4 steps in [time]: 2 run, 1 failed, 1 skipped
[exit 1]
",
    );
    assert_eq!(scene.take("ran"), "leaf\nmiddle\nother\n");
    let both = scene.call("gen then -j1 --no-fail-fast").run();
    assert_eq!(both.code, Some(1));
    let mut ran = both.ran();
    ran.sort();
    let order_is_a_wish = ["gen leaf", "gen other", "then leaf", "then middle", "then other", "then top"];
    assert_eq!(ran, order_is_a_wish.map(|step| format!("{step} (never cached)")));
}

#[test]
fn all_failures_stand_at_the_end_whole() {
    let make = "[lifecycle.go]\ncommand = \"for i in 1 2 3; do echo {name} $i; done; [ {name} = c ]\"\n";
    Scene::of(&["a", "b", "c"]).make(make).call("go -j1 --keep-going").shows(
        r"
   Lifecycle of shop: all 3 members
      Failed go a in [time]: exit status 1
a 1
a 2
a 3
      Failed go b in [time]: exit status 1
b 1
b 2
b 3
         Ran go c in [time] (never cached)
      Failed go a: exit status 1
a 1
a 2
a 3
      Failed go b: exit status 1
b 1
b 2
b 3
    Finished 3 steps in [time]: 1 run, 2 failed
[exit 1]
",
    );
}

#[test]
fn a_command_that_fails_ends_the_phase() {
    Scene::of(&["a"])
        .make("[lifecycle.go]\ncommands = [\"echo one\", \"echo two; exit 2\", \"echo three\"]\n")
        .call("go")
        .shows(
            r"
   Lifecycle of shop: member a
      Failed go a in [time]: exit status 2
one
two
    Finished 1 step in [time]: 1 failed
[exit 1]
",
        );
}

#[test]
fn there_is_no_input() {
    one("\"cat; echo done\"").call("go -v").shows(
        r"
   Lifecycle of shop: member a
note: a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`
         Ran go a in [time] (never cached)
done
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
}

#[test]
fn the_order_of_output_is_kept_and_its_end_needs_no_newline() {
    one("\"for i in 1 2 3 4; do echo out $i; echo err $i >&2; done; printf end\"").call("go -v").shows(
        r"
   Lifecycle of shop: member a
note: a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`
         Ran go a in [time] (never cached)
out 1
err 1
out 2
err 2
out 3
err 3
out 4
err 4
end
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
}

#[test]
fn output_that_is_no_text_is_kept_as_it_is() {
    let scene = one(r#""printf 'a\\377\\376b\\n'; exit 1""#);
    let ended = scene.call("go --color always").run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.windows(5).any(|bytes| bytes == b"a\xff\xfeb\n"), "{:?}", ended.text());
}

#[test]
fn long_output_is_whole_and_is_replayed_whole() {
    let scene = one("\"seq 1 700000\"\ninputs = []");
    for verb in ["Ran", "Fresh"] {
        let ended = scene.call("go -v").succeeds();
        assert_eq!(ended.lines_of(verb).len(), 1);
        let text = ended.err();
        let numbers: Vec<&str> =
            text.lines().filter(|line| line.starts_with(|char: char| char.is_ascii_digit())).collect();
        assert_eq!(numbers.len(), 700_000);
        assert!(numbers.iter().zip(1..).all(|(line, number)| *line == number.to_string()));
    }
    assert_eq!(scene.call("go").succeeds().err().lines().count(), 3, "without -v nothing of it is shown");
}

#[test]
fn steps_know_where_they_are() {
    let make = "[lifecycle.here]\ncommand = \"echo $(pwd) $CARGO_LIFECYCLE_MEMBER $CARGO_LIFECYCLE_PHASE $CARGO_LIFECYCLE_ROOT\"\n\
        [lifecycle.whole]\nscope = \"workspace\"\ncommand = \"echo $(pwd) $CARGO_LIFECYCLE_MEMBER $CARGO_LIFECYCLE_PHASE $CARGO_LIFECYCLE_ROOT\"\n\
        [lifecycle.id]\nscope = \"workspace\"\ncommands = [\"test -n $CARGO_LIFECYCLE_RUN_ID\", \"echo {root} {{braces}}\"]\n";
    Scene::of(&["a"]).make(make).call("here whole id -v -j1").shows(
        r"
   Lifecycle of shop: member a
note: a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`
         Ran here a in [time] (never cached)
[root]/a a here [root]
         Ran whole in [time] (never cached)
[root] whole [root]
         Ran id in [time] (never cached)
[root] {braces}
    Finished 3 steps in [time]: 3 run
[exit 0]
",
    );
}

#[test]
fn values_in_shell_commands_are_quoted_and_words_are_passed_as_they_are() {
    let make = "[lifecycle.shell]\ncommand = \"echo {args}\"\n[lifecycle.words]\ncommand = [\"echo\", \"<{args}>\", \"$HOME\"]\n";
    let scene = Scene::of(&["a"]).make(make);
    scene.call("shell -v --").arg("$(echo no)").arg("it's").shows(
        r"
   Lifecycle of shop: member a
note: a manifest, Cargo.lock, cargo's configuration or an option is new: asked `cargo metadata`
         Ran shell a in [time] (never cached)
$(echo no) it's
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
    scene.call("words -v --").arg("two words").shows(
        r"
   Lifecycle of shop: member a
         Ran words a in [time] (never cached)
<two words> $HOME
    Finished 1 step in [time]: 1 run
[exit 0]
",
    );
}

#[test]
fn an_error_of_the_compiler_is_shown_and_the_member_named() {
    let scene = Scene::of(&["a", "b"]);
    scene.append("b/src/lib.rs", "pub fn wrong() -> u32 {\n    \"text\"\n}\n");
    let ended = scene.call("check").run();
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.lines_of("Failed"), ["check (2 members) in [time]: exit status 101 (b)"]);
    let error = r#"
error[E0308]: mismatched types
 --> b/src/lib.rs:3:5
  |
2 | pub fn wrong() -> u32 {
  |                   --- expected `u32` because of return type
3 |     "text"
  |     ^^^^^^ expected `u32`, found `&str`

For more information about this error, try `rustc --explain E0308`.
error: could not compile `b` (lib) due to 1 previous error
    Finished 1 step in [time]: 1 failed
"#;
    // Cargo says so when `b` fails before `a` is ready.
    let shown = ended.err().replace("warning: build failed, waiting for other jobs to finish...\n", "");
    assert!(shown.ends_with(error), "{}", ended.text());
}

#[test]
fn what_a_step_leaves_behind_is_ended_with_the_run() {
    let scene = one("\"sleep 1234567 > /dev/null 2>&1 &\"");
    scene.call("go").succeeds();
    assert_eq!(scene.processes(), [""; 0]);
}
