//! Numbers, digests and texts to bytes and back; it knows nothing of what they stand for.

use crate::model::Digest;

/// Bytes being written. Numbers are little-endian, texts have their length before them.
#[derive(Default)]
pub struct Pen(pub Vec<u8>);

impl Pen {
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.0.extend(value.to_le_bytes());
    }

    pub fn length(&mut self, value: usize) {
        self.u64(value as u64);
    }

    pub fn digest(&mut self, digest: &Digest) {
        self.0.extend(digest.0);
    }

    pub fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend(text.as_bytes());
    }
}

/// Bytes being read from the front. Every read is `None` when they do not hold what is asked for.
#[derive(Clone, Copy)]
pub struct Eye<'a>(pub &'a [u8]);

impl<'a> Eye<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub fn length(&mut self) -> Option<usize> {
        usize::try_from(self.u64()?).ok()
    }

    pub fn digest(&mut self) -> Option<Digest> {
        self.array().map(Digest)
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).ok()
    }
}
