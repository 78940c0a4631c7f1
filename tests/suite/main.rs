//! The whole program against real workspaces: real cargo, real processes, real signals, real files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod call;
mod first_steps;
mod foresight;
mod hooks;
mod kept;
mod looking;
mod narrow;
mod outputs;
mod overlooked;
mod places;
mod plain_cargo;
mod running;
mod scene;
mod selecting;
mod signals;
mod stale;
mod together;
mod unseen;
mod wrong_make;
