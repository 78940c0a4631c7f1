//! One count of jobs for steps, for what they start, and for those who start us: counted by what runs at the same time.

use std::process::Command;

use crate::scene::Scene;

/// Runs the words that follow while it counts how many of its kind run, for `$SIDE/counts`.
const COUNTING: &str = "own=$(mktemp $SIDE/running-XXXXXX); ls $SIDE | grep -c '^running-' >> $SIDE/counts; sleep 0.3\n\
    \"$@\"; code=$?; rm $own; exit $code";

/// How many ran, and how many at most at the same time.
fn counted(scene: &Scene) -> (usize, usize) {
    let counts = scene.take("counts");
    let counts: Vec<usize> = counts.lines().map(|line| line.parse().unwrap()).collect();
    (counts.len(), counts.iter().copied().max().unwrap_or(0))
}

/// Whether there is a make; if not, it is said that a test says nothing.
fn has_make() -> bool {
    let has = Command::new("make").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has {
        eprintln!("skipped: there is no `make` on PATH");
    }
    has
}

/// Four members with three dependencies each, to be built into folders of their own.
fn four() -> Scene {
    let mut make =
        "[lifecycle.plain]\nworkspaces = [\"m*\"]\ncommand = \"cargo build --target-dir {root}/target/{name} -p {spec}\"\n\
        [lifecycle.shell]\nworkspaces = [\"m*\"]\ncommand = \"cargo check --target-dir $SIDE/{name} -p {name}\"\n"
            .to_owned();
    for name in ["m1", "m2", "m3", "m4"] {
        make += &format!("[workspace.{name}]\nlifecycle.plain.lock = \"{name}\"\n");
    }
    Scene::of(&["x", "y", "z", "m1 x y z", "m2 x y z", "m3 x y z", "m4 x y z"]).make(&make)
}

#[test]
fn four_cargos_compile_no_more_at_once_than_there_are_jobs() {
    let scene = four();
    let counting = format!("case \"$*\" in *'--crate-name ___'*|*-vV*) exec \"$@\";; esac\n{COUNTING}");
    let wrapper = scene.program("wrapper", &counting);
    for phase in ["plain", "shell"] {
        for (jobs, most) in [("2", 2), ("3", 3)] {
            let _ = std::fs::remove_dir_all(scene.at("target"));
            let _ = ["m1", "m2", "m3", "m4"].map(|name| std::fs::remove_dir_all(scene.beside(name)));
            let call = scene.call(phase).arg("--force").arg("-j").arg(jobs).env("RUSTC_WRAPPER", &wrapper);
            let ended = call.succeeds();
            assert_eq!(ended.ran().len(), 4, "{}", ended.text());
            assert!(!ended.err().contains("jobserver"), "{}", ended.text());
            assert_eq!(counted(&scene), (16, most), "{phase} -j{jobs}");
        }
    }
}

/// A phase of four steps that count themselves.
fn counting_steps() -> Scene {
    let scene = Scene::of(&["a", "b", "c", "d"]).make(
        "[lifecycle.go]\ncommand = \"$SIDE/count sh -c 'echo $MAKEFLAGS >> $SIDE/flags'\"\n\
        [lifecycle.nest]\nscope = \"workspace\"\ncommand = \"$LIFECYCLE lifecycle go -j4 -v 2>> $SIDE/inner\"\n\
        [lifecycle.make]\nscope = \"workspace\"\ncommand = \"make -s -f $SIDE/Makefile inner\"\n",
    );
    scene.program("count", COUNTING);
    let makefile = "all:\n\t+@echo $$MAKEFLAGS > $$SIDE/outer; $$LIFECYCLE lifecycle go -j4 -v\n\
        apart:\n\t@$$LIFECYCLE lifecycle go -j3 -v\n\
        inner: 1 2 3 4\n1 2 3 4:\n\t@$$SIDE/count true\n";
    std::fs::write(scene.beside("Makefile"), makefile).unwrap();
    scene
}

const LIFECYCLE: &str = env!("CARGO_BIN_EXE_cargo-lifecycle");

fn auth(flags: &str) -> &str {
    flags.split_whitespace().find_map(|word| word.strip_prefix("--jobserver-auth=")).unwrap()
}

