//! What cargo's subcommands stand for where configuration makes aliases of them, as cargo itself resolves them.

use std::collections::BTreeSet;

use toml::Value;

use super::CargoConfig;
use crate::model::subcommand_place;

/// The subcommands that cargo has in itself: an alias of such a name is ignored. `clippy` and `fmt` are programs of their
/// own, `b` and `t` are aliases that cargo brings along: configuration comes before these.
#[rustfmt::skip]
const BUILT_IN: [&str; 39] = [
    "add", "bench", "build", "check", "clean", "config", "doc", "fetch", "fix", "generate-lockfile", "git-checkout",
    "help", "info", "init", "install", "locate-project", "login", "logout", "metadata", "new", "owner", "package", "pkgid",
    "publish", "read-manifest", "remove", "report", "run", "rustc", "rustdoc", "search", "test", "tree", "uninstall",
    "update", "vendor", "verify-project", "version", "yank",
];

/// Whether an alias of this name would count.
pub fn may_be_alias(subcommand: &str) -> bool {
    !BUILT_IN.contains(&subcommand)
}

impl CargoConfig<'_> {
    /// The words that a subcommand stands for, with those that an alias in them stands for in its place. Empty if it is no
    /// alias, or one that cargo refuses because it leads back to itself.
    pub fn stands_for(&self, subcommand: &str) -> Vec<String> {
        let mut words = vec![subcommand.to_owned()];
        let mut known = BTreeSet::new();
        while let Some(place) = subcommand_place(&words) {
            let alias = self.alias(&words[place]);
            if alias.is_empty() {
                break;
            }
            if !known.insert(words[place].clone()) {
                return Vec::new();
            }
            words.splice(place..=place, alias);
        }
        if known.is_empty() { Vec::new() } else { words }
    }

    /// The words of one alias: those of its variable, else of the nearest file; lists are joined, what wins coming last.
    /// Cargo does not look for aliases in `--config`.
    fn alias(&self, name: &str) -> Vec<String> {
        if !may_be_alias(name) {
            return Vec::new();
        }
        let key = format!("alias.{name}");
        let files = self.layers[self.from_call..].iter().rev();
        let values = files.filter_map(|layer| layer.find(&key).cloned());
        let variable = self.variable(&key).map(|set| set.value);
        let mut words = Vec::new();
        let mut is_list = false;
        for value in values.chain(variable) {
            if !is_list {
                words.clear();
            }
            is_list |= value.is_array();
            words.extend(words_in(&value));
        }
        words
    }
}

fn words_in(value: &Value) -> Vec<String> {
    match value {
        Value::Array(words) => words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect(),
        value => value.as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::cargo_config::Invocation;

    fn put(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn words(top: &Path, invocation: &Invocation, subcommand: &str) -> String {
        CargoConfig::read(&top.join("ws/member"), invocation).stands_for(subcommand).join("|")
    }

    #[test]
    fn an_alias_may_be_text_a_list_and_of_other_aliases() {
        let top = tempfile::tempdir().unwrap();
        let aliases = "[alias]\nx = 'run  -p x --'\ny = ['-q', 'x', 'a b']\nb = 'test'\nfmt = 'x'\nv = 'version'\n\
            check = 'version'\nround = 'about'\nabout = 'round'\nself = 'self'\nnone = ''\n";
        put(&top.path().join("ws/.cargo/config.toml"), aliases);
        let invocation = Invocation::of_test(top.path());
        for (subcommand, expected) in [
            ("x", "run|-p|x|--"),
            ("y", "-q|run|-p|x|--|a b"),
            ("b", "test"),
            ("fmt", "run|-p|x|--"),
            ("check", ""),
            ("round", ""),
            ("self", ""),
            ("none", ""),
            ("clippy", ""),
            ("cargo", ""),
        ] {
            assert_eq!(words(top.path(), &invocation, subcommand), expected, "{subcommand}");
        }
    }

    #[test]
    fn the_nearest_text_wins_and_lists_are_joined() {
        let top = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| put(&top.path().join(path), text);
        put("cargo-home/config.toml", "[alias]\nhome = 'run'\nx = 'one'\nl = ['run', '--']\nBig-One = 'run'\n");
        put("ws/.cargo/config.toml", "include = ['more.toml']\n[alias]\nx = 'two'\nl = ['two']\nm = ['last']\n");
        put("ws/.cargo/more.toml", "[alias]\nm = ['run']\n");
        put("ws/member/.cargo/config.toml", "[alias]\nx = 'three'\nl = ['three']\n");
        let mut invocation = Invocation::of_test(top.path());
        invocation.config = vec!["alias.x='option'".into(), "alias.none='option'".into()];
        let ask = |invocation: &Invocation, subcommand: &str| words(top.path(), invocation, subcommand);
        assert_eq!(ask(&invocation, "home"), "run");
        assert_eq!(ask(&invocation, "x"), "three");
        assert_eq!(ask(&invocation, "l"), "run|--|two|three");
        assert_eq!(ask(&invocation, "m"), "run|last");
        assert_eq!(ask(&invocation, "none"), "");
        for (name, value) in [("X", "a  b"), ("L", "a b"), ("NONE", "build"), ("BIG_ONE", "check")] {
            invocation.variables.insert(format!("CARGO_ALIAS_{name}").into(), value.into());
        }
        assert_eq!(ask(&invocation, "x"), "a|b");
        assert_eq!(ask(&invocation, "l"), "run|--|two|three|a|b");
        assert_eq!(ask(&invocation, "none"), "build");
        assert_eq!(ask(&invocation, "Big-One"), "check");
    }
}
