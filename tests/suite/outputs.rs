//! Declared outputs: stored, checked, put back, and handed on to the steps that wait for them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::call::Ended;
use crate::scene::Scene;

/// A member `alpha` whose phase `gen` makes files in `alpha/out`, and tells beside the workspace that it ran.
fn scene() -> Scene {
    Scene::of(&["alpha"]).file("alpha/schema.txt", "one\n").make(
        r#"
[lifecycle.gen]
command = "echo ran >> $SIDE/ran; mkdir -p out/deep out/empty; tr a-z A-Z < schema.txt > out/deep/upper.txt; cp schema.txt out/run.sh; chmod 750 out/run.sh; ln -sfn deep/upper.txt out/link; echo generated"
inputs = ["schema.txt"]
outputs = ["out"]

[lifecycle.pack]
command = "echo packed >> $SIDE/ran; cat out/deep/upper.txt"
needs = ["gen"]
inputs = []
"#,
    )
}

fn read(scene: &Scene, path: &str) -> String {
    fs::read_to_string(scene.at(path)).unwrap()
}

/// The reason of a step that ran; `fresh` if it did not.
#[track_caller]
fn why(ended: &Ended, step: &str) -> String {
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    let ran = ended.ran();
    let line = ran.iter().find(|line| line.starts_with(step));
    let reason = line.and_then(|line| line.split_once(" ("));
    reason.map_or("fresh", |(_, reason)| reason).trim_end_matches(')').to_owned()
}

