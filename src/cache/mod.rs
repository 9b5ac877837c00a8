//! What was found out about a file, remembered by the hash of its bytes, so that a push of one file reads one
//! file.
//!
//! - It is never needed: what is missing, damaged or of another program is found out again.
//! - Several pushes at once, and one that is killed while it writes, lose at most what they would have added:
//!   records have checksums, and only one process writes at a time.
//! - It does not grow for ever: where most of it is no longer asked for, it is written anew without that.
//! - Of a large one only what is asked for is read: an index says where that stands.

mod index;
mod record;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    rc::Rc,
    time::SystemTime,
};

use gix::{ObjectId, hashtable::HashMap};

use self::{index::Index, record::HEAD};
use crate::{files::make_folder, record::Lock};

/// The largest cache that is read or written, in bytes.
const MAX_SIZE: usize = 64 << 20;
/// A cache of fewer bytes is not written anew to become smaller.
const SMALL: usize = 1 << 20;
/// With more bytes behind what the index knows it is written anew.
const UNKNOWN: usize = 128 << 10;
/// So many bytes are read at once: what is asked for together was mostly written together.
const WINDOW: usize = 64 << 10;
/// What it begins with, before the program that wrote it and when that began it.
const MAGIC: &[u8; 16] = b"instate cache 2\n";
const PROGRAM: usize = 32;
const BEGINS: usize = MAGIC.len() + PROGRAM + 16;

/// What a file says, by the hash of its bytes.
pub struct Cache {
    /// Where it is kept; nowhere, where there is no repository to keep it in.
    state: Option<PathBuf>,
    name: String,
    log: Option<Log>,
    /// Records that were asked for; those that were not are what an older revision needed.
    asked: RefCell<BTreeMap<ObjectId, Range<usize>>>,
}

impl Cache {
    /// Opens the cache `name` in the state folder of a repository; an empty one where it cannot be read, or where
    /// another program wrote it.
    #[must_use]
    pub fn open(state: &Path, name: &str) -> Self {
        let log = Log::open(&state.join("cache").join(name));
        Self { state: Some(state.to_owned()), name: name.to_owned(), log, ..Self::none() }
    }

    /// One that has nothing and keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { state: None, name: String::new(), log: None, asked: RefCell::default() }
    }

    /// What the file says.
    #[must_use]
    pub fn find(&self, file: &ObjectId) -> Option<Rc<[u8]>> {
        let log = self.log.as_ref()?;
        let at = log.place(file)?;
        let says = log.read(file, &at)?;
        self.asked.borrow_mut().insert(*file, at);
        Some(says)
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
        let path = folder.join(&self.name);
        let Some(log) = &self.log else { return self.renew(&path, found) };
        let used: usize = self.asked.borrow().values().map(|at| at.len() + HEAD).sum();
        let new: usize = found.iter().map(|(_, says)| says.len() + HEAD).sum();
        let is_old = asked_all && log.good > SMALL && log.good / 2 > used;
        if is_old || log.good + new > MAX_SIZE { self.renew(&path, found) } else { log.append(&path, found) }
    }

    /// Writes only what is still asked for, and what is new.
    fn renew(&self, path: &Path, found: &[(ObjectId, &[u8])]) -> Option<()> {
        let begins = begins();
        let (mut all, mut places) = (begins.clone(), BTreeMap::new());
        for (id, at) in self.asked.borrow().iter() {
            if let Some(says) = self.log.as_ref().and_then(|log| log.read(id, at)) {
                places.insert(*id, record::put(&mut all, id, &says)?);
            }
        }
        for (id, says) in found {
            places.insert(*id, record::put(&mut all, id, says)?);
        }
        if all.len() > MAX_SIZE {
            all.truncate(begins.len());
            places.clear();
        }
        replace(path, &all)?;
        replace(&index_of(path), &Index::write(&begins, all.len(), &places))
    }
}

/// The file of a cache: records one behind the other.
struct Log {
    file: File,
    begins: Vec<u8>,
    /// How many bytes it has.
    length: usize,
    /// How many of them are records, as far as is known.
    good: usize,
    index: Index,
    /// Where records stand that the index does not know.
    since: HashMap<ObjectId, Range<usize>>,
    /// What was read last, and where it begins.
    window: RefCell<(usize, Vec<u8>)>,
}

