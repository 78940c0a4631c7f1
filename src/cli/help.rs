//! What stands below the options in `-h` and `--help`. What each option does is said where it is declared.

/// Below the options of `-h`.
pub const SHORT: &str = "\
Exit codes: 0 all good; 1 a step failed; 2 wrong usage; 3 make.toml or the plan is wrong; 4 cargo metadata failed;
5 over budget.
`--help` says more.";

/// Below the options of `--help`.
pub const LONG: &str = "\
Examples:
  cargo lifecycle build lint       what has changed of two phases
  cargo lifecycle test -p api      one member's tests, likewise
  cargo lifecycle build --dry-run  what would run, and why
  cargo lifecycle test -- --exact  after `--`: for the last phase's command

Exit codes:
  0  every step succeeded or was fresh
  1  a step failed
  2  wrong usage: an unknown option, phase or member
  3  make.toml or the plan is wrong
  4  cargo does not accept the workspace (`cargo metadata` failed)
  5  all succeeded, but a budget was exceeded that make.toml enforces
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM

Files:
  make.toml          in the workspace root: phases, hooks, members
  target/lifecycle/  what is kept of earlier runs; `--cache-clean` removes it

Environment:
  CARGO                     the cargo that is called; cargo sets it
  CARGO_TARGET_DIR          where artifacts and kept results are
  CARGO_TERM_COLOR          auto, always or never; `--color` goes before
  NO_COLOR                  if not empty, there is no colour
  CARGO_TERM_PROGRESS_WHEN  never: there is no bar
  CI                        if not empty, there is no bar
  TERM                      dumb: there is neither colour nor bar
  CARGO_LIFECYCLE_LOG       debug, json, a filter: what the program does, on standard error
  GITHUB_ACTIONS            true: as with `--message-format github`
  GITHUB_STEP_SUMMARY       the file that the job summary is added to
  What else cargo reads (RUSTFLAGS and so on) is left to cargo.";
