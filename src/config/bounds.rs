//! `[cache]`, and sizes and lengths of time as people write them. What is measured by them is not known here.

use std::time::Duration;

use toml::de::DeInteger;

use super::syntax::{Entry, Reader, span};
use crate::model::{CacheBounds, LENGTH_HELP, length};

/// Units of size, in bytes.
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

pub(super) const KEYS: &[&str] = &["max-size", "max-age"];

/// Reads the table; what it does not say is the default.
pub(super) fn read<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> CacheBounds {
    let mut bounds = CacheBounds::default();
    for entry in reader.table(entry).unwrap_or_default() {
        match entry.key.text {
            "max-size" => bounds.max_size = size(reader, &entry).unwrap_or(bounds.max_size),
            "max-age" => bounds.max_age = time(reader, &entry, "30d", true).unwrap_or(bounds.max_age),
            _ => _ = reader.unknown_key(&entry.key, "`[cache]`", KEYS),
        }
    }
    bounds
}

fn size<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<u64> {
    const WANTED: &str = "a size, such as `\"2GiB\"`";
    let bytes = match entry.value.get_ref().as_integer() {
        Some(integer) => whole(integer),
        None => measure(reader, entry, WANTED, SIZES)?,
    };
    if bytes.is_none() {
        let help = "a whole number and a unit: B, KB, MB, GB, KiB, MiB or GiB; a number alone is bytes";
        reader.wrong(span(entry.value), format!("`max-size` must be {WANTED}"), "").help = Some(help.to_owned());
    }
    bytes
}

/// A length of time; `or_none`: it may be no time at all.
pub(super) fn time<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>, such_as: &str, or_none: bool) -> Option<Duration> {
    let wanted = format!("a length of time, such as `\"{such_as}\"`");
    let Some(text) = reader.as_text(entry.value) else {
        reader.must_be(&entry.name(), entry.value, &wanted);
        return None;
    };
    let length = length(text.text).filter(|length| or_none || !length.is_zero());
    if length.is_none() {
        let title = format!("`{}` must be {wanted}", entry.key.text);
        reader.wrong(span(entry.value), title, "").help = Some(LENGTH_HELP.to_owned());
    }
    length
}

/// The measure that a string gives, if it is one; `None` with a problem if the value is no string.
fn measure<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>, wanted: &str, units: &[(&str, u64)]) -> Option<Option<u64>> {
    let Some(text) = reader.as_text(entry.value) else {
        reader.must_be(&entry.name(), entry.value, wanted);
        return None;
    };
    let digits = text.text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.text.split_at(digits);
    let unit = units.iter().find(|(name, _)| *name == unit.trim_start());
    Some(unit.and_then(|(_, unit)| number.parse::<u64>().ok()?.checked_mul(*unit)))
}

fn whole(integer: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
