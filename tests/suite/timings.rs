//! `--timings`, `--trace`, `--flamegraph` and `profile = true`: what real runs write, and where.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::scene::Scene;

const FOLDER: &str = "target/lifecycle/timings";

/// The pages in the folder, in order; the newest run's comes last.
fn pages(scene: &Scene) -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(scene.at(FOLDER)).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

/// The data in a page.
#[track_caller]
fn data(path: &Path) -> Value {
    let page = fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Each row: its name, how it ended, why it ran.
fn rows(data: &Value) -> Vec<(String, String, String)> {
    let text = |place: &Value| place.as_i64().and_then(|place| data["texts"].get(usize::try_from(place).ok()?));
    let text = |place: &Value| text(place).map_or_else(String::new, |text| text.as_str().unwrap().to_owned());
    let rows = data["tasks"].as_array().unwrap();
    rows.iter().map(|row| (text(&row[0]), text(&row[3]), text(&row[4]))).collect()
}

#[test]
fn a_hook_for_another_end_was_neither_run_nor_cancelled() {
    let scene = Scene::of(&["a"]).make(
        "[lifecycle.go]\ncommand = \"true\"\n[lifecycle.tell]\nscope = \"workspace\"\ncommand = \"true\"\n\
        [lifecycle.mourn]\nscope = \"workspace\"\ncommand = \"true\"\n\
        [hooks]\non_success = [\"tell\"]\non_error = [\"mourn\"]\n",
    );
    scene.call("go --timings").succeeds();
    let rows = rows(&data(pages(&scene).last().unwrap()));
    let ended: Vec<&str> = rows.iter().map(|(_, outcome, _)| &**outcome).collect();
    assert_eq!(ended, ["succeeded", "succeeded", "uncalled"], "{rows:?}");
}

#[test]
fn the_page_tells_of_steps_and_tests_how_they_ended_and_why_they_ran() {
    let scene = Scene::of(&["a", "b"]).make(
        "[lifecycle.gen]\ncommand = \"true\"\ninputs = [\"src/**\"]\n\
         [lifecycle.bad]\ncommand = \"false\"\nscope = \"workspace\"\nneeds = [\"gen\"]\n\
         [lifecycle.then]\ncommand = \"true\"\nscope = \"workspace\"\nneeds = [\"bad\"]\n",
    );
    scene.append("a/src/lib.rs", "#[test]\nfn good() {}\n");
    scene.call("gen -p a").succeeds();
    let ended = scene.call("gen test then --keep-going --timings").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    let pages = pages(&scene);
    let [own, newest] = &pages[..] else { panic!("{pages:?}") };
    assert_eq!(newest.file_name().unwrap(), "timings.html");
    let told = ended.lines_of("Timings");
    assert_eq!(told, [format!("[root]/{FOLDER}/{}", own.file_name().unwrap().to_str().unwrap())]);
    assert_eq!(fs::read(own).unwrap(), fs::read(newest).unwrap());
    let data = data(own);
    assert_eq!(data["workspace"], "shop");
    assert!(own.to_str().unwrap().ends_with(&format!("timings-{}.html", data["run"].as_str().unwrap())));
    let rows = rows(&data);
    for (name, outcome, why) in [
        ("gen a", "cached", ""),
        ("gen b", "succeeded", "first run"),
        ("bad", "failed", "never cached"),
        ("then", "skipped", ""),
        ("test", "succeeded", "first run"),
        ("a", "succeeded", "first run"),
    ] {
        assert!(rows.contains(&(name.into(), outcome.into(), why.into())), "{name}: {rows:#?}");
    }
    let end = data["end"].as_u64().unwrap();
    for bar in data["bars"].as_array().unwrap() {
        assert!(bar[2].as_u64().unwrap() + bar[3].as_u64().unwrap() <= end, "{bar}");
    }
    assert!(!data["path"].as_array().unwrap().is_empty());

    scene.call("gen --timings -q").succeeds().shows("[exit 0]\n");
    assert_eq!(self::pages(&scene).len(), 3, "one for each run, and the newest");
    scene.call("--cache-clean").succeeds();
    assert!(!scene.at(FOLDER).exists());
}

#[test]
fn the_pages_of_the_newest_runs_stay() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ncommand = \"true\"\n");
    for run in 1..=20 {
        scene.write(&format!("{FOLDER}/timings-{}-77.html", 1_700_000_000_000_u64 + run), "a page");
    }
    let others = ["mine.html", "timings-of-mine.html", "timings-12-x.html"];
    others.iter().for_each(|name| scene.write(&format!("{FOLDER}/{name}"), "somebody's"));
    let told = scene.call("say --timings").succeeds().lines_of("Timings");
    let pages = pages(&scene);
    let names: Vec<&str> = pages.iter().map(|page| page.file_name().unwrap().to_str().unwrap()).collect();
    let mut expected: Vec<String> = (12..=20).map(|run| format!("timings-17000000000{run}-77.html")).collect();
    expected.push(told[0].rsplit('/').next().unwrap().to_owned());
    expected.extend(others.iter().chain(&["timings.html"]).map(|name| (*name).to_owned()));
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn a_budget_that_was_exceeded_is_on_the_page_and_in_the_trace() {
    let phase = "[lifecycle.say]\ncommand = \"sleep 0.1\"\nscope = \"workspace\"\n";
    let scene = Scene::of(&["a"]).make(&format!("[performance]\nmax_phase_time = 1\n{phase}"));
    scene.call("say --timings --trace trace.json").succeeds();
    let data = data(&scene.at(FOLDER).join("timings.html"));
    let [exceeded] = &data["exceeded"].as_array().unwrap()[..] else { panic!("{data}") };
    let text = exceeded[0].as_str().unwrap();
    assert!(text.starts_with("say took ") && text.ends_with("of max_phase_time"), "{text}");
    assert_eq!(exceeded[1], false);
    let trace = fs::read_to_string(scene.at("trace.json")).unwrap();
    assert!(trace.contains(&format!("budget exceeded: {text}")), "{trace}");
}

