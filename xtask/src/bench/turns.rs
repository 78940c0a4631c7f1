//! Contestants in turns: whatever the machine does meanwhile, it does to all of them.

use std::time::Duration;

/// One contestant: prepares a run, and answers how long the run alone took.
pub type Contestant<'a> = Box<dyn FnMut() -> anyhow::Result<Duration> + 'a>;

/// What was measured: for each contestant a time in each round.
pub struct Turns {
    times: Vec<Vec<Duration>>,
}

impl Turns {
    /// Lets all of them run once in each round, and another one first each time.
    pub fn measure(rounds: usize, mut contestants: Vec<Contestant<'_>>) -> anyhow::Result<Self> {
        let count = contestants.len();
        let mut times = vec![Vec::new(); count];
        for round in 0..rounds.max(1) {
            for turn in 0..count {
                let turn = (turn + round) % count;
                times[turn].push(contestants[turn]()?);
            }
        }
        Ok(Self { times })
    }

    /// The median of a contestant.
    pub fn median(&self, contestant: usize) -> Duration {
        Duration::from_secs_f64(median(self.times[contestant].iter().map(Duration::as_secs_f64).collect()))
    }

    /// The median over the rounds of one contestant's time in another one's.
    pub fn ratio(&self, contestant: usize, to: usize) -> f64 {
        let pairs = self.times[contestant].iter().zip(&self.times[to]);
        median(pairs.map(|(time, other)| time.as_secs_f64() / other.as_secs_f64().max(1e-9)).collect())
    }
}

/// The middle one; of an even number the mean of the two.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => numbers[middle],
        _ => f64::midpoint(numbers[middle - 1], numbers[middle]),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn everybody_begins_a_round_in_turn() {
        let order = RefCell::new(String::new());
        let contestant = |name: char, ms: u64| -> Contestant<'_> {
            let order = &order;
            Box::new(move || {
                order.borrow_mut().push(name);
                Ok(Duration::from_millis(ms))
            })
        };
        let turns = Turns::measure(3, vec![contestant('a', 30), contestant('b', 10)]).unwrap();
        assert_eq!(*order.borrow(), "abbaab");
        assert_eq!(turns.median(0), Duration::from_millis(30));
        assert!((turns.ratio(0, 1) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_ratio_is_the_middle_one_of_the_rounds() {
        let ms = |times: [u64; 4]| times.map(Duration::from_millis).to_vec();
        let turns = Turns { times: vec![ms([10, 20, 90, 40]), ms([10, 10, 10, 10])] };
        assert!((turns.ratio(0, 1) - 3.0).abs() < 1e-9);
        assert_eq!(turns.median(0), Duration::from_millis(30));
    }
}
