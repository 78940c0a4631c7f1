//! The reports of a run's times: which of them are wanted, and where each is written.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;

use super::arguments::Arguments;
use super::run::write;
use crate::app::Lifecycle;
use crate::model::{Event, EventKind};
use crate::profiling::Sampler;
use crate::report::{Timeline, flamegraph, own_flamegraph, timings, trace};

/// The reports that are wanted of a run, and its times so far.
pub struct Times<'a> {
    timeline: Timeline,
    run: String,
    asked_at: SystemTime,
    page: bool,
    trace: Option<&'a Path>,
    profile: bool,
    /// Whether it is make.toml that wants the profile, of every run.
    always: bool,
    sampler: Option<Sampler>,
}

/// A report that was written: what it is called, and where it stands.
pub type Written = (&'static str, PathBuf);

/// A report that cannot be written.
pub struct Unwritten {
    pub error: anyhow::Error,
    /// Whether this call asked for it. What every run is to have is no reason for a run to fail.
    pub is_asked_for: bool,
}

impl<'a> Times<'a> {
    /// `None` if no such report is wanted: then nothing is collected. `sampler`: one that samples already.
    pub fn wanted(lifecycle: &Lifecycle, arguments: &'a Arguments, sampler: Option<Sampler>) -> Option<Self> {
        let (page, trace) = (arguments.timings, arguments.trace.as_deref());
        let always = !arguments.flamegraph && lifecycle.wants_profile();
        let profile = arguments.flamegraph || always;
        if !page && trace.is_none() && !profile {
            return None;
        }
        let sampler = sampler.or_else(|| profile.then(Sampler::start).flatten());
        let asked_at = SystemTime::now();
        Some(Self { timeline: Timeline::new(), run: String::new(), asked_at, page, trace, profile, always, sampler })
    }

    /// Takes note of the next event.
    pub fn take(&mut self, event: &Event) {
        if let EventKind::Begun { run, .. } = &event.kind {
            self.run = run.to_string();
        }
        self.timeline.take(event);
    }

    /// Writes the reports, each as far as it can be written. After a cleaning there are no profiles but those that were asked
    /// for with it: making our folder again would undo it.
    pub fn write(&self, lifecycle: &Lifecycle, cleaned: bool) -> Vec<Result<Written, Unwritten>> {
        let page = self.page.then(|| self.write_page(lifecycle).context("cannot write the timings"));
        let trace = self.trace.map(|path| {
            let written = write(path, trace(&self.timeline).as_bytes());
            written.with_context(|| format!("cannot write the trace to `{}`", path.display()))?;
            Ok(("Trace", path.to_owned()))
        });
        let is_profiled = self.profile && !(self.always && cleaned);
        let profile = is_profiled.then(|| {
            let written = lifecycle.write_report("profile.svg", &flamegraph(&self.timeline));
            written.map(|path| ("Profile", path)).context("cannot write the profile")
        });
        let own = self.sampler.as_ref().filter(|_| is_profiled).map(|sampler| {
            let stacks = sampler.stacks().map_err(anyhow::Error::msg);
            let written = stacks.and_then(|stacks| {
                Ok(lifecycle.write_report("profile-cpu.svg", &own_flamegraph(&self.timeline, &stacks))?)
            });
            written.map(|path| ("Profile", path)).context("cannot write the profile of the program's own time")
        });
        let told = |is_asked_for| move |error| Unwritten { error, is_asked_for };
        let asked = [page, trace].into_iter().flatten().map(|report| report.map_err(told(true)));
        let profiles = [profile, own].into_iter().flatten().map(|report| report.map_err(told(!self.always)));
        asked.chain(profiles).collect()
    }

    fn write_page(&self, lifecycle: &Lifecycle) -> anyhow::Result<Written> {
        let page = timings(&self.timeline, self.asked_at);
        Ok(("Timings", lifecycle.write_timings(&self.run, &page)?))
    }
}
