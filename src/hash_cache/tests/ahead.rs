//! Files that are read before anybody asks for them.

use std::fs::File;

use super::*;

/// A scene in which some files were read once, and then all were touched.
fn touched(names: &[&str]) -> Scene {
    let scene = Scene::new();
    let paths: Vec<PathBuf> = names.iter().map(|name| scene.young(name, name)).collect();
    settle(&paths);
    let cache = scene.load();
    paths.iter().for_each(|path| _ = digest(&cache, path));
    assert!(cache.save(|| Ok(())).unwrap());
    for path in &paths {
        let earlier = fs::metadata(path).unwrap().modified().unwrap() - Duration::from_secs(1);
        File::options().write(true).open(path).unwrap().set_modified(earlier).unwrap();
    }
    settle(&paths);
    scene
}

fn settle(paths: &[PathBuf]) {
    while !paths.iter().all(|path| stat(path).is_settled(now_ns())) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What a walk does with a file; whether it opens it.
fn walk(folder: &mut AheadIn<'_>, path: &Path) -> bool {
    let name = path.file_name().unwrap();
    let is_due = folder.is_due(name);
    folder.saw(name, &stat(path), is_due.then(|| File::open(path).unwrap()));
    is_due
}

#[test]
fn what_has_changed_is_read_while_it_is_open_and_nothing_else_is() {
    let scene = touched(&["a", "b.rs", "c", "d"]);
    let path = |name: &str| scene.folder.path().join(name);
    let new = scene.settled("new", "new");
    let cache = scene.load();
    let ahead = Ahead::new(&cache);
    assert!(!ahead.is_changing(), "as long as nothing has changed");
    let mut folder = ahead.in_folder(scene.folder.path());
    assert!(walk(&mut folder, &path("a")) && walk(&mut folder, &path("b.rs")));
    assert!(!walk(&mut folder, &new), "nobody has asked for it before");
    // It is as it was: so may be the next.
    folder.saw("d".as_ref(), &cache.loaded().entries.find(&path("d")).unwrap().1.stat, None);
    assert!(!ahead.is_changing());
    assert!(!walk(&mut folder, &path("c")));
    assert!(walk(&mut folder, &path("d")), "after one that has changed");
    drop(folder);
    assert_eq!(cache.opened(), 3);
    for name in ["a", "b.rs", "d"] {
        assert_eq!(digest(&cache, &path(name)), sha256(name));
    }
    let files = [("a", stat(&path("a"))), ("b.rs", stat(&path("b.rs"))), ("c", stat(&path("c")))];
    let files = files.each_ref().map(|(name, stat)| (Path::new(name), *stat));
    let below = cache.digest_below(scene.folder.path(), &files);
    let below: Vec<Digest> = below.into_iter().map(|digested| digested.unwrap().digest).collect();
    assert_eq!(below, ["a", "b.rs", "c"].map(sha256));
    assert_eq!(cache.opened(), 4);
    assert!(cache.save(|| Ok(())).unwrap());
    let next = scene.load();
    assert_eq!(["a", "b.rs", "c", "d"].map(|name| digest(&next, &path(name))), ["a", "b.rs", "c", "d"].map(sha256));
    assert_eq!(next.opened(), 0);
}

#[test]
fn what_is_young_or_not_what_was_seen_is_left_to_who_asks() {
    let scene = touched(&["a", "b", "c"]);
    let path = |name: &str| scene.folder.path().join(name);
    let cache = scene.load();
    let ahead = Ahead::new(&cache);
    let mut folder = ahead.in_folder(scene.folder.path());
    assert!(walk(&mut folder, &path("a")));
    // Written again after it was looked at.
    let before = stat(&path("b"));
    let file = File::open(path("b")).unwrap();
    fs::write(path("b"), "longer").unwrap();
    assert!(folder.is_due("b".as_ref()));
    folder.saw("b".as_ref(), &before, Some(file));
    let later = SystemTime::now() + Duration::from_secs(1000);
    File::options().write(true).open(path("c")).unwrap().set_modified(later).unwrap();
    assert!(walk(&mut folder, &path("c")));
    drop(folder);
    assert_eq!(digest(&cache, &path("b")), sha256("longer"));
    assert_eq!(digest(&cache, &path("c")), sha256("c"));
    assert!(cache.save(|| Ok(())).unwrap());
    let next = scene.load();
    digest(&next, &path("a"));
    assert_eq!(next.opened(), 0);
    digest(&next, &path("c"));
    assert_eq!(next.opened(), 1, "nothing was kept of it");
}

#[test]
fn who_comes_while_what_is_known_is_loaded_does_not_wait() {
    use std::sync::mpsc::channel;

    let scene = touched(&["a"]);
    let path = scene.folder.path().join("a");
    let cache = FileHashCache::new(scene.store());
    let ahead = Ahead::new(&cache);
    let ((begin, begun), (end, ended)) = (channel(), channel());
    std::thread::scope(|scope| {
        let cache = &cache;
        scope.spawn(move || {
            cache.loaded.get_or_init(|| {
                begin.send(()).unwrap();
                ended.recv().unwrap();
                Loaded { entries: Entries::default(), used: Vec::new(), file: None, warning: Mutex::default() }
            })
        });
        begun.recv().unwrap();
        // As the first one has done.
        ahead.is_asked.store(true, Ordering::Relaxed);
        ahead.is_changing.store(true, Ordering::Relaxed);
        assert!(walk(&mut ahead.in_folder(scene.folder.path()), &path), "it may have been read before");
        end.send(()).unwrap();
    });
    assert_eq!((digest(&cache, &path), cache.opened()), (sha256("a"), 1));
}

#[test]
fn what_this_run_has_read_is_not_opened_again_and_says_nothing_of_the_others() {
    let scene = touched(&["a", "b", "c"]);
    let path = |name: &str| scene.folder.path().join(name);
    let cache = scene.load();
    assert_eq!(digest(&cache, &path("b")), sha256("b"));
    let ahead = Ahead::new(&cache);
    let mut folder = ahead.in_folder(scene.folder.path());
    assert!(walk(&mut folder, &path("a")));
    assert!(!walk(&mut folder, &path("b")));
    assert!(walk(&mut folder, &path("c")), "the last of the others has changed");
    drop(folder);
    assert_eq!(["a", "b", "c"].map(|name| digest(&cache, &path(name))), ["a", "b", "c"].map(sha256));
    assert_eq!(cache.opened(), 3);
    // Written since.
    let mut folder = ahead.in_folder(scene.folder.path());
    scene.settled("b", "longer");
    assert!(!walk(&mut folder, &path("b")));
    drop(folder);
    assert_eq!(digest(&cache, &path("b")), sha256("longer"));
}
