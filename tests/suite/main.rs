//! The whole program against real workspaces: real cargo, real processes, real signals, real files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod call;
mod first_steps;
mod places;
mod scene;
mod selecting;
mod stale;
