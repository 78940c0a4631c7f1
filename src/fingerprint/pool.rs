//! Descriptions by their digests. Shared by all threads, which rarely meet in it. It does not know what they describe.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::model::Digest;

/// As many as there may be threads that ask at the same moment.
pub const SHARDS: usize = 16;

/// All descriptions.
#[derive(Debug, Default)]
pub struct Pool([RwLock<Shard>; SHARDS]);

type Shard = HashMap<Digest, Vec<u8>, BuildHasherDefault<First>>;

/// All descriptions, for as long as they are borrowed.
pub struct Lent<'a>(Vec<RwLockReadGuard<'a, Shard>>);

impl Pool {
    /// Keeps a description.
    pub fn keep(&self, digest: Digest, bytes: Vec<u8>) {
        write(&self.0[shard_of(&digest)]).entry(digest).or_insert(bytes);
    }

    /// Lends all of them.
    pub fn lend(&self) -> Lent<'_> {
        Lent(self.0.iter().map(read).collect())
    }
}

impl Lent<'_> {
    /// The bytes of the description of this digest.
    pub fn bytes(&self, digest: &Digest) -> Option<&[u8]> {
        self.0.get(shard_of(digest))?.get(digest).map(Vec::as_slice)
    }
}

/// By another byte than those that tell digests apart in a shard.
fn shard_of(digest: &Digest) -> usize {
    usize::from(digest.0[31]) % SHARDS
}

/// A digest is its own hash.
#[derive(Default)]
struct First(u64);

impl Hasher for First {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
    }

    /// The length of a digest says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A panic leaves no entry half made.
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Likewise.
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
