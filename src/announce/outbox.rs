//! What is still to be said, on the disk: a file for each destination and what it is about, so that a newer note takes
//! the place of an older one. What was said moves to a folder beside it: said twice is only what a crash cut off.
//!
//! `instate/outbox/DESTINATION/ABOUT`, then `instate/announced/DESTINATION/ABOUT`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Note;
use crate::{
    config::Destination,
    error::{Doing, Error, Result},
    files::{make_folder, replace, sync_folder},
    record::Lock,
    repository::Repository,
};

/// Of what was said so much is remembered for each destination.
const REMEMBERED: usize = 200;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A note on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What is to be said.
    pub note: Note,
    /// Since when.
    pub since: Timestamp,
    /// Why that did not work yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// The notes of one repository.
pub struct Outbox {
    state: PathBuf,
}

impl Outbox {
    /// That of `repository`.
    #[must_use]
    pub fn of(repository: &Repository) -> Self {
        Self { state: repository.state() }
    }

    #[cfg(test)]
    pub(super) fn test(state: &Path) -> Self {
        Self { state: state.to_owned() }
    }

    fn waiting_folder(&self, key: &str) -> PathBuf {
        self.state.join("outbox").join(key)
    }

    fn said_folder(&self, key: &str) -> PathBuf {
        self.state.join("announced").join(key)
    }

    /// Held while a note is compared with another and takes its place.
    fn lock(&self) -> Result<Lock> {
        Lock::acquire(&self.state, "outbox")
    }

    /// Adds a note, and returns when it is on the disk. One that is there already, or was said, or is older than
    /// either, changes nothing.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn add(&self, destination: &Destination, note: &Note) -> Result<()> {
        let (key, about) = (destination.key(), note.about(&destination.to));
        let folder = self.waiting_folder(&key);
        let path = folder.join(&about);
        let _lock = self.lock()?;
        let known = [read(&path), read(&self.said_folder(&key).join(&about))];
        let error = known[0].as_ref().and_then(|known| known.error.clone());
        if known.iter().flatten().any(|known| known.note.order() >= note.order()) {
            return Ok(());
        }
        if !folder.exists() {
            let outbox = self.state.join("outbox");
            make_folder(&outbox)?;
            make_folder(&folder)?;
            sync_folder(&outbox)?;
            sync_folder(&self.state)?;
        }
        write(&path, &Waiting { note: note.clone(), since: Timestamp::now(), error })?;
        sync_folder(&folder)
    }

    /// What waits for a destination, oldest first. What cannot be read is passed over.
    #[must_use]
    pub fn waiting(&self, key: &str) -> Vec<Waiting> {
        let paths = files(&self.waiting_folder(key)).into_iter();
        let mut found: Vec<Waiting> = paths.filter_map(|path| read(&path)).collect();
        found.sort_by_key(|waiting| waiting.since);
        found
    }

    /// Whether anything waits for anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys().iter().all(|key| files(&self.waiting_folder(key)).is_empty())
    }

    /// The destinations for which something waits or has waited.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state.join("outbox")).into_iter().flatten().flatten();
        let mut keys: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        keys.sort();
        keys
    }

    /// When the notes for a destination last changed.
    pub(super) fn changed(&self, key: &str) -> Option<std::time::SystemTime> {
        fs::metadata(self.waiting_folder(key)).and_then(|found| found.modified()).ok()
    }

    /// A note was said, or never will be: nothing is left to do for it, unless a newer one took its place.
    ///
    /// # Errors
    /// It cannot be moved.
    pub(super) fn done(&self, destination: &Destination, note: &Note) -> Result<()> {
        let (key, about) = (destination.key(), note.about(&destination.to));
        let (path, said) = (self.waiting_folder(&key).join(&about), self.said_folder(&key));
        let _lock = self.lock()?;
        if read(&path).is_none_or(|known| known.note.order() != note.order()) {
            return Ok(());
        }
        make_folder(&self.state.join("announced"))?;
        make_folder(&said)?;
        fs::rename(&path, said.join(&about)).doing("move", &path)?;
        forget_oldest(&said)
    }

    /// Saying it failed.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn failed(&self, destination: &Destination, note: &Note, error: &str) -> Result<()> {
        let path = self.waiting_folder(&destination.key()).join(note.about(&destination.to));
        let _lock = self.lock()?;
        match read(&path) {
            Some(known) if known.note.order() == note.order() && known.error.as_deref() != Some(error) => {
                write(&path, &Waiting { error: Some(error.to_owned()), ..known })
            }
            _ => Ok(()),
        }
    }

    /// Removes what nobody can say any more: of destinations that are in the configuration no more, and what is damaged.
    /// How many of which destination these were.
    ///
    /// # Errors
    /// They cannot be removed.
    pub(super) fn tidy(&self, destinations: &[Destination]) -> Result<Vec<(String, usize)>> {
        let known: Vec<String> = destinations.iter().map(Destination::key).collect();
        let mut removed = Vec::new();
        let _lock = self.lock()?;
        for key in self.keys() {
            let lost = |path: &PathBuf| !known.contains(&key) || read(path).is_none();
            let lost: Vec<PathBuf> = files(&self.waiting_folder(&key)).into_iter().filter(lost).collect();
            for path in &lost {
                remove(path)?;
            }
            if !lost.is_empty() {
                removed.push((key, lost.len()));
            }
        }
        Ok(removed)
    }
}

