//! Digests of real files, as they change under the cache.

mod ahead;

use std::fs::{self, FileTimes};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use sha2::Digest as _;

use super::*;

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("lifecycle/files")
    }

    /// A file with these contents that was written long enough ago.
    fn settled(&self, name: &str, text: &str) -> PathBuf {
        let path = self.young(name, text);
        while !stat(&path).is_settled(now_ns()) {
            std::thread::sleep(Duration::from_millis(2));
        }
        path
    }

    fn young(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn load(&self) -> FileHashCache {
        let cache = FileHashCache::new(self.store());
        cache.loaded();
        let warning = cache.warning();
        assert_eq!(warning, None);
        cache
    }

    fn on(&self, day: u32) -> FileHashCache {
        FileHashCache::on(self.store(), day)
    }
}

fn stat(path: &Path) -> FileStat {
    FileStat::of(&fs::metadata(path).unwrap())
}

fn sha256(text: &str) -> Digest {
    Digest(sha2::Sha256::digest(text).into())
}

fn digest(cache: &FileHashCache, path: &Path) -> Digest {
    cache.digest(path, &stat(path)).unwrap().digest
}

fn digest_all<P: AsRef<Path> + Sync>(cache: &FileHashCache, files: &[(P, FileStat)]) -> Vec<io::Result<Digested>> {
    files.par_iter().map(|(path, stat)| cache.digest(path.as_ref(), stat)).collect()
}

