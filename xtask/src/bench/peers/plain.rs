//! Runners that know files and recipes, and nothing of members: ninja, make, just and cargo-make.

use std::fmt::Write as _;

use super::job::{Job, Member, Peer};
use crate::generate::COMMAND;

/// <https://ninja-build.org>
pub const NINJA: Peer = Peer {
    name: "ninja",
    programs: &["ninja"],
    looks_at: "times",
    note: "",
    write: write_ninja,
    words: &["--quiet", "-j", "JOBS"],
    env: &[],
    state: &[".ninja_log", ".ninja_deps"],
    git: false,
};

/// GNU make.
pub const MAKE: Peer = Peer {
    name: "make",
    programs: &["make"],
    looks_at: "times",
    note: "without its built-in rules, by which it looks for a way to make each source.",
    write: write_make,
    words: &["--silent", "--no-builtin-rules", "--jobs", "JOBS"],
    env: &[],
    state: &[],
    git: false,
};

/// <https://just.systems>, with its cache of recipes, which is not stable yet.
pub const JUST: Peer = Peer {
    name: "just",
    programs: &["just"],
    looks_at: "contents",
    note: "with its unstable `[cache]`.",
    write: write_just,
    words: &["--quiet", "--jobs", "JOBS", "stamp"],
    env: &[],
    state: &[".just"],
    git: false,
};

/// cargo-make, which has no cache.
pub const CARGO_MAKE: Peer = Peer {
    name: "cargo-make",
    programs: &["cargo-make"],
    looks_at: "nothing",
    note: "has no cache that looks at files: it runs everything each time.",
    write: write_cargo_make,
    words: &["make", "--no-workspace", "--loglevel", "error", "--makefile", "Makefile.toml", "stamp"],
    env: &[],
    state: &[],
    git: false,
};

fn stamps(dependencies: &[String]) -> String {
    dependencies.iter().map(|name| format!(" members/{name}/out/stamp")).collect()
}

/// The command, in a file in which a dollar is two.
fn doubled() -> String {
    COMMAND.replace('$', "$$")
}

fn write_ninja(job: &Job) -> anyhow::Result<()> {
    let mut text = format!("rule stamp\n  command = cd $dir && {}\n", doubled());
    for Member { dir, inputs, dependencies, .. } in &job.members {
        let (inputs, dependencies) = (inputs.join(" "), stamps(dependencies));
        writeln!(text, "build {dir}/out/stamp: stamp {inputs}{dependencies}\n  dir = {dir}")?;
    }
    job.put("build.ninja", &text)
}

fn write_make(job: &Job) -> anyhow::Result<()> {
    let all: Vec<String> = job.members.iter().map(Member::stamp).collect();
    let mut text = format!("all: {}\n", all.join(" "));
    for Member { dir, inputs, dependencies, .. } in &job.members {
        let (inputs, dependencies) = (inputs.join(" "), stamps(dependencies));
        writeln!(text, "{dir}/out/stamp: {inputs}{dependencies}\n\tcd {dir} && {}", doubled())?;
    }
    job.put("Makefile", &text)
}

fn write_just(job: &Job) -> anyhow::Result<()> {
    let names: Vec<&str> = job.members.iter().map(|member| &*member.name).collect();
    let mut text = format!("set unstable\nset lists\n\n[parallel]\nstamp: {}\n", names.join(" "));
    for member in &job.members {
        let Member { name, dir, inputs, dependencies } = member;
        let (stamp, dependencies) = (member.stamp(), dependencies.join(" "));
        writeln!(text, "\n[script(\"sh\")]\n[cache(inputs = {inputs:?}, outputs = {stamp:?})]")?;
        writeln!(text, "{name}: {dependencies}\n    cd {dir} && {COMMAND}")?;
    }
    job.put("justfile", &text)
}

fn write_cargo_make(job: &Job) -> anyhow::Result<()> {
    let names: Vec<&str> = job.members.iter().map(|member| &*member.name).collect();
    let mut text = format!("[config]\nskip_core_tasks = true\n[tasks.stamp]\ndependencies = {names:?}\n");
    for Member { name, dir, dependencies, .. } in &job.members {
        let script = format!("cd {dir} && {COMMAND}");
        writeln!(text, "[tasks.{name}]\ndependencies = {dependencies:?}\nscript = {script:?}")?;
    }
    job.put("Makefile.toml", &text)
}
