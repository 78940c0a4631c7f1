//! Whether two steps of a plan claim the same output. It knows patterns alone, not which files are there. Pure.

use std::collections::HashMap;

use crate::model::{Claim, Phase, Plan, Project, Span, StepId, Subject, Workspace};

/// Two steps that would write the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The two steps, in the plan's order, each with the pattern that it claims and the place of it in make.toml.
    pub claims: [(StepId, String, Span); 2],
}

/// The first two steps whose `outputs` can name the same file.
#[must_use]
pub fn clash(plan: &Plan, workspace: &Workspace, project: &Project) -> Option<Clash> {
    let claims = claims(plan, workspace, project);
    let mut by_base: HashMap<&[Name], Vec<usize>> = HashMap::new();
    for (place, claim) in claims.iter().enumerate() {
        by_base.entry(claim.base()).or_default().push(place);
    }
    // Patterns can only meet where the folder of one lies in that of the other.
    let meets = |place: usize| {
        let claim = &claims[place];
        let base = claim.base();
        let above = (0..=base.len()).filter_map(|length| by_base.get(base.get(..length)?));
        let others = above.flatten().copied().filter(|other| claims[*other].step != claim.step);
        others
            .filter(|other| meet(&claim.names, &claims[*other].names))
            .map(move |other| (other.min(place), other.max(place)))
            .min()
    };
    let (one, other) = (0..claims.len()).filter_map(meets).min()?;
    let told = |place: usize| {
        let Resolved { step, claim, .. } = &claims[place];
        (*step, claim.pattern.to_string(), claim.span)
    };
    Some(Clash { claims: [told(one), told(other)] })
}

/// A claim as seen from the workspace root.
struct Resolved<'a> {
    step: StepId,
    claim: &'a Claim,
    names: Vec<Name>,
}

/// One name of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    /// This name, literally.
    Literal(String),
    /// Any name that this pattern matches.
    Pattern(String),
    /// Any number of names.
    Any,
}

impl Resolved<'_> {
    /// The folder that everything it names lies in.
    fn base(&self) -> &[Name] {
        let literal = self.names.iter().take_while(|name| matches!(name, Name::Literal(_))).count();
        self.names.get(..literal).unwrap_or_default()
    }
}

fn claims<'a>(plan: &'a Plan, workspace: &Workspace, project: &'a Project) -> Vec<Resolved<'a>> {
    let mut all = Vec::new();
    for id in plan.ids() {
        let step = plan.step(id);
        if step.definition.outputs.as_ref().is_none_or(Vec::is_empty) {
            continue;
        }
        let phase = project.phase(step.phase);
        let mut add = |dir: &str, claims: &'a [Claim]| {
            for claim in claims {
                let patterns = unfolded(&claim.pattern).into_iter();
                all.extend(patterns.map(|pattern| Resolved { step: id, claim, names: resolved(dir, &pattern) }));
            }
        };
        match &step.subject {
            Subject::Workspace | Subject::Member(_) => {
                let dir = step.subject.members().first().map_or("", |member| &*workspace.member(*member).relative_dir);
                add(dir, step.definition.outputs.as_deref().unwrap_or_default());
            }
            Subject::Group(members) => {
                for member in members.iter().map(|member| workspace.member(*member)) {
                    add(&member.relative_dir, of_member(phase, &member.name));
                }
            }
        }
    }
    all
}

/// What the phase makes for a member of a group.
fn of_member<'a>(phase: &'a Phase, member: &str) -> &'a [Claim] {
    phase.definition_for(member).and_then(|definition| definition.outputs.as_deref()).unwrap_or_default()
}

/// The names of a pattern seen from the root. One that ends with a plain name or `/` means everything in a folder of that
/// name, too.
fn resolved(dir: &str, pattern: &str) -> Vec<Name> {
    let real = |name: &&str| !name.is_empty() && *name != ".";
    let (dir, inner) = pattern.strip_prefix("//").map_or((dir, pattern), |inner| ("", inner));
    let mut names: Vec<Name> = dir.split('/').filter(real).map(|name| Name::Literal(name.to_owned())).collect();
    names.extend(inner.split('/').filter(real).map(|name| match name {
        "**" => Name::Any,
        name if name.contains(['*', '?', '[', '\\']) => Name::Pattern(simple(name)),
        name => Name::Literal(name.to_owned()),
    }));
    if matches!(names.last(), Some(Name::Literal(_))) || pattern.ends_with('/') {
        names.push(Name::Any);
    }
    names
}

