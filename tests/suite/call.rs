//! One call of the program in a clean environment, and how it ended: exit code and output compared as one text.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::scene::Scene;

/// The variables that the outer `cargo test` leaves to the program. Everything else would make results depend on who
/// runs the tests.
const KEPT: &[&str] =
    &["PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_DIST_SERVER"];

/// A call that is about to be made.
pub struct Call {
    arguments: Vec<OsString>,
    /// Whether `lifecycle` stands before the arguments, as it does when cargo makes the call.
    through_cargo: bool,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    /// What stands in outputs, and what it is shown as.
    places: Vec<(String, &'static str)>,
}

/// How a call ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    places: Vec<(String, &'static str)>,
}

impl Call {
    pub fn new<'a>(scene: &Scene, arguments: impl Iterator<Item = &'a str>) -> Self {
        let shown = |path: &Path| path.to_str().unwrap().to_owned();
        let side = scene.beside("");
        Self {
            arguments: arguments.map(OsString::from).collect(),
            through_cargo: true,
            dir: scene.root().to_owned(),
            env: vec![("CARGO_NET_OFFLINE".into(), "true".into()), ("SIDE".into(), side.clone().into_os_string())],
            places: vec![(shown(scene.root()), "[root]"), (shown(&side).trim_end_matches('/').to_owned(), "[side]")],
        }
    }

    /// With one more argument, which may hold spaces.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// From this folder of the workspace.
    pub fn from(mut self, dir: &str) -> Self {
        self.dir.push(dir);
        self
    }

    /// As people call the program themselves: `cargo-lifecycle …`, without the extra word.
    pub fn by_hand(mut self) -> Self {
        self.through_cargo = false;
        self
    }

    /// The call as a command, for those who want to start it themselves.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-lifecycle"));
        command.env_clear().current_dir(&self.dir).stdin(Stdio::null());
        command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.args(self.through_cargo.then_some("lifecycle")).args(&self.arguments);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What plain cargo prints on standard error in the same place and environment; it must succeed.
    #[track_caller]
    pub fn plain_cargo(&self, words: &str) -> String {
        let ended = self.cargo(words);
        assert_eq!(ended.code, Some(0), "\n{}", ended.text());
        ended.err()
    }

    /// How plain cargo ends in the same place and environment.
    pub fn cargo(&self, words: &str) -> Ended {
        self.outside("cargo", words.split(' '))
    }

    /// How plain cargo ends in the same place and environment, with both streams in one: lines stand in the order in which
    /// they came, as standard output.
    pub fn cargo_in_one(&self, words: &str) -> Ended {
        self.outside("sh", ["-c", "exec cargo \"$@\" 2>&1", "sh"].into_iter().chain(words.split(' ')))
    }

    /// How another program ends in the same place and environment.
    fn outside<'a>(&self, program: &str, words: impl Iterator<Item = &'a str>) -> Ended {
        let mut command = Command::new(program);
        command.args(words).env_clear().current_dir(&self.dir).stdin(Stdio::null());
        command.envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        self.ended(command.output().unwrap())
    }

    /// Starts it and returns at once.
    pub fn start(&self) -> Child {
        self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Likewise, as the leader of a group, as a shell does.
    pub fn start_group(&self) -> Child {
        use std::os::unix::process::CommandExt as _;
        self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap()
    }

    pub fn run(&self) -> Ended {
        self.ended(self.command().output().unwrap())
    }

    /// Waits for a child that was started.
    pub fn wait(&self, child: Child) -> Ended {
        self.ended(child.wait_with_output().unwrap())
    }

    fn ended(&self, output: Output) -> Ended {
        let places = self.places.clone();
        Ended { code: output.status.code(), stdout: output.stdout, stderr: output.stderr, places }
    }

    /// Runs it and compares everything; see [`Ended::shows`].
    #[track_caller]
    pub fn shows(&self, expected: &str) {
        self.run().shows(expected);
    }

    /// Runs it, and it must succeed.
    #[track_caller]
    pub fn succeeds(&self) -> Ended {
        let ended = self.run();
        assert_eq!(ended.code, Some(0), "\n{}", ended.text());
        ended
    }
}

