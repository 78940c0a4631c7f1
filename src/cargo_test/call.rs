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

    /// The bytes that stand for it.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = vec![match self.kind {
            CallKind::Executable => 0,
            CallKind::Doc => 1,
        }];
        let mut put = |text: &OsStr| {
            let text = to_bytes(text);
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text);
        };
        put(self.dir.as_os_str());
        put(OsStr::new(&self.triple));
        put(OsStr::new(&self.args.len().to_string()));
        self.args.iter().for_each(|argument| put(argument));
        for (name, value) in &self.env {
            put(name);
            put(value);
        }
        bytes
    }

    /// What the bytes stand for; `None` if they are not whole.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, mut rest) = bytes.split_first()?;
        let kind = match kind {
            0 => CallKind::Executable,
            1 => CallKind::Doc,
            _ => return None,
        };
        let mut take = || {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let (text, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            rest = after;
            Some(from_bytes(text))
        };
        let dir = take()?.into();
        let triple = take()?.into_string().ok()?;
        let count: usize = take()?.to_str()?.parse().ok()?;
        let args = (0..count).map(|_| take()).collect::<Option<_>>()?;
        let mut env = Vec::new();
        while let Some(name) = take() {
            env.push((name, take()?));
        }
        rest.is_empty().then_some(Self { kind, triple, args, dir, env })
    }
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
        let bytes = call.write();
        assert_eq!(Call::read(&bytes).as_ref(), Some(&call));
        let fewer = |call: Call| call.env.len() < 2 && call.args.len() == 3;
        for end in 0..bytes.len() {
            // Where a variable ends, only the next ones are missing: files are read when their writer has succeeded.
            assert!(Call::read(&bytes[..end]).is_none_or(fewer), "{end}");
        }
    }
}
