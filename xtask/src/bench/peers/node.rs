//! Runners that come from npm and know its workspaces: Turborepo and Nx.

use std::io;
use std::path::Path;

use serde_json::json;

use super::job::{Job, Peer};
use crate::generate::COMMAND;

/// <https://turborepo.com>
pub const TURBO: Peer = Peer {
    name: "turbo",
    programs: &["turbo"],
    looks_at: "git's index",
    note: "starts each command through npm; here a script in npm's place runs it at once, so that npm's start is not in the figures.",
    write: write_turbo,
    words: &["run", "stamp", "--concurrency", "JOBS", "--output-logs", "none", "--ui", "stream"],
    env: &[("TURBO_TELEMETRY_DISABLED", "1"), ("DO_NOT_TRACK", "1"), ("PATH", "ROOT/.bin:PATH")],
    state: &[".turbo"],
    git: true,
};

/// <https://nx.dev>
pub const NX: Peer = Peer {
    name: "nx",
    programs: &["nx"],
    looks_at: "contents",
    note: "without its daemon.",
    write: write_nx,
    words: &["run-many", "--target", "stamp", "--parallel", "JOBS", "--outputStyle", "static"],
    env: &[("NX_DAEMON", "false"), ("NX_NO_CLOUD", "true"), ("NX_TUI", "false"), ("NX_CACHE_DIRECTORY", ".nx/cache")],
    state: &[".nx"],
    git: true,
};

fn write_turbo(job: &Job) -> anyhow::Result<()> {
    let root = json!({ "name": "ws", "private": true, "packageManager": "npm@10.0.0", "workspaces": ["members/*"] });
    job.put("package.json", &root.to_string())?;
    let task = json!({ "dependsOn": ["^stamp"], "inputs": ["src/**", "Cargo.toml"], "outputs": ["out/**"] });
    job.put("turbo.json", &json!({ "cacheDir": ".turbo/cache", "tasks": { "stamp": task } }).to_string())?;
    let mut locked = serde_json::Map::from_iter([(String::new(), root)]);
    for member in &job.members {
        let dependencies: serde_json::Map<_, _> =
            member.dependencies.iter().map(|name| (name.clone(), json!("*"))).collect();
        let lock = json!({ "name": member.name, "version": "0.1.0", "dependencies": dependencies });
        locked.insert(member.dir.clone(), lock);
        locked.insert(format!("node_modules/{}", member.name), json!({ "resolved": member.dir, "link": true }));
        let package = json!({
            "name": member.name, "version": "0.1.0", "scripts": { "stamp": COMMAND }, "dependencies": dependencies,
        });
        job.put(&format!("{}/package.json", member.dir), &package.to_string())?;
    }
    let lock = json!({ "name": "ws", "lockfileVersion": 3, "requires": true, "packages": locked });
    job.put("package-lock.json", &lock.to_string())?;
    put_npm(job)
}

/// What stands in for npm: it runs the one script that there is.
fn put_npm(job: &Job) -> anyhow::Result<()> {
    job.put(".bin/npm", &format!("#!/bin/sh\n{COMMAND}\n"))?;
    Ok(make_executable(&job.dir().join(".bin/npm"))?)
}

fn write_nx(job: &Job) -> anyhow::Result<()> {
    job.put("package.json", &json!({ "name": "ws", "private": true, "devDependencies": { "nx": "*" } }).to_string())?;
    job.put("nx.json", "{}")?;
    for member in &job.members {
        let target = json!({
            "command": COMMAND, "options": { "cwd": member.dir }, "cache": true, "dependsOn": ["^stamp"],
            "inputs": ["{projectRoot}/src/**/*", "{projectRoot}/Cargo.toml"], "outputs": ["{projectRoot}/out"],
        });
        let project = json!({
            "name": member.name, "implicitDependencies": member.dependencies, "targets": { "stamp": target },
        });
        job.put(&format!("{}/project.json", member.dir), &project.to_string())?;
    }
    // It works only with a package of its own in the workspace: the one that it was started from.
    let real = std::fs::canonicalize(&job.program)?;
    let modules = real.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "node_modules"));
    let link = |modules: &Path| link_folder(modules, &job.dir().join("node_modules"));
    Ok(modules.map(link).transpose().map(drop)?)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(unix)]
fn link_folder(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn link_folder(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
