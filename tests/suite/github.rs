//! `--message-format github`: the lines as GitHub's runner reads them, and the summary file.

use std::fs;

use crate::call::{Call, Ended};
use crate::scene::Scene;

/// A call as GitHub makes it, with the scene as the repository.
fn on_github(scene: &Scene, words: &str) -> Call {
    let call = scene.call(words).env("GITHUB_ACTIONS", "true").env("CI", "true").env("NO_COLOR", "1");
    call.env("GITHUB_WORKSPACE", scene.root()).env("GITHUB_STEP_SUMMARY", scene.beside("summary.md"))
}

/// The lines that the runner takes for commands, as it does: between `stop-commands` and its token it takes none.
fn commands(ended: &Ended) -> Vec<String> {
    let (mut found, mut stopped) = (Vec::new(), None);
    for line in ended.out().split(['\n', '\r']) {
        let line = line.trim_start();
        if let Some(token) = &stopped {
            if line == format!("::{token}::") {
                stopped = None;
            }
        } else if let Some(token) = line.strip_prefix("::stop-commands::") {
            assert!(token.len() >= 32);
            stopped = Some(token.to_owned());
        } else if line.starts_with("::") || line.contains("##[") {
            found.push(line.to_owned());
        }
    }
    assert_eq!(stopped, None, "commands are taken again at the end");
    let opened = found.iter().filter(|line| line.starts_with("::group::")).count();
    assert_eq!(opened, found.iter().filter(|line| *line == "::endgroup::").count());
    found
}

fn annotations(ended: &Ended) -> Vec<String> {
    let is_one = |line: &String| line.starts_with("::error ") || line.starts_with("::warning ");
    commands(ended).into_iter().filter(is_one).collect()
}

#[test]
fn warnings_are_annotations_once_each_and_again_when_they_are_fresh() {
    let scene = Scene::of(&["a", "b"]);
    scene.append("a/src/lib.rs", "fn unused() {}\n");
    let expected = [
        "::warning file=a/src/lib.rs,line=2,col=4,endLine=2,endColumn=10,title=check (2 members)::function `unused` is never used",
    ];
    let ended = on_github(&scene, "check").succeeds();
    assert_eq!(annotations(&ended), expected, "{}", ended.text());
    assert!(
        commands(&ended)[1].starts_with("::group::Ran check (2 members) in [time] (first run)"),
        "{}",
        ended.text()
    );
    assert!(ended.stderr.is_empty(), "one stream keeps the order");
    assert_eq!(annotations(&on_github(&scene, "check").succeeds()), expected);
    let summary = scene.take("summary.md");
    assert!(summary.contains("| check (2 members) | ✅ ran | first run |"), "{summary}");
    assert!(summary.contains("| check (2 members) | 💤 cached |"), "both calls are in it: {summary}");
}

#[test]
fn errors_stand_at_their_places_in_the_repository() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "fn wrong() -> u8 { \"\" }\nfn more(b: bool) -> u8 {\n    while b {\n    }\n}\n");
    let call = on_github(&scene, "check").env("GITHUB_WORKSPACE", scene.root().parent().unwrap());
    let ended = call.run();
    assert_eq!(ended.code, Some(1));
    let found = annotations(&ended);
    assert_eq!(
        found,
        [
            "::error file=shop/a/src/lib.rs,line=2,col=20,endLine=2,endColumn=22,title=error[E0308]::mismatched types",
            "::error file=shop/a/src/lib.rs,line=4,endLine=5,title=error[E0308]::mismatched types",
        ],
        "{}",
        ended.text()
    );
    let summary = scene.left("summary.md");
    assert!(summary.contains("#### check (1 member): exit status 101 (a)"), "{summary}");
    assert!(summary.contains("mismatched types"), "{summary}");
}

