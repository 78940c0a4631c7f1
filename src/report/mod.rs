//! The events of a run, and plans that are only looked at, as text for people and for programs. It runs nothing and decides nothing.

mod bar;
mod cache;
mod cached;
mod excerpt;
mod explain;
mod explain_json;
mod flamegraph;
mod github;
mod human;
mod json;
mod junit;
mod look;
mod markdown;
mod replay;
mod stream;
mod style;
mod timeline;
mod timings;
mod trace;
mod words;
mod xml;

pub use cache::{cache_cleared, cache_cleared_json, cache_stats, cache_stats_json};
pub use explain::explain;
pub use explain_json::explain_json;
pub use flamegraph::flamegraph;
pub use github::{Github, Repository};
pub use human::Human;
pub use json::{EVENTS_SCHEMA, Json};
pub use junit::Junit;
pub use look::{GraphFormat, Listed, command_line, dry_run, graph, list, list_json};
pub use style::{Display, OutputStyle, Verbosity, error, shown, written};
pub use timeline::Timeline;
pub use timings::{Exceeded, timings};
pub use trace::trace;
pub use words::members;
