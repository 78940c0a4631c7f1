//! The manual, a page for each subject. There is no code in it.

#[doc = include_str!("make_toml.md")]
pub mod make_toml {}

#[doc = include_str!("plan.md")]
pub mod plan {}

#[doc = include_str!("keys.md")]
pub mod keys {}

#[doc = include_str!("tests.md")]
pub mod tests {}

#[doc = include_str!("explain.md")]
pub mod explain {}

#[doc = include_str!("state.md")]
pub mod state {}

#[doc = include_str!("events.md")]
pub mod events {}

#[doc = include_str!("timings.md")]
pub mod timings {}

#[doc = include_str!("command_line.md")]
pub mod command_line {}

#[doc = include_str!("ci.md")]
pub mod ci {}

#[doc = include_str!("performance.md")]
pub mod performance {}
