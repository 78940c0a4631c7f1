//! What git does not see, or cargo does not say, and a step depends on all the same.

use crate::call::Ended;
use crate::scene::Scene;

/// The reason of the only step that ran; `fresh` if none did.
#[track_caller]
fn why(ended: &Ended) -> String {
    let ran = ended.lines_of("Ran");
    let reason = ran.first().and_then(|line| line.split_once("] (")).map_or("fresh", |(_, reason)| reason);
    assert!(ran.len() <= 1, "{}", ended.text());
    reason.trim_end_matches(')').to_owned()
}

#[test]
fn lint_and_format_configuration_that_git_ignores() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "/target\nrustfmt.toml\n.clippy.toml\n");
    scene.call("fmt lint").succeeds();
    assert!(scene.call("fmt lint").succeeds().was_fresh());
    scene.write("rustfmt.toml", "max_width = 90\n");
    assert_eq!(why(&scene.call("fmt").succeeds()), "rustfmt.toml is new");
    scene.write("alpha/.clippy.toml", "msrv = \"1.80\"\n");
    assert!(why(&scene.call("lint").succeeds()).contains("alpha: .clippy.toml is new"));
}

#[test]
fn targets_that_git_ignores_and_cargo_finds_by_itself() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "/target\n*_gen.rs\nbuild.rs\n");
    scene.call("check").succeeds();
    scene.write("alpha/src/bin/x_gen.rs", "fn main() {}\n");
    assert_eq!(why(&scene.call("check").succeeds()), "alpha: src/bin/x_gen.rs is new");
    scene.write("alpha/build.rs", "fn main() { panic!() }\n");
    assert_eq!(scene.call("check").run().code, Some(1));
}

#[test]
fn a_module_that_git_ignores_is_formatted_all_the_same() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "/target\ngen.rs\n");
    scene.write("alpha/src/lib.rs", "pub mod r#gen;\n");
    scene.write("alpha/src/gen.rs", "pub fn one() {}\n");
    scene.call("fmt").succeeds();
    scene.write("alpha/src/gen.rs", "pub  fn one( ) {}\n");
    assert_eq!(scene.call("fmt").run().code, Some(1));
}

#[test]
fn a_target_in_another_folder_is_formatted_all_the_same() {
    let scene = Scene::of(&["alpha"]).file("tools/x.rs", "fn main() {}\n");
    scene.append("alpha/Cargo.toml", "[[bin]]\nname = \"x\"\npath = \"../tools/x.rs\"\n");
    scene.call("fmt").succeeds();
    assert!(scene.call("fmt").succeeds().was_fresh());
    scene.write("tools/x.rs", "fn  main( ) {}\n");
    assert_eq!(scene.call("fmt").run().code, Some(1));
}

#[test]
fn a_build_script_that_asks_for_nothing_where_git_lists_nothing() {
    let scene = Scene::of(&["alpha"]).file(".gitignore", "/target\nn.dat\n");
    scene.write("alpha/n.dat", "1");
    let script = "fn main() { println!(\"cargo:rustc-env=N={}\", std::fs::read_to_string(\"n.dat\").unwrap()); }\n";
    scene.write("alpha/build.rs", script);
    scene.append("alpha/src/lib.rs", "pub const N: &str = env!(\"N\");\n");
    scene.call("check").succeeds();
    assert!(scene.call("check").succeeds().was_fresh());
    scene.write("alpha/n.dat", "2");
    assert_eq!(why(&scene.call("check").succeeds()), "alpha changed");
}

#[test]
fn a_build_script_that_watches_what_is_not_there_runs_every_time() {
    let scene = Scene::of(&["alpha"]);
    scene.write("alpha/build.rs", "fn main() { println!(\"cargo:rerun-if-changed=none\"); }\n");
    let text = scene.call("check").succeeds().text();
    assert!(text.contains("alpha/none`, which is not there, so it runs every time"), "{text}");
    let again = why(&scene.call("check").succeeds());
    assert!(again.starts_with("not kept before: a build script watches `alpha/none`, which is not there"), "{again}");
}

#[test]
fn arguments_that_lead_cargo_elsewhere_or_make_it_speak_otherwise() {
    let scene = Scene::of(&["alpha"]).file("more.toml", "profile.dev.opt-level = 1\n");
    scene.append("alpha/src/lib.rs", "fn unused() {}\n");
    let with_config = || scene.call("check -- --config more.toml").succeeds();
    with_config();
    assert_eq!(why(&with_config()), "not cached because of --config");
    let short = scene.call("check -- --message-format=short").succeeds().text();
    assert!(short.contains("warning: function `unused` is never used"), "{short}");
    let long = scene.call("check").succeeds().text();
    assert!(long.contains("warning: function `unused` is never used"), "{long}");
    let again = scene.call("check").succeeds();
    assert!(again.was_fresh() && again.text().contains("warning: function `unused` is never used"), "{}", again.text());
}

