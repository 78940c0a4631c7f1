//! What is laid over the disk against the same things on it.

use super::*;

/// What a walk through links finds below a folder, in lines.
fn told(disk: &Disk, dir: &Path, shown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let listing = disk.list(dir).unwrap();
    for entry in listing.iter() {
        let (path, name) = (dir.join(entry.name), format!("{shown}{}", entry.name.display()));
        assert_eq!(disk.look(&path).unwrap().sort, entry.sort().unwrap(), "{name}");
        match disk.look_through(&path) {
            Ok(look) if look.sort == Sort::Folder => lines.extend(told(disk, &path, &format!("{name}/"))),
            Ok(look) => {
                let text = String::from_utf8(disk.read(&path).unwrap()).unwrap();
                lines.push(format!("{name} {:?} {text} {}", entry.look().unwrap().sort, look.executable));
            }
            Err(error) => lines.push(format!("{name} {:?} {:?}", disk.link(&path).unwrap(), error.kind())),
        }
    }
    lines.sort();
    lines
}

#[test]
fn what_is_laid_over_looks_as_if_it_lay_there() {
    let tops = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for top in &tops {
        let top = top.path();
        fs::create_dir_all(top.join("a/old")).unwrap();
        fs::write(top.join("a/file"), "before").unwrap();
        fs::write(top.join("a/old/kept"), "kept").unwrap();
        std::os::unix::fs::symlink("a", top.join("alias")).unwrap();
        std::os::unix::fs::symlink("a/new/deep", top.join("hope")).unwrap();
    }
    let [there, here] = tops.each_ref().map(tempfile::TempDir::path);
    let source = here.join("alias/old/kept");
    let disk = Disk::default();
    let none = told(&disk, here, "");
    let file = Laid::File { contents: source, digest: Digest([0; 32]), size: 4, executable: true };
    for (path, laid) in [
        ("a/file", file.clone()),
        ("a/new/deep/file", file),
        ("alias/out", Laid::Link("new".into())),
        ("a/nowhere", Laid::Link("../b/none".into())),
        ("a/round", Laid::Link("round".into())),
        ("empty", Laid::Folder),
    ] {
        let (path, at) = (here.join(path), there.join(path));
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match &laid {
            Laid::Folder => fs::create_dir(&at).unwrap(),
            Laid::Link(text) => std::os::unix::fs::symlink(text, &at).unwrap(),
            Laid::File { contents, .. } => {
                use std::os::unix::fs::PermissionsExt as _;
                fs::copy(contents, &at).unwrap();
                fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        disk.lay(&path, laid).unwrap();
    }
    let told_here = told(&disk, here, "");
    assert_eq!(told_here, told(&Disk::default(), there, ""));
    assert_ne!(told_here, none);
    assert_eq!(told(&Disk::default(), here, ""), none, "nothing was written");
    assert!(told_here.contains(&"hope/file File kept true".to_owned()), "{told_here:#?}");
    for path in ["alias/out/deep", "a/nowhere", "a/round", "a/file/x", "empty/.."] {
        let kind = |disk: &Disk, top: &Path| disk.look_through(&top.join(path)).map_err(|error| error.kind());
        let plain = kind(&Disk::default(), there);
        assert_eq!(kind(&disk, here).map(|look| look.sort), plain.map(|look| look.sort), "{path}");
        let real = |disk: &Disk, top: &Path| {
            let top = top.canonicalize().unwrap();
            disk.real(&top.join(path)).ok().map(|real| real.strip_prefix(top).unwrap().to_owned())
        };
        assert_eq!(real(&disk, here), real(&Disk::default(), there), "{path}");
    }
}
