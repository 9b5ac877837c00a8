//! The journal: a file of lines, each with its checksum, appended under a kernel lock and on the disk
//! before anybody relies on it.
//!
//! A crash can leave a torn last line. It was never relied on, so it is set aside and the journal goes on
//! before it. A line that is damaged before good ones is something else: what followed from it cannot be
//! known, so nothing is accepted until a person has looked.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{Entry, State, lock::Lock};
use crate::{
    error::{Doing, Error, Result},
    files::{replace, sync_folder},
    point,
};

/// From this size on, in bytes, the journal is rewritten without what has ended and is recorded.
const COMPACT_FROM: u64 = 256 << 10;

/// The journal of one repository.
pub struct Journal {
    folder: PathBuf,
}

/// What a journal's bytes hold.
struct Contents {
    entries: Vec<Entry>,
    /// The bytes up to here are good; a torn line may follow.
    good: usize,
}

impl Journal {
    /// The journal in the state folder `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// Everything that is remembered.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged before its end.
    pub fn state(&self) -> Result<State> {
        let _lock = self.lock()?;
        Ok(State::replay(self.contents(&self.bytes()?)?.entries))
    }

    /// Everything that is remembered, without the lock, which is a file to be written: what is being added at this
    /// moment may be missing.
    ///
    /// # Errors
    /// As [`Journal::state`].
    pub fn glance(&self) -> Result<State> {
        Ok(State::replay(self.contents(&self.bytes()?)?.entries))
    }

    /// Adds entries, all or none, and returns when they are on the disk.
    ///
    /// # Errors
    /// They are not in the journal: the disk is full, or the journal is damaged.
    pub fn append(&self, entries: &[Entry]) -> Result<()> {
        self.append_if(entries, || Ok(true)).map(drop)
    }

    /// As [`Journal::append`], if `holds` says so; nobody else adds an entry between its look and these.
    ///
    /// # Errors
    /// As [`Journal::append`], and what `holds` says.
    pub fn append_if(&self, entries: &[Entry], holds: impl FnOnce() -> Result<bool>) -> Result<bool> {
        let _lock = self.lock()?;
        if !holds()? {
            return Ok(false);
        }
        let path = self.path();
        let bytes = self.bytes()?;
        let contents = self.contents(&bytes)?;
        if contents.good < bytes.len() {
            self.set_aside(&bytes[contents.good..])?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .doing("open the journal", &path)?;
        let written = append(&mut file, contents.good as u64, &lines(entries)?);
        written.doing("write the journal", &path)?;
        if bytes.is_empty() {
            sync_folder(&self.folder)?;
        }
        point::reach("journal-appended");
        Ok(true)
    }

    /// Rewrites a journal that has grown, without what nobody needs any more.
    ///
    /// # Errors
    /// As [`Journal::append`]; the old journal stays.
    pub fn compact(&self) -> Result<()> {
        let _lock = self.lock()?;
        let path = self.path();
        if fs::metadata(&path).map_or(0, |m| m.len()) < COMPACT_FROM {
            return Ok(());
        }
        let kept = State::replay(self.contents(&self.bytes()?)?.entries).into_entries();
        replace(&path, &lines(&kept)?)?;
        sync_folder(&self.folder)
    }

    fn lock(&self) -> Result<Lock> {
        Lock::acquire(&self.folder, "journal")
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        match fs::read(self.path()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other.doing("read the journal", &self.path()),
        }
    }

    fn contents(&self, bytes: &[u8]) -> Result<Contents> {
        let mut contents = Contents { entries: Vec::new(), good: 0 };
        let mut at = 0;
        let mut damaged = None;
        for (number, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
            at += line.len();
            match (entry(line), damaged) {
                (Some(entry), None) => {
                    contents.entries.push(entry);
                    contents.good = at;
                }
                (Some(_), Some(bad)) => {
                    let path = self.path();
                    let error =
                        Error::server(format!("the journal {} is damaged at line {bad}", path.display()));
                    let moved = path.with_extension("damaged");
                    // Without a journal the tips are judged and deployed again, which changes nothing that is right.
                    let repository = self.folder.parent().unwrap_or(&self.folder).display();
                    let (path, moved) = (path.display(), moved.display());
                    return Err(error.help(format!("mv {path} {moved}; instate resume --repo {repository}")));
                }
                (None, _) => damaged = damaged.or(Some(number + 1)),
            }
        }
        Ok(contents)
    }

    /// Keeps a torn end for whoever wants to look at it; the newest is enough.
    fn set_aside(&self, torn: &[u8]) -> Result<()> {
        let path = self.folder.join("journal.torn");
        fs::write(&path, torn).doing("set aside the journal's torn end in", &path)
    }
}

/// Writes behind the good end; on failure the file ends where it did, so that nothing half-written stays.
fn append(file: &mut File, good: u64, lines: &[u8]) -> std::io::Result<()> {
    file.set_len(good)?;
    file.seek(SeekFrom::Start(good))?;
    let done = file.write_all(lines).and_then(|()| file.sync_data());
    if done.is_err() {
        let _ = file.set_len(good);
    }
    done
}

fn lines(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        let json = serde_json::to_string(entry)
            .map_err(|error| Error::server(format!("cannot write the journal: {error}")))?;
        bytes.extend_from_slice(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).as_bytes());
    }
    Ok(bytes)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (sum, json) = line.split_once(' ')?;
    let good = sum == format!("{:08x}", crc32fast::hash(json.as_bytes()));
    good.then(|| serde_json::from_str(json).ok())?
}