#[test]
fn a_settled_file_is_read_once_in_this_run_and_the_next() {
    let scene = Scene::new();
    let path = scene.settled("a", "one");
    let cache = scene.load();
    assert_eq!(digest(&cache, &path), sha256("one"));
    assert_eq!(digest(&cache, &path), sha256("one"));
    assert_eq!((cache.opened(), cache.answered()), (1, 1));
    assert!(cache.save(|| Ok(())).unwrap());
    assert!(!cache.save(|| Ok(())).unwrap());

    let next = scene.load();
    assert_eq!(digest(&next, &path), sha256("one"));
    assert_eq!((next.opened(), next.answered()), (0, 1));
    assert!(!next.save(|| Ok(())).unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_of_ours_is_read_without_a_trace() {
    let scene = Scene::new();
    let path = scene.settled("a", "one");
    let long_ago = SystemTime::now() - Duration::from_secs(100_000);
    fs::File::options().write(true).open(&path).unwrap().set_times(FileTimes::new().set_accessed(long_ago)).unwrap();
    let accessed = || fs::metadata(&path).unwrap().accessed().unwrap();
    let before = accessed();
    assert_eq!(digest(&scene.load(), &path), sha256("one"));
    assert_eq!(accessed(), before);
}

#[test]
fn large_empty_and_missing_files() {
    let scene = Scene::new();
    let text = "0123456789".repeat(20_000);
    let (large, empty) = (scene.young("large", &text), scene.young("empty", ""));
    let cache = scene.load();
    let gone = scene.folder.path().join("gone");
    let stats = [(&large, stat(&large)), (&gone, FileStat::default()), (&empty, stat(&empty))];
    let digests = digest_all(&cache, &stats);
    assert_eq!(digests[0].as_ref().unwrap().digest, sha256(&text));
    assert_eq!(digests[1].as_ref().unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(digests[2].as_ref().unwrap().digest, sha256(""));
    let folder = scene.folder.path();
    assert!(cache.digest(folder, &stat(folder)).is_err(), "a folder");
}

#[test]
fn what_was_learned_is_found_in_any_order() {
    let scene = Scene::new();
    fs::create_dir_all(scene.folder.path().join("a/b")).unwrap();
    let names = ["a.rs", "a/b/x", "a/x", "a/y", "b", "c"];
    let paths: Vec<PathBuf> = names.iter().map(|name| scene.young(name, name)).collect();
    while !paths.iter().all(|path| stat(path).is_settled(now_ns())) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let cache = scene.load();
    paths.iter().for_each(|path| _ = digest(&cache, path));
    let ask = |names: &[&str]| {
        let stats: Vec<_> = names.iter().map(|name| stat(&scene.folder.path().join(name))).collect();
        let files: Vec<_> = names.iter().zip(stats).map(|(name, stat)| (Path::new(*name), stat)).collect();
        let digests = cache.digest_below(scene.folder.path(), &files);
        digests.into_iter().zip(names).for_each(|(digested, name)| assert_eq!(digested.unwrap().digest, sha256(name)));
    };
    ask(&names);
    ask(&["c", "b", "a/y", "a/x", "a/b/x", "a.rs"]);
    ask(&["c", "a.rs", "c", "a/y", "a/x", "a/x", "b"]);
    assert_eq!(cache.opened(), names.len() as u64);
}

#[test]
fn the_same_size_and_mtime_do_not_hide_a_change() {
    let scene = Scene::new();
    let path = scene.settled("a", "one");
    let cache = scene.load();
    let before = stat(&path);
    digest(&cache, &path);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "two").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let after = stat(&path);
    assert_eq!((after.mtime_ns, after.size, after.inode), (before.mtime_ns, before.size, before.inode));
    assert_eq!(digest(&cache, &path), sha256("two"));
}

#[test]
fn a_file_renamed_over_another_is_read() {
    let scene = Scene::new();
    let (path, other) = (scene.settled("a", "one"), scene.settled("b", "two"));
    let cache = scene.load();
    digest(&cache, &path);
    // Older than what it replaces, and as long.
    let old = SystemTime::now() - Duration::from_secs(1_000_000);
    fs::File::open(&other).unwrap().set_times(FileTimes::new().set_modified(old)).unwrap();
    fs::rename(&other, &path).unwrap();
    assert_eq!(digest(&cache, &path), sha256("two"));
}

#[test]
fn writes_in_quick_succession_are_all_seen() {
    let scene = Scene::new();
    let cache = scene.load();
    for round in 0..300 {
        let text = format!("{round:03}");
        let path = scene.young("a", &text);
        assert_eq!(digest(&cache, &path), sha256(&text));
        cache.save(|| Ok(())).unwrap();
        let text = format!("{:03}", round + 500);
        scene.young("a", &text);
        assert_eq!(digest(&cache, &path), sha256(&text));
        assert_eq!(digest(&scene.load(), &path), sha256(&text));
    }
}

#[test]
fn young_files_and_such_from_the_future_are_not_kept() {
    let scene = Scene::new();
    let path = scene.settled("a", "one");
    let cache = scene.load();
    let later = SystemTime::now() + Duration::from_secs(1000);
    fs::File::open(&path).unwrap().set_modified(later).unwrap();
    digest(&cache, &path);
    digest(&cache, &path);
    assert_eq!(cache.opened(), 2);
    assert!(!cache.save(|| Ok(())).unwrap());
}

#[test]
fn a_file_that_changed_since_it_was_looked_at_tells_its_new_metadata() {
    let scene = Scene::new();
    let path = scene.young("a", "one");
    let old = stat(&path);
    fs::write(&path, "longer").unwrap();
    let digested = scene.load().digest(&path, &old).unwrap();
    assert_eq!((digested.digest, digested.stat), (sha256("longer"), stat(&path)));
}

#[test]
fn a_file_that_does_not_stop_changing_is_an_error_until_it_does() {
    use std::sync::atomic::AtomicBool;

    let scene = Scene::new();
    let path = scene.young("a", &"a".repeat(500_000));
    let cache = scene.load();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                fs::write(&path, "b".repeat(500_000)).unwrap();
            }
            fs::write(&path, "c".repeat(500_000)).unwrap();
        });
        // The writer may have to wait for a processor; sooner or later it is met.
        while cache.digest(&path, &stat(&path)).is_ok() {}
        is_done.store(true, Ordering::Relaxed);
    });
    assert_eq!(digest(&cache, &path), sha256(&"c".repeat(500_000)));
}

