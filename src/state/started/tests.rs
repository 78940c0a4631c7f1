//! Runs that end in order, are dropped, and go on beside one another; what their files say.

use std::time::Duration;

use super::*;

fn home(folder: &tempfile::TempDir) -> Home {
    Home::new(&folder.path().join("target"), folder.path())
}

fn last() -> LastRun {
    let (ended, key) = (Ended::Succeeded, Some(Digest([1; 32])));
    LastRun { ended, key, duration_ms: 1, finished_at: 1, not_kept: None, was_fresh: false, is_unknown: false }
}

fn steps(names: &[&str]) -> BTreeMap<String, LastRun> {
    names.iter().map(|name| ((*name).to_owned(), last())).collect()
}

/// Writes what a run of these steps has to write at its end.
fn settle(home: &Home, started: &Started, names: &[&str]) {
    let mut guard = home.lock().unwrap();
    let settling = started.settling();
    let mut steps = steps(names);
    let mut state = State::current(&mut guard, home, &|_| true);
    settling.apply(&mut state, &mut steps);
    state.write(&mut guard, home, &steps).unwrap();
    settling.end();
}

/// The steps of which nobody knows in which state they are.
fn unknown(home: &Home) -> Vec<String> {
    let (state, warning) = State::load(home);
    assert_eq!(warning, None);
    state.steps.into_iter().filter(|(_, last)| last.is_unknown).map(|(step, _)| step).collect()
}

/// Another test's child may have our lock until it is another program.
fn die(home: &Home, run: Started) {
    let path = run.path.clone();
    drop(run);
    while left(home).iter().any(|left| left.path == path && left.is_alive) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_a_run_has_begun_is_unknown_until_it_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let run = Started::new(&home, "run");
    assert!(!run.is_any() && !home.shared().exists(), "nothing is written before something begins");
    settle(&home, &run, &["a", "b", "c"]);
    let run = Started::new(&home, "run");
    run.begins("a", None).unwrap();
    run.begins("b\n\"", None).unwrap();
    run.begins("b", None).unwrap();
    run.ends("b");
    assert_eq!(unknown(&home), ["a", "b"]);
    settle(&home, &run, &["a"]);
    assert_eq!(unknown(&home), ["b"], "it has begun, and nothing is known of its end");
    assert!(!super::folder(&home).exists());
}

#[test]
fn what_a_dead_run_has_begun_stays_unknown_until_it_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    settle(&home, &Started::new(&home, "run"), &["a", "b", "c"]);
    let dead = Started::new(&home, "dead");
    dead.begins("a", None).unwrap();
    dead.begins("b", None).unwrap();
    die(&home, dead);
    assert_eq!(unknown(&home), ["a", "b"]);
    let next = Started::new(&home, "next");
    next.begins("b", None).unwrap();
    settle(&home, &next, &["b"]);
    assert_eq!(unknown(&home), ["a"]);
    assert!(!super::folder(&home).exists());
}

#[test]
fn of_runs_beside_one_another_the_last_one_counts_if_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    settle(&home, &Started::new(&home, "run"), &["a"]);
    // One after the other: what the other one did is what stands there.
    let (one, other) = (Started::new(&home, "one"), Started::new(&home, "other"));
    one.begins("a", None).unwrap();
    one.ends("a");
    other.begins("a", None).unwrap();
    settle(&home, &other, &["a"]);
    assert_eq!(unknown(&home), [""; 0]);
    assert!(one.settling().is_overtaken("a"));
    settle(&home, &one, &["a"]);
    assert_eq!(unknown(&home), [""; 0]);
    // At once, whoever ends first.
    for is_first in [true, false] {
        let (one, other) = (Started::new(&home, "one"), Started::new(&home, "other"));
        one.begins("a", None).unwrap();
        other.begins("a", None).unwrap();
        let both = if is_first { [&one, &other] } else { [&other, &one] };
        both.into_iter().for_each(|run| settle(&home, run, &["a"]));
        assert_eq!(unknown(&home), ["a"]);
        // Under one key they do the same.
        let (one, other) = (Started::new(&home, "one"), Started::new(&home, "other"));
        let key = last().key;
        one.begins("a", key).unwrap();
        other.begins("a", key).unwrap();
        settle(&home, if is_first { &one } else { &other }, &["a"]);
        assert_eq!(unknown(&home), ["a"], "the other one may be killed, and leave half of it");
        let rest = if is_first { other } else { one };
        rest.ends("a");
        settle(&home, &rest, &["a"]);
        assert_eq!(unknown(&home), [""; 0]);
        let later = Started::new(&home, "later");
        later.begins("a", None).unwrap();
        settle(&home, &later, &["a"]);
        assert_eq!(unknown(&home), [""; 0]);
    }
}

