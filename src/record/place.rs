//! Where each environment runs: remembered before anything is written there, forgotten when it is retired.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use super::journal::read_start;
use crate::{
    error::{Doing, Error, Result},
    files::{make_folder, replace, sync_folder},
    repository::Repository,
    target::Place,
};

/// Bytes of one.
const LARGEST: u64 = 16 << 10;

fn folder(repository: &Repository) -> PathBuf {
    repository.state().join("places")
}

/// Where an environment runs; `None` where it never did, or was retired.
///
/// # Errors
/// What is remembered cannot be read.
pub fn place(repository: &Repository, environment: &str) -> Result<Option<Place>> {
    let path = folder(repository).join(environment);
    if !path.try_exists().doing("look at", &path)? {
        return Ok(None);
    }
    let known = read_start(&path, LARGEST).and_then(|text| serde_json::from_str(&text).ok());
    known.map(Some).ok_or_else(|| {
        Error::server(format!("{} is damaged", path.display())).help(format!(
            "restore it from a backup, or remove it if `{environment}` runs where it always did"
        ))
    })
}

/// Where every environment runs that does, by its name.
///
/// # Errors
/// As [`place`].
pub fn places(repository: &Repository) -> Result<BTreeMap<String, Place>> {
    let folder = folder(repository);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        other => other.doing("read the folder", &folder)?,
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    // What was being written when the server went down was not there yet.
    let names = names.filter(|name| !name.contains('.'));
    names.filter_map(|name| place(repository, &name).map(|known| Some((name, known?))).transpose()).collect()
}

/// Remembers where an environment runs.
///
/// # Errors
/// It cannot be written.
pub fn remember(repository: &Repository, environment: &str, is: &Place) -> Result<()> {
    if place(repository, environment)?.as_ref() == Some(is) {
        return Ok(());
    }
    let folder = folder(repository);
    make_folder(&folder)?;
    replace(&folder.join(environment), &serde_json::to_vec(is).map_err(Error::server)?)?;
    sync_folder(&folder)
}

/// Forgets it: nothing of it is there any more.
///
/// # Errors
/// It cannot be removed.
pub fn forget(repository: &Repository, environment: &str) -> Result<()> {
    let path = folder(repository).join(environment);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.doing("remove", &path),
    }
}
