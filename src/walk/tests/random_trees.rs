//! What `git` says, and what a walk finds, must be the same whatever the rules; and so must a second look.

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
    "a", "b", "ab", "c.o", "d.log", "x y", "e ", "{k}", "k", "[z]", "z", ".h", "src", "out", "!n", "#m", "é", "a-b",
    "a.b", "b\\c",
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
        let (front, end) = (random.one_of(&["", "", "", "", "/", "/", "#"]), random.one_of(&["", "", "/", " ", "\r"]));
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
    for (area, files) in areas.walk(&Arc::default(), None).areas.iter().enumerate() {
        assert!(files.problems.is_empty());
        assert!(files.files.is_sorted_by(|a, b| a.bytes() < b.bytes()));
        let dir = areas.dir(area).strip_prefix(&scene.root).unwrap();
        all.extend(files.files.iter().map(|file| dir.join(&file.path).to_str().unwrap().to_owned()));

        let anew = areas.rewalk(area, None, &Arc::default());
        for again in
            [areas.rewalk(area, Some(files), &Arc::default()), areas.rewalk(area, Some(&anew), &Arc::default()), anew]
        {
            assert_eq!(again.files, files.files, "{dir:?}");
            assert_eq!(again.ignored_files, files.ignored_files, "{dir:?}");
            assert_eq!(again.ignored_dirs, files.ignored_dirs, "{dir:?}");
        }
    }
    all.sort();
    all
}

/// Has git track some of the files, whether or not rules ignore them.
fn track(scene: &Scene, random: &mut Random) {
    let all = walkdir::WalkDir::new(&scene.root).sort_by_file_name().into_iter();
    let all = all.filter_entry(|entry| entry.file_name() != ".git").map(Result::unwrap);
    let files = all.filter(|entry| entry.file_type().is_file() && random.below(5) == 0);
    let files: Vec<String> = files.map(|entry| entry.path().to_str().unwrap().to_owned()).collect();
    if !files.is_empty() {
        // Names are names here, no patterns.
        let add = ["--literal-pathspecs", "add", "-f", "--"].into_iter().chain(files.iter().map(String::as_str));
        scene.git("", &add.collect::<Vec<_>>());
    }
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
    let (mut ignored, mut tracked) = (0, 0);
    for seed in 1..=80 {
        let (scene, dirs) = scene(seed, PARTS);
        let untracked = by_git(&scene);
        if seed % 4 != 0 {
            track(&scene, &mut Random(seed));
        }
        let expected = by_git(&scene);
        tracked += expected.len() - untracked.len();
        let whole = scene.areas(&[""]);
        let found = by_walk(&scene, &whole);
        assert_eq!(more(&scene, &found, &expected), "", "found too much, seed {seed}");
        assert_eq!(more(&scene, &expected, &found), "", "found too little, seed {seed}");
        ignored += whole.walk(&Arc::default(), None).areas[0].ignored_files.len();

        // Cut into areas, each in a folder that is not ignored, it is the same tree.
        let is_seen = |dir: &&str| untracked.iter().any(|file| Path::new(file).starts_with(dir));
        let dirs: Vec<&str> = dirs.iter().skip(1).map(String::as_str).collect();
        let picked: Vec<&str> = dirs.iter().copied().filter(is_seen).step_by(2).collect();
        assert_eq!(by_walk(&scene, &scene.areas(&[&[""], &picked[..]].concat())), expected, "seed {seed}");

        // An area in an ignored folder has rules of its own; a second look must still tell the same.
        let any: Vec<&str> = dirs.into_iter().step_by(2).collect();
        by_walk(&scene, &scene.areas(&any));
    }
    assert!(ignored > 60 && tracked > 20, "the rules ignored {ignored} files only, {tracked} of them tracked");
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
    match random.below(11) {
        0 if full.is_dir() => _ = fs::remove_dir_all(&full),
        0 => _ = fs::remove_file(&full),
        1 => _ = fs::create_dir_all(&full),
        2 => _ = fs::rename(&full, scene.at(random.one_of(NAMES))),
        3 => _ = fs::write(scene.at(dir).join(".gitignore"), rules(random, PARTS)),
        4 => _ = fs::remove_file(scene.at(dir).join(".gitignore")),
        5 => scene.write(".git/info/exclude", &rules(random, PARTS)),
        9 => track(scene, random),
        10 => _ = scene.git("", &["rm", "-r", "-q", "--cached", "--ignore-unmatch", "."]),
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
            let known = areas.walk(&Arc::default(), None);
            let known = Arc::new(Known::parse(known.encode()));
            let again = areas.walk(&known, None);
            same += again.areas.len() - again.changed().count();
            let names = |tree: &Tree| -> Vec<bool> {
                let names = NAMES.iter().map(Path::new);
                tree.areas.iter().flat_map(|area| names.clone().map(|name| area.has(name))).collect()
            };
            let has = names(&again);
            assert_eq!(all(&again), all(&areas.walk(&Arc::default(), None)), "seed {seed}, round {round}");
            assert_eq!(has, names(&again));
            assert_eq!(again.encode(), areas.walk(&Arc::default(), None).encode());

            let path = change(&scene, &mut random, &dirs);
            let again = areas.walk(&known, None);
            changed += again.changed().count();
            let text = format!("seed {seed}, round {round}: {path}");
            assert_eq!(all(&again), all(&areas.walk(&Arc::default(), None)), "{text}");
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
