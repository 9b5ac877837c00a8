//! The entry files of the hooks, and the hooks that were there before.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, AtFlags, CWD, StatVfsMountFlags};

use super::{gitolite, server::entry};
use crate::{
    config::Server,
    error::{Doing, Error, Result},
    point,
    repository::Repository,
};

/// The hooks that instate needs everywhere.
pub const HOOKS: [&str; 2] = ["pre-receive", "post-receive"];

/// The one that it needs where branches are left to it.
pub const PROC_RECEIVE: &str = "proc-receive";

/// What a hook that was there before is called now. It stays in its folder, so that what it finds beside
/// itself is still there.
const BEFORE: &str = ".before-instate";

/// What tells an entry file of ours from any other hook.
const SIGN: &str = "instate install --uninstall";

/// A hook that was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The file.
    pub path: PathBuf,
    /// Whether git ran it: it could be executed when instate was installed.
    pub ran: bool,
}

/// What stands where a hook of ours should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Ours, and it can be run.
    Ours,
    /// Nothing.
    Nothing,
    /// A link that leads to nothing, and where it leads.
    Dangling(PathBuf),
    /// Somebody else's.
    Another,
    /// Ours, and this user may not run it.
    NotToBeRun,
    /// Ours, on a file system from which nothing can be run.
    Noexec,
}

/// Looks at a hook as git does, which passes over what it cannot run without a word.
#[must_use]
pub fn look(path: &Path) -> Found {
    if fs::symlink_metadata(path).is_err() {
        return Found::Nothing;
    }
    if let (Ok(leads), Err(_)) = (fs::read_link(path), fs::metadata(path)) {
        return Found::Dangling(leads);
    }
    if !is_ours(path) {
        return Found::Another;
    }
    if rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok() {
        return Found::Ours;
    }
    let mounted = rustix::fs::statvfs(path).is_ok_and(|it| it.f_flag.contains(StatVfsMountFlags::NOEXEC));
    if mounted { Found::Noexec } else { Found::NotToBeRun }
}

/// The program that an entry file of ours runs.
#[must_use]
pub fn program(path: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(path).ok().filter(|_| is_ours(path))?;
    let line = text.lines().find_map(|line| line.strip_prefix("exec '"))?;
    let (quoted, _) = line.split_once("' hook ")?;
    Some(quoted.replace(r"'\''", "'").into())
}

/// Whether an entry file is, to the byte, one that this version writes.
#[must_use]
pub fn is_as_written(path: &Path, server: Server, name: &str) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    let Some(program) = program(path) else { return false };
    match server {
        Server::Gitolite => gitolite::texts(name, &program).is_ok_and(|written| written.contains(&text)),
        Server::Bare | Server::Gitea => text_for(name, "", &program).is_ok_and(|written| written == text),
    }
}

/// The hook that was there before ours, if there was one.
#[must_use]
pub fn earlier(repository: &Repository, name: &str) -> Option<Earlier> {
    let path = folder(repository).join(format!("{name}{BEFORE}"));
    fs::symlink_metadata(&path).ok()?;
    let ran = !skipped(repository, name).exists();
    Some(Earlier { path, ran })
}

/// The hooks that instate has.
pub fn names(leaves: bool) -> impl Iterator<Item = &'static str> {
    HOOKS.into_iter().chain(leaves.then_some(PROC_RECEIVE))
}

/// Writes the entry files where `server` looks for them; that of `proc-receive` where git leaves branches to us.
pub(super) fn write(repository: &Repository, server: Server, leaves: bool) -> Result<()> {
    let folder = folder(repository);
    if !folder.exists() {
        fs::create_dir(&folder).doing("make the folder", &folder)?;
        let made = made(repository);
        fs::write(&made, "").doing("write", &made)?;
    }
    for name in names(leaves).filter(|_| server != Server::Gitolite) {
        let path = entry(repository, server, name);
        if fs::symlink_metadata(&path).is_ok() && !is_ours(&path) {
            if server != Server::Bare {
                let error = Error::server(format!("{} is there, and not instate's", path.display()));
                return Err(error.help("remove it, or give it another name"));
            }
            keep(repository, name, &path)?;
            point::reach("hook-kept");
        }
        // Not beside it: Gitea runs every file that stands there.
        let new = folder.join(format!("{name}.instate-new"));
        fs::write(&new, text(name, "")?).doing("write", &new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).doing("make executable", &new)?;
        fs::rename(&new, &path).doing("write", &path)?;
    }
    if !leaves {
        remove_proc_receive(repository)?;
    }
    // Only now, so that there is no moment without one.
    let first = |server| entry(repository, server, HOOKS[0]);
    let others = Server::ALL.into_iter().filter(|other| first(*other) != first(server));
    others.into_iter().try_for_each(|other| remove_of(repository, other))
}

