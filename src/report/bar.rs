//! The screen at the bottom of a terminal, and what is printed above it: put there and taken away again. The only user of
//! indicatif.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

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
        let target = ProgressDrawTarget::term_like(Box::new(Unfilled::new(Term::buffered_stderr())));
        let drawing = ProgressBar::with_draw_target(None, target);
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
        if before.width != self.size.width {
            self.settle(&drawn);
        }
        let is_other = *drawn != lines;
        *drawn = lines;
        is_other
    }

    /// A terminal that has become narrower than when these lines were drawn shows them in more lines than they were. The
    /// next drawing takes away as many as there were, so the others are taken away now.
    fn settle(&self, drawn: &str) {
        let more =
            drawn.lines().map(|line| measure_text_width(line).saturating_sub(1) / self.size.width).sum::<usize>();
        if more > 0 {
            let _ = (&self.terminal).write_all(format!("\r\x1b[{more}A\x1b[J").as_bytes());
        }
    }

    fn drawn(&self) -> MutexGuard<'_, String> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A terminal on which lines end with their text. indicatif fills them up to the edge, where the next one begins by itself; a
/// terminal that becomes narrower would break all that into more lines.
#[derive(Debug)]
struct Unfilled {
    terminal: Term,
    /// Whether the line is over, and what is written next begins another one.
    is_over: AtomicBool,
}

impl Unfilled {
    const fn new(terminal: Term) -> Self {
        Self { terminal, is_over: AtomicBool::new(false) }
    }

    fn moved(&self) -> &Term {
        self.is_over.store(false, Ordering::Relaxed);
        &self.terminal
    }
}

impl TermLike for Unfilled {
    fn width(&self) -> u16 {
        self.terminal.size().1
    }

    fn height(&self) -> u16 {
        self.terminal.size().0
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.moved().move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.moved().move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.moved().move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.moved().move_cursor_left(columns)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.moved().write_line(line)
    }

    /// A line comes as its text, which the screen never leaves empty, and then as many spaces as there is room for.
    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.bytes().all(|byte| byte == b' ') {
            self.is_over.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let begin = if self.is_over.swap(false, Ordering::Relaxed) { "\r\n" } else { "" };
        self.terminal.write_str(&format!("{begin}{text}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.moved().clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.terminal.flush()
    }
}

fn size(terminal: &Term) -> Size {
    let (height, width) = terminal.size();
    Size { width: usize::from(width).max(1), height: usize::from(height) }
}
