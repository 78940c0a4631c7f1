//! What a make.toml without mistakes becomes.

use super::*;
use crate::model::{Closing, Engine, Form, Piece};

const BUILTINS: [&str; 8] = ["check", "build", "test", "lint", "fmt", "doc", "bench", "clean"];

#[test]
fn without_a_file_there_are_the_builtin_phases() {
    let project = understand(None, Path::new("/nowhere"), &[]).unwrap();
    assert_eq!(names(&project), BUILTINS);
    let caches: Vec<bool> = BUILTINS.iter().map(|name| definition(&project, name).cache).collect();
    assert_eq!(caches, [true, true, true, true, true, true, false, false]);
    let build = definition(&project, "build");
    assert!(build.builtin && build.dependencies && !build.parallel);
    assert_eq!(commands(build), ["cargo build {selected} {flags} {args}"]);
    assert!(project.phases.iter().all(|phase| !phase.description.is_empty() && phase.overrides.is_empty()));
    assert_eq!(format!("{:?}", understood("").unwrap()), format!("{project:?}"));
}

#[test]
fn every_key_of_a_phase_arrives() {
    let project = project(
        r#"
        [project]
        name = "shop"
        jobs = 0x8
        profile = true
        [lifecycle.gen]
        description = "Generate"
        commands = ["a {name}", ["b", "{root}"]]
        parallel = true
        workspaces = ["c*", "api"]
        needs = ["build", "^gen"]
        inputs = ["src/**", "//proto/**"]
        env = { A = "1", B = "2" }
        env-inputs = ["D"]
        cache = false
        dependencies = false
        timeout = "2 m"
        retries = 0x2
        "#,
    );
    assert_eq!((project.name.as_deref(), project.jobs.map(|jobs| jobs.get())), (Some("shop"), Some(8)));
    assert!(project.profile);
    let phase = phase(&project, "gen");
    assert_eq!((&*phase.description, phase.scope), ("Generate", Scope::Member));
    assert_eq!(phase.workspaces, ["c*".into(), "api".into()]);
    let gen_phase = definition(&project, "gen");
    assert_eq!(commands(gen_phase), ["a {name}", "b {root}"]);
    let forms: Vec<&Form> = gen_phase.commands.iter().map(|command| &command.form).collect();
    assert!(matches!(forms[..], [Form::Shell(_), Form::Words(words)] if words.len() == 2));
    assert!(gen_phase.parallel && !gen_phase.cache && !gen_phase.dependencies && !gen_phase.builtin);
    let needs: Vec<_> = gen_phase.needs.iter().map(|need| (&*project.phase(need.phase).name, need.upstream)).collect();
    assert_eq!(needs, [("build", false), ("gen", true)]);
    assert_eq!(gen_phase.inputs, Some(vec!["src/**".into(), "//proto/**".into()]));
    assert_eq!(gen_phase.env, [("A".into(), "1".into()), ("B".into(), "2".into())].into());
    assert_eq!(gen_phase.env_inputs, ["D".into()]);
    assert_eq!((gen_phase.timeout, gen_phase.retries), (Some(std::time::Duration::from_secs(120)), Some(2)));
}

#[test]
fn phases_stand_in_the_order_of_the_file() {
    let project = project(
        r#"
        [lifecycle]
        z.command = "z"
        test.command = "t"
        [workspace.api]
        lifecycle.m.command = "m"
        [lifecycle.a]
        command = "a"
        [workspace.core.lifecycle.z]
        command = "zz"
        "#,
    );
    assert_eq!(names(&project)[8..], ["z", "m", "a"]);
}

