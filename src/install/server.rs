//! Where a server looks for our hooks, and whether it does.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{gitolite, hooks::HOOKS};
use crate::{
    config::Server,
    error::{Error, Result},
    repository::Repository,
};

/// Where `server` looks for our hook `name`.
#[must_use]
pub fn entry(repository: &Repository, server: Server, name: &str) -> PathBuf {
    let hooks = repository.git_dir().join("hooks");
    match server {
        Server::Bare => hooks.join(name),
        Server::Gitolite => gitolite::entry(&hooks, name),
        // After its own, which is called `gitea`.
        Server::Gitea => hooks.join(format!("{name}.d")).join("instate"),
    }
}

/// Which server has put its own hooks into the repository at `git_dir`.
#[must_use]
pub fn guess(git_dir: &Path) -> Server {
    let hooks = git_dir.join("hooks");
    let gitea = ["pre-receive", "update", "post-receive", "proc-receive"];
    if gitea.iter().any(|name| hooks.join(format!("{name}.d")).join("gitea").exists()) {
        return Server::Gitea;
    }
    let update = fs::read_link(hooks.join("update")).unwrap_or_default();
    let gitolite = update.to_string_lossy().contains("gitolite") || hooks.join("gitolite-rc").exists();
    if gitolite { Server::Gitolite } else { Server::Bare }
}

/// Refuses a repository in which `server` would not run our hooks, or in which another one would take them away.
pub(super) fn runs_hooks(repository: &Repository, server: Server) -> Result<()> {
    amiss(repository, server).into_iter().next().map_or(Ok(()), Err)
}

/// Everything because of which `server` would not run our hooks, or another one would take them away.
#[must_use]
pub fn amiss(repository: &Repository, server: Server) -> Vec<Error> {
    let git_dir = repository.git_dir();
    let found = guess(git_dir);
    match server {
        Server::Gitea => HOOKS.iter().filter_map(|name| delegates(git_dir, name).err()).collect(),
        Server::Bare if found != Server::Bare => {
            let message = format!(
                "{} is a repository of {found}, which would put its own hooks in the place of ours",
                git_dir.display()
            );
            vec![Error::server(message).help(format!("write `server: {}`", found.word()))]
        }
        Server::Gitolite if found != Server::Gitolite => {
            let message = format!("{} is no repository of Gitolite's", git_dir.display());
            vec![Error::server(message).help("name one below ~/repositories, and run it as Gitolite's user")]
        }
        Server::Bare | Server::Gitolite => Vec::new(),
    }
}

/// Gitea's own hook `name` runs every file in the folder beside it, if it is as Gitea writes it.
fn delegates(git_dir: &Path, name: &str) -> Result<()> {
    let path = git_dir.join("hooks").join(name);
    let found = fs::symlink_metadata(&path);
    let runs = found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    let text = fs::read_to_string(&path).unwrap_or_default();
    // Without this check a hook in that folder would be passed over without a word.
    if runs && text.contains("${hookname}.d/*") && git_dir.join("hooks").join(format!("{name}.d")).is_dir() {
        return Ok(());
    }
    let message =
        format!("{} is not as Gitea and Forgejo write it, so they would not run ours", path.display());
    let help = if guess(git_dir) == Server::Gitea {
        "let it be written again, as the server's user: gitea admin regenerate hooks"
    } else {
        "if this repository is not Gitea's: write `server: bare`, or leave the line out"
    };
    Err(Error::server(message).help(help))
}
