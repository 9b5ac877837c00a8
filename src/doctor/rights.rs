//! Who besides the service user could change what decides, or read what is secret.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::{Patient, machine::mount_point};
use crate::{
    error::Result,
    install::{
        gate::{self, others_may_change},
        hooks::{names, program},
        server::entry,
    },
    push::account_of,
    target,
    text::count,
    trouble::{Trouble, typed},
};

/// So many entries of a folder of ours are looked at.
const MOST: usize = 1000;

/// What is wrong with owners and rights.
///
/// # Errors
/// They cannot be looked at.
pub(super) fn examine(patient: &Patient<'_>) -> Result<Vec<Trouble>> {
    let repository = patient.repository;
    let mut wrong = gate::rights_amiss(repository)?;
    let (state, objects) = (repository.state(), repository.git_dir().join("objects"));
    let hooks = names(true).map(|name| entry(repository, patient.server, name));
    let hooks: Vec<PathBuf> = hooks.filter(|path| path.exists()).collect();
    let mut inside = vec![state.clone()];
    // Where the hooks are, as a link may lead out of the repository.
    inside.extend(hooks.iter().filter_map(|path| Some(fs::canonicalize(path).ok()?.parent()?.to_owned())));
    inside.sort();
    inside.dedup();
    wrong.extend(others_may_change(&inside)?);
    let mut found: Vec<Trouble> = wrong.into_iter().map(Trouble::from).collect();
    found.extend(read_only(&state, "so that every push is refused"));
    let within = ["", "lock", "output", "places"].map(|name| state.join(name));
    let within: Vec<PathBuf> = within.iter().flat_map(|folder| entries(folder)).collect();
    found.extend(of_others(&state, &within));
    found.extend(of_others(&objects, &entries(&objects)));
    found.extend(writable_inside(&state, &within));

    let mut decide: Vec<PathBuf> = hooks.iter().filter_map(|path| program(path)).collect();
    decide.extend(hooks);
    decide.extend(repository.config_path());
    decide.sort();
    decide.dedup();
    found.extend(decide.iter().filter_map(|path| changeable(path)));
    // The repository's own folders were looked at.
    let elsewhere = decide.iter().filter(|path| !path.starts_with(repository.git_dir()));
    found.extend(elsewhere.filter_map(|path| replaceable(path)));

    let environments = patient.config.into_iter().flat_map(|config| &config.environments);
    found.extend(environments.flat_map(target::credentials).filter_map(|path| readable(&path)));
    Ok(found)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// What another user's git or instate has left in a folder of ours, where we cannot change it.
fn of_others(folder: &Path, within: &[PathBuf]) -> Option<Trouble> {
    let own = rustix::process::geteuid().as_raw();
    let others =
        within.iter().filter(|path| fs::symlink_metadata(path).is_ok_and(|found| found.uid() != own));
    let others: Vec<&PathBuf> = others.collect();
    let message = match &others[..] {
        [] => return None,
        [one] => format!("{} belongs to another user, as if one had run git or instate here", one.display()),
        [first, ..] => format!(
            "{} in {} belong to other users, as if one had run git or instate here; the first is {}",
            count(others.len(), "file"),
            folder.display(),
            first.display()
        ),
    };
    let own = account_of(own).unwrap_or_else(|| own.to_string());
    Some(Trouble::error(message).help(format!("sudo chown -R -h {own} {}", typed(folder))))
}

/// What others can write of what is remembered.
fn writable_inside(state: &Path, within: &[PathBuf]) -> Option<Trouble> {
    let is_writable = |path: &&PathBuf| {
        let found = fs::symlink_metadata(path);
        found.is_ok_and(|found| !found.is_symlink() && found.permissions().mode() & 0o022 != 0)
    };
    let mut writable = within.iter().filter(is_writable);
    let first = writable.next()?;
    let more = match writable.count() {
        0 => String::new(),
        more => format!(" (and {} there)", count(more, "other file")),
    };
    let message = format!("{}{more} can be written by other Unix users, and is believed", first.display());
    Some(Trouble::error(message).help(format!("chmod -R go-w {}", typed(state))))
}

/// A folder in which this user cannot write.
fn read_only(folder: &Path, so: &str) -> Option<Trouble> {
    if !folder.is_dir() || accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
    {
        return None;
    }
    let shown = folder.display();
    let is_mounted = rustix::fs::statvfs(folder)
        .is_ok_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    Some(if is_mounted {
        let trouble = Trouble::error(format!("{shown} is on a file system that is mounted read-only, {so}"));
        match mount_point(folder) {
            Some(point) => trouble.help(format!("sudo mount -o remount,rw {}", typed(&point))),
            None => trouble.help("mount it so that it can be written"),
        }
    } else {
        Trouble::error(format!("{shown} cannot be written, {so}"))
            .help(format!("chmod u+rwx {}", typed(folder)))
    })
}

/// A file that decides, and that another than its reader and root could change.
fn changeable(path: &Path) -> Option<Trouble> {
    // What a link leads to is what decides; what is not there is said elsewhere.
    let path = fs::canonicalize(path).ok()?;
    let found = fs::metadata(&path).ok()?;
    let own = rustix::process::geteuid().as_raw();
    let shown = path.display();
    if found.uid() != own && found.uid() != 0 {
        let whose = account_of(found.uid()).unwrap_or_else(|| format!("uid {}", found.uid()));
        let message = format!("{shown} belongs to {whose}, who could decide what is deployed");
        return Some(Trouble::error(message).help(format!("sudo chown root {}", typed(&path))));
    }
    if found.permissions().mode() & 0o022 != 0 {
        let message =
            format!("{shown} can be written by other Unix users, who could decide what is deployed");
        return Some(Trouble::error(message).help(format!("chmod go-w {}", typed(&path))));
    }
    None
}

/// A folder in which everybody could put another file in the place of one that decides.
fn replaceable(path: &Path) -> Option<Trouble> {
    let path = fs::canonicalize(path).ok()?;
    let parent = path.parent()?;
    let mode = fs::metadata(parent).ok()?.permissions().mode();
    // Where only owners may remove names (as in /tmp), nobody does.
    (mode & 0o002 != 0 && mode & 0o1000 == 0).then(|| {
        let message =
            format!("{} can be written by everybody, who could put another file there", parent.display());
        Trouble::error(message).help(format!("chmod o-w {}", typed(parent)))
    })
}

/// A file with credentials that others can read: with them they need no push.
fn readable(path: &Path) -> Option<Trouble> {
    let found = fs::metadata(path).ok()?;
    let mode = found.permissions().mode();
    // root's file may be there for this user's group alone.
    let for_us = found.uid() == 0
        && rustix::process::geteuid().as_raw() != 0
        && found.gid() == rustix::process::getegid().as_raw();
    let mask = if for_us { 0o027 } else { 0o077 };
    if mode & mask == 0 {
        return None;
    }
    let message = format!("{} holds credentials, and other Unix users can read or write it", path.display());
    let which = if for_us { "g-w,o-rwx" } else { "go-rwx" };
    Some(Trouble::error(message).help(format!("chmod {which} {}", typed(path))))
}