#[test]
fn what_a_member_says_of_one_phase_is_nearer_than_what_it_says_of_all() {
    let make = "[lifecycle.say]\ncommand = \"echo $V > said\"\nenv = { V = \"1\" }\n\
                [workspace.alpha]\nenv = { V = \"2\", W = \"2\" }\nlifecycle.say.env = { V = \"3\" }\n";
    let scene = Scene::of(&["alpha"]).make(make);
    scene.call("say").succeeds();
    assert_eq!(std::fs::read_to_string(scene.at("alpha/said")).unwrap(), "3\n");
}

#[test]
fn standing_in_a_folder_of_make_toml_means_that_folder() {
    let make = "[workspace.site]\npath = \"site\"\nlifecycle.build.command = \"echo built\"\n";
    let scene = Scene::of(&["alpha"]).make(make).file("site/index.html", "");
    assert_eq!(scene.call("build").from("site").succeeds().ran(), ["build site (never cached)"]);
}

#[test]
fn a_folder_in_the_place_of_a_kept_file_is_in_the_way_once() {
    let scene = Scene::of(&["alpha"]);
    scene.call("check").succeeds();
    for name in ["records.bin", "files.bin"] {
        scene.remove(&format!("target/lifecycle/{name}"));
        std::fs::create_dir(scene.at(&format!("target/lifecycle/{name}"))).unwrap();
    }
    let text = scene.call("check").succeeds().text();
    assert!(text.contains("records.bin.damaged") && text.contains("files.bin.damaged"), "{text}");
    let again = scene.call("check").succeeds();
    assert!(again.was_fresh() && !again.text().contains("warning"), "{}", again.text());
}

#[test]
fn a_phase_that_waits_for_what_a_built_in_makes() {
    let scene = Scene::of(&["alpha"]).make(
        "[lifecycle.pack]\nscope = \"workspace\"\nneeds = [\"build\"]\ninputs = [\"pack.txt\"]\noutputs = [\"dist/alpha\"]\n\
         command = \"mkdir -p dist && cp target/debug/alpha dist/alpha\"\n",
    );
    let main = "fn main() { println!(\"{}\", option_env!(\"LABEL\").unwrap_or(\"none\")); }\n";
    scene.write("alpha/src/main.rs", main);
    scene.write("pack.txt", "");
    scene.call("pack").succeeds();
    assert!(scene.call("pack").succeeds().was_fresh());
    let text = scene.call("pack").env("LABEL", "one").succeeds().text();
    assert!(text.contains("Ran pack in [time] (depends on build"), "{text}");
    assert!(scene.call("pack").env("LABEL", "one").succeeds().was_fresh());
    let packed = std::process::Command::new(scene.at("dist/alpha")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&packed.stdout), "one\n");
}

#[test]
fn inputs_that_begin_in_the_target_directory_or_in_gits_folder() {
    let scene = Scene::of(&["alpha"]).make(
        "[lifecycle.gather]\nscope = \"workspace\"\ninputs = [\"target/gen/**\"]\noutputs = [\"all.txt\"]\n\
         command = \"cat target/gen/* > all.txt\"\n\n\
         [lifecycle.label]\ninputs = [\"//.git/HEAD\"]\ncommand = \"cat ../.git/HEAD\"\n\n\
         [lifecycle.everything]\nscope = \"workspace\"\ninputs = [\"target/**\"]\ncommand = \"true\"\n",
    );
    scene.write("target/gen/a", "1");
    scene.write(".git/HEAD", "ref: one\n");
    scene.call("gather label everything").succeeds();
    assert!(scene.call("gather label everything").succeeds().was_fresh(), "what is kept there is none of it");
    scene.write("target/gen/a", "2");
    assert_eq!(why(&scene.call("gather").succeeds()), "target/gen/a changed");
    scene.write("target/gen/b", "3");
    assert_eq!(why(&scene.call("gather").succeeds()), "target/gen/b is new");
    scene.write(".git/HEAD", "ref: two\n");
    assert_eq!(why(&scene.call("label").succeeds()), "//.git/HEAD changed");
    scene.call("everything").succeeds();
    scene.write("target/debug/other", "");
    assert_eq!(why(&scene.call("everything").succeeds()), "target/debug/other is new");
}
