//! A make.toml with mistakes: all are shown at once, each at its place, and nothing runs.

use crate::scene::Scene;

#[test]
fn all_mistakes_are_shown_at_once() {
    let scene = Scene::of(&["api", "web"]).make(
        r#"[project]
jobs = "many"
nmae = "shop"

[lifecycle.codegen]
comand = "true"

[lifecycle.deploy]
command = "deploy {nmae}"
needs = ["codgen"]
workspaces = ["wbe"]
inputs = ["src/[*"]

[lifecycle.empty]
description = "no command"

[hooks]
before_biuld = ["codegen"]
befor_all = ["codegen"]

[workspace.apy]
env = { PORT = 80 }
"#,
    );
    scene.call("deploy").shows(
        r#"
error: `jobs` must be a whole number from 1 to 65535
 --> make.toml:2:8
  |
2 | jobs = "many"
  |        ^^^^^^ this is a string

error: unknown key `nmae` in `[project]`
 --> make.toml:3:1
  |
3 | nmae = "shop"
  | ^^^^
  |
  = help: did you mean `name`?

error: unknown key `comand` in `[lifecycle.codegen]`
 --> make.toml:6:1
  |
6 | comand = "true"
  | ^^^^^^
  |
  = help: did you mean `command`?

error: unknown placeholder `{nmae}`
 --> make.toml:9:19
  |
9 | command = "deploy {nmae}"
  |                   ^^^^^^
  |
  = help: did you mean `{name}`?

error: there is no phase `codgen`
  --> make.toml:10:11
   |
10 | needs = ["codgen"]
   |           ^^^^^^
   |
   = help: did you mean `codegen`?

error: no member of the workspace is called `wbe`
  --> make.toml:11:15
   |
11 | workspaces = ["wbe"]
   |               ^^^^^
   |
   = help: did you mean `web`?

error: this pattern cannot be understood
  --> make.toml:12:11
   |
12 | inputs = ["src/[*"]
   |           ^^^^^^^^ unclosed character class; missing ']'

error: the phase `empty` has no command
  --> make.toml:14:12
   |
14 | [lifecycle.empty]
   |            ^^^^^
   |
   = help: give it a `command = "…"`

error: `before_biuld` names no phase: there is no `biuld`
  --> make.toml:18:1
   |
18 | before_biuld = ["codegen"]
   | ^^^^^^^^^^^^
   |
   = help: did you mean `before_build`?

error: unknown key `befor_all` in `[hooks]`
  --> make.toml:19:1
   |
19 | befor_all = ["codegen"]
   | ^^^^^^^^^
   |
   = help: did you mean `before_all`?

error: no member of the workspace is called `apy`
  --> make.toml:21:12
   |
21 | [workspace.apy]
   |            ^^^
   |
   = help: did you mean `api`?

error: `PORT` must be a string
  --> make.toml:22:16
   |
22 | env = { PORT = 80 }
   |                ^^ this is a whole number
   |
   = help: a variable's value is text: put it in quotes
[exit 3]
"#,
    );
}

#[test]
fn what_is_no_toml_at_all() {
    let scene = Scene::of(&["api"]).make("[lifecycle\n");
    scene.call("check").shows(
        r"
error: unclosed table
 --> make.toml:1:11
  |
1 | [lifecycle
  |           ^ expected `]`
[exit 3]
",
    );
    std::fs::write(scene.at("make.toml"), b"\xff\xfe\n").unwrap();
    scene.call("check").shows(
        r"
error: [root]/make.toml is not UTF-8: byte 0 (on line 1) cannot be read; save the file as UTF-8
[exit 3]
",
    );
    scene.write("make.toml", &"#".repeat(1024 * 1024 + 1));
    scene.call("check").shows(
        r"
error: [root]/make.toml is larger than 1 MiB; it is meant to be written by hand, so move generated parts out of it
[exit 3]
",
    );
}

#[test]
fn what_later_versions_know_is_unknown() {
    let scene = Scene::of(&["api"]).make("[lifecycle.check]\ncontainer = \"debian\"\n[remote]\nurl = \"x\"\n");
    scene.call("check").shows(r#"
error: unknown key `container` in `[lifecycle.check]`
 --> make.toml:2:1
  |
2 | container = "debian"
  | ^^^^^^^^^
  |
  = help: known here: `description`, `command`, `commands`, `engine`, `parallel`, `scope`, `workspaces`, `needs`, `inputs`, `outputs`, `env`, `env-inputs`, `cache`, `dependencies`, `lock`, `interactive`, `timeout`, `retries`

error: unknown key `remote` in make.toml
 --> make.toml:3:2
  |
3 | [remote]
  |  ^^^^^^
  |
  = help: known here: `project`, `lifecycle`, `hooks`, `workspace`, `performance`, `cache`, `history`
[exit 3]
"#);
}

#[test]
fn an_empty_file_is_none() {
    let scene = Scene::of(&["api"]).make("");
    scene.call("check -n").shows(
        r"
[stdout]
check (1 member): stale: first run
    cargo check --workspace
[exit 0]
",
    );
}
