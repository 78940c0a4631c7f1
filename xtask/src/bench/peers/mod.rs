//! The same workspace for every other runner that is found, each in a copy of its own, all run in turns. What each wants
//! to be told of the workspace is not known here.

mod honest;
mod job;
mod node;
mod plain;
mod tasks;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::Measuring;
use super::command::{on_path, timed};
use super::floor::{Ground, Ours, threads};
use super::peak::{Peak, peak};
use super::table::{Table, time};
use super::turns::{Contestant, Turns};
use crate::generate::Shape;
use honest::{Edit, seen};
use job::{Job, Peer};

/// How often a cold run is measured at most; it takes long.
const COLD_ROUNDS: usize = 3;
/// How many edits are made, and how many that keep the file's size and time.
const EDITS: usize = 100;
const HIDDEN_EDITS: usize = 20;
/// How many letters are told of why a runner does not run.
const WHY: usize = 500;
/// After how many seconds a slow runner need not be asked any further.
const PATIENCE_S: u64 = 60;

/// Those that are known.
fn known() -> impl Iterator<Item = Peer> {
    [
        plain::NINJA,
        plain::MAKE,
        plain::JUST,
        plain::CARGO_MAKE,
        node::TURBO,
        node::NX,
        tasks::MOON,
        tasks::GO_TASK,
        tasks::MISE,
    ]
    .into_iter()
}

/// A contestant, ready to run; or why it cannot.
struct Ready {
    peer: Peer,
    job: Job,
    broken: Option<String>,
    seen: [String; 2],
}

/// The tables.
pub fn tables(measuring: &Measuring) -> anyhow::Result<Vec<Table>> {
    let folder = tempfile::tempdir()?;
    let ground = ground(measuring, folder.path().join("lifecycle"))?;
    let ours = Ours { program: &measuring.program, ground: &ground };
    ours.settle()?;
    eprintln!("proving: cargo lifecycle sees edits");
    let edits = seen(&ground, EDITS, Edit::InPlace, Duration::MAX, &|| ours.no_op())?;
    let hidden = seen(&ground, HIDDEN_EDITS, Edit::Hidden, Duration::MAX, &|| ours.no_op())?;
    anyhow::ensure!(edits.all(), "a run that does not see every edit is not worth its time: {edits}");
    let mut peers = Vec::new();
    for peer in known() {
        match peer.programs.iter().find_map(|name| on_path(name)) {
            Some(program) => peers.push(ready(measuring, folder.path().join(peer.name), peer, program)?),
            None => eprintln!("not found on PATH: {}", peer.name),
        }
    }
    let (warm, places) = in_turns(measuring.rounds, &ours, &peers, false)?;
    let (cold, _) = in_turns(measuring.rounds.min(COLD_ROUNDS), &ours, &peers, true)?;
    let title = format!(
        "Peers: {} members x {} files, {} jobs, medians of {} rounds (cold: {})",
        measuring.members,
        measuring.files,
        threads(),
        measuring.rounds,
        measuring.rounds.min(COLD_ROUNDS)
    );
    let heads = [
        "runner",
        "no-op",
        "of ours",
        "cold",
        "of ours",
        "peak memory",
        "edits seen",
        "size and time kept",
        "looks at",
    ];
    let mut table = Table::new(title, &heads);
    ours.settle()?;
    let row = |name: String, place: usize, memory: Peak, [edits, hidden]: [String; 2], looks_at: &str| {
        [
            name,
            time(warm.median(place)),
            format!("{:.2}", warm.ratio(place, 0)),
            time(cold.median(place)),
            format!("{:.2}", cold.ratio(place, 0)),
            memory.to_string(),
            edits,
            hidden,
            looks_at.to_owned(),
        ]
    };
    let memory = peak(&ours.command(&[]))?;
    table.row(row("cargo lifecycle".to_owned(), 0, memory, [edits.to_string(), hidden.to_string()], "contents"));
    for (ready, place) in peers.iter().filter(|ready| ready.broken.is_none()).zip(places) {
        let memory = peak(&ready.peer.command(&ready.job))?;
        table.row(row(ready.peer.name.to_owned(), place, memory, ready.seen.clone(), ready.peer.looks_at));
    }
    table.note(format!("Each member runs `{}`, after those that it depends on.", crate::generate::COMMAND));
    table.note(
        "An edit, in place and of the same length, is seen if the next run runs the edited member's command; the time of \
         an edit that follows a run at once may be that of the run. Size and time kept: the file's time is set back.",
    );
    let noted = peers.iter().filter(|ready| !ready.peer.note.is_empty());
    noted.for_each(|ready| table.note(format!("{}: {}", ready.peer.name, ready.peer.note)));
    for ready in &peers {
        ready.broken.iter().for_each(|why| table.note(format!("{} is left out: {why}", ready.peer.name)));
    }
    Ok(vec![table])
}