#[test]
fn the_jobserver_of_make_is_used_and_passed_on() {
    if !has_make() {
        return;
    }
    let scene = counting_steps();
    let call = scene.call("go").env("LIFECYCLE", LIFECYCLE).env("MAKEFLAGS", "");
    let make = |words: &str| {
        let mut command = Command::new("make");
        command.args(["-s", "-f"]).arg(scene.beside("Makefile")).args(words.split(' ')).current_dir(scene.root());
        command.env_clear().envs(call.command().get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    let shown = make("-j2 all");
    assert_eq!(counted(&scene), (4, 2), "{shown}");
    assert!(!shown.contains("note: the jobserver"), "{shown}");
    let outer = scene.take("outer");
    let inner = scene.take("flags");
    assert!(inner.lines().count() == 4 && inner.lines().all(|inner| auth(inner) == auth(&outer)), "{outer}{inner}");
    // A recipe that does not say that it wants it: there is one of our own.
    let shown = make("-j2 apart");
    assert_eq!(counted(&scene), (4, 3), "{shown}");
    assert!(shown.contains("note: the jobserver that MAKEFLAGS names cannot be used: "), "{shown}");
}

#[test]
fn one_that_is_not_there_is_no_trouble() {
    let scene = counting_steps();
    for flags in ["-j --jobserver-auth=77,78", "--jobserver-auth=fifo:/none", "--jobserver-auth=3", "k", ""] {
        let ended = scene.call("go -j2").env("MAKEFLAGS", flags).succeeds();
        assert_eq!(counted(&scene), (4, 2), "{flags}: {}", ended.text());
        assert!(!ended.err().contains("jobserver"), "{flags}: {}", ended.text());
    }
}

#[test]
fn a_run_within_a_step_shares_the_count() {
    let scene = counting_steps();
    scene.call("nest -j2").env("LIFECYCLE", LIFECYCLE).succeeds();
    assert_eq!(counted(&scene), (4, 2), "{}", scene.left("inner"));
    scene.call("nest -j1").env("LIFECYCLE", LIFECYCLE).succeeds();
    assert_eq!(counted(&scene), (4, 1), "{}", scene.left("inner"));
}

#[test]
fn make_shares_the_count_without_being_told() {
    if !has_make() {
        return;
    }
    let scene = counting_steps();
    for (jobs, most) in [("1", 1), ("3", 3)] {
        let ended = scene.call("make -v").arg("-j").arg(jobs).succeeds();
        assert_eq!(counted(&scene), (4, most), "{}", ended.text());
    }
}

#[test]
fn results_do_not_depend_on_it() {
    let scene = Scene::of(&["a"]).make("[lifecycle.go]\ninputs = []\ncommand = \"true\"\n");
    scene.append(
        "a/src/lib.rs",
        "#[test]\nfn shown() {\n    let is_set = |name: &str| std::env::var_os(name).is_some();\n    \
        assert_eq!([\"CARGO_MAKEFLAGS\", \"MAKEFLAGS\", \"MFLAGS\"].map(is_set), [false; 3]);\n}\n",
    );
    scene.call("go check test").succeeds();
    for flags in ["-j --jobserver-auth=77,78", "k"] {
        assert!(
            scene.call("go check test").env("MAKEFLAGS", flags).env("CARGO_MAKEFLAGS", flags).succeeds().was_fresh()
        );
    }
    assert!(scene.call("go check test -j1").succeeds().was_fresh());
}

#[test]
fn cargo_that_compiles_tests_alone_is_told_how_many_jobs_there_are() {
    let scene = Scene::of(&["a"]);
    scene.write(
        "a/build.rs",
        "fn main() {\n    println!(\"cargo::rerun-if-env-changed=AGAIN\");\n    \
        std::fs::write(std::env::var(\"JOBS\").unwrap(), std::env::var(\"NUM_JOBS\").unwrap()).unwrap();\n}\n",
    );
    for (again, jobs) in ["1", "7"].into_iter().enumerate() {
        let call = scene.call("test").arg("-j").arg(jobs).env("AGAIN", again.to_string());
        call.env("JOBS", scene.beside("jobs")).succeeds();
        assert_eq!(scene.left("jobs").trim(), jobs);
    }
}

#[test]
fn a_test_has_one_key_whether_cargo_is_alone_or_not() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.go]\ncommand = \"true\"\n");
    for member in ["a", "b"] {
        scene.append(&format!("{member}/src/lib.rs"), "#[test]\nfn passes() {}\n");
    }
    scene.write("a/data.txt", "first");
    scene.call("test").succeeds();
    for phases in ["go test", "test"] {
        scene.append("a/data.txt", "more");
        let ended = scene.call(phases).succeeds();
        assert!(ended.text().contains("Passed a: ") && !ended.text().contains("Passed b: "), "{}", ended.text());
    }
}
