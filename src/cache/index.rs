//! Where the records of a cache stand, sorted by hash, in a file of its own: so that of a cache is read what is
//! asked for, and behind what the index knows, what was added since.

use std::{collections::BTreeMap, ops::Range};

use gix::ObjectId;

use super::record::checksum;

/// Hash, place, length.
const ENTRY: usize = 20 + 4 + 4;

/// The index of a cache up to some byte.
pub(super) struct Index {
    /// So many bytes of the cache it knows.
    pub covers: usize,
    /// One behind the other.
    entries: Vec<u8>,
}

impl Index {
    /// One that knows of no record in so many bytes.
    pub fn none(covers: usize) -> Self {
        Self { covers, entries: Vec::new() }
    }

    /// Reads an index of the cache that begins with `begins`. `None` where it is damaged or of another.
    pub fn read(bytes: &[u8], begins: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(begins)?;
        let (covers, rest) = rest.split_first_chunk()?;
        let (entries, sum) = rest.split_last_chunk()?;
        let is_whole = checksum(covers, entries) == u32::from_le_bytes(*sum) && entries.len() % ENTRY == 0;
        let covers = usize::try_from(u64::from_le_bytes(*covers)).ok()?;
        is_whole.then(|| Self { covers, entries: entries.to_vec() })
    }

    /// One that is written, of places in a cache that begins with `begins`.
    pub fn write(begins: &[u8], covers: usize, places: &BTreeMap<ObjectId, Range<usize>>) -> Vec<u8> {
        let covers = (covers as u64).to_le_bytes();
        let mut entries = Vec::with_capacity(places.len() * ENTRY);
        for (id, says) in places {
            let (Ok(at), Ok(length)) = (u32::try_from(says.start), u32::try_from(says.len())) else {
                continue;
            };
            entries.extend(id.as_bytes());
            entries.extend(at.to_le_bytes());
            entries.extend(length.to_le_bytes());
        }
        let sum = checksum(&covers, &entries).to_le_bytes();
        [begins, &covers, &entries, &sum].concat()
    }

    /// Where it says that the record of `id` stands.
    pub fn find(&self, id: &ObjectId) -> Option<Range<usize>> {
        let (entries, _) = self.entries.as_chunks::<ENTRY>();
        let at = entries.binary_search_by(|entry| entry[..20].cmp(id.as_bytes())).ok()?;
        Some(place(&entries[at]).1)
    }

    pub fn places(&self) -> impl Iterator<Item = (ObjectId, Range<usize>)> {
        self.entries.as_chunks::<ENTRY>().0.iter().map(place)
    }
}

fn place(entry: &[u8; ENTRY]) -> (ObjectId, Range<usize>) {
    let number = |from: usize| {
        let bytes = [entry[from], entry[from + 1], entry[from + 2], entry[from + 3]];
        u32::from_le_bytes(bytes) as usize
    };
    let at = number(20);
    (ObjectId::from_bytes_or_panic(&entry[..20]), at..at.saturating_add(number(24)))
}
