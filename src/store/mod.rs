//! What is stored under keys: records of results, the outputs they name, and the descriptions that keys are the digests
//! of. It knows nothing of how a key comes about or what a description says.

mod blobs;
mod bounds;
mod bytes;
mod clear;
mod descriptions;
mod frame;
mod manifest;
mod passed;
mod records;
mod stats;
mod table;

pub use self::blobs::Blobs;
pub use self::bounds::Bounds;
pub use self::clear::clear;
pub use self::descriptions::{Descriptions, References};
pub use self::manifest::{Made, MadeKind, Manifest};
pub use self::passed::Passed;
pub use self::records::{Artifact, Blob, Record, Records, Uses};
pub use self::stats::stats;
