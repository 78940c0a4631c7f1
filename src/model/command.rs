//! A command as make.toml says it, with its placeholders; which words it becomes is the plan's affair.

use std::borrow::Cow;
use std::sync::Arc;

/// One command of a phase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command {
    /// How it is written.
    pub form: Form,
    /// The words that its cargo subcommand stands for, where cargo's configuration makes an alias of it; else empty.
    pub alias: Vec<Arc<str>>,
}

/// How a command is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A line for the shell (`sh -c`, `cmd /C`).
    Shell(Template),
    /// An array of words: the program and its arguments, run without a shell.
    Words(Vec<Template>),
}

/// Text with placeholders in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Template {
    /// The text as it was written.
    pub source: Arc<str>,
    /// The text in pieces. Neighbouring texts are one piece; `{{` and `}}` are already braces.
    pub pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// Literal text.
    Text(Arc<str>),
    /// A value to be put in.
    Hole(Placeholder),
}

/// What can stand in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// `{name}`: the member's name.
    Name,
    /// `{spec}`: the member's package id.
    Spec,
    /// `{dir}`: the member's folder.
    Dir,
    /// `{root}`: the workspace root.
    Root,
    /// `{args}`: what stood after `--`.
    Args,
    /// `{flags}`: cargo's build flags.
    Flags,
    /// `{selected}`: `--workspace`, or a `-p` for each member of the group.
    Selected,
}

impl Placeholder {
    /// All of them, in the order the documentation lists them.
    pub const ALL: [Self; 7] = [Self::Name, Self::Spec, Self::Dir, Self::Root, Self::Args, Self::Flags, Self::Selected];

    /// The word between the braces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Spec => "spec",
            Self::Dir => "dir",
            Self::Root => "root",
            Self::Args => "args",
            Self::Flags => "flags",
            Self::Selected => "selected",
        }
    }
}

impl Command {
    /// The templates in order: one for a shell line, one for each word.
    #[must_use]
    pub fn templates(&self) -> &[Template] {
        match &self.form {
            Form::Shell(template) => std::slice::from_ref(template),
            Form::Words(words) => words,
        }
    }

    /// Whether the placeholder stands anywhere in it.
    #[must_use]
    pub fn has(&self, placeholder: Placeholder) -> bool {
        let mut pieces = self.templates().iter().flat_map(|template| &template.pieces);
        pieces.any(|piece| *piece == Piece::Hole(placeholder))
    }

    /// The command as one would read it in make.toml.
    #[must_use]
    pub fn source(&self) -> String {
        let sources: Vec<&str> = self.templates().iter().map(|template| &*template.source).collect();
        sources.join(" ")
    }

    /// What the command does, when it is a plain call of cargo: `cargo` is the first word and no shell syntax but quotes
    /// follows.
    #[must_use]
    pub fn cargo(&self) -> Option<CargoCommand> {
        if self.alias.is_empty() {
            let words = self.written_words()?;
            return words.get(subcommand_place(&words)?).map(|word| CargoCommand::of(word));
        }
        let words = self.cargo_words()?;
        Some(CargoCommand::of(&words[subcommand_place(&words)?]))
    }

    /// The words of a plain call of cargo, with what an alias stands for in its place, and with the placeholders as they
    /// are written.
    #[must_use]
    pub fn cargo_words(&self) -> Option<Vec<String>> {
        let words: Vec<String> = self.written_words()?.into_iter().map(Cow::into_owned).collect();
        Some(spelled_out(&words, &self.alias))
    }

    /// The subcommand of a plain call of cargo, as it is written: it may be an alias.
    #[must_use]
    pub fn subcommand(&self) -> Option<String> {
        let mut words = self.written_words()?;
        Some(words.swap_remove(subcommand_place(&words)?).into_owned())
    }

    /// Asked often of every step, so that nothing is put together for what is no call of cargo.
    fn written_words(&self) -> Option<Vec<Cow<'_, str>>> {
        let words: Vec<Cow<'_, str>> = match &self.form {
            Form::Shell(template) => {
                let line = template.source.trim_start();
                // Any part of the word may be quoted.
                let may_be_cargo = line.starts_with(['c', '\'', '"']);
                if !may_be_cargo || line.contains(SHELL_SYNTAX) {
                    return None;
                }
                shlex::split(line)?.into_iter().map(Cow::Owned).collect()
            }
            Form::Words(words) if words.first()?.source.as_ref() != "cargo" => return None,
            Form::Words(words) => words.iter().map(|word| Cow::Borrowed(&*word.source)).collect(),
        };
        (words.first()? == "cargo").then_some(words)
    }
}