#[test]
fn a_builtin_phase_is_changed_or_replaced_in_its_place() {
    let project = project(
        r#"
        [lifecycle.build]
        env = { A = "1" }
        [lifecycle.lint]
        command = "cargo clippy"
        [lifecycle.fmt]
        command = "cargo fmt"
        inputs = []
        [lifecycle.bench]
        inputs = ["src/**"]
        [lifecycle.doc]
        cache = false
        "#,
    );
    assert_eq!(names(&project), BUILTINS);
    let of = |name| definition(&project, name);
    assert!(of("build").builtin && of("build").cache && of("build").env.len() == 1);
    assert_eq!(&*phase(&project, "build").description, "Compile libraries and binaries");
    assert!(!of("lint").builtin && !of("lint").cache);
    assert!(!of("fmt").builtin && of("fmt").cache);
    assert!(
        of("bench").builtin && !of("bench").cache,
        "inputs do not make a built-in phase keep what it does not keep"
    );
    assert!(of("doc").builtin && !of("doc").cache);
}

#[test]
fn the_engine_for_tests_stays_while_the_command_is_a_call_of_cargo_test() {
    let project = project(
        r#"
        [lifecycle.slow]
        command = "cargo test {selected} --features slow"
        engine = "cargo-test"
        [lifecycle.plain]
        command = "cargo test {selected}"
        [workspace.api]
        lifecycle.test.command = "cargo test -p {spec} --all-features"
        [workspace.cli]
        lifecycle.test.command = "cargo nextest run -p {spec}"
        [workspace.core]
        lifecycle.test.engine = "command"
        "#,
    );
    let engine = |name, member| {
        let definition = phase(&project, name).definition_for(member).unwrap();
        (definition.engine, definition.cache)
    };
    let (on, off) = ((Engine::CargoTest, true), (Engine::Command, false));
    assert_eq!([engine("test", "x"), engine("slow", "x"), engine("plain", "x")], [on, on, off]);
    assert_eq!([engine("test", "api"), engine("test", "cli")], [on, off]);
    assert_eq!(engine("test", "core").0, Engine::Command);
}

#[test]
fn a_custom_phase_is_cached_when_it_has_inputs() {
    let project = project(
        "[lifecycle]\na.command = 'x'\nb = { command = 'x', inputs = ['y'] }\nc = { command = 'x', cache = true }",
    );
    let caches = ["a", "b", "c"].map(|name| definition(&project, name).cache);
    assert_eq!(caches, [false, true, true]);
}

