//! The files of a working folder, for `instate check` on a laptop.

use std::{
    fs,
    io::Read,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};

use super::{Entry, Files, Kind, MAX_FILE};
use crate::error::{Doing, Error, Result};

/// A folder on this machine.
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The files in `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl Files for Disk {
    type Id = PathBuf;

    fn root(&self) -> PathBuf {
        self.root.clone()
    }

    fn list(&self, folder: &PathBuf) -> Result<Vec<Entry<PathBuf>>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).doing("read the folder", folder)? {
            let entry = entry.doing("read the folder", folder)?;
            let id = entry.path();
            let kind = entry.file_type().doing("look at", &id)?;
            let kind = match kind {
                k if k.is_dir() => Kind::Folder,
                k if k.is_file() => Kind::File,
                k if k.is_symlink() => Kind::Link,
                _ => Kind::Other,
            };
            entries.push(Entry { name: entry.file_name().into_vec().into(), kind, id });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn size(&self, file: &PathBuf) -> Result<u64> {
        Ok(fs::symlink_metadata(file).doing("look at", file)?.len())
    }

    fn read(&self, file: &PathBuf) -> Result<Vec<u8>> {
        let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let opened = match fs::OpenOptions::new().read(true).custom_flags(nofollow).open(file) {
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                let target = fs::read_link(file).doing("read the link", file)?;
                return Ok(target.as_os_str().as_bytes().to_vec());
            }
            other => other.doing("open", file)?,
        };
        let size = opened.metadata().doing("look at", file)?.len().min(MAX_FILE);
        // One more than there is, so that its end is seen without asking for more room.
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
        opened.take(MAX_FILE + 1).read_to_end(&mut bytes).doing("read", file)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(Error::revision(format!("{} is larger than {} MiB", file.display(), MAX_FILE >> 20)));
        }
        Ok(bytes)
    }
}
