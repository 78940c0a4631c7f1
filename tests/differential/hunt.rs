//! The hunt for wrong verdicts: edits, then a run, then the comparison of what it said with the oracle, and so on. It
//! knows no edit and no phase by itself.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::ask::Ask;
use crate::chance::Chance;
use crate::choices::{BREAKING, HARMLESS};
use crate::edits::Edit;
use crate::oracle::{Copy, Oracle, Truth, declared, made};
use crate::seen::{How, Seen, Step, command, diagnostics, foreseen};
use crate::world::World;

/// What was done, in figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub edits: usize,
    pub runs: usize,
    pub fresh: usize,
    pub ran: usize,
    pub failed: usize,
    /// Steps that cargo had a wrong idea of, and we said that they are not kept.
    pub fooled: usize,
    /// States that plain cargo was asked about.
    pub asked: usize,
}

/// A verdict that is wrong.
pub struct Mismatch {
    seed: u64,
    what: String,
    log: Vec<String>,
    folder: PathBuf,
    tally: Tally,
}

/// One world, and what happened in it.
struct Hunt {
    world: World,
    oracle: Oracle,
    chance: Chance,
    log: Vec<String>,
    tally: Tally,
    /// Edits that cargo has not seen, as far as we know.
    unseen: Vec<Edit>,
    /// Runs in a row that failed.
    failures: usize,
}

/// Edits a new world of this seed so many times.
pub fn hunt(seed: u64, edits: usize) -> Result<Tally, Box<Mismatch>> {
    let mut hunt = Hunt {
        world: World::new(),
        oracle: Oracle::default(),
        chance: Chance::new(seed),
        log: Vec::new(),
        tally: Tally::default(),
        unseen: Vec::new(),
        failures: 0,
    };
    while hunt.tally.edits < edits {
        let ended = hunt.round();
        hunt.tally.asked = hunt.oracle.asked;
        if let Err(what) = ended {
            let Hunt { world, log, tally, .. } = hunt;
            return Err(Box::new(Mismatch { seed, what, log, folder: world.keep(), tally }));
        }
    }
    Ok(hunt.tally)
}

impl Hunt {
    /// A few edits, perhaps something else that happens in a workspace, and a run that is compared.
    fn round(&mut self) -> Result<(), String> {
        for _ in 0..1 + self.chance.below(3) {
            self.edit();
        }
        match self.chance.below(25) {
            0 => self.plain_cargo(),
            1 => self.killed(),
            2 => self.edited_meanwhile(),
            3 => self.together(),
            _ => {}
        }
        let ask = Ask::random(&mut self.chance);
        let seen = self.judged(&ask)?;
        if self.chance.one_in(3) {
            let again = self.judged(&ask)?;
            self.compare_again(&seen, &again)?;
        }
        Ok(())
    }

    fn edit(&mut self) {
        loop {
            let edit = self.choose();
            let Some(done) = edit.apply(&mut self.world, &mut self.chance) else { continue };
            self.tally.edits += 1;
            self.log.push(format!("{:>4}. {done}", self.tally.edits));
            if edit.remedy().is_some() {
                self.unseen.push(edit);
            }
            return;
        }
    }

    /// What fails is mended soon, and what cargo cannot see is shown to it: else nothing would be fresh any more.
    fn choose(&mut self) -> Edit {
        if self.failures > 4 {
            self.failures = 0;
            return Edit::Reset;
        }
        let broken = BREAKING.iter().map(|(_, edit)| *edit).find(|edit| edit.is_done(&self.world));
        match broken {
            Some(edit) if !self.chance.one_in(3) => return edit,
            _ => {}
        }
        if !self.unseen.is_empty() && self.chance.one_in(2) {
            return self.unseen.remove(0).remedy().unwrap_or(Edit::Commit);
        }
        let all = if self.chance.one_in(16) { BREAKING } else { HARMLESS };
        *self.chance.weighed(all)
    }

