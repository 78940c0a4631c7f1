//! `--junit`: the report as a reader of XML finds it, against real test executables.

use std::fs;

use rustix::process::Signal;

use crate::call::Ended;
use crate::scene::Scene;
use crate::signals::interrupted;

const REPORT: &str = "target/report/junit.xml";

/// A library with a test of each sort, documentation tests and an executable without libtest; and one that is whole.
fn shop() -> Scene {
    let scene = Scene::of(&["a", "b"]);
    scene.append("a/Cargo.toml", "\n[[test]]\nname = \"plain\"\nharness = false\n");
    scene.write("a/tests/plain.rs", "fn main() {\n    println!(\"test x ... ok\");\n}\n");
    scene.append("a/src/lib.rs", "\n/// ```\n/// assert_eq!(a::NAME, \"a\");\n/// ```\npub fn documented() {}\n");
    scene.append(
        "a/src/lib.rs",
        "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn good() {\n        println!(\"silent\");\n    }\n\
         \n    #[test]\n    #[ignore = \"slow\"]\n    fn late() {}\n\
         \n    #[test]\n    #[should_panic]\n    fn panics() {\n        panic!();\n    }\n}\n",
    );
    scene.append("b/src/lib.rs", "\n#[test]\nfn other() {}\n");
    scene
}

/// The report in short: each suite with its step, and under it its cases with how they ended. Its figures must be right.
#[track_caller]
fn report(scene: &Scene) -> Vec<String> {
    let text = fs::read_to_string(scene.at(REPORT)).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("name")), ("testsuites", Some("shop")));
    agrees(root);
    let mut lines = Vec::new();
    for suite in root.children().filter(|node| node.has_tag_name("testsuite")) {
        agrees(suite);
        let property = |name: &str| {
            let mut all = suite.descendants().filter(|node| node.has_tag_name("property"));
            all.find(|node| node.attribute("name") == Some(name)).unwrap().attribute("value").unwrap()
        };
        let cached = if property("cached") == "true" { ", cached" } else { "" };
        let name = suite.attribute("name").unwrap();
        lines.push(format!("{name} of {}{cached}", property("step")));
        for case in suite.children().filter(|node| node.has_tag_name("testcase")) {
            assert_eq!(case.attribute("classname"), Some(name));
            let ending = case.children().find(roxmltree::Node::is_element);
            let ending = ending
                .map(|ending| format!(": {}: {}", ending.tag_name().name(), ending.attribute("message").unwrap()));
            lines.push(format!("  {}{}", case.attribute("name").unwrap(), ending.unwrap_or_default()));
        }
    }
    lines
}