#[test]
fn a_failed_test_is_an_error_where_it_panicked() {
    let scene = Scene::of(&["a"]);
    scene.append("a/src/lib.rs", "#[test]\nfn bad() {\n    assert_eq!(1, 2, \"50 %\");\n}\n");
    let ended = on_github(&scene, "test").run();
    assert_eq!(ended.code, Some(1));
    let found = annotations(&ended);
    assert_eq!(found.len(), 1, "{}", ended.text());
    assert!(found[0].starts_with("::error file=a/src/lib.rs,line=4,col=5,title=a%3A bad::"), "{found:?}");
    assert!(found[0].contains("%0A") && found[0].contains("50 %25"), "{found:?}");
}

#[test]
fn a_step_without_diagnostics_is_an_error_all_the_same() {
    let scene = Scene::of(&["a"]).make("[lifecycle.go]\ncommand = \"echo 'why: ```'; exit 3\"\n");
    let ended = on_github(&scene, "go").run();
    assert_eq!(annotations(&ended), ["::error title=go a::exit status 3"], "{}", ended.text());
    let summary = scene.left("summary.md");
    assert!(summary.contains("\n````text\nwhy: ```\n````\n"), "{summary}");
}

#[test]
fn what_a_step_prints_is_never_a_command() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.evil]\ncommands = [\n  \"echo '::error::one'\",\n  \"printf 'x\\\\r::set-env name=A::two\\\\n'\",\n  \
         \"echo '##[error]three'\",\n  \"echo ::endgroup::; printf '::add-mask::four'\",\n]\n",
    );
    let ended = on_github(&scene, "evil").succeeds();
    let found = commands(&ended);
    assert_eq!(found.len(), 2, "{}", ended.text());
    assert!(ended.out().contains("::error::one"), "it is shown: {}", ended.text());
    let tokens = |ended: &Ended| {
        let out = ended.out();
        out.lines().find_map(|line| line.strip_prefix("::stop-commands::").map(str::to_owned)).unwrap()
    };
    assert_ne!(tokens(&ended), tokens(&on_github(&scene, "evil").succeeds()), "nobody can know it before");
}

#[test]
fn the_form_is_chosen_by_itself_unless_another_is_asked_for() {
    let scene = Scene::of(&["a"]);
    let human = on_github(&scene, "check --message-format human").succeeds();
    assert!(human.stdout.is_empty() && human.ran().len() == 1, "{}", human.text());
    assert!(scene.left("summary.md").is_empty());
    let by_hand = scene.call("check --force --message-format github").succeeds();
    assert!(by_hand.out().contains("::group::Ran check (1 member)"), "{}", by_hand.text());
}

#[test]
fn a_report_for_junit_is_written_besides_and_a_summary_that_cannot_be_is_an_error() {
    let scene = Scene::of(&["a"]);
    on_github(&scene, "check --junit target/junit.xml").succeeds();
    let text = fs::read_to_string(scene.at("target/junit.xml")).unwrap();
    assert!(roxmltree::Document::parse(&text).is_ok());
    let ended = on_github(&scene, "check").env("GITHUB_STEP_SUMMARY", scene.root()).run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert!(ended.err().contains("cannot write the summary to `[root]`"), "{}", ended.text());
}

#[test]
fn what_an_attempt_printed_that_failed_is_there_and_what_is_flaky_is_named() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.go]\nretries = 2\n\
        command = \"test -e $SIDE/tried && exit; touch $SIDE/tried; echo the reason why; exit 3\"\n",
    );
    let ended = on_github(&scene, "go").succeeds();
    let lines = ended.out();
    let place = |text: &str| lines.find(text).unwrap_or_else(|| panic!("{text}: {lines}"));
    assert!(place("::group::Retrying go a: attempt 1 of 3 failed: exit status 3") < place("the reason why"));
    place("Flaky go a (2 of 3 attempts)");
    let summary = fs::read_to_string(scene.beside("summary.md")).unwrap();
    assert!(summary.contains("flaky: go a (2 of 3 attempts)"), "{summary}");
}