#[test]
fn outputs_come_back_as_they_were() {
    let scene = scene();
    scene.call("gen").succeeds();
    fs::remove_dir_all(scene.at("alpha/out")).unwrap();
    let ended = scene.call("gen").succeeds();
    assert_eq!(ended.lines_of("Fresh"), ["gen alpha (4 outputs restored)"]);
    assert_eq!(scene.left("ran"), "ran\n");
    assert_eq!(read(&scene, "alpha/out/deep/upper.txt"), "ONE\n");
    assert_eq!(read(&scene, "alpha/out/link"), "ONE\n");
    assert!(fs::symlink_metadata(scene.at("alpha/out/link")).unwrap().is_symlink());
    assert!(scene.at("alpha/out/empty").is_dir());
    let mode = fs::metadata(scene.at("alpha/out/run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
    // What the step printed is stored, too.
    assert!(scene.call("gen -v").succeeds().text().contains("generated"));
}

#[test]
fn a_changed_output_is_put_back_and_an_earlier_state_as_well() {
    let scene = scene();
    scene.call("gen").succeeds();
    scene.write("alpha/out/deep/upper.txt", "edited\n");
    fs::set_permissions(scene.at("alpha/out/run.sh"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(scene.at("alpha/out/link")).unwrap();
    symlink("elsewhere", scene.at("alpha/out/link")).unwrap();
    assert!(scene.call("gen").succeeds().was_fresh());
    assert_eq!(read(&scene, "alpha/out/deep/upper.txt"), "ONE\n");
    assert_eq!(read(&scene, "alpha/out/link"), "ONE\n");
    assert_eq!(fs::metadata(scene.at("alpha/out/run.sh")).unwrap().permissions().mode() & 0o777, 0o750);

    scene.write("alpha/schema.txt", "two\n");
    assert_eq!(why(&scene.call("gen").succeeds(), "gen"), "schema.txt changed");
    assert_eq!(read(&scene, "alpha/out/link"), "TWO\n");
    scene.write("alpha/schema.txt", "one\n");
    assert!(scene.call("gen").succeeds().was_fresh(), "as it was at first");
    assert_eq!(read(&scene, "alpha/out/link"), "ONE\n");
    assert_eq!(scene.left("ran"), "ran\nran\n");
}

#[test]
fn a_file_that_the_step_did_not_write_stays_the_users() {
    let scene = scene().file("alpha/out/README", "by hand\n");
    scene.call("gen").succeeds();
    scene.write("alpha/out/notes", "new\n");
    let there = "`alpha/out/notes` is there, which its run in this state did not leave";
    assert_eq!(why(&scene.call("gen").succeeds(), "gen"), there);
    assert!(scene.call("gen").succeeds().was_fresh(), "what nobody made before is nobody's output");
    scene.write("alpha/out/README", "edited\n");
    assert_eq!(why(&scene.call("gen").succeeds(), "gen"), "`alpha/out/README` is missing or changed");
    assert_eq!(
        (read(&scene, "alpha/out/README"), read(&scene, "alpha/out/notes")),
        ("edited\n".into(), "new\n".into())
    );
    assert!(scene.call("gen").succeeds().was_fresh());
    fs::remove_file(scene.at("alpha/out/deep/upper.txt")).unwrap();
    assert!(scene.call("gen").succeeds().was_fresh());
    assert_eq!(
        (read(&scene, "alpha/out/README"), read(&scene, "alpha/out/notes")),
        ("edited\n".into(), "new\n".into())
    );
}

#[test]
fn a_generator_that_leaves_equal_files_alone_has_made_them_all_the_same() {
    let scene = Scene::of(&["alpha"]).file("alpha/schema.txt", "one\n").make(
        "[lifecycle.gen]\ncommand = \"cmp -s schema.txt out.txt || cp schema.txt out.txt\"\n\
         inputs = [\"schema.txt\", \"more\"]\noutputs = [\"out.txt\"]\n",
    );
    scene.call("gen").succeeds();
    scene.write("alpha/more", "");
    assert_eq!(why(&scene.call("gen").succeeds(), "gen"), "more is new");
    fs::remove_file(scene.at("alpha/out.txt")).unwrap();
    assert!(scene.call("gen").succeeds().was_fresh());
    assert_eq!(read(&scene, "alpha/out.txt"), "one\n");
}

#[test]
fn the_same_result_again_stops_there() {
    let scene = scene();
    scene.call("pack").succeeds();
    assert_eq!(scene.take("ran"), "ran\npacked\n");
    scene.write("alpha/schema.txt", "ONE\n");
    let ended = scene.call("pack").succeeds();
    assert_eq!(why(&ended, "gen"), "schema.txt changed");
    assert_eq!(why(&ended, "pack"), "outputs of gen alpha changed", "out/run.sh is another");
    scene.write("alpha/make", "");
    assert_eq!(scene.take("ran"), "ran\npacked\n");
    assert_eq!(why(&scene.call("gen --force").succeeds(), "gen"), "forced");
    assert_eq!(why(&scene.call("pack").succeeds(), "pack"), "fresh");
    let text = "[lifecycle.gen]\ncommand = \"echo ran >> $SIDE/ran; tr a-z A-Z < schema.txt > out\"\n\
                inputs = [\"schema.txt\"]\noutputs = [\"out\"]\n\
                [lifecycle.pack]\ncommand = \"cat out\"\nneeds = [\"gen\"]\ninputs = []\n";
    let scene = Scene::of(&["alpha"]).file("alpha/schema.txt", "one\n").make(text);
    scene.call("pack").succeeds();
    scene.write("alpha/schema.txt", "One\n");
    let ended = scene.call("pack").succeeds();
    assert_eq!((&*why(&ended, "gen"), &*why(&ended, "pack")), ("schema.txt changed", "fresh"));
    scene.write("alpha/schema.txt", "two\n");
    let ended = scene.call("pack").succeeds();
    assert_eq!((&*why(&ended, "gen"), &*why(&ended, "pack")), ("schema.txt changed", "outputs of gen alpha changed"));
}

#[test]
fn ignored_code_that_a_phase_generates_is_compiled_again_when_it_changes() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "/target\nmade.rs\n").file("alpha/words.txt", "1").make(
        "[lifecycle.gen]\ncommand = \"echo \\\"pub const N: u32 = $(cat words.txt);\\\" > src/made.rs\"\n\
         inputs = [\"words.txt\"]\noutputs = [\"src/made.rs\"]\n[hooks]\nbefore_check = [\"gen\"]\n",
    );
    scene.write("alpha/src/lib.rs", "mod made;\npub use made::N;\n");
    scene.call("check").succeeds();
    assert!(scene.call("check").succeeds().was_fresh());
    scene.write("alpha/words.txt", "2");
    let ended = scene.call("check").succeeds();
    assert_eq!(why(&ended, "gen"), "words.txt changed");
    assert!(why(&ended, "check").contains("changed"), "{}", ended.text());
    scene.write("alpha/words.txt", "no number");
    assert_eq!(scene.call("check").run().code, Some(1));
    scene.write("alpha/words.txt", "1");
    assert!(scene.call("check").succeeds().was_fresh(), "{}", scene.call("check --explain").succeeds().text());
    assert!(read(&scene, "alpha/src/made.rs").contains("= 1"));
}

#[test]
fn a_step_that_says_it_makes_nothing_leaves_others_fresh() {
    let text = |outputs: &str| {
        format!(
            "[lifecycle.tell]\ncommand = \"true\"\ncache = false\n{outputs}\n\
             [lifecycle.pack]\ncommand = \"true\"\nneeds = [\"tell\"]\ninputs = []\n"
        )
    };
    let scene = Scene::of(&["alpha"]).make(&text("outputs = []"));
    scene.call("pack").succeeds();
    assert_eq!(why(&scene.call("pack").succeeds(), "pack"), "fresh");
    scene.write("make.toml", &text(""));
    scene.call("pack").succeeds();
    assert_eq!(why(&scene.call("pack").succeeds(), "pack"), "depends on tell alpha");
}

#[test]
fn two_steps_that_claim_the_same_output_are_an_error_before_anything_runs() {
    let scene = Scene::of(&["alpha", "beta"]).make(
        "[lifecycle.one]\ncommand = \"touch $SIDE/ran\"\noutputs = [\"gen/**\"]\n\
         [lifecycle.two]\ncommand = \"touch $SIDE/ran\"\noutputs = [\"//alpha/gen/*.rs\"]\nworkspaces = [\"beta\"]\n",
    );
    scene.call("one two").shows(
        r#"
error: `one alpha` and `two beta` claim the same output: `//alpha/gen/*.rs`
 --> make.toml:6:12
  |
6 | outputs = ["//alpha/gen/*.rs"]
  |            ^^^^^^^^^^^^^^^^^^ an output of `two beta`
  |
 ::: make.toml:3:12
  |
3 | outputs = ["gen/**"]
  |            -------- an output of `one alpha`
  |
  = help: an output belongs to one step; let one of them write it, or give each a folder of its own
[exit 3]
"#,
    );
    assert!(!scene.beside("ran").exists());
    scene.call("one").succeeds();
}

#[test]
fn what_cannot_be_stored_is_said_and_not_kept() {
    let of = |command: &str| {
        Scene::of(&["alpha"])
            .make(&format!("[lifecycle.gen]\ncommand = '{command}'\ninputs = []\noutputs = [\"out/**\"]\n"))
    };
    for (command, said) in [
        ("mkdir -p out; ln -sfn /etc/passwd out/x", "out/x` links to outside of the workspace"),
        ("mkdir -p out; ln -sfn ../../../x out/x", "out/x` links to outside of the workspace"),
        ("mkdir -p out; [ -e out/x ] || mkfifo out/x", "out/x` is neither a file nor a link"),
        ("ln -sfn src out", "out` is a link"),
        ("mkdir -p out; touch out/$(printf \"\\377\")", "is not valid Unicode"),
    ] {
        let scene = of(command);
        let ended = scene.call("gen").succeeds();
        assert!(ended.err().contains(said), "{command}: {}", ended.text());
        assert!(!scene.call("gen").succeeds().was_fresh(), "{command}");
    }
    let scene = of("true");
    assert!(scene.call("gen").succeeds().err().contains("`outputs` of gen alpha name no file that is there"));
}

#[test]
fn a_stored_file_that_was_damaged_or_removed_is_dropped_and_the_step_runs() {
    let scene = scene();
    let stored = || {
        let files = walkdir::WalkDir::new(scene.at("target/lifecycle/blobs")).into_iter().map(Result::unwrap);
        let found = files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
        found.filter(|path| fs::read(path).unwrap() == b"ONE\n").collect::<Vec<_>>()
    };
    scene.call("gen").succeeds();
    for damage in ["ONF\n", "ON", ""] {
        let [blob] = &stored()[..] else { panic!("{:?}", stored()) };
        fs::write(blob, damage).unwrap();
        assert!(scene.call("gen").succeeds().was_fresh(), "it is in place, so nobody looks at what is stored");
        fs::remove_file(scene.at("alpha/out/deep/upper.txt")).unwrap();
        let ended = scene.call("gen").succeeds();
        assert_eq!(why(&ended, "gen"), "the stored output `alpha/out/deep/upper.txt` is gone", "{damage}");
        assert_eq!(read(&scene, "alpha/out/deep/upper.txt"), "ONE\n");
    }
    fs::remove_dir_all(scene.at("target/lifecycle/blobs")).unwrap();
    assert!(why(&scene.call("gen").succeeds(), "gen").contains("no longer stored"));
}

#[test]
fn nothing_is_written_through_a_link_or_over_a_folder() {
    let scene = scene();
    scene.call("gen").succeeds();
    fs::remove_dir_all(scene.at("alpha/out")).unwrap();
    let outside = scene.beside("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, scene.at("alpha/out")).unwrap();
    let ended = scene.call("gen").succeeds();
    let there = "`alpha/out` is there, which its run in this state did not leave";
    assert_eq!(why(&ended, "gen"), there, "{}", ended.text());
    // The step itself may write where it likes; what it made is not kept.
    assert!(ended.err().contains("links to outside of the workspace"), "{}", ended.text());

    let scene = self::scene();
    scene.call("gen").succeeds();
    fs::remove_file(scene.at("alpha/out/run.sh")).unwrap();
    fs::create_dir(scene.at("alpha/out/run.sh")).unwrap();
    let ended = scene.call("gen").run();
    assert!(ended.err().contains("run.sh` is in the way of an output"), "{}", ended.text());
    assert!(scene.at("alpha/out/run.sh").is_dir());
}

#[test]
fn a_step_that_changes_its_own_input_is_told_so() {
    let scene = Scene::of(&["alpha"])
        .file("alpha/n", "")
        .make("[lifecycle.count]\ncommand = \"echo x >> n; cp n out\"\ninputs = [\"n\"]\noutputs = [\"out\"]\n");
    for _ in 0..2 {
        let ended = scene.call("count").succeeds();
        assert_eq!(ended.ran().len(), 1);
        assert!(ended.err().contains("inputs of count alpha changed during the run (alpha: n)"), "{}", ended.text());
    }
    // Its own outputs are none of its inputs.
    let scene = Scene::of(&["alpha"])
        .make("[lifecycle.gen]\ncommand = \"date +%N > src/made.rs\"\noutputs = [\"src/made.rs\"]\n");
    scene.call("gen").succeeds();
    assert!(scene.call("gen").succeeds().was_fresh());
}

#[test]
fn outputs_of_the_workspace_and_outputs_elsewhere() {
    let scene = Scene::of(&["alpha", "beta"]).make(
        "[lifecycle.gen]\nscope = \"workspace\"\ncommand = \"echo $N > alpha/made; echo $N > top\"\ninputs = []\nenv-inputs = [\"N\"]\n\
         outputs = [\"alpha/made\", \"//top\"]\n\
         [lifecycle.give]\ncommand = \"cp ../alpha/made ../out-{name}\"\nneeds = [\"gen\"]\ninputs = []\n\
         outputs = [\"//out-alpha\"]\nworkspaces = [\"alpha\"]\n",
    );
    let with = |n: &str| scene.call("give").env("N", n).succeeds();
    with("1");
    assert!(with("1").was_fresh());
    let ended = with("2");
    assert_eq!((&*why(&ended, "gen"), &*why(&ended, "give")), ("N changed", "outputs of gen changed"));
    assert!(with("1").was_fresh());
    assert_eq!(
        (read(&scene, "alpha/made"), read(&scene, "top"), read(&scene, "out-alpha")),
        ("1\n".into(), "1\n".into(), "1\n".into())
    );
}

#[test]
fn work_that_stands_in_the_places_of_outputs_is_not_lost() {
    // A phase that edits in place: what it edits is somebody's, and is never put back.
    let scene = Scene::of(&["alpha"]).file("alpha/VERSION", "").make(
        "[lifecycle.bump]\ncommand = \"sed -i s/0.1.0/0.2.0/ Cargo.toml\"\ninputs = [\"VERSION\"]\noutputs = [\"Cargo.toml\"]\n",
    );
    scene.call("bump").succeeds();
    scene.append("alpha/Cargo.toml", "[features]\nx = []\n");
    assert_eq!(why(&scene.call("bump").succeeds(), "bump"), "`alpha/Cargo.toml` is missing or changed");
    assert!(read(&scene, "alpha/Cargo.toml").ends_with("[features]\nx = []\n"));
    // What takes the place of an output of its own making is laid aside.
    let scene = self::scene();
    scene.call("gen").succeeds();
    scene.write("alpha/out/deep/upper.txt", "hours of work\n");
    let ended = scene.call("gen").succeeds();
    assert!(ended.was_fresh() && read(&scene, "alpha/out/deep/upper.txt") == "ONE\n");
    let said = ended.err();
    let place = said.split("what stood there is in `[root]/").nth(1).unwrap().split('`').next().unwrap();
    assert_eq!(read(&scene, place), "hours of work\n");
    scene.call("--cache-clean").succeeds();
    assert!(!scene.at("target/lifecycle").exists());
}

#[test]
fn what_comes_through_a_step_that_makes_nothing() {
    let scene = Scene::of(&["alpha"]).file("alpha/s.txt", "1").file(".gitignore", "/target\ng.txt\n").make(
        "[lifecycle.gen]\ncommand = \"cp s.txt g.txt\"\ninputs = [\"s.txt\"]\noutputs = [\"g.txt\"]\n\
         [lifecycle.prepare]\ncommand = \"true\"\ninputs = []\noutputs = []\nneeds = [\"gen\"]\n\
         [lifecycle.pack]\ncommand = \"cat g.txt > pack.txt\"\ninputs = [\"src/**\"]\noutputs = [\"pack.txt\"]\n\
         [hooks]\nbefore_pack = [\"prepare\"]\n",
    );
    scene.call("pack").succeeds();
    assert!(scene.call("pack").succeeds().was_fresh());
    scene.write("alpha/s.txt", "2");
    scene.call("pack").succeeds();
    assert_eq!(read(&scene, "alpha/pack.txt"), "2");
}

#[test]
fn what_stood_in_the_way_of_an_output_is_not_taken_for_one() {
    let scene = Scene::of(&["a"])
        .make("[lifecycle.go]\ninputs = [\"in\"]\noutputs = [\"out\"]\ncommand = \"cat in > out; true\"\n");
    scene.write("a/in", "1");
    scene.write(".gitignore", "out\n");
    scene.call("go").succeeds();
    fs::remove_file(scene.at("a/out")).unwrap();
    fs::create_dir(scene.at("a/out")).unwrap();
    scene.call("go").succeeds();
    fs::remove_dir(scene.at("a/out")).unwrap();
    scene.call("go").succeeds();
    assert_eq!(fs::read_to_string(scene.at("a/out")).unwrap(), "1");
}
