//! A path as seen from a folder, in the one spelling that keys, names and messages use. It looks at no file.

use std::path::{Component, Path, PathBuf};

/// `path` as seen from `from`, with `/` on every system: `""` for the folder itself, `../x` outside of it. Both are
/// absolute. What shares no beginning with `from` (another drive) stays absolute.
pub fn relative(path: &Path, from: &Path) -> String {
    let mut path = path.components().peekable();
    let mut from = from.components().peekable();
    while path.peek().is_some() && path.peek() == from.peek() {
        path.next();
        from.next();
    }
    let up = from.filter(|part| matches!(part, Component::Normal(_))).map(|_| "..".into());
    let names: Vec<_> = if matches!(path.peek(), Some(Component::Prefix(_) | Component::RootDir)) {
        path.map(|part| part.as_os_str().to_string_lossy()).collect()
    } else {
        up.chain(path.map(|part| part.as_os_str().to_string_lossy())).collect()
    };
    names.join("/")
}

/// `path` without `.` and `..`, by its text alone, as cargo cleans a path that was typed.
pub fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = clean.pop(),
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn paths_inside_beside_and_above() {
        let seen = |path: &str| relative(Path::new(path), Path::new("/home/ws"));
        assert_eq!(seen("/home/ws"), "");
        assert_eq!(seen("/home/ws/crates/a"), "crates/a");
        assert_eq!(seen("/home/other/b"), "../other/b");
        assert_eq!(seen("/srv/c"), "../../srv/c");
        assert_eq!(seen("/"), "../..");
        assert_eq!(relative(Path::new("/a"), Path::new("/")), "a");
    }

    #[test]
    fn dots_are_taken_out_and_never_leave_the_top() {
        assert_eq!(cleaned(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"));
        assert_eq!(cleaned(Path::new("/../../a")), Path::new("/a"));
    }
}