/// The patterns that one with `{a,b}` stands for.
fn unfolded(pattern: &str) -> Vec<String> {
    let open = pattern.find('{');
    let close = open.and_then(|open| pattern.get(open..)?.find('}').map(|length| open + length));
    let (Some(_), Some(close)) = (open, close) else { return vec![pattern.to_owned()] };
    // The innermost braces first: those whose opening is the last before the first closing.
    let open = pattern.get(..close).and_then(|before| before.rfind('{')).unwrap_or(close);
    let (before, after) = (pattern.get(..open).unwrap_or_default(), pattern.get(close + 1..).unwrap_or_default());
    let choices = pattern.get(open + 1..close).unwrap_or_default().split(',');
    choices.flat_map(|choice| unfolded(&format!("{before}{choice}{after}"))).collect()
}

/// A name in which a class of characters is any character: it may match more than it should, never less.
fn simple(name: &str) -> String {
    let mut simple = String::new();
    let mut rest = name.chars();
    while let Some(next) = rest.next() {
        match next {
            '[' => {
                simple.push('?');
                // `]` as the first of a class is one of its characters.
                let mut first = true;
                while rest.next().is_some_and(|inner| inner != ']' || std::mem::take(&mut first)) {
                    first = false;
                }
            }
            '\\' => simple.extend(rest.next().map(|_| '?')),
            other => simple.push(other),
        }
    }
    simple
}

/// Whether there is a path that both match.
fn meet(one: &[Name], other: &[Name]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([Name::Any, rest @ ..], names) | (names, [Name::Any, rest @ ..]) => {
            meet(rest, names) || names.split_first().is_some_and(|(_, behind)| meet_any(rest, behind))
        }
        ([name, one @ ..], [same, other @ ..]) => name.meets(same) && meet(one, other),
        _ => false,
    }
}

/// Whether some end of `names` meets `rest`, which any number of names may stand before.
fn meet_any(rest: &[Name], names: &[Name]) -> bool {
    (0..=names.len()).any(|from| names.get(from..).is_some_and(|end| meet(rest, end)))
}

impl Name {
    fn meets(&self, other: &Self) -> bool {
        let text = |name: &Self| match name {
            Self::Literal(text) | Self::Pattern(text) => text.chars().collect(),
            Self::Any => vec!['*'],
        };
        match (self, other) {
            (Self::Literal(one), Self::Literal(other)) => one == other,
            _ => letters_meet(&text(self), &text(other)),
        }
    }
}

fn letters_meet(one: &[char], other: &[char]) -> bool {
    match (one, other) {
        ([], []) => true,
        (['*', rest @ ..], letters) | (letters, ['*', rest @ ..]) => {
            (0..=letters.len()).any(|from| letters.get(from..).is_some_and(|end| letters_meet(rest, end)))
        }
        ([one, ones @ ..], [other, others @ ..]) => {
            (one == other || *one == '?' || *other == '?') && letters_meet(ones, others)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(one: (&str, &str), other: (&str, &str)) -> bool {
        let names = |(dir, pattern): (&str, &str)| -> Vec<Vec<Name>> {
            unfolded(pattern).iter().map(|pattern| resolved(dir, pattern)).collect()
        };
        let (one, other) = (names(one), names(other));
        one.iter().any(|one| other.iter().any(|other| meet(one, other) && meet(other, one)))
    }

    #[test]
    fn patterns_meet_where_one_path_matches_both() {
        for (one, other) in [
            (("a", "gen/**"), ("a", "gen/x.rs")),
            (("a", "gen"), ("a", "gen/deep/er/x.rs")),
            (("a", "gen/"), ("a", "gen/x")),
            (("a", "*.rs"), ("", "a/l*.r?")),
            (("a/b", "x"), ("", "//a/**/x")),
            (("a", "**/x"), ("a/b", "*")),
            (("a", "**/y/**"), ("a", "x/**/z")),
            (("a", "{x,y}.rs"), ("a", "[yz].rs")),
            (("a", "{b/c,d}/e"), ("a/b", "c/e")),
            (("", "//gen.rs"), ("a", "//gen.rs")),
            (("a", "./gen.rs"), ("a", "gen.rs")),
            (("a", "[]a]x"), ("a", "]x")),
            (("a", "\\*x"), ("a", "*x")),
            (("a", "{a,{b,c}}x"), ("a", "cx")),
        ] {
            assert!(meets(one, other), "{one:?} {other:?}");
        }
        for (one, other) in [
            (("a", "gen/**"), ("b", "gen/**")),
            (("a", "*.rs"), ("a", "*.txt")),
            (("a", "gen/*.rs"), ("a", "gen/deep/*.rs")),
            (("a", "x/**/y"), ("a", "x/z")),
            (("a", "{x,y}.rs"), ("a", "z.rs")),
            (("a", "gen"), ("a", "generated")),
            (("a*", "x"), ("ab", "x")),
            (("a", "x?"), ("a", "x")),
        ] {
            assert!(!meets(one, other), "{one:?} {other:?}");
        }
    }
}
