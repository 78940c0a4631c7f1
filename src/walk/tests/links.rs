//! Links: which are followed, and what is told of the others.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::*;

fn kinds(scene: &Scene, dir: &str) -> Vec<(String, Kind)> {
    let areas = scene.areas(&[dir]);
    let files = areas.walk(&Arc::default(), None).areas[0].files.clone();
    assert_eq!(areas.rewalk(0, None, &Arc::default()).files, files);
    files.into_iter().map(|file| (file.path.to_str().unwrap().to_owned(), file.kind)).collect()
}

#[test]
fn to_files_are_followed_and_tell_their_text() {
    let scene = Scene::new(&["data"]);
    symlink("data", scene.at("link")).unwrap();
    symlink("nowhere", scene.at("broken")).unwrap();
    symlink("self", scene.at("self")).unwrap();
    symlink("data/x", scene.at("through")).unwrap();
    let path = |text: &str| Arc::from(Path::new(text));
    let expected = [
        ("broken", Kind::BrokenLink(path("nowhere"))),
        ("data", Kind::Regular),
        ("link", Kind::Link(path("data"))),
        ("self", Kind::BrokenLink(path("self"))),
        ("through", Kind::BrokenLink(path("data/x"))),
    ];
    assert_eq!(kinds(&scene, ""), expected.map(|(name, kind)| (name.to_owned(), kind)));
    let files = &scene.areas(&[""]).walk(&Arc::default(), None).areas[0].files;
    assert_eq!(files[2].stat, files[1].stat);
}

#[test]
fn to_folders_are_walked_through_except_in_a_circle() {
    let scene = Scene::new(&["w/src/a", "other/b", "other/deep/c"]);
    symlink("../..", scene.at("w/src/up")).unwrap();
    symlink(".", scene.at("w/src/here")).unwrap();
    symlink("../other", scene.at("w/out")).unwrap();
    symlink("..", scene.at("other/deep/back")).unwrap();
    symlink("../w", scene.at("other/home")).unwrap();
    let link = |text: &str| Kind::FolderLink(Path::new(text).into());
    let expected = [
        ("out/b", Kind::Regular),
        ("out/deep/back", link("..")),
        ("out/deep/c", Kind::Regular),
        ("out/home", link("../w")),
        ("src/a", Kind::Regular),
        ("src/here", link(".")),
        ("src/up", link("../..")),
    ];
    assert_eq!(kinds(&scene, "w"), expected.map(|(name, kind)| (name.to_owned(), kind)));
}

#[test]
fn full_of_each_other_are_a_problem_and_no_endless_walk() {
    let scene = Scene::new(&[]);
    let dirs: Vec<String> = (0..7).map(|dir| format!("packages/{dir}")).collect();
    for dir in &dirs {
        scene.write(&format!("{dir}/x"), "");
        for other in &dirs {
            let name = other.replace('/', "-");
            symlink(scene.at(other), scene.at(dir).join(name)).unwrap();
        }
    }
    let area = &scene.areas(&["packages/0"]).walk(&Arc::default(), None).areas[0];
    assert!(names(&area.files).contains("packages-1/packages-2/packages-3/packages-4/x"));
    assert!(!area.problems.is_empty());
}

#[test]
fn to_an_area_lead_to_its_files() {
    let scene = Scene::new(&["real/lib.rs", "w/x"]);
    symlink("../real", scene.at("w/member")).unwrap();
    let areas = scene.areas(&["w", "w/member"]);
    let tree = areas.walk(&Arc::default(), None);
    assert_eq!((&*names(&tree.areas[0].files), &*names(&tree.areas[1].files)), ("x", "lib.rs"));
    assert_eq!(areas.rewalk(1, None, &Arc::default()).files, tree.areas[1].files);
}

#[test]
fn and_fifos_and_odd_names_are_told_of() {
    let scene = Scene::new(&["a"]);
    let odd = std::ffi::OsStr::from_bytes(b"\xff\n\\");
    fs::write(scene.root.join(odd), "").unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, scene.at("fifo"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let files = &scene.areas(&[""]).walk(&Arc::default(), None).areas[0].files;
    let found: Vec<_> = files.iter().map(|file| (&*file.path, &file.kind)).collect();
    let expected =
        [(Path::new("a"), &Kind::Regular), (Path::new("fifo"), &Kind::Special), (odd.as_ref(), &Kind::Regular)];
    assert_eq!(found, expected);
    assert_eq!(files[2].bytes().as_ref(), b"\xff\n\\");
}
