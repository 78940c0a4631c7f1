//! Where a place ends, by the marks under the source that the compiler shows. It does not know what is said of it.

use super::Place;

/// Reads the lines below a place, as far as they show its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The line of the source that was shown last.
    last: Option<(u32, String)>,
}

impl Snippet {
    /// `12 | let x = 1;`
    pub fn source(&mut self, line: u32, text: String) {
        self.last = Some((line, text));
    }

    /// `   |     ^ unused`: what stands under the line that was shown last. The first marks of the place count.
    pub fn marks(&self, text: &str, place: &mut Place) {
        let Some((line, source)) = &self.last else { return };
        let marks: Vec<char> = text.chars().collect();
        if place.end_line.is_some() {
            return;
        }
        let Some(begin) = marks.iter().position(|mark| *mark == '^') else { return };
        // `|  ____^` begins a place of several lines, and `| |____^` ends one.
        let is_of_several = begin.checked_sub(1).and_then(|before| marks.get(before)) == Some(&'_');
        if is_of_several && *line > place.line {
            place.end_line = Some(*line);
        } else if !is_of_several && *line == place.line {
            let (_, from) = marks.split_at(begin);
            // What is said of a part of the place stands in the midst of its marks.
            let run = from.split(|mark| !matches!(mark, '^' | '-')).next().unwrap_or_default();
            let length = run.iter().rposition(|mark| *mark == '^').map_or(0, |last| last + 1);
            place.end_line = Some(*line);
            place.end_column = width(source, begin, length).and_then(|width| place.column.checked_add(width));
        }
    }
}

/// How many characters there are over the marks; `None` where some are wider than their marks, for all we know.
fn width(source: &str, begin: usize, length: usize) -> Option<u32> {
    let all = begin.checked_add(length)?;
    let is_plain = source.chars().take(all).all(|char| char.is_ascii_graphic() || char == ' ');
    u32::try_from(length).ok().filter(|_| is_plain)
}
