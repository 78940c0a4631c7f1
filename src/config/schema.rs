//! The JSON Schema of make.toml, for editors. It tells less than the reader does: which names there are, it cannot know.

/// The schema, as text. Draft 7: of what editors' plugins for TOML understand, all understand that.
pub const SCHEMA: &str = include_str!("make.schema.json");

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    use jsonschema::Validator;
    use serde_json::Value;

    use super::super::keys::{OF_ALL, OF_ONE};
    use super::super::{STARTER, Source, TABLES, bounds, history, members, performance, understand};
    use super::SCHEMA;

    static PARSED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(SCHEMA).unwrap());
    static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::draft7::new(&PARSED).unwrap());

    const MANUAL: &str = include_str!("../docs/make_toml.md");
    const PAGES: [&str; 6] = [
        MANUAL,
        include_str!("../docs/plan.md"),
        include_str!("../docs/keys.md"),
        include_str!("../docs/tests.md"),
        include_str!("../docs/ci.md"),
        include_str!("../../README.md"),
    ];

    /// What the schema has against a make.toml, each with its place.
    pub fn faults(text: &str) -> Vec<String> {
        let value: Value = toml::from_str(text).unwrap();
        VALIDATOR.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn keys(pointer: &str) -> BTreeSet<&'static str> {
        let properties = PARSED.pointer(&format!("{pointer}/properties")).and_then(Value::as_object);
        properties.unwrap_or_else(|| panic!("{pointer}")).keys().map(String::as_str).collect()
    }

    fn set(keys: &[&'static str]) -> BTreeSet<&'static str> {
        keys.iter().copied().collect()
    }

    #[test]
    fn it_is_a_schema_itself() {
        assert!(jsonschema::draft7::meta::is_valid(&PARSED));
    }

    #[test]
    fn it_has_the_keys_that_are_read_and_no_others() {
        assert_eq!(keys(""), set(TABLES));
        assert_eq!(keys("/properties/project"), set(&["name", "jobs", "profile"]));
        assert_eq!(keys("/properties/cache"), set(bounds::KEYS));
        assert_eq!(keys("/properties/performance"), set(performance::KEYS));
        assert_eq!(keys("/properties/history"), set(history::KEYS));
        assert_eq!(keys("/definitions/phase"), set(OF_ALL));
        assert_eq!(keys("/definitions/phase-of-one"), set(OF_ONE));
        assert_eq!(keys("/definitions/member"), set(members::KEYS));
        for hook in keys("/properties/hooks") {
            let text = format!("[hooks]\n{hook} = [\"fmt\"]");
            let source = Source { path: "make.toml".into(), text };
            assert!(understand(Some(&source), "/nowhere".as_ref(), &[]).is_ok(), "{hook}");
        }
    }

    #[test]
    fn it_has_every_hook_that_the_manual_names() {
        let section = MANUAL.split("\n## `[hooks]`").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let words = section.split('`').skip(1).step_by(2);
        // Other words in backticks are names of phases.
        let is_key = |word: &&str| {
            let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            is_word && (word.contains('_') && !word.ends_with('_') || *word == "finally")
        };
        let named: Vec<&str> = words.filter(is_key).collect();
        assert!(named.contains(&"before_all"), "{named:?}");
        for key in named {
            assert!(keys("/properties/hooks").contains(key), "the schema has no hook `{key}`, or this is none");
        }
    }

    #[test]
    fn it_says_of_each_key_what_the_manual_says() {
        for key in OF_ALL {
            let row = MANUAL.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).unwrap();
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [_, _, meaning, default] = cells[..] else { panic!("{row}") };
            let default = if default == "–" { String::new() } else { format!(". Default: {default}") };
            let said = PARSED.pointer(&format!("/definitions/phase/properties/{key}/description")).unwrap();
            assert_eq!(said, &format!("{meaning}{default}"), "{key}");
        }
    }

    #[test]
    fn it_takes_every_example_of_the_manual() {
        let blocks = PAGES.iter().flat_map(|page| page.split("```toml\n").skip(1));
        let examples: Vec<&str> = blocks.map(|block| block.split("```").next().unwrap()).collect();
        assert!(examples.len() > 10);
        for example in examples {
            assert_eq!(faults(example), [""; 0], "{example}");
        }
        let all: String = STARTER
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|l| !l.starts_with(' '))
            .fold(String::new(), |text, line| text + line + "\n");
        assert_eq!(faults(&all), [""; 0], "{all}");
    }

    #[test]
    fn it_refuses_what_can_be_told_without_knowing_the_workspace() {
        for text in [
            "performance = 1",
            "project = 3",
            "[project]\njobs = 0",
            "[project]\njobs = \"8\"",
            "[project]\njobs = 65536",
            "[project]\nprofile = 1",
            "[project]\nname = \" \"",
            "[lifecycle]\nbuild = \"cargo build\"",
            "[lifecycle.all]\ncommand = 'x'",
            "[lifecycle.-a]\ncommand = 'x'",
            "[lifecycle.'a b']\ncommand = 'x'",
            "[lifecycle.a]\ncomand = 'x'",
            "[lifecycle.a]\ncommand = 'x'\ncommands = ['x']",
            "[lifecycle.a]\ncommand = ''",
            "[lifecycle.a]\ncommand = []",
            "[lifecycle.a]\ncommand = ['x', 1]",
            "[lifecycle.a]\ncommands = []",
            "[lifecycle.a]\ncommands = 'x'",
            "[lifecycle.a]\nscope = 'all'",
            "[lifecycle.a]\nengine = 'test'",
            "[lifecycle.a]\nworkspaces = []",
            "[lifecycle.a]\nneeds = 'b'",
            "[lifecycle.a]\nneeds = ['check', 'check']",
            "[lifecycle.a]\ninputs = ['../x']",
            "[lifecycle.a]\ninputs = ['!x']",
            "[lifecycle.a]\ninputs = ['/x']",
            "[lifecycle.a]\nenv = { A = 1 }",
            "[lifecycle.a]\nenv = { 'A=B' = '' }",
            "[lifecycle.a]\nenv-inputs = ['']",
            "[lifecycle.a]\ncache = 'yes'",
            "[lifecycle.a]\nlock = ''",
            "[lifecycle.a]\ntimeout = 10",
            "[lifecycle.a]\ntimeout = '0s'",
            "[lifecycle.a]\nretries = -1",
            "[lifecycle.a]\nretries = 1001",
            "[hooks]\nfinally = 'fmt'",
            "[hooks]\nbefore = ['fmt']",
            "[hooks]\nbefore_all = 'fmt'",
            "[hooks]\nafter_build = ['fmt', 'fmt']",
            "[workspace.api]\nlifecycle.build.scope = 'member'",
            "[workspace.api]\nlifecycle.build.workspaces = ['x']",
            "[workspace.api]\npaths = 'x'",
            "[performance]\nmax_phase_time = '5s'",
            "[performance]\nmax_memory_mb = 0",
            "[performance]\nmax_time = 1",
            "[performance]\nphases = { build = -1 }",
            "[performance]\nenforce = 1",
            "[history]\nkeep = -1",
            "[history]\nkeep = 10_001",
            "[history]\nruns = 1",
            "[cache]\nmax-size = '2 gigabytes'",
            "[cache]\nmax-age = 30",
            "[cache]\nsize = 1",
        ] {
            let source = Source { path: "make.toml".into(), text: text.to_owned() };
            assert!(understand(Some(&source), "/nowhere".as_ref(), &["api"]).is_err(), "the reader takes:\n{text}");
            assert!(!faults(text).is_empty(), "the schema takes:\n{text}");
        }
    }
}
