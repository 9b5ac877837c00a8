//! Whether hooks would really stand between a push and this repository, and who could go around them.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    gitconfig::{get, own, unset},
    hooks::{Found, look, names},
    server::entry,
};
use crate::{
    config::Server,
    error::{Doing, Error, Result},
    push::account_of,
    repository::Repository,
    trouble::typed,
};

/// Refuses kinds of repositories that cannot even be opened.
///
/// # Errors
/// It is of such a kind.
pub fn kind(git_dir: &Path) -> Result<()> {
    let shown = git_dir.display();
    for (key, value, what) in
        [("extensions.objectformat", "sha256", "SHA-256"), ("extensions.refstorage", "reftable", "reftable")]
    {
        if own(git_dir, key)?.is_some_and(|set| set.eq_ignore_ascii_case(value)) {
            let error =
                Error::server(format!("{shown} is a {what} repository, which instate cannot read yet"));
            return Err(error.help("use a repository with SHA-1 and the files of refs: git init --bare"));
        }
    }
    Ok(())
}

/// Refuses repositories where the hooks would not hold. Nothing is written.
pub(super) fn check(repository: &Repository) -> Result<()> {
    let wrong = settings_amiss(repository)?.into_iter().chain(rights_amiss(repository)?);
    wrong.into_iter().next().map_or(Ok(()), Err)
}

/// The settings of Git with which the hooks would not hold.
///
/// # Errors
/// They cannot be read.
pub fn settings_amiss(repository: &Repository) -> Result<Vec<Error>> {
    let git_dir = repository.git_dir();
    let shown = git_dir.display();
    let mut wrong = Vec::new();
    if let Some(path) = get(git_dir, "core.hookspath")? {
        let error =
            Error::server(format!("core.hooksPath is set to {path}, so git never looks into {shown}/hooks"));
        wrong.push(error.help(unset(git_dir, "core.hooksPath")?));
    }
    if let Some(shared) = get(git_dir, "core.sharedrepository")?
        && !matches!(shared.as_str(), "umask" | "false" | "0" | "no" | "off")
    {
        let error = Error::server(format!(
            "{shown} is shared by several Unix users (core.sharedRepository is {shared})"
        ));
        let settled = unset(git_dir, "core.sharedRepository")?;
        wrong.push(error.help(format!("let one service user own it, and: {settled}")));
    }
    Ok(wrong)
}

/// Who besides this user could change the repository itself.
///
/// # Errors
/// It cannot be looked at.
pub fn rights_amiss(repository: &Repository) -> Result<Vec<Error>> {
    let git_dir = repository.git_dir();
    let inside = ["hooks", "config", "objects", "refs"].map(|name| git_dir.join(name));
    let mut wrong = others_may_change(&[&[git_dir.to_owned()], &inside[..]].concat())?;
    if wrong.is_empty() {
        wrong.extend(writable_below(git_dir));
    }
    Ok(wrong)
}

/// So many files of refs are looked at.
const MOST: usize = 10_000;

/// The first of a repository's refs and folders of objects that others could write, where the account's mask let them.
fn writable_below(git_dir: &Path) -> Option<Error> {
    let below =
        |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut left = vec![git_dir.join("HEAD"), git_dir.join("packed-refs")];
    left.extend(below(&git_dir.join("objects")));
    left.extend(below(&git_dir.join("refs")));
    let mut seen = 0;
    while let Some(path) = left.pop().filter(|_| seen < MOST) {
        seen += 1;
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if !found.is_symlink() && found.permissions().mode() & 0o022 != 0 {
            return Some(writable(&path, &format!("-R go-w {}", typed(git_dir))));
        }
        if found.is_dir() && path.starts_with(git_dir.join("refs")) {
            left.extend(below(&path));
        }
    }
    None
}

fn writable(path: &Path, how: &str) -> Error {
    let shown = path.display();
    let message = format!("{shown} can be written by other Unix users, who could go around the hooks");
    Error::server(message).help(format!("chmod {how}"))
}

/// Refuses files and folders that others than this user could change; those that are not there are passed over.
pub(super) fn ours_alone(paths: &[PathBuf]) -> Result<()> {
    others_may_change(paths)?.into_iter().next().map_or(Ok(()), Err)
}

/// Which of these files and folders others than this user could change, and how that ends; those that are not there
/// are passed over.
///
/// # Errors
/// They cannot be looked at.
pub fn others_may_change(paths: &[PathBuf]) -> Result<Vec<Error>> {
    let own = rustix::process::geteuid().as_raw();
    let mut wrong = Vec::new();
    for path in paths {
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.doing("look at", path)?,
        };
        wrong.extend(owned(path, &found, own).err());
    }
    Ok(wrong)
}

fn owned(path: &Path, found: &fs::Metadata, own: u32) -> Result<()> {
    let shown = path.display();
    if found.is_symlink() {
        let error = Error::server(format!("{shown} is a link, so others than this repository may change it"));
        return Err(error.help(match fs::canonicalize(path) {
            Ok(itself) => format!("rm {0} && cp -a {1} {0}", typed(path), typed(&itself)),
            Err(_) => "replace it by the folder or file itself".to_owned(),
        }));
    }
    if found.uid() != own {
        let error = Error::server(format!(
            "{shown} belongs to the user with the number {}, not to you ({own})",
            found.uid()
        ));
        // Where all of it is somebody else's, that is who should be here.
        let is_repository = path.join("objects").is_dir();
        return Err(error.help(if is_repository {
            "run it as the user that git runs as, as in: sudo -u git instate install ...".to_owned()
        } else {
            let own = account_of(own).unwrap_or_else(|| own.to_string());
            format!("sudo chown -R -h {own} {}", typed(path))
        }));
    }
    if found.permissions().mode() & 0o022 != 0 {
        // Where all of it may be, one command is enough.
        let how = if path.join("objects").is_dir() { "-R go-w" } else { "go-w" };
        return Err(writable(path, &format!("{how} {}", typed(path))));
    }
    Ok(())
}

/// Makes sure that git will run the hooks which were just written: on a file system that is mounted
/// `noexec`, git would pass them over without a word.
pub(super) fn holds(repository: &Repository, server: Server, leaves: bool) -> Result<()> {
    for name in names(leaves) {
        let path = entry(repository, server, name);
        if matches!(look(&path), Found::NotToBeRun | Found::Noexec) {
            super::hooks::remove(repository)?;
            let error =
                Error::server(format!("{} cannot be executed, so git would pass it over", path.display()));
            return Err(error.help("put the repository on a file system that is not mounted noexec"));
        }
    }
    Ok(())
}
