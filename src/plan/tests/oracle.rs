//! The specification by brute force, on small workspaces, and the planner beside it.

use proptest::prelude::*;

use super::*;

/// A workspace's phases for the oracle: small numbers instead of names.
#[derive(Clone, Debug)]
struct Small {
    /// For each member, those of higher number that it depends on.
    dependencies: Vec<Vec<usize>>,
    phases: Vec<SmallPhase>,
    before_all: Vec<usize>,
    after_all: Vec<usize>,
    named: Vec<usize>,
    selected: Vec<usize>,
}

#[derive(Clone, Debug)]
struct SmallPhase {
    /// 0: a step for each member; 1: a group; 2: the workspace.
    sort: u8,
    needs: Vec<(usize, bool)>,
    before: Vec<usize>,
    after: Vec<usize>,
    /// Which members have it.
    members: Vec<bool>,
}

const PHASES: usize = 4;
const MEMBERS: usize = 3;

fn small() -> impl Strategy<Value = Small> {
    let some = |chance: f64| proptest::collection::vec(proptest::bool::weighted(chance), PHASES);
    let picked = |chosen: Vec<bool>| (0..PHASES).filter(|place| chosen[*place]).collect::<Vec<_>>();
    let phase = (
        0..3_u8,
        some(0.15),
        some(0.15),
        some(0.15),
        some(0.1),
        proptest::collection::vec(proptest::bool::weighted(0.8), MEMBERS),
    );
    let phase = phase.prop_map(move |(sort, needs, upstream, before, after, members)| SmallPhase {
        sort,
        needs: picked(needs)
            .into_iter()
            .map(|phase| (phase, false))
            .chain(picked(upstream).into_iter().map(|phase| (phase, true)))
            .collect(),
        before: picked(before),
        after: picked(after),
        members,
    });
    let dependencies = proptest::collection::vec(proptest::bool::weighted(0.5), MEMBERS * MEMBERS);
    let named = proptest::sample::subsequence((0..PHASES).collect::<Vec<_>>(), 1..=3).prop_shuffle();
    let selected = proptest::sample::subsequence((0..MEMBERS).collect::<Vec<_>>(), 1..=MEMBERS);
    (proptest::collection::vec(phase, PHASES), dependencies, some(0.08), some(0.08), named, selected).prop_map(
        move |(mut phases, dependencies, before_all, after_all, named, selected)| {
            for (number, phase) in phases.iter_mut().enumerate() {
                phase.needs.retain(|(need, upstream)| *upstream && phase.sort < 2 || !*upstream && *need != number);
                phase.before.retain(|hook| *hook != number);
                phase.after.retain(|hook| *hook != number);
                if phase.members.iter().all(|has| !has) {
                    phase.members[0] = true;
                }
            }
            let depends =
                |member: usize| (member + 1..MEMBERS).filter(|on| dependencies[member * MEMBERS + on]).collect();
            Small {
                dependencies: (0..MEMBERS).map(depends).collect(),
                phases,
                before_all: picked(before_all),
                after_all: picked(after_all),
                named,
                selected,
            }
        },
    )
}

impl Small {
    fn toml(&self) -> String {
        let list = |phases: &[usize]| phases.iter().map(|phase| format!("\"p{phase}\"")).collect::<Vec<_>>().join(", ");
        let mut text = String::new();
        for (number, phase) in self.phases.iter().enumerate() {
            let needs =
                phase.needs.iter().map(|(need, upstream)| format!("\"{}p{need}\"", if *upstream { "^" } else { "" }));
            let members = (0..MEMBERS).filter(|member| phase.members[*member]).map(|member| format!("\"m{member}\""));
            text += &format!(
                "[lifecycle.p{number}]\ncommand = \"x{}\"\n",
                if phase.sort == 1 { " {selected}" } else { "" }
            );
            text += &format!("needs = [{}]\n", needs.collect::<Vec<_>>().join(", "));
            text += &if phase.sort == 2 {
                "scope = \"workspace\"\n".into()
            } else {
                format!("workspaces = [{}]\n", members.collect::<Vec<_>>().join(", "))
            };
        }
        text +=
            &format!("[hooks]\nbefore_all = [{}]\nafter_all = [{}]\n", list(&self.before_all), list(&self.after_all));
        for (number, phase) in self.phases.iter().enumerate() {
            text +=
                &format!("before_p{number} = [{}]\nafter_p{number} = [{}]\n", list(&phase.before), list(&phase.after));
        }
        text
    }
}

/// A step of the oracle: a phase, and its member unless it is shared.
type OracleStep = (usize, Option<usize>);