#[cfg(unix)]
#[test]
fn a_fifo_in_the_place_of_a_file_is_not_waited_for() {
    let scene = Scene::new();
    let path = scene.young("a", "one");
    let old = stat(&path);
    fs::remove_file(&path).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_eq!(scene.load().digest(&path, &old).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_source_that_names_a_module_outside_is_remembered_as_such() {
    let scene = Scene::new();
    let out = scene.settled("a.rs", r#"#[path = "../x.rs"] mod x;"#);
    let (within, text) = (scene.settled("b.rs", "mod x;"), scene.settled("a.txt", r#"#[path = "../x.rs"] mod x;"#));
    let escapes =
        |cache: &FileHashCache| [&out, &within, &text].map(|path| cache.digest(path, &stat(path)).unwrap().escapes);
    let cache = scene.load();
    assert_eq!(escapes(&cache), [true, false, false]);
    cache.save(|| Ok(())).unwrap();
    let next = scene.load();
    assert_eq!(escapes(&next), [true, false, false]);
    assert_eq!(next.opened(), 0);
}

#[test]
fn two_runs_at_once_lose_nothing_and_the_last_one_wins() {
    let scene = Scene::new();
    let (a, b, both) = (scene.settled("a", "a"), scene.settled("b", "b"), scene.settled("both", "old"));
    let (one, two) = (scene.load(), scene.load());
    digest(&one, &a);
    digest(&one, &both);
    scene.settled("both", "new");
    digest(&two, &b);
    digest(&two, &both);
    assert!(one.save(|| Ok(())).unwrap());
    assert!(two.save(|| Ok(())).unwrap());
    let next = scene.load();
    assert_eq!([&a, &b, &both].map(|path| digest(&next, path)), [sha256("a"), sha256("b"), sha256("new")]);
    assert_eq!(next.opened(), 0);
}

#[test]
fn what_is_not_of_use_for_long_is_dropped_and_the_day_is_noted_once() {
    let scene = Scene::new();
    let (a, b) = (scene.settled("a", "a"), scene.settled("b", "b"));
    let first = scene.on(100);
    digest_all(&first, &[(&a, stat(&a)), (&b, stat(&b))]);
    assert!(first.save(|| Ok(())).unwrap());

    let unused = scene.on(150);
    assert!(!unused.save(|| Ok(())).unwrap());
    digest(&unused, &a);
    assert!(unused.save(|| Ok(())).unwrap());
    assert!(!unused.save(|| Ok(())).unwrap());
    let again = scene.on(150);
    digest(&again, &a);
    digest(&again, &b);
    assert!(!again.save(|| Ok(())).unwrap(), "once a day is enough");

    let late = scene.on(200);
    digest(&late, &a);
    assert!(late.save(|| Ok(())).unwrap());
    let next = scene.on(200);
    digest(&next, &a);
    assert_eq!(next.opened(), 0);
    digest(&next, &b);
    assert_eq!(next.opened(), 1);
}

#[test]
fn a_file_that_cannot_be_understood_is_set_aside_with_a_warning() {
    let scene = Scene::new();
    let path = scene.settled("a", "one");
    let cache = scene.load();
    digest(&cache, &path);
    cache.save(|| Ok(())).unwrap();
    let whole = fs::read(scene.store()).unwrap();

    let mut newer = whole.clone();
    newer[8] += 1;
    let cut = whole[..whole.len() / 2].to_vec();
    for (bytes, reason) in
        [(newer, "another version"), (cut, "damaged"), (b"[]\n".to_vec(), "damaged"), (vec![], "damaged")]
    {
        fs::write(scene.store(), &bytes).unwrap();
        let cache = FileHashCache::new(scene.store());
        cache.loaded();
        let warning = cache.warning();
        let warning = warning.unwrap();
        assert!(warning.contains(reason) && warning.contains("lifecycle/files"), "{warning}");
        assert_eq!(fs::read(scene.store().with_file_name("files.damaged")).unwrap(), bytes);
        assert_eq!(digest(&cache, &path), sha256("one"));
        assert_eq!(cache.opened(), 1);
        assert!(cache.save(|| Ok(())).unwrap());
        scene.load();
    }
    fs::remove_file(scene.store()).unwrap();
    fs::create_dir(scene.store()).unwrap();
    let warning = || {
        let cache = FileHashCache::new(scene.store());
        cache.loaded();
        cache.warning()
    };
    assert!(warning().unwrap().contains("it was moved to"));
    assert_eq!(warning(), None, "a folder is in the way only once");
}

#[test]
fn all_threads_share_it() {
    let scene = Scene::new();
    let files: Vec<PathBuf> = (0..200).map(|file| scene.young(&file.to_string(), &file.to_string())).collect();
    scene.settled("last", "");
    let files: Vec<(PathBuf, FileStat)> = files.into_iter().map(|path| (path.clone(), stat(&path))).collect();
    let cache = scene.load();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for _ in 0..2 {
        for (file, digested) in pool.install(|| digest_all(&cache, &files)).into_iter().enumerate() {
            assert_eq!(digested.unwrap().digest, sha256(&file.to_string()));
        }
    }
    assert_eq!((cache.opened(), cache.answered()), (200, 200));
}
