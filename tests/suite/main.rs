//! The whole program against real workspaces: real cargo, real processes, real signals, real files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bounds;
mod call;
mod carried;
mod company;
mod crashes;
mod damage;
mod discovered;
mod explaining;
mod first_steps;
mod foresight;
mod hooks;
mod junit;
mod kept;
mod looking;
mod outputs;
mod overlooked;
mod places;
mod plain_cargo;
mod running;
mod scene;
mod selecting;
mod sharing;
mod signals;
mod stale;
mod tested;
mod testing;
mod testing_env;
mod testing_given;
mod testing_keys;
mod testing_kinds;
mod testing_stopped;
mod testing_targets;
mod testing_traps;
mod together;
mod trap;
mod traps_aliases;
mod traps_company;
mod traps_config;
mod traps_environment;
mod traps_links;
mod traps_lock;
mod traps_manifests;
mod traps_packages;
mod traps_phases;
mod traps_running;
mod traps_scripts;
mod traps_sources;
mod traps_targets;
mod traps_time;
mod unseen;
mod verifying;
mod witness;
mod wrong_make;
