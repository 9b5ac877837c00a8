//! Putting the hooks into a repository, and taking them away again without a trace.

mod deployed;
mod gate;
mod gitconfig;
mod hooks;

use std::{collections::BTreeSet, fs, path::Path};

pub use deployed::stands;
pub use gate::kind;
pub use hooks::{HOOKS, earlier};

use crate::{
    config::{Config, TEMPLATE},
    error::{Doing, Error, Result},
    files::{make_folder, replace},
    repository::Repository,
};

/// Installs the hooks, or brings them up to date. Doing it twice changes nothing.
///
/// # Errors
/// The repository is of a kind where the hooks would not hold, and nothing was written; or it cannot be
/// written.
pub fn install(repository: &Repository, configuration: Option<&Path>) -> Result<Vec<String>> {
    gate::check(repository)?;
    let (text, config) = match configuration {
        Some(path) => {
            let read = Config::from_file(path).map_err(|error| {
                if path.exists() { error } else { error.help("name the file of a configuration as --config") }
            });
            let config = read?.apart_from(repository)?;
            (Some(fs::read(path).doing("read the configuration", path)?), Some(config))
        }
        None if repository.config_path()?.exists() => (None, Some(Config::load(repository)?)),
        None => (None, None),
    };
    if let Some(config) = &config {
        deployed::possible(repository, config)?;
    }
    let left: BTreeSet<String> = config.iter().flat_map(deployed::branches).collect();
    let mut said = Vec::new();
    let state = repository.state();
    make_folder(&state)?;
    repository.identify()?;
    let path = repository.config_path()?;
    match text {
        Some(text) => {
            replace(&path, &text)?;
            said.push(format!("configuration: {}", path.display()));
        }
        None if config.is_some() => {
            said.push(format!("configuration: {} (as it was)", path.display()));
        }
        None => {
            let name = repository.git_dir().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = TEMPLATE.replace("@DIRECTORY@", &format!("/srv/manifests/{name}"));
            replace(&path, text.as_bytes())?;
            said.push(format!("configuration: {} (new: edit it before the first push)", path.display()));
        }
    }
    let leaves = !left.is_empty();
    let installed = hooks::is_ours(&repository.git_dir().join("hooks").join(hooks::PROC_RECEIVE));
    // The hook is there before git asks it, and until git no longer does.
    if leaves {
        hooks::write(repository, leaves)?;
        gitconfig::set(repository, &left, installed)?;
    } else {
        gitconfig::set(repository, &left, installed)?;
        hooks::write(repository, leaves)?;
    }
    gate::holds(repository, leaves)?;
    for name in hooks::names(leaves) {
        let kept = if earlier(repository, name).is_some() { ", after the one that was there" } else { "" };
        said.push(format!("hook: {}{kept}", repository.git_dir().join("hooks").join(name).display()));
    }
    Ok(said)
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