/// The specification, by brute force: sets of (phase, member), every pair of them compared, reachability recomputed for
/// each edge. `None`: a cycle.
fn oracle(small: &Small) -> Option<BTreeMap<OracleStep, BTreeSet<OracleStep>>> {
    const ROOT: usize = MEMBERS;
    let given = |phase: usize, member: usize| -> Vec<(usize, usize)> {
        match (small.phases[phase].sort, member) {
            (2, _) => vec![(phase, ROOT)],
            (_, ROOT) => small
                .selected
                .iter()
                .filter(|member| small.phases[phase].members[**member])
                .map(|member| (phase, *member))
                .collect(),
            _ => Some((phase, member)).filter(|_| small.phases[phase].members[member]).into_iter().collect(),
        }
    };
    fn beyond(small: &Small, phase: usize, member: usize, found: &mut BTreeSet<(usize, usize)>) {
        for on in &small.dependencies[member] {
            if small.phases[phase].members[*on] {
                _ = found.insert((phase, *on));
            } else {
                beyond(small, phase, *on, found);
            }
        }
    }
    let hard = |(phase, member): (usize, usize)| -> Vec<((usize, usize), (usize, usize))> {
        let own = &small.phases[phase];
        let mut edges = Vec::new();
        for (need, upstream) in &own.needs {
            let mut needed: BTreeSet<_> = if *upstream && small.phases[*need].sort < 2 {
                BTreeSet::new()
            } else {
                given(*need, member).into_iter().collect()
            };
            if *upstream && small.phases[*need].sort < 2 {
                beyond(small, *need, member, &mut needed);
            }
            edges.extend(needed.into_iter().map(|needed| (needed, (phase, member))));
        }
        edges.extend(own.before.iter().flat_map(|hook| given(*hook, member)).map(|hook| (hook, (phase, member))));
        edges.extend(own.after.iter().flat_map(|hook| given(*hook, member)).map(|hook| ((phase, member), hook)));
        edges
    };
    let mut items: BTreeSet<(usize, usize)> = small
        .named
        .iter()
        .chain(&small.before_all)
        .chain(&small.after_all)
        .flat_map(|phase| given(*phase, ROOT))
        .collect();
    while let Some(new) =
        items.iter().flat_map(|item| hard(*item)).flat_map(|(from, to)| [from, to]).find(|item| !items.contains(item))
    {
        items.insert(new);
    }
    let step = |(phase, member): (usize, usize)| (phase, Some(member).filter(|_| small.phases[phase].sort == 0));
    let mut waits: BTreeMap<OracleStep, BTreeSet<OracleStep>> =
        items.iter().map(|item| (step(*item), BTreeSet::new())).collect();
    for (from, to) in items.iter().flat_map(|item| hard(*item)) {
        if step(from) != step(to) {
            waits.get_mut(&step(to))?.insert(step(from));
        }
    }
    fn waits_for(
        waits: &BTreeMap<OracleStep, BTreeSet<OracleStep>>,
        one: OracleStep,
        other: OracleStep,
        seen: &mut BTreeSet<OracleStep>,
    ) -> bool {
        one == other || seen.insert(one) && waits[&one].iter().any(|next| waits_for(waits, *next, other, seen))
    }
    let by_needs = waits.clone();
    let follows = |one, other| waits_for(&by_needs, one, other, &mut BTreeSet::new());
    let steps_of = |list: &[usize]| -> BTreeSet<OracleStep> {
        list.iter().flat_map(|phase| given(*phase, ROOT)).map(step).collect()
    };
    let (first, last) = (steps_of(&small.before_all), steps_of(&small.after_all));
    let all: Vec<OracleStep> = waits.keys().copied().collect();
    for &other in &all {
        for &one in first.iter().filter(|_| !last.contains(&other) && !first.iter().any(|first| follows(*first, other)))
        {
            let joint = small.phases[one.0].sort > 0
                || items.iter().any(|item| step(*item) == other && (Some(item.1) == one.1 || item.1 == ROOT));
            if joint {
                waits.get_mut(&other)?.insert(one);
            }
        }
        if !last.iter().any(|last| follows(other, *last)) {
            for one in &last {
                waits.get_mut(one)?.insert(other);
            }
        }
    }
    let cyclic = |waits: &BTreeMap<_, BTreeSet<_>>| {
        all.iter().any(|step| waits[step].iter().any(|next| waits_for(waits, *next, *step, &mut BTreeSet::new())))
    };
    if cyclic(&waits) {
        return None;
    }
    let mut wish = |one: OracleStep, other: OracleStep| {
        if waits.contains_key(&one)
            && waits.contains_key(&other)
            && !waits_for(&waits, one, other, &mut BTreeSet::new())
        {
            waits.entry(other).or_default().insert(one);
        }
    };
    let closure = |phase: usize, next: &dyn Fn(usize) -> Vec<usize>| {
        let mut found = vec![phase];
        let mut at = 0;
        while at < found.len() {
            let more: Vec<usize> = next(found[at]);
            more.into_iter().for_each(|phase| {
                if !found.contains(&phase) {
                    found.push(phase);
                }
            });
            at += 1;
        }
        found
    };
    let followers = |phase: usize| small.phases[phase].after.clone();
    let leaders = |phase: usize| -> Vec<usize> {
        let own = &small.phases[phase];
        own.before.iter().copied().chain(own.needs.iter().filter(|need| !need.1).map(|need| need.0)).collect()
    };
    for &(phase, member) in &items {
        for hook in &small.phases[phase].before {
            for follower in closure(*hook, &followers).into_iter().skip(1) {
                for item in given(follower, member) {
                    if items.contains(&item) && step(item) != step((phase, member)) {
                        wish(step(item), step((phase, member)));
                    }
                }
            }
        }
    }
    for (place, &later) in small.named.iter().enumerate() {
        for &earlier in &small.named[..place] {
            for one in closure(earlier, &followers) {
                for other in closure(later, &leaders) {
                    for from in given(one, ROOT) {
                        for to in given(other, ROOT) {
                            let joins = from.1 == to.1 || from.1 == ROOT || to.1 == ROOT;
                            let there = items.contains(&from) && items.contains(&to);
                            if there && joins && step(from) != step(to) {
                                wish(step(from), step(to));
                            }
                        }
                    }
                }
            }
        }
    }
    Some(waits)
}

