//! Kernel locks: they end with their holder, however it ends, and the file says who that is.

use std::{
    fs::{File, OpenOptions},
    io::{Seek, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::journal::read_start;
use crate::{
    error::{Doing, Error, Result},
    files::make_folder,
    push::Process,
};

/// Who holds a lock, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub process: Process,
    /// What it does under the lock.
    pub doing: String,
}

/// A lock that is held until it is dropped. Its file stays: one that is removed could be locked twice.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Waits for the lock `name` in the state folder, and holds it.
    ///
    /// # Errors
    /// The lock's file cannot be made, or the file system has no locks.
    pub fn acquire(folder: &Path, name: &str) -> Result<Self> {
        let (file, path) = open(folder, name)?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Self { file, path }),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Error::io("lock", &path, &error.into())),
            }
        }
    }

    /// Holds the lock `name` if nobody else does.
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    pub fn try_acquire(folder: &Path, name: &str) -> Result<Option<Self>> {
        let (file, path) = open(folder, name)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { file, path })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(Error::io("lock", &path, &error.into())),
        }
    }

    /// Who holds the lock `name` now; a holder that died holds nothing.
    #[must_use]
    pub fn holder(folder: &Path, name: &str) -> Option<Holder> {
        let path = folder.join("lock").join(name);
        let holder: Holder = serde_json::from_str(&read_start(&path, 4096)?).ok()?;
        holder.process.lives().then_some(holder)
    }

    /// What the last holder wrote and did not take back, which it does only by dying.
    #[must_use]
    pub fn left(&self) -> Option<String> {
        let doing = serde_json::from_str::<Holder>(&read_start(&self.path, 4096)?).ok()?.doing;
        (!doing.is_empty()).then_some(doing)
    }

    /// Writes into the lock's file what it is held for. It only informs, so a full disk is no failure.
    pub fn say(&mut self, doing: &str) {
        let _ = self.write(doing);
    }

    /// Writes what the next holder must know if this one dies, and makes sure that it is on the disk.
    ///
    /// # Errors
    /// The disk is full.
    pub fn promise(&mut self, doing: &str) -> Result<()> {
        self.write(doing).and_then(|()| self.file.sync_data()).doing("write", &self.path)
    }

    fn write(&mut self, doing: &str) -> std::io::Result<()> {
        let holder = Holder { process: Process::own(), doing: doing.to_owned() };
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&serde_json::to_vec(&holder)?)
    }

    /// Takes back what was said: nothing is left to do.
    pub fn done(&mut self) {
        let _ = self.file.set_len(0).and_then(|()| self.file.rewind());
    }
}

fn open(folder: &Path, name: &str) -> Result<(File, PathBuf)> {
    let locks = folder.join("lock");
    make_folder(&locks).map_err(|error| error.help("install instate there first: instate install"))?;
    let path = locks.join(name);
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
    Ok((file.doing("open the lock", &path)?, path))
}
