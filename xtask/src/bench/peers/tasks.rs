//! Runners with tasks of their own: moon, Task and mise.

use std::fmt::Write as _;

use super::job::{Job, Member, Peer};
use crate::generate::COMMAND;

/// <https://moonrepo.dev>
pub const MOON: Peer = Peer {
    name: "moon",
    programs: &["moon"],
    looks_at: "git, contents",
    note: "",
    write: write_moon,
    words: &["run", ":stamp", "--concurrency", "JOBS", "--log", "error"],
    env: &[("MOON_TOOLCHAIN_FORCE_GLOBALS", "true"), ("DO_NOT_TRACK", "1")],
    state: &[".moon/cache"],
    git: true,
};

/// <https://taskfile.dev>
pub const GO_TASK: Peer = Peer {
    name: "go-task",
    programs: &["task", "go-task"],
    looks_at: "contents",
    note: "",
    write: write_go_task,
    words: &["--silent", "--concurrency", "JOBS", "stamp"],
    env: &[],
    state: &[".task"],
    git: false,
};

/// <https://mise.jdx.dev>
pub const MISE: Peer = Peer {
    name: "mise",
    programs: &["mise"],
    looks_at: "contents",
    note: "with `task.source_freshness_hash_contents`.",
    write: write_mise,
    words: &["run", "--quiet", "--jobs", "JOBS", "stamp"],
    env: &[("MISE_YES", "1"), ("MISE_TRUSTED_CONFIG_PATHS", "/"), ("MISE_EXPERIMENTAL", "1"), ("MISE_OFFLINE", "1")],
    state: &[],
    git: false,
};

fn write_moon(job: &Job) -> anyhow::Result<()> {
    let workspace = "projects: ['members/*']\nvcs:\n  defaultBranch: main\ntelemetry: false\n";
    job.put(".moon/workspace.yml", workspace)?;
    for Member { dir, dependencies, .. } in &job.members {
        let text = format!(
            "dependsOn: {dependencies:?}\ntasks:\n  stamp:\n    script: '{COMMAND}'\n    deps: ['^:stamp']\n    \
             inputs: ['src/**/*', 'Cargo.toml']\n    outputs: ['out/stamp']\n"
        );
        job.put(&format!("{dir}/moon.yml"), &text)?;
    }
    Ok(())
}

fn write_go_task(job: &Job) -> anyhow::Result<()> {
    let names: Vec<&str> = job.members.iter().map(|member| &*member.name).collect();
    let mut text = format!("version: '3'\nmethod: checksum\ntasks:\n  stamp:\n    deps: {names:?}\n");
    for Member { name, dir, dependencies, .. } in &job.members {
        writeln!(text, "  {name}:\n    dir: {dir}\n    deps: {dependencies:?}\n    run: once")?;
        writeln!(text, "    sources: ['src/**', Cargo.toml]\n    generates: [out/stamp]")?;
        writeln!(text, "    cmds: [\"sh -c '{COMMAND}'\"]")?;
    }
    job.put("Taskfile.yml", &text)
}

fn write_mise(job: &Job) -> anyhow::Result<()> {
    let names: Vec<&str> = job.members.iter().map(|member| &*member.name).collect();
    let mut text = String::from("[settings]\nexperimental = true\ntask.source_freshness_hash_contents = true\n");
    writeln!(text, "[tasks.stamp]\ndepends = {names:?}")?;
    for Member { name, dir, dependencies, .. } in &job.members {
        writeln!(text, "[tasks.{name}]\nrun = {COMMAND:?}\ndir = {dir:?}\ndepends = {dependencies:?}")?;
        writeln!(text, "sources = [\"src/**\", \"Cargo.toml\"]\noutputs = [\"out/stamp\"]")?;
    }
    job.put("mise.toml", &text)
}