/// Whether the figures of an element are those of the cases in it.
#[track_caller]
fn agrees(element: roxmltree::Node<'_, '_>) {
    let count = |name: &str| element.descendants().filter(|node| node.has_tag_name(name)).count();
    for (attribute, name) in
        [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
    {
        assert_eq!(element.attribute(attribute), Some(&*count(name).to_string()), "{attribute}");
    }
    assert!(element.attribute("time").unwrap().parse::<f64>().unwrap() >= 0.0);
}

/// The text of the elements of this name.
fn texts(scene: &Scene, name: &str) -> Vec<String> {
    let text = fs::read_to_string(scene.at(REPORT)).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let found = document.descendants().filter(|node| node.has_tag_name(name));
    found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

/// The earlier attempts of cases: the case, the element, its message, and what was printed.
fn before(scene: &Scene) -> Vec<[String; 4]> {
    let text = fs::read_to_string(scene.at(REPORT)).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let found = document
        .descendants()
        .filter(|node| ["flakyFailure", "rerunFailure", "rerunError"].contains(&node.tag_name().name()));
    let attempt = |node: roxmltree::Node<'_, '_>| {
        let case = node.parent().unwrap().attribute("name").unwrap();
        let printed = node.children().find(|node| node.has_tag_name("stackTrace")).unwrap();
        assert!(node.attribute("type").is_some());
        [case, node.tag_name().name(), node.attribute("message").unwrap(), printed.text().unwrap_or_default()]
            .map(str::to_owned)
    };
    found.map(attempt).collect()
}

/// A test that counts in `$SIDE/<name>` how often it ran.
fn counting(name: &str, body: &str) -> String {
    format!(
        "\n#[test]\nfn {name}() {{\n    let file = std::path::PathBuf::from(std::env::var_os(\"SIDE\").unwrap()).join(\"{name}\");\n    \
         let runs = std::fs::read(&file).map_or(0, |runs| runs.len()) + 1;\n    std::fs::write(&file, vec![b'x'; runs]).unwrap();\n    \
         println!(\"run {{runs}}\");\n    {body}\n}}\n"
    )
}

#[test]
fn what_failed_before_it_passed_is_told_of_the_test() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", &counting("flaky", "assert!(runs > 2, \"too early\");"));
    scene.append("a/src/lib.rs", "\n#[test]\nfn good() {}\n");
    scene.write("a/tests/dies.rs", &counting("dies", "if runs < 2 { std::process::exit(9); }"));
    scene.call("test --retries 3 --junit").arg(REPORT).succeeds();
    let expected = [
        "  a::dies",
        "  dies",
        "  flaky: flakyFailure: too early",
        "  good",
        "a (doc) of test",
        "a of test",
        "a::dies of test",
    ];
    let mut lines = report(&scene);
    lines.retain(|line| line != "  a::dies: flakyFailure: exit status 9");
    lines.push("  a::dies".to_owned());
    assert_eq!(sorted(lines), expected);
    let before = before(&scene);
    let short: Vec<_> = before.iter().map(|[case, element, how, _]| format!("{case} {element} {how}")).collect();
    assert_eq!(
        sorted(short),
        ["a::dies flakyFailure exit status 9", "flaky flakyFailure too early", "flaky flakyFailure too early"]
    );
    let printed: Vec<_> = before.iter().filter(|[case, ..]| case == "flaky").map(|[.., printed]| printed).collect();
    assert!(printed[0].starts_with("run 1\n") && printed[0].contains("too early"), "{before:?}");
    assert!(printed[1].starts_with("run 2\n") && !printed[1].contains("test result"), "{before:?}");
}

#[test]
fn what_failed_before_it_failed_at_last_is_told_besides() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", &counting("bad", "assert!(runs > 2, \"run {runs}\");"));
    let ended = scene.call("test --keep-going --retries 1 --junit").arg(REPORT).run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert_eq!(sorted(report(&scene)), ["  bad: failure: run 2", "a (doc) of test", "a of test"]);
    let [[case, element, how, printed]] = &before(&scene)[..] else { panic!("{:?}", before(&scene)) };
    assert_eq!([&**case, element, how], ["bad", "rerunFailure", "run 1"]);
    assert!(printed.contains("panicked at a/src/lib.rs"), "{printed}");
}

#[test]
fn attempts_of_any_step_are_told() {
    let make = "[lifecycle.go]\nretries = 2\n\
        command = \"echo {name} >> $SIDE/{name}; echo $(wc -l < $SIDE/{name}); [ $(wc -l < $SIDE/{name}) -gt 1 ] && [ {name} = a ]\"\n";
    let scene = Scene::of(&["a", "b"]).make(make);
    let ended = scene.call("go --keep-going --junit").arg(REPORT).run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    let lines = sorted(report(&scene));
    assert_eq!(
        lines,
        ["  go a: flakyFailure: exit status 1", "  go b: error: exit status 1", "go a of go a", "go b of go b"]
    );
    let expected = [
        ["go a", "flakyFailure", "exit status 1", "1\n"],
        ["go b", "rerunError", "exit status 1", "1\n"],
        ["go b", "rerunError", "exit status 1", "2\n"],
    ];
    assert_eq!(before(&scene), expected.map(|attempt| attempt.map(str::to_owned)));
}

