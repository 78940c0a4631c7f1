//! Plans that are looked at instead of run: lists, verdicts, graphs; as text.

use std::fmt::Write as _;

use serde_json::json;

use super::words::{own, plural, reason, seconds, title};
use crate::model::{EdgeKind, Node, Plan, Project, StepId, StepInfo, Subject, Verdict, Workspace};
use crate::plan::{Argv, Expansion};

/// The languages that `--graph` speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
    /// JSON: steps and edges
    Json,
}

/// Each step with its verdict, in the order of the plan, and the commands of those that would run.
#[must_use]
pub fn dry_run(plan: &Plan, steps: &[StepInfo], verdicts: &[Verdict], expansion: &Expansion<'_>) -> String {
    let mut text = String::new();
    for (id, verdict) in plan.ids().zip(verdicts) {
        let title = title(&steps[id.index()]);
        match verdict {
            Verdict::Fresh { saved } => _ = writeln!(text, "{title}: fresh, saves {}", seconds(*saved)),
            Verdict::Stale(why) => {
                _ = writeln!(text, "{title}: stale: {}", reason(why, steps, own(&steps[id.index()])));
                commands(&mut text, plan, expansion, id);
            }
        }
    }
    text
}

fn commands(text: &mut String, plan: &Plan, expansion: &Expansion<'_>, id: StepId) {
    for command in expansion.expand(plan.step(id)).commands {
        _ = writeln!(text, "    {}", command_line(&command));
    }
}

/// A command as one could type it.
#[must_use]
pub fn command_line(command: &Argv) -> String {
    match command {
        Argv::Shell(line) => line.clone(),
        Argv::Words(words, _) => {
            let words = words.iter().map(|word| shlex::try_quote(word).unwrap_or(word.into()));
            words.collect::<Vec<_>>().join(" ")
        }
    }
}

/// What a phase comes to for the selected members, for [`list`].
pub struct Listed<'a> {
    /// The phase's own steps.
    pub plan: &'a Plan,
    /// Their names.
    pub steps: &'a [StepInfo],
}

