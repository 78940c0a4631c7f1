//! The bar at the bottom of a terminal: how far the run is, and what runs. The only user of indicatif.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::StepId;
use crate::terminal::Unechoed;

/// How many running steps are shown.
const SHOWN: usize = 8;

/// A step that runs, or a part of one.
pub type Running = (StepId, Option<Arc<str>>);

/// A bar with the running steps under it.
pub struct Bar {
    all: MultiProgress,
    total: ProgressBar,
    running: BTreeMap<Running, ProgressBar>,
    waiting: Vec<(Running, String)>,
    unechoed: Option<Unechoed>,
}

impl Bar {
    /// A bar for so many steps, drawn on standard error.
    pub fn new(steps: usize, color: bool) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let total = all.add(ProgressBar::new(steps as u64));
        let prefix = if color { "{prefix:>12.cyan.bold}" } else { "{prefix:>12}" };
        total.set_style(style(&format!("{prefix} [{{bar:25}}] {{pos}}/{{len}} in {{elapsed}}{{msg}}")));
        total.set_prefix("Running");
        Self { all, total, running: BTreeMap::new(), waiting: Vec::new(), unechoed: Some(Unechoed::new()) }
    }

    /// Prints lines above the bar.
    pub fn print(&self, lines: &str) {
        // Nothing can be done about a terminal that is gone.
        let _ = self.all.println(lines);
    }

    /// Takes the bar away while something is written to its terminal.
    pub fn aside(&self, write: impl FnOnce()) {
        self.all.suspend(write);
    }

    /// A step runs, or a part of one.
    pub fn start(&mut self, running: Running, name: &str) {
        if self.running.len() >= SHOWN {
            self.waiting.push((running, name.to_owned()));
            return;
        }
        let line = self.all.add(ProgressBar::new_spinner());
        line.set_style(style("{prefix:>15} {elapsed:>4} {wide_msg}"));
        line.set_prefix(name.to_owned());
        self.running.insert(running, line);
    }

    /// What a running step printed last.
    pub fn say(&self, step: StepId, line: &str) {
        if let Some(bar) = self.running.get(&(step, None)) {
            bar.set_message(line.to_owned());
        }
    }

    /// A step ended, or a part of one.
    pub fn end(&mut self, running: &Running, failures: usize) {
        if running.1.is_none() {
            self.total.inc(1);
        }
        if failures > 0 {
            self.total.set_message(format!(", {failures} failed"));
        }
        self.waiting.retain(|(waiting, _)| waiting != running);
        if let Some(line) = self.running.remove(running) {
            line.finish_and_clear();
            self.all.remove(&line);
            if !self.waiting.is_empty() {
                let (running, name) = self.waiting.remove(0);
                self.start(running, &name);
            }
        }
    }

    /// Time goes on.
    pub fn tick(&self) {
        self.total.tick();
        self.running.values().for_each(ProgressBar::tick);
    }

    /// Takes the bar away for a while, and leaves the terminal as it was.
    pub fn put_away(&mut self) {
        self.clear();
        self.unechoed = None;
    }

    /// Shows it again.
    pub fn bring_back(&mut self) {
        self.unechoed = Some(Unechoed::new());
        self.tick();
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        // As with printing: a terminal that is gone needs no clearing.
        let _ = self.all.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let elapsed = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
        let rounded = Duration::from_millis(state.elapsed().as_millis() as u64 / 100 * 100);
        let _ = write!(out, "{:.1}s", rounded.as_secs_f64());
    };
    style.progress_chars("=> ").with_key("elapsed", elapsed)
}