#[test]
fn that_the_time_was_over_is_told() {
    let scene = Scene::of(&["a"]).make("[lifecycle.slow]\ntimeout = \"1s\"\ncommand = \"echo before; sleep 60\"\n");
    scene.append(
        "a/src/lib.rs",
        "\n#[test]\nfn bad() {\n    panic!(\"no\");\n}\n\n#[test]\nfn hangs() {\n    std::thread::sleep(std::time::Duration::from_secs(60));\n}\n",
    );
    let ended = scene.call("slow test --keep-going --timeout 5s --junit").arg(REPORT).run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    let lines = report(&scene);
    assert!(lines.contains(&"  slow a: error: timed out after 1s".to_owned()), "{lines:?}");
    assert!(lines.contains(&"  a: failure: timed out after 5s".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("  bad: failure")), "{lines:?}");
}

#[test]
fn any_phase_has_a_report() {
    let make = "[lifecycle.down]\nscope = \"workspace\"\ncommand = \"true\"\n[hooks]\nfinally = [\"down\"]\non_success = [\"down\"]\n";
    let scene = Scene::of(&["a", "b"]).make(make);
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    scene.call("check build doc clean --junit").arg("report.xml").succeeds();
    let text = fs::read_to_string(scene.at("report.xml")).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    let names: Vec<_> = cases.map(|case| case.attribute("name").unwrap()).collect();
    assert_eq!(names, ["check", "build", "doc", "clean", "finally: down", "on_success: down"]);
    assert!(text.contains("function `unused` is never used"), "{text}");
}

#[test]
fn of_a_long_output_the_ends_are_taken() {
    let scene =
        Scene::of(&["a"]).make("[lifecycle.say]\ncommand = \"echo first; yes | head -c 8000000; echo last; exit 1\"\n");
    assert_eq!(scene.call("say --junit").arg(REPORT).run().code, Some(1));
    assert_eq!(report(&scene), ["say a of say a", "  say a: error: exit status 1"]);
    let output = texts(&scene, "system-out").concat();
    assert!(output.starts_with("first\ny\n") && output.ends_with("y\nlast\n") && output.len() < 1_100_000);
    assert!(output.contains("bytes left out"));
}

/// The cases of `shop`, where these suites are cached.
fn whole(cached: &[&str]) -> Vec<String> {
    let suites: [(&str, &[&str]); 5] = [
        ("a", &["tests::late: skipped: ignored", "tests::good", "tests::panics"]),
        ("a (doc)", &["a/src/lib.rs - documented (line 3)"]),
        ("a::plain", &["a::plain"]),
        ("b", &["other"]),
        ("b (doc)", &[]),
    ];
    let lines = |(name, cases): &(&str, &[&str])| {
        let cached = if cached.contains(name) { ", cached" } else { "" };
        let cases = cases.iter().map(|case| format!("  {case}"));
        std::iter::once(format!("{name} of test{cached}")).chain(cases).collect::<Vec<_>>()
    };
    sorted(suites.iter().flat_map(lines).collect())
}

/// Tests end in any order, even those of one executable.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn the_report_is_whole_whatever_of_the_tests_ran() {
    let scene = shop();
    let call = || scene.call("test --junit").arg(REPORT);
    call().succeeds();
    assert_eq!(sorted(report(&scene)), whole(&[]));
    let printed = texts(&scene, "system-out");
    assert!(printed.iter().any(|text| text == "test x ... ok\n"), "{printed:?}");
    assert!(printed.iter().any(|text| text.contains("test result: ok. 2 passed; 0 failed; 1 ignored")), "{printed:?}");
    fs::remove_file(scene.at(REPORT)).unwrap();

    let before = printed;
    let again = call().succeeds();
    assert!(again.was_fresh(), "{}", again.text());
    let all = ["a", "a (doc)", "a::plain", "b", "b (doc)"];
    assert_eq!(sorted(report(&scene)), whole(&all));
    assert_eq!(texts(&scene, "system-out"), before, "what was printed then");

    scene.append("b/src/lib.rs", "\npub fn more() {}\n");
    call().succeeds();
    assert_eq!(sorted(report(&scene)), whole(&all[..3]));

    // The whole is known by parts of which some did not run with it.
    fs::remove_dir_all(scene.at("target/debug")).unwrap();
    assert!(call().succeeds().was_fresh());
    assert_eq!(sorted(report(&scene)), whole(&all));
}