/// The entry file of the hook `name`, which does `first` before anything else.
pub(super) fn text(name: &str, first: &str) -> Result<String> {
    text_for(name, first, &this_program()?)
}

/// Where this program is.
pub(super) fn this_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| Error::server(format!("cannot find instate itself: {error}")))
}

/// The same, which runs `program`.
pub(super) fn text_for(name: &str, first: &str, program: &Path) -> Result<String> {
    let text = match name {
        "pre-receive" => include_str!("../../hooks/pre-receive"),
        PROC_RECEIVE => include_str!("../../hooks/proc-receive"),
        _ => include_str!("../../hooks/post-receive"),
    };
    Ok(text.replace("@FIRST@", first).replace("@PROGRAM@", &quote(program)?))
}

/// Removes our `proc-receive`, which git no longer asks.
fn remove_proc_receive(repository: &Repository) -> Result<()> {
    let path = folder(repository).join(PROC_RECEIVE);
    if is_ours(&path) { fs::remove_file(&path).doing("remove", &path) } else { Ok(()) }
}

/// Removes the entry files and puts back what was there before.
pub(super) fn remove(repository: &Repository) -> Result<()> {
    let folder = folder(repository);
    gitolite::remove(repository)?;
    Server::ALL.into_iter().try_for_each(|server| remove_of(repository, server))?;
    remove_proc_receive(repository)?;
    let made = made(repository);
    if made.exists() {
        // Somebody may have put a hook of their own there since.
        let _ = fs::remove_dir(&folder);
        fs::remove_file(&made).doing("remove", &made)?;
    }
    Ok(())
}

/// Removes the entry files that are where `server` looks for them.
fn remove_of(repository: &Repository, server: Server) -> Result<()> {
    for name in HOOKS {
        let path = entry(repository, server, name);
        let earlier = earlier(repository, name).filter(|_| path == folder(repository).join(name));
        if is_ours(&path) {
            match &earlier {
                // One step, so that no push comes between.
                Some(earlier) => fs::rename(&earlier.path, &path).doing("put back", &path)?,
                None => fs::remove_file(&path).doing("remove", &path)?,
            }
        }
        let skipped = skipped(repository, name);
        if earlier.is_some() && skipped.exists() {
            fs::remove_file(&skipped).doing("remove", &skipped)?;
        }
    }
    Ok(())
}

fn keep(repository: &Repository, name: &str, path: &Path) -> Result<()> {
    let kept = path.with_file_name(format!("{name}{BEFORE}"));
    let file = |path: &Path| fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let known = file(&kept);
    // One and the same where installing was cut off here.
    if known.is_some() && known != file(path) {
        let error = Error::server(format!(
            "{} is not instate's, and {} is there too",
            path.display(),
            kept.display()
        ));
        return Err(error.help("keep one of the two, and remove the other"));
    }
    let runs =
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if !runs {
        let skipped = skipped(repository, name);
        fs::write(&skipped, "").doing("write", &skipped)?;
    }
    if known.is_some() {
        return Ok(());
    }
    // A second name for it, so that there is no moment without a hook: ours takes the first one in one step.
    // Where it is somebody else's, the kernel may refuse that: then a copy.
    let copy = |_| match fs::read_link(path) {
        Ok(to) => std::os::unix::fs::symlink(to, &kept),
        Err(_) => fs::copy(path, &kept).map(|_| ()),
    };
    fs::hard_link(path, &kept).or_else(copy).doing("keep", path)
}

/// Whether this is an entry file of ours, or a link to one.
#[must_use]
pub fn is_ours(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() < 4096)
        && fs::read_to_string(path).is_ok_and(|text| text.contains(SIGN))
}

fn folder(repository: &Repository) -> PathBuf {
    repository.git_dir().join("hooks")
}

/// Remembers that git did not run the hook `name` that was there before.
fn skipped(repository: &Repository, name: &str) -> PathBuf {
    repository.state().join(format!("{name}.skipped"))
}

/// Remembers that the folder of hooks was made by us.
fn made(repository: &Repository) -> PathBuf {
    repository.state().join("hooks.made")
}

/// A path as one word of a shell.
fn quote(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| crate::text::is_clean(text));
    let text = text.ok_or_else(|| {
        Error::server(format!("the path of the program, {}, is no plain text", path.display()))
    })?;
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_path_is_one_word_of_a_shell_whatever_it_holds() {
        let path = std::path::Path::new("/a b/it's/$(x)");
        assert_eq!(quote(path).expect("it is text"), r"'/a b/it'\''s/$(x)'");
    }
}