impl Log {
    fn open(path: &Path) -> Option<Self> {
        let (mut file, length) = open(path)?;
        let mut begins = vec![0; BEGINS];
        file.read_exact(&mut begins).ok()?;
        if begins[..MAGIC.len()] != *MAGIC || begins[MAGIC.len()..][..PROGRAM] != program() {
            return None;
        }
        let index = read_whole(&index_of(path)).and_then(|bytes| Index::read(&bytes, &begins));
        let index = index.filter(|index| index.covers <= length);
        let index = index.unwrap_or_else(|| Index::none(BEGINS));
        let (mut rest, mut since) = (vec![0; length.checked_sub(index.covers)?], HashMap::default());
        file.read_exact_at(&mut rest, index.covers as u64).ok()?;
        let mut good = 0;
        // The first that is not whole ends what is known.
        while let Some((id, says)) = record::read(&rest, good) {
            good = says.end;
            since.insert(id, index.covers + says.start..index.covers + says.end);
        }
        good += index.covers;
        Some(Self { file, begins, length, good, index, since, window: RefCell::default() })
    }

    fn place(&self, id: &ObjectId) -> Option<Range<usize>> {
        self.since.get(id).cloned().or_else(|| self.index.find(id))
    }

    /// What the record of `id` says, if it stands there and is whole.
    fn read(&self, id: &ObjectId, says: &Range<usize>) -> Option<Rc<[u8]>> {
        let from = says.start.checked_sub(HEAD)?;
        let mut window = self.window.borrow_mut();
        let (begins, bytes) = &mut *window;
        if from < *begins || *begins + bytes.len() < says.end {
            let until = says.end.max(from + WINDOW).min(self.good);
            bytes.resize(until.checked_sub(from)?, 0);
            *begins = from;
            self.file.read_exact_at(bytes, from as u64).ok()?;
        }
        let (found, at) = record::read(bytes, from - *begins)?;
        (found == *id).then(|| bytes[at].into())
    }

    fn append(&self, path: &Path, found: &[(ObjectId, &[u8])]) -> Option<()> {
        let mut file = OpenOptions::new().write(true).custom_flags(no_link()).open(path).ok()?;
        let (now, was) = (file.metadata().ok()?, self.file.metadata().ok()?);
        if now.ino() != was.ino() || now.len() != self.length as u64 {
            // Somebody was quicker, and what was read is not what is there.
            return None;
        }
        let (mut new, mut places) = (Vec::new(), Vec::new());
        for (id, says) in found {
            let at = record::put(&mut new, id, says)?;
            places.push((*id, self.good + at.start..self.good + at.end));
        }
        file.set_len(self.good as u64).ok()?;
        file.seek(SeekFrom::End(0)).ok()?;
        file.write_all(&new).ok()?;
        let covers = self.good + new.len();
        if covers - self.index.covers > UNKNOWN {
            let since = self.since.iter().map(|(id, at)| (*id, at.clone()));
            let places = self.index.places().chain(since).chain(places).collect();
            replace(&index_of(path), &Index::write(&self.begins, covers, &places))?;
        }
        Some(())
    }
}

/// What a new cache begins with.
fn begins() -> Vec<u8> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    let stamp = now ^ (u128::from(std::process::id()) << 96);
    [MAGIC, program().as_slice(), &stamp.to_le_bytes()].concat()
}

/// Which program this is: another one may find something else in the same file.
fn program() -> [u8; PROGRAM] {
    let file = std::env::current_exe().and_then(fs::metadata);
    let file = file.map(|file| {
        [file.ino(), file.size(), file.mtime().cast_unsigned(), file.mtime_nsec().cast_unsigned()]
    });
    let mut program = [0; PROGRAM];
    let words = file.unwrap_or_default();
    program.as_chunks_mut::<8>().0.iter_mut().zip(words).for_each(|(at, word)| *at = word.to_le_bytes());
    program
}

