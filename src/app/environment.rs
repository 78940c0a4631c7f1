//! The environment as a part of keys: which of its facts stand under which names.

use crate::environment::Environment;
use crate::fingerprint::{Description, Tag};

/// The description of the machine that every key covers. Values of variables and contents of files are digests.
pub fn describe(environment: &Environment) -> Description {
    let mut description = Description::default();
    description.text(Tag::Platform, "os", std::env::consts::OS);
    description.text(Tag::Platform, "host", environment.host.as_deref().unwrap_or_default());
    description.text(Tag::Platform, "target", environment.targets.join(" "));
    description.text(Tag::Tool, "rustc", &environment.rustc);
    description.text(Tag::Tool, "cargo", &environment.cargo);
    for (name, identity) in &environment.wrappers {
        description.secret(Tag::Tool, name, identity);
    }
    for (name, value) in &environment.variables {
        description.secret(Tag::Variable, name, value.as_encoded_bytes());
    }
    for (name, contents) in &environment.files {
        description.secret(Tag::Config, name, contents);
    }
    description
}
