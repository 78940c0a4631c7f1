//! Whether what comes back from the disk is what was written: XXH3 of 128 bits, which costs a tenth of SHA-256 and notices
//! whatever a disk or a power cut may do. It is no defence against anybody, and stands for no contents.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// The checksum of some bytes.
pub type Checksum = [u8; LENGTH];

/// How long one is.
pub const LENGTH: usize = 16;

/// That of these.
pub fn of(bytes: &[u8]) -> Checksum {
    xxh3_128(bytes).to_le_bytes()
}

/// That of these parts, one after the other.
pub fn of_parts(parts: &[impl AsRef<[u8]>]) -> Checksum {
    let mut checksum = Xxh3::new();
    parts.iter().for_each(|part| checksum.update(part.as_ref()));
    checksum.digest128().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_that_of_the_whole_and_other_bytes_have_another() {
        let bytes: Vec<u8> = (0..3000_u32).map(|number| (number / 7) as u8).collect();
        for length in [0, 1, 16, 200, 1000, 3000] {
            let whole = &bytes[..length];
            let (first, second) = whole.split_at(length / 3);
            assert_eq!(of(whole), of_parts(&[first, &[], second]));
            for place in 0..length {
                let mut other = whole.to_vec();
                other[place] ^= 1 << (place % 8);
                assert_ne!(of(whole), of(&other));
            }
            assert_ne!(of(whole), of(&[whole, &[0]].concat()));
        }
    }
}
