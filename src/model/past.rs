//! What earlier runs came to, and what steps usually take by them. Nothing is read here.

use std::collections::BTreeMap;
use std::time::Duration;

/// A run of the past in which something ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// When it started, in milliseconds since the Unix epoch.
    pub started_at: u64,
    /// How long it took.
    pub duration: Duration,
    /// The exit code.
    pub exit: i32,
    /// The phases that were asked for, in order.
    pub phases: Vec<String>,
    /// How many steps were fresh.
    pub cached: u64,
    /// How long the fresh steps took when they ran.
    pub saved: Duration,
    /// The steps that ran, and their parts, by name.
    pub steps: Vec<PastStep>,
    /// The names of the steps that were fresh; of very many the first ones.
    pub fresh: Vec<String>,
}

/// A step of the past that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastStep {
    /// Its name.
    pub name: String,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Whether it was ended, by a signal or because another failed.
    pub cancelled: bool,
    /// How long it took.
    pub duration: Duration,
    /// The peak of its memory in bytes, if that is known.
    pub peak: Option<u64>,
    /// What it called, by a digest; `None` of runs that did not note it.
    pub call: Option<String>,
}

impl PastStep {
    /// Whether it failed by itself.
    #[must_use]
    pub const fn failed(&self) -> bool {
        !self.succeeded && !self.cancelled
    }
}

/// How long something usually takes: the median of what it took, and the spread around it, as the median of the distances
/// from the median, times 1.4826, which for durations that are normally distributed is the standard deviation (Hampel 1974). A
/// few that are far off change neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The median.
    pub median: Duration,
    /// The spread.
    pub spread: Duration,
    /// Of how many runs.
    pub runs: usize,
}

/// How many runs it takes to know what is usual.
const FEWEST: usize = 5;

impl Usual {
    /// What is slower by less than this is nobody's concern.
    pub const LEAST: Duration = Duration::from_millis(200);

    /// By what it took so far; `None` if that is too little to tell.
    #[must_use]
    pub fn of(durations: &[Duration]) -> Option<Self> {
        let runs = durations.len();
        let median = median(durations.to_vec()).filter(|_| runs >= FEWEST)?;
        let distances = durations.iter().map(|duration| duration.abs_diff(median)).collect();
        let spread = self::median(distances)?.mul_f64(1.4826);
        Some(Self { median, spread, runs })
    }

    /// Whether something that took so long is much slower than usual: by more than five times the spread, more than half of
    /// the median and more than a fifth of a second.
    #[must_use]
    pub fn is_exceeded_by(&self, took: Duration) -> bool {
        took > self.median + (self.spread * 5).max(self.median / 2).max(Self::LEAST)
    }
}

fn median(mut durations: Vec<Duration>) -> Option<Duration> {
    durations.sort_unstable();
    let middle = durations.len() / 2;
    let upper = *durations.get(middle)?;
    if durations.len() % 2 == 1 { Some(upper) } else { Some((*durations.get(middle - 1)? + upper) / 2) }
}

/// What each step took when it ran and succeeded, oldest first; for each thing that it called by itself: with other options, or of
/// other members, it takes another time.
#[must_use]
pub fn durations_of(runs: &[PastRun]) -> BTreeMap<(&str, Option<&str>), Vec<Duration>> {
    let mut all: BTreeMap<_, Vec<Duration>> = BTreeMap::new();
    for step in runs.iter().flat_map(|run| &run.steps).filter(|step| step.succeeded) {
        all.entry((&*step.name, step.call.as_deref())).or_default().push(step.duration);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(all: &[u64]) -> Vec<Duration> {
        all.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn a_few_that_are_far_off_change_nothing() {
        assert_eq!(Usual::of(&millis(&[1, 2, 3, 4])), None);
        let usual = Usual::of(&millis(&[1000, 1010, 990, 1000, 60_000])).unwrap();
        assert_eq!((usual.median, usual.runs), (Duration::from_secs(1), 5));
        assert_eq!(usual.spread, Duration::from_millis(10).mul_f64(1.4826));
        let even = Usual::of(&millis(&[1, 3, 2, 4, 6, 5])).unwrap();
        assert_eq!(even.median, Duration::from_micros(3500));
    }

    #[test]
    fn slow_is_what_is_far_outside_of_the_spread() {
        let is_slow = |all: &[u64], took| Usual::of(&millis(all)).unwrap().is_exceeded_by(Duration::from_millis(took));
        // Steady ones: by half of what they take, or a fifth of a second.
        assert!(!is_slow(&[1000; 9], 1500) && is_slow(&[1000; 9], 1501));
        assert!(!is_slow(&[10; 9], 200) && is_slow(&[10; 9], 211));
        // Those that vary by as much are not.
        assert!(!is_slow(&[500, 1000, 1500, 500, 1000, 1500, 1000, 700, 1300], 2400));
    }
}
