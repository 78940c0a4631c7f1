//! Which file a program's name means, and what tells that it may have become another program. It runs nothing.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo_config::Invocation;
use crate::model::FileStat;

/// The file that is run for `program` in `folder`: a path as it stands, a mere name through `PATH`.
pub fn find(program: &Path, folder: &Path, invocation: &Invocation) -> Option<PathBuf> {
    let named = |folder: PathBuf| {
        let plain = folder.join(program);
        let mut with_suffix = plain.clone().into_os_string();
        with_suffix.push(std::env::consts::EXE_SUFFIX);
        [plain, with_suffix.into()].into_iter().find(|path| path.is_file())
    };
    if program.components().count() > 1 {
        return named(folder.to_owned());
    }
    let is_path = |name: &OsStr| name == "PATH" || cfg!(windows) && name.eq_ignore_ascii_case("PATH");
    let (_, folders) = invocation.variables.iter().find(|(name, _)| is_path(name))?;
    std::env::split_paths(folders).map(|entry| folder.join(entry)).find_map(named)
}

/// The program that a rustup proxy named `tool` would start, where the variables name the toolchain: cargo spares itself
/// the proxy, by these very questions, and the proxy's traces in the environment.
pub fn behind_proxy(tool: &str, folder: &Path, invocation: &Invocation) -> Option<PathBuf> {
    let toolchain = invocation.variable("RUSTUP_TOOLCHAIN")?;
    if Path::new(toolchain).components().count() > 1 {
        return None;
    }
    let length = |name: &str| Some(find(Path::new(name), folder, invocation)?.metadata().ok()?.len());
    if length(tool)? != length("rustup")? {
        return None;
    }
    let name = format!("{tool}{}", std::env::consts::EXE_SUFFIX);
    let program = rustup_home(folder, invocation)?.join("toolchains").join(toolchain).join("bin").join(name);
    program.is_file().then_some(program)
}

fn rustup_home(folder: &Path, invocation: &Invocation) -> Option<PathBuf> {
    let set = invocation.variable("RUSTUP_HOME").map(|home| folder.join(home));
    set.or_else(|| Some(invocation.home()?.join(".rustup")))
}

/// Text that changes whenever `program`, run in `folder`, may do something else: for a rustup proxy also when another
/// toolchain is chosen or a toolchain is updated. `None` when that cannot be told without running it.
pub fn identity(program: &Path, folder: &Path, invocation: &Invocation) -> Option<String> {
    let found = find(program, folder, invocation)?;
    let real = fs::canonicalize(&found).ok()?;
    let mut lines = format!("{}\n{} {}\n", found.display(), real.display(), stat(&real));
    if is_proxy(&found, &real) {
        lines += &rustup(&found, folder, invocation)?;
    }
    Some(lines)
}

/// A file's length and its times of change, or why they cannot be told. The time of its contents can be put back, as copying
/// tools do; the inode's cannot.
pub fn stat(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(metadata) => {
            let stat = FileStat::of(&metadata);
            format!("{} {} {}", stat.size, stat.mtime_ns, stat.ctime_ns)
        }
        Err(error) => error.kind().to_string(),
    }
}

/// Proxies are links to `rustup` or, where links are not to be had, copies of it beside it.
fn is_proxy(found: &Path, real: &Path) -> bool {
    let beside = found.with_file_name(format!("rustup{}", std::env::consts::EXE_SUFFIX));
    real.file_stem() == Some(OsStr::new("rustup")) || beside.is_file()
}

