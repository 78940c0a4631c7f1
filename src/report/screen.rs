//! What stands at the bottom of a terminal while a run goes on: how far it is, and what runs, as lines of text. It knows
//! no terminal and no clock.

use std::sync::Arc;
use std::time::Duration;

use console::{measure_text_width, truncate_str};

use super::style::{Tone, status};
use crate::model::StepId;

/// How many running steps are shown.
const SHOWN: usize = 8;
/// How many columns the names of running steps have at most, and those of the bar between its brackets.
const NAMES: usize = 30;
const BAR: usize = 25;
/// How long something runs before it is shown: thousands of quick ones would only be a flicker.
const SEEN: Duration = Duration::from_millis(200);
/// Of the terminal's lines, how many stay for what is printed above.
const ABOVE: usize = 3;

/// A step that runs, or a part of one.
pub type Running = (StepId, Option<Arc<str>>);

/// How wide and how high a terminal is, in columns and lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: usize,
    pub height: usize,
}

/// How far a run is.
pub struct Screen {
    steps: usize,
    color: bool,
    ended: usize,
    failures: usize,
    now: Duration,
    left: Option<Duration>,
    /// In the order in which they started.
    running: Vec<Line>,
}

struct Line {
    what: Running,
    name: String,
    since: Duration,
    said: String,
}

impl Screen {
    /// Of so many steps, none has started.
    pub const fn new(steps: usize, color: bool) -> Self {
        let (now, left) = (Duration::ZERO, None);
        Self { steps, color, ended: 0, failures: 0, now, left, running: Vec::new() }
    }

    /// So much of the run's time is over.
    pub fn pass(&mut self, now: Duration) {
        self.now = now;
    }

    /// The rest will take so long, as far as that can be told.
    pub fn expect(&mut self, left: Option<Duration>) {
        self.left = left;
    }

    /// A step runs, or a part of one.
    pub fn start(&mut self, what: Running, name: &str) {
        self.running.push(Line { what, name: name.to_owned(), since: self.now, said: String::new() });
    }

    /// What a running step printed last.
    pub fn say(&mut self, step: StepId, said: &str) {
        if let Some(line) = self.running.iter_mut().find(|line| line.what == (step, None)) {
            said.clone_into(&mut line.said);
        }
    }

    /// A step ended, whether it ran or not, or a part of one. So many have failed by now.
    pub fn end(&mut self, what: &Running, failures: usize) {
        self.ended += usize::from(what.1.is_none());
        self.failures = failures;
        self.running.retain(|line| line.what != *what);
    }

    /// The lines, none of which is wider than the terminal.
    pub fn lines(&self, size: Size) -> Vec<String> {
        let room = size.height.saturating_sub(ABOVE + 1);
        let running: Vec<&Line> =
            self.running.iter().take_while(|line| self.now.saturating_sub(line.since) >= SEEN).collect();
        let mut shown = SHOWN.min(room);
        if running.len() > shown {
            // One is for how many there are besides.
            shown = shown.min(room.saturating_sub(1));
        }
        let shown = running.get(..shown).unwrap_or(&running);
        let names = shown.iter().map(|line| measure_text_width(&line.name)).max().unwrap_or_default();
        let names = names.clamp(12, NAMES).min(size.width / 2);
        let mut lines = vec![self.head(size.width)];
        lines.extend(shown.iter().map(|line| self.line(line, names, size.width)));
        let more = running.len() - shown.len();
        if more > 0 && room > 0 {
            lines.push(fit(&format!("{:>names$} and {more} more", ""), size.width));
        }
        lines
    }

    /// As much of how far the run is as there is room for.
    fn head(&self, width: usize) -> String {
        let count = format!("{}/{}", self.ended, self.steps);
        let failed = if self.failures > 0 { format!(", {} failed", self.failures) } else { String::new() };
        let left = self.left.filter(|left| *left >= Duration::from_secs(1)).map(rough);
        let left = left.map(|left| format!(", about {left} left")).unwrap_or_default();
        let time = short(self.now);
        let texts = [
            format!("[{}] {count} in {time}{left}{failed}", self.bar()),
            format!("{count} in {time}{left}{failed}"),
            format!("{count} in {time}{failed}"),
        ];
        let head = |text: &str| status(self.color, Tone::Note, "Running", text);
        let fits = texts.iter().map(|text| head(text)).find(|line| measure_text_width(line) <= width);
        fits.unwrap_or_else(|| fit(&head(&format!("{count}{failed}")), width))
    }

    fn bar(&self) -> String {
        let done = (BAR * self.ended.min(self.steps)).checked_div(self.steps).unwrap_or(BAR);
        let tip = if done < BAR { ">" } else { "" };
        format!("{:BAR$}", "=".repeat(done) + tip)
    }