    /// Runs it, and compares each step with what it comes to from nothing.
    fn judged(&mut self, ask: &Ask) -> Result<Seen, String> {
        let copy = Copy::of(&self.world);
        let foreseen = foreseen(&self.world, ask);
        let seen = Seen::run(&self.world, ask);
        self.tally.runs += 1;
        self.failures = if seen.code == Some(0) { 0 } else { self.failures + 1 };
        self.log.push(format!("      > {ask}"));
        self.log.extend(seen.steps.iter().map(|step| format!("          {}", step.line)));
        let wrong = self.compare(ask, &copy, &seen) + &compare_foreseen(&foreseen, &seen);
        if wrong.is_empty() { Ok(seen) } else { Err(format!("{wrong}\n--- it said\n{}", seen.all)) }
    }

    fn compare(&mut self, ask: &Ask, copy: &Copy, seen: &Seen) -> String {
        let mut names: Vec<_> = seen.steps.iter().map(|step| (step.phase.clone(), step.member.clone())).collect();
        for name in &mut names {
            // A group of one is named by its member; for the oracle it is a call of cargo.
            if ask.cargo_words(&name.0).is_some() {
                name.1 = None;
            }
        }
        if seen.code == Some(4) {
            names = ask.phases.iter().map(|phase| ((*phase).to_owned(), None)).collect();
            names.retain(|(phase, _)| ask.cargo_words(phase).is_some());
        }
        let truths = self.oracle.truths(ask, copy, &names);
        let mut wrong = String::new();
        match seen.code {
            Some(0 | 1) => {}
            Some(4) if truths.values().all(|truth| !truth.succeeds) => {}
            code => _ = writeln!(wrong, "it ended with {code:?}"),
        }
        for (step, name) in seen.steps.iter().zip(&names) {
            let Some(truth) = truths.get(name) else { continue };
            let differences = self.differences(ask, step, truth);
            match step.how {
                How::Fresh => self.tally.fresh += 1,
                How::Ran => self.tally.ran += 1,
                How::Failed => self.tally.failed += 1,
                How::Passed => continue,
            }
            let is_said = match step.how {
                How::Fresh | How::Passed => false,
                How::Ran => seen.is_unkept(step),
                // It is not kept whatever it was.
                How::Failed => !self.unseen.is_empty(),
            };
            if !differences.is_empty() && is_said {
                self.tally.fooled += 1;
            } else if !differences.is_empty() {
                let _ = writeln!(wrong, "{}\n{differences}", step.line);
            }
        }
        wrong
    }

    /// How a step differs from what it comes to from nothing.
    fn differences(&self, ask: &Ask, step: &Step, truth: &Truth) -> String {
        let mut differences = String::new();
        if truth.succeeds != (step.how != How::Failed) {
            let _ = writeln!(differences, "  from nothing it {}", if truth.succeeds { "succeeds" } else { "fails" });
        }
        if step.how == How::Failed || !truth.succeeds {
            return differences;
        }
        let root = self.world.root();
        let ours = if ask.cargo_words(&step.phase).is_some() {
            let folder = self.world.at("");
            let found = diagnostics(&step.text, folder.to_string_lossy().trim_end_matches('/'));
            // What `cargo fmt` says when it succeeds is shown on demand.
            let is_shown = ask.verbose || step.phase != "fmt";
            for one in found.symmetric_difference(&truth.diagnostics).filter(|_| is_shown) {
                let _ = writeln!(differences, "  {}: {one}", if found.contains(one) { "told" } else { "not told" });
            }
            made(&root.join("target"), &step.phase, ask.release)
        } else {
            let printed: Vec<&str> = step.text.lines().collect();
            let is_lost = step.how == How::Fresh && printed == ["(what it printed is no longer stored)"];
            if ask.verbose && !is_lost && printed != truth.printed {
                let _ = writeln!(differences, "  printed {printed:?}\n  and not {:?}", truth.printed);
            }
            declared(&root, &step.phase, step.member.as_deref())
        };
        for (name, text) in &truth.made {
            match ours.get(name) {
                Some(our) if our == text => {}
                our => _ = writeln!(differences, "  {name}: {our:?}\n  and not {text:?}"),
            }
        }
        differences
    }

