//! What a deployment said: a file of events, one a line, which whoever watches follows.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
};

use crate::{
    error::{Doing, Result},
    files::make_folder,
    record::DeploymentId,
    report::Event,
    repository::Repository,
};

/// Outputs of so many deployments are kept.
const KEPT: usize = 100;

/// The output of one deployment.
pub(super) struct Output {
    path: PathBuf,
}

impl Output {
    /// That of the deployment `id`.
    pub fn of(repository: &Repository, id: &DeploymentId) -> Self {
        Self { path: folder(repository).join(id.as_str()) }
    }

    /// Where it is.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Adds an event. It is for watching only: on a full disk the work goes on without it.
    pub fn event(&self, event: &Event) {
        let mut line = serde_json::to_vec(event).unwrap_or_default();
        line.push(b'\n');
        let made = self.path.parent().is_some_and(|folder| make_folder(folder).is_ok());
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        if let (true, Ok(mut file)) = (made, file) {
            let _ = file.write_all(&line);
        }
    }
}

fn folder(repository: &Repository) -> PathBuf {
    repository.state().join("output")
}

/// Removes the outputs of old deployments; their names sort by time.
pub(super) fn tidy(repository: &Repository) -> Result<()> {
    let folder = folder(repository);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
    let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    for old in names.iter().rev().skip(KEPT) {
        match fs::remove_file(old) {
            // Another environment's worker was quicker.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => other.doing("remove", old)?,
        }
    }
    Ok(())
}
