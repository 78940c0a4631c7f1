//! Which variables tests read without being told to, and what of them counts. It knows no steps.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The variable that says where dynamic libraries are.
pub const LIBRARY_PATH: &str = if cfg!(windows) {
    "PATH"
} else if cfg!(target_os = "macos") {
    "DYLD_FALLBACK_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// Where libraries are, without what rustup adds when it starts cargo: a call through cargo and one by hand are the same.
pub fn without_toolchains(value: &OsStr) -> OsString {
    let is_of_rustup = |path: &PathBuf| {
        let above = path.ancestors().nth(2).and_then(Path::file_name);
        path.file_name().is_some_and(|name| name == "lib") && above.is_some_and(|name| name == "toolchains")
    };
    let kept = std::env::split_paths(value).filter(|path| !is_of_rustup(path));
    std::env::join_paths(kept).unwrap_or_else(|_| value.to_owned())
}

/// Whether the standard library, or what tests log with, reads the variable. The one that rustup counts its calls with tells
/// nothing.
pub fn is_of_tests(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("RUST_") && name != "RUST_RECURSION_COUNT")
}