#[test]
fn a_run_that_goes_on_keeps_its_file_and_makes_another_where_that_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let run = Started::new(&home, "run");
    run.begins("a", None).unwrap();
    settle(&home, &Started::new(&home, "other"), &["a", "b"]);
    assert_eq!(unknown(&home), ["a"]);
    fs::remove_dir_all(super::folder(&home)).unwrap();
    run.begins("b", None).unwrap();
    assert_eq!(unknown(&home), ["a", "b"]);
    fs::remove_dir_all(home.shared()).unwrap();
    run.cleaned();
    run.begins("c", None).unwrap();
    assert!(!home.shared().exists());
    run.close();
    run.begins("d", None).unwrap();
    assert!(!home.shared().exists());
}

#[test]
fn where_nothing_can_be_noted_no_state_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    settle(&home, &Started::new(&home, "run"), &["a"]);
    fs::write(super::folder(&home), "in the way").unwrap();
    Started::new(&home, "run").begins("a", None).unwrap();
    assert_eq!(State::load(&home), (State::default(), None));
    // Neither the one nor the other.
    fs::create_dir_all(crate::state::path(&home).join("in the way")).unwrap();
    Started::new(&home, "run").begins("a", None).unwrap_err();
}

#[test]
fn a_file_that_is_not_whole_or_of_another_boot_tells_nothing() {
    let key = Some(Digest([7; 32]));
    let lines =
        [begun("a b", key), line('-', "a b"), line('!', "a b"), begun("c\n", None), line('!', "c\n"), begun("d", None)];
    let text = format!("boot x\n{}", lines.concat());
    let stage = |key, has_ended, is_overtaken, is_beside| Stage { key, has_ended, is_overtaken, is_beside };
    let stages = [
        ("a b", stage(key, true, true, false)),
        ("c\n", stage(None, false, true, true)),
        ("d", stage(None, false, false, false)),
    ];
    assert_eq!(parse(text.as_bytes(), "x"), Some(stages.map(|(step, stage)| (step.to_owned(), stage)).into()));
    assert_eq!(parse(text.as_bytes(), "y"), None);
    let is_line = |cut: usize| cut > 0 && text.as_bytes()[cut - 1] == b'\n';
    for cut in (0..text.len()).filter(|cut| !is_line(*cut)) {
        assert_eq!(parse(&text.as_bytes()[..cut], "x"), None, "cut at {cut}");
    }
    for bad in [
        "boot x\n?[\"a\",null]\n",
        "boot x\n+\"a\"\n",
        "boot x\n+[\"a\",\"0\"]\n",
        "boot x\n\n",
        "boot x\n\u{e9}\n",
        "\0\0\0\n",
    ] {
        assert_eq!(parse(bad.as_bytes(), "x"), None, "{bad:?}");
    }
    assert_eq!(parse(b"boot x\n+\"\xff\"\n", "x"), None);
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    settle(&home, &Started::new(&home, "run"), &["a", "b"]);
    fs::create_dir(super::folder(&home)).unwrap();
    fs::write(super::folder(&home).join(".new-x"), "half").unwrap();
    assert_eq!(unknown(&home), [""; 0], "it is not there yet");
    fs::write(super::folder(&home).join("x"), "half").unwrap();
    assert_eq!(unknown(&home), ["a", "b"]);
}

#[test]
fn readers_do_not_take_one_another_for_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(&folder);
    let dead = Started::new(&home, "dead");
    dead.begins("a", None).unwrap();
    die(&home, dead);
    let run = Started::new(&home, "alive");
    run.begins("a", None).unwrap();
    let alive = || left(&home).iter().filter(|left| left.is_alive).count();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..50).map(|_| alive()).max())).collect();
        readers.into_iter().for_each(|reader| assert_eq!(reader.join().unwrap(), Some(1)));
    });
    die(&home, run);
}
