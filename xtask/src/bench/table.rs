//! A table of what was measured, in columns that also Markdown understands. It knows nothing of what stands in it.

use std::fmt;
use std::time::Duration;

/// Rows of words under a title.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// One without rows.
    pub fn new(title: impl Into<String>, heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { title: title.into(), rows: vec![heads], notes: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a line below the table.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| self.rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        writeln!(to, "\n{}\n", self.title)?;
        for (place, row) in self.rows.iter().enumerate() {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map_or("", String::as_str);
                format!(" {cell:width$} ")
            });
            writeln!(to, "|{}|", cells.collect::<Vec<_>>().join("|"))?;
            if place == 0 {
                let lines = widths.iter().map(|width| "-".repeat(width + 2));
                writeln!(to, "|{}|", lines.collect::<Vec<_>>().join("|"))?;
            }
        }
        if !self.notes.is_empty() {
            writeln!(to)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(to, "{note}"))
    }
}

/// A time with three digits or so.
pub fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms {
        _ if ms < 0.1 => format!("{:.1} µs", ms * 1000.0),
        _ if ms < 10.0 => format!("{ms:.2} ms"),
        _ if ms < 10_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

/// What a ratio saves, in percent.
pub fn change(ratio: f64) -> String {
    format!("{:+.0} %", (ratio - 1.0) * 100.0).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new("Times", &["what", "µ"]);
        table.row(["a".to_owned(), "10 ms".to_owned()]);
        table.note("measured");
        assert_eq!(table.to_string(), "\nTimes\n\n| what | µ     |\n|------|-------|\n| a    | 10 ms |\n\nmeasured\n");
    }

    #[test]
    fn times_and_changes_are_short() {
        assert_eq!(time(Duration::from_micros(1234)), "1.23 ms");
        assert_eq!(time(Duration::from_millis(1234)), "1234 ms");
        assert_eq!(time(Duration::from_nanos(12_345)), "12.3 µs");
        assert_eq!((change(0.3), change(1.5)), ("−70 %".to_owned(), "+50 %".to_owned()));
    }
}