/// Reads at most `most` bytes of a file that another process may be writing.
pub(super) fn read_start(path: &Path, most: u64) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Counts, DeploymentId, Intent, OutcomeKind, now};

    /// The first format that was ever written: without what was added since then.
    const EARLIEST: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/promises/fixtures/earliest.journal"));

    /// A deployment from its beginning to its end, and one that has begun.
    fn every_kind() -> Vec<Entry> {
        let intent = |id: &str| Intent {
            id: serde_json::from_value(id.into()).expect("it is a text"),
            environment: "production".into(),
            reference: "refs/heads/main".into(),
            old: None,
            new: "1".repeat(40),
            who: "ana \u{e9}".into(),
            at: now(),
            push: None,
            warnings: 1,
            beside: 1,
        };
        let (first, second, third) = (intent("1-a"), intent("2-b"), intent("3-c"));
        let changes = Counts { created: 1, replaced: 2, ..Counts::default() };
        let outcome = crate::record::Outcome { changes, ..first.end(OutcomeKind::Deployed) };
        vec![
            Entry::Intent(first.clone()),
            Entry::Landed(first.id.clone()),
            Entry::Started { id: first.id.clone(), changes },
            Entry::Outcome(outcome),
            Entry::Recorded(first.id),
            Entry::Intent(second.clone()),
            Entry::Withdrawn(second.id),
            Entry::Intent(third),
        ]
    }

    /// How many lines end in these bytes.
    fn ends(bytes: &[u8]) -> usize {
        bytes.split(|byte| *byte == b'\n').count() - 1
    }

    /// What damaged bytes may be read as: what was written, up to somewhere; or nothing, and how to go on.
    fn read_damaged(journal: &Journal, bytes: &[u8], written: &[Entry]) -> Option<usize> {
        match journal.contents(bytes) {
            Ok(Contents { entries, good }) => {
                assert_eq!(entries, written[..entries.len()], "nothing is invented");
                assert!(good <= bytes.len());
                let outcomes =
                    |entries: Vec<Entry>| State::replay(entries).outcomes().cloned().collect::<Vec<_>>();
                let known = outcomes(written.to_vec());
                assert!(outcomes(entries.clone()).iter().all(|outcome| known.contains(outcome)));
                Some(entries.len())
            }
            Err(error) => {
                assert!(error.message.contains("is damaged at line"), "{}", error.message);
                let help = error.help.expect("it says what to do");
                assert!(help.starts_with("mv ") && help.contains("instate resume"), "{help}");
                None
            }
        }
    }

    #[test]
    fn a_journal_cut_behind_any_byte_is_read_to_its_last_whole_line() {
        let written = every_kind();
        let (_folder, journal, bytes) = journal(&written);
        for cut in 0..=bytes.len() {
            let whole = ends(&bytes[..cut]);
            assert_eq!(read_damaged(&journal, &bytes[..cut], &written), Some(whole), "{cut}");
            // A file may have grown on the disk before its bytes were there.
            let grown = [&bytes[..cut], &vec![0; bytes.len() - cut]].concat();
            assert_eq!(read_damaged(&journal, &grown, &written), Some(whole), "{cut}");
        }
    }

    #[test]
    fn a_journal_with_any_bit_another_is_refused_unless_it_is_in_the_end_that_nobody_relied_on() {
        let written = every_kind();
        let (_folder, journal, bytes) = journal(&written);
        let line = |at: usize| ends(&bytes[..at]);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                // Without its end a line is one with the next.
                let last =
                    written.len() - 1 - usize::from(bytes[at] == b'\n' && line(at) + 1 < written.len());
                let expected = (line(at) >= last).then(|| line(at));
                assert_eq!(read_damaged(&journal, &damaged, &written), expected, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_journal_of_the_earliest_format_is_read_and_goes_on() {
        let folder = tempfile::tempdir().expect("because the disk has room");
        let journal = Journal::new(folder.path());
        fs::write(journal.path(), EARLIEST).expect("because the folder is ours");
        let lines = ends(EARLIEST);
        assert_eq!(journal.contents(EARLIEST).map(|found| found.entries.len()), Ok(lines));
        let known = journal.state().expect("it is read").environment("production");
        assert_eq!(known.last.as_ref().map(|last| last.outcome), Some(OutcomeKind::Failed));
        assert_eq!(known.unrecorded, known.last.into_iter().collect::<Vec<_>>());
        let [open] = &known.open[..] else { panic!("one is open: {:?}", known.open) };
        assert_eq!(open.started, Some(Counts { updated: 1, deleted: 1, ..Counts::default() }));
        journal.append(&withdrawn(1)).expect("it goes on");
        assert!(journal.bytes().expect("it is there").starts_with(EARLIEST));
    }

    fn withdrawn(n: usize) -> Vec<Entry> {
        (0..n).map(|_| Entry::Withdrawn(DeploymentId::new(now()))).collect()
    }

    fn journal(entries: &[Entry]) -> (tempfile::TempDir, Journal, Vec<u8>) {
        let folder = tempfile::tempdir().expect("because the disk has room");
        let journal = Journal::new(folder.path());
        journal.append(entries).expect("because the folder is new");
        let bytes = fs::read(journal.path()).expect("because it was written");
        (folder, journal, bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_journal_cut_anywhere_keeps_every_whole_line_and_goes_on(cut in 0usize..10_000, junk in proptest::collection::vec(any::<u8>(), 0..40)) {
            let entries = withdrawn(5);
            let (_folder, journal, bytes) = journal(&entries);
            let cut = cut % bytes.len();
            let whole = bytes[..cut].split_inclusive(|b| *b == b'\n').filter(|l| l.ends_with(b"\n")).count();
            fs::write(journal.path(), [&bytes[..cut], &junk[..]].concat()).expect("because the disk has room");
            let more = withdrawn(1);
            journal.append(&more).expect("a torn end is set aside");
            let read = journal.contents(&fs::read(journal.path()).expect("it is there")).expect("it is whole");
            prop_assert_eq!(&read.entries[..whole], &entries[..whole]);
            prop_assert_eq!(read.entries.last(), more.last());
        }

        #[test]
        fn a_line_damaged_before_good_ones_is_never_passed_over(at in 0usize..100) {
            let (_folder, journal, mut bytes) = journal(&withdrawn(5));
            let first = bytes.iter().position(|b| *b == b'\n').expect("it has lines");
            bytes[at % first] ^= 1;
            fs::write(journal.path(), &bytes).expect("because the disk has room");
            let error = journal.state().expect_err("it is damaged");
            prop_assert!(error.message.contains("damaged at line 1"), "{}", error.message);
            prop_assert!(journal.append(&withdrawn(1)).is_err());
        }
    }
}