/// Everything that each step waits for, directly or not.
fn closed(waits: &BTreeMap<OracleStep, BTreeSet<OracleStep>>) -> BTreeMap<OracleStep, BTreeSet<OracleStep>> {
    fn add(waits: &BTreeMap<OracleStep, BTreeSet<OracleStep>>, step: OracleStep, found: &mut BTreeSet<OracleStep>) {
        for next in &waits[&step] {
            if found.insert(*next) {
                add(waits, *next, found);
            }
        }
    }
    let mut all = BTreeMap::new();
    for step in waits.keys() {
        let mut found = BTreeSet::new();
        add(waits, *step, &mut found);
        all.insert(*step, found);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_plan_is_what_the_oracle_says(small in small()) {
        let names: Vec<String> = (0..MEMBERS).map(|member| format!("m{member}")).collect();
        let dependencies: Vec<Vec<&str>> =
            small.dependencies.iter().map(|on| on.iter().map(|member| &*names[*member]).collect()).collect();
        let members: Vec<(&str, &[&str])> = names.iter().zip(&dependencies).map(|(name, on)| (&**name, &on[..])).collect();
        let workspace = workspace(&members);
        let project = project(&workspace, &small.toml());
        let phases: Vec<String> = small.named.iter().map(|phase| format!("p{phase}")).collect();
        let selected: Vec<&str> = small.selected.iter().map(|member| &*names[*member]).collect();
        let request = request(&workspace, &project, &phases.join(" "), &selected);
        let planned = plan(&workspace, &project, &request);
        let Some(expected) = oracle(&small) else {
            let cycle = planned.expect_err("the oracle finds a cycle");
            let rotated = cycle.edges.iter().cycle().skip(1);
            prop_assert!(!cycle.edges.is_empty());
            prop_assert!(cycle.edges.iter().zip(rotated).all(|(one, next)| one.to == next.from), "{cycle:?}");
            return Ok(());
        };
        let planned = planned.expect("the oracle finds no cycle");
        let first_custom = project.named("p0").unwrap().index();
        let step = |node: Node| planned.steps.get(node.index()).map(|step| {
            let member = match step.subject { Subject::Member(member) => Some(member.index()), _ => None };
            (step.phase.index() - first_custom, member)
        });
        let mut waits: BTreeMap<OracleStep, BTreeSet<OracleStep>> = BTreeMap::new();
        for node in 0..planned.steps.len() as u32 {
            waits.insert(step(Node(node)).unwrap(), BTreeSet::new());
        }
        prop_assert_eq!(waits.len(), planned.steps.len(), "each step stands in the plan once");
        for edge in &planned.edges {
            prop_assert!(edge.from.index() < edge.to.index() || planned.barriers > 0, "steps are in an order that works");
            match (step(edge.from), step(edge.to)) {
                (Some(from), Some(to)) => _ = waits.get_mut(&to).unwrap().insert(from),
                (None, Some(to)) => {
                    let through = planned.edges.iter().filter(|into| into.to == edge.from);
                    waits.get_mut(&to).unwrap().extend(through.filter_map(|into| step(into.from)));
                }
                (_, None) => {}
            }
        }
        prop_assert_eq!(closed(&waits), closed(&expected));
    }

    #[test]
    fn planning_twice_gives_the_same(small in small()) {
        let workspace = workspace(&[("m0", &["m1", "m2"]), ("m1", &["m2"]), ("m2", &[])]);
        let project = project(&workspace, &small.toml());
        let phases: Vec<String> = small.named.iter().map(|phase| format!("p{phase}")).collect();
        let request = request(&workspace, &project, &phases.join(" "), &[]);
        let planned = || plan(&workspace, &project, &request).map(|plan| format!("{plan:?}"));
        prop_assert_eq!(planned(), planned());
    }
}
