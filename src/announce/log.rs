//! What whoever looks after the server reads: what could not be announced, and why. It does not grow without end.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use crate::{record::now, text};

/// From this size on, in bytes, a new one is begun, and the one before is kept.
const LARGEST: u64 = 64 << 10;

/// The log of one repository.
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// That in the state folder `state`.
    #[must_use]
    pub fn in_folder(state: &Path) -> Self {
        Self { path: state.join("announce.log") }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps it from growing: called by the only one who writes it.
    pub fn turn(&self) {
        if fs::metadata(&self.path).is_ok_and(|found| found.len() > LARGEST) {
            let _ = fs::rename(&self.path, self.path.with_extension("log.old"));
        }
    }

    /// Adds a line. Without it the work goes on.
    pub(super) fn line(&self, said: &str) {
        self.turn();
        if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&self.path) {
            let _ = file.write_all(format!("{} {}\n", now(), text::clean(said)).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_a_largest_size_and_its_newest_lines() {
        let folder = tempfile::tempdir().expect("because the disk has room");
        let log = Log::in_folder(folder.path());
        for n in 0..5000 {
            log.line(&format!("line {n} of so many that one file does not hold them all"));
        }
        let size = |name: &str| fs::metadata(folder.path().join(name)).map_or(0, |found| found.len());
        assert!(size("announce.log") + size("announce.log.old") < 2 * LARGEST + 1000);
        assert!(fs::read_to_string(log.path()).expect("it is there").contains("line 4999 of"));
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 2);
    }
}
