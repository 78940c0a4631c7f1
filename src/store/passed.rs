//! The parts of a step that has succeeded: a list that is a blob itself. It knows nothing of why they need not run again.

use std::time::Duration;

use super::bytes::{Eye, Pen};
use super::records::{Blob, read_blob, write_blob};
use crate::model::Tests;

/// The first bytes of a list; the last is its version.
const HEAD: &[u8] = b"clc-part\x01";

/// A part of a step, such as a test executable, as it was when it passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its name.
    pub name: String,
    /// The member that it is of.
    pub member: String,
    /// How long it took.
    pub duration: Duration,
    /// What its tests came to.
    pub tests: Tests,
    /// What it printed.
    pub output: Option<Blob>,
}

impl Passed {
    /// The bytes of a list of them, for a blob.
    #[must_use]
    pub fn encode(list: &[Self]) -> Vec<u8> {
        let mut pen = Pen(HEAD.to_vec());
        pen.length(list.len());
        for Self { name, member, duration, tests, output } in list {
            pen.text(name);
            pen.text(member);
            pen.u64(duration.as_secs());
            pen.u32(duration.subsec_nanos());
            let Tests { passed, failed, ignored, filtered } = *tests;
            [passed, failed, ignored, filtered].into_iter().for_each(|number| pen.u32(number));
            pen.u8(output.is_some().into());
            output.iter().for_each(|blob| write_blob(&mut pen, blob));
        }
        pen.0
    }

    /// Reads a list back; `None` if the bytes are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Vec<Self>> {
        let mut eye = Eye(bytes.strip_prefix(HEAD)?);
        let count = eye.length()?;
        let list = (0..count).map(|_| passed(&mut eye)).collect::<Option<_>>()?;
        eye.0.is_empty().then_some(list)
    }
}

fn passed(eye: &mut Eye<'_>) -> Option<Passed> {
    let (name, member) = (eye.text()?.to_owned(), eye.text()?.to_owned());
    let duration = Duration::from_secs(eye.u64()?).checked_add(Duration::from_nanos(eye.u32()?.into()))?;
    let tests = Tests { passed: eye.u32()?, failed: eye.u32()?, ignored: eye.u32()?, filtered: eye.u32()? };
    let output = if eye.u8()? != 0 { Some(read_blob(eye)?) } else { None };
    Some(Passed { name, member, duration, tests, output })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    #[test]
    fn a_list_comes_back_and_nothing_else_does() {
        let passed = |name: &str, output| Passed {
            name: name.to_owned(),
            member: "é".to_owned(),
            duration: Duration::new(3, 7),
            tests: Tests { passed: 1, failed: 2, ignored: 3, filtered: 4 },
            output,
        };
        let list = vec![passed("a::it", Some(Blob { digest: Digest([7; 32]), size: 3 })), passed("a (doc)", None)];
        let good = Passed::encode(&list);
        assert_eq!(Passed::decode(&good), Some(list));
        for cut in 0..good.len() {
            assert_eq!(Passed::decode(&good[..cut]), None);
        }
        assert_eq!(Passed::decode(&[&good[..], b"x"].concat()), None);
    }
}
