//! What was found out about a file, remembered by the hash of its bytes, so that a push of one file reads one
//! file.
//!
//! - It is never needed: what is missing, damaged or of another program is found out again.
//! - Several pushes at once, and one that is killed while it writes, lose at most what they would have added:
//!   records have checksums, the first that is wrong ends the file, and only one process writes at a time.
//! - It does not grow for ever: where most of it is no longer asked for, it is written anew without that.

use std::{
    cell::Cell,
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    ops::Range,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    rc::Rc,
};

use gix::{ObjectId, hashtable::HashMap};

use crate::{files::make_folder, record::Lock};

/// The largest cache that is read or written, in bytes.
const MAX_SIZE: usize = 64 << 20;
/// A cache of fewer bytes is not written anew to become smaller.
const SMALL: usize = 1 << 20;
/// What it begins with, before the program that wrote it.
const MAGIC: &[u8; 16] = b"instate cache 1\n";
/// Hash of the file, length, checksum.
const HEAD: usize = 20 + 4 + 4;

/// What a file says, by the hash of its bytes.
pub struct Cache {
    /// Where it is kept; nowhere, where there is no repository to keep it in.
    state: Option<PathBuf>,
    name: String,
    begins: Vec<u8>,
    bytes: Rc<Vec<u8>>,
    /// How many bytes of it are whole records.
    good: usize,
    entries: HashMap<ObjectId, Entry>,
}

struct Entry {
    says: Range<usize>,
    /// Whether it was asked for; what was not is what an older revision needed.
    asked: Cell<bool>,
}

impl Cache {
    /// Reads the cache `name` in the state folder of a repository; an empty one where it cannot be read, or where
    /// another program wrote it.
    #[must_use]
    pub fn open(state: &Path, name: &str) -> Self {
        let begins = [MAGIC, program().as_slice()].concat();
        let bytes = Rc::new(read(&state.join("cache").join(name)).unwrap_or_default());
        let mut cache =
            Self { state: Some(state.to_owned()), name: name.to_owned(), begins, bytes, ..Self::none() };
        cache.index();
        cache
    }

    /// One that has nothing and keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            state: None,
            name: String::new(),
            begins: Vec::new(),
            bytes: Rc::default(),
            good: 0,
            entries: HashMap::default(),
        }
    }

    fn index(&mut self) {
        if !self.bytes.starts_with(&self.begins) {
            return;
        }
        self.good = self.begins.len();
        while let Some((id, says)) = record(&self.bytes, self.good) {
            self.good = says.end;
            self.entries.insert(id, Entry { says, asked: Cell::new(false) });
        }
    }

    /// Where in [`Cache::bytes`] stands what the file says.
    #[must_use]
    pub fn find(&self, file: &ObjectId) -> Option<Range<usize>> {
        let found = self.entries.get(file)?;
        found.asked.set(true);
        Some(found.says.clone())
    }

    /// Everything that was read.
    #[must_use]
    pub fn bytes(&self) -> &Rc<Vec<u8>> {
        &self.bytes
    }

    /// Adds what was found out. Where that is not possible, or somebody else writes, it is found out again.
    pub fn add(&self, found: &[(ObjectId, &[u8])]) {
        // Not worth a word: nothing depends on it.
        let _ = self.write(found, true);
    }

    /// As [`Cache::add`], where not all was asked for that is still needed.
    pub fn add_some(&self, found: &[(ObjectId, &[u8])]) {
        let _ = self.write(found, false);
    }

    fn write(&self, found: &[(ObjectId, &[u8])], asked_all: bool) -> Option<()> {
        if found.is_empty() {
            return None;
        }
        let state = self.state.as_ref()?;
        let folder = state.join("cache");
        make_folder(&folder).ok()?;
        let _alone = Lock::try_acquire(state, &format!("cache-{}", self.name)).ok()??;
        let asked: Vec<&Range<usize>> =
            self.entries.values().filter(|entry| entry.asked.get()).map(|entry| &entry.says).collect();
        let used: usize = asked.iter().map(|says| says.len() + HEAD).sum();
        let mut new = Vec::new();
        for (id, says) in found {
            put(&mut new, id, says);
        }
        let is_old = asked_all && self.good > SMALL && self.good / 2 > used;
        if self.good == 0 || is_old || self.good + new.len() > MAX_SIZE {
            return self.renew(&folder, &asked, &new);
        }
        let mut file =
            OpenOptions::new().write(true).custom_flags(no_link()).open(folder.join(&self.name)).ok()?;
        if file.metadata().ok()?.len() != self.bytes.len() as u64 {
            // Somebody was quicker, and what was read is not what is there.
            return None;
        }
        file.set_len(self.good as u64).ok()?;
        file.seek(SeekFrom::End(0)).ok()?;
        file.write_all(&new).ok()
    }

    /// Writes only what is still asked for, and what is new.
    fn renew(&self, folder: &Path, asked: &[&Range<usize>], new: &[u8]) -> Option<()> {
        let mut all = self.begins.clone();
        for says in asked {
            all.extend(&self.bytes[says.start - HEAD..says.end]);
        }
        all.extend(new);
        if all.len() > MAX_SIZE {
            all.truncate(self.begins.len());
        }
        let (path, next) = (folder.join(&self.name), folder.join(format!("{}.new", self.name)));
        let _ = fs::remove_file(&next);
        File::create_new(&next).and_then(|mut file| file.write_all(&all)).ok()?;
        if path.is_dir() {
            fs::remove_dir_all(&path).ok()?;
        }
        fs::rename(&next, &path).ok()
    }
}