/// The files of a folder but for those that are being written.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_none_or(|end| end != "new")).collect()
}

fn read(path: &Path) -> Option<Waiting> {
    if fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write(path: &Path, waiting: &Waiting) -> Result<()> {
    replace(path, &serde_json::to_vec(waiting).map_err(Error::server)?)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.doing("remove", path),
    }
}

fn forget_oldest(folder: &Path) -> Result<()> {
    let paths = files(folder);
    if paths.len() <= REMEMBERED {
        return Ok(());
    }
    let name = |path: &PathBuf| read(path).map(|said| said.note.deployment().clone());
    let mut paths: Vec<_> = paths.into_iter().map(|path| (name(&path), path)).collect();
    paths.sort();
    // Half of them, so that not every note has all of them read.
    paths.iter().take(paths.len() - REMEMBERED / 2).try_for_each(|(_, path)| remove(path))
}

#[cfg(test)]
mod tests {
    use super::{
        super::note::tests::{ended, everywhere, started},
        *,
    };
    use crate::record::OutcomeKind::{Deployed, Failed, Superseded};

    const FIRST: &str = "20261122T100000Z-00000001";
    const SECOND: &str = "20261122T100005Z-00000000";

    fn outbox() -> (tempfile::TempDir, Outbox) {
        let folder = tempfile::tempdir().expect("because the disk has room");
        let outbox = Outbox::test(folder.path());
        (folder, outbox)
    }

    /// What waits, in words.
    fn words(outbox: &Outbox, to: &Destination) -> Vec<String> {
        let word = |waiting: Waiting| format!("{} {}", waiting.note.deployment(), waiting.note.word());
        outbox.waiting(&to.key()).into_iter().map(word).collect()
    }

    #[test]
    fn of_one_commit_only_the_newest_status_waits_and_an_older_one_never_comes_after_it() {
        let (_folder, outbox) = outbox();
        let gitea = &everywhere()[0];
        for (note, waits) in [
            (started(FIRST), format!("{FIRST} started")),
            (ended(FIRST, Failed, None), format!("{FIRST} ended")),
            // A worker that was cut off does it again.
            (started(FIRST), format!("{FIRST} ended")),
            (started(SECOND), format!("{SECOND} started")),
            (ended(FIRST, Superseded, None), format!("{SECOND} started")),
            (ended(SECOND, Deployed, None), format!("{SECOND} ended")),
        ] {
            outbox.add(gitea, &note).expect("the disk has room");
            assert_eq!(words(&outbox, gitea), [waits], "{note:?}");
        }
        outbox.done(gitea, &ended(SECOND, Deployed, None)).expect("it is there");
        assert!(outbox.is_empty());
        // What was said is not said again by whoever records it again, nor anything older.
        for note in [started(FIRST), ended(FIRST, Failed, None), ended(SECOND, Deployed, None)] {
            outbox.add(gitea, &note).expect("the disk has room");
            assert!(outbox.is_empty(), "{note:?}");
        }
    }

