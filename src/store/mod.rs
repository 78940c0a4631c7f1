//! What is stored under keys: records of results, the outputs they name, and the descriptions that keys are the digests
//! of. It knows nothing of how a key comes about or what a description says.

mod blobs;
mod bytes;
mod descriptions;
mod frame;
mod manifest;
mod records;
mod table;

pub use self::blobs::Blobs;
pub use self::descriptions::{Descriptions, References};
pub use self::manifest::{Made, MadeKind, Manifest};
pub use self::records::{Artifact, Bounds, Record, Records};
