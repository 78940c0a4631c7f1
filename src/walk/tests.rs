//! The walk against real files, with git as the judge of what it ignores.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;

struct Scene {
    _folder: TempDir,
    root: PathBuf,
}

impl Scene {
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let scene = Self { _folder: folder, root };
        for file in files {
            scene.write(file, file);
        }
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn areas(&self, dirs: &[&str]) -> Areas {
        Areas::new(dirs.iter().map(|dir| self.at(dir)).collect(), vec![self.at("target")])
    }

    fn files(&self, dir: &str) -> String {
        names(&self.areas(&[dir]).walk(&Arc::default()).areas[0].files)
    }

    fn git(&self, dir: &str, arguments: &[&str]) -> Vec<u8> {
        let mut git = Command::new("git");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES"] {
            git.env_remove(variable);
        }
        let author = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"];
        let output = git.args(author).args(arguments).current_dir(self.at(dir)).output().unwrap();
        let is_good = output.status.success() || (arguments[0] == "check-ignore" && output.status.code() == Some(1));
        assert!(is_good, "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

fn names(files: &[File]) -> String {
    let names: Vec<String> = files.iter().map(|file| String::from_utf8_lossy(&file.bytes()).into_owned()).collect();
    names.join(" ")
}

fn text(paths: &[Arc<Path>]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
}

/// What `git` says, and what a walk finds, must be the same whatever the rules; and so must a second look.
mod random_trees {
    use super::*;

    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % end as u64) as usize
        }

