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
    let command = cargo_lifecycle::cli::command();
    let more = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let man = clap_mangen::Man::new(command).title("cargo-lifecycle");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    page.extend(more.split("\n\n").map(section).collect::<String>().into_bytes());
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// A paragraph of the help with its heading, whose columns stay as they are.
fn section(paragraph: &str) -> String {
    let (heading, lines) = paragraph.split_once(":\n").unwrap_or(("More", paragraph));
    let lines = lines.replace('\\', "\\\\").replace('-', "\\-");
    format!(".SH {}\n.nf\n{lines}\n.fi\n", heading.to_uppercase())
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