impl From<Form> for Command {
    fn from(form: Form) -> Self {
        Self { form, alias: Vec::new() }
    }
}

/// The place of the subcommand among the words of a call of cargo, with or without `cargo` itself at their beginning.
#[must_use]
pub fn subcommand_place(words: &[impl AsRef<str>]) -> Option<usize> {
    let mut is_value = words.first().is_some_and(|word| word.as_ref() == "cargo");
    words.iter().position(|word| {
        let word = word.as_ref();
        let is_found = !is_value && !word.starts_with(['-', '+']);
        is_value = matches!(word, "--color" | "--config" | "-C" | "-Z");
        is_found
    })
}

/// The words of a call of cargo with those that an alias stands for in the place of the subcommand; as they are where there
/// is no alias.
#[must_use]
pub fn spelled_out(words: &[String], alias: &[Arc<str>]) -> Vec<String> {
    let mut words = words.to_vec();
    if let (Some(place), false) = (subcommand_place(&words), alias.is_empty()) {
        words.splice(place..=place, alias.iter().map(|word| word.to_string()));
    }
    words
}

/// The characters that mean something to a shell, quotes apart.
const SHELL_SYNTAX: &[char] =
    &['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '*', '?', '[', ']', '#', '~', '!', '\n'];

/// What a plain call of cargo does, as far as we have to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CargoCommand {
    /// `cargo build`
    Build,
    /// `cargo check`
    Check,
    /// `cargo clippy`
    Clippy,
    /// `cargo doc`
    Doc,
    /// `cargo test`
    Test,
    /// `cargo bench`
    Bench,
    /// `cargo run`
    Run,
    /// `cargo rustc`, `cargo rustdoc`, `cargo fix`, `cargo install`: compile, and are left as they are
    OtherCompile,
    /// `cargo fmt`
    Fmt,
    /// `cargo clean`
    Clean,
    /// Any other subcommand
    Other,
}

impl CargoCommand {
    /// What the subcommand of this name (or cargo's one-letter alias) does.
    #[must_use]
    pub fn of(subcommand: &str) -> Self {
        match subcommand {
            "build" | "b" => Self::Build,
            "check" | "c" => Self::Check,
            "clippy" => Self::Clippy,
            "doc" | "d" => Self::Doc,
            "test" | "t" => Self::Test,
            "bench" => Self::Bench,
            "run" | "r" => Self::Run,
            "rustc" | "rustdoc" | "fix" | "install" => Self::OtherCompile,
            "fmt" => Self::Fmt,
            "clean" => Self::Clean,
            _ => Self::Other,
        }
    }

    /// Whether it compiles, so that cargo says in JSON what it did and takes its build lock.
    #[must_use]
    pub const fn compiles(self) -> bool {
        !matches!(self, Self::Fmt | Self::Clean | Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str, alias: &[&str]) -> Command {
        let template = Template { source: line.into(), pieces: Vec::new() };
        Command { alias: alias.iter().map(|word| (*word).into()).collect(), ..Form::Shell(template).into() }
    }

    #[test]
    fn a_subcommand_stands_behind_options_and_their_values() {
        for (line, expected) in [
            ("cargo check -p a", Some(CargoCommand::Check)),
            ("cargo +nightly --color always -q -C dir check", Some(CargoCommand::Check)),
            ("cargo --config run --color=never fmt", Some(CargoCommand::Fmt)),
            ("cargo xtask check", Some(CargoCommand::Other)),
            ("cargo --version", None),
            ("cargo check | cat", None),
            ("echo cargo check", None),
        ] {
            assert_eq!(command(line, &[]).cargo(), expected, "{line}");
        }
    }

    #[test]
    fn an_alias_is_what_it_stands_for() {
        let command = command("cargo -v xtask 'a b'", &["-q", "run", "-p", "xtask", "--"]);
        assert_eq!(command.cargo(), Some(CargoCommand::Run));
        assert_eq!(command.subcommand().as_deref(), Some("xtask"));
        let words = command.cargo_words().unwrap();
        assert_eq!(words, ["cargo", "-v", "-q", "run", "-p", "xtask", "--", "a b"]);
    }
}
