//! What a step turned out to depend on when it ran, as plain data.

use super::Digest;

/// Something that a step read and that its key does not cover, with what it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Discovered {
    /// What sort of thing.
    pub sort: DiscoveredSort,
    /// A variable's name; a path from the workspace root, or an absolute one for what lies outside of it.
    pub name: String,
    /// The digest of the contents, or of the value; `None`: not there, not set.
    pub digest: Option<Digest>,
}

/// What sort of thing was discovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiscoveredSort {
    /// A file, or a folder with everything in it.
    Path,
    /// A variable of the environment.
    Variable,
}
