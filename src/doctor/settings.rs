//! What Git is told, in all of its files, and what it left behind.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::Patient;
use crate::{
    config::{Accept, Server},
    error::Result,
    install::{
        deployed, gate,
        gitconfig::{PROC_RECEIVE_REFS, SETTINGS, list, unset},
        hooks::PROC_RECEIVE,
    },
    record::{NOTES, deployed_ref},
    trouble::{Trouble, typed},
};

/// A lock of Git's that is this old is held by nobody: it holds one for moments.
const LEFT: Duration = Duration::from_secs(600);

/// What is wrong with Git's settings; what only matters where the hooks `stand` is not asked where they do not.
///
/// # Errors
/// There is no git, or it cannot read them.
pub(super) fn examine(patient: &Patient<'_>, stand: bool) -> Result<Vec<Trouble>> {
    let Patient { repository, config, server, .. } = *patient;
    let git_dir = repository.git_dir();
    let settings = list(git_dir)?;
    let mut found: Vec<Trouble> = gate::settings_amiss(repository)?.into_iter().map(Trouble::from).collect();
    for (key, needed) in SETTINGS {
        let so = match key {
            "receive.fsckObjects" => "git takes objects that are broken",
            _ => "options of a push (git push -o) are refused",
        };
        if !is_on(&settings, key).unwrap_or(false) {
            let message = format!("{key} is not {needed}, so that {so}");
            let help = format!("git -C {} config {key} {needed}", typed(git_dir));
            found.push(Trouble::warning(message).help(help));
        }
    }
    if server == Server::Bare && is_on(&settings, "http.receivepack") == Some(true) {
        let message =
            "http.receivepack is on: a web server that asks nobody who they are lets everybody push";
        let help = unset(git_dir, "http.receivepack")?;
        found.push(Trouble::warning(message).help(help));
    }
    if let Some(config) = config.filter(|_| stand) {
        found.extend(deployed::amiss(repository, config)?.into_iter().map(Trouble::from));
        found.extend(left_to_nobody(patient, &settings)?);
    }
    found.extend(locks(patient));
    Ok(found)
}

/// What a setting that is yes or no is; the last one counts.
fn is_on(settings: &[(String, String)], key: &str) -> Option<bool> {
    let (_, value) = settings.iter().rev().find(|(set, _)| set.eq_ignore_ascii_case(key))?;
    let value = value.to_ascii_lowercase();
    Some(!matches!(value.as_str(), "false" | "no" | "off" | "0" | ""))
}

/// A branch of `accept: checked` that git leaves to a hook which is not there: it takes no push to it.
fn left_to_nobody(patient: &Patient<'_>, settings: &[(String, String)]) -> Result<Option<Trouble>> {
    let Patient { repository, config, server, .. } = *patient;
    let git_dir = repository.git_dir();
    let hook = git_dir.join("hooks").join(PROC_RECEIVE);
    if server != Server::Bare || hook.exists() {
        return Ok(None);
    }
    let left = |reference: &str| {
        settings.iter().filter(|(key, _)| key == PROC_RECEIVE_REFS).any(|(_, value)| {
            let below = reference.strip_prefix(value.trim_end_matches('/'));
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let environments = config.into_iter().flat_map(|config| &config.environments);
    let mut checked = environments.filter(|environment| environment.accept == Accept::Checked);
    let Some(environment) = checked.find(|environment| left(&environment.reference)) else { return Ok(None) };
    let message = format!(
        "git leaves {} to a `{PROC_RECEIVE}` hook, and there is none, so that every push is refused",
        environment.branch()
    );
    Ok(Some(Trouble::error(message).help(unset(git_dir, "receive.procReceiveRefs")?)))
}

/// Locks that a git which died has left: whatever needs them fails.
fn locks(patient: &Patient<'_>) -> Vec<Trouble> {
    let git_dir = patient.repository.git_dir();
    let environments = patient.config.into_iter().flat_map(|config| &config.environments);
    let refs = environments.flat_map(|one| [one.reference.clone(), deployed_ref(&one.name)]);
    let names =
        ["config", "packed-refs", "HEAD", "shallow", NOTES].map(ToOwned::to_owned).into_iter().chain(refs);
    let locks = names.map(|name| git_dir.join(format!("{name}.lock")));
    locks.filter(|path| is_left(path)).map(|path| left_behind(&path)).collect()
}

fn left_behind(path: &Path) -> Trouble {
    let message =
        format!("{} was left by a git that is gone, so that what it locks cannot be changed", path.display());
    Trouble::error(message).help(format!("rm {}", typed(path)))
}

fn is_left(path: &Path) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|found| found.modified());
    changed.is_ok_and(|then| SystemTime::now().duration_since(then).is_ok_and(|age| age > LEFT))
}

#[cfg(test)]
mod tests {
    use super::is_on;

    #[test]
    fn the_last_value_of_a_setting_counts_and_is_read_as_git_reads_it() {
        let of = |values: &[&str]| {
            let settings: Vec<_> =
                values.iter().map(|value| ("receive.fsckobjects".to_owned(), (*value).to_owned())).collect();
            is_on(&settings, "receive.fsckObjects")
        };
        assert_eq!(of(&[]), None);
        for on in ["true", "yes", "on", "1", "True"] {
            assert_eq!(of(&["false", on]), Some(true), "{on}");
        }
        for off in ["false", "no", "off", "0", "", "FALSE"] {
            assert_eq!(of(&["true", off]), Some(false), "{off}");
        }
    }
}