/// Everything by which rustup chooses a toolchain, and the state of every toolchain: which of them it chooses is its own
/// affair.
fn rustup(proxy: &Path, folder: &Path, invocation: &Invocation) -> Option<String> {
    let home = rustup_home(folder, invocation)?;
    let chosen = invocation.variable("RUSTUP_TOOLCHAIN").unwrap_or_default();
    if Path::new(chosen).components().count() > 1 {
        return None;
    }
    let mut lines = format!("RUSTUP_TOOLCHAIN={}\n", chosen.display());
    let named = |above: &Path| ["rust-toolchain.toml", "rust-toolchain"].map(|name| above.join(name));
    for file in folder.ancestors().flat_map(named).chain([home.join("settings.toml")]) {
        let Ok(contents) = fs::read_to_string(&file) else { continue };
        // `toolchain.path`: one that may lie anywhere on the disk. The keys of the settings are paths, which is harmless.
        if !file.ends_with("settings.toml") && contents.contains("path") {
            return None;
        }
        _ = writeln!(lines, "{}\n{contents}", file.display());
    }
    let toolchains = fs::read_dir(home.join("toolchains")).ok()?;
    let toolchains: BTreeSet<PathBuf> = toolchains.filter_map(|entry| Some(entry.ok()?.path())).collect();
    for toolchain in toolchains {
        let program = toolchain.join("bin").join(proxy.file_name()?);
        _ = writeln!(lines, "{} {}", program.display(), stat(&program));
    }
    Some(lines)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn put(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn invocation(top: &Path) -> Invocation {
        let mut invocation = Invocation { current_dir: top.into(), ..Invocation::default() };
        invocation.variables.insert("PATH".into(), format!("{0}/none:{0}/bin", top.display()).into());
        invocation.variables.insert("RUSTUP_HOME".into(), top.join("rustup-home").into());
        invocation
    }

    #[test]
    fn a_name_is_looked_up_and_a_path_is_taken() {
        let top = tempfile::tempdir().unwrap();
        let invocation = invocation(top.path());
        put(&top.path().join("bin/tool"), "");
        assert_eq!(find(Path::new("tool"), top.path(), &invocation), Some(top.path().join("bin/tool")));
        assert_eq!(find(Path::new("bin/tool"), top.path(), &invocation), Some(top.path().join("bin/tool")));
        assert_eq!(find(Path::new("other"), top.path(), &invocation), None);
        assert_eq!(identity(Path::new("other"), top.path(), &invocation), None);
    }

    #[test]
    fn another_program_is_another_identity() {
        let top = tempfile::tempdir().unwrap();
        let invocation = invocation(top.path());
        put(&top.path().join("bin/tool"), "one");
        let before = identity(Path::new("tool"), top.path(), &invocation).unwrap();
        assert_eq!(identity(Path::new("tool"), top.path(), &invocation).unwrap(), before);
        let path = top.path().join("bin/tool");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        put(&path, "two");
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_ne!(identity(Path::new("tool"), top.path(), &invocation).unwrap(), before, "its time is put back");
    }

    #[test]
    fn a_proxy_is_what_rustup_chooses() {
        let top = tempfile::tempdir().unwrap();
        let mut invocation = invocation(top.path());
        let place = |path: &str| top.path().join(path);
        put(&place("bin/rustup"), "");
        symlink("rustup", place("bin/rustc")).unwrap();
        put(&place("rustup-home/settings.toml"), "default_toolchain = 'stable'");
        put(&place("real/stable/bin/rustc"), "");
        fs::create_dir_all(place("rustup-home/toolchains")).unwrap();
        symlink(place("real/stable"), place("rustup-home/toolchains/linked")).unwrap();
        let mut seen = vec![];
        let mut look = |invocation: &Invocation| {
            let now = identity(Path::new("rustc"), &place("ws"), invocation).unwrap();
            assert!(!seen.contains(&now), "{now}");
            seen.push(now);
        };
        look(&invocation);
        put(&place("rustup-home/settings.toml"), "default_toolchain = 'beta'");
        look(&invocation);
        put(&place("rust-toolchain.toml"), "toolchain.channel = 'nightly'");
        look(&invocation);
        put(&place("real/stable/bin/rustc"), "updated");
        look(&invocation);
        invocation.variables.insert("RUSTUP_TOOLCHAIN".into(), "1.95".into());
        look(&invocation);
        put(&place("rust-toolchain.toml"), "[toolchain]\npath = '/anywhere'");
        assert_eq!(identity(Path::new("rustc"), &place("ws"), &invocation), None);
    }
}
