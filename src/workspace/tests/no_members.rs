//! Packages that are no members: reached by a path, by a patch, or from a registry.

use super::*;

#[test]
fn path_packages_that_are_no_members_are_followed() {
    let scene = Scene::new("[workspace]\nmembers = ['a', 'b']\nexclude = ['vendor']\nresolver = '2'\n");
    scene.package(
        "ws/a",
        "a",
        "[dependencies]\none = { path = '../../one' }\n[dev-dependencies]\ntwo = { path = '../vendor/two' }",
    );
    scene.package("ws/b", "b", "");
    scene.package("one", "one", "dependencies.two.path = '../ws/vendor/two'\ndev-dependencies.three.path = '../three'");
    scene.package("three", "three", "");
    scene.package("ws/vendor/two", "two", "build-dependencies.b.path = '../../b'");
    let workspace = scene.settle();
    let folders: Vec<_> = workspace.path_packages.iter().map(|it| (&*it.name, &*it.relative_dir)).collect();
    assert_eq!(folders, [("one", "../one"), ("two", "vendor/two")]);
    assert_eq!(member(&workspace, "a").package.as_ref().unwrap().path_packages, [(0, Normal), (1, Dev)]);
    assert_eq!(workspace.path_packages[0].path_packages, [1]);
    assert_eq!(workspace.path_packages[1].members, [workspace.named("b").unwrap()]);
}

#[test]
fn what_no_feature_needs_today_is_followed_too() {
    let scene = Scene::new("[workspace]\nmembers = ['a']\nexclude = ['one', 'two']\nresolver = '2'\n");
    scene.package("ws/a", "a", "dependencies.one = { path = '../one', optional = true }");
    scene.package("ws/one", "one", "dependencies.two = { path = '../two', optional = true }");
    scene.package("ws/two", "two", "");
    let workspace = scene.settle();
    assert_eq!(workspace.path_packages.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(workspace.path_packages[0].path_packages, [1]);
    scene.put("ws/two/Cargo.toml", "package = { name = 'two', version = '0.2.0' }");
    scene.is_noticed();
}

#[test]
fn what_a_patch_brings_in_is_followed_too() {
    let scene = Scene::new(
        "[workspace]\nmembers = ['a']\nexclude = ['log', 'two']\nresolver = '2'\n[patch.crates-io]\nlog.path = './log'\n",
    );
    scene.package("ws/a", "a", "dependencies.log = { version = '0.1', optional = true }");
    scene.package("ws/log", "log", "dependencies.two.path = '../two'");
    scene.package("ws/two", "two", "");
    let workspace = scene.settle();
    assert_eq!(workspace.path_packages.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["log", "two"]);
    assert_eq!(member(&workspace, "a").package.as_ref().unwrap().path_packages, [(0, Normal)]);
    assert_eq!(workspace.path_packages[0].path_packages, [1]);
}

/// Adds a package to a registry in a folder. The index knows it, but it cannot be had.
fn put_in_registry(scene: &Scene, path: &str, name: &str, versions: &[(&str, &[&str])]) {
    scene.put(
        "cargo-home/config.toml",
        "source.crates-io.replace-with = 'folder'\nsource.folder.local-registry = 'registry'",
    );
    let dependency = |name: &&str| {
        format!(
            r#"{{"name":"{name}","req":"*","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"}}"#
        )
    };
    let line = |(version, dependencies): &(&str, &[&str])| {
        let dependencies: Vec<_> = dependencies.iter().map(dependency).collect();
        let (dependencies, checksum) = (dependencies.join(","), version.replace('.', "").repeat(32));
        format!(
            r#"{{"name":"{name}","vers":"{version}","deps":[{dependencies}],"features":{{}},"yanked":false,"cksum":"{checksum:.64}"}}"#
        )
    };
    let lines: Vec<_> = versions.iter().map(line).collect();
    scene.put(&format!("registry/index/{path}"), &lines.join("\n"));
}

#[test]
fn packages_of_other_platforms_need_not_be_there() {
    let scene = Scene::of_two();
    put_in_registry(&scene, "la/te/later", "later", &[("1.0.0", &[])]);
    scene.package("ws/crates/a", "a", "target.'cfg(windows)'.dependencies.later = '1'");
    let workspace = scene.settle();
    assert_eq!(workspace.locked.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["later"]);
    assert_eq!(member(&workspace, "a").package.as_ref().unwrap().locked, [(0, Normal)]);
}

#[test]
fn registry_packages_come_from_the_lock_and_need_not_be_there() {
    let mut scene = Scene::new(
        "[workspace]\nmembers = ['a', 'b']\nexclude = ['p']\nresolver = '2'\n\
         [patch.crates-io]\nb.path = 'b'\np.path = 'p'\n",
    );
    scene.set("CARGO_TERM_COLOR", "always");
    put_in_registry(&scene, "3/l/log", "log", &[("0.3.9", &["later"]), ("0.4.1", &["b", "p"])]);
    put_in_registry(&scene, "la/te/later", "later", &[("1.0.0", &[])]);
    scene.package(
        "ws/a",
        "a",
        "dependencies.log = '0.4'\nbuild-dependencies.log = '0.3'\ndev-dependencies.later = '1'",
    );
    scene.package("ws/b", "b", "");
    scene.package("ws/p", "p", "dependencies.later = '1'");
    let workspace = scene.settle();
    let locked: Vec<_> = workspace.locked.iter().map(|it| (&*it.name, &*it.version, &*it.dependencies)).collect();
    assert_eq!(locked, [("later", "1.0.0", &[][..]), ("log", "0.3.9", &[0]), ("log", "0.4.1", &[])]);
    assert!(workspace.locked[0].checksum.starts_with("100100") && workspace.locked[0].source.starts_with("registry+"));
    assert_eq!(workspace.locked[2].members, [workspace.named("b").unwrap()]);
    assert_eq!(workspace.locked[2].path_packages, [0]);
    assert_eq!((&*workspace.path_packages[0].name, &*workspace.path_packages[0].locked), ("p", &[0][..]));
    let package = member(&workspace, "a").package.as_ref().unwrap();
    assert_eq!(package.locked, [(0, Dev), (1, Normal), (1, Build), (2, Normal), (2, Build)]);
    // A new version of a direct dependency changes the lock, and what it is mapped to.
    put_in_registry(&scene, "la/te/later", "later", &[("1.0.0", &[]), ("2.0.0", &[])]);
    scene.package("ws/p", "p", "dependencies.later = '2'");
    assert_eq!(scene.is_noticed().locked[1].version, "2.0.0".into());
}
