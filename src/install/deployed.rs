//! `accept: deployed`: git leaves an environment's branch to the `proc-receive` hook, and to nobody else. Whether that
//! is so is asked when instate is installed, and again at every push.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

use super::{
    gitconfig::{PROC_RECEIVE_REFS, list, told, unset, version},
    hooks::{HOOKS, PROC_RECEIVE, is_ours},
    server::{entry, guess},
};
use crate::{
    config::{Config, Environment, Server},
    error::{Error, Result},
    repository::Repository,
};

/// The first git with this hook.
const SINCE: (u32, u32) = (2, 29);
/// Hooks that git passes over where the branch is moved for it, so that their rules would not hold.
const PASSED_OVER: [&str; 2] = ["update", "reference-transaction"];

/// The branches that are git's no more, by their full names.
pub(super) fn branches(config: &Config) -> BTreeSet<String> {
    config.accept_deployed().map(|environment| environment.reference.clone()).collect()
}

/// What every refusal of another hook ends with.
const OTHERWISE: &str = "let its rules be instate's, and remove it; or write `accept: checked`";

/// Refuses a repository in which a branch cannot be left to us: another hook has a word after the deployment, or
/// would lose it.
pub(super) fn possible(repository: &Repository, config: &Config) -> Result<()> {
    impossibilities(repository, config)?.into_iter().next().map_or(Ok(()), Err)
}

/// Everything because of which a branch cannot be left to us.
fn impossibilities(repository: &Repository, config: &Config) -> Result<Vec<Error>> {
    let Some(first) = config.accept_deployed().next() else { return Ok(Vec::new()) };
    let git_dir = repository.git_dir();
    let (major, minor) = version(git_dir)?;
    if (major, minor) < SINCE {
        let why = format!("git {major}.{minor} is too old");
        return Ok(vec![impossible(first, &why, "git 2.29 or newer, or write `accept: checked`")]);
    }
    let reasons = in_the_way(git_dir, &list(git_dir)?)?.into_iter();
    Ok(reasons.map(|(why, help)| impossible(first, &why, &help)).collect())
}

/// Everything because of which git does not leave to us what the configuration says.
///
/// # Errors
/// It cannot be looked at.
pub fn amiss(repository: &Repository, config: &Config) -> Result<Vec<Error>> {
    let mut wrong = impossibilities(repository, config)?;
    if wrong.is_empty() {
        wrong.extend(untold(repository, config, list(repository.git_dir())?));
    }
    Ok(wrong)
}

fn impossible(environment: &Environment, why: &str, help: &str) -> Error {
    let message = format!("`{}` cannot have `accept: deployed` here: {why}", environment.name);
    Error::server(message).help(help)
}

/// What stands in the way, and what to do about it.
fn in_the_way(git_dir: &Path, settings: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let hooks = git_dir.join("hooks");
    let server = guess(git_dir);
    if server != Server::Bare {
        let why = format!("{server} keeps rules in hooks of its own, which git would pass over");
        let help = "write `accept: checked`, or push to a bare repository that git alone serves";
        return Ok(vec![(why, help.to_owned())]);
    }
    let mut found = Vec::new();
    for name in PASSED_OVER {
        if would_run(&hooks.join(name)) || hooks.join(format!("{name}.d")).exists() {
            let why = format!("git would pass over the hook `{name}`, so that its rules would not hold");
            found.push((why, OTHERWISE.to_owned()));
        }
    }
    let own = hooks.join(PROC_RECEIVE);
    let is_there = fs::symlink_metadata(&own).is_ok();
    // Ours may be gone: what git leaves to it is then still what we told it.
    let ours = is_ours(&own) || !is_there && told(git_dir)?;
    if is_there && !ours {
        found.push(("another `proc-receive` hook is there".to_owned(), OTHERWISE.to_owned()));
    }
    for (key, value) in settings {
        let of_hook = key.strip_prefix("hook.").and_then(|rest| rest.rsplit_once('.'));
        if of_hook.is_some_and(|(_, setting)| setting == "event") {
            let event = value.as_str();
            if PASSED_OVER.contains(&event) || event == PROC_RECEIVE {
                found.push((format!("git's configuration has a hook for `{event}`"), OTHERWISE.to_owned()));
            }
        }
        if key == "receive.shallowupdate" && !matches!(value.as_str(), "false" | "no" | "off" | "0" | "") {
            let why = "receive.shallowUpdate is on, and git would not check what such a push lacks";
            found.push((why.to_owned(), unset(git_dir, "receive.shallowUpdate")?));
        }
        if key == PROC_RECEIVE_REFS && !(ours && value.starts_with("refs/heads/")) {
            found.push((format!("git leaves {value} to another `proc-receive` hook"), OTHERWISE.to_owned()));
        }
    }
    Ok(found)
}

/// Makes sure, at a push, that hooks and git are as the configuration says: that it is this server's hooks that run, and
/// that git leaves to us the branches of `accept: deployed`, and no others.
///
/// # Errors
/// They are not, or another hook came since.
pub fn stands(repository: &Repository, config: &Config) -> Result<()> {
    if !stand(repository, config.server) {
        return Err(misplaced(repository, config.server));
    }
    let (git_dir, hook) = (repository.git_dir(), repository.git_dir().join("hooks").join(PROC_RECEIVE));
    if branches(config).is_empty() && !is_ours(&hook) {
        return Ok(());
    }
    let settings = list(git_dir)?;
    if let Some(first) = config.accept_deployed().next()
        && let Some((why, help)) = in_the_way(git_dir, &settings)?.into_iter().next()
    {
        return Err(impossible(first, &why, &help));
    }
    untold(repository, config, settings).map_or(Ok(()), Err)
}

/// Whether our hooks are where `server` looks for them.
#[must_use]
pub fn stand(repository: &Repository, server: Server) -> bool {
    HOOKS.iter().all(|name| is_ours(&entry(repository, server, name)))
}

/// Our hooks are not where `server` looks for them.
#[must_use]
pub fn misplaced(repository: &Repository, server: Server) -> Error {
    let message = format!("the hooks are not where `server: {}` has them", server.word());
    Error::server(message).help(format!("instate install {}", repository.git_dir().display()))
}

/// Git was told to leave other branches to us than the configuration says, or would find no hook for them.
fn untold(repository: &Repository, config: &Config, settings: Vec<(String, String)>) -> Option<Error> {
    let (git_dir, wanted) = (repository.git_dir(), branches(config));
    let hook = git_dir.join("hooks").join(PROC_RECEIVE);
    if wanted.is_empty() && !is_ours(&hook) {
        return None;
    }
    let set: BTreeSet<String> =
        settings.into_iter().filter(|(key, _)| key == PROC_RECEIVE_REFS).map(|(_, value)| value).collect();
    if set == wanted && (wanted.is_empty() || is_ours(&hook) && would_run(&hook)) {
        return None;
    }
    let message = "git does not know yet what `accept` in the configuration says now";
    Some(Error::server(message).help(format!("instate install {}", git_dir.display())))
}

/// Whether git runs this file as a hook, or will when what a link leads to is back.
fn would_run(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    !found.is_file() || found.permissions().mode() & 0o111 != 0
}
