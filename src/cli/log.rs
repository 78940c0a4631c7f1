//! What the program tells of itself where `CARGO_LIFECYCLE_LOG` asks for it: spans of `tracing`, each when it is over, on standard
//! error. It knows nothing of what they are of.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::app::Error;

/// The variable: a filter as `tracing_subscriber::EnvFilter` has it (`debug`, `cargo_lifecycle::process=trace`), and the word
/// `json` for objects instead of lines.
pub const VARIABLE: &str = "CARGO_LIFECYCLE_LOG";

/// Begins to tell, if that is asked for; whether it is.
///
/// # Errors
/// What is asked for is no filter.
pub fn begin(color: bool) -> Result<bool, Error> {
    let Some(asked) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) else { return Ok(false) };
    let asked = asked.to_string_lossy();
    let (json, filter): (Vec<&str>, Vec<&str>) = asked.split(',').map(str::trim).partition(|word| *word == "json");
    let filter = if filter.is_empty() { "debug".to_owned() } else { filter.join(",") };
    let wrong = |error: String| {
        let like = "such as `debug`, `json`, or `json,cargo_lifecycle::process=trace`";
        Error::Usage(format!("{VARIABLE} is no filter, {like}: {error}"))
    };
    if let Some(word) = filter.split(',').find(|word| names_nothing(word)) {
        return Err(wrong(format!("`{word}` is neither a level nor a part of this program")));
    }
    let filter = EnvFilter::try_new(filter).map_err(|error| wrong(error.to_string()))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(io::stderr)
        .with_ansi(color)
        // What cannot be told on standard error cannot be told there either: that would be a panic.
        .log_internal_errors(false);
    // Whoever has set one already in this process keeps it.
    let _ = if json.is_empty() { subscriber.try_init() } else { subscriber.json().try_init() };
    Ok(true)
}

/// Whether the word would be taken for the name of a part that is not there: then nothing at all would be told.
fn names_nothing(word: &str) -> bool {
    let is_level = word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    !is_level && !word.contains(['=', '[']) && !word.starts_with("cargo_lifecycle")
}
