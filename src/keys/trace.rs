//! The folder that rustc ran in, as it stands in what it made. That is no interface: where nothing is found, nothing is
//! known, and what is found has to prove true on the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What ends each text in rustc's metadata. It occurs in no text.
const END: u8 = 0xc1;

/// The folders before the path of this main source file in a library's metadata, where it stands in full.
pub fn named_in_library(metadata: &[u8], source: &Path) -> BTreeSet<PathBuf> {
    let tail = [b"/", source.as_os_str().as_encoded_bytes()].concat();
    let texts = metadata.split(|byte| *byte == END).filter_map(|piece| piece.strip_suffix(&*tail).zip(Some(piece)));
    let roots = texts.filter_map(|(before, piece)| {
        // A text comes after its length.
        let starts = (0..before.len()).filter(|start| before[*start] == b'/');
        let start = starts.into_iter().find(|start| before[..*start].ends_with(&encoded(piece.len() - start)))?;
        path(&before[start..])
    });
    roots.collect()
}

/// The absolute paths in a program's debug information, among them the folders that its crates were compiled in.
pub fn named_in_program(program: &[u8]) -> BTreeSet<PathBuf> {
    program.split(|byte| *byte == 0).filter(|piece| piece.first() == Some(&b'/')).filter_map(path).collect()
}

fn path(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

/// A number in LEB128.
fn encoded(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&encoded(text.len())[..], text.as_bytes(), &[END]].concat()
    }

    #[test]
    fn a_root_stands_before_the_source_in_metadata() {
        let long = format!("/{}", "x".repeat(300));
        for root in ["/w/a", "/w/a2", "/w", &long, &"/".repeat(47)] {
            let full = format!("{root}/m/src/lib.rs");
            let metadata =
                [&b"rust\xc1\x03"[..], &text("/w/other"), &text("/elsewhere/m/src/lib"), &text(&full)].concat();
            assert_eq!(named_in_library(&metadata, Path::new("m/src/lib.rs")), BTreeSet::from([PathBuf::from(root)]));
            assert_eq!(named_in_library(&metadata, Path::new("n/src/lib.rs")), BTreeSet::new());
        }
    }

    #[test]
    fn a_program_names_whole_paths() {
        let program = b"\x7fELF\0/w/a2\0m/src/main.rs\0/w/a\0x/w/b\0";
        assert_eq!(named_in_program(program), BTreeSet::from(["/w/a", "/w/a2"].map(PathBuf::from)));
    }
}
