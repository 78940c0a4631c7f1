//! What `cargo test` would run, and what came of it: cargo compiles and says, for each test executable and each member's
//! documentation tests, the program, its arguments, folder and variables; it runs none of them. This room knows how that
//! is asked. It knows nothing of keys, nor of who runs what when.
//!
//! Cargo is asked by being given this very program as the test runner (`target.<triple>.runner`) and as rustdoc
//! (`build.rustdoc`), through `--config`, which leaves no trace in the environment; where `RUSTDOC` is set, that is set
//! instead, and put right in what is told. So each test gets what cargo gives it, to the byte, whichever cargo that is; and
//! nothing is compiled again because of it.

mod call;
mod intercept;
mod shim;

pub use call::{Call, CallKind};
pub use intercept::{Instead, Intercept};
pub use shim::shim;
