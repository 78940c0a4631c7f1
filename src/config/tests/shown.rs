//! How mistakes look, to the letter.

use super::*;

#[test]
fn all_mistakes_of_a_file_are_shown_at_once() {
    let text = r#"[project]
jobs = "8"

[lifecycle.build]
comand = "make"
inputs = ["src/[a"]

[lifecycle.deploy]
command = "deploy {nmae}"
needs = ["biuld"]

[hooks]
before_all = "fmt"
"#;
    assert_eq!(
        understood(text).unwrap_err().to_string(),
        r#"error: `jobs` must be a whole number from 1 to 65535
 --> make.toml:2:8
  |
2 | jobs = "8"
  |        ^^^ this is a string

error: unknown key `comand` in `[lifecycle.build]`
 --> make.toml:5:1
  |
5 | comand = "make"
  | ^^^^^^
  |
  = help: did you mean `command`?

error: this pattern cannot be understood
 --> make.toml:6:11
  |
6 | inputs = ["src/[a"]
  |           ^^^^^^^^ unclosed character class; missing ']'

error: unknown placeholder `{nmae}`
 --> make.toml:9:19
  |
9 | command = "deploy {nmae}"
  |                   ^^^^^^
  |
  = help: did you mean `{name}`?

error: there is no phase `biuld`
  --> make.toml:10:11
   |
10 | needs = ["biuld"]
   |           ^^^^^
   |
   = help: did you mean `build`?

error: `before_all` must be an array of strings
  --> make.toml:13:14
   |
13 | before_all = "fmt"
   |              ^^^^^ this is a string
   |
   = help: put it in brackets: `["fmt"]`"#
    );
}

#[test]
fn all_syntax_errors_are_shown_and_nothing_that_follows_from_them() {
    let text = "[lifecycle.a]\ncommand = make\nneeds = [\"b\"\n[hooks\n";
    assert_eq!(
        understood(text).unwrap_err().to_string(),
        r#"error: string values must be quoted
 --> make.toml:2:11
  |
2 | command = make
  |           ^^^^ expected literal string

error: missing comma between array elements
 --> make.toml:4:1
  |
4 | [hooks
  | ^ expected `,`

error: string values must be quoted
 --> make.toml:4:2
  |
4 | [hooks
  |  ^^^^^ expected literal string

error: unclosed array
 --> make.toml:4:7
  |
4 | [hooks
  |       ^ expected `]`"#
    );
}

#[test]
fn two_places_are_shown_together() {
    let text = "[lifecycle.a]\ncommand = 'x {selected} {dir}'\n[lifecycle.b]\ncommand = 'y'\n\ncommands = ['z']\n";
    assert_eq!(
        understood(text).unwrap_err().to_string(),
        r#"error: `{dir}` and `{selected}` exclude each other
 --> make.toml:2:25
  |
2 | command = 'x {selected} {dir}'
  |              ---------- ^^^^^ runs once for each member
  |              |
  |              runs once for all of them
  |
  = help: keep one of the two, or make two phases of them

error: a phase has `command` or `commands`, not both
 --> make.toml:6:1
  |
6 | commands = ['z']
  | ^^^^^^^^
  |
 ::: make.toml:4:1
  |
4 | command = 'y'
  | ------- the other one is here"#
    );
}

#[test]
fn colour_is_only_added() {
    let problems = understood("[lifecycle.a]\n").unwrap_err();
    let colored = problems.render(true);
    assert!(colored.contains("\u{1b}["));
    assert_eq!(console::strip_ansi_codes(&colored), problems.render(false));
}
