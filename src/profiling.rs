//! The program's own time on the cores, by samples of its call stacks; with the feature `profiling` alone. It does not know what
//! is made of them.

#[cfg(not(feature = "profiling"))]
pub use off::Sampler;
#[cfg(feature = "profiling")]
pub use on::Sampler;

#[cfg(all(feature = "profiling", any(target_os = "linux", target_os = "macos")))]
mod on {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;
    use pprof::{Frames, ProfilerGuard};

    use crate::model::Stack;

    /// How often a core's time is looked at, in a second of it; the system may do it less often.
    const FREQUENCY: i32 = 997;

    /// The time on a core within which the first sample must have come.
    const FIRST: Duration = Duration::from_secs(1);

    /// Turns of nothing between two looks: a sample during a look is lost.
    const SPIN: u32 = 1_000_000;

    /// What waits for it.
    const MAKING_READY: &str = "profiling::on::has_sampled";

    /// The last of the functions that come before the program, or a thread, does anything of its own.
    const BEGINNING: &str = "__rust_begin_short_backtrace";

    /// Samples for as long as it lives. There can be one at a time.
    pub struct Sampler {
        guard: Result<ProfilerGuard<'static>, String>,
        /// The time on the cores when it began.
        began: Duration,
    }

    impl Sampler {
        /// Begins.
        pub fn start() -> Option<Self> {
            let guard = ProfilerGuard::new(FREQUENCY).map_err(|error| error.to_string());
            let guard = guard.and_then(|guard| has_sampled(&guard).map(|()| guard));
            Some(Self { guard, began: on_cores() })
        }

        /// The stacks so far.
        ///
        /// # Errors
        /// The system does not let us look, in words.
        pub fn stacks(&self) -> Result<Vec<Stack>, String> {
            let guard = self.guard.as_ref().map_err(Clone::clone)?;
            let whole = on_cores().saturating_sub(self.began);
            let report = guard.report().build().map_err(|error| error.to_string())?;
            let mut counts: BTreeMap<Vec<Arc<str>>, u32> = BTreeMap::new();
            let ours = report.data.iter().map(|(frames, count)| (named(frames), count));
            for (frames, count) in ours.filter(|(frames, _)| !frames.iter().any(|name| name.ends_with(MAKING_READY))) {
                *counts.entry(frames).or_default() += u32::try_from(*count).unwrap_or(0);
            }
            // Each stands for as much: the system may have been asked more often than it looks.
            let each = whole.checked_div(counts.values().sum()).unwrap_or_default();
            Ok(counts.into_iter().map(|(frames, count)| Stack { frames, time: each * count }).collect())
        }
    }

    /// Waits for the first sample. It makes ready what the later ones use, and takes memory for it: in the middle of a piece of
    /// code that takes memory, too, it would wait for that for ever. Here nothing else goes on.
    #[inline(never)]
    fn has_sampled(guard: &ProfilerGuard<'_>) -> Result<(), String> {
        let end = on_cores() + FIRST;
        while guard.report().build_unresolved().map_err(|error| error.to_string())?.data.is_empty() {
            if on_cores() > end {
                return Err("the system gives no samples".to_owned());
            }
            (0..SPIN).for_each(|turn| _ = std::hint::black_box(turn));
        }
        Ok(())
    }

    /// The time on the cores of all threads so far.
    fn on_cores() -> Duration {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
        let micros = usage.map(|usage| (usage.user_time() + usage.system_time()).num_microseconds());
        Duration::from_micros(micros.and_then(|micros| u64::try_from(micros).ok()).unwrap_or(0))
    }

    /// The names from the thread on.
    fn named(frames: &Frames) -> Vec<Arc<str>> {
        let mut names: Vec<String> = frames.frames.iter().flatten().map(|symbol| symbol.name()).collect();
        if let Some(beginning) = names.iter().rposition(|name| name.contains(BEGINNING)) {
            names.truncate(beginning);
        }
        names.push(frames.thread_name_or_id());
        names.into_iter().rev().map(Arc::from).collect()
    }
}

/// Where no crate that we know samples.
#[cfg(all(feature = "profiling", not(any(target_os = "linux", target_os = "macos"))))]
mod on {
    use crate::model::Stack;

    /// Samples nothing.
    pub struct Sampler;

    impl Sampler {
        /// Begins nothing.
        pub fn start() -> Option<Self> {
            Some(Self)
        }

        /// None.
        ///
        /// # Errors
        /// Always.
        pub fn stacks(&self) -> Result<Vec<Stack>, String> {
            Err("this works on Linux and macOS alone".to_owned())
        }
    }
}

#[cfg(not(feature = "profiling"))]
mod off {
    use crate::model::Stack;

    /// There is none.
    pub enum Sampler {}

    impl Sampler {
        /// None.
        pub fn start() -> Option<Self> {
            None
        }

        /// Never called.
        pub fn stacks(&self) -> Result<Vec<Stack>, String> {
            match *self {}
        }
    }
}
