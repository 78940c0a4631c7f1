//! `[history]`: how many runs are remembered. What is remembered of them is not known here.

use super::syntax::{Entry, Reader, span};

pub(super) const KEYS: &[&str] = &["keep"];

/// How many, if nothing is said.
pub(super) const KEEP: usize = 100;
/// More than this nobody looks at, and the file would only become long.
const MOST: usize = 10_000;

/// Reads the table.
pub(super) fn read<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> usize {
    let mut keep = KEEP;
    for entry in reader.table(entry).unwrap_or_default() {
        match entry.key.text {
            "keep" => keep = number(reader, &entry).unwrap_or(keep),
            _ => _ = reader.unknown_key(&entry.key, "`[history]`", KEYS),
        }
    }
    keep
}

fn number<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<usize> {
    let wanted = format!("a whole number from 0 to {MOST}");
    let Some(integer) = entry.value.get_ref().as_integer() else {
        reader.must_be("`keep`", entry.value, &wanted);
        return None;
    };
    let keep = usize::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|keep| *keep <= MOST);
    if keep.is_none() {
        reader.wrong(span(entry.value), format!("`keep` must be {wanted}"), "");
    }
    keep
}