    /// After the same call again, everything is fresh but what was said not to be kept.
    fn compare_again(&mut self, first: &Seen, again: &Seen) -> Result<(), String> {
        if first.is_anything_unkept() {
            return Ok(());
        }
        let before: BTreeMap<_, _> = first.steps.iter().map(|step| ((&step.phase, &step.member), step.how)).collect();
        let succeeded = |step: &Step| matches!(before.get(&(&step.phase, &step.member)), Some(How::Fresh | How::Ran));
        let missed =
            again.steps.iter().find(|step| step.how != How::Fresh && step.how != How::Passed && succeeded(step));
        missed.map_or(Ok(()), |step| {
            Err(format!(
                "a miss without a reason: {}\n--- it said first\n{}\n--- and then\n{}",
                step.line, first.all, again.all
            ))
        })
    }

    fn plain_cargo(&mut self) {
        let ask = Ask::random(&mut self.chance);
        for words in ask.phases.iter().filter_map(|phase| ask.cargo_words(phase)) {
            self.log.push(format!("      $ cargo {}", words.join(" ")));
            self.world.command("cargo").args(words).output().unwrap();
        }
    }

    /// A run that is killed at some moment, and leaves its children behind.
    fn killed(&mut self) {
        let ask = Ask::random(&mut self.chance);
        let after = Duration::from_millis(self.chance.below(900) as u64);
        self.log.push(format!("      > {ask}, killed after {after:?}"));
        let mut child = command(&self.world, &ask).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(after);
        let _ = child.kill();
        child.wait().unwrap();
        while self.world.is_busy() {
            sleep(Duration::from_millis(10));
        }
    }

    fn edited_meanwhile(&mut self) {
        let ask = Ask::random(&mut self.chance);
        let after = Duration::from_millis(self.chance.below(600) as u64);
        self.log.push(format!("      > {ask}, and after {after:?}"));
        let mut child = command(&self.world, &ask).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(after);
        self.edit();
        child.wait().unwrap();
    }

    fn together(&mut self) {
        let asks = [Ask::random(&mut self.chance), Ask::random(&mut self.chance)];
        self.log.push(format!("      > {}, and at once {}", asks[0], asks[1]));
        let start = |ask| command(&self.world, ask).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let children = asks.each_ref().map(start);
        for mut child in children {
            child.wait().unwrap();
        }
    }
}

/// The steps of which a dry run just before told something else, up to the first that ran: that one may change files.
fn compare_foreseen(foreseen: &BTreeMap<(String, Option<String>), String>, seen: &Seen) -> String {
    let first = seen.steps.iter().position(|step| step.how != How::Fresh);
    let until = seen.steps.iter().take(first.map_or(seen.steps.len(), |first| first + 1));
    let wrong = until.filter(|step| step.how != How::Passed).filter_map(|step| {
        let told = foreseen.get(&(step.phase.clone(), step.member.clone()))?;
        let is_so = told.starts_with("fresh") == (step.how == How::Fresh);
        (!is_so).then(|| format!("{}\n  and a dry run said: {told}\n", step.line))
    });
    wrong.collect()
}

impl Tally {
    /// With those of another world.
    pub fn add(&mut self, other: Self) {
        self.edits += other.edits;
        self.runs += other.runs;
        self.fresh += other.fresh;
        self.ran += other.ran;
        self.failed += other.failed;
        self.fooled += other.fooled;
        self.asked += other.asked;
    }

    /// Whether enough was fresh for the absence of mismatches to mean something.
    pub fn is_telling(&self) -> bool {
        self.fresh * 5 > self.fresh + self.ran + self.failed
    }
}

impl Mismatch {
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { edits, runs, fresh, ran, failed, fooled, asked } = self;
        write!(
            formatter,
            "{edits} edits, {runs} runs, {fresh} steps fresh, {ran} ran, {failed} failed, {fooled} not kept where cargo \
             was wrong; {asked} compared with new ones"
        )
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, what, log, folder, tally } = self;
        let folder = folder.display();
        write!(formatter, "seed {seed}, edit {}, kept in {folder}\n{}\n\n{what}", tally.edits, log.join("\n"))
    }
}
