//! A command as make.toml says it, with its placeholders; which words it becomes is the plan's affair.

use std::sync::Arc;

/// One command of a phase.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
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
        match self {
            Self::Shell(template) => std::slice::from_ref(template),
            Self::Words(words) => words,
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

    /// The cargo subcommand, when this is a plain call of cargo: `cargo` is the first word and no shell syntax but
    /// quotes follows.
    #[must_use]
    pub fn cargo(&self) -> Option<CargoCommand> {
        let words: Vec<String> = match self {
            Self::Shell(template) if template.source.contains(SHELL_SYNTAX) => return None,
            Self::Shell(template) => shlex::split(&template.source)?,
            Self::Words(words) => words.iter().map(|word| word.source.to_string()).collect(),
        };
        let mut words = words.iter();
        if words.next()? != "cargo" {
            return None;
        }
        let subcommand = words.find(|word| !word.starts_with(['-', '+']))?;
        Some(CargoCommand::of(subcommand))
    }
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