impl Ended {
    /// Everything as one text: standard error, standard output if there is any, the exit code. Times and places that
    /// differ from run to run are given names.
    pub fn text(&self) -> String {
        let mut text = self.err();
        if !self.stdout.is_empty() {
            text += &format!("[stdout]\n{}", self.out());
        }
        let code = self.code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
        format!("{text}[exit {code}]\n")
    }

    pub fn err(&self) -> String {
        self.redacted(&self.stderr)
    }

    pub fn out(&self) -> String {
        self.redacted(&self.stdout)
    }

    /// Compares [`text`](Self::text) with what is expected, in which `[..]` stands for anything on its line. The newline
    /// that begins a literal does not count.
    #[track_caller]
    pub fn shows(&self, expected: &str) {
        let actual = self.text();
        let expected = expected.strip_prefix('\n').unwrap_or(expected);
        let same = actual.lines().count() == expected.lines().count()
            && actual.lines().zip(expected.lines()).all(|(actual, expected)| matches(actual, expected));
        assert!(same, "\n----- expected\n{expected}----- actual\n{actual}-----");
    }

    /// The steps that ran, in the order of their ends, each with the reason in brackets if it was told.
    pub fn ran(&self) -> Vec<String> {
        let without_time = |line: &str| {
            let (name, rest) = line.split_once(" in [time]").unwrap_or((line, ""));
            format!("{name}{rest}")
        };
        self.lines_of("Ran").iter().map(|line| without_time(line)).collect()
    }

    /// What stands behind this verb, wherever it begins a line.
    pub fn lines_of(&self, verb: &str) -> Vec<String> {
        let verb = format!("{verb:>12} ");
        self.err().lines().filter_map(|line| line.strip_prefix(&verb)).map(str::to_owned).collect()
    }

    /// Whether every step was fresh.
    pub fn was_fresh(&self) -> bool {
        self.code == Some(0) && self.ran().is_empty() && !self.lines_of("Fresh").is_empty()
    }

    fn redacted(&self, bytes: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        // Cargo says so when another of these tests holds the lock of the user's package cache.
        text = text.replace("    Blocking waiting for file lock on package cache\n", "");
        for (place, name) in &self.places {
            text = text.replace(place, name);
        }
        without_times(&without_own_folder(&text))
    }
}

/// Writes `lifecycle/[own]` for the folder of one workspace in what workspaces share.
fn without_own_folder(text: &str) -> String {
    let mut pieces = text.split("/lifecycle/");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let name = piece.split('/').next().unwrap_or_default();
        let is_own = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        shown += "/lifecycle/";
        shown += &if is_own { piece.replacen(name, "[own]", 1) } else { piece.to_owned() };
    }
    shown
}

/// Whether a line is as expected.
fn matches(actual: &str, expected: &str) -> bool {
    let mut pieces = expected.split("[..]");
    let Some(mut rest) = pieces.next().and_then(|start| actual.strip_prefix(start)) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    false
}

/// Writes `[time]` for `0.19s`, `0.004s` and `2m 05s`.
fn without_times(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|char: char| char.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        shown += before;
        let length = time(from).unwrap_or(0);
        if length > 0 {
            shown += "[time]";
            rest = from.split_at(length).1;
        } else {
            let end = from.find(|char: char| !char.is_ascii_digit()).unwrap_or(from.len());
            shown += from.split_at(end).0;
            rest = from.split_at(end).1;
        }
    }
    shown + rest
}

/// The length of the time that a text begins with.
fn time(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let (unit, after) = text.get(whole..)?.split_at_checked(1)?;
    let fraction = digits(after);
    let is_time = match unit {
        "." => (2..=3).contains(&fraction) && after.get(fraction..=fraction) == Some("s"),
        _ => false,
    };
    let minutes = text.get(whole..)?.strip_prefix("m ").filter(|rest| digits(rest) == 2 && rest.get(2..3) == Some("s"));
    if minutes.is_some() {
        return Some(whole + 5);
    }
    let ends =
        |length: usize| !text.get(length..).is_some_and(|rest| rest.starts_with(|char: char| char.is_alphanumeric()));
    is_time.then_some(whole + fraction + 2).filter(|length| ends(*length))
}