    #[test]
    fn a_webhook_hears_of_every_deployment_how_it_ended() {
        let (_folder, outbox) = outbox();
        let webhook = &everywhere()[4];
        for note in
            [started(FIRST), ended(FIRST, Failed, None), started(SECOND), ended(SECOND, Deployed, None)]
        {
            outbox.add(webhook, &note).expect("the disk has room");
        }
        assert_eq!(words(&outbox, webhook), [format!("{FIRST} ended"), format!("{SECOND} ended")]);
    }

    #[test]
    fn a_note_that_took_the_place_of_one_that_is_being_sent_is_still_to_be_said() {
        let (_folder, outbox) = outbox();
        let gitea = &everywhere()[0];
        outbox.add(gitea, &started(FIRST)).expect("the disk has room");
        outbox.add(gitea, &ended(FIRST, Deployed, None)).expect("the disk has room");
        outbox.failed(gitea, &started(FIRST), "no answer").expect("the disk has room");
        outbox.done(gitea, &started(FIRST)).expect("it is there");
        assert_eq!(words(&outbox, gitea), [format!("{FIRST} ended")]);
        assert_eq!(outbox.waiting(&gitea.key())[0].error, None);
        // Why the destination takes nothing does not change by that.
        outbox.failed(gitea, &ended(FIRST, Deployed, None), "no answer").expect("the disk has room");
        outbox.add(gitea, &started(SECOND)).expect("the disk has room");
        assert_eq!(outbox.waiting(&gitea.key())[0].error.as_deref(), Some("no answer"));
    }

    #[test]
    fn what_is_damaged_or_half_written_is_passed_over_and_removed() {
        let (_folder, outbox) = outbox();
        let all = everywhere();
        outbox.add(&all[0], &started(FIRST)).expect("the disk has room");
        outbox.add(&all[4], &started(FIRST)).expect("the disk has room");
        let folder = outbox.waiting_folder(&all[0].key());
        fs::write(folder.join("production.0000"), "{\"note\":").expect("because it is ours");
        fs::write(folder.join("production.1111.new"), "{").expect("because it is ours");
        assert_eq!(words(&outbox, &all[0]), [format!("{FIRST} started")]);
        assert_eq!(outbox.tidy(&all).expect("it is ours"), [(all[0].key(), 1)]);
        assert_eq!(outbox.tidy(&all).expect("it is ours"), []);
        // Of a destination that is there no more nothing stays.
        assert_eq!(outbox.tidy(&all[..1]).expect("it is ours"), [(all[4].key(), 1)]);
        assert_eq!(words(&outbox, &all[0]), [format!("{FIRST} started")]);
        let path = folder.join(started(FIRST).about(&all[0].to));
        fs::write(&path, "").expect("because it is ours");
        outbox.add(&all[0], &started(FIRST)).expect("a damaged one is replaced");
        assert_eq!(words(&outbox, &all[0]), [format!("{FIRST} started")]);
    }

    #[test]
    fn what_was_said_is_not_remembered_for_ever() {
        let (_folder, outbox) = outbox();
        let webhook = &everywhere()[4];
        for n in 0..=REMEMBERED {
            let note = started(&format!("20261122T100000Z-{n:08x}"));
            outbox.add(webhook, &note).expect("the disk has room");
            outbox.done(webhook, &note).expect("it is there");
        }
        let left = files(&outbox.said_folder(&webhook.key()));
        assert_eq!(left.len(), REMEMBERED / 2);
        assert!(left.iter().any(|path| path.ends_with(format!("20261122T100000Z-{REMEMBERED:08x}"))));
    }
}