        fn one_of<'a>(&mut self, choice: &[&'a str]) -> &'a str {
            choice[self.below(choice.len())]
        }
    }

    const NAMES: &[&str] = &[
        "a", "b", "ab", "c.o", "d.log", "x y", "e ", "{k}", "k", "[z]", "z", ".h", "src", "out", "!n", "#m", "é",
        "a-b", "a.b", "b\\c",
    ];
    const PARTS: &[&str] = &[
        "*", "**", "*.o", "*.log", "?", "[a-c]", "[!a]", "[^s]*", "a*", "*b", "{a,b}", "{k}", "[]z]", "\\[z\\]", "x y",
        "e\\ ", "\\!n", "\\#m", "src", "out", "**b", ".*", "a?b", "a[!x]b", "b\\\\c", "é", "é*",
    ];
    /// Rules that are not understood: more files count than git would say, and never fewer.
    const ODD: &[&str] = &["[z", "[[:alpha:]]", "[!a-]", "[\\a]*", "a[[:punct:]]b", "*[[:lower:]]"];

    fn rules(random: &mut Random, parts: &[&str]) -> String {
        let mut text = String::new();
        for _ in 0..=random.below(5) {
            let negated = random.one_of(&["", "", "", "!"]);
            let names: Vec<&str> = (0..=random.below(3).min(random.below(3)))
                .map(|_| if random.below(2) == 0 { random.one_of(parts) } else { random.one_of(NAMES) })
                .collect();
            let (front, end) =
                (random.one_of(&["", "", "", "", "/", "/", "#"]), random.one_of(&["", "", "/", " ", "\r"]));
            text += &format!("{negated}{front}{}{end}\n", names.join("/"));
        }
        text
    }

    fn tree(scene: &Scene, random: &mut Random, parts: &[&str]) -> Vec<String> {
        let mut dirs = vec![String::new()];
        for _ in 0..30 {
            let parent = dirs[random.below(dirs.len())].clone();
            let path = format!("{parent}{}", random.one_of(NAMES));
            if scene.at(&path).exists() {
                continue;
            }
            if random.below(5) < 2 {
                fs::create_dir(scene.at(&path)).unwrap();
                dirs.push(format!("{path}/"));
            } else {
                scene.write(&path, "");
            }
        }
        for _ in 0..=random.below(3) {
            let dir = if random.below(2) == 0 { "" } else { &*dirs[random.below(dirs.len())] };
            scene.write(&format!("{dir}.gitignore"), &rules(random, parts));
        }
        dirs.iter().map(|dir| dir.trim_end_matches('/').to_owned()).collect()
    }

    fn by_git(scene: &Scene) -> Vec<String> {
        let listed = scene.git("", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let mut listed: Vec<String> =
            listed.split(|byte| *byte == 0).map(|name| String::from_utf8(name.to_vec()).unwrap()).collect();
        listed.retain(|name| !name.is_empty());
        listed.sort();
        listed
    }

    fn by_walk(scene: &Scene, areas: &Areas) -> Vec<String> {
        let mut all = Vec::new();
        for (area, files) in areas.walk(&Arc::default()).areas.iter().enumerate() {
            assert!(files.problems.is_empty());
            assert!(files.files.is_sorted_by(|a, b| a.bytes() < b.bytes()));
            let dir = areas.dir(area).strip_prefix(&scene.root).unwrap();
            all.extend(files.files.iter().map(|file| dir.join(&file.path).to_str().unwrap().to_owned()));

            let again = areas.rewalk(area, &Arc::default());
            assert_eq!(again.files, files.files, "{dir:?}");
            assert_eq!(again.ignored_files, files.ignored_files, "{dir:?}");
            assert_eq!(again.ignored_dirs, files.ignored_dirs, "{dir:?}");
        }
        all.sort();
        all
    }

    fn scene(seed: u64, parts: &[&str]) -> (Scene, Vec<String>) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed << 20));
        let scene = Scene::new(&[]);
        scene.git("", &["init", "-q"]);
        let dirs = tree(&scene, &mut random, parts);
        scene.write(".git/info/exclude", &rules(&mut random, parts));
        (scene, dirs)
    }

    /// The files that one list has and the other has not, with the rules of git's that decide about them.
    fn more(scene: &Scene, one: &[String], other: &[String]) -> String {
        let mut all = String::new();
        for file in one.iter().filter(|file| !other.contains(file)) {
            all += &String::from_utf8_lossy(&scene.git("", &["check-ignore", "-v", "-n", file]));
        }
        all
    }

    #[test]
    fn are_seen_as_git_sees_them() {
        let mut ignored = 0;
        for seed in 1..=80 {
            let (scene, dirs) = scene(seed, PARTS);
            let expected = by_git(&scene);
            let whole = scene.areas(&[""]);
            let found = by_walk(&scene, &whole);
            assert_eq!(more(&scene, &found, &expected), "", "found too much, seed {seed}");
            assert_eq!(more(&scene, &expected, &found), "", "found too little, seed {seed}");
            ignored += whole.walk(&Arc::default()).areas[0].ignored_files.len();

            // Cut into areas, each in a folder that is not ignored, it is the same tree.
            let is_seen = |dir: &&str| expected.iter().any(|file| Path::new(file).starts_with(dir));
            let dirs: Vec<&str> = dirs.iter().skip(1).map(String::as_str).collect();
            let picked: Vec<&str> = dirs.iter().copied().filter(is_seen).step_by(2).collect();
            assert_eq!(by_walk(&scene, &scene.areas(&[&[""], &picked[..]].concat())), expected, "seed {seed}");

            // An area in an ignored folder has rules of its own; a second look must still tell the same.
            let any: Vec<&str> = dirs.into_iter().step_by(2).collect();
            by_walk(&scene, &scene.areas(&any));
        }
        assert!(ignored > 100, "the rules ignored {ignored} files only");
    }

    fn all(tree: &Tree) -> Vec<String> {
        let area = |area: &Arc<Area>| {
            let AreaFiles { files, ignored_files, ignored_dirs, closed_dirs, problems, links, .. } = &***area;
            let mut links = links.clone();
            links.sort();
            format!("{files:?} {ignored_files:?} {ignored_dirs:?} {closed_dirs:?} {problems:?} {links:?}")
        };
        tree.areas.iter().map(area).collect()
    }

    fn change(scene: &Scene, random: &mut Random, dirs: &[String]) -> String {
        let dir = &dirs[random.below(dirs.len())];
        let path = format!("{dir}{}{}", if dir.is_empty() { "" } else { "/" }, random.one_of(NAMES));
        let full = scene.at(&path);
        match random.below(9) {
            0 if full.is_dir() => _ = fs::remove_dir_all(&full),
            0 => _ = fs::remove_file(&full),
            1 => _ = fs::create_dir_all(&full),
            2 => _ = fs::rename(&full, scene.at(random.one_of(NAMES))),
            3 => _ = fs::write(scene.at(dir).join(".gitignore"), rules(random, PARTS)),
            4 => _ = fs::remove_file(scene.at(dir).join(".gitignore")),
            5 => scene.write(".git/info/exclude", &rules(random, PARTS)),
            #[cfg(unix)]
            6 => _ = std::os::unix::fs::symlink(random.one_of(NAMES), &full),
            #[cfg(unix)]
            7 => {
                use std::os::unix::fs::PermissionsExt as _;
                _ = fs::set_permissions(&full, fs::Permissions::from_mode(0o755));
            }
            _ => _ = fs::write(&full, random.one_of(NAMES)),
        }
        path
    }

    #[test]
    fn are_the_same_to_a_walk_that_knows_them_as_they_were() {
        let (mut same, mut changed) = (0, 0);
        for seed in 1..=40 {
            let (scene, dirs) = scene(seed, PARTS);
            let mut random = Random(seed);
            let some: Vec<&str> = dirs.iter().step_by(3).map(String::as_str).collect();
            let areas = scene.areas(&some);
            for round in 0..6 {
                // What has just been written may be written again and look the same.
                std::thread::sleep(std::time::Duration::from_millis(15));
                let known = areas.walk(&Arc::default());
                let known = Arc::new(Known::parse(known.encode()));
                let again = areas.walk(&known);
                same += again.areas.len() - again.changed().count();
                let names = |tree: &Tree| -> Vec<bool> {
                    let names = NAMES.iter().map(Path::new);
                    tree.areas.iter().flat_map(|area| names.clone().map(|name| area.has(name))).collect()
                };
                let has = names(&again);
                assert_eq!(all(&again), all(&areas.walk(&Arc::default())), "seed {seed}, round {round}");
                assert_eq!(has, names(&again));
                assert_eq!(again.encode(), areas.walk(&Arc::default()).encode());

                let path = change(&scene, &mut random, &dirs);
                let again = areas.walk(&known);
                changed += again.changed().count();
                let text = format!("seed {seed}, round {round}: {path}");
                assert_eq!(all(&again), all(&areas.walk(&Arc::default())), "{text}");
            }
        }
        assert!(same > 500 && changed > 100, "{same} were the same, {changed} not");
    }

    #[test]
    fn never_lose_a_file_by_rules_that_are_not_understood() {
        for seed in 1..=40 {
            let (scene, _) = scene(seed, &[PARTS, ODD, ODD, ODD].concat());
            let found = by_walk(&scene, &scene.areas(&[""]));
            assert_eq!(more(&scene, &by_git(&scene), &found), "", "found too little, seed {seed}");
        }
    }
}