#[test]
fn what_is_no_longer_stored_is_done_again() {
    let scene = shop();
    let call = || scene.call("test --junit").arg(REPORT);
    call().succeeds();
    let printed = b"test x ... ok\n";
    let files = walkdir::WalkDir::new(scene.at("target/lifecycle")).into_iter().map(|entry| entry.unwrap().into_path());
    let lost: Vec<_> = files.filter(|path| fs::read(path).is_ok_and(|bytes| bytes == printed)).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    fs::remove_file(&lost[0]).unwrap();
    let again = call().succeeds();
    assert!(again.ran()[0].contains("what its tests printed is no longer stored"), "{}", again.text());
    assert_eq!(again.lines_of("Passed").len(), 1, "{}", again.text());
    assert_eq!(sorted(report(&scene)), whole(&["a", "a (doc)", "b", "b (doc)"]));
    assert!(call().succeeds().was_fresh());
}

#[test]
fn a_failed_test_has_what_it_printed_whatever_that_is() {
    let scene = Scene::of(&["a"]);
    scene.append(
        "a/src/lib.rs",
        "\n#[test]\nfn odd() {\n    println!(\"\\t\\x1b[31mred\\x1b[0m \\0 ]]> & \\u{ffff}<b>\");\n    panic!(\"the\\x07 \\\"end\\\"\");\n}\n\
         \n#[test]\nfn wrong() -> Result<(), u8> {\n    Err(7)\n}\n\n#[test]\nfn good() {}\n",
    );
    scene.write("a/tests/crash.rs", "#[test]\nfn aborts() {\n    std::process::abort();\n}\n");
    scene.write(
        "a/tests/raw.rs",
        "#[test]\nfn raw() {\n    use std::io::Write;\n    std::io::stdout().write_all(b\"<\\xff\\x1b[1m>\\n\").unwrap();\n}\n",
    );
    // With one thread, what a test prints stands in the line that tells of it.
    let ended = scene.call("test --keep-going --junit").arg(REPORT).env("RUST_TEST_THREADS", "1").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    let lines = report(&scene);
    let expected = [
        "  a::crash: failure: ended by signal 6",
        "  a::raw",
        "  good",
        "  odd: failure: the\u{fffd} \"end\"",
        "  wrong: failure: Error: 7",
        "a (doc) of test",
        "a of test",
        "a::crash of test",
        "a::raw of test",
    ];
    assert_eq!(sorted(lines), expected, "\n{}", ended.text());
    let failures = texts(&scene, "failure");
    let odd = failures.iter().find(|text| text.contains("red")).unwrap();
    assert!(odd.starts_with("\tred \u{fffd} ]]> & \u{fffd}<b>\n"), "{odd}");
    assert!(odd.contains("panicked at") && !odd.contains("wrong") && !odd.contains("failures:"), "{odd}");
    assert!(texts(&scene, "system-out").iter().any(|text| text.contains("<\u{fffd}>\n")));
}

