//! Lengths of time as people write them: `90s`, `10m`, `30d`. What is measured by them is not known here.

use std::time::Duration;

/// Units of time, in seconds, from the smallest.
const UNITS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60), ("w", 7 * 24 * 60 * 60)];

/// What is to be said of a text that is no length of time.
pub const LENGTH_HELP: &str = "a whole number and a unit: s, m, h, d (days) or w (weeks)";

/// The length that a text gives, if it gives one.
#[must_use]
pub fn length(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*seconds).map(Duration::from_secs)
}

/// The length as one would write it: in the largest unit but weeks that it is a whole number of.
#[must_use]
pub fn shown_length(length: Duration) -> String {
    let seconds = length.as_secs();
    let whole = UNITS[..4].iter().rev().find(|(_, unit)| seconds > 0 && seconds.is_multiple_of(*unit));
    let (name, unit) = whole.copied().unwrap_or(UNITS[0]);
    format!("{}{name}", seconds / unit)
}

/// The length in whole milliseconds, as records and reports hold it.
#[must_use]
pub fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_shown() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("10m", 600), ("2 h", 7200), ("30d", 2_592_000), ("1w", 604_800)]
        {
            assert_eq!(length(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "m", "1.5h", "-1s", "1 month", "10ms", "999999999999999999999s", "99999999999999999w"] {
            assert_eq!(length(text), None, "{text}");
        }
        for (seconds, text) in [(0, "0s"), (90, "90s"), (60, "1m"), (600, "10m"), (7200, "2h"), (604_800, "7d")] {
            assert_eq!(shown_length(Duration::from_secs(seconds)), text);
        }
    }
}