#[test]
fn env_files_count_and_the_version_controls_do_not() {
    let scene = Scene::new(&[".env", ".env.local", "a/.envrc", "a/b", ".hg/x", ".jj/x", "a/.svn/x", ".hidden/x"]);
    scene.git("", &["init", "-q"]);
    scene.write(".gitignore", ".env*\n.envrc\nlogs/\n");
    scene.write("logs/.env", "");
    let files = &scene.areas(&[""]).walk(&Arc::default()).areas[0].files;
    assert_eq!(names(files), ".env .env.local .gitignore .hidden/x a/.envrc a/b");
    let ignored: Vec<bool> = files.iter().map(|file| file.ignored).collect();
    assert_eq!(ignored, [true, true, false, false, true, false]);
}

#[test]
fn a_file_belongs_to_the_innermost_area_and_areas_may_lie_anywhere() {
    let scene = Scene::new(&["w/x", "w/a/x", "w/a/src/x", "w/a/in/x", "w/a/in/y/x", "w/a-b/x", "other/x", "other/t/x"]);
    let areas = scene.areas(&["w/a/in", "w", "other", "w/a", "w"]);
    let tree = areas.walk(&Arc::default());
    let found: Vec<String> = tree.areas.iter().map(|area| names(&area.files)).collect();
    assert_eq!(found, ["x y/x", "a-b/x x", "t/x x", "src/x x", "a-b/x x"]);
    for (area, files) in tree.areas.iter().enumerate() {
        assert_eq!(areas.rewalk(area, &Arc::default()).files, files.files);
    }
}

