//! What a key covers, in which order, and what differs between two keys. It knows nothing of mtimes, absolute paths or
//! files: it is given digests.
//!
//! A [`Description`] is a list of tagged items in a canonical binary form. Its SHA-256 is the digest, and the same bytes,
//! kept, are what a later run compares with to say what changed: the two cannot drift apart. An item may stand for
//! another description (a *part*) by its digest, so that what many keys share is hashed and stored once.

mod compare;
mod covers;
mod description;
mod moved;
mod parts;
mod pool;

pub use compare::changes;
pub use covers::Coverer;
pub use description::{Description, FORMAT, Tag, items, references, sha256};
pub use parts::{Around, Covered, FileItem, Parts, StepFacts, files};