fn no_link() -> i32 {
    i32::try_from((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits()).unwrap_or_default()
}

fn index_of(path: &Path) -> PathBuf {
    with_ending(path, ".index")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A file that may be read, and how many bytes it has.
fn open(path: &Path) -> Option<(File, usize)> {
    let file = OpenOptions::new().read(true).custom_flags(no_link()).open(path).ok()?;
    let found = file.metadata().ok()?;
    let size = usize::try_from(found.len()).ok().filter(|size| *size <= MAX_SIZE && found.is_file())?;
    Some((file, size))
}

fn read_whole(path: &Path) -> Option<Vec<u8>> {
    let (file, size) = open(path)?;
    let mut bytes = Vec::with_capacity(size);
    file.take(MAX_SIZE as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> Option<()> {
    let next = with_ending(path, ".new");
    let _ = fs::remove_file(&next);
    File::create_new(&next).and_then(|mut file| file.write_all(bytes)).ok()?;
    if path.is_dir() {
        fs::remove_dir_all(path).ok()?;
    }
    fs::rename(&next, path).ok()
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

    fn says(cache: &Cache, n: u8) -> Option<Rc<[u8]>> {
        cache.find(&id(n))
    }

    fn size(state: &tempfile::TempDir) -> u64 {
        fs::metadata(state.path().join("cache/a")).expect("it is there").len()
    }

    #[test]
    fn what_was_added_is_found_again() {
        let state = state();
        Cache::open(state.path(), "a").add(&[(id(1), b"one")]);
        Cache::open(state.path(), "a").add(&[(id(2), b"two"), (id(1), b"other")]);
        let cache = Cache::open(state.path(), "a");
        assert_eq!(says(&cache, 1).as_deref(), Some(&b"other"[..]));
        assert_eq!(says(&cache, 2).as_deref(), Some(&b"two"[..]));
        assert_eq!(says(&cache, 3), None);
    }

    #[test]
    fn of_a_large_one_only_what_is_asked_for_is_read() {
        let state = state();
        let large = vec![7; SMALL];
        Cache::open(state.path(), "a").add(&[(id(1), &large), (id(2), b"two"), (id(3), &large)]);
        // What was added since, too little for the index to be written anew.
        Cache::open(state.path(), "a").add_some(&[(id(4), b"four")]);
        let cache = Cache::open(state.path(), "a");
        assert_eq!(says(&cache, 2).as_deref(), Some(&b"two"[..]));
        assert_eq!(says(&cache, 4).as_deref(), Some(&b"four"[..]));
        let log = cache.log.as_ref().expect("it was written");
        assert_eq!((log.since.len(), log.window.borrow().1.len()), (1, HEAD + 4));
        // So much was added that it is.
        cache.add_some(&[(id(5), &vec![5; UNKNOWN])]);
        let cache = Cache::open(state.path(), "a");
        assert_eq!(cache.log.as_ref().expect("it was written").since.len(), 0);
        assert!((1..6).all(|n| says(&cache, n).is_some()));
    }

    #[test]
    fn what_nobody_asks_for_any_more_goes() {
        let state = state();
        let large = vec![7; SMALL];
        Cache::open(state.path(), "a").add(&[(id(1), &large), (id(2), &large), (id(3), b"three")]);
        let cache = Cache::open(state.path(), "a");
        assert!(cache.find(&id(3)).is_some());
        cache.add(&[(id(4), b"four")]);
        assert!(size(&state) < 200, "{}", size(&state));
        let cache = Cache::open(state.path(), "a");
        assert_eq!(says(&cache, 3).as_deref(), Some(&b"three"[..]));
        assert_eq!(says(&cache, 4).as_deref(), Some(&b"four"[..]));
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
            assert_eq!(says(&cache, 1).as_deref(), Some(&b"one"[..]));
        }
        assert_eq!(fs::read(&other).expect("it is there"), b"not ours");
    }

    proptest! {
        #[test]
        fn damage_loses_records_and_never_changes_one(
            of_index in any::<bool>(), at in 0usize..250, with in any::<u8>(), cut in 0usize..250,
        ) {
            let state = state();
            let written: Vec<(ObjectId, Vec<u8>)> = (1..6).map(|n| (id(n), vec![n; 10 + usize::from(n)])).collect();
            let borrowed: Vec<(ObjectId, &[u8])> = written.iter().map(|(id, says)| (*id, says.as_slice())).collect();
            Cache::open(state.path(), "a").add(&borrowed);
            let path = state.path().join(if of_index { "cache/a.index" } else { "cache/a" });
            let mut bytes = fs::read(&path).expect("it is there");
            if let Some(byte) = bytes.get_mut(at) { *byte = with; }
            bytes.truncate(bytes.len().saturating_sub(cut));
            fs::write(&path, &bytes).expect("there is room");
            let cache = Cache::open(state.path(), "a");
            for (n, (_, was)) in (1u8..).zip(&written) {
                prop_assert!(says(&cache, n).is_none_or(|now| *now == **was));
            }
            // And what is added behind it is found.
            cache.add(&[(id(9), b"nine")]);
            let cache = Cache::open(state.path(), "a");
            let nine = says(&cache, 9);
            prop_assert_eq!(nine.as_deref(), Some(&b"nine"[..]));
        }
    }
}
