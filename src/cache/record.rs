//! How what is remembered stands in a file: hash of the file it is about, length, checksum, bytes.

use std::ops::Range;

use gix::ObjectId;

/// Bytes before what a record says.
pub(super) const HEAD: usize = 20 + 4 + 4;

/// The record that begins at `at`, if it is whole.
pub(super) fn read(bytes: &[u8], at: usize) -> Option<(ObjectId, Range<usize>)> {
    let head = bytes.get(at..at + HEAD)?;
    let number = |from: usize| head[from..from + 4].try_into().map(u32::from_le_bytes).ok();
    let says = at + HEAD..(at + HEAD).checked_add(usize::try_from(number(20)?).ok()?)?;
    let id = ObjectId::try_from(&head[..20]).ok()?;
    (checksum(&head[..20], bytes.get(says.clone())?) == number(24)?).then_some((id, says))
}

/// Adds a record, and returns where what it says stands.
pub(super) fn put(bytes: &mut Vec<u8>, id: &ObjectId, says: &[u8]) -> Option<Range<usize>> {
    let length = u32::try_from(says.len()).ok()?;
    let id = id.as_bytes();
    bytes.extend(id);
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(id, says).to_le_bytes());
    bytes.extend(says);
    Some(bytes.len() - says.len()..bytes.len())
}

pub(super) fn checksum(id: &[u8], says: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(id);
    hash.update(says);
    hash.finalize()
}
