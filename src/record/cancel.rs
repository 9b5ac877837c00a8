//! What somebody asked for on the server: that a deployment is given up.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{DeploymentId, journal::read_start};
use crate::{
    error::{Doing, Result},
    files,
    repository::Repository,
    text,
};

/// The request to give up a deployment.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cancel {
    /// Who asked, as people read it.
    pub who: String,
}

impl Cancel {
    /// Asks for it. A deployment that has ended meanwhile stays as it ended.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn ask(self, repository: &Repository, id: &DeploymentId) -> Result<()> {
        let path = path(repository, id);
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        files::replace(&path, &serde_json::to_vec(&self).unwrap_or_default())
    }

    /// Whether somebody asked for it. What cannot be read asks for nothing.
    #[must_use]
    pub fn of(repository: &Repository, id: &DeploymentId) -> Option<Self> {
        let text = read_start(&path(repository, id), 4096)?;
        let Self { who } = serde_json::from_str(&text).ok()?;
        Some(Self { who: text::excerpt(&who, 200) })
    }

    /// Forgets that somebody asked: the deployment has its outcome.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(repository: &Repository, id: &DeploymentId) -> Result<()> {
        let path = path(repository, id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.doing("remove", &path),
        }
    }
}

fn path(repository: &Repository, id: &DeploymentId) -> PathBuf {
    repository.state().join("cancel").join(id.as_str())
}
