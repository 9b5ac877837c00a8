//! The same for every repository below a folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::exit;
use crate::{
    error::{Doing, Result},
    report::{Event, Report},
    repository::Repository,
};

/// So many folders below each other are looked into for repositories.
const DEEPEST: usize = 4;

/// Does something in every repository below `folder` that instate was installed in. `act` is told the report and says
/// whether it went well; what is wrong with one keeps no other from being looked at.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn repository(
    folder: &Path,
    report: &mut Report,
    act: impl Fn(&Repository, &mut Report) -> Result<bool>,
) -> Result<ExitCode> {
    let (mut found, mut code) = (Vec::new(), exit(true));
    repositories(folder, 0, &mut found)?;
    found.sort();
    for path in found {
        match Repository::open(&path).and_then(|repository| act(&repository, report)) {
            Ok(true) => {}
            Ok(false) => code = exit(false),
            Err(error) => {
                code = ExitCode::from(error.exit());
                report.event(&Event::said(format!("{}:", path.display())));
                report.event(&Event::stopped(error));
            }
        }
    }
    Ok(code)
}

/// The repositories with instate's folder in a folder and below it. Links are not followed, and nothing is looked for
/// in a repository.
fn repositories(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if folder.join("HEAD").is_file() && folder.join("objects").is_dir() {
        if folder.join("instate").join("id").is_file() {
            found.push(folder.to_owned());
        }
        return Ok(());
    }
    let entries = match fs::read_dir(folder) {
        // Somebody else's, beside those of the user that this runs as.
        Err(_) if depth > 0 => return Ok(()),
        other => other.doing("read the folder", folder)?,
    };
    for entry in entries.flatten().filter(|_| depth < DEEPEST) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            repositories(&entry.path(), depth + 1, found)?;
        }
    }
    Ok(())
}
