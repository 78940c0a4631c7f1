//! The frame of a binary file: magic, version, body, SHA-256 of all before it. It knows nothing of the body.

use sha2::{Digest as _, Sha256};

use super::bytes::Eye;
use crate::home::Damage;

/// Which file it is, and in which format.
pub struct Frame {
    /// The first eight bytes.
    pub magic: &'static [u8; 8],
    /// The format of the body.
    pub version: u32,
}

const HEAD: usize = 12;
const TAIL: usize = 32;

impl Frame {
    /// The file with this body.
    pub fn seal(&self, body: &[u8]) -> Vec<u8> {
        let mut file = Vec::with_capacity(HEAD + body.len() + TAIL);
        file.extend(self.magic);
        file.extend(self.version.to_le_bytes());
        file.extend(body);
        file.extend(Sha256::digest(&file));
        file
    }

    /// The body of the file.
    pub fn open(&self, mut file: Vec<u8>) -> Result<Vec<u8>, Damage> {
        let mut head = Eye(&file);
        if head.take(self.magic.len()) != Some(self.magic) {
            // The start of our magic is a file of ours that was cut off.
            return Err(if self.magic.starts_with(&file) { Damage::Torn } else { Damage::Foreign });
        }
        let version = head.u32().ok_or(Damage::Torn)?;
        if version != self.version {
            return Err(Damage::Version(version));
        }
        let body_end = file.len().checked_sub(TAIL).filter(|end| *end >= HEAD).ok_or(Damage::Torn)?;
        let (sealed, checksum) = file.split_at(body_end);
        if Sha256::digest(sealed).as_slice() != checksum {
            return Err(Damage::Torn);
        }
        file.truncate(body_end);
        file.drain(..HEAD);
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame { magic: b"a frame\n", version: 7 };

    #[test]
    fn a_body_comes_back_and_nothing_else_does() {
        for body in [&b""[..], b"body"] {
            let file = FRAME.seal(body);
            assert_eq!(FRAME.open(file.clone()).unwrap(), body);
            for cut in 0..file.len() {
                assert!(matches!(FRAME.open(file[..cut].to_vec()), Err(Damage::Torn)), "cut at {cut}");
            }
            for index in 0..file.len() {
                for bit in 0..8 {
                    let mut bad = file.clone();
                    bad[index] ^= 1 << bit;
                    FRAME.open(bad).unwrap_err();
                }
            }
            let longer = [&file[..], b"x"].concat();
            assert!(matches!(FRAME.open(longer), Err(Damage::Torn)));
            assert!(matches!(Frame { version: 8, ..FRAME }.open(file.clone()), Err(Damage::Version(7))));
            assert!(matches!(Frame { magic: b"another\n", ..FRAME }.open(file), Err(Damage::Foreign)));
        }
    }
}
