//! `[performance]`: budgets of time and memory. Nothing is measured here.

use std::time::Duration;

use super::names::Names;
use super::syntax::{Entry, Reader, span};
use crate::model::Budgets;

pub(super) const KEYS: &[&str] = &["max_phase_time", "max_pipeline_time", "max_memory_mb", "enforce", "phases"];

/// Reads the table.
pub(super) fn read<'d>(reader: &mut Reader<'d>, names: &Names, entry: &Entry<'d>) -> Budgets {
    let mut budgets = Budgets::default();
    for entry in reader.table(entry).unwrap_or_default() {
        match entry.key.text {
            "max_phase_time" => budgets.step = milliseconds(reader, &entry),
            "max_pipeline_time" => budgets.run = milliseconds(reader, &entry),
            "max_memory_mb" => {
                budgets.memory = amount(reader, &entry, "megabytes", "500").map(|mb| u64::from(mb) * 1_000_000);
            }
            "enforce" => budgets.enforce = reader.boolean(&entry).unwrap_or_default(),
            "phases" => {
                for phase in reader.table(&entry).unwrap_or_default() {
                    let found = names.phase(reader, phase.key.text, phase.key.span);
                    budgets.phases.extend(found.zip(milliseconds(reader, &phase)));
                }
            }
            _ => _ = reader.unknown_key(&entry.key, "`[performance]`", KEYS),
        }
    }
    budgets
}

fn milliseconds<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>) -> Option<Duration> {
    amount(reader, entry, "milliseconds", "5000").map(|millis| Duration::from_millis(millis.into()))
}

/// A whole number of something, and not none.
fn amount<'d>(reader: &mut Reader<'d>, entry: &Entry<'d>, unit: &str, such_as: &str) -> Option<u32> {
    let wanted = format!("a whole number of {unit}, such as `{such_as}`");
    let Some(integer) = entry.value.get_ref().as_integer() else {
        reader.must_be(&entry.name(), entry.value, &wanted);
        return None;
    };
    let amount = u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|amount| *amount > 0);
    if amount.is_none() {
        let help = "leave it out for no budget".to_owned();
        let title = format!("`{}` must be from 1 to {} {unit}", entry.key.text, u32::MAX);
        reader.wrong(span(entry.value), title, "").help = Some(help);
    }
    amount
}
