//! The man page, made of what the program says of its options. Where it is installed is not known here.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Writes `target/man/cargo-lifecycle.1`.
pub fn write() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/man");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let folder = folder.canonicalize()?;
    let path = folder.join("cargo-lifecycle.1");
    fs::write(&path, page()?).with_context(|| format!("cannot write {}", path.display()))?;
    println!("Wrote {}", path.display());
    Ok(())
}

fn page() -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(cargo_lifecycle::cli::command()).title("cargo-lifecycle").render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_has_every_option() {
        let page = String::from_utf8(super::page().unwrap()).unwrap().replace("\\-", "-");
        let command = cargo_lifecycle::cli::command();
        let options: Vec<&str> = command.get_arguments().filter_map(|option| option.get_long()).collect();
        assert!(options.len() > 20);
        for option in options {
            assert!(page.contains(&format!("--{option}")), "{option}");
        }
    }
}