#[test]
fn a_file_that_was_just_written_is_looked_into_each_time() {
    let scene = Scene::new(&["a/x", "b/x"]);
    std::thread::sleep(std::time::Duration::from_millis(15));
    // However long the walk takes, it is younger.
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(scene.at("b/x")).unwrap().set_modified(soon).unwrap();
    let areas = scene.areas(&["a", "b"]);
    let known = |known| Arc::new(Known::parse(areas.walk(&known).encode()));
    let known = known(Arc::default());
    assert_eq!(areas.walk(&known).changed().collect::<Vec<_>>(), [1]);
}

#[cfg(unix)]
#[test]
fn what_links_lead_to_is_looked_at_each_time() {
    let scene = Scene::new(&["a/x", "b/x", "c/x"]);
    std::os::unix::fs::symlink("../c", scene.at("b/link")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(15));
    let areas = scene.areas(&["a", "b"]);
    let known = Arc::new(Known::parse(areas.walk(&Arc::default()).encode()));
    let tree = areas.walk(&known);
    assert_eq!(tree.changed().collect::<Vec<_>>(), [1]);
    assert_eq!(names(&tree.areas[1].files), "link/x x");
}

#[cfg(unix)]
#[test]
fn the_target_directory_is_never_entered_by_whatever_path() {
    let scene = Scene::new(&["target/debug/x", "a/src/x", "a/target/x", "build/t/x"]);
    scene.write(".gitignore", "!target\n");
    std::os::unix::fs::symlink("../target", scene.at("a/link")).unwrap();
    std::os::unix::fs::symlink("../target/debug", scene.at("a/link2")).unwrap();
    assert_eq!(scene.files(""), ".gitignore a/link a/link2 a/src/x a/target/x build/t/x");

    // The workspace, or the target directory, may be reached through a link.
    std::os::unix::fs::symlink("build", scene.at("alias")).unwrap();
    let areas = Areas::new(vec![scene.at("")], vec![scene.at("target"), scene.at("alias/t")]);
    assert_eq!(names(&areas.walk(&Arc::default()).areas[0].files), ".gitignore a/link a/link2 a/src/x a/target/x");
    let areas = Areas::new(vec![scene.at("alias")], vec![scene.at("build/t")]);
    assert_eq!(names(&areas.walk(&Arc::default()).areas[0].files), "");
}

#[test]
fn an_area_in_an_ignored_or_skipped_folder_is_walked_with_its_own_rules() {
    let scene = Scene::new(&["gen/x/src/lib.rs", "gen/x/in/y", "gen/x/no.log", "gen/other", "target/p/lib.rs"]);
    scene.git("", &["init", "-q"]);
    scene.write(".gitignore", "gen\ntarget\n*.rs\n");
    scene.write("gen/x/.gitignore", "*.log\n");
    let areas = scene.areas(&["", "gen/x", "gen/x/in", "target/p"]);
    let tree = areas.walk(&Arc::default());
    let found: Vec<String> = tree.areas.iter().map(|area| names(&area.files)).collect();
    // What is above the target directory does ignore the last one's folder.
    assert_eq!(found, [".gitignore", ".gitignore src/lib.rs", "y", "lib.rs"]);
    assert_eq!(text(&tree.areas[0].ignored_dirs), "gen");
    assert_eq!(text(&tree.areas[1].ignored_files), "no.log");
    for (area, files) in tree.areas.iter().enumerate() {
        assert_eq!(areas.rewalk(area, &Arc::default()).files, files.files);
    }
}

