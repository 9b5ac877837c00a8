//! The list in a folder of what instate wrote into it, and for whom: a line of JSON, then a name a line.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Doing, Error, Result},
    files::replace,
};

/// The list's name. It begins with a dot, so that programs which read the folder pass it over.
pub(super) const MARKER: &str = ".instate";
/// The list while it is written.
pub(super) const NEW_MARKER: &str = ".instate.new";
/// The largest list that is read, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// The first line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The identity of the repository.
    pub owner: String,
    /// The environment's name.
    pub environment: String,
    /// How many files the list has.
    pub files: usize,
    /// The folders that they are in, but for the one of the list itself.
    folders: BTreeSet<String>,
}

impl Head {
    /// Reads the first line of the list of `folder`; `None` where it has no list.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let Some(mut list) = open(folder)? else { return Ok(None) };
        head(&mut list).map(Some).ok_or_else(|| unreadable(folder))
    }

    /// Whether no name came or went since the list was written, as the times of the folders tell. They can be set
    /// by whoever can write there, so a deployment looks at the names themselves.
    pub fn is_up_to_date(&self, folder: &Path) -> bool {
        let changed =
            |path: &Path| fs::symlink_metadata(path).map(|found| (found.mtime(), found.mtime_nsec()));
        let Ok(written) = changed(&folder.join(MARKER)) else { return false };
        let folders = self.folders.iter().map(|below| folder.join(below));
        let mut all = std::iter::once(folder.to_owned()).chain(folders);
        all.all(|folder| changed(&folder).is_ok_and(|changed| changed <= written))
    }
}

/// The list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    /// The identity of the repository.
    pub owner: String,
    /// The environment's name.
    pub environment: String,
    /// Every file that instate wrote or was about to write. No name has a line break.
    pub files: BTreeSet<String>,
}

impl Marker {
    /// Reads the list of `folder`, which has one.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut list = open(folder)?.ok_or_else(|| unreadable(folder))?;
        let head = head(&mut list).ok_or_else(|| unreadable(folder))?;
        let mut names = String::new();
        list.read_to_string(&mut names).map_err(|_| unreadable(folder))?;
        let files: BTreeSet<String> = names.lines().map(ToOwned::to_owned).collect();
        if files.len() != head.files {
            return Err(unreadable(folder));
        }
        Ok(Self { owner: head.owner, environment: head.environment, files })
    }

    /// Writes the list: the old one or the new one is there at any time.
    pub fn write(self, folder: &Path) -> Result<()> {
        let above = |name: &str| name.rsplit_once('/').map(|(above, _)| above.to_owned());
        let mut folders = BTreeSet::new();
        for name in &self.files {
            let mut at = above(name);
            while let Some(one) = at.filter(|one| !folders.contains(one)) {
                at = above(&one);
                folders.insert(one);
            }
        }
        let (path, files) = (folder.join(MARKER), self.files.len());
        let head = Head { owner: self.owner, environment: self.environment, files, folders };
        let mut text = serde_json::to_vec(&head).map_err(Error::server)?;
        for name in &self.files {
            text.push(b'\n');
            text.extend(name.as_bytes());
        }
        text.push(b'\n');
        replace(&path, &text)?;
        // Its folder was changed by that very writing, and is not younger than the list.
        File::options()
            .write(true)
            .open(&path)
            .and_then(|list| list.set_modified(SystemTime::now()))
            .doing("write", &path)
    }
}

fn unreadable(folder: &Path) -> Error {
    let error = Error::server(format!("{} is not instate's list of files", folder.join(MARKER).display()));
    error.help("restore it, or move the folder away: it is made anew by the next deployment")
}

/// The list of a folder, if that is a plain file.
fn open(folder: &Path) -> Result<Option<BufReader<std::io::Take<File>>>> {
    let path = folder.join(MARKER);
    let found = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.doing("look at", &path)?,
    };
    if !found.is_file() || found.len() > MAX_SIZE {
        return Err(unreadable(folder));
    }
    let file = File::open(&path).doing("read", &path)?;
    Ok(Some(BufReader::new(file.take(MAX_SIZE))))
}

fn head(list: &mut impl BufRead) -> Option<Head> {
    let mut line = Vec::new();
    list.read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}
