//! Where the program's own time went: what it was in, and for how long.

use std::sync::Arc;
use std::time::Duration;

/// The functions that a thread was in at the same moments, and how much time of a core that was together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// From the thread, by its name, to the function that was called last.
    pub frames: Vec<Arc<str>>,
    /// Time of a core.
    pub time: Duration,
}
