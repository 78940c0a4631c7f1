//! Completion in real shells, and what they ask the program. A shell that is not installed is skipped, and that is said.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::scene::Scene;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cargo-lifecycle");

fn shop() -> Scene {
    Scene::of(&["api", "web api"])
        .make("[lifecycle.gen]\ndescription = \"Generate code\"\ncommand = \"echo {name}\"\n[workspace.site]\npath = \"site\"\n")
        .file("site/index.html", "")
}

/// What a shell prints that has loaded our script; `None` if there is no such shell.
fn shell(scene: &Scene, name: &str, before: &str, after: &str) -> Option<String> {
    let found = Command::new(name).args(["-c", "exit 0"]).stdin(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no {name} here");
        return None;
    }
    let script = scene.beside(name);
    let printed = scene.call("--completions").arg(name).run();
    assert_eq!(printed.code, Some(0));
    std::fs::write(&script, printed.stdout).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [Path::new(PROGRAM).parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&path));
    let mut command = scene.call("").command();
    let (path, line) = (std::env::join_paths(folders).unwrap(), format!("{before}\nsource {script:?}\n{after}"));
    let environment: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command = Command::new(name);
    // What the person at the machine has set up for themselves is not tested.
    command.args(if name == "zsh" { &["-f", "-c"][..] } else { &["-c"][..] }).arg(line);
    command.env_clear().envs(environment).env("PATH", path).current_dir(scene.root()).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A shell function `t` that completes the words it is given, the last one being typed, and prints what there is.
const IN_BASH: &str = r#"t() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    "$(complete -p "$1" | sed 's/.*-F \([^ ]*\).*/\1/')" "$1" "${@: -1}" "${@: -2:1}"
    echo "${COMPREPLY[*]}"
}
"#;

#[test]
fn bash_completes_the_program_and_the_subcommand_of_cargo() {
    let scene = shop();
    let before = "_cargo() { COMPREPLY=(of cargo); }\ncomplete -F _cargo cargo";
    let lines = "t cargo-lifecycle b\nt cargo lifecycle build g\nt cargo +stable -q lifecycle build -p ''\n\
                 t cargo-lifecycle --graph = m\nt cargo-lifecycle --sch\nt cargo build --rel\nt cargo bui\n";
    if let Some(printed) = shell(&scene, "bash", before, &format!("{IN_BASH}{lines}")) {
        assert_eq!(printed, "build bench\ngen\napi web site\nmermaid\n--schema\nof cargo\nof cargo\n");
    }
}

#[test]
fn zsh_completes_the_program_and_the_subcommand_of_cargo() {
    let before = "compdef() { :; }";
    let after = "_describe() { print -r -- \"${(Pj:,:)2}\"; }\n_files() { print files; }\n\
                 t() { words=(\"$@\") CURRENT=$# PREFIX=$words[-1]; _cargo-lifecycle; }\n\
                 t cargo-lifecycle g\nt lifecycle build -p ''\nt lifecycle --color=al\nt lifecycle --junit ''\n";
    if let Some(printed) = shell(&shop(), "zsh", before, after) {
        assert_eq!(printed, "gen:Generate code\napi,web,site\n--color=always\nfiles\n");
    }
}

#[test]
fn fish_completes_the_program_and_the_subcommand_of_cargo() {
    let lines =
        ["cargo-lifecycle g", "cargo lifecycle g", "cargo +stable lifecycle build -p s", "cargo-lifecycle --sch"];
    let after: String = lines.iter().map(|line| format!("complete -C {line:?}\n")).collect();
    if let Some(printed) = shell(&shop(), "fish", "", &after) {
        let shown: Vec<&str> = printed.lines().collect();
        let schema = "--schema\tShow the JSON Schema of make.toml, for editors";
        assert_eq!(shown, ["gen\tGenerate code", "gen\tGenerate code", "site", schema]);
    }
}

#[test]
fn there_is_a_script_for_powershell() {
    let printed = shop().call("--completions powershell").run();
    assert_eq!(printed.code, Some(0));
    assert!(String::from_utf8(printed.stdout).unwrap().contains("cargo-lifecycle --candidates @before $last"));
}

#[test]
fn without_a_workspace_there_are_options_and_no_words() {
    let scene = Scene::new();
    scene.call("--candidates b").by_hand().shows("\n[exit 0]\n");
    scene
        .call("--candidates --sch")
        .by_hand()
        .shows("\n[stdout]\n--schema\tShow the JSON Schema of make.toml, for editors\n[exit 0]\n");
    let scene = shop().make("[lifecycle.gen]\ncomand = \"x\"\n");
    scene.call("--candidates -p a").by_hand().shows("\n[exit 0]\n");
}

#[test]
fn the_schema_is_printed_anywhere() {
    let scene = Scene::new();
    let printed = scene.call("--schema").run();
    assert_eq!(printed.code, Some(0));
    let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert_eq!(scene.call("--schema build").run().code, Some(2));
}

#[test]
fn cargo_help_shows_the_long_help() {
    let scene = Scene::new();
    let mut command = Command::new("cargo");
    let folder = Path::new(PROGRAM).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder].into_iter().chain(std::env::split_paths(&path));
    command.args(["help", "lifecycle"]).env("PATH", std::env::join_paths(folders).unwrap()).current_dir(scene.root());
    let output = command.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && shown.contains("\nExit codes:\n") && shown.contains("--completions <SHELL>"),
        "{shown}"
    );
}
