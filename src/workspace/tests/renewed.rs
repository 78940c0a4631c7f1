//! What a snapshot has to say anew.

use std::sync::Arc;
use std::time::Duration;

use super::*;

#[test]
fn what_had_to_be_read_is_told_until_that_is_written() {
    let scene = Scene::of_two();
    scene.settle();
    let manifest = scene.path("ws/crates/a/Cargo.toml");
    let earlier = fs::metadata(&manifest).unwrap().modified().unwrap() - Duration::from_secs(1);
    fs::File::options().append(true).open(&manifest).unwrap().set_modified(earlier).unwrap();
    let stat = || FileStat::of(&fs::metadata(&manifest).unwrap());
    while !stat().is_settled(crate::moment::now_ns()) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let asked = Arc::new(Mutex::new(Vec::new()));
    let digests = |root: &Path, target_dir: &Path| {
        assert_eq!((root, target_dir), (&*scene.path("ws"), &*scene.path("ws/target")));
        let asked = Arc::clone(&asked);
        let digest = move |path: &Path, stat: &FileStat| {
            asked.lock().unwrap().push((path.to_owned(), *stat));
            inputs::read(path)
        };
        Box::new(digest) as FileDigests
    };
    let load = || load(&scene.options, Others { digests: &digests, ..NOTHING }).unwrap();
    let (first, second) = (load(), load());
    assert!(!first.cargo_started && !second.cargo_started);
    let once = (manifest.clone(), stat());
    // Others may be as young as the snapshot itself.
    assert_eq!(asked.lock().unwrap().iter().filter(|asked| **asked == once).count(), 2);
    assert!(first.renewal.is_some());
    second.renewal.unwrap().write();
    assert!(load().renewal.is_none());
    assert_eq!(asked.lock().unwrap().iter().filter(|asked| **asked == once).count(), 2);
}
