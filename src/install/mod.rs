//! Putting the hooks into a repository, and taking them away again without a trace.

pub(crate) mod deployed;
pub(crate) mod gate;
pub(crate) mod gitconfig;
mod gitolite;
pub(crate) mod hooks;
pub(crate) mod server;
mod settle;

use std::{collections::BTreeSet, fs, path::Path};

pub use deployed::stands;
pub use gate::kind;
pub(crate) use gitolite::MARK;
pub use hooks::{HOOKS, earlier};

use settle::{Settled, settle};

use crate::{
    config::Server,
    error::{Doing, Error, Result},
    files::{make_folder, replace},
    repository::Repository,
    trouble::typed,
};

/// What puts the hooks right, as one types it.
#[must_use]
pub fn command(repository: &Repository) -> String {
    format!("instate install {}", typed(repository.git_dir()))
}

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
    let mut said = vec![said];
    if let Some(text) = text {
        said.extend(keep_other(&path, &text)?);
        replace(&path, text.as_bytes())?;
    }
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

/// Keeps a configuration that another takes the place of.
fn keep_other(path: &Path, text: &str) -> Result<Option<String>> {
    let known = fs::read(path).unwrap_or_default();
    if known.is_empty() || known == text.as_bytes() {
        return Ok(None);
    }
    let kept = path.with_extension("yaml.before");
    replace(&kept, &known)?;
    Ok(Some(format!("the one that was there: {}", kept.display())))
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