#[test]
fn rules_begin_at_the_top_of_the_repository() {
    let scene = Scene::new(&["up/ws/a.log", "up/ws/a.tmp", "up/ws/sub/b.tmp", "up/ws/sub/b.log"]);
    scene.write(".gitignore", "*.log\n");
    scene.write("up/.gitignore", "*.tmp\n");
    scene.write("up/ws/sub/.gitignore", "!b.tmp\n");
    assert_eq!(scene.files("up/ws"), "a.log a.tmp sub/.gitignore sub/b.log sub/b.tmp", "no repository");
    scene.git("up", &["init", "-q"]);
    assert_eq!(scene.files("up/ws"), "a.log sub/.gitignore sub/b.log sub/b.tmp", "what is above does not count");
    scene.git("", &["init", "-q"]);
    fs::remove_dir_all(scene.at("up/.git")).unwrap();
    assert_eq!(scene.files("up/ws"), "sub/.gitignore sub/b.tmp");
}

#[test]
fn worktrees_and_submodules_have_their_tops_and_their_excludes() {
    let scene = Scene::new(&["lib/a", "main/a"]);
    for dir in ["lib", "main"] {
        scene.git(dir, &["init", "-q"]);
        scene.git(dir, &["add", "."]);
        scene.git(dir, &["commit", "-qm", "a"]);
    }
    scene.git("main", &["submodule", "--quiet", "add", "../lib", "sub"]);
    scene.git("main", &["worktree", "add", "-q", "tree"]);
    for dir in ["main", "main/sub", "main/tree"] {
        for name in ["x.main", "x.sub", "x.out"] {
            scene.write(&format!("{dir}/{name}"), "");
        }
    }
    scene.write("main/.git/info/exclude", "*.main\n");
    scene.write("main/.git/modules/sub/info/exclude", "*.sub\n");
    scene.write("main/.gitignore", "*.out\n");
    assert_eq!(scene.files("main/tree"), "a x.out x.sub");
    assert_eq!(scene.files("main/sub"), "a x.main x.out");
    // From outside the rules add up.
    let all = scene.files("main");
    assert!(all.ends_with(" sub/a tree/a tree/x.sub x.sub"), "{all}");
}

#[cfg(unix)]
mod links {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn kinds(scene: &Scene, dir: &str) -> Vec<(String, Kind)> {
        let areas = scene.areas(&[dir]);
        let files = areas.walk(&Arc::default()).areas[0].files.clone();
        assert_eq!(areas.rewalk(0, &Arc::default()).files, files);
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
        let files = &scene.areas(&[""]).walk(&Arc::default()).areas[0].files;
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
        let area = &scene.areas(&["packages/0"]).walk(&Arc::default()).areas[0];
        assert!(names(&area.files).contains("packages-1/packages-2/packages-3/packages-4/x"));
        assert!(!area.problems.is_empty());
    }

    #[test]
    fn to_an_area_lead_to_its_files() {
        let scene = Scene::new(&["real/lib.rs", "w/x"]);
        symlink("../real", scene.at("w/member")).unwrap();
        let areas = scene.areas(&["w", "w/member"]);
        let tree = areas.walk(&Arc::default());
        assert_eq!((&*names(&tree.areas[0].files), &*names(&tree.areas[1].files)), ("x", "lib.rs"));
        assert_eq!(areas.rewalk(1, &Arc::default()).files, tree.areas[1].files);
    }