fn ground(measuring: &Measuring, dir: PathBuf) -> anyhow::Result<Ground> {
    Ground::new(&Shape::new(measuring.members, measuring.files, dir)?)
}

/// Writes a copy for the peer, runs it until there is nothing more to do, and looks what it sees.
fn ready(measuring: &Measuring, dir: PathBuf, peer: Peer, program: PathBuf) -> anyhow::Result<Ready> {
    eprintln!("proving: {} ({})", peer.name, program.display());
    let shape = Shape::new(measuring.members, measuring.files, dir)?;
    let ground = Ground::new(&shape)?;
    let job = Job::new(&shape, ground, program);
    let mut ready = Ready { peer, job, broken: None, seen: Default::default() };
    let proven = ready.prove();
    if let Err(error) = proven {
        let error = format!("{error:#}");
        // The end tells most.
        let end = error.char_indices().rev().nth(WHY).map_or(0, |(place, _)| place);
        ready.broken = Some(error[end..].replace('\n', " "));
    }
    Ok(ready)
}

impl Ready {
    fn prove(&mut self) -> anyhow::Result<()> {
        let Self { peer, job, .. } = self;
        peer.lay(job)?;
        (0..2).try_for_each(|_| peer.run(job).map(drop))?;
        let all = job.ground.members.iter().all(|member| member.join("out/stamp").exists());
        anyhow::ensure!(all, "it does not run every member's command");
        let patience = Duration::from_secs(PATIENCE_S);
        let edits = seen(&job.ground, EDITS, Edit::InPlace, patience, &|| peer.run(job))?;
        let hidden = seen(&job.ground, HIDDEN_EDITS, Edit::Hidden, patience, &|| peer.run(job))?;
        self.seen = [edits.to_string(), hidden.to_string()];
        Ok(())
    }
}

/// Ours and every peer that works, in turns; with the places of the peers in what was measured.
fn in_turns(
    rounds: usize,
    ours: &Ours<'_>,
    peers: &[Ready],
    cold: bool,
) -> anyhow::Result<(Turns, std::ops::RangeFrom<usize>)> {
    eprintln!("measuring: {} runs in turns", if cold { "cold" } else { "no-op" });
    let own: Contestant<'_> = if cold { Box::new(|| ours.cold()) } else { Box::new(|| ours.no_op()) };
    let working = peers.iter().filter(|ready| ready.broken.is_none());
    let others = working.clone().map(|ready| {
        let contestant: Contestant<'_> = Box::new(move || {
            if cold {
                ready.peer.forget(&ready.job)?;
            }
            ready.peer.run(&ready.job).with_context(|| ready.peer.name)
        });
        contestant
    });
    // Nothing is to do any more for any of them.
    if !cold {
        ours.settle()?;
        working.clone().try_for_each(|ready| timed(&mut ready.peer.command(&ready.job)).map(drop))?;
    }
    Ok((Turns::measure(rounds, std::iter::once(own).chain(others).collect())?, 1..))
}