#[test]
fn what_a_member_says_is_laid_over_the_phase() {
    let project = project(
        r#"
        [lifecycle.gen]
        command = "gen {name}"
        inputs = ["src/**"]
        env = { A = "phase", B = "phase" }
        [lifecycle.once]
        command = "once"
        scope = "workspace"
        [lifecycle.some]
        command = "some"
        workspaces = ["a*"]
        [workspace.api]
        env = { A = "member" }
        [workspace.core]
        env = { M = "member" }
        [workspace.core.lifecycle.gen]
        env = { B = "own" }
        needs = ["check"]
        [workspace.core.lifecycle.only]
        command = "only"
        "#,
    );
    let gen_phase = phase(&project, "gen");
    let env = |member| {
        let env = gen_phase.overrides[member].env.iter();
        env.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(env("api"), "A=member B=phase");
    assert_eq!(env("core"), "B=own M=member");
    let core = &gen_phase.overrides["core"];
    assert_eq!((commands(core), core.cache, core.needs.len()), (vec!["gen {name}".to_owned()], true, 1));
    assert_eq!(definition(&project, "gen").env.len(), 2);
    // The environment of a member goes into every phase that it has, and gives it none.
    assert_eq!(phase(&project, "some").overrides.keys().map(|name| &**name).collect::<Vec<_>>(), ["api"]);
    assert!(phase(&project, "build").overrides["api"].builtin);
    assert!(phase(&project, "once").overrides.is_empty());
    let only = phase(&project, "only");
    assert!(only.definition.is_none());
    assert_eq!(only.overrides.keys().map(|name| &**name).collect::<Vec<_>>(), ["core"]);
}

#[test]
fn hooks_are_phases_in_their_order() {
    let project = project(
        r#"
        [lifecycle.a]
        command = "a"
        [lifecycle.all_of_it]
        command = "b"
        [hooks]
        before_all = ["fmt", "a"]
        after_all = []
        before_build = ["a"]
        after_all_of_it = ["check", "a"]
        finally = ["all_of_it", "a"]
        on_error = ["a"]
        "#,
    );
    let shown = |hooks: &[(crate::model::PhaseId, crate::model::Span)]| {
        hooks.iter().map(|(phase, _)| project.phase(*phase).name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&project.hooks.before_all), ["fmt", "a"]);
    assert!(project.hooks.after_all.is_empty());
    assert_eq!(shown(&project.hooks.before[&project.named("build").unwrap()]), ["a"]);
    assert_eq!(shown(&project.hooks.after[&project.named("all_of_it").unwrap()]), ["check", "a"]);
    assert_eq!(shown(&project.hooks.closing[&Closing::Finally]), ["all_of_it", "a"]);
    assert_eq!(shown(&project.hooks.closing[&Closing::OnError]), ["a"]);
    assert!(!project.hooks.closing.contains_key(&Closing::OnSuccess));
}

#[test]
fn folders_take_part_with_the_phases_they_can_have() {
    let project = project(
        r#"
        [lifecycle.up]
        command = "up {name} {flags}"
        [workspace.web]
        path = "./web/"
        depends-on = ["api", "book"]
        env = { A = "1" }
        lifecycle.build.command = ["npm", "run", "build"]
        [workspace.book]
        path = "docs/book"
        [workspace.cli]
        depends-on = ["web"]
        "#,
    );
    let folders: Vec<_> = project.folders.iter().map(|folder| (&*folder.name, &*folder.path)).collect();
    assert_eq!(folders, [("web", "web"), ("book", "docs/book")]);
    let edges: Vec<_> = project.depends_on.iter().map(|(who, on)| (&**who, &*on.name)).collect();
    assert_eq!(edges, [("web", "api"), ("web", "book"), ("cli", "web")]);
    let build = &phase(&project, "build").overrides["web"];
    assert!(!build.builtin && !build.cache && build.env.len() == 1);
    assert!(phase(&project, "up").overrides.contains_key("web"));
    // `cargo test` cannot run in a folder, so its environment does not give it that phase.
    assert!(phase(&project, "test").overrides.is_empty());
}

#[test]
fn a_spans_text_is_the_text_it_speaks_of() {
    let text =
        "\u{feff}[lifecycle.a]\r\ncommand = 'é'\r\nneeds = [\r\n  'build',\r\n]\r\n[workspace.web]\r\npath = 'web'\r\n";
    let project = project(text);
    let at = |span: crate::model::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(at(definition(&project, "a").needs[0].span), "'build'");
    assert_eq!(at(project.folders[0].span), "web");
}

#[test]
fn shell_variables_stay_and_braces_are_halved() {
    let project = project("[lifecycle.a]\ncommand = 'echo ${A:-${B}} {{x}} {args}'");
    let pieces = &definition(&project, "a").commands[0].templates()[0].pieces;
    let texts: Vec<&str> = pieces.iter().map(|piece| if let Piece::Text(text) = piece { text } else { "<>" }).collect();
    assert_eq!(texts, ["echo ${A:-${B}} {x} ", "<>"]);
}

#[test]
fn bounds_are_sizes_and_lengths_of_time() {
    let bounds = |text: &str| {
        let bounds = project(&format!("[cache]\n{text}")).cache;
        (bounds.max_size, bounds.max_age.as_secs())
    };
    let day = 24 * 60 * 60;
    assert_eq!(bounds(""), (2 << 30, 30 * day));
    for (text, size) in [
        ("0", 0),
        ("0x10", 16),
        ("1_000", 1000),
        ("'7B'", 7),
        ("'2KB'", 2000),
        ("'2MB'", 2_000_000),
        ("'2GB'", 2_000_000_000),
        ("'2KiB'", 2048),
        ("'3 MiB'", 3 << 20),
        ("'0GiB'", 0),
    ] {
        assert_eq!(bounds(&format!("max-size = {text}")), (size, 30 * day), "{text}");
    }
    for (text, seconds) in [("90s", 90), ("2m", 120), ("3h", 3 * 3600), ("1d", day), ("2w", 14 * day), ("0 s", 0)] {
        assert_eq!(bounds(&format!("max-age = '{text}'")), (2 << 30, seconds), "{text}");
    }
}
