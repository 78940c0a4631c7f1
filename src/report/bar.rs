//! The screen at the bottom of a terminal, and what is printed above it: put there and taken away again. The only user of
//! indicatif.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen::{Screen, Size};
use crate::terminal::Unechoed;

/// How much is held to be printed with the next drawing, in bytes.
const HELD: usize = 64 * 1024;

/// A screen on a terminal. It is drawn when it is told to, so that a thousand things in a moment are one drawing.
pub struct Bar {
    pub screen: Screen,
    terminal: Term,
    drawing: ProgressBar,
    /// What the drawing shows, and how wide the terminal was then.
    drawn: Arc<Mutex<String>>,
    size: Size,
    /// What is printed above with the next drawing.
    above: Vec<u8>,
    unechoed: Option<Unechoed>,
}

impl Bar {
    /// Shows nothing yet; it is for standard error.
    pub fn new(screen: Screen) -> Self {
        let drawn = Arc::new(Mutex::new(String::new()));
        let text = Arc::clone(&drawn);
        let drawing = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{screen}").unwrap_or_else(|_| ProgressStyle::default_bar());
        drawing.set_style(style.with_key("screen", move |_: &_, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&text.lock().unwrap_or_else(PoisonError::into_inner));
        }));
        let (terminal, unechoed) = (Term::stderr(), Some(Unechoed::new()));
        let size = size(&terminal);
        Self { screen, terminal, drawing, drawn, size, above: Vec::new(), unechoed }
    }

    /// Prints whole lines above, with the next drawing.
    pub fn print(&mut self, lines: &[u8]) {
        self.above.extend_from_slice(lines);
        if self.above.len() > HELD {
            self.draw();
        }
    }

    /// Takes the screen away while something else is written to its terminal.
    pub fn aside(&mut self, write: impl FnOnce()) {
        self.look();
        let above = std::mem::take(&mut self.above);
        self.drawing.suspend(|| {
            // Nothing can be done about a terminal that is gone.
            let _ = (&self.terminal).write_all(&above);
            write();
        });
    }

    /// Shows how things stand now.
    pub fn draw(&mut self) {
        if !self.above.is_empty() {
            self.aside(|| ());
        } else if self.look() {
            self.drawing.tick();
        }
    }

    /// Takes the screen away for a while, and leaves the terminal as it was.
    pub fn put_away(&mut self) {
        self.clear();
        self.unechoed = None;
    }

    /// Shows it again.
    pub fn bring_back(&mut self) {
        self.unechoed = Some(Unechoed::new());
        self.drawing.reset();
        self.draw();
    }

    /// Takes the screen away.
    pub fn clear(&mut self) {
        self.aside(|| ());
        self.drawing.finish_and_clear();
        self.drawn().clear();
    }

    /// Makes up what the next drawing shows; whether that is something else.
    fn look(&mut self) -> bool {
        let before = std::mem::replace(&mut self.size, size(&self.terminal));
        let lines = self.screen.lines(self.size).join("\n");
        let mut drawn = self.drawn();
        self.settle(drawn.lines().count(), before.width);
        let is_other = *drawn != lines;
        *drawn = lines;
        is_other
    }

    /// A terminal of another width than when these lines were drawn shows them, as they are drawn to its edge one behind the
    /// other, in more lines or in fewer. The next drawing takes away as many as there were: when there are more, the others
    /// are taken away now; when there are fewer, it begins as much further below.
    fn settle(&self, lines: usize, width: usize) {
        let now = (lines * width).div_ceil(self.size.width);
        let step = match now.checked_sub(lines) {
            Some(0) => return,
            Some(more) => format!("\r\x1b[{more}A\x1b[J"),
            None => "\n".repeat(lines - now),
        };
        let _ = (&self.terminal).write_all(step.as_bytes());
    }

    fn drawn(&self) -> MutexGuard<'_, String> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(terminal: &Term) -> Size {
    let (height, width) = terminal.size();
    Size { width: usize::from(width).max(1), height: usize::from(height) }
}
