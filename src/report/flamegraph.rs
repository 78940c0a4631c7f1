//! What the time of a run went into, as a picture. Of the wall time: the run at the bottom, on it its phases, their steps and
//! their parts, as wide as their shares of the time; of the program's own time on the cores: its threads, and what they called. It
//! knows nothing of how the shares came about.

use std::time::Duration;

use super::stacks;
use super::timeline::{Share, Timeline};
use super::words::{plural, seconds};
use super::xml::Xml;
use crate::model::Stack;

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 10.0;
const ROW: f64 = 18.0;
const HEAD: f64 = 44.0;
/// What is narrower cannot be seen, in pixels: such neighbours are one box.
const NARROW: f64 = 0.5;
/// What is narrower has no room for a frame.
const FRAMED: f64 = 3.0;
/// How wide a character is, in pixels.
const CHARACTER: f64 = 6.7;

const STYLE: &str = "
svg{font:11px ui-monospace,Menlo,Consolas,monospace;background:#fff}
text{fill:#1c1c1c}
rect{stroke:#fff;stroke-width:.5}
rect:hover{stroke:#000;stroke-width:1.5}
.narrow{stroke:none}
.head{font-size:15px;font-weight:bold}
.c0{fill:#c3ccd6}.c1{fill:#f0b27a}.c2{fill:#f7dc6f}.c3{fill:#a9d08e}.c4{fill:#d5dbe1}
@media (prefers-color-scheme:dark){
svg{background:#16181c}
text{fill:#f2f2f2}
rect{stroke:#16181c}
rect:hover{stroke:#fff}
.c0{fill:#3d4654}.c1{fill:#8a4f1d}.c2{fill:#6f5b12}.c3{fill:#3b6325}.c4{fill:#4a5058}
}
";

/// The run as an SVG that needs nothing besides itself; hovering shows the whole name and the share.
#[must_use]
pub fn flamegraph(timeline: &Timeline) -> String {
    let shares = timeline.shares();
    let head = format!("{}: {} of wall time, by what ran", timeline.workspace, seconds(shares.time));
    let explained = format!(
        "{} at most at once; what runs at the same time shares the time. Run {}",
        plural(timeline.jobs, "job"),
        timeline.run
    );
    picture(&shares, &timeline.workspace, [&head, &explained])
}

/// What the program itself was in while it had a core, as an SVG like that of [`flamegraph`].
#[must_use]
pub fn own_flamegraph(timeline: &Timeline, stacks: &[Stack]) -> String {
    let shares = stacks::shares("cargo lifecycle", stacks);
    let head = format!("{}: {} of cargo lifecycle's own time on the cores", timeline.workspace, seconds(shares.time));
    let explained =
        format!("by threads and what they called; without what they started and waited for. Run {}", timeline.run);
    picture(&shares, &timeline.workspace, [&head, &explained])
}

/// The shares, under two lines.
fn picture(shares: &Share, workspace: &str, [head, explained]: [&str; 2]) -> String {
    let depth = depth(shares, shares.time);
    let height = HEAD + depth as f64 * ROW + MARGIN;
    let mut xml = Xml::new();
    let view = format!("0 0 {WIDTH} {height}");
    let (width, high) = (WIDTH.to_string(), height.to_string());
    let size = [("xmlns", "http://www.w3.org/2000/svg"), ("viewBox", &*view), ("width", &*width), ("height", &*high)];
    xml.open("svg", &size);
    xml.leaf("title", &[], &format!("cargo lifecycle: {workspace}"));
    xml.leaf("style", &[], STYLE);
    xml.leaf("text", &[("class", "head"), ("x", "10"), ("y", "20")], head);
    xml.leaf("text", &[("x", "10"), ("y", "36")], explained);
    let picture = Picture { whole: shares.time, height };
    picture.draw(&mut xml, shares, (0, MARGIN));
    xml.close();
    xml.finish()
}

struct Picture {
    whole: Duration,
    height: f64,
}

impl Picture {
    fn draw(&self, xml: &mut Xml, share: &Share, (level, x): (usize, f64)) {
        let width = width_of(share, self.whole);
        if width < NARROW {
            return;
        }
        let y = self.height - MARGIN - (level + 1) as f64 * ROW;
        let part = share.time.as_secs_f64() / self.whole.as_secs_f64().max(f64::MIN_POSITIVE) * 100.0;
        let numbers = [x, y, width, ROW].map(|number| format!("{number:.2}"));
        let [left, top, wide, high] = numbers.each_ref().map(|number| &**number);
        // The colour is that of the level, but for what is no step.
        let color = if level == 1 && share.children.is_empty() { 4 } else { level.min(3) };
        let class = format!("c{color}{}", if width < FRAMED { " narrow" } else { "" });
        let title = format!("{}: {} ({part:.1} %)", share.name, seconds(share.time));
        xml.open("rect", &[("class", &class), ("x", left), ("y", top), ("width", wide), ("height", high), ("rx", "1")]);
        xml.leaf("title", &[], &title);
        xml.close();
        if let Some(label) = label(&share.name, width) {
            let (x, y) = (format!("{:.2}", x + 3.0), format!("{:.2}", y + 13.0));
            xml.leaf("text", &[("x", &x), ("y", &y), ("pointer-events", "none")], &label);
        }
        let mut x = x;
        for child in &seen(share, self.whole) {
            self.draw(xml, child, (level + 1, x));
            x += width_of(child, self.whole);
        }
    }
}

/// What a share consists of; together, what cannot be seen by itself.
fn seen(share: &Share, whole: Duration) -> Vec<Share> {
    let is_wide = |child: &&Share| width_of(child, whole) >= NARROW;
    let (seen, narrow): (Vec<&Share>, Vec<&Share>) = share.children.iter().partition(is_wide);
    let time = narrow.iter().map(|child| child.time).sum();
    let others = Share { name: format!("{} more", narrow.len()).into(), time, children: Vec::new() };
    seen.into_iter().cloned().chain((!narrow.is_empty()).then_some(others)).collect()
}

/// How wide a share is, in pixels.
fn width_of(share: &Share, whole: Duration) -> f64 {
    share.time.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE) * (WIDTH - 2.0 * MARGIN)
}

/// How many levels can be seen.
fn depth(share: &Share, whole: Duration) -> usize {
    let children = seen(share, whole).into_iter().filter(|child| width_of(child, whole) >= NARROW);
    1 + children.map(|child| depth(&child, whole)).max().unwrap_or(0)
}

/// As much of the name as there is room for; `None` if that says nothing.
fn label(name: &str, width: f64) -> Option<String> {
    let room = ((width - 6.0) / CHARACTER).max(0.0) as usize;
    if name.chars().count() <= room {
        return Some(name.to_owned());
    }
    let cut = room.checked_sub(1).filter(|cut| *cut >= 2)?;
    Some(name.chars().take(cut).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Done, Event, EventKind, Outcome, StepId, StepInfo, Summary};

    fn run(names: &[&str]) -> Timeline {
        let info = |name: &&str| StepInfo { name: (*name).into(), phase: "say".into(), members: 1 };
        let steps: Arc<[StepInfo]> = names.iter().map(info).collect();
        let mut timeline = Timeline::new();
        let mut take = |at: u64, kind| timeline.take(&Event { at: Duration::from_millis(at), kind });
        let (run, workspace, selected) = ("7-1".into(), "shop & <co>".into(), "all".into());
        take(100, EventKind::Begun { run, workspace, selected, steps, jobs: 1 });
        for place in 0..names.len() {
            let (step, at) = (StepId::new(place), 100 + place as u64 * 100);
            take(at, EventKind::Granted { step, part: None });
            take(at + 100, EventKind::Ended { step, done: Done::unrun(Outcome::Succeeded) });
        }
        take(200 + names.len() as u64 * 100, EventKind::Finished(Summary::default()));
        timeline
    }

    /// The boxes of a picture: title, left edge, width and lower edge.
    fn boxes(text: &str) -> Vec<(String, f64, f64, f64)> {
        let document = roxmltree::Document::parse(text).unwrap();
        let boxes = document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "rect")));
        let one = |node: roxmltree::Node<'_, '_>| {
            let [x, y, width] = ["x", "y", "width"].map(|name| node.attribute(name).unwrap().parse::<f64>().unwrap());
            let title = node.children().find(roxmltree::Node::is_element).unwrap().text().unwrap();
            (title.to_owned(), x, width, y + ROW)
        };
        boxes.map(one).collect()
    }

    #[test]
    fn each_level_stands_on_the_one_below_and_is_as_wide_as_its_share() {
        let boxes = boxes(&flamegraph(&run(&["say a", "say </svg>"])));
        let titles: Vec<&str> = boxes.iter().map(|(title, ..)| &**title).collect();
        let expected = [
            "shop & <co>: 0.40s (100.0 %)",
            "planning: 0.10s (25.0 %)",
            "phase say: 0.20s (50.0 %)",
            "say a: 0.10s (25.0 %)",
            "judging: 0.10s (25.0 %)",
            "say </svg>: 0.10s (25.0 %)",
            "judging: 0.10s (25.0 %)",
            "writing results: 0.10s (25.0 %)",
        ];
        assert_eq!(titles, expected);
        let (_, left, whole, bottom) = &boxes[0];
        assert_eq!(*whole, WIDTH - 2.0 * MARGIN);
        for (title, x, width, lower) in &boxes[1..] {
            assert!(x >= left && x + width <= left + whole + 0.1 && lower < bottom, "{title}");
        }
        let next = |place: usize| boxes[place].1 + boxes[place].2;
        assert!((next(3) - boxes[5].1).abs() < 0.1, "steps stand side by side");
    }

    #[test]
    fn what_cannot_be_seen_by_itself_is_seen_together() {
        let names: Vec<String> = (0..10_000).map(|place| format!("say m{place}")).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let text = flamegraph(&run(&names));
        let boxes = boxes(&text);
        assert!(boxes.iter().any(|(title, ..)| title.starts_with("10000 more: ")), "{boxes:?}");
        assert!(text.len() < 10_000, "{} bytes", text.len());
    }

    #[test]
    fn a_run_in_which_nothing_took_time_is_a_picture() {
        assert_eq!(boxes(&flamegraph(&Timeline::new())).len(), 0);
    }

    #[test]
    fn names_are_cut_to_their_room() {
        let told = [200.0, 60.0, 24.0].map(|width| label("say something", width));
        assert_eq!(told, [Some("say something".to_owned()), Some("say som…".to_owned()), None]);
    }
}
