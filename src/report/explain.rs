//! Why each step is fresh or stale, and what the keys of fresh ones cover, as text for people. It finds out nothing.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use super::style::Verbosity;
use super::words::{EscapeDefaultUnlessPlain as _, age, listed, own, plural, reasons, release, seconds, title};
use crate::model::{Covers, Explanation, StepInfo, Verdict};

/// Of more reasons than this, the rest is counted.
const REASONS: usize = 12;
/// Of more names in a row than this, too.
const NAMES: usize = 16;
/// In a plan of more steps than this, what is covered takes one line for each.
const DETAILED: usize = 20;

/// Each step with every reason to run it, or with what its key covers. `verbosity`: normally a few lines for a step; with
/// [`Verbosity::Verbose`] every reason, file and package.
///
/// ```
/// use cargo_lifecycle::report::{Verbosity, explain};
/// use cargo_lifecycle::{Lifecycle, Options};
///
/// # let folder = tempfile::tempdir()?;
/// # let workspace = folder.path();
/// # std::fs::create_dir(workspace.join("src"))?;
/// # std::fs::write(workspace.join("src/lib.rs"), "")?;
/// # std::fs::write(workspace.join("Cargo.toml"), "[package]\nname = \"tiny\"\nedition = \"2024\"\n[workspace]\n")?;
/// let options = Options::new().current_dir(workspace).phases(["check"]);
/// # let options = options.target_dir(workspace.join("target"));
/// let explanations = Lifecycle::open(options)?.explain()?;
/// assert_eq!(explain(&explanations, Verbosity::Normal), "check (1 member): stale: first run\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn explain(explanations: &[Explanation], verbosity: Verbosity) -> String {
    explain_at(explanations, verbosity, SystemTime::now())
}

fn explain_at(explanations: &[Explanation], verbosity: Verbosity, now: SystemTime) -> String {
    let steps: Vec<StepInfo> = explanations.iter().map(|one| one.step.clone()).collect();
    let all = verbosity == Verbosity::Verbose;
    let mut text = String::new();
    for one in explanations {
        match &one.verdict {
            Verdict::Stale(_) => stale(&mut text, one, &steps, all),
            Verdict::Fresh { .. } => fresh(&mut text, one, now, (all, explanations.len() > DETAILED)),
        }
    }
    text
}

fn stale(text: &mut String, one: &Explanation, steps: &[StepInfo], all: bool) {
    let title = title(&one.step);
    let reasons = reasons(&one.reasons, steps, own(&one.step));
    if let [reason] = &reasons[..] {
        _ = writeln!(text, "{title}: stale: {reason}");
        return;
    }
    _ = writeln!(text, "{title}: stale, {}:", plural(reasons.len(), "reason"));
    let shown = if all { reasons.len() } else { REASONS };
    reasons.iter().take(shown).for_each(|reason| _ = writeln!(text, "    {reason}"));
    if let Some(more @ 1..) = reasons.len().checked_sub(shown) {
        _ = writeln!(text, "    (+{more} more: -v)");
    }
}

fn fresh(text: &mut String, one: &Explanation, now: SystemTime, (all, many): (bool, bool)) {
    _ = write!(text, "{}: fresh", title(&one.step));
    if let Some(result) = one.result {
        let age = age(now.duration_since(result.made_at).unwrap_or_default());
        _ = write!(text, ", made {age} ago, saves {}", seconds(result.duration));
    }
    match &one.covers {
        Some(covers) if many && !all => _ = write!(text, ": {}", figures(covers)),
        _ => {}
    }
    text.push('\n');
    if let Some(covers) = one.covers.as_ref().filter(|_| all || !many) {
        details(text, covers, all);
    }
}

/// What is covered, in numbers.
fn figures(covers: &Covers) -> String {
    let discovered = covers.discovered_paths.len() + covers.discovered_variables.len();
    let counts = [
        (covers.file_count(), "file"),
        (covers.packages.len(), "locked package"),
        (covers.variables.len(), "variable"),
        (discovered, "discovered input"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| plural(*count, what));
    counts.collect::<Vec<_>>().join(", ")
}

/// What is covered, a line for each sort.
fn details(text: &mut String, covers: &Covers, all: bool) {
    let at_most = if all { usize::MAX } else { NAMES };
    let mut line = |what: &str, names: Vec<String>| {
        if !names.is_empty() {
            _ = writeln!(text, "    {what}: {}", listed(names, at_most));
        }
    };
    let plain = |names: &[Arc<str>]| names.iter().map(|name| name.escape_default_unless_plain()).collect();
    let (rest, owned): (Vec<_>, Vec<_>) = covers.files.iter().partition(|set| set.owner.is_empty());
    let owned = owned.iter().map(|set| format!("{} {}", set.owner, set.files.len()));
    let rest = rest.iter().map(|set| format!("the rest of the workspace {}", set.files.len()));
    let per_owner: Vec<String> = owned.chain(rest).collect();
    if !per_owner.is_empty() {
        line(&plural(covers.file_count(), "file"), per_owner);
    }
    let packages = covers.packages.iter().map(|(name, version)| format!("{name} {version}"));
    if all {
        line(&plural(covers.packages.len(), "locked package"), packages.collect());
    } else if !covers.packages.is_empty() {
        line("locked packages", vec![covers.packages.len().to_string()]);
    }
    line("variables", plain(&covers.variables));
    let tool = |(name, said): &(Arc<str>, Arc<str>)| match release(said) {
        "" => name.to_string(),
        release => format!("{name} {}", release.split(' ').next().unwrap_or_default()),
    };
    line("compiler", covers.tools.iter().map(tool).collect());
    line("configuration", plain(&covers.configuration));
    line("root manifest", plain(&covers.manifest));
    line("outputs of", plain(&covers.outputs_of));
    line("discovered files", plain(&covers.discovered_paths));
    line("discovered variables", plain(&covers.discovered_variables));
    if all {
        let files = covers.files.iter().flat_map(|set| &set.files);
        files.for_each(|(path, _)| _ = writeln!(text, "        {}", path.escape_default_unless_plain()));
    }
}