#[test]
fn without_the_options_nothing_is_written() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ncommand = \"true\"\n");
    scene.call("say").succeeds();
    assert!(!scene.at(FOLDER).exists() && !scene.at("target/lifecycle/profile.svg").exists());
}

#[test]
fn what_is_cancelled_while_it_waits_for_a_lock_is_on_the_page_with_its_wait() {
    let scene = Scene::of(&["a", "b"]).make("[lifecycle.load]\ncommand = \"sleep 0.1; false\"\nlock = \"db\"\n");
    assert_eq!(scene.call("load --jobs 2 --timings").run().code, Some(1));
    let data = data(&scene.at(FOLDER).join("timings.html"));
    let rows = rows(&data);
    let (failed, cancelled): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, outcome, _)| outcome == "failed");
    assert!(failed.len() == 1 && cancelled.len() == 1 && cancelled[0].1 == "cancelled", "{rows:?}");
    let [wait] = &data["vain"].as_array().unwrap()[..] else { panic!("{data}") };
    let [task, _, from, length, lock] = [0, 1, 2, 3, 4].map(|field| wait[field].as_u64().unwrap());
    let place = rows.iter().position(|row| row == cancelled[0]).unwrap() as u64;
    assert_eq!((task, data["texts"][lock as usize].as_str()), (place, Some("db")));
    let bar = &data["bars"][0];
    let [began, took] = [2, 3].map(|field| bar[field].as_u64().unwrap());
    assert!(from <= began && from + length >= began + took && length >= 100_000, "{data}");
    if let Some(page) = drawn(&scene.at(FOLDER).join("timings.html")) {
        assert!(page.contains("while it waited for the lock db") && page.contains("<td>db</td>"), "{page}");
    }
}

/// The titles of a picture.
fn titles(scene: &Scene, picture: &str) -> Vec<String> {
    let text = fs::read_to_string(scene.at("target/lifecycle").join(picture)).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let titles = document.descendants().filter(|node| node.tag_name().name() == "title");
    titles.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_profile_is_written_when_it_is_asked_for_here_or_there() {
    let say = "[lifecycle.say]\ncommand = \"sleep 0.1\"\n";
    let scene = Scene::of(&["a"]).make(say);
    let ended = scene.call("say --flamegraph").succeeds();
    let own = cfg!(feature = "profiling").then_some("[root]/target/lifecycle/profile-cpu.svg");
    let pictures: Vec<&str> = ["[root]/target/lifecycle/profile.svg"].into_iter().chain(own).collect();
    assert_eq!(ended.lines_of("Profile"), pictures);
    let first = titles(&scene, "profile.svg");
    for start in ["shop: ", "planning: ", "phase say: ", "say a: ", "writing results: "] {
        assert!(first.iter().any(|title| title.starts_with(start)), "{start}: {first:?}");
    }
    fs::remove_file(scene.at("target/lifecycle/profile.svg")).unwrap();
    scene.write("make.toml", &format!("[project]\nprofile = true\n{say}"));
    assert_eq!(scene.call("say").succeeds().lines_of("Profile"), pictures);
    assert!(titles(&scene, "profile.svg").iter().any(|title| title.starts_with("say a: ")));
}

#[test]
fn cleaning_is_not_undone_by_a_profile_that_every_run_has() {
    let scene = Scene::of(&["a"]).make("[project]\nprofile = true\n");
    scene.call("check").succeeds();
    for _ in 0..2 {
        let ended = scene.call("clean").succeeds();
        assert!(ended.lines_of("Profile").is_empty() && !scene.at("target").exists(), "{}", ended.text());
    }
    assert!(!scene.call("clean --flamegraph").succeeds().lines_of("Profile").is_empty());
    assert!(scene.at("target/lifecycle/profile.svg").exists(), "it was asked for");
}

#[cfg(feature = "profiling")]
#[test]
fn the_programs_own_time_is_told_by_what_it_was_in() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ncommand = \"true\"\ninputs = [\"**\"]\n");
    for name in 0..3000 {
        scene.write(&format!("a/src/data/{name}.txt"), &"some words ".repeat(200));
    }
    scene.call("say --flamegraph").succeeds();
    let titles = titles(&scene, "profile-cpu.svg");
    for start in ["cargo lifecycle: ", "cargo_lifecycle::main: "] {
        assert!(titles.iter().any(|title| title.starts_with(start)), "{start}: {titles:#?}");
    }
    assert!(!titles.iter().any(|title| title.contains("has_sampled")), "{titles:#?}");
    scene.call("--cache-clean").succeeds();
    assert!(!scene.at("target/lifecycle/profile-cpu.svg").exists());
}