    #[test]
    fn and_fifos_and_odd_names_are_told_of() {
        let scene = Scene::new(&["a"]);
        let odd = std::ffi::OsStr::from_bytes(b"\xff\n\\");
        fs::write(scene.root.join(odd), "").unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, scene.at("fifo"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let files = &scene.areas(&[""]).walk(&Arc::default()).areas[0].files;
        let found: Vec<_> = files.iter().map(|file| (&*file.path, &file.kind)).collect();
        let expected =
            [(Path::new("a"), &Kind::Regular), (Path::new("fifo"), &Kind::Special), (odd.as_ref(), &Kind::Regular)];
        assert_eq!(found, expected);
        assert_eq!(files[2].bytes().as_ref(), b"\xff\n\\");
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_looked_at_is_a_problem_and_the_rest_is_found() {
    let scene = Scene::new(&["a/x", "b/x"]);
    let areas = scene.areas(&["", "gone"]);
    let problems = &areas.walk(&Arc::default()).areas[1].problems;
    assert_eq!(problems.len(), 1);
    assert_eq!((&problems[0].path, problems[0].error.kind()), (&scene.at("gone"), io::ErrorKind::NotFound));
    assert_eq!(areas.rewalk(1, &Arc::default()).problems.len(), 1);

    if rustix::process::geteuid().is_root() {
        return;
    }
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(scene.at("a"), fs::Permissions::from_mode(0o000)).unwrap();
    let area = areas.rewalk(0, &Arc::default());
    assert_eq!((&*names(&area.files), &area.problems[0].path), ("b/x", &scene.at("a")));
    fs::set_permissions(scene.at("a"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_second_look_sees_what_changed() {
    let scene = Scene::new(&["a/x", "b/x"]);
    let areas = scene.areas(&["a", "b"]);
    let before = areas.walk(&Arc::default());
    scene.write("a/x", "longer than before");
    scene.write("a/y", "");
    scene.write("a/.gitignore", "z");
    scene.write("a/z", "");
    let after = areas.rewalk(0, &Arc::default());
    assert_eq!(names(&after.files), ".gitignore x y");
    assert_ne!(after.files[1].stat, before.areas[0].files[0].stat);
    assert_eq!(areas.rewalk(1, &Arc::default()).files, before.areas[1].files);
}

mod patterns {
    use super::*;

    fn select(areas: &Areas, area: usize, patterns: &[&str]) -> String {
        let patterns = Patterns::new(patterns).unwrap();
        let tree = areas.walk(&Arc::default());
        let selection = areas.select(&tree, area, &patterns.own);
        assert!(selection.problems.is_empty());
        assert!(selection.files.is_sorted_by(|a, b| a.bytes() < b.bytes()));
        names(&selection.files)
    }

    #[test]
    fn name_files_and_folders() {
        let scene =
            Scene::new(&["src/a", "src/d/e/b", "schema/x.json", "schema/d/y.json", "build.rs", "Build.rs", "srcs"]);
        let areas = scene.areas(&[""]);
        assert_eq!(select(&areas, 0, &["src/**"]), "src/a src/d/e/b");
        assert_eq!(select(&areas, 0, &["src"]), "src/a src/d/e/b");
        assert_eq!(select(&areas, 0, &["./src/", "build.rs"]), "build.rs src/a src/d/e/b");
        assert_eq!(select(&areas, 0, &["src/*"]), "src/a");
        assert_eq!(select(&areas, 0, &["*/d"]), "schema/d/y.json src/d/e/b");
        assert_eq!(select(&areas, 0, &["schema/*.json"]), "schema/x.json");
        assert_eq!(select(&areas, 0, &["**/*.{json,rs}"]), "Build.rs build.rs schema/d/y.json schema/x.json");
        assert_eq!(select(&areas, 0, &["src/[ab]", "src/?", "src/d/**/b"]), "src/a src/d/e/b");
        assert_eq!(select(&areas, 0, &["nothing/**"]), "");
        assert_eq!(select(&areas, 0, &["."]), "Build.rs build.rs schema/d/y.json schema/x.json src/a src/d/e/b srcs");
        assert_eq!(select(&areas, 0, &[]), "");
    }

    #[test]
    fn see_inner_areas_and_what_git_ignores() {
        let scene = Scene::new(&["x.rs", "in/x.rs", "in/deep/x.rs", "out/gen/x.rs", "out/y", "in/out/x.rs", "n.log"]);
        scene.write(".gitignore", "out\n*.log\n");
        scene.write("target/x.rs", "");
        scene.write("out/.git/x.rs", "");
        let areas = scene.areas(&["", "in", "in/deep"]);
        assert_eq!(select(&areas, 0, &["**/*.rs"]), "in/deep/x.rs in/out/x.rs in/x.rs out/gen/x.rs x.rs");
        assert_eq!(select(&areas, 1, &["**/*.rs"]), "deep/x.rs out/x.rs x.rs");
        assert_eq!(select(&areas, 0, &["out/gen", "*.log"]), "n.log out/gen/x.rs");
        assert_eq!(select(&areas, 0, &["in/deep/**"]), "in/deep/x.rs");
        let tree = areas.walk(&Arc::default());
        let files = areas.select(&tree, 0, &Patterns::new(&["**"]).unwrap().own).files;
        let ignored: Vec<&File> = files.iter().filter(|file| file.ignored).collect();
        assert_eq!(ignored.len(), 4, "{files:?}");
        for file in files {
            assert_eq!(file.stat, FileStat::of(&fs::metadata(scene.root.join(&file.path)).unwrap()));
        }
    }

    #[test]
    fn enter_no_ignored_folder_in_which_they_cannot_match() {
        let scene = Scene::new(&["a.json", "src/x"]);
        scene.write(".gitignore", "gone\n");
        scene.write("gone/x", "");
        let areas = scene.areas(&[""]);
        let tree = areas.walk(&Arc::default());
        // A folder that has vanished tells who tried to enter it.
        fs::remove_dir_all(scene.at("gone")).unwrap();
        let problems = |pattern| areas.select(&tree, 0, &Patterns::new(&[pattern]).unwrap().own).problems.len();
        assert_eq!(["*.json", "src/**", "gon/**", "gone", "gone/a/b", "**/x"].map(problems), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn from_the_root_begin_with_two_slashes() {
        let scene = Scene::new(&["proto/a", "proto/d/b", "api/proto/c", "api/x"]);
        let areas = scene.areas(&["", "api"]);
        let patterns = Patterns::new(&["//proto/**", "proto/*", "//api/x"]).unwrap();
        let tree = areas.walk(&Arc::default());
        assert_eq!(names(&areas.select(&tree, 0, &patterns.root).files), "api/x proto/a proto/d/b");
        assert_eq!(names(&areas.select(&tree, 1, &patterns.own).files), "proto/c");
        assert!(!patterns.root.is_empty() && Patterns::new(&["a"]).unwrap().root.is_empty());
    }

    #[test]
    fn that_cannot_be_used_are_refused() {
        for pattern in ["../x", "a/../../x", "/etc/passwd", "//../x"] {
            assert!(matches!(Patterns::new(&[pattern]), Err(PatternError::Outward(_))), "{pattern}");
        }
        for pattern in ["a[", "{a", "[z-a]"] {
            assert!(matches!(Patterns::new(&[pattern]), Err(PatternError::Glob(_))), "{pattern}");
        }
    }
}

#[test]
fn what_an_older_look_has_found_does_not_hide_what_a_later_one_did() {
    let scene = Scene::new(&["a/one"]);
    let areas = scene.areas(&["a"]);
    let mut tree = areas.walk(&Arc::default());
    let before = tree.begin();
    let old = areas.rewalk(0, &Arc::default());
    scene.write("a/two", "");
    let after = tree.begin();
    assert!(tree.take(0, areas.rewalk(0, &Arc::default()), after));
    assert!(!tree.take(0, old, before));
    assert_eq!(names(&tree.areas[0].files), "one two");
}
