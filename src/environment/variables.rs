//! Which environment variables can change what cargo, the compilers and what they call produce.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::cargo_config::{CargoConfig, Variables};

/// A name, or with `*` at its ends the beginning, end or middle of names.
type Pattern = &'static str;

/// What counts.
const READ: &[Pattern] = &[
    // Cargo's configuration and profiles in the form of variables.
    "CARGO_*",
    // Cargo, rustc and rustdoc: programs, wrappers and flags.
    "RUSTC*",
    "RUSTDOC*",
    "RUSTFLAGS",
    "RUSTFMT",
    // Custom targets, libtest's options, the stack of new threads.
    "RUST_TARGET_PATH",
    "RUST_TEST_*",
    "RUST_MIN_STACK",
    // Compilers and linkers that build scripts call through the cc crate, also as CC_<target>, HOST_CC, TARGET_CC.
    "CC",
    "CC_*",
    "*_CC",
    "CXX",
    "CXX_*",
    "*_CXX",
    "AR",
    "AR_*",
    "*_AR",
    "LD",
    "RANLIB",
    "RANLIB_*",
    "*_RANLIB",
    "NVCC",
    "CFLAGS",
    "CFLAGS_*",
    "*_CFLAGS",
    "CXXFLAGS",
    "CXXFLAGS_*",
    "*_CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "LDFLAGS_*",
    "*_LDFLAGS",
    "ARFLAGS",
    "ARFLAGS_*",
    "*_ARFLAGS",
    "RANLIBFLAGS*",
    "CXXSTDLIB*",
    "*_CXXSTDLIB",
    "CRATE_CC_*",
    // Where those compilers look.
    "LIBRARY_PATH",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "INCLUDE",
    "LIB",
    // Which platform they build for.
    "SDKROOT",
    "DEVELOPER_DIR",
    "*_DEPLOYMENT_TARGET",
    // Other programs and libraries that build scripts look for.
    "PKG_CONFIG*",
    "*_PKG_CONFIG*",
    "CMAKE*",
    "*_CMAKE_*",
    "OPENSSL_*",
    "*_OPENSSL_*",
    "PROTOC*",
    "LIBCLANG_*",
    "LLVM_CONFIG_PATH",
    "CLANG_PATH",
    "BINDGEN_*",
    // Clippy's configuration and arguments.
    "CLIPPY_*",
    // Documentation that knows where it is built; results that carry a date.
    "DOCS_RS",
    "SOURCE_DATE_EPOCH",
];

/// What does not count, although it looks as if.
const NOT_READ: &[Pattern] = &[
    // Places on this machine, which change no result; what lies in the configuration there counts as a file.
    "CARGO_HOME",
    "CARGO_INSTALL_ROOT",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    // How much is shown, how fast it goes, how packages are fetched.
    "CARGO_TERM_*",
    "CARGO_LOG",
    "CARGO_BUILD_JOBS",
    "CARGO_MAKEFLAGS",
    "CARGO_HTTP_*",
    "CARGO_NET_*",
    "CARGO_CACHE_*",
    "RUSTC_LOG",
    // Secrets; what they give access to is locked. Only at the end: a profile may be called `tokens`.
    "*_TOKEN",
    // Set by cargo for what it runs, by us for steps.
    "CARGO_PKG_*",
    "CARGO_MANIFEST_*",
    "CARGO_BIN_*",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_LIFECYCLE_*",
];

/// Those of the variables that count, by name. In the values the workspace root is written as `{root}`.
pub fn of(config: &CargoConfig<'_>, variables: &Variables, root: &Path) -> Vec<(String, OsString)> {
    // What `[env]` of cargo's configuration says, these go before, if it is not forced.
    let is_set =
        |name: &str| config.tables().any(|(table, _)| table.get("env").is_some_and(|env| env.get(name).is_some()));
    let named = variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value)));
    let counting = named.filter(|(name, _)| counts(name) || is_set(name));
    counting.map(|(name, value)| (name.to_owned(), without_root(value, root))).collect()
}

fn counts(name: &str) -> bool {
    let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| matches(name, pattern));
    any(READ) && !any(NOT_READ)
}

fn matches(name: &str, pattern: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(middle), Some(_)) => name.contains(middle.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

/// A moved workspace has the same keys. The root is one only where a path ends or goes on below it.
fn without_root(value: &OsStr, root: &Path) -> OsString {
    let (Some(value), Some(root)) = (value.to_str(), root.to_str().filter(|root| root.len() > 1)) else {
        return value.to_owned();
    };
    let mut pieces = value.split(root);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let goes_on = piece.starts_with(|next: char| next.is_alphanumeric() || ['_', '-', '.'].contains(&next));
        text += if goes_on { root } else { "{root}" };
        text += piece;
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_results_counts_and_the_rest_does_not() {
        let counting = [
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_INCREMENTAL",
            "CARGO_PROFILE_DEV_DEBUG",
            "CARGO_PROFILE_TOKENS_OPT_LEVEL",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
            "CC",
            "CC_x86_64_unknown_linux_gnu",
            "HOST_CC",
            "TARGET_CFLAGS",
            "MACOSX_DEPLOYMENT_TARGET",
            "PKG_CONFIG_PATH",
            "HOST_PKG_CONFIG_PATH",
            "RUSTFLAGS",
            "RUSTDOCFLAGS",
            "RUSTC_BOOTSTRAP",
            "RUSTC_WRAPPER",
            "RUST_TEST_THREADS",
            "X86_64_UNKNOWN_LINUX_GNU_OPENSSL_DIR",
            "SOURCE_DATE_EPOCH",
        ];
        let not_counting = [
            "CARGO",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_TERM_COLOR",
            "CARGO_MAKEFLAGS",
            "CARGO_PKG_NAME",
            "CARGO_NET_OFFLINE",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_MY_TOKEN",
            "CARGO_LIFECYCLE_LOG",
            "__CARGO_FIX_PLZ",
            "LD_LIBRARY_PATH",
            "RUST_BACKTRACE",
            "RUST_LIB_BACKTRACE",
            "RUST_LOG",
            "RUST_RECURSION_COUNT",
            "RUSTUP_TOOLCHAIN",
            "PATH",
            "HOME",
            "LIBS",
        ];
        for name in counting {
            assert!(counts(name), "{name}");
        }
        for name in not_counting {
            assert!(!counts(name), "{name}");
        }
    }

    #[test]
    fn the_root_is_taken_out_of_values() {
        let value = |text: &str| without_root(OsStr::new(text), Path::new("/home/ws"));
        assert_eq!(value("-L /home/ws/lib:/home/ws -C x=/home/ws"), "-L {root}/lib:{root} -C x={root}");
        assert_eq!(value("/home/ws2/lib"), "/home/ws2/lib");
        assert_eq!(value("/home/ws-old"), "/home/ws-old");
    }
}
