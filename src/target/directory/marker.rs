//! The list in a folder of what instate wrote into it, and for whom.

use std::{collections::BTreeSet, fs, path::Path};

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

/// The list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The identity of the repository.
    pub owner: String,
    /// The environment's name.
    pub environment: String,
    /// Whether the folder holds one whole revision.
    pub complete: bool,
    /// Every file that instate wrote or was about to write.
    pub files: BTreeSet<String>,
}

impl Marker {
    /// Reads the list of `folder`; `None` where it has none.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(MARKER);
        let size = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.doing("look at", &path)?,
        };
        let unreadable = || {
            let error = Error::server(format!("{} is not instate's list of files", path.display()));
            error.help("restore it, or move the folder away: it is made anew by the next deployment")
        };
        if !size.is_file() || size.len() > MAX_SIZE {
            return Err(unreadable());
        }
        let text = fs::read(&path).doing("read", &path)?;
        serde_json::from_slice(&text).map(Some).map_err(|_| unreadable())
    }

    /// Writes the list: the old one or the new one is there at any time.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(Error::server)?;
        replace(&folder.join(MARKER), &text)
    }
}
