//! The form of git's index: the names in it, and nothing else of what it holds.

/// What an index says.
#[derive(Debug, Default)]
pub struct Index {
    /// The names, in its order. One that ends with a slash stands for all that is below it.
    pub names: Vec<Vec<u8>>,
    /// The digest of the one that it stands on.
    pub shared: Option<String>,
}

/// How long digests may be: SHA-1, SHA-256. An index does not say which it has.
const DIGESTS: [usize; 2] = [20, 32];

/// Reads what git writes in versions 2 to 4 (<https://git-scm.com/docs/index-format>); `None` for anything else.
pub fn parse(bytes: &[u8]) -> Option<Index> {
    DIGESTS.into_iter().find_map(|digest| parse_with(bytes, digest))
}

fn parse_with(bytes: &[u8], digest: usize) -> Option<Index> {
    let body = bytes.get(..bytes.len().checked_sub(digest)?)?;
    let mut rest = body.strip_prefix(b"DIRC")?;
    let (version, count) = (number(&mut rest)?, number(&mut rest)?);
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut index = Index::default();
    let mut name: Vec<u8> = Vec::new();
    for _ in 0..count {
        let entry = rest;
        // Two times, device, inode, mode, owner, group, size; then what is in it.
        rest = rest.get(40 + digest..)?;
        let flags = u16::from_be_bytes(take(&mut rest)?);
        if flags & EXTENDED != 0 {
            take::<2>(&mut rest)?;
        }
        if version == 4 {
            let cut = offset(&mut rest)?;
            name.truncate(name.len().checked_sub(cut)?);
        } else {
            name.clear();
        }
        let end = rest.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(rest.get(..end)?);
        if version == 4 {
            rest = rest.get(end + 1..)?;
        } else {
            // One zero at least, up to a multiple of eight.
            let length = entry.len() - rest.len() + end;
            rest = entry.get(length + 8 - length % 8..)?;
        }
        // One that stands for that of the shared index has no name.
        if !name.is_empty() {
            index.names.push(name.clone());
        }
    }
    while !rest.is_empty() {
        let kind: [u8; 4] = take(&mut rest)?;
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (extension, after) = rest.split_at_checked(length)?;
        rest = after;
        if kind == *b"link" {
            let shared = extension.get(..digest)?;
            let is_any = shared.iter().any(|byte| *byte != 0);
            index.shared = is_any.then(|| shared.iter().map(|byte| format!("{byte:02x}")).collect());
        } else if !kind[0].is_ascii_uppercase() && kind != *b"sdir" {
            // What cannot be passed by.
            return None;
        }
    }
    Some(index)
}

/// The flag of an entry that has more of them.
const EXTENDED: u16 = 0x4000;

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_be_bytes)
}

/// How many bytes of the name before are not in this one.
fn offset(rest: &mut &[u8]) -> Option<usize> {
    let [mut byte] = take(rest)?;
    let mut offset = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        [byte] = take(rest)?;
        offset = offset.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some(offset)
}
