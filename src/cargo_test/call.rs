//! A program as cargo would have started it, in the form in which one process tells another.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// A program that cargo would have run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What sort of tests it runs.
    pub kind: CallKind,
    /// What it was built for.
    pub triple: String,
    /// Its arguments; of a test executable, its path comes first.
    pub args: Vec<OsString>,
    /// The folder it would have run in.
    pub dir: PathBuf,
    /// Its whole environment, in order.
    pub env: Vec<(OsString, OsString)>,
}

/// What sort of tests a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// It is a test executable.
    Executable,
    /// It is rustdoc, for the documentation tests of a library.
    Doc,
}

impl Call {
    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// The bytes that stand for it: each text behind its length, and all of that behind the length of all.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = vec![match self.kind {
            CallKind::Executable => 0,
            CallKind::Doc => 1,
        }];
        let count = OsString::from(self.args.len().to_string());
        let variables = self.env.iter().flat_map(|(name, value)| [name, value]);
        let head = [self.dir.as_os_str(), OsStr::new(&self.triple), &count];
        for text in head.into_iter().chain(self.args.iter().chain(variables).map(OsString::as_os_str)) {
            put(&mut bytes, &to_bytes(text));
        }
        let mut whole = Vec::with_capacity(bytes.len() + 8);
        put(&mut whole, &bytes);
        whole
    }

    /// What bytes stand for, one call behind the other; `None` if one is not whole.
    pub fn read_all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut calls = Vec::new();
        while !bytes.is_empty() {
            calls.push(Self::read(take(&mut bytes)?)?);
        }
        Some(calls)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, mut rest) = bytes.split_first()?;
        let kind = match kind {
            0 => CallKind::Executable,
            1 => CallKind::Doc,
            _ => return None,
        };
        let mut text = || take(&mut rest).map(from_bytes);
        let dir = text()?.into();
        let triple = text()?.into_string().ok()?;
        let count: usize = text()?.to_str()?.parse().ok()?;
        let args = (0..count).map(|_| text()).collect::<Option<_>>()?;
        let mut env = Vec::new();
        while let Some(name) = text() {
            env.push((name, text()?));
        }
        rest.is_empty().then_some(Self { kind, triple, args, dir, env })
    }
}

fn put(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend((bytes.len() as u64).to_le_bytes());
    into.extend(bytes);
}

/// Takes what [`put`] has put first.
fn take<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = bytes.split_first_chunk::<8>()?;
    let (taken, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *bytes = after;
    Some(taken)
}

#[cfg(unix)]
fn to_bytes(text: &OsStr) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(text).to_vec()
}

#[cfg(unix)]
fn from_bytes(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(windows)]
fn to_bytes(text: &OsStr) -> Vec<u8> {
    std::os::windows::ffi::OsStrExt::encode_wide(text).flat_map(u16::to_le_bytes).collect()
}

#[cfg(windows)]
fn from_bytes(bytes: &[u8]) -> OsString {
    let wide: Vec<u16> = bytes.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    std::os::windows::ffi::OsStringExt::from_wide(&wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_comes_back_whole_or_not_at_all() {
        let odd = from_bytes(b"\xff\0\n");
        let call = Call {
            kind: CallKind::Doc,
            triple: "t".to_owned(),
            args: vec!["--test".into(), "".into(), odd.clone()],
            dir: "/a b".into(),
            env: vec![("A".into(), odd), ("B".into(), "".into())],
        };
        let bytes = [call.write(), call.write()].concat();
        assert_eq!(Call::read_all(&bytes), Some(vec![call.clone(), call.clone()]));
        for end in 1..bytes.len() {
            let is_between = end * 2 == bytes.len();
            assert_eq!(Call::read_all(&bytes[..end]).is_some(), is_between, "{end}");
        }
        assert_eq!(Call::read_all(b""), Some(Vec::new()));
    }
}
