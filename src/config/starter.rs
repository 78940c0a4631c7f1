//! The make.toml that `--init` writes; whether one is there already is not known here.

/// A make.toml in which everything is a comment: prose begins with `# `, an example with `#` alone, so that taking the
/// `#` away is all it takes to use it.
pub const STARTER: &str = r##"# make.toml: the phases of this workspace, for `cargo lifecycle`.
#
# Without anything in it these phases are there: check, build, test, lint, fmt, doc, bench and clean.
# Run one with `cargo lifecycle build`, several with `cargo lifecycle fmt lint test`; `cargo lifecycle --list` shows all.
# Lines that begin with `#` and no space are examples: take the `#` away to use them.

# The project as a whole. The name is the root package's or the folder's; the jobs are the number of cores.

#[project]
#name = "shop"
#jobs = 8
#profile = true               # write what the time of each run went into: target/lifecycle/profile.svg

# A phase of your own. A string is a line for the shell; an array of words is run without one.
#
# In braces: {name}, {spec} and {dir} (the member's name, package id and folder), {root} (the workspace root), {args} (what
# stood after `--`), {flags} (cargo's build flags) and {selected} (`--workspace`, or a `-p` for each selected member: then
# one call is made for all of them). A brace that is meant as one is written {{ or }}; ${HOME} is the shell's.

#[lifecycle.codegen]
#description = "Generate the API types"
#command = "cargo run -p gen -- {name}"
#workspaces = ["*"]           # the members that have this phase, by name; without it every member
#needs = ["^codegen"]         # phases that come first; ^ means those of the members this one depends on
#inputs = ["src/**", "//proto/**"]    # what it reads; // is the workspace root; without it every file git would not ignore
#outputs = ["src/generated/**"]   # what it makes: stored, and put back when missing or changed
#env = { RUST_LOG = "debug" } # variables for the commands
#env-inputs = ["DATABASE_URL"]    # variables whose value makes a difference
#cache = true                 # skip it when nothing changed; without it only if there are inputs or outputs
#dependencies = true          # a change in a member this one depends on counts as well

# A phase that runs once in the workspace root, with several commands, at the same time if you like.

#[lifecycle.release-notes]
#scope = "workspace"
#commands = ["git log --oneline -20", ["echo", "{root}"]]
#parallel = true

# A built-in phase is changed without giving it a command, and replaced by giving it one.

#[lifecycle.test]
#env = { RUST_BACKTRACE = "1" }

#[lifecycle.doc]
#command = "cargo doc {selected} --document-private-items {flags} {args}"

# Phases to run before and after others: before_all, after_all, and before_ or after_ with the name of a phase. And at the
# end: these run every time.

#[hooks]
#before_all = ["fmt"]
#before_build = ["check"]
#after_build = ["doc"]
#finally = ["fmt"]            # however it went, after Ctrl-C too: to take down what was set up
#on_success = ["doc"]         # when all went well
#on_error = ["check"]         # when something failed

# One member, by its package's name: what stands here takes the place of that key for it.

#[workspace.api]
#env = { PORT = "8080" }
#lifecycle.test.command = "cargo test -p {spec} --all-features {args}"

# A folder that is no Cargo package, with the phases it has.

#[workspace.web]
#path = "web"
#depends-on = ["api"]
#lifecycle.build.command = "npm run build"

# How much is kept: stored outputs, and results that no run uses. The least recently used go first.

#[cache]
#max-size = "2GiB"            # B, KB, MB, GB, KiB, MiB, GiB
#max-age = "30d"              # s, m, h, d, w
"##;

#[cfg(test)]
mod tests {
    use super::super::{Source, understand};
    use super::STARTER;

    fn is_valid(text: String) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("web")).unwrap();
        let source = Source { path: "make.toml".into(), text };
        if let Err(problems) = understand(Some(&source), root.path(), &["api"]) {
            panic!("{problems}\n{}", source.text);
        }
    }

    /// The examples: each begins with the header of a table.
    fn examples() -> Vec<String> {
        let mut examples: Vec<String> = Vec::new();
        for line in STARTER.lines() {
            match line.strip_prefix('#').filter(|line| !line.is_empty() && !line.starts_with(' ')) {
                Some(header) if header.starts_with('[') => examples.push(format!("{header}\n")),
                Some(line) => examples.last_mut().unwrap().push_str(&format!("{line}\n")),
                None => {}
            }
        }
        examples
    }

    #[test]
    fn it_is_valid_as_it_stands() {
        is_valid(STARTER.to_owned());
        assert!(STARTER.lines().all(|line| line.is_empty() || line.starts_with('#')));
    }

    #[test]
    fn every_example_is_valid_alone_and_with_all_others() {
        let examples = examples();
        assert_eq!(examples.len(), 9);
        for example in &examples {
            is_valid(example.clone());
        }
        is_valid(examples.concat());
    }
}