/// Which program this is: another one may find something else in the same file.
fn program() -> Vec<u8> {
    let file = std::env::current_exe().and_then(fs::metadata);
    let file = file.map(|file| {
        [file.ino(), file.size(), file.mtime().cast_unsigned(), file.mtime_nsec().cast_unsigned()]
    });
    file.unwrap_or_default().into_iter().flat_map(u64::to_le_bytes).collect()
}

fn no_link() -> i32 {
    i32::try_from((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits()).unwrap_or_default()
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(no_link()).open(path).ok()?;
    let found = file.metadata().ok()?;
    let size = usize::try_from(found.len()).ok().filter(|size| *size <= MAX_SIZE && found.is_file())?;
    let mut bytes = Vec::with_capacity(size);
    file.take(MAX_SIZE as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The record that begins at `at`, if it is whole.
fn record(bytes: &[u8], at: usize) -> Option<(ObjectId, Range<usize>)> {
    let head = bytes.get(at..at + HEAD)?;
    let number = |from: usize| head[from..from + 4].try_into().map(u32::from_le_bytes).ok();
    let says = at + HEAD..(at + HEAD).checked_add(usize::try_from(number(20)?).ok()?)?;
    let id = ObjectId::try_from(&head[..20]).ok()?;
    (checksum(&head[..20], bytes.get(says.clone())?) == number(24)?).then_some((id, says))
}

fn put(bytes: &mut Vec<u8>, id: &ObjectId, says: &[u8]) {
    let Ok(length) = u32::try_from(says.len()) else { return };
    let id = id.as_bytes();
    bytes.extend(id);
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(id, says).to_le_bytes());
    bytes.extend(says);
}

fn checksum(id: &[u8], says: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(id);
    hash.update(says);
    hash.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::Sha1([n; 20])
    }

    fn state() -> tempfile::TempDir {
        tempfile::tempdir().expect("there is room")
    }

    fn says(cache: &Cache, n: u8) -> Option<&[u8]> {
        cache.find(&id(n)).map(|range| &cache.bytes()[range])
    }

    #[test]
    fn what_was_added_is_found_again() {
        let state = state();
        Cache::open(state.path(), "a").add(&[(id(1), b"one")]);
        Cache::open(state.path(), "a").add(&[(id(2), b"two"), (id(1), b"other")]);
        let cache = Cache::open(state.path(), "a");
        assert_eq!((says(&cache, 1), says(&cache, 2)), (Some(&b"other"[..]), Some(&b"two"[..])));
        assert_eq!(says(&cache, 3), None);
    }

    #[test]
    fn what_nobody_asks_for_any_more_goes() {
        let state = state();
        let large = vec![7; SMALL];
        Cache::open(state.path(), "a").add(&[(id(1), &large), (id(2), &large), (id(3), b"three")]);
        let cache = Cache::open(state.path(), "a");
        assert!(cache.find(&id(3)).is_some());
        cache.add(&[(id(4), b"four")]);
        let cache = Cache::open(state.path(), "a");
        assert!(cache.bytes().len() < 200, "{}", cache.bytes().len());
        assert_eq!((says(&cache, 3), says(&cache, 4)), (Some(&b"three"[..]), Some(&b"four"[..])));
    }

    #[test]
    fn a_link_or_a_folder_in_its_place_is_not_followed_and_not_an_obstacle() {
        let state = state();
        let other = state.path().join("other");
        fs::write(&other, b"not ours").expect("there is room");
        fs::create_dir(state.path().join("cache")).expect("there is room");
        std::os::unix::fs::symlink(&other, state.path().join("cache/a")).expect("there is room");
        fs::create_dir(state.path().join("cache/b")).expect("there is room");
        for name in ["a", "b"] {
            Cache::open(state.path(), name).add(&[(id(1), b"one")]);
            let cache = Cache::open(state.path(), name);
            assert_eq!(says(&cache, 1), Some(&b"one"[..]));
        }
        assert_eq!(fs::read(&other).expect("it is there"), b"not ours");
    }

    proptest! {
        #[test]
        fn damage_loses_records_and_never_changes_one(at in 0usize..200, with in any::<u8>(), cut in 0usize..200) {
            let state = state();
            let written: Vec<(ObjectId, Vec<u8>)> = (1..6).map(|n| (id(n), vec![n; 10 + usize::from(n)])).collect();
            let borrowed: Vec<(ObjectId, &[u8])> = written.iter().map(|(id, says)| (*id, says.as_slice())).collect();
            Cache::open(state.path(), "a").add(&borrowed);
            let path = state.path().join("cache/a");
            let mut bytes = fs::read(&path).expect("it is there");
            if let Some(byte) = bytes.get_mut(at) { *byte = with; }
            bytes.truncate(bytes.len().saturating_sub(cut));
            fs::write(&path, &bytes).expect("there is room");
            let cache = Cache::open(state.path(), "a");
            for (n, (_, was)) in (1u8..).zip(&written) {
                prop_assert!(says(&cache, n).is_none_or(|now| now == was));
            }
            // And what is added behind it is found.
            cache.add(&[(id(9), b"nine")]);
            let cache = Cache::open(state.path(), "a");
            prop_assert_eq!(says(&cache, 9), Some(&b"nine"[..]));
        }
    }
}
