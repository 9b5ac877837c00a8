//! Folders and files, made and replaced so that a crash leaves the old or the new.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::error::{Doing, Result};

/// Makes one folder where it is missing. Never those above it: a repository that was removed stays so.
///
/// # Errors
/// It cannot be made.
pub fn make_folder(folder: &Path) -> Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.doing("make the folder", folder),
    }
}

/// Makes names in a folder durable.
///
/// # Errors
/// The folder cannot be synced.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).doing("sync the folder", folder)
}

/// Writes a file so that the old or the new one is there, whole, at any time.
///
/// # Errors
/// The old one is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut file = File::create(&new).doing("write", &new)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).doing("write", &new)?;
    fs::rename(&new, path).doing("replace", path)
}