#[test]
fn what_cannot_be_written_is_told_and_ends_the_run_badly() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ncommand = \"true\"\n");
    scene.write("file", "");
    let ended = scene.call("say --trace file/trace.json").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert!(ended.text().contains("error: cannot write the trace to `file/trace.json`: "), "{}", ended.text());
    assert_eq!(scene.call("say --timings --dry-run").run().code, Some(2));
}

#[test]
fn a_profile_that_every_run_has_fails_none_when_it_cannot_be_written() {
    let say = "[lifecycle.say]\ncommand = \"true\"\n";
    let scene = Scene::of(&["a"]).make(&format!("[project]\nprofile = true\n{say}"));
    fs::create_dir_all(scene.at("target/lifecycle/profile.svg")).unwrap();
    let told = "cannot write the profile: `[root]/target/lifecycle/profile.svg`: Is a directory (os error 21)\n";
    let ended = scene.call("say").run();
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    assert!(ended.err().contains(&format!("warning: {told}")), "{}", ended.text());
    let ended = scene.call("say --flamegraph").run();
    assert_eq!(ended.code, Some(1), "{}", ended.text());
    assert!(ended.err().contains(&format!("error: {told}")), "{}", ended.text());
}

#[test]
fn a_link_in_the_place_of_a_report_is_replaced_but_one_that_was_asked_for_is_followed() {
    let scene = Scene::of(&["a"]).make("[lifecycle.say]\ncommand = \"true\"\n");
    fs::create_dir_all(scene.at(FOLDER)).unwrap();
    scene.write("mine", "mine");
    scene.write("trace", "");
    let places = [scene.at("target/lifecycle/profile.svg"), scene.at(FOLDER).join("timings.html")];
    for place in &places {
        symlink(scene.at("mine"), place).unwrap();
    }
    symlink(scene.at("trace"), scene.at("trace.json")).unwrap();
    scene.call("say --flamegraph --timings --trace trace.json").succeeds();
    assert_eq!(fs::read_to_string(scene.at("mine")).unwrap(), "mine");
    assert!(places.iter().all(|place| fs::symlink_metadata(place).unwrap().is_file()));
    assert!(fs::symlink_metadata(scene.at("trace.json")).unwrap().is_symlink());
    assert!(fs::read_to_string(scene.at("trace")).unwrap().contains("traceEvents"));
    let ended = scene.call("say --trace /dev/stdout").succeeds();
    assert!(ended.out().contains("traceEvents"), "{}", ended.text());
}

#[test]
fn an_evil_name_stays_a_name() {
    let scene = Scene::of(&["a"]).make("[project]\nname = \"</script><b>&\"\n[lifecycle.say]\ncommand = \"true\"\n");
    scene.call("say --timings --flamegraph").succeeds();
    let page = fs::read_to_string(scene.at(FOLDER).join("timings.html")).unwrap();
    assert!(page.contains("&lt;/script&gt;&lt;b&gt;&amp;") && !page.contains("</script><b>"));
    assert_eq!(data(&scene.at(FOLDER).join("timings.html"))["workspace"], "</script><b>&");
    assert!(titles(&scene, "profile.svg").iter().any(|title| title.starts_with("</script><b>&: ")));
}

/// A browser that can be told what to do, if there is one on this machine.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// The page as a browser has it once its script has run; `None` if there is no browser, or it does not start here.
fn drawn(page: &Path) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(browser()?);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", home.path().display())).arg(format!("file://{}", page.display()));
    let output = command.stderr(std::process::Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && text.contains("</html>")).then_some(text)
}

#[test]
fn a_browser_draws_the_page_and_takes_no_name_for_anything_else() {
    const EVIL: &str = "</script><script>document.title='evil'</script><img/src=x/onerror=document.title='evil'>";
    let make = format!("[lifecycle.good]\ncommand = \"true\"\n[lifecycle.\"{EVIL}\"]\ncommand = \"false\"\n");
    let scene = Scene::of(&["a", "b"]).make(&make);
    assert_eq!(scene.call("good --keep-going --timings").arg(EVIL).run().code, Some(1));
    let Some(page) = drawn(&scene.at(FOLDER).join("timings.html")) else {
        eprintln!("skipped: there is no browser that starts");
        return;
    };
    assert!(page.contains("<title>shop: timings</title>") && page.contains("4 of 4 rows"), "{page}");
    let evil = EVIL.replace('<', "&lt;").replace('>', "&gt;");
    for name in ["good a", "good b", &format!("{evil} a")] {
        assert!(page.contains(&format!("<td>{name}</td>")), "{name}: {page}");
    }
    assert_eq!(page.matches("data-mark=\"✗\"").count(), 2);
    assert!(page.contains("starts in a row"), "{page}");
}