    fn line(&self, line: &Line, names: usize, width: usize) -> String {
        let name = fit(&line.name, names);
        let space = " ".repeat(names.saturating_sub(measure_text_width(&name)));
        let time = short(self.now.saturating_sub(line.since));
        fit(format!("{space}{name} {time:>5} {}", line.said).trim_end(), width)
    }
}

/// The text, or as much of it as there is room for.
fn fit(text: &str, width: usize) -> String {
    truncate_str(text, width, "…").into_owned()
}

/// How long something takes already: `3.2s`, `2m05s`.
fn short(time: Duration) -> String {
    let whole = time.as_secs();
    match whole {
        0..60 => format!("{whole}.{}s", time.subsec_millis() / 100),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// How long something may take yet: `12s`, `3m`, `2h`.
fn rough(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..90 => format!("{seconds}s"),
        seconds @ 90..5400 => format!("{}m", (seconds + 30) / 60),
        seconds => format!("{}h", (seconds + 1800) / 3600),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDE: Size = Size { width: 100, height: 30 };

    fn step(number: usize) -> Running {
        (StepId::new(number), None)
    }

    #[test]
    fn it_tells_how_far_the_run_is_and_what_runs() {
        let mut screen = Screen::new(4, false);
        assert_eq!(screen.lines(WIDE), ["     Running [>                        ] 0/4 in 0.0s"]);
        screen.start(step(0), "build a");
        screen.pass(Duration::from_millis(1250));
        screen.start((StepId::new(0), Some("a::it".into())), "a::it");
        screen.say(StepId::new(0), "   Compiling a");
        screen.expect(Some(Duration::from_secs(100)));
        screen.pass(Duration::from_millis(61_999));
        assert_eq!(
            screen.lines(WIDE),
            [
                "     Running [>                        ] 0/4 in 1m01s, about 2m left",
                "     build a 1m01s    Compiling a",
                "       a::it 1m00s",
            ]
        );
        screen.end(&(StepId::new(0), Some("a::it".into())), 1);
        screen.end(&step(0), 1);
        screen.end(&step(1), 1);
        screen.expect(None);
        assert_eq!(screen.lines(WIDE), ["     Running [============>            ] 2/4 in 1m01s, 1 failed"]);
        (2..4).for_each(|number| screen.end(&step(number), 1));
        assert_eq!(screen.lines(WIDE), ["     Running [=========================] 4/4 in 1m01s, 1 failed"]);
    }

    #[test]
    fn of_many_the_first_are_shown_and_the_others_counted() {
        let mut screen = Screen::new(20, false);
        (0..8).for_each(|number| screen.start(step(number), "x"));
        assert_eq!(screen.lines(WIDE).len(), 1);
        screen.pass(SEEN);
        assert_eq!(screen.lines(WIDE).len(), 9);
        (8..20).for_each(|number| screen.start(step(number), "x"));
        screen.pass(SEEN * 2);
        let lines = screen.lines(WIDE);
        assert_eq!((lines.len(), &*lines[9]), (10, "             and 12 more"));
        let lines = |height| screen.lines(Size { width: 100, height });
        assert_eq!(lines(8).len(), 5);
        assert_eq!(lines(8).last().unwrap().trim(), "and 17 more");
        assert_eq!(lines(5).len(), 2);
        assert_eq!(lines(2).len(), 1);
    }

    #[test]
    fn what_there_is_no_room_for_is_left_out() {
        let mut screen = Screen::new(400, true);
        screen.start(step(0), "a name that is longer than thirty columns");
        screen.say(StepId::new(0), "漢字漢字漢字漢字漢字");
        screen.pass(SEEN);
        screen.expect(Some(Duration::from_secs(5)));
        screen.end(&step(1), 1);
        let plain = |width| {
            let lines = screen.lines(Size { width, height: 30 });
            lines.iter().map(|line| console::strip_ansi_codes(line).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(plain(60)[0], "     Running 1/400 in 0.2s, about 5s left, 1 failed");
        assert_eq!(plain(60)[1], "a name that is longer than th…  0.2s 漢字漢字漢字漢字漢字");
        assert_eq!(plain(40)[0], "     Running 1/400 in 0.2s, 1 failed");
        assert_eq!(plain(40)[1], "a name that is long…  0.2s 漢字漢字漢字…");
        assert_eq!(plain(38)[1], "a name that is lon…  0.2s 漢字漢字漢…");
        assert_eq!(plain(20)[0], "     Running 1/400,…");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            name in "[a-z漢é🦀 ]{0,40}", said in "[a-z漢é🦀 ]{0,200}", width in 1_usize..200, height in 0_usize..40, count in 0..20_usize
        ) {
            let mut screen = Screen::new(count, true);
            for number in 0..count {
                screen.start(step(number), &name);
                screen.say(StepId::new(number), &said);
            }
            screen.pass(SEEN);
            let lines = screen.lines(Size { width, height });
            prop_assert!(lines.iter().all(|line| measure_text_width(line) <= width));
            prop_assert!(lines.len() <= height.saturating_sub(ABOVE).max(1));
        }
    }
}
