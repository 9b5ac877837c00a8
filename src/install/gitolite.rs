//! Gitolite links the files of its folder of common hooks into every repository, and a repository's own ones where its
//! configuration names them. What we write there does nothing in a repository that is not ours.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    gate,
    hooks::{self, HOOKS, is_ours},
};
use crate::{
    error::{Doing, Error, Result},
    files::make_folder,
    repository::Repository,
};

/// In a repository's folder of ours: this is one, so the common hooks mean it.
pub const MARK: &str = "gitolite";
/// The first line of a hook that stands in every repository.
const GUARD: &str = "[ -e instate/gitolite ] || exit 0\n";
/// Which hook a repository's own one is to be.
const WHICH: &str = "case ${0##*/} in pre-receive*) hook=pre-receive ;; *) hook=post-receive ;; esac\n";
/// A repository's own hook is one file for all of them, called by names as `pre-receive.h00-instate`.
const OWN: &str = "instate";

/// The hook `name` in a repository: its own one where it has one, else the common one.
pub(super) fn entry(hooks: &Path, name: &str) -> PathBuf {
    let beginning = format!("{name}.h");
    let is_own = |file: &str| file.starts_with(&beginning) && file.ends_with(&format!("-{OWN}"));
    let entries = fs::read_dir(hooks).into_iter().flatten().flatten();
    let own = entries
        .map(|entry| entry.path())
        .find(|path| path.file_name().and_then(|it| it.to_str()).is_some_and(is_own));
    own.unwrap_or_else(|| hooks.join(name))
}

/// Writes the common hooks and links them into this repository, as Gitolite itself does. Where the common ones are
/// somebody else's, writes the file of a repository's own ones; what is then still to be done is said.
pub(super) fn write(repository: &Repository) -> Result<Vec<String>> {
    let mark = repository.state().join(MARK);
    fs::write(&mark, "").doing("write", &mark)?;
    let own = query("LOCAL_CODE")?;
    let base = match &own {
        Some(own) => own.clone(),
        None => query("GL_ADMIN_BASE")?
            .ok_or_else(|| Error::server("Gitolite does not say where its hooks are"))?,
    };
    let common = base.join("hooks").join("common");
    let is_taken = |name: &&str| {
        let path = common.join(name);
        fs::symlink_metadata(&path).is_ok() && !is_ours(&path)
    };
    if let Some(taken) = HOOKS.iter().copied().find(is_taken) {
        let own = own.map(|own| own.join("hooks").join("repo-specific"));
        return own_ones(repository, own.as_deref(), &common.join(taken));
    }
    make_folder(&common)?;
    gate::ours_alone(&[base.join("hooks"), common.clone()])?;
    for name in HOOKS {
        let path = common.join(name);
        // Not in that folder, all of which Gitolite links.
        put(&base.join("hooks"), &path, &hooks::text(name, GUARD)?)?;
        link(&path, &repository.git_dir().join("hooks").join(name))?;
    }
    Ok(Vec::new())
}

/// Writes the file of hooks that a repository's configuration names.
fn own_ones(repository: &Repository, folder: Option<&Path>, taken: &Path) -> Result<Vec<String>> {
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        let error = Error::server(format!("{} is there, and not instate's", taken.display()));
        let help = "let Gitolite have hooks for each repository (LOCAL_CODE and 'repo-specific-hooks' in ~/.gitolite.rc)";
        return Err(error.help(help));
    };
    gate::ours_alone(&[folder.to_owned()])?;
    put(folder, &folder.join(OWN), &own_text(&hooks::this_program()?)?)?;
    let there = HOOKS.iter().all(|name| is_ours(&entry(&repository.git_dir().join("hooks"), name)));
    let lines = HOOKS.iter().map(|name| format!("    option hook.{name} = {OWN}"));
    let said =
        "not yet: Gitolite runs it for this repository with these lines in conf/gitolite.conf:".to_owned();
    Ok(if there { Vec::new() } else { std::iter::once(said).chain(lines).collect() })
}

/// The text of a repository's own hooks, which run `program`.
fn own_text(program: &Path) -> Result<String> {
    let text = hooks::text_for(HOOKS[0], &format!("{GUARD}{WHICH}"), program)?;
    Ok(text.replace("hook pre-receive", "hook \"$hook\""))
}

/// What may stand in a repository as the hook `name`.
pub(super) fn texts(name: &str, program: &Path) -> Result<[String; 2]> {
    Ok([hooks::text_for(name, GUARD, program)?, own_text(program)?])
}

/// Takes the links away; the common files stay, which other repositories have, too.
pub(super) fn remove(repository: &Repository) -> Result<()> {
    let mark = repository.state().join(MARK);
    if !mark.exists() {
        return Ok(());
    }
    for name in HOOKS {
        let path = repository.git_dir().join("hooks").join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) && is_ours(&path) {
            fs::remove_file(&path).doing("remove", &path)?;
        }
    }
    // Last of all: without it the hooks let everything pass.
    fs::remove_file(&mark).doing("remove", &mark)
}

/// Writes a hook by way of a file in `beside`.
fn put(beside: &Path, path: &Path, text: &str) -> Result<()> {
    let new = beside.join(format!("{}.instate-new", path.file_name().unwrap_or_default().to_string_lossy()));
    fs::write(&new, text).doing("write", &new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).doing("make executable", &new)?;
    fs::rename(&new, path).doing("write", path)
}

/// Links `to` as `path`, in one step.
fn link(to: &Path, path: &Path) -> Result<()> {
    if fs::read_link(path).is_ok_and(|leads| leads == to) {
        return Ok(());
    }
    if fs::symlink_metadata(path).is_ok() && !is_ours(path) {
        let error = Error::server(format!("{} is there, and not instate's", path.display()));
        return Err(error.help("remove it: Gitolite would put its link in its place"));
    }
    let new = path.with_extension("instate-new");
    let _ = fs::remove_file(&new);
    symlink(to, &new).doing("link", &new)?;
    fs::rename(&new, path).doing("link", path)
}

/// A variable of Gitolite's configuration, which only it can read.
fn query(variable: &str) -> Result<Option<PathBuf>> {
    let mut command = Command::new("gitolite");
    command.args(["query-rc", variable]).stdin(Stdio::null()).stderr(Stdio::null());
    let done = command.output().doing("run", Path::new("gitolite"));
    let done = done.map_err(|error| error.help("run it as Gitolite's user, where `gitolite` is found"))?;
    let path = PathBuf::from(String::from_utf8_lossy(&done.stdout).trim());
    Ok((done.status.success() && path.is_absolute()).then_some(path))
}