#[test]
fn what_did_not_compile_is_one_error() {
    let scene = shop();
    scene.append("b/src/lib.rs", "\nfn broken() -> u8 {}\n");
    scene.call("test --junit").arg(REPORT).run();
    assert_eq!(report(&scene), ["test of test", "  test: error: exit status 101 (b)"]);
    assert!(texts(&scene, "error")[0].contains("mismatched types"));

    // Together with what there is of others.
    scene.replace("a/tests/plain.rs", "fn main() {", "fn main() {\n    std::process::exit(3);");
    scene.call("test --keep-going --junit").arg(REPORT).run();
    let lines = report(&scene);
    assert_eq!(lines[..2], ["test of test", "  test: error: exit status 101 (b); a::plain failed"]);
    assert!(lines.contains(&"  a::plain: failure: exit status 3".to_owned()), "{lines:?}");
    assert!(lines.contains(&"  tests::good".to_owned()), "{lines:?}");
}

#[test]
fn what_did_not_run_after_a_failure_is_counted() {
    let scene = shop();
    scene.replace("a/tests/plain.rs", "fn main() {", "fn main() {\n    std::process::exit(3);");
    scene.call("test -j1 --keep-going").run();
    // What failed the last time comes first.
    scene.call("test -j1 --force --junit").arg(REPORT).run();
    assert_eq!(
        report(&scene),
        [
            "test of test",
            "  test: skipped: 4 of its test executables did not run",
            "a::plain of test",
            "  a::plain: failure: exit status 3",
        ]
    );
}

#[test]
fn every_other_step_is_a_case() {
    let scene = Scene::of(&["a", "b"]).make(
        "[lifecycle.good]\ncommand = \"echo made\"\ninputs = [\"src/**\"]\n\n[lifecycle.bad]\ncommand = \"echo why; exit 3\"\nneeds = [\"good\"]\n\
         workspaces = [\"a\"]\n\n[lifecycle.after]\ncommand = \"true\"\nneeds = [\"bad\"]\nworkspaces = [\"a\"]\n",
    );
    scene.call("good").succeeds();
    let ended = scene.call("good after --junit").arg(REPORT).run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    let expected = [
        "  after a: skipped: bad a failed",
        "  bad a: error: exit status 3",
        "  good a",
        "  good b",
        "after a of after a",
        "bad a of bad a",
        "good a of good a, cached",
        "good b of good b, cached",
    ];
    assert_eq!(sorted(report(&scene)), expected, "{}", ended.text());
    assert_eq!(texts(&scene, "error"), ["why\n"]);
}

#[test]
fn an_interrupted_run_reports_what_is_known() {
    let scene = shop();
    scene.replace(
        "a/tests/plain.rs",
        "fn main() {",
        "fn main() {\n    let side = std::env::var(\"SIDE\").unwrap();\n    std::fs::write(side + \"/started-plain\", \"\").unwrap();\n    \
         std::thread::sleep(std::time::Duration::from_secs(60));",
    );
    scene.call("test -- --no-run").succeeds();
    let ended = interrupted(&scene, &scene.call("test -j2 --junit").arg(REPORT), 1, &[Signal::INT]);
    assert_eq!(ended.code, Some(130), "{}", ended.text());
    let lines = report(&scene);
    assert!(lines.contains(&"  a::plain: skipped: the run ended before it did".to_owned()), "{lines:?}");
    assert!(lines[1].starts_with("  test: skipped: "), "{lines:?}");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let scene = Scene::of(&["a"]);
    let says = |ended: &Ended| {
        let error = ended.err().lines().last().unwrap_or_default().to_owned();
        (ended.code, error)
    };
    let ended = scene.call("fmt --junit a/src/lib.rs/junit.xml").run();
    let expected = "error: cannot write the report to `a/src/lib.rs/junit.xml`: [..]";
    let (code, error) = says(&ended);
    assert!(code == Some(1) && error.starts_with(expected.trim_end_matches("[..]")), "{}", ended.text());
    assert_eq!(ended.ran().len(), 1, "{}", ended.text());
    let (code, error) = says(&scene.call("fmt --junit a").run());
    assert_eq!((code, &*error), (Some(1), "error: cannot write the report to `a`: Is a directory (os error 21)"));
    assert_eq!(scene.call("fmt --dry-run --junit x.xml").run().code, Some(2));
}
