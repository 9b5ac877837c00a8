//! Putting the hooks into a repository, and taking them away again without a trace.

mod deployed;
mod gate;
mod gitconfig;
mod gitolite;
mod hooks;
mod server;

use std::{collections::BTreeSet, fs, path::Path};

pub use deployed::stands;
pub use gate::kind;
pub use hooks::{HOOKS, earlier};

use crate::{
    config::{self, Config, Server, TEMPLATE},
    error::{Doing, Error, Result},
    files::{make_folder, replace},
    repository::Repository,
};

/// Installs the hooks, or brings them up to date. Doing it twice changes nothing. `asked` is the server that is named;
/// where none is, what the configuration says, or the one that has put its own hooks there.
///
/// # Errors
/// The repository is of a kind where the hooks would not hold, and nothing was written; or it cannot be
/// written.
pub fn install(
    repository: &Repository,
    configuration: Option<&Path>,
    asked: Option<Server>,
) -> Result<Vec<String>> {
    gate::check(repository)?;
    let path = repository.config_path()?;
    let Settled { config, text, said } = settle(repository, &path, configuration, asked)?;
    let server = config.server;
    deployed::possible(repository, &config)?;
    server::runs_hooks(repository, server)?;
    let left: BTreeSet<String> = deployed::branches(&config);
    let state = repository.state();
    make_folder(&state)?;
    repository.identify()?;
    if let Some(text) = text {
        replace(&path, text.as_bytes())?;
    }
    let mut said = vec![said];
    let leaves = !left.is_empty();
    let installed = hooks::is_ours(&repository.git_dir().join("hooks").join(hooks::PROC_RECEIVE));
    // The hook is there before git asks it, and until git no longer does.
    if leaves {
        hooks::write(repository, server, leaves)?;
        gitconfig::set(repository, &left, installed)?;
    } else {
        gitconfig::set(repository, &left, installed)?;
        hooks::write(repository, server, leaves)?;
    }
    if server == Server::Gitolite {
        let left = gitolite::write(repository)?;
        if !left.is_empty() {
            said.extend(left);
            return Ok(said);
        }
    }
    gate::holds(repository, server, leaves)?;
    for name in hooks::names(leaves) {
        let path = server::entry(repository, server, name);
        let after = match server {
            Server::Bare if earlier(repository, name).is_some() => ", after the one that was there",
            Server::Gitea => ", after the server's own",
            Server::Bare | Server::Gitolite => "",
        };
        said.push(format!("hook: {}{after}", path.display()));
    }
    Ok(said)
}

/// A configuration that says which server it is for.
struct Settled {
    config: Config,
    /// What its file is to hold, where that is not what it holds.
    text: Option<String>,
    said: String,
}

/// The configuration that is given, or the one at `path`, or a commented one, with its server fixed in it: what a push
/// could seem to say of its server is never asked.
fn settle(
    repository: &Repository,
    path: &Path,
    given: Option<&Path>,
    asked: Option<Server>,
) -> Result<Settled> {
    let guess = asked.unwrap_or_else(|| server::guess(repository.git_dir()));
    let shown = path.display();
    let (from, is_new) = match given {
        Some(given) => (given, true),
        None if path.exists() => (path, false),
        None => {
            let name = repository.git_dir().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = TEMPLATE.replace("@DIRECTORY@", &format!("/srv/manifests/{name}"));
            let text = text.replace("@SERVER@", guess.word());
            let config = config::read(path, &text)?;
            let said = format!("configuration: {shown} (new: edit it before the first push)");
            return Ok(Settled { config, text: Some(text), said });
        }
    };
    let read = Config::text(from).map_err(|error| {
        if from.exists() { error } else { error.help("name the file of a configuration as --config") }
    });
    let text = read?;
    let mut found = config::read(from, &text);
    let named =
        asked.or_else(|| found.as_ref().ok().map(|config| config.server).filter(|it| *it != Server::Bare));
    let server = named.unwrap_or(guess);
    let mut said = format!("configuration: {shown}{}", if is_new { "" } else { " (as it was)" });
    let mut text = is_new.then_some(text);
    if found.as_ref().map_or(server != Server::Bare, |config| config.server != server) {
        // What only this server can do may be why it is wrong without it.
        let with = with_server(&Config::text(from)?, server);
        match config::read(from, &with) {
            Ok(config) => {
                said = format!(
                    "configuration: {shown} (with `server: {}`, which it did not say)",
                    server.word()
                );
                (found, text) = (Ok(config), Some(with));
            }
            Err(_) if found.is_ok() => {
                let message = format!("{} does not say `server: {}`", from.display(), server.word());
                let help = "write that line above `environments:`, in the place of another";
                return Err(Error::server(message).help(help));
            }
            Err(_) => {}
        }
    }
    let config = found?.apart_from(repository)?;
    Ok(Settled { config, text, said })
}

/// The text with a line for the server before its first key.
fn with_server(text: &str, server: Server) -> String {
    let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let first = text.split_inclusive('\n').take_while(|line| !is_key(line)).map(str::len).sum();
    let (before, after) = text.split_at(first);
    format!("{before}server: {}\n{after}", server.word())
}

/// Whether a hook of ours is in a repository, wherever a server looks for it.
#[must_use]
pub fn is_installed(repository: &Repository) -> bool {
    let has = |server| HOOKS.iter().any(|name| hooks::is_ours(&server::entry(repository, server, name)));
    Server::ALL.into_iter().any(has)
}

/// Takes the hooks away: `hooks/` and `config` are as they were before. The record and the journal stay,
/// unless `purge`.
///
/// # Errors
/// The files cannot be written.
pub fn uninstall(repository: &Repository, purge: bool) -> Result<Vec<String>> {
    // Before its hook goes: until then git would refuse what it leaves to it.
    gitconfig::restore(repository)?;
    hooks::remove(repository)?;
    let mut said = vec![format!("{} has no hooks of instate any more", repository.git_dir().display())];
    let state = repository.state();
    if purge {
        purge_record(repository)?;
        if state.exists() {
            fs::remove_dir_all(&state).doing("remove", &state)?;
        }
        let path = repository.git_dir().join("instate.yaml");
        if path.exists() {
            fs::remove_file(&path).doing("remove", &path)?;
        }
        said.push("its record, journal and configuration are gone; what is deployed stays".to_owned());
    } else {
        said.push(format!("its record, and its journal in {}, stay; --purge removes them", state.display()));
    }
    Ok(said)
}

/// Removes the refs of the record.
fn purge_record(repository: &Repository) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| Error::server(format!("cannot remove the record: {error}"));
    let references = repository.gix().references().map_err(|error| failed(&error))?;
    for prefix in ["refs/instate/", crate::record::NOTES] {
        for reference in references.prefixed(prefix).map_err(|error| failed(&error))? {
            let reference = reference.map_err(|error| failed(&error))?;
            reference.delete().map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}