/// Every phase with its description, its real command lines, and its groups.
#[must_use]
pub fn list(project: &Project, phases: &[Listed<'_>], expansion: &Expansion<'_>) -> String {
    let width = project.phases.iter().map(|phase| phase.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (phase, listed) in project.phases.iter().zip(phases) {
        let line = format!("{:width$}  {}", phase.name, phase.description);
        _ = writeln!(text, "{}", line.trim_end());
        let mut rest = 0;
        for (id, info) in listed.plan.ids().zip(listed.steps) {
            let step = listed.plan.step(id);
            if matches!(step.subject, Subject::Member(_)) && id.index() > 0 {
                rest += 1;
                continue;
            }
            for command in expansion.expand(step).commands {
                _ = writeln!(text, "{:width$}    {}", "", shortened(&command_line(&command)));
            }
            if matches!(step.subject, Subject::Group(_)) && listed.plan.steps.len() > 1 {
                let names = step.subject.members().iter().map(|id| &*expansion.workspace.member(*id).name);
                let names = shortened(&names.collect::<Vec<_>>().join(", "));
                let why = if info.name == info.phase { "together" } else { "apart: another command or environment" };
                _ = writeln!(text, "{:width$}      {names} ({why})", "");
            }
        }
        if rest > 0 {
            _ = writeln!(text, "{:width$}      likewise for {}", "", plural(rest, "more member"));
        }
        if listed.plan.steps.is_empty() {
            _ = writeln!(text, "{:width$}    (none of the selected members has it)", "");
        }
    }
    text
}

/// The same for programs: a phase per line, as JSON.
#[must_use]
pub fn list_json(project: &Project, phases: &[Listed<'_>], expansion: &Expansion<'_>) -> String {
    let mut text = String::new();
    for (phase, listed) in project.phases.iter().zip(phases) {
        let steps = listed.plan.ids().zip(listed.steps).map(|(id, info)| {
            let step = listed.plan.step(id);
            let members = step.subject.members().iter().map(|id| &*expansion.workspace.member(*id).name);
            let commands = expansion.expand(step).commands;
            json!({
                "step": &*info.name,
                "members": members.collect::<Vec<_>>(),
                "commands": commands.iter().map(command_line).collect::<Vec<_>>(),
            })
        });
        let steps: Vec<_> = steps.collect();
        let line = json!({ "format": 1, "phase": &*phase.name, "description": &*phase.description, "steps": steps });
        _ = writeln!(text, "{line}");
    }
    text
}

/// A long line, cut by characters: whoever wants all of it asks for a dry run.
fn shortened(line: &str) -> String {
    const WIDTH: usize = 160;
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let kept: String = line.chars().take(WIDTH).collect();
    format!("{kept}…")
}

/// The plan as a graph. Barriers are left out: an edge stands for each pair that they join, unless those are many.
#[must_use]
pub fn graph(plan: &Plan, steps: &[StepInfo], workspace: &Workspace, format: GraphFormat) -> String {
    let edges = plan.edges.iter().map(|edge| (edge.from, edge.to, edge.kind));
    match format {
        GraphFormat::Dot => dot(plan, steps, edges),
        GraphFormat::Mermaid => mermaid(plan, steps, edges),
        GraphFormat::Json => json(plan, steps, workspace, edges),
    }
}

fn label(steps: &[StepInfo], node: Node) -> String {
    steps.get(node.index()).map_or_else(|| "everything else".to_owned(), title)
}

fn dot(plan: &Plan, steps: &[StepInfo], edges: impl Iterator<Item = (Node, Node, EdgeKind)>) -> String {
    let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = String::from("digraph plan {\n    rankdir = LR;\n    node [shape = box];\n");
    for node in (0..plan.nodes() as u32).map(Node) {
        _ = writeln!(text, "    n{} [label = \"{}\"];", node.0, quote(&label(steps, node)));
    }
    for (from, to, kind) in edges {
        let style = if kind.is_hard() { "" } else { " [style = dashed]" };
        _ = writeln!(text, "    n{} -> n{}{style};", from.0, to.0);
    }
    text + "}\n"
}

fn mermaid(plan: &Plan, steps: &[StepInfo], edges: impl Iterator<Item = (Node, Node, EdgeKind)>) -> String {
    let quote = |text: &str| text.replace('"', "#quot;");
    let mut text = String::from("graph LR\n");
    for node in (0..plan.nodes() as u32).map(Node) {
        _ = writeln!(text, "    n{}[\"{}\"]", node.0, quote(&label(steps, node)));
    }
    for (from, to, kind) in edges {
        let arrow = if kind.is_hard() { "-->" } else { "-.->" };
        _ = writeln!(text, "    n{} {arrow} n{}", from.0, to.0);
    }
    text
}

fn json(
    plan: &Plan,
    steps: &[StepInfo],
    workspace: &Workspace,
    edges: impl Iterator<Item = (Node, Node, EdgeKind)>,
) -> String {
    let steps = plan.steps.iter().zip(steps).map(|(step, info)| {
        let members = step.subject.members().iter().map(|id| &*workspace.member(*id).name);
        json!({ "name": &*info.name, "phase": &*info.phase, "members": members.collect::<Vec<_>>() })
    });
    let edges = edges.map(|(from, to, kind)| json!({ "from": from.0, "to": to.0, "kind": kind_name(kind) }));
    let graph = json!({
        "version": 1,
        "steps": steps.collect::<Vec<_>>(),
        "barriers": plan.barriers,
        "edges": edges.collect::<Vec<_>>(),
    });
    format!("{graph:#}\n")
}

const fn kind_name(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Needs(_) => "needs",
        EdgeKind::Before(_) => "before",
        EdgeKind::After(_) => "after",
        EdgeKind::BeforeAll(_) => "before_all",
        EdgeKind::AfterAll(_) => "after_all",
        EdgeKind::Order => "order",
    }
}
